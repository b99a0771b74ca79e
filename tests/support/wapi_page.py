"""The command API seen by somebody who has its description and nothing else: strings, bytes, and the standard library.

    harbor = Customer(server.port, "harbor", "correct-horse")
    reply = harbor.xml("poll-ack", "<id>51</id>", "job-17")    # or harbor.json("poll-ack", {"id": 51}, "job-17")
    reply.code, reply.cltrid, reply.svtrid, reply.data, reply.raw

Every reply is held against the page's rules for replies as it is read: the order of its members, their JSON types, the
form of svTRID, the text of each code. So a test asserts only what it is about. wapi_client.py helps to drive the API;
this one judges it.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote_plus
from xml.etree import ElementTree
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

DEADLINE_S = 30.0
PRAGUE = ZoneInfo("Europe/Prague")
FORM = "application/x-www-form-urlencoded"
ANY_MINUTE = {"previous_hour": "1h"}  # [wapi], where a test may begin in one hour and end in the next

MEMBERS = ["code", "result", "timestamp", "clTRID", "svTRID", "command", "data"]
NOTIFY_MEMBERS = ["code", "result", "timestamp", "clTRID", "svTRID", "command", "id", "data"]
SVTRID = re.compile(r"[0-9]{10}\.[0-9]+\.[0-9]+(\.[0-9]+)?")

TEXTS = {
    1000: "OK",
    1001: "Request pending",
    1002: "Notification aquired",
    1003: "Empty notifications queue",
    2000: "Request parse error",
    2001: "Invalid request - required parameter missing: user",
    2002: "Invalid request - required parameter missing: auth",
    2003: "Invalid request - required parameter missing: command",
    2004: "Invalid request - only one data element is allowed",
    2005: "Invalid request - clTRID parameter is too long",
    2006: "Requests limit exceeded",
    2007: "Invalid request - maximum request size exceeded",
    2008: "Invalid request - request is too complex",
    2009: "Invalid request - request is empty",
    2010: "Unknown command",
    2011: "Command disabled",
    2050: "Authentication failure",
    2051: "Access not allowed from this IP address",
    2052: "IP adress temporarily blocked due to too many failed requests",
    2100: "Required parameter missing",
    2101: "Parameters mismatch",
    2102: "Invalid request - input data encoding mismatch",
    2150: "Notification polling not allowed for this account",
    2151: "Notification does not exist",
    4000: "Internal error",
}


# What a customer computes


def prague_hour(at: datetime) -> str:
    return at.astimezone(PRAGUE).strftime("%H")


def auth(user: str, password: str, hour: str) -> str:
    return _sha1(user + _sha1(password) + hour)


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def form(document: str | bytes) -> bytes:
    return b"request=" + quote_plus(document if isinstance(document, bytes) else document.encode()).encode()


# What comes back


class Reply:
    """One reply; what is not in it is None. data is the element in XML, and the value in JSON."""

    def __init__(self, raw: bytes, kind: str):
        self.raw = raw
        self.kind = kind
        self.names, found = _read_xml(raw) if kind == "xml" else _read_json(raw)
        self.code = int(found["code"])
        self.result: str = found["result"]
        self.timestamp = int(found["timestamp"])
        self.cltrid: str | None = found.get("clTRID")
        self.svtrid: str = found["svTRID"]
        self.command: str | None = found.get("command")
        self.data: Any = found.get("data")
        self.test: Any = found.get("test")
        self._check(found)

    def _check(self, found: dict) -> None:
        names = [name for name in self.names if name != "test"]  # whether and where it is echoed is not known
        assert names == [name for name in MEMBERS if name in names], self
        assert re.fullmatch(r"[0-9]{4}", str(found["code"])) and SVTRID.fullmatch(self.svtrid), self
        assert self.result == TEXTS.get(self.code, self.result), self

    def __repr__(self) -> str:
        return f"Reply({self.raw!r})"

    def expect(self, *codes: int) -> Reply:
        assert self.code in codes, f"expected {codes}: {self!r}"
        return self

    @property
    def notify(self) -> Notify:
        assert self.code == 1000, self
        if self.kind == "json":
            assert list(self.data) == ["notify"], self
            return Notify.from_json(self.data["notify"])
        assert [child.tag for child in self.data] == ["notify"], self
        return Notify.from_xml(self.data[0])


class Notify:
    """A notification, from wherever it came. value has what is in it: text, or more of the same; a list if repeated."""

    def __init__(self, names: list[str], value: dict):
        assert names == [name for name in NOTIFY_MEMBERS if name in names], names
        assert {"code", "result", "timestamp", "svTRID", "command", "id"} <= set(names), names
        assert SVTRID.fullmatch(value["svTRID"]), value
        assert re.fullmatch(r"[1-9][0-9]*", str(value["id"])), value
        self.names = names
        self.value = value
        self.code = int(value["code"])
        self.id = int(value["id"])

    @classmethod
    def from_xml(cls, element: ElementTree.Element) -> Notify:
        assert element.tag == "notify" and not element.attrib, element
        return cls([child.tag for child in element], to_value(element))

    @classmethod
    def from_json(cls, value: dict) -> Notify:
        return cls(list(value), value)

    @classmethod
    def from_document(cls, document: str) -> Notify:
        """As push and mail carry it."""
        if not document.startswith("{"):
            return cls.from_xml(ElementTree.fromstring(document.encode()))
        parsed = json.loads(document)
        assert list(parsed) == ["notify"], document
        return cls.from_json(parsed["notify"])

    def __repr__(self) -> str:
        return f"Notify({self.value!r})"


def to_value(element: ElementTree.Element) -> Any:
    if len(element) == 0:
        return element.text or ""
    found: dict[str, list] = {}
    for child in element:
        found.setdefault(child.tag, []).append(to_value(child))
    return {name: each[0] if len(each) == 1 else each for name, each in found.items()}


def _read_xml(raw: bytes) -> tuple[list[str], dict]:
    raw.decode("utf-8")
    root = ElementTree.fromstring(raw)
    assert root.tag == "response" and not root.attrib, raw
    return [child.tag for child in root], {
        child.tag: child if child.tag == "data" else child.text or "" for child in root
    }


def _read_json(raw: bytes) -> tuple[list[str], dict]:
    pairs = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_repeated)
    assert list(pairs) == ["response"], raw
    found = pairs["response"]
    for name in found:
        wanted = int if name in ("code", "timestamp") else dict if name == "data" else str
        assert name == "test" or type(found[name]) is wanted, (name, raw)
    return list(found), found


def _without_repeated(pairs: list[tuple[str, Any]]) -> dict:
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


def shape(raw: bytes) -> str:
    """The reply's text with what differs each time replaced, and without a prolog or white space between elements."""
    text = re.sub(r">\s+<", "><", re.sub(r"^<\?xml[^>]*\?>\s*", "", raw.decode())).strip()
    text = re.sub(r'(timestamp"?[:>])[0-9]{10}', r"\1NOW", text)
    return re.sub(r'(svTRID"?[:>]"?)[0-9.]+', r"\1SVTRID", text)


# Who asks


@dataclass
class Customer:
    port: int
    user: str
    password: str
    source: str | None = None  # to bind to; bound without need, a port is not used again for a minute
    hour: str | None = None  # None: that of the machine's clock

    def auth(self) -> str:
        return auth(self.user, self.password, self.hour or prague_hour(datetime.now(timezone.utc)))

    def xml_document(self, command: str, data: str | None = None, cltrid: str | None = None, more: str = "") -> str:
        """As shell clients write it, in one line; data and more are what stands there."""
        parts = [f"<user>{escape(self.user)}</user><auth>{self.auth()}</auth><command>{command}</command>"]
        parts += [f"<clTRID>{escape(cltrid)}</clTRID>"] if cltrid is not None else []
        parts += [f"<data>{data}</data>"] if data is not None else []
        return f"<request>{''.join(parts)}{more}</request>"

    def json_document(self, command: str, data: Any = None, cltrid: Any = None, **more: Any) -> str:
        members = {"user": self.user, "auth": self.auth(), "command": command, "clTRID": cltrid, "data": data, **more}
        return json.dumps({"request": {name: value for name, value in members.items() if value is not None}})

    def xml(self, command: str, data: str | None = None, cltrid: str | None = None, more: str = "") -> Reply:
        return self.send(self.xml_document(command, data, cltrid, more))

    def json(self, command: str, data: Any = None, cltrid: Any = None, **more: Any) -> Reply:
        return self.send(self.json_document(command, data, cltrid, **more), "json")

    def send(self, document: str | bytes, kind: str = "xml") -> Reply:
        return self.post(form(document), kind)

    def post(self, body: bytes, kind: str = "xml", content_type: str | None = FORM) -> Reply:
        """Whatever the body, the status is 200 and the reply is of the door's own kind."""
        status, headers, raw = self.exchange("POST", f"/wapi/{kind}", body, content_type)
        assert status == 200, (status, raw)
        media, _, charset = headers["Content-Type"].lower().replace(" ", "").partition(";")
        assert media in (["text/xml", "application/xml"] if kind == "xml" else ["application/json"]), headers
        assert charset in ("", "charset=utf-8"), headers
        return Reply(raw, kind)

    def exchange(self, method: str, path: str, body: bytes | None = None, content_type: str | None = FORM):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=DEADLINE_S, source_address=(self.source, 0) if self.source else None)
        try:
            connection.connect()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # an answer may come before all is sent
                connection.request(method, path, body, {"Content-Type": content_type} if content_type else {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()
