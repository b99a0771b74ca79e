"""The same news sent twice is stored once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

CLOUDEVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.created"}


def count(account) -> int:
    return len(account.events(limit=250).expect(200)["items"])


def test_the_same_key_and_event_answers_the_first_id(account):
    account.make_channel(kind="queue").expect(201)
    first = account.publish("order.created", {"n": 1}, idempotency_key="k").expect(202)
    second = account.publish("order.created", {"n": 1}, idempotency_key="k").expect(202)

    assert second == {**first, "duplicate": True}
    assert count(account) == 1


def test_the_publishers_own_id_is_a_key_too(account):
    first = account.publish("order.created", {"n": 1}, id="order-1").expect(202)
    second = account.publish("order.created", {"n": 1}, id="order-1").expect(202)

    assert (second["id"], second["duplicate"]) == (first["id"], True)
    assert count(account) == 1


def test_white_space_around_the_members_is_no_difference(account):
    headers = {"Idempotency-Key": "k"}
    account.call("POST", "/events", b'{"type":"a","data":{"n":1}}', headers=headers).expect(202)
    again = account.call("POST", "/events", b' { "data" :{"n":1}, "type": "\\u0061" } ', headers=headers)

    assert again.expect(202)["duplicate"] is True


@pytest.mark.parametrize("changed", [
    {"type": "order.paid"},
    {"data_text": '{"n": 1.0}'},
    {"client_ref": "c"},
    {"server_ref": "s"},
    {"notify_url": "https://shop.example/"},
    {"id": "another"},
])
def test_the_same_key_for_another_event_is_a_conflict(account, changed):
    event = {"type": "order.created", "data_text": '{"n":1}', "idempotency_key": "k"}
    account.publish(**event).expect(202)

    problem = account.publish(**{**event, **changed}).expect_problem(409, "idempotency_conflict")

    assert problem["field"] == "Idempotency-Key"
    assert count(account) == 1


def test_the_same_id_for_another_event_is_a_conflict(account):
    account.publish("order.created", 1, id="order-1").expect(202)

    assert account.publish("order.created", 2, id="order-1").expect_problem(409)["field"] == "id"


def test_keys_of_two_accounts_are_two_keys(make_account):
    one, two = make_account("one"), make_account("two")

    first = one.publish("a", 1, idempotency_key="k").expect(202)
    second = two.publish("b", 2, idempotency_key="k").expect(202)

    assert (first["duplicate"], second["duplicate"]) == (False, False)


def test_a_header_and_an_id_of_one_text_are_two_keys(account):
    assert account.publish("a", 1, idempotency_key="k").expect(202)["duplicate"] is False
    assert account.publish("a", 1, id="k").expect(202)["duplicate"] is False
    assert account.publish_cloudevent({**CLOUDEVENT, "id": "k", "type": "a"}).expect(202)["duplicate"] is False
    assert count(account) == 3


def test_cloudevents_are_known_by_source_and_id(account):
    first = account.publish_cloudevent(CLOUDEVENT).expect(202)
    again = account.publish_cloudevent(CLOUDEVENT).expect(202)
    other = account.publish_cloudevent({**CLOUDEVENT, "source": "/other"}).expect(202)

    assert (again["id"], again["duplicate"]) == (first["id"], True)
    assert other["duplicate"] is False
    account.publish_cloudevent({**CLOUDEVENT, "data": 2}).expect_problem(409, "idempotency_conflict")


def test_without_key_and_id_everything_is_new(account):
    ids = {account.publish("a", 1).expect(202)["id"] for _ in range(3)}

    assert len(ids) == 3


@pytest.mark.parametrize("keyed", [{"idempotency_key": "k"}, {"id": "k"}])
def test_32_at_once_are_one_event(account, keyed):
    account.make_channel(kind="queue").expect(201)
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: account.publish("a", {"n": 1}, **keyed).expect(202), range(32)))

    assert len({answer["id"] for answer in answers}) == 1
    assert sorted(answer["duplicate"] for answer in answers) == [False] + [True] * 31
    assert {answer["deliveries"] for answer in answers} == {1}
    assert count(account) == 1
    assert len(account.deliveries().body["items"]) == 1


def test_a_batch_knows_its_own_and_earlier_ids(api, account):
    event = {"account": "account-1", "type": "a", "data": 1, "id": "k"}
    first = account.publish("a", 1, id="k").expect(202)["id"]

    results = api.batch([event, {**event, "id": "l"}, {**event, "id": "l"}, {**event, "id": "l", "data": 2}])
    before, new, same, other = results.expect(200)["results"]

    assert (before["id"], before["duplicate"]) == (first, True)
    assert (new["status"], new["duplicate"]) == (202, False)
    assert (same["id"], same["duplicate"]) == (new["id"], True)
    assert (other["status"], other["code"], other["field"]) == (409, "idempotency_conflict", "id")
    assert count(account) == 2


@pytest.mark.promise
def test_a_key_outlives_a_restart(server, account):
    first = account.publish("a", 1, idempotency_key="k").expect(202)["id"]
    server.kill()
    server.start()

    again = account.publish("a", 1, idempotency_key="k").expect(202)

    assert (again["id"], again["duplicate"]) == (first, True)


@pytest.mark.parametrize("key", ["x" * 257, "a\tb", "h\u00e9"])
def test_a_key_that_is_none_is_refused(account, key):
    body = b'{"type": "a", "data": 1}'

    answer = account.call("POST", "/events", body, headers={"Idempotency-Key": key})

    assert answer.expect_problem(400, "invalid")["field"] == "Idempotency-Key"
    assert count(account) == 0


def test_the_longest_key_is_taken(account):
    assert account.publish("a", 1, idempotency_key="~ " * 127 + "k!").expect(202)["duplicate"] is False
