"""An HTTP(S) receiver that answers, and misbehaves, by a plan per path.

    receiver = Receiver()                             # listens on a free port of 127.0.0.1, in its own thread
    orders = receiver.endpoint("/orders")             # orders.url is what a channel gets
    orders.plan(Step(503), Step(200))                 # first request 503, all later ones 200
    first, second = orders.wait_for_count(2)          # Requests: time, path, headers, exact body
    receiver.stop(); receiver.start()                 # down, and back on the same port

A plan is a list of steps, one a request, of which the last repeats; without a plan every request gets an empty 200.
per_message=True counts the steps separately for each webhook-id. A step is a Step, or a function from the Request to
the Step, called when the body is there.

What a step can do apart from status, headers and body; a silence lasts until the other side gives up:

| step                                  | the receiver                                                            |
| ------------------------------------- | ----------------------------------------------------------------------- |
| Step(hang="request"), reset="request" | reads the head and no more; then is silent, or resets the connection    |
| Step(hang="answer"), reset="answer"   | reads all, answers nothing                                              |
| Step(hang="headers"), reset="headers" | stops in the middle of its headers                                      |
| Step(hang="body"), reset="body"       | stops in the middle of its body                                         |
| Step(gate=receiver.gate())            | answers when the test opens the gate                                    |
| Step(delay_s=..), Step(trickle_s=..)  | waits before the answer; sends one byte at a time, that far apart       |
| Step(raw=b"..")                       | sends these bytes instead of an answer, then closes: malformed answers  |
| Step(close=True)                      | closes the connection after its answer                                  |
| redirect(url), compressed_bomb(size)  | as they say                                                             |
| huge(size), endless()                 | sends a body of that size, or without an end                            |

What comes before a request belongs to the whole receiver: stop() refuses connections; hang_at_accept() lets the kernel
take them but nobody speaks, in TLS not even the handshake; Unreachable is an address where connecting itself hangs.

With context=certificates.server_context(..) it speaks TLS; Request.client_certificate is what the client showed.

What a client sends that is not HTTP is answered with 400 and noted in receiver.complaints, as a line of text.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import Callable, Iterator

from .answers import OK, Gate, Step, compressed_bomb, endless, huge, redirect
from .http_connection import Connection, PlanEntry, Request, captured
from .loop_thread import LoopThread
from .ports import free_port
from .waiting import DEADLINE_S, Journal

__all__ = ["Endpoint", "Receiver", "Request", "Step", "Unreachable", "captured", "compressed_bomb", "endless", "huge",
           "redirect"]

BACKLOG = 4096
CONNECT_PROBE_S = 1.0  # connecting on this machine takes microseconds; so long a silence means the queue is full


class _Plan:
    """A plan and how far it has come; replaced as a whole, because requests may come in meanwhile."""

    def __init__(self, steps: tuple[PlanEntry, ...], per_message: bool):
        self._steps = steps
        self._per_message = per_message
        self._taken: dict[str, int] = {}  # steps by message; under "" those of all

    def take_step(self, headers: dict[str, str]) -> PlanEntry:
        message = headers.get("webhook-id", "") if self._per_message else ""
        taken = self._taken.get(message, 0)
        if taken < len(self._steps) - 1:
            self._taken[message] = taken + 1
        return self._steps[taken]


class Endpoint:
    """One path of a receiver: its plan and what came in there."""

    def __init__(self, path: str, url: str):
        self.path = path
        self.url = url
        self.in_flight = 0  # requests that are read and not yet answered
        self.in_flight_peak = 0
        self.journal: Journal[Request] = Journal(f"the receiver at {path}")
        self.plan()

    def plan(self, *steps: PlanEntry, per_message: bool = False) -> Endpoint:
        """From the next request on, does as steps say, beginning with the first."""
        self._plan = _Plan(steps or (OK,), per_message)
        return self

    @property
    def requests(self) -> list[Request]:
        return self.journal.entries()

    def wait_for(self, predicate: Callable[[list[Request]], object], deadline_s: float = DEADLINE_S):
        """Waits until predicate(requests) is true and returns its result."""
        return self.journal.wait_for(predicate, deadline_s)

    def wait_for_count(self, count: int, deadline_s: float = DEADLINE_S) -> list[Request]:
        """Waits for at least count requests and returns all there are."""
        return self.journal.wait_for_count(count, deadline_s)

    # Called by connections

    def take_step(self, headers: dict[str, str]) -> PlanEntry:
        return self._plan.take_step(headers)

    @contextlib.contextmanager
    def in_flight_counted(self) -> Iterator[None]:
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1


class Receiver:
    """Listens in its own thread from the moment it is made until close()."""

    def __init__(self, context: ssl.SSLContext | None = None, host: str = "127.0.0.1", name: str | None = None):
        """name is the host name for the URLs, where a certificate is for a name; it has to resolve to host."""
        self.port = free_port()
        self.url = f"{'https' if context else 'http'}://{name or host}:{self.port}"
        self.connections_made = 0
        self.complaints: list[str] = []
        self.journal: Journal[Request] = Journal("the receiver")
        self._host = host
        self._context = context
        self._endpoints: dict[str, Endpoint] = {}
        self._listeners: list[Callable[[Request], None]] = []
        self._connections: set[Connection] = set()
        self._socket: socket.socket | None = None
        self._server: asyncio.base_events.Server | None = None
        self._thread = LoopThread("receiver")
        self.start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Plans and records

    def endpoint(self, path: str) -> Endpoint:
        """The endpoint at path (without a query), made on first use, be it by the test or by a request."""
        found = self._endpoints.get(path)
        # setdefault decides when the test and the receiver's thread are both first.
        return found or self._endpoints.setdefault(path, Endpoint(path, self.url + path))

    def gate(self) -> Gate:
        return Gate(self._thread)

    def on_request(self, listener: Callable[[Request], None]) -> None:
        """Has listener called with every request before it is answered, in the receiver's thread: be quick."""
        self._listeners.append(listener)

    @property
    def requests(self) -> list[Request]:
        """All requests at all paths in the order they came."""
        return self.journal.entries()

    @property
    def connections_open(self) -> int:
        return len(self._connections)

    def wait_for(self, predicate: Callable[[list[Request]], object], deadline_s: float = DEADLINE_S):
        """Waits until predicate(requests) is true, of all paths together, and returns its result."""
        return self.journal.wait_for(predicate, deadline_s)

    def wait_for_count(self, count: int, deadline_s: float = DEADLINE_S) -> list[Request]:
        """Waits for at least count requests at all paths together and returns all there are."""
        return self.journal.wait_for_count(count, deadline_s)

    # Up and down

    def start(self) -> None:
        """Listens: after stop() on the same port; after hang_at_accept() those who wait since then are served too."""
        if self._socket is None:
            self._socket = _listen(self._host, self.port, BACKLOG)
        if self._server is None:
            self._server = self._thread.run(self._serve(self._socket))

    def stop(self) -> None:
        """Resets all connections and refuses new ones."""
        if self._socket is None:
            return
        self.hang_at_accept()
        self._thread.run(self._reset_connections())
        self._socket.close()
        self._socket = None

    def hang_at_accept(self) -> None:
        """New connections are made, by the kernel, but nobody reads from them; open ones go on."""
        if self._server:
            self._thread.run(_stop_accepting(self._server))
            self._server = None

    def close(self) -> None:
        """Ends the receiver for good. Closing twice is harmless."""
        self.stop()
        self._thread.stop()

    async def _serve(self, listening: socket.socket) -> asyncio.base_events.Server:
        # The loop gets a duplicate, so that it can stop accepting without the kernel's listener going away.
        return await self._thread.loop.create_server(
            lambda: Connection(self), sock=listening.dup(), ssl=self._context, backlog=BACKLOG)

    async def _reset_connections(self) -> None:
        for connection in list(self._connections):
            connection.reset()

    # Called by connections, in the loop's thread

    def opened(self, connection: Connection) -> int:
        self._connections.add(connection)
        self.connections_made += 1
        return self.connections_made

    def lost(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def record(self, endpoint: Endpoint, request: Request) -> None:
        for listener in self._listeners:
            listener(request)
        self.journal.append(request)
        endpoint.journal.append(request)


class Unreachable:
    """An address where connecting hangs: its queue of unaccepted connections is full, so the kernel ignores more."""

    def __init__(self, host: str = "127.0.0.1"):
        self.port = free_port()
        self.url = f"http://{host}:{self.port}/"
        self._sockets = [_listen(host, self.port, backlog=0)]
        while client := _connect(host, self.port):
            self._sockets.append(client)

    def close(self) -> None:
        for each in self._sockets:
            each.close()


def _connect(host: str, port: int) -> socket.socket | None:
    try:
        return socket.create_connection((host, port), CONNECT_PROBE_S)
    except TimeoutError:
        return None


def _listen(host: str, port: int, backlog: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(backlog)
    listening.setblocking(False)
    return listening


async def _stop_accepting(server: asyncio.base_events.Server) -> None:
    server.close()
