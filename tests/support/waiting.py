"""Waiting without sleeping: for an entry in a journal, or for an answer to a question, always with a deadline.

A test never waits a fixed time for something to have happened: that is too short on a slow machine and too long on
all others. What announces itself is written to a Journal, and a test waits for the entry. What does not (a file, the
process table, a state that only the API tells) is asked for again and again by eventually().

A deadline that passes is an AssertionError which says what was waited for and what was there instead.
"""

from __future__ import annotations

import threading
import time
from typing import Callable, Generic, TypeVar

Entry = TypeVar("Entry")
Result = TypeVar("Result")

DEADLINE_S = 30.0  # for what should take milliseconds; generous because the machine may be busy with other tests
ASK_EVERY_S = 0.02
ENTRIES_SHOWN = 5


class DeadlinePassed(AssertionError):
    """What was waited for did not come in time."""


class Journal(Generic[Entry]):
    """A list that only grows, written by one thread and waited on by others."""

    def __init__(self, name: str):
        self.name = name
        self._entries: list[Entry] = []
        self._changed = threading.Condition()

    def append(self, entry: Entry) -> None:
        with self._changed:
            self._entries.append(entry)
            self._changed.notify_all()

    def entries(self) -> list[Entry]:
        """A copy of what is written so far."""
        return self._entries[:]

    def __len__(self) -> int:
        return len(self._entries)

    def wait_for(self, predicate: Callable[[list[Entry]], Result], deadline_s: float = DEADLINE_S) -> Result:
        """Asks predicate(entries) now and after each new entry until its result is true, and returns that result."""
        end = time.monotonic() + deadline_s
        while True:
            entries = self.entries()
            result = predicate(entries)
            if result:
                return result
            # Asked outside the lock, so that a slow question does not hold up the writer; a change in between is
            # noticed by the count.
            self._wait_for_more_than(len(entries), end, "what the test waits for is not among them")

    def wait_for_count(self, count: int, deadline_s: float = DEADLINE_S) -> list[Entry]:
        """Waits until there are at least count entries and returns all there are."""
        end = time.monotonic() + deadline_s
        if count > 0:
            self._wait_for_more_than(count - 1, end, f"{count} were expected")
        return self.entries()

    def _wait_for_more_than(self, count: int, end: float, complaint: str) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._entries) > count, max(0.0, end - time.monotonic())):
                raise DeadlinePassed(f"{self._describe()}; {complaint}")

    def _describe(self) -> str:
        last = "".join(f"\n  {entry!r:.300}" for entry in self._entries[-ENTRIES_SHOWN:])
        return f"{self.name} has {len(self._entries)} entries{', the last of them:' if last else ''}{last}"


def eventually(question: Callable[[], Result], deadline_s: float = DEADLINE_S, what: str = "") -> Result:
    """Asks until the answer is true and returns it. An AssertionError in question() counts as a no."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()  # never set: its wait only bounds how often we ask
    complaint: object = None
    while True:
        try:
            answer = question()
            if answer:
                return answer
            complaint = repr(answer)
        except AssertionError as error:
            complaint = error
        if time.monotonic() >= end:
            raise DeadlinePassed(f"not within {deadline_s} s: {what or question.__name__}; last answer: {complaint}")
        pause.wait(ASK_EVERY_S)
