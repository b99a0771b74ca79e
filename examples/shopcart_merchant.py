#!/usr/bin/env python3
"""A merchant's listener with nothing but Python's standard library: takes a token, pulls the order, takes it once.

    MERCHANT_ID=700123 MERCHANT_KEY=... API_URL=http://127.0.0.1:8484 python3 shopcart_merchant.py 9000
"""
import os
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

API = f"{os.environ.get('API_URL', 'http://127.0.0.1:8484')}/API/{os.environ['MERCHANT_ID']}"
REQUEST = f"<Request><Key>{os.environ['MERCHANT_KEY']}</Key></Request>".encode()
BODY_BYTES_MAX = 64 * 1024

seen = set()  # yours is a table with a unique index, written in the transaction that handles the order


def read_xml(body):
    """Anybody can send to this address: a document that is not UTF-8 or may declare entities is none of ours."""
    text = body.decode("utf-8")
    if "<!DOCTYPE" in text:
        raise ValueError("a DTD")
    return ElementTree.fromstring(text)


def pull(token):
    """The order that a token stands for; None when there is none: then somebody made the token up."""
    request = urllib.request.Request(f"{API}/Orders/{token}/READ", REQUEST, {"Content-Type": "text/xml"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        response = ElementTree.fromstring(answer.read())
    return response.find("OrderInfo") if response.get("success") == "true" else None


def handle(order):
    """Yours: print a shipping label, for instance."""
    print("order", order.findtext("Id"), "by", order.findtext("ShippingInfo/ShippingMethodName"), flush=True)


def take(notification):
    kind = notification.tag.lower()  # the root is the kind of news; there may be more kinds one day
    if kind == "test":
        print(notification.text, flush=True)
    elif kind == "neworder":
        token = notification.findtext("Token", "")
        order = pull(token) if token.isalnum() and token not in seen else None
        if order is not None:
            handle(order)
            seen.add(token)


class Listener(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > BODY_BYTES_MAX:
            return self.answer(413)
        body = self.rfile.read(length)
        try:
            take(read_xml(body))
        except (ValueError, ElementTree.ParseError):
            return self.answer(400)
        except OSError:  # the API cannot be reached: the notification comes again
            return self.answer(503)
        return self.answer(200)  # nothing else counts as delivered

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


port = int(sys.argv[1])
server = ThreadingHTTPServer(("127.0.0.1", port), Listener)
print(f"listening on http://127.0.0.1:{port}/", flush=True)
server.serve_forever()
