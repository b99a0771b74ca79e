"""The command API's envelope, door and codes, each sentence of their description held against the server from outside.

Notifications are in test_from_the_page_wapi_notify.py. Each case names its rule by its number in the protocol page.
What the page leaves open is asserted only as far as it must hold in any reading: an answer of the API, no side effect.
"""

from __future__ import annotations

import json
import socket
import threading
from datetime import datetime, timezone
from typing import Iterable, Iterator
from xml.sax.saxutils import escape

import pytest
from support.api import Api
from support.own_time import standing_at
from support.ports import free_port
from support.server import Server
from support.wapi_page import ANY_MINUTE, DEADLINE_S, FORM, SVTRID, Customer, auth, form, prague_hour, shape

PASSWORD = "correct-horse"
UTC = timezone.utc
BOTH = pytest.mark.parametrize("kind", ["xml", "json"])


@pytest.fixture
def harbor(server, make_account) -> Customer:
    make_account("harbor").patch(wapi={"login": "harbor", "password": PASSWORD}).expect(200)
    return Customer(server.port, "harbor", PASSWORD)


@pytest.fixture(scope="module")
def door(tmp_path_factory) -> Iterator[Customer]:
    """The same on one server for all cases that leave nothing behind: there are hundreds of them."""
    settings = {"wapi": {"failures_max": 1000000, "hourly_max": 1000000, **ANY_MINUTE}}
    server = Server(tmp_path_factory.mktemp("door"), settings)
    server.start()
    yield make_customer(Api(server.url, server.admin_key), "harbor")
    code = server.stop()
    server.close()
    assert code == 0 and not server.complaints(), server.log_tail()


def make_customer(api, name: str, **wapi) -> Customer:
    account = api.account(name)
    account.put().expect(201)
    account.patch(wapi={"login": name, "password": PASSWORD, **wapi}).expect(200)
    return Customer(int(api.url.rpartition(":")[2]), name, PASSWORD)


def publish(api, name: str, count: int = 1) -> None:
    for number in range(count):
        data = {"code": 1000, "result": "OK", "command": "domain-create", "data": {"n": str(number)}}
        api.account(name).publish("domain.created", data).expect(202)


# 1.1 Transport


@BOTH
def test_each_door_answers_in_its_own_format(door, kind):
    """1.1: paths /wapi/xml and /wapi/json; the reply has the format of the endpoint."""
    reply = getattr(door, kind)("ping", cltrid="c-1")
    assert reply.expect(1000).raw.lstrip().startswith(b"<" if kind == "xml" else b"{")


@BOTH
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_but_post_carries_a_command_out(harbor, api, kind, method):
    """1.1, 1.9/13: POST only. The same command in the query or in another method's body does nothing."""
    publish(api, "harbor")
    shown = harbor.xml("poll-req").notify.id
    document = (harbor.xml_document("poll-ack", f"<id>{shown}</id>") if kind == "xml"
                else harbor.json_document("poll-ack", {"id": shown}))
    body = form(document)
    status, headers, raw = harbor.exchange(method, f"/wapi/{kind}?{body.decode()}", body)
    assert status == 405 and headers["Allow"] == "POST", (status, headers, raw)
    assert harbor.xml("poll-req").notify.id == shown


def _multipart(document: str, head: str) -> tuple[str, bytes]:
    """Content type and body, with a boundary as curl makes it."""
    boundary = "------------------------d74496d66958873e"
    body = f"--{boundary}\r\n{head}\r\n\r\n{document}\r\n--{boundary}--\r\n"
    return f"multipart/form-data; boundary={boundary}", body.encode()


@BOTH
@pytest.mark.parametrize("head", [
    'Content-Disposition: form-data; name="request"',
    'content-disposition:form-data;name="request"',
    "Content-Disposition: form-data; name=request",
    'Content-Disposition: form-data; name="request"\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 9',
    'Content-Type: application/octet-stream\r\nContent-Disposition: form-data; name="request"; filename="r.xml"',
])
def test_multipart_is_taken_as_php_and_others_write_it(door, kind, head):
    """1.1, 1.9/13: a client may post multipart/form-data with a part `request`."""
    document = getattr(door, f"{kind}_document")("ping", cltrid="a+b %41 & é=\r\n" if kind == "json" else "a+b %41")
    content_type, body = _multipart(document, head)
    reply = door.post(body, kind, content_type).expect(1000)
    assert reply.cltrid == ("a+b %41 & é=\r\n" if kind == "json" else "a+b %41")


def test_multipart_may_have_a_preamble_other_parts_an_epilogue_and_a_quoted_boundary(door):
    """1.1: what RFC 2046 allows around the part."""
    document = door.xml_document("ping", cltrid="c")
    boundary = "gc0p4Jq0M2Yt08j34c0p"
    body = (f"preamble\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n<request/>\r\n"
            f"--{boundary}\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{document}\r\n"
            f"--{boundary}\r\nContent-Disposition: form-data; name=\"submit\"\r\n\r\n\r\n--{boundary}--\r\nepilogue")
    door.post(body.encode(), "xml", f'Multipart/Form-Data; charset=utf-8; boundary="{boundary}"').expect(1000)


@pytest.mark.parametrize("content_type, body", [
    ("multipart/form-data", b"--x\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\nq\r\n--x--\r\n"),
    ("multipart/form-data; boundary=", b"--\r\n\r\n"),
    ("multipart/form-data; boundary=x", b""),
    ("multipart/form-data; boundary=x", b"--x"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n<request>"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"re\r\n\r\n<request>\r\n--x--"),
    ("multipart/form-data; boundary=" + "y" * 5000, b"--" + b"y" * 5000 + b"\r\n\r\n\r\n"),
    ("multipart/form-data; boundary=x", b"--x\r\n" * 3000),
])
def test_broken_multipart_is_a_parse_error_or_an_empty_request(door, content_type, body):
    """1.6: nothing to read is 2009 or 2000, and never anything else."""
    door.post(body, "xml", content_type).expect(2000, 2009)


@pytest.mark.parametrize("content_type", [
    "application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
    "application/x-www-form-urlencoded;charset=iso-8859-2",
])
@BOTH
def test_the_usual_form_is_taken_with_any_parameters_of_its_type(door, kind, content_type):
    """1.1: application/x-www-form-urlencoded in most clients."""
    document = getattr(door, f"{kind}_document")("ping")
    door.post(form(document), kind, content_type).expect(1000)


@pytest.mark.parametrize("written, meant", [
    ("a+b", "a b"), ("a%20b", "a b"), ("a%2bb", "a+b"), ("a%2Bb", "a+b"), ("%C5%99", "ř"), ("%c5%99", "ř"),
    ("ř", "ř"), ("a=b==", "a=b=="), ("a%3Db", "a=b"), ("a%26amp;b", "a&b"), ("a%25b", "a%b"), ("a%2525", "a%25"),
])
def test_a_form_is_decoded_once_and_split_at_its_first_equals_sign(door, written, meant):
    """1.1: `+` is space, %HH is decoded, shell clients post the XML as it is; a value may have further `=`."""
    raw = "request=" + door.xml_document("ping", cltrid="MARK").replace("MARK", written)
    assert door.post(raw.encode()).expect(1000).cltrid == meant


def test_a_json_document_unencoded_as_curl_posts_it(door):
    """1.1: the raw form, with what curl -d leaves alone."""
    raw = "request=" + door.json_document("ping", cltrid="job=1/2")
    assert door.post(raw.encode(), "json").expect(1000).cltrid == "job=1/2"


@pytest.mark.parametrize("broken", ["%", "%4", "%zz", "%%", "%-1", "%u0041"])
def test_a_broken_escape_is_answered_by_the_api_whatever_it_means(door, broken):
    """1.1: not defined; nothing but a success that leaves the text alone or a refusal is thinkable."""
    raw = "request=" + door.xml_document("ping", cltrid="MARK").replace("MARK", broken)
    reply = door.post(raw.encode()).expect(1000, 2000, 2102)
    assert reply.code != 1000 or reply.cltrid == broken


def test_other_parameters_of_the_form_are_passed_over(door):
    """1.1: the document is the value of the parameter named `request`."""
    body = b"submit=1&empty=&alone&requests=<x/>&" + form(door.xml_document("ping")) + b"&request2=q&"
    door.post(body).expect(1000)


@pytest.mark.parametrize("body", [
    b"", b"request=", b"request", b"Request=<request/>", b"other=1", b"&&&", b"=<request/>",
])
@BOTH
def test_a_form_without_a_request_is_empty(door, kind, body):
    """1.6, 1.9/13: request missing or empty is 2009."""
    reply = door.post(body, kind).expect(2009)
    assert reply.names == ["code", "result", "timestamp", "svTRID"]


def test_a_request_given_twice_is_carried_out_once_at_most(harbor, api):
    """1.9/13: `request` present twice has one answer, and one effect at most."""
    publish(api, "harbor", 2)
    first = harbor.xml("poll-req").notify.id
    document = form(harbor.xml_document("poll-ack", f"<id>{first}</id>"))
    reply = harbor.post(document + b"&" + document).expect(1002, 2000)
    head = harbor.xml("poll-req").notify.id
    assert (head == first) == (reply.code == 2000)


def test_the_document_is_utf8_and_so_is_the_reply(door):
    """1.1: UTF-8 both ways, up to characters beyond the BMP."""
    text = "Žluťoučký kůň ∑ 𝄞 😀"
    assert text.encode() in door.xml("ping", cltrid=text).expect(1000).raw
    assert door.json("ping", cltrid=text).expect(1000).cltrid == text


@pytest.mark.parametrize("prolog", [
    "", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>\n',
    "<?xml version='1.0' encoding='utf-8' ?>\r\n", '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>',
    "\n  ", "\ufeff", '\ufeff<?xml version="1.0" encoding="UTF-8"?>', "<!-- from the shop -->",
])
def test_the_prolog_is_optional(door, prolog):
    """1.1: XML prolog optional; a byte order mark and a comment are XML too."""
    door.send(prolog + door.xml_document("ping")).expect(1000)


def test_every_outcome_has_status_200(door):
    """1.1: HTTP status 200, the outcome is in `code`. (post() asserts it for every case here.)"""
    for document in ("", "<", "<request/>", door.xml_document("nonsense"), "x" * 300_000):
        door.send(document)
        door.send(document, "json")


def _raw_exchange(port: int, *pieces: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as connection:
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while data := connection.recv(65536):
            received += data
        return received


def test_old_slow_and_chunking_clients_are_served(door):
    """1.1: POST over HTTP in any framing: HTTP/1.0, one byte a packet, chunks, Expect, two requests in a packet."""
    body = form(door.xml_document("ping", cltrid="framing"))
    head = b"POST /wapi/xml HTTP/%b\r\nHost: x\r\nContent-Type: " + FORM.encode() + b"\r\n%bConnection: %b\r\n\r\n"
    length = b"Content-Length: %d\r\n" % len(body)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(body[at:at + 7]), body[at:at + 7]) for at in range(0, len(body), 7))
    requests = [
        [head % (b"1.0", length, b"close") + body],
        [bytes([each]) for each in head % (b"1.1", length, b"close") + body],
        [head % (b"1.1", b"Transfer-Encoding: chunked\r\n", b"close") + chunks + b"0\r\n\r\n"],
        [head % (b"1.1", length + b"Expect: 100-continue\r\n", b"close"), body],
        [head % (b"1.1", length, b"keep-alive") + body + head % (b"1.1", length, b"close") + body],
    ]
    answers = [_raw_exchange(door.port, *request) for request in requests]
    assert [answer.count(b"<clTRID>framing</clTRID>") for answer in answers] == [1, 1, 1, 1, 2], answers


# 1.2 Request envelope


def test_the_pages_xml_sample_is_understood_with_its_white_space(door):
    """1.2: the sample, pretty-printed, with a prolog."""
    reply = door.send(f'''<?xml version="1.0" encoding="UTF-8"?>
<request>
  <user>harbor</user>
  <auth>{door.auth()}</auth>
  <command>poll-ack</command>
  <clTRID>job-17</clTRID>
  <data>
    <id>51</id>
  </data>
</request>
''').expect(2151)
    assert shape(reply.raw) == (
        "<response><code>2151</code><result>Notification does not exist</result><timestamp>NOW</timestamp>"
        "<clTRID>job-17</clTRID><svTRID>SVTRID</svTRID><command>poll-ack</command></response>")


def test_the_pages_json_sample_is_understood(door):
    """1.2: the sample, in one line."""
    reply = door.send(
        f'{{"request":{{"user":"harbor","auth":"{door.auth()}","command":"poll-ack","clTRID":"job-17",'
        '"data":{"id":51}}}', "json").expect(2151)
    assert shape(reply.raw) == (
        '{"response":{"code":2151,"result":"Notification does not exist","timestamp":NOW,'
        '"clTRID":"job-17","svTRID":"SVTRID","command":"poll-ack"}}')


REQUIRED = [("user", 2001), ("auth", 2002), ("command", 2003)]


@BOTH
@pytest.mark.parametrize("missing, code", REQUIRED)
def test_user_auth_and_command_are_required(door, kind, missing, code):
    """1.2, 1.6: 2001, 2002, 2003, by what is missing."""
    members = {"user": "harbor", "auth": door.auth(), "command": "ping", "clTRID": "c-1"}
    del members[missing]
    reply = door.send(_document(kind, members), kind).expect(code)
    assert reply.cltrid == "c-1"
    assert reply.command == ("ping" if missing != "command" else None)


def _document(kind: str, members: dict) -> str:
    if kind == "json":
        return json.dumps({"request": members})
    elements = (f"<{name}>{escape(str(value))}</{name}>" for name, value in members.items())
    return f"<request>{''.join(elements)}</request>"


@BOTH
def test_of_several_missing_ones_the_first_is_named(door, kind):
    """1.6: order of checks: user, auth, command."""
    door.send(_document(kind, {"clTRID": "x"}), kind).expect(2001)
    door.send(_document(kind, {"user": "harbor"}), kind).expect(2002)


@BOTH
def test_members_come_in_any_order_and_unknown_ones_are_passed_over(door, kind):
    """1.9/11: unknown element in `request`: ignored."""
    members = {"lang": "cs", "clTRID": "c", "command": "ping", "version": "2", "auth": door.auth(), "user": "harbor"}
    assert door.send(_document(kind, members), kind).expect(1000).cltrid == "c"


def test_unknown_content_in_json_may_be_of_any_type(door):
    """1.9/11: the same for what is no text."""
    door.json("ping", extra={"deep": [1, {"x": None}]}, more=[], other=False).expect(1000)


def test_unknown_content_in_xml_may_have_children_attributes_and_namespaces(door):
    """1.9/11: the same for what is no plain text element."""
    more = '<x:ext xmlns:x="urn:x" a="1"><x:in>t</x:in></x:ext><!-- c --><?pi x?>'
    door.xml("ping", more=more).expect(1000)


@pytest.mark.parametrize("data", ["", "<id/>", "<id>1</id><id>2</id>"])
def test_two_data_elements_are_refused_in_xml(door, data):
    """1.2, 1.9/6: at most one element `data`: 2004."""
    door.xml("poll-ack", data, more="<data><id>1</id></data>").expect(2004)


def test_two_data_members_are_refused_in_json(door):
    """1.2, 1.9/6: two members of one name are no JSON object to rely on: 2004, or 2000."""
    document = door.json_document("poll-ack", {"id": 1}).replace('"data":', '"data": {"id": 2}, "data":')
    door.send(document, "json").expect(2004, 2000)


def test_xml_test_mode_checks_and_changes_nothing(harbor, api):
    """1.2: test is `1`: the checks are made, nothing changes."""
    publish(api, "harbor")
    shown = harbor.xml("poll-req").notify.id
    harbor.xml("poll-ack", f"<id>{shown}</id>", more="<test>1</test>").expect(1002)
    assert harbor.xml("poll-req").notify.id == shown
    harbor.xml("poll-ack", f"<id>{shown + 1}</id>", more="<test>1</test>").expect(2151)


@pytest.mark.parametrize("flag, is_test", [
    (1, True), (True, True), ("1", True), (0, False), (False, False), ("0", False),
])
def test_json_test_mode_is_one_or_true(harbor, api, flag, is_test):
    """1.2: clients send 1, or true and false."""
    publish(api, "harbor")
    shown = harbor.json("poll-req").notify.id
    harbor.json("poll-ack", {"id": shown}, test=flag).expect(1002)
    assert harbor.json("poll-req").code == (1000 if is_test else 1003)


@BOTH
def test_a_poll_in_test_mode_does_not_show_for_an_acknowledgement(harbor, api, kind):
    """1.2, 1.8: a test changes nothing, so what only a test has polled was not fetched."""
    publish(api, "harbor")
    tested = harbor.xml("poll-req", more="<test>1</test>") if kind == "xml" else harbor.json("poll-req", test=1)
    harbor.xml("poll-ack", f"<id>{tested.notify.id}</id>").expect(2151)


# 1.3 Response envelope (Reply checks order, types and texts of every reply in this file)


def test_the_reply_to_ping_byte_by_byte(door):
    """1.3: code, result, timestamp, clTRID, svTRID, command; no data when there is none."""
    assert shape(door.xml("ping", cltrid="dom-3").raw) == (
        "<response><code>1000</code><result>OK</result><timestamp>NOW</timestamp><clTRID>dom-3</clTRID>"
        "<svTRID>SVTRID</svTRID><command>ping</command></response>")
    assert shape(door.json("ping", cltrid="dom-3").raw) == (
        '{"response":{"code":1000,"result":"OK","timestamp":NOW,"clTRID":"dom-3","svTRID":"SVTRID","command":"ping"}}')


@BOTH
def test_an_absent_cltrid_is_absent_in_the_reply(door, kind):
    """1.3, 1.9/10: not empty, absent."""
    assert "clTRID" not in getattr(door, kind)("ping").names


def test_timestamp_is_now_and_begins_the_svtrid(door):
    """1.3: Unix seconds; svTRID is `<unix seconds>.<number>.<number>` with an optional further one."""
    before = int(datetime.now(UTC).timestamp())
    reply = door.xml("ping")
    after = int(datetime.now(UTC).timestamp())
    assert before <= reply.timestamp <= after
    assert before <= int(SVTRID.fullmatch(reply.svtrid)[0].split(".")[0]) <= after


def test_svtrid_is_always_there_and_never_the_same(door):
    """1.3: server's id, always present, also of what could not be read."""
    documents = ["", "<", "<request/>", door.xml_document("ping"), door.xml_document("no-such")]
    assert len({door.send(document).svtrid for document in documents * 40}) == 200


def test_svtrid_differs_between_clients_of_one_instant(door):
    """1.3: the same with several connections at a time."""
    found: list[str] = []

    def ask() -> None:
        found.extend(door.xml("ping").svtrid for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 200


def test_what_cannot_be_read_is_answered_with_what_is_known(door):
    """1.3: clTRID and command are echoes, so they are absent where none was understood."""
    assert shape(door.send("<request>").raw) == (
        "<response><code>2000</code><result>Request parse error</result><timestamp>NOW</timestamp>"
        "<svTRID>SVTRID</svTRID></response>")
    assert shape(door.send("{", "json").raw) == (
        '{"response":{"code":2000,"result":"Request parse error","timestamp":NOW,"svTRID":"SVTRID"}}')


CLTRIDS = [
    "a", "job-17", "<&>\"'", "]]>", "řž", "𝄞", " in between ", "a\tb", "0", "#{}[]\\/", "-" * 64, "ž" * 64, "😀" * 64,
]


@BOTH
@pytest.mark.parametrize("cltrid", CLTRIDS)
def test_cltrid_comes_back_unchanged(door, kind, cltrid):
    """1.2, 1.9/10: XML specials, non-ASCII, at the limit of 64 characters."""
    assert getattr(door, kind)("ping", cltrid=cltrid).expect(1000).cltrid == cltrid


@BOTH
@pytest.mark.parametrize("cltrid", ["-" * 65, "ž" * 65, "😀" * 65, "x" * 5000])
def test_a_longer_cltrid_is_refused(door, kind, cltrid):
    """1.8, 1.9/10: more than 64 characters: 2005."""
    getattr(door, kind)("ping", cltrid=cltrid).expect(2005)


@pytest.mark.parametrize("written, meant", [
    ("&lt;&amp;&gt;&quot;&apos;", "<&>\"'"), ("&#x159;&#345;", "řř"), ("<![CDATA[<&]]>", "<&"),
    ("a<!-- x -->b", "ab"), ("a<?x y?>b", "ab"), ("&#65;<![CDATA[B]]>C", "ABC"),
])
def test_xml_text_is_what_xml_says_it_is(door, written, meant):
    """1.9/10: references, CDATA, comments in between."""
    document = door.xml_document("ping", cltrid="MARK").replace("MARK", written)
    assert door.send(document).expect(1000).cltrid == meant


@pytest.mark.parametrize("written, meant", [
    (r"\u0159", "ř"), (r"\ud834\udd1e", "𝄞"), (r"\/\"\\", '/"\\'), (r"\n", "\n"),
])
def test_json_text_is_what_json_says_it_is(door, written, meant):
    """1.9/10: the escapes of JSON."""
    document = door.json_document("ping", cltrid="MARK").replace("MARK", written)
    assert door.send(document, "json").expect(1000).cltrid == meant


def test_a_control_character_from_json_does_not_break_a_reply(door):
    """1.3: a reply is well-formed whatever was in the request."""
    document = door.json_document("ping", cltrid="MARK").replace("MARK", r"a\u0000\u0001\u001b\ufffe")
    door.send(document, "json").expect(1000, 2000, 2102)


def test_a_command_with_specials_is_echoed_well_formed(door):
    """1.3: command is an echo, also of an unknown one."""
    assert door.xml("a&lt;b&gt;&amp;c").expect(2010).command == "a<b>&c"
    assert door.json('q"\\<').expect(2010).command == 'q"\\<'


# 1.4 Authentication


@pytest.mark.parametrize("hour, expected", [
    ("11", "ac28237e80e68efa3bfd07f42dca3d41c5986e01"),
    ("00", "7fbabaadd1d5f19b05a15bae52132f70cb902dad"),
    ("09", "68782a69ff7316fe873a2bd872586a0b7df291e6"),
])
def test_this_client_computes_the_published_vectors(hour, expected):
    """1.4: the vectors of user tester, password 123456. With what it computes, all other cases here log in."""
    assert auth("tester", "123456", hour) == expected


@BOTH
def test_wrong_credentials_are_one_and_the_same_failure(door, kind):
    """1.6: 2050, which does not tell whether there is such a user."""
    port = door.port
    strangers = [Customer(port, "harbor", "wrong-horse"), Customer(port, "nobody", PASSWORD),
                 Customer(port, "Harbor", PASSWORD), Customer(port, "harbor ", PASSWORD)]
    replies = {shape(getattr(each, kind)("ping", cltrid="c").expect(2050).raw) for each in strangers}
    assert len(replies) == 1


@pytest.mark.parametrize("change", [
    str.upper, lambda token: token[:-1], lambda token: token + "0", lambda token: " " + token[1:],
    lambda token: "0" * 40, lambda token: token[1:] + token[0], lambda token: token + " ", lambda token: token * 1000,
])
def test_auth_is_exactly_forty_lower_case_digits(door, change):
    """1.2, 1.4, 1.9/9: all hex lower case; anything else is 2050."""
    token = change(door.auth())
    members = {"user": "harbor", "auth": token, "command": "ping"}
    for kind in ("xml", "json"):
        door.send(_document(kind, members), kind).expect(2050)


HOURS = [
    ("2026-01-15T08:30:00", "09"), ("2026-01-15T22:59:59", "23"), ("2026-01-15T23:00:00", "00"),
    ("2026-07-15T07:00:00", "09"), ("2026-07-15T21:59:59", "23"), ("2026-07-15T22:00:00", "00"),
    ("2026-03-29T00:59:59", "01"), ("2026-03-29T01:00:00", "03"), ("2026-03-29T01:59:59", "03"),
    ("2026-10-25T00:00:00", "02"), ("2026-10-25T00:59:59", "02"), ("2026-10-25T01:00:00", "02"),
    ("2026-10-25T01:59:59", "02"), ("2026-10-25T02:00:00", "03"), ("2026-12-31T23:30:00", "00"),
    ("2028-03-26T01:00:00", "03"), ("2028-10-29T00:59:59", "02"), ("2030-03-31T00:59:59", "01"),
    ("2027-03-28T01:00:00", "03"), ("2031-10-26T01:00:00", "02"),
]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("at, hour", HOURS)
def test_the_hour_is_that_of_prague(start_server, at, hour):
    """1.4, 1.9/9: two digits, summer time from 01:00 UTC on the last Sunday of March to that of October."""
    assert prague_hour(_at(at)) == hour
    customer = _customer_at(start_server, _at(at))
    for other in range(24):
        customer.hour = f"{other:02d}"
        customer.xml("ping").expect(1000 if customer.hour == hour else 2050)
    if hour.startswith("0"):
        customer.hour = hour[1:]
        customer.xml("ping").expect(2050)


def _customer_at(start_server, now: datetime, **wapi) -> Customer:
    """A customer of a server whose clock stands."""
    return _server_with(start_server, standing_at(int(now.timestamp())), now, **wapi)[1]


def _server_by(start_server, clock, now: datetime, **wapi) -> tuple[Server, Customer]:
    """A server whose clock shows now and goes on from there, and a customer of it."""
    clock.set(now)
    return _server_with(start_server, clock.environment, now, **wapi)


def _server_with(start_server, environment, now: datetime, **wapi) -> tuple[Server, Customer]:
    """The customer says the hour of now, whatever the clock does. Nobody is blocked unless wapi's settings say so."""
    settings = {"wapi": {"failures_max": 1000000, "previous_hour": None, **wapi}}
    server = start_server(settings, environment=environment)
    customer = make_customer(Api(server.url, server.admin_key), "harbor")
    customer.hour = prague_hour(now)
    return server, customer


def _codes_by_hour(customer: Customer, hours: Iterable[str]) -> dict[str, int]:
    codes = {}
    for hour in hours:
        customer.hour = hour
        codes[hour] = customer.xml("ping").code
    return codes


@pytest.mark.parametrize("at, codes", [
    ("2026-06-01T08:00:00", {"09": 2050, "10": 1000, "11": 2050}),
    ("2026-06-01T08:59:59", {"09": 2050, "10": 1000, "11": 2050}),
    ("2026-06-01T09:00:00", {"10": 2050, "11": 1000, "12": 2050}),
])
def test_a_token_changes_on_the_hour_without_grace(start_server, at, codes):
    """1.4, 1.9/9: the same for a whole clock hour; no grace by default."""
    assert _codes_by_hour(_customer_at(start_server, _at(at)), codes) == codes


@pytest.mark.parametrize("at, codes", [
    ("2026-06-01T09:00:00", {"09": 2050, "10": 1000, "11": 1000, "12": 2050}),
    ("2026-06-01T09:00:59", {"09": 2050, "10": 1000, "11": 1000, "12": 2050}),
    ("2026-06-01T09:01:00", {"09": 2050, "10": 2050, "11": 1000, "12": 2050}),
    ("2026-06-01T09:59:59", {"09": 2050, "10": 2050, "11": 1000, "12": 2050}),
])
def test_a_setting_takes_the_previous_hour_for_its_first_minute(start_server, at, codes):
    """1.4: the previous hour during the first 60 s, only if a setting allows it; never the one to come."""
    assert _codes_by_hour(_customer_at(start_server, _at(at), previous_hour="60s"), codes) == codes


@pytest.mark.parametrize("now, previous", [
    ("2026-03-29T01:00:30", "01"), ("2026-10-25T01:00:30", "02"), ("2026-10-25T02:00:30", "02"),
    ("2026-06-01T22:00:30", "23"),
])
def test_the_previous_hour_is_the_one_that_clocks_showed(start_server, now, previous):
    """1.4, 1.9/9: an hour before 03 is 01 in March, before the second 02 the first one."""
    customer = _customer_at(start_server, _at(now), previous_hour="60s")
    customer.hour = previous
    customer.xml("ping").expect(1000)


@pytest.mark.parametrize("allow, source, code", [
    ("127.0.0.1", "127.0.0.1", 1000), ("127.0.0.1", "127.0.0.11", 2051), ("127.0.0.11", "127.0.0.1", 2051),
    ("127.", "127.0.0.9", 1000), ("127.0.", "127.0.0.9", 1000), ("127.0.0.", "127.0.0.9", 1000),
    ("127.0.1.", "127.0.0.9", 2051), ("27.0.0.", "127.0.0.9", 2051), ("198.51.100. ::1", "127.0.0.1", 2051),
    ("198.51.100. 2001:db8::1 127.0.0.1", "127.0.0.1", 1000), ("198.51.100.7 127.0.0.2 127.0.0.3", "127.0.0.3", 1000),
])
def test_the_allow_list_is_of_addresses_and_dotted_prefixes(api, allow, source, code):
    """1.4: full addresses or dotted prefixes, separated by spaces; otherwise 2051."""
    customer = make_customer(api, "harbor", allow=allow)
    customer.source = source
    customer.xml("ping").expect(code)


def test_ipv6_addresses_are_compared_as_addresses(start_server):
    """1.4: full IPv6 addresses, in any way to write them."""
    if not _has_ipv6():
        pytest.skip("this machine has no ::1")
    port = free_port()
    server = start_server({"server": {"listen": f"[::1]:{port}"}}, port=0)
    customer = make_customer(Api(server.url, server.admin_key), "harbor", allow="0:0:0:0:0:0:0:1")
    body = form(customer.xml_document("ping"))
    head = (f"POST /wapi/xml HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n")
    with socket.create_connection(("::1", port), DEADLINE_S) as connection:
        connection.sendall(head.encode() + body)
        assert b"<code>1000</code>" in connection.makefile("rb").read()


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


# 1.6 Codes: what is wrong with a request


@pytest.mark.parametrize("document", [
    "<", "<request>", "<request></reques>", "<request><user></request>", "nonsense", "<request/><request/>",
    "<request/>x",
    "<response/>", "<Request/>", "<request a=1/>", "<request a='1' a='2'/>", "&amp;",
    "<request>&nbsp;</request>", "<request>&#0;</request>", "<request>&#xD800;</request>", "<request>\x01</request>",
    "<request><![CDATA[</request>", "<?xml version='1.0'?><?xml version='1.0'?><request/>", "{}", '{"request":{}}',
    "<!-- -- --><request/>", "<request>]]></request>", "\0<request/>", "<request/>\0",
])
def test_what_is_not_one_request_in_xml_is_a_parse_error(door, document):
    """1.6, 1.9/11: 2000; JSON at the XML door too."""
    door.send(document).expect(2000)


@pytest.mark.parametrize("document", [
    "{", "[]", "null", "1", '"request"', "{}", '{"request":null}', '{"request":[]}', '{"request":"x"}',
    "{'request':{}}",
    '{"request":{}}x', '{"request":{},}', '{"Request":{}}', '{"response":{}}', '{"request":{"user":}}', "<request/>",
    '{"request":{"user":"a\x01"}}', '{"request":{"user":"\\x"}}', '{"request":{"user":01}}', '{"request":{}}\0',
])
def test_what_is_not_one_request_in_json_is_a_parse_error(door, document):
    """1.2, 1.6, 1.9/11: one object with the single key `request`; else 2000. XML at the JSON door too."""
    door.send(document, "json").expect(2000)


def test_a_second_key_beside_request_is_refused_or_ignored(door):
    """1.2: the single key `request`: another one is an error, or unknown and ignored; not a second request."""
    document = door.json_document("ping")[:-1] + ', "other": 1}'
    door.send(document, "json").expect(1000, 2000)


BOMB = ('<!DOCTYPE request [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi")) + "]>")


@pytest.mark.parametrize("prolog, user", [
    (BOMB, "&i;"), ('<!DOCTYPE request SYSTEM "http://127.0.0.1:PORT/x.dtd">', "harbor"),
    ('<!DOCTYPE request [<!ENTITY x SYSTEM "http://127.0.0.1:PORT/x">]>', "&x;"),
    ('<!DOCTYPE request [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "&x;"),
    ('<!DOCTYPE request [<!ENTITY % p SYSTEM "http://127.0.0.1:PORT/p"> %p;]>', "harbor"),
    ("<!DOCTYPE request>", "harbor"), ('<!DOCTYPE request [<!ENTITY u "harbor">]>', "&u;"),
    ("<!DOCTYPE request [<!ATTLIST request x CDATA 'y'>]>", "harbor"),
], ids=["bomb", "outer subset", "fetched entity", "file", "parameter entity", "empty", "entity", "attribute list"])
def test_a_dtd_is_refused_unread(door, receiver, prolog, user):
    """1.9/14: 2000 or 2008, no fetch, no expansion."""
    document = prolog.replace("PORT", str(receiver.port)) + door.xml_document("ping", cltrid="c")
    document = document.replace("<user>harbor<", f"<user>{user}<")
    reply = door.send(document).expect(2000, 2008)
    assert len(reply.raw) < 1000 and not receiver.requests and receiver.connections_made == 0


def test_an_xinclude_and_a_stylesheet_are_text_to_us(door, receiver):
    """1.9/14: no fetch."""
    more = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="http://127.0.0.1:{receiver.port}/x"/>'
    sheet = f'<?xml-stylesheet href="http://127.0.0.1:{receiver.port}/y"?>'
    door.send(sheet + door.xml_document("ping", more=more)).expect(1000, 2000)
    assert receiver.connections_made == 0


@pytest.mark.parametrize("head, encoding", [
    ("utf-16", "utf-16"), ("UTF-16LE", "utf-16-le"), ("ISO-8859-2", "iso-8859-2"), ("windows-1250", "cp1250"),
    ("US-ASCII", "ascii"), ("UTF-7", "utf-7"), ("EBCDIC-CP-US", "cp037"), ("no-such", "utf-8"),
])
def test_other_encodings_are_refused(door, head, encoding):
    """1.1: UTF-8. What declares or is something else is 2000 or 2102."""
    text = "zz" if encoding in ("ascii", "cp037") else "řž"
    document = f'<?xml version="1.0" encoding="{head}"?>' + door.xml_document("ping", cltrid=text)
    door.send(document.encode(encoding)).expect(2000, 2102)


INVALID_UTF8 = [
    b"\xff", b"\xfe", b"\x80", b"\xc5", b"\xc3\x28", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"\xf0\x9f\x98", b"\xf8\x88\x80\x80\x80", b"caf\xe9",
]


@BOTH
@pytest.mark.parametrize("value", INVALID_UTF8)
def test_invalid_utf8_in_a_value_is_an_encoding_mismatch(door, kind, value):
    """1.9/15: 2102, in any member, known or not."""
    for document in (getattr(door, f"{kind}_document")("ping", cltrid="MARK"),
                     getattr(door, f"{kind}_document")("MARK")):
        door.send(document.encode().replace(b"MARK", value), kind).expect(2102)


def test_half_a_surrogate_pair_in_json_is_refused(door):
    """1.9/15: it stands for no character, so it cannot be returned unchanged."""
    for half in (r"\ud834", r"\udd1e", r"\ud834x", r"\udd1e\ud834"):
        document = door.json_document("ping", cltrid="MARK").replace("MARK", half)
        door.send(document, "json").expect(2000, 2102)


def _of_size(document: str, size: int) -> str:
    assert len(document.encode()) <= size
    return document + " " * (size - len(document.encode()))


@BOTH
def test_a_request_of_64_kib_is_taken_and_a_byte_more_is_not(door, kind):
    """1.8: at most 64 KiB, of the document, however it is encoded on the way; else 2007."""
    document = getattr(door, f"{kind}_document")("ping")
    door.send(_of_size(document, 65536), kind).expect(1000)
    door.send(_of_size(document, 65537), kind).expect(2007)


def test_percent_encoding_does_not_count_against_the_size(door):
    """1.8: 60,000 bytes of text that triple in the form."""
    document = door.xml_document("ping", more=f"<x>{'ž' * 30000}</x>")
    body = b"request=" + b"".join(b"%%%02X" % byte for byte in document.encode())
    assert len(body) > 180_000
    door.post(body).expect(1000)


@BOTH
@pytest.mark.parametrize("size", [100_000, 300_000, 3_000_000])
def test_a_larger_body_is_2007_however_large(door, kind, size):
    """1.6: 2007 with status 200, also where the server would not read it all."""
    door.send("x" * size, kind).expect(2007)


def test_a_large_multipart_body_is_2007_too(door):
    """1.6: the same by the other way."""
    content_type, body = _multipart("x" * 300_000, 'Content-Disposition: form-data; name="request"')
    door.post(body, "xml", content_type).expect(2007)


def _nested_xml(harbor: Customer, levels: int) -> str:
    """request and data are two of the levels."""
    inner = levels - 2
    return harbor.xml_document("ping", "<a>" * inner + "</a>" * inner)


def _nested_json(harbor: Customer, levels: int) -> str:
    """The object around, request and data are three of the levels."""
    value: dict = {}
    for _ in range(levels - 3):
        value = {"a": value}
    return harbor.json_document("ping", value)


@pytest.mark.parametrize("levels, code", [(32, 1000), (33, 2008), (100, 2008), (5000, 2008)])
def test_xml_deeper_than_32_levels_is_too_complex(door, levels, code):
    """1.8, 1.9/14: 32 levels; more are 2008."""
    door.send(_nested_xml(door, levels)).expect(code)


@pytest.mark.parametrize("levels", [100, 500])
def test_json_deeper_than_32_levels_is_too_complex(door, levels):
    """1.8: the same; whether the outer object counts is left open, so 31 and 100."""
    door.send(_nested_json(door, 31), "json").expect(1000)
    door.send(_nested_json(door, levels), "json").expect(2008)


@BOTH
def test_a_very_broad_request_is_answered(door, kind):
    """1.6: thousands of members within the size: served or 2008."""
    if kind == "xml":
        door.xml("ping", "<a/>" * 12_000).expect(1000, 2008)
    else:
        door.json("ping", {"a": [0] * 20_000}).expect(1000, 2008)


BAD_UTF8 = "<request><user>\udcff</user></request>"
TWO_DATA = "<data/><data/>"
LONG = "x" * 65


def _wrong(harbor: Customer, **members: str) -> str:
    """A document with these members in place of right ones; None leaves one out."""
    right = {"user": "harbor", "auth": harbor.auth(), "command": "ping", **members}
    return "<request>" + "".join(
        value if name == "more" else f"<{name}>{value}</{name}>" for name, value in right.items() if value is not None
    ) + "</request>"


@pytest.mark.parametrize("code, members", [
    (2007, {"more": "x" * 70_000 + "\udcff"}), (2102, {"more": "\udcff</nonsense>"}),
    (2102, {"user": None, "more": "\udcff"}),
    (2000, {"user": None, "more": "<"}), (2001, {"user": None, "auth": None, "command": None, "more": TWO_DATA}),
    (2002, {"auth": None, "more": TWO_DATA}), (2003, {"command": None, "more": TWO_DATA, "clTRID": LONG}),
    (2004, {"more": TWO_DATA, "clTRID": LONG, "auth": "0" * 40}), (2005, {"clTRID": LONG, "auth": "0" * 40}),
    (2005, {"clTRID": LONG, "command": "no-such"}), (2050, {"auth": "0" * 40, "command": "no-such"}),
    (2050, {"auth": "0" * 40, "command": "poll-ack"}), (2008, {"user": None, "more": "<a>" * 40 + "</a>" * 40}),
])
def test_of_two_faults_the_earlier_check_wins(door, code, members):
    """1.6: order of checks, for each neighbouring pair that a request can have."""
    door.send(_wrong(door, **members).encode("utf-8", "surrogateescape")).expect(code)


def test_the_allow_list_is_asked_before_auth_and_after_the_envelope(api):
    """1.6: clTRID length, then allow list (2051), then auth (2050)."""
    customer = make_customer(api, "harbor", allow="198.51.100.")
    customer.send(_wrong(customer, auth="0" * 40, command="no-such")).expect(2051)
    customer.send(_wrong(customer, clTRID=LONG)).expect(2005)


MORNING = datetime(2026, 6, 1, 9, 10, tzinfo=UTC)  # far from an hour's end


def test_the_hourly_limit_comes_after_auth_and_before_the_command(start_server, clock):
    """1.6: auth (2050), hourly limit (2006), command known (2010)."""
    _, harbor = _server_by(start_server, clock, MORNING, hourly_max=3)
    for _ in range(3):
        harbor.xml("ping").expect(1000)
    harbor.xml("ping").expect(2006)
    harbor.xml("no-such").expect(2006)
    harbor.send(_wrong(harbor, auth="0" * 40)).expect(2050)
    harbor.send(_wrong(harbor, clTRID=LONG)).expect(2005)


def test_the_hourly_limit_is_of_an_account_and_a_clock_hour(start_server, clock):
    """1.6: 1000 requests per account and clock hour, here 5; others are not touched, and the next hour is new."""
    server, harbor = _server_by(start_server, clock, MORNING, hourly_max=5)
    quay = make_customer(Api(server.url, server.admin_key), "quay")
    quay.hour = harbor.hour
    assert [harbor.json("ping").code for _ in range(7)] == [1000] * 5 + [2006] * 2
    quay.xml("ping").expect(1000)
    clock.set(datetime(2026, 6, 1, 10, 0, 1, tzinfo=UTC))
    harbor.hour = "12"
    harbor.xml("ping").expect(1000)


@pytest.mark.deadline(240)
def test_a_thousand_requests_an_hour_by_default(start_server, clock):
    """1.6: the 1000th is served, the 1001st is not."""
    _, harbor = _server_by(start_server, clock, MORNING)
    document = form(harbor.xml_document("ping"))
    codes = [harbor.post(document).code for _ in range(1001)]
    assert codes == [1000] * 1000 + [2006]


@pytest.mark.parametrize("bad", [
    lambda c: c.send(_wrong(c, auth="0" * 40)), lambda c: c.send("<nonsense"), lambda c: c.send("[]", "json"),
])
def test_more_than_ten_invalid_requests_block_their_address(harbor, bad):
    """1.6: more than 10 invalid requests from one address block it (2052); others are not touched."""
    codes = [bad(harbor).code for _ in range(10)]
    assert 2052 not in codes
    harbor.xml("ping").expect(1000)
    bad(harbor)
    harbor.xml("ping").expect(2052)
    harbor.source = "127.0.0.2"
    harbor.xml("ping").expect(1000)


def test_a_block_comes_after_the_envelope_and_before_allow_list_and_auth(api):
    """1.6: order of checks: clTRID length (2005), block (2052), allow list (2051), auth (2050)."""
    customer = make_customer(api, "harbor", allow="198.51.100.")
    for _ in range(12):
        customer.send("<")
    customer.send(_wrong(customer, clTRID=LONG)).expect(2005)
    customer.send(_wrong(customer, auth="0" * 40)).expect(2052)
    customer.send("<").expect(2000)


def test_a_consumer_that_asks_in_vain_is_not_blocked(harbor):
    """1.6: an acknowledgement that another consumer was first with is no invalid request; nor is an empty queue."""
    for _ in range(30):
        harbor.xml("poll-ack", "<id>51</id>").expect(2151)
        harbor.xml("poll-req").expect(1003)


def test_a_block_lasts_a_minute_for_each_further_invalid_request(start_server, clock):
    """1.6: 1 minute per further invalid request, growing. Each is asked half a minute before its end, and after it."""
    _, customer = _server_by(start_server, clock, MORNING, failures_max=10)
    _send_times(customer, "<", 11)
    clock.advance(30)
    customer.xml("ping").expect(2052)
    clock.advance(31)
    customer.xml("ping").expect(1000)
    _send_times(customer, "<", 2)
    clock.advance(150)
    customer.xml("ping").expect(2052)
    clock.advance(31)
    customer.xml("ping").expect(1000)


def _send_times(customer: Customer, document: str, times: int) -> None:
    for _ in range(times):
        customer.send(document)


@BOTH
@pytest.mark.parametrize("command", [
    "no-such", "PING ", "domain-create", "ping\n-async", "x" * 10_000, "../ping", "poll",
])
def test_an_unknown_command_is_2010(door, kind, command):
    """1.6: 2010, with its echo."""
    reply = getattr(door, kind)(command).expect(2010)
    assert len(command) > 1000 or reply.command == command


@pytest.mark.settings({"wapi.commands": {"domain-transfer": "off", "dns-*": "off", "ping-async": "off"}})
@BOTH
def test_a_command_that_is_switched_off_is_2011(harbor, kind):
    """1.6: 2011, by name and by prefix; before its parameters are looked at."""
    for command in ("domain-transfer", "dns-row-add", "ping-async"):
        getattr(harbor, kind)(command).expect(2011)
    getattr(harbor, kind)("domain-transfers").expect(2010)
