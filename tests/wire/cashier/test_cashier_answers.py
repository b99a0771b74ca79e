"""What a merchant's answer means, and what follows."""

from __future__ import annotations

import json

import pytest

from support.cashier import parse, sha384
from support.deliveries import (
    PATIENT, delivery_of, publish, seconds_to_next, wait_for_attempts, wait_for_delivery, wait_for_state)
from support.receiver import Step, redirect
from support.waiting import eventually

LATE_S = 30.0  # what a busy machine may be behind
AGAIN_SOON = {"every": "1s", "for": "1m", "jitter": 0}
STATE = {
    "customer": {"customer_token": "t"}, "session": {"order_id": "ord-1", "session_status": "successful"},
    "transaction": {"tid": 7, "transaction_status": "approved", "amount": 100, "conversion_rate": 1},
}


pytestmark = pytest.mark.settings(PATIENT)


def make_cashier(account, url: str, **fields) -> str:
    return account.make_channel(kind="webhook", dialect="cashier", url=url, **fields).expect(201)["id"]


def answered(account, endpoint, step: Step, **fields) -> dict:
    """The delivery after one attempt that was answered so."""
    endpoint.plan(step)
    make_cashier(account, endpoint.url, **fields)
    return wait_for_delivery(account, publish(account, data=STATE),
                             lambda delivery: delivery["attempts"] and (
                                 delivery["state"] != "pending" or delivery["next_attempt_at"]))


def ok(body: str | bytes, status: int = 200, **headers: str) -> Step:
    text = body if isinstance(body, bytes) else body.encode()
    return Step(status, tuple(headers.items()), text)


# The verdict


@pytest.mark.parametrize("status, state", [(0, "delivered"), (1, "refused"), (999, "refused"), (-1, "pending"),
                                           (-2, "pending")])
def test_the_sign_of_the_status_decides(shop, endpoint, merchant, status, state):
    """3.4, 3.5, 3.7/10."""
    delivery = answered(shop, endpoint, merchant.acknowledge(status, "words of the shop"))

    assert delivery["state"] == state
    (attempt,) = delivery["attempts"]
    assert attempt["detail"] == f"status {status}: words of the shop" and attempt["status"] == 200


@pytest.mark.parametrize("body", [
    '{"status": "0"}', '{"status": 0.0}', '{"status": null}', '{"status": true}', "{}", "[]", '""', "",
    "<html><body>OK</body></html>", b'\xef\xbb\xbf{"status": 0}', '{"status": 0', '{"status": 0, "status": 0}',
    '{"status": 12345678901234567890}', b'{"status": 0, "description": "\xff"}',
])
def test_what_is_not_recognized_is_sent_again(shop, endpoint, body):
    """3.5, 3.7/10, 3.7/15: wrong types, no object, no JSON, a byte order mark, a name twice."""
    delivery = answered(shop, endpoint, ok(body))

    assert delivery["state"] == "pending"
    assert delivery["attempts"][0]["detail"].startswith("unrecognized answer: ")


def test_an_answer_of_two_megabytes_is_not_recognized(shop, endpoint):
    """3.7/10."""
    delivery = answered(shop, endpoint, ok(b'{"status": 0}' + b" " * 2_000_000))

    assert delivery["attempts"][0]["detail"] == "unrecognized answer: it is too long"
    assert delivery["state"] == "pending"


@pytest.mark.parametrize("status", [201, 202, 204, 400, 403, 410, 429, 500, 503])
def test_only_http_200_has_a_verdict(shop, endpoint, status):
    """3.5, 3.7/11: a valid body with another status; even 410 does not disable the channel."""
    delivery = answered(shop, endpoint, Step(status, body=b"" if status == 204 else b'{"status": 0}'))

    assert delivery["state"] == "pending"
    assert str(status) in delivery["attempts"][0]["detail"]
    eventually(lambda: shop.channel(delivery["channel"]).expect(200)["health"]["state"] == "failing")


def test_a_redirect_is_not_followed(shop, receiver, endpoint):
    """3.7/11."""
    elsewhere = receiver.endpoint("/elsewhere")

    assert answered(shop, endpoint, redirect(elsewhere.url))["state"] == "pending"
    assert not elsewhere.requests


def test_no_answer_is_sent_again(shop, endpoint):
    """3.5: connection errors and timeouts are unknown."""
    delivery = answered(shop, endpoint, Step(reset="answer"))

    assert delivery["state"] == "pending" and delivery["attempts"][0]["outcome"] == "connect"


@pytest.mark.parametrize("body, state", [('{"status": "0"}', "delivered"), ('{"status": "3"}', "refused"),
                                         ('{"status": "-1"}', "pending"), ('{"status": "0.0"}', "pending")])
def test_a_status_in_quotes_counts_by_setting(shop, endpoint, body, state):
    """3.6: strict unless a setting says otherwise."""
    assert answered(shop, endpoint, ok(body), options={"text_status": True})["state"] == state


@pytest.mark.parametrize("length, shown", [(256, 256), (257, 256)])
def test_a_description_is_shown_up_to_256_characters(shop, endpoint, length, shown):
    """3.4, 3.7/14: varchar(256), counted in characters."""
    delivery = answered(shop, endpoint, ok(json.dumps({"status": 1, "description": "é" * length})))

    assert delivery["attempts"][0]["detail"] == "status 1: " + "é" * shown
    assert delivery["state"] == "refused"


def test_control_characters_of_a_description_are_not_shown(shop, endpoint):
    delivery = answered(shop, endpoint, ok(json.dumps({"status": 0, "description": "a\x1b[2J\r\nb\x00"})))

    assert delivery["attempts"][0]["detail"] == "status 0: a[2Jb"


# What follows


def test_a_positive_status_ends_it_after_one_attempt(shop, endpoint, merchant):
    """3.7/12: exactly one attempt, and the channel goes on."""
    merchant.say(1, "Order closed by hand").say(0)
    make_cashier(shop, endpoint.url, retry=AGAIN_SOON)
    first = publish(shop, data=STATE)
    wait_for_state(shop, first, "refused")

    wait_for_state(shop, publish(shop, data=STATE), "delivered")

    assert wait_for_state(shop, first, "refused")["attempt_count"] == 1
    assert len(endpoint.requests) == 2


def test_the_next_attempt_is_five_minutes_later(shop, endpoint, merchant):
    """3.5, 3.7/13: about 5 minutes."""
    delivery = answered(shop, endpoint, merchant.acknowledge(-1, "later"))

    assert 0 <= seconds_to_next(delivery) - 300 + 0.01 < LATE_S
    channel = shop.channel(delivery["channel"]).expect(200)
    assert channel["retry"] == {"every": "5m", "for": "1d", "jitter": 0}
    assert channel["timeout_ms"] == 30_000


def test_a_resend_has_a_new_time_and_signature_and_nothing_else_new(shop, endpoint, merchant):
    """3.7/13: -1, then 0."""
    merchant.say(-1, "database down").say(0)
    make_cashier(shop, endpoint.url, retry=AGAIN_SOON)

    event = publish(shop, data=STATE)

    first, second = endpoint.wait_for_count(2)
    attempts = wait_for_state(shop, event, "delivered")["attempts"]
    assert [attempt["detail"] for attempt in attempts] == ["status -1: database down", "status 0: Ok"]
    old, new = (parse(request.body)["timestamp"] for request in (first, second))
    assert int(new) > int(old)
    assert first.headers["gt-authentication"] != second.headers["gt-authentication"]
    assert first.body.replace(old.encode(), new.encode()) == second.body
    assert merchant.bookings == [("7", "approved", "100", None)] and not merchant.refused


def test_a_state_that_comes_twice_takes_effect_once(shop, endpoint, merchant):
    """3.7/17: the second is answered with 0 too."""
    make_cashier(shop, endpoint.url)
    event = publish(shop, data=STATE)
    delivery = wait_for_state(shop, event, "delivered")

    shop.retry(delivery["id"]).expect(202)

    endpoint.wait_for_count(2)
    attempts = wait_for_attempts(shop, event, 2)
    assert [attempt["outcome"] for attempt in attempts] == ["delivered", "delivered"]
    assert merchant.bookings == [("7", "approved", "100", None)]


def test_a_later_state_can_come_before_an_earlier_one(shop, endpoint, merchant):
    """3.7/18: order is not promised, and the timestamp does not tell it: a resend has a new one."""
    merchant.say(-1, "busy").say(0)
    make_cashier(shop, endpoint.url)
    pending = {**STATE, "transaction": {**STATE["transaction"], "transaction_status": "pending"}}
    first = publish(shop, data=pending)
    wait_for_attempts(shop, first, 1)

    wait_for_state(shop, publish(shop, data=STATE), "delivered")
    shop.retry(delivery_of(shop, first)["id"]).expect(202)

    wait_for_state(shop, first, "delivered")
    states = [(message["transaction"]["transaction_status"], int(message["timestamp"]))
              for message in (parse(request.body) for request in endpoint.requests)]
    assert [state for state, _ in states] == ["pending", "approved", "pending"]
    assert states[2][1] >= states[1][1]
    assert [status for _, status, _, _ in merchant.bookings] == ["approved", "pending"]


def test_a_message_for_another_application_is_refused_for_good(make_account, merchant, endpoint):
    """3.7/16: the secret is right, the application is not."""
    other = make_account(cashier={**merchant.credentials, "application_key": "another-shop"})
    make_cashier(other, endpoint.url)

    delivery = wait_for_state(other, publish(other, data=STATE), "refused")

    assert delivery["attempts"][0]["detail"] == "status 1: not ours"
    assert not merchant.bookings


def test_a_merchant_with_another_secret_gets_it_again(make_account, merchant, endpoint):
    """3.3: what is not signed with its secret is not taken; a mistake in settings loses nothing."""
    other = make_account(cashier={**merchant.credentials, "secret": "an old one"})
    make_cashier(other, endpoint.url, retry=AGAIN_SOON)
    event = publish(other, data=STATE)
    wait_for_attempts(other, event, 1)

    other.patch(cashier=merchant.credentials).expect(200)

    wait_for_state(other, event, "delivered")
    assert merchant.refused and merchant.bookings


# The answer's signature


@pytest.mark.parametrize("header", ["Gt-Authentication", "gt-authentication", "external-request-signature"])
def test_either_header_of_an_answer_is_taken(shop, endpoint, merchant, header):
    """3.4, 3.7/19: signed over the answer's own timestamp."""
    step = merchant.acknowledge(0, header=header)

    assert answered(shop, endpoint, step, options={"check_answer": True})["state"] == "delivered"


def test_where_answers_are_checked_an_unsigned_one_is_none(shop, endpoint, merchant):
    """3.4: enforced only by setting."""
    merchant.signs = False

    delivery = answered(shop, endpoint, merchant.acknowledge(0), options={"check_answer": True})

    assert delivery["attempts"][0]["detail"] == "the answer's signature is missing; status 0: Ok"
    assert delivery["state"] == "pending"


@pytest.mark.parametrize("status", [0, 1])
@pytest.mark.parametrize("signature", ["of the request's time", "64 hex digits", "of nobody"])
def test_where_answers_are_checked_a_wrong_signature_is_no_verdict(shop, endpoint, merchant, status, signature):
    """3.4, 3.7/8, 3.7/19."""
    values = {"of the request's time": sha384(f"{status}1760000000", merchant.secret), "64 hex digits": "a" * 64,
              "of nobody": "0" * 96}
    body = json.dumps({"status": status, "timestamp": 1760000001})

    delivery = answered(shop, endpoint, ok(body, **{"Gt-Authentication": values[signature]}),
                        options={"check_answer": True})

    assert delivery["attempts"][0]["detail"] == f"the answer's signature is wrong; status {status}"
    assert delivery["state"] == "pending"


def test_a_signature_of_an_answer_in_upper_case_is_right(shop, endpoint, merchant):
    """3.7/8."""
    signature = sha384("01760000001", merchant.secret).upper()

    delivery = answered(shop, endpoint, ok('{"status": 0, "timestamp": 1760000001}',
                                           **{"GT-Authentication": f"  {signature} "}), options={"check_answer": True})

    assert delivery["state"] == "delivered"


def test_where_answers_are_not_checked_a_wrong_signature_is_told_only(shop, endpoint):
    """3.4: enforced only by setting."""
    delivery = answered(shop, endpoint, ok('{"status": 0}', **{"Gt-Authentication": "0" * 96}))

    assert delivery["attempts"][0]["detail"] == "the answer's signature is wrong; status 0"
    assert delivery["state"] == "delivered"


@pytest.mark.parametrize("options, field", [({"rate": "text"}, "options.rate"),
                                            ({"check_answer": "yes"}, "options.check_answer"),
                                            ({"signature": "v1"}, "options")])
def test_options_are_checked(shop, endpoint, options, field):
    made = shop.make_channel(kind="webhook", dialect="cashier", url=endpoint.url, options=options)

    assert made.expect_problem(400)["field"] == field
