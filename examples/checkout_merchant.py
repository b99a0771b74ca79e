#!/usr/bin/env python3
"""Fetches a merchant's checkout notifications, with nothing but Python's standard library. Ends on Ctrl-C or SIGTERM.

    CHECKOUT_URL=http://127.0.0.1:8484 CHECKOUT_TOKEN=... python3 checkout_merchant.py MERCHANT_ID
"""
import json
import os
import signal
import sys
import threading
import urllib.error
import urllib.request

URL = os.environ.get("CHECKOUT_URL", "http://127.0.0.1:8484") + "/v1/checkout/notifications"
HEADERS = {"merchantId": sys.argv[1], "Authorization": "Bearer " + os.environ["CHECKOUT_TOKEN"]}
WAIT_MS = 20000

stopping = threading.Event()
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: stopping.set())


def call(path, body=None):
    request = urllib.request.Request(URL + path, body and json.dumps(body).encode(), HEADERS)
    with urllib.request.urlopen(request, timeout=WAIT_MS / 1000 + 10) as answer:
        return json.load(answer)


def handle(message):
    """Yours. A message may come twice: one with a messageId that was handled before is to be passed over."""
    for name in ("orderNotification", "tokenNotification", "profileNotification"):
        if name in message:
            print(name, json.dumps(message[name]), flush=True)


def fetch_and_acknowledge():
    messages = call(f"/receive?maxNumberMessages=10&timeoutMs={WAIT_MS}")["messages"]
    for message in messages:
        handle(message)  # what raises here comes again
    if messages:
        infos = [{"messageIdentifier": message["messageInfo"]["messageId"]} for message in messages]
        for failed in call("/ack", {"messageInfos": infos})["ackFailedMessages"]:
            print("not acknowledged:", failed, file=sys.stderr)


pause_s = 1
while not stopping.is_set():
    try:
        fetch_and_acknowledge()
        pause_s = 1
    except urllib.error.HTTPError as error:
        if error.code < 500 and error.code != 429:
            sys.exit(f"{error.code}: {error.read().decode()}")  # wrong token: trying again will not help
        stopping.wait(pause_s)
        pause_s = min(2 * pause_s, 60)
    except OSError as error:
        print(f"no answer: {error}", file=sys.stderr)
        stopping.wait(pause_s)
        pause_s = min(2 * pause_s, 60)
