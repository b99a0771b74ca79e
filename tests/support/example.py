"""A program of the folder examples that listens on a port of its own, as a process.

    handler = Example("wapi_handler.py", HANDLER_SECRET=.., TIDINGS_KEY=..)   # environment; returns once it listens
    handler.url, handler.post(body, headers)                                  # the status that it answers
    handler.lines                                                             # a Journal of what it prints
    handler.close()
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from typing import Mapping

from .ports import free_port
from .server import TOP_FOLDER
from .waiting import Journal

DEADLINE_S = 30.0


class Example:
    def __init__(self, name: str, **environment: str):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.lines: Journal[str] = Journal(name)
        self._process = subprocess.Popen(
            [sys.executable, str(TOP_FOLDER / "examples" / name), str(self.port)],
            env=os.environ | environment, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.lines.wait_for_count(1, DEADLINE_S)

    def _read(self) -> None:
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        connection.request("POST", "/", body, dict(headers or {}))
        status = connection.getresponse().status
        connection.close()
        return status

    @property
    def said(self) -> list[str]:
        """After its first line, which says where it listens."""
        return self.lines.entries()[1:]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
