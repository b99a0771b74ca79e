"""The listener of the documentation, as a merchant's own would be (protocols, sections 2.4 and 2.6)."""

from __future__ import annotations

from typing import Iterator

import pytest

from support.deliveries import PATIENT, wait_for_attempts, wait_for_state
from support.example import Example
from support.ports import free_port

BOMB = (b'<!DOCTYPE NewOrder [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        b"<NewOrder><Token>&b;</Token></NewOrder>")
OUTSIDE = b'<!DOCTYPE Test [<!ENTITY x SYSTEM "file:///etc/hostname">]><Test>&x;</Test>'

pytestmark = pytest.mark.settings(PATIENT)


class Listener(Example):
    """examples/shopcart_merchant.py as a process."""

    def __init__(self, shop, api_url: str):
        super().__init__("shopcart_merchant.py", MERCHANT_ID=shop.merchant_id, MERCHANT_KEY=shop.key, API_URL=api_url)


@pytest.fixture
def listener(shop) -> Iterator[Listener]:
    made = Listener(shop, shop.account.api.url)
    yield made
    made.close()


def test_it_takes_an_order_by_its_token(shop, listener):
    """2.4: event, POST, token, pull, the node that is needed."""
    shop.make_hook(listener.url)
    event = shop.order(Id=90000001, ShippingInfo={"ShippingMethodName": "Ground"})

    wait_for_state(shop.account, event, "delivered")

    listener.lines.wait_for_count(2)
    assert listener.said == ["order 90000001 by Ground"]


def test_it_shows_a_test(shop, listener):
    """2.2: Test."""
    shop.make_hook(listener.url)
    shop.get("/Notifications/TEST").expect_success()

    assert listener.lines.wait_for_count(2)[1].startswith("Test notification queued at ")


@pytest.mark.parametrize("body", [
    b"<SomethingNew><Id>5</Id></SomethingNew>", b"<newORDER><Token>0000</Token></newORDER>", b"<NewOrder/>",
    b"<NewOrder><Token>../../../v1</Token></NewOrder>", b"<TEST/>",
])
def test_what_it_does_not_know_is_answered_200(listener, body):
    """2.6/10: an unknown root is ignored; so is a token that is made up."""
    assert listener.post(body) == 200
    assert [line for line in listener.said if line not in ("", "None")] == []


@pytest.mark.parametrize("body", [BOMB, OUTSIDE, BOMB.decode().encode("utf-16"), b"<Test>", b"", b"\xff", b"token=5"])
def test_what_is_no_xml_of_ours_is_refused_and_never_expanded(listener, body):
    """2.6/17: entities and DTDs, with 400."""
    assert listener.post(body) == 400
    assert listener.said == []


def test_while_it_cannot_pull_the_notification_comes_again(shop, listener, server):
    """2.4: 200 only when the order is there."""
    unreachable = Listener(shop, f"http://127.0.0.1:{free_port()}")
    channel = shop.make_hook(unreachable.url, retry={"every": "300ms", "for": "60s", "jitter": 0})
    event = shop.order(Id=90000001)
    first, *_ = wait_for_attempts(shop.account, event, 1)
    unreachable.close()

    shop.account.patch_channel(channel, url=listener.url).expect(200)
    wait_for_state(shop.account, event, "delivered")

    assert first["status"] == 503
    listener.lines.wait_for_count(2)
    assert listener.said == ["order 90000001 by None"]
