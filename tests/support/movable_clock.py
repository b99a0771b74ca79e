"""Clocks for the server that the test moves while the server runs, for rules that speak of an hour, a date or a minute.

    clock = MovableClock(tmp_path)                       # shows the machine's time
    server = start_server(environment=clock.environment)
    clock.set(datetime(2026, 3, 29, 0, 59, 59, tzinfo=timezone.utc))     # what the date is, as if somebody set it
    clock.advance(60)                                    # so many seconds have passed

They go on from there. A wait that the server has begun goes by the machine's time: advance() is seen by who looks.
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

BUILD_DEADLINE_S = 60

_SOURCE = Path(__file__).with_name("movable_clock.c")


class MovableClock:
    def __init__(self, folder: Path):
        self._file = folder / "clock-shift"
        self._wall_us = 0
        self._durations_us = 0
        self._write()
        # A sanitizer wants to be the first library, and says so unless it is told that we know.
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        self.environment = {
            "LD_PRELOAD": str(_library()), "MOVABLE_CLOCK": str(self._file),
            "ASAN_OPTIONS": f"{sanitizer}:verify_asan_link_order=0".lstrip(":"),
        }

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
        """In place: the server has this file mapped."""
        with open(self._file, "r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=qq", self._wall_us, self._durations_us))


@functools.cache
def _library() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tidings-movable-clock-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    library = folder / "movable_clock.so"
    command = [os.environ.get("CC", "cc"), "-O1", "-shared", "-fPIC", "-o", library, _SOURCE]
    subprocess.run(command, check=True, timeout=BUILD_DEADLINE_S)
    return library
