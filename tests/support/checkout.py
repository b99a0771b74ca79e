"""A merchant's program, as far as it speaks the checkout dialect. It knows paths and names, and judges nothing.

    merchant = Merchant.of(account, "100000000001")      # gives the account these credentials
    merchant.publish_order("ORDER-1")                    # the provider's side: an event that can be told
    for message in merchant.receive(timeoutMs=20000).expect(200)["messages"]:
        merchant.ack(message_id(message)).expect(200)

Answers are those of support.api. Headers given as None are left out.
"""

from __future__ import annotations

import json
from typing import Any, Iterator

from .api import Account, Answer, Api

PREFIXES = ("", "/v1/checkout")
ORDER = "NOTIFICATION_TYPE_ORDER"
TOKEN = "NOTIFICATION_TYPE_TOKEN"
PROFILE = "NOTIFICATION_TYPE_PROFILE"


class Merchant:
    def __init__(self, account: Account, merchant_id: str, token: str, prefix: str = ""):
        self.account = account
        self.merchant_id = merchant_id
        self.token = token
        self.prefix = prefix
        self.headers: dict[str, str | None] = {"merchantId": merchant_id, "Authorization": f"Bearer {token}"}
        self.api = Api(account.api.url, None)

    @classmethod
    def of(cls, account: Account, merchant_id: str, token: str | None = None) -> Merchant:
        """Gives the account these credentials, which make its queue."""
        token = token or f"token-of-{merchant_id}"
        account.patch(checkout={"merchant_id": merchant_id, "token": token}).expect(200)
        return cls(account, merchant_id, token)

    def under(self, prefix: str) -> Merchant:
        """The same merchant, by the other set of paths, and on a connection of its own."""
        return Merchant(self.account, self.merchant_id, self.token, prefix)

    @property
    def channel(self) -> str:
        """The id of the queue where its notifications wait."""
        channels = self.account.channels().expect(200)["items"]
        return next(channel["id"] for channel in channels if channel["dialect"] == "checkout")

    # Its calls

    def call(self, method: str, path: str, body: Any = None, headers: dict | None = None, **query: Any) -> Answer:
        return self.api.call(method, self.prefix + path, body, {**self.headers, **(headers or {})}, query)

    def receive(self, headers: dict | None = None, **query: Any) -> Answer:
        return self.call("GET", "/notifications/receive", headers=headers, **query)

    def ack(self, *ids: str) -> Answer:
        return self.ack_entries(*({"messageIdentifier": id_} for id_ in ids))

    def ack_entries(self, *entries: Any) -> Answer:
        return self.call("POST", "/notifications/ack", {"messageInfos": list(entries)})

    def history(self, headers: dict | None = None, **query: Any) -> Answer:
        return self.call("GET", "/notifications", headers=headers, **query)

    def pages(self, **query: Any) -> Iterator[list[dict]]:
        """The messages of each page, in either shape, until there is no more."""
        token = None
        while token != "":
            page = self.history(**query, **({"pageToken": token} if token else {})).expect(200)
            token = page.get("nextPageToken", "")
            yield page.get("messages", page.get("messagesResponses"))

    # The provider's side

    def publish(self, data: dict, type: str = "order.paid", **fields: Any) -> dict:
        """An event whose data is given; the answer's body."""
        return self.account.publish(type, data, **fields).expect(202)

    def publish_order(self, number: str, **members: Any) -> dict:
        return self.publish(order(number, **members))

    def publish_orders(self, count: int, first: int = 0) -> list[str]:
        """Their transactionReferenceNumbers."""
        numbers = [f"T-{n:06}" for n in range(first, first + count)]
        for at in range(0, count, 500):
            events = [{"account": self.account.name, "type": "order.paid", "data": order(number)}
                      for number in numbers[at:at + 500]]
            results = self.account.api.batch(events).expect(200)["results"]
            assert all("id" in result for result in results), results
        return numbers


def order(number: str, **members: Any) -> dict:
    """Data of an event that tells of an order in the older form."""
    return {"orderNotification": {
        "checkoutIntent": "CHECKOUT_INTENT_AUTH_ONLY",
        "status": "STATUS_SUCCESS",
        "transactionReferenceNumber": number,
        "totalTransactionAmount": "2599",
        **members,
    }}


def message_id(message: dict) -> str:
    return message["messageInfo"]["messageId"]


def message_ids(answer: Answer) -> list[str]:
    return [message_id(message) for message in answer.expect(200)["messages"]]


def number_of(message: dict) -> str:
    return message["orderNotification"]["transactionReferenceNumber"]


def numbers(answer: Answer) -> list[str]:
    """Of the orders that were received or listed."""
    body = answer.expect(200)
    return [number_of(message) for message in body.get("messages", body.get("messagesResponses"))]


def failures(answer: Answer) -> list[dict]:
    body = answer.expect(200)
    assert set(body) == {"ackFailedMessages"}
    return body["ackFailedMessages"]


def expect_status(answer: Answer, http_status: int, code: int, words: str = "") -> dict:
    """The refusal, after making sure that it is google.rpc.Status as JSON, with this code and these words in it."""
    status = answer.expect(http_status)
    assert answer.headers.get("Content-Type", "").partition(";")[0] == "application/json", answer
    assert list(status) == ["code", "message", "details"] and status["details"] == [], status
    assert status["code"] == code and words in status["message"], json.dumps(status)
    return status


def expect_denied(answer: Answer) -> None:
    """What everybody gets who is not the merchant."""
    assert answer.expect(403) == b"Invalid JWT. Denying request."
    assert answer.headers["Content-Type"].partition(";")[0] == "text/plain"
