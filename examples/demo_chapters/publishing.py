"""Events arrive in all three channels as they were published."""

from __future__ import annotations

import json
import os
from email.message import EmailMessage

from . import TOP_FOLDER
from .stage import Stage
from .telling import say, show_command, show_output, show_table

EVENTS_FILE = "examples/events.ndjson"
LINES = (TOP_FOLDER / EVENTS_FILE).read_text("utf-8").splitlines()
TITLE = f"Publish {len(LINES)} events, see each arrive three times"


def tell(stage: Stage) -> None:
    command = ("publish", "--batch", EVENTS_FILE)
    show_command(["tidings", *command])
    os.chdir(TOP_FOLDER)
    ids = [result["id"] for result in stage.tidings.ask(*command)["results"]]
    show_output(f"... {len(ids)} events are stored, the first as {ids[0]}")
    webhooks = stage.harbor.listener.wait_for(set(ids))
    mails = stage.harbor.wait_for_mails(set(ids))
    messages = stage.harbor.consumer.wait_for(set(ids))
    for line, event in zip(LINES, ids, strict=True):
        _check_arrival(line, webhooks[event], mails[event], messages[event])
    show_table([("published", "webhook", "mail: subject", "queue"), *(
        (webhooks[event]["type"], f"signed, {webhooks[event]['signature']}", mails[event]["Subject"],
         "received, acknowledged") for event in ids)])
    say("\nSigned: HMAC-SHA256 as in Standard Webhooks, checked by `tidings listen` and again by this script.")
    say("The data arrived byte for byte as in the file: key order, 1.000000, 9007199254740993, 山田 太郎.")


def _check_arrival(line: str, webhook: dict, mail: EmailMessage, message: dict) -> None:
    published = json.loads(line)
    data = line[line.index('"data":') + len('"data":'):-1]  # it is the last member of each line
    assert webhook["type"] == published["type"] == message["event"]["type"]
    assert data in webhook["body"], f"the webhook's data is not as published: {webhook['body']}"
    attachment = next(mail.iter_attachments()).get_content()
    assert attachment in (data, data.encode()), f"the mail's attachment is not as published: {attachment!r}"
    assert message["event"]["data"] == published["data"]
