"""The processes of a benchmark: generator, consumers, receiver, nginx; the server itself is tests/support/server.py.

Each is found beside the server's program, $TIDINGS_PROGRAM or build/tidings, and speaks JSON with times in
microseconds. What is started here is ended by its own process id, whatever happens.
"""

from __future__ import annotations

import contextlib
import json
import select
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Iterator

from support.ports import free_port
from support.server import program_path
from support.waiting import eventually

ENDING_DEADLINE_S = 60.0  # what a program may take beyond the seconds it was told to run
READY_DEADLINE_S = 10.0
STORE_DEADLINE_S = 600.0

# As many bytes as the server's own answer to a published event.
NGINX_ANSWER = json.dumps({"id": "evt_" + 13 * "0", "created_at": "2026-01-01T00:00:00.000000Z", "duplicate": False,
                           "deliveries": 1}, separators=(",", ":"))

NGINX_SETTINGS = """
daemon off;
worker_processes %(workers)d;
pid %(folder)s/pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
    access_log off;
    default_type application/json;
    client_body_temp_path %(folder)s/body;
    proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    client_max_body_size 64m;
    keepalive_requests 1000000000;
    keepalive_timeout 3600;
    server {
        listen 127.0.0.1:%(port)d;
        location / { return 202 '%(answer)s'; }
    }
}
"""


class BenchmarkFailed(Exception):
    """What was measured would mean nothing."""


def tool(name: str) -> Path:
    path = program_path().parent / "bench" / f"bench-{name}"
    if not path.exists():
        raise BenchmarkFailed(f"{path} is missing: ninja -C {program_path().parent} benchmarks")
    return path


def run_tool(name: str, deadline_s: float, *words: object, **options: object) -> dict:
    """Runs one to its end and gives what it printed. options become --name value."""
    command = [str(tool(name)), *map(str, words)]
    for option, value in options.items():
        command += [f"--{option.replace('_', '-')}", str(value)]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=deadline_s, check=True)
    return json.loads(done.stdout)


def load(to: str, seconds: int, **options: object) -> dict:
    """Publishes events for so long; see load.c for the options and what it gives."""
    return run_tool("load", seconds + ENDING_DEADLINE_S, to=to, seconds=seconds, **options)


def consume(to: str, seconds: int, **options: object) -> dict:
    """Empties a queue; see consume.c."""
    return run_tool("consume", seconds + ENDING_DEADLINE_S, to=to, seconds=seconds, **options)


def poll(to: str, seconds: int, **options: object) -> dict:
    """Empties a customer's queue of the command API; see poll.c."""
    return run_tool("poll", seconds + ENDING_DEADLINE_S, to=to, seconds=seconds, **options)


@contextlib.contextmanager
def running(command: list[str], **options) -> Iterator[subprocess.Popen]:
    """A process that is told to end, and made to, when the block is left."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(READY_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Sink:
    """A receiver on several ports; see sink.c."""

    def __init__(self, process: subprocess.Popen, ports: list[int]):
        self.pid = process.pid
        self.ports = ports

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.ports[-1]}"

    def stats(self, method: str = "GET") -> dict:
        request = urllib.request.Request(f"http://{self.address}/stats", method=method)
        with urllib.request.urlopen(request, timeout=READY_DEADLINE_S) as answer:
            return json.load(answer)

    def reset(self) -> None:
        self.stats("DELETE")


@contextlib.contextmanager
def sink(ports: int = 1, hang: int = 0) -> Iterator[Sink]:
    command = [str(tool("sink")), "--ports", str(ports), "--hang", str(hang)]
    with running(command, stdout=subprocess.PIPE) as process:
        if not select.select([process.stdout], [], [], READY_DEADLINE_S)[0]:
            raise BenchmarkFailed("the receiver does not become ready")
        words = process.stdout.readline().split()
        yield Sink(process, [int(word) for word in words[1:]])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def nginx(folder: Path, workers: int) -> Iterator[tuple[subprocess.Popen, str]]:
    """nginx that answers 202 to everything: its process and its address."""
    program = shutil.which("nginx", path="/usr/sbin") or shutil.which("nginx")
    if not program:
        raise BenchmarkFailed("nginx is missing: ./dev bench fetches it")
    port = free_port()
    folder.mkdir()
    settings = folder / "nginx.conf"
    settings.write_text(NGINX_SETTINGS % {"folder": folder, "port": port, "workers": workers, "answer": NGINX_ANSWER},
                        "ascii")
    with running([program, "-p", str(folder), "-e", "stderr", "-c", str(settings)],
                 stderr=subprocess.DEVNULL) as process:
        eventually(lambda: is_listening(port), READY_DEADLINE_S, "nginx to listen")
        yield process, f"127.0.0.1:{port}"
