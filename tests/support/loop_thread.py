"""An asyncio loop in a thread of its own, so that plain tests can run servers written for asyncio.

    loop = LoopThread("receiver")
    server = loop.run(make_server())      # from any thread: waits for the result
    loop.call(transport.abort)            # from any thread: runs soon, does not wait
    loop.stop()
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Callable, Coroutine

DEADLINE_S = 30.0  # for what takes milliseconds


class LoopThread:
    def __init__(self, name: str):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, work: Coroutine, deadline_s: float = DEADLINE_S) -> Any:
        """Runs work on the loop and returns its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(deadline_s)

    def call(self, function: Callable, *arguments: Any) -> None:
        """Has function called on the loop, without waiting for it."""
        self.loop.call_soon_threadsafe(function, *arguments)

    def stop(self) -> None:
        """Cancels what still runs and ends the thread. Stopping twice is harmless."""
        if self.loop.is_closed():
            return
        self.run(self._cancel_all())
        self.call(self.loop.stop)
        self._thread.join(DEADLINE_S)
        self.loop.close()

    async def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks(self.loop) - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
