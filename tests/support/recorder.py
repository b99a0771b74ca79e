"""Writes down what was promised and what arrived, and says what does not match.

    recorder = Recorder()
    recorder.channel("hook"); recorder.channel("jobs", is_queue=True)
    recorder.published("order-17", "evt_01...", ["hook", "jobs"])     # answered 202 with this id
    recorder.got("hook", "evt_01...")                                 # a receiver got it
    recorder.leased("jobs", Lease(...))                               # a consumer got it
    recorder.acknowledged("jobs", "evt_01...")                        # and the server confirmed the acknowledgement
    recorder.wait_until_done(deadline_s)
    recorder.check().assert_clean()

Whoever publishes gives each event a mark of its own, which travels inside the event, and uses it as the idempotency
key: so an event whose publishing was never answered can be told from one that nobody published.

| finding        | means                                                                        | broken promise    |
| -------------- | ---------------------------------------------------------------------------- | ----------------- |
| lost           | answered with 202, and never came to one of its channels                     | 2xx means stored  |
| unexpected     | came to a channel for which it was not published, or was never published     | isolation         |
| split          | one mark was answered with two ids, so it is stored twice                    | stored once       |
| mixed          | came with another event's mark inside                                        | byte for byte     |
| returned       | was offered again after its acknowledgement had been confirmed               | 2xx means stored  |
| lease_overlaps | was offered to a second consumer while the first still held it               | leases            |
| out_of_order   | came first after a later event of its stream, on a channel that keeps order  | order             |
| duplicates     | came more than once: allowed, that is at least once, but to be kept in sight | none              |

A stream is what one publisher sends one after the other, each after the answer to the last; only within it does
anybody know which event is the earlier one.

All times are time.monotonic(). Doubt is always decided in the server's favour: a lease counts from when its request
was sent, and ends as soon as releasing it was begun. Acknowledging does not end it: nobody else may have the event
then either.
"""

from __future__ import annotations

import bisect
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields
from typing import Iterable, NamedTuple

from .waiting import DeadlinePassed

FINDINGS_SHOWN = 10
FOREVER = float("inf")


@dataclass
class Publication:
    mark: str
    event: str
    channels: tuple[str, ...]
    stream: str
    sequence: int


class Arrival(NamedTuple):
    channel: str
    event: str
    mark: str | None
    asked_at: float  # for a queue when the consumer asked, else when the request arrived
    time: float


@dataclass
class Lease:
    """One consumer's hold on one event."""

    event: str
    consumer: str
    asked_at: float  # when the request was sent
    answered_at: float
    duration_s: float
    mark: str | None = None
    released_at: float = FOREVER  # when the consumer began to give it back


@dataclass
class Report:
    """What did not match, as lines to read; see the table above."""

    published: int = 0
    arrived: int = 0
    lost: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    split: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    lease_overlaps: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)

    def faults(self, allowed: Iterable[str] = ("duplicates",)) -> list[str]:
        """The names of the findings that are not empty and not allowed."""
        return [f.name for f in fields(self) if getattr(self, f.name) and _is_finding(f.name) and f.name not in allowed]

    def assert_clean(self, allowed: Iterable[str] = ("duplicates",)) -> None:
        assert not self.faults(allowed), str(self)

    def __str__(self) -> str:
        lines = [f"{self.published} published, {self.arrived} arrivals"]
        for finding in filter(_is_finding, (f.name for f in fields(self))):
            cases = getattr(self, finding)
            lines.append(f"{finding}: {len(cases)}")
            lines += [f"    {case}" for case in cases[:FINDINGS_SHOWN]]
        return "\n".join(lines)


def _is_finding(name: str) -> bool:
    return name not in ("published", "arrived")


@dataclass(frozen=True)
class _Channel:
    name: str
    is_queue: bool
    is_ordered: bool


class Recorder:
    """May be used from many threads. One lock guards it all: the threads that write here are many, and each briefly."""

    def __init__(self):
        self._changed = threading.Condition()
        self._channels: dict[str, _Channel] = {}
        self._publications: dict[str, Publication] = {}  # by event id
        self._event_of_mark: dict[str, str] = {}
        self._unanswered: set[str] = set()  # marks
        self._split: list[str] = []
        self._arrivals: list[Arrival] = []
        self._leases: dict[tuple[str, str], list[Lease]] = defaultdict(list)
        self._lease_ends: list[float] = []  # when all leases ended at once, ascending
        self._acknowledged: dict[tuple[str, str], float] = {}
        self._done: set[tuple[str, str]] = set()
        self._awaited: set[tuple[str, str]] = set()

    # What was promised

    def channel(self, name: str, is_queue: bool = False, is_ordered: bool = False) -> None:
        """An event is done on a queue when its acknowledgement was sent and not refused, elsewhere on its arrival."""
        with self._changed:
            self._channels[name] = _Channel(name, is_queue, is_ordered)

    def publishing(self, mark: str) -> None:
        """A request goes out. Until its answer is there nobody knows whether the event exists."""
        with self._changed:
            self._unanswered.add(mark)

    def published(self, mark: str, event: str, channels: Iterable[str], stream: str = "", sequence: int = 0) -> None:
        with self._changed:
            self._unanswered.discard(mark)
            first = self._event_of_mark.setdefault(mark, event)
            if first != event:
                self._split.append(f"{mark} is stored as {first} and as {event}")
            self._publications[event] = Publication(mark, event, tuple(channels), stream, sequence)
            self._awaited |= {(channel, event) for channel in channels} - self._done

    # What arrived

    def got(self, channel: str, event: str, mark: str | None = None, at: float | None = None) -> None:
        now = time.monotonic() if at is None else at
        with self._changed:
            self._arrive(Arrival(channel, event, mark, now, now))

    def leased(self, channel: str, lease: Lease) -> None:
        with self._changed:
            self._leases[channel, lease.event].append(lease)
            self._arrive(Arrival(channel, lease.event, lease.mark, lease.asked_at, lease.answered_at))

    def releasing(self, channel: str, event: str, consumer: str, at: float | None = None) -> None:
        """The consumer is about to release it: from here on the server may offer it to another."""
        with self._changed:
            for lease in self._leases[channel, event]:
                if lease.consumer == consumer:
                    lease.released_at = min(lease.released_at, time.monotonic() if at is None else at)

    def extended(self, channel: str, event: str, consumer: str, asked_at: float, duration_s: float) -> None:
        """The server confirmed that the newest lease of consumer goes on for so long from asked_at."""
        with self._changed:
            lease = [lease for lease in self._leases[channel, event] if lease.consumer == consumer][-1]
            lease.duration_s = asked_at + duration_s - lease.asked_at

    def leases_end(self) -> None:
        """All leases may end now, as those that a server keeps in memory only do when it is killed."""
        with self._changed:
            self._lease_ends.append(time.monotonic())

    def acknowledged(self, channel: str, event: str, at: float | None = None) -> None:
        """The server confirmed that it will never offer the event again."""
        with self._changed:
            self._acknowledged.setdefault((channel, event), time.monotonic() if at is None else at)
            self._finish(channel, event)

    def acknowledging_unanswered(self, channel: str, event: str) -> None:
        """An acknowledgement got no answer: the event is done or will come again, and nobody knows which."""
        with self._changed:
            self._finish(channel, event)

    def _arrive(self, arrival: Arrival) -> None:
        self._arrivals.append(arrival)
        channel = self._channels.get(arrival.channel)
        if channel and not channel.is_queue:
            self._finish(arrival.channel, arrival.event)

    def _finish(self, channel: str, event: str) -> None:
        self._done.add((channel, event))
        self._awaited.discard((channel, event))
        if not self._awaited:
            self._changed.notify_all()

    # Waiting

    @property
    def awaited_count(self) -> int:
        """How many deliveries are promised and not done."""
        return len(self._awaited)

    def wait_until_done(self, deadline_s: float) -> None:
        """Waits until all that was published so far is done on all its channels."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._awaited, deadline_s):
                some = sorted(self._awaited)[:FINDINGS_SHOWN]
                raise DeadlinePassed(f"{len(self._awaited)} deliveries not done within {deadline_s} s, such as {some}")

    # Checking

    def check(self) -> Report:
        with self._changed:
            return Report(
                published=len(self._event_of_mark),
                arrived=len(self._arrivals),
                lost=self._find_lost(),
                unexpected=self._find_unexpected(),
                split=self._split[:],
                mixed=self._find_mixed(),
                returned=self._find_returned(),
                lease_overlaps=self._find_lease_overlaps(),
                out_of_order=self._find_out_of_order(),
                duplicates=self._find_duplicates(),
            )

    def _find_lost(self) -> list[str]:
        arrived = {(a.channel, a.event) for a in self._arrivals}
        return [f"{p.event} ({p.mark}) never came to {channel}"
                for p in self._publications.values() for channel in p.channels if (channel, p.event) not in arrived]

    def _find_unexpected(self) -> list[str]:
        return [f"{a.event} ({a.mark}) came to {a.channel}" for a in self._arrivals if not self._is_expected(a)]

    def _is_expected(self, arrival: Arrival) -> bool:
        publication = self._publications.get(arrival.event)
        if publication is None:  # it exists all the same if its answer was lost
            return arrival.mark in self._unanswered
        return arrival.channel in publication.channels

    def _find_mixed(self) -> list[str]:
        return [f"{a.event} came to {a.channel} with {a.mark} inside, not {self._publications[a.event].mark}"
                for a in self._arrivals if a.mark is not None and a.event in self._publications
                and a.mark != self._publications[a.event].mark]

    def _find_returned(self) -> list[str]:
        return [f"{a.event} came to {a.channel} again" for a in self._arrivals
                if a.asked_at > self._acknowledged.get((a.channel, a.event), FOREVER)]

    def _find_lease_overlaps(self) -> list[str]:
        found = []
        for (channel, event), leases in self._leases.items():
            leases.sort(key=lambda lease: lease.answered_at)
            for earlier, later in zip(leases, leases[1:]):
                left_s = self._surely_holds_until(earlier) - later.answered_at
                if left_s > 0:
                    found.append(f"{event} of {channel} was given to {later.consumer} {left_s:.3f} s before the lease"
                                 f" of {earlier.consumer} ended")
        return found

    def _surely_holds_until(self, lease: Lease) -> float:
        next_end = bisect.bisect_left(self._lease_ends, lease.asked_at)
        ended_at = self._lease_ends[next_end] if next_end < len(self._lease_ends) else FOREVER
        return min(lease.asked_at + lease.duration_s, lease.released_at, ended_at)

    def _find_out_of_order(self) -> list[str]:
        last: dict[tuple[str, str], Publication] = {}
        seen: set[tuple[str, str]] = set()
        found = []
        for arrival in sorted(self._arrivals, key=lambda a: a.time):
            publication = self._publications.get(arrival.event)
            channel = self._channels.get(arrival.channel)
            if not publication or not channel or not channel.is_ordered or (arrival.channel, arrival.event) in seen:
                continue
            seen.add((arrival.channel, arrival.event))
            before = last.setdefault((arrival.channel, publication.stream), publication)
            if publication.sequence < before.sequence:
                found.append(f"{publication.mark} came to {arrival.channel} after {before.mark}")
            else:
                last[arrival.channel, publication.stream] = publication
        return found

    def _find_duplicates(self) -> list[str]:
        times = Counter((a.channel, a.event) for a in self._arrivals)
        return [f"{event} came to {channel} {count} times" for (channel, event), count in times.items() if count > 1]
