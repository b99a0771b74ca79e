"""The server program as a test sees it: a process with a settings file, a data folder, a ready line and a log.

    server = Server(folder, {"send": {"allow_private": "127.0.0.0/8"}})
    server.start()                       # returns when it has said that it is ready
    api = Api(server.url, server.admin_key)
    server.kill(); server.start()        # SIGKILL; then again on the same folder and the same port
    server.stop()                        # SIGTERM; returns the exit code

The program is $TIDINGS_PROGRAM, by default build/tidings. settings go into the file section by section, on top of
[server] listen and admin_key and [store] path, and None takes a line out; environment goes on top of ours, from which
all TIDINGS_ names were removed. wrapper is put before the command, such as ["strace", "-f", ..]: signals and
measurements still mean the program, not the wrapper.

All that the program writes is kept in folder: stdout.log and stderr.log, of all its runs one after the other.
complaints() tells what no run may end with: an exit that nobody asked for, or a sanitizer's finding.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Mapping, Sequence

from .ports import free_port
from .waiting import DEADLINE_S, DeadlinePassed, Journal, eventually

TOP_FOLDER = Path(__file__).resolve().parents[2]
DEFAULT_PROGRAM = TOP_FOLDER / "build" / "tidings"
ADMIN_KEY = "tk_test_admin_key_0123456789abcdefghijkl"

START_DEADLINE_S = 60.0  # sanitized builds under load take some seconds
STOP_DEADLINE_S = 60.0  # the server promises 10 where nobody holds it up
LOG_TAIL_BYTES = 8000

Settings = Mapping[str, Mapping[str, object]]

_SANITIZER_FINDING = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed")


class StartFailed(AssertionError):
    """The program ended, or said nothing, instead of becoming ready."""


@dataclass(frozen=True)
class Usage:
    """What the process has used so far."""

    rss_bytes: int
    rss_peak_bytes: int
    cpu_s: float
    threads: int
    open_files: int
    written_bytes: int  # handed to the disk, as the kernel counts it


def program_path() -> Path:
    return Path(os.environ.get("TIDINGS_PROGRAM", DEFAULT_PROGRAM)).resolve()


class Server:
    def __init__(
        self,
        folder: Path,
        settings: Settings | None = None,
        *,
        port: int | None = None,
        wrapper: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        program: Path | None = None,
    ):
        """Writes nothing yet. port=0 leaves the choice to the server, at every start anew."""
        self.folder = Path(folder)
        self.data_folder = self.folder / "data"
        self.settings_file = self.folder / "tidings.ini"
        self.stdout_file = self.folder / "stdout.log"
        self.stderr_file = self.folder / "stderr.log"
        self.admin_key = ADMIN_KEY
        self.url = ""
        self.wrapper = list(wrapper)
        self.starts = 0
        self._program = Path(program) if program else program_path()
        self._environment = dict(environment or {})
        self._settings: dict[str, dict[str, object]] = {
            "server": {"listen": f"127.0.0.1:{free_port() if port is None else port}", "admin_key": self.admin_key},
            "store": {"path": self.data_folder},
        }
        self.change_settings(settings or {})
        self._process: subprocess.Popen | None = None
        self._output: Journal[str] = Journal("stdout")
        self._reader: threading.Thread | None = None
        self._unasked_exits: list[str] = []

    # Settings

    def change_settings(self, settings: Settings) -> None:
        """Takes effect at the next start, or once the file is written and the server told to read it."""
        for section, values in settings.items():
            self._settings.setdefault(section, {}).update(values)

    def write_settings(self) -> None:
        self.data_folder.mkdir(parents=True, exist_ok=True)
        file = configparser.RawConfigParser()
        file.optionxform = str
        for section, values in self._settings.items():
            file[section] = {name: str(value) for name, value in values.items() if value is not None}
        with open(self.settings_file, "w", encoding="utf-8") as out:
            file.write(out)

    # Starting

    def start(self, deadline_s: float = START_DEADLINE_S) -> Server:
        """Starts the program and waits until it says that it is ready."""
        self.spawn()
        self._output.wait_for(lambda lines: any(line == "" or _ready_url(line) for line in lines), deadline_s)
        self.url = next(filter(None, map(_ready_url, self._output.entries())), "")
        if not self.url:
            code = self._process.wait(DEADLINE_S)
            self._process = None
            raise StartFailed(f"exit code {code} instead of ready; its log ends with:\n{self.log_tail()}")
        return self

    def spawn(self) -> None:
        """Starts the program and does not wait; for a start that is meant to fail, see wait_exit()."""
        assert not self.is_running, "it runs already"
        if not self._program.exists():
            raise StartFailed(f"{self._program} does not exist: build it, or set TIDINGS_PROGRAM")
        self.write_settings()
        command = [*self.wrapper, str(self._program), "serve", "--config", str(self.settings_file)]
        self.starts += 1
        self._output = Journal(f"stdout of run {self.starts}")
        with open(self.stderr_file, "ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=self._full_environment(), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log)
        self._reader = threading.Thread(
            target=_copy_lines, args=(self._process.stdout, self.stdout_file, self._output), daemon=True)
        self._reader.start()

    def restart(self) -> Server:
        """Stops it as an operator would and starts it again on the same folder and port."""
        self.stop()
        return self.start()

    def _full_environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
        return {**ours, **self._environment}

    # Ending

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self, deadline_s: float = STOP_DEADLINE_S) -> int:
        """SIGTERM, and waits; the exit code. A server that does not end in time is killed and the test fails."""
        self._must_run()
        self.signal(signal.SIGTERM)
        return self.wait_exit(deadline_s)

    def kill(self) -> None:
        """SIGKILL, and waits until the process is gone."""
        self._must_run()
        self.signal(signal.SIGKILL)
        self.wait_exit()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait_exit(self, deadline_s: float = DEADLINE_S) -> int:
        """Waits until the program has ended, of itself or because it was told to; its exit code, -N for signal N."""
        try:
            code = self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self._destroy()
            raise DeadlinePassed(f"the server did not end within {deadline_s} s:\n{self.log_tail()}") from None
        self._reader.join(DEADLINE_S)
        self._process = None
        return code

    def close(self) -> None:
        """Makes sure that nothing runs any more; for the end of a test, whatever came before."""
        if self.is_running:
            self._destroy()
        elif self._process:
            self._note_unasked_exit()
            self._process = None

    def _destroy(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._process = None

    def _must_run(self) -> None:
        if not self.is_running:
            self._note_unasked_exit()
            raise AssertionError(f"the server runs no more; its log ends with:\n{self.log_tail()}")

    def _note_unasked_exit(self) -> None:
        if self._process:
            self._unasked_exits.append(f"the server ended by itself with code {self._process.returncode}")

    # Looking at it

    @property
    def pid(self) -> int:
        """The program's process, not the wrapper's."""
        assert self._process is not None, "it does not run"
        if not self.wrapper:
            return self._process.pid
        return eventually(lambda: _find_program(self._process.pid, self._program), what="the wrapped program to start")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def usage(self) -> Usage:
        return _usage(self.pid)

    @contextlib.contextmanager
    def memory_grows_by_less_than(self, limit_bytes: int) -> Iterator[None]:
        """Compares what is resident before and after. A sanitizer keeps what was freed: then it says nothing."""
        before = self.usage().rss_bytes
        yield
        grown = self.usage().rss_bytes - before
        assert self._is_sanitized or grown < limit_bytes, f"{grown} bytes more are resident"

    @property
    def _is_sanitized(self) -> bool:
        return b"__asan_init" in self._program.read_bytes()

    def log(self) -> str:
        """The stderr of all runs so far."""
        return self.stderr_file.read_text("utf-8", "replace") if self.stderr_file.exists() else ""

    def log_tail(self) -> str:
        return self.log()[-LOG_TAIL_BYTES:]

    def wait_for_log(self, pattern: str, deadline_s: float = DEADLINE_S) -> re.Match:
        """Waits until the log has something that matches the regular expression."""
        return eventually(lambda: re.search(pattern, self.log()), deadline_s, f"{pattern!r} in the log")

    def complaints(self) -> list[str]:
        """What is wrong whatever the test was about; empty when nothing is."""
        findings = [line for line in self.log().splitlines() if _SANITIZER_FINDING.search(line)]
        return self._unasked_exits + findings


def _ready_url(line: str) -> str | None:
    found = re.fullmatch(r"ready (https?://\S+)\n?", line)
    return found and found[1].rstrip("/")


def _copy_lines(stream, path: Path, journal: Journal[str]) -> None:
    """Runs in a thread for as long as the program writes. An empty entry stands for the end."""
    with stream, open(path, "a", encoding="utf-8") as copy:
        for line in iter(stream.readline, b""):
            text = line.decode("utf-8", "replace")
            copy.write(text)
            copy.flush()
            journal.append(text)
    journal.append("")


def _find_program(pid: int, program: Path) -> int | None:
    """The process at or below pid that runs program, which may be a script."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").split("\0")
        if Path(f"/proc/{pid}/exe").resolve() == program or arguments[1:2] == [str(program)]:
            return pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:  # it has ended meanwhile
        return None
    return next(filter(None, (_find_program(int(child), program) for child in children)), None)


def _usage(pid: int) -> Usage:
    folder = Path(f"/proc/{pid}")
    status = dict(re.findall(r"(\w+):\s+(\d+)", (folder / "status").read_text("ascii", "replace")))
    # The name in parentheses may hold anything, so fields are counted from after it.
    fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    disk = dict(re.findall(r"(\w+): (\d+)", (folder / "io").read_text("ascii")))
    return Usage(
        rss_bytes=int(status["VmRSS"]) * 1024,
        rss_peak_bytes=int(status["VmHWM"]) * 1024,
        cpu_s=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
        threads=int(status["Threads"]),
        open_files=len(os.listdir(folder / "fd")),
        written_bytes=int(disk["write_bytes"]),
    )
