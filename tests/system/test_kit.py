"""The kit itself: receivers and mail sinks do what their plan says, and every checker finds the fault it is there for.

No Tidings server is needed: where a server has to be, toy_server.py stands in.
"""

from __future__ import annotations

import base64
import http.client
import os
import select
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from email.message import EmailMessage
from pathlib import Path

import pytest
from support import server as server_module
from support import standard_webhooks
from support.api import Api, RawConnection, Unanswered
from support.certificates import client_context, server_context
from support.killloop import KillLoop
from support.load import Load
from support.mail_sink import MailSink, drop, greylist, refuse
from support.ports import free_port
from support.receiver import Receiver, Step, Unreachable, compressed_bomb, endless, huge, redirect
from support.recorder import Lease, Recorder
from support.server import Server, StartFailed
from support.waiting import DeadlinePassed, Journal, eventually

TOY = Path(server_module.__file__).with_name("toy_server.py")
REQUEST_CPU_MS_MAX = 1.0  # more than ten times what it is; one that grows with the record would need more
SILENCE_S = 0.2  # how long a client here waits before it believes that nothing comes


def post(url: str, body: bytes = b"{}", headers: dict | None = None, deadline_s: float = 30.0) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    request = urllib.request.Request(url, body, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=deadline_s) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def raw_request(path: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: here", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.fixture
def web():
    with Receiver() as made:
        yield made


# Waiting


def test_a_journal_wakes_who_waits_for_an_entry():
    journal = Journal("numbers")
    writer = threading.Thread(target=lambda: [journal.append(n) for n in range(1000)])
    writer.start()
    assert journal.wait_for(lambda numbers: 999 in numbers)
    writer.join()
    assert len(journal.wait_for_count(1000)) == 1000


def test_a_deadline_says_what_was_there_instead():
    journal = Journal("numbers")
    journal.append(17)
    with pytest.raises(DeadlinePassed, match="(?s)numbers has 1 entries.*17"):
        journal.wait_for_count(2, deadline_s=0.01)
    with pytest.raises(DeadlinePassed, match="the moon"):
        eventually(lambda: False, deadline_s=0.01, what="the moon")


def test_free_ports_differ_between_processes():
    command = [sys.executable, "-c", "from support.ports import free_port; print(free_port()); input()"]
    others = [subprocess.Popen(command, cwd=TOY.parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
              for _ in range(5)]
    ports = [int(other.stdout.readline()) for other in others] + [free_port() for _ in range(50)]
    for other in others:
        other.communicate(b"\n")
    assert len(set(ports)) == len(ports)


# The receiver


def test_a_receiver_records_what_it_got(web):
    hook = web.endpoint("/hook")
    body = bytes(range(256)) * 10
    assert post(hook.url + "?a=b&c", body, {"Webhook-Id": "evt_1", "X-Two": "  spaces  "}) == (200, b"")
    request, = hook.wait_for_count(1)
    assert (request.method, request.path, request.query, request.body) == ("POST", "/hook", "a=b&c", body)
    assert request.headers["webhook-id"] == "evt_1" and request.headers["x-two"] == "spaces"
    assert request.time <= time.monotonic() and request.wall <= time.time()
    assert web.requests == [request]


def test_a_plan_goes_step_by_step_and_repeats_its_last(web):
    hook = web.endpoint("/hook").plan(Step(503, (("Retry-After", "1"),)), Step(200, body=b"fine"), Step(410))
    assert [post(hook.url)[0] for _ in range(4)] == [503, 200, 410, 410]
    assert post(web.url + "/elsewhere")[0] == 200


def test_a_plan_can_count_for_each_message_apart(web):
    hook = web.endpoint("/hook").plan(Step(500), Step(200), per_message=True)
    messages = ["a", "b", "a", "b", "a"]
    assert [post(hook.url, headers={"webhook-id": m})[0] for m in messages] == [500, 500, 200, 200, 200]


def test_a_step_can_be_decided_by_the_request(web):
    hook = web.endpoint("/hook").plan(lambda request: Step(200 if request.body == b"good" else 400))
    assert [post(hook.url, body)[0] for body in (b"good", b"bad")] == [200, 400]


@pytest.mark.parametrize("status", [100, 204, 299, 301, 304, 418, 500, 599])
def test_any_status_can_be_answered(web, status):
    web.endpoint("/hook").plan(Step(status, close=True))
    with RawConnection("127.0.0.1", web.port) as connection:
        connection.send(raw_request("/hook"))
        assert connection.wait_until_closed().startswith(b"HTTP/1.1 %d " % status)


def silence(connection: RawConnection) -> str:
    """Makes sure that nothing more comes for a while, and tells what has come."""
    with pytest.raises(AssertionError, match="neither answered nor closed") as silent:
        connection.wait_until_closed(SILENCE_S)
    return str(silent.value)


@pytest.mark.parametrize("stage", ["request", "answer", "headers", "body"])
def test_a_hanging_receiver_is_silent_from_its_stage_on(web, stage):
    web.endpoint("/hook").plan(Step(hang=stage, body=b"0123456789"))
    with RawConnection("127.0.0.1", web.port) as connection:
        connection.send(raw_request("/hook", b"body"))
        request, = web.wait_for_count(1)
        assert request.body == (b"" if stage == "request" else b"body")
        eventually(lambda: {"headers": "HTTP/1.1", "body": "01234"}.get(stage, "") in silence(connection))
        came = silence(connection)
    assert ("HTTP/1.1" in came) == (stage in ("headers", "body"))
    assert ("01234" in came) == (stage == "body")
    if stage != "request":  # who reads nothing does not see the end either
        eventually(lambda: web.connections_open == 0)


@pytest.mark.parametrize("stage", ["request", "answer", "headers", "body"])
def test_a_resetting_receiver_resets_at_its_stage(web, stage):
    web.endpoint("/hook").plan(Step(reset=stage))
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    with pytest.raises((ConnectionResetError, http.client.HTTPException)):
        connection.request("POST", "/hook", b"body")
        connection.getresponse().read()
    web.wait_for_count(1)


def test_a_receiver_that_reads_nothing_makes_the_sender_wait(web):
    web.endpoint("/hook").plan(Step(hang="request"))
    with socket.create_connection(("127.0.0.1", web.port)) as client:
        client.settimeout(SILENCE_S)
        with pytest.raises(TimeoutError):
            client.sendall(raw_request("/hook", b"x" * 64 * 1024 * 1024))


def test_a_gate_holds_answers_until_it_is_opened(web):
    gate = web.gate()
    hook = web.endpoint("/hook").plan(Step(gate=gate))
    senders = [threading.Thread(target=post, args=(hook.url,)) for _ in range(5)]
    for sender in senders:
        sender.start()
    hook.wait_for_count(5)
    eventually(lambda: hook.in_flight == 5)
    gate.open()
    for sender in senders:
        sender.join(30)
    eventually(lambda: hook.in_flight == 0)
    assert hook.in_flight_peak == 5


def test_slow_answers_take_their_time(web):
    web.endpoint("/late").plan(Step(delay_s=0.1))
    web.endpoint("/drip").plan(Step(body=b"0123456789", trickle_s=0.002))
    began = time.monotonic()
    assert post(web.url + "/late")[0] == 200
    assert time.monotonic() - began >= 0.1
    assert post(web.url + "/drip") == (200, b"0123456789")
    assert time.monotonic() - began >= 0.1 + 10 * 0.002


def test_huge_and_endless_answers_cost_the_receiver_nothing(web):
    web.endpoint("/huge").plan(huge(10 * 1024**3))
    web.endpoint("/endless").plan(endless())
    for path in ("/huge", "/endless"):
        with socket.create_connection(("127.0.0.1", web.port)) as client:
            client.sendall(raw_request(path))
            assert all(client.recv(65536) for _ in range(100))
        request, = web.endpoint(path).wait_for_count(1)
        assert 0 < request.answer_bytes < 64 * 1024**2
    eventually(lambda: web.connections_open == 0)


def test_wrong_content_is_sent_as_planned(web):
    web.endpoint("/garbage").plan(Step(raw=b"\x00\xff this is not HTTP\r\n\r\n"))
    web.endpoint("/moved").plan(redirect("http://127.0.0.1:1/secret", 307))
    web.endpoint("/bomb").plan(compressed_bomb(50 * 1024**2))
    with pytest.raises(http.client.HTTPException):
        post(web.url + "/garbage")
    connection = http.client.HTTPConnection("127.0.0.1", web.port)
    connection.request("GET", "/moved")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (307, "http://127.0.0.1:1/secret")
    assert len(post(web.url + "/bomb")[1]) < 100 * 1024


def test_requests_can_come_in_any_pieces(web):
    chunked = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
    expecting = raw_request("/e", b"later", "Expect: 100-continue")
    pipelined = raw_request("/a", b"one") + chunked + expecting + raw_request("/b", b"two")
    with RawConnection("127.0.0.1", web.port) as connection:
        connection.send(*(pipelined[i : i + 1] for i in range(len(pipelined))))
        assert [connection.read_answer().status for _ in range(4)] == [200] * 4
    assert [(r.path, r.body) for r in web.requests] == [
        ("/a", b"one"), ("/c", b"abcdefg"), ("/e", b"later"), ("/b", b"two")]
    assert {r.connection for r in web.requests} == {1} and not web.complaints


@pytest.mark.parametrize("data", [b"nonsense\r\n\r\n", b"GET / HTTP/2\r\n\r\n", b"POST / HTTP/1.1\r\nno colon\r\n\r\n",
                                  b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"])
def test_what_is_not_http_is_noted(web, data):
    with RawConnection("127.0.0.1", web.port) as connection:
        connection.send(data)
        assert connection.read_answer().status == 400
    assert len(web.complaints) == 1 and not web.requests


def test_a_stopped_receiver_refuses_and_returns_on_the_same_port(web):
    url = web.endpoint("/hook").url
    connection = http.client.HTTPConnection("127.0.0.1", web.port)
    connection.request("POST", "/hook", b"")
    connection.getresponse().read()
    web.stop()
    with pytest.raises(urllib.error.URLError, match="refused"):
        post(url)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        connection.request("POST", "/hook", b"")
        connection.getresponse()
    web.start()
    assert post(url)[0] == 200
    assert len(web.requests) == 2


def test_a_receiver_that_hangs_at_accept_serves_who_waited_when_it_goes_on(web):
    web.hang_at_accept()
    with RawConnection("127.0.0.1", web.port) as connection:
        connection.send(raw_request("/hook"))
        with pytest.raises(AssertionError, match="neither answered nor closed"):
            connection.read_answer(SILENCE_S)
        web.start()
        assert connection.read_answer().status == 200


def test_connecting_to_the_unreachable_hangs():
    unreachable = Unreachable()
    with pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", unreachable.port), SILENCE_S)
    unreachable.close()


def test_tls_is_spoken_with_our_own_authority(authority):
    pair = authority.issue("localhost", ["127.0.0.1"])
    with Receiver(server_context(pair)) as web:
        trusting = client_context(authority)
        with urllib.request.urlopen(web.url + "/hook", b"x", context=trusting) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(web.url + "/hook", b"x", context=ssl.create_default_context())
        assert len(web.requests) == 1


@pytest.mark.parametrize("name, days", [("elsewhere.example", 30), ("localhost", 0)])
def test_certificates_can_be_wrong(authority, name, days):
    with Receiver(server_context(authority.issue(name, [], days)), name="localhost") as web:
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(web.url, b"x", context=client_context(authority))


def test_a_client_certificate_can_be_demanded(authority):
    context = server_context(authority.issue("localhost", ["127.0.0.1"]), client_authority=authority)
    with Receiver(context) as web:
        with pytest.raises((urllib.error.URLError, OSError)):
            urllib.request.urlopen(web.url, b"x", context=client_context(authority))
        ours = client_context(authority, authority.issue("sender"))
        with urllib.request.urlopen(web.url, b"x", context=ours) as answer:
            assert answer.status == 200
        assert ((("commonName", "sender"),),) == web.requests[0].client_certificate["subject"]


def test_tls_can_hang_before_the_handshake(authority):
    with Receiver(server_context(authority.issue("localhost", ["127.0.0.1"]))) as web:
        web.hang_at_accept()
        with pytest.raises(OSError, match="timed out"):
            urllib.request.urlopen(web.url, b"x", timeout=SILENCE_S, context=client_context(authority))


def test_thousands_of_connections_are_served_at_once(web):
    gate = web.gate()
    web.endpoint("/hook").plan(Step(gate=gate))
    clients = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(3000)]
    for client in clients:
        client.sendall(raw_request("/hook", b"x"))
    web.wait_for_count(3000, deadline_s=60)
    gate.open()
    for client in clients:
        client.settimeout(60)
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        client.close()


def test_a_receiver_takes_ten_thousand_requests_and_spends_little_time_on_each(web):
    request = raw_request("/hook", b"x" * 1024, *(f"x-header-{n}: {n}" for n in range(8)))
    clients = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(100)]
    by_number = {client.fileno(): client for client in clients}
    with select.epoll() as answered:
        for client in clients:
            answered.register(client, select.EPOLLIN)
            client.sendall(request)
        began, began_cpu, count = time.monotonic(), time.process_time(), 0
        while count < 10000:
            for number, _ in answered.poll():
                assert by_number[number].recv(4096).startswith(b"HTTP/1.1 200")
                by_number[number].sendall(request)
                count += 1
        rate = count / (time.monotonic() - began)
    for client in clients:
        client.close()
    cpu_ms = 1000 * (time.process_time() - began_cpu) / count
    print(f"{rate:.0f} requests a second, {cpu_ms:.2f} ms of a core for each, together with the client that sends them")
    assert cpu_ms < REQUEST_CPU_MS_MAX


# The mail sink


MAIL = EmailMessage()
MAIL["Subject"] = "Grüße"
MAIL["From"], MAIL["To"] = "shop@provider.example", "anna@customer.example"
MAIL.set_content("Hällo\n")


def send(sink: MailSink, to: str = "anna@customer.example") -> None:
    """As a sending server would: on a connection of its own, which is closed whatever happens."""
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=30) as client:
        client.send_message(MAIL, "shop@provider.example", [to])


@pytest.fixture
def sink():
    with MailSink() as made:
        yield made


def test_a_sink_records_mails_raw_and_parsed(sink):
    send(sink)
    mail, = sink.wait_for_count(1)
    assert (mail.sender, mail.recipients) == ("shop@provider.example", ["anna@customer.example"])
    assert mail.message["Subject"] == "Grüße"
    assert mail.message.get_content() == "Hällo\r\n"
    assert mail.answered and not mail.over_tls


def test_a_sink_undoes_doubled_dots_and_keeps_what_was_on_the_wire(sink):
    content = b"Subject: dots\r\n\r\n.one\r\n..two\r\n"
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.sendmail("shop@provider.example", ["anna@customer.example"], content)
    mail, = sink.wait_for_count(1)
    assert mail.raw == content
    assert mail.transcript.endswith(b"\r\n..one\r\n...two\r\n.\r\n")


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("answer", ["451 4.3.0 later", "550 5.1.1 never"])
def test_a_sink_refuses_at_the_planned_stage(sink, stage, answer):
    sink.plan(refuse(stage, answer))
    with pytest.raises(smtplib.SMTPException) as refused:
        send(sink)
    assert answer[4:] in str(refused.value)
    attempt, = sink.wait_for_attempts(1)
    assert (attempt.stage, attempt.answer) == (stage, answer)
    assert not sink.mails


def test_a_mail_plan_goes_step_by_step(sink):
    sink.plan(refuse("RCPT", "450 4.2.0 busy"), drop("MAIL"), drop("DATA"), greylist())
    for _ in range(4):
        with pytest.raises(smtplib.SMTPException):
            send(sink)
    send(sink)
    sink.wait_for_count(1)
    assert [a.answer for a in sink.wait_for_attempts(5)] == [
        "450 4.2.0 busy", None, None, "451 4.7.1 greylisted, try again later", "250 2.0.0 OK"]


def test_a_mail_plan_can_be_for_one_recipient(sink):
    sink.plan(refuse("RCPT", "550 5.1.1 unknown"), recipient="bert@customer.example")
    send(sink)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(sink, "bert@customer.example")
    assert len(sink.mails) == 1


def test_a_drop_after_the_final_dot_leaves_the_mail_taken(sink):
    sink.plan(drop("DOT"))
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(sink)
    mail, = sink.wait_for_count(1)
    assert not mail.answered and mail.message["Subject"] == "Grüße"


def test_greylisting_lasts_as_long_as_planned(sink):
    sink.plan(greylist(0.1))
    began = time.monotonic()
    eventually(lambda: _is_sent(sink))
    assert time.monotonic() - began >= 0.1


def _is_sent(sink: MailSink) -> bool:
    try:
        send(sink)
    except smtplib.SMTPRecipientsRefused:
        return False
    return True


def test_a_sink_can_turn_all_away_and_go_down_and_return(sink):
    sink.greeting = "421 4.3.2 busy"
    with pytest.raises(smtplib.SMTPConnectError):
        send(sink)
    sink.stop()
    with pytest.raises(ConnectionRefusedError):
        send(sink)
    sink.greeting = None
    sink.start()
    send(sink)
    sink.wait_for_count(1)


def test_starttls_as_configured(authority):
    context = server_context(authority.issue("localhost", ["127.0.0.1"]))
    trusting = client_context(authority)
    with MailSink("offered", context) as sink, smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.starttls(context=trusting)
        client.send_message(MAIL)
        assert sink.wait_for_count(1)[0].over_tls
    with MailSink("required", context) as sink, pytest.raises(smtplib.SMTPSenderRefused, match="STARTTLS"):
        send(sink)
    with MailSink("refused", context) as sink, smtplib.SMTP("127.0.0.1", sink.port) as client:
        with pytest.raises(smtplib.SMTPResponseException, match="454"):
            client.starttls(context=trusting)
    with MailSink("broken", context) as sink, smtplib.SMTP("127.0.0.1", sink.port) as client:
        with pytest.raises(ssl.SSLError):
            client.starttls(context=trusting)
        client.close()
    with MailSink("none") as sink, smtplib.SMTP("127.0.0.1", sink.port) as client:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            client.starttls(context=trusting)
    with MailSink("implicit", context) as sink:
        with smtplib.SMTP_SSL("127.0.0.1", sink.port, context=trusting) as client:
            client.send_message(MAIL)
        assert sink.wait_for_count(1)[0].over_tls


def test_a_password_can_be_demanded(authority):
    context = server_context(authority.issue("localhost", ["127.0.0.1"]))
    with MailSink("offered", context, users={"tidings": "sesame"}) as sink:
        with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
            send(sink)
        with smtplib.SMTP("127.0.0.1", sink.port) as client:
            client.starttls(context=client_context(authority))
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("tidings", "wrong")
            client.login("tidings", "sesame")
            client.send_message(MAIL)
        assert sink.wait_for_count(1)[0].user == "tidings"


# Signatures


# The example of the standard's own documents.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EXAMPLE_BODY = b'{"test": 2432232314}'
EXAMPLE_HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def signed(body: bytes) -> tuple[str, dict[str, str], bytes]:
    now = int(time.time())
    signature = standard_webhooks.sign(SECRET, "evt_1", now, body)
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(now), "webhook-signature": signature}
    return SECRET, headers, body


def test_the_standards_own_example_is_verified():
    standard_webhooks.verify(SECRET, EXAMPLE_HEADERS, EXAMPLE_BODY, now=1614265330)


@pytest.mark.parametrize("change, body, complaint", [
    ({}, EXAMPLE_BODY + b" ", "not among"),
    ({"webhook-id": "msg_other"}, EXAMPLE_BODY, "not among"),
    ({"webhook-timestamp": "1614265331"}, EXAMPLE_BODY, "not among"),
    ({"webhook-timestamp": "1614264000"}, EXAMPLE_BODY, "more than 300 s"),
    ({"webhook-timestamp": "1614265330.5"}, EXAMPLE_BODY, "whole seconds"),
    ({"webhook-signature": ""}, EXAMPLE_BODY, "missing"),
    ({"webhook-signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, EXAMPLE_BODY, "not among"),
])
def test_any_change_breaks_the_signature(change, body, complaint):
    with pytest.raises(standard_webhooks.WrongSignature, match=complaint):
        standard_webhooks.verify(SECRET, {**EXAMPLE_HEADERS, **change}, body, now=1614265330)


def test_one_right_signature_among_several_is_enough():
    secret, headers, body = signed(b"{}")
    headers["webhook-signature"] = "v1a,AAAA v1,BBBB " + headers["webhook-signature"]
    standard_webhooks.verify(secret, headers, body)


@pytest.mark.deadline(600)
def test_the_library_agrees_with_us():
    good = [signed(b"{}"), signed("{\"ä\": 1.000000}".encode()), signed(b"not json"), signed(b"")]
    standard_webhooks.verify_by_library(good)
    for secret, headers, body in good:
        standard_webhooks.verify(secret, headers, body)
    bad = (SECRET, signed(b"{}")[1], b"[]")
    with pytest.raises(standard_webhooks.WrongSignature, match="request 4: .*No matching signature"):
        standard_webhooks.verify_by_library([*good, bad])


def test_ed25519_signatures_are_checked(tmp_path):
    key, public = tmp_path / "key.pem", tmp_path / "public.der"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER", "-out", public], check=True)
    _, headers, body = signed(b"{}")
    text, signature = tmp_path / "text", tmp_path / "signature"
    text.write_bytes(b"evt_1." + headers["webhook-timestamp"].encode() + b"." + body)
    subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", text, "-out", signature], check=True)
    headers["webhook-signature"] += " v1a," + base64.b64encode(signature.read_bytes()).decode()
    whpk = "whpk_" + base64.b64encode(public.read_bytes()[-32:]).decode()
    standard_webhooks.verify_ed25519(whpk, headers, body)
    with pytest.raises(standard_webhooks.WrongSignature):
        standard_webhooks.verify_ed25519(whpk, headers, body + b" ")


# The recorder: a clean record, and one planted fault for each finding


@pytest.fixture
def clean() -> Recorder:
    """Three events in one stream for an ordered webhook and a queue, all of them come, leased and acknowledged."""
    recorder = Recorder()
    recorder.channel("hook", is_ordered=True)
    recorder.channel("jobs", is_queue=True)
    for n in (1, 2, 3):
        recorder.publishing(f"m{n}")
        recorder.published(f"m{n}", f"evt_{n}", ["hook", "jobs"], "s", n)
        recorder.got("hook", f"evt_{n}", f"m{n}", at=n)
        recorder.leased("jobs", lease(f"evt_{n}", at=n))
        recorder.acknowledged("jobs", f"evt_{n}", at=n + 0.2)
    return recorder


def lease(event: str, at: float, consumer: str = "one", seconds: float = 10.0) -> Lease:
    return Lease(event, consumer, at, at + 0.01, seconds)


def test_a_clean_record_has_no_findings(clean):
    clean.wait_until_done(0.01)
    report = clean.check()
    report.assert_clean(allowed=())
    assert (report.published, report.arrived) == (3, 6)


def plant_lost(recorder: Recorder) -> None:
    recorder.published("m4", "evt_4", ["hook"], "s", 4)


def plant_unexpected(recorder: Recorder) -> None:
    recorder.got("hook", "evt_unknown", "m_unknown")


def plant_foreign(recorder: Recorder) -> None:
    recorder.channel("other")
    recorder.got("other", "evt_1", "m1")


def plant_split(recorder: Recorder) -> None:
    recorder.published("m1", "evt_1_again", [], "s", 1)


def plant_mixed(recorder: Recorder) -> None:
    recorder.published("m4", "evt_4", ["hook"], "s", 4)
    recorder.got("hook", "evt_4", "m3", at=4)


def plant_returned(recorder: Recorder) -> None:
    recorder.leased("jobs", lease("evt_1", at=12))  # the first lease began at 1 and lasted 10


def plant_lease_overlap(recorder: Recorder) -> None:
    recorder.published("m4", "evt_4", ["jobs"], "s", 4)
    recorder.leased("jobs", lease("evt_4", at=4))
    recorder.leased("jobs", lease("evt_4", at=13.5, consumer="two"))


def plant_out_of_order(recorder: Recorder) -> None:
    recorder.published("m4", "evt_4", ["hook"], "s", 4)
    recorder.published("m5", "evt_5", ["hook"], "s", 5)
    recorder.got("hook", "evt_5", at=4)
    recorder.got("hook", "evt_4", at=5)


def plant_duplicate(recorder: Recorder) -> None:
    recorder.got("hook", "evt_3", "m3", at=9)


@pytest.mark.parametrize("plant, findings", [
    (plant_lost, ["lost"]),
    (plant_unexpected, ["unexpected"]),
    (plant_foreign, ["unexpected"]),
    (plant_split, ["split"]),
    (plant_mixed, ["mixed"]),
    (plant_returned, ["returned", "duplicates"]),
    (plant_lease_overlap, ["lease_overlaps", "duplicates"]),
    (plant_out_of_order, ["out_of_order"]),
    (plant_duplicate, ["duplicates"]),
])
def test_each_planted_fault_is_found_and_nothing_else(clean, plant, findings):
    plant(clean)
    report = clean.check()
    assert report.faults(allowed=()) == findings
    if findings != ["duplicates"]:
        with pytest.raises(AssertionError, match=f"{findings[0]}: 1\n"):
            report.assert_clean()


def test_what_nobody_answered_may_come_or_not():
    recorder = Recorder()
    recorder.channel("hook")
    recorder.publishing("m1")
    recorder.publishing("m2")
    recorder.got("hook", "evt_1", "m1")
    recorder.check().assert_clean(allowed=())


def test_an_arrival_before_its_answer_counts():
    recorder = Recorder()
    recorder.channel("hook")
    recorder.got("hook", "evt_1", "m1")
    assert recorder.check().faults() == ["unexpected"]
    recorder.published("m1", "evt_1", ["hook"])
    recorder.wait_until_done(0.01)
    recorder.check().assert_clean(allowed=())


@pytest.mark.parametrize("released, extended, ended, second_at, overlaps", [
    (None, None, False, 11.1, False),
    (None, None, False, 10.9, True),
    (5.0, None, False, 5.1, False),
    (None, (10.0, 10.0), False, 19.9, True),
    (None, (10.0, 10.0), False, 20.1, False),
    (None, None, True, 2.0, False),
])
def test_a_lease_ends_at_its_end_or_when_released(released, extended, ended, second_at, overlaps, monkeypatch):
    recorder = Recorder()
    recorder.channel("jobs", is_queue=True)
    recorder.leased("jobs", lease("evt_1", at=1.0))
    if released:
        recorder.releasing("jobs", "evt_1", "one", at=released)
    if extended:
        recorder.extended("jobs", "evt_1", "one", *extended)
    if ended:
        monkeypatch.setattr("support.recorder.time.monotonic", lambda: 1.5)
        recorder.leases_end()
    recorder.leased("jobs", lease("evt_1", at=second_at - 0.01, consumer="two"))
    assert bool(recorder.check().lease_overlaps) == overlaps


def test_waiting_for_the_rest_says_what_is_missing(clean):
    plant_lost(clean)
    assert clean.awaited_count == 1
    with pytest.raises(DeadlinePassed, match="evt_4"):
        clean.wait_until_done(0.01)


# The server's handle, the client and the kill loop, all on the toy


@pytest.fixture
def start_toy(start_server):
    def start(settings: dict | None = None, **options) -> Server:
        return start_server({"channel:jobs": {}, **(settings or {})}, program=TOY, **options)

    return start


def test_a_server_starts_stops_and_returns_on_its_port(start_toy):
    server = start_toy()
    url, pid = server.url, server.pid
    assert Api(url, None).is_healthy()
    usage = server.usage()
    assert usage.rss_bytes > 1024**2 and usage.threads >= 1 and usage.open_files >= 3 and usage.cpu_s > 0
    assert server.stop() == 0 and not server.is_running
    server.start()
    server.kill()
    server.start()
    assert server.url == url and server.pid != pid and server.starts == 3
    assert server.log().count("toy=serving") == 3
    assert not server.complaints()


def test_a_server_can_choose_its_port(start_toy):
    assert start_toy(port=0).port > 0


def test_a_server_that_cannot_start_says_why(start_toy):
    with pytest.raises(StartFailed, match="(?s)exit code 1 .*Traceback"):
        start_toy({"server": {"listen": "nowhere"}})


@pytest.mark.server_may_fail
def test_a_server_that_does_not_stop_is_a_failure(start_toy):
    server = start_toy({"toy": {"fault": "deaf"}})
    with pytest.raises(DeadlinePassed, match="did not end"):
        server.stop(deadline_s=0.2)
    assert not server.is_running


@pytest.mark.server_may_fail
def test_an_exit_that_nobody_asked_for_is_noted(start_toy):
    server = start_toy()
    subprocess.run(["kill", "-ABRT", str(server.pid)], check=True)
    eventually(lambda: not server.is_running)
    with pytest.raises(AssertionError, match="runs no more"):
        server.kill()
    server.close()
    assert "ended by itself with code -6" in server.complaints()[0]


@pytest.mark.server_may_fail
def test_a_sanitizers_finding_is_noted(start_toy):
    server = start_toy()
    with open(server.stderr_file, "a", encoding="ascii") as log:
        log.write("==7==ERROR: AddressSanitizer: heap-use-after-free\n")
    assert server.complaints() == ["==7==ERROR: AddressSanitizer: heap-use-after-free"]


def test_a_wrapped_server_is_signalled_itself(start_toy):
    server = start_toy(wrapper=["/bin/sh", "-c", '"$@"; exit 7', "sh"])
    assert "toy_server.py" in Path(f"/proc/{server.pid}/cmdline").read_text("ascii").split("\0")[1]
    os.kill(server.pid, signal.SIGKILL)
    assert server.wait_exit() == 7


def test_the_client_speaks_and_knows_when_nobody_answered(start_toy):
    server = start_toy()
    api = Api(server.url, server.admin_key)
    acme = api.account("acme")
    status, headers, body = acme.publish("order.created", data_text='{"amount": 1.000000}', idempotency_key="k")
    assert status == 202 and headers["content-type"] == "application/json" and not body["duplicate"]
    assert acme.publish("order.created", {}, idempotency_key="k").expect(202) == {**body, "duplicate": True}
    message, = acme.receive("jobs", max=5).expect(200)["messages"]
    assert message["event"]["id"] == body["id"]
    assert acme.ack("jobs", [message["receipt"]]).expect(200)["results"][0]["status"] == "ok"
    api.with_key("tk_wrong").account("acme").publish("x").expect_problem(401, "unauthenticated")
    with pytest.raises(AssertionError, match="expected .202.*401"):
        api.with_key(None).account("acme").publish("x").expect(202)
    server.restart()
    assert api.is_healthy(), "a connection that the server closed while it was idle is made anew"
    server.kill()
    with pytest.raises(Unanswered):
        acme.publish("order.created", {})


def test_raw_bytes_reach_the_server_in_pieces(start_toy):
    server = start_toy()
    api = Api(server.url, server.admin_key)
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    assert [answer.status for answer in api.raw(request * 3, answers=3)] == [200, 200, 200]
    closing = b"GET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert [answer.status for answer in api.raw(closing * 2, answers=2)] == [404]
    with api.connect() as connection:
        connection.send(*(request[i : i + 1] for i in range(len(request))))
        assert connection.read_answer().status == 200


def run_kill_loop(server: Server, receiver: Receiver, recorder: Recorder, kills: int, deadline_s: float) -> None:
    recorder.channel("hook")
    recorder.channel("jobs", is_queue=True)
    load = Load(server.url, server.admin_key, recorder)
    load.watch_webhook(receiver, "/hook", "hook")
    for _ in range(2):
        load.add_publisher("acme", ["hook", "jobs"])
        load.add_consumer("acme", "jobs", "jobs")
    KillLoop(server, load, after_work=True).run(kills, deadline_s)


@pytest.mark.deadline(300)
def test_the_kill_loop_is_clean_on_a_server_that_keeps_its_promises(start_toy, receiver, recorder):
    server = start_toy({"channel:hook": {"url": receiver.endpoint("/hook").url}})
    run_kill_loop(server, receiver, recorder, kills=5, deadline_s=90)
    report = recorder.check()
    print(report)
    report.assert_clean()
    assert server.starts == 6 and report.published >= 5


@pytest.mark.deadline(300)
@pytest.mark.parametrize("fault, finding, ends", [
    ("forgetful", "lost", False),
    ("amnesic", "returned", True),
    ("generous", "lease_overlaps", True),
])
def test_the_kill_loop_finds_a_broken_promise(start_toy, receiver, recorder, fault, finding, ends):
    url = receiver.endpoint("/hook").url
    server = start_toy({"channel:hook": {"url": url}, "toy": {"fault": fault}})
    if ends:
        run_kill_loop(server, receiver, recorder, kills=3, deadline_s=90)
    else:
        with pytest.raises(DeadlinePassed, match="not done within"):
            run_kill_loop(server, receiver, recorder, kills=3, deadline_s=1)
    assert finding in recorder.check().faults()


# The fixtures: what they do is seen from outside, in a test run of its own


FAILING_TESTS = f'''
import os, threading
import pytest
from pathlib import Path
from support.server import Server
from support.waiting import eventually

def start_toy(start_server):
    return start_server({{"channel:jobs": {{}}}}, program=Path("{TOY}"))

@pytest.mark.deadline(1)
def test_that_hangs():
    threading.Event().wait()

def test_that_fails_with_a_server(start_server):
    start_toy(start_server)
    assert False

def test_whose_server_crashes(start_server):
    server = start_toy(start_server)
    os.kill(server.pid, 6)
    eventually(lambda: not server.is_running)
'''


def run_pytest(folder: Path, tests: str, *options: str) -> str:
    (folder / "test_inner.py").write_text(tests, encoding="utf-8")
    # The project's conftest serves as a plugin, because the inner tests lie outside of its folder. With a folder of its
    # own for what its tests write it does not clear up after earlier runs, which can take long.
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider",
               f"--basetemp={folder / 'inner'}", str(folder / "test_inner.py"), *options]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def test_failures_come_with_their_reasons(tmp_path):
    report = run_pytest(tmp_path, FAILING_TESTS)
    assert "not done within its deadline of 1 s" in report
    assert "end of the log of server 0, run 1" in report and "toy=serving" in report
    assert "the server ended by itself with code -6" in report
    assert "2 failed, 1 passed, 1 error" in report


def test_pieces_together_are_the_whole(tmp_path):
    tests = "\n".join(f"def test_{n}(): pass" for n in range(20))
    outputs = [run_pytest(tmp_path, tests, f"--piece={n}/3", "-v") for n in (1, 2, 3)]
    passed = [line.split()[0] for output in outputs for line in output.splitlines() if " PASSED" in line]
    assert len(passed) == len(set(passed)) == 20
    assert all(" PASSED" in output for output in outputs)
