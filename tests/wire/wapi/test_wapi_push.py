"""Notifications of the command API, pushed: the form, the document in it, and what counts as delivered."""

from __future__ import annotations

import itertools
import re

import pytest

from support.deliveries import make_hook, publish, wait_for_attempts, wait_for_state
from support.receiver import Step, endless, redirect
from support.wapi_notify import FORM, form_value, read_push

SOON = {"every": "20ms", "for": "1h", "jitter": 0}
DONE = {"code": 1000, "result": "OK", "command": "ping-async",
        "data": {"round": 2, "time": "14.9", "done": True}}
SYSTEM = {"code": 1200, "result": "Domain transfered out",
          "data": {"msg": "domain quay.example transfered out", "domain": "quay.example", "num": 1300000042}}


@pytest.fixture
def endpoint(receiver):
    return receiver.endpoint("/notify")


def make_push(account, endpoint, **fields) -> str:
    return make_hook(account, endpoint.url, dialect="wapi", **{"retry": SOON, **fields})


def publish_done(account, number: int | None = None, **fields) -> str:
    data = {**DONE, "origin": "wapi/xml"} if number is None else {**DONE, "data": {"number": number}}
    return publish(account, "operation.completed", data, client_ref="dom-3",
                   server_ref="1760000102.7702.20544.1", **fields)


def numbers(endpoint) -> list[int]:
    """What publish_done numbered, as the requests came."""
    return [int(read_push(request)["data"]["number"]) for request in endpoint.requests]


def numbers_as_first_told(endpoint) -> list[int]:
    """The same without what comes again directly after itself, for tests that cannot know how often it does."""
    return [number for number, _ in itertools.groupby(numbers(endpoint))]


def seconds_of(account, event: str) -> int:
    """When an event was created, by its id: milliseconds since 2020 in front of 22 other bits."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = 0
    for character in event[4:]:
        number = number * 32 + digits.index(character)
    return ((number >> 22) + 1577836800000) // 1000


# The document


def test_a_notification_is_pushed_as_a_form_with_its_members_in_order(account, endpoint):
    """1.7: POST, the parameter request, root notify; 1.5: the fields and their order; 1.8: the content type."""
    make_push(account, endpoint)

    event = publish_done(account)

    (request,) = endpoint.wait_for_count(1)
    notification = read_push(request)
    delivery = wait_for_state(account, event, "delivered")
    assert request.method == "POST" and request.headers["content-type"] == FORM
    assert re.fullmatch(
        '<\\?xml version="1.0" encoding="UTF-8"\\?>\n<notify><code>1000</code><result>OK</result>'
        f"<timestamp>{seconds_of(account, event)}</timestamp><clTRID>dom-3</clTRID>"
        "<svTRID>1760000102.7702.20544.1</svTRID><command>ping-async</command><id>[1-9][0-9]*</id>"
        "<data><round>2</round><time>14.9</time><done>1</done></data></notify>", notification.document)
    assert len(delivery["attempts"]) == 1 and delivery["attempts"][0]["status"] == 200


def test_the_answer_to_a_json_request_is_pushed_in_json(account, endpoint):
    """1.7: push follows the format of the originating command; 1.3: code and timestamp are numbers, data's are not."""
    make_push(account, endpoint)

    event = publish(account, "operation.completed", {**DONE, "origin": "wapi/json"}, client_ref="dom-3",
                    server_ref="1760000102.7702.20544.1")

    (request,) = endpoint.wait_for_count(1)
    notification = read_push(request)
    assert request.headers["content-type"] == FORM
    assert list(notification.members.items()) == [
        ("code", 1000), ("result", "OK"), ("timestamp", seconds_of(account, event)), ("clTRID", "dom-3"),
        ("svTRID", "1760000102.7702.20544.1"), ("command", "ping-async"), ("id", notification["id"]),
        ("data", {"round": "2", "time": "14.9", "done": "1"})]
    assert re.fullmatch("[1-9][0-9]*", notification["id"])


@pytest.mark.parametrize("protocol, format", [(None, "xml"), ("xml", "xml"), ("json", "json")])
def test_without_an_originating_command_the_account_s_preference_counts(make_account, endpoint, protocol, format):
    """1.7: where no originating command exists the preferred protocol applies; it defaults to XML."""
    preference = {"protocol": protocol} if protocol else {}
    account = make_account(wapi={"login": "harbor", "password": "correct-horse", **preference})
    make_push(account, endpoint)

    publish(account, "domain.transferred", SYSTEM, client_ref="not-told")

    (request,) = endpoint.wait_for_count(1)
    assert read_push(request).format == format


def test_system_news_has_no_cltrid_and_is_called_system_notify(account, endpoint):
    """1.5: clTRID is always absent for system events, their command is always system-notify."""
    make_push(account, endpoint)

    event = publish(account, "domain.transferred", SYSTEM, client_ref="not-told")

    (request,) = endpoint.wait_for_count(1)
    notification = read_push(request)
    assert list(notification.members) == ["code", "result", "timestamp", "svTRID", "command", "id", "data"]
    assert notification["command"] == "system-notify" and notification["data"]["num"] == "1300000042"
    assert re.fullmatch(f"{seconds_of(account, event)}\\.[0-9]+\\.[0-9]+\\.[0-9]+", notification["svTRID"])


def test_without_data_there_is_no_data_element(account, endpoint):
    """1.5: data only if the result has some."""
    make_push(account, endpoint)

    publish(account, "operation.failed", {"code": 3201, "result": "Domain exists", "command": "domain-create"})

    (request,) = endpoint.wait_for_count(1)
    assert list(read_push(request).members) == ["code", "result", "timestamp", "svTRID", "command", "id"]


@pytest.mark.parametrize("data, value", [
    (["a", 1, {"b": True}], ["a", "1", {"b": "1"}]), ("done", "done"), (12.5, "12.5"), (False, "0"),
])
def test_an_outcome_that_is_no_object_is_told_as_the_member_value(account, endpoint, data, value):
    """1.2, 1.5: data is an object; 1.3: an array is repeated elements."""
    make_push(account, endpoint)
    opened = account.open_operation("domain-list").expect(201)

    assert account.complete(opened["id"], data=data).expect(200)["deliveries"] == 1
    publish(account, "operation.completed", {**DONE, "origin": "wapi/json", "data": data})

    xml, json = map(read_push, endpoint.wait_for_count(2))
    assert (xml.format, xml["data"]) == ("xml", {"value": value})
    assert (json.format, json["data"]) == ("json", {"value": value})


def test_special_characters_survive_the_form(account, endpoint):
    """1.9/17: &, +, %, CR/LF and characters beyond the BMP; 1.1: whoever splits at the first '=' gets it whole."""
    text = "a&b=c+d %41 100% \r\n\t;\u20ac\U0001f600<x>'\"]]>"
    make_push(account, endpoint)

    publish(account, "operation.completed", {**DONE, "origin": "wapi/xml", "data": {"text": text}})
    publish(account, "operation.completed", {**DONE, "origin": "wapi/json", "data": {"text": text}})

    requests = endpoint.wait_for_count(2)
    assert [read_push(request)["data"]["text"] for request in requests] == [text, text]
    for request in requests:
        assert re.fullmatch(rb"request=([A-Za-z0-9._~-]|%[0-9A-F]{2})+", request.body)


def test_arrays_repeat_their_element_and_names_are_made_fit(account, endpoint):
    """1.3: repeated XML elements and one array under the name are the same thing."""
    rows = {"row": [{"ID": 1}, {"ID": 2}], "1 name": "x"}
    make_push(account, endpoint)

    publish(account, "operation.completed", {**DONE, "origin": "wapi/xml", "data": rows})
    publish(account, "operation.completed", {**DONE, "origin": "wapi/json", "data": rows})

    xml, json = map(read_push, endpoint.wait_for_count(2))
    assert xml["data"] == {"row": [{"ID": "1"}, {"ID": "2"}], "_1_name": "x"}
    assert json["data"] == {"row": [{"ID": "1"}, {"ID": "2"}], "1 name": "x"}


def test_an_operation_is_told_with_both_its_references(account, endpoint):
    """1.9/19: the notification has the same clTRID and the same svTRID as the answer 1001; 1.9/20: failures too."""
    make_push(account, endpoint)
    opened = account.open_operation("domain-create", client_ref="job-17").expect(201, 202)

    account.step(opened["id"], code=1000, result="Registry asked").expect(200)
    account.complete(opened["id"], code=3201, result="Domain exists", data={"name": "quay.example"}).expect(200)

    step, end = map(read_push, endpoint.wait_for_count(2))
    for notification in (step, end):
        assert notification["clTRID"] == "job-17" and notification["svTRID"] == opened["server_ref"]
        assert notification["command"] == "domain-create"
    assert (step["code"], end["code"], end["data"]) == ("1000", "3201", {"name": "quay.example"})


def test_the_test_button_sends_system_news(account, endpoint):
    """1.5: news without an originating command is a system-notify."""
    channel = make_push(account, endpoint)

    answer = account.test_channel(channel).expect(200)

    assert answer["outcome"] == "delivered"
    notification = read_push(endpoint.requests[0])
    assert (notification["command"], notification["data"]) == ("system-notify", {"message": "This is a test."})


# What counts as delivered


REFUSALS = {
    "201": Step(201), "202": Step(202), "204": Step(204), "206": Step(206), "302": Step(302), "400": Step(400),
    "404": Step(404), "410": Step(410), "429": Step(429), "500": Step(500, body=b"OK"), "503": Step(503),
    "closed": Step(reset="answer"), "cut head": Step(reset="headers"), "cut body": Step(reset="body"),
    "malformed": Step(raw=b"200 OK\r\n\r\n"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_only_the_status_200_is_a_delivery(account, endpoint, name):
    """1.7, 1.9/16: delivered only by status 200; anything else is tried again."""
    make_push(account, endpoint)
    endpoint.plan(REFUSALS[name], Step(200))

    event = publish_done(account)

    delivery = wait_for_state(account, event, "delivered")
    first, second = endpoint.requests
    assert len(delivery["attempts"]) == 2 and first.body == second.body
    assert account.channel(delivery["channel"]).expect(200)["enabled"]


@pytest.mark.parametrize("answer", [Step(200), Step(200, body=b"\xff\x00 error"), Step(200, body=b"{\"code\":4000}")])
def test_the_body_of_a_200_does_not_matter(account, endpoint, answer):
    """1.7: the consumer's response body is ignored; 1.9/16: a 200 with an empty body counts."""
    make_push(account, endpoint)
    endpoint.plan(answer)

    event = publish_done(account)

    assert len(wait_for_state(account, event, "delivered")["attempts"]) == 1


def test_a_redirect_is_not_followed(account, receiver, endpoint):
    """1.8: redirects on push are not followed, they count as failures."""
    elsewhere = receiver.endpoint("/elsewhere")
    make_push(account, endpoint)
    endpoint.plan(redirect(elsewhere.url, 302), redirect(elsewhere.url, 307), Step(200))

    event = publish_done(account)

    assert len(wait_for_state(account, event, "delivered")["attempts"]) == 3
    assert not elsewhere.requests


def test_a_200_after_the_timeout_is_none(account, receiver, endpoint):
    """1.9/16: a 200 after the timeout does not count. On a busy machine later ones may be late too."""
    gate = receiver.gate()
    make_push(account, endpoint, timeout_ms=1000)
    endpoint.plan(Step(200, gate=gate), Step(500), Step(200))

    event = publish_done(account)

    first = wait_for_attempts(account, event, 1)[0]
    gate.open()
    delivery = wait_for_state(account, event, "delivered")
    assert first["outcome"] == delivery["attempts"][0]["outcome"] == "timeout"
    assert len(delivery["attempts"]) >= 3


def test_a_200_with_an_endless_body_counts(account, endpoint):
    """1.7: the body is ignored, so no more of it is read than fits: the status has been said."""
    make_push(account, endpoint)
    endpoint.plan(endless())

    event = publish_done(account)

    assert len(wait_for_state(account, event, "delivered")["attempts"]) == 1


def test_every_attempt_tells_the_same(account, endpoint):
    """1.5: the timestamp is of the notification and not of the telling, the id stays."""
    make_push(account, endpoint)
    endpoint.plan(Step(500), Step(500), Step(500), Step(200))

    wait_for_state(account, publish_done(account), "delivered")

    assert len({request.body for request in endpoint.requests}) == 1 and len(endpoint.requests) == 4


# Order


def test_nothing_overtakes_a_notification_that_fails(account, endpoint):
    """1.8: one failing notification holds back later ones, in order."""
    make_push(account, endpoint)
    endpoint.plan(Step(500), Step(204), Step(reset="answer"), Step(200))

    events = [publish_done(account, number) for number in range(5)]

    wait_for_state(account, events[-1], "delivered")
    assert numbers(endpoint) == [0, 0, 0, 0, 1, 2, 3, 4]


def test_ids_ascend_and_are_unique(account, endpoint):
    """1.5: ids are integers, ascending, unique."""
    make_push(account, endpoint)

    events = [publish_done(account, number) for number in range(20)]

    wait_for_state(account, events[-1], "delivered")
    ids = [int(read_push(request)["id"]) for request in endpoint.requests]
    assert ids == sorted(set(ids)) and numbers(endpoint) == list(range(20))


@pytest.mark.promise
def test_the_order_is_kept_over_a_crash(account, server, endpoint):
    """1.8: in order; what was answered with 202 is pushed by the next process."""
    make_push(account, endpoint)
    endpoint.plan(Step(500))
    events = [publish_done(account, number) for number in range(3)]
    wait_for_attempts(account, events[0], 1)

    server.kill()
    endpoint.plan(Step(200))
    server.start()

    wait_for_state(account, events[-1], "delivered")
    assert numbers_as_first_told(endpoint) == [0, 1, 2]


def test_what_is_no_notification_fails_with_words_and_holds_up_nobody(account, endpoint):
    """1.5: only results and system events become notifications."""
    make_push(account, endpoint)

    other = publish(account, "order.created", {"order": "A-1"})
    event = publish_done(account, 1)

    wait_for_state(account, event, "delivered")
    (attempt,) = wait_for_state(account, other, "failed")["attempts"]
    assert attempt["outcome"] == "invalid" and "code: expected a whole number" in attempt["detail"]
    assert numbers(endpoint) == [1]


# The channel


def test_a_push_has_the_protocol_s_defaults(account, endpoint):
    """1.8: 300 s, no cap, timeout 30 s, in order."""
    channel = account.make_channel(kind="webhook", dialect="wapi", url=endpoint.url).expect(201)

    assert channel["retry"] == {"every": "5m", "for": "3650d", "jitter": 0}
    assert channel["timeout_ms"] == 30_000 and channel["ordered"] is True


def test_an_account_has_one_method_at_a_time(harbor, endpoint):
    """1.7: exactly one method per account, default poll queue: the newest that is enabled takes over."""
    (queue,) = harbor.channels().expect(200)["items"]
    push = make_push(harbor, endpoint)

    assert (queue["kind"], queue["dialect"], queue["enabled"]) == ("queue", "wapi", True)
    assert [channel["enabled"] for channel in harbor.channels().expect(200)["items"]] == [False, True]
    harbor.patch_channel(queue["id"], enabled=True).expect(200)
    assert [channel["enabled"] for channel in harbor.channels().expect(200)["items"]] == [True, False]
    assert not harbor.channel(push).expect(200)["enabled"]


def test_a_change_of_method_keeps_what_waits(harbor, endpoint, client):
    """1.8: the items of a non-empty queue stay, and are there again when it is set back; 1.9/18: 2150 meanwhile."""
    (queue,) = harbor.channels().expect(200)["items"]
    publish_done(harbor, 0)
    head = client.call("poll-req").expect(1000).data["notify"]

    make_push(harbor, endpoint)
    wait_for_state(harbor, publish_done(harbor, 1), "delivered")
    client.call("poll-req").expect(2150)
    harbor.patch_channel(queue["id"], enabled=True).expect(200)

    assert client.call("poll-req").expect(1000).data["notify"] == head
    client.call("poll-ack", {"id": head["id"]}).expect(1002)
    client.call("poll-req").expect(1003)
    assert numbers(endpoint) == [1]


def test_a_push_that_is_turned_off_goes_on_where_it_was(account, endpoint):
    """1.8: change of method: the items stay, and keep their order."""
    push = make_push(account, endpoint)
    endpoint.plan(Step(500))
    events = [publish_done(account, number) for number in range(2)]
    wait_for_attempts(account, events[0], 1)

    account.patch_channel(push, enabled=False).expect(200)
    endpoint.plan(Step(200))
    account.patch_channel(push, enabled=True).expect(200)

    wait_for_state(account, events[-1], "delivered")
    assert numbers_as_first_told(endpoint) == [0, 1]


@pytest.mark.settings({"send": {"disable_after": "1s"}})
def test_failures_never_end_a_push(account, endpoint):
    """1.8: no cap: neither does the schedule end nor is the channel disabled."""
    push = make_push(account, endpoint)
    endpoint.plan(Step(410))
    event = publish_done(account)

    first = wait_for_attempts(account, event, 1)[0]
    endpoint.wait_for(lambda requests: requests[-1].time - requests[0].time > 1.5)
    endpoint.plan(Step(200))

    wait_for_state(account, event, "delivered")
    assert first["status"] == 410
    assert account.channel(push).expect(200)["enabled"]


def test_the_form_is_what_the_mail_attaches(account, endpoint, mail_sink):
    """1.7: one document, however it travels; only the delivery's id differs."""
    push = make_push(account, endpoint)
    publish_done(account, 1)
    (request,) = endpoint.wait_for_count(1)
    account.delete_channel(push).expect(204)
    account.make_channel(kind="email", dialect="wapi", address="ops@harbor.example").expect(201)
    publish_done(account, 1)
    (mail,) = mail_sink.wait_for_count(1)
    (attachment,) = mail.message.iter_attachments()

    def without_own(document: str) -> str:
        return re.sub("<(id|timestamp)>[0-9]+<", r"<\1><", document)

    assert without_own(attachment.get_content().decode()) == without_own(form_value(request.body))
