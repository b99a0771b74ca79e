"""One connection to a receiver: reads HTTP/1.1 requests strictly, and answers each as its step says.

Invariants:
1. Requests of a connection are answered in their order; the next one is not looked at before the last is answered.
2. A request is recorded when it is complete and before a byte of its answer is written, so whoever has an answer
   finds the request in the record. The one exception is a step that stops at "request": its body is never read.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Callable, Union

from .answers import ENDLESS, Step

HEAD_BYTES_MAX = 256 * 1024
BLOCK_BYTES = 64 * 1024  # of huge and endless answers


@dataclass
class Request:
    """One request as it came in. Header names are lower case; of a repeated header, headers holds the last."""

    method: str
    path: str
    query: str
    version: str
    header_list: list[tuple[str, str]]
    body: bytes
    time: float  # time.monotonic() when it was read
    wall: float  # the same instant in seconds since 1970
    connection: int  # counts connections from 1, so equal numbers mean that one was kept alive
    client_certificate: dict | None = None
    answer_bytes: int = 0  # handed to the socket so far; what the client really read may be less

    @cached_property
    def headers(self) -> dict[str, str]:
        return dict(self.header_list)

    @property
    def wants_close(self) -> bool:
        return self.version == "HTTP/1.0" or self.headers.get("connection", "").lower() == "close"


def captured(request: Request) -> bytes:
    """The request as it came over the wire, but for the case of header names."""
    target = request.path + ("?" + request.query if request.query else "")
    lines = [f"{request.method} {target} {request.version}"]
    lines += [f"{name}: {value}" for name, value in request.header_list]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


PlanEntry = Union[Step, Callable[[Request], Step]]


class BadRequest(Exception):
    """What came in is not HTTP."""


class _Pending:
    """A request whose body is still coming."""

    def __init__(self, head: bytes):
        lines = head.decode("latin-1").split("\r\n")
        request_line = lines[0].split(" ")
        if len(request_line) != 3 or not request_line[2].startswith("HTTP/1."):
            raise BadRequest(f"bad request line {lines[0]!r}")
        self.method, target, self.version = request_line
        self.path, _, self.query = target.partition("?")
        self.header_list = [_parse_header(line) for line in lines[1:]]
        self.headers = dict(self.header_list)
        self.endpoint: Any = None
        self.step: PlanEntry = Step()

    def stops_at_request(self) -> bool:
        return isinstance(self.step, Step) and self.step.stops_at("request")


class Connection(asyncio.Protocol):
    """owner is the Receiver: it has the endpoints and keeps the record."""

    def __init__(self, owner: Any):
        self._owner = owner
        self._buffer = bytearray()
        self._pending: _Pending | None = None
        self._task: asyncio.Task | None = None  # answers a request that needs time
        self._writable = asyncio.Event()
        self._writable.set()

    # What the loop calls

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._number = self._owner.opened(self)
        self._certificate = transport.get_extra_info("peercert") or None

    def connection_lost(self, error: Exception | None) -> None:
        self._owner.lost(self)
        if self._task:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._read_requests()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def reset(self) -> None:
        """Drops the connection with a TCP reset, whatever is still unsent."""
        raw = self._transport.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    # Reading

    def _read_requests(self) -> None:
        try:
            while not self._task and not self._transport.is_closing() and self._read_request():
                pass
        except BadRequest as error:
            self._owner.complaints.append(f"{error}, before {bytes(self._buffer[:200])!r}")
            self._transport.write(Step(400, close=True).bytes)
            self._transport.close()

    def _read_request(self) -> bool:
        """Reads and answers one request; False as long as some of it is missing."""
        if not self._pending and not self._read_head():
            return False
        if self._pending.stops_at_request():
            self._stop_before_body(self._pending.step)
            return False
        body = self._read_body(self._pending.headers)
        if body is None:
            return False
        pending, self._pending = self._pending, None
        self._answer(pending, self._record(pending, body))
        return True

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise BadRequest("head too long")
            return False
        pending = _Pending(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        pending.endpoint = self._owner.endpoint(pending.path)
        pending.step = pending.endpoint.take_step(pending.headers)
        if pending.headers.get("expect", "").lower() == "100-continue" and not pending.stops_at_request():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._pending = pending
        return True

    def _stop_before_body(self, step: Step) -> None:
        self._record(self._pending, b"")
        if step.reset:
            self.reset()
            return
        # Without reading any more the kernel's buffers fill up, and the sender sees a receiver that takes nothing.
        self._transport.pause_reading()

    def _read_body(self, headers: dict[str, str]) -> bytes | None:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunked()
        length = headers.get("content-length", "0")
        if not length.isdigit():
            raise BadRequest(f"bad Content-Length {length!r}")
        if len(self._buffer) < int(length):
            return None
        return self._take(int(length))

    def _read_chunked(self) -> bytes | None:
        body, position = bytearray(), 0
        while (line_end := self._buffer.find(b"\r\n", position)) >= 0:
            size = _parse_chunk_size(self._buffer[position:line_end])
            position = line_end + 2 + size + 2
            if len(self._buffer) < position:
                return None
            body += self._buffer[line_end + 2 : position - 2]
            if size == 0:  # trailers are not understood: nobody sends them to a receiver
                self._take(position)
                return bytes(body)
        return None

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _record(self, pending: _Pending, body: bytes) -> Request:
        request = Request(
            pending.method, pending.path, pending.query, pending.version, pending.header_list, body,
            time.monotonic(), time.time(), self._number, self._certificate)
        self._owner.record(pending.endpoint, request)
        return request

    # Answering

    def _answer(self, pending: _Pending, request: Request) -> None:
        step = pending.step if isinstance(pending.step, Step) else pending.step(request)
        if not step.is_plain:
            self._task = asyncio.get_running_loop().create_task(self._answer_slowly(pending.endpoint, request, step))
            return
        with pending.endpoint.in_flight_counted():
            self._transport.write(step.bytes)
        request.answer_bytes = len(step.bytes)
        self._answered(request, step)

    def _answered(self, request: Request, step: Step) -> None:
        if step.closes or request.wants_close:
            self._transport.close()

    async def _answer_slowly(self, endpoint: Any, request: Request, step: Step) -> None:
        with endpoint.in_flight_counted():
            if step.gate:
                await step.gate.passed()
            await _pause(step.delay_s)
            await self._send_answer(request, step)
        self._task = None
        self._answered(request, step)
        self._read_requests()

    async def _send_answer(self, request: Request, step: Step) -> None:
        await self._stop_if_at("answer", step)
        if step.stops_at("headers"):
            await self._send(request, step, step.head[: len(step.head) // 2])
            await self._stop_if_at("headers", step)
        if step.stops_at("body"):
            await self._send(request, step, step.bytes[: len(step.head) + len(step.body) // 2])
            await self._stop_if_at("body", step)
        if step.filler_bytes:
            await self._send_filler(request, step)
        else:
            await self._send(request, step, step.bytes)

    async def _stop_if_at(self, stage: str, step: Step) -> None:
        if step.reset == stage:
            self.reset()
            raise asyncio.CancelledError
        if step.hang == stage:
            await asyncio.Event().wait()  # until connection_lost() cancels us

    async def _send_filler(self, request: Request, step: Step) -> None:
        await self._send(request, step, step.head)
        left = step.filler_bytes
        while left > 0:
            block = b"x" * int(min(left, BLOCK_BYTES))
            left -= len(block)
            if step.filler_bytes == ENDLESS:
                block = b"%x\r\n%b\r\n" % (len(block), block)
            await self._send(request, step, block)

    async def _send(self, request: Request, step: Step, data: bytes) -> None:
        pieces = [data[i : i + 1] for i in range(len(data))] if step.trickle_s else [data]
        for piece in pieces:
            await self._writable.wait()
            self._transport.write(piece)
            request.answer_bytes += len(piece)
            await _pause(step.trickle_s)


async def _pause(seconds: float) -> None:
    """Lets the loop's other connections run, for at least so long: a slow receiver is what the plan asked for."""
    passed = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, _set_passed, passed)
    await passed


def _set_passed(future: asyncio.Future) -> None:
    if not future.done():  # it is when the connection was lost meanwhile
        future.set_result(None)


def _parse_header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise BadRequest(f"bad header line {line!r}")
    return name.lower(), value.strip()


def _parse_chunk_size(line: bytes) -> int:
    try:
        return int(line.split(b";")[0], 16)
    except ValueError:
        raise BadRequest(f"bad chunk size {bytes(line)!r}") from None
