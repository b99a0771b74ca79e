"""The shopcart dialect, each sentence of its description held against the server from outside.

Each case names its rule by its number in the protocol page. The merchant here knows that page and the standard library;
what the page leaves open is asserted only as far as it must hold in any reading.
"""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Iterator
from urllib.parse import urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from support.answers import Step, redirect
from support.api import Api
from support.certificates import server_context
from support.deliveries import PATIENT, wait_for_attempts, wait_for_delivery
from support.own_time import MovableClock
from support.ports import free_port
from support.receiver import Receiver
from support.server import Server

DEADLINE_S = 30.0
KEY = "0123456789ABCDEF0123456789ABCDEF"
OTHER_KEY = "FEDCBA9876543210FEDCBA9876543210"
NEW_ORDER = re.compile(rb"<NewOrder><Token>([0-9a-f]{32})</Token></NewOrder>")
TEST = re.compile(rb"<Test>Test notification queued at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)</Test>")
KEY_ERROR = '<Response success="false"><Error>Invalid merchant key</Error></Response>'
HREF = "{http://www.w3.org/1999/xlink}href"
RETRIES_SOON = {"first": "200ms", "factor": 2, "max": "10s", "for": "1h", "jitter": 0}
LATE_S = 30.0  # what a busy machine may add to a gap: less than there is between one and the next

pytestmark = pytest.mark.settings(PATIENT)


def shape(raw: bytes) -> str:
    """The document without a prolog or white space between elements, and with the attributes of each tag sorted."""
    text = re.sub(r">\s+<", "><", re.sub(r"^<\?xml[^>]*\?>\s*", "", raw.decode("utf-8"))).strip()
    return re.sub(r"<(\w+)((?: [\w:]+=\"[^\"]*\")+)(/?)>", _sorted_attributes, text)


def _sorted_attributes(tag: re.Match) -> str:
    attributes = sorted(re.findall(r'[\w:]+="[^"]*"', tag[2]))
    return f"<{tag[1]} {' '.join(attributes)}{tag[3]}>"


class Reply:
    """A well-formed document with the root Response, which says of itself whether it went well."""

    def __init__(self, raw: bytes):
        self.raw = raw
        self.root = ElementTree.fromstring(raw)
        assert self.root.tag == "Response" and self.root.get("success") in ("true", "false"), raw
        errors = self.root.findall("Error")
        assert (self.root.get("success") == "false") == (len(errors) == 1), raw
        assert not errors or errors[0].text, raw

    def __repr__(self) -> str:
        return f"Reply({self.raw!r})"

    @property
    def is_success(self) -> bool:
        return self.root.get("success") == "true"

    @property
    def orders(self) -> list[str]:
        assert self.is_success, self
        return [order.text for order in self.root.findall("Orders/Order")]

    @property
    def next(self) -> dict[str, str] | None:
        found = self.root.find("NextRecordSet")
        return None if found is None else {child.tag: child.text for child in found}


@dataclass
class Merchant:
    port: int
    id: str
    key: str

    def post(self, path: str, parameters: str = "", key: str | None = None, **headers: str) -> Reply:
        """As the vendor's own wrapper does it, over curl."""
        body = f"<Request><Key>{self.key if key is None else key}</Key>{parameters}</Request>"
        headers = headers or {"X-POST_DATA_FORMAT": "xml", "Content-Type": "application/x-www-form-urlencoded"}
        return self.exchange("POST", f"/API/{self.id}{path}", body.encode(), headers)

    def get(self, path: str, key_name: str = "key", **parameters: object) -> Reply:
        return self.exchange("GET", f"/API/{self.id}{path}?" + urlencode({key_name: self.key, **parameters}))

    def exchange(self, method: str, target: str, body: bytes | None = None, headers: dict | None = None) -> Reply:
        """The status is 200 for success and failure, and the reply is XML."""
        status, answered, raw = self.raw_exchange(method, target, body, headers)
        assert status == 200, (status, raw)
        assert answered["Content-Type"].lower().replace(" ", "") == "text/xml;charset=utf-8", answered
        return Reply(raw)

    def raw_exchange(self, method: str, target: str, body: bytes | None = None, headers: dict | None = None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


@pytest.fixture
def shop(make_account):
    """The provider's side of merchant 700123."""
    account = make_account("shop")
    account.patch(shopcart={"merchant_id": "700123", "key": KEY}).expect(200)
    return account


@pytest.fixture
def merchant(server, shop) -> Merchant:
    return Merchant(server.port, "700123", KEY)


@pytest.fixture(scope="module")
def door(tmp_path_factory) -> Iterator[Merchant]:
    """A merchant with the one order 90000001, on one server for all cases that leave nothing behind."""
    server = Server(tmp_path_factory.mktemp("door"), {"server": {"auth_failures_max": 1_000_000}})
    server.start()
    shop = Api(server.url, server.admin_key).account("shop")
    shop.put(shopcart={"merchant_id": "700123", "key": KEY}).expect(201)
    order(shop, 90000001)
    yield Merchant(server.port, "700123", KEY)
    code = server.stop()
    server.close()
    assert code == 0 and not server.complaints(), server.log_tail()


@pytest.fixture
def endpoint(receiver):
    return receiver.endpoint("/listener")


def make_hook(shop, url: str, **fields) -> str:
    return shop.make_channel(kind="webhook", dialect="shopcart", url=url, **fields).expect(201)["id"]


def order(shop, id_: object = 90000001, type_: str = "order.created", **data) -> str:
    return shop.publish(type_, {"Id": id_, **data}).expect(202)["id"]


def make_orders(shop, ids) -> None:
    for id_ in ids:
        order(shop, id_)


def token_of(request) -> str:
    found = NEW_ORDER.fullmatch(request.body)
    assert found, request.body
    return found[1].decode()


# 2.2 The push


def test_a_new_order_byte_by_byte(shop, endpoint):
    """2.2, 2.6/1: POST of raw XML: the root, one child, no attributes, no namespace, no space around the token."""
    make_hook(shop, endpoint.url)
    order(shop)
    (request,) = endpoint.wait_for_count(1)
    assert (request.method, request.query) == ("POST", "")
    assert token_of(request)
    assert request.headers["content-type"].lower().replace(" ", "") == "text/xml;charset=utf-8"
    assert int(request.headers["content-length"]) == len(request.body)


def test_the_push_has_nothing_by_which_one_could_call(shop, endpoint):
    """2.2: the token is worthless without merchant id and key: neither is in the push."""
    make_hook(shop, endpoint.url)
    order(shop, SecretPart="only for who pulls")
    (request,) = endpoint.wait_for_count(1)
    said = request.body.replace(token_of(request).encode(), b"")  # by chance a token may have any digits
    everything = repr(request.header_list).encode() + said
    assert KEY.encode() not in everything and b"700123" not in everything and b"only for" not in everything


def test_the_destination_may_be_https(authority, shop):
    """2.2, 5: http in the text, https in the diagram: both."""
    context = server_context(authority.issue("localhost", ["127.0.0.1"]))
    with Receiver(context, name="localhost") as secure:
        secured = secure.endpoint("/listener")
        make_hook(shop, secured.url, tls={"ca": authority.certificate.read_text()})
        order(shop)
        assert token_of(secured.wait_for_count(1)[0])


def test_each_event_has_a_token_of_its_own(shop, endpoint):
    """2.5, 2.6/2: two events for one order: two different tokens; 32 lower-case hex digits with no pattern."""
    make_hook(shop, endpoint.url)
    for _ in range(20):
        order(shop, 90000001)
    tokens = [token_of(request) for request in endpoint.wait_for_count(20)]
    assert len(set(tokens)) == 20
    for place in range(32):
        assert len({token[place] for token in tokens}) > 3, "a digit that hardly changes can be guessed"


def test_two_merchants_have_different_tokens(shop, make_account, receiver):
    """2.5: bound to one merchant."""
    quay = make_account("quay")
    quay.patch(shopcart={"merchant_id": "700124", "key": OTHER_KEY}).expect(200)
    make_hook(shop, receiver.endpoint("/a").url)
    make_hook(quay, receiver.endpoint("/b").url)
    order(shop)
    order(quay)
    requests = receiver.wait_for_count(2)
    assert token_of(requests[0]) != token_of(requests[1])


def _wait_until_delivered(shop, event: str) -> dict:
    return wait_for_delivery(shop, event, lambda delivery: delivery["state"] == "delivered")


SUCCESSES = {
    "empty": Step(200), "text": Step(200, body=b"ERROR"), "binary": Step(200, body=b"\xff\xfe\x00"),
    "long": Step(200, body=b"x" * 300_000), "xml": Step(200, body=KEY_ERROR.encode()),
    "after 100": Step(raw=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("answer", list(SUCCESSES))
def test_200_ends_it_whatever_the_body(server, shop, endpoint, answer):
    """2.2, 2.6/3, 2.6/5: 200 on attempt 1: no second attempt, also after a restart."""
    endpoint.plan(SUCCESSES[answer])
    make_hook(shop, endpoint.url, retry=RETRIES_SOON)
    event = order(shop)
    assert len(_wait_until_delivered(shop, event)["attempts"]) == 1
    server.restart()
    assert shop.event(event).expect(200)["deliveries"][0]["state"] == "delivered"
    second = order(shop)
    _wait_until_delivered(shop, second)
    assert len(endpoint.requests) == 2


FAILURES = {
    "201": Step(201), "202": Step(202), "204": Step(204), "206": Step(206), "226": Step(226),
    "301": redirect("/elsewhere", 301), "302": redirect("/elsewhere"), "307": redirect("/elsewhere", 307),
    "308": redirect("/elsewhere", 308), "304": Step(304), "400": Step(400), "401": Step(401), "404": Step(404),
    "410": Step(410), "500": Step(500), "503": Step(503),
    "closed": Step(raw=b""), "reset": Step(reset="answer"), "half a body": Step(reset="body"),
    "no http": Step(raw=b"200 OK\r\n\r\n"),
}


@pytest.mark.parametrize("answer", list(FAILURES))
def test_anything_but_200_is_tried_again_with_the_same_body(shop, endpoint, receiver, answer):
    """2.2, 2.5, 2.6/5: success is 200, nothing else; no redirect is followed; retried until 200."""
    endpoint.plan(FAILURES[answer], Step(200))
    make_hook(shop, endpoint.url, retry=RETRIES_SOON)
    event = order(shop)
    first, second = endpoint.wait_for_count(2)
    assert token_of(first) == token_of(second)
    _wait_until_delivered(shop, event)
    assert len(endpoint.requests) == 2 and receiver.endpoint("/elsewhere").requests == []


def test_gaps_double_and_then_there_is_silence(shop, endpoint):
    """2.2, 2.6/4: 500, 500, 500, 200: gaps 1, 2, 4 in the schedule's unit, here 0.2 s, then nothing."""
    endpoint.plan(Step(500), Step(500), Step(500), Step(200))
    make_hook(shop, endpoint.url, retry=RETRIES_SOON)
    event = order(shop)
    requests = endpoint.wait_for_count(4)
    gaps = [later.time - earlier.time for earlier, later in zip(requests, requests[1:])]
    assert all(wanted <= gap + 0.02 for wanted, gap in zip((0.2, 0.4, 0.8), gaps)), gaps
    delivery = _wait_until_delivered(shop, event)
    assert delivery["next_attempt_at"] is None and len(delivery["attempts"]) == 4


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _is_gap(seconds: float, wanted_s: float) -> bool:
    """From the beginning of an attempt, which takes its time too."""
    return wanted_s - 0.01 <= seconds < wanted_s + LATE_S


def _fail_and_read_gap(shop, event: str, count: int) -> tuple[float, str]:
    """The gap in seconds that the server plans after its count-th attempt, and the delivery's id."""
    attempts = wait_for_attempts(shop, event, count)
    delivery = wait_for_delivery(shop, event, lambda each: each["next_attempt_at"] and each["attempt_count"] == count)
    return _seconds(delivery["next_attempt_at"]) - _seconds(attempts[-1]["began_at"]), delivery["id"]


def test_by_default_the_gaps_are_minutes_that_double(shop, endpoint):
    """2.2, 2.5, 5: 60 s times 2^(n-2) before attempt n, up to a day. By hand each is called forward, and counted."""
    endpoint.plan(Step(500))
    channel = make_hook(shop, endpoint.url)
    assert shop.channel(channel).expect(200)["timeout_ms"] == 30_000
    event = order(shop)
    for count in range(1, 14):
        gap, delivery = _fail_and_read_gap(shop, event, count)
        assert _is_gap(gap, min(60 * 2 ** (count - 1), 86400)), (count, gap)
        shop.retry(delivery).expect(202)


def test_a_week_without_a_200_ends_it(start_server, endpoint, tmp_path):
    """2.5: 7 days of age, then it is given up; the order can be pulled all the same."""
    endpoint.plan(Step(500))
    clock = MovableClock(tmp_path)
    server = start_server({"send": {**PATIENT["send"], "allow_private": "127.0.0.0/8"}},
                          environment=clock.environment)
    shop = Api(server.url, server.admin_key).account("shop")
    shop.put(shopcart={"merchant_id": "700123", "key": KEY}).expect(201)
    channel = make_hook(shop, endpoint.url)
    event = order(shop)
    for days, state in ((6.9, "pending"), (0.2, "failed")):
        count = len(wait_for_attempts(shop, event, 1))
        clock.advance(days * 86400)
        server.restart()
        wait_for_attempts(shop, event, count + 1)
        wait_for_delivery(shop, event, lambda delivery, state=state: delivery["state"] == state)
    assert shop.channel(channel).expect(200)["enabled"]
    assert Merchant(server.port, "700123", KEY).post(f"/Orders/{token_of(endpoint.requests[0])}").is_success


def test_the_doubling_goes_on_after_a_restart(server, shop, endpoint):
    """2.6/7: gap n+1 follows gap n; it does not start again at 1 min."""
    endpoint.plan(Step(500))
    make_hook(shop, endpoint.url)
    event = order(shop)
    for count, end in ((1, "stop"), (2, "kill"), (3, "stop")):
        gap, delivery = _fail_and_read_gap(shop, event, count)
        assert _is_gap(gap, 60 * 2 ** (count - 1)), (count, gap)
        getattr(server, end)()
        server.start()
        assert abs(_fail_and_read_gap(shop, event, count)[0] - gap) < 0.01
        shop.retry(delivery).expect(202)
    assert _is_gap(_fail_and_read_gap(shop, event, 4)[0], 480)


@pytest.mark.parametrize("fault", ["refused", "name", "tls", "timeout"])
def test_what_never_reaches_the_listener_counts_as_an_attempt(shop, receiver, fault):
    """2.6/6: connection refused, DNS failure, TLS failure, timeout: each doubles the gap."""
    receiver.endpoint("/silent").plan(Step(hang="answer"))
    urls = {
        "refused": f"http://127.0.0.1:{free_port()}/", "name": "http://no-such-host.invalid/",
        "tls": receiver.url.replace("http:", "https:") + "/", "timeout": receiver.endpoint("/silent").url,
    }
    make_hook(shop, urls[fault], timeout_ms=300)
    event = order(shop)
    for count in (1, 2, 3):
        gap, delivery = _fail_and_read_gap(shop, event, count)
        assert _is_gap(gap, 60 * 2 ** (count - 1)), (count, gap)
        shop.retry(delivery).expect(202)
    wait_for_attempts(shop, event, 4)
    receiver.stop()  # nothing of it is read any more
    receiver.complaints.clear()  # a TLS handshake is no HTTP


def test_a_slow_200_counts_until_the_timeout(shop, endpoint):
    """2.6/19: under the timeout."""
    endpoint.plan(Step(200, delay_s=0.7))
    make_hook(shop, endpoint.url, retry=RETRIES_SOON, timeout_ms=50_000)
    event = order(shop)
    assert [each["outcome"] for each in _wait_until_delivered(shop, event)["attempts"]] == ["delivered"]


def test_a_200_after_the_timeout_does_not_count(shop, receiver, endpoint):
    """2.6/19: over the timeout: a duplicate is legal, a loss is not."""
    gate = receiver.gate()
    endpoint.plan(Step(200, gate=gate))
    make_hook(shop, endpoint.url, retry=RETRIES_SOON, timeout_ms=1000)
    event = order(shop)
    wait_for_attempts(shop, event, 1)
    gate.open()  # from here on it answers in time, but for what is held up by others
    *late, last = [each["outcome"] for each in _wait_until_delivered(shop, event)["attempts"]]
    assert late == ["timeout"] * len(late) and late and last == "delivered"


def test_a_new_url_counts_from_the_next_attempt_on(shop, receiver):
    """2.6/18: the notification URL is changed while retries are pending."""
    old, new = receiver.endpoint("/old").plan(Step(500)), receiver.endpoint("/new")
    channel = make_hook(shop, old.url)
    event = order(shop)
    delivery = wait_for_delivery(shop, event, lambda each: each["next_attempt_at"])
    shop.patch_channel(channel, url=new.url).expect(200)
    shop.retry(delivery["id"]).expect(202)
    assert token_of(new.wait_for_count(1)[0]) == token_of(old.requests[0])
    assert len(old.requests) == 1


def test_first_attempts_go_in_order_and_a_failure_holds_up_nobody(shop, endpoint):
    """2.5: first attempts in order, retries independent."""
    endpoint.plan(Step(500), Step(200))
    make_hook(shop, endpoint.url, max_in_flight=1)
    events = [order(shop, 90000000 + number) for number in range(5)]
    for event in events[1:]:
        _wait_until_delivered(shop, event)
    assert len(endpoint.requests) == 5


@pytest.mark.settings({"shopcart.types": {
    "order.created": "NewOrder Token", "order.status": "OrderStatusChange Id",
    "recurring.status": "RecurringOrderStatusChange Id",
}})
def test_later_types_have_their_own_root_and_an_id(shop, endpoint):
    """2.2, 2.6/9: the root is the event type, in its own case; the set is open."""
    make_hook(shop, endpoint.url, max_in_flight=1)  # on one connection none overtakes another
    order(shop, 90000001)
    order(shop, 90000001, "order.status")
    order(shop, "a<&b", "recurring.status")
    bodies = [request.body for request in endpoint.wait_for_count(3)]
    assert NEW_ORDER.fullmatch(bodies[0])
    assert bodies[1] == b"<OrderStatusChange><Id>90000001</Id></OrderStatusChange>"
    assert bodies[2] == b"<RecurringOrderStatusChange><Id>a&lt;&amp;b</Id></RecurringOrderStatusChange>"


# 2.3 The pull: the two ways to call


def pushed_token(shop, endpoint, **data) -> str:
    make_hook(shop, endpoint.url)
    order(shop, **data)
    return token_of(endpoint.wait_for_count(1)[0])


def test_the_flow_from_event_to_detail(merchant, shop, endpoint):
    """2.4: push; the consumer reads root and token, pulls with id, key and token, checks success, uses ShippingInfo."""
    token = pushed_token(shop, endpoint, ShippingInfo={"ShippingMethodName": "Ground", "ShippingAmount": "9.90"})
    reply = merchant.post(f"/Orders/{token}/READ")
    assert reply.is_success
    assert reply.root.findtext("OrderInfo/ShippingInfo/ShippingMethodName") == "Ground"


def test_the_detail_byte_by_byte(merchant, shop):
    """2.3: the sample's OrderInfo, but for ClientId's link (see below), with its namespaces, numbers as published."""
    text = ('{"Id": 90000002, "MerchantId": 700123, "OrderStatusType": "Accepted", "GrandTotal": 49.90, "LineItems": '
            '[{"ProductId": 31, "Sku": "ROPE-10", "Quantity": 2, "UnitPrice": 20.00}], '
            '"ShippingInfo": {"ShippingMethodName": "Ground", "ShippingAmount": 9.90}}')
    shop.publish("order.created", data_text=text).expect(202)
    shown = shape(merchant.post("/Orders/90000002/READ").raw)
    head, _, inner = shown.partition("<OrderInfo ")
    assert head == '<Response success="true" xmlns:xlink="http://www.w3.org/1999/xlink">'
    attributes, _, inner = inner.partition(">")
    assert attributes == ('xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
                          'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"')
    for part in ("<Id>90000002</Id>", "<MerchantId>700123</MerchantId>", "<OrderStatusType>Accepted</OrderStatusType>",
                 "<GrandTotal>49.90</GrandTotal>",
                 "<LineItems><LineItemInfo><ProductId>31</ProductId><Sku>ROPE-10</Sku><Quantity>2</Quantity>"
                 "<UnitPrice>20.00</UnitPrice></LineItemInfo></LineItems>",
                 "<ShippingInfo><ShippingMethodName>Ground</ShippingMethodName><ShippingAmount>9.90</ShippingAmount>"
                 "</ShippingInfo>"):
        assert inner.count(part) == 1, (part, inner)


@pytest.mark.parametrize("headers", [
    {"X-POST_DATA_FORMAT": "xml", "Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "text/xml"},
    {"X-POST_DATA_FORMAT": "xml"}, {"Content-Type": "application/xml; charset=utf-8"}, {"Content-Type": "text/plain"},
    {"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Type": "application/json"},
])
def test_a_post_is_read_whatever_its_content_type(door, headers):
    """2.3: do not insist on a content type."""
    assert door.post("/Orders/LIST", "", None, **headers).orders == ["90000001"]


@pytest.mark.parametrize("body", [
    '<?xml version="1.0" encoding="UTF-8"?>\n<Request>\n  <Key>{key}</Key>\n</Request>\n',
    "<Request><Key>{key}</Key></Request>",
    "\ufeff<Request><Key>{key}</Key></Request>", "<Request><Key><![CDATA[{key}]]></Key></Request>",
    "<Request><Other><Key>x</Key></Other><Key>{key}</Key><!-- c --></Request>", "<request><key>{key}</key></request>",
    "<REQUEST><KEY>{key}</KEY></REQUEST>", "<Request a='1'><Key b='2'>{key}</Key></Request>",
])
def test_the_body_may_be_any_xml_that_says_the_key(door, body):
    """2.3, 2.6/9: prolog, white space, CDATA, and names in other cases on our input."""
    reply = door.exchange("POST", "/API/700123/Orders/LIST", body.format(key=KEY).encode())
    assert reply.orders == ["90000001"]


def test_get_and_post_answer_the_same(merchant, shop, endpoint):
    """2.3, 2.6/13: GET with `key`, with `KEY`, and POST with <Key>."""
    token = pushed_token(shop, endpoint)
    for path in (f"/Orders/{token}/READ", f"/Orders/{token}", "/Orders/90000001", "/Orders/LIST", "/Orders/COUNT", "",
                 "/Orders", "/Errors/LIST"):
        by_post = merchant.post(path)
        assert by_post.is_success, (path, by_post)
        assert [merchant.get(path, name).raw for name in ("key", "KEY", "Key")] == [by_post.raw] * 3


def test_a_key_only_in_the_query_of_a_post_is_taken_or_not_each_time_alike(merchant, shop):
    """2.6/13: accepted or refused consistently, with an empty body, with a body without a key, with a form."""
    order(shop)
    target = f"/API/700123/Orders/LIST?key={KEY}"
    replies = [merchant.exchange("POST", target, body) for body in (b"", b"<Request/>", b"<Request></Request>")]
    assert len({reply.is_success for reply in replies}) == 1
    assert all(merchant.exchange("POST", target, b"").raw == replies[0].raw for _ in range(3))


@pytest.mark.parametrize("path", [
    "/API/700123/Orders/LIST", "/api/700123/orders/list", "/API/700123/ORDERS/LIST", "/Api/700123/oRdErS/LiSt",
    "/API/700123/Orders/list",
])
def test_path_words_are_matched_without_case(door, path):
    """2.3: used in both cases by clients."""
    assert door.exchange("GET", f"{path}?key={KEY}").orders == ["90000001"]
    assert door.exchange("POST", path, f"<Request><Key>{KEY}</Key></Request>".encode()).orders == ["90000001"]


def test_read_may_be_left_off_and_comes_in_any_case(merchant, shop, endpoint):
    """2.3: /READ may be left off; the token takes the place of the order id."""
    token = pushed_token(shop, endpoint)
    replies = {merchant.post(f"/Orders/{name}{read}").raw
               for name in (token, "90000001") for read in ("/READ", "/read", "/Read", "")}
    assert len(replies) == 1 and Reply(*replies).is_success


def test_the_keys_letters_count_in_either_case(door):
    """2.3: 32 hex characters, case not significant."""
    for key in (KEY.lower(), KEY.upper(), KEY.swapcase()):
        assert door.post("/Orders/LIST", key=key).orders == ["90000001"]
        assert door.exchange("GET", f"/API/700123/Orders/LIST?key={key}").orders == ["90000001"]


# 2.3 The pull: what there is


def test_the_groups_and_their_methods_are_listed(door):
    """2.3: /API/<mid> lists the groups, /API/<mid>/Orders the methods of one; both as success."""
    groups = door.post("")
    assert groups.is_success and {"Orders", "Notifications", "Errors"} <= set(_words(groups))
    methods = door.post("/Orders")
    assert methods.is_success and {"LIST", "COUNT", "READ"} <= set(_words(methods))


def _words(reply: Reply) -> list[str]:
    return [text.strip() for element in reply.root.iter() for text in (element.text or "", element.tag) if text.strip()]


def test_the_errors_are_listed_and_no_other_is_given(door):
    """2.3: /Errors/LIST: what a failed call says is in it."""
    texts = " ".join(_words(door.post("/Errors/LIST")))
    failures = [door.post("/Orders/1/READ"), door.post("/Orders/LIST", key="0" * 32), door.post("/NoGroup/LIST"),
                door.post("/Orders/LIST", "<LimitCount>abc</LimitCount>"), door.post("/Orders/1/NoMethod")]
    for reply in failures:
        assert not reply.is_success and reply.root.findtext("Error") in texts, reply


@pytest.mark.parametrize("path", [
    "/NoGroup", "/NoGroup/LIST", "/Orders/1/WRITE", "/Orders/1/READ/more", "/Notifications/NONE",
])
def test_what_there_is_not_fails_as_any_call_does(door, path):
    """2.3: HTTP 200, success="false", an Error."""
    assert not door.post(path).is_success
    assert not door.get(path).is_success


def test_a_list_byte_by_byte(merchant, shop):
    """2.3: the sample: NextRecordSet with what to send next, then Orders, newest first, each with its link."""
    make_orders(shop, range(90000001, 90000005))
    reply = merchant.post("/Orders/LIST", "<LimitCount>2</LimitCount>")
    url = f"http://127.0.0.1:{merchant.port}/API/700123/Orders"
    assert shape(reply.raw) == (
        '<Response success="true" xmlns:xlink="http://www.w3.org/1999/xlink">'
        "<NextRecordSet><LimitCount>2</LimitCount><LimitOffset>2</LimitOffset></NextRecordSet><Orders>"
        f'<Order xlink:href="{url}/90000004">90000004</Order><Order xlink:href="{url}/90000003">90000003</Order>'
        "</Orders></Response>")


def test_a_link_leads_to_the_order(merchant, shop):
    """2.3: xlink:href is the address of what it stands at."""
    order(shop, "A/1 ř?&")
    (found,) = merchant.post("/Orders/LIST").root.findall("Orders/Order")
    assert found.text == "A/1 ř?&"
    target = found.get(HREF).partition(f":{merchant.port}")[2]
    assert merchant.exchange("GET", f"{target}?key={KEY}").root.findtext("OrderInfo/Id") == "A/1 ř?&"


def test_the_last_part_has_no_next(merchant, shop):
    """2.3, 2.6/14: NextRecordSet only when more records exist; beyond the end the list is empty."""
    make_orders(shop, range(90000001, 90000005))
    parts = ((0, 3, True), (1, 3, False), (2, 3, False), (0, 4, False), (4, 3, False), (100000, 1, False))
    for offset, count, more in parts:
        reply = merchant.get("/Orders/LIST", LimitCount=count, LimitOffset=offset)
        assert (reply.next is not None) == more
        assert len(reply.orders) == max(0, min(count, 4 - offset))
    assert merchant.get("/Orders/LIST", LimitOffset=4).root.find("Orders") is not None


def test_next_repeats_all_parameters_and_leads_through_the_list(merchant, shop):
    """2.3: count, offset, dates, sort; each order exactly once."""
    for number in range(7):
        order(shop, 90000001 + number, GrandTotal=f"{number % 3}.50")
    now = datetime.now(timezone.utc)
    parameters = {"LimitCount": "2", "SortColumn": "GrandTotal", "SortOrder": "DESC",
                  "LimitStartDate": (now - timedelta(days=1)).strftime("%m/%d/%Y"),
                  "LimitEndDate": (now + timedelta(days=1)).strftime("%m/%d/%Y %H:%M:%S")}
    found, offset, wanted = [], 0, parameters
    while wanted:
        reply = merchant.post("/Orders/LIST", "".join(f"<{name}>{value}</{name}>" for name, value in wanted.items()))
        found += reply.orders
        offset += 2
        assert reply.next in (None, {**parameters, "LimitOffset": str(offset)})
        wanted = reply.next
    assert len(found) == 7 and set(found) == {str(90000001 + number) for number in range(7)}
    totals = [(int(id_) - 90000001) % 3 for id_ in found]
    assert totals == sorted(totals, reverse=True)


def test_amounts_are_sorted_as_numbers(merchant, shop):
    """2.3: SortColumn GrandTotal, SortOrder ASC and DESC."""
    for id_, total in ((1, "9.90"), (2, "10.00"), (3, "-1"), (4, "0.5"), (5, "100")):
        order(shop, id_, GrandTotal=total)
    assert merchant.get("/Orders/LIST", SortColumn="GrandTotal", SortOrder="ASC").orders == ["3", "4", "1", "2", "5"]
    assert merchant.get("/Orders/LIST", SortColumn="grandtotal", SortOrder="desc").orders == ["5", "2", "1", "4", "3"]


def test_count_counts(merchant, shop):
    """2.3: COUNT, of what LIST lists."""
    assert "0" in _words(merchant.post("/Orders/COUNT"))
    make_orders(shop, range(1, 4))
    assert "3" in _words(merchant.post("/Orders/COUNT"))
    assert "0" in _words(merchant.post("/Orders/COUNT", "<LimitStartDate>01/01/2099</LimitStartDate>"))


@pytest.mark.parametrize("count, most", [("1", 1), ("100", 100), ("99", 99)])
def test_a_limit_up_to_a_hundred_is_kept(merchant, shop, count, most):
    """2.3, 2.6/14: LimitCount at most 100."""
    make_orders(shop, range(1, 103))
    assert len(merchant.get("/Orders/LIST", LimitCount=count).orders) == most


def test_no_list_has_more_than_a_hundred(merchant, shop):
    """2.3, 2.6/14: without a count, and with one above: never more than 100."""
    make_orders(shop, range(1, 103))
    assert len(merchant.get("/Orders/LIST").orders) == 100
    for count in ("101", "1000", "4294967297", "18446744073709551617"):
        reply = merchant.get("/Orders/LIST", LimitCount=count)
        assert not reply.is_success or len(reply.orders) <= 100


@pytest.mark.parametrize("name, value", [
    ("LimitCount", "-1"), ("LimitCount", "abc"), ("LimitCount", "1.5"), ("LimitCount", "1 2"), ("LimitOffset", "-1"),
    ("LimitOffset", "abc"), ("LimitOffset", "99999999999999999999"), ("SortOrder", "UP"), ("SortColumn", "NoSuch"),
    ("SortColumn", "GrandTotal; DROP TABLE x"), ("LimitStartDate", "02/30/2026"), ("LimitStartDate", "2026-01-31"),
    ("LimitStartDate", "13/01/2026"), ("LimitStartDate", "01/32/2026"), ("LimitEndDate", "01/01/2026 25:00:00"),
    ("LimitEndDate", "01/01/2026 10:60:00"), ("LimitEndDate", "1"), ("LimitEndDate", "' OR 1=1"),
])
def test_a_wrong_parameter_is_an_error(door, name, value):
    """2.6/14, 2.6/15: not a number, not a date, 02/30: success="false", by both ways."""
    assert not door.get("/Orders/LIST", **{name: value}).is_success
    assert not door.post("/Orders/LIST", f"<{name}>{escape(value)}</{name}>").is_success


def test_a_count_of_zero_is_no_list_of_everything(door):
    """2.6/14: an error, or nothing."""
    reply = door.get("/Orders/LIST", LimitCount=0)
    assert not reply.is_success or reply.orders == []


def test_dates_choose_with_and_without_a_time(start_server, tmp_path):
    """2.3, 2.6/15: MM/dd/yyyy with optional HH:mm:ss; end before start is empty or an error."""
    clock = MovableClock(tmp_path)
    clock.set(datetime(2026, 1, 31, 23, 30, 0, tzinfo=timezone.utc))
    server = start_server(environment=clock.environment)
    shop = Api(server.url, server.admin_key).account("shop")
    shop.put(shopcart={"merchant_id": "700123", "key": KEY}).expect(201)
    merchant = Merchant(server.port, "700123", KEY)
    order(shop, 1)
    clock.set(datetime(2026, 2, 1, 12, 0, 0, tzinfo=timezone.utc))
    order(shop, 2)
    clock.set(datetime(2026, 2, 2, 0, 0, 30, tzinfo=timezone.utc))
    order(shop, 3)

    def listed(**dates: str) -> list[str]:
        return merchant.get("/Orders/LIST", **dates).orders

    assert listed(LimitStartDate="02/01/2026") == ["3", "2"]
    assert listed(LimitStartDate="02/01/2026 12:00:30") == ["3"]
    assert listed(LimitEndDate="01/31/2026 23:59:59") == ["1"]
    assert listed(LimitStartDate="01/31/2026 23:29:59", LimitEndDate="02/01/2026 11:59:59") == ["1"]
    assert listed(LimitStartDate="02/02/2026 00:00:00", LimitEndDate="02/02/2026 00:00:59") == ["3"]
    assert listed(LimitStartDate="02/29/2028") == []
    backwards = merchant.get("/Orders/LIST", LimitStartDate="02/02/2026", LimitEndDate="01/31/2026")
    assert not backwards.is_success or backwards.orders == []


# 2.3, 2.6 Failures


@pytest.mark.settings({"server": {"auth_failures_max": 1_000_000}})
def test_every_fault_of_the_key_has_one_and_the_same_answer(merchant, shop, make_account, endpoint):
    """2.5, 2.6/11: wrong, another merchant's, missing, empty, of no merchant: no difference to the sample's failure."""
    make_account("quay").patch(shopcart={"merchant_id": "700124", "key": OTHER_KEY}).expect(200)
    token = pushed_token(shop, endpoint)
    for path in (f"/Orders/{token}/READ", "/Orders/LIST", "/Orders/1/READ", "", "/NoGroup/LIST", "/Notifications/TEST"):
        replies = [merchant.post(path, key=key) for key in (OTHER_KEY, "0" * 32, "", "x", KEY[:-1], KEY + "0", "'--")]
        replies += [merchant.exchange("GET", f"/API/700123{path}"), merchant.exchange("GET", f"/API/700123{path}?key=")]
        replies += [Merchant(merchant.port, id_, KEY).post(path)
                    for id_ in ("700124", "999999", "0700123", "x", "7" * 30)]
        replies += [Merchant(merchant.port, id_, "0" * 32).post(path) for id_ in ("000000", "999999", "0")]
        assert {shape(reply.raw) for reply in replies} == {KEY_ERROR}, path
    assert len(endpoint.requests) == 1  # no test notification was queued


def test_a_token_is_of_one_merchant(merchant, shop, make_account, endpoint):
    """2.5, 2.6/11: with another merchant's id and right key a token is as unknown as any other."""
    quay_account = make_account("quay")
    quay_account.patch(shopcart={"merchant_id": "700124", "key": OTHER_KEY}).expect(200)
    quay = Merchant(merchant.port, "700124", OTHER_KEY)
    token = pushed_token(shop, endpoint)
    assert merchant.post(f"/Orders/{token}/READ").is_success
    unknown = quay.post(f"/Orders/{'0' * 32}/READ")
    assert not unknown.is_success
    assert quay.post(f"/Orders/{token}/READ").raw == quay.post("/Orders/90000001/READ").raw == unknown.raw


@pytest.mark.parametrize("name", [
    "0" * 32, "1", "-1", "0", "..%2f..%2fv1", "%2e%2e", "x" * 3000, "a'%20OR%20'1'='1", "evt_000", "%25",
])
def test_no_such_order_is_one_answer_whatever_was_asked_for(door, name):
    """2.6/11: unknown tokens and ids, and attempts at something else: success="false", no difference to be seen."""
    expected = door.post(f"/Orders/{'f' * 32}/READ")
    assert not expected.is_success
    assert door.post(f"/Orders/{name}/READ").raw == expected.raw
    assert door.exchange("GET", f"/API/700123/Orders/{name}?key={KEY}").raw == expected.raw


@pytest.mark.parametrize("name", ["%00", "%ff%fe", "%", "%zz", "a%00b"])
def test_what_cannot_be_an_id_fails_as_any_call_does(door, name):
    """2.6/11: success="false"; a path that is no text tells nothing about orders."""
    assert not door.post(f"/Orders/{name}/READ").is_success


def test_an_altered_token_is_unknown(merchant, shop, endpoint):
    """2.5: from a CSPRNG: none can be made from another."""
    token = pushed_token(shop, endpoint)
    altered = [token[:place] + ("0" if token[place] != "0" else "1") + token[place + 1 :] for place in range(32)]
    altered += [token[:-1], token + "0", token[::-1], token[1:] + token[0]]
    assert not any(merchant.post(f"/Orders/{each}/READ").is_success for each in altered if each != token)


@pytest.mark.parametrize("path", [
    "/API/700123/Orders//READ", "/API/700123/Orders/../Orders/LIST", "/API/700123/../../v1/accounts",
    "/API//Orders/LIST", "/API/700123/Orders/../../700124/Orders/LIST",
])
def test_empty_and_dotted_paths_lead_nowhere(door, path):
    """2.6/11: an empty token, `../`: no order, no list, nothing of another's."""
    status, _, raw = door.raw_exchange("POST", path, f"<Request><Key>{KEY}</Key></Request>".encode())
    assert status != 200 or not Reply(raw).is_success, (status, raw)


def test_a_token_is_read_again_and_again(server, merchant, shop, endpoint):
    """2.5, 2.6/12: the same answer each time, also after a restart, and after the order has changed."""
    token = pushed_token(shop, endpoint, OrderStatusType="Pending")
    first = merchant.post(f"/Orders/{token}/READ")
    assert merchant.post(f"/Orders/{token}/READ").raw == first.raw and first.is_success
    order(shop, OrderStatusType="Accepted")
    server.restart()
    assert merchant.post(f"/Orders/{token}/READ").raw == first.raw
    assert merchant.post("/Orders/90000001/READ").root.findtext("OrderInfo/OrderStatusType") == "Accepted"


def test_the_token_can_be_pulled_before_its_push_is_answered(merchant, shop, receiver, endpoint):
    """2.4: the event is stored before it is told: a consumer that pulls from within its listener gets it."""
    gate = receiver.gate()
    endpoint.plan(Step(200, gate=gate))
    token = pushed_token(shop, endpoint)
    assert merchant.post(f"/Orders/{token}/READ").is_success
    gate.open()


NASTY = "a&b<c>\"d'e]]>f řž 𝄞😀 \u00a0\t\r\nend"


def test_any_text_gives_well_formed_xml(merchant, shop):
    """2.6/16: `&`, `<`, quotes, `]]>` and non-ASCII come back as they were."""
    order(shop, Comments=NASTY, Inner={"Text": NASTY}, List=[NASTY, {"x": NASTY}])
    reply = merchant.post("/Orders/90000001/READ")
    info = reply.root.find("OrderInfo")
    assert info.findtext("Comments") == NASTY and info.findtext("Inner/Text") == NASTY
    assert sum(element.text == NASTY for element in info.iter()) == 4


def test_any_names_and_control_characters_give_well_formed_xml(merchant, shop):
    """2.6/16: whatever the data: Reply parses it."""
    data = {"Id": 1, "1st": "a", "a b": "b", "<x>": "c", "": "d", "ř": "e", "xmlns": "f", "xlink:href": "g",
            "xml:lang": "h", "ctl": "\u0000\u0001\u001f\ufffe", "null": None, "yes": True, "deep": [[["x"]], []],
            "long": "9" * 400}
    shop.publish("order.created", data).expect(202)
    info = merchant.post("/Orders/1/READ").root.find("OrderInfo")
    assert info.findtext("long") == "9" * 400 and "".join(info.itertext()).startswith("700123")


@pytest.mark.parametrize("data", ["null", "1", '"text"', "[]", "[1, 2]", "{}", "true", '"<a>&"'])
def test_data_that_is_no_order_can_be_read_all_the_same(merchant, shop, endpoint, data):
    """2.6/16: well-formed whatever was published."""
    make_hook(shop, endpoint.url)
    shop.publish("order.created", data_text=data).expect(202)
    assert merchant.post(f"/Orders/{token_of(endpoint.wait_for_count(1)[0])}/READ").is_success


# 2.3, 2.6 What comes in as XML


BOMB = ('<!DOCTYPE Request [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi")) + "]>")


@pytest.mark.parametrize("body", [
    BOMB + "<Request><Key>KEY</Key><X>&i;</X></Request>",
    '<!DOCTYPE Request SYSTEM "http://127.0.0.1:PORT/x.dtd"><Request><Key>KEY</Key></Request>',
    '<!DOCTYPE Request [<!ENTITY x SYSTEM "http://127.0.0.1:PORT/x">]><Request><Key>&x;KEY</Key></Request>',
    '<!DOCTYPE Request [<!ENTITY k "KEY">]><Request><Key>&k;</Key></Request>',
    "<Request><Key>KEY</Key>", "<Request><Key>KEY</Request>", "nonsense", "{}", "\0", "<Other><Key>KEY</Key></Other>",
    "<Request>" + "<a>" * 5000 + "</a>" * 5000 + "<Key>KEY</Key></Request>", "<Request><Key>KEY</Key></Request><x/>",
    '<?xml version="1.0" encoding="UTF-16"?><Request><Key>KEY</Key></Request>',
    "<Request><Key>\udcffKEY</Key></Request>",
], ids=["bomb", "outer subset", "fetched entity", "entity", "no end", "wrong end", "words", "json", "nul", "other root",
        "deep", "two roots", "utf-16", "bad utf-8"])
def test_a_body_that_is_no_request_is_refused_unread(door, receiver, body):
    """2.6/17: entities and DTDs are never expanded, nothing is fetched; broken XML is an error, not a crash."""
    text = body.replace("KEY", KEY).replace("PORT", str(receiver.port))
    reply = door.exchange("POST", "/API/700123/Orders/LIST", text.encode("utf-8", "surrogateescape"))
    assert not reply.is_success and len(reply.raw) < 1000
    assert receiver.connections_made == 0
    assert door.post("/Orders/LIST").orders == ["90000001"]


def test_a_huge_body_is_refused(door):
    """2.6/17: every length has its limit; the answer is an error, whichever its status."""
    body = b"<Request><Key>" + KEY.encode() + b"</Key>" + b"<x>y</x>" * 500_000 + b"</Request>"
    try:
        status, _, raw = door.raw_exchange("POST", "/API/700123/Orders/LIST", body)
    except (BrokenPipeError, ConnectionResetError):
        return  # it did not wait for the rest
    assert status == 413 or not Reply(raw).is_success


# 2.2, 2.3 Test notifications


def test_a_test_is_queued_at_once_and_pushed(merchant, shop, endpoint):
    """2.2, 2.3, 2.5, 2.6/8: TEST answers <Response success="true"/>; the text is fixed words and a time in UTC."""
    make_hook(shop, endpoint.url)
    before = datetime.now(timezone.utc).replace(microsecond=0)
    assert shape(merchant.post("/Notifications/TEST").raw) in (
        '<Response success="true"/>', '<Response success="true"></Response>')
    (request,) = endpoint.wait_for_count(1)
    found = TEST.fullmatch(request.body)
    assert found, request.body
    queued = datetime.strptime(found[1].decode(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    assert before <= queued <= datetime.now(timezone.utc)


@pytest.mark.parametrize("word", ["Notifications/TEST", "notifications/test", "NOTIFICATIONS/Test"])
def test_test_is_asked_for_by_both_ways_and_in_any_case(merchant, shop, endpoint, word):
    """2.3: the two ways are equivalent, path words have no case."""
    make_hook(shop, endpoint.url)
    assert merchant.get(f"/{word}").is_success and merchant.post(f"/{word}").is_success
    assert all(TEST.fullmatch(request.body) for request in endpoint.wait_for_count(2))


def test_the_retry_of_a_test_has_the_identical_text(server, merchant, shop, endpoint):
    """2.2, 2.6/8: the time is that of queueing, also after a restart, seconds later."""
    endpoint.plan(Step(500), Step(500), Step(200))
    make_hook(shop, endpoint.url, retry=["0s", "1100ms", "1100ms"])
    assert merchant.post("/Notifications/TEST").is_success
    endpoint.wait_for_count(1)
    server.restart()
    assert len({request.body for request in endpoint.wait_for_count(3)}) == 1


def test_a_test_without_a_url_is_a_failure(door):
    """2.5: TEST without a notification URL: success="false"."""
    assert not door.post("/Notifications/TEST").is_success


def test_a_test_with_a_disabled_url_is_a_failure_too(merchant, shop, endpoint):
    """2.5: nothing would come."""
    channel = make_hook(shop, endpoint.url)
    shop.patch_channel(channel, enabled=False).expect(200)
    assert not merchant.post("/Notifications/TEST").is_success


def test_a_test_is_no_order(merchant, shop, endpoint):
    """2.2: it has no token, and is neither listed nor counted."""
    make_hook(shop, endpoint.url)
    merchant.post("/Notifications/TEST")
    endpoint.wait_for_count(1)
    assert merchant.post("/Orders/LIST").orders == [] and "0" in _words(merchant.post("/Orders/COUNT"))


def test_a_merchant_sees_only_its_own_orders(merchant, shop, make_account):
    """2.5, 2.6/11: lists and details are of one merchant, also where two have one order id."""
    quay_account = make_account("quay")
    quay_account.patch(shopcart={"merchant_id": "700124", "key": OTHER_KEY}).expect(200)
    quay = Merchant(merchant.port, "700124", OTHER_KEY)
    order(shop, 1, Comments="mine")
    order(quay_account, 1, Comments="yours")
    order(quay_account, 2)
    assert merchant.post("/Orders/LIST").orders == ["1"]
    assert merchant.post("/Orders/1").root.findtext("OrderInfo/Comments") == "mine"
    assert quay.post("/Orders/1").root.findtext("OrderInfo/Comments") == "yours"
    assert not merchant.post("/Orders/2").is_success


def test_other_methods_carry_nothing_out(merchant, shop, endpoint):
    """2.3: two ways to call, GET and POST; by others nothing happens."""
    make_hook(shop, endpoint.url)
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        status, _, raw = merchant.raw_exchange(method, f"/API/700123/Notifications/TEST?key={KEY}")
        assert status >= 400 or not Reply(raw).is_success, method
    order(shop)
    assert token_of(endpoint.wait_for_count(1)[0]) and len(endpoint.requests) == 1


def test_a_new_key_counts_at_once_and_the_old_one_no_more(merchant, shop):
    """2.3: the key belongs to every call."""
    shop.patch(shopcart={"merchant_id": "700123", "key": OTHER_KEY}).expect(200)
    assert shape(merchant.post("/Orders/LIST").raw) == KEY_ERROR
    assert Merchant(merchant.port, "700123", OTHER_KEY).post("/Orders/LIST").is_success


def test_orders_that_arrive_while_a_list_is_read_in_ascending_order_are_listed_once(merchant, shop):
    """2.3: the parts of a list fit together."""
    make_orders(shop, range(1, 8))
    found: list[str] = []
    wanted: dict | None = {"LimitCount": "3", "SortOrder": "ASC"}
    while wanted:
        reply = merchant.get("/Orders/LIST", **wanted)
        found += reply.orders
        wanted = reply.next
        if len(found) == 3:
            make_orders(shop, (8, 9))
    assert found == [str(number) for number in range(1, 10)]
