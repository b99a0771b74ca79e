"""A merchant who receives a cashier's notifications, written from the protocol alone: it knows nothing of our code.

    shop = Merchant("API-Lighthouse", "lighthouse-shop", "s3cr3t-for-tests")
    endpoint.plan(shop.answer)                        # of support.receiver
    shop.say(-1, "database down"); shop.say(0)        # what it answers, one a request; the last stays
    shop.bookings                                     # what took effect, each once

It checks what it gets as a receiver should: the signature over the listed fields, with the three texts that a rate may
have; that the message is for it; whether it has seen the same state before. What is not genuine gets HTTP 403 and is
noted in refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Iterator

from .answers import Step
from .http_connection import Request

FIELDS = (
    ("merchant_id",), ("application_key",), ("timestamp",), ("customer", "customer_token"), ("session", "order_id"),
    ("transaction", "tid"), ("transaction", "currency"), ("transaction", "amount"), ("transaction", "conversion_rate"),
    ("transaction", "processed_currency"), ("transaction", "processed_amount"),
)
RATE = ("transaction", "conversion_rate")


class Token(str):
    """A number as it stands in the JSON text."""


def parse(text: bytes) -> Any:
    """JSON with numbers as Tokens; a name that comes twice in one object is refused."""
    def unique(pairs: list) -> dict:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a name comes twice")
        return dict(pairs)

    return json.loads(text, parse_float=Token, parse_int=Token, object_pairs_hook=unique)


def find(message: dict, path: tuple[str, ...]) -> Any:
    for name in path:
        message = message.get(name) if isinstance(message, dict) else None
    return message


def text_of(value: Any) -> str:
    """What a value adds to the text that is signed."""
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    assert isinstance(value, str), f"{value!r} cannot be signed"
    return value


def sha384(text: str, secret: str) -> str:
    return hashlib.sha384((text + secret).encode()).hexdigest()


def rate_texts(rate: Any) -> Iterator[str]:
    """As it stands, a number in its shortest form, six decimals."""
    yield text_of(rate)
    if rate is not None:
        exact = Decimal(rate)
        if isinstance(rate, Token):
            yield format(exact.normalize(), "f")
        yield str(exact.quantize(Decimal("0.000001"), ROUND_HALF_UP))


def signatures(message: dict, secret: str) -> list[str]:
    """All that are right."""
    return [sha384("".join(rate if path == RATE else text_of(find(message, path)) for path in FIELDS), secret)
            for rate in rate_texts(find(message, RATE))]


def is_genuine(headers: list[tuple[str, str]], body: bytes, secret: str) -> bool:
    given = [value.strip().lower() for name, value in headers if name.lower() == "gt-authentication"]
    return len(given) == 1 and any(hmac.compare_digest(given[0], right) for right in signatures(parse(body), secret))


class Merchant:
    def __init__(self, merchant_id: str, application_key: str, secret: str):
        self.merchant_id = merchant_id
        self.application_key = application_key
        self.secret = secret
        self.bookings: list[tuple] = []
        self.refused: list[Request] = []
        self.signs = True  # its answers
        self._words: list[tuple[int, str]] = [(0, "Ok")]
        self._has_words = False

    @property
    def credentials(self) -> dict:
        return {"merchant_id": self.merchant_id, "application_key": self.application_key, "secret": self.secret}

    def say(self, status: int, description: str = "Ok") -> Merchant:
        """What it answers to the next genuine request, and to those after it unless more is said."""
        self._words = (self._words if self._has_words else []) + [(status, description)]
        self._has_words = True
        return self

    def answer(self, request: Request) -> Step:
        """A plan's entry."""
        if not is_genuine(request.header_list, request.body, self.secret):
            self.refused.append(request)
            return Step(403)
        message = parse(request.body)
        if (message["merchant_id"], message["application_key"]) != (self.merchant_id, self.application_key):
            return self.acknowledge(1, "not ours")
        status, description = self._words.pop(0) if len(self._words) > 1 else self._words[0]
        if status == 0:
            self._book(message)
        return self.acknowledge(status, description)

    def _book(self, message: dict) -> None:
        """Takes effect once for each state of a transaction, or of a session that has none."""
        transaction = message["transaction"]
        if transaction is None:
            key = (message["session"]["order_id"], message["session"]["session_status"])
        else:
            key = tuple(transaction.get(name)
                        for name in ("tid", "transaction_status", "amount", "processed_amount"))
        if key not in self.bookings:
            self.bookings.append(key)

    def acknowledge(self, status: int, description: str = "Ok", header: str = "Gt-Authentication") -> Step:
        """Signed with the answer's own time."""
        now = int(time.time())
        body = {"status": status, "description": description, "version": "1.3", "timestamp": now}
        headers = [("Content-Type", "application/json; charset=utf-8")]
        if self.signs:
            headers.append((header, sha384(f"{status}{now}", self.secret)))
        return Step(200, tuple(headers), json.dumps(body).encode())
