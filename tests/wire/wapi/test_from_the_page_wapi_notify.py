"""Notifications of the command API, each sentence of their description held against the server from outside.

The envelope and the door are in test_from_the_page_wapi.py. Each case names its rule by its number in the protocol
page.
"""

from __future__ import annotations

import base64
import socket
import threading
from datetime import datetime, timezone
from urllib.parse import unquote_to_bytes

import pytest
from support.answers import Step, redirect
from support.api import Api
from support.certificates import server_context
from support.deliveries import wait_for_attempts, wait_for_delivery
from support.own_time import MovableClock
from support.receiver import Receiver
from support.waiting import eventually
from support.wapi_page import DEADLINE_S, Customer, Notify, form, prague_hour, shape

PASSWORD = "correct-horse"
HANDLER_SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
BOTH = pytest.mark.parametrize("kind", ["xml", "json"])
RETRIES_SOON = {"every": "200ms", "for": "1h", "jitter": 0}


@pytest.fixture
def harbor(server, shop) -> Customer:
    return Customer(server.port, "harbor", PASSWORD)


def result_of(command: str | None = "domain-create", code: int = 1000, result: str = "OK", **data) -> dict:
    value = {"code": code, "result": result, **({"command": command} if command else {})}
    return {**value, "data": data} if data else value


def publish(shop, value: dict | None = None, **fields) -> str:
    return shop.publish("domain.created", value or result_of(), **fields).expect(202)["id"]


def poll(harbor: Customer, kind: str = "xml") -> Notify:
    return getattr(harbor, kind)("poll-req").notify


def ack(harbor: Customer, id_: object, kind: str = "xml") -> int:
    return (harbor.xml("poll-ack", f"<id>{id_}</id>") if kind == "xml" else harbor.json("poll-ack", {"id": id_})).code


def take_all(harbor: Customer) -> list[Notify]:
    taken = []
    while (reply := harbor.xml("poll-req")).code == 1000:
        taken.append(reply.notify)
        assert ack(harbor, taken[-1].id) == 1002
    return taken


# 1.5 Commands


@BOTH
@pytest.mark.parametrize("req, acknowledge", [
    ("poll-req", "poll-ack"), ("notify-poll-req", "notify-poll-ack"), ("poll_req", "notify-poll-acq"),
])
def test_short_and_long_names_are_the_same_commands(harbor, shop, kind, req, acknowledge):
    """1.5: the long names of the source page are aliases; `command` echoes what was sent."""
    publish(shop)
    call = getattr(harbor, kind)
    shown = call(req).expect(1000)
    assert shown.command == req
    id_ = shown.notify.id
    done = call(acknowledge, f"<id>{id_}</id>" if kind == "xml" else {"id": id_}).expect(1002)
    assert done.command == acknowledge and call(req).code == 1003


def test_an_empty_queue_byte_by_byte(harbor):
    """1.5, 1.9/1: 1003, no `data`, clTRID and command echoed."""
    assert shape(harbor.xml("poll-req", cltrid="poll-10").raw) == (
        "<response><code>1003</code><result>Empty notifications queue</result><timestamp>NOW</timestamp>"
        "<clTRID>poll-10</clTRID><svTRID>SVTRID</svTRID><command>poll-req</command></response>")
    assert shape(harbor.json("poll-req", cltrid="poll-10").raw) == (
        '{"response":{"code":1003,"result":"Empty notifications queue","timestamp":NOW,"clTRID":"poll-10",'
        '"svTRID":"SVTRID","command":"poll-req"}}')


def test_an_acknowledgement_byte_by_byte(harbor, shop):
    """1.5: the samples of 1002, in both formats."""
    publish(shop)
    publish(shop)
    id_ = poll(harbor).id
    assert shape(harbor.xml("poll-ack", f"<id>{id_}</id>", "job-17").raw) == (
        "<response><code>1002</code><result>Notification aquired</result><timestamp>NOW</timestamp>"
        "<clTRID>job-17</clTRID><svTRID>SVTRID</svTRID><command>poll-ack</command></response>")
    id_ = poll(harbor).id
    assert shape(harbor.json("poll-ack", {"id": id_}, "job-17").raw) == (
        '{"response":{"code":1002,"result":"Notification aquired","timestamp":NOW,"clTRID":"job-17","svTRID":"SVTRID",'
        '"command":"poll-ack"}}')


def test_a_polled_notification_byte_by_byte(harbor, shop):
    """1.5: the sample of poll-req, with the notification in data/notify, and its data in it."""
    value = result_of("ping-async", round=2, time=14.9, done=1)
    publish(shop, value, client_ref="dom-3", server_ref="1760000102.7702.20544.1")
    id_ = poll(harbor).id
    assert shape(harbor.xml("poll-req", cltrid="poll-9").raw) == (
        "<response><code>1000</code><result>OK</result><timestamp>NOW</timestamp><clTRID>poll-9</clTRID>"
        "<svTRID>SVTRID</svTRID><command>poll-req</command><data><notify><code>1000</code><result>OK</result>"
        "<timestamp>NOW</timestamp><clTRID>dom-3</clTRID><svTRID>SVTRID</svTRID><command>ping-async</command>"
        f"<id>{id_}</id><data><round>2</round><time>14.9</time><done>1</done></data></notify></data></response>")
    assert poll(harbor).value["svTRID"] == "1760000102.7702.20544.1"


def test_system_news_byte_by_byte(harbor, shop):
    """1.5: the sample of a system event: no clTRID, command system-notify, an svTRID of its own."""
    data = {"msg": "domain quay.example transfered out", "domain": "quay.example", "num": 1300000042}
    publish(shop, result_of(None, 1200, "Domain transfered out", **data))
    reply = harbor.xml("poll-req")
    assert (
        "<notify><code>1200</code><result>Domain transfered out</result><timestamp>NOW</timestamp>"
        f"<svTRID>SVTRID</svTRID><command>system-notify</command><id>{reply.notify.id}</id><data>"
        "<msg>domain quay.example transfered out</msg><domain>quay.example</domain><num>1300000042</num></data></notify>") in shape(reply.raw)


def test_the_same_notification_in_json(harbor, shop):
    """1.3: members of `data` are strings, repeated elements one array; 1.7: poll follows the poll-req."""
    publish(shop, result_of(num=1300000042, ttl=[1800, 300], nested={"a": ["x"], "b": 14.9}), client_ref="dom-3")
    reply = harbor.json("poll-req")
    notify = reply.notify
    assert notify.value["data"] == {"num": "1300000042", "ttl": ["1800", "300"], "nested": {"a": ["x"], "b": "14.9"}}
    assert notify.value["id"] == str(notify.id)
    assert notify.names == ["code", "result", "timestamp", "clTRID", "svTRID", "command", "id", "data"]


@BOTH
def test_ping_async_is_answered_at_once_and_told_later(harbor, kind):
    """1.5, 1.9/19: 1001 now; the notification has the same clTRID and svTRID, and the original command."""
    reply = getattr(harbor, kind)("ping-async", cltrid="dom-3").expect(1001)
    assert reply.data is None
    notify = eventually(lambda: harbor.xml("poll-req").expect(1000), 30).notify
    assert notify.code == 1000
    assert [notify.value[name] for name in ("result", "clTRID", "svTRID", "command")] == [
        "OK", "dom-3", reply.svtrid, "ping-async"]
    assert list(notify.value["data"]) == ["round", "time", "done"]


def test_the_notification_has_no_cltrid_if_the_request_had_none(harbor):
    """1.5: clTRID is absent if the original had none."""
    harbor.xml("ping-async").expect(1001)
    notify = eventually(lambda: harbor.xml("poll-req").expect(1000), 30).notify
    assert "clTRID" not in notify.names


def test_a_request_that_was_only_a_test_is_not_told(harbor, shop):
    """1.2: test mode changes nothing: no notification follows its 1001."""
    harbor.xml("ping-async", more="<test>1</test>").expect(1001)
    publish(shop)
    assert [each.value["command"] for each in take_all(harbor)] == ["domain-create"]


# 1.5 Queue rules


@BOTH
def test_poll_req_shows_the_same_head_until_it_is_acknowledged(harbor, shop, kind):
    """1.5/1, 1.5/2, 1.9/2: same id and timestamp; the outer timestamp and svTRID are the reply's own."""
    publish(shop)
    publish(shop)
    first, second = (getattr(harbor, kind)("poll-req") for _ in range(2))
    assert first.notify.value == second.notify.value
    assert first.svtrid != second.svtrid


def test_the_notifications_timestamp_is_that_of_its_making(start_server, tmp_path):
    """1.5, 1.9/2: timestamp is the creation of the notification, not of the reply."""
    clock = MovableClock(tmp_path)
    clock.set(datetime(2026, 6, 1, 9, 10, 0, tzinfo=timezone.utc))
    server = start_server(environment=clock.environment)
    shop = Api(server.url, server.admin_key).account("harbor")
    shop.put(wapi={"login": "harbor", "password": PASSWORD}).expect(201)
    before = int(clock.now().timestamp())
    publish(shop)
    after = int(clock.now().timestamp())
    clock.advance(600)
    reply = Customer(server.port, "harbor", PASSWORD, hour="11").xml("poll-req")
    assert before <= int(reply.notify.value["timestamp"]) <= after
    assert reply.timestamp >= before + 600


def test_a_later_one_cannot_be_acknowledged(harbor, shop):
    """1.5/3, 1.9/3: any id but the head's, also one that exists further back, is 2151, and nothing is removed.

    The later id is known because it was the head once: while the first one was withdrawn.
    """
    first, _ = publish(shop), publish(shop)
    head = poll(harbor).id
    delivery = shop.event(first).expect(200)["deliveries"][0]["id"]
    shop.cancel(delivery).expect(200)
    later = poll(harbor).id
    shop.retry(delivery).expect(202)
    assert poll(harbor).id == head < later
    assert [ack(harbor, later), ack(harbor, head + 1), ack(harbor, head - 1)] == [2151] * 3
    assert (ack(harbor, head), poll(harbor).id, ack(harbor, later)) == (1002, later, 1002)


@BOTH
def test_a_second_acknowledgement_is_2151_and_spares_the_new_head(harbor, shop, kind):
    """1.8, 1.9/4: 1002, then 2151, before and after the next one was shown."""
    publish(shop)
    publish(shop)
    first = poll(harbor, kind).id
    assert [ack(harbor, first, kind), ack(harbor, first, kind)] == [1002, 2151]
    second = poll(harbor, kind).id
    assert ack(harbor, first, kind) == 2151
    assert second > first and poll(harbor, kind).id == second


WRONG_IDS = ["0", "-1", "{}abc", " {} ", "{}.0", "+{}", "0x{:x}", "{}e0", "1e3", "9223372036854775808", "-{}",
             "18446744073709551616{}", "340282366920938463463374607431768211456", "٥١", "NaN", "{} {}", "{},{}"]


@BOTH
@pytest.mark.parametrize("pattern", WRONG_IDS)
def test_only_the_heads_id_as_it_was_shown_acknowledges(harbor, shop, kind, pattern):
    """1.9/5: anything else is 2101 or 2151, never 1002."""
    publish(shop)
    head = poll(harbor).id
    assert ack(harbor, pattern.format(head, head), kind) in (2101, 2151)
    assert poll(harbor).id == head


@pytest.mark.parametrize("value", [True, False, 0, -1, 2**63, 2**64, 1.5, ["x"], {"id": 1}, [[1]]])
def test_in_json_an_id_of_another_type_never_acknowledges(harbor, shop, value):
    """1.9/5: the same for what only JSON can say."""
    publish(shop)
    head = poll(harbor).id
    assert ack(harbor, value, "json") in (2100, 2101, 2151)
    assert poll(harbor).id == head


def test_an_id_between_2_to_the_64_and_itself_does_not_wrap_around(harbor, shop):
    """1.9/5: the head's id plus 2^64 is another number."""
    publish(shop)
    head = poll(harbor).id
    for wrapped in (head + 2**64, head + 2**32, head - 2**64):
        assert ack(harbor, wrapped) in (2101, 2151) and ack(harbor, wrapped, "json") in (2101, 2151)
    assert poll(harbor).id == head


def test_in_json_the_id_is_a_number_or_a_string(harbor, shop):
    """1.2, 1.3: the sample sends a number; replies have strings, so clients send those back."""
    publish(shop)
    publish(shop)
    assert ack(harbor, poll(harbor, "json").id, "json") == 1002
    assert ack(harbor, str(poll(harbor, "json").id), "json") == 1002


@pytest.mark.parametrize("data", [None, "", "\n  ", "<id/>", "<other>1</other>"])
def test_xml_acknowledging_nothing_is_a_missing_parameter(harbor, shop, data):
    """1.5, 1.9/6: without `data`, with empty `data`: 2100."""
    publish(shop)
    poll(harbor)
    harbor.xml("poll-ack", data).expect(2100)


@pytest.mark.parametrize("data", [None, {}, [], "", {"id": None}, {"id": ""}, {"ID": 1}])
def test_json_acknowledging_nothing_is_a_missing_parameter(harbor, shop, data):
    """1.5, 1.9/6: the same; PHP writes an empty object as []."""
    publish(shop)
    poll(harbor)
    harbor.json("poll-ack", data).expect(2100)


def test_the_head_has_to_be_fetched_before_it_is_acknowledged(harbor, shop):
    """1.8: ack of the head before any poll-req showed it is 2151. A poll in test mode tells the id, showing nothing."""
    publish(shop)
    unseen = harbor.xml("poll-req", more="<test>1</test>").notify.id
    assert ack(harbor, unseen) == 2151
    assert (poll(harbor).id, ack(harbor, unseen)) == (unseen, 1002)


@pytest.mark.settings({"wapi": {"ack_needs_poll": "no"}})
def test_a_setting_allows_to_acknowledge_unseen(harbor, shop):
    """1.8: 2151 unless the setting allows it."""
    publish(shop)
    unseen = harbor.xml("poll-req", more="<test>1</test>").notify.id
    assert ack(harbor, unseen) == 1002


def test_ids_ascend_and_each_is_one_notification(harbor, shop):
    """1.5/5, 1.5/4: ids are integers, ascending, unique; after 1002 the next one becomes visible, oldest first."""
    for number in range(20):
        publish(shop, result_of(n=number))
    taken = take_all(harbor)
    assert [int(each.value["data"]["n"]) for each in taken] == list(range(20))
    ids = [each.id for each in taken]
    assert ids == sorted(set(ids)) and ids[-1] < 2**63


def test_two_accounts_have_queues_of_their_own(harbor, shop, make_account, server):
    """1.5/1: one queue per account; another's id is no id of mine."""
    make_account("quay").patch(wapi={"login": "quay", "password": PASSWORD}).expect(200)
    quay = Customer(server.port, "quay", PASSWORD)
    publish(shop)
    head = poll(harbor).id
    quay.xml("poll-req").expect(1003)
    assert ack(quay, head) == 2151 and poll(harbor).id == head


@BOTH
def test_one_queue_by_both_formats(harbor, shop, kind):
    """1.9/12: polled by XML and by JSON: same id, each in its own format; shown by one, acknowledged by the other."""
    publish(shop, client_ref="ř<&>")
    in_xml, in_json = poll(harbor, "xml"), poll(harbor, "json")
    assert in_xml.id == in_json.id and in_xml.value["clTRID"] == in_json.value["clTRID"] == "ř<&>"
    assert ack(harbor, in_xml.id, kind) == 1002 and harbor.json("poll-req").code == 1003


@pytest.mark.settings({"wapi": {"hourly_max": 1000000}})
def test_of_many_acknowledgements_of_one_head_one_counts(harbor, shop):
    """1.9/7: concurrent consumers acknowledge the same head: exactly one 1002, and the next one stays."""
    rounds, consumers = 25, 6
    for _ in range(rounds + 1):
        publish(shop)
    for _ in range(rounds):
        head = poll(harbor).id
        codes = _at_once(consumers, lambda head=head: ack(harbor, head))
        assert sorted(codes) == [1002] + [2151] * (consumers - 1)
        assert poll(harbor).id > head
    assert len(take_all(harbor)) == 1


def _at_once(count: int, call) -> list:
    barrier = threading.Barrier(count)
    results: list = []

    def run() -> None:
        barrier.wait()
        results.append(call())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_between_poll_and_ack_changes_nothing(server, harbor, shop, end):
    """1.9/8: same head, the ack works; after 1002 and a crash the item does not come back."""
    publish(shop)
    publish(shop)
    before = poll(harbor).value
    _end_and_start(server, end)
    assert ack(harbor, before["id"]) == 1002
    _end_and_start(server, end)
    assert ack(harbor, before["id"]) == 2151
    after = poll(harbor)
    assert after.id > int(before["id"])
    _end_and_start(server, end)
    assert poll(harbor).value == after.value


def _end_and_start(server, end: str) -> None:
    getattr(server, end)()
    server.start()


@pytest.mark.settings({"wapi": {"hourly_max": 1000000}})
def test_an_acknowledgement_whose_client_is_gone_is_done_or_not(harbor, shop):
    """1.9/8: a client that does not wait for its reply: the head is still there, or gone with the next one whole."""
    for number in range(20):
        publish(shop, result_of(n=number))
    seen = []
    while (reply := harbor.xml("poll-req")).code == 1000:
        notify = reply.notify
        seen.append(int(notify.value["data"]["n"]))
        body = form(harbor.xml_document("poll-ack", f"<id>{notify.id}</id>"))
        with socket.create_connection(("127.0.0.1", harbor.port), DEADLINE_S) as connection:
            connection.sendall(b"POST /wapi/xml HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (
                len(body), body))
    assert seen == sorted(seen) and set(seen) == set(range(20))


def test_what_nobody_fetches_waits_however_long(start_server, tmp_path):
    """1.8: retention of unacknowledged notifications is unlimited, when all else of that time is cleared away."""
    clock = MovableClock(tmp_path)
    server = start_server(environment=clock.environment)
    api = Api(server.url, server.admin_key)
    shop, other = api.account("harbor"), api.account("other")
    shop.put(wapi={"login": "harbor", "password": PASSWORD}).expect(201)
    other.put().expect(201)
    old = publish(other)
    publish(shop, result_of(name="quay.example"), client_ref="dom-3")
    harbor = Customer(server.port, "harbor", PASSWORD)
    before = poll(harbor).value
    clock.advance(400 * 86400)
    server.restart()
    eventually(lambda: other.event(old).status == 404, 30)
    harbor.hour = prague_hour(clock.now())
    assert poll(harbor).value == before and ack(harbor, before["id"]) == 1002


# 1.5/6, 1.5/7: what becomes a notification


@pytest.fixture
def handled(start_server, receiver):
    """A server whose domain-* commands are carried out by receiver's /do; the provider's and the customer's side."""
    return _handled(start_server, receiver)


def _handled(start_server, receiver, timeout: str = "20s", **settings):
    do = receiver.endpoint("/do")
    server = start_server({
        "wapi": {"handler_secret": HANDLER_SECRET, "handler_timeout": timeout}, "wapi.commands": {"domain-*": do.url},
        "send": {"allow_private": "127.0.0.0/8"}, **settings})
    shop = Api(server.url, server.admin_key).account("harbor")
    shop.put(wapi={"login": "harbor", "password": PASSWORD}).expect(201)
    return do, shop, Customer(server.port, "harbor", PASSWORD)


def _operation(shop) -> str:
    (item,) = shop.operations(state="pending").expect(200)["items"]
    return item["id"]


@BOTH
def test_a_synchronous_result_never_becomes_a_notification(handled, kind):
    """1.5/6, 1.9/19: the reply is the result, and the queue stays empty."""
    do, shop, harbor = handled
    do.plan(Step(200, body=b'{"code": 1000, "result": "OK", "data": {"domain": "quay.example", "free": 1}}'))
    reply = getattr(harbor, kind)("domain-check", cltrid="c").expect(1000)
    assert (reply.data.find("free").text if kind == "xml" else reply.data["free"]) == "1"
    harbor.xml("ping").expect(1000)
    harbor.xml("poll-req").expect(1003)
    assert shop.events().expect(200)["items"] == []


@BOTH
def test_the_three_steps_of_an_asynchronous_command(handled, kind):
    """1.5, 1.9/19: request, 1001, notification: byte by byte, with one clTRID and one svTRID."""
    do, shop, harbor = handled
    do.plan(Step(202))
    reply = getattr(harbor, kind)("domain-create", cltrid="dom-3")
    assert shape(reply.expect(1001).raw) == (
        "<response><code>1001</code><result>Request pending</result><timestamp>NOW</timestamp><clTRID>dom-3</clTRID>"
        "<svTRID>SVTRID</svTRID><command>domain-create</command></response>" if kind == "xml" else
        '{"response":{"code":1001,"result":"Request pending","timestamp":NOW,"clTRID":"dom-3","svTRID":"SVTRID",'
        '"command":"domain-create"}}')
    harbor.xml("poll-req").expect(1003)
    shop.complete(_operation(shop), code=1000, result="OK", data={"round": 2, "time": 14.9, "done": 1}).expect(200)
    polled = harbor.xml("poll-req")
    assert shape(polled.raw.replace(reply.svtrid.encode(), b"1.2.3")).endswith(
        "<notify><code>1000</code><result>OK</result><timestamp>NOW</timestamp><clTRID>dom-3</clTRID>"
        f"<svTRID>SVTRID</svTRID><command>domain-create</command><id>{polled.notify.id}</id>"
        "<data><round>2</round><time>14.9</time><done>1</done></data></notify></data></response>")
    assert polled.notify.value["svTRID"] == reply.svtrid


def test_each_step_is_a_notification_of_the_same_request(handled):
    """1.5/7: several notifications for one request, in their order, each with its clTRID and svTRID."""
    do, shop, harbor = handled
    do.plan(Step(202))
    reply = harbor.xml("domain-transfer", cltrid="dom-4").expect(1001)
    operation = _operation(shop)
    for number in (1, 2):
        shop.step(operation, code=1001, result="Request pending", data={"step": number}).expect(200)
    shop.complete(operation, code=1000, result="OK").expect(200)
    taken = take_all(harbor)
    assert [each.code for each in taken] == [1001, 1001, 1000]
    assert {(each.value["clTRID"], each.value["svTRID"], each.value["command"]) for each in taken} == {
        ("dom-4", reply.svtrid, "domain-transfer")}
    assert "data" not in taken[2].names


@BOTH
@pytest.mark.parametrize("code, result", [
    (2304, "Object status prohibits operation"), (3002, "Billing: credit"), (4001, "Internal exception"),
])
def test_a_failed_command_is_told_and_acknowledged_as_any_other(handled, kind, code, result):
    """1.9/20: a 2xxx, 3xxx or 4xxx outcome is delivered and acknowledged with 1002."""
    do, shop, harbor = handled
    do.plan(Step(202))
    harbor.json("domain-create", {"name": "quay.example"}, "dom-5").expect(1001)
    shop.complete(_operation(shop), code=code, result=result).expect(200)
    notify = poll(harbor, kind)
    assert (notify.code, notify.value["result"]) == (code, result)
    assert ack(harbor, notify.id, kind) == 1002


@pytest.mark.parametrize("step", [
    Step(500), Step(404), Step(200, body=b"nonsense"), Step(200, body=b"{}"), Step(302, headers=(("Location", "/"),)),
    Step(reset="answer"), Step(200, body=b'{"code": 99999}'),
], ids=["500", "404", "nonsense", "no code", "redirect", "reset", "code out of range"])
def test_a_handler_that_fails_is_an_internal_error_and_leaves_nothing(handled, step):
    """1.6: 4000, and nothing half-made: no operation, no notification."""
    _check_failure(*handled, step)


def test_so_is_a_handler_that_is_silent(start_server, receiver):
    """1.6: 4000, after the time that the setting gives it."""
    _check_failure(*_handled(start_server, receiver, "1s"), Step(hang="answer"))


def _check_failure(do, shop, harbor: Customer, step: Step) -> None:
    do.plan(step)
    harbor.xml("domain-create", cltrid="c").expect(4000)
    assert shop.operations().expect(200)["items"] == []
    harbor.xml("poll-req").expect(1003)


# 1.7 Push


def make_push(shop, url: str, **fields) -> str:
    return shop.make_channel(kind="webhook", dialect="wapi", url=url, **fields).expect(201)["id"]


def document_of(request) -> str:
    """The value of the one parameter of a form, decoded as any server decodes it."""
    name, _, value = request.body.partition(b"=")
    assert name == b"request" and b"&" not in value, request.body
    return unquote_to_bytes(value.replace(b"+", b" ")).decode()


def test_a_push_is_a_post_of_the_parameter_request(receiver, shop):
    """1.7, 1.8: POST, parameter `request`, root `notify`, application/x-www-form-urlencoded; charset=utf-8."""
    endpoint = receiver.endpoint("/notify")
    make_push(shop, endpoint.url)
    value = result_of("ping-async", round=2, time=14.9, done=1)
    publish(shop, value, client_ref="dom-3", server_ref="1760000102.7702.20544.1")
    (request,) = endpoint.wait_for_count(1)
    assert (request.method, request.query) == ("POST", "")
    assert request.headers["content-type"].lower().replace(" ", "") == "application/x-www-form-urlencoded;charset=utf-8"
    notify = Notify.from_document(document_of(request))
    assert shape(document_of(request).encode()) == (
        "<notify><code>1000</code><result>OK</result><timestamp>NOW</timestamp><clTRID>dom-3</clTRID>"
        f"<svTRID>SVTRID</svTRID><command>ping-async</command><id>{notify.id}</id>"
        "<data><round>2</round><time>14.9</time><done>1</done></data></notify>")
    assert notify.value["svTRID"] == "1760000102.7702.20544.1"


def test_a_push_goes_over_https_too(authority, shop):
    """1.7: HTTP or HTTPS."""
    context = server_context(authority.issue("localhost", ["127.0.0.1"]))
    with Receiver(context, name="localhost") as secure:
        endpoint = secure.endpoint("/notify")
        make_push(shop, endpoint.url, tls={"ca": authority.certificate.read_text()})
        publish(shop)
        (request,) = endpoint.wait_for_count(1)
        assert Notify.from_document(document_of(request)).code == 1000


NOT_DELIVERED = {
    "201": Step(201), "202": Step(202), "204": Step(204), "206": Step(206), "301": redirect("/elsewhere", 301),
    "302": redirect("/elsewhere"), "307": redirect("/elsewhere", 307), "400": Step(400), "404": Step(404),
    "410": Step(410), "429": Step(429), "500": Step(500), "503": Step(503, body=b"<code>1002</code>"),
    "closed": Step(raw=b""), "reset": Step(reset="answer"), "half a head": Step(raw=b"HTTP/1.1 200"),
    "half a body": Step(reset="body"),
}


@pytest.mark.parametrize("answer", list(NOT_DELIVERED))
def test_anything_but_200_is_tried_again(receiver, shop, answer):
    """1.7, 1.9/16: delivered only by status 200; a redirect is not followed (1.8)."""
    endpoint = receiver.endpoint("/notify").plan(NOT_DELIVERED[answer], Step(200))
    make_push(shop, endpoint.url, retry=RETRIES_SOON)
    event = publish(shop)
    first, second = endpoint.wait_for_count(2)
    assert first.body == second.body
    _wait_until_delivered(shop, event)
    assert len(endpoint.requests) == 2 and receiver.endpoint("/elsewhere").requests == []


def _wait_until_delivered(shop, event: str) -> dict:
    return wait_for_delivery(shop, event, lambda delivery: delivery["state"] == "delivered")


@pytest.mark.parametrize("step", [
    Step(200), Step(200, body=b"<response><code>4000</code></response>"), Step(200, body=b"\xff\xfe\x00 no text"),
    Step(200, body=b"x" * 300_000), Step(200, headers=(("Content-Type", "text/html"),), body=b"<html>error</html>"),
], ids=["empty", "an error inside", "binary", "long", "html"])
def test_200_is_delivered_whatever_the_body(receiver, shop, step):
    """1.7, 1.9/16: the body is ignored; a 200 with an empty body counts. There is no second attempt."""
    endpoint = receiver.endpoint("/notify").plan(step)
    make_push(shop, endpoint.url, retry=RETRIES_SOON)
    event = publish(shop)
    assert len(_wait_until_delivered(shop, event)["attempts"]) == 1
    later = publish(shop)
    _wait_until_delivered(shop, later)
    assert len(endpoint.requests) == 2


def test_a_200_after_the_timeout_is_no_200(receiver, shop):
    """1.9/16: it comes again, until a 200 is in time. On a busy machine that need not be the second one."""
    gate = receiver.gate()
    endpoint = receiver.endpoint("/notify").plan(Step(200, gate=gate), Step(200))
    make_push(shop, endpoint.url, retry=RETRIES_SOON, timeout_ms=1000)
    event = publish(shop)
    wait_for_attempts(shop, event, 1)
    gate.open()
    *late, last = [each["outcome"] for each in _wait_until_delivered(shop, event)["attempts"]]
    assert set(late) == {"timeout"} and last == "delivered"


def test_by_default_it_comes_again_in_five_minutes_and_is_given_thirty_seconds(receiver, shop):
    """1.8: interval 300 s without a cap, timeout 30 s; each later gap is the same, from the end of an attempt."""
    endpoint = receiver.endpoint("/notify").plan(Step(500))
    channel = make_push(shop, endpoint.url)
    assert shop.channel(channel).expect(200)["timeout_ms"] == 30_000
    event = publish(shop)
    for count in (1, 2, 3):
        wait_for_attempts(shop, event, count)
        delivery = wait_for_delivery(shop, event, lambda each: each["next_attempt_at"])
        ended = _seconds(delivery["next_attempt_at"]) - 300
        assert _seconds(delivery["attempts"][-1]["began_at"]) - 0.002 <= ended <= datetime.now().timestamp()
        shop.retry(delivery["id"]).expect(202)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_a_failing_one_holds_back_those_behind_it(receiver, shop):
    """1.8: per account, in order, as the queue does."""
    endpoint = receiver.endpoint("/notify").plan(*[Step(500)] * 3, Step(200))
    make_push(shop, endpoint.url, retry=RETRIES_SOON)
    for number in range(4):
        publish(shop, result_of(n=number))
    requests = endpoint.wait_for_count(7)
    assert [Notify.from_document(document_of(each)).value["data"]["n"] for each in requests] == list("0000123")


def test_a_setting_lets_later_ones_pass(receiver, shop):
    """1.8: hold back or not is a setting."""
    endpoint = receiver.endpoint("/notify")
    endpoint.plan(lambda request: Step(500 if b"first" in request.body else 200))
    make_push(shop, endpoint.url, retry=RETRIES_SOON, ordered=False)
    publish(shop, result_of(n="first"))
    last = publish(shop, result_of(n="second"))
    _wait_until_delivered(shop, last)


NASTY = "a&b+c%41=d\r\n\t\"'<x>]]>\\ řž 𝄞😀 \u00a0\u2028;#?"


@pytest.mark.parametrize("protocol", ["xml", "json"])
def test_any_text_survives_the_form(receiver, shop, protocol):
    """1.9/17: `&`, `+`, `%`, CR/LF and characters beyond the BMP."""
    shop.patch(wapi={"login": "harbor", "password": PASSWORD, "protocol": protocol}).expect(200)
    endpoint = receiver.endpoint("/notify")
    make_push(shop, endpoint.url)
    publish(shop, result_of(None, 1200, NASTY, text=NASTY, more=[NASTY, "x"], **{"inner": {"t": NASTY}}))
    (request,) = endpoint.wait_for_count(1)
    notify = Notify.from_document(document_of(request))
    assert notify.value["data"] == {"text": NASTY, "more": [NASTY, "x"], "inner": {"t": NASTY}}
    assert notify.value["result"] == NASTY


def test_any_text_survives_the_queue(harbor, shop):
    """1.9/17: the same in both formats of poll-req."""
    publish(shop, result_of(text=NASTY), client_ref="<&>\"'ř")
    for kind in ("xml", "json"):
        assert poll(harbor, kind).value["data"] == {"text": NASTY}
        assert poll(harbor, kind).value["clTRID"] == "<&>\"'ř"


def test_member_names_that_xml_cannot_have_give_well_formed_xml(harbor, shop):
    """1.1, 1.3: whatever the data, the reply can be read."""
    data = {"1st": "a", "a b": "b", "<x>": "c", "": "d", "ř": "e", "xml": "f", "a:b": "g", "-": "h"}
    data["ok"] = "\u0000\u0001\ufffe"
    publish(shop, {"code": 1000, "result": "OK", "command": "c", "data": data})
    assert poll(harbor).value["data"]["ok"] is not None
    assert poll(harbor, "json").value["data"]["a b"] == "b"


def test_the_push_follows_the_format_of_its_command(handled, receiver):
    """1.7: JSON when the originating command was JSON, XML when it was XML."""
    do, shop, harbor = handled
    do.plan(Step(202))
    endpoint = receiver.endpoint("/notify")
    make_push(shop, endpoint.url)
    for number, kind in enumerate(("json", "xml"), 1):
        reply = getattr(harbor, kind)("domain-create", cltrid=kind).expect(1001)
        shop.complete(_operation(shop), code=1000, result="OK", data={"n": 1}).expect(200)
        document = document_of(endpoint.wait_for_count(number)[-1])
        assert document.startswith("{") == (kind == "json")
        assert Notify.from_document(document).value["svTRID"] == reply.svtrid


@pytest.mark.parametrize("protocol", [None, "xml", "json"])
def test_system_news_follow_the_preferred_protocol(receiver, shop, protocol):
    """1.7: where no originating command exists the account's preferred protocol applies; XML by default."""
    preferred = {"protocol": protocol} if protocol else {}
    shop.patch(wapi={"login": "harbor", "password": PASSWORD, **preferred}).expect(200)
    endpoint = receiver.endpoint("/notify")
    make_push(shop, endpoint.url)
    publish(shop, result_of(None, 1200, "Domain transfered out", msg="x"))
    document = document_of(endpoint.wait_for_count(1)[0])
    assert document.startswith("{") == (protocol == "json")
    assert Notify.from_document(document).value["command"] == "system-notify"


# 1.7 One method an account


@BOTH
def test_polling_is_refused_while_the_method_is_push(harbor, shop, receiver, kind):
    """1.9/18: 2150 for both commands, whatever they ask for."""
    make_push(shop, receiver.endpoint("/notify").url)
    getattr(harbor, kind)("poll-req").expect(2150)
    assert ack(harbor, 1, kind) == 2150


def test_the_queue_is_the_default_and_there_is_exactly_one_method(harbor, shop, receiver, mail_sink):
    """1.7: exactly one method per account, default poll queue."""
    harbor.xml("poll-req").expect(1003)
    endpoint = receiver.endpoint("/notify")
    make_push(shop, endpoint.url)
    shop.make_channel(kind="email", dialect="wapi", address="ops@harbor.example").expect(201)
    publish(shop)
    mail_sink.wait_for_count(1)
    enabled = [each["kind"] for each in shop.channels().expect(200)["items"] if each["enabled"]]
    assert enabled == ["email"] and endpoint.requests == []
    harbor.xml("poll-req").expect(2150)


def test_what_waits_in_the_queue_survives_a_change_of_method(harbor, shop, receiver):
    """1.8: items stay; visible again when poll is set back; 2150 meanwhile."""
    queue = shop.channels().expect(200)["items"][0]["id"]
    publish(shop, result_of(n="old"))
    shown = poll(harbor).id
    endpoint = receiver.endpoint("/notify")
    make_push(shop, endpoint.url)
    harbor.xml("poll-req").expect(2150)
    publish(shop, result_of(n="pushed"))
    (request,) = endpoint.wait_for_count(1)
    assert Notify.from_document(document_of(request)).value["data"]["n"] == "pushed"
    shop.patch_channel(queue, enabled=True).expect(200)
    assert poll(harbor).id == shown and ack(harbor, shown) == 1002
    harbor.xml("poll-req").expect(1003)


def test_the_email_has_the_document(shop, mail_sink):
    """1.7: sent to the configured address, after the operation completes."""
    shop.make_channel(kind="email", dialect="wapi", address="ops@harbor.example").expect(201)
    publish(shop, result_of("domain-create", name="quay.example", text="řž <&>"), client_ref="dom-3")
    (mail,) = mail_sink.wait_for_count(1)
    assert mail.recipients == ["ops@harbor.example"]
    parts = [part.get_content() for part in mail.message.walk() if not part.is_multipart()]
    texts = [part if isinstance(part, str) else part.decode() for part in parts]
    notify = Notify.from_document(texts[-1])
    assert notify.value["data"] == {"name": "quay.example", "text": "řž <&>"}
    assert notify.value["clTRID"] == "dom-3" and "<command>domain-create</command>" in texts[0]


@BOTH
def test_the_email_follows_the_format_of_its_command(mail_sink, start_server, receiver, kind):
    """1.7: e-mail and push follow the format of the originating command."""
    do, shop, harbor = _handled(
        start_server, receiver, smtp={"url": mail_sink.url, "from": "a@provider.example"})
    do.plan(Step(202))
    shop.make_channel(kind="email", dialect="wapi", address="ops@harbor.example").expect(201)
    getattr(harbor, kind)("domain-create", cltrid="c").expect(1001)
    shop.complete(_operation(shop), code=1000, result="OK", data={"n": 1}).expect(200)
    (mail,) = mail_sink.wait_for_count(1)
    *_, attachment = [part for part in mail.message.walk() if not part.is_multipart()]
    content = attachment.get_content()
    document = content if isinstance(content, str) else content.decode()
    assert Notify.from_document(document).value["data"] == {"n": "1"}
    assert document.startswith("{") == (kind == "json")
