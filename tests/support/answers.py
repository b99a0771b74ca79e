"""The steps of a receiver's plan: what it does with one request. The table is in receiver.py's manual."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass
from functools import cached_property
from http.client import responses as reason_phrases

from .loop_thread import LoopThread

STAGES = ("request", "answer", "headers", "body")
ENDLESS = float("inf")


@dataclass(frozen=True)
class Step:
    """What to do with one request; every field has its line in receiver.py's table."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    hang: str | None = None
    reset: str | None = None
    gate: Gate | None = None
    delay_s: float = 0.0
    trickle_s: float = 0.0
    raw: bytes | None = None
    close: bool = False
    filler_bytes: float = 0  # a body of so many bytes that nobody has to hold in memory

    def __post_init__(self):
        for stage in (self.hang, self.reset):
            if stage is not None and stage not in STAGES:
                raise ValueError(f"{stage!r} is none of the stages {STAGES}")
        if self.stops_at("body") and not self.body:
            object.__setattr__(self, "body", b"this body stops in the middle")

    def stops_at(self, stage: str) -> bool:
        return stage in (self.hang, self.reset)

    @cached_property
    def is_plain(self) -> bool:
        """Whether the whole answer can be written at once, without any waiting: the fast way."""
        return not (self.hang or self.reset or self.gate or self.delay_s or self.trickle_s or self.filler_bytes)

    @cached_property
    def closes(self) -> bool:
        """Whether the connection ends after the answer: malformed bytes leave no way to go on."""
        return self.close or self.raw is not None

    @cached_property
    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {reason_phrases.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.filler_bytes == ENDLESS:
            lines.append("Transfer-Encoding: chunked")
        elif self.status >= 200 and self.status != 204:
            lines.append(f"Content-Length: {self.filler_bytes or len(self.body)}")
        if self.close:
            lines.append("Connection: close")
        return "\r\n".join(lines + ["", ""]).encode("latin-1")

    @cached_property
    def bytes(self) -> bytes:
        """The whole answer of a step without filler."""
        return self.raw if self.raw is not None else self.head + self.body


OK = Step()


def redirect(url: str, status: int = 302) -> Step:
    return Step(status, headers=(("Location", url),))


def huge(size: int) -> Step:
    """A body of size bytes with an honest Content-Length."""
    return Step(filler_bytes=size)


def endless() -> Step:
    """A chunked body that goes on until the client closes."""
    return Step(filler_bytes=ENDLESS)


def compressed_bomb(size: int) -> Step:
    """A body that is size bytes long once it is unpacked, and about a thousandth of that on the wire."""
    return Step(headers=(("Content-Encoding", "gzip"),), body=gzip.compress(bytes(size)))


class Gate:
    """Holds answers back until open() is called, from any thread. Made by Receiver.gate()."""

    def __init__(self, thread: LoopThread):
        self._thread = thread
        self._event = asyncio.Event()

    def open(self) -> None:
        self._thread.call(self._event.set)

    async def passed(self) -> None:
        await self._event.wait()
