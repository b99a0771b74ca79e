"""A merchant gets a thin notification with a token and pulls the order by it; notifications that fail come again."""

from __future__ import annotations

from support.deliveries import delivery_of, seconds_to_next, wait_for_delivery, wait_for_state
from support.receiver import Endpoint, Step
from support.shopcart import Shop, token_of

from .commands import DEADLINE_S, CurlApi
from .stage import Stage
from .telling import in_lines, say, show_output

TITLE = "shopcart: a notification with a token, and the order that is pulled by it"

ACCOUNT = "corner"
MERCHANT = {"merchant_id": "700123", "key": "0123456789ABCDEF0123456789ABCDEF"}
OUTAGE = Step(503)


def tell(stage: Stage) -> None:
    stage.tidings.make_account(ACCOUNT, shopcart=MERCHANT)
    hook = stage.receiver.endpoint("/notifications")
    stage.tidings.make_channel(ACCOUNT, "--kind", "webhook", "--dialect", "shopcart", "--url", hook.url)
    shop = Shop(stage.account(ACCOUNT), *MERCHANT.values())
    shop.api = CurlApi(stage.server.url)
    _notify_and_pull(stage, shop, hook)
    _fail_and_come_again(stage, shop, hook)
    _test(shop, hook)


def _publish(stage: Stage, number: int) -> str:
    return stage.tidings.publish(ACCOUNT, "order.created", in_lines(
        Id=number, GrandTotal="49.90", LineItems=[{"Sku": "ROPE-10", "Quantity": 2}],
        ShippingInfo={"ShippingMethodName": "Ground"}))


def _notify_and_pull(stage: Stage, shop: Shop, hook: Endpoint) -> None:
    _publish(stage, 90000001)
    (notification,) = hook.wait_for_count(1, DEADLINE_S)
    say(f"This came to {hook.url}, and says nothing to anybody but the merchant:")
    show_output(notification.body.decode())
    say("The merchant pulls the order by the token, with the key:")
    order = shop.read(token_of(notification.body)).expect_success().find("OrderInfo")
    assert order.findtext("Id") == "90000001" and order.findtext("GrandTotal") == "49.90", order
    assert order.findtext("LineItems/LineItemInfo/Sku") == "ROPE-10", order


def _fail_and_come_again(stage: Stage, shop: Shop, hook: Endpoint) -> None:
    say("\nThe next order comes while the merchant's listener has a bad day (503):")
    hook.plan(OUTAGE)
    came_before = len(hook.requests)
    event = _publish(stage, 90000002)
    _wait_for_failure(stage, shop, event, attempts=1, gap_s=60)
    say("The gap before the second attempt is 60 s. Nobody waits for that here:")
    delivery = _try_now(stage, shop, event)
    _wait_for_failure(stage, shop, event, attempts=2, gap_s=120)
    say("The gap has doubled: 120 s. The listener is well again:")
    hook.plan()
    _try_now(stage, shop, event)
    wait_for_state(shop.account, event, "delivered", deadline_s=DEADLINE_S)
    stage.tidings.show("deliveries", ACCOUNT, delivery)
    bodies = {request.body for request in hook.requests[came_before:]}
    assert len(hook.requests) == came_before + 3 and len(bodies) == 1, hook.requests
    say("All three attempts had the same body:")
    show_output(bodies.pop().decode())


def _wait_for_failure(stage: Stage, shop: Shop, event: str, attempts: int, gap_s: int) -> None:
    """Shows the delivery after so many attempts, and makes sure of the gap to the next."""
    delivery = wait_for_delivery(shop.account, event, lambda delivery: len(delivery["attempts"]) >= attempts,
                                 deadline_s=DEADLINE_S)
    # On a busy machine it is counted from a little later.
    assert gap_s <= round(seconds_to_next(delivery)) < 1.5 * gap_s, delivery
    stage.tidings.show("deliveries", ACCOUNT, delivery["id"])


def _try_now(stage: Stage, shop: Shop, event: str) -> str:
    delivery = delivery_of(shop.account, event)["id"]
    stage.tidings.show("deliveries", ACCOUNT, delivery, "--retry")
    return delivery


def _test(shop: Shop, hook: Endpoint) -> None:
    say("\nThe merchant tests the listener:")
    came_before = len(hook.requests)
    shop.post("/Notifications/TEST").expect_success()
    notification = hook.wait_for_count(came_before + 1, DEADLINE_S)[-1]
    assert notification.body.startswith(b"<Test>Test notification queued at "), notification
    say("and this came:")
    show_output(notification.body.decode())
