"""Publishing, in each form, and looking at what became of it."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.api import JSON
from support.receiver import Step
from support.waiting import eventually

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
EXACT_DATA = (
    '{"b":1.000000,"a":[ 18446744073709551616 , -0.0, 1e400],"\\u00e9":"\\u00E9é\\/", "":null,\n\t"snow":"☃🎉"}'
)
BATCH_CLOUDEVENTS = "application/cloudevents-batch+json"


def make_queue(account, **fields) -> str:
    return account.make_channel(kind="queue", **fields).expect(201)["id"]


def event_of(account, type="order.created", data=1, **fields) -> str:
    return account.publish(type, data, **fields).expect(202)["id"]


def raw_value(text: str, name: str) -> str:
    """The value of the last member called name in JSON text, as it stands there."""
    start = text.rindex(f'"{name}":') + len(name) + 3
    _, end = json.JSONDecoder().raw_decode(text, start)
    return text[start:end]


# Publishing one


def test_an_event_is_answered_with_its_id_its_time_and_its_deliveries(account):
    make_queue(account)
    make_queue(account, events=["order.*"])
    make_queue(account, events=["invoice.*"])

    status, headers, body = account.publish("order.created", {"n": 1})

    assert status == 202
    assert headers["Content-Type"].startswith(JSON)
    assert set(body) == {"id", "created_at", "duplicate", "deliveries"}
    assert re.fullmatch(r"evt_[0-9A-Z]{13}", body["id"])
    assert TIME.fullmatch(body["created_at"])
    assert body["duplicate"] is False
    assert body["deliveries"] == 2


def test_an_event_that_nobody_wants_is_stored_all_the_same(account):
    assert account.publish("order.created", 1).expect(202)["deliveries"] == 0
    assert len(account.events().expect(200)["items"]) == 1


def test_all_members_come_back(account):
    event = event_of(account, data={"total": "12.50"}, id="order-7", client_ref="c-1", server_ref="s-1",
                     notify_url="https://shop.example/notify")

    shown = account.event(event).expect(200)

    assert shown["id"] == event
    assert shown["type"] == "order.created"
    assert shown["external_id"] == "order-7"
    assert shown["client_ref"] == "c-1"
    assert shown["server_ref"] == "s-1"
    assert shown["notify_url"] == "https://shop.example/notify"
    assert shown["content_type"] == JSON
    assert shown["data"] == {"total": "12.50"}
    assert shown["deliveries"] == []


@pytest.mark.parametrize("data", [EXACT_DATA, "1.000000", "9007199254740993", '"\\u00e9"', "null", "[]", "false"])
def test_data_comes_back_byte_for_byte(account, data):
    queue = make_queue(account)
    event = account.publish("order.created", data_text=data).expect(202)["id"]

    assert raw_value(account.event(event).raw.decode(), "data") == data
    assert raw_value(account.events().raw.decode(), "data") == data
    assert raw_value(account.receive(queue).raw.decode(), "data") == data


def test_data_reaches_a_webhook_byte_for_byte(account, receiver):
    hook = receiver.endpoint("/hook")
    account.make_channel(kind="webhook", url=hook.url).expect(201)
    account.publish("order.created", data_text=EXACT_DATA).expect(202)

    (request,) = hook.wait_for_count(1)

    assert raw_value(request.body.decode(), "data") == EXACT_DATA


@pytest.mark.parametrize("content_type", [None, "application/json", "Application/JSON; charset=utf-8"])
def test_a_native_event_needs_no_exact_content_type(account, content_type):
    body = b'{"type": "a", "data": 1}'

    account.call("POST", "/events", body, headers={"Content-Type": content_type}).expect(202)


def test_another_content_type_is_refused(account):
    answer = account.call("POST", "/events", b"<order/>", headers={"Content-Type": "application/xml"})

    assert answer.expect_problem(415, "media_type")["field"] == "Content-Type"
    assert account.events().expect(200)["items"] == []


# CloudEvents


CLOUDEVENT = {"specversion": "1.0", "id": "A-17", "source": "/shop/7", "type": "order.created"}
ATTRIBUTES = {"id": "A-17", "source": "/shop/7"}


def test_a_structured_cloudevent_keeps_its_attributes_and_its_data(account):
    sent = {**CLOUDEVENT, "time": "2026-02-03T10:20:30Z", "subject": "Bücher", "traceparent": "00-aa", "data": {"n": 1}}
    event = account.publish_cloudevent(sent).expect(202)["id"]

    shown = account.event(event).expect(200)

    assert shown["type"] == "order.created"
    assert shown["external_id"] == "A-17"
    assert shown["attributes"] == {
        **ATTRIBUTES, "time": "2026-02-03T10:20:30Z", "subject": "Bücher", "traceparent": "00-aa"}
    assert shown["data"] == {"n": 1}


def test_structured_data_stays_byte_for_byte(account):
    text = '{"specversion":"1.0","id":"1","source":"/s","type":"a","data":' + EXACT_DATA + "}"
    answer = account.call("POST", "/events", text.encode(), headers={"Content-Type": "application/cloudevents+json"})

    shown = account.event(answer.expect(202)["id"]).raw.decode()

    assert shown.count(f'"data":{EXACT_DATA}') == 1


def test_structured_base64_data_is_decoded(account):
    picture = bytes(range(256))
    sent = {**CLOUDEVENT, "datacontenttype": "image/png", "data_base64": base64.b64encode(picture).decode()}
    event = account.publish_cloudevent(sent).expect(202)["id"]

    shown = account.event(event).expect(200)

    assert shown["content_type"] == "image/png"
    assert base64.b64decode(shown["data_base64"]) == picture
    assert "data" not in shown


def test_a_binary_cloudevent_takes_any_content_type_and_keeps_the_body(account, receiver):
    hook = receiver.endpoint("/hook")
    account.make_channel(
        kind="webhook", dialect="cloudevents", url=hook.url, options={"mode": "binary"}).expect(201)
    xml = '<?xml version="1.0"?>\r\n<order id="7">Größe ☃</order>\n'.encode()
    attributes = {**CLOUDEVENT, "subject": "Euro%20%E2%82%AC", "tenant": '"a \\"b\\""'}
    event = account.publish_binary_cloudevent(attributes, xml, "application/xml; charset=utf-8").expect(202)["id"]

    shown = account.event(event).expect(200)
    (request,) = hook.wait_for_count(1)

    assert shown["content_type"] == "application/xml; charset=utf-8"
    assert shown["data"] == xml.decode()
    assert shown["attributes"] == {**ATTRIBUTES, "subject": "Euro €", "tenant": 'a "b"'}
    assert request.body == xml
    assert request.headers["content-type"] == "application/xml; charset=utf-8"
    assert request.headers["ce-id"] == "A-17"
    assert request.headers["ce-subject"] == "Euro%20%E2%82%AC"


def test_a_binary_cloudevent_with_bytes_that_are_no_text(account):
    queue = make_queue(account)
    body = b"\x00\xff\xfe binary"
    account.publish_binary_cloudevent(CLOUDEVENT, body, "application/octet-stream").expect(202)

    (message,) = account.receive(queue).expect(200)["messages"]

    assert base64.b64decode(message["event"]["data_base64"]) == body


def test_a_cloudevent_without_data_has_null(account):
    event = account.publish_cloudevent(CLOUDEVENT).expect(202)["id"]

    assert account.event(event).expect(200)["data"] is None


@pytest.mark.parametrize("change, field", [
    ({"specversion": "0.3"}, "specversion"),
    ({"specversion": None}, "specversion"),
    ({"id": ""}, "id"),
    ({"id": "x" * 257}, "id"),
    ({"source": None}, "source"),
    ({"type": "not a type"}, "type"),
    ({"time": "yesterday"}, "time"),
    ({"UPPER": "x"}, "UPPER"),
    ({"extension": {"no": "objects"}}, "extension"),
    ({"extension": 1.5}, "extension"),
    ({"data": 1, "data_base64": "AA=="}, "data_base64"),
    ({"data_base64": "no base64"}, "data_base64"),
    ({"datacontenttype": "text/plain", "data": {}}, "data"),
])
def test_a_structured_cloudevent_that_is_wrong_is_refused_naming_the_attribute(account, change, field):
    problem = account.publish_cloudevent({**CLOUDEVENT, **change}).expect_problem(400, "invalid")

    assert problem["field"] == field
    assert account.events().expect(200)["items"] == []


@pytest.mark.parametrize("change, field", [
    ({"specversion": "2.0"}, "ce-specversion"),
    ({"source": ""}, "ce-source"),
    ({"subject": "%E2%82"}, "ce-subject"),
    ({"subject": "100%"}, "ce-subject"),
    ({"subject": "a%0D%0Ab"}, "ce-subject"),
    ({"my-extension": "x"}, "ce-my-extension"),
    ({"datacontenttype": "text/plain"}, "ce-datacontenttype"),
])
def test_a_binary_cloudevent_that_is_wrong_is_refused_naming_the_header(account, change, field):
    answer = account.publish_binary_cloudevent({**CLOUDEVENT, **change}, b"{}", JSON)

    assert answer.expect_problem(400, "invalid")["field"] == field


def test_a_binary_cloudevent_that_says_json_must_be_json(account):
    assert account.publish_binary_cloudevent(CLOUDEVENT, b"{", JSON).expect_problem(400)["field"] == "data"


# Many at once


def test_a_batch_gives_each_event_its_own_result_in_order(api, make_account):
    one, two = make_account("one"), make_account("two")
    batch = [
        {"account": "one", "type": "a", "data": 1},
        {"account": "nobody", "type": "a", "data": 2},
        {"account": "two", "type": "no type", "data": 3},
        {"account": "two", "type": "b", "data": 4},
        {"type": "b", "data": 5},
        {"account": "two", "type": "b", "data": 6, "extra": True},
        7,
    ]

    results = api.batch(batch).expect(200)["results"]

    assert [result["status"] for result in results] == [202, 404, 400, 202, 400, 400, 400]
    assert [result.get("field") for result in results] == [None, "account", "type", None, "account", "extra", None]
    assert [result.get("code") for result in results[1:3]] == ["not_found", "invalid"]
    assert all(result["detail"] for result in results if result["status"] != 202)
    assert set(results[0]) == {"status", "id", "created_at", "duplicate", "deliveries"}
    assert [event["id"] for event in one.events().body["items"]] == [results[0]["id"]]
    assert [event["id"] for event in two.events().body["items"]] == [results[3]["id"]]


def test_lines_fail_one_by_one(api, account):
    lines = (
        b'{"account": "account-1", "type": "a", "data": 1.000000}\r\n'
        b"\n"
        b"{ this is no JSON\n"
        b'{"account": "account-1", "type": "a", "data": "\xff"}\n'
        b'["account-1"]\n'
        b'   {"account": "account-1", "type": "a", "data": 2}'
    )

    results = api.batch_ndjson(lines).expect(200)["results"]

    assert [result["status"] for result in results] == [202, 400, 400, 400, 202]
    assert [result["code"] for result in results[1:4]] == ["invalid_json", "invalid_json", "invalid"]
    assert len(account.events().body["items"]) == 2


def test_an_array_that_is_no_json_fails_as_a_whole(api, account):
    text = b'[{"account": "account-1", "type": "a", "data": 1}, {]'

    api.call("POST", "/v1/events", text).expect_problem(400, "invalid_json")
    api.call("POST", "/v1/events", b'{"account": "account-1"}').expect_problem(400, "invalid")
    api.call("POST", "/v1/events", b"").expect_problem(400, "invalid_json")
    assert account.events().body["items"] == []


def test_a_batch_of_cloudevents_names_accounts_by_an_extension(api, account):
    batch = [{**CLOUDEVENT, "account": "account-1", "data": 1}, CLOUDEVENT]
    answer = api.call("POST", "/v1/events", batch, {"Content-Type": BATCH_CLOUDEVENTS})

    first, second = answer.expect(200)["results"]

    assert first["status"] == 202
    assert (second["status"], second["field"]) == (400, "account")
    assert account.event(first["id"]).expect(200)["external_id"] == "A-17"


def test_an_empty_batch_has_no_results(api):
    assert api.batch([]).expect(200) == {"results": []}
    assert api.batch_ndjson(b"").expect(200) == {"results": []}


@pytest.mark.settings({"server": {"batch_events_max": 100}})
def test_a_batch_that_is_too_long_is_refused_as_a_whole(api, account):
    events = [{"account": "account-1", "type": "a", "data": n} for n in range(101)]

    api.batch(events).expect_problem(413, "too_large")
    api.batch_ndjson(events).expect_problem(413, "too_large")
    assert account.events().body["items"] == []
    assert len(api.batch(events[:100]).expect(200)["results"]) == 100


def test_events_of_one_batch_keep_their_order(api, account):
    results = api.batch([{"account": "account-1", "type": "a", "data": n} for n in range(50)]).body["results"]

    ids = [result["id"] for result in results]

    assert ids == sorted(ids)
    assert [event["data"] for event in account.events(order="asc").body["items"]] == list(range(50))


@pytest.mark.parametrize("headers, status, field", [
    ({"Content-Type": "text/csv"}, 415, "Content-Type"),
    ({"Idempotency-Key": "k"}, 400, "Idempotency-Key"),
])
def test_headers_that_a_batch_does_not_take(api, headers, status, field):
    assert api.call("POST", "/v1/events", [], headers).expect_problem(status)["field"] == field


# Lists


def test_events_come_newest_first_in_pages(account):
    ids = [event_of(account, data=n) for n in range(5)]

    first = account.events(limit=2).expect(200)
    second = account.events(limit=2, cursor=first["next_cursor"]).expect(200)
    third = account.events(limit=2, cursor=second["next_cursor"]).expect(200)

    pages = [[event["id"] for event in page["items"]] for page in (first, second, third)]
    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]
    assert third["next_cursor"] is None


def test_events_come_oldest_first_when_asked(account):
    ids = [event_of(account, data=n) for n in range(3)]

    first = account.events(limit=2, order="asc").expect(200)
    second = account.events(limit=2, order="asc", cursor=first["next_cursor"]).expect(200)

    assert [event["id"] for event in first["items"] + second["items"]] == ids


def test_events_of_a_type_or_a_period(account):
    created = event_of(account, "order.created")
    paid = event_of(account, "order.paid")
    other = event_of(account, "invoice.order.sent")
    time_of = {event["id"]: event["created_at"] for event in account.events().body["items"]}

    def listed(**query):
        return {event["id"] for event in account.events(**query).expect(200)["items"]}

    assert listed(type="order.*") == {created, paid}
    assert listed(type="order.paid") == {paid}
    assert listed(type="**") == listed(type="*") == {created, paid, other}
    assert created in listed(to="2100-01-01T00:00:00Z")
    assert listed(**{"from": "2100-01-01T00:00:00Z"}) == set()
    assert created in listed(**{"from": time_of[created]})
    assert created not in listed(to=time_of[created])


@pytest.mark.parametrize("query, field", [
    ({"limit": 0}, "limit"),
    ({"limit": 251}, "limit"),
    ({"limit": "ten"}, "limit"),
    ({"limit": ["1", "2"]}, "limit"),
    ({"cursor": "abc"}, "cursor"),
    ({"cursor": "chn_0000000000001"}, "cursor"),
    ({"from": "yesterday"}, "from"),
    ({"to": "2026-13-01T00:00:00Z"}, "to"),
    ({"type": "a..b"}, "type"),
    ({"type": ""}, "type"),
    ({"order": "up"}, "order"),
    ({"colour": "red"}, "colour"),
])
def test_a_list_refuses_a_query_that_is_wrong(account, query, field):
    assert account.events(**query).expect_problem(400, "invalid")["field"] == field


@pytest.mark.parametrize("query, field", [
    ({"state": "lost"}, "state"),
    ({"state": ["pending", "failed"]}, "state"),
    ({"channel": "evt_0000000000001"}, "channel"),
    ({"type": "order.*"}, "type"),
    ({"cursor": "evt_0000000000001"}, "cursor"),
    ({"limit": -1}, "limit"),
])
def test_a_list_of_deliveries_refuses_a_query_that_is_wrong(account, query, field):
    assert account.deliveries(**query).expect_problem(400, "invalid")["field"] == field


# Deliveries


FAILING = {"kind": "webhook", "retry": ["0s", "1h", "1h"]}


def failing_hook(account, receiver, status=503):
    hook = receiver.endpoint("/hook").plan(Step(status, body=b"not now"))
    return hook, account.make_channel(url=hook.url, **FAILING).expect(201)["id"]


def only_delivery(account, **query):
    (delivery,) = account.deliveries(**query).expect(200)["items"]
    return delivery


def wait_for_state(account, delivery: str, state: str):
    return eventually(lambda: account.delivery(delivery).expect(200)["state"] == state and account.delivery(delivery).body)


def test_a_delivered_event_tells_its_attempt(account, receiver):
    hook = receiver.endpoint("/hook").plan(Step(201, body=b"thanks"))
    channel = account.make_channel(kind="webhook", url=hook.url).expect(201)["id"]
    event = event_of(account)
    hook.wait_for_count(1)

    delivery = wait_for_state(account, only_delivery(account)["id"], "delivered")

    assert delivery["event"] == event
    assert delivery["event_type"] == "order.created"
    assert delivery["channel"] == channel
    assert delivery["attempt_count"] == 1
    assert delivery["next_attempt_at"] is None
    assert delivery["why"] is None
    (attempt,) = delivery["attempts"]
    assert re.fullmatch(r"att_[0-9A-Z]{13}", attempt["id"])
    assert (attempt["number"], attempt["outcome"], attempt["status"], attempt["answer"]) == (1, "delivered", 201, "thanks")
    assert TIME.fullmatch(attempt["began_at"])
    assert attempt["took_ms"] >= 0
    (of_event,) = account.event(event).expect(200)["deliveries"]
    assert (of_event["id"], of_event["state"]) == (delivery["id"], "delivered")


def test_a_delivery_that_waits_for_its_retry_says_why(account, receiver):
    hook, _ = failing_hook(account, receiver)
    event_of(account)
    hook.wait_for_count(1)
    delivery = eventually(lambda: account.deliveries(state="pending").body["items"][0]["attempt_count"] == 1
                          and only_delivery(account))

    shown = account.delivery(delivery["id"]).expect(200)

    assert delivery["why"]["code"] == "waiting_for_retry"
    assert shown["why"]["code"] == "waiting_for_retry"
    assert "503" in shown["why"]["text"]
    assert shown["next_attempt_at"] > shown["attempts"][0]["began_at"]
    assert shown["attempts"][0]["answer"] == "not now"
    assert shown["attempts"][0]["outcome"] == "answer"


def test_retry_by_hand_is_tried_at_once(account, receiver):
    hook, _ = failing_hook(account, receiver)
    event_of(account)
    hook.wait_for_count(1)
    delivery = eventually(lambda: account.deliveries(state="pending").body["items"][0]["attempt_count"] == 1
                          and only_delivery(account))["id"]
    hook.plan(Step(200))

    answer = account.retry(delivery).expect(202)

    assert (answer["id"], answer["state"]) == (delivery, "pending")
    hook.wait_for_count(2)
    assert len(wait_for_state(account, delivery, "delivered")["attempts"]) == 2


def test_what_was_delivered_can_be_sent_again_by_hand(account, receiver):
    hook = receiver.endpoint("/hook")
    account.make_channel(kind="webhook", url=hook.url).expect(201)
    event = event_of(account)
    hook.wait_for_count(1)
    delivery = only_delivery(account)["id"]
    wait_for_state(account, delivery, "delivered")

    account.retry(delivery).expect(202)

    requests = hook.wait_for_count(2)
    assert {request.headers["webhook-id"] for request in requests} == {event}
    assert len(wait_for_state(account, delivery, "delivered")["attempts"]) == 2


def test_a_canceled_delivery_is_not_tried_again_unless_retried(account, receiver):
    hook, _ = failing_hook(account, receiver)
    event_of(account)
    hook.wait_for_count(1)
    delivery = eventually(lambda: account.deliveries(state="pending").body["items"][0]["attempt_count"] == 1
                          and only_delivery(account))["id"]

    assert account.cancel(delivery).expect(200)["state"] == "canceled"
    assert account.delivery(delivery).expect(200)["state"] == "canceled"
    assert account.cancel(delivery).expect_problem(409, "conflict")["detail"]
    hook.plan(Step(200))
    account.retry(delivery).expect(202)
    hook.wait_for_count(2)
    wait_for_state(account, delivery, "delivered")


def test_retry_for_a_deleted_channel_is_a_conflict(account, receiver):
    hook = receiver.endpoint("/hook")
    channel = account.make_channel(kind="webhook", url=hook.url).expect(201)["id"]
    event_of(account)
    hook.wait_for_count(1)
    delivery = only_delivery(account)["id"]
    wait_for_state(account, delivery, "delivered")
    account.delete_channel(channel).expect(204)

    account.retry(delivery).expect_problem(409, "conflict")


def test_deliveries_by_state_channel_and_period(account):
    one, two = make_queue(account, events=["a"]), make_queue(account, events=["a", "b"])
    account.publish("a", 1).expect(202)
    account.publish("b", 2).expect(202)
    (message, *_) = account.receive(one).expect(200)["messages"]
    account.ack(one, [message["receipt"]]).expect(200)

    def listed(**query):
        return sorted((d["channel"], d["event_type"], d["state"]) for d in account.deliveries(**query).body["items"])

    assert listed(state="delivered") == [(one, "a", "delivered")]
    assert listed(channel=two) == [(two, "a", "pending"), (two, "b", "pending")]
    assert listed(channel=two, state="delivered") == []
    assert len(listed()) == 3
    assert listed(**{"from": "2100-01-01T00:00:00Z"}) == []
    assert listed(channel="chn_0000000000001") == []


def test_deliveries_come_in_pages_without_one_missing(account):
    make_queue(account)
    make_queue(account)
    for n in range(5):
        account.publish("a", n).expect(202)
    seen, cursor = [], None
    while True:
        page = account.deliveries(**{"limit": 3, **({"cursor": cursor} if cursor else {})}).expect(200)
        seen += [delivery["id"] for delivery in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(seen) == 10
    assert seen == sorted(set(seen), reverse=True)


def test_why_follows_a_queue_message(account):
    queue = make_queue(account)
    account.publish("a", 1).expect(202)

    def why():
        return only_delivery(account)["why"]["code"]

    assert why() == "waiting_for_acknowledgement"
    (message,) = account.receive(queue).expect(200)["messages"]
    assert message["delivery"] == only_delivery(account)["id"]
    assert why() == "leased"
    assert only_delivery(account)["next_attempt_at"] is not None
    account.release(queue, [message["receipt"]]).expect(200)
    assert why() == "waiting_for_acknowledgement"


def test_a_disabled_channel_is_why(account, receiver):
    hook, channel = failing_hook(account, receiver)
    event_of(account)
    hook.wait_for_count(1)
    eventually(lambda: only_delivery(account)["attempt_count"] == 1)
    account.patch_channel(channel, enabled=False).expect(200)

    assert only_delivery(account)["why"]["code"] == "waiting_for_channel"


@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_by_hand_takes_no_settings(account, action):
    make_queue(account)
    account.publish("a", 1).expect(202)
    path = f"/deliveries/{only_delivery(account)['id']}/{action}"

    assert account.call("POST", path, {"now": True}).expect_problem(400)["field"] == "now"
    assert account.call("POST", path, query={"now": 1}).expect_problem(400)["field"] == "now"
    account.call("POST", path, {}).expect(200, 202)


# Whose it is


def test_accounts_do_not_see_each_other(api, make_account):
    mine, other = make_account("mine"), make_account("other")
    queue = make_queue(mine)
    event = event_of(mine)
    delivery = only_delivery(mine)["id"]

    for view in (other, other.with_key(api.make_key("account", account="other").expect(201)["key"])):
        assert view.events().expect(200)["items"] == []
        assert view.deliveries().expect(200)["items"] == []
        assert view.deliveries(channel=queue).expect(200)["items"] == []
        view.event(event).expect_problem(404, "not_found")
        view.delivery(delivery).expect_problem(404, "not_found")
        view.retry(delivery).expect_problem(404, "not_found")
        view.cancel(delivery).expect_problem(404, "not_found")
    assert other.events(cursor=event).expect(200)["items"] == []
    assert only_delivery(mine)["state"] == "pending"


@pytest.mark.parametrize("id", ["evt_0000000000001", "evt_", "evt_0000000000000", "dlv_0000000000001", "x", "evt_OOOOOOOOOOOOO"])
def test_an_event_or_delivery_that_is_none_is_not_found(account, id):
    account.event(id).expect_problem(404, "not_found")
    account.delivery(id).expect_problem(404, "not_found")
    account.retry(id).expect_problem(404, "not_found")


def test_scopes_say_who_publishes_and_who_looks(api, make_account):
    account = make_account("shop")
    publisher = account.with_key(api.make_key("publish").expect(201)["key"])
    owner = account.with_key(api.make_key("account", account="shop").expect(201)["key"])

    event = publisher.publish("a", 1).expect(202)["id"]
    publisher.events().expect_problem(403, "forbidden")
    publisher.event(event).expect_problem(403, "forbidden")
    owner.event(event).expect(200)
    owner.publish("a", 1).expect_problem(403, "forbidden")
    owner.api.batch([]).expect_problem(403, "forbidden")
    publisher.api.batch([{"account": "shop", "type": "a", "data": 1}]).expect(200)
    account.with_key(None).publish("a", 1).expect_problem(401, "unauthenticated")
    api.account("nobody").publish("a", 1).expect_problem(404, "not_found")


def test_publishing_from_many_threads_stores_each_once(account):
    queue = make_queue(account)
    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(lambda n: event_of(account, data=n), range(200)))

    assert len(set(ids)) == 200
    received = [m["event"]["data"] for _ in range(2) for m in account.receive(queue, max=100).body["messages"]]
    assert sorted(received) == list(range(200))


@pytest.mark.promise
def test_a_restart_keeps_what_was_answered(server, account):
    queue = make_queue(account)
    event = account.publish("a", data_text=EXACT_DATA).expect(202)["id"]
    server.kill()
    server.start()

    assert raw_value(account.event(event).raw.decode().partition(',"deliveries"')[0] + "}", "data") == EXACT_DATA
    assert [m["event"]["id"] for m in account.receive(queue).expect(200)["messages"]] == [event]

