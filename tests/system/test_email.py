"""E-mail: what a person reads, what a program finds attached, and what happens when the mail server does not want it."""

from __future__ import annotations

import email.utils
import json
import re
import time
from datetime import datetime
from pathlib import Path

import pytest

from support.api import Api
from support.certificates import server_context
from support.deliveries import (
    ONE_TRY, PATIENT, delivery_of, publish, publish_many, wait_for_attempts, wait_for_count, wait_for_delivery,
    wait_for_state)
from support.mail_sink import ACCEPT, MailSink, drop, greylist, refuse

pytestmark = pytest.mark.settings(PATIENT)

ADDRESS = "orders@shop.example"
SENDER = "Notizen für Käse <tidings@provider.example>"
QUICK = ["0s", "100ms", "100ms", "100ms"]
EXACT_DATA = '{"b":1.000000,"a":[ 18446744073709551616 ],"\\u00e9":"\\u00E9é", "":null,\n\t"snow":"☃🎉"}'
LONGEST_TIMEOUT_MS = 120_000
SLACK_S = 60.0  # for a machine that is busy with other things


def make_mailbox(account, address: str = ADDRESS, **fields) -> str:
    return account.make_channel(kind="email", address=address, **fields).expect(201)["id"]


def attachment_of(mail):
    (attachment,) = mail.message.iter_attachments()
    return attachment


def text_of(mail) -> str:
    return mail.message.get_body(("plain",)).get_content()


def lines_of(mail) -> list[bytes]:
    return mail.raw.split(b"\r\n")


@pytest.fixture
def serve(start_server):
    """A server that sends to a sink with these settings; an account of it."""
    def start(sink: MailSink, ca_file: Path | None = None, **smtp):
        server = start_server({"smtp": {"url": sink.url, "from": "tidings@provider.example", **smtp},
                               "send": {**PATIENT["send"], "ca_file": ca_file}})
        account = Api(server.url, server.admin_key).account("acme")
        account.put().expect(201)
        return account

    return start


# What is in it


def test_a_mail_has_what_a_person_reads_and_the_event_as_it_was_published(account, mail_sink):
    make_mailbox(account)
    answer = account.publish("order.created", data_text=EXACT_DATA, client_ref="A-17", server_ref="S-1").expect(202)

    (mail,) = mail_sink.wait_for_count(1)

    message = mail.message
    assert (mail.sender, mail.recipients) == ("tidings@provider.example", [ADDRESS])
    assert message["From"] == "tidings@provider.example"
    assert message["To"] == ADDRESS
    assert message["Subject"] == "order.created - A-17"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["MIME-Version"] == "1.0"
    assert abs(email.utils.parsedate_to_datetime(message["Date"]).timestamp() - time.time()) < 60
    for word in ("order.created", account.name, answer["id"], "A-17", "S-1", "☃🎉", "1.000000", "18446744073709551616"):
        assert word in text_of(mail)
    attachment = attachment_of(mail)
    assert attachment.get_content_type() == "application/json"
    assert attachment.get_filename() == "event.json"
    assert attachment.get_payload(decode=True).decode() == EXACT_DATA


@pytest.mark.parametrize("body, content_type, name", [
    ("<?xml version='1.0'?>\r\n<order>é ]]>\n.\n</order>\n".encode(), "application/xml", "event.xml"),
    (b"\x89PNG\r\n\x1a\n\x00\xff", "image/png", "event.bin"),
    ("a,b\r\n.\r\nQUIT\r\n".encode(), "text/csv; charset=utf-8", "event.txt"),
    (b"From here\nto there\n", "text/plain", "event.txt"),
])
def test_the_attachment_is_byte_exact_in_its_own_content_type(account, mail_sink, body, content_type, name):
    make_mailbox(account)
    attributes = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.created"}
    account.publish_binary_cloudevent(attributes, body, content_type).expect(202)

    (mail,) = mail_sink.wait_for_count(1)

    attachment = attachment_of(mail)
    assert attachment.get_content_type() == content_type.partition(";")[0]
    assert attachment.get_payload(decode=True) == body
    assert attachment.get_filename() == name


def test_the_largest_data_arrives_whole(account, mail_sink):
    make_mailbox(account)
    data = json.dumps("é" * 100_000, ensure_ascii=False)
    account.publish("order.created", data_text=data).expect(202)

    (mail,) = mail_sink.wait_for_count(1)

    assert attachment_of(mail).get_payload(decode=True).decode() == data
    assert max(map(len, lines_of(mail))) <= 998


def test_what_is_not_ascii_arrives_right(account, mail_sink, server):
    server.change_settings({"smtp": {"from": SENDER}})
    server.restart()
    make_mailbox(account)
    reference = "Bestellung Käse – 17 ☃🎉 " + "ü" * 100
    account.publish("order.created", {"Straße": "Ägäis"}, client_ref=reference).expect(202)

    (mail,) = mail_sink.wait_for_count(1)

    assert mail.message["Subject"] == f"order.created - {reference}"
    assert mail.message["From"] == SENDER
    assert "Straße: Ägäis" in text_of(mail)
    head = mail.raw.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(map(len, head.split(b"\r\n"))) <= 78


def test_lines_end_in_crlf_only_and_dots_are_doubled_on_the_way(account, mail_sink):
    make_mailbox(account)
    account.publish("order.created", {"text": "a\n.\n..\r\n.b\rc", ".": "."}).expect(202)
    body = b".\r\n..\r\n.\nQUIT\n\r\n.\r\nMAIL FROM:<evil@evil.example>\r\n"
    attributes = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.created"}
    account.publish_binary_cloudevent(attributes, body, "text/plain").expect(202)

    mails = mail_sink.wait_for_count(2)

    assert len(mail_sink.attempts) == 2
    for mail in mails:
        assert b"\r" not in mail.raw.replace(b"\r\n", b"") and b"\n" not in mail.raw.replace(b"\r\n", b"")
        assert mail.raw.endswith(b"\r\n")
    assert body in [attachment_of(mail).get_payload(decode=True) for mail in mails]


@pytest.mark.parametrize("reference", [
    "A\r\nBcc: evil@evil.example", "A\nBcc: evil@evil.example", "A\rBcc: evil@evil.example", "A\0B", "A\x7f", "A\x1b[2J",
    "A\u2028Bcc: evil@evil.example", "=?utf-8?q?Bcc=0D=0A?=", "A\u0085B",
])
def test_a_reference_cannot_add_a_header(account, mail_sink, reference):
    make_mailbox(account)
    answer = account.publish("order.created", 1, client_ref=reference)

    if answer.status == 400:
        assert answer.expect_problem(400, "invalid")["field"] == "client_ref"
        assert mail_sink.attempts == []
        return
    answer.expect(202)
    (mail,) = mail_sink.wait_for_count(1)
    assert mail.recipients == [ADDRESS]
    assert mail.message["Bcc"] is None
    assert sorted(re.findall(rb"(?im)^(bcc|to|subject):", mail.raw)) == [b"Subject", b"To"]
    assert mail.message["Subject"].startswith("order.created - ")


@pytest.mark.parametrize("data", ["\r\nBcc: evil@evil.example\r\n\r\n", "\r\n.\r\nMAIL FROM:<e@e.example>\r\n", "\0\x1b[2J"])
def test_data_cannot_leave_its_place(account, mail_sink, data):
    make_mailbox(account)
    account.publish("order.created", {data: data, "plain": data}).expect(202)

    (mail,) = mail_sink.wait_for_count(1)

    assert len(mail_sink.attempts) == 1
    assert mail.message["Bcc"] is None
    assert json.loads(attachment_of(mail).get_payload(decode=True)) == {data: data, "plain": data}


@pytest.mark.parametrize("address", [
    "no-at", "@shop.example", "a@", "a b@shop.example", "a@shop.example\r\nBcc: x@y.example", "a@shop.example, b@c.example",
    "<a@shop.example>", "A <a@shop.example>", "a@shop.example>", "", "a" * 65 + "@shop.example", "a@b\0.example",
])
def test_an_address_that_is_none_is_refused(account, address):
    answer = account.make_channel(kind="email", address=address)

    assert answer.expect_problem(400, "invalid")["field"] == "address"


def test_an_address_beyond_ascii_is_reached_where_the_server_takes_it(account, mail_sink):
    make_mailbox(account, address="käse@shop.example")
    publish(account)

    (mail,) = mail_sink.wait_for_count(1)

    assert mail.recipients == ["käse@shop.example"]
    assert "SMTPUTF8" in mail.mail_options


def test_an_address_beyond_ascii_fails_for_good_where_the_server_does_not(serve):
    with MailSink(smtputf8=False) as sink:
        account = serve(sink)
        make_mailbox(account, address="käse@shop.example", retry=ONE_TRY)
        delivery = wait_for_state(account, publish(account), "failed")
        assert delivery["attempts"][0]["outcome"] == "invalid"
        assert sink.mails == []


def test_every_event_and_channel_has_a_message_id_of_its_own(account, mail_sink):
    make_mailbox(account)
    make_mailbox(account, address="other@shop.example")
    publish(account)
    publish(account)

    identifiers = [mail.message["Message-ID"] for mail in mail_sink.wait_for_count(4)]

    assert len(set(identifiers)) == 4
    assert all(re.fullmatch(r"<dlv_[0-9A-Z]{13}@provider\.example>", each) for each in identifiers)


# Trying again


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
def test_a_4xx_at_any_step_is_tried_again(account, mail_sink, stage):
    mail_sink.plan(refuse(stage, "451 4.3.0 come back later"), refuse(stage, "450 4.2.0 busy"), ACCEPT)
    make_mailbox(account, retry=QUICK)

    delivery = wait_for_state(account, publish(account), "delivered")

    assert [attempt["status"] for attempt in delivery["attempts"]] == [451, 450, 250]
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["answer", "answer", "delivered"]
    assert "come back later" in delivery["attempts"][0]["answer"]
    assert len(mail_sink.mails) == 1


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "DOT"])
def test_a_5xx_is_final(account, mail_sink, stage):
    mail_sink.plan(refuse(stage, "550 5.1.1 nobody here by that name"))
    make_mailbox(account, retry=QUICK)

    delivery = wait_for_state(account, publish(account), "refused")

    (attempt,) = delivery["attempts"]
    assert (attempt["outcome"], attempt["status"]) == ("refused", 550)
    assert "nobody here by that name" in attempt["answer"]
    assert mail_sink.mails == []


def test_a_5xx_to_the_sender_says_nothing_about_the_receiver_and_is_tried_again(account, mail_sink):
    mail_sink.plan(refuse("MAIL", "550 5.7.1 you may not send here"), ACCEPT)
    make_mailbox(account, retry=QUICK)

    delivery = wait_for_state(account, publish(account), "delivered")

    assert [attempt["status"] for attempt in delivery["attempts"]] == [550, 250]


def test_a_refusal_of_one_recipient_is_not_anothers(account, mail_sink):
    mail_sink.plan(refuse("RCPT", "550 5.1.1 no such mailbox"), recipient=ADDRESS)
    bad, good = make_mailbox(account, retry=QUICK), make_mailbox(account, address="other@shop.example")
    event = publish(account)

    wait_for_state(account, event, "refused", bad)
    wait_for_state(account, event, "delivered", good)

    assert [mail.recipients for mail in mail_sink.mails] == [["other@shop.example"]]


def test_greylisting_is_passed(account, mail_sink):
    mail_sink.plan(greylist())
    make_mailbox(account, retry=QUICK)

    delivery = wait_for_state(account, publish(account), "delivered")

    assert [attempt["status"] for attempt in delivery["attempts"]] == [451, 250]


def test_when_the_schedule_ends_it_has_failed(account, mail_sink):
    mail_sink.plan(refuse("RCPT", "451 4.7.1 not today"))
    make_mailbox(account, retry=QUICK)

    delivery = wait_for_state(account, publish(account), "failed")

    assert delivery["attempt_count"] == len(QUICK)


def test_a_mail_whose_answer_was_lost_comes_again_with_the_same_message_id(account, mail_sink):
    mail_sink.plan(drop("DOT"), drop("DOT"), ACCEPT)
    make_mailbox(account, retry=QUICK)

    delivery = wait_for_state(account, publish(account), "delivered")

    mails = mail_sink.mails
    assert [mail.answered for mail in mails] == [False, False, True]
    assert len({mail.message["Message-ID"] for mail in mails}) == 1
    assert len({attachment_of(mail).get_payload(decode=True) for mail in mails}) == 1
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["connect", "connect", "delivered"]


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_a_connection_that_is_dropped_is_tried_again(account, mail_sink, stage):
    mail_sink.plan(drop(stage), ACCEPT)
    make_mailbox(account, retry=QUICK)

    delivery = wait_for_state(account, publish(account), "delivered")

    assert delivery["attempts"][0]["outcome"] == "connect"
    assert len(mail_sink.mails) == 1


def test_a_mail_server_that_is_down_or_busy_gets_it_later(account, mail_sink):
    make_mailbox(account, retry={"every": "100ms", "for": "1h"})
    mail_sink.stop()
    event = publish(account)
    (first, *_) = wait_for_attempts(account, event, 1)
    mail_sink.greeting = "421 4.3.2 too busy"
    mail_sink.start()
    wait_for_attempts(account, event, len(delivery_of(account, event)["attempts"]) + 2)
    mail_sink.greeting = None

    wait_for_state(account, event, "delivered")

    assert first["outcome"] == "connect"
    assert len(mail_sink.mails) == 1


def test_a_greeting_of_5xx_says_nothing_about_the_mail(account, mail_sink):
    mail_sink.greeting = "554 5.7.1 your address is on a list"
    make_mailbox(account, retry={"every": "100ms", "for": "1h"})
    event = publish(account)
    wait_for_attempts(account, event, 2)
    mail_sink.greeting = None

    wait_for_state(account, event, "delivered")


@pytest.mark.promise
@pytest.mark.parametrize("how", ["restart", "kill"])
def test_a_message_id_is_the_same_after_a_restart(server, account, mail_sink, how):
    mail_sink.plan(drop("DOT"), ACCEPT)
    make_mailbox(account, retry=["0s", "1h"])
    event = publish(account)
    waiting = wait_for_delivery(account, event, lambda delivery: delivery["next_attempt_at"])

    if how == "kill":
        server.kill()
        server.start()
    else:
        server.restart()
    account.retry(waiting["id"]).expect(202)

    wait_for_state(account, event, "delivered")
    first, second = mail_sink.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]


def test_the_default_schedule_of_mail_begins_with_five_minutes(account, mail_sink):
    mail_sink.plan(refuse("MAIL", "451 4.3.0 later"))
    make_mailbox(account)
    event = publish(account)
    (attempt,) = wait_for_attempts(account, event, 1)

    began, next_at = attempt["began_at"], delivery_of(account, event)["next_attempt_at"]

    waits_s = (datetime.fromisoformat(next_at) - datetime.fromisoformat(began)).total_seconds()
    assert 300 * 0.8 <= waits_s <= 300 * 1.2 + SLACK_S


@pytest.mark.settings({"smtp": {"retry": '["0s", "100ms"]'}})
def test_the_settings_name_the_schedule_of_mail(account, mail_sink):
    mail_sink.plan(refuse("MAIL", "451 4.3.0 later"))
    make_mailbox(account)

    assert wait_for_state(account, publish(account), "failed")["attempt_count"] == 2


def test_a_mail_server_that_hangs_ends_in_time_and_webhooks_go_on(receiver, start_server):
    hook = receiver.endpoint("/hook")
    silent = f"smtp://127.0.0.1:{receiver.port}"  # takes the connection and waits for a request
    server = start_server({"smtp": {"url": silent, "from": "tidings@provider.example"},
                           "send": {"allow_private": "127.0.0.0/8"}, "shutdown": {"drain": "0s"}})
    account = Api(server.url, server.admin_key).account("acme")
    account.put().expect(201)
    patient = make_mailbox(account, timeout_ms=LONGEST_TIMEOUT_MS)
    hasty = make_mailbox(account, timeout_ms=600, retry=ONE_TRY)
    account.make_channel(kind="webhook", url=hook.url).expect(201)
    event = publish(account)

    hook.wait_for_count(1)
    (attempt,) = wait_for_state(account, event, "failed", hasty)["attempts"]

    assert attempt["outcome"] == "timeout"
    assert attempt["took_ms"] >= 600 * 0.9
    assert delivery_of(account, event, patient)["attempts"] == []  # hangs still, and held nobody up


def test_many_mails_share_few_connections(account, mail_sink):
    make_mailbox(account)
    publish_many(account, 60)

    mail_sink.wait_for_count(60)

    wait_for_count(account, "delivered", 60)
    assert mail_sink.connections_made <= 8
    assert len(mail_sink.mails) == 60


def test_the_test_button_sends_a_mail(account, mail_sink):
    channel = make_mailbox(account)
    mail_sink.plan(ACCEPT, refuse("RCPT", "451 4.7.1 later"))

    good, bad = (account.test_channel(channel).expect(200) for _ in range(2))

    assert (good["outcome"], good["status"]) == ("delivered", 250)
    assert (bad["outcome"], bad["status"]) == ("answer", 451)
    assert mail_sink.mails[0].message["Subject"] == "tidings.test"


# TLS and passwords


@pytest.fixture
def certificate(authority):
    return authority.issue("localhost", ["127.0.0.1"])


@pytest.mark.parametrize("tls", ["offered", "required"])
def test_starttls_is_used_where_it_is_offered(serve, authority, certificate, tls):
    with MailSink(tls=tls, context=server_context(certificate)) as sink:
        account = serve(sink, ca_file=authority.certificate)
        make_mailbox(account)
        publish(account)
        (mail,) = sink.wait_for_count(1)
        assert mail.over_tls


def test_smtps_is_spoken_from_the_first_byte(serve, authority, certificate):
    with MailSink(tls="implicit", context=server_context(certificate)) as sink:
        account = serve(sink, ca_file=authority.certificate)
        make_mailbox(account)
        publish(account)
        (mail,) = sink.wait_for_count(1)
        assert mail.over_tls


@pytest.mark.parametrize("tls", ["none", "refused", "broken"])
def test_where_tls_is_demanded_and_missing_nothing_goes_in_plain_text(serve, authority, certificate, tls):
    with MailSink(tls=tls, context=None if tls == "none" else server_context(certificate)) as sink:
        account = serve(sink, tls="required", ca_file=authority.certificate)
        make_mailbox(account, retry=["0s", "50ms"])
        delivery = wait_for_state(account, publish(account), "failed")
        assert {attempt["outcome"] for attempt in delivery["attempts"]} <= {"tls", "connect"}
        assert sink.attempts == []


@pytest.mark.parametrize("tls", ["offered", "implicit"])
def test_a_mail_server_that_cannot_prove_who_it_is_gets_nothing(serve, certificate, tls):
    with MailSink(tls=tls, context=server_context(certificate)) as sink:
        account = serve(sink)
        make_mailbox(account, retry=ONE_TRY)
        (attempt,) = wait_for_state(account, publish(account), "failed")["attempts"]
        assert attempt["outcome"] == "tls"
        assert sink.attempts == []


def test_a_login_is_given_where_it_is_asked_for(serve, authority, certificate):
    with MailSink(tls="required", context=server_context(certificate), users={"tidings": "pass wörd"}) as sink:
        account = serve(sink, ca_file=authority.certificate, user="tidings", password="pass wörd")
        make_mailbox(account)
        publish(account)
        (mail,) = sink.wait_for_count(1)
        assert (mail.user, mail.over_tls) == ("tidings", True)


def test_a_wrong_login_is_tried_again_and_the_password_is_told_nowhere(serve, authority, certificate):
    with MailSink(tls="required", context=server_context(certificate), users={"tidings": "right"}) as sink:
        account = serve(sink, ca_file=authority.certificate, user="tidings", password="secret-wrong-word")
        make_mailbox(account, retry=["0s", "50ms"])
        delivery = wait_for_state(account, publish(account), "failed")
        assert len(delivery["attempts"]) == 2
        assert "secret-wrong-word" not in json.dumps(delivery)
        assert sink.mails == []


@pytest.mark.settings({"smtp": {"url": None, "from": None}})
def test_without_a_mail_server_there_are_no_email_channels(account):
    problem = account.make_channel(kind="email", address=ADDRESS).expect_problem(400)

    assert "mail" in problem["detail"]
