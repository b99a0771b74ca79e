"""The command API: forms, envelope, authentication, order of checks, limits."""

from __future__ import annotations

import datetime
import re
import subprocess
import time
from pathlib import Path
from typing import Callable

import pytest
from support.api import Account, Api
from support.own_time import MovableClock
from support.receiver import Receiver
from support.server import Server
from support.wapi_client import WapiClient, auth, form, prague_hour

PASSWORD = "correct-horse"
SECRET = "whsec_" + "A" * 32  # needed with commands of the provider
MINIMAL = {"user": "harbor", "auth": "0" * 40, "command": "ping"}


def xml(inner: str, client: WapiClient) -> str:
    """A request for ping with something more in it."""
    return (f"<request><user>harbor</user><auth>{client.auth()}</auth><command>ping</command>{inner}</request>")


# Envelope


@pytest.mark.parametrize("format", ["xml", "json"])
def test_a_reply_has_its_members_in_order(clients: dict[str, WapiClient], format: str) -> None:
    """1.3: code, result, timestamp, clTRID, svTRID, command; svTRID is <unix seconds>.<number>.<number>..."""
    reply = clients[format].call("ping", cltrid="job-17").expect(1000)

    assert reply.order == ["code", "result", "timestamp", "clTRID", "svTRID", "command"]
    assert (reply.result, reply.cltrid, reply.command) == ("OK", "job-17", "ping")
    assert abs(reply.timestamp - time.time()) < 30
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.\d+)?", reply.svtrid)


def test_json_has_code_and_timestamp_as_numbers(clients: dict[str, WapiClient]) -> None:
    """1.3: code and timestamp are numbers in JSON, the other members strings."""
    members = clients["json"].call("ping", cltrid="1").members

    assert [type(members[name]) for name in members] == [int, str, int, str, str, str]


@pytest.mark.parametrize("format", ["xml", "json"])
def test_a_reply_is_in_the_format_of_its_door(clients: dict[str, WapiClient], format: str) -> None:
    """1.1: reply format: same as the endpoint used; UTF-8."""
    expected = {"xml": "text/xml; charset=utf-8", "json": "application/json"}
    reply = clients[format].call("ping")

    assert reply.headers["Content-Type"] == expected[format]
    assert reply.raw.startswith({"xml": b"<?xml", "json": b"{"}[format])


@pytest.mark.parametrize("format", ["xml", "json"])
def test_svtrids_are_never_the_same(clients: dict[str, WapiClient], format: str) -> None:
    """1.3: svTRID is the server's id, always present."""
    assert len({clients[format].call("ping").svtrid for _ in range(20)}) == 20


@pytest.mark.parametrize("format", ["xml", "json"])
@pytest.mark.parametrize("cltrid", ["<a&b>\"'", "žluťoučký kůň \U0001f40e", "a  b", "x" * 64, "ž" * 64])
def test_a_cltrid_comes_back_unchanged(clients: dict[str, WapiClient], format: str, cltrid: str) -> None:
    """1.9/10: clTRID with XML specials, non-ASCII, at the limit."""
    assert clients[format].call("ping", cltrid=cltrid).expect(1000).cltrid == cltrid


@pytest.mark.parametrize("format", ["xml", "json"])
def test_a_cltrid_one_character_too_long_is_refused(clients: dict[str, WapiClient], format: str) -> None:
    """1.9/10: one over: 2005."""
    reply = clients[format].call("ping", cltrid="ž" * 65).expect(2005)

    assert reply.result == "Invalid request - clTRID parameter is too long"
    assert reply.command == "ping"


@pytest.mark.parametrize("format", ["xml", "json"])
def test_an_absent_cltrid_is_absent(clients: dict[str, WapiClient], format: str) -> None:
    """1.9/10: absent clTRID must be absent in the reply, not empty."""
    assert "clTRID" not in clients[format].call("ping").members


def test_an_empty_cltrid_is_empty(clients: dict[str, WapiClient]) -> None:
    """1.2: returned unchanged."""
    for client in clients.values():
        assert client.call("ping", cltrid="").cltrid == ""


def test_unknown_members_are_ignored(clients: dict[str, WapiClient]) -> None:
    """1.9/11: unknown element in `request`: ignored."""
    for client in clients.values():
        client.call("ping", version="2", more={"user": "other"}).expect(1000)


@pytest.mark.parametrize("format", ["xml", "json"])
def test_test_mode_is_echoed(clients: dict[str, WapiClient], format: str) -> None:
    """1.3: test: probably echoed in test mode."""
    client = clients[format]

    assert client.call("ping", test="1").test in ("1", 1)
    assert client.call("ping", test="0").test is None
    assert client.call("ping").test is None


# Forms


@pytest.mark.parametrize("encoding", ["urlencoded", "raw", "multipart"])
@pytest.mark.parametrize("format", ["xml", "json"])
def test_a_form_may_take_three_shapes(clients: dict[str, WapiClient], format: str, encoding: str) -> None:
    """1.9/13: percent-encoded, raw and multipart form bodies."""
    client = clients[format]
    client.encoding = encoding

    assert client.call("ping", cltrid="a=b==c d").expect(1000).cltrid == "a=b==c d"


def test_encoded_and_multipart_forms_carry_any_text(clients: dict[str, WapiClient]) -> None:
    """1.1: `+` is space, `%HH` decoded; a part is taken as it is."""
    for encoding in ("urlencoded", "multipart"):
        client = clients["json"]
        client.encoding = encoding
        assert client.call("ping", cltrid="100% a+b&c=d\r\n%41").expect(1000).cltrid == "100% a+b&c=d\r\n%41"


@pytest.mark.parametrize("body", [b"", b"request=", b"request=%20+", b"other=1", b"<request/>", b"request"])
@pytest.mark.parametrize("format", ["xml", "json"])
def test_nothing_is_empty(clients: dict[str, WapiClient], format: str, body: bytes) -> None:
    """1.9/13: `request` missing: 2009."""
    reply = clients[format].post(body).expect(2009)

    assert reply.result == "Invalid request - request is empty"
    assert reply.order == ["code", "result", "timestamp", "svTRID"]


def test_request_twice_is_a_parse_error(client: WapiClient) -> None:
    """1.9/13: `request` present twice."""
    _, body = form(xml("", client), "urlencoded")

    client.post(body + b"&" + body).expect(2000)
    client.post(body + b"&other=1").expect(1000)


def test_the_content_type_does_not_matter_but_for_multipart(client: WapiClient) -> None:
    """1.1: clients leave it to their tool."""
    _, body = form(xml("", client), "urlencoded")

    for content_type in ("text/xml", "application/xml; charset=utf-8", "", "application/x-www-form-urlencoded"):
        client.post(body, content_type).expect(1000)


@pytest.mark.parametrize("body", [b"request=%zz", b"request=50% off", b"request=%e2%8"])
def test_a_broken_escape_is_a_parse_error(client: WapiClient, body: bytes) -> None:
    """1.1: normal form decoding."""
    client.post(body).expect(2000)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_other_methods_are_refused(client: WapiClient, method: str) -> None:
    """1.9/13: GET instead of POST. 1.1: POST only."""
    for path in ("/wapi/xml", "/wapi/json"):
        status, headers, _ = client.exchange(method, path=path)
        assert status == 405
        assert headers["Allow"] == "POST"


def test_a_shell_client_gets_through(server: Server, harbor: Account) -> None:
    """1.1, 1.4: a client in the manner of the public shell scripts: curl, sha1sum, date, raw XML."""
    script = r"""
        sha1() { printf %s "$1" | sha1sum | cut -d' ' -f1; }
        hour=$(TZ='CET-1CEST,M3.5.0,M10.5.0/3' date +%H)
        auth=$(sha1 "$USER$(sha1 "$PASSWORD")$hour")
        request="<?xml version=\"1.0\" encoding=\"UTF-8\"?><request><user>$USER</user><auth>$auth</auth>"
        request="$request<command>$1</command><clTRID>shell</clTRID></request>"
        curl -sS -X POST -d "request=$request" "$URL/wapi/xml" | sed -n 's/.*<code>\([0-9]*\)<.*/\1/p'
    """

    def code(command: str) -> str:
        done = subprocess.run(["bash", "-c", script, "client", command], capture_output=True, text=True, check=True,
                              env={"PATH": "/usr/bin:/bin", "USER": "harbor", "PASSWORD": PASSWORD, "URL": server.url})
        return done.stdout.strip()

    answers = {command: code(command) for command in ("ping", "poll-req", "no-such-thing")}
    assert answers == {"ping": "1000", "poll-req": "1003", "no-such-thing": "2010"}


# What is wrong with a document


def test_each_door_takes_its_own_format_only(clients: dict[str, WapiClient]) -> None:
    """1.9/11: XML request to the JSON endpoint and the reverse: 2000."""
    as_xml, as_json = clients["xml"], clients["json"]

    reply = as_json.post_document(as_xml.document(MINIMAL)).expect(2000)
    assert reply.result == "Request parse error"
    as_xml.post_document(as_json.document(MINIMAL)).expect(2000)


@pytest.mark.settings({"wapi": {"failures_max": "1000"}})
@pytest.mark.parametrize("document", [
    "<request>", "<request/><request/>", "<response/>", "request", "<request><user>a</request>",
])
def test_what_is_no_document_does_not_parse(client: WapiClient, document: str) -> None:
    """1.6: 2000."""
    client.post_document(document).expect(2000)


def bomb() -> str:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE request [<!ENTITY e0 "boom">{entities}]>'


@pytest.mark.settings({"wapi": {"failures_max": "1000"}})
def test_attacks_by_xml_are_refused(client: WapiClient, receiver: Receiver) -> None:
    """1.9/14: XML with DTD/entities (bomb, external entity): 2000 or 2008, no fetch, no expansion."""
    url = receiver.endpoint("/secret").url
    attacks = [
        bomb() + xml("<clTRID>&e9;</clTRID>", client),
        f'<!DOCTYPE request [<!ENTITY a SYSTEM "{url}">]>' + xml("<clTRID>&a;</clTRID>", client),
        '<!DOCTYPE request [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + xml("<clTRID>&a;</clTRID>", client),
        f'<!DOCTYPE request SYSTEM "{url}">' + xml("", client),
        f'<!DOCTYPE request [<!ENTITY % a SYSTEM "{url}">%a;]>' + xml("", client),
        "<!DOCTYPE request>" + xml("", client),
        f'<request xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="{url}"/></request>',
        xml("<a>" * 100 + "</a>" * 100, client),
        xml("<a>" * 8000 + "</a>" * 8000, client),
        xml("<a/>" * 12000, client),
        '<?xml version="1.0" encoding="ISO-8859-2"?>' + xml("", client),
        '<?xml version="1.0" encoding="UTF-16"?>' + xml("", client),
    ]

    codes = [client.post_document(attack).code for attack in attacks]
    assert codes == [2000] * 6 + [2001] + [2008] * 3 + [2000] * 2
    assert receiver.requests == []
    assert client.call("ping").code == 1000


def test_deep_json_is_too_complex(clients: dict[str, WapiClient]) -> None:
    """1.8: depth: 32 levels. 1.6: 2008."""
    client = clients["json"]
    deep: object = 1
    for _ in range(33):
        deep = [deep]

    reply = client.call("ping", more=deep).expect(2008)
    assert reply.result == "Invalid request - request is too complex"


@pytest.mark.parametrize("format", ["xml", "json"])
def test_invalid_utf_8_has_its_own_code(clients: dict[str, WapiClient], format: str) -> None:
    """1.9/15: invalid UTF-8 inside a value: 2102."""
    client = clients[format]
    document = client.document({**MINIMAL, "clTRID": "XX"}).encode().replace(b"XX", b"\xc3\x28")

    reply = client.post_document(document).expect(2102)
    assert reply.result == "Invalid request - input data encoding mismatch"


def test_what_is_not_utf_8_at_all_has_that_code_too(client: WapiClient) -> None:
    """1.6: encoding (2102) before parse (2000)."""
    client.post_document(xml("", client).encode("utf-16")).expect(2102)


@pytest.mark.parametrize("format", ["xml", "json"])
def test_missing_parameters_have_their_codes(clients: dict[str, WapiClient], format: str) -> None:
    """1.6: 2001, 2002, 2003."""
    client = clients[format]
    cases = [({}, 2001, "user"), ({"user": "harbor"}, 2002, "auth"), ({"user": "a", "auth": "b"}, 2003, "command")]

    for envelope, code, name in cases:
        reply = client.post_document(client.document({**envelope, "clTRID": "a"})).expect(code)
        assert reply.result == f"Invalid request - required parameter missing: {name}"
        assert reply.cltrid == "a"
    client.post_document(client.document({**MINIMAL, "user": ""})).expect(2001)


def test_data_is_there_once_at_most(clients: dict[str, WapiClient]) -> None:
    """1.9/6: with two `data` elements: 2004."""
    for client in clients.values():
        reply = client.call("ping", [{"id": "1"}, {"id": "2"}]).expect(2004)
        assert reply.result == "Invalid request - only one data element is allowed"


@pytest.mark.parametrize("format", ["xml", "json"])
@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
def test_the_size_is_limited(clients: dict[str, WapiClient], format: str, encoding: str) -> None:
    """1.8: max request size 64 KiB. 1.6: 2007."""
    client = clients[format]
    client.encoding = encoding
    room = 64 * 1024 - len(client.document({**MINIMAL, "auth": client.auth(), "data": {"a": ""}}).encode())

    client.call("ping", {"a": "x" * room}).expect(1000)
    reply = client.call("ping", {"a": "x" * (room + 1)}).expect(2007)
    assert reply.result == "Invalid request - maximum request size exceeded"


def test_a_body_beyond_all_measure_is_refused_in_the_same_words(clients: dict[str, WapiClient]) -> None:
    """1.6: 2007, also when the body is not even read."""
    for client in clients.values():
        client.post(b"request=" + b"x" * 1_000_000).expect(2007)


# Who asks


def test_the_hash_is_that_of_the_protocol() -> None:
    """1.4: the vectors, for the client of these tests."""
    assert auth("tester", "123456", "11") == "ac28237e80e68efa3bfd07f42dca3d41c5986e01"
    assert auth("tester", "123456", "00") == "7fbabaadd1d5f19b05a15bae52132f70cb902dad"
    assert auth("tester", "123456", "09") == "68782a69ff7316fe873a2bd872586a0b7df291e6"
    assert prague_hour(datetime.datetime(2026, 3, 29, 0, 59, tzinfo=datetime.timezone.utc)) == "01"
    assert prague_hour(datetime.datetime(2026, 3, 29, 1, 0, tzinfo=datetime.timezone.utc)) == "03"


def test_a_wrong_password_and_an_unknown_user_get_the_same(server: Server, client: WapiClient) -> None:
    """1.6: 2050."""
    wrong = WapiClient(server.url, "harbor", "wrong-horse").call("ping", cltrid="a").expect(2050)
    unknown = WapiClient(server.url, "nobody", PASSWORD).call("ping", cltrid="a").expect(2050)

    assert wrong.result == unknown.result == "Authentication failure"
    assert wrong.order == unknown.order


def test_an_auth_is_lower_case_and_of_this_hour(client: WapiClient) -> None:
    """1.9/9: upper-case hex; hours that are far from this one at any minute."""
    this = int(prague_hour(datetime.datetime.now(datetime.timezone.utc)))
    hours = [f"{(this + step) % 24:02d}" for step in (6, 12, 18)]

    for wrong in [client.auth().upper(), client.auth()[:-1], *(auth("harbor", PASSWORD, hour) for hour in hours)]:
        client.call("ping", auth=wrong).expect(2050)


def test_a_changed_password_counts_at_once(client: WapiClient, harbor: Account) -> None:
    """1.4: the WAPI password."""
    harbor.patch(wapi={"login": "harbor", "password": "another-horse"}).expect(200)

    client.call("ping").expect(2050)
    client.password = "another-horse"
    client.call("ping").expect(1000)
    harbor.patch(wapi=None).expect(200)
    client.call("ping").expect(2050)


@pytest.mark.parametrize("allow, code", [
    ("203.0.113.5", 2051), ("127.0.0.", 1000), ("203.0.113.5 127.0.0.1", 1000), ("127.0.0.11", 2051), ("::1", 2051),
    ("", 1000),
])
def test_the_source_address_is_on_the_list(client: WapiClient, harbor: Account, allow: str, code: int) -> None:
    """1.4: full addresses or dotted prefixes, separated by spaces. Otherwise 2051."""
    harbor.patch(wapi={"login": "harbor", "password": PASSWORD, "allow": allow}).expect(200)

    reply = client.call("ping").expect(code)
    assert code == 1000 or reply.result == "Access not allowed from this IP address"


def test_the_list_comes_before_the_password(client: WapiClient, harbor: Account) -> None:
    """1.6: allow list (2051) before auth (2050)."""
    harbor.patch(wapi={"login": "harbor", "password": PASSWORD, "allow": "203.0.113.5"}).expect(200)

    client.call("ping", auth="0" * 40).expect(2051)


@pytest.mark.settings({"wapi": {"failures_max": "3"}})
def test_an_address_that_fails_often_is_blocked(client: WapiClient) -> None:
    """1.6: more than so many invalid requests from one address block it."""
    for _ in range(3):
        client.call("ping", auth="0" * 40).expect(2050)
    client.call("ping").expect(1000)
    client.post(b"request=<").expect(2000)  # the fourth
    reply = client.call("ping", cltrid="a").expect(2052)
    assert reply.result == "IP adress temporarily blocked due to too many failed requests"
    assert reply.cltrid == "a"
    client.post(b"").expect(2009)  # what comes before the block in the order of checks


@pytest.mark.settings({"wapi": {"failures_max": "3"}})
def test_commands_that_go_wrong_do_not_block(client: WapiClient) -> None:
    """1.6: invalid requests are those that no command could follow, and wrong passwords."""
    for _ in range(10):
        client.call("no-such-thing").expect(2010)
        client.call("poll-ack").expect(2100)
    client.call("ping").expect(1000)


def test_an_account_has_so_many_requests_an_hour(start_server: Callable[..., Server], tmp_path: Path) -> None:
    """1.6: requests per account and clock hour; then 2006, at both doors."""
    clock = MovableClock(tmp_path)
    clock.set(datetime.datetime(2026, 6, 1, 9, 10, tzinfo=datetime.timezone.utc))  # 11:10, far from the hour's end
    server = start_server({"wapi": {"hourly_max": "5"}}, environment=clock.environment)
    for login in ("harbor", "quay"):
        wapi = {"login": login, "password": PASSWORD}
        Api(server.url, server.admin_key).account(f"{login}-shop").put(wapi=wapi).expect(201)
    by_xml, by_json, other = (WapiClient(server.url, *who) for who in (
        ("harbor", PASSWORD), ("harbor", PASSWORD, "json"), ("quay", PASSWORD)))
    by_xml.hour = by_json.hour = other.hour = "11"

    assert [by_xml.call("ping").code for _ in range(6)] == [1000] * 5 + [2006]
    by_json.call("ping").expect(2006)
    other.call("ping").expect(1000)
    by_xml.call("ping", auth="0" * 40).expect(2050)


@pytest.mark.settings({"wapi": {"handler_secret": SECRET}, "wapi.commands": {"domain-sell": "off"}})
def test_checks_come_in_order(client: WapiClient) -> None:
    """1.6 [C]: the order of checks: a request with everything wrong is told the first thing."""
    long = "x" * 65
    codes = [
        client.post(b"other=" + b"x" * 70_000).code,
        client.post(b"request=" + b"\xff" * 70_000).code,
        client.post(b"request=\xff<").code,
        client.post(b"request=<a>").code,
        client.call("none", [{}, {}], long, user=None, auth="0").code,
        client.call("none", [{}, {}], long, auth="0").code,
        client.call("none", {}, long, auth="0").code,
        client.call("none", {}, "x", auth="0").code,
        client.call("none", {}, "x").code,
        client.call("domain-sell", {}, "x").code,
    ]
    assert codes == [2009, 2007, 2102, 2000, 2001, 2004, 2005, 2050, 2010, 2011]


# Commands


@pytest.mark.parametrize("format", ["xml", "json"])
def test_an_unknown_command_is_echoed(clients: dict[str, WapiClient], format: str) -> None:
    """1.6: 2010. 1.3: command is an echo of the request's."""
    for command in ("Ping", "ping ", "<&>", "ž" * 200):
        reply = clients[format].call(command).expect(2010)
        assert (reply.result, reply.command) == ("Unknown command", command)


@pytest.mark.settings({"wapi": {"handler_secret": SECRET}, "wapi.commands": {"ping": "off", "domain-*": "off"}})
def test_a_command_can_be_disabled(client: WapiClient) -> None:
    """1.6: 2011."""
    for command in ("ping", "domain-", "domain-check"):
        reply = client.call(command).expect(2011)
        assert reply.result == "Command disabled"
    client.call("poll-req").expect(1003)
    client.call("domain").expect(2010)


def test_data_that_is_no_object_is_a_mismatch(clients: dict[str, WapiClient]) -> None:
    """1.6: 2101. 1.2: data is an object."""
    clients["json"].call("ping", "abc").expect(2101)
    clients["json"].call("ping", 7).expect(2101)
    clients["xml"].call("ping", "abc").expect(2101)
    clients["json"].call("ping", []).expect(1000)


@pytest.mark.parametrize("format", ["xml", "json"])
def test_ping_async_is_pending_and_then_told(clients: dict[str, WapiClient], format: str) -> None:
    """1.9/19: reply 1001 now, notification later with the same clTRID and the same svTRID."""
    client = clients[format]
    pending = client.call("ping-async", cltrid="dom-3").expect(1001)
    assert pending.result == "Request pending"

    notification = client.call("poll-req").expect(1000).data["notify"]
    assert notification["code"] in ("1000", 1000)
    assert notification["result"] == "OK"
    assert notification["clTRID"] == "dom-3"
    assert notification["svTRID"] == pending.svtrid
    assert notification["command"] == "ping-async"
    assert notification["data"] == {"round": "1", "time": "0.0", "done": "1"}
    client.call("poll-ack", {"id": notification["id"]}).expect(1002)
    client.call("poll-req").expect(1003)


def test_ping_async_in_test_mode_tells_nobody(client: WapiClient) -> None:
    """1.2: test mode: check, change nothing."""
    client.call("ping-async", test="1").expect(1001)
    client.call("poll-req").expect(1003)


def test_a_synchronous_command_tells_nobody(client: WapiClient, harbor: Account) -> None:
    """1.9/19: sync command: no notification. 1.5/6."""
    client.call("ping").expect(1000)
    client.call("poll-req").expect(1003)
    assert harbor.events().expect(200)["items"] == []


def test_an_account_of_another_door_cannot_be_asked_for(server: Server, api: Api, client: WapiClient) -> None:
    """1.4: the login, not the account's name."""
    WapiClient(server.url, "harbor-shop", PASSWORD).call("ping").expect(2050)
