#!/usr/bin/env python3
"""A client of the command API with nothing but Python's standard library.

    export WAPI_URL=http://127.0.0.1:8484 WAPI_USER=... WAPI_PASSWORD=...
    python3 wapi_client.py domain-transfer '{"name": "quay.example"}'   # sends a command, prints the reply
    python3 wapi_client.py                                              # takes all notifications that wait
"""
import datetime
import hashlib
import json
import os
import sys
import urllib.parse
import urllib.request
import uuid
import zoneinfo

URL = os.environ.get("WAPI_URL", "http://127.0.0.1:8484") + "/wapi/json"
USER = os.environ["WAPI_USER"]
PASSWORD = os.environ["WAPI_PASSWORD"]
PRAGUE = zoneinfo.ZoneInfo("Europe/Prague")
TIMEOUT_S = 130  # a command may take the provider as long as two minutes


def sha1(text):
    return hashlib.sha1(text.encode()).hexdigest()


def send(envelope):
    form = urllib.parse.urlencode({"request": json.dumps({"request": envelope})})
    with urllib.request.urlopen(URL, form.encode(), timeout=TIMEOUT_S) as answer:
        return json.load(answer)["response"]


def call(command, data=None):
    """The reply, whatever its code. clTRID is what to know the notification by, should one follow."""
    while True:
        hour = datetime.datetime.now(PRAGUE).strftime("%H")
        auth = sha1(USER + sha1(PASSWORD) + hour)
        reply = send({"user": USER, "auth": auth, "command": command, "clTRID": str(uuid.uuid4()), "data": data})
        if reply["code"] != 2050 or hour == datetime.datetime.now(PRAGUE).strftime("%H"):
            return reply  # otherwise the hour has changed on the way


def expect(code, reply):
    if reply["code"] != code:
        sys.exit(f"{reply['code']} {reply['result']}")
    return reply


def handle(notify):
    """Yours: looks for the request by clTRID or svTRID. Passes over a notification whose id it has handled before."""
    print(notify["command"], notify["code"], notify["result"], json.dumps(notify.get("data", {})), flush=True)


def take_notifications():
    reply = call("poll-req")
    while reply["code"] != 1003:  # the queue is empty
        notify = expect(1000, reply)["data"]["notify"]
        handle(notify)  # what raises here comes again
        call("poll-ack", {"id": notify["id"]})  # 2151: somebody else has acknowledged it
        reply = call("poll-req")


if len(sys.argv) > 1:
    reply = call(sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else None)
    print(json.dumps(reply, ensure_ascii=False))
    sys.exit(0 if reply["code"] < 2000 else 1)
take_notifications()
