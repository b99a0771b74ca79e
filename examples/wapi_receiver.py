#!/usr/bin/env python3
"""Receives the command API's notifications by POST, with nothing but Python's standard library.

    python3 wapi_receiver.py 9000
"""
import json
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

BODY_BYTES_MAX = 4 * 1024 * 1024

seen = set()  # ids; yours is a table with a unique index, written in the transaction that handles the notification


def value_of(element):
    """An element with children is a dict of them, several of one name in it are a list; one without is its text."""
    children = {}
    for child in element:
        children.setdefault(child.tag, []).append(value_of(child))
    return {name: found[0] if len(found) == 1 else found for name, found in children.items()} or element.text or ""


def read_notify(document):
    """Anybody can send to this address: a document that may declare entities is none of ours."""
    if not document.startswith("<"):
        return json.loads(document)["notify"]
    if "<!DOCTYPE" in document:
        raise ValueError("a DTD")
    return value_of(ElementTree.fromstring(document))


def take(notify):
    if notify["id"] not in seen:
        print(notify["command"], notify["code"], notify["result"], notify.get("clTRID", "-"), flush=True)
        seen.add(notify["id"])


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > BODY_BYTES_MAX:
            return self.answer(413)
        form = urllib.parse.parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        try:
            take(read_notify(form["request"][0]))
        except (KeyError, TypeError, ValueError, ElementTree.ParseError):
            return self.answer(400)
        return self.answer(200)  # nothing else counts as delivered

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


port = int(sys.argv[1])
server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
print(f"listening on http://127.0.0.1:{port}/", flush=True)
server.serve_forever()
