"""The checkout dialect, case by case as protocols 4.1 to 4.8 and 5 tell it, by a client made from that page alone.

Nothing here is shared with the other cases of the dialect: what one reader of the page took wrongly, a second one with
a client of his own may notice.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import re
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Iterator
from urllib.parse import quote, urlencode

import pytest

from support.api import Account
from support.deliveries import publish, publish_many
from support.own_time import Days, ahead_by, standing_at

MERCHANT_ID = "100000000001"
OTHER_ID = "20000002"
TOKEN = "a-token-of-this-merchant-0001"
OTHER_TOKEN = "a-token-of-that-merchant-0002"
PREFIXES = ["", "/v1/checkout"]

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NOBODYS = "00000000-0000-4000-8000-000000000000"
DENIED = b"Invalid JWT. Denying request."
NOTHING = {"messages": [], "autoAckFailedMessages": []}

DAY_S = 86400
TOLERANCE_S = 15.0  # for a busy machine; a wait that nothing ends takes the 20 s of its cap
DEADLINE_S = 50  # above that cap
PAGE_TIME = 1681265492  # the source page's createdAt, to the second
PAGE_INSTANT = "2023-04-12T02:11:32"

# The notifications of the source page and of 4.5, letter for letter.
ORDER = """{
                "checkoutIntent": "CHECKOUT_INTENT_AUTH_ONLY",
                "status": "STATUS_SUCCESS",
                "transactionReferenceNumber": "Q12345-4447-228",
                "checkoutReference": "QSA2345",
                "totalTransactionAmount": "1000",
                "transactionTimestamp": "2023-04-12T02:11:32.259Z",
                "fraudCheckStatus": "FRAUD_CHECK_STATUS_APPROVED"
            }"""
CURRENT_ORDER = r"""{"status": "STATUS_SUCCESS", "responseCode": "APPROVED", "merchantOrderNumber": "CART-0007",
    "totalAmount": {"currencyCode": "USD", "decimalCount": 2, "amount": "9007199254740993"},
    "accountHolder": {"billingAddress": {"line1": "K\u00f6 1\/2"}},
    "paymentMethod": {"card": {"expiry": {"month": 1, "year": 2030}}, "list": [], "text": ""},
    "transactionTimestamp": "2026-02-03T10:20:29Z", "decimal": 1.500000, "big": 123456789012345678901234567890}"""
TOKEN_NOTIFICATION = '{"responseCode": "APPROVED", "requestId": "r-1", "tokenType": "TOKEN_TYPE_ACQUIRER"}'


# A client made from the page


class NumberToken(str):
    """A number as it stands in the JSON text."""


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    raw: bytes

    @property
    def body(self) -> Any:
        assert self.headers.get_content_type() == "application/json", self
        return json.loads(self.raw, parse_int=NumberToken, parse_float=NumberToken)

    @property
    def content(self) -> Any:
        """The body of a 200."""
        assert self.status == 200, self
        return self.body

    def is_refused(self, named: str = "") -> None:
        """400 as 4.6 tells it: gRPC status JSON with code 3, and a message that begins with what is wrong."""
        assert self.status == 400, self
        self.is_status(3)
        assert self.body["message"].startswith(named), self

    def is_status(self, code: int) -> None:
        assert set(self.body) == {"code", "message", "details"}, self
        assert self.body["code"] == str(code) and isinstance(self.body["code"], NumberToken), self
        assert isinstance(self.body["message"], str) and self.body["message"] and self.body["details"] == [], self

    def is_denied(self) -> None:
        assert (self.status, self.raw) == (403, DENIED), self
        assert self.headers.get_content_type() == "text/plain"


class Merchant:
    def __init__(self, account: Account, merchant_id: str, token: str):
        self.account = account
        self.address = account.api.url.partition("//")[2]
        self.headers = {"merchantId": merchant_id, "Authorization": f"Bearer {token}"}
        self.prefix = ""

    @classmethod
    def of(cls, account: Account, merchant_id: str = MERCHANT_ID, token: str = TOKEN) -> Merchant:
        account.put(checkout={"merchant_id": merchant_id, "token": token}).expect(200, 201)
        return cls(account, merchant_id, token)

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None) -> Answer:
        """One request on a connection of its own; headers are sent as they are here instead of the usual ones."""
        connection = http.client.HTTPConnection(self.address, timeout=DEADLINE_S)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it was answered before all was sent
                connection.request(method, self.prefix + path, body, self.headers if headers is None else headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str, **query: object) -> Answer:
        return self.call("GET", path + ("?" + urlencode(query) if query else ""))

    def receive(self, **query: object) -> Answer:
        return self.get("/notifications/receive", **query)

    def pending(self, **query: object) -> list[dict]:
        """All that a poll shows, up to 100."""
        return self.receive(**{"maxNumberMessages": 100, **query}).content["messages"]

    def ack_body(self, body: object) -> Answer:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", "/notifications/ack", text, {**self.headers, "Content-Type": "application/json"})

    def ack(self, *ids: str) -> list[dict]:
        """Acknowledges by messageIdentifier and returns what failed."""
        answer = self.ack_body({"messageInfos": [{"messageIdentifier": each} for each in ids]})
        assert set(answer.content) == {"ackFailedMessages"}, answer
        return answer.content["ackFailedMessages"]

    def history(self, **query: object) -> list[dict]:
        answer = self.get("/notifications", **{"periodEnd": "2100-01-01T00:00:00Z", **query})
        return answer.content["messagesResponses"]

    def tell(self, number: int = 0, **fields: object) -> str:
        """Publishes an order's notification."""
        data = {"orderNotification": {"checkoutReference": f"CART-{number}"}, **fields}
        return publish(self.account, "order.paid", data)

    def tell_many(self, count: int) -> None:
        events = [{"account": self.account.name, "type": "order.paid",
                   "data": {"orderNotification": {"checkoutReference": f"CART-{n}"}}} for n in range(count)]
        for at in range(0, count, 1000):
            results = self.account.api.batch(events[at:at + 1000]).expect(200)["results"]
            assert all(each["status"] == 202 for each in results)

    def request_bytes(
            self, path: str, method: str = "GET", body: bytes = b"", *more: str, version: str = "1.1") -> bytes:
        lines = [f"{method} {path} HTTP/{version}", f"Host: {self.address}",
                 *(f"{name}: {value}" for name, value in self.headers.items()), *more]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body


def ids_of(messages: list[dict]) -> list[str]:
    return [message["messageInfo"]["messageId"] for message in messages]


def carts_of(messages: list[dict]) -> list[int]:
    """The numbers that tell() was given."""
    return [int(message["orderNotification"]["checkoutReference"].removeprefix("CART-")) for message in messages]


def stamp(when: datetime, digits: int = 0) -> str:
    """RFC 3339 with so many digits of a second; more than six are zeros."""
    fraction = f"{when.microsecond:06d}000"[:digits]
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if digits else "") + "Z"


def now(**later: float) -> datetime:
    return datetime.now(timezone.utc) + timedelta(**later)


@pytest.fixture
def merchant(make_account) -> Merchant:
    return Merchant.of(make_account("harbor"))


@pytest.fixture
def other(make_account) -> Merchant:
    return Merchant.of(make_account("quay"), OTHER_ID, OTHER_TOKEN)


@pytest.fixture
def days(request, start_server) -> Days:
    marker = request.node.get_closest_marker("settings")
    return Days(start_server, marker and marker.args[0])


@pytest.fixture
def merchant_at(days) -> Callable[..., Merchant]:
    """A merchant on a server whose clock is the test's own; again later with the same folder."""
    made = itertools.count()

    def at(environment: dict) -> Merchant:
        account = days.start(environment).account("harbor")
        return Merchant.of(account) if next(made) == 0 else Merchant(account, MERCHANT_ID, TOKEN)

    return at


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(128) as made:
        yield made


# 4.1 Transport


@pytest.mark.parametrize("prefix", PREFIXES)
def test_all_calls_exist_with_prefix_and_without(merchant, prefix):
    """4.1, 5: paths with and without `/v1/checkout`; one queue behind both."""
    merchant.tell()
    merchant.prefix = prefix
    (message,) = merchant.pending()
    assert merchant.ack(message["messageInfo"]["messageId"]) == []
    assert carts_of(merchant.history()) == [0]
    merchant.prefix = PREFIXES[1 - PREFIXES.index(prefix)]
    assert merchant.pending() == []


@pytest.mark.parametrize("name", ["merchantId", "MERCHANTID", "merchantid", "MerchantID"])
def test_the_header_of_the_merchant_in_any_case(merchant, name):
    """4.1: as HTTP header names they are case-insensitive."""
    headers = {name: MERCHANT_ID, "AUTHORIZATION": f"Bearer {TOKEN}"}
    assert merchant.call("GET", "/notifications/receive", headers=headers).content == NOTHING


@pytest.mark.parametrize("name", ["merchant-id", "merchant_id", "Merchant", None])
@pytest.mark.parametrize("method, path", [("GET", "/notifications/receive"), ("POST", "/notifications/ack"),
    ("GET", "/notifications")])
def test_another_header_is_not_the_merchants(merchant, name, method, path):
    """4.1, 4.8/11: `merchantId` is required; `merchant-id` is answered 400."""
    headers = {"Authorization": f"Bearer {TOKEN}", **({name: MERCHANT_ID} if name else {})}
    merchant.call(method, path, b"{}" if method == "POST" else None, headers).is_refused("merchantId")


@pytest.mark.parametrize("value", ["1234567", "1234567890123", "12345678x", "", "-12345678", "0x12345678",
    "12 345 678", "１２３４５６７８"])
def test_a_merchant_id_is_8_to_12_digits(merchant, value):
    """4.1: 8 to 12 digits; whatever else is not let in."""
    headers = {"merchantId": value.encode(), "Authorization": f"Bearer {TOKEN}"}
    answer = merchant.call("GET", "/notifications/receive", headers=headers)
    assert answer.status in (400, 403), answer


@pytest.mark.parametrize("value, is_taken", [("r" * 22, True), ("r" * 23, False), ("r" * 4000, False)])
def test_a_request_id_has_at_most_22_characters(merchant, value, is_taken):
    """4.1: `requestId` at most 22 characters; and it may be missing."""
    answer = merchant.call("GET", "/notifications/receive", headers={**merchant.headers, "requestId": value})
    assert answer.content == NOTHING if is_taken else answer.is_refused("requestId") is None


def test_a_segment_id_may_be_there(merchant):
    """4.1: `segmentId` optional."""
    headers = {**merchant.headers, "segmentId": "x" * 300}
    assert merchant.call("GET", "/notifications/receive", headers=headers).content == NOTHING


WRONG_TOKENS = {
    "missing": None, "empty": "", "no-token": "Bearer", "no-token-but-a-space": "Bearer ",
    "another-scheme": f"Basic {TOKEN}",
    "without-scheme": TOKEN, "longer": f"Bearer {TOKEN}x", "shorter": f"Bearer {TOKEN[:-1]}",
    "another-case": f"Bearer {TOKEN.upper()}",
    "anothers": f"Bearer {OTHER_TOKEN}", "unknown": "Bearer 0123456789abcdef",
    "twice-in-one": f"Bearer {TOKEN}, Bearer {TOKEN}",
    "two-words": f"Bearer {TOKEN} {TOKEN}", "huge": "Bearer " + "x" * 5000, "not-ascii": "Bearer é".encode(),
    "an-admin-key": "Bearer tk_test_admin_key_0123456789abcdefghijkl",
}


@pytest.mark.parametrize("value", WRONG_TOKENS.values(), ids=list(WRONG_TOKENS))
@pytest.mark.parametrize("path", ["/notifications/receive", "/notifications", "/notifications/ack"])
def test_a_wrong_token_is_denied_in_plain_text(merchant, other, path, value):
    """4.6, 4.8/11: 403 `Invalid JWT. Denying request.`: token missing, bad, or not for this merchant."""
    other.tell()
    headers = {"merchantId": MERCHANT_ID, **({} if value is None else {"Authorization": value})}
    method, body = ("POST", b'{"messageInfos": []}') if path.endswith("ack") else ("GET", None)
    merchant.call(method, path, body, headers).is_denied()


def test_all_denials_are_alike(merchant, other):
    """4.6: who has no token cannot tell a merchant that exists from one that does not."""
    assert other
    merchants = [MERCHANT_ID, OTHER_ID, "99999999"]
    answers = [merchant.call("GET", path, headers={"merchantId": merchant_id, "Authorization": token})
               for merchant_id in merchants for token in ("Bearer wrong-token-0123456789", "")
               for path in ("/notifications/receive?maxNumberMessages=x", "/notifications")]
    def visible(answer: Answer) -> tuple:
        return answer.status, answer.raw, sorted((k, v) for k, v in answer.headers.items() if k.lower() != "date")
    assert len({str(visible(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("value", [f"bearer {TOKEN}", f"BEARER {TOKEN}", f"Bearer   {TOKEN}", f" Bearer {TOKEN} "])
def test_the_scheme_in_other_spellings(merchant, value):
    """4.1: `Authorization: Bearer`; a scheme's name has no case, and spaces around do not count (RFC 9110, 11.4)."""
    headers = {**merchant.headers, "Authorization": value}
    assert merchant.call("GET", "/notifications/receive", headers=headers).content == NOTHING


@pytest.mark.parametrize("lines", [
    [f"merchantId: {MERCHANT_ID}", f"merchantId: {OTHER_ID}", f"Authorization: Bearer {TOKEN}"],
    [f"merchantId: {OTHER_ID}", f"merchantId: {MERCHANT_ID}", f"Authorization: Bearer {TOKEN}"],
    [f"merchantId: {OTHER_ID}", f"MERCHANTID: {MERCHANT_ID}", f"Authorization: Bearer {TOKEN}"],
    [f"merchantId: {OTHER_ID}", f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {OTHER_TOKEN}x"],
    [f"merchantId: {OTHER_ID}, {MERCHANT_ID}", f"Authorization: Bearer {TOKEN}"],
])
def test_headers_given_twice_open_nobody_elses_door(merchant, other, api, lines):
    """4.8/11: whichever of two headers counts, merchant A never sees what is B's."""
    assert merchant
    other.tell(77)
    head = "\r\n".join(["GET /notifications/receive HTTP/1.1", "Host: x", *lines, "", ""]).encode()
    (answer,) = api.raw(head)
    assert answer.status in (200, 400, 403) and b"CART-77" not in answer.raw, answer


@pytest.mark.settings({"server": {"auth_failures_max": 2}})  # forgotten one each half minute
def test_who_keeps_guessing_is_held_off(merchant):
    """4.6: other 4xx as gRPC status JSON: 429 is 8."""
    wrong = {**merchant.headers, "Authorization": "Bearer wrong-token-0123456789"}
    answers = [merchant.call("GET", "/notifications/receive", headers=wrong) for _ in range(3)]
    assert [answer.status for answer in answers] == [403, 403, 429]
    answers[-1].is_status(8)
    assert int(answers[-1].headers["Retry-After"]) > 0


# 4.2 Receive


def test_a_message_as_the_page_shows_it(merchant_at):
    """4.2: messageInfo{messageId, receiptHandle}, createdAt, one notification; the source page's, byte for byte."""
    merchant = merchant_at(standing_at(PAGE_TIME))
    publish(merchant.account, "order.paid", data_text=f'{{"orderNotification": {ORDER}}}')
    answer = merchant.receive(maxNumberMessages=10, timeoutMs=20)
    assert list(answer.content) == ["messages", "autoAckFailedMessages"]
    assert answer.content["autoAckFailedMessages"] == []
    (message,) = answer.content["messages"]
    assert list(message) == ["messageInfo", "createdAt", "orderNotification"]
    assert list(message["messageInfo"]) == ["messageId", "receiptHandle"]
    assert re.fullmatch(UUID, message["messageInfo"]["messageId"])
    assert re.fullmatch(r"[A-Za-z0-9+/_-]+=*", message["messageInfo"]["receiptHandle"])
    assert message["createdAt"] == PAGE_INSTANT + ".000Z"
    assert ORDER.encode() in answer.raw


def test_created_at_is_when_it_was_published(merchant):
    """4.1, 4.2: RFC 3339 UTC with 0, 3, 6 or 9 digits."""
    before = now(seconds=-0.001)
    merchant.tell()
    (message,) = merchant.pending()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}|\d{9}))?Z", message["createdAt"])
    assert before <= datetime.fromisoformat(message["createdAt"].replace("Z", "+00:00")) <= now()


@pytest.mark.parametrize("name, text", [
    ("orderNotification", ORDER), ("orderNotification", CURRENT_ORDER), ("tokenNotification", TOKEN_NOTIFICATION),
    ("profileNotification", "{}"),
    ("orderNotification", '{"status": "STATUS_BRAND_NEW", "amount": "18446744073709551616"}'),
])
def test_a_notification_passes_byte_for_byte(merchant, name, text):
    """4.5, 4.8/16: exactly one of three; amounts beyond 2^53, unknown members and enum values pass through."""
    publish(merchant.account, "some.news", data_text=f'{{"{name}": {text}}}')
    for answer in (merchant.receive(), merchant.get("/notifications", periodEnd="2100-01-01T00:00:00Z")):
        assert text.encode() in answer.raw
        (message,) = next(iter(answer.content.values()))
        assert set(message) - {"messageInfo", "createdAt"} == {name}


def test_newer_members_travel_beside_the_notification(merchant):
    """4.2: `merchantOrderNumber`, `requestId` in newer replies."""
    merchant.tell(merchantOrderNumber="CART-0007", requestId="r-17", other="stays here")
    (message,) = merchant.pending()
    assert (message["merchantOrderNumber"], message["requestId"]) == ("CART-0007", "r-17")
    assert "other" not in message


@pytest.mark.parametrize("data", [
    "{}", "[]", "null", "1", '"orderNotification"', '{"orderNotification": null}', '{"orderNotification": "x"}',
    '{"orderNotification": []}',
    '{"orderNotification": {}, "tokenNotification": {}}', '{"ordernotification": {}}', '{"notification": {}}',
])
def test_what_is_no_notification_is_not_received(merchant, data):
    """4.2: exactly one of the three (a oneof)."""
    publish(merchant.account, "order.paid", data_text=data)
    assert merchant.receive().content == NOTHING
    assert merchant.history() == []


@pytest.mark.parametrize("query", ["", "?", "?timeoutMs=0", "?autoAck=false",
    "?maxNumberMessages=10&timeoutMs=20&autoAck=true"])
def test_nothing_pending_is_an_empty_list(merchant, query):
    """4.2, 4.8/6: 200 with empty lists; `timeoutMs` 0 returns at once, and 0 is the default."""
    began = time.monotonic()
    assert merchant.call("GET", "/notifications/receive" + query).content == NOTHING
    assert time.monotonic() - began < TOLERANCE_S


@pytest.mark.parametrize("query, count", [
    ("", 10), ("maxNumberMessages=1", 1), ("maxNumberMessages=11", 11), ("maxNumberMessages=100", 100),
    ("maxNumberMessages=101", 100),
    ("maxNumberMessages=2147483647", 100), ("maxNumberMessages=2147483648", 100), ("maxNumberMessages=4294967297", 100),
    ("maxNumberMessages=18446744073709551617", 100), ("maxNumberMessages=99999999999999999999999999", 100),
    ("maxNumberMessages=%31%30", 10), ("maxnumbermessages=1", 10), ("MaxNumberMessages=1", 10),
    ("x=1&maxNumberMessages=2&&y", 2),
])
def test_the_batch_is_as_large_as_asked_up_to_the_cap(merchant, query, count):
    """4.2, 4.8/5: default 10; above the cap of 100: clamped, however large. Names have a case."""
    merchant.tell_many(120)
    answer = merchant.call("GET", f"/notifications/receive?{query}")
    assert len(answer.content["messages"]) == count


@pytest.mark.parametrize("value", [
    "0", "-1", "abc", "", "+1", "%2B1", "1.0", "1e1", "0x10", "10x", "%2010", "10%20", "-99999999999999999999", "1%00",
    "%EF%BC%91", "null",
])
def test_a_batch_of_no_size_is_refused(merchant, value):
    """4.2, 4.8/5: < 1 or not a number: 400."""
    merchant.call("GET", f"/notifications/receive?maxNumberMessages={value}").is_refused("maxNumberMessages")


def test_the_pages_own_error(merchant):
    """4.6: the sample of a 400, member for member."""
    answer = merchant.receive(maxNumberMessages="abc")
    assert answer.status == 400
    assert json.loads(answer.raw) == {"code": 3, "message": "maxNumberMessages: value must be a number", "details": []}


@pytest.mark.parametrize("value", ["-1", "abc", "", "1.5", "1e3", "-99999999999999999999", "20ms", "%00"])
def test_a_wait_of_no_length_is_refused(merchant, value):
    """4.2: `timeoutMs` negative or not a number: 400."""
    merchant.call("GET", f"/notifications/receive?timeoutMs={value}").is_refused("timeoutMs")


@pytest.mark.parametrize("value, acknowledges", [
    ("true", True), ("TRUE", True), ("True", True), ("tRuE", True), ("1", True),
    ("false", False), ("FALSE", False), ("False", False), ("0", False),
])
def test_auto_ack_in_any_spelling(merchant, value, acknowledges):
    """4.2, 4.8/3, /19: `true`/`false` in any case, `1`/`0`."""
    merchant.tell()
    answer = merchant.call("GET", f"/notifications/receive?autoAck={value}").content
    assert len(answer["messages"]) == 1 and answer["autoAckFailedMessages"] == []
    assert len(merchant.pending()) == (0 if acknowledges else 1)


@pytest.mark.parametrize("value", ["yes", "", "2", "on", "truee", "true%20", "01", "t", "null", "-1"])
def test_auto_ack_that_is_neither_is_refused_and_acknowledges_nothing(merchant, value):
    """4.2, 4.8/19: else 400."""
    merchant.tell()
    merchant.call("GET", f"/notifications/receive?autoAck={value}").is_refused("autoAck")
    assert len(merchant.pending()) == 1


@pytest.mark.parametrize("query", [
    "maxNumberMessages=1&maxNumberMessages=1", "maxNumberMessages=1&maxNumberMessages=2", "timeoutMs=0&timeoutMs=0",
    "autoAck=true&autoAck=false", "autoAck=false&autoAck=true", "autoAck=true&autoAck=true",
    "autoAck=true&auto%41ck=false",
])
def test_a_parameter_given_twice_is_refused(merchant, query):
    """4.8/5: given twice: nobody knows which one counts."""
    merchant.tell()
    merchant.call("GET", f"/notifications/receive?{query}").is_refused(query.partition("=")[0])
    assert len(merchant.pending()) == 1


@pytest.mark.parametrize("query", ["foo=bar", "foo", "=", "=x", "&&", "autoack=yes", "a=" + "x" * 3000,
                                   "&".join(f"p{n}=1" for n in range(50))], ids=lambda query: query[:20])
def test_an_unknown_parameter_is_ignored(merchant, query):
    """4.8/21: unknown query parameter: ignored."""
    merchant.tell()
    assert len(merchant.call("GET", f"/notifications/receive?{query}").content["messages"]) == 1


@pytest.mark.settings({"checkout": {"unknown_query": "refused"}})
@pytest.mark.parametrize("path", ["/notifications/receive", "/notifications"])
def test_by_a_setting_an_unknown_parameter_is_refused(merchant, path):
    """4.8/21: setting: 400."""
    merchant.get(path, foo=1).is_refused("foo")
    assert merchant.get(path).status == 200


def test_a_fifth_of_a_megabyte_of_query_is_an_error_and_no_crash(merchant):
    """4.6: other 4xx."""
    answer = merchant.call("GET", "/notifications/receive?x=" + "y" * 200_000)
    assert 400 <= answer.status < 500
    assert merchant.receive().content == NOTHING


# 4.2 Waiting


def test_a_wait_ends_after_its_time(merchant):
    """4.8/6: 1500 with nothing pending returns between 1.5 s and 1.5 s + tolerance."""
    began = time.monotonic()
    assert merchant.receive(timeoutMs=1500).content == NOTHING
    assert 1.5 <= time.monotonic() - began < 1.5 + TOLERANCE_S


@pytest.mark.settings({"checkout": {"wait_max": "1s"}})
@pytest.mark.parametrize("value", [1001, 2147483648, 99999999999999999999999])
def test_a_wait_is_cut_at_its_cap(merchant, value):
    """4.2: cap, clamp."""
    began = time.monotonic()
    assert merchant.receive(timeoutMs=value).content == NOTHING
    assert 1 <= time.monotonic() - began < 1 + TOLERANCE_S


def test_a_message_ends_the_wait(merchant, pool, wait_for_polls):
    """4.2, 4.8/6: return at once as soon as at least one message is there."""
    poll = pool.submit(merchant.pending, timeoutMs=20000)
    wait_for_polls(1)
    merchant.tell(5)
    told = time.monotonic()
    assert carts_of(poll.result(DEADLINE_S)) == [5]
    assert time.monotonic() - told < TOLERANCE_S


def test_what_is_there_already_is_not_waited_for(merchant):
    """4.2: the wait is for when nothing is there, also when there is less than was asked for."""
    merchant.tell()
    began = time.monotonic()
    assert len(merchant.pending(timeoutMs=20000)) == 1
    assert time.monotonic() - began < TOLERANCE_S


def test_news_of_another_merchant_do_not_end_the_wait(merchant, other, pool, wait_for_polls):
    """4.8/11: A's wait is A's: B's message neither shows in it nor ends it."""
    poll = pool.submit(merchant.pending, timeoutMs=20000)
    wait_for_polls(1)
    other.tell(1)
    assert carts_of(other.pending()) == [1]
    merchant.tell(2)
    assert carts_of(poll.result(DEADLINE_S)) == [2]


def test_many_polls_wait_for_one_merchant(merchant, pool, wait_for_polls):
    """4.8/7: many parallel long polls for one merchant: each gets the message, nothing hides it."""
    polls = [pool.submit(merchant.pending, timeoutMs=20000) for _ in range(60)]
    wait_for_polls(60)
    merchant.tell()
    answers = [poll.result(DEADLINE_S) for poll in polls]
    assert len({tuple(ids_of(answer)) for answer in answers}) == 1 and len(answers[0]) == 1
    assert len({answer[0]["messageInfo"]["receiptHandle"] for answer in answers}) >= 1
    assert merchant.ack(*ids_of(answers[0])) == []


def test_of_many_polls_with_auto_ack_one_gets_the_message(merchant, pool, wait_for_polls):
    """4.7: at most once with autoAck: what one poll has acknowledged no other one gets."""
    polls = [pool.submit(merchant.pending, maxNumberMessages=1, timeoutMs=20000, autoAck="true") for _ in range(20)]
    wait_for_polls(20)
    merchant.tell_many(20)
    answers = [message for poll in polls for message in poll.result(DEADLINE_S)]
    assert sorted(carts_of(answers)) == list(range(20)) and merchant.pending() == []


def test_a_client_that_goes_while_it_waits_loses_nothing(merchant, api, wait_for_polls):
    """4.8/7: client closes the connection during a long poll: nothing is acked or lost."""
    for _ in range(20):
        with api.connect() as gone:
            gone.send(merchant.request_bytes("/notifications/receive?timeoutMs=20000"))
            wait_for_polls(1)
        wait_for_polls(0)
    merchant.tell(3)
    assert carts_of(merchant.pending(timeoutMs=5000)) == [3]


def test_a_client_that_goes_while_it_waits_with_auto_ack_has_acknowledged_nothing(merchant, api, wait_for_polls):
    """4.8/7: nothing is acked: it was gone long before there was something to acknowledge."""
    with api.connect() as gone:
        gone.send(merchant.request_bytes("/notifications/receive?timeoutMs=20000&autoAck=true"))
        wait_for_polls(1)
    wait_for_polls(0)
    merchant.tell(3)
    assert carts_of(merchant.pending(timeoutMs=2000)) == [3]


def test_a_wait_that_is_over_has_acknowledged_nothing(merchant):
    """4.2, 4.8/3: autoAck means what is in the answer, not what comes later."""
    assert merchant.receive(timeoutMs=100, autoAck="true").content == NOTHING
    merchant.tell()
    assert len(merchant.pending()) == 1


def test_a_token_that_is_changed_ends_for_those_who_wait(merchant, pool, wait_for_polls):
    """4.6: token not for this merchant (any more): 403."""
    poll = pool.submit(merchant.receive, timeoutMs=20000)
    wait_for_polls(1)
    merchant.account.patch(checkout={"merchant_id": MERCHANT_ID, "token": "another-token-0003"}).expect(200)
    merchant.tell()
    poll.result(DEADLINE_S).is_denied()
    merchant.receive().is_denied()


def test_an_account_that_is_deleted_ends_for_those_who_wait(server, merchant, pool, wait_for_polls):
    """4.6: not for this merchant: 403, and no crash."""
    poll = pool.submit(merchant.receive, timeoutMs=20000)
    wait_for_polls(1)
    merchant.account.delete().expect(204)
    merchant.receive().is_denied()
    assert server.stop() == 0  # which ends the wait too
    assert poll.result(DEADLINE_S).status in (200, 403)


def test_a_server_that_stops_does_not_keep_those_who_wait(server, merchant, pool, wait_for_polls):
    """4.2, 4.6: the wait ends with nothing, at most `timeoutMs` long, or with 503, code 14; the program ends."""
    poll = pool.submit(merchant.receive, timeoutMs=20000)
    wait_for_polls(1)
    assert server.stop() == 0
    answer = poll.result(DEADLINE_S)
    assert answer.body == NOTHING if answer.status == 200 else answer.is_status(14) is None


def test_requests_sent_in_one_go_are_answered_in_their_order(merchant, api):
    """4.2: pipelined, the first of them waiting: each answer is its own request's."""
    merchant.tell()
    (id,) = ids_of(merchant.pending())
    body = json.dumps({"messageInfos": [{"messageIdentifier": id}]}).encode()
    ask = merchant.request_bytes
    answers = api.raw(
        ask("/notifications/receive?maxNumberMessages=1") + ask("/notifications/ack", "POST", body)
        + ask("/notifications/receive?timeoutMs=300") + ask("/notifications/receive?maxNumberMessages=0")
        + ask("/v1/checkout/notifications") + ask("/notifications/receive", "GET", b"", "Connection: close"), 6)
    assert [answer.status for answer in answers] == [200, 200, 200, 400, 200, 200]
    assert id in answers[0].raw.decode() and answers[1].body == {"ackFailedMessages": []} and answers[2].body == NOTHING
    assert len(answers[4].body["messagesResponses"]) == 1 and answers[5].body == NOTHING


def test_an_old_client_of_http_1_0(merchant, api):
    """4.1: plain HTTP, of any version."""
    merchant.tell()
    (answer,) = api.raw(merchant.request_bytes("/notifications/receive", version="1.0"))
    assert len(answer.body["messages"]) == 1


# 4.2 Redelivery


def test_two_polls_without_ack_are_the_same(merchant):
    """4.8/1: the same message set, the same `messageId`s; a fresh receiptHandle is allowed; oldest first (4.7)."""
    merchant.tell_many(5)
    first, second = merchant.pending(), merchant.pending()
    assert ids_of(first) == ids_of(second) and carts_of(first) == list(range(5))
    assert [each["createdAt"] for each in first] == [each["createdAt"] for each in second]


def test_what_is_acked_is_gone_from_polls_and_not_from_the_history(merchant):
    """4.8/2: ack, then poll: gone; history: still there."""
    merchant.tell_many(3)
    ids = ids_of(merchant.pending())
    assert merchant.ack(ids[1]) == []
    assert carts_of(merchant.pending()) == [0, 2]
    assert carts_of(merchant.history()) == [0, 1, 2]


def test_auto_ack_takes_all_that_is_in_the_answer_and_no_more(merchant):
    """4.8/3: the first reply has all messages and an empty failure list; then the rest, then nothing."""
    merchant.tell_many(5)
    first = merchant.receive(maxNumberMessages=3, autoAck="true").content
    assert carts_of(first["messages"]) == [0, 1, 2] and first["autoAckFailedMessages"] == []
    assert carts_of(merchant.pending(autoAck="true")) == [3, 4]
    assert merchant.receive().content == NOTHING
    assert carts_of(merchant.history()) == list(range(5))


def test_one_at_a_time_drains_each_once(merchant):
    """4.8/4: `maxNumberMessages` 1 with 3 pending: one message; a loop with acks drains all three exactly once."""
    merchant.tell_many(3)
    seen = []
    while messages := merchant.receive(maxNumberMessages=1).content["messages"]:
        assert len(messages) == 1
        seen += carts_of(messages)
        assert merchant.ack(*ids_of(messages)) == []
    assert seen == [0, 1, 2]


@pytest.mark.settings({"checkout": {"visibility": "1h"}})
def test_by_a_setting_a_received_message_is_hidden(merchant):
    """4.2: no hiding by default; setting. What is hidden can still be acknowledged."""
    merchant.tell_many(3)
    first = merchant.receive(maxNumberMessages=2).content["messages"]
    assert carts_of(merchant.pending()) == [2]
    assert merchant.pending() == []
    assert merchant.ack(*ids_of(first)) == []


def test_it_comes_for_thirty_days(merchant_at):
    """4.2, 4.8/12: 29 d 23 h old still received, 30 d + 1 s not, and dropped from the history too (4.7)."""
    merchant = merchant_at(ahead_by(0))
    merchant.tell(1)
    merchant.tell(2)
    first, second = ids_of(merchant.pending())

    merchant = merchant_at(ahead_by(30 * DAY_S - 3600))
    assert carts_of(merchant.pending()) == [1, 2]
    assert carts_of(merchant.history()) == [1, 2]
    assert merchant.ack(first) == []

    merchant = merchant_at(ahead_by(30 * DAY_S + 60))
    merchant.tell(3)
    assert carts_of(merchant.pending()) == [3]
    assert carts_of(merchant.history()) == [3]
    assert merchant.ack(second, first) == [{"messageIdentifier": second}, {"messageIdentifier": first}]


@pytest.mark.settings({"checkout": {"window": "1h"}})
def test_by_a_setting_it_comes_for_a_shorter_time(merchant_at):
    """4.2, 4.4, 4.7: unacked messages older than the window: no longer received, dropped from history too."""
    merchant = merchant_at(ahead_by(0))
    merchant.tell(1)
    (id,) = ids_of(merchant.pending())
    merchant = merchant_at(ahead_by(3600 - 120))
    assert carts_of(merchant.pending()) == carts_of(merchant.history()) == [1]
    merchant = merchant_at(ahead_by(3600 + 60))
    assert merchant.receive(timeoutMs=300, autoAck="true").content == NOTHING
    assert merchant.history() == []
    assert merchant.ack(id) == [{"messageIdentifier": id}]
    merchant.get("/notifications", periodStart=stamp(now(seconds=-60))).is_refused("periodStart")


# 4.3 Acknowledge


def test_the_exchange_of_the_page(merchant):
    """4.3: only those that failed are listed, by messageIdentifier; the HTTP status stays 200."""
    merchant.tell()
    (id,) = ids_of(merchant.pending())
    answer = merchant.ack_body({"messageInfos": [{"messageIdentifier": id}, {"messageIdentifier": NOBODYS}]})
    assert answer.content == {"ackFailedMessages": [{"messageIdentifier": NOBODYS}]}
    assert merchant.pending() == []


def test_all_good_is_an_empty_list(merchant):
    """4.3, 4.7: present and empty."""
    merchant.tell()
    answer = merchant.ack_body({"messageInfos": [{"messageIdentifier": id} for id in ids_of(merchant.pending())]})
    assert answer.content == {"ackFailedMessages": []}


MALFORMED = ["", "x", "7b0d3a51-8f0e-4c39-9c1b-2f6f4e1a9d1", NOBODYS + "0", "{" + NOBODYS + "}",
    NOBODYS.replace("-", ""), "x" * 5000,
             '"<\\/\n\u0001é😀', "../../x", "evt_0S9R4JBXC0000", "dlv_0S9R4JBXC0002", "%00", "' OR 1=1 --"]


def test_failures_are_exactly_the_bad_ones_in_their_order(merchant, other):
    """4.8/8: good, unknown, foreign, duplicate, already acked, malformed: 200, in request order."""
    merchant.tell_many(3)
    other.tell()
    acked, good, twice = ids_of(merchant.pending())
    (foreign,) = ids_of(other.pending())
    assert merchant.ack(acked) == []
    failed = merchant.ack(NOBODYS, good, *MALFORMED[:6], foreign, twice, acked, *MALFORMED[6:], twice)
    assert [each["messageIdentifier"] for each in failed] == [NOBODYS, *MALFORMED[:6], foreign, *MALFORMED[6:]]
    assert all(set(each) == {"messageIdentifier"} for each in failed)
    assert merchant.pending() == [] and ids_of(other.pending()) == [foreign]


def test_acknowledging_again_is_no_failure(merchant):
    """4.3, 4.7, 4.8/18: idempotent."""
    merchant.tell()
    (id,) = ids_of(merchant.pending())
    assert merchant.ack(id) == merchant.ack(id) == merchant.ack(id, id) == []


def test_an_identifier_that_was_not_received_yet_is_good_too(merchant):
    """4.3: unknown id, other merchant's, expired fail, no other; the history's id is the same id."""
    merchant.tell()
    assert len(merchant.pending()) == 1
    id = ids_of(merchant.pending())[0]
    assert merchant.ack(id.upper()) == []  # hex digits have no case (RFC 9562, 4)
    assert merchant.pending() == []


def test_an_entry_may_name_its_message_in_three_ways(merchant):
    """4.3, 4.8/9, 5: `messageIdentifier`, `messageId` or `receiptHandle`; the whole messageInfo back is good too."""
    merchant.tell_many(5)
    infos = [message["messageInfo"] for message in merchant.pending()]
    entries = [{"messageIdentifier": infos[0]["messageId"]}, {"messageId": infos[1]["messageId"]},
               {"receiptHandle": infos[2]["receiptHandle"]}, infos[3],
               {**infos[4], "messageIdentifier": infos[4]["messageId"]}]
    assert merchant.ack_body({"messageInfos": entries}).content == {"ackFailedMessages": []}
    assert merchant.pending() == []


def test_a_handle_of_an_earlier_poll_is_good(merchant):
    """4.2: a fresh receiptHandle per delivery is allowed; what was handed out stays good, there is no hiding."""
    merchant.tell()
    (old,), _ = merchant.pending(), merchant.pending()
    body = {"messageInfos": [{"receiptHandle": old["messageInfo"]["receiptHandle"]}]}
    assert merchant.ack_body(body).content == {"ackFailedMessages": []}
    assert merchant.ack_body(body).content == {"ackFailedMessages": []}
    assert merchant.pending() == []


def test_names_that_disagree_fail(merchant):
    """4.3, 4.8/9: if several are given they must agree; nothing of such an entry is acknowledged."""
    merchant.tell_many(2)
    one, two = (message["messageInfo"] for message in merchant.pending())
    entries = [
        {"messageIdentifier": one["messageId"], "messageId": two["messageId"]},
        {"messageIdentifier": one["messageId"], "receiptHandle": two["receiptHandle"]},
        {"messageId": two["messageId"], "receiptHandle": one["receiptHandle"]},
        {"messageIdentifier": one["messageId"], "receiptHandle": "x"},
        {"messageIdentifier": "x", "receiptHandle": one["receiptHandle"]},
    ]
    assert len(merchant.ack_body({"messageInfos": entries}).content["ackFailedMessages"]) == len(entries)
    assert len(merchant.pending()) == 2


def test_what_failed_is_named_by_message_identifier(merchant):
    """5: accept both names on input, keep the split on output: ack's answer says `messageIdentifier`."""
    answer = merchant.ack_body({"messageInfos": [{"messageId": NOBODYS}]})
    assert answer.content == {"ackFailedMessages": [{"messageIdentifier": NOBODYS}]}


@pytest.mark.parametrize("change", [
    lambda handle: handle[:-1], lambda handle: handle + "A",
    lambda handle: handle[:-2] + ("AA" if handle[-2:] != "AA" else "BB"),
    lambda handle: "A" + handle[1:] if handle[0] != "A" else "B" + handle[1:], lambda handle: handle[::-1],
    lambda handle: "",
], ids=["cut", "longer", "end", "begin", "reversed", "empty"])
def test_a_handle_that_was_altered_fails(merchant, change):
    """4.3: malformed → failed entry."""
    merchant.tell()
    (message,) = merchant.pending()
    body = {"messageInfos": [{"receiptHandle": change(message["messageInfo"]["receiptHandle"])}]}
    assert len(merchant.ack_body(body).content["ackFailedMessages"]) == 1
    assert len(merchant.pending()) == 1


def test_a_handle_of_another_merchant_fails(merchant, other):
    """4.8/11: merchant A cannot ack B's messages, by whichever name."""
    other.tell()
    info = other.pending()[0]["messageInfo"]
    body = {"messageInfos": [{"receiptHandle": info["receiptHandle"]}, info, {"messageId": info["messageId"]}]}
    assert len(merchant.ack_body(body).content["ackFailedMessages"]) == 3
    assert len(other.pending()) == 1


@pytest.mark.parametrize("body", [
    b"", b"x", b"null", b"[]", b'"x"', b"1", b"{}", b'{"messageInfos": null}', b'{"messageInfos": {}}',
    b'{"messageInfos": []}',
    b'{"messageInfos": "x"}', b'{"messageInfos": 1}', b'{"messageinfos": [{"messageIdentifier": "%s"}]}',
    b'{"messageInfos": ["%s"]}',
    b'{"messageInfos": [null]}', b'{"messageInfos": [[]]}', b'{"messageInfos": [{"messageIdentifier": "%s"}]',
    b'{"messageInfos": [{"messageIdentifier": "%s"},]}', b'\xef\xbb\xbf{"messageInfos": [{"messageIdentifier": "%s"}]}',
    b'{"messageInfos": [{"messageIdentifier": "%s"}]} x', b'[{"messageIdentifier": "%s"}]', b"messageIdentifier=%s",
    b'{"messageInfos": [{"messageIdentifier": "%s"}], "messageInfos": []}',
    b'{"messageInfos": [{"messageIdentifier": "%s"}, {"x": "\xff"}]}',
    b'{"messageInfos": [{"messageIdentifier": "%s", "messageIdentifier": "%s"}]}',
], ids=lambda body: repr(body[:60]))
def test_a_body_of_another_form_acknowledges_nothing(merchant, body):
    """4.8/10: not JSON, `messageInfos` missing, null, an object, empty: 400 with code 3, nothing acked."""
    merchant.tell()
    (id,) = ids_of(merchant.pending())
    merchant.ack_body(body.replace(b"%s", id.encode())).is_refused()
    assert ids_of(merchant.pending()) == [id]


@pytest.mark.parametrize("entry", [
    '{}', '{"messageIdentifier": null}', '{"messageIdentifier": 5}', '{"messageIdentifier": {}}',
    '{"messageIdentifier": true}', '{"id": "%s"}',
    '{"messageidentifier": "%s"}',
])
def test_an_entry_without_an_identifier_acknowledges_nothing(merchant, entry):
    """4.3, 4.8/8, /10: malformed → failed entry, or no ack at all: never an acknowledgement of it."""
    merchant.tell()
    (id,) = ids_of(merchant.pending())
    answer = merchant.ack_body(('{"messageInfos": [' + entry.replace("%s", id) + "]}").encode())
    assert answer.status == 400 or len(answer.content["ackFailedMessages"]) == 1
    assert ids_of(merchant.pending()) == [id]


def test_members_nobody_knows_do_not_matter(merchant):
    """4.8/16: open sets: unknown members of the request and of an entry are passed over."""
    merchant.tell()
    (id,) = ids_of(merchant.pending())
    body = {"more": [1], "messageInfos": [{"messageIdentifier": id, "createdAt": "x", "receiptHandle": None}]}
    assert merchant.ack_body(body).content == {"ackFailedMessages": []}


@pytest.mark.parametrize("count, is_taken", [(100, True), (101, False), (1000, False)])
def test_at_most_100_entries(merchant, count, is_taken):
    """4.3: more than 100 entries → 400, nothing acked."""
    merchant.tell()
    (id,) = ids_of(merchant.pending())
    answer = merchant.ack_body({"messageInfos": [{"messageIdentifier": id}] * count})
    assert answer.content == {"ackFailedMessages": []} if is_taken else answer.is_refused() is None
    assert len(merchant.pending()) == (0 if is_taken else 1)


def test_a_body_without_measure_is_refused(merchant):
    """4.6: other 4xx: gRPC status JSON."""
    for body in (b'{"messageInfos": [{"messageIdentifier": "' + b"x" * 3_000_000 + b'"}]}',
                 b'{"messageInfos": [{"messageIdentifier": "x"}], "x": ' + b"[" * 9000 + b"]" * 9000 + b"}"):
        answer = merchant.ack_body(body)
        assert answer.status in (400, 413)
        answer.is_status(3)


@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded", "text/plain",
    "application/json; charset=utf-8", "x"])
def test_the_content_type_of_an_acknowledgement_does_not_matter(merchant, content_type):
    """4.3: the page asks for none, and curl sends a form's."""
    merchant.tell()
    body = json.dumps({"messageInfos": [{"messageIdentifier": id} for id in ids_of(merchant.pending())]}).encode()
    headers = {**merchant.headers, **({"Content-Type": content_type} if content_type else {})}
    assert merchant.call("POST", "/notifications/ack", body, headers).content == {"ackFailedMessages": []}
    assert merchant.pending() == []


def test_an_acknowledgement_in_chunks(merchant, api):
    """4.3: plain HTTP: a client that streams its body."""
    merchant.tell()
    body = json.dumps({"messageInfos": [{"messageId": id} for id in ids_of(merchant.pending())]}).encode()
    head = merchant.request_bytes("/v1/checkout/notifications/ack", "POST", b"", "Transfer-Encoding: chunked")
    with api.connect() as connection:
        connection.send(head, b"5\r\n" + body[:5] + b"\r\n", b"%x\r\n" % len(body[5:]) + body[5:] + b"\r\n",
            b"0\r\n\r\n")
        assert connection.read_answer().body == {"ackFailedMessages": []}


def test_two_consumers_poll_and_both_acknowledge(merchant, pool):
    """4.8/18: the second ack is not an error, also at one time."""
    merchant.tell_many(50)
    polls = [pool.submit(merchant.pending) for _ in range(8)]
    ids = [ids_of(poll.result(DEADLINE_S)) for poll in polls]
    acks = [pool.submit(merchant.ack, *each) for each in ids]
    assert all(ack.result(DEADLINE_S) == [] for ack in acks)
    assert merchant.pending() == []


# 4.4 History


def test_the_history_as_the_source_page_shows_it(merchant_at):
    """4.4, 5: `messagesResponses` of createdAt and the notification, without messageInfo; nine digits in the query."""
    merchant = merchant_at(standing_at(PAGE_TIME))
    publish(merchant.account, "order.paid", data_text=f'{{"orderNotification": {ORDER}}}')
    answer = merchant.call(
        "GET", "/notifications?periodStart=2023-04-12T00:00:00.000000000Z&periodEnd=2023-04-13T00:00:00.000000000Z")
    assert list(answer.content) == ["messagesResponses"]
    (message,) = answer.content["messagesResponses"]
    assert list(message) == ["createdAt", "orderNotification"]
    assert message["createdAt"] == PAGE_INSTANT + ".000Z" and ORDER.encode() in answer.raw


@pytest.mark.settings({"checkout": {"history": "messages"}})
def test_by_a_setting_the_history_of_today(merchant):
    """4.4: `nextPageToken` and `messages` with messageInfo, whose receiptHandle is empty."""
    merchant.tell(1, merchantOrderNumber="CART-0007", requestId="r-1")
    answer = merchant.get("/notifications", periodEnd="2100-01-01T00:00:00Z").content
    assert set(answer) == {"nextPageToken", "messages"} and answer["nextPageToken"] == ""
    (message,) = answer["messages"]
    assert message["messageInfo"] == {"messageId": ids_of(merchant.pending())[0], "receiptHandle": ""}
    assert (message["merchantOrderNumber"], message["requestId"]) == ("CART-0007", "r-1")


def test_reading_the_history_changes_nothing(merchant):
    """4.4, 4.8/15: history does not change delivery state; it includes acked messages."""
    merchant.tell_many(3)
    merchant.ack(ids_of(merchant.pending())[0])
    assert carts_of(merchant.history()) == carts_of(merchant.history()) == [0, 1, 2]
    assert carts_of(merchant.pending()) == [1, 2]


@pytest.mark.parametrize("start, end, is_in", [
    ("", "", False), (".000", ".001", True), (".000000", ".000001", True), (".000000000", ".000000001", True),
    (".000000001", ".5", False),
    (".001", ".5", False), (".000000000", ".000000000", False), ("", ".0", False), (".0", ".00", False),
    ("", ".9", True),
    (".000000001", ".000000001", False), (".5", "", None), (".000000001", "", None),
])
def test_the_period_to_the_nanosecond(merchant_at, start, end, is_in):
    """4.4, 4.8/13: start inclusive, end exclusive, by createdAt; 9, 6, 3 or no digits; start = end; start > end."""
    merchant = merchant_at(standing_at(PAGE_TIME))
    merchant.tell()
    answer = merchant.get("/notifications", periodStart=f"{PAGE_INSTANT}{start}Z", periodEnd=f"{PAGE_INSTANT}{end}Z")
    if is_in is None and answer.status != 200:
        answer.is_refused("period")
    else:
        assert len(answer.content["messagesResponses"]) == (1 if is_in else 0)


@pytest.mark.parametrize("start, is_in", [
    ("2023-04-12T04:11:32%2B02:00", True), ("2023-04-12T04:11:32.000000001%2B02:00", False),
    ("2023-04-12T00:11:32-02:00", True),
    ("2023-04-11T02:11:33-23:59", True), ("2023-04-12T02:11:32%2B00:00", True), ("2023-04-12t02:11:32z", True),
    ("2023-04-12T02:11:33-00:00", False),
])
def test_a_period_with_an_offset(merchant_at, start, is_in):
    """4.8/13: offset `+02:00`; RFC 3339 lets T and Z be small."""
    merchant = merchant_at(standing_at(PAGE_TIME))
    merchant.tell()
    answer = merchant.call("GET", f"/notifications?periodStart={start}&periodEnd=2023-04-12T02:11:33Z")
    if "-23:59" in start:  # a start after the end
        assert answer.status in (200, 400)
    else:
        assert len(answer.content["messagesResponses"]) == is_in


@pytest.mark.parametrize("name", ["periodStart", "periodEnd"])
@pytest.mark.parametrize("value", [
    "2026-11-20", "", "x", "2026-11-20T10:00:00", "2026-13-20T10:00:00Z", "2026-02-30T10:00:00Z",
    "2026-11-20T25:00:00Z",
    "2026-11-20T10:61:00Z", "1795214568", "2026-11-20T10:00:00.Z",
    "2026-11-20T10:00:00.1234567890123456789012345678901x", "10:00:00Z",
    "2026-11-20T10:00:00Z ", "20261120T100000Z", "99999-01-01T00:00:00Z", "2026-11-20T10:00:00+2:00",
    "2026-11-20T10:00:00+99:00", "-2026-11-20T10:00:00Z",
])
def test_a_time_that_is_none_is_refused(merchant, name, value):
    """4.4, 4.8/13: RFC 3339; only a date is no time."""
    merchant.get("/notifications", **{name: value}).is_refused(name)


def test_a_plus_that_became_a_space_is_refused(merchant):
    """4.8/13: an offset whose + was not escaped arrives as a space: an error that says so, and no other period."""
    merchant.call("GET", f"/notifications?periodStart={stamp(now(hours=-1))[:-1]}+02:00").is_refused("periodStart")


def test_a_missing_end_is_now_and_a_missing_start_thirty_days_ago(merchant):
    """4.8/13: missing one, and missing both."""
    merchant.tell()
    merchant.pending()
    late = stamp(now(days=1))
    start = stamp(now(minutes=-5), 9)
    for query in ({}, {"periodStart": start}, {"periodEnd": late}, {"periodStart": start, "periodEnd": late}):
        answer = merchant.get("/notifications", **query).content
        assert len(answer["messagesResponses"]) == 1, query
    assert merchant.get("/notifications", periodStart=late).status in (200, 400)
    assert merchant.get("/notifications", periodEnd=start).content["messagesResponses"] == []


@pytest.mark.parametrize("ago, is_taken", [
    (timedelta(days=29), True), (timedelta(days=30, minutes=-5), True), (timedelta(days=30, minutes=5), False),
    (timedelta(days=31), False),
    (timedelta(days=365), False), (timedelta(days=365 * 500), False),
])
def test_a_period_starts_within_thirty_days(merchant, ago, is_taken):
    """4.4, 4.7, 4.8/14: more than 30 days ago: 400, code 3."""
    answer = merchant.get("/notifications", periodStart=stamp(datetime.now(timezone.utc) - ago))
    assert answer.content["messagesResponses"] == [] if is_taken else answer.is_refused("periodStart") is None


def test_pages_have_each_message_once_in_order(merchant):
    """4.4: `pageSize`, `pageToken`; order ascending by createdAt, then id."""
    merchant.tell_many(25)
    seen, token = [], {}
    for _ in range(30):
        answer = merchant.get("/notifications", periodEnd="2100-01-01T00:00:00Z", pageSize=4, **token).content
        assert len(answer["messagesResponses"]) <= 4
        seen += carts_of(answer["messagesResponses"])
        if not answer.get("nextPageToken"):
            break
        token = {"pageToken": answer["nextPageToken"]}
    assert seen == list(range(25))


@pytest.mark.parametrize("value", ["0", "-1", "abc", "", "1.5"])
def test_a_page_of_no_size_is_refused(merchant, value):
    """4.4: pageSize is a count."""
    merchant.call("GET", f"/notifications?pageSize={value}").is_refused("pageSize")


@pytest.mark.parametrize("value", ["x", "%00", "evt_0000000000000", "x" * 3000, "-1", "..%2F", "%ff"])
def test_a_page_token_that_is_none_is_refused(merchant, value):
    """4.4: what no answer gave is no pageToken."""
    merchant.tell()
    merchant.call("GET", f"/notifications?pageToken={value}").is_refused("pageToken")


def test_a_page_token_of_another_merchant_shows_nothing_of_it(merchant, other):
    """4.8/11: merchant A cannot list B's messages, by no token."""
    merchant.tell(1), other.tell_many(5), merchant.tell(2)
    foreign = other.get("/notifications", periodEnd="2100-01-01T00:00:00Z", pageSize=1).content["nextPageToken"]
    merchant.tell(99)
    answer = merchant.get("/notifications", periodEnd="2100-01-01T00:00:00Z", pageToken=foreign)
    assert answer.status == 400 or set(carts_of(answer.content["messagesResponses"])) <= {1, 2, 99}


def test_the_filter_by_order_number(merchant):
    """4.4: `merchantOrderNumber`, beside the notification or in the current one."""
    merchant.tell(1, merchantOrderNumber="CART-7")
    publish(merchant.account, "x", {"orderNotification": {"checkoutReference": "CART-2",
        "merchantOrderNumber": "CART-7"}})
    merchant.tell(3, merchantOrderNumber="CART-77")
    merchant.tell(4)
    assert carts_of(merchant.history(merchantOrderNumber="CART-7")) == [1, 2]
    assert merchant.history(merchantOrderNumber="cart-7") == []


@pytest.mark.parametrize("length, is_taken", [(22, True), (23, False)])
def test_an_order_number_has_at_most_22_characters(merchant, length, is_taken):
    """4.4: filter, ≤ 22 characters."""
    answer = merchant.get("/notifications", merchantOrderNumber="x" * length)
    assert answer.content["messagesResponses"] == [] if is_taken else answer.is_refused("merchantOrderNumber") is None


def test_the_filter_by_type(merchant):
    """4.4: NOTIFICATION_TYPE_ORDER, by analogy _TOKEN, _PROFILE."""
    merchant.tell(1)
    publish(merchant.account, "x", {"tokenNotification": {}})
    publish(merchant.account, "x", {"profileNotification": {}})
    for kind, name in (("ORDER", "order"), ("TOKEN", "token"), ("PROFILE", "profile")):
        (message,) = merchant.history(notificationType=f"NOTIFICATION_TYPE_{kind}")
        assert f"{name}Notification" in message
    merchant.get("/notifications", notificationType="ORDER").is_refused("notificationType")


@pytest.mark.parametrize("name, value", [
    ("periodStart", "{now}"), ("periodEnd", "{now}"), ("pageSize", "5"), ("merchantOrderNumber", "x"),
    ("notificationType", "NOTIFICATION_TYPE_ORDER"),
])
def test_a_parameter_of_the_history_given_twice_is_refused(merchant, name, value):
    """4.8/5: given twice."""
    value = quote(value.replace("{now}", stamp(now())))
    merchant.call("GET", f"/notifications?{name}={value}&{name}={value}").is_refused(name)


# Isolation


def test_a_merchant_sees_nothing_of_another(merchant, other):
    """4.8/11: merchant A can neither receive, ack nor list B's messages."""
    merchant.tell(1)
    other.tell(2)
    assert carts_of(merchant.pending()) == [1] and carts_of(other.pending()) == [2]
    assert carts_of(merchant.history()) == [1] and carts_of(other.history()) == [2]
    assert set(ids_of(merchant.pending())).isdisjoint(ids_of(other.pending()))
    assert merchant.ack(*ids_of(other.pending())) == [{"messageIdentifier": id} for id in ids_of(other.pending())]
    assert carts_of(merchant.pending(autoAck="true")) == [1]
    assert carts_of(other.pending()) == [2]


def test_a_foreign_id_fails_like_an_unknown_one(merchant, other):
    """4.3: both are failed entries and nothing else: nobody learns which ids exist."""
    other.tell()
    (foreign,) = ids_of(other.pending())
    answers = [merchant.ack_body({"messageInfos": [{"messageIdentifier": id}]}) for id in (foreign, NOBODYS)]
    assert answers[0].raw.replace(foreign.encode(), b"") == answers[1].raw.replace(NOBODYS.encode(), b"")


def test_ids_cannot_be_guessed_from_their_neighbours(merchant):
    """4.2: a UUID tells nothing of the next one: they do not count."""
    merchant.tell_many(50)
    ids = [int(id.replace("-", ""), 16) for id in ids_of(merchant.pending())]
    gaps = {abs(b - a) for a, b in zip(ids, ids[1:])}
    assert len(gaps) == 49 and min(gaps) > 2 ** 64


# 4.8/20 Other requests


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("method, path", [
    ("POST", "/notifications/receive"), ("PUT", "/notifications/receive"), ("DELETE", "/notifications/receive"),
    ("GET", "/notifications/ack"),
    ("PUT", "/notifications/ack"), ("DELETE", "/notifications"), ("POST", "/notifications"),
    ("PATCH", "/notifications"), ("OPTIONS", "/notifications"),
    ("BREW", "/notifications"),
])
def test_another_method_is_405_or_501(merchant, prefix, method, path):
    """4.6, 4.8/20: POST to receive, GET to ack: 405/501 → code 12."""
    merchant.tell()
    answer = merchant.call(method, prefix + path, b"{}" if method in ("POST", "PUT") else None)
    assert answer.status in (405, 501), answer
    answer.is_status(12)
    if answer.status == 405:
        assert answer.headers["Allow"]
    assert len(merchant.pending()) == 1


@pytest.mark.parametrize("path", [
    "/notifications/unknown", "/v1/checkout/notifications/unknown", "/notifications/receive/more",
    "/notifications/ack/7", "/notifications/Receive",
])
def test_an_unknown_path_is_404(merchant, path):
    """4.6, 4.8/20: unknown path: 404 → code 5."""
    answer = merchant.call("GET", path)
    assert answer.status == 404
    answer.is_status(5)


@pytest.mark.parametrize("path", ["/notifications/receive/", "/notifications/", "/v1/checkout/notifications/receive/",
    "/notifications//receive"])
def test_a_trailing_slash_is_another_path_or_the_same(merchant, path):
    """4.8/20: trailing slash: answered as one or the other, in this dialect's form, and nothing is acknowledged."""
    merchant.tell()
    answer = merchant.call("GET", path + "?autoAck=yes")
    assert answer.status in (200, 400, 404), answer
    if answer.status == 404:
        answer.is_status(5)
    assert len(merchant.pending()) == 1


@pytest.mark.parametrize("path", ["/notifications/receive", "/notifications"])
def test_a_get_with_a_body_acknowledges_nothing(merchant, path):
    """4.8/20: GET with a body: refused in the dialect's form, or not looked at."""
    merchant.tell()
    for body in (b'{"autoAck": true}', b"x" * 100_000):
        answer = merchant.call("GET", path, body)
        assert len(next(iter(answer.content.values()))) == 1 if answer.status == 200 else answer.is_status(3) is None
        assert len(merchant.pending()) == 1


def test_an_acknowledgement_by_query_is_none(merchant):
    """4.3: POST of ids in the body."""
    merchant.tell()
    (id,) = ids_of(merchant.pending())
    merchant.call("POST", f"/notifications/ack?messageIdentifier={id}", b"").is_refused()
    assert len(merchant.pending()) == 1


# 4.7, 4.8/17 What survives


@pytest.mark.promise
def test_what_is_pending_and_what_is_acked_survive_a_crash(server, merchant):
    """4.7, 4.8/17: unacked messages and ack state survive; autoAck is durable once the reply is out; ids stay."""
    merchant.tell_many(6)
    ids = ids_of(merchant.pending())
    handles = [message["messageInfo"]["receiptHandle"] for message in merchant.pending()]
    assert carts_of(merchant.receive(maxNumberMessages=2, autoAck="true").content["messages"]) == [0, 1]
    assert merchant.ack(ids[2]) == []
    server.kill()
    server.start()
    assert ids_of(merchant.pending()) == ids[3:]
    assert merchant.ack_body({"messageInfos": [{"receiptHandle": handles[3]},
        {"messageId": ids[4]}]}).content == {"ackFailedMessages": []}
    assert merchant.ack(ids[0]) == []
    assert carts_of(merchant.pending()) == [5]
    assert carts_of(merchant.history()) == list(range(6))


@pytest.mark.deadline(240)
def test_ten_thousand_are_drained_once_each(server, merchant):
    """4.8/22: publish 10 000, drain by batches of 10 with ack: each id exactly once, memory bounded."""
    merchant.tell_many(10_000)
    seen: list[int] = []
    with server.memory_grows_by_less_than(32 * 1024 * 1024):
        while messages := merchant.receive(maxNumberMessages=10).content["messages"]:
            seen += carts_of(messages)
            assert merchant.ack(*ids_of(messages)) == []
    assert seen == list(range(10_000))


def test_consumers_that_poll_and_ack_at_once_lose_nothing(merchant, pool):
    """4.8/18: several programs of one merchant: each message reaches at least one, and in the end none is left."""
    merchant.tell_many(1000)
    seen, lock = [], threading.Lock()

    def drain() -> None:
        while messages := merchant.receive(maxNumberMessages=20).content["messages"]:
            with lock:
                seen.extend(carts_of(messages))
            assert merchant.ack(*ids_of(messages)) == []

    workers: list[Future] = [pool.submit(drain) for _ in range(6)]
    for worker in workers:
        worker.result()
    assert set(seen) == set(range(1000))


# Setting up


@pytest.mark.parametrize("changes, is_taken", [
    ({"merchant_id": "12345678"}, True), ({"merchant_id": "123456789012"}, True), ({"merchant_id": "1234567"}, False),
    ({"merchant_id": "1234567890123"}, False), ({"merchant_id": "1234567x"}, False), ({"token": ""}, False),
    ({"token": "a b" * 10}, False),
    ({"token": "x" * 4096}, True), ({"token": "x" * 4097}, False), ({"more": 1}, False), ({"token": None}, False),
])
def test_the_limits_of_credentials(account, changes, is_taken):
    """4.1: merchantId of 8 to 12 digits; a token that fits into the header."""
    assert account.put(checkout={"merchant_id": "12345678", "token": TOKEN,
        **changes}).status == (200 if is_taken else 400)


def test_a_merchant_id_belongs_to_one_account(merchant, make_account):
    """4.8/11: otherwise two accounts would share a door."""
    assert make_account("third").put(checkout={"merchant_id": MERCHANT_ID, "token": OTHER_TOKEN}).status in (400, 409)
    assert merchant.receive().status == 200


def test_tokens_are_in_no_answer_and_no_log(server, merchant):
    """Tokens are write-only."""
    merchant.tell()
    seen = [merchant.account.get(), merchant.account.channels(), merchant.account.events(),
        merchant.account.deliveries(),
            merchant.receive(autoAck="x"), merchant.account.put(checkout={"merchant_id": "x", "token": TOKEN})]
    assert not any(TOKEN.encode() in answer.raw for answer in seen)
    assert TOKEN not in server.log()


def test_what_was_published_before_a_crowd_of_other_news_is_found(merchant):
    """4.4: the period's messages, whatever else the account was told."""
    merchant.tell(1)
    publish_many(merchant.account, 1500, "other.news")
    merchant.tell(2)
    assert carts_of(merchant.pending()) == [1, 2]
    seen, query = [], {"periodEnd": "2100-01-01T00:00:00Z"}
    for _ in range(100):
        answer = merchant.get("/notifications", **query).content
        seen += carts_of(answer["messagesResponses"])
        if not answer.get("nextPageToken"):
            break
        query["pageToken"] = answer["nextPageToken"]
    assert seen == [1, 2]
