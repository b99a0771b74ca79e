#!/usr/bin/env python3
"""A consumer of a queue, with nothing but Python's standard library. Ends cleanly on Ctrl-C or SIGTERM.

    TIDINGS_URL=http://127.0.0.1:8484 TIDINGS_KEY=tk_... python3 queue_consumer.py ACCOUNT CHANNEL
"""
import json
import os
import signal
import sys
import threading
import urllib.error
import urllib.request

URL = os.environ.get("TIDINGS_URL", "http://127.0.0.1:8484")
CHANNEL = "/v1/accounts/{}/channels/{}/".format(*sys.argv[1:3])
WAIT_MS = 20000
TRIES_MAX = 5  # then a message is set aside instead of given back

stopping = threading.Event()
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: stopping.set())


def call(name, body):
    request = urllib.request.Request(URL + CHANNEL + name, json.dumps(body).encode())
    request.add_header("Authorization", "Bearer " + os.environ["TIDINGS_KEY"])
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=WAIT_MS / 1000 + 10) as answer:
        return json.load(answer)


def handle(event):
    """Yours. An event may come twice: the one with an id that was handled before is to be passed over."""
    print(event["type"], json.dumps(event.get("data")), flush=True)


def take(message):
    """Whether the message is done with; otherwise it comes again."""
    try:
        handle(message["event"])
        return True
    except Exception as error:
        print(f"{message['event']['id']}, attempt {message['attempt']}: {error!r}", file=sys.stderr)
        return message["attempt"] >= TRIES_MAX  # set it aside where a person looks, then let it go


def settle(name, messages):
    try:
        call(name, {"receipts": [message["receipt"] for message in messages]})
    except urllib.error.HTTPError as error:
        if error.code != 409:  # the lease was over: another consumer has it, and there is nothing to do
            raise


def consume():
    messages = call("receive", {"max": 10, "wait_ms": WAIT_MS})["messages"]
    while messages and not stopping.is_set():
        message = messages.pop(0)
        # One by one, so that a crash repeats one message and not ten.
        settle("ack" if take(message) else "release", [message])
    if messages:
        settle("release", messages)


pause_s = 1
while not stopping.is_set():
    try:
        consume()
        pause_s = 1
    except urllib.error.HTTPError as error:
        if error.code < 500 and error.code != 429:
            sys.exit(f"{error.code}: {error.read().decode()}")  # wrong key or channel: trying again will not help
        stopping.wait(pause_s)
        pause_s = min(2 * pause_s, 60)
    except OSError as error:
        print(f"no answer: {error}", file=sys.stderr)
        stopping.wait(pause_s)
        pause_s = min(2 * pause_s, 60)
