"""Killed while merchants receive and acknowledge, and ten thousand messages at once."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from support.api import Unanswered
from support.checkout import Merchant, failures, message_id, message_ids, number_of, numbers, order
from support.killloop import KillLoop
from support.load import TRY_AGAIN, Load
from support.recorder import Recorder

QUEUE = "notifications"
MANY = 10_000
BATCH = 10
KILLS = 15


class MerchantLoad(Load):
    """Publishes orders, each with its mark as transactionReferenceNumber, and receives them as merchants do."""

    def __init__(self, server, merchant: Merchant, recorder: Recorder):
        super().__init__(server.url, server.admin_key, recorder)
        self.merchant = merchant
        self.received: list[str] = []  # with autoAck
        self.unanswered = 0  # polls with autoAck

    def publish_orders(self, stream: str, channels: list[str]) -> None:
        marks = (f"{stream}-{number}" for number in itertools.count(1))
        account = self.api.account(self.merchant.account.name)

        def step() -> None:
            mark = next(marks)
            self.recorder.publishing(mark)
            while not self.failed.is_set():
                try:
                    answer = account.publish("order.paid", order(mark), idempotency_key=mark)
                except Unanswered:
                    self.wait_a_little()
                    continue
                if answer.status not in TRY_AGAIN:
                    answer.expect(202)
                    self.recorder.published(mark, mark, channels, stream)
                    self.published.append(mark)
                    return
                self.wait_a_little()

        self.add_publishing(step, stream)

    def receive_and_acknowledge(self, name: str) -> None:
        consumer = self.merchant.under("")

        def step() -> None:
            asked_at = time.monotonic()
            answer = consumer.receive(maxNumberMessages=100, timeoutMs=1000)
            if answer.status in TRY_AGAIN:
                self.wait_a_little()
                return
            marks = {message_id(message): number_of(message) for message in answer.expect(200)["messages"]}
            for mark in marks.values():
                self.recorder.got(QUEUE, mark, mark, asked_at)
            if marks:
                self._acknowledge(consumer, marks)

        self.add_consuming(step, name)

    def _acknowledge(self, consumer: Merchant, marks: dict[str, str]) -> None:
        """marks by messageId."""
        try:
            answer = consumer.ack(*marks)
        except Unanswered:
            for mark in marks.values():
                self.recorder.acknowledging_unanswered(QUEUE, mark)
            raise
        if answer.status not in TRY_AGAIN:
            assert failures(answer) == []
            for mark in marks.values():
                self.recorder.acknowledged(QUEUE, mark)
                self.acknowledged.append(mark)

    def receive_automatically(self, name: str) -> None:
        consumer = self.merchant.under("/v1/checkout")
        lock = threading.Lock()

        def step() -> None:
            try:
                answer = consumer.receive(maxNumberMessages=BATCH, timeoutMs=1000, autoAck="true")
            except Unanswered:
                with lock:
                    self.unanswered += 1
                raise
            if answer.status in TRY_AGAIN:
                self.wait_a_little()
                return
            for mark in numbers(answer):
                self.received.append(mark)
                self.acknowledged.append(mark)

        self.add_consuming(step, name)


@pytest.mark.promise
@pytest.mark.deadline(240)
def test_kills_under_load_lose_nothing_and_bring_nothing_back_that_was_acknowledged(server, merchant, recorder):
    """4.8/17, 4.7: at least once; an acknowledgement is durable before its answer leaves."""
    recorder.channel(QUEUE, is_queue=True)
    load = MerchantLoad(server, merchant, recorder)
    for number in range(4):
        load.publish_orders(f"stream-{number}", [QUEUE])
    for number in range(3):
        load.receive_and_acknowledge(f"consumer-{number}")

    KillLoop(server, load, leases_survive=True, after_work=True).run(kills=KILLS, deadline_s=90)

    report = recorder.check()
    report.assert_clean()
    assert report.published >= KILLS
    assert merchant.receive().expect(200)["messages"] == []


@pytest.mark.promise
@pytest.mark.deadline(240)
def test_kills_under_load_never_give_twice_what_was_acknowledged_as_it_was_received(server, merchant, recorder):
    """4.7, 4.8/17: with autoAck at most once; only what an answer that was lost had in it may be missing."""
    load = MerchantLoad(server, merchant, recorder)
    for number in range(4):
        load.publish_orders(f"stream-{number}", [])
    for number in range(2):
        load.receive_automatically(f"consumer-{number}")

    KillLoop(server, load, leases_survive=True, after_work=True).run(kills=KILLS, deadline_s=90)
    while found := numbers(merchant.receive(maxNumberMessages=100, autoAck="true")):
        load.received += found

    published = recorder.check().published
    assert len(load.received) == len(set(load.received))
    assert published >= KILLS
    assert published - len(load.received) <= load.unanswered * BATCH
    pending = merchant.account.deliveries(state="pending").expect(200)["items"]
    assert pending == []


@pytest.mark.deadline(300)
def test_ten_thousand_messages_are_drained_in_batches_each_exactly_once(server, merchant):
    """4.8/22: by 10 with an acknowledgement each, on one connection, and with bounded memory."""
    expected = merchant.publish_orders(MANY)
    drained: list[str] = []

    with server.memory_grows_by_less_than(32 << 20):
        while found := numbers(answer := merchant.receive(maxNumberMessages=BATCH)):
            drained += found
            assert failures(merchant.ack(*message_ids(answer))) == []

    assert drained == expected
