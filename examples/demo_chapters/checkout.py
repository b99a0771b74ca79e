"""A merchant receives notifications, acknowledges them, and finds them in the history afterwards."""

from __future__ import annotations

from support.checkout import Merchant, failures, message_id, numbers, order

from .commands import CurlApi
from .stage import Stage
from .telling import in_lines, say

TITLE = "checkout: receive, acknowledge, history"

ACCOUNT = "pier"
MERCHANT = {"merchant_id": "100000000001", "token": "a-token-of-the-demo-0001"}
ORDERS = ["PIER-0001", "PIER-0002"]


def tell(stage: Stage) -> None:
    stage.tidings.make_account(ACCOUNT, checkout=MERCHANT)
    for number in ORDERS:
        stage.tidings.publish(ACCOUNT, "order.paid", in_lines(**order(number)))
    merchant = Merchant(stage.account(ACCOUNT), *MERCHANT.values(), prefix="/v1/checkout")
    merchant.api = CurlApi(stage.server.url)
    _receive_and_acknowledge(merchant)
    say("\nThe history has both all the same:")
    assert numbers(merchant.history()) == ORDERS


def _receive_and_acknowledge(merchant: Merchant) -> None:
    say("The merchant receives what is there (if nothing were, it would wait up to 20 s), and acknowledges the first:")
    received = merchant.receive(timeoutMs=20000)
    assert numbers(received) == ORDERS, received
    first, second = map(message_id, received.body["messages"])
    assert failures(merchant.ack(first)) == []
    say("What is not acknowledged comes with every call, with the same messageId:")
    again = merchant.receive()
    assert numbers(again) == ORDERS[1:] and message_id(again.body["messages"][0]) == second, again
    assert failures(merchant.ack(second)) == []
    say("Then there is nothing any more:")
    assert numbers(merchant.receive()) == []
