"""A merchant's program, as far as it speaks the shopcart dialect. It knows paths and parameters, and judges nothing but
that each answer is a well-formed Response with the status 200.

    shop = Shop.of(account, "700123")                    # gives the account these credentials
    shop.make_hook(endpoint.url)                         # its notification URL
    shop.order(Id=90000001, GrandTotal="49.90")          # the provider's side: an order, as an event
    reply = shop.get("/Orders/LIST", LimitCount=10)      # or post(): the same by the body
    orders(reply.expect_success())

Parameters that are None are left out; a key stands among them unless key=None.
"""

from __future__ import annotations

import subprocess
from typing import Any, Sequence
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from .api import Account, Answer, Api
from .deliveries import make_hook

DEFAULT_KEY = "0123456789ABCDEF0123456789ABCDEF"
HREF = "{http://www.w3.org/1999/xlink}href"
KEY_FAULT = "Invalid merchant key"
NO_ORDER = "Order not found"
FORM = "application/x-www-form-urlencoded"


class Reply:
    """An answer that is well-formed, for two readers of XML, and what it says."""

    def __init__(self, answer: Answer):
        assert answer.status == 200, answer
        assert answer.headers["Content-Type"] == "text/xml; charset=utf-8", answer.headers
        check_by_xmllint(answer.raw)
        self.raw = answer.raw
        self.root = ElementTree.fromstring(answer.raw)
        assert self.root.tag == "Response", self

    def __repr__(self) -> str:
        return f"Reply({self.raw[:500]!r})"

    def expect_success(self) -> ElementTree.Element:
        assert self.root.get("success") == "true" and self.root.find("Error") is None, self
        return self.root

    def expect_error(self, words: str) -> None:
        """Exactly the one Error, and these words are its text or its start."""
        assert self.root.get("success") == "false" and [child.tag for child in self.root] == ["Error"], self
        assert self.root.findtext("Error").startswith(words), self


def check_by_xmllint(text: bytes) -> None:
    done = subprocess.run(["xmllint", "--noout", "--nonet", "-"], input=text, capture_output=True, check=False)
    assert done.returncode == 0 and not done.stderr, (done.stderr, text[:500])


def orders(root: ElementTree.Element) -> list[str]:
    """What a list shows, in its order."""
    return [order.text for order in root.findall("Orders/Order")]


def next_parameters(root: ElementTree.Element) -> dict[str, str] | None:
    """What to send for the next part; None when this was the last."""
    found = root.find("NextRecordSet")
    return None if found is None else {child.tag: child.text for child in found}


def request_body(**parameters: Any) -> bytes:
    members = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in parameters.items())
    return f"<Request>{members}</Request>".encode()


class Shop:
    def __init__(self, account: Account, merchant_id: str, key: str):
        self.account = account
        self.merchant_id = merchant_id
        self.key = key
        self.path = f"/API/{merchant_id}"
        self.api = Api(account.api.url, None)

    @classmethod
    def of(cls, account: Account, merchant_id: str, key: str = DEFAULT_KEY) -> Shop:
        """Gives the account these credentials."""
        account.patch(shopcart={"merchant_id": merchant_id, "key": key}).expect(200)
        return cls(account, merchant_id, key)

    # Its calls

    def get(self, path: str = "", **parameters: Any) -> Reply:
        return Reply(self.api.call("GET", self.path + path, query={"key": self.key, **parameters}))

    def post(self, path: str = "", **parameters: Any) -> Reply:
        given = {"Key": self.key, **parameters}
        return self.post_body(path, request_body(**{name: value for name, value in given.items() if value is not None}))

    def post_body(self, path: str, body: bytes, content_type: str = "text/xml", **query: Any) -> Reply:
        return Reply(self.api.call("POST", self.path + path, body, {"Content-Type": content_type}, query))

    def read(self, order: str) -> Reply:
        return self.post(f"/Orders/{order}/READ")

    def list_all(self, **parameters: Any) -> list[str]:
        """All parts of a list, each by what the one before says."""
        found: list[str] = []
        wanted: dict[str, Any] | None = parameters
        while wanted is not None:
            root = self.post("/Orders/LIST", **wanted).expect_success()
            found += orders(root)
            wanted = next_parameters(root)
        return found

    # The provider's side

    def make_hook(self, url: str, **fields: Any) -> str:
        return make_hook(self.account, url, dialect="shopcart", **fields)

    def order(self, **data: Any) -> str:
        """The id of the event."""
        return self.account.publish("order.created", data).expect(202)["id"]

    def make_orders(self, ids: Sequence[Any]) -> None:
        events = [{"account": self.account.name, "type": "order.created", "data": {"Id": id_}} for id_ in ids]
        for at in range(0, len(events), 1000):
            self.account.api.batch(events[at : at + 1000]).expect(200)


def token_of(body: bytes) -> str:
    """Out of a NewOrder as it must be: one child, no white space."""
    start, token, end = body[:17], body[17:-19], body[-19:]
    assert (start, end) == (b"<NewOrder><Token>", b"</Token></NewOrder>"), body
    return token.decode("ascii")
