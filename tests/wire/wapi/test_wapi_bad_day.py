"""What must not stop a customer of the command API: odd data, and settings that change under a command."""

from __future__ import annotations

import json
import threading
from typing import Callable

import pytest
from support.answers import Gate
from support.api import Account
from support.receiver import Receiver, Step
from support.server import Server
from support.wapi_client import Reply, WapiClient

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"


def endless(name_bytes: int, items: int) -> dict:
    """In XML each item repeats the name: some hundred times what it is in JSON."""
    return {"n" * name_bytes: [1] * items}


@pytest.fixture
def server(start_server: Callable[..., Server], receiver: Receiver) -> Server:
    """One with a short patience at its end, and a handler."""
    return start_server({
        "wapi": {"handler_secret": SECRET, "handler_timeout": "60s"},
        "wapi.commands": {"slow": receiver.url + "/slow"},
        "shutdown": {"drain": "4s"},
    })


class Handled:
    """A command that waits in its handler until the gate is opened."""

    def __init__(self, client: WapiClient, receiver: Receiver):
        self.gate: Gate = receiver.gate()
        receiver.endpoint("/slow").plan(Step(202, gate=self.gate))
        self.replies: list[Reply] = []
        self.thread = threading.Thread(target=lambda: self.replies.append(client.call("slow")))
        self.thread.start()
        receiver.endpoint("/slow").wait_for_count(1)

    def finish(self) -> Reply:
        self.gate.open()
        return self.reply()

    def reply(self) -> Reply:
        self.thread.join()  # a call has a deadline
        (reply,) = self.replies
        return reply


# Data


def test_a_notification_too_long_to_be_told_does_not_block_the_queue(
    client: WapiClient, harbor: Account, notify: Callable[..., str],
) -> None:
    """1.5/1: the oldest first; what grows without measure in XML is refused for good, and the next one is shown."""
    notify(1000, "endless", endless(100_000, 50_000))
    notify(1000, "short")

    assert client.call("poll-req").expect(1000).data["notify"]["result"] == "short"
    (refused,) = harbor.deliveries(state="refused").expect(200)["items"]
    assert "too long" in harbor.delivery(refused["id"]).expect(200)["attempts"][0]["detail"]


def test_a_handler_s_answer_too_long_to_be_told_is_an_internal_error(client: WapiClient, receiver: Receiver) -> None:
    """1.3: the HTTP status is always 200 and the outcome in the code."""
    body = json.dumps({"code": 1000, "result": "OK", "data": endless(30_000, 10_000)}, separators=(",", ":"))
    receiver.endpoint("/slow").plan(Step(200, body=body.encode()))

    reply = client.call("slow", cltrid="slow-1").expect(4000)

    assert (reply.cltrid, reply.data) == ("slow-1", None)


# Settings


def test_credentials_that_come_back_find_a_queue(
    client: WapiClient, harbor: Account, notify: Callable[..., str],
) -> None:
    """1.5/1: one queue per account, also where the one of before was switched off: no news reaches nobody."""
    before = harbor.channels().expect(200)["items"][0]["id"]
    harbor.patch(wapi=None).expect(200)
    harbor.patch_channel(before, enabled=False).expect(200)
    harbor.patch(wapi={"login": "harbor", "password": "correct-horse"}).expect(200)
    notify(1000, "not lost")

    assert client.call("poll-req").expect(1000).data["notify"]["result"] == "not lost"


# Commands under way


def test_a_command_of_an_account_that_is_deleted_meanwhile_fails(
    client: WapiClient, harbor: Account, receiver: Receiver,
) -> None:
    """1.6: 4000, for nothing is stored of it."""
    handled = Handled(client, receiver)
    harbor.delete().expect(204)

    handled.finish().expect(4000)
    client.call("ping").expect(2050)


def test_a_command_goes_on_when_the_password_changes(
    client: WapiClient, harbor: Account, receiver: Receiver,
) -> None:
    """1.4: auth is asked for when a request comes."""
    handled = Handled(client, receiver)
    harbor.patch(wapi={"login": "harbor", "password": "another-horse"}).expect(200)

    handled.finish().expect(1001)
    client.call("ping").expect(2050)


def test_a_server_that_stops_gives_up_what_is_in_a_handler(
    client: WapiClient, server: Server, receiver: Receiver,
) -> None:
    """1.6: whoever waits gets 4000 and not silence."""
    handled = Handled(client, receiver)

    assert server.stop() == 0
    handled.reply().expect(4000)
