"""What processes use between two moments: CPU by thread, bytes written, memory; and what else the machine did.

    meter = Meter({"server": pid, "nginx": pid})
    ...
    usage = meter.read()
    usage.cpu_us["server.committer"]

Threads of one name count together, numbers at the end of a name left out: "http-0" and "http-1" are "http". The children
of a process count as its own.
"""

from __future__ import annotations

import collections
import os
import re
from dataclasses import dataclass
from pathlib import Path

US_PER_TICK = 1_000_000 // os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Usage:
    cpu_us: dict[str, int]  # by "role.thread"
    written_bytes: dict[str, int]  # by role
    rss_bytes: dict[str, int]  # by role, at the end
    machine_us: int  # CPU time of everything on the machine

    def role_us(self, role: str) -> int:
        return sum(us for name, us in self.cpu_us.items() if name.partition(".")[0] == role)


class Meter:
    def __init__(self, pids: dict[str, int]):
        self._pids = pids
        self._start = self._now()

    def read(self) -> Usage:
        """Since the meter was made."""
        now, start = self._now(), self._start
        return Usage(
            cpu_us={name: us - start.cpu_us.get(name, 0) for name, us in now.cpu_us.items()},
            written_bytes={role: count - start.written_bytes[role] for role, count in now.written_bytes.items()},
            rss_bytes=now.rss_bytes,
            machine_us=now.machine_us - start.machine_us,
        )

    def _now(self) -> Usage:
        usage = Usage(collections.Counter(), collections.Counter(), collections.Counter(), _machine_us())
        for role, pid in self._pids.items():
            for one in _family(pid):
                _add_process(usage, role, one)
        return usage


def _add_process(usage: Usage, role: str, pid: int) -> None:
    folder = Path(f"/proc/{pid}")
    for task in (folder / "task").iterdir():
        name, fields = _stat(task / "stat")
        name = re.sub(r"-?\d+$", "", name)
        usage.cpu_us[f"{role}.{name}"] += (int(fields[11]) + int(fields[12])) * US_PER_TICK
    usage.written_bytes[role] += int(re.search(r"^write_bytes: (\d+)", (folder / "io").read_text("ascii"), re.M)[1])
    usage.rss_bytes[role] += int((folder / "statm").read_text("ascii").split()[1]) * PAGE_BYTES


def _stat(path: Path) -> tuple[str, list[str]]:
    """The thread's name, and the fields behind it: the name in parentheses may hold anything."""
    head, _, tail = path.read_text("utf-8", "replace").rpartition(")")
    return head.partition("(")[2], tail.split()


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _machine_us() -> int:
    """User, nice, system, irq and softirq time of all cores; not idle, not waiting for the disk, not stolen."""
    fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:]
    return sum(int(fields[i]) for i in (0, 1, 2, 5, 6)) * US_PER_TICK
