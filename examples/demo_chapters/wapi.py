"""A customer of the command API asks for what takes time, and is told the outcome in each of the three ways."""

from __future__ import annotations

import json

from support import standard_webhooks
from support.receiver import Step
from support.wapi_client import Reply
from support.wapi_notify import Notification, read_push

from .commands import DEADLINE_S, CurlWapiClient, laid_out
from .stage import HANDLER_SECRET, Stage
from .telling import say, show_command, show_output, show_table

TITLE = "wapi: an asynchronous command, its outcome by queue, by POST and by e-mail"

ACCOUNT = "quay"
LOGIN = {"login": "quay", "password": "correct-horse"}
ADDRESS = "hostmaster@quay.example"
DOMAIN = "pier.example"


def tell(stage: Stage) -> None:
    say("The provider has a program for the commands that begin with domain-. The server's settings name it:")
    show_output(f"[wapi.commands]\ndomain-* = {stage.handler.url}")
    stage.handler.plan(Step(202))
    stage.tidings.make_account(ACCOUNT, wapi=LOGIN)
    say("With these credentials the account is a customer of the command API. A queue came with them:")
    stage.tidings.show("channel", "list", ACCOUNT)
    xml, json_ = (CurlWapiClient(stage.server.url, *LOGIN.values(), format) for format in ("xml", "json"))
    outcomes = [
        ("queue", *_by_queue(stage, xml)),
        ("POST", *_by_post(stage, json_)),
        ("e-mail", *_by_mail(stage, xml)),
    ]
    say("\nAn account has one way at a time; what it was told before is kept:")
    stage.tidings.show("channel", "list", ACCOUNT)
    _compare(outcomes)


def _transfer(stage: Stage, client: CurlWapiClient, cltrid: str) -> Reply:
    """The customer asks, the provider's program says that it takes time, and later completes the operation."""
    reply = client.call("domain-transfer", {"name": DOMAIN}, cltrid).expect(1001)
    request = stage.handler.requests[-1]
    standard_webhooks.verify(HANDLER_SECRET, request.headers, request.body)
    asked = json.loads(request.body)
    assert (asked["account"], asked["clTRID"], asked["svTRID"]) == (ACCOUNT, cltrid, reply.svtrid), asked
    say("Before that answer the provider's program was asked, by a signed request, and answered 202, later:")
    show_output(laid_out(request.body.decode()))
    say("When the domain is transferred, the provider says so by the native API:")
    _complete(stage, asked["operation"])
    return reply


def _complete(stage: Stage, operation: str) -> None:
    command = ("operation", "complete", ACCOUNT, operation, "--data", json.dumps({"name": DOMAIN}))
    show_command(["tidings", *command])
    ended = stage.tidings.ask(*command)["operation"]
    show_output("".join(f"{name:12}{ended[name]}\n" for name in ("state", "client_ref", "server_ref", "event")))


def _by_queue(stage: Stage, client: CurlWapiClient) -> tuple[Reply, Notification]:
    say("\nQueue. The customer asks, in XML:")
    pending = _transfer(stage, client, "job-1")
    say("The customer polls, acknowledges, and polls again:")
    polled = client.call("poll-req").expect(1000)
    told = polled.data["notify"]
    client.call("poll-ack", {"id": told["id"]}).expect(1002)
    client.call("poll-req").expect(1003)
    return pending, told


def _by_post(stage: Stage, client: CurlWapiClient) -> tuple[Reply, Notification]:
    say("\nPOST. The customer would rather be told by POST, and asks in JSON this time:")
    endpoint = stage.receiver.endpoint("/wapi")
    stage.tidings.make_channel(ACCOUNT, "--kind", "webhook", "--dialect", "wapi", "--url", endpoint.url)
    pending = _transfer(stage, client, "job-2")
    request = endpoint.wait_for_count(1, DEADLINE_S)[0]
    told = read_push(request)
    assert told.format == "json", told
    say(f"To {endpoint.url} came a form with the parameter `request`, in JSON as the customer had asked:")
    show_output(laid_out(told.document))
    return pending, told


def _by_mail(stage: Stage, client: CurlWapiClient) -> tuple[Reply, Notification]:
    say("\nE-mail, and in XML again:")
    stage.tidings.make_channel(ACCOUNT, "--kind", "email", "--dialect", "wapi", "--address", ADDRESS)
    pending = _transfer(stage, client, "job-3")
    mail = stage.mailbox.wait_for(lambda mails: [m for m in mails if m.recipients == [ADDRESS]], DEADLINE_S)[0].message
    (attachment,) = mail.iter_attachments()
    text = mail.get_body(("plain",)).get_content()
    told = Notification(attachment.get_payload(decode=True).decode())
    assert Notification(text).members == told.members, "the mail's text and its attachment differ"
    say(f"This mail came, with the document also as an attachment ({attachment.get_content_type()}):")
    show_output(f"To: {mail['To']}\nSubject: {mail['Subject']}\n\n{text}")
    return pending, told


def _compare(outcomes: list) -> None:
    """The reference of the customer and the one of the server are those of the request, whatever the way."""
    for number, (_, pending, told) in enumerate(outcomes, 1):
        assert told["clTRID"] == pending.cltrid == f"job-{number}", (pending, told)
        assert told["svTRID"] == pending.svtrid, (pending, told)
        assert (int(told["code"]), told["command"], told["data"]) == (1000, "domain-transfer", {"name": DOMAIN}), told
    assert len({pending.svtrid for _, pending, _ in outcomes}) == len(outcomes)
    show_table([("told by", "answer", "its clTRID", "its svTRID", "notification", "its clTRID", "its svTRID"), *(
        (way, pending.code, pending.cltrid, pending.svtrid, told["code"], told["clTRID"], told["svTRID"])
        for way, pending, told in outcomes)])
