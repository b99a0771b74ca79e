#!/usr/bin/env python3
"""Carries out commands of the command API, with nothing but Python's standard library: one at once, one later.

    HANDLER_SECRET=whsec_... TIDINGS_KEY=tk_... TIDINGS_URL=http://127.0.0.1:8484 python3 wapi_handler.py 9000
"""
import base64
import hashlib
import hmac
import json
import os
import queue
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_S = 300  # older requests may be replayed ones
BODY_BYTES_MAX = 8 * 1024 * 1024
REPORT_TIMEOUT_S = 30

URL = os.environ.get("TIDINGS_URL", "http://127.0.0.1:8484")
HEADERS = {"Authorization": "Bearer " + os.environ["TIDINGS_KEY"], "Content-Type": "application/json"}
KEY = base64.b64decode(os.environ["HANDLER_SECRET"].removeprefix("whsec_"))

domains = {"quay.example"}  # yours is the registry
accepted = set()  # svTRIDs; yours is a table with a unique index, and so is the next one: both outlive a crash
transfers = queue.Queue()


# The commands: each returns what to answer, an HTTP status and a JSON object.


def domain_check(request):
    name = request["data"].get("name")
    if not name:
        return 200, {"code": 2100}  # a code of the command API has its own text
    return 200, {"code": 1000, "data": {"name": name, "free": name not in domains}}


def domain_transfer(request):
    name = request["data"].get("name")
    if not name:
        return 200, {"code": 2100}
    if name not in domains:
        return 200, {"code": 3201, "result": "Domain does not exist"}  # a code of yours needs one
    if not request["test"] and request["svTRID"] not in accepted:  # the same request may come twice
        accepted.add(request["svTRID"])
        transfers.put(request)
    return 202, {"deadline_in": "5d"}


COMMANDS = {"domain-check": domain_check, "domain-transfer": domain_transfer}


# What comes later


def transfer_domains():
    while True:
        request = transfers.get()
        report(request, "step", {"code": 1001, "result": "The owner was asked"})
        report(request, "complete", {"code": 1000, "data": {"name": request["data"]["name"]}})


def report(request, what, content):
    """Tries until the report is taken. The key makes a step count once, however often it is sent."""
    url = f"{URL}/v1/accounts/{request['account']}/operations/{request['operation']}/{what}"
    headers = {**HEADERS, "Idempotency-Key": f"{request['svTRID']}-{what}"}
    pause_s = 1
    while True:
        try:
            post = urllib.request.Request(url, json.dumps(content).encode(), headers)
            urllib.request.urlopen(post, timeout=REPORT_TIMEOUT_S).close()
            return print(what, request["command"], request["svTRID"], flush=True)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:  # 404: the customer was told 4000, so undo what was done
                return print(f"{what} {request['svTRID']}: {error.read().decode()}", file=sys.stderr)
        except OSError as error:
            print(f"no answer: {error}", file=sys.stderr)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 60)


# The requests


def is_genuine(headers, body):
    """body: the bytes as they came. Also refuses requests that are not of now."""
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    text = f"{headers.get('webhook-id', '')}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(KEY, text, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(expected.encode(), headers.get("webhook-signature", "").encode())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > BODY_BYTES_MAX:
            return self.answer(413, {})
        body = self.rfile.read(length)
        if not is_genuine(self.headers, body):
            return self.answer(401, {})
        request = json.loads(body)
        command = COMMANDS.get(request["command"])
        if command is None:
            return self.answer(200, {"code": 2010})
        return self.answer(*command(request))

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


threading.Thread(target=transfer_domains, daemon=True).start()
port = int(sys.argv[1])
server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
print(f"listening on http://127.0.0.1:{port}/", flush=True)
server.serve_forever()
