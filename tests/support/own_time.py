"""Clocks of the test's own for the programs it starts: they stand still, or go ahead of the machine's.

    days = Days(start_server, settings)
    api = days.start(standing_at(1590611635))   # a server on an empty folder
    api = days.start(ahead_by(30 * 86400))      # stops it and starts another on the same folder

Only the wall clock is changed by these: what is stored, shown and signed. The clock that waits are measured by goes on
as it always does; that is why what comes after days is seen by a server that is started days ahead.

    clock = MovableClock(tmp_path)              # shows the machine's time until it is moved, while the server runs
    server = start_server(environment=clock.environment)
    clock.set(datetime(2026, 3, 29, 0, 59, 59, tzinfo=timezone.utc))     # the wall clock alone, as if somebody set it
    clock.advance(60)                           # 60 s have passed, by both clocks

It goes on from there. A wait that the server has begun goes by the machine's time: advance() is seen by who looks.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import struct
import subprocess
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable

from .api import Api
from .server import Server

BUILD_DEADLINE_S = 120

SOURCE = Path(__file__).with_suffix(".c")


def standing_at(seconds: int) -> dict[str, str]:
    """Environment for a program whose wall clock always says so many seconds since 1970."""
    return _preloaded(OWN_TIME_STANDS_AT=str(seconds))


def ahead_by(seconds: int) -> dict[str, str]:
    """Environment for a program whose wall clock is so many seconds ahead of this machine's."""
    return _preloaded(OWN_TIME_AHEAD_BY=str(seconds))


class Days:
    """One server's folder, looked at on different days."""

    def __init__(self, start_server: Callable[..., Server], settings: dict | None = None):
        self.server: Server | None = None
        self._start_server = start_server
        self._settings = settings or {}

    def start(self, environment: dict[str, str]) -> Api:
        """Starts a server with this environment, after stopping the one that runs; a client of it."""
        folder = self.server and self.server.folder
        if self.server:
            self.server.stop()
        self.server = self._start_server(self._settings, folder=folder, environment=environment)
        return Api(self.server.url, self.server.admin_key)


class MovableClock:
    def __init__(self, folder: Path):
        self._file = folder / "clock-shifts"
        self._wall_us = 0
        self._durations_us = 0
        self._file.write_bytes(bytes(16))
        self.environment = _preloaded(OWN_TIME_SHIFTS=str(self._file))

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self._wall_us / 1e6, timezone.utc)

    def set(self, at: datetime) -> None:
        self._wall_us = round((at.timestamp() - time.time()) * 1e6)
        self._write()

    def advance(self, seconds: float) -> None:
        self._wall_us += round(seconds * 1e6)
        self._durations_us += round(seconds * 1e6)
        self._write()

    def _write(self) -> None:
        with open(self._file, "r+b") as file:  # in place: the server has it mapped
            file.write(struct.pack("=qq", self._wall_us, self._durations_us))


def _preloaded(**how: str) -> dict[str, str]:
    # A sanitizer's library insists on being the first one, although ours needs nothing of it.
    sanitizer = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
    return {"LD_PRELOAD": str(_library()), "ASAN_OPTIONS": sanitizer, **how}


@functools.cache
def _library() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tidings-own-time-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    library = folder / "own_time.so"
    command = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", library, SOURCE]
    subprocess.run(command, check=True, timeout=BUILD_DEADLINE_S)
    return library
