"""The stage: the server of the demo and what stands around it on this machine."""

from __future__ import annotations

from pathlib import Path

from support.api import Account, Api
from support.mail_sink import MailSink
from support.receiver import Receiver
from support.server import Server

from .commands import Tidings
from .harbor import Harbor

HANDLER_SECRET = "whsec_" + "VGhpcyBrZXkgaXMgZm9yIHRoZSBkZW1vLg=="  # between the server and the provider's programs


class Stage:
    def __init__(self, folder: Path):
        self.folder = folder
        self.mailbox = MailSink()
        self.receiver = Receiver()  # what customers and providers listen with, each at a path of its own
        self.handler = self.receiver.endpoint("/registrar")
        self.server = Server(folder, {
            "send": {"allow_private": "127.0.0.0/8"},  # the receivers are on this machine
            "smtp": {"url": self.mailbox.url, "from": "Tidings <news@provider.example>"},
            "wapi": {"handler_secret": HANDLER_SECRET},
            "wapi.commands": {"domain-*": self.handler.url},
        })
        self.tidings: Tidings  # once the server has started
        self.harbor: Harbor | None = None

    def start(self) -> None:
        self.server.start()
        self.tidings = Tidings(self.server.url, self.server.admin_key)

    def close(self) -> None:
        if self.harbor:
            self.harbor.listener.stop()
        self.server.close()
        self.receiver.close()
        self.mailbox.close()

    def account(self, name: str) -> Account:
        """The native API without a word about it: for what a chapter waits for."""
        return Api(self.server.url, self.server.admin_key).account(name)
