"""A mail server that takes all mail, and refuses or breaks, by a plan. Built on aiosmtpd.

    sink = MailSink()                                  # smtp://127.0.0.1:PORT is sink.url
    sink.plan(refuse("RCPT", "451 4.3.0 later"), ACCEPT)
    mail, = sink.wait_for_count(1)                     # Mails: sender, recipients, raw bytes, parsed message
    sink.attempts                                      # every try, also the refused ones, with the answer given

A plan is a list of steps, one a try to send a mail (which begins with MAIL), of which the last repeats; without a plan
all mail is accepted. plan(.., recipient="a@b.example") is for one recipient only, counts that recipient's tries, and
then knows the stages from RCPT on.

| step                         | the sink                                                                          |
| ---------------------------- | --------------------------------------------------------------------------------- |
| ACCEPT                       | takes the mail                                                                    |
| refuse(stage, "451 4.3.0 x") | gives this answer at MAIL, RCPT, DATA (before the content) or DOT (after the dot) |
| drop(stage)                  | closes the connection there; at DOT the mail was taken (mail.answered is False)   |
| greylist(seconds)            | 451 at RCPT for a sender and recipient at first, accepted when so long has passed |

sink.greeting = "421 4.3.2 busy" turns all away at the door. stop() and start() take it down and back on the same port.

What the server as a whole does about TLS and passwords:

| MailSink(..)        |                                                                                            |
| ------------------- | ------------------------------------------------------------------------------------------ |
| tls="none"          | no STARTTLS: the default                                                                   |
| tls="offered"       | STARTTLS if the client likes; needs context=certificates.server_context(..), as all below  |
| tls="required"      | nothing before STARTTLS                                                                    |
| tls="refused"       | offers STARTTLS and answers it with 454                                                    |
| tls="broken"        | answers STARTTLS with 220 and then speaks no TLS                                           |
| tls="implicit"      | TLS from the first byte (smtps)                                                            |
| users={name: word}  | demands AUTH; where STARTTLS is to be had only after it, unless auth_in_plain is set       |
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import time
import warnings
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Callable

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from .loop_thread import LoopThread
from .ports import free_port
from .waiting import DEADLINE_S, Journal

STAGES = ("MAIL", "RCPT", "DATA", "DOT")
TLS_MODES = ("none", "offered", "required", "refused", "broken", "implicit")
ACCEPTED = "250 2.0.0 OK"
GREYLISTED = "451 4.7.1 greylisted, try again later"
HOSTNAME = "mail.test"


@dataclass(frozen=True)
class Step:
    """What to do with one try; made by refuse(), drop() and greylist()."""

    stage: str | None = None
    answer: str | None = None
    drops: bool = False
    greylist_s: float | None = None


ACCEPT = Step()


def refuse(stage: str, answer: str) -> Step:
    return Step(_checked(stage), answer)


def drop(stage: str) -> Step:
    return Step(_checked(stage), drops=True)


def greylist(seconds: float = 0.0) -> Step:
    """With 0 the first try is refused and the second accepted, however soon it comes."""
    return Step(greylist_s=seconds)


def _checked(stage: str) -> str:
    if stage not in STAGES:
        raise ValueError(f"{stage!r} is none of the stages {STAGES}")
    return stage


@dataclass
class Attempt:
    """One try to send a mail, as far as it came."""

    time: float  # time.monotonic() at MAIL
    sender: str
    mail_options: list[str]
    recipients: list[str] = field(default_factory=list)
    stage: str = "MAIL"  # where it ended: DOT when the content was complete
    answer: str | None = None  # the last one given, None when the connection was dropped instead
    over_tls: bool = False
    user: str | None = None


@dataclass
class Mail(Attempt):
    """A mail that was taken. raw is the content after undoing the doubled dots, CRLF line ends as they came."""

    raw: bytes = b""
    transcript: bytes = b""  # all the client sent on this connection up to here (since STARTTLS, if that was used)

    @property
    def answered(self) -> bool:
        """False when the connection was dropped after the final dot: the sender cannot know that the mail arrived."""
        return self.answer is not None

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)


class _Plan:
    def __init__(self, steps: tuple[Step, ...]):
        self._steps = list(steps) or [ACCEPT]

    def take(self) -> Step:
        return self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]


class MailSink:
    """Listens in its own thread from the moment it is made until close()."""

    def __init__(
        self,
        tls: str = "none",
        context: ssl.SSLContext | None = None,
        users: dict[str, str] | None = None,
        auth_in_plain: bool = False,
        size_max: int = 32 * 1024 * 1024,
        smtputf8: bool = True,
    ):
        if tls not in TLS_MODES or (tls != "none") != (context is not None):
            raise ValueError(f"tls is one of {TLS_MODES}, and all but none need a context")
        self.port = free_port()
        self.url = f"{'smtps' if tls == 'implicit' else 'smtp'}://127.0.0.1:{self.port}"
        self.tls = tls
        self.context = context
        self.users = users
        self.auth_in_plain = auth_in_plain
        self.size_max = size_max
        self.smtputf8 = smtputf8
        self.greeting: str | None = None
        self.connections_made = 0
        self._mails: Journal[Mail] = Journal("the mail sink")
        self._attempts: Journal[Attempt] = Journal("the mail sink's list of tries")
        self._first_seen: dict[tuple[str, str], float] = {}
        self._sessions: set[_Session] = set()
        self._server: asyncio.base_events.Server | None = None
        self._thread = LoopThread("mail-sink")
        self.plan()
        self.start()

    def __enter__(self) -> MailSink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Plans and records

    def plan(self, *steps: Step, recipient: str | None = None) -> None:
        """From the next try on, does as steps say, beginning with the first. Without recipient all plans end."""
        if recipient is None:
            self._plan = _Plan(steps)
            self._plans_of_recipients: dict[str, _Plan] = {}
        else:
            self._plans_of_recipients[recipient] = _Plan(steps)

    @property
    def mails(self) -> list[Mail]:
        """What was taken, in the order it came."""
        return self._mails.entries()

    @property
    def attempts(self) -> list[Attempt]:
        """Every try that began with MAIL, in the order they ended."""
        return self._attempts.entries()

    def wait_for(self, predicate: Callable[[list[Mail]], object], deadline_s: float = DEADLINE_S):
        """Waits until predicate(mails) is true and returns its result."""
        return self._mails.wait_for(predicate, deadline_s)

    def wait_for_count(self, count: int, deadline_s: float = DEADLINE_S) -> list[Mail]:
        """Waits for at least count mails and returns all there are."""
        return self._mails.wait_for_count(count, deadline_s)

    def wait_for_attempts(self, count: int, deadline_s: float = DEADLINE_S) -> list[Attempt]:
        """Waits for at least count tries, refused or not, and returns all there are."""
        return self._attempts.wait_for_count(count, deadline_s)

    # Up and down

    def start(self) -> None:
        if self._server is None:
            self._server = self._thread.run(self._serve())

    def stop(self) -> None:
        """Drops all connections and refuses new ones."""
        if self._server:
            self._thread.run(self._stop_serving())
            self._server = None

    def close(self) -> None:
        """Ends the sink for good. Closing twice is harmless."""
        self.stop()
        self._thread.stop()

    async def _serve(self) -> asyncio.base_events.Server:
        return await self._thread.loop.create_server(
            self._make_session, "127.0.0.1", self.port, reuse_address=True,
            ssl=self.context if self.tls == "implicit" else None)

    async def _stop_serving(self) -> None:
        self._server.close()
        for session in list(self._sessions):
            session.abort()

    def _make_session(self) -> _Session:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that passwords without TLS are unwise is what some tests are about
            return _Session(self)

    # Called by sessions, in the loop's thread

    def opened(self, session: _Session) -> None:
        if session not in self._sessions:  # after STARTTLS the same connection is made once more
            self._sessions.add(session)
            self.connections_made += 1

    def lost(self, session: _Session) -> None:
        self._sessions.discard(session)

    def take_step(self) -> Step:
        return self._plan.take()

    def take_step_for(self, recipient: str) -> Step | None:
        plan = self._plans_of_recipients.get(recipient)
        return plan.take() if plan else None

    def is_greylisted(self, sender: str, recipient: str, seconds: float) -> bool:
        now = time.monotonic()
        first = self._first_seen.setdefault((sender, recipient), now)
        return first == now or now < first + seconds

    def took(self, mail: Mail) -> None:
        self._mails.append(mail)

    def ended(self, attempt: Attempt) -> None:
        self._attempts.append(attempt)

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str,
                     login: LoginPassword) -> AuthResult:
        name, word = login.login.decode(), login.password.decode()
        is_known = self.users is not None and self.users.get(name) == word
        return AuthResult(success=is_known, handled=False, auth_data=name)


class _Session(SMTP):
    """One connection. aiosmtpd speaks the protocol; the hooks below follow the plan."""

    def __init__(self, sink: MailSink):
        self._sink = sink
        self._seen = bytearray()
        self._attempt: Attempt | None = None
        self._steps: list[Step] = []
        has_starttls = sink.tls in ("offered", "required", "refused", "broken")
        super().__init__(
            self, hostname=HOSTNAME, ident="ESMTP", loop=asyncio.get_running_loop(),
            data_size_limit=sink.size_max, enable_SMTPUTF8=sink.smtputf8,
            tls_context=sink.context if has_starttls else None, require_starttls=sink.tls == "required",
            auth_required=sink.users is not None, auth_require_tls=has_starttls and not sink.auth_in_plain,
            authenticator=sink.authenticate)

    def abort(self) -> None:
        transport = self._original_transport or self.transport
        if transport and not transport.is_closing():
            transport.abort()

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._seen.clear()
        super().connection_made(transport)
        self._sink.opened(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._end_attempt()
        self._sink.lost(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        super().data_received(data)

    # What aiosmtpd calls: one function a command

    async def _handle_client(self) -> None:
        if self._sink.greeting:
            await self.push(self._sink.greeting)
            self.transport.close()
            return
        await super()._handle_client()

    async def handle_EHLO(self, _server, session: Session, _envelope: Envelope, host: str, lines: list) -> list:
        session.host_name = host
        if self._sink.users is None:  # aiosmtpd would offer passwords that nobody has
            lines = [line for line in lines if not line.startswith("250-AUTH")]
        return lines

    async def handle_RSET(self, _server, _session, _envelope: Envelope) -> str:
        self._end_attempt()
        return ACCEPTED

    async def smtp_STARTTLS(self, arg: str) -> None:
        if self._sink.tls == "refused":
            await self.push("454 4.7.0 TLS not available")
        elif self._sink.tls == "broken":
            await self.push("220 2.0.0 go ahead")
            await self.push("this is no TLS handshake")
            self.transport.close()
        else:
            await super().smtp_STARTTLS(arg)

    async def handle_MAIL(self, _server, session: Session, envelope: Envelope, address: str, options: list) -> str:
        self._end_attempt()
        over_tls = session.ssl is not None or self._sink.tls == "implicit"
        self._attempt = Attempt(time.monotonic(), address, options, over_tls=over_tls, user=session.auth_data)
        self._steps = [self._sink.take_step()]
        answer = self._answer_at("MAIL", self._steps)
        if answer == ACCEPTED:
            envelope.mail_from = address
        return answer

    async def handle_RCPT(self, _server, _session, envelope: Envelope, address: str, _options: list) -> str:
        self._attempt.recipients.append(address)
        own = self._sink.take_step_for(address)
        if own:
            self._steps.append(own)
        # A recipient's own refusal concerns that recipient alone, so only this one's step is asked besides the try's.
        answer = self._answer_at("RCPT", [self._steps[0], *([own] if own else [])])
        if answer == ACCEPTED:
            envelope.rcpt_tos.append(address)
        return answer

    async def smtp_DATA(self, arg: str) -> None:
        answer = self._answer_at("DATA", self._steps) if self.envelope.rcpt_tos else ACCEPTED
        if answer == ACCEPTED:
            await super().smtp_DATA(arg)
        else:
            await self.push(answer)

    async def handle_DATA(self, _server, _session, envelope: Envelope) -> str:
        answer = self._answer_at("DOT", self._steps, takes_dropped=envelope.content)
        if answer == ACCEPTED:
            self._sink.took(self._mail(envelope.content))
        self._end_attempt()
        return answer

    # Following the plan

    def _answer_at(self, stage: str, steps: list[Step], takes_dropped: bytes | None = None) -> str:
        """The answer at stage. Dropping goes on in connection_lost(); a mail dropped at DOT is taken before."""
        self._attempt.stage = stage
        self._attempt.answer = self._planned_answer(stage, steps)
        if self._attempt.answer is None:
            if takes_dropped is not None:
                self._sink.took(self._mail(takes_dropped))
            self.abort()
            raise asyncio.CancelledError
        return self._attempt.answer

    def _planned_answer(self, stage: str, steps: list[Step]) -> str | None:
        for step in steps:
            if step.stage == stage:
                return None if step.drops else step.answer
            if stage == "RCPT" and step.greylist_s is not None:
                recipient = self._attempt.recipients[-1]
                if self._sink.is_greylisted(self._attempt.sender, recipient, step.greylist_s):
                    return GREYLISTED
        return ACCEPTED

    def _mail(self, content: bytes) -> Mail:
        return Mail(**vars(self._attempt), raw=bytes(content), transcript=bytes(self._seen))

    def _end_attempt(self) -> None:
        if self._attempt:
            self._sink.ended(self._attempt)
            self._attempt = None
