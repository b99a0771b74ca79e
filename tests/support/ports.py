"""Ports of 127.0.0.1 that stay ours while nobody listens on them.

A server that is restarted on its old port, or a receiver that is stopped and started again, must find the port free.
The kernel hands out the ports of its ephemeral range to every outgoing connection, so one of those would be lost now
and then; ours lie below that range, and a lock file each keeps parallel test processes apart.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from typing import IO

FIRST_PORT = 12000
LAST_PORT = 29999  # Linux hands out ephemeral ports from 32768 upwards
TRIES = 200

_held: list[IO] = []  # open for as long as the process lives: that is what holds the locks


def free_port() -> int:
    """A port that nobody listens on and that no other test process is given until this one ends."""
    folder = os.path.join(tempfile.gettempdir(), f"tidings-test-ports-{os.getuid()}")
    os.makedirs(folder, exist_ok=True)
    chance = random.SystemRandom()
    for _ in range(TRIES):
        port = chance.randint(FIRST_PORT, LAST_PORT)
        if _lock(folder, port) and _is_free(port):
            return port
    raise RuntimeError(f"no free port found in {TRIES} tries")


def _lock(folder: str, port: int) -> bool:
    file = open(os.path.join(folder, str(port)), "w", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    _held.append(file)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
