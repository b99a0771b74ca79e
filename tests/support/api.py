"""A thin client of the native API. It knows paths and field names, and judges nothing.

    api = Api("http://127.0.0.1:8484", admin_key)
    acme = api.account("acme")
    acme.put().expect(201)
    queue = acme.make_channel(kind="queue").expect(201)["id"]
    status, headers, body = acme.publish("order.created", {"n": 1})
    for message in acme.receive(queue, max=10).expect(200)["messages"]: ...

Each call returns an Answer: status, headers (case does not matter), and the body parsed if it is JSON, else its bytes;
Answer.raw has the bytes as they came. No answer at all raises Unanswered: then nobody knows whether the request was
carried out.

Connections are kept alive, one for each thread that uses the client. A client object is cheap: with_key() makes
another one for another key. Parameters left at None are not sent. For input that no client should send there are
raw(), which writes bytes to a socket, and RawConnection for a finer hand.
"""

from __future__ import annotations

import http.client
import io
import json
import re
import select
import socket
import ssl
import threading
import time
from typing import Any, Iterator, Sequence
from urllib.parse import quote, urlencode, urlsplit

DEADLINE_S = 60.0  # well above the longest poll, 20 s

JSON = "application/json"
NDJSON = "application/x-ndjson"
CLOUDEVENT = "application/cloudevents+json"


class Unanswered(Exception):
    """The connection failed before the answer was complete."""


class Answer:
    """Unpacks as status, headers, body."""

    def __init__(self, status: int, headers: http.client.HTTPMessage, raw: bytes):
        self.status = status
        self.headers = headers
        self.raw = raw
        self.body: Any = json.loads(raw) if raw and _is_json(headers.get("Content-Type", "")) else raw

    def __iter__(self) -> Iterator[Any]:
        return iter((self.status, self.headers, self.body))

    def __repr__(self) -> str:
        return f"Answer({self.status}, {self.raw[:500]!r})"

    def expect(self, *statuses: int) -> Any:
        """The body, after making sure that the status is one of these."""
        assert self.status in statuses, f"expected {statuses}, got {self!r}"
        return self.body

    def expect_problem(self, status: int, code: str | None = None) -> dict:
        """The problem document (RFC 9457), after making sure that it is one, with this status and code."""
        problem = self.expect(status)
        media_type = self.headers.get("Content-Type", "").partition(";")[0]
        assert media_type == "application/problem+json", f"{self!r} has the type {media_type!r}"
        assert problem["status"] == status and problem["title"] and problem["code"], self
        assert code is None or problem["code"] == code, f"expected code {code}: {self!r}"
        return problem


class Api:
    def __init__(self, url: str, key: str | None, context: ssl.SSLContext | None = None):
        self.url = url
        self.key = key
        self._address = urlsplit(url)
        self._context = context
        self._of_thread = threading.local()

    def with_key(self, key: str | None) -> Api:
        """The same server for another key, or for none."""
        return Api(self.url, key, self._context)

    def account(self, name: str) -> Account:
        return Account(self, name)

    # One request

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str | None] | None = None,
        query: dict[str, Any] | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> Answer:
        """body is sent as it is if it is bytes, else as JSON. headers come on top of key and content type."""
        sent = {"Authorization": f"Bearer {self.key}" if self.key else None, **(headers or {})}
        if body is not None:
            sent.setdefault("Content-Type", JSON)
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        query = _without_none(query or {})
        target = path + ("?" + urlencode(query, doseq=True) if query else "")
        return self.exchange(method, target, body, _without_none(sent), deadline_s)

    def exchange(self, method: str, target: str, body: bytes | None, headers: dict, deadline_s: float) -> Answer:
        """How a request gets there and its answer back; who wants another way overrides it."""
        connection = self._connection(deadline_s)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unanswered(f"{method} {target}: {error!r}") from error

    def _connection(self, deadline_s: float) -> http.client.HTTPConnection:
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self._new_connection()
        if connection.sock and _was_closed_by_peer(connection.sock):
            connection.close()  # it connects anew by itself
        connection.timeout = deadline_s
        if connection.sock:
            connection.sock.settimeout(deadline_s)
        return connection

    def _new_connection(self) -> http.client.HTTPConnection:
        if self._address.scheme == "https":
            return http.client.HTTPSConnection(self._address.hostname, self._address.port, context=self._context)
        return http.client.HTTPConnection(self._address.hostname, self._address.port)

    def disconnect(self) -> None:
        """Closes this thread's connection; the next call makes a new one."""
        connection = getattr(self._of_thread, "connection", None)
        if connection:
            connection.close()

    # What is not an account's

    def accounts(self, **query: Any) -> Answer:
        return self.call("GET", "/v1/accounts", query=query)

    def batch(self, events: Sequence[dict], **headers: str) -> Answer:
        """Publishes many events, each with its "account", as one JSON array."""
        return self.call("POST", "/v1/events", list(events), headers)

    def batch_ndjson(self, events: Sequence[dict] | bytes) -> Answer:
        """The same as lines of JSON; bytes are sent as they are."""
        lines = events if isinstance(events, bytes) else b"".join(json.dumps(e).encode() + b"\n" for e in events)
        return self.call("POST", "/v1/events", lines, {"Content-Type": NDJSON})

    def make_key(self, scope: str, account: str | None = None, **fields: Any) -> Answer:
        return self.call("POST", "/v1/keys", _without_none({"scope": scope, "account": account, **fields}))

    def keys(self, **query: Any) -> Answer:
        return self.call("GET", "/v1/keys", query=query)

    def revoke_key(self, key_id: str) -> Answer:
        return self.call("DELETE", f"/v1/keys/{quote(key_id, safe='')}")

    def is_healthy(self) -> bool:
        return self.call("GET", "/healthz").status == 200

    def is_ready(self) -> bool:
        return self.call("GET", "/readyz").status == 200

    # Bad input

    def raw(self, data: bytes, answers: int = 1, deadline_s: float = DEADLINE_S) -> list[Answer]:
        """Sends bytes over a connection of its own; returns the answers up to that many, fewer if it was closed."""
        with self.connect() as connection:
            connection.send(data)
            received = (connection.read_answer(deadline_s) for _ in range(answers))
            return [answer for answer in received if answer]

    def connect(self) -> RawConnection:
        return RawConnection(self._address.hostname, self._address.port, self._context)


class Account:
    """The calls that belong to one account."""

    def __init__(self, api: Api, name: str):
        self.api = api
        self.name = name
        self.path = f"/v1/accounts/{quote(name, safe='')}"

    def with_key(self, key: str | None) -> Account:
        return Account(self.api.with_key(key), self.name)

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """A call of api below this account: path is "" or begins with a slash."""
        return self.api.call(method, self.path + path, body, **options)

    def put(self, **fields: Any) -> Answer:
        return self.call("PUT", "", fields)

    def get(self) -> Answer:
        return self.call("GET", "")

    def patch(self, **fields: Any) -> Answer:
        return self.call("PATCH", "", fields)

    def delete(self) -> Answer:
        return self.call("DELETE", "")

    # Channels

    def make_channel(self, **fields: Any) -> Answer:
        """kind, dialect, url or address, events, secret, headers, timeout_ms, retry, max_in_flight, ..."""
        return self.call("POST", "/channels", fields)

    def channels(self, **query: Any) -> Answer:
        return self.call("GET", "/channels", query=query)

    def channel(self, channel: str) -> Answer:
        return self.call("GET", _channel(channel))

    def patch_channel(self, channel: str, **fields: Any) -> Answer:
        return self.call("PATCH", _channel(channel), fields)

    def delete_channel(self, channel: str) -> Answer:
        return self.call("DELETE", _channel(channel))

    def secret(self, channel: str) -> Answer:
        return self.call("GET", _channel(channel, "secret"))

    def rotate_secret(self, channel: str, **fields: Any) -> Answer:
        return self.call("POST", _channel(channel, "rotate-secret"), fields)

    def test_channel(self, channel: str) -> Answer:
        return self.call("POST", _channel(channel, "test"), {})

    # Events

    def publish(
        self,
        type: str,
        data: Any = None,
        *,
        data_text: str | None = None,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Answer:
        """data_text is JSON that has to travel byte for byte; fields are id, client_ref, server_ref, notify_url."""
        members = {"type": type, **_without_none(fields)}
        texts = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in members.items()]
        texts.append('"data": ' + (json.dumps(data) if data_text is None else data_text))
        body = ("{" + ", ".join(texts) + "}").encode()
        return self.call("POST", "/events", body, headers={"Idempotency-Key": idempotency_key})

    def publish_cloudevent(self, event: dict) -> Answer:
        """CloudEvents in structured form."""
        return self.call("POST", "/events", event, headers={"Content-Type": CLOUDEVENT})

    def publish_binary_cloudevent(self, attributes: dict[str, str], body: bytes, content_type: str) -> Answer:
        """CloudEvents in binary form: attributes travel as ce- headers."""
        headers = {f"ce-{name}": value for name, value in attributes.items()}
        return self.call("POST", "/events", body, headers={"Content-Type": content_type, **headers})

    def events(self, **query: Any) -> Answer:
        return self.call("GET", "/events", query=query)

    def event(self, event: str) -> Answer:
        return self.call("GET", f"/events/{quote(event, safe='')}")

    # Deliveries

    def deliveries(self, **query: Any) -> Answer:
        return self.call("GET", "/deliveries", query=query)

    def delivery(self, delivery: str) -> Answer:
        return self.call("GET", _delivery(delivery))

    def retry(self, delivery: str) -> Answer:
        return self.call("POST", _delivery(delivery, "retry"))

    def cancel(self, delivery: str) -> Answer:
        return self.call("POST", _delivery(delivery, "cancel"))

    # Operations

    def open_operation(self, command: str = "domain-create", *, idempotency_key: str | None = None,
                       **fields: Any) -> Answer:
        """client_ref, server_ref, data, notify_url, deadline or deadline_in, on_deadline."""
        return self.call("POST", "/operations", {"command": command, **fields},
                         headers={"Idempotency-Key": idempotency_key})

    def step(self, operation: str, *, idempotency_key: str | None = None, **fields: Any) -> Answer:
        """code, result, data."""
        return self.call("POST", _operation(operation, "step"), fields, headers={"Idempotency-Key": idempotency_key})

    def complete(self, operation: str, **fields: Any) -> Answer:
        """code, result, data."""
        return self.call("POST", _operation(operation, "complete"), fields)

    def operation(self, operation: str) -> Answer:
        return self.call("GET", _operation(operation))

    def operations(self, **query: Any) -> Answer:
        return self.call("GET", "/operations", query=query)

    # The queue

    def receive(
        self,
        channel: str,
        max: int | None = None,
        max_bytes: int | None = None,
        wait_ms: int | None = None,
        lease_ms: int | None = None,
        auto_ack: bool | None = None,
    ) -> Answer:
        wishes = {"max": max, "max_bytes": max_bytes, "wait_ms": wait_ms, "lease_ms": lease_ms, "auto_ack": auto_ack}
        return self.call("POST", _channel(channel, "receive"), _without_none(wishes))

    def ack(self, channel: str, receipts: Sequence[str]) -> Answer:
        return self.call("POST", _channel(channel, "ack"), {"receipts": list(receipts)})

    def release(self, channel: str, receipts: Sequence[str], **fields: Any) -> Answer:
        return self.call("POST", _channel(channel, "release"), {"receipts": list(receipts), **fields})

    def extend(self, channel: str, receipts: Sequence[str], lease_ms: int | None = None) -> Answer:
        wishes = {"receipts": list(receipts), "lease_ms": lease_ms}
        return self.call("POST", _channel(channel, "extend"), _without_none(wishes))


class RawConnection:
    """A connection on which the test decides what is sent and when."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None = None):
        self.socket = socket.create_connection((host, port), DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname=host)
        self._received = b""

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, *pieces: bytes) -> None:
        """Sends each piece in a packet of its own. If the server has closed by then, its answer tells why."""
        try:
            for piece in pieces:
                self.socket.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def read_answer(self, deadline_s: float = DEADLINE_S) -> Answer | None:
        """The next answer; None if the server closed the connection before it was complete."""
        end = time.monotonic() + deadline_s
        while True:
            parsed = _parse_answer(self._received)
            if parsed:
                answer, self._received = parsed
                return answer
            data = self._receive(end)
            if not data:
                return None
            self._received += data

    def wait_until_closed(self, deadline_s: float = DEADLINE_S) -> bytes:
        """What comes until the server closes the connection."""
        end = time.monotonic() + deadline_s
        while data := self._receive(end):
            self._received += data
        return self._received

    def _receive(self, end: float) -> bytes:
        self.socket.settimeout(max(0.001, end - time.monotonic()))
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""
        except TimeoutError:
            raise AssertionError(f"the server neither answered nor closed; so far: {self._received[:500]!r}") from None


def _parse_answer(data: bytes) -> tuple[Answer, bytes] | None:
    """The first answer in data and what follows it, or None as long as it is incomplete."""
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        return None
    status_line, _, header_lines = head.partition(b"\r\n")
    assert re.match(rb"HTTP/1\.[01] \d{3} ", status_line), f"this is not an HTTP answer: {data[:500]!r}"
    status = int(status_line[9:12])
    headers = http.client.parse_headers(io.BytesIO(header_lines + b"\r\n\r\n"))
    if 100 <= status < 200:
        return _parse_answer(rest)
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        body, rest = _split_chunked(rest)
    else:
        length = int(headers.get("Content-Length", "0"))
        body, rest = (rest[:length], rest[length:]) if len(rest) >= length else (None, rest)
    return None if body is None else (Answer(status, headers, body), rest)


def _split_chunked(data: bytes) -> tuple[bytes | None, bytes]:
    body = b""
    while b"\r\n" in data:
        size_line, _, data = data.partition(b"\r\n")
        size = int(size_line.split(b";")[0], 16)
        if len(data) < size + 2:
            return None, b""
        body, data = body + data[:size], data[size + 2 :]
        if size == 0:
            return body, data
    return None, b""


def _was_closed_by_peer(connected: socket.socket) -> bool:
    """An idle connection on which there is something to read can only be one that was closed."""
    poll = select.poll()  # select() would not take the descriptor numbers of a test with thousands of connections
    poll.register(connected, select.POLLIN)
    return bool(poll.poll(0))


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip()
    return media_type == JSON or media_type.endswith("+json")


def _without_none(values: dict) -> dict:
    return {name: value for name, value in values.items() if value is not None}


def _channel(channel: str, action: str = "") -> str:
    return f"/channels/{quote(channel, safe='')}" + (f"/{action}" if action else "")


def _operation(operation: str, action: str = "") -> str:
    return f"/operations/{quote(operation, safe='')}" + (f"/{action}" if action else "")


def _delivery(delivery: str, action: str = "") -> str:
    return f"/deliveries/{quote(delivery, safe='')}" + (f"/{action}" if action else "")
