"""What nobody should send to the calls that take and give events: refused with words, nothing stored, nothing broken."""

from __future__ import annotations

import json

import pytest

from support.api import NDJSON

MIB = 1024 * 1024
MANY = 1_000_000


def post(account, text: bytes, **headers):
    return account.call("POST", "/events", text, headers=headers)


def nothing_is_stored(account) -> bool:
    return account.events().expect(200)["items"] == []


def event_with(data: str) -> bytes:
    return ('{"type":"a","data":' + data + "}").encode()


@pytest.fixture
def still_serves(server, account):
    """After whatever the test did the server is up and stores an event."""
    memory_before = server.usage().rss_bytes
    yield
    account.publish("a", 1).expect(202)
    assert server.usage().rss_bytes - memory_before < 64 * MIB


pytestmark = pytest.mark.usefixtures("still_serves")


@pytest.mark.parametrize("text", [
    b"",
    b"   ",
    b"{",
    b'{"type":"a","data":1',
    b'{"type":"a","data":1}}',
    b'{"type":"a","data":1} {}',
    b'{"type":"a","data":01}',
    b'{"type":"a","data":+1}',
    b'{"type":"a","data":.5}',
    b'{"type":"a","data":1.}',
    b'{"type":"a","data":NaN}',
    b'{"type":"a","data":Infinity}',
    b"{'type':'a','data':1}",
    b'{"type":"a","data":1,}',
    b'{"type":"a",/**/"data":1}',
    b'{"type":"a","type":"a","data":1}',
    b'{"type":"a","\\u0074ype":"a","data":1}',
    b'{"type":"a","data":{"x":1,"x":2}}',
    b'{"type":"a","data":"\xff"}',
    b'{"type":"a","data":"\xc0\xaf"}',
    b'{"type":"a","data":"\xed\xa0\x80"}',
    b'{"type":"a","data":"\\ud800"}',
    b'{"type":"a","data":"\\udc00\\ud800"}',
    b'{"type":"a","data":"\\x41"}',
    b'{"type":"a","data":"a\nb"}',
    b'{"type":"a","data":"a\x00b"}',
    b'\xef\xbb\xbf{"type":"a","data":1}',
    '{"type":"a","data":1}'.encode("utf-16"),
    b"\x00" * 100,
])
def test_what_is_no_json_is_refused(account, text):
    problem = post(account, text).expect_problem(400, "invalid_json")

    assert problem["detail"]
    assert nothing_is_stored(account)


@pytest.mark.parametrize("text", [b"[]", b"1", b'"a"', b"null", b"true"])
def test_what_is_no_object_is_refused(account, text):
    post(account, text).expect_problem(400)
    assert nothing_is_stored(account)


@pytest.mark.parametrize("data", [
    "[" * MANY,
    "[" * 65 + "]" * 65,
    '{"a":' * MANY,
    "[" + "0," * MANY + "0]",
    "{" + ",".join(f'"{n}":0' for n in range(MANY // 10)) + "}",
    "1" * (2 * MANY),
], ids=["arrays", "65 arrays", "objects", "many items", "many keys", "long number"])
def test_json_that_is_too_much_is_refused(account, data):
    post(account, event_with(data)).expect_problem(413, "too_large")
    assert nothing_is_stored(account)


@pytest.mark.parametrize("member, value", [
    ("type", 7),
    ("type", None),
    ("type", ""),
    ("type", "a..b"),
    ("type", ".a"),
    ("type", "a b"),
    ("type", "ä"),
    ("type", "a\r\nb"),
    ("type", "order.*"),
    ("id", 7),
    ("id", ""),
    ("id", "x" * 257),
    ("id", "a\x00b"),
    ("client_ref", {}),
    ("client_ref", "x" * 257),
    ("client_ref", "a\r\nb"),
    ("server_ref", ["x"]),
    ("server_ref", "\x7f"),
    ("notify_url", "no url"),
    ("notify_url", "ftp://shop.example/"),
    ("notify_url", "https://shop.example/\r\nX: y"),
    ("notify_url", "https://" + "x" * 2048 + "/"),
    ("account", "account-1"),
    ("Type", "a"),
    ("data_base64", "AA=="),
    ("x" * 300, 1),
])
def test_a_member_that_is_wrong_is_named(account, member, value):
    event = {"type": "a", "data": 1, member: value}

    problem = post(account, json.dumps(event).encode()).expect_problem(400, "invalid")

    assert member.startswith(problem["field"]) and problem["field"]
    assert problem["detail"]
    assert nothing_is_stored(account)


@pytest.mark.parametrize("event, field", [({"type": "a"}, "data"), ({"data": 1}, "type"), ({}, "type")])
def test_a_member_that_is_missing_is_named(account, event, field):
    assert post(account, json.dumps(event).encode()).expect_problem(400, "invalid")["field"] == field


def test_a_type_that_is_too_long_is_refused(account):
    problem = account.publish("x" * 129, 1).expect(400, 413)

    assert problem["field"] == "type"
    assert account.publish("x" * 128, 1).expect(202)
    assert len(account.events().body["items"]) == 1


def test_data_has_a_limit_and_may_reach_it(account):
    limit = 256 * 1024

    account.publish("a", data_text='"' + "x" * (limit - 2) + '"').expect(202)
    problem = account.publish("a", data_text='"' + "x" * (limit - 1) + '"').expect_problem(413, "too_large")
    assert problem["field"] == "data"
    binary = {"specversion": "1.0", "id": "1", "source": "/s", "type": "a"}
    account.publish_binary_cloudevent(binary, b"x" * limit, "text/plain").expect(202)
    answer = account.publish_binary_cloudevent({**binary, "id": "2"}, b"x" * (limit + 1), "text/plain")
    assert answer.expect_problem(413, "too_large")["field"] == "data"


def test_one_event_that_is_too_large_does_not_spoil_its_batch(api, account):
    events = [{"account": "account-1", "type": "a", "data": "x" * size} for size in (1, 300_000, 2)]

    results = api.batch(events).expect(200)["results"]

    assert [result["status"] for result in results] == [202, 413, 202]
    assert (results[1]["code"], results[1]["field"]) == ("too_large", "data")


@pytest.mark.parametrize("path", ["/v1/accounts/account-1/events", "/v1/events"])
def test_a_body_that_is_too_large_is_refused_before_it_comes(api, account, path):
    with api.connect() as connection:
        connection.send(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n"
            f"Content-Length: {17 * MIB}\r\n\r\n".encode())

        connection.read_answer().expect_problem(413, "too_large")
    assert nothing_is_stored(account)


def test_a_body_that_is_too_large_and_has_no_length_is_refused(api, account):
    with api.connect() as connection:
        connection.send(
            f"POST {account.path}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(48):
            connection.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        connection.send(b"0\r\n\r\n")
        answer = connection.read_answer()

    assert answer is None or answer.expect_problem(413, "too_large")
    assert nothing_is_stored(account)


def test_a_body_in_pieces_is_one_body(api, account):
    with api.connect() as connection:
        head = f"POST {account.path}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n"
        connection.send(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        for byte in b'{"type":"a","data":1.000000}':
            connection.send(b"1\r\n" + bytes([byte]) + b"\r\n")
        connection.send(b"0\r\n\r\n")

        connection.read_answer().expect(202)
    assert b'"data":1.000000' in account.events().raw


@pytest.mark.parametrize("path", [
    "/events", "/deliveries", "/events/evt_0000000000001", "/deliveries/dlv_0000000000001"])
def test_an_unknown_query_parameter_is_named(account, path):
    assert account.call("GET", path, query={"colour": "red"}).expect_problem(400, "invalid")["field"] == "colour"


@pytest.mark.parametrize("action", ["receive", "ack", "release", "extend"])
def test_an_unknown_query_parameter_of_a_queue_is_named(account, action):
    queue = account.make_channel(kind="queue").expect(201)["id"]
    answer = account.call("POST", f"/channels/{queue}/{action}", {}, query={"wait_ms": 1})

    assert answer.expect_problem(400, "invalid")["field"] == "wait_ms"


def test_publishing_takes_no_query(api, account):
    account.call("POST", "/events", {"type": "a", "data": 1}, query={"x": 1}).expect_problem(400, "invalid")
    api.call("POST", "/v1/events", [], query={"x": 1}).expect_problem(400, "invalid")
    assert nothing_is_stored(account)


@pytest.mark.parametrize("query", ["limit=%00", "type=%ff", "cursor=%", "from=%0d%0a", "limit=1;order=asc"])
def test_a_query_that_is_no_text_is_refused(account, query):
    assert account.call("GET", f"/events?{query}").expect_problem(400)["detail"]


def test_lines_of_rubbish_each_have_their_result(api, account):
    lines = [b"[" * 1000, b"{", b"\xff", b'"a"', b"{}", b"x" * 100_000, b'{"account":"account-1","type":"a","data":1}']
    answer = api.call("POST", "/v1/events", b"\n".join(lines), {"Content-Type": NDJSON})

    assert [result["status"] for result in answer.expect(200)["results"]] == [413, 400, 400, 400, 400, 400, 202]


def test_control_characters_in_a_wrong_name_do_not_come_back_raw(account):
    answer = post(account, b'{"type":"a","data":1,"a\\u0000\\r\\nb":1}')

    answer.expect_problem(400, "invalid")
    assert b"\x00" not in answer.raw and b"\r" not in answer.raw


def test_a_cloudevent_with_too_many_attributes_is_refused(account):
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "a"}

    account.publish_cloudevent({**event, **{f"x{n}": "1" for n in range(100)}}).expect_problem(413, "too_large")
    account.publish_cloudevent({**event, "big": "x" * 9000}).expect_problem(413, "too_large")
    assert nothing_is_stored(account)


def test_the_types_of_the_servers_own_news_are_not_for_publishers(account):
    problem = account.publish("tidings.channel.disabled", 1).expect_problem(400, "invalid")
    assert problem["field"] == "type"
    assert account.events().expect(200)["items"] == []
