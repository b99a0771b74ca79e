"""Notifications of the command API as mail: a text for people, the document for programs."""

from __future__ import annotations

import pytest

from support.deliveries import publish, wait_for_state
from support.mail_sink import ACCEPT, refuse
from support.wapi_notify import Notification

DONE = {"code": 1000, "result": "OK", "command": "domain-create", "origin": "wapi/xml",
        "data": {"domain": "quay.example", "host": [{"name": "ns1"}, {"name": "ns2"}]}}


@pytest.fixture
def address(account) -> str:
    account.make_channel(kind="email", dialect="wapi", address="ops@harbor.example",
                         retry={"every": "20ms", "for": "1h"}).expect(201)
    return "ops@harbor.example"


def publish_result(account, **changes) -> str:
    return publish(account, "operation.completed", {**DONE, **changes}, client_ref="dom-3",
                   server_ref="1760000102.7702.20544.1")


def parts_of(mail) -> tuple[str, str, str]:
    """The text, the attachment's media type, and its text."""
    (attachment,) = mail.message.iter_attachments()
    text = mail.message.get_body(("plain",)).get_content()
    return text, attachment.get_content_type(), attachment.get_payload(decode=True).decode()


def test_a_result_is_mailed_as_text_and_as_the_document(account, address, mail_sink):
    """1.7: to the configured address after the operation completes; 1.5: the fields and their order."""
    publish_result(account)

    (mail,) = mail_sink.wait_for_count(1)
    text, media_type, document = parts_of(mail)
    notification = Notification(document)
    assert mail.recipients == [address]
    assert mail.message["subject"] == "domain-create: OK - dom-3"
    assert media_type == "application/xml"
    assert list(notification.members) == ["code", "result", "timestamp", "clTRID", "svTRID", "command", "id", "data"]
    assert text.splitlines() == [
        '<?xml version="1.0" encoding="UTF-8"?>', "<notify>", "  <code>1000</code>", "  <result>OK</result>",
        f"  <timestamp>{notification['timestamp']}</timestamp>", "  <clTRID>dom-3</clTRID>",
        "  <svTRID>1760000102.7702.20544.1</svTRID>", "  <command>domain-create</command>",
        f"  <id>{notification['id']}</id>", "  <data>", "    <domain>quay.example</domain>", "    <host>",
        "      <name>ns1</name>", "    </host>", "    <host>", "      <name>ns2</name>", "    </host>", "  </data>",
        "</notify>"]


def test_the_answer_to_a_json_request_is_mailed_in_json(account, address, mail_sink):
    """1.7: e-mail follows the format of the originating command."""
    publish_result(account, origin="wapi/json")

    (mail,) = mail_sink.wait_for_count(1)
    text, media_type, document = parts_of(mail)
    notification = Notification(document)
    assert media_type == "application/json" and notification["data"]["host"] == [{"name": "ns1"}, {"name": "ns2"}]
    assert text.splitlines()[:4] == ["{", '  "notify": {', '    "code": 1000,', '    "result": "OK",']
    assert Notification(text).members == notification.members


def test_system_news_has_no_reference_in_its_subject(account, address, mail_sink):
    """1.5: clTRID is always absent for system events."""
    publish(account, "domain.transferred", {"code": 1200, "result": "Domain transfered out"}, client_ref="not-told")

    (mail,) = mail_sink.wait_for_count(1)
    assert mail.message["subject"] == "system-notify: Domain transfered out"
    assert b"not-told" not in mail.raw and "clTRID" not in parts_of(mail)[2]


def test_no_text_of_an_event_becomes_a_header(account, address, mail_sink):
    """1.7: whatever the texts hold, the mail has the headers that it should have."""
    publish_result(account, result="OK\r\nBcc: all@victim.example\r\n\r\nbody\u0085\u0000", command="a\nb")

    (mail,) = mail_sink.wait_for_count(1)
    assert mail.message["bcc"] is None and mail.recipients == [address]
    assert mail.message["subject"].startswith("a b: OK  Bcc: all@victim.example")


def test_characters_of_all_planes_survive_in_both_parts(account, address, mail_sink):
    """1.9/17, for mail: nothing is lost on the way."""
    name = "\u20ac \U0001f600 <&> \u017elu\u0165ou\u010dk\u00fd"
    publish_result(account, result=name, data={"name": name})

    (mail,) = mail_sink.wait_for_count(1)
    text, _, document = parts_of(mail)
    assert Notification(document)["data"]["name"] == name
    assert "\u20ac \U0001f600 &lt;&amp;&gt; \u017elu\u0165ou\u010dk\u00fd" in text
    assert mail.message["subject"] == f"domain-create: {name} - dom-3"


def test_a_long_document_is_attached_whole_and_shown_in_part(account, address, mail_sink):
    """1.7: a mail that people can open, a document that programs can trust."""
    publish_result(account, data={"line": [f"number {number}" for number in range(5000)]})

    (mail,) = mail_sink.wait_for_count(1)
    text, _, document = parts_of(mail)
    assert len(Notification(document)["data"]["line"]) == 5000
    assert len(text) < 70_000 and text.rstrip().endswith("The attachment holds all of it.")


def test_a_mail_that_is_refused_for_now_comes_again_as_the_same(account, address, mail_sink):
    """1.7: a notification is not lost; a second copy can be told as one by its Message-ID."""
    mail_sink.plan(refuse("DOT", "451 4.3.0 later"), ACCEPT)

    event = publish_result(account)

    delivery = wait_for_state(account, event, "delivered")
    (mail,) = mail_sink.mails
    assert [attempt["status"] for attempt in delivery["attempts"]] == [451, 250]
    assert delivery["id"] in mail.message["message-id"]


def test_what_is_no_notification_is_not_mailed(account, address, mail_sink):
    """1.5: only results and system events become notifications."""
    event = publish(account, "order.created", {"order": "A-1"})

    (attempt,) = wait_for_state(account, event, "failed")["attempts"]
    assert attempt["outcome"] == "invalid" and not mail_sink.attempts
