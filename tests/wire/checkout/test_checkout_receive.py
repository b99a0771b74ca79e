"""GET /notifications/receive: what comes, how much, when, and for how long (protocols, section 4.2)."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.api import RawConnection
from support.checkout import PREFIXES, expect_status, failures, message_id, message_ids, numbers, order
from support.waiting import eventually

NOTHING = {"messages": [], "autoAckFailedMessages": []}
LONG_MS = 20000
TOLERANCE_S = 15.0  # for a busy machine; a wait that nothing ends takes the 20 s of its cap
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


# What a message is


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_message_has_its_info_its_time_and_exactly_one_notification(merchant, prefix):
    """4.2, 4.1: the members of a message; paths with and without /v1/checkout."""
    event = merchant.publish_order("HARBOR-1")

    body = merchant.under(prefix).receive().expect(200)

    assert set(body) == {"messages", "autoAckFailedMessages"}
    assert body["autoAckFailedMessages"] == []
    (message,) = body["messages"]
    assert set(message) == {"messageInfo", "createdAt", "orderNotification"}
    assert set(message["messageInfo"]) == {"messageId", "receiptHandle"}
    assert UUID.fullmatch(message_id(message))
    assert message["messageInfo"]["receiptHandle"]
    assert message["createdAt"] == event["created_at"][:-4] + "Z"  # milliseconds, not microseconds
    assert message["orderNotification"] == order("HARBOR-1")["orderNotification"]


@pytest.mark.parametrize("name", ["orderNotification", "tokenNotification", "profileNotification"])
def test_each_kind_of_notification_travels_under_its_own_name(merchant, name):
    """4.2: one of orderNotification, tokenNotification, profileNotification."""
    merchant.publish({name: {"status": "STATUS_PENDING"}})

    (message,) = merchant.receive().expect(200)["messages"]

    assert message[name] == {"status": "STATUS_PENDING"}


def test_the_order_number_and_request_id_stand_in_a_message_whose_event_has_them(merchant):
    """4.2: messages[].merchantOrderNumber and messages[].requestId of newer replies."""
    merchant.publish({**order("A"), "merchantOrderNumber": "N-1", "requestId": "R-1", "more": 1})
    merchant.publish({**order("B"), "merchantOrderNumber": 7, "requestId": None})

    first, second = merchant.receive().expect(200)["messages"]

    assert (first["merchantOrderNumber"], first["requestId"]) == ("N-1", "R-1")
    assert "more" not in first
    assert "merchantOrderNumber" not in second and "requestId" not in second


def test_a_notification_passes_byte_for_byte(merchant):
    """4.8/16: amounts beyond 2^53, unknown enum values, numbers, spaces and escapes stay as they were written."""
    text = ('{ "totalAmount" : {"amount":"9007199254740993123", "raw": 18446744073709551616, "rate":1.000000},'
            ' "status":"STATUS_OF_TOMORROW","note":"caf\\u00e9 \\/ \u00e9" }')
    merchant.account.publish("order.paid", data_text='{"orderNotification":' + text + "}").expect(202)

    received = merchant.receive()
    listed = merchant.history()

    assert text in received.raw.decode()
    assert text in listed.raw.decode()


def test_news_of_an_operation_carries_its_notification_in_its_data(merchant):
    """An event of an operation has the caller's object in the member data."""
    merchant.publish({"code": 1000, "result": "OK", "data": order("OP-1")}, type="operation.completed")
    merchant.publish({"data": order("no operation")}, type="order.paid")

    assert numbers(merchant.receive()) == ["OP-1"]


@pytest.mark.parametrize("data", [
    {},
    {"order": {}},
    {"orderNotification": "text"},
    {"orderNotification": None},
    {"orderNotification": {}, "tokenNotification": {}},
    ["orderNotification"],
    "orderNotification",
])
def test_an_event_that_tells_no_notification_does_not_go_into_the_queue(merchant, data):
    """4.2: exactly one of the three; the publisher sees that nobody gets the event."""
    assert merchant.publish(data)["deliveries"] == 0
    merchant.publish_order("A")

    assert numbers(merchant.receive()) == ["A"]
    assert numbers(merchant.history()) == ["A"]


def test_a_message_from_before_the_queue_spoke_this_dialect_is_refused_and_not_in_the_way(merchant):
    """A channel may change its dialect while messages wait that this one cannot tell."""
    account, queue = merchant.account, merchant.channel
    account.patch_channel(queue, dialect="standard").expect(200)
    for n in range(20):
        merchant.publish({"n": n})
    account.patch_channel(queue, dialect="checkout").expect(200)
    merchant.publish_order("A")

    assert numbers(merchant.receive(maxNumberMessages=5)) == ["A"]
    refused = account.deliveries(state="refused").expect(200)["items"]
    assert len(refused) == 20
    (attempt,) = account.delivery(refused[0]["id"]).expect(200)["attempts"]
    assert attempt["outcome"] == "invalid" and "orderNotification" in attempt["detail"]


# Again and again


def test_two_polls_without_an_acknowledgement_give_the_same_messages(merchant):
    """4.8/1: the same set with the same messageIds; handles may be fresh, and are."""
    merchant.publish_orders(3)

    first = merchant.receive()
    second = merchant.receive()

    assert message_ids(first) == message_ids(second)
    handles = [m["messageInfo"]["receiptHandle"] for a in (first, second) for m in a.body["messages"]]
    assert len(set(handles)) == 6


def test_messages_come_oldest_first_and_are_told_apart(merchant):
    """4.7: ascending by createdAt."""
    expected = merchant.publish_orders(30)

    answer = merchant.receive(maxNumberMessages=30)

    assert numbers(answer) == expected
    assert len(set(message_ids(answer))) == 30


def test_what_was_acknowledged_is_gone_from_polls_and_stays_in_the_history(merchant):
    """4.8/2, 4.8/15."""
    merchant.publish_orders(2)
    first, second = message_ids(merchant.receive())

    assert failures(merchant.ack(first)) == []

    assert message_ids(merchant.receive()) == [second]
    assert len(numbers(merchant.history())) == 2


def test_auto_acknowledged_messages_come_once(merchant):
    """4.8/3."""
    expected = merchant.publish_orders(3)

    answer = merchant.receive(autoAck="true")

    assert numbers(answer) == expected
    assert answer.body["autoAckFailedMessages"] == []
    assert merchant.receive().expect(200) == NOTHING
    states = {delivery["state"] for delivery in merchant.account.deliveries().expect(200)["items"]}
    assert states == {"delivered"}


def test_polls_of_one_message_with_acknowledgements_drain_the_queue_exactly_once(merchant):
    """4.8/4."""
    expected = merchant.publish_orders(3)
    drained = []

    while found := numbers(answer := merchant.receive(maxNumberMessages=1)):
        assert len(found) == 1
        drained += found
        assert failures(merchant.ack(*message_ids(answer))) == []

    assert drained == expected


@pytest.mark.settings({"checkout": {"visibility": "1h"}})
def test_with_a_visibility_setting_a_received_message_is_hidden_from_the_next_poll(merchant):
    """4.2: no hiding by default; a setting."""
    merchant.publish_orders(2)

    (first,) = message_ids(merchant.receive(maxNumberMessages=1))
    (second,) = message_ids(merchant.receive())

    assert first != second
    assert merchant.receive().expect(200) == NOTHING
    assert failures(merchant.ack(first, second)) == []


@pytest.mark.settings({"checkout": {"visibility": "400ms"}})
def test_a_hidden_message_comes_back_to_who_waits_for_it(merchant):
    """4.2: unacknowledged messages come again, when their time of being hidden is over."""
    merchant.publish_order("A")
    asked_at = time.monotonic()
    first = message_ids(merchant.receive())

    assert message_ids(merchant.receive(timeoutMs=LONG_MS)) == first  # a wait that is over has none
    assert time.monotonic() - asked_at > 0.39


@pytest.mark.settings({"checkout": {"window": "1m"}})
def test_a_window_of_a_minute_leaves_new_messages_alone(merchant):
    """4.2: the window is a setting; what is younger is received."""
    merchant.publish_order("A")

    assert numbers(merchant.receive()) == ["A"]


# Parameters


@pytest.mark.parametrize("value, words", [
    ("0", "at least 1"),
    ("-1", "at least 1"),
    ("-99999999999999999999", "at least 1"),
    ("99999999999999999999x", "value must be a number"),
    ("abc", "value must be a number"),
    ("", "value must be a number"),
    ("1.5", "value must be a number"),
    ("1e1", "value must be a number"),
    (" 5", "value must be a number"),
    ("+5", "value must be a number"),
    ("0x10", "value must be a number"),
    (["1", "1"], "more than once"),
])
def test_a_number_of_messages_that_is_none_is_refused(merchant, value, words):
    """4.2, 4.8/5: less than one, not a number, given twice: 400, code 3."""
    merchant.publish_order("A")

    status = expect_status(merchant.receive(maxNumberMessages=value, autoAck="true"), 400, 3, words)

    assert status["message"].startswith("maxNumberMessages: ")
    assert numbers(merchant.receive()) == ["A"]  # nothing was acknowledged


@pytest.mark.parametrize("value, expected", [
    (None, 10), (1, 1), (100, 100), (101, 100), (2**31 - 1, 100), (2**31, 100), (2**64 + 1, 100), (10**30, 100)])
def test_a_number_of_messages_above_the_cap_is_cut_to_it(merchant, value, expected):
    """4.2, 4.8/5: 10 by default; above the cap of 100 it is the cap, 2^31 and beyond too."""
    merchant.publish_orders(120)

    assert len(numbers(merchant.receive(**({} if value is None else {"maxNumberMessages": value})))) == expected


@pytest.mark.settings({"checkout": {"messages_max": 3}})
def test_the_cap_of_messages_is_a_setting_and_holds_for_the_default_too(merchant):
    """4.2."""
    merchant.publish_orders(5)

    assert len(numbers(merchant.receive())) == 3
    assert len(numbers(merchant.receive(maxNumberMessages=4))) == 3


@pytest.mark.parametrize("value, words", [
    ("-1", "at least 0"),
    ("abc", "value must be a number"),
    ("", "value must be a number"),
    (["0", "0"], "more than once"),
])
def test_a_timeout_that_is_none_is_refused(merchant, value, words):
    """4.2: negative or not a number: 400."""
    status = expect_status(merchant.receive(timeoutMs=value), 400, 3, words)

    assert status["message"].startswith("timeoutMs: ")


@pytest.mark.parametrize("value, is_automatic", [
    ("true", True), ("TRUE", True), ("True", True), ("1", True), ("false", False), ("FALSE", False), ("0", False),
])
def test_auto_ack_is_said_in_several_ways(merchant, value, is_automatic):
    """4.2, 4.8/19: true, false in any case, 1, 0."""
    merchant.publish_order("A")

    assert numbers(merchant.receive(autoAck=value)) == ["A"]
    assert numbers(merchant.receive()) == ([] if is_automatic else ["A"])


@pytest.mark.parametrize("value", ["yes", "", "2", "on", "true ", ["true", "true"], ["true", "false"]])
def test_auto_ack_said_otherwise_is_refused(merchant, value):
    """4.8/19: yes and empty are 400."""
    merchant.publish_order("A")

    assert expect_status(merchant.receive(autoAck=value), 400, 3)["message"].startswith("autoAck: ")
    assert numbers(merchant.receive()) == ["A"]


def test_an_unknown_query_parameter_is_ignored(merchant):
    """4.8/21."""
    merchant.publish_order("A")

    assert numbers(merchant.receive(maxMessages="abc", x=["1", "2"])) == ["A"]


@pytest.mark.settings({"checkout": {"unknown_query": "refused"}})
def test_an_unknown_query_parameter_is_refused_where_the_settings_say_so(merchant):
    """4.8/21: setting: 400."""
    for answer in (merchant.receive(maxMessages=1), merchant.history(x=1),
                   merchant.call("POST", "/notifications/ack", {"messageInfos": [{}]}, x=1)):
        expect_status(answer, 400, 3, "no such query parameter")
    merchant.receive(maxNumberMessages=1, timeoutMs=0, autoAck="false").expect(200)


def test_large_messages_come_in_several_answers(merchant):
    """One answer is bounded in bytes too, and at least one message comes."""
    for n in range(8):
        merchant.publish_order(f"T-{n}", padding="x" * 200_000)

    found = []
    while got := numbers(answer := merchant.receive()):
        assert len(answer.raw) < 1_300_000
        found += got
        merchant.ack(*message_ids(answer)).expect(200)

    assert found == [f"T-{n}" for n in range(8)]


# Waiting


def test_without_a_timeout_an_empty_queue_answers_at_once(merchant):
    """4.8/6: timeoutMs 0, and its default."""
    asked_at = time.monotonic()

    assert merchant.receive().expect(200) == NOTHING
    assert merchant.receive(timeoutMs=0).expect(200) == NOTHING
    assert time.monotonic() - asked_at < TOLERANCE_S


def test_with_a_timeout_an_empty_queue_answers_when_it_is_over(merchant):
    """4.8/6: 1500 ms."""
    asked_at = time.monotonic()

    assert merchant.receive(timeoutMs=1500).expect(200) == NOTHING
    assert 1.5 <= time.monotonic() - asked_at < 1.5 + TOLERANCE_S


@pytest.mark.settings({"checkout": {"wait_max": "300ms"}})
def test_a_timeout_above_the_cap_is_cut_to_it(merchant):
    """4.2: cap, clamp."""
    asked_at = time.monotonic()

    assert merchant.receive(timeoutMs=2147483647).expect(200) == NOTHING
    assert 0.3 <= time.monotonic() - asked_at < 0.3 + TOLERANCE_S


def test_a_message_ends_the_wait(merchant, wait_for_polls):
    """4.8/6: published during the wait."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(merchant.receive, timeoutMs=LONG_MS)
        wait_for_polls(1)
        published_at = time.monotonic()
        merchant.publish_order("A")

        assert numbers(waiting.result()) == ["A"]
    assert time.monotonic() - published_at < TOLERANCE_S


def test_everybody_who_waits_gets_the_message(merchant, wait_for_polls):
    """4.8/7: many parallel long polls for one merchant; nothing is hidden from any."""
    with ThreadPoolExecutor(50) as pool:
        waiting = [pool.submit(merchant.receive, timeoutMs=LONG_MS) for _ in range(50)]
        wait_for_polls(50)
        merchant.publish_order("A")
        answers = [poll.result() for poll in waiting]

    assert [numbers(answer) for answer in answers] == [["A"]] * 50
    assert len({message_id(answer.body["messages"][0]) for answer in answers}) == 1


def test_of_many_who_wait_with_auto_ack_one_gets_the_message(merchant, wait_for_polls):
    """4.2: acknowledged as it is returned, so it comes once, and the others wait on."""
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(merchant.receive, timeoutMs=LONG_MS, maxNumberMessages=1, autoAck="1")
                   for _ in range(20)]
        wait_for_polls(20)
        merchant.publish_order("A")
        wait_for_polls(19)
        expected = merchant.publish_orders(19)
        found = [number for poll in waiting for number in numbers(poll.result())]

    assert sorted(found) == ["A", *expected]


def test_a_client_that_closes_during_its_wait_takes_nothing_with_it(server, merchant, wait_for_polls):
    """4.8/7: nothing is acknowledged or lost, with autoAck neither."""
    for query in ("", "&autoAck=true"):
        with RawConnection("127.0.0.1", server.port) as connection:
            connection.send(f"GET /notifications/receive?timeoutMs={LONG_MS}{query} HTTP/1.1\r\nHost: x\r\n"
                            f"merchantId: {merchant.merchant_id}\r\nAuthorization: Bearer {merchant.token}\r\n\r\n"
                            .encode())
            wait_for_polls(1)
        wait_for_polls(0)
    merchant.publish_order("A")

    assert numbers(merchant.receive()) == ["A"]


def test_a_wait_survives_the_messages_of_others(merchant, other_merchant, wait_for_polls):
    """4.8/11: another merchant's message neither comes nor ends the wait."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(merchant.receive, timeoutMs=LONG_MS)
        wait_for_polls(1)
        other_merchant.publish_order("B")
        assert numbers(other_merchant.receive()) == ["B"]
        merchant.publish_order("A")

        assert numbers(waiting.result()) == ["A"]


def test_a_stopping_server_answers_those_who_wait(server, merchant, wait_for_polls):
    """4.2: with nothing, and soon."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(merchant.receive, timeoutMs=LONG_MS)
        wait_for_polls(1)
        server.stop()

        assert waiting.result().expect(200) == NOTHING


def test_who_waits_with_a_token_that_is_changed_gets_no_more_messages(merchant, wait_for_polls):
    """4.6: 403 for a token that is not this merchant's, though it was when the request came."""
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(merchant.receive, timeoutMs=LONG_MS) for _ in range(2)]
        wait_for_polls(2)
        credentials = {"merchant_id": merchant.merchant_id, "token": "another-token-of-it"}
        merchant.account.patch(checkout=credentials).expect(200)
        merchant.publish_order("A")

        assert [poll.result().status for poll in waiting] == [403, 403]


def test_an_account_whose_queue_is_disabled_receives_nothing_and_does_not_spin(merchant):
    """4.2 [C]: nothing pending, after the wait."""
    merchant.publish_order("A")
    merchant.account.patch_channel(merchant.channel, enabled=False).expect(200)
    asked_at = time.monotonic()

    assert merchant.receive(timeoutMs=400).expect(200) == NOTHING
    assert time.monotonic() - asked_at >= 0.4
    assert merchant.history().expect(200) == {"messagesResponses": []}


# Over the years


@pytest.mark.promise
def test_what_was_not_acknowledged_survives_a_restart_and_a_kill(server, merchant):
    """4.8/17: unacknowledged messages and acknowledgements survive; autoAck too, once its reply is out."""
    expected = merchant.publish_orders(6)
    automatic = merchant.receive(maxNumberMessages=2, autoAck="true")
    answer = merchant.receive(maxNumberMessages=2)
    merchant.ack(*message_ids(answer)).expect(200)
    ids = message_ids(merchant.receive())

    server.kill()
    server.start()

    assert numbers(automatic) + numbers(answer) == expected[:4]
    again = merchant.receive()
    assert (numbers(again), message_ids(again)) == (expected[4:], ids)
    server.restart()
    assert message_ids(merchant.receive()) == ids
    assert failures(merchant.ack(*ids)) == []


def test_two_queues_of_one_event_are_acknowledged_each_on_its_own(merchant, make_account):
    """An account's native queue gets the same events, and is another channel."""
    account = merchant.account
    native = account.make_channel(kind="queue").expect(201)["id"]
    merchant.publish_order("A")

    assert numbers(merchant.receive(autoAck="true")) == ["A"]
    (message,) = account.receive(native).expect(200)["messages"]
    assert message["event"]["data"] == order("A")


def test_an_answer_is_json_that_others_read(merchant):
    """Whatever strings the event has."""
    merchant.publish(json.loads('{"orderNotification": {"note": "\\u0000\\n\\"\\ud83d\\ude00\\u2028</script>"}}'))

    (message,) = merchant.receive().expect(200)["messages"]

    assert message["orderNotification"]["note"] == "\0\n\"\N{GRINNING FACE}\u2028</script>"


def test_the_queue_is_polled_while_it_is_filled(merchant):
    """Each message exactly once by polling and acknowledging while others arrive."""
    with ThreadPoolExecutor(1) as pool:
        filling = pool.submit(merchant.under("").publish_orders, 2000)
        found: list[str] = []

        def drains() -> bool:
            answer = merchant.receive(maxNumberMessages=100, timeoutMs=500)
            found.extend(numbers(answer))
            if answer.body["messages"]:
                assert failures(merchant.ack(*message_ids(answer))) == []
            return filling.done() and len(found) >= 2000

        eventually(drains, deadline_s=30, what="2000 messages")
        assert sorted(found) == filling.result()
