"""What a webhook's receiver gets: the body, the signatures, CloudEvents, headers, connections, HTTP/2 and TLS."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from support.api import Api
from support.certificates import Authority, server_context
from support.deliveries import (
    ONE_TRY, PATIENT, make_hook, pass_time, publish, publish_many, wait_for_count, wait_for_state)
from support.ports import free_port
from support.receiver import Receiver, Step
from support.standard_webhooks import WrongSignature, verify, verify_by_library, verify_ed25519
from support.waiting import DEADLINE_S, eventually

pytestmark = pytest.mark.settings(PATIENT)

EXACT_DATA = (
    '{"b":1.000000,"a":[ 18446744073709551616 , -0.0, 1e400],"\\u00e9":"\\u00E9é\\/", "":null,\n\t"snow":"☃🎉"}'
)
HOUR_S = 3600


def secret_of(account, channel: str) -> str:
    return account.secret(channel).expect(200)["secret"]


def text_of_secret(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def new_secret(length: int) -> str:
    return text_of_secret(os.urandom(length))


def signatures(request) -> list[str]:
    return request.headers["webhook-signature"].split(" ")


def ce_headers(request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.startswith("ce-")}


# The standard body


def test_the_body_is_type_time_and_the_data_byte_for_byte(account, hook):
    make_hook(account, hook.url)
    event = account.publish("order.created", data_text=EXACT_DATA).expect(202)

    (request,) = hook.wait_for_count(1)

    timestamp = event["created_at"]
    assert request.body.decode() == f'{{"type":"order.created","timestamp":"{timestamp}","data":{EXACT_DATA}}}'
    assert (request.method, request.path, request.version) == ("POST", "/hook", "HTTP/1.1")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(request.body))
    assert request.headers["user-agent"].startswith("Tidings/")
    assert request.headers["webhook-id"] == event["id"]
    assert "expect" not in request.headers


@pytest.mark.parametrize("data", ["null", '""', "[]", "1.000000", "123456789012345678901234567890", '"\\ud83c\\udf89"'])
def test_data_of_any_kind_passes_byte_for_byte(account, hook, data):
    make_hook(account, hook.url)
    account.publish("order.created", data_text=data).expect(202)

    (request,) = hook.wait_for_count(1)

    assert request.body.endswith(b',"data":' + data.encode() + b"}")


def test_the_largest_data_passes_whole(account, hook):
    channel = make_hook(account, hook.url)
    data = json.dumps("é" * 80_000 + "x" * 100_000, ensure_ascii=False)
    account.publish("order.created", data_text=data).expect(202)

    (request,) = hook.wait_for_count(1)

    assert request.body.decode().endswith(f'"data":{data}}}')
    verify(secret_of(account, channel), request.headers, request.body)


def test_data_that_is_not_json_travels_as_text_or_as_base64(account, hook):
    make_hook(account, hook.url)
    attributes = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.created"}
    xml, image = "<order n='1'>\"é\"\n</order>".encode(), b"\x89PNG\x00\xff"

    account.publish_binary_cloudevent({**attributes, "id": "1"}, xml, "application/xml").expect(202)
    account.publish_binary_cloudevent({**attributes, "id": "2"}, image, "image/png").expect(202)
    bodies = [json.loads(request.body) for request in hook.wait_for_count(2)]

    assert [body["data"] for body in bodies if "data" in body] == [xml.decode()]
    assert [base64.b64decode(body["data_base64"]) for body in bodies if "data_base64" in body] == [image]


# Signatures


def test_signatures_hold_by_our_verifier_and_by_the_standards_own_library(account, hook):
    channel = make_hook(account, hook.url)
    for data in (EXACT_DATA, "1.000000", '"☃"', "null"):
        account.publish("order.created", data_text=data).expect(202)
    requests = hook.wait_for_count(4)
    secret = secret_of(account, channel)

    for request in requests:
        verify(secret, request.headers, request.body)
        with pytest.raises(WrongSignature):
            verify(secret, request.headers, request.body + b" ")
    verify_by_library([(secret, request.headers, request.body) for request in requests])


@pytest.mark.parametrize("length", [24, 32, 33, 64])
def test_an_imported_secret_signs(account, hook, length):
    secret = new_secret(length)
    channel = account.make_channel(kind="webhook", url=hook.url, secret=secret).expect(201)
    publish(account)

    (request,) = hook.wait_for_count(1)

    assert channel["secret"] == secret == secret_of(account, channel["id"])
    verify(secret, request.headers, request.body)


def test_imported_secrets_hold_by_the_standards_own_library_and_after_a_restart(server, account, hook):
    secrets = [new_secret(24), new_secret(64)]
    signed = []
    for secret in secrets:
        account.make_channel(kind="webhook", url=f"{hook.url}", secret=secret, events=[f"k{len(signed)}"]).expect(201)
        signed.append(secret)
    server.restart()
    for number, _ in enumerate(secrets):
        publish(account, f"k{number}")

    requests = hook.wait_for_count(2)

    by_type = {json.loads(request.body)["type"]: request for request in requests}
    verify_by_library([(secret, by_type[f"k{n}"].headers, by_type[f"k{n}"].body) for n, secret in enumerate(secrets)])


@pytest.mark.parametrize("secret", [
    "whsec_", text_of_secret(bytes(23)), text_of_secret(bytes(65)), "whsec_!!!!", "secret", "A" * 44, 7,
    "whsk_" + base64.b64encode(bytes(31)).decode(),
])
def test_a_secret_that_cannot_sign_is_refused(account, hook, secret):
    answer = account.make_channel(kind="webhook", url=hook.url, secret=secret)

    assert answer.expect_problem(400, "invalid")["field"] == "secret"


def test_while_secrets_rotate_both_sign_and_then_only_the_new_one(account, clock, hook):
    channel = make_hook(account, hook.url)
    old = secret_of(account, channel)
    new = account.rotate_secret(channel, overlap="1h").expect(200)["secret"]

    wait_for_state(account, publish(account), "delivered")
    (during,) = hook.requests
    assert len(signatures(during)) == 2
    for secret in (old, new):
        verify(secret, during.headers, during.body)
    verify_by_library([(old, during.headers, during.body), (new, during.headers, during.body)])

    assert len(account.secret(channel).expect(200)["previous"]) == 1
    pass_time(account, clock, HOUR_S)
    assert account.secret(channel).expect(200)["previous"] == []
    publish(account)
    after = hook.wait_for_count(2)[1]
    assert len(signatures(after)) == 1
    verify(new, after.headers, after.body, now=clock.now().timestamp())
    with pytest.raises(WrongSignature):
        verify(old, after.headers, after.body, now=clock.now().timestamp())


def test_three_rotations_leave_four_signatures_and_a_fourth_drops_the_oldest(account, hook):
    channel = make_hook(account, hook.url)
    secrets = [secret_of(account, channel)]
    secrets += [account.rotate_secret(channel).expect(200)["secret"] for _ in range(4)]
    publish(account)

    (request,) = hook.wait_for_count(1)

    assert len(signatures(request)) == 4
    for secret in secrets[1:]:
        verify(secret, request.headers, request.body)
    with pytest.raises(WrongSignature):
        verify(secrets[0], request.headers, request.body)


def test_a_rotation_without_overlap_ends_the_old_secret_at_once(account, hook):
    channel = make_hook(account, hook.url)
    old = secret_of(account, channel)
    account.rotate_secret(channel, overlap="0s").expect(200)
    publish(account)

    (request,) = hook.wait_for_count(1)

    assert len(signatures(request)) == 1
    with pytest.raises(WrongSignature):
        verify(old, request.headers, request.body)


def test_v1a_is_an_ed25519_signature_also_during_rotation(account, hook):
    channel = make_hook(account, hook.url, options={"signature": "v1a"})
    first_key = secret_of(account, channel)
    second_key = account.rotate_secret(channel).expect(200)["secret"]
    account.publish("order.created", data_text=EXACT_DATA).expect(202)

    (request,) = hook.wait_for_count(1)

    assert first_key.startswith("whpk_") and second_key.startswith("whpk_")
    assert [signature.partition(",")[0] for signature in signatures(request)] == ["v1a", "v1a"]
    verify_ed25519(first_key, request.headers, request.body)
    verify_ed25519(second_key, request.headers, request.body)
    with pytest.raises(WrongSignature):
        verify_ed25519(second_key, request.headers, request.body + b" ")


def test_an_imported_ed25519_key_signs(account, hook):
    """The first test vector of RFC 8032, section 7.1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    channel = account.make_channel(
        kind="webhook", url=hook.url, options={"signature": "v1a"},
        secret="whsk_" + base64.b64encode(seed).decode()).expect(201)
    publish(account)

    (request,) = hook.wait_for_count(1)

    assert channel["secret"] == "whpk_" + base64.b64encode(public).decode()
    verify_ed25519(channel["secret"], request.headers, request.body)


def test_each_attempt_is_signed_with_its_own_time(account, hook):
    """A time is whole seconds: without jitter the attempts are more than one apart, however long they take."""
    channel = make_hook(account, hook.url, retry={"every": "1100ms", "for": "1h", "jitter": 0})
    hook.plan(Step(500), Step(200))
    published_at = time.time()
    publish(account)

    first, second = hook.wait_for_count(2)

    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    first_time, second_time = (int(request.headers["webhook-timestamp"]) for request in (first, second))
    assert int(published_at) <= first_time < second_time
    assert first_time <= first.wall and int(first.wall) <= second_time <= second.wall
    for request in (first, second):
        verify(secret_of(account, channel), request.headers, request.body)


# CloudEvents

ATTRIBUTES = {"id": "A-17", "source": "/shop/7", "type": "order.created", "time": "2026-01-02T03:04:05.006Z",
              "subject": "Käse \"%\" 17", "dataschema": "https://shop.example/schema", "traceparent": "00-4b-7-01"}
PERCENT_ENCODED = {"subject": "K%C3%A4se%20%22%25%22%2017"}


def test_a_native_event_becomes_a_structured_cloudevent(account, hook):
    channel = make_hook(account, hook.url, dialect="cloudevents")
    event = account.publish("order.created", data_text=EXACT_DATA).expect(202)

    (request,) = hook.wait_for_count(1)

    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    body = json.loads(request.body)
    assert {name: value for name, value in body.items() if name != "data"} == {
        "specversion": "1.0", "type": "order.created", "id": event["id"], "source": f"/accounts/{account.name}",
        "time": event["created_at"], "datacontenttype": "application/json"}
    assert request.body.decode().endswith(f'"data":{EXACT_DATA}}}')
    assert ce_headers(request) == {}
    verify(secret_of(account, channel), request.headers, request.body)


def test_a_native_event_becomes_a_binary_cloudevent(account, hook):
    channel = make_hook(account, hook.url, dialect="cloudevents", options={"mode": "binary"})
    event = account.publish("order.created", data_text=EXACT_DATA).expect(202)

    (request,) = hook.wait_for_count(1)

    assert request.body.decode() == EXACT_DATA
    assert request.headers["content-type"] == "application/json"
    assert ce_headers(request) == {
        "ce-specversion": "1.0", "ce-type": "order.created", "ce-id": event["id"],
        "ce-source": f"/accounts/{account.name}", "ce-time": event["created_at"]}
    verify(secret_of(account, channel), request.headers, request.body)


@pytest.mark.parametrize("published_as", ["structured", "binary"])
def test_a_cloudevent_keeps_its_attributes_in_structured_mode(account, hook, published_as):
    make_hook(account, hook.url, dialect="cloudevents")
    publish_cloudevent(account, published_as, ATTRIBUTES, EXACT_DATA)

    (request,) = hook.wait_for_count(1)

    body = json.loads(request.body)
    assert {name: value for name, value in body.items() if name != "data"} == {
        "specversion": "1.0", "datacontenttype": "application/json", **ATTRIBUTES}
    assert request.body.decode().endswith(f'"data":{EXACT_DATA}}}')


@pytest.mark.parametrize("published_as", ["structured", "binary"])
def test_a_cloudevent_keeps_its_attributes_in_binary_mode(account, hook, published_as):
    make_hook(account, hook.url, dialect="cloudevents", options={"mode": "binary"})
    publish_cloudevent(account, published_as, ATTRIBUTES, EXACT_DATA)

    (request,) = hook.wait_for_count(1)

    expected = {**ATTRIBUTES, **PERCENT_ENCODED, "specversion": "1.0"}
    assert ce_headers(request) == {f"ce-{name}": value for name, value in expected.items()}
    assert request.body.decode() == EXACT_DATA


def publish_cloudevent(account, form: str, attributes: dict[str, str], data: str) -> None:
    if form == "structured":
        members = json.dumps({"specversion": "1.0", **attributes})[:-1]
        account.call("POST", "/events", f'{members}, "data": {data}}}'.encode(),
                     headers={"Content-Type": "application/cloudevents+json"}).expect(202)
    else:
        headers = {"specversion": "1.0", **attributes, **PERCENT_ENCODED}
        account.publish_binary_cloudevent(headers, data.encode(), "application/json").expect(202)


@pytest.mark.parametrize("body, content_type", [
    ("<order>é</order>".encode(), "application/xml"),
    (b"\x89PNG\x00\xff", "image/png"),
    (b"a\r\nb\x00", "text/plain; charset=latin-1"),
])
def test_a_cloudevent_with_another_content_passes_byte_for_byte(account, receiver, body, content_type):
    binary, structured = receiver.endpoint("/binary"), receiver.endpoint("/structured")
    make_hook(account, binary.url, dialect="cloudevents", options={"mode": "binary"})
    make_hook(account, structured.url, dialect="cloudevents")
    account.publish_binary_cloudevent({"specversion": "1.0", **{n: ATTRIBUTES[n] for n in ("id", "source", "type")}},
                                      body, content_type).expect(202)

    (as_binary,) = binary.wait_for_count(1)
    (as_structured,) = structured.wait_for_count(1)

    assert (as_binary.body, as_binary.headers["content-type"]) == (body, content_type)
    members = json.loads(as_structured.body)
    assert members["datacontenttype"] == content_type
    assert base64.b64decode(members["data_base64"]) == body if "data_base64" in members else \
        members["data"].encode() == body


def test_a_cloudevent_without_data_arrives_as_null(account, receiver):
    hooks = [receiver.endpoint(path) for path in ("/standard", "/structured", "/binary")]
    for endpoint, options in zip(hooks, ({}, {"dialect": "cloudevents"},
                                         {"dialect": "cloudevents", "options": {"mode": "binary"}})):
        make_hook(account, endpoint.url, **options)
    account.publish_cloudevent({"specversion": "1.0", "id": "1", "source": "/shop", "type": "a"}).expect(202)

    bodies = [endpoint.wait_for_count(1)[0].body for endpoint in hooks]

    assert [json.loads(body)["data"] for body in bodies[:2]] == [None, None]
    assert bodies[2] == b"null"


def test_as_many_headers_as_a_channel_and_an_event_may_have_all_arrive(account, hook):
    headers = {f"x-header-{n}": f"value {n}" for n in range(32)}
    make_hook(account, hook.url, headers=headers, dialect="cloudevents", options={"mode": "binary"})
    attributes = {f"a{n}": f"ä{n}" for n in range(36)}
    event = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "a", "data": 1}
    account.publish_cloudevent({**event, **attributes}).expect(202)

    (request,) = hook.wait_for_count(1)

    assert {name: request.headers[name] for name in headers} == headers
    assert {name: request.headers[f"ce-{name}"] for name in attributes} == {
        name: value.replace("ä", "%C3%A4") for name, value in attributes.items()}
    assert request.headers["content-type"] == "application/json"
    assert signatures(request)


def test_attributes_as_long_as_they_may_be_arrive_in_binary_mode(account, hook):
    make_hook(account, hook.url, dialect="cloudevents", options={"mode": "binary"})
    subject = "é" * 3900  # three bytes of header for each of its 7,800
    event = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "a", "subject": subject, "data": 1}
    account.call("POST", "/events", json.dumps(event, ensure_ascii=False).encode(),
                 headers={"Content-Type": "application/cloudevents+json"}).expect(202)

    (request,) = hook.wait_for_count(1)

    assert request.headers["ce-subject"] == "%C3%A9" * 3900


# Headers


def test_a_channels_headers_come_on_top(account, hook):
    headers = {"Authorization": "Basic c2hvcDpz", "X-Tenant": "Müller; a=\"b\", c", "User-Agent": "our own"}
    make_hook(account, hook.url, headers=headers)
    publish(account)

    (request,) = hook.wait_for_count(1)

    names = [name for name, _ in request.header_list]
    assert request.headers["authorization"] == headers["Authorization"]
    assert request.headers["x-tenant"].encode("latin-1").decode() == headers["X-Tenant"]
    assert request.headers["user-agent"] == "our own"
    assert len(names) == len(set(names))


@pytest.mark.parametrize("headers", [
    {"X-A": "b\r\nX-Evil: 1"}, {"X-A": "b\nX-Evil: 1"}, {"X-A": "b\0"}, {"X-A\r\nX-Evil": "1"}, {"X A": "1"}, {"": "1"},
    {"Host": "evil.example"}, {"Content-Length": "5"}, {"Transfer-Encoding": "chunked"}, {"Webhook-Id": "msg"},
    {"ce-type": "x"},
])
def test_headers_that_would_change_the_request_are_refused_when_saved(account, hook, headers):
    problem = account.make_channel(kind="webhook", url=hook.url, headers=headers).expect_problem(400, "invalid")

    assert problem["field"].startswith("headers")


def test_the_query_of_an_url_is_kept(account, hook):
    make_hook(account, hook.url + "?token=a%20b&x=%2F")
    publish(account)

    (request,) = hook.wait_for_count(1)

    assert (request.path, request.query) == ("/hook", "token=a%20b&x=%2F")


# Connections


def test_a_connection_is_kept_and_used_again(account, receiver, hook):
    make_hook(account, hook.url, max_in_flight=1)
    publish_many(account, 20)

    requests = hook.wait_for_count(20)

    assert {request.connection for request in requests} == {1}
    assert receiver.connections_made == 1


def test_a_receiver_that_closes_after_each_answer_gets_them_all(account, hook):
    make_hook(account, hook.url)
    hook.plan(Step(200, close=True))
    publish_many(account, 30)

    hook.wait_for_count(30)

    wait_for_count(account, "delivered", 30)
    assert len(hook.requests) == 30


def test_a_kept_connection_that_the_receiver_closed_meanwhile_costs_no_attempt(account, receiver, hook):
    make_hook(account, hook.url, retry=ONE_TRY)
    first = publish(account)
    wait_for_state(account, first, "delivered")
    receiver.stop()
    receiver.start()

    second = publish(account)

    assert len(wait_for_state(account, second, "delivered")["attempts"]) == 1


@pytest.fixture
def nginx(tmp_path: Path, authority: Authority):
    """Starts nginx in front of a receiver, speaking HTTP/2 over TLS; its URL."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if not program:
        pytest.skip("there is no nginx here")
    processes = []

    def start(receiver: Receiver) -> str:
        port, pair = free_port(), authority.issue("localhost", ["127.0.0.1"])
        settings = tmp_path / "nginx.conf"
        settings.write_text(f"""
            daemon off; master_process off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/nginx.log;
            events {{}}
            http {{
                access_log {tmp_path}/access.log combined;
                client_body_temp_path {tmp_path}; proxy_temp_path {tmp_path}; fastcgi_temp_path {tmp_path};
                uwsgi_temp_path {tmp_path}; scgi_temp_path {tmp_path};
                server {{
                    listen 127.0.0.1:{port} ssl http2;
                    ssl_certificate {pair.certificate}; ssl_certificate_key {pair.key};
                    location / {{ proxy_pass {receiver.url}; proxy_set_header x-spoken $server_protocol; }}
                }}
            }}
        """, encoding="utf-8")
        processes.append(subprocess.Popen([program, "-p", str(tmp_path), "-c", str(settings)],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        eventually((tmp_path / "nginx.pid").exists, what="nginx to start")
        return f"https://localhost:{port}"

    yield start
    for process in processes:
        process.terminate()
        process.wait(DEADLINE_S)


def test_http2_is_spoken_where_it_is_offered_and_one_connection_carries_many(account, authority, receiver, nginx):
    hook = receiver.endpoint("/hook")
    url = nginx(receiver) + "/hook"
    channel = make_hook(account, url, tls={"ca": authority.certificate.read_text()}, max_in_flight=16)
    first = publish(account)
    wait_for_state(account, first, "delivered")  # so that the connection stands
    publish_many(account, 50)

    requests = hook.wait_for_count(51)

    assert {request.headers["x-spoken"] for request in requests} == {"HTTP/2.0"}
    for request in requests:
        verify(secret_of(account, channel), request.headers, request.body)
    wait_for_count(account, "delivered", 51)


# TLS


@pytest.fixture
def secure(start_server, authority):
    """Starts a receiver with TLS on localhost; what it is given goes to server_context()."""
    receivers = []

    def start(name: str = "localhost", **options) -> Receiver:
        pair = options.pop("pair", None) or authority.issue(name, options.pop("addresses", ["127.0.0.1"]))
        receivers.append(Receiver(server_context(pair, **options), name="localhost"))
        return receivers[-1]

    yield start
    for receiver in receivers:
        receiver.close()


def pem(path: Path) -> str:
    return path.read_text(encoding="ascii")


def outcome_of_one_try(account, url: str, **fields) -> tuple[str, str, int]:
    """The outcome, detail and status of an attempt that fails on a new channel."""
    channel = make_hook(account, url, retry=ONE_TRY, events=["try"], **fields)
    (attempt,) = wait_for_state(account, publish(account, "try"), "failed", channel)["attempts"]
    return attempt["outcome"], attempt["detail"], attempt["status"]


def test_a_receiver_of_the_channels_own_authority_is_trusted(account, authority, secure):
    hook = secure().endpoint("/hook")
    channel = make_hook(account, hook.url, tls={"ca": pem(authority.certificate)})
    publish(account)

    (request,) = hook.wait_for_count(1)

    verify(secret_of(account, channel), request.headers, request.body)


@pytest.mark.parametrize("case", ["unknown", "another", "name", "expired"])
def test_a_receiver_that_cannot_prove_who_it_is_gets_nothing(account, authority, secure, tmp_path, case):
    stranger = Authority(tmp_path / "stranger")
    receiver = {
        "unknown": lambda: secure(),
        "another": lambda: secure(pair=stranger.issue("localhost", ["127.0.0.1"])),
        "name": lambda: secure("elsewhere.example", addresses=[]),
        "expired": lambda: secure(pair=authority.issue("localhost", ["127.0.0.1"], days=0)),
    }[case]()
    tls = {} if case == "unknown" else {"tls": {"ca": pem(authority.certificate)}}

    outcome, detail, status = outcome_of_one_try(account, receiver.endpoint("/hook").url, **tls)

    assert (outcome, status) == ("tls", None), detail
    assert "certificate" in detail
    assert receiver.requests == []


def test_the_trust_of_one_channel_is_not_lent_to_another(account, authority, secure):
    hook = secure().endpoint("/hook")
    trusting = make_hook(account, hook.url, tls={"ca": pem(authority.certificate)}, events=["a"])
    wait_for_state(account, publish(account, "a"), "delivered", trusting)

    outcome, detail, _ = outcome_of_one_try(account, hook.url)

    assert outcome == "tls", detail
    assert len(hook.requests) == 1


def test_a_client_certificate_is_shown_to_whoever_asks_for_it(account, authority, secure):
    hook = secure(client_authority=authority).endpoint("/hook")
    ours = authority.issue("tidings-client")
    make_hook(account, hook.url,
              tls={"ca": pem(authority.certificate), "certificate": pem(ours.certificate), "key": pem(ours.key)})
    publish(account)

    (request,) = hook.wait_for_count(1)

    assert (("commonName", "tidings-client"),) in request.client_certificate["subject"]


def test_without_the_client_certificate_it_fails_and_says_so(account, authority, secure):
    receiver = secure(client_authority=authority)

    outcome, detail, _ = outcome_of_one_try(
        account, receiver.endpoint("/hook").url, tls={"ca": pem(authority.certificate)})

    assert outcome in ("tls", "connect"), detail  # by whether the receiver says why before it closes
    assert receiver.requests == []


def test_a_peer_that_speaks_no_tls_is_not_served_in_plain_text(account, mail_sink):
    outcome, detail, _ = outcome_of_one_try(account, f"https://127.0.0.1:{mail_sink.port}/")

    assert outcome == "tls", detail
    assert mail_sink.connections_made == 1


@pytest.mark.settings({"send": {"connect_timeout": "300ms"}})
def test_a_handshake_that_hangs_ends_in_time(account, authority, secure):
    receiver = secure()
    url = receiver.endpoint("/hook").url
    receiver.hang_at_accept()

    outcome, detail, _ = outcome_of_one_try(account, url, tls={"ca": pem(authority.certificate)})

    assert outcome == "timeout", detail


def test_a_private_key_is_never_shown_again(account, authority, hook):
    ours = authority.issue("tidings-client")
    tls = {"certificate": pem(ours.certificate), "key": pem(ours.key)}
    channel = account.make_channel(kind="webhook", url=hook.url, tls=tls).expect(201)

    assert channel["tls"]["key"] == "***"
    assert "PRIVATE" not in account.channel(channel["id"]).raw.decode()
    assert "PRIVATE" not in account.channels().raw.decode()


# The address policy


CLOSED = {"send": {"allow_private": None}}


@pytest.mark.settings(CLOSED)
@pytest.mark.parametrize("host", [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]",
    "[::]", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "[fe80::1]", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
])
def test_a_forbidden_literal_address_is_refused_when_saved(account, host):
    problem = account.make_channel(kind="webhook", url=f"http://{host}:8080/").expect_problem(400)

    assert problem["field"] == "url"


@pytest.mark.settings(CLOSED)
def test_a_name_that_resolves_to_a_forbidden_address_is_refused_when_sent(account, receiver):
    url = f"http://localhost:{receiver.port}/hook"

    outcome, detail, status = outcome_of_one_try(account, url)

    assert (outcome, status) == ("blocked", None)
    assert re.search(r"127\.0\.0\.1|::1", detail)
    assert receiver.connections_made == 0


@pytest.mark.settings(CLOSED)
def test_the_test_button_obeys_the_address_policy(account, receiver):
    channel = make_hook(account, f"http://localhost:{receiver.port}/hook")

    assert account.test_channel(channel).expect(200)["outcome"] == "blocked"
    assert receiver.connections_made == 0


@pytest.mark.settings({"send": {"allow_private": "0.0.0.0/0, ::/0"}})
@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "2852039166"])
def test_metadata_services_are_refused_whatever_is_allowed(account, host):
    assert account.make_channel(kind="webhook", url=f"http://{host}/").expect_problem(400)["field"] == "url"


@pytest.mark.settings({"send": {"allow_private": "127.0.0.2/32"}})
def test_only_the_range_that_is_allowed_is_reached(account):
    with Receiver(host="127.0.0.2") as allowed:
        hook = allowed.endpoint("/hook")
        make_hook(account, hook.url)
        publish(account)
        hook.wait_for_count(1)

    account.make_channel(kind="webhook", url="http://127.0.0.3/").expect_problem(400)


def test_a_proxy_in_the_environment_is_not_used(start_server, receiver):
    with Receiver() as proxy:
        names = ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY")
        server = start_server({"send": {"allow_private": "127.0.0.0/8"}},
                              environment={name: proxy.url for name in names})
        account = Api(server.url, server.admin_key).account("acme")
        account.put().expect(201)
        make_hook(account, receiver.endpoint("/hook").url)
        publish(account)
        receiver.endpoint("/hook").wait_for_count(1)
        assert proxy.connections_made == 0


@pytest.mark.parametrize("url", [
    "ftp://shop.example/", "file:///etc/passwd", "gopher://127.0.0.1/", "//shop.example/", "shop.example", "http://",
    "http:///x", "http://shop.example:0/", "http://shop.example:99999/", "http://a b/", "http://shop.example/\r\nX: 1",
    "http://user:pass@shop.example/", "", "http://shop.example/" + "x" * 3000,
])
def test_an_url_that_is_none_for_a_webhook_is_refused(account, url):
    assert account.make_channel(kind="webhook", url=url).expect_problem(400)["field"] == "url"
