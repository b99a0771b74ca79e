"""Keys, paths, and one order's detail by token or number (protocols, sections 2.2, 2.3 and 2.5)."""

from __future__ import annotations

import subprocess

import pytest

from support.api import Answer, Api
from support.deliveries import PATIENT
from support.receiver import Step
from support.shopcart import (
    DEFAULT_KEY, FORM, HREF, KEY_FAULT, NO_ORDER, Reply, Shop, orders, request_body, token_of)
from support.waiting import eventually

TYPES = {"order.created": "NewOrder Token", "order.status": "OrderStatusChange Id",
         "subscription.status": "RecurringOrderStatusChange Id"}

pytestmark = pytest.mark.settings(PATIENT)


@pytest.fixture
def token(shop, hook) -> str:
    """Of the order 90000001."""
    shop.make_hook(hook.url)
    shop.order(Id=90000001, GrandTotal="49.90")
    (request,) = hook.wait_for_count(1)
    return token_of(request.body)


def id_of(reply: Reply) -> str:
    return reply.expect_success().findtext("OrderInfo/Id")


# By what an order is found


def test_the_token_takes_the_place_of_the_id(shop, token):
    """2.3: this is what "call the wrapper method with the token" comes to."""
    assert id_of(shop.read(token)) == id_of(shop.read("90000001")) == "90000001"


def test_a_token_can_be_read_again_and_again(shop, token, server):
    """2.6/12: the same answer, also after a restart."""
    first = shop.read(token)
    second = shop.read(token)
    server.restart()

    assert first.raw == second.raw == shop.read(token).raw


@pytest.mark.parametrize("path", ["/Orders/{}/READ", "/Orders/{}", "/ORDERS/{}/read", "/orders/{}/",
                                  "/Orders/{}/Read/"])
def test_words_count_in_any_case_and_read_may_be_left_off(shop, token, path):
    """2.3: clients use both cases."""
    for given in (token, token.upper(), "90000001"):
        assert id_of(shop.get(path.format(given))) == "90000001"


def test_the_first_word_counts_in_any_case_too(shop, token):
    """2.3: match without case."""
    shop.path = f"/api/{shop.merchant_id}"

    assert id_of(shop.read(token)) == "90000001"


def test_ids_may_have_characters_that_an_address_has_not(shop):
    """2.3: an id is what the data says; links lead to it."""
    shop.order(Id="A/1 é?&<")

    (order,) = shop.get("/Orders/LIST").expect_success().findall("Orders/Order")

    assert order.text == "A/1 é?&<"
    path = order.get(HREF).partition(shop.path)[2]
    assert path == "/Orders/A%2F1%20%C3%A9%3F%26%3C"
    assert id_of(shop.get(path)) == "A/1 é?&<"


@pytest.mark.settings({"shopcart.types": TYPES})
def test_an_id_leads_to_the_newest_state_and_a_token_to_its_own(shop, hook):
    """2.2: OrderStatusChange is read with Orders, by its Id."""
    shop.make_hook(hook.url, events=["order.created"])
    shop.order(Id=90000001, OrderStatusType="Pending")
    token = token_of(hook.wait_for_count(1)[0].body)
    shop.account.publish("order.status", {"Id": 90000001, "OrderStatusType": "Accepted"}).expect(202)
    shop.account.publish("subscription.status", {"Id": 90000001, "OrderStatusType": "Paused"}).expect(202)

    assert shop.read("90000001").expect_success().findtext("OrderInfo/OrderStatusType") == "Accepted"
    assert shop.read(token).expect_success().findtext("OrderInfo/OrderStatusType") == "Pending"
    assert orders(shop.get("/Orders/LIST").expect_success()) == ["90000001"]


def test_an_order_without_an_id_is_called_by_its_token(shop, hook):
    """2.3: the token takes the place of the id."""
    shop.make_hook(hook.url)
    shop.order(GrandTotal=5)
    token = token_of(hook.wait_for_count(1)[0].body)

    assert orders(shop.get("/Orders/LIST").expect_success()) == [token]
    assert id_of(shop.read(token)) == token


def test_only_orders_can_be_read(shop, hook):
    """2.3: an event of another type is none, though it has an Id."""
    shop.account.publish("invoice.paid", {"Id": 90000001}).expect(202)

    shop.read("90000001").expect_error(NO_ORDER)


def test_credentials_that_came_later_open_what_came_before_by_token_and_list(account, hook):
    """2.2: a token is worth as much as the key that reads it."""
    account.make_channel(kind="webhook", dialect="shopcart", url=hook.url).expect(201)
    account.publish("order.created", {"Id": 90000001}).expect(202)
    token = token_of(hook.wait_for_count(1)[0].body)

    shop = Shop.of(account, "700123")

    assert id_of(shop.read(token)) == "90000001"
    assert orders(shop.get("/Orders/LIST").expect_success()) == ["90000001"]


# Whose it is


def test_what_is_not_the_callers_is_not_there(shop, other_shop, token):
    """2.6/11: no difference between unknown, another merchant's, malformed, empty and climbing."""
    other_shop.order(Id=90000002)
    flipped = ("0" if token[0] != "0" else "1") + token[1:]
    wanted = [flipped, token[:-1], token + "0", "0" * 32, "f" * 32, "90000009", "", ".", "..", "%2e%2e%2f",
              "..%2f..%2fv1", "x" * 65, "x" * 2000, "%C3%A9", "order%2F90000001", "evt_0S9S346480000"]
    not_there = {shop.get(f"/Orders/{id_}/READ").raw for id_ in wanted}
    foreign = {other_shop.read(token).raw, other_shop.read("90000001").raw, shop.read("90000002").raw}

    assert not_there == foreign == {b'<Response success="false"><Error>Order not found</Error></Response>'}


def test_a_merchant_lists_its_own_orders_only(shop, other_shop):
    """2.6/11: and counts them only."""
    shop.make_orders([1, 2])
    other_shop.make_orders([2, 3])

    assert sorted(orders(shop.get("/Orders/LIST").expect_success())) == ["1", "2"]
    assert sorted(orders(other_shop.get("/Orders/LIST").expect_success())) == ["2", "3"]


# Keys


KEY_FAULTS = {
    "none": None, "empty": "", "wrong": "0" * 32, "longer": DEFAULT_KEY + "0", "shorter": DEFAULT_KEY[:-1],
    "another's": "FEDCBA9876543210FEDCBA9876543210", "endless": "A" * 8000, "spaces": DEFAULT_KEY.replace("0", " "),
    "not ASCII": DEFAULT_KEY[:-1] + "é", "admin": "tk_test_admin_key_0123456789abcdefghijkl",
}
PATHS = ["", "/", "/Orders", "/Orders/LIST", "/Orders/COUNT", "/Orders/90000001/READ", "/Errors/LIST",
         "/Notifications/TEST", "/Nothing", "/Orders/90000001/EXPLODE"]


@pytest.mark.parametrize("fault", KEY_FAULTS)
def test_every_fault_of_a_key_has_one_text(shop, other_shop, fault):
    """2.5: one and the same text for key errors; 2.6/13: by GET and POST alike."""
    other_shop.order(Id=90000001)
    expected = f'<Response success="false"><Error>{KEY_FAULT}</Error></Response>'.encode()

    answers = {shop.post(path, Key=KEY_FAULTS[fault]).raw for path in PATHS}
    answers |= {shop.get(path, key=KEY_FAULTS[fault]).raw for path in PATHS}

    assert answers == {expected}


def test_an_unknown_merchant_is_a_wrong_key(shop):
    """2.5: nobody learns which merchants there are."""
    others = ("700125", "70012", "0700123", "700123%20", "x", "%27", "9" * 20, "account-1", "..%2f", "7" * 500)
    for merchant_id in others:
        shop.path = f"/API/{merchant_id}"
        for path in ("", "/Orders/LIST", "/Orders/90000001/READ", "/Notifications/TEST"):
            shop.get(path).expect_error(KEY_FAULT)


def test_a_key_counts_in_either_case(shop):
    """2.3: case not significant."""
    shop.get(key=shop.key.lower()).expect_success()
    shop.post(Key=shop.key.lower()).expect_success()


def test_credentials_that_are_taken_away_open_nothing(shop):
    """2.3: the key belongs to every call."""
    shop.get().expect_success()
    shop.account.patch(shopcart={"merchant_id": "700123", "key": "another-key-of-letters"}).expect(200)
    shop.get().expect_error(KEY_FAULT)
    shop.get(key="another-key-of-letters").expect_success()
    shop.account.patch(shopcart=None).expect(200)

    shop.get(key="another-key-of-letters").expect_error(KEY_FAULT)


def test_a_merchant_id_belongs_to_one_account(shop, make_account):
    """2.2: token and key are of one merchant."""
    account = make_account("thief")

    account.patch(shopcart={"merchant_id": "700123", "key": "K" * 32}).expect_problem(409)

    shop.get().expect_success()


def test_the_key_is_never_shown(shop, server):
    """Secrets are in no answer and no log."""
    shop.get().expect_success()
    shop.get(key="0" * 32).expect_error(KEY_FAULT)

    assert shop.key.encode() not in shop.account.get().raw
    assert shop.key not in server.log()


@pytest.mark.settings({"server": {"auth_failures_max": 2}})  # forgotten one each half minute
def test_whoever_tries_keys_has_to_wait_and_the_merchant_has_not(shop):
    """2.3: a key that was right from there goes on."""
    shop.get().expect_success()

    tries = [shop.get(key=f"{number:032}").root.findtext("Error") for number in range(3)]

    assert tries[:2] == [KEY_FAULT] * 2 and tries[2].startswith("Temporarily not possible")
    shop.get().expect_success()


# How parameters come


@pytest.mark.parametrize("name", ["key", "KEY", "Key", "kEy"])
def test_get_and_post_are_answered_alike(shop, name):
    """2.6/13: key, KEY and <Key>."""
    shop.make_orders([1, 2, 3])
    by_get = shop.api.call("GET", shop.path + "/Orders/LIST", query={name: shop.key, "limitcount": 2})
    body = request_body(**{name: shop.key, "LIMITCOUNT": 2})

    assert by_get.raw == shop.post_body("/Orders/LIST", body).raw
    assert len(orders(Reply(by_get).expect_success())) == 2


def test_a_post_may_have_its_key_in_the_query(shop):
    """2.6/13: accepted, with an empty body and with one that has no Key; the body's own counts first."""
    shop.post_body("", b"", key=shop.key).expect_success()
    shop.post_body("", b"<Request/>", key=shop.key).expect_success()
    shop.post_body("", request_body(Key=shop.key), key="0" * 32).expect_success()
    shop.post_body("", request_body(Key="0" * 32), key=shop.key).expect_error(KEY_FAULT)


def test_the_content_type_does_not_matter(shop):
    """2.3: clients built on curl send it as a form."""
    for content_type in ("text/xml", "application/xml; charset=utf-8", FORM, "multipart/form-data", "application/json"):
        shop.post_body("", request_body(Key=shop.key), content_type).expect_success()


def test_curl_needs_no_option_but_the_body(shop, token):
    """2.3: POST body with X-POST_DATA_FORMAT, as the vendor's wrapper sends it."""
    done = subprocess.run(
        ["curl", "-sS", "-H", "X-POST_DATA_FORMAT: xml", "-d", f"<Request><Key>{shop.key}</Key></Request>",
         f"{shop.account.api.url}{shop.path}/Orders/{token}/READ"], capture_output=True, check=True)

    assert b"<Id>90000001</Id>" in done.stdout


SPELLINGS = [
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Request>\n  <Key>\n    %s\n  </Key>\n</Request>\n',
    b"\xef\xbb\xbf<Request><Key>%s</Key></Request>",
    b"<!-- hello --><request a='1'><Other>x</Other><KEY>%s</KEY></request>",
    b"<r:Request xmlns:r='urn:x'><r:Key>%s</r:Key></r:Request>",
    b"<Request><Key><![CDATA[%s]]></Key></Request>",
    b"<Request><Key>&#48;%s</Key></Request>",
]


def test_any_spelling_of_the_same_xml_is_the_same(shop):
    """2.3: children of Request."""
    for body in SPELLINGS:
        key = shop.key[1:] if b"&#48;" in body else shop.key
        shop.post_body("", body % key.encode()).expect_success()


NO_REQUESTS = [
    b"key=0123456789ABCDEF0123456789ABCDEF", b"{}", b"<Request>", b"<Request/><Request/>", b"<Requests/>", b"\x00",
    b"<Request><Key>\xff</Key></Request>", b'<?xml version="1.0" encoding="UTF-16"?><Request/>',
    b"<Request>" * 50 + b"</Request>" * 50, b"<Request>" + b"<K/>" * 2000 + b"</Request>",
]


def test_a_body_that_is_no_request_is_refused(shop):
    """2.3: the body is a Request, and one of a sensible size."""
    for body in NO_REQUESTS:
        shop.post_body("", body, key=shop.key).expect_error("Invalid request")


ATTACKS = [
    b'<!DOCTYPE Request [<!ENTITY k "0123456789ABCDEF0123456789ABCDEF">]><Request><Key>&k;</Key></Request>',
    b'<!DOCTYPE Request [<!ENTITY k SYSTEM "file:///etc/hostname">]><Request><Key>&k;</Key></Request>',
    b'<!DOCTYPE Request SYSTEM "http://127.0.0.1:9/evil.dtd"><Request/>',
    b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><Request>&b;</Request>',
]


def test_entities_and_dtds_are_refused_and_never_expanded(shop):
    """2.6/17: on our side of it."""
    for body in ATTACKS:
        shop.post_body("", body).expect_error("Invalid request")


def test_what_an_error_says_has_nothing_of_the_request_in_it(shop):
    """2.6/11: texts are fixed."""
    for path in ("/<script>", "/Orders/%3Cscript%3E/READ", "/%3Cscript%3E/LIST"):
        assert b"script" not in shop.get(path).raw
    assert b"script" not in shop.get("/Orders/LIST", LimitCount="<script>").raw


# What there is


def test_the_api_tells_its_groups_and_their_methods(shop):
    """2.3: lists of groups and of methods."""
    groups = shop.get().expect_success().findall("Groups/Group")
    methods = shop.get("/orders").expect_success().findall("Methods/Method")

    assert [group.text for group in groups] == ["Orders", "Errors", "Notifications"]
    assert [method.text for method in methods] == ["LIST", "COUNT", "READ"]
    base = shop.account.api.url + shop.path
    assert [group.get(HREF) for group in groups] == [f"{base}/{group.text}" for group in groups]
    assert methods[0].get(HREF) == f"{base}/Orders/LIST"


def test_errors_list_has_every_text(shop):
    """2.3: /Errors/LIST."""
    texts = [error.text for error in shop.get("/Errors/LIST").expect_success().findall("Errors/Error")]

    assert KEY_FAULT in texts and NO_ORDER in texts and len(texts) == len(set(texts)) > 10


NOT_THERE = {
    "/Clients/LIST": "Unknown group", "/Products": "Unknown group", "/RecurringOrders/5": "Unknown group",
    "/Orders/90000001/DELETE": "Unknown method", "/Notifications/LIST": "Unknown method",
    "/Errors/5/READ": "Unknown method", "/Orders/1/READ/more": "This HTTP request",
    "/Orders/../READ/../../v1": "This HTTP request", "//LIST": "This HTTP request",
}


def test_what_there_is_not_is_told(shop):
    """2.3: the API's grammar; here it has no data of clients, products and recurring orders."""
    for path, words in NOT_THERE.items():
        shop.get(path).expect_error(words)


def test_other_methods_are_refused_in_the_same_form(shop):
    """2.3: replies are always XML; two equivalent ways, GET and POST."""
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = shop.api.call(method, shop.path + "/Orders/LIST", query={"key": shop.key})
        Reply(answer).expect_error("This HTTP request")
        assert answer.headers["Allow"] == "GET, HEAD, POST"


def test_a_body_that_is_too_large_is_refused_in_the_same_form(shop):
    """2.3: replies are always XML."""
    body = b"<Request><Key>" + b" " * 20000 + shop.key.encode() + b"</Key></Request>"
    head = f"POST {shop.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    (answer,) = shop.api.raw(head + body)

    Reply(answer).expect_error("This HTTP request")


# Links


def get_with_host(shop, host: str) -> Answer:
    head = f"GET {shop.path}?key={shop.key} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    return shop.api.raw(head.encode("latin-1"))[0]


def test_links_begin_with_the_host_that_was_asked(shop):
    """2.3: xlink:href."""
    for host in ("shop.example", "shop.example:8443", "[::1]:80", "SHOP.example"):
        group = Reply(get_with_host(shop, host)).expect_success().find("Groups/Group")
        assert group.get(HREF) == f"http://{host}{shop.path}/Orders"


NO_HOSTS = ['x"><script>', "a b", "user@shop.example", "shop.example/path", "shop.example?x=", "shop.example:99999",
            "é.example", "x" * 3000, "shop.example#", "[::1", "&amp;", ""]


def test_a_host_that_is_none_is_not_repeated(shop):
    """2.6/16: well-formed whatever comes in, and no link to somewhere else."""
    for host in NO_HOSTS:
        answer = get_with_host(shop, host)
        if answer.status == 200:  # the server itself refuses some of these
            group = Reply(answer).expect_success().find("Groups/Group")
            assert group.get(HREF) == f"{shop.account.api.url}{shop.path}/Orders"
        else:
            assert answer.status in (400, 431), answer


@pytest.mark.parametrize("public_url", ["https://shop.example", "https://shop.example/", "https://shop.example/store"])
def test_the_operator_says_where_links_lead(start_server, public_url):
    """2.3: the address that merchants know."""
    server = start_server({"shopcart": {"public_url": public_url}})
    account = Api(server.url, server.admin_key).account("harbor")
    account.put().expect(201)
    shop = Shop.of(account, "700123")

    group = Reply(get_with_host(shop, "evil.example")).expect_success().find("Groups/Group")

    assert group.get(HREF) == f"{public_url.rstrip('/')}/API/700123/Orders"


# The whole way


def test_the_flow_from_event_to_shipping_label(shop, hook):
    """2.4: event, 500, 200, token, pull, the node that is needed."""
    hook.plan(Step(500), Step(200))
    shop.make_hook(hook.url, retry=["0s", "200ms"])
    shop.order(Id=90000002, ShippingInfo={"ShippingMethodName": "Ground", "ShippingAmount": "9.90"})

    requests = hook.wait_for_count(2)
    token = eventually(lambda: token_of(requests[1].body))
    root = shop.read(token).expect_success()

    assert root.findtext("OrderInfo/ShippingInfo/ShippingMethodName") == "Ground"
