#!/usr/bin/env python3
"""Receives a cashier's notifications with nothing but Python's standard library: checks and signs, takes each state once.

    MERCHANT_ID=... APPLICATION_KEY=... MERCHANT_SECRET=... python3 cashier_receiver.py 9000
"""
import hashlib
import hmac
import json
import os
import sys
import time
from decimal import ROUND_HALF_UP, Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_BYTES_MAX = 1024 * 1024
FIELDS = (
    ("merchant_id",), ("application_key",), ("timestamp",), ("customer", "customer_token"), ("session", "order_id"),
    ("transaction", "tid"), ("transaction", "currency"), ("transaction", "amount"), ("transaction", "conversion_rate"),
    ("transaction", "processed_currency"), ("transaction", "processed_amount"),
)
RATE = ("transaction", "conversion_rate")

OURS = (os.environ["MERCHANT_ID"], os.environ["APPLICATION_KEY"])
SECRET = os.environ["MERCHANT_SECRET"]
booked = set()  # yours is a table with a unique index, written in the transaction that books the payment


class Number(str):
    """A number as it stands in the JSON text: never through binary floating point."""


def value_at(message, path):
    for name in path:
        message = message.get(name) if isinstance(message, dict) else None
    return message


def text_of(value):
    """null and what is not there are nothing; strings and numbers are as they stand."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def rate_texts(rate):
    """The rate as it stands; a number without needless zeros; six decimals."""
    yield text_of(rate)
    if rate is not None:
        yield format(Decimal(rate).normalize(), "f") if isinstance(rate, Number) else rate
        yield str(Decimal(rate).quantize(Decimal("0.000001"), ROUND_HALF_UP))


def sign(text):
    return hashlib.sha384((text + SECRET).encode()).hexdigest()


def is_genuine(message, signature):
    for rate in rate_texts(value_at(message, RATE)):
        text = "".join(rate if path == RATE else text_of(value_at(message, path)) for path in FIELDS)
        if hmac.compare_digest(sign(text).encode(), signature.strip().lower().encode()):
            return True
    return False


def identity(message):
    """What tells one state from another. Never the signature: two orders can have the same one."""
    transaction = message["transaction"]
    if transaction is None:
        return (message["session"]["order_id"], message["session"].get("session_status"))
    return tuple(transaction.get(name) for name in ("tid", "transaction_status", "amount", "processed_amount"))


def take(message):
    """Returns what to answer: a status and a description."""
    if (message["merchant_id"], message["application_key"]) != OURS:
        return 1, "This is not our merchant_id and application_key"
    key = identity(message)
    if key not in booked:
        print(message["session"]["order_id"], *(text_of(part) for part in key), flush=True)
        booked.add(key)
    return 0, "Ok"  # also for one that was booked before


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > BODY_BYTES_MAX:
            return self.refuse(413)
        try:
            message = json.loads(self.rfile.read(length), parse_int=Number, parse_float=Number)
            genuine = is_genuine(message, self.headers.get("gt-authentication", ""))
        except (ValueError, ArithmeticError):
            return self.refuse(400)
        if not genuine:
            return self.refuse(403)  # it comes again: a mistake in SECRET loses nothing
        return self.acknowledge(*take(message))

    def acknowledge(self, status, description):
        now = int(time.time())
        answer = {"status": status, "description": description, "version": "1.3", "timestamp": now}
        self.reply(200, json.dumps(answer).encode(), sign(f"{status}{now}"))

    def refuse(self, http_status):
        self.close_connection = True  # the body may not have been read
        self.reply(http_status, b"", None)

    def reply(self, http_status, body, signature):
        self.send_response(http_status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        if signature:
            self.send_header("Gt-Authentication", signature)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


port = int(sys.argv[1])
server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
print(f"listening on http://127.0.0.1:{port}/", flush=True)
server.serve_forever()
