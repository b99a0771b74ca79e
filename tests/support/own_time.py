"""A wall clock of the test's own for the programs it starts: it stands still, or goes ahead of the machine's.

    days = Days(start_server, settings)
    api = days.start(standing_at(1590611635))   # a server on an empty folder
    api = days.start(ahead_by(30 * 86400))      # stops it and starts another on the same folder

Only the wall clock is changed: what is stored, shown and signed. The clock that waits are measured by goes on as it
always does; that is why what comes after days is seen by a server that is started days ahead.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Callable

from .api import Api
from .server import Server

BUILD_DEADLINE_S = 60

SOURCE = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *out)
{
    long result = syscall(SYS_clock_gettime, clock, out);
    if (result == 0 && clock == CLOCK_REALTIME) {
        const char *stands_at = getenv("OWN_TIME_STANDS_AT");
        const char *ahead_by = getenv("OWN_TIME_AHEAD_BY");
        if (stands_at)
            *out = (struct timespec){.tv_sec = atol(stands_at)};
        if (ahead_by)
            out->tv_sec += atol(ahead_by);
    }
    return (int)result;
}
"""


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


def _preloaded(**how: str) -> dict[str, str]:
    # A sanitizer's library insists on being the first one, although ours needs nothing of it.
    sanitizer = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
    return {"LD_PRELOAD": str(_library()), "ASAN_OPTIONS": sanitizer, **how}


@functools.cache
def _library() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tidings-own-time-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    library = folder / "own_time.so"
    command = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", str(library), "-x", "c", "-"]
    subprocess.run(command, input=SOURCE.encode(), check=True, timeout=BUILD_DEADLINE_S)
    return library
