"""Harbor, the customer of the first chapters: how it receives webhooks, mail, and the messages of its queue."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from dataclasses import dataclass
from email.message import EmailMessage

from support import standard_webhooks
from support.mail_sink import MailSink
from support.server import program_path
from support.waiting import Journal, eventually

from .commands import DEADLINE_S, Tidings
from .telling import show_command, show_output

ACCOUNT = "harbor"  # the events in events.ndjson are for it
ADDRESS = "orders@harbor.example"


class Listener:
    """`tidings listen`: receives webhooks on a port and checks their signatures; what it prints goes into a journal."""

    def __init__(self, port: int, secret: str):
        self.secret = secret
        self.received: Journal[dict] = Journal("the webhook receiver")
        self._command = ["listen", "--port", str(port), "--secret", secret]
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        show_command(["tidings", *self._command])
        self._process = subprocess.Popen([program_path(), *self._command, "--json"], text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = self._process.stderr.readline()
        assert first.startswith("listening on"), f"tidings listen: {first}"
        show_output(first)
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def stop(self) -> None:
        if self._process:
            os.kill(self._process.pid, signal.SIGTERM)
            self._process.wait(DEADLINE_S)
            self._process = None

    def _read(self, lines) -> None:
        for line in lines:
            self.received.append(json.loads(line))

    def wait_for(self, events: set[str]) -> dict[str, dict]:
        """Waits until all these events have come, checks their signatures, and returns what came first for each."""
        came = self.received.wait_for(lambda entries: events <= {e["id"] for e in entries} and entries, DEADLINE_S)
        first = {entry["id"]: entry for entry in reversed(came) if entry["id"] in events}
        for entry in first.values():
            self._check(entry)
        return first

    def count(self, event: str) -> int:
        return sum(entry["id"] == event for entry in self.received.entries())

    def _check(self, entry: dict) -> None:
        """Believes neither the server nor `tidings listen`: both are the same program."""
        assert entry["verified"], entry.get("reason")
        standard_webhooks.verify(self.secret, entry["headers"], entry["body"].encode())


class Consumer:
    """Of the queue: `tidings receive` until all that is waited for has come and is acknowledged."""

    def __init__(self, tidings: Tidings, channel: str):
        self._tidings = tidings
        self._command = ("receive", ACCOUNT, channel, "--max", "100", "--wait", "2s", "--ack")
        self.received: dict[str, dict] = {}

    def wait_for(self, events: set[str]) -> dict[str, dict]:
        """Everything that has come by then, by event."""
        show_command(["tidings", *self._command])
        eventually(lambda: self._receive() and events <= self.received.keys(), DEADLINE_S, "messages in the queue")
        show_output(f"... {len(events)} messages received and acknowledged")
        return self.received

    def _receive(self) -> bool:
        for message in self._tidings.ask(*self._command)["messages"]:
            self.received[message["event"]["id"]] = message
        return True


@dataclass
class Harbor:
    webhook: str  # the channel's id
    listener: Listener
    consumer: Consumer
    mailbox: MailSink

    def wait_for_mails(self, events: set[str]) -> dict[str, EmailMessage]:
        """Everything that has come by then, by event."""
        def by_event(mails: list) -> dict[str, EmailMessage] | None:
            found = {_event_of(mail.message): mail.message for mail in mails if mail.recipients == [ADDRESS]}
            return found if events <= found.keys() else None

        return self.mailbox.wait_for(by_event, DEADLINE_S)


def _event_of(message: EmailMessage) -> str:
    """The event that a mail is about, as its text says."""
    return re.search(r"evt_\w{13}", message.get_body(("plain",)).get_content())[0]
