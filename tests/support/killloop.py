"""Kills the server at random moments under load, restarts it on the same folder, and again.

    loop = KillLoop(server, load)        # a server that runs and a load that is not yet started
    loop.run(kills=20, deadline_s=60)
    recorder.check().assert_clean()

Receivers and consumers run on through the kills, and nothing but this loop restarts the server. The moments come from
a seed which is printed, so that a failure can be tried again: TIDINGS_KILL_SEED=N. The same seed does not bring the
same interleaving, only the same waits.
"""

from __future__ import annotations

import os
import random
import statistics
import time

from .load import Load
from .server import Server

KILL_AFTER_S = (0.05, 0.5)  # counted from the moment the server is ready, or has done some work
SERVING_AGAIN_S = 15.0  # what restarts after kills may take, but for the one that the machine held up


class KillLoop:
    def __init__(self, server: Server, load: Load, seed: int | None = None, leases_survive: bool = False,
                 after_work: bool = False):
        """leases_survive: whether an event that a consumer holds must stay with it through a kill. after_work: whether
        something has to be published and acknowledged before each kill."""
        self.seed = seed if seed is not None else int(os.environ.get("TIDINGS_KILL_SEED", time.time_ns() % 10**9))
        self.restart_s: list[float] = []  # of each restart, from starting the program until it was ready
        self._server = server
        self._load = load
        self._leases_survive = leases_survive
        self._after_work = after_work
        self._chance = random.Random(self.seed)

    def run(self, kills: int, deadline_s: float = 60.0) -> None:
        """deadline_s is for what is left after the last restart: delivering and acknowledging all that was stored."""
        print(f"kill loop: seed {self.seed}, {kills} kills")
        with self._load:
            for _ in range(kills):
                self._kill_and_restart()
        self._load.finish(deadline_s)
        assert statistics.median(self.restart_s) < SERVING_AGAIN_S, self.restart_s
        print(f"kill loop: slowest restart {max(self.restart_s, default=0):.3f} s")

    def _kill_and_restart(self) -> None:
        if self._after_work:
            self._load.wait_for_work()
        # Not a wait for something to have happened: the moment of the kill is what is being varied. It ends early
        # when the load fails.
        if self._load.failed.wait(self._chance.uniform(*KILL_AFTER_S)):
            self._load.raise_failure()
        self._server.kill()
        if not self._leases_survive:
            self._load.recorder.leases_end()
        killed_at = time.monotonic()
        self._server.start()
        self.restart_s.append(time.monotonic() - killed_at)
