"""What is posted to the merchant's URL, when it is delivered, and when it comes again (protocols, section 2.2)."""

from __future__ import annotations

import re

import pytest

from support.api import Api
from support.certificates import server_context
from support.deliveries import PATIENT, delivery_of, publish, seconds_to_next, wait_for_attempts, wait_for_state
from support.own_time import MovableClock
from support.ports import free_port
from support.receiver import Receiver, Step, redirect
from support.shopcart import Shop, token_of
from support.waiting import eventually

TYPES = {"order.created": "NewOrder Token", "order.status": "OrderStatusChange Id",
         "subscription.status": "RecurringOrderStatusChange Id"}
# In place of the minute of the protocol, so that doubling can be watched.
QUICK = {"first": "300ms", "factor": 2, "max": "10s", "for": "60s", "jitter": 0}
LATE_S = 30.0  # what a busy machine may be behind; less than there is between one gap and the next

pytestmark = pytest.mark.settings(PATIENT)


def gaps(requests) -> list[float]:
    return [later.time - earlier.time for earlier, later in zip(requests, requests[1:])]


def assert_gaps(requests, *least_s: float) -> None:
    """How much longer they are is the machine's; what the server plans is looked at by assert_next()."""
    assert len(requests) == len(least_s) + 1
    for gap_s, least in zip(gaps(requests), least_s):
        assert gap_s >= least - 0.01, (gaps(requests), least_s)


def assert_next(delivery: dict, minutes: int) -> None:
    """The gap that the server has planned."""
    assert 0 <= seconds_to_next(delivery) - minutes * 60 + 0.01 < LATE_S, delivery


# The document


def test_a_new_order_is_one_token_byte_for_byte(shop, hook):
    """2.6/1: root, one child, no attributes, no namespace, no white space; 2.2: POST of raw XML."""
    shop.make_hook(hook.url)
    shop.order(Id=90000001)

    (request,) = hook.wait_for_count(1)

    assert re.fullmatch(rb"<NewOrder><Token>[0-9a-f]{32}</Token></NewOrder>", request.body)
    assert request.method == "POST"
    assert request.headers["content-type"] == "text/xml; charset=utf-8"
    assert request.headers["content-length"] == str(len(request.body))


def test_two_events_of_one_order_have_two_tokens(shop, hook):
    """2.6/2: and both lead to what their event said."""
    shop.make_hook(hook.url, max_in_flight=1)
    shop.order(Id=90000001, State="first")
    shop.order(Id=90000001, State="second")

    tokens = [token_of(request.body) for request in hook.wait_for_count(2)]

    assert len(set(tokens)) == 2
    states = {shop.read(token).expect_success().findtext("OrderInfo/State") for token in tokens}
    assert states == {"first", "second"}


def test_tokens_of_many_orders_differ_and_tell_nothing_of_their_order(shop, hook):
    """2.5: a token is 32 lower-case hex digits that nobody can guess."""
    shop.make_hook(hook.url)
    shop.make_orders(range(200))

    tokens = [token_of(request.body) for request in hook.wait_for_count(200)]

    assert len(set(tokens)) == 200
    for digit in range(32):  # each is used with all its values, none counts
        assert len({token[digit] for token in tokens}) > 8


@pytest.mark.settings({"shopcart.types": TYPES})
def test_other_types_are_told_by_their_own_child(shop, hook):
    """2.2: OrderStatusChange and RecurringOrderStatusChange each have a child Id."""
    shop.make_hook(hook.url, max_in_flight=1, ordered=True)
    publish(shop.account, "order.status", {"Id": 90000001, "OrderStatusType": "Accepted"})
    publish(shop.account, "subscription.status", {"Id": "R&D <7>"})

    bodies = [request.body for request in hook.wait_for_count(2)]

    assert bodies == [
        b"<OrderStatusChange><Id>90000001</Id></OrderStatusChange>",
        b"<RecurringOrderStatusChange><Id>R&amp;D &lt;7&gt;</Id></RecurringOrderStatusChange>",
    ]


@pytest.mark.settings({"shopcart.types": TYPES})
@pytest.mark.parametrize("type, data", [
    ("invoice.paid", {"Id": 1}), ("Order.Created", {"Id": 1}), ("order.status", {}), ("order.status", {"Id": None}),
])
def test_what_has_no_form_in_this_dialect_fails_for_good_and_says_so(shop, hook, type, data):
    """2.6/9: types are case-sensitive on our output."""
    shop.make_hook(hook.url)

    (attempt,) = wait_for_state(shop.account, publish(shop.account, type, data), "failed")["attempts"]

    assert "no element" in attempt["detail"] or "no Id" in attempt["detail"], attempt
    assert hook.requests == []


def test_it_goes_over_https_too(shop, authority):
    """2.2: http or https."""
    with Receiver(server_context(authority.issue("localhost", ["127.0.0.1"])), name="localhost") as secure:
        hook = secure.endpoint("/notifications")
        shop.make_hook(hook.url, tls={"ca": authority.certificate.read_text("ascii")})
        event = shop.order(Id=90000001)

        (request,) = hook.wait_for_count(1)

        assert shop.read(token_of(request.body)).expect_success().findtext("OrderInfo/Id") == "90000001"
        wait_for_state(shop.account, event, "delivered")


# What is delivered


def test_200_is_the_end_also_after_a_restart(shop, hook, server):
    """2.6/3: no second attempt."""
    shop.make_hook(hook.url, retry=QUICK)
    event = shop.order(Id=90000001)
    wait_for_state(shop.account, event, "delivered")

    server.restart()
    later = shop.order(Id=90000002)
    wait_for_state(shop.account, later, "delivered")

    assert len(hook.requests) == 2
    assert delivery_of(shop.account, event)["attempt_count"] == 1


@pytest.mark.parametrize("step", [
    Step(200, body=b"<html>not what anybody reads \xff\x00"),
    Step(200, headers=(("Content-Encoding", "gzip"),), body=b"this is not gzip"),
    Step(200, headers=(("Content-Type", "text/xml"),), body=b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>"),
    Step(raw=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
], ids=["bytes", "encoding", "xml", "100-continue"])
def test_200_with_whatever_body_is_delivered(shop, hook, step):
    """2.6/5: the body of the answer is nobody's business."""
    hook.plan(step)
    shop.make_hook(hook.url)

    assert wait_for_state(shop.account, shop.order(Id=1), "delivered")["attempt_count"] == 1


@pytest.mark.parametrize("step", [
    Step(201), Step(202), Step(204), Step(206, body=b"x"), Step(304), Step(400), Step(404), Step(410), Step(429),
    Step(500), Step(503, headers=(("Retry-After", "3600"),)),
], ids=lambda step: str(step.status))
def test_any_other_status_comes_again(shop, hook, step):
    """2.6/5: "200/OK" and nothing else, and the gap is the protocol's, whatever the receiver asks for."""
    hook.plan(step, Step(200))
    shop.make_hook(hook.url, retry=QUICK)

    delivery = wait_for_state(shop.account, shop.order(Id=1), "delivered")

    assert [attempt["status"] for attempt in delivery["attempts"]] == [step.status, 200]
    assert_gaps(hook.requests, 0.3)
    assert hook.requests[0].body == hook.requests[1].body


def test_a_redirect_is_not_followed(shop, hook, receiver):
    """2.6/5: 301 with Location."""
    elsewhere = receiver.endpoint("/elsewhere")
    hook.plan(redirect(elsewhere.url, 301), Step(200))
    shop.make_hook(hook.url, retry=QUICK)

    wait_for_state(shop.account, shop.order(Id=1), "delivered")

    assert len(hook.requests) == 2 and elsewhere.requests == []


# When it comes again


def test_gaps_double_and_end_with_the_first_200(shop, hook):
    """2.6/4: 500, 500, 200."""
    hook.plan(Step(500), Step(500), Step(200))
    shop.make_hook(hook.url, retry=QUICK)

    delivery = wait_for_state(shop.account, shop.order(Id=1), "delivered")

    assert delivery["attempt_count"] == 3
    assert_gaps(hook.requests, 0.3, 0.6)
    assert len({request.body for request in hook.requests}) == 1


def test_the_gaps_begin_with_a_minute(shop, hook, server):
    """2.2 and 2.6/7: 1, 2, 4, 8 minutes; a restart does not begin anew. Attempts are made by hand."""
    hook.plan(Step(500))
    shop.make_hook(hook.url)
    event = shop.order(Id=1)

    for attempts, minutes in enumerate((1, 2, 4, 8), 1):
        wait_for_attempts(shop.account, event, attempts)
        delivery = eventually(lambda: with_next(delivery_of(shop.account, event)))
        assert_next(delivery, minutes)
        server.restart()
        shop.account.retry(delivery["id"]).expect(200, 202)


def with_next(delivery: dict) -> dict:
    assert delivery["next_attempt_at"] is not None, delivery
    return delivery


@pytest.mark.promise
def test_a_crash_does_not_shorten_the_gap(start_server, hook, tmp_path):
    """2.6/7: gap n+1 follows gap n. Of the two minutes after the second attempt, one passes while it is down."""
    clock = MovableClock(tmp_path)
    server = start_server({"send": {**PATIENT["send"], "allow_private": "127.0.0.0/8"}},
                          environment=clock.environment)
    account = Api(server.url, server.admin_key).account("shop")
    account.put().expect(201)
    shop = Shop.of(account, "700123")
    hook.plan(Step(500), Step(500), Step(200))
    shop.make_hook(hook.url)
    event = shop.order(Id=1)
    wait_for_attempts(account, event, 1)
    account.retry(delivery_of(account, event)["id"]).expect(202)
    wait_for_attempts(account, event, 2)
    planned = delivery_of(account, event)
    assert_next(planned, 2)

    server.kill()
    clock.advance(60)
    server.start()
    wait_for_state(account, shop.order(Id=2), "delivered")
    waiting = delivery_of(account, event)
    server.kill()
    clock.advance(60 + LATE_S)
    server.start()
    delivered = wait_for_state(account, event, "delivered")

    assert (waiting["attempt_count"], waiting["next_attempt_at"]) == (2, planned["next_attempt_at"])
    assert delivered["attempt_count"] == 3


def unresolved(_hook) -> str:
    return "http://there.is.none.such.invalid/"


def refused(_hook) -> str:
    return f"http://127.0.0.1:{free_port()}/"


def without_tls(hook) -> str:
    return hook.url.replace("http://", "https://")


def silent(hook) -> str:
    hook.plan(Step(hang="answer"))
    return hook.url


@pytest.mark.parametrize("make_url", [unresolved, refused, without_tls, silent])
def test_no_answer_counts_as_an_attempt_and_doubles_the_gap(shop, receiver, hook, make_url):
    """2.6/6: connection refused, DNS failure, TLS failure, timeout."""
    shop.make_hook(make_url(hook), timeout_ms=1000)
    event = shop.order(Id=1)

    for attempts, minutes in enumerate((1, 2), 1):
        wait_for_attempts(shop.account, event, attempts)
        delivery = eventually(lambda: with_next(delivery_of(shop.account, event)))
        assert_next(delivery, minutes)
        assert delivery["attempts"][-1]["status"] is None
        shop.account.retry(delivery["id"]).expect(200, 202)
    wait_for_attempts(shop.account, event, 3)
    receiver.stop()  # all that was sent has been read or is lost
    receiver.complaints.clear()  # the handshakes that it was sent in vain


def test_a_change_of_the_url_counts_from_the_next_attempt_on(shop, receiver, hook):
    """2.6/18: also for what waits already."""
    hook.plan(Step(500))
    new_hook = receiver.endpoint("/new")
    channel = shop.make_hook(hook.url, retry=QUICK)
    event = shop.order(Id=1)
    wait_for_attempts(shop.account, event, 1)

    shop.account.patch_channel(channel, url=new_hook.url).expect(200)
    wait_for_state(shop.account, event, "delivered")

    assert new_hook.requests[0].body == hook.requests[0].body


def test_a_slow_200_within_the_time_is_delivered(shop, hook):
    """2.6/19: just under the timeout."""
    hook.plan(Step(delay_s=0.5))
    shop.make_hook(hook.url, timeout_ms=50_000)

    assert wait_for_state(shop.account, shop.order(Id=1), "delivered")["attempt_count"] == 1


def test_a_200_that_comes_too_late_is_not(shop, hook, receiver):
    """2.6/19: over it; then it comes twice, which is legal."""
    gate = receiver.gate()
    hook.plan(Step(gate=gate))
    channel = shop.make_hook(hook.url, timeout_ms=300)
    event = shop.order(Id=1)
    wait_for_attempts(shop.account, event, 1)
    gate.open()

    shop.account.patch_channel(channel, timeout_ms=30_000).expect(200)
    shop.account.retry(delivery_of(shop.account, event)["id"]).expect(202)

    delivery = wait_for_state(shop.account, event, "delivered")
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["timeout", "delivered"]
    assert len({request.body for request in hook.requests}) == 1


def test_a_channel_has_the_protocols_schedule_and_timeout_by_itself(shop, hook):
    """2.2 and 2.5: doubling from a minute, at most a day, for a week; 30 s for an attempt."""
    channel = shop.account.channel(shop.make_hook(hook.url)).expect(200)

    assert channel["retry"] == {"first": "1m", "factor": 2, "max": "1d", "for": "7d", "jitter": 0}
    assert channel["timeout_ms"] == 30000


@pytest.mark.settings({"shopcart": {"retry": '{"first": "2m", "for": "3d"}'}})
def test_cap_and_give_up_are_settings(shop, hook):
    """2.5: cap and maximum age are settings."""
    channel = shop.account.channel(shop.make_hook(hook.url)).expect(200)

    assert channel["retry"]["first"] == "2m" and channel["retry"]["for"] == "3d"


@pytest.mark.parametrize("fields", [{"kind": "email", "address": "a@shop.example"}, {"kind": "queue"},
                                    {"kind": "webhook", "url": "http://127.0.0.1:9/", "options": {"signature": "v1"}}])
def test_it_is_a_dialect_of_webhooks_without_options(shop, fields):
    """2.2: a POST to the merchant's URL."""
    shop.account.make_channel(dialect="shopcart", **fields).expect_problem(400)
