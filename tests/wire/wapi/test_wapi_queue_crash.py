"""The queue under SIGKILL, with several consumers who compete for its head: nothing lost, nothing twice, in order.

What each consumer saw is kept with the times before its request and after its answer. Whatever the server did, it did
between the two, so what follows from them holds in any case.
"""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass

import pytest
from support.api import Unanswered
from support.killloop import KillLoop
from support.load import TRY_AGAIN, Load
from support.recorder import Recorder
from support.wapi_page import Customer

PASSWORD = "correct-horse"
CHANNEL = "queue"
CONSUMERS = 4
PUBLISHERS = 3
BACKLOG_MIN = 100  # published before the first kill, so that consumers always have something to do
BACKLOG_MAX = 200  # publishers are faster than consumers; what is left at the end has to be drained
NO_LIMITS = {"wapi": {"hourly_max": 1_000_000_000, "failures_max": 1_000_000}}


@dataclass(frozen=True)
class Shown:
    id: int
    mark: str
    asked_at: float
    answered_at: float


@dataclass(frozen=True)
class Ack:
    """code is None when no answer came: then nobody knows whether it counted."""

    id: int
    code: int | None
    asked_at: float
    answered_at: float


class Watch:
    """Publishers and consumers of one account, and all that they saw."""

    def __init__(self, load: Load, account, customer: Customer):
        self.shown: list[Shown] = []
        self.acks: list[Ack] = []
        self._load = load
        self._account = account
        self._customer = customer
        self._mark_of: dict[int, str] = {}

    def add_publisher(self, stream: str) -> None:
        numbers = iter(range(1, 1 << 30))
        self._load.add_publishing(lambda: self._publish(stream, next(numbers)), stream)

    def publish_ahead(self, stream: str, count: int) -> None:
        for number in range(1, count + 1):
            self._publish(stream, number)

    def add_consumer(self, name: str) -> None:
        self._load.add_consuming(self._take_head, name)

    def _publish(self, stream: str, number: int) -> None:
        while self._load.recorder.awaited_count > BACKLOG_MAX and not self._load.failed.is_set():
            self._load.wait_a_little()
        mark = f"{stream}-{number}"
        data = {"code": 1000, "result": "OK", "command": "load", "data": {"mark": mark}}
        self._load.recorder.publishing(mark)
        while not self._is_published(data, mark):
            self._load.wait_a_little()
        self._load.recorder.published(mark, mark, [CHANNEL], stream, number)

    def _is_published(self, data: dict, mark: str) -> bool:
        try:
            answer = self._account.publish("load.done", data, idempotency_key=mark)
        except Unanswered:
            return False
        return answer.status not in TRY_AGAIN and bool(answer.expect(202))

    def _take_head(self) -> None:
        asked_at = time.monotonic()
        reply = self._answered("poll-req")
        if reply is None or reply.expect(1000, 1003).code == 1003:
            self._load.wait_a_little()
            return
        notify = reply.notify
        mark = notify.value["data"]["mark"]
        self.shown.append(Shown(notify.id, mark, asked_at, time.monotonic()))
        assert self._mark_of.setdefault(notify.id, mark) == mark
        self._load.recorder.got(CHANNEL, mark, mark, asked_at)
        self._acknowledge(notify.id, mark)

    def _acknowledge(self, id_: int, mark: str) -> None:
        asked_at = time.monotonic()
        reply = self._answered("poll-ack", f"<id>{id_}</id>")
        code = reply.expect(1002, 2151).code if reply else None
        self.acks.append(Ack(id_, code, asked_at, time.monotonic()))
        if code == 1002:
            self._load.recorder.acknowledged(CHANNEL, mark)
        elif code is None:
            self._load.recorder.acknowledging_unanswered(CHANNEL, mark)

    def _answered(self, command: str, data: str | None = None):
        """None when the server was killed meanwhile, or is not there yet."""
        try:
            return self._customer.xml(command, data)
        except (OSError, http.client.HTTPException):
            return None

    # What must hold

    def check(self) -> None:
        self._check_each_is_acknowledged_once()
        self._check_the_head_never_goes_back()
        self._check_nothing_was_passed_over()

    def _check_each_is_acknowledged_once(self) -> None:
        """Of all acknowledgements of an id one counted; none known to only if an answer was lost."""
        counted = [ack.id for ack in self.acks if ack.code == 1002]
        lost = {ack.id for ack in self.acks if ack.code is None}
        assert len(counted) == len(set(counted))
        assert set(self._mark_of) - set(counted) <= lost

    def _check_the_head_never_goes_back(self) -> None:
        """Who asks after something was shown sees it or a later one; after its acknowledgement only a later one."""
        seen = [(shown.answered_at, shown.id) for shown in self.shown]
        seen += [(ack.answered_at, ack.id + 1) for ack in self.acks if ack.code == 1002]
        seen.sort()
        least, at = 0, 0
        for shown in sorted(self.shown, key=lambda each: each.asked_at):
            while at < len(seen) and seen[at][0] < shown.asked_at:
                least, at = max(least, seen[at][1]), at + 1
            assert shown.id >= least, f"{shown} after {least}"

    def _check_nothing_was_passed_over(self) -> None:
        """When a later one is shown, or acknowledged, all before it have been asked to be acknowledged."""
        first_ask: dict[int, float] = {}
        for ack in self.acks:
            first_ask[ack.id] = min(ack.asked_at, first_ask.get(ack.id, ack.asked_at))
        first_shown: dict[int, float] = {}
        for shown in self.shown:
            first_shown[shown.id] = min(shown.answered_at, first_shown.get(shown.id, shown.answered_at))
        latest = 0.0
        for id_ in sorted(first_shown):
            assert latest < first_shown[id_], f"{id_} was shown before the one in front of it was acknowledged"
            latest = max(latest, first_ask[id_])

    def check_order_of_streams(self) -> None:
        """Each publisher's notifications have ids in the order in which it published them."""
        last: dict[str, int] = {}
        for id_ in sorted(self._mark_of):
            stream, _, number = self._mark_of[id_].rpartition("-")
            assert int(number) == last.get(stream, 0) + 1, self._mark_of[id_]
            last[stream] = int(number)


def _watch(server, make_account, recorder: Recorder) -> tuple[Load, Watch]:
    account = make_account("harbor")
    account.patch(wapi={"login": "harbor", "password": PASSWORD}).expect(200)
    recorder.channel(CHANNEL, is_queue=True)
    load = Load(server.url, server.admin_key, recorder)
    watch = Watch(load, account, Customer(server.port, "harbor", PASSWORD))
    for number in range(PUBLISHERS):
        watch.add_publisher(f"stream{number}")
    for number in range(CONSUMERS):
        watch.add_consumer(f"consumer-{number}")
    return load, watch


@pytest.mark.promise
@pytest.mark.deadline(300)
@pytest.mark.settings(NO_LIMITS)
def test_many_kills_leave_each_notification_acknowledged_once_and_in_order(server, make_account, recorder):
    """1.5/1 to 1.5/5, 1.9/7, 1.9/8: strict FIFO, one 1002 each, nothing lost and nothing back, in any crash."""
    load, watch = _watch(server, make_account, recorder)
    watch.publish_ahead("ahead", BACKLOG_MIN)
    KillLoop(server, load, leases_survive=True).run(kills=12, deadline_s=90)
    report = recorder.check()
    assert report.lost == report.unexpected == report.split == report.mixed == report.returned == []
    watch.check()
    watch.check_order_of_streams()
    Customer(server.port, "harbor", PASSWORD).xml("poll-req").expect(1003)


@pytest.fixture
def customer(server, shop) -> Customer:
    return Customer(server.port, "harbor", PASSWORD)


def _publish(shop, count: int) -> None:
    for number in range(count):
        data = {"code": 1000, "result": "OK", "command": "load", "data": {"n": number}}
        shop.publish("load.done", data).expect(202)


@pytest.mark.promise
def test_what_was_answered_1002_just_before_a_kill_is_gone_for_good(server, shop, customer):
    """1.9/8: after 1002 and a crash the item must not come back, time after time."""
    _publish(shop, 8)
    seen = []
    for _ in range(8):
        head = customer.xml("poll-req").notify
        customer.xml("poll-ack", f"<id>{head.id}</id>").expect(1002)
        server.kill()
        server.start()
        customer.xml("poll-ack", f"<id>{head.id}</id>").expect(2151)
        seen.append(head.value["data"]["n"])
    assert seen == [str(number) for number in range(8)]
    customer.xml("poll-req").expect(1003)


@pytest.mark.parametrize("waits_for_an_answer", [True, False])
def test_a_kill_among_competing_acknowledgements_lets_one_count_at_most(server, shop, customer, waits_for_an_answer):
    """1.9/7, 1.9/8: eight acknowledge one head while the server is killed; whoever was answered was told the truth."""
    for _ in range(4):
        _publish(shop, 2)
        head = customer.xml("poll-req").notify.id
        codes = _acknowledge_while_killed(server, customer, head, waits_for_an_answer)
        next_ = customer.xml("poll-req").notify.id
        assert codes.count(1002) <= 1 and next_ >= head
        assert next_ > head or not {1002, 2151} & set(codes)
        while (reply := customer.xml("poll-req")).code == 1000:
            customer.xml("poll-ack", f"<id>{reply.notify.id}</id>").expect(1002)


def _acknowledge_while_killed(server, customer: Customer, head: int, waits_for_an_answer: bool) -> list[int | None]:
    codes: list[int | None] = []
    may_kill = threading.Event()

    def run() -> None:
        try:
            codes.append(customer.xml("poll-ack", f"<id>{head}</id>").code)
        except (OSError, http.client.HTTPException):
            codes.append(None)
        may_kill.set()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    if waits_for_an_answer:
        may_kill.wait()
    server.kill()
    for thread in threads:
        thread.join()
    server.start()
    return codes
