"""A client of the command API, written from its description alone: nothing here knows how the server does it.

    client = WapiClient(server.url, "harbor", "correct-horse")          # XML; format="json" for the other door
    reply = client.call("poll-ack", {"id": 51}, cltrid="job-17")
    reply.code, reply.result, reply.cltrid, reply.svtrid, reply.command, reply.data

Its server should take the last hour's auth too, as those of tests/wire/wapi do: the hour may end on a request's way.
What a client says in its form can take three shapes: encoding="urlencoded", as most do it; "raw", as shell clients do,
which leave the document as it is; "multipart". document() and post() are for requests that no client should make.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import http.client
import json
import uuid
import xml.etree.ElementTree as ElementTree
from typing import Any
from urllib.parse import quote_plus, urlsplit
from xml.sax.saxutils import escape

DEADLINE_S = 30.0
URLENCODED = "application/x-www-form-urlencoded"


def prague_hour(at: datetime.datetime) -> str:
    """Two digits. Summer time is from the last Sunday of March to that of October, 01:00 UTC."""

    def change(month: int) -> datetime.datetime:
        last = datetime.datetime(at.year, month, 31, 1, tzinfo=datetime.timezone.utc)
        return last - datetime.timedelta(days=(last.weekday() + 1) % 7)

    is_summer = change(3) <= at < change(10)
    return f"{(at.hour + (2 if is_summer else 1)) % 24:02d}"


def auth(user: str, password: str, hour: str) -> str:
    return hashlib.sha1((user + hashlib.sha1(password.encode()).hexdigest() + hour).encode()).hexdigest()


class Reply:
    """An answer; what is absent in it is None."""

    def __init__(self, raw: bytes, headers: http.client.HTTPMessage):
        self.raw = raw
        self.headers = headers
        root, self.members = _parse_xml(raw) if raw.startswith(b"<") else _parse_json(raw)
        assert root == "response", raw
        self.order = list(self.members)
        self.code = int(self.members["code"])
        self.result: str = self.members["result"]
        self.timestamp = int(self.members["timestamp"])
        self.cltrid: str | None = self.members.get("clTRID")
        self.svtrid: str = self.members["svTRID"]
        self.command: str | None = self.members.get("command")
        self.data: Any = self.members.get("data")
        self.test: Any = self.members.get("test")

    def __repr__(self) -> str:
        return f"Reply({self.raw!r})"

    def expect(self, code: int) -> Reply:
        assert self.code == code, f"expected {code}, got {self!r}"
        return self


class WapiClient:
    def __init__(self, url: str, user: str, password: str, format: str = "xml", encoding: str = "urlencoded"):
        self.url = url
        self.user = user
        self.password = password
        self.format = format
        self.encoding = encoding
        self.hour: str | None = None  # None: that of the machine's clock
        self.headers: dict[str, str] = {}  # further ones of every request
        self.path = f"/wapi/{format}"
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=DEADLINE_S)

    def with_format(self, format: str) -> WapiClient:
        return WapiClient(self.url, self.user, self.password, format, self.encoding)

    def disconnect(self) -> None:
        """The next call makes a new connection."""
        self._connection.close()

    def call(self, command: str, data: Any = None, cltrid: str | None = None, **members: Any) -> Reply:
        """members are further ones of the envelope, or others in place of user, auth, ..; None leaves one out."""
        envelope = {
            "user": self.user, "auth": self.auth(), "command": command, "clTRID": cltrid, "data": data, **members,
        }
        return self.post_document(self.document({k: v for k, v in envelope.items() if v is not None}))

    def auth(self) -> str:
        """What is right now: for documents that a test writes itself."""
        hour = self.hour or prague_hour(datetime.datetime.now(datetime.timezone.utc))
        return auth(self.user, self.password, hour)

    def document(self, envelope: dict) -> str:
        if self.format == "json":
            return json.dumps({"request": envelope})
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<request>{_to_xml(envelope)}</request>'

    def post_document(self, document: str | bytes) -> Reply:
        content_type, body = form(document, self.encoding)
        return self.post(body, content_type)

    def post(self, body: bytes, content_type: str | None = URLENCODED) -> Reply:
        """Any body; the answer has to be one of the API."""
        status, headers, raw = self.exchange("POST", body, content_type)
        assert status == 200, (status, raw)
        return Reply(raw, headers)

    def exchange(self, method: str, body: bytes = b"", content_type: str | None = URLENCODED, path: str | None = None):
        """A server that has heard enough of a long body answers and closes; its answer can be read all the same."""
        headers = {**self.headers, **({"Content-Type": content_type} if content_type else {})}
        try:
            if not self._connection.sock:
                self._connection.connect()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._connection.request(method, path or self.path, body, headers)
            response = self._connection.getresponse()
            return response.status, response.headers, response.read()
        except Exception:
            self._connection.close()
            raise


def form(document: str | bytes, encoding: str) -> tuple[str, bytes]:
    """Content type and body of a form whose parameter `request` is the document."""
    data = document.encode() if isinstance(document, str) else document
    if encoding == "urlencoded":
        return URLENCODED, b"request=" + quote_plus(data).encode()
    if encoding == "raw":
        return URLENCODED, b"request=" + data
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="request"\r\n\r\n'
    return f"multipart/form-data; boundary={boundary}", head.encode() + data + f"\r\n--{boundary}--\r\n".encode()


def _to_xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(_element(name, each) for name, each in value.items())
    return escape(str(value))


def _element(name: str, value: Any) -> str:
    """A list is the element several times."""
    if isinstance(value, list):
        return "".join(_element(name, each) for each in value)
    return f"<{name}>{_to_xml(value)}</{name}>"


def _parse_xml(raw: bytes) -> tuple[str, dict]:
    root = ElementTree.fromstring(raw)
    return root.tag, {child.tag: _from_xml(child) for child in root}


def _from_xml(element: ElementTree.Element) -> Any:
    if len(element) == 0:
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        value = _from_xml(child)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found


def _parse_json(raw: bytes) -> tuple[str, dict]:
    document = json.loads(raw)
    assert len(document) == 1, raw
    (root,) = document
    return root, document[root]
