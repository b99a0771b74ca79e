#!/usr/bin/python3
"""A stand-in for the server, small and slow, that proves the kit: it keeps the promises, or breaks one on purpose.

It is started like the program itself, `toy_server.py serve --config FILE`, and knows as much of the native API as
load.py uses: publish with idempotency keys, webhooks, receive and ack. It makes no accounts or channels; the settings
file lists them, a section each:

    [channel:jobs]                 a queue; its id is its name, and every event of any account goes to every channel
    [channel:hook] url = http://.. a webhook

[toy] fault = NAME breaks a promise:

| fault     | what it does                                                                    | has to be found as |
| --------- | ------------------------------------------------------------------------------- | ------------------ |
| forgetful | answers every fifth event with 202 before it is written, and never writes it    | lost               |
| amnesic   | confirms acknowledgements without writing them down                             | returned           |
| doubling  | ignores idempotency keys                                                        | split              |
| generous  | offers events to every consumer, whoever holds them                             | lease_overlaps     |
| deaf      | does not end on SIGTERM                                                         | a deadline passed  |

What is written goes with one write() to the end of a file: that survives SIGKILL, which is all a toy has to survive.
"""

from __future__ import annotations

import configparser
import json
import os
import queue
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FORGOTTEN_EVERY = 5
WEBHOOK_RETRY_S = 0.05


class Toy:
    """The store and the channels. One lock for everything: it is a toy."""

    def __init__(self, settings: configparser.ConfigParser):
        self.fault = settings.get("toy", "fault", fallback="")
        self.key = settings["server"]["admin_key"]
        channels = {n.partition(":")[2]: settings[n] for n in settings.sections() if n.startswith("channel:")}
        self._urls = {name: section["url"] for name, section in channels.items() if "url" in section}
        self._lock = threading.Condition()
        self._events: dict[str, dict] = {}
        self._id_of_key: dict[str, str] = {}
        self._pending: dict[str, dict[str, float]] = {name: {} for name in channels}  # event: when its lease ends
        self._outbox: dict[str, queue.Queue[str]] = {name: queue.Queue() for name in self._urls}
        path = Path(settings["store"]["path"]) / "toy.log"
        for line in path.read_text().splitlines() if path.exists() else ():
            self._apply(json.loads(line))
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for name in self._urls:
            for event in self._pending[name]:
                self._outbox[name].put(event)
            threading.Thread(target=self._deliver, args=(name,), daemon=True).start()

    def publish(self, event: dict, key: str | None) -> tuple[str, bool]:
        with self._lock:
            if key in self._id_of_key and self.fault != "doubling":
                return self._id_of_key[key], True
            event_id = f"evt_{len(self._events):013d}_{os.getpid()}"
            if self.fault == "forgetful" and len(self._events) % FORGOTTEN_EVERY == 0:
                self._events[event_id] = event
                return event_id, False
            self._store({"published": event_id, "event": event, "key": key})
            for outbox in self._outbox.values():
                outbox.put(event_id)
            self._lock.notify_all()
            return event_id, False

    def receive(self, channel: str, most: int, wait_s: float, lease_s: float) -> list[dict]:
        end = time.monotonic() + wait_s
        with self._lock:
            while not (found := self._available(channel)[:most]):
                if time.monotonic() >= end:
                    return []
                self._lock.wait(min(0.05, wait_s))
            for event in found:
                self._pending[channel][event] = time.monotonic() + lease_s
            return [{"receipt": event, "event": {"id": event, **self._events[event]}} for event in found]

    def acknowledge(self, channel: str, receipts: list[str]) -> list[dict]:
        with self._lock:
            return [{"receipt": r, "status": self._acknowledge(channel, r)} for r in receipts]

    def _available(self, channel: str) -> list[str]:
        now = time.monotonic()
        return [e for e, leased in self._pending[channel].items() if leased <= now or self.fault == "generous"]

    def _acknowledge(self, channel: str, event: str) -> str:
        if event not in self._pending[channel]:
            return "stale"
        if self.fault == "amnesic":
            del self._pending[channel][event]
        else:
            self._store({"done": event, "channel": channel})
        return "ok"

    def _store(self, change: dict) -> None:
        os.write(self._file, json.dumps(change).encode() + b"\n")
        self._apply(change)

    def _apply(self, change: dict) -> None:
        if "done" in change:
            self._pending[change["channel"]].pop(change["done"], None)
            return
        event_id = change["published"]
        self._events[event_id] = change["event"]
        self._id_of_key[change["key"]] = event_id
        for pending in self._pending.values():
            pending[event_id] = 0.0

    def _deliver(self, channel: str) -> None:
        """Runs in a thread for each webhook; one event after the other, each until it is taken."""
        while True:
            event_id = self._outbox[channel].get()
            body = json.dumps(self._events[event_id]).encode()
            request = urllib.request.Request(self._urls[channel], body, {"webhook-id": event_id})
            while not _is_taken(request):
                threading.Event().wait(WEBHOOK_RETRY_S)
            with self._lock:
                self._store({"done": event_id, "channel": channel})


def _is_taken(request: urllib.request.Request) -> bool:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status < 300
    except (urllib.error.URLError, OSError):
        return False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    toy: Toy

    def do_GET(self) -> None:
        self._answer(200 if self.path in ("/healthz", "/readyz") else 404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        *_, before, last = self.path.split("/")
        if self.headers["Authorization"] != f"Bearer {self.toy.key}":
            self._answer(401, {"title": "who are you", "status": 401, "code": "unauthenticated"})
        elif last == "events":
            event_id, duplicate = self.toy.publish(body, self.headers["Idempotency-Key"])
            self._answer(202, {"id": event_id, "duplicate": duplicate})
        elif last == "receive":
            wait_s, lease_s = body.get("wait_ms", 0) / 1000, body.get("lease_ms", 60000) / 1000
            self._answer(200, {"messages": self.toy.receive(before, body.get("max", 100), wait_s, lease_s)})
        elif last == "ack":
            self._answer(200, {"results": self.toy.acknowledge(before, body["receipts"])})
        else:
            self._answer(404, {"title": "no such thing", "status": 404, "code": "not_found"})

    def _answer(self, status: int, body: dict) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 300 else "application/problem+json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main(arguments: list[str]) -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(arguments[arguments.index("--config") + 1])
    Handler.toy = Toy(settings)
    host, _, port = settings["server"]["listen"].rpartition(":")
    listener = Listener((host, int(port)), Handler)
    deaf = Handler.toy.fault == "deaf"
    signal.signal(signal.SIGTERM, signal.SIG_IGN if deaf else lambda *_: os._exit(0))
    print("toy=serving", file=sys.stderr, flush=True)
    print(f"ready http://{host}:{listener.server_port}", flush=True)
    listener.serve_forever()


if __name__ == "__main__":
    main(sys.argv)
