"""Publishers and queue consumers that keep going while the server is killed and comes back.

    load = Load(server.url, server.admin_key, recorder)
    load.add_publisher("acme", ["hook", "jobs"])         # names of the channels that its events have to reach
    load.add_consumer("acme", "chn_01...", "jobs")
    load.watch_webhook(receiver, "/hook", "hook")
    with load: ...                                       # runs inside; after it publishers have finished
    load.finish(deadline_s)                              # waits until all is delivered, then ends the consumers

A publisher sends one event after the other, with its mark as idempotency key and as "mark" in the data. What was not
answered with 202 it sends again, with the same key, until it is; only then comes the next one. So at the end every
event has an id, and the recorder can tell what each channel owes. An answer that is neither 202 nor one that asks for
another try (429, 503, 507) is a failure of the run, raised by the next call from the test.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Callable, Sequence

from .api import Account, Api, Unanswered
from .receiver import Receiver, Request
from .recorder import Lease, Recorder
from .waiting import Journal

TRY_AGAIN = (429, 503, 507)
AFTER_FAILURE_S = 0.01  # between tries while the server is down: often enough to catch its first moments
POLL_MS = 1000
LEASE_MS = 5000
MESSAGES_MAX = 100
ACKNOWLEDGED = "ok"  # the status of a receipt that counted
JOIN_DEADLINE_S = 90.0  # more than what a single request may take


class Load:
    def __init__(self, url: str, key: str, recorder: Recorder, payload_bytes: int = 200):
        self.recorder = recorder
        self.api = Api(url, key)
        self.padding = "x" * payload_bytes
        self.failed = threading.Event()
        self.published: Journal[str] = Journal("published")  # the events' ids
        self.acknowledged: Journal[str] = Journal("acknowledged")
        self._failure: BaseException | None = None
        self._stop_publishing = threading.Event()
        self._stop_consuming = threading.Event()
        self._publishers: list[threading.Thread] = []
        self._consumers: list[threading.Thread] = []

    def __enter__(self) -> Load:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_publishing()

    # Before the start

    def add_publisher(self, account: str, channels: Sequence[str], type: str = "load.tick") -> None:
        stream = f"{account}-{len(self._publishers)}"
        publisher = _Publisher(self, self.api.account(account), stream, tuple(channels), type)
        self._publishers.append(self._thread(publisher.run, stream))

    def add_consumer(self, account: str, channel_id: str, channel: str) -> None:
        name = f"consumer-{len(self._consumers)}"
        consumer = _Consumer(self, self.api.account(account), channel_id, channel, name)
        self.add_consuming(consumer.receive_and_acknowledge, name)

    def add_publishing(self, step: Callable[[], None], name: str) -> None:
        """Calls step again and again as long as publishers publish, for those who publish in a form of their own."""
        self._publishers.append(self._thread(lambda: self._repeat(step, lambda: self.is_publishing), name))

    def add_consuming(self, step: Callable[[], None], name: str) -> None:
        """The same as long as consumers consume."""
        self._consumers.append(self._thread(lambda: self._repeat(step, lambda: self.is_consuming), name))

    def watch_webhook(self, receiver: Receiver, path: str, channel: str) -> None:
        """Has all that comes to path recorded as arrivals at channel."""
        def record(request: Request) -> None:
            if request.path == path:
                mark = json.loads(request.body)["data"]["mark"]
                self.recorder.got(channel, request.headers["webhook-id"], mark, request.time)

        receiver.on_request(record)

    # Running

    def start(self) -> None:
        for thread in self._publishers + self._consumers:
            thread.start()

    def wait_for_work(self) -> None:
        """Until one more event was published, and then one more acknowledged."""
        self.published.wait_for_count(len(self.published) + 1)
        self.acknowledged.wait_for_count(len(self.acknowledged) + 1)

    def stop_publishing(self) -> None:
        """Lets each publisher finish the event it is at, which needs a server that runs."""
        self._stop_publishing.set()
        self._join(self._publishers)
        self.raise_failure()

    def finish(self, deadline_s: float) -> None:
        """Waits until all that was published has arrived and is acknowledged, then ends the consumers."""
        try:
            self.recorder.wait_until_done(deadline_s)
        finally:
            self._stop_consuming.set()
            self._join(self._consumers)
        self.raise_failure()

    def raise_failure(self) -> None:
        if self._failure:
            raise AssertionError("the load failed") from self._failure

    def _thread(self, run: Callable[[], None], name: str) -> threading.Thread:
        def guarded() -> None:
            try:
                run()
            except BaseException as error:  # whatever it is, the test has to hear of it
                self._failure = error
                self.failed.set()

        return threading.Thread(target=guarded, name=name, daemon=True)

    def _repeat(self, step: Callable[[], None], goes_on: Callable[[], bool]) -> None:
        while goes_on():
            try:
                step()
            except Unanswered:
                self.wait_a_little()

    def _join(self, threads: Sequence[threading.Thread]) -> None:
        for thread in threads:
            thread.join(JOIN_DEADLINE_S)
            assert not thread.is_alive(), f"{thread.name} did not end"

    # For the threads

    @property
    def is_publishing(self) -> bool:
        return not self._stop_publishing.is_set() and not self.failed.is_set()

    @property
    def is_consuming(self) -> bool:
        return not self._stop_consuming.is_set() and not self.failed.is_set()

    def wait_a_little(self) -> None:
        self.failed.wait(AFTER_FAILURE_S)


class _Publisher:
    def __init__(self, load: Load, account: Account, stream: str, channels: tuple[str, ...], type: str):
        self._load = load
        self._account = account
        self._stream = stream
        self._channels = channels
        self._type = type

    def run(self) -> None:
        sequence = 0
        while self._load.is_publishing:
            sequence += 1
            mark = f"{self._stream}-{sequence}"
            self._load.recorder.publishing(mark)
            event = self._publish_until_answered(mark)
            if event:
                self._load.recorder.published(mark, event, self._channels, self._stream, sequence)
                self._load.published.append(event)

    def _publish_until_answered(self, mark: str) -> str | None:
        """The event's id; None when the load failed meanwhile."""
        data = {"mark": mark, "padding": self._load.padding}
        while not self._load.failed.is_set():
            try:
                answer = self._account.publish(self._type, data, idempotency_key=mark)
            except Unanswered:
                self._load.wait_a_little()
                continue
            if answer.status not in TRY_AGAIN:
                return answer.expect(202)["id"]
            self._load.wait_a_little()
        return None


class _Consumer:
    def __init__(self, load: Load, account: Account, channel_id: str, channel: str, name: str):
        self._load = load
        self._account = account
        self._channel_id = channel_id
        self._channel = channel
        self._name = name

    def receive_and_acknowledge(self) -> None:
        asked_at = time.monotonic()
        answer = self._account.receive(self._channel_id, max=MESSAGES_MAX, wait_ms=POLL_MS, lease_ms=LEASE_MS)
        if answer.status in TRY_AGAIN:
            self._load.wait_a_little()
            return
        messages = answer.expect(200)["messages"]
        self._record_leases(messages, asked_at)
        if messages:
            self._acknowledge({message["receipt"]: message["event"]["id"] for message in messages})

    def _record_leases(self, messages: list[dict], asked_at: float) -> None:
        answered_at = time.monotonic()
        for message in messages:
            event = message["event"]
            self._load.recorder.leased(self._channel, Lease(
                event["id"], self._name, asked_at, answered_at, LEASE_MS / 1000, event["data"]["mark"]))

    def _acknowledge(self, events: dict[str, str]) -> None:
        """events by receipt."""
        try:
            answer = self._account.ack(self._channel_id, list(events))
        except Unanswered:
            for event in events.values():
                self._load.recorder.acknowledging_unanswered(self._channel, event)
            raise
        if answer.status in TRY_AGAIN:
            return
        for result in answer.expect(200, 409)["results"]:  # 409: all were held too long, and others have them now
            if result["status"] == ACKNOWLEDGED:
                self._load.recorder.acknowledged(self._channel, events[result["receipt"]])
                self._load.acknowledged.append(events[result["receipt"]])
