"""Channels of kind queue: receiving, leases, acknowledging, and consumers that come, wait and vanish."""

from __future__ import annotations

import json
import re
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import pytest

from support.waiting import eventually

LONGEST_WAIT_MS = 20_000
SHORT_LEASE_MS = 200
COME_AND_GO_MAX = 500  # connections of one consumer: each leaves a port in use for a while


@pytest.fixture
def queue(account) -> str:
    return account.make_channel(kind="queue").expect(201)["id"]


def publish(account, count: int = 1, **fields) -> list[str]:
    """The events' ids; data is a number that counts from 0."""
    events = [{"account": account.name, "type": "order.created", "data": n, **fields} for n in range(count)]
    return [result["id"] for result in account.api.batch(events).expect(200)["results"]]


def messages_of(answer) -> list[dict]:
    return answer.expect(200)["messages"]


def receipts_of(messages: list[dict]) -> list[str]:
    return [message["receipt"] for message in messages]


def statuses(answer, *http_statuses: int) -> list[str]:
    return [result["status"] for result in answer.expect(*(http_statuses or (200,)))["results"]]


def wait_for_waiting(api, count: int) -> None:
    """Until so many requests wait for a message."""
    def are_waiting() -> bool:
        text = api.call("GET", "/metrics").expect(200).decode()
        return int(re.search(r"^tidings_http_waiting (\d+)$", text, re.MULTILINE)[1]) == count

    eventually(are_waiting, what=f"{count} requests that wait")


def received_when_one_has_it(server, api, waiting: list[Future]) -> list[dict]:
    """The messages of all who wait, when one of them has something: a server that stops lets the others go."""
    wait(waiting, return_when=FIRST_COMPLETED)
    wait_for_waiting(api, len(waiting) - 1)
    assert server.stop() == 0
    return [message for answer in waiting for message in messages_of(answer.result())]


# Receiving


def test_a_message_is_its_event_with_a_receipt(account, queue):
    event = account.publish("order.created", {"n": 1}, client_ref="c-1").expect(202)
    delivery = account.deliveries().expect(200)["items"][0]["id"]

    body = account.receive(queue).expect(200)

    assert set(body) == {"messages", "more"}
    assert body["more"] is False
    (message,) = body["messages"]
    assert set(message) == {"receipt", "event", "delivery", "attempt"}
    assert message["delivery"] == delivery
    assert message["attempt"] == 1
    assert message["event"]["id"] == event["id"]
    assert message["event"]["created_at"] == event["created_at"]
    assert message["event"]["type"] == "order.created"
    assert message["event"]["data"] == {"n": 1}
    assert message["event"]["client_ref"] == "c-1"


def test_messages_come_in_order_and_not_more_than_asked_for(account, queue):
    events = publish(account, 25)

    first = account.receive(queue).expect(200)
    second = account.receive(queue, max=100).expect(200)

    assert [message["event"]["id"] for message in first["messages"]] == events[:10]
    assert first["more"] is True
    assert [message["event"]["id"] for message in second["messages"]] == events[10:]
    assert second["more"] is False


def test_messages_stop_at_the_limit_of_bytes_but_one_comes_always(account, queue):
    for _ in range(3):
        account.publish("order.created", "x" * 1000).expect(202)

    assert len(messages_of(account.receive(queue, max_bytes=2500))) == 2
    assert len(messages_of(account.receive(queue, max_bytes=1))) == 1


def test_an_empty_queue_answers_at_once_without_waiting(account, queue):
    assert account.receive(queue).expect(200) == {"messages": [], "more": False}
    assert account.call("POST", f"/channels/{queue}/receive").expect(200) == {"messages": [], "more": False}


def test_a_leased_message_is_not_offered_again(account, queue):
    publish(account)

    assert len(messages_of(account.receive(queue))) == 1
    assert messages_of(account.receive(queue)) == []


def test_auto_ack_delivers_at_once(account, queue):
    publish(account, 2)

    messages = messages_of(account.receive(queue, auto_ack=True))

    assert [message["receipt"] for message in messages] == [None, None]
    assert messages_of(account.receive(queue)) == []
    assert {delivery["state"] for delivery in account.deliveries().body["items"]} == {"delivered"}


def test_only_queues_are_received_from(account):
    hook = account.make_channel(kind="webhook", url="https://shop.example/").expect(201)["id"]

    assert "webhook" in account.receive(hook).expect_problem(409, "conflict")["detail"]
    account.ack(hook, ["x"]).expect_problem(409, "conflict")


def test_a_disabled_queue_still_gives_what_is_in_it(account, queue):
    publish(account)
    account.patch_channel(queue, enabled=False).expect(200)

    assert len(messages_of(account.receive(queue))) == 1


@pytest.mark.parametrize("wishes, field", [
    ({"max": 0}, "max"),
    ({"max": 101}, "max"),
    ({"max": "1"}, "max"),
    ({"max": 1.5}, "max"),
    ({"max_bytes": 0}, "max_bytes"),
    ({"max_bytes": 1048577}, "max_bytes"),
    ({"wait_ms": -1}, "wait_ms"),
    ({"wait_ms": 20001}, "wait_ms"),
    ({"lease_ms": 0}, "lease_ms"),
    ({"lease_ms": 43_200_001}, "lease_ms"),
    ({"auto_ack": 1}, "auto_ack"),
    ({"wait": 1}, "wait"),
])
def test_a_wish_that_is_wrong_is_refused(account, queue, wishes, field):
    problem = account.call("POST", f"/channels/{queue}/receive", wishes).expect_problem(400, "invalid")

    assert problem["field"] == field


@pytest.mark.parametrize("body", [b"[]", b"{", b"1", b'{"max":1}{}'])
def test_a_body_that_is_no_object_is_refused(account, queue, body):
    account.call("POST", f"/channels/{queue}/receive", body).expect_problem(400)


# Acknowledging, releasing, extending


@pytest.mark.promise
def test_what_is_acknowledged_is_gone_for_ever(server, account, queue):
    publish(account, 2)
    first, second = messages_of(account.receive(queue, lease_ms=SHORT_LEASE_MS))

    assert statuses(account.ack(queue, [first["receipt"]])) == ["ok"]
    again = messages_of(account.receive(queue, wait_ms=LONGEST_WAIT_MS))
    assert [message["event"]["id"] for message in again] == [second["event"]["id"]]
    server.kill()
    server.start()
    assert messages_of(account.receive(queue)) == []
    assert account.delivery(first["delivery"]).expect(200)["state"] == "delivered"


def test_a_receipt_of_a_restarted_server_still_acknowledges(server, account, queue):
    publish(account)
    (message,) = messages_of(account.receive(queue))
    server.restart()

    assert statuses(account.ack(queue, [message["receipt"]])) == ["ok"]


def test_acknowledging_twice_does_no_harm(account, queue):
    publish(account)
    receipts = receipts_of(messages_of(account.receive(queue)))

    assert statuses(account.ack(queue, receipts)) == ["ok"]
    assert statuses(account.ack(queue, receipts)) == ["gone"]


def test_one_receipt_ten_times_at_once_counts_once(account, queue):
    publish(account)
    receipts = receipts_of(messages_of(account.receive(queue)))
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: statuses(account.ack(queue, receipts))[0], range(10)))

    assert sorted(answers) == ["gone"] * 9 + ["ok"]


def test_one_receipt_twice_in_a_request_counts_once(account, queue):
    publish(account)
    receipts = receipts_of(messages_of(account.receive(queue)))

    assert statuses(account.ack(queue, receipts * 2)) == ["ok", "gone"]


def test_released_messages_are_offered_at_once(account, queue):
    publish(account)
    (message,) = messages_of(account.receive(queue))

    assert statuses(account.release(queue, [message["receipt"]])) == ["ok"]
    (again,) = messages_of(account.receive(queue))
    assert again["delivery"] == message["delivery"]
    assert again["attempt"] == 2
    assert again["receipt"] != message["receipt"]


def test_a_lease_that_is_over_offers_the_message_again(account, queue):
    publish(account)
    (message,) = messages_of(account.receive(queue, lease_ms=SHORT_LEASE_MS))

    (again,) = messages_of(account.receive(queue, wait_ms=LONGEST_WAIT_MS))

    assert again["event"] == message["event"]
    assert again["attempt"] == 2


def test_a_stale_receipt_is_refused(account, queue):
    publish(account)
    stale = receipts_of(messages_of(account.receive(queue, lease_ms=1)))
    (message,) = messages_of(account.receive(queue, wait_ms=LONGEST_WAIT_MS))

    for call in (account.ack, account.release, account.extend):
        answer = call(queue, stale)
        assert answer.expect_problem(409, "stale")["field"] == "receipts"
        assert statuses(answer, 409) == ["stale"]
    assert statuses(account.ack(queue, stale + [message["receipt"]])) == ["stale", "ok"]


def test_a_lease_that_is_over_still_acknowledges_while_nobody_else_has_the_message(account, queue):
    publish(account)
    (message,) = messages_of(account.receive(queue, lease_ms=1))
    eventually(lambda: account.deliveries().body["items"][0]["why"]["code"] == "waiting_for_acknowledgement")

    assert statuses(account.ack(queue, [message["receipt"]])) == ["ok"]


def test_an_extended_lease_holds_longer(account, queue):
    publish(account)
    receipts = receipts_of(messages_of(account.receive(queue, lease_ms=2000)))

    assert statuses(account.extend(queue, receipts, lease_ms=60_000)) == ["ok"]
    assert messages_of(account.receive(queue, wait_ms=3000)) == []
    assert statuses(account.ack(queue, receipts)) == ["ok"]


def test_an_extended_lease_may_be_shorter_and_wakes_who_waits(account, queue, api):
    publish(account)
    receipts = receipts_of(messages_of(account.receive(queue)))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(account.receive, queue, wait_ms=LONGEST_WAIT_MS)
        wait_for_waiting(api, 1)
        assert statuses(account.extend(queue, receipts, lease_ms=SHORT_LEASE_MS)) == ["ok"]

        assert [message["attempt"] for message in messages_of(waiting.result())] == [2]


@pytest.mark.parametrize("body, field", [
    ({}, "receipts"),
    ({"receipts": []}, "receipts"),
    ({"receipts": "abc"}, "receipts"),
    ({"receipts": ["x", 7]}, "receipts[1]"),
    ({"receipts": ["x"] * 1001}, "receipts"),
    ({"receipts": ["x"], "more": 1}, "more"),
])
@pytest.mark.parametrize("action", ["ack", "release", "extend"])
def test_an_answer_that_is_wrong_is_refused(account, queue, action, body, field):
    assert account.call("POST", f"/channels/{queue}/{action}", body).expect_problem(400, "invalid")["field"] == field


def test_a_lease_belongs_to_extending_only(account, queue):
    account.call("POST", f"/channels/{queue}/ack", {"receipts": ["x"], "lease_ms": 1}).expect_problem(400)
    answer = account.call("POST", f"/channels/{queue}/extend", {"receipts": ["x"], "lease_ms": 0})
    assert answer.expect_problem(400, "invalid")["field"] == "lease_ms"


def test_receipts_that_are_none_are_told_apart_from_those_that_are(account, queue):
    publish(account)
    other = account.make_channel(kind="queue").expect(201)["id"]
    publish(account)
    (mine, *_) = receipts_of(messages_of(account.receive(queue)))
    (foreign,) = receipts_of(messages_of(account.receive(other)))
    forged = ("A" if mine[5] != "A" else "B").join([mine[:5], mine[6:]])

    for bad in (foreign, forged, mine[:-1], mine + "A", "", "\u00fc", mine.lower()):
        answer = account.ack(queue, [bad])
        assert answer.expect_problem(400, "invalid")["field"] == "receipts"
        assert statuses(answer, 400) == ["invalid"]
    assert statuses(account.ack(queue, [foreign, mine, "x"])) == ["invalid", "ok", "invalid"]
    assert statuses(account.ack(other, [foreign])) == ["ok"]


def test_a_canceled_message_is_gone(account, queue):
    publish(account)
    (message,) = messages_of(account.receive(queue))
    account.cancel(message["delivery"]).expect(200)

    assert statuses(account.ack(queue, [message["receipt"]])) == ["gone"]


def test_an_acknowledged_message_can_be_put_back_by_hand(account, queue, api):
    publish(account)
    (message,) = messages_of(account.receive(queue, auto_ack=True))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(account.receive, queue, wait_ms=LONGEST_WAIT_MS)
        wait_for_waiting(api, 1)
        account.retry(message["delivery"]).expect(202)

        (again,) = messages_of(waiting.result())
    assert again["event"] == message["event"]


def test_a_message_received_too_often_fails(account):
    queue = account.make_channel(kind="queue", max_receives=2).expect(201)["id"]
    publish(account)
    for _ in range(2):
        (message,) = messages_of(account.receive(queue))
        account.release(queue, [message["receipt"]]).expect(200)

    assert messages_of(account.receive(queue)) == []
    assert account.delivery(message["delivery"]).expect(200)["state"] == "failed"


# Whose it is


def test_another_accounts_queue_is_not_found(api, make_account, queue, account):
    publish(account)
    receipts = receipts_of(messages_of(account.receive(queue)))
    other = make_account("other")

    for view in (other, other.with_key(api.make_key("account", account="other").expect(201)["key"])):
        view.receive(queue).expect_problem(404, "not_found")
        view.receive(queue, wait_ms=1000).expect_problem(404, "not_found")
        for call in (view.ack, view.release, view.extend):
            call(queue, receipts).expect_problem(404, "not_found")
    for channel in ("chn_0000000000001", "evt_0000000000001", "x"):
        account.receive(channel).expect_problem(404, "not_found")
    assert statuses(account.ack(queue, receipts)) == ["ok"]


def test_scopes_say_who_receives(api, account, queue):
    owner = account.with_key(api.make_key("account", account=account.name).expect(201)["key"])
    publisher = account.with_key(api.make_key("publish").expect(201)["key"])
    publish(account)

    publisher.receive(queue).expect_problem(403, "forbidden")
    assert statuses(owner.ack(queue, receipts_of(messages_of(owner.receive(queue))))) == ["ok"]


# Waiting


def test_a_message_wakes_who_waits_for_it(account, queue, api):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(account.receive, queue, wait_ms=LONGEST_WAIT_MS)
        wait_for_waiting(api, 1)
        event = account.publish("order.created", 1).expect(202)["id"]

        (message,) = messages_of(waiting.result())
    assert message["event"]["id"] == event


def test_a_wait_that_is_over_answers_with_nothing(account, queue):
    asked_at = time.monotonic()

    assert account.receive(queue, wait_ms=300).expect(200) == {"messages": [], "more": False}
    assert 0.25 < time.monotonic() - asked_at < LONGEST_WAIT_MS / 1000


def test_200_waiting_consumers_get_one_message_each(account, queue, api):
    with ThreadPoolExecutor(200) as pool:
        waiting = [pool.submit(account.receive, queue, max=1, wait_ms=LONGEST_WAIT_MS) for _ in range(200)]
        wait_for_waiting(api, 200)
        events = publish(account, 200)
        received = [messages_of(answer.result()) for answer in waiting]

    assert [len(messages) for messages in received] == [1] * 200
    assert sorted(messages[0]["event"]["id"] for messages in received) == events
    assert {messages[0]["attempt"] for messages in received} == {1}


def test_200_waiting_consumers_of_as_many_queues_are_woken_by_their_own(api, make_account):
    accounts = [make_account(f"shop-{n}") for n in range(200)]
    queues = [account.make_channel(kind="queue").expect(201)["id"] for account in accounts]
    with ThreadPoolExecutor(200) as pool:
        waiting = [pool.submit(a.receive, q, wait_ms=LONGEST_WAIT_MS) for a, q in zip(accounts, queues)]
        wait_for_waiting(api, 200)
        published = api.batch([{"account": a.name, "type": "order.created", "data": a.name} for a in accounts])
        events = [result["id"] for result in published.expect(200)["results"]]
        received = [messages_of(answer.result()) for answer in waiting]

    assert [[message["event"]["id"] for message in messages] for messages in received] == [[e] for e in events]


def test_of_50_waiting_consumers_one_gets_the_message(server, account, queue, api):
    with ThreadPoolExecutor(50) as pool:
        waiting = [pool.submit(account.receive, queue, wait_ms=LONGEST_WAIT_MS) for _ in range(50)]
        wait_for_waiting(api, 50)
        (event,) = publish(account)
        received = received_when_one_has_it(server, api, waiting)

    assert [message["event"]["id"] for message in received] == [event]


def test_messages_published_one_by_one_wake_one_consumer_each(account, queue, api):
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(account.receive, queue, max=1, wait_ms=LONGEST_WAIT_MS) for _ in range(20)]
        wait_for_waiting(api, 20)
        for left in range(20, 0, -1):
            wait_for_waiting(api, left)
            publish(account)
        received = [messages_of(answer.result()) for answer in waiting]

    assert [len(messages) for messages in received] == [1] * 20


def test_who_waited_before_a_lease_began_gets_the_message_when_it_ends(server, account, queue, api):
    """The longest waiting consumer gets it first and vanishes with its short lease."""
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(account.receive, queue, wait_ms=LONGEST_WAIT_MS, lease_ms=SHORT_LEASE_MS)
        wait_for_waiting(api, 1)
        waiting = [pool.submit(account.receive, queue, wait_ms=LONGEST_WAIT_MS) for _ in range(3)]
        wait_for_waiting(api, 4)
        (event,) = publish(account)
        assert [message["attempt"] for message in messages_of(first.result())] == [1]
        received = received_when_one_has_it(server, api, waiting)

    assert [(message["event"]["id"], message["attempt"]) for message in received] == [(event, 2)]


def test_a_released_message_wakes_who_waits(account, queue, api):
    publish(account)
    receipts = receipts_of(messages_of(account.receive(queue)))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(account.receive, queue, wait_ms=LONGEST_WAIT_MS)
        wait_for_waiting(api, 1)
        account.release(queue, receipts).expect(200)

        assert len(messages_of(waiting.result())) == 1


def test_what_is_released_together_wakes_as_many_as_there_is_something_for(account, queue, api):
    publish(account, 10)
    receipts = receipts_of(messages_of(account.receive(queue)))
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(account.receive, queue, max=2, wait_ms=LONGEST_WAIT_MS) for _ in range(5)]
        wait_for_waiting(api, 5)
        account.release(queue, receipts).expect(200)

        assert [len(messages_of(answer.result())) for answer in waiting] == [2] * 5


def send_receive(connection, api, account, queue, **wishes) -> None:
    body = json.dumps(wishes).encode()
    connection.send(
        f"POST {account.path}/channels/{queue}/receive HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {api.key}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def test_a_consumer_that_has_gone_gets_nothing(account, queue, api):
    for _ in range(5):
        with api.connect() as gone:
            send_receive(gone, api, account, queue, wait_ms=LONGEST_WAIT_MS)
            wait_for_waiting(api, 1)
    (event,) = publish(account)

    (message,) = messages_of(account.receive(queue, wait_ms=LONGEST_WAIT_MS))

    assert message["event"]["id"] == event
    wait_for_waiting(api, 0)


def test_a_consumer_that_goes_while_messages_come_costs_at_most_its_lease(account, queue, api):
    """Consumers that leave at every moment: each event comes to one that stays."""
    stop = threading.Event()

    def come_and_go() -> None:
        for _ in range(COME_AND_GO_MAX):
            if stop.is_set():
                return
            with api.connect() as connection:
                send_receive(connection, api, account, queue, wait_ms=LONGEST_WAIT_MS, lease_ms=SHORT_LEASE_MS, max=1)

    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(come_and_go)
        expected = set()
        seen = set()
        for _ in range(10):
            expected |= set(publish(account, 3))
            messages = messages_of(account.receive(queue, max=1, wait_ms=100))
            if messages:
                account.ack(queue, receipts_of(messages)).expect(200)
            seen |= {message["event"]["id"] for message in messages}
        stop.set()
    while expected - seen:
        messages = messages_of(account.receive(queue, wait_ms=LONGEST_WAIT_MS))
        assert messages, f"{len(expected - seen)} did not come"
        account.ack(queue, receipts_of(messages)).expect(200)
        seen |= {message["event"]["id"] for message in messages}


def test_who_waits_is_answered_when_the_server_stops(server, account, queue, api):
    with ThreadPoolExecutor(1) as pool:
        asked_at = time.monotonic()
        waiting = pool.submit(account.receive, queue, wait_ms=LONGEST_WAIT_MS)
        wait_for_waiting(api, 1)
        assert server.stop() == 0

        assert waiting.result().expect(200) == {"messages": [], "more": False}
    assert time.monotonic() - asked_at < LONGEST_WAIT_MS / 1000


def test_who_waits_at_a_queue_that_is_deleted_is_told(account, queue):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(account.receive, queue, wait_ms=1000)
        account.delete_channel(queue).expect(204)

        waiting.result().expect(200, 404)
    account.receive(queue).expect_problem(404, "not_found")


def test_consumers_side_by_side_never_hold_one_message_together(account, queue):
    publish(account, 300)
    held: list[str] = []

    def consume() -> None:
        while messages := messages_of(account.receive(queue, max=7)):
            held.extend(message["event"]["id"] for message in messages)
            assert set(statuses(account.ack(queue, receipts_of(messages)))) == {"ok"}

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(consume) for _ in range(8)]:
            done.result()
    assert len(held) == len(set(held)) == 300
