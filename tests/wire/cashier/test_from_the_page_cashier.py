"""The cashier dialect, case by case as protocols 3.1 to 3.7 and 5 tell it, by a receiver made from that page alone.

Nothing here is shared with the other cases of the dialect: what one reader of the page took wrongly, a second one with
a receiver of his own may notice.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Iterator

import pytest

from support.deliveries import ONE_TRY, PATIENT, publish, wait_for_attempts, wait_for_state
from support.own_time import Days, ahead_by, standing_at
from support.ports import free_port
from support.receiver import Endpoint, Receiver, Request, Step, redirect
from support.server import TOP_FOLDER, program_path
from support.waiting import Journal

MERCHANT_ID = "Test-Integration-Merchant"
APPLICATION_KEY = "Sandbox"
SECRET = "MerchantSecretKey"
CREDENTIALS = {"merchant_id": MERCHANT_ID, "application_key": APPLICATION_KEY, "secret": SECRET}
PAGE_TIME = 1590611635

RETRY_S = 300
RETRY_TOLERANCE_S = 60  # "about five minutes"; as much as the test itself may take on the machine's clock
RUN_DEADLINE_S = 45
RIGHT, WRONG, UNCHECKED = 0, 1, 2

pytestmark = pytest.mark.settings(PATIENT)

# The sample of the source page, letter for letter, without what the server adds.
CUSTOMER = """{
        "customer_token": "87cfb23a8f1e68e162c276b754d9c061",
        "country": "GB",
        "first_name": "John",
        "last_name": "Johnson",
        "avs_alert": 0,
        "verification_alert": null
    }"""
SESSION = """{
        "auth_token": "8a7sd87a8sd778ac961062c6bedddb8",
        "intent": "payment",
        "session_status": "created",
        "order_id": "test-1560610955",
        "currency": "EUR",
        "amount": 100,
        "conversion_rate": 1.000000,
        "processed_currency": "EUR",
        "processed_amount": 100,
        "payment_method": "Credit Card",
        "gateway": null,
        "pin": "1",
        "variable1": "your variable",
        "variable2": "if that is not enough, you can pass even one more variable",
        "variable3": null
    }"""
TRANSACTION = r"""{
        "transaction_type": "sale",
        "transaction_status": "approved",
        "tid": 756850,
        "transaction_id": "13348",
        "currency": "EUR",
        "amount": 100,
        "conversion_rate": 1.000000,
        "processed_currency": "EUR",
        "processed_amount": 100,
        "fee": 0,
        "fee_included": 0,
        "fee_type": "flat",
        "payment_method": "Credit Card",
        "payment_processor": "TestCardProcessor",
        "gateway": "s-pTSZyK23E1Ee5KZpcNbX_aFl0HuhQ0",
        "card": {
            "card_token": "J-4-a0vPhjZ9R75JP98VDUFgbh9y8sYr",
            "card_type": "VISA",
            "card_number": "411111******1111",
            "card_exp": "12\/2024",
            "card_issuer_name": "Bank of Somewhere",
            "card_issuer_country": "GB",
            "card_holder": "John Johnson"
        },
        "wallet": null,
        "is_async": 0,
        "is_cascade": 0,
        "cascade_level": 0,
        "reference_id": null,
        "withdrawal_request_id": null,
        "created_by": "INTERNET",
        "edited_by": "INTERNET",
        "status_code": "SC-002",
        "status_details": "Transaction approved"
    }"""

# The page's own sample (3.3), and what of it is data.
OWN_CREDENTIALS = {"merchant_id": "API-Lighthouse", "application_key": "lighthouse-shop", "secret": "s3cr3t-for-tests"}
OWN_TIME = 1760000000
OWN_SIGNATURE = "b732f457aa91ef04b53e41f57637e1e0158658738204bd76b6b92fb4c36e90fdb35ce879b17873ff523a5c5dc59e10b1"
OWN_DATA = (
    '{"conversion_rate": "0.918300", '
    '"customer": {"customer_token": "5f2b0c9a7de146538a0b1f4e9c3d2a77", "country": "NO", "first_name": "Ada", '
    '"last_name": "Berg", "avs_alert": 0, "verification_alert": null}, '
    '"session": {"auth_token": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "intent": "payment", '
    '"session_status": "successful", "order_id": "ord-000042", "currency": "USD", "amount": 2599, '
    '"conversion_rate": "0.918300", "processed_currency": "EUR", "processed_amount": 2387, '
    '"payment_method": "Credit Card", "gateway": null, "pin": "77", "variable1": null, "variable2": null, '
    '"variable3": null}, '
    '"transaction": {"transaction_type": "sale", "transaction_status": "approved", "tid": 9100001, '
    '"transaction_id": "psp-55", "currency": "USD", "amount": 2599, "conversion_rate": "0.918300", '
    '"processed_currency": "EUR", "processed_amount": 2387, "fee": 0, "fee_included": 0, "fee_type": "flat", '
    '"payment_method": "Credit Card", "payment_processor": "DemoProcessor", "gateway": "gw-demo", "card": null, '
    '"wallet": null, "is_async": 1, "is_cascade": 0, "cascade_level": 0, "reference_id": null, '
    '"withdrawal_request_id": null, "created_by": "INTERNET", "edited_by": "INTERNET", "status_code": "SC-002", '
    '"status_details": "ok"}}'
)

# The vectors of 3.3: what is different from the sample, and the hash.
RATE_SIX = "efe153ab4afbfdc051a51c329d958c6b7728b5a980cf911023d9987ac64f1bfa87b83b1174bd21f0579d76a8962b9c99"
RATE_ONE = "5f02424333f930968f57a56ae15b88dbfc1b11092f2b59059faf80e29d51305caca6c0f1a97b722ee7e860dee354fdc2"
RATE_TENTH = "166dd5c61ed0758dd699944de174a893ce3628b995d430211bd7b00951bcc32eadbf7d341ceeafc9b50dd02e91940273"
NO_RATE = "1353bf56b867b3418d9b69a41aba25ae2523ee5752ea37e6930fb0dc7e7dceabe1076cf5ae6026fd6bc33a696508f04a"
NO_TRANSACTION = "a1b2e1c9744c9a9c09c10a4f71f56c45ba754fa8b7f739ec32671aff78bc5da6b18549071d8afcfe7b6991886ae1d6a9"
ANSWERS = {
    0: "91952dcd631499b72e20a138f98ff9cbf8a091606aa09242b764999cad22851bd9ab5f3dbc8217855b489737fcac9ac0",
    1: "555acd21b852624274c8116df4ede45f6ba921f2b06af87d926684fc2565b29ec06687178c2fa13f3772eb1b1ea17ab8",
    -1: "a9f6713bb5c5d796de8659802de623184e5d96d2bb6e68ece0b6d651781fd34f5fc14ca3d07b4964988a23190795558b",
}
NULL_RATE = {"conversion_rate": "null", "processed_currency": "null", "processed_amount": "null"}


# A receiver made from the page


class Token(str):
    """A number as it stands in the JSON text."""


FIELDS = [
    ("merchant_id",), ("application_key",), ("timestamp",), ("customer", "customer_token"), ("session", "order_id"),
    ("transaction", "tid"), ("transaction", "currency"), ("transaction", "amount"), ("transaction", "conversion_rate"),
    ("transaction", "processed_currency"), ("transaction", "processed_amount"),
]


def sha384(text: str) -> str:
    return hashlib.sha384(text.encode()).hexdigest()


def read(text: str | bytes) -> dict:
    """The object with its numbers as they stand; a name given twice is an error."""
    def members(pairs: list) -> dict:
        assert len({name for name, _ in pairs}) == len(pairs), pairs
        return dict(pairs)

    return json.loads(text, parse_int=Token, parse_float=Token, object_pairs_hook=members)


def text_of(value: Any) -> str:
    """null and what is not there contribute nothing; false, zero and the empty string are values."""
    return {None: "", True: "true", False: "false"}[value] if value in (None, True, False) else str(value)


def signed_text(message: dict) -> str:
    def value_at(path: tuple) -> Any:
        value: Any = message
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return "".join(text_of(value_at(path)) for path in FIELDS)


def signature_of(message: dict, secret: str = SECRET) -> str:
    return sha384(signed_text(message) + secret)


def answer(
    status: object = 0, *, status_text: str | None = None, secret: str | None = SECRET, timestamp: int | None = None,
    header: str = "Gt-Authentication", http_status: int = 200, **members: object,
) -> Step:
    """A signed acknowledgement; without a secret it is not signed."""
    at = int(time.time()) if timestamp is None else timestamp
    text = json.dumps(status) if status_text is None else status_text
    rest = json.dumps({"description": "Ok", "version": "1.3", "timestamp": at, **members})
    headers = [("Content-Type", "application/json; charset=utf-8")]
    if secret is not None:
        headers.append((header, sha384(f"{text}{at}{secret}")))
    return Step(http_status, tuple(headers), f'{{"status": {text}, {rest[1:]}'.encode())


OK = answer(0)


def with_members(text: str, changes: dict[str, str | None]) -> str:
    """The text of an object in which members have other values, given as JSON texts; None takes one out."""
    for name, value in changes.items():
        pattern = rf'"{name}": (?:"[^"]*"|[^,\s}}]+)'
        if value is None:
            text, count = re.subn(pattern + r",\s*", "", text, count=1)
        else:
            member = f'"{name}": {value}'.replace("\\", r"\\")
            text, count = re.subn(pattern, member, text, count=1)
        assert count == 1, (name, text)
    return text


def data_of(customer: str = CUSTOMER, session: str = SESSION, transaction: str = TRANSACTION,
            rate: str | None = "1.000000") -> str:
    first = "" if rate is None else f'"conversion_rate": {rate}, '
    return f'{{{first}"customer": {customer}, "session": {session}, "transaction": {transaction}}}'


class Shop:
    """An account with the cashier's credentials and one channel to one endpoint."""

    def __init__(self, account, hook: Endpoint, credentials: dict | None = None, **channel):
        self.account = account
        self.hook = hook
        account.put(cashier=credentials or CREDENTIALS).expect(200, 201)
        made = account.make_channel(kind="webhook", dialect="cashier", url=hook.url, **{"retry": ONE_TRY, **channel})
        self.channel = made.expect(201)

    def tell(self, data_text: str | None = None, **fields) -> str:
        """Publishes a state and returns the event's id."""
        return publish(self.account, "payment.changed", data_text=data_of() if data_text is None else data_text,
            **fields)

    def told(self, data_text: str | None = None, **fields) -> Request:
        """Publishes a state and returns the one request that came."""
        before = len(self.hook.requests)
        self.tell(data_text, **fields)
        return self.hook.wait_for_count(before + 1)[before]

    def judged(self, step: Step, state: str) -> dict:
        """Answers a new state like this and returns its delivery, which must come to this state by one attempt."""
        self.hook.plan(step)
        delivery = wait_for_state(self.account, self.tell(), state)
        assert len(delivery["attempts"]) == 1, delivery
        return delivery


@pytest.fixture
def hook(receiver: Receiver) -> Endpoint:
    return receiver.endpoint("/notify").plan(OK)


@pytest.fixture
def make_shop(account, hook) -> Callable[..., Shop]:
    return lambda **channel: Shop(account, hook, **channel)


@pytest.fixture
def shop(make_shop) -> Shop:
    return make_shop()


@pytest.fixture
def days(start_server) -> Days:
    return Days(start_server, {"send": {**PATIENT["send"], "allow_private": "127.0.0.0/8"}})


@pytest.fixture
def shop_at(days, hook) -> Callable[..., Shop]:
    """A shop on a server whose clock stands at a time: then even the signature is known beforehand."""
    def make(seconds: int, credentials: dict | None = None) -> Shop:
        return Shop(days.start(standing_at(seconds)).account("harbor"), hook, credentials)

    return make


# 3.1 Transport


def test_posts_to_the_url_of_the_transaction(shop, receiver):
    """3.1: POST to `notification_url`, given per transaction or cashier session."""
    own = receiver.endpoint("/of-this-transaction").plan(OK)
    event = shop.tell(notify_url=own.url)
    (request,) = own.wait_for_count(1)
    assert request.method == "POST"
    wait_for_state(shop.account, event, "delivered")
    assert shop.hook.requests == []


def test_a_channel_without_an_url_sends_where_the_transaction_says_and_nothing_else(account, hook):
    """3.1: the notification_url of the transaction is the destination; who gave none is not told."""
    account.put(cashier=CREDENTIALS).expect(200)
    account.make_channel(kind="webhook", dialect="cashier", retry=ONE_TRY).expect(201)
    nowhere = account.publish("payment.changed", data_text=data_of()).expect(202)
    assert nowhere["deliveries"] == 0
    publish(account, data_text=data_of(), notify_url=hook.url)
    hook.wait_for_count(1)


def test_the_headers_of_the_request(shop):
    """3.1: `Content-Type: application/json; charset=utf-8` and `Gt-Authentication`, 96 lower-case hex, each once."""
    request = shop.told()
    named = [value for name, value in request.header_list if name == "content-type"]
    assert named == ["application/json; charset=utf-8"]
    (signature,) = [value for name, value in request.header_list if name == "gt-authentication"]
    assert re.fullmatch("[0-9a-f]{96}", signature)
    assert "transfer-encoding" not in request.headers and int(request.headers["content-length"]) == len(request.body)


def test_an_expired_session_is_told_with_a_transaction_of_null(shop):
    """3.1, 3.2: an expired session triggers a notification, and its transaction is null."""
    message = read(shop.told(data_of(transaction="null", rate=None)).body)
    assert "transaction" in message and message["transaction"] is None


def test_a_timeout_is_told_additionally_on_request(shop):
    """3.1: optionally a timeout notification; it carries the state that was known."""
    operation = shop.account.open_operation("payment", data=json.loads(data_of()), deadline_in="1s").expect(201)
    (request,) = shop.hook.wait_for_count(1)
    message = read(request.body)
    assert message["session"]["order_id"] == "test-1560610955"
    assert request.headers["gt-authentication"] == signature_of(message)
    shop.account.complete(operation["id"], data=json.loads(data_of())).expect(200)
    assert read(shop.hook.wait_for_count(2)[1].body)["transaction"]["tid"] == "756850"


# 3.2 Body


def test_the_members_of_a_notification(shop):
    """3.2: merchant_id, application_key, conversion_rate, customer, session, transaction, version 1.3, timestamp."""
    before = int(time.time())
    message = read(shop.told().body)
    assert list(message) == [
        "merchant_id", "application_key", "conversion_rate", "customer", "session", "transaction", "version",
        "timestamp"]
    assert (message["merchant_id"], message["application_key"]) == (MERCHANT_ID, APPLICATION_KEY)
    assert message["version"] == "1.3" and not isinstance(message["version"], Token)
    assert isinstance(message["timestamp"], Token) and before <= int(message["timestamp"]) <= time.time()


@pytest.mark.parametrize("rate", [None, "null"])
def test_the_rate_is_null_where_there_is_none(shop, rate):
    """3.2: conversion_rate is "opt", a value or null: the member is always there."""
    message = read(shop.told(data_of(transaction="null", rate=rate)).body)
    assert "conversion_rate" in message and message["conversion_rate"] is None


@pytest.mark.parametrize("text", [CUSTOMER, SESSION, TRANSACTION], ids=["customer", "session", "transaction"])
def test_objects_pass_byte_for_byte_but_for_their_rates(shop, text):
    r"""3.2: all members of the sample, and `\/` stays `\/`; 5: a rate is sent as a string."""
    assert text.replace("1.000000", '"1.000000"') in shop.told().body.decode()


@pytest.mark.parametrize("status", [
    "initialized", "pending", "authorized", "approved", "rejected", "cancelled", "canceled", "error", "partial_refund",
    "refund", "chargeback", "duplicated", "requested", "partial_payout", "split", "pending_async", "in progress",
    "brand-new"])
def test_every_status_passes(shop, status):
    """3.2: do not reject an unknown status."""
    transaction = with_members(TRANSACTION, {"transaction_status": json.dumps(status)})
    assert read(shop.told(data_of(transaction=transaction)).body)["transaction"]["transaction_status"] == status


def test_own_members_of_the_same_names_cannot_stand_in_for_the_servers(shop):
    """3.2, 3.3: merchant_id, application_key, version and timestamp are the account's and the server's."""
    spoof = '{"merchant_id": "other", "application_key": "x", "version": "9", "timestamp": 1, ' + data_of()[1:]
    request = shop.told(spoof)
    message = read(request.body)
    assert (message["merchant_id"], message["application_key"]) == (MERCHANT_ID, APPLICATION_KEY)
    assert message["version"] == "1.3"
    assert int(message["timestamp"]) > PAGE_TIME
    assert request.headers["gt-authentication"] == signature_of(message)


def test_names_written_with_escapes_cannot_stand_in_either(shop):
    r"""3.2: `"merchant\u005fid"` is merchant_id too; a message with both would be read differently by two readers."""
    request = shop.told(r'{"merchant\u005fid": "other", "time\u0073tamp": 1, ' + data_of()[1:])
    assert request.headers["gt-authentication"] == signature_of(read(request.body))  # read() refuses doubles


@pytest.mark.parametrize("data", [
    '{"session": {}, "transaction": null}', '{"customer": {}, "transaction": null}',
    '{"customer": [], "session": {}, "transaction": null}', '{"customer": {}, "session": null, "transaction": null}',
    '{"customer": {}, "session": {}, "transaction": []}', '{"customer": {}, "session": {}, "transaction": "x"}',
    "[]", "null", "1", '"x"', "{}",
    '{"customer": {}, "session": {"order_id": {}}, "transaction": null}',
    '{"customer": {"customer_token": []}, "session": {}, "transaction": null}',
    '{"customer": {}, "session": {}, "transaction": {"conversion_rate": "abc"}}',
    '{"customer": {}, "session": {}, "transaction": {"conversion_rate": true}}',
    '{"customer": {}, "session": {}, "transaction": {"conversion_rate": {}}}',
    '{"customer": {}, "session": {}, "transaction": {"conversion_rate": -1}}',
])
def test_what_is_no_state_of_a_payment_is_not_sent(shop, data):
    """3.2: customer and session are objects and always there, transaction is an object or null, values are plain."""
    delivery = wait_for_state(shop.account, shop.tell(data), "failed")
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["invalid"]
    assert shop.hook.requests == []


# 3.3 Signature, as sender


def test_the_vector_of_the_source_pages_sample(shop_at):
    """3.3, 3.7/1: the sample's signature with the rate as 1.000000."""
    request = shop_at(PAGE_TIME).told()
    assert request.headers["gt-authentication"] == RATE_SIX
    assert read(request.body)["timestamp"] == str(PAGE_TIME)


@pytest.mark.parametrize("transaction, expected", [
    ("null", NO_TRANSACTION),
    (with_members(TRANSACTION, NULL_RATE), NO_RATE),
    (with_members(TRANSACTION, dict.fromkeys(NULL_RATE)), NO_RATE),
], ids=["transaction-null", "members-null", "members-missing"])
def test_the_vectors_of_what_is_null(shop_at, transaction, expected):
    """3.3, 3.7/1 to 3: null, a parent of null, and what is missing contribute nothing."""
    assert shop_at(PAGE_TIME).told(data_of(transaction=transaction)).headers["gt-authentication"] == expected


def test_the_pages_own_sample_is_sent_as_it_stands_there(shop_at):
    """3.3, own sample: the same members with the same values in the same order, and its hash."""
    request = shop_at(OWN_TIME, OWN_CREDENTIALS).told(OWN_DATA)
    message = read(request.body)
    expected = read(OWN_DATA)
    assert request.headers["gt-authentication"] == OWN_SIGNATURE
    for name in ("conversion_rate", "customer", "session", "transaction"):
        assert message[name] == expected[name] and json.dumps(message[name]) == json.dumps(expected[name])
    assert (message["version"], message["timestamp"]) == ("1.3", str(OWN_TIME))


RATES = [
    ("1.000000", "1.000000"), ('"1.000000"', "1.000000"), ("1", "1.000000"), ("1.0", "1.000000"), ("1e0", "1.000000"),
    ("0.10", "0.100000"), ("0.123456789012345", "0.123457"), ("0.9183", "0.918300"), ('"0.9183"', "0.918300"),
    ("1E+2", "100.000000"), ("0", "0.000000"), ("0.0000005", "0.000001"), ("0.00000049999999999999999", "0.000000"),
    ("1.0000005", "1.000001"), ("0.9999995", "1.000000"), ("1234567890.1234565", "1234567890.123457"),
    ("9007199254740993.0000005", "9007199254740993.000001"), ("5e-7", "0.000001"), ("1e-400", "0.000000"),
    ("123456.789e-3", "123.456789"), ("2.675000", "2.675000"), ("1.0049995", "1.005000"),
]


@pytest.mark.parametrize("token, expected", RATES)
def test_a_rate_is_sent_as_a_string_of_six_decimals(shop, token, expected):
    """3.3 "as sender", 3.7/5: a JSON string with six decimals, that text signed, and no binary floating point."""
    transaction = with_members(TRANSACTION, {"conversion_rate": token})
    session = with_members(SESSION, {"conversion_rate": token})
    request = shop.told(data_of(session=session, transaction=transaction, rate=token))
    message = read(request.body)
    rates = [message["conversion_rate"], message["session"]["conversion_rate"],
        message["transaction"]["conversion_rate"]]
    assert rates == [expected] * 3 and not any(isinstance(rate, Token) for rate in rates)
    assert request.headers["gt-authentication"] == signature_of(message)


@pytest.mark.parametrize("token", ['"1.000000"', "1", "1.000000"])
def test_by_a_setting_a_rate_is_the_number_token_of_the_source_page(make_shop, token):
    """3.3: a setting may emit the number token `1.000000`, signing the same six-decimal text."""
    shop = make_shop(options={"rate": "number"})
    request = shop.told(data_of(transaction=with_members(TRANSACTION, {"conversion_rate": token}), rate=token))
    message = read(request.body)
    assert isinstance(message["conversion_rate"], Token) and message["transaction"]["conversion_rate"] == "1.000000"
    assert b'"conversion_rate": 1.000000' in request.body
    assert request.headers["gt-authentication"] == signature_of(message)


@pytest.mark.parametrize("changes", [
    {"amount": "0"}, {"amount": '""'}, {"amount": "false"}, {"amount": "true"}, {"amount": '"0"'}, {"tid": "0"},
    {"amount": "9007199254740993"}, {"tid": "123456789012345678901234567890"}, {"amount": "-5"}, {"amount": '"10.00"'},
    {"amount": "10.00"}, {"amount": "1e2"}, {"tid": '"756850"'}, {"currency": '""'}, {"processed_amount": "0"},
    {"processed_currency": "null"}, {"processed_amount": "null"}, {"currency": "null"}, {"tid": "null"}, {"tid": None},
    {"currency": r'"\u20ac"'}, {"currency": '"€"'}, {"currency": r'"a\/b"'}, {"currency": r'"\"\\\b\f\n\r\t"'},
    {"currency": r'"\ud83d\ude00"'}, {"currency": r'"a\u0000b"'},
], ids=repr)
def test_any_value_is_signed_as_the_text_it_has(shop, changes):
    r"""3.3, 3.7/3, /4, /5, /9: as they stand, unescaped; 0, "" and false are no null; digits beyond 2^53 survive."""
    request = shop.told(data_of(transaction=with_members(TRANSACTION, changes)))
    for name, value in changes.items():
        assert value is None or f'"{name}": {value}'.encode() in request.body
    assert request.headers["gt-authentication"] == signature_of(read(request.body))


@pytest.mark.parametrize("order_id", [r'"caf\u00e9\/1"', '"café/1"', '"Ω-7"'])
def test_a_secret_and_an_order_id_that_are_not_ascii(account, hook, order_id):
    r"""3.7/9: non-ASCII secret and order id, as UTF-8; `\u00e9` and raw UTF-8 give one text, and so do `\/` and `/`."""
    shop = Shop(account, hook, {**CREDENTIALS, "secret": "schlüssel-ключ"})
    request = shop.told(data_of(session=with_members(SESSION, {"order_id": order_id})))
    assert f'"order_id": {order_id}'.encode() in request.body
    assert request.headers["gt-authentication"] == signature_of(read(request.body), "schlüssel-ключ")


def test_the_order_of_members_does_not_matter_to_the_signature(shop_at):
    """3.7/20: key order of the body must not influence the signature."""
    turned = json.dumps(dict(reversed(json.loads(TRANSACTION).items())))
    customer = json.dumps(dict(reversed(json.loads(CUSTOMER).items())))
    data = f'{{"transaction": {turned}, "session": {SESSION}, "customer": {customer}, "conversion_rate": 1}}'
    assert shop_at(PAGE_TIME).told(data).headers["gt-authentication"] == RATE_SIX


def test_neither_a_status_nor_the_rate_beside_the_objects_is_signed(shop_at):
    """3.3: the top-level conversion_rate is not covered, nor are any status fields."""
    transaction = with_members(TRANSACTION, {"transaction_status": '"rejected"'})
    session = with_members(SESSION, {"session_status": '"failed"', "conversion_rate": "7"})
    request = shop_at(PAGE_TIME).told(data_of(session=session, transaction=transaction, rate="9.5"))
    assert request.headers["gt-authentication"] == RATE_SIX


def test_two_orders_with_one_hash_are_both_told(shop_at):
    """3.7/7: a digit moved from order_id to tid gives the same hash; they are two notifications all the same."""
    shop = shop_at(PAGE_TIME)
    first = shop.told()
    moved = with_members(SESSION, {"order_id": '"test-156061095"'})
    second = shop.told(data_of(session=moved, transaction=with_members(TRANSACTION, {"tid": "5756850"})))
    assert first.headers["gt-authentication"] == second.headers["gt-authentication"]
    assert first.body != second.body


def test_members_nobody_knows_pass_at_every_level(shop_at):
    """3.7/15: unknown extra members at every level."""
    extra = r'{"new": [1.50, {"deep": "\/"}], '
    data = data_of(extra + CUSTOMER[1:], extra + SESSION[1:], extra + TRANSACTION[1:])
    request = shop_at(PAGE_TIME).told(extra + data[1:])
    message = read(request.body)
    assert all(each["new"] == ["1.50", {"deep": "/"}] for each in (message,
        *map(message.get, ("customer", "session", "transaction"))))
    assert request.body.count(rb'[1.50, {"deep": "\/"}]') == 4
    assert request.headers["gt-authentication"] == RATE_SIX


def test_a_name_given_twice_does_not_go_out(shop):
    """3.7/15: duplicate keys in the JSON object: reject."""
    twice = data_of(transaction='{"amount": 1, "amount": 2}')
    body = f'{{"type": "payment.changed", "data": {twice}}}'.encode()
    shop.account.call("POST", "/events", body).expect_problem(400)
    assert shop.hook.requests == []


# Accounts


def test_each_merchant_has_its_own_signature(make_account, receiver):
    """3.3: the merchant's own secret, id and application key; nothing of another account's."""
    one = Shop(make_account("one"), receiver.endpoint("/one").plan(OK))
    other = Shop(make_account("other"), receiver.endpoint("/other").plan(OK), OWN_CREDENTIALS)
    messages = [(request, read(request.body)) for request in (one.told(), other.told())]
    assert [message["merchant_id"] for _, message in messages] == [MERCHANT_ID, "API-Lighthouse"]
    secrets = [SECRET, OWN_CREDENTIALS["secret"]]
    for (request, message), secret in zip(messages, secrets):
        assert request.headers["gt-authentication"] == signature_of(message, secret)
    assert len(one.hook.requests) == len(other.hook.requests) == 1


def test_secrets_are_in_no_answer_and_no_log(server, shop):
    """The secret is write-only: whoever reads an account, a channel, a delivery or the log does not see it."""
    delivery = shop.judged(answer(1, description="no"), "refused")
    account = shop.account
    seen = [account.get(), account.channels(), account.delivery(delivery["id"]), account.events(),
            account.put(cashier={**CREDENTIALS, "secret": ""}), account.patch(cashier={**CREDENTIALS, "nonsense": 1})]
    assert not any(SECRET in each.raw.decode() for each in seen)
    assert account.get().body["credentials"] == ["cashier"]
    assert SECRET not in server.log()


def test_a_merchant_id_belongs_to_one_account(shop, make_account):
    """3.3: otherwise two accounts would sign for one merchant. The other fields may be alike."""
    other = make_account("other")
    assert other.put(cashier=CREDENTIALS).status in (400, 409)
    other.put(cashier={**CREDENTIALS, "merchant_id": "Other"}).expect(200)
    shop.account.put(cashier=CREDENTIALS).expect(200)  # one's own again


@pytest.mark.parametrize("changes, is_taken", [
    ({"merchant_id": "m" * 50}, True), ({"merchant_id": "m" * 51}, False), ({"merchant_id": ""}, False),
    ({"application_key": "k" * 32}, True), ({"application_key": "k" * 33}, False), ({"application_key": ""}, False),
    ({"merchant_id": 5}, False), ({"secret": None}, False), ({"secret": ""}, False), ({"more": "x"}, False),
], ids=repr)
def test_the_limits_of_credentials(account, changes, is_taken):
    """3.2: merchant_id varchar(50), application_key varchar(32), both required."""
    assert account.put(cashier={**CREDENTIALS, **changes}).status == (200 if is_taken else 400)


def test_a_new_secret_signs_what_is_still_waiting(make_shop):
    """3.5: a resend is re-signed: with the secret of the time it is sent."""
    shop = make_shop(retry=["0s", "5m"])
    shop.hook.plan(answer(-1), OK)
    event = shop.tell()
    wait_for_attempts(shop.account, event, 1)
    shop.account.patch(cashier={**CREDENTIALS, "secret": "a new one"}).expect(200)
    shop.account.retry(shop.account.event(event).body["deliveries"][0]["id"]).expect(202)
    second = shop.hook.wait_for_count(2)[1]
    assert second.headers["gt-authentication"] == signature_of(read(second.body), "a new one")


def test_without_credentials_nothing_is_sent(account, hook):
    """3.3: without a secret there is no signature, and without a signature no notification."""
    made = account.make_channel(kind="webhook", dialect="cashier", url=hook.url, retry=ONE_TRY)
    if made.status == 201:
        delivery = wait_for_state(account, publish(account, data_text=data_of()), "failed")
        assert delivery["attempts"][0]["outcome"] == "invalid"
    assert hook.requests == []


def test_the_test_button_sends_a_signed_state(shop):
    """3.1: the test of a channel speaks the dialect too, and reads the verdict."""
    test = shop.account.call("POST", f"/channels/{shop.channel['id']}/test", b'{"data": ' + data_of().encode() + b"}")
    assert test.expect(200)["outcome"] == "delivered"
    (request,) = shop.hook.wait_for_count(1)
    assert request.headers["gt-authentication"] == signature_of(read(request.body))
    shop.hook.plan(answer(1))
    test = shop.account.call("POST", f"/channels/{shop.channel['id']}/test", b'{"data": ' + data_of().encode() + b"}")
    assert test.expect(200)["outcome"] == "refused"


# 3.4, 3.5 What the answer's status means


@pytest.mark.parametrize("text, state", [
    ("0", "delivered"), ("1", "refused"), ("999", "refused"), ("-1", "failed"), ("-2", "failed"),
    ("-2147483648", "failed"),
    ('"0"', "failed"), ('"1"', "failed"), ("0.0", "failed"), ("1.0", "failed"), ("0e0", "failed"), ("null", "failed"),
    ("true", "failed"), ("false", "failed"), ("[]", "failed"), ("[0]", "failed"), ("{}", "failed"), ('""', "failed"),
    ("00", "failed"), ("+0", "failed"), ("0x0", "failed"), ("NaN", "failed"), ("01", "failed"), (".0", "failed"),
    ("-99999999999999999999999", "failed"),
])
def test_the_status_decides(shop, text, state):
    """3.4, 3.5, 3.7/10: 0 is done, a positive integer refused for good, a negative one or anything else comes again."""
    shop.judged(answer(status_text=text), state)


@pytest.mark.parametrize("body", [
    b"", b"[]", b'""', b"0", b"null", b"[0]", b"{}", b"OK", b"<html><body>0</body></html>",
    b'\xef\xbb\xbf{"status": 0}',
    b'{"status": 0', b'{"status": 0,}', b'{"status": 0} x', b'{"status": 0}{"status": 0}', b"{'status': 0}",
    b"status=0",
    b'{"Status": 0}', b'{"STATUS": 0}', b'{"status": 0, "status": 0}', b'{"status": 0, "status": 1}',
    b'{"status": 1, "status": 0}', b'{"data": {"status": 0}}', b'{"status": 0, "description": "\xff"}',
    b'{"status": 0}\0',
    b'{"status": 0, "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", b'// ok\n{"status": 0}',
    b'{"status": 0, "x": "' + b"a" * 2_000_000 + b'"}',
], ids=lambda body: repr(body[:40]))
def test_what_is_not_recognized_comes_again(shop, body):
    """3.5, 3.7/10: not JSON, no object, no status, a name twice, empty, HTML, a BOM, truncated, 2 MB: unrecognized."""
    shop.judged(Step(200, (("Content-Type", "application/json"),), body), "failed")


@pytest.mark.parametrize("body", [
    b'{"status":0}', b' \r\n\t{"status" :\t0 }\n', b'{"status": 0, "description": null, "x": [1, {"status": 5}]}',
    b'{"x": {"status": -1}, "status": 0}', rb'{"st\u0061tus": 0}',
    '{"status": 0, "description": "принято"}'.encode(),
    b'{"status": 0, "version": "9.9", "timestamp": "soon"}', b'{"status":-0}',
], ids=repr)
def test_a_sloppy_but_clear_yes_is_a_yes(shop, body):
    """3.5: `status` 0 is done; 3.6: `version` need not match, and an ack without a signature counts by default."""
    shop.judged(Step(200, (), body), "delivered")


def test_the_type_of_the_answer_does_not_matter(shop):
    """3.5: only what the body says; many back ends answer with text/html."""
    shop.judged(Step(200, (("Content-Type", "text/html"),), b'{"status": 0}'), "delivered")


@pytest.mark.parametrize("status", [201, 202, 204, 206, 400, 401, 403, 404, 410, 429, 500, 502, 503])
@pytest.mark.parametrize("verdict", [0, 1])
def test_a_valid_body_with_another_http_status_comes_again(shop, status, verdict):
    """3.5, 3.7/11: an HTTP status other than 200 is unrecognized, also 410, also with a body that says refused."""
    step = Step(204) if status == 204 else answer(verdict, http_status=status)
    shop.judged(step, "failed")
    assert shop.account.channel(shop.channel["id"]).body["enabled"] is True


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(shop, receiver, status):
    """3.5, 3.7/11: a redirect is another HTTP status; where it points to hears nothing."""
    elsewhere = receiver.endpoint("/elsewhere").plan(OK)
    shop.judged(redirect(elsewhere.url, status), "failed")
    assert elsewhere.requests == []


@pytest.mark.parametrize("step", [
    Step(reset="answer"), Step(reset="headers"), Step(reset="body"),
    Step(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"status\": 0}"),
    Step(raw=b"{\"status\": 0}"), Step(raw=b""),
], ids=["reset", "reset-in-headers", "reset-in-body", "cut-short", "no-http", "closed"])
def test_a_broken_connection_comes_again(shop, step):
    """3.5: connection error: as unrecognized."""
    shop.judged(step, "failed")


def test_no_answer_in_time_comes_again(make_shop):
    """3.5: timeout: as unrecognized."""
    delivery = make_shop(timeout_ms=300).judged(Step(hang="answer"), "failed")
    assert delivery["attempts"][0]["outcome"] == "timeout"


def test_the_timeout_and_the_retries_of_a_channel_that_says_nothing(account, hook):
    """3.5, 3.6: every 5 minutes, 24 h, 30 s for an answer."""
    account.put(cashier=CREDENTIALS).expect(200)
    channel = account.make_channel(kind="webhook", dialect="cashier", url=hook.url).expect(201)
    assert channel["timeout_ms"] == 30000
    assert (channel["retry"]["every"], channel["retry"]["for"]) == ("5m", "1d")


def test_refused_says_why(shop):
    """3.4: description is the actual error, for whoever looks for the cause."""
    delivery = shop.judged(answer(1, description="Order ord-000042 already closed by hand"), "refused")
    assert "Order ord-000042 already closed by hand" in json.dumps(delivery["attempts"][0])


@pytest.mark.parametrize("length", [256, 257, 5000])
@pytest.mark.parametrize("status, state", [(0, "delivered"), (1, "refused"), (-1, "failed")])
def test_a_long_description_does_not_change_the_verdict(shop, length, status, state):
    """3.7/14: descriptions of 256 and 257 characters."""
    shop.judged(answer(status, description="é" * length), state)


# 3.5 When it comes again


def test_a_refusal_is_one_attempt_and_never_again(days, hook):
    """3.7/12: `status` 1: exactly one attempt, never again, also hours later and after a restart."""
    shop = Shop(days.start(ahead_by(0)).account("harbor"), hook.plan(answer(1)), retry=None)
    event = shop.tell()
    wait_for_state(shop.account, event, "refused")
    shop.account = days.start(ahead_by(7200)).account("harbor")
    marker = shop.tell()
    wait_for_state(shop.account, marker, "refused")
    assert len(hook.requests) == 2
    assert len(wait_for_state(shop.account, event, "refused")["attempts"]) == 1


@pytest.mark.parametrize("step", [answer(-1), Step(500), Step(200, (), b"<html>")], ids=["minus-one", "500", "html"])
def test_not_now_comes_again_after_five_minutes(days, hook, step):
    """3.5, 3.7/13: -1 then 0: the second attempt 300 s later, new timestamp, valid signature, same tid."""
    shop = Shop(days.start(ahead_by(0)).account("harbor"), hook.plan(step, OK), retry=None)
    event = shop.tell()
    wait_for_attempts(shop.account, event, 1)

    shop.account = days.start(ahead_by(RETRY_S - RETRY_TOLERANCE_S)).account("harbor")
    wait_for_state(shop.account, shop.tell(data_of(transaction="null")), "delivered")
    assert len(wait_for_state(shop.account, event, "pending")["attempts"]) == 1

    shop.account = days.start(ahead_by(RETRY_S + RETRY_TOLERANCE_S)).account("harbor")
    wait_for_state(shop.account, event, "delivered")
    first, _, second = hook.requests
    messages = [read(request.body) for request in (first, second)]
    assert abs(int(messages[1].pop("timestamp")) - int(messages[0].pop("timestamp")) - RETRY_S) <= 2 * RETRY_TOLERANCE_S
    assert messages[0] == messages[1]
    assert second.headers["gt-authentication"] == signature_of(read(second.body))
    assert re.sub(rb'"timestamp": ?\d+', b"", first.body) == re.sub(rb'"timestamp": ?\d+', b"", second.body)


def test_it_is_given_up_after_a_day(days, hook):
    """3.5: cap 24 h: what is older is not sent any more."""
    shop = Shop(days.start(ahead_by(0)).account("harbor"), hook.plan(answer(-1)), retry=None)
    event = shop.tell()
    wait_for_attempts(shop.account, event, 1)
    shop.account = days.start(ahead_by(86400 - 60)).account("harbor")
    wait_for_attempts(shop.account, event, 2)
    wait_for_state(shop.account, event, "failed")


def test_a_later_state_may_come_before_an_earlier_one(make_shop):
    """3.5, 3.7/18: order is not promised: one that comes again does not hold the next one back."""
    shop = make_shop(retry=["0s", "5m"])
    shop.hook.plan(answer(-1), OK)
    waiting = shop.tell(data_of(transaction=with_members(TRANSACTION, {"transaction_status": '"pending"'})))
    wait_for_attempts(shop.account, waiting, 1)
    wait_for_state(shop.account, shop.tell(), "delivered")
    assert wait_for_state(shop.account, waiting, "pending")["attempt_count"] == 1


def test_a_retry_by_hand_sends_the_same_state_again(shop):
    """3.5: everything unchanged but timestamp and signature; 3.7/17: the second `status` 0 ends it as well."""
    event = shop.tell()
    delivery = wait_for_state(shop.account, event, "delivered")
    shop.account.retry(delivery["id"]).expect(202)
    first, second = (read(request.body) for request in shop.hook.wait_for_count(2))
    assert {**first, "timestamp": None} == {**second, "timestamp": None}
    wait_for_attempts(shop.account, event, 2)
    wait_for_state(shop.account, event, "delivered")


# 3.4 The answer's signature


UNSIGNED_FORMS = {
    "none": [],
    "wrong": [("Gt-Authentication", "0" * 96)],
    "short": [("Gt-Authentication", "0" * 64)],
    "empty": [("Gt-Authentication", "")],
    "words": [("Gt-Authentication", "Bearer x")],
}


def signed_forms(at: int) -> dict[str, list[tuple[str, str]]]:
    right = sha384(f"0{at}{SECRET}")
    return {
        "right": [("Gt-Authentication", right)],
        "other-spelling": [("GT-Authentication", right)],
        "lower-case-name": [("gt-authentication", right)],
        "upper-case-hex": [("Gt-Authentication", right.upper())],
        "spaces": [("Gt-Authentication", f"  {right} \t")],
        "other-name": [("external-request-signature", right)],
        "both-names": [("Gt-Authentication", right), ("External-Request-Signature", right)],
    }


def wrong_forms(at: int) -> dict[str, list[tuple[str, str]]]:
    keyed = hmac.new(SECRET.encode(), f"0{at}".encode(), "sha384").hexdigest()
    return UNSIGNED_FORMS | {
        "of-another-status": [("Gt-Authentication", sha384(f"1{at}{SECRET}"))],
        "of-another-time": [("Gt-Authentication", sha384(f"0{at - 1}{SECRET}"))],
        "of-another-secret": [("Gt-Authentication", sha384(f"0{at}other"))],
        "without-secret": [("Gt-Authentication", sha384(f"0{at}"))],
        "hmac": [("Gt-Authentication", keyed)],
        "sha256": [("Gt-Authentication", hashlib.sha256(f"0{at}{SECRET}".encode()).hexdigest())],
        "one-too-long": [("Gt-Authentication", sha384(f"0{at}{SECRET}") + "0")],
        "one-too-short": [("Gt-Authentication", sha384(f"0{at}{SECRET}")[:-1])],
        "in-the-body": [],
    }


def said_at(at: int, headers: list[tuple[str, str]]) -> Step:
    return Step(200, tuple(headers), json.dumps({"status": 0, "timestamp": at}).encode())


@pytest.mark.parametrize("form", signed_forms(0))
def test_where_signatures_count_a_signed_yes_counts(make_shop, form):
    """3.4, 3.7/8: either header is accepted, in any case; enforced only if a setting says so."""
    shop = make_shop(options={"check_answer": True})
    shop.judged(said_at(PAGE_TIME, signed_forms(PAGE_TIME)[form]), "delivered")


@pytest.mark.parametrize("form", wrong_forms(0))
def test_where_signatures_count_another_yes_comes_again(make_shop, form):
    """3.4, 3.7/8: missing, 64 hex characters, HMAC, another's: an unsigned or wrongly signed ack is retried."""
    shop = make_shop(options={"check_answer": True})
    shop.judged(said_at(PAGE_TIME, wrong_forms(PAGE_TIME)[form]), "failed")


@pytest.mark.parametrize("form", wrong_forms(0))
def test_where_they_do_not_count_any_yes_counts(shop, form):
    """3.4, 3.6: enforcement of the ack signature: off by default."""
    shop.judged(said_at(PAGE_TIME, wrong_forms(PAGE_TIME)[form]), "delivered")


@pytest.mark.parametrize("second", ["right", "wrong"])
@pytest.mark.parametrize("first", ["right", "wrong"])
def test_a_signature_that_comes_twice_is_none(make_shop, first, second):
    """3.7/8: twice: of two headers nobody knows which one the other side would have read."""
    shop = make_shop(options={"check_answer": True})
    values = {"right": sha384(f"0{PAGE_TIME}{SECRET}"), "wrong": "0" * 96}
    shop.judged(said_at(PAGE_TIME, [("Gt-Authentication", values[each]) for each in (first, second)]), "failed")


def test_one_right_signature_under_either_name_is_enough(make_shop):
    """3.4: as provider: accept either."""
    shop = make_shop(options={"check_answer": True})
    headers = [("Gt-Authentication", "0" * 96), ("external-request-signature", sha384(f"0{PAGE_TIME}{SECRET}"))]
    shop.judged(said_at(PAGE_TIME, headers), "delivered")


@pytest.mark.parametrize("members, signed", [
    ('"status": 0', "0"), ('"status": 0, "timestamp": null', "0"),
    ('"status": 0, "timestamp": "1590611635"', "01590611635"),
    ('"timestamp": 1590611635, "status": 0', "01590611635"), ('"status": 0, "timestamp": 1590611635.0',
    "01590611635.0"),
])
def test_the_signed_text_of_an_answer(make_shop, members, signed):
    """3.3: status, timestamp, in that order, as they stand; what is null or missing contributes nothing."""
    step = Step(200, (("Gt-Authentication", sha384(signed + SECRET)),), f"{{{members}}}".encode())
    make_shop(options={"check_answer": True}).judged(step, "delivered")


def test_a_refusal_that_is_not_genuine_does_not_refuse(make_shop):
    """3.4: with the setting on, whoever cannot sign can neither take nor refuse."""
    make_shop(options={"check_answer": True}).judged(answer(1, secret="other"), "failed")


def test_a_genuine_refusal_refuses(make_shop):
    """3.4, 3.3: the signature of an answer with status 1."""
    make_shop(options={"check_answer": True}).judged(answer(1), "refused")


@pytest.mark.parametrize("status", ANSWERS)
def test_the_vectors_of_answers(make_shop, status):
    """3.3, 3.7/1: the responses 0, 1 and -1 at 1590611635, under a channel that checks them."""
    shop = make_shop(options={"check_answer": True})
    step = Step(200, (("Gt-Authentication", ANSWERS[status]),),
        json.dumps({"status": status, "timestamp": PAGE_TIME}).encode())
    delivery = shop.judged(step, {0: "delivered", 1: "refused", -1: "failed"}[status])
    assert "signature" not in delivery["attempts"][0]["detail"]


def test_an_answer_is_signed_with_its_own_timestamp(make_shop):
    """3.7/19: the response's own timestamp, not the request's."""
    shop = make_shop(options={"check_answer": True})

    def with_the_requests(request: Request) -> Step:
        asked = read(request.body)["timestamp"]
        return Step(200, (("Gt-Authentication", sha384(f"0{asked}{SECRET}")),),
                    json.dumps({"status": 0, "timestamp": int(asked) + 7}).encode())

    shop.judged(with_the_requests, "failed")


def test_a_wrong_signature_is_noted_even_where_it_does_not_count(shop):
    """3.4: accepted, but whoever looks at the attempt sees that it was not genuine."""
    detail = shop.judged(answer(0, secret="other"), "delivered")["attempts"][0]["detail"]
    assert "signature" in detail, detail


@pytest.mark.parametrize("text, state", [
    ('"0"', "delivered"), ('"1"', "refused"), ('"-1"', "failed"), ("0", "delivered"), ('""', "failed"),
    ('" 0"', "failed"),
    ('"0.0"', "failed"), ('"ok"', "failed"), ("0.0", "failed"), ("null", "failed"), ("true", "failed"),
])
def test_by_a_setting_a_status_in_quotes_counts(make_shop, text, state):
    """3.6: whether `status` as the string "0" counts: strict mode by default; a setting."""
    make_shop(options={"text_status": True}).judged(answer(status_text=text), state)


# 3.3 Signature, as receiver: tidings verify


def request_text(body: str | bytes, *headers: str) -> bytes:
    lines = ["POST /notify HTTP/1.1", "Content-Type: application/json; charset=utf-8", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + (body if isinstance(body, bytes) else body.encode())


def message_text(data_text: str | None = None, **members: str) -> str:
    ours = {"merchant_id": f'"{MERCHANT_ID}"', "application_key": f'"{APPLICATION_KEY}"', "version": '"1.3"',
            "timestamp": str(PAGE_TIME), **members}
    return "{" + ", ".join(f'"{name}": {text}' for name, text in ours.items()) + ", " + (data_text or data_of())[1:]


def verify(request: bytes, *words: str, secret: str = SECRET, environment: dict | None = None) -> tuple[int, str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    done = subprocess.run(
        [program_path(), "verify", "--dialect", "cashier", *words], input=request, capture_output=True, check=False,
        env={**ours, "TIDINGS_SECRET": secret, **(environment or {})}, timeout=RUN_DEADLINE_S)
    assert secret not in done.stdout.decode() + done.stderr.decode()
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def judge(body: str | bytes, signature: str, secret: str = SECRET) -> int:
    return verify(request_text(body, f"Gt-Authentication: {signature}"), secret=secret)[0]


@pytest.mark.parametrize("data_text, expected", [
    (data_of(), RATE_SIX), (data_of(), RATE_ONE),
    (data_of(transaction=with_members(TRANSACTION, {"conversion_rate": "1.0"})), RATE_TENTH),
    (data_of(transaction=with_members(TRANSACTION, {"conversion_rate": "1"})), RATE_ONE),
    (data_of(transaction=with_members(TRANSACTION, {"conversion_rate": "1"})), RATE_SIX),
    (data_of(transaction=with_members(TRANSACTION, NULL_RATE)), NO_RATE), (data_of(transaction="null"), NO_TRANSACTION),
], ids=["raw", "shortest", "one-decimal", "one", "one-by-six-decimals", "nulls", "expired"])
def test_a_receiver_takes_the_vectors(data_text, expected):
    """3.3, 3.7/1: each request vector."""
    assert judge(message_text(data_text), expected) == RIGHT


def test_the_pages_own_sample_is_right():
    """3.3: own sample, secret `s3cr3t-for-tests`."""
    ours = {"merchant_id": '"API-Lighthouse"', "application_key": '"lighthouse-shop"', "timestamp": str(OWN_TIME)}
    assert judge(message_text(OWN_DATA, **ours), OWN_SIGNATURE, OWN_CREDENTIALS["secret"]) == RIGHT


def test_the_vector_of_version_1_1():
    """3.3: `signature` is a member of the body; the others sorted by key, the secret behind them."""
    signature = "c8d9b1824601bb6e11342afc36cb7281892daead2fbae257ea2d2ff8aa4908d66d5863a429e247d47155c01a0592e482"
    body = ('{"version": "1.1", "timestamp": 1568855392, "wallet_token": "ABCDEF", "merchant_id": '
            f'"Test-Integration-Merchant", "application_key": "Integration TEST USD", "signature": "{signature}"}}')
    assert verify(request_text(body))[0] == RIGHT
    assert verify(request_text(body.replace("1568855392", "1568855393")))[0] == WRONG
    assert verify(request_text(body.replace("ABCDEF", "ABCDE")))[0] == WRONG


@pytest.mark.parametrize("token, signed, expected", [
    ("1.000000", "1.000000", RIGHT), ("1.000000", "1", RIGHT), ("1.000000", "1.0", WRONG),
    ('"1.000000"', "1.000000", RIGHT),
    ("1", "1", RIGHT), ("1", "1.000000", RIGHT), ("1.0", "1.0", RIGHT), ("1.0", "1", RIGHT), ("1.0", "1.000000", RIGHT),
    ("1e0", "1e0", RIGHT), ("1e0", "1", RIGHT), ("1e0", "1.000000", RIGHT), ("0.10", "0.10", RIGHT),
    ("0.10", "0.1", RIGHT),
    ("0.10", "0.100000", RIGHT), ("0.123456789012345", "0.123456789012345", RIGHT),
    ("0.123456789012345", "0.123457", RIGHT),
    ("0.123456789012345", "0.123456", WRONG), ("100", "100", RIGHT), ("100.0", "100", RIGHT), ("1e2", "100", RIGHT),
    ("1E+2", "100", RIGHT), ("0.0", "0", RIGHT), ("0", "0.000000", RIGHT), ("0.00001", "0.00001", RIGHT),
    ("1e-5", "0.00001", RIGHT), ("1.000000", "2", WRONG), ("1.000000", "", WRONG), ("null", "", RIGHT),
    ("9007199254740993.5", "9007199254740993.5", RIGHT), ("9007199254740993.50", "9007199254740993.5", RIGHT),
])
def test_a_rate_is_taken_in_three_texts(token, signed, expected):
    """3.3 "as receiver", 3.7/5: the raw token, for a number the shortest decimal form, six decimals; no other."""
    fields = signed_text(read(message_text(data_of(transaction=with_members(TRANSACTION,
        {"conversion_rate": "null"})))))
    head, tail = fields[:-len("EUR100")], fields[-len("EUR100"):]
    body = message_text(data_of(transaction=with_members(TRANSACTION, {"conversion_rate": token})))
    assert judge(body, sha384(head + signed + tail + SECRET)) == expected


@pytest.mark.parametrize("changes", [
    {"amount": "0"}, {"amount": '""'}, {"amount": "false"}, {"amount": "9007199254740993"}, {"amount": '"10.00"'},
    {"tid": "123456789012345678901234567890"}, {"amount": "1e2"}, {"currency": r'"\u20ac\/"'}, {"tid": "null"},
    {"tid": None},
    {"currency": r'"\ud83d\ude00"'},
], ids=repr)
def test_a_receiver_takes_any_value_as_it_stands(changes):
    """3.3, 3.7/4, /5, /9, 5: 0, "" and false are no null; on input sign whatever token text arrived."""
    body = message_text(data_of(transaction=with_members(TRANSACTION, changes)))
    assert judge(body, signature_of(read(body))) == RIGHT


@pytest.mark.parametrize("order_id", [r'"caf\u00e9\/1"', '"café/1"'])
def test_a_receiver_whose_secret_is_not_ascii(order_id):
    """3.7/9: non-ASCII secret and order id."""
    body = message_text(data_of(session=with_members(SESSION, {"order_id": order_id})))
    assert judge(body, signature_of(read(body), "schlüssel"), "schlüssel") == RIGHT


TAMPERED = [
    ("amount", "101", WRONG), ("tid", "756851", WRONG), ("currency", '"USD"', WRONG), ("processed_amount", "99", WRONG),
    ("processed_currency", '"USD"', WRONG), ("conversion_rate", "1.000001", WRONG),
    ("transaction_status", '"rejected"', RIGHT), ("status_code", '"SC-001"', RIGHT),
]


@pytest.mark.parametrize("name, text, expected", TAMPERED)
def test_what_the_signature_covers_and_what_not(name, text, expected):
    """3.7/6: a tampered status is not noticed, and must not be; amount, tid and the others are."""
    assert judge(message_text(data_of(transaction=with_members(TRANSACTION, {name: text}))), RATE_SIX) == expected


@pytest.mark.parametrize("members", [{"merchant_id": '"x"'}, {"application_key": '"x"'}, {"timestamp": "1"}])
def test_what_stands_beside_the_objects_is_covered(members):
    """3.3: merchant_id, application_key and timestamp are signed."""
    assert judge(message_text(**members), RATE_SIX) == WRONG
    assert judge(message_text(data_of(session=with_members(SESSION, {"order_id": '"x"'}))), RATE_SIX) == WRONG
    assert judge(message_text(data_of(customer=with_members(CUSTOMER, {"customer_token": '"x"'}))), RATE_SIX) == WRONG


@pytest.mark.parametrize("header", [
    "gt-authentication: {}", "GT-AUTHENTICATION: {}", "Gt-Authentication:    {}   ", "Gt-Authentication:{}",
    "gT-aUTHENTICATION:\t{}\t"])
def test_the_header_of_a_request_in_other_spellings(header):
    """3.1, 3.7/8: header names are case-insensitive, spaces around the value do not count, nor the case of hex."""
    for value in (RATE_SIX, RATE_SIX.upper()):
        assert verify(request_text(message_text(), header.format(value)))[0] == RIGHT


KEYED = hmac.new(SECRET.encode(), signed_text(read(message_text())).encode(), "sha384").hexdigest()


@pytest.mark.parametrize("headers", [
    [], [f"Gt-Authentication: {RATE_SIX}"] * 2, [f"Gt-Authentication: {RATE_SIX}", f"Gt-Authentication: {'0' * 96}"],
    [f"Gt-Authentication: {'0' * 96}", f"gt-authentication: {RATE_SIX}"], ["Gt-Authentication:"],
    [f"Gt-Authentication: {RATE_SIX[:64]}"], [f"Gt-Authentication: {RATE_SIX}0"],
    [f"Gt-Authentication: {RATE_SIX[:-1]}"],
    [f"Gt-Authentication: {RATE_SIX} {RATE_SIX}"], [f"Gt-Authentication: {RATE_SIX},{RATE_SIX}"],
    [f"Gt-Authentication: sha384={RATE_SIX}"], [f"Gt-Authentication: {KEYED}"], [f"Gt-Authentication: {'g' * 96}"],
    [f"Gt_Authentication: {RATE_SIX}"], [f"Authentication: {RATE_SIX}"], [f"external-request-signature: {RATE_SIX}"],
], ids=lambda headers: "|".join(header[:40] for header in headers) or "missing")
def test_a_request_whose_header_is_not_exactly_one_signature_is_not_right(headers):
    """3.7/8: missing, twice, 64 hex characters, HMAC instead of hash."""
    assert verify(request_text(message_text(), *headers))[0] in (WRONG, UNCHECKED)


@pytest.mark.parametrize("body", [
    message_text().replace('"currency": "EUR"', '"currency": "EUR", "currency": "EUR"'), "\ufeff" + message_text(),
    message_text()[:-1], message_text() + "x", "[" + message_text() + "]", "",
    message_text().replace('"tid": 756850', '"tid": 0756850'),
    message_text().replace('"tid": 756850', r'"tid": 756850, "\u0074id": 756850'),
], ids=["twice", "bom", "truncated", "trailing", "array", "empty", "leading-zero", "twice-by-escape"])
def test_a_body_that_two_readers_could_read_differently_is_not_right(body):
    """3.7/15: duplicate keys: reject; and what is no JSON object cannot be genuine."""
    assert judge(body, RATE_SIX) in (WRONG, UNCHECKED)


def test_members_of_a_request_may_come_in_any_order_and_be_more():
    """3.7/15, /20: unknown extra members, members in another order: the same signature."""
    turned = dict(reversed(json.loads(message_text()).items()))
    turned["transaction"] = {"new": [1], **dict(reversed(turned["transaction"].items()))}
    assert judge(json.dumps(turned), RATE_TENTH) == RIGHT  # Python writes 1.0


@pytest.mark.parametrize("status", ANSWERS)
def test_an_acknowledgement_is_signed_by_the_vectors(status):
    """3.3, 3.4, 3.7/1: status, description, version, timestamp, and the response vectors, at the page's time."""
    request = request_text(message_text(), f"Gt-Authentication: {RATE_SIX}")
    code, out, _ = verify(request, f"--answer={status}", "--description=Ok", environment=standing_at(PAGE_TIME))
    head, _, body = out.partition("\r\n\r\n")
    assert code == RIGHT and head.startswith("HTTP/1.1 200 OK\r\n")
    assert f"Gt-Authentication: {ANSWERS[status]}" in head.split("\r\n")
    assert "Content-Type: application/json; charset=utf-8" in head.split("\r\n")
    assert json.loads(body) == {"status": status, "description": "Ok", "version": "1.3", "timestamp": PAGE_TIME}


def test_an_acknowledgement_has_its_own_time():
    """3.7/19: the response's own timestamp, not the request's."""
    request = request_text(message_text(), f"Gt-Authentication: {RATE_SIX}")
    _, out, _ = verify(request, "--answer=0", environment=standing_at(OWN_TIME + 1), secret=SECRET)
    assert json.loads(out.partition("\r\n\r\n")[2])["timestamp"] == OWN_TIME + 1
    assert sha384(f"0{OWN_TIME + 1}{SECRET}") in out


@pytest.mark.parametrize("text, is_taken", [("é" * 256, True), ("é" * 257, False), ("x" * 257, False),
    ('"\\/\n', True)])
def test_a_description_has_at_most_256_characters(text, is_taken):
    """3.4, 3.7/14: varchar(256): one more is never sent."""
    request = request_text(message_text(), f"Gt-Authentication: {RATE_SIX}")
    code, out, _ = verify(request, "--answer=0", f"--description={text}")
    if is_taken:
        assert code == RIGHT and json.loads(out.partition("\r\n\r\n")[2])["description"] == text
    else:
        assert code == UNCHECKED or len(json.loads(out.partition("\r\n\r\n")[2])["description"]) <= 256


@pytest.mark.parametrize("status", ["abc", "", "0.0", "1e3", "99999999999999999999", "0x1", " 1"])
def test_an_acknowledgement_with_a_status_that_is_no_integer_is_not_made(status):
    """3.4: status is an int."""
    request = request_text(message_text(), f"Gt-Authentication: {RATE_SIX}")
    assert verify(request, f"--answer={status}")[:2] == (UNCHECKED, "")


@pytest.mark.parametrize("words", [["--merchant-id=other"], ["--application-key=other"]])
def test_what_is_for_somebody_else_is_refused_although_the_secret_is_right(words):
    """3.7/16: wrong merchant_id or application_key but the right secret: refuse with a positive status."""
    request = request_text(message_text(), f"Gt-Authentication: {RATE_SIX}")
    code, out, _ = verify(request, *words, "--answer=0")
    assert code == WRONG and json.loads(out.partition("\r\n\r\n")[2])["status"] > 0


def test_no_acknowledgement_for_what_is_not_genuine():
    """3.4: whoever cannot sign gets no signed yes."""
    request = request_text(message_text(), f"Gt-Authentication: {'0' * 96}")
    code, out, _ = verify(request, "--answer=0")
    assert code == WRONG and "200 OK" not in out


def test_old_messages_are_right():
    """3.5: timestamp freshness: no check by default, because resends would fail."""
    assert judge(message_text(), RATE_SIX) == RIGHT  # it is years old


# 3.7 The receiver of the documentation


class ExampleReceiver:
    """A process that runs examples/cashier_receiver.py, what it prints, and a client that posts to it."""

    def __init__(self):
        self.port = free_port()
        self.lines: Journal[str] = Journal("the example receiver")
        ours = {"MERCHANT_ID": MERCHANT_ID, "APPLICATION_KEY": APPLICATION_KEY, "MERCHANT_SECRET": SECRET}
        self._process = subprocess.Popen(
            [sys.executable, str(TOP_FOLDER / "examples" / "cashier_receiver.py"), str(self.port)],
            env=os.environ | ours, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.lines.wait_for_count(1)

    def _read(self) -> None:
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def booked(self) -> list[str]:
        return self.lines.entries()[1:]

    def post(self, body: str | bytes, signature: str | None) -> tuple[int, dict]:
        """The HTTP status and the body of the answer, which has to be signed if it is one of 3.4."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=RUN_DEADLINE_S)
        data = body.encode() if isinstance(body, str) else body
        connection.request("POST", "/", data, {"Gt-Authentication": signature} if signature else {})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        if response.status != 200:
            return response.status, {}
        said = read(text)
        assert response.headers["Gt-Authentication"] == sha384(said["status"] + said["timestamp"] + SECRET)
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        return response.status, said

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(RUN_DEADLINE_S)
        self._reader.join(RUN_DEADLINE_S)


@pytest.fixture
def example() -> Iterator[ExampleReceiver]:
    made = ExampleReceiver()
    yield made
    made.close()


def test_the_example_books_a_state_once(example):
    """3.7/17: the same notification twice, and resent with another time: `status` 0 each time, one side effect."""
    later = message_text(timestamp="1590611999")
    for body in (message_text(), message_text(), later):
        assert example.post(body, signature_of(read(body)))[1]["status"] == "0"
    assert len(example.lines.wait_for_count(2)) == 2


def test_the_example_is_not_fooled_by_one_hash_of_two_orders(example):
    """3.7/7: a digit moved from order_id to tid: the same signature, two orders."""
    moved = message_text(data_of(session=with_members(SESSION, {"order_id": '"test-156061095"'}),
                                 transaction=with_members(TRANSACTION, {"tid": "5756850"})))
    assert signature_of(read(moved)) == RATE_SIX
    for body in (message_text(), moved):
        assert example.post(body, RATE_SIX)[1]["status"] == "0"
    assert len(example.lines.wait_for_count(3)) == 3


def test_the_example_takes_states_in_any_order(example):
    """3.7/18: a later state before the earlier one; and the expired session without a transaction."""
    for data in [data_of(transaction=with_members(TRANSACTION, {"transaction_status": '"chargeback"'})), data_of(),
                 data_of(transaction="null")]:
        body = message_text(data)
        assert example.post(body, signature_of(read(body)))[1]["status"] == "0"
    assert len(example.lines.wait_for_count(4)) == 4


def test_the_example_refuses_what_is_not_its_own(example):
    """3.7/16: refused with a positive status, and nothing is booked."""
    for members in ({"merchant_id": '"other"'}, {"application_key": '"other"'}):
        body = message_text(**members)
        assert int(example.post(body, signature_of(read(body)))[1]["status"]) > 0
    assert example.booked == []


@pytest.mark.parametrize("body, signature", [
    (message_text(), None), (message_text(), "0" * 96), (message_text(), RATE_SIX[:64]), (message_text(), KEYED),
    (message_text(), "é" * 48), (message_text()[:-1], RATE_SIX), ("[]", RATE_SIX), ("", sha384(SECRET)),
    (b"\xff", sha384(SECRET)), (message_text(data_of(transaction='{"conversion_rate": "abc"}')), "0" * 96),
], ids=["missing", "wrong", "short", "hmac", "not-ascii", "truncated", "array", "empty", "no-utf8", "bad-rate"])
def test_the_example_answers_what_is_not_genuine_with_an_http_error(example, body, signature):
    """3.5, 3.7/8: never a signed status: it comes again, and nothing is lost if the secret was the mistake."""
    status, _ = example.post(body, signature)
    assert 400 <= status < 500
    assert example.booked == []
