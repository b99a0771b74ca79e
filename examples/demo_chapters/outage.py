"""The webhook's receiver is down for a while, and what was published meanwhile reaches it."""

from __future__ import annotations

import json

from support.waiting import eventually

from .commands import DEADLINE_S
from .harbor import ACCOUNT
from .stage import Stage
from .telling import say

TITLE = "The receiver goes down, and comes back"


def tell(stage: Stage) -> None:
    tidings, listener = stage.tidings, stage.harbor.listener
    listener.stop()
    say("(the receiver is stopped)")
    ids = [tidings.publish(ACCOUNT, "order.paid", _order(number)) for number in (2000, 2001, 2002)]
    say("The server tries, and tries again. What it tells about that:")
    pending = ("deliveries", ACCOUNT, "--channel", stage.harbor.webhook, "--state", "pending")
    waiting = eventually(lambda: _all_tried_again(tidings.ask(*pending)["items"]), DEADLINE_S, "retries")
    tidings.show(*pending)
    assert len(waiting) == len(ids), waiting
    say("\n(the receiver is started again)")
    listener.start()
    listener.wait_for(set(ids))
    eventually(lambda: not tidings.ask(*pending)["items"], DEADLINE_S, "deliveries to be recorded")
    say("All three came without anybody asking for them. One of them, with its attempts:")
    tidings.show("deliveries", ACCOUNT, waiting[0]["id"])


def _order(number: int) -> str:
    return json.dumps({"order": str(number), "amount": 19.90, "note": "Größe M"}, ensure_ascii=False)


def _all_tried_again(items: list[dict]) -> list[dict] | None:
    return items if items and all(item["attempt_count"] >= 2 for item in items) else None
