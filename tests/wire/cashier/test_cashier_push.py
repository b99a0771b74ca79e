"""What a merchant gets from the dialect cashier, and where."""

from __future__ import annotations

import json
import time

import pytest

from support import certificates
from support.cashier import FIELDS, Merchant, find, is_genuine, parse, sha384
from support.deliveries import PATIENT, wait_for_state
from support.receiver import Receiver
from support.waiting import eventually

CUSTOMER = '{"customer_token": "5f2b0c9a7de146538a0b1f4e9c3d2a77", "country": "NO", "first_name": "Ada", ' \
           '"last_name": "Berg", "avs_alert": 0, "verification_alert": null}'
SESSION = '{"auth_token": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "intent": "payment", "session_status": "successful", ' \
          '"order_id": "ord-000042", "currency": "USD", "amount": 2599, "conversion_rate": "0.918300", ' \
          '"processed_currency": "EUR", "processed_amount": 2387, "payment_method": "Credit Card", "gateway": null, ' \
          '"pin": "77", "variable1": null, "variable2": null, "variable3": null}'
TRANSACTION = '{"transaction_type": "sale", "transaction_status": "approved", "tid": 9100001, ' \
              '"transaction_id": "psp-55", "currency": "USD", "amount": 2599, "conversion_rate": "0.918300", ' \
              '"processed_currency": "EUR", "processed_amount": 2387, "fee": 0, "fee_included": 0, ' \
              '"fee_type": "flat", "payment_method": "Credit Card", "payment_processor": "DemoProcessor", ' \
              '"gateway": "gw-demo", "card": {"card_exp": "12\\/2030"}, "wallet": null, "is_async": 1, ' \
              '"is_cascade": 0, "cascade_level": 0, "reference_id": null, "withdrawal_request_id": null, ' \
              '"created_by": "INTERNET", "edited_by": "INTERNET", "status_code": "SC-002", "status_details": "ok"}'

pytestmark = pytest.mark.settings(PATIENT)


def data_of(customer: str = CUSTOMER, session: str = SESSION, transaction: str = TRANSACTION, rate: str = '"0.918300"',
            **others: str) -> str:
    members = {"conversion_rate": rate, "customer": customer, "session": session, "transaction": transaction, **others}
    return "{" + ", ".join(f'"{name}": {text}' for name, text in members.items()) + "}"


def make_cashier(account, url: str | None, **fields) -> str:
    where = {"url": url} if url else {}
    return account.make_channel(kind="webhook", dialect="cashier", **where, **fields).expect(201)["id"]


def publish_text(account, data: str, type: str = "payment.changed", **fields) -> str:
    return account.publish(type, data_text=data, **fields).expect(202)["id"]


# The message


def test_a_merchant_who_knows_only_the_protocol_takes_it(shop, merchant, endpoint):
    """3.2, 3.3: the form and the signature; 3.1: both headers."""
    make_cashier(shop, endpoint.url)

    event = publish_text(shop, data_of())

    (request,) = endpoint.wait_for_count(1)
    assert wait_for_state(shop, event, "delivered")["attempts"][0]["detail"] == "status 0: Ok"
    assert merchant.bookings == [("9100001", "approved", "2599", "2387")] and not merchant.refused
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert len(request.headers["gt-authentication"]) == 96
    assert request.headers["gt-authentication"] == request.headers["gt-authentication"].lower()


def test_members_stand_in_the_order_of_the_page_and_pass_byte_for_byte(shop, merchant, endpoint):
    """3.2: the table's order; amounts, tokens, escapes, spaces as they were published."""
    make_cashier(shop, endpoint.url)

    publish_text(shop, data_of())

    (request,) = endpoint.wait_for_count(1)
    timestamp = parse(request.body)["timestamp"]
    assert request.body.decode() == (
        '{"merchant_id":"API-Lighthouse","application_key":"lighthouse-shop","conversion_rate":"0.918300",'
        f'"customer":{CUSTOMER},"session":{SESSION},"transaction":{TRANSACTION},'
        f'"version":"1.3","timestamp":{timestamp}}}')
    assert abs(int(timestamp) - time.time()) < 30


def test_the_own_sample_has_its_hash_but_for_the_time(shop, merchant, endpoint):
    """3.3: the concatenation of the own sample, with the attempt's timestamp in its place."""
    make_cashier(shop, endpoint.url)

    publish_text(shop, data_of())

    (request,) = endpoint.wait_for_count(1)
    timestamp = parse(request.body)["timestamp"]
    text = f"API-Lighthouselighthouse-shop{timestamp}5f2b0c9a7de146538a0b1f4e9c3d2a77ord-000042" \
           "9100001USD25990.918300EUR2387"
    assert request.headers["gt-authentication"] == sha384(text, merchant.secret)


def test_an_expired_session_has_no_transaction(shop, merchant, endpoint):
    """3.7/2: six fields vanish and the signature is still valid."""
    make_cashier(shop, endpoint.url)

    event = publish_text(shop, data_of(transaction="null"))

    (request,) = endpoint.wait_for_count(1)
    wait_for_state(shop, event, "delivered")
    assert parse(request.body)["transaction"] is None
    assert merchant.bookings == [("ord-000042", "successful")]


@pytest.mark.parametrize("members", ["", '"conversion_rate": null, "processed_currency": null,'])
def test_a_pending_transaction_has_neither_rate_nor_processed_amount(shop, merchant, endpoint, members):
    """3.7/3: null and missing are the same text, which is none."""
    make_cashier(shop, endpoint.url)

    event = publish_text(shop, data_of(
        transaction=f'{{"tid": 1, {members} "transaction_status": "pending", "amount": 100}}', rate="null"))

    wait_for_state(shop, event, "delivered")
    assert merchant.bookings == [("1", "pending", "100", None)]


def test_zero_the_empty_string_and_false_are_signed(shop, merchant, endpoint):
    """3.7/4: they are not null."""
    make_cashier(shop, endpoint.url)

    publish_text(shop, data_of(
        customer='{"customer_token": ""}', session='{"order_id": ""}',
        transaction='{"tid": 0, "currency": false, "amount": 0, "processed_amount": 0.00}', rate="null"))

    (request,) = endpoint.wait_for_count(1)
    timestamp = parse(request.body)["timestamp"]
    assert request.headers["gt-authentication"] == sha384(
        f"API-Lighthouselighthouse-shop{timestamp}0false00.00", merchant.secret)


@pytest.mark.parametrize("token, written", [
    ("1.000000", "1.000000"), ('"1.000000"', "1.000000"), ("1", "1.000000"), ("1.0", "1.000000"), ("1e0", "1.000000"),
    ("0.10", "0.100000"), ("0.918299999999999", "0.918300"), ("0.123456789012345", "0.123457"), ('"2.5e-1"', "0.250000"),
])
@pytest.mark.parametrize("form", ["string", "number"])
def test_a_rate_goes_out_with_six_decimals(shop, merchant, endpoint, token, written, form):
    """3.7/5, 3.3 as sender: a string by default, a number by setting, and the same text is signed."""
    make_cashier(shop, endpoint.url, options={"rate": form})

    event = publish_text(shop, data_of(
        session=f'{{"order_id": "o-1", "conversion_rate": {token}}}', rate=token,
        transaction=f'{{"tid": 1, "amount": 100, "conversion_rate": {token}, "transaction_status": "approved"}}'))

    (request,) = endpoint.wait_for_count(1)
    wait_for_state(shop, event, "delivered")
    literal = f'"{written}"' if form == "string" else written
    assert request.body.decode().count(f'"conversion_rate":{literal},') == 1
    assert request.body.decode().count(f'"conversion_rate": {literal}') == 2
    timestamp = parse(request.body)["timestamp"]
    text = f"API-Lighthouselighthouse-shop{timestamp}5f2b0c9a7de146538a0b1f4e9c3d2a77o-11100{written}"
    assert request.headers["gt-authentication"] == sha384(text, merchant.secret)


@pytest.mark.parametrize("rate", ["true", "[]", '"abc"', '""', "-1", '"1,5"', "1e30", '" 1"'])
def test_what_is_no_rate_cannot_travel(shop, endpoint, rate):
    """3.2: conversion_rate is a decimal number; it is said so, and nothing is sent."""
    make_cashier(shop, endpoint.url)

    event = publish_text(shop, data_of(transaction=f'{{"tid": 1, "conversion_rate": {rate}}}'))

    (attempt,) = wait_for_state(shop, event, "failed")["attempts"]
    assert attempt["outcome"] == "invalid" and "data: transaction.conversion_rate must be" in attempt["detail"]
    assert not endpoint.requests


def test_big_numbers_pass_untouched(shop, merchant, endpoint):
    """3.7/5: integers beyond 2^53, never through floating point."""
    make_cashier(shop, endpoint.url)

    event = publish_text(shop, data_of(
        transaction='{"tid": 9007199254740993, "amount": 123456789012345678901, "transaction_status": "approved"}'))

    wait_for_state(shop, event, "delivered")
    assert merchant.bookings == [("9007199254740993", "approved", "123456789012345678901", None)]


def test_secrets_and_orders_may_have_any_characters(make_account, endpoint):
    """3.7/9: UTF-8 and escapes mean the same characters."""
    merchant = Merchant("API-Käse", "lädchen", "gehéim €/ü")
    shop = make_account(cashier=merchant.credentials)
    endpoint.plan(merchant.answer)
    make_cashier(shop, endpoint.url)

    for order in ('"caf\\u00e9\\/1"', '"café/2"'):
        event = publish_text(shop, data_of(session=f'{{"order_id": {order}, "session_status": "expired"}}',
                                           transaction="null"))
        wait_for_state(shop, event, "delivered")

    assert merchant.bookings == [("café/1", "expired"), ("café/2", "expired")]
    assert [request.body.count(b"caf\\u00e9\\/1") for request in endpoint.requests] == [1, 0]


def test_unknown_members_pass_at_every_level(shop, merchant, endpoint):
    """3.7/15: extra members, any order; 3.7/20: neither changes the signature."""
    make_cashier(shop, endpoint.url)
    transaction = '{"extra": {"tid": 5}, "amount": 100, "tid": 7, "transaction_status": "new status"}'

    event = publish_text(shop, data_of(transaction=transaction, rate="null", event='"x"', risk='{"score": 1.50}'))

    (request,) = endpoint.wait_for_count(1)
    wait_for_state(shop, event, "delivered")
    assert request.body.endswith(b',"event":"x","risk":{"score": 1.50}}')
    assert merchant.bookings == [("7", "new status", "100", None)]


def test_what_the_data_says_of_the_merchant_is_left_out(shop, merchant, endpoint):
    """3.2: merchant_id, application_key, version and timestamp are the account's and ours."""
    make_cashier(shop, endpoint.url)

    event = publish_text(shop, data_of(merchant_id='"mallory"', application_key='"x"', version='"0"', timestamp="1"))

    (request,) = endpoint.wait_for_count(1)
    wait_for_state(shop, event, "delivered")
    assert b"mallory" not in request.body and parse(request.body)["version"] == "1.3"


# Where it goes


def test_each_event_goes_where_it_says_else_to_the_channel(shop, merchant, receiver, endpoint):
    """3.1: the notification URL is given with each transaction or session."""
    one, two = (receiver.endpoint(path).plan(merchant.answer) for path in ("/one", "/two"))
    make_cashier(shop, endpoint.url)

    events = [publish_text(shop, data_of(), notify_url=where.url) for where in (one, two)]
    events.append(publish_text(shop, data_of()))

    for event in events:
        wait_for_state(shop, event, "delivered")
    assert [len(each.requests) for each in (one, two, endpoint)] == [1, 1, 1]


def test_a_channel_without_a_url_takes_only_events_that_have_one(shop, merchant, endpoint):
    """3.1: without any URL there is nowhere to send it."""
    make_cashier(shop, None)

    assert shop.publish("payment.changed", data_text=data_of()).expect(202)["deliveries"] == 0
    event = publish_text(shop, data_of(), notify_url=endpoint.url)

    wait_for_state(shop, event, "delivered")
    assert len(endpoint.requests) == 1


def test_it_goes_over_tls(shop, merchant, start_server, authority):
    """3.1 over HTTPS."""
    pair = authority.issue("localhost", addresses=["127.0.0.1"])
    with Receiver(certificates.server_context(pair)) as secure:
        endpoint = secure.endpoint("/notify").plan(merchant.answer)
        make_cashier(shop, None, tls={"ca": authority.certificate.read_text()})

        event = publish_text(shop, data_of(), notify_url=endpoint.url)

        wait_for_state(shop, event, "delivered")
        assert endpoint.url.startswith("https://") and merchant.bookings


# Operations


def open_operation(account, data: str, **fields) -> str:
    body = {"command": "pay", "data": json.loads(data), **fields}
    return account.call("POST", "/operations", body).expect(202, 201)["id"]


def test_an_operations_end_tells_its_outcome(shop, merchant, endpoint):
    """3.1: an asynchronous change of a transaction's status."""
    make_cashier(shop, None)
    operation = open_operation(shop, data_of(), notify_url=endpoint.url)

    shop.call("POST", f"/operations/{operation}/complete", {"code": 1000, "data": json.loads(data_of())}).expect(200)

    endpoint.wait_for_count(1)
    eventually(lambda: merchant.bookings == [("9100001", "approved", "2599", "2387")])
    assert not merchant.refused


def test_a_deadline_that_passes_makes_an_additional_notification(shop, merchant, endpoint):
    """Source page, important 3: a notification for delayed processing; the same form, its status not final yet."""
    make_cashier(shop, None)
    pending = TRANSACTION.replace("approved", "pending")
    operation = open_operation(shop, data_of(transaction=pending), notify_url=endpoint.url, deadline_in="100ms")

    endpoint.wait_for_count(1)
    shop.call("POST", f"/operations/{operation}/complete", {"code": 1000, "data": json.loads(data_of())}).expect(200)

    endpoint.wait_for_count(2)
    eventually(lambda: [status for _, status, _, _ in merchant.bookings] == ["pending", "approved"])
    assert not merchant.refused


def test_who_does_not_want_the_delayed_ones_leaves_them_out_by_a_filter(shop, merchant, endpoint):
    """Source page, important 3: they are sent on request."""
    make_cashier(shop, endpoint.url, events=["operation.completed", "payment.*"])
    operation = open_operation(shop, data_of(), deadline_in="50ms")
    eventually(lambda: [e["type"] for e in shop.events().expect(200)["items"]] == ["operation.delayed"])

    shop.call("POST", f"/operations/{operation}/complete", {"code": 1000, "data": json.loads(data_of())}).expect(200)

    endpoint.wait_for_count(1)
    eventually(lambda: merchant.bookings)
    assert len(endpoint.requests) == 1


# Traps of the signature


def test_a_changed_amount_order_or_tid_is_noticed_and_a_changed_status_is_not(shop, merchant, endpoint):
    """3.7/6: this is how it is; docs/cashier.md tells it."""
    make_cashier(shop, endpoint.url)
    publish_text(shop, data_of())
    (request,) = endpoint.wait_for_count(1)

    for old, new in ((b'"amount": 2599, "conversion_rate": "0.918300", "processed_currency": "EUR", "processed_amount": '
                      b'2387, "fee"', b'"amount": 1, "conversion_rate": "0.918300", "processed_currency": "EUR", '
                      b'"processed_amount": 2387, "fee"'),
                     (b"ord-000042", b"ord-000043"), (b"9100001", b"9100002")):
        assert old in request.body
        assert not is_genuine(request.header_list, request.body.replace(old, new), merchant.secret)
    changed = request.body.replace(b'"transaction_status": "approved"', b'"transaction_status": "rejected"')
    assert changed != request.body and is_genuine(request.header_list, changed, merchant.secret)


def test_two_orders_can_have_one_hash_and_are_two_orders_all_the_same(shop, merchant, endpoint):
    """3.7/7: digits that move from order_id to tid; nothing may be told apart by the hash."""
    make_cashier(shop, endpoint.url)
    events = [publish_text(shop, data_of(
        session=f'{{"order_id": "{order}"}}', rate="null",
        transaction=f'{{"tid": {tid}, "transaction_status": "approved", "amount": 5}}'))
        for order, tid in (("ord-1", 23), ("ord-12", 3))]
    for event in events:
        wait_for_state(shop, event, "delivered")

    def signed(message: dict) -> str:
        return "".join(find(message, path) or "" for path in FIELDS if path != ("timestamp",))

    one, other = (signed(parse(request.body)) for request in endpoint.requests)
    assert one == other
    assert sorted(merchant.bookings) == [("23", "approved", "5", None), ("3", "approved", "5", None)]


# Accounts and channels


def test_without_credentials_nothing_can_be_sent(account, endpoint):
    make_cashier(account, endpoint.url)

    event = publish_text(account, data_of())

    (attempt,) = wait_for_state(account, event, "failed")["attempts"]
    assert attempt["outcome"] == "invalid" and attempt["detail"] == "the account has no credentials for cashier"


def test_a_merchant_belongs_to_one_account(shop, merchant, make_account):
    other = make_account("other")

    other.patch(cashier=merchant.credentials).expect_problem(409)


@pytest.mark.parametrize("member, value", [
    ("merchant_id", "x" * 51), ("application_key", "x" * 33), ("secret", "x" * 257), ("secret", ""),
    ("application_key", 7),
])
def test_credentials_have_the_limits_of_the_page(account, merchant, member, value):
    """3.2: varchar(50), varchar(32)."""
    problem = account.patch(cashier={**merchant.credentials, member: value}).expect_problem(400)

    assert problem["field"] == f"cashier.{member}"


def test_the_secret_is_in_no_answer(shop, merchant):
    assert merchant.secret not in str(shop.get().expect(200))


@pytest.mark.parametrize("kind", [{"kind": "queue"}, {"kind": "email", "address": "a@b.example"}])
def test_it_is_a_dialect_of_webhooks(shop, kind):
    assert shop.make_channel(dialect="cashier", **kind).expect_problem(400)["field"] == "dialect"


def test_a_channel_cannot_set_the_signatures_header(shop, endpoint):
    made = shop.make_channel(kind="webhook", dialect="cashier", url=endpoint.url,
                             headers={"GT-Authentication": "x"})

    made.expect_problem(400)


def test_the_test_button_sends_a_signed_message(shop, merchant, endpoint):
    channel = make_cashier(shop, endpoint.url)

    test = {"type": "payment.changed", "data": json.loads(data_of())}
    result = shop.call("POST", f"/channels/{channel}/test", test).expect(200)

    assert (result["outcome"], result["detail"]) == ("delivered", "status 0: Ok")
    assert merchant.bookings
