"""POST /notifications/ack: what an entry may say, and which entries fail (protocols, section 4.3)."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.checkout import PREFIXES, expect_status, failures, message_id, message_ids, numbers

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def messages(merchant) -> list[dict]:
    """Three that were received."""
    merchant.publish_orders(3)
    return merchant.receive().expect(200)["messages"]


def identifiers(*ids: str) -> list[dict]:
    return [{"messageIdentifier": id_} for id_ in ids]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_what_is_acknowledged_does_not_come_again(merchant, messages, prefix):
    """4.3, 4.1: all good is an empty list; paths with and without /v1/checkout."""
    answer = merchant.under(prefix).ack(*(message_id(message) for message in messages))

    assert failures(answer) == []
    assert merchant.receive().expect(200)["messages"] == []
    states = {delivery["state"] for delivery in merchant.account.deliveries().expect(200)["items"]}
    assert states == {"delivered"}


def test_failures_are_exactly_the_bad_ones_in_request_order(merchant, other_merchant, messages):
    """4.8/8: good, unknown, foreign, duplicate, already acknowledged and malformed ids in one request."""
    good, acked, other = (message_id(message) for message in messages)
    other_merchant.publish_order("theirs")
    (foreign,) = message_ids(other_merchant.receive())
    assert failures(merchant.ack(acked)) == []

    answer = merchant.ack("zzz", good, UNKNOWN, acked, foreign, good, "", UNKNOWN, str(uuid.uuid4()), "zzz")

    failed = failures(answer)
    assert failed[:4] == identifiers("zzz", UNKNOWN, foreign, "")
    assert len(failed) == 5  # the fifth is the identifier by chance; what is said again does not count
    assert message_ids(merchant.receive()) == [other]
    assert message_ids(other_merchant.receive()) == [foreign]


def test_duplicates_of_a_good_one_count_once(merchant, messages):
    """4.3."""
    good = message_id(messages[0])

    assert failures(merchant.ack(good, good, good.upper())) == []
    assert len(merchant.receive().body["messages"]) == 2


def test_acknowledging_again_is_no_failure(server, merchant, messages):
    """4.3: idempotent, by two consumers (4.8/18), and after a restart."""
    good = message_id(messages[0])

    for _ in range(2):
        assert failures(merchant.ack(good)) == []
    server.restart()
    assert failures(merchant.ack(good)) == []


def test_two_consumers_who_poll_at_once_may_both_acknowledge(merchant):
    """4.8/18: the second one's acknowledgement is no error."""
    merchant.publish_orders(10)
    consumers = [merchant.under(prefix) for prefix in PREFIXES]
    with ThreadPoolExecutor(2) as pool:
        received = list(pool.map(lambda consumer: message_ids(consumer.receive()), consumers))
        answers = list(pool.map(lambda consumer, ids: consumer.ack(*ids), consumers, received))

    assert received[0] == received[1] and len(received[0]) == 10
    assert [failures(answer) for answer in answers] == [[], []]
    assert merchant.receive().expect(200)["messages"] == []


def test_a_message_is_acknowledged_by_the_name_it_was_received_with(merchant, messages):
    """4.8/9: messageId instead of messageIdentifier."""
    assert failures(merchant.ack_entries({"messageId": message_id(messages[0])})) == []
    assert len(merchant.receive().body["messages"]) == 2


def test_a_message_is_acknowledged_by_any_handle_it_was_received_with(merchant, messages):
    """4.8/9: receiptHandle only; no hiding, so an older one is as good."""
    handle = messages[0]["messageInfo"]["receiptHandle"]
    merchant.receive().expect(200)

    assert failures(merchant.ack_entries({"receiptHandle": handle})) == []
    assert failures(merchant.ack_entries({"receiptHandle": handle})) == []
    assert len(merchant.receive().body["messages"]) == 2


def test_what_was_received_may_be_given_back_as_it_is(merchant, messages):
    """4.3: several that agree."""
    infos = [message["messageInfo"] for message in messages]
    infos[1]["messageIdentifier"] = infos[1]["messageId"]

    assert failures(merchant.ack_entries(*infos)) == []
    assert merchant.receive().expect(200)["messages"] == []


def test_an_entry_whose_names_disagree_fails(merchant, messages):
    """4.8/9, 4.3: they must agree; nothing is acknowledged by it."""
    first, second, third = (message["messageInfo"] for message in messages)
    entries = [
        {"messageId": first["messageId"], "receiptHandle": second["receiptHandle"]},
        {"messageIdentifier": first["messageId"], "messageId": second["messageId"]},
        {"messageIdentifier": third["messageId"], "receiptHandle": "nonsense"},
    ]

    assert failures(merchant.ack_entries(*entries)) == [
        {"messageIdentifier": first["messageId"], "receiptHandle": second["receiptHandle"]},
        {"messageIdentifier": first["messageId"]},
        {"messageIdentifier": third["messageId"], "receiptHandle": "nonsense"},
    ]
    assert len(merchant.receive().body["messages"]) == 3


def test_a_handle_that_is_none_of_ours_fails_as_it_was_given(merchant, other_merchant, messages):
    """4.3: forged, foreign, altered."""
    handle = messages[0]["messageInfo"]["receiptHandle"]
    other_merchant.publish_order("theirs")
    foreign = other_merchant.receive().body["messages"][0]["messageInfo"]["receiptHandle"]
    entries = [{"receiptHandle": text} for text in (handle[:-1], "A" + handle[1:], foreign, "AQEBdGhpcw==")]

    assert failures(merchant.ack_entries(*entries)) == entries
    assert len(merchant.receive().body["messages"]) == 3


@pytest.mark.parametrize("text", [
    "x", " ", "\u0000", "\u00e9", "0" * 36, UNKNOWN[:-1], UNKNOWN + "0", "{" + UNKNOWN + "}", "dlv_0S9R4JBXC0002",
    "\"quoted\"", pytest.param("x" * 5000, id="long"),
])
def test_a_malformed_identifier_fails_as_it_was_given(merchant, messages, text):
    """4.3: malformed id: failed entry; the good one beside it is acknowledged."""
    assert failures(merchant.ack(text, message_id(messages[0]))) == identifiers(text)
    assert len(merchant.receive().body["messages"]) == 2


def test_empty_and_null_members_count_as_absent(merchant, messages):
    """4.1: empty strings may be present instead of absent, as in messageInfo of the history."""
    first = message_id(messages[0])

    answer = merchant.ack_entries({"messageId": first, "receiptHandle": "", "messageIdentifier": None}, {})

    assert failures(answer) == identifiers("")
    assert len(merchant.receive().body["messages"]) == 2


@pytest.mark.parametrize("body", [
    b"", b"{", b"null", b"[]", b"1", b"{}", b'{"messageInfos": null}', b'{"messageInfos": {}}',
    b'{"messageInfos": []}', b'{"messageInfos": "x"}', b'{"messageInfos": [1]}', b'{"messageInfos": [null]}',
    b'{"messageInfos": ["x"]}', b'{"messageInfos": [{"messageIdentifier": 1}]}',
    b'{"messageInfos": [{"receiptHandle": []}]}', b'{"messageinfos": [{"messageIdentifier": "x"}]}',
    b'{"messageInfos": [{}], "messageInfos": [{}]}', b'\xff\xfe',
])
def test_a_body_that_is_no_list_of_entries_is_refused(merchant, messages, body):
    """4.8/10: 400 with code 3."""
    expect_status(merchant.call("POST", "/notifications/ack", body), 400, 3)


@pytest.mark.parametrize("bad", [{"messageIdentifier": 7}, {"messageId": ["x"]}, "x", None])
def test_one_entry_of_a_wrong_type_acknowledges_nothing(merchant, messages, bad):
    """4.8/10: nothing acked."""
    good = {"messageIdentifier": message_id(messages[0])}

    expect_status(merchant.ack_entries(good, bad), 400, 3, "messageInfos[1]")
    assert len(merchant.receive().body["messages"]) == 3


def test_a_hundred_entries_are_taken_and_one_more_is_refused(merchant, messages):
    """4.3: more than 100 entries: 400 (setting)."""
    ids = [message_id(messages[0])] + [str(uuid.UUID(int=n)) for n in range(100)]

    expect_status(merchant.ack(*ids), 400, 3, "messageInfos")
    assert len(merchant.receive().body["messages"]) == 3
    assert failures(merchant.ack(*ids[:100])) == identifiers(*ids[1:100])
    assert len(merchant.receive().body["messages"]) == 2


@pytest.mark.settings({"checkout": {"acks_max": 2}})
def test_how_many_entries_are_taken_is_a_setting(merchant, messages):
    """4.3."""
    ids = [message_id(message) for message in messages]

    expect_status(merchant.ack(*ids), 400, 3)
    assert failures(merchant.ack(*ids[:2])) == []


@pytest.mark.settings({"checkout": {"acks_max": 1000, "messages_max": 1000}})
def test_a_thousand_are_taken_where_the_settings_allow_them(merchant):
    """4.3: what was received fits into an acknowledgement, with both names and the handle."""
    merchant.publish_orders(1000)
    infos = [message["messageInfo"] for message in merchant.receive(maxNumberMessages=1000).body["messages"]]
    assert len(infos) == 1000

    assert failures(merchant.ack_entries(*infos)) == []
    assert merchant.receive().expect(200)["messages"] == []


def test_a_body_that_is_too_large_is_refused(merchant):
    """4.6: other 4xx: gRPC status JSON."""
    expect_status(merchant.ack("x" * 300_000), 413, 3)


def test_what_was_canceled_fails(merchant, messages):
    """4.3: it is no message of the queue any more."""
    delivery = merchant.account.deliveries().expect(200)["items"][-1]["id"]
    merchant.account.cancel(delivery).expect(200)

    id_ = message_id(messages[0])
    assert failures(merchant.ack_entries({"messageIdentifier": id_}, messages[0]["messageInfo"], {"messageId": id_})) == [
        {"messageIdentifier": id_}]  # and counts once, by whatever name
    assert len(merchant.receive().body["messages"]) == 2


def test_what_the_operator_puts_back_comes_again_under_the_same_identifier(merchant):
    """An acknowledged delivery that is retried by hand is pending again."""
    merchant.publish_order("A")
    ids = message_ids(merchant.receive(autoAck="true"))
    delivery = merchant.account.deliveries().expect(200)["items"][0]["id"]
    merchant.account.retry(delivery).expect(202)

    assert message_ids(merchant.receive()) == ids
    assert failures(merchant.ack(*ids)) == []
    assert merchant.receive().expect(200)["messages"] == []


@pytest.mark.settings({"checkout": {"visibility": "1h"}})
def test_a_hidden_message_is_acknowledged_by_an_old_handle_too(merchant, messages):
    """4.3: by name, whatever its lease."""
    assert failures(merchant.ack_entries(*(message["messageInfo"] for message in messages))) == []


@pytest.mark.settings({"checkout": {"history": "messages"}})
def test_a_message_that_was_only_listed_may_be_acknowledged(merchant):
    """4.4: the history's messageInfo names it, with an empty handle."""
    merchant.publish_orders(2)
    first, second = (message["messageInfo"] for message in merchant.history().expect(200)["messages"])

    assert failures(merchant.ack_entries(first)) == []
    assert message_ids(merchant.receive()) == [second["messageId"]]


def test_without_a_queue_all_entries_fail(merchant, messages):
    """4.3: nothing is there to acknowledge."""
    merchant.account.patch_channel(merchant.channel, enabled=False).expect(200)
    ids = [message_id(message) for message in messages]

    assert failures(merchant.ack(*ids)) == identifiers(*ids)


def test_unknown_members_are_passed_over(merchant, messages):
    """4.1: an open form."""
    entry = {"messageIdentifier": message_id(messages[0]), "createdAt": "x", "n": {"a": [1]}}

    answer = merchant.call("POST", "/notifications/ack", json.dumps({"messageInfos": [entry], "x": 1}).encode(),
                           {"Content-Type": "text/plain"})

    assert failures(answer) == []
    assert len(numbers(merchant.receive())) == 2
