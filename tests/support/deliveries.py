"""What became of an event: its deliveries, as the API tells them.

    hook = make_hook(account, endpoint.url, retry=["0s", "200ms"])
    event = publish(account)
    delivery = wait_for_state(account, event, "failed")
    [attempt["outcome"] for attempt in delivery["attempts"]]
"""

from __future__ import annotations

from datetime import datetime

from .api import Account
from .own_time import MovableClock
from .waiting import DEADLINE_S, eventually

ONE_TRY = ["0s"]

# For tests that count attempts: a machine that holds somebody up for some seconds does not make one more of them.
PATIENT = {"send": {"connect_timeout": "1m", "attempt_timeout": "1m"}}


def make_hook(account: Account, url: str, **fields) -> str:
    """The id of a new webhook channel."""
    return account.make_channel(kind="webhook", url=url, **fields).expect(201)["id"]


def publish(account: Account, type: str = "order.created", data: object = 1, **fields) -> str:
    """The id of a new event."""
    return account.publish(type, data, **fields).expect(202)["id"]


def publish_many(account: Account, count: int, type: str = "order.created") -> list[str]:
    """The ids of new events in their order; their data count from 0."""
    events = [{"account": account.name, "type": type, "data": n} for n in range(count)]
    batches = [events[at : at + 1000] for at in range(0, count, 1000)]
    return [result["id"] for batch in batches for result in account.api.batch(batch).expect(200)["results"]]


def delivery_of(account: Account, event: str, channel: str | None = None) -> dict:
    """The event's delivery with its attempts; the one to channel when it went to several."""
    deliveries = account.event(event).expect(200)["deliveries"]
    (found,) = [each for each in deliveries if channel in (None, each["channel"])]
    return account.delivery(found["id"]).expect(200)


def wait_for_delivery(account: Account, event: str, question, channel: str | None = None,
                      deadline_s: float = DEADLINE_S) -> dict:
    """Waits until question(delivery) is true and returns the delivery."""
    def answer() -> dict | None:
        delivery = delivery_of(account, event, channel)
        assert question(delivery), delivery
        return delivery

    return eventually(answer, deadline_s, f"what is asked of the delivery of {event}")


def wait_for_state(account: Account, event: str, state: str, channel: str | None = None,
                   deadline_s: float = DEADLINE_S) -> dict:
    return wait_for_delivery(account, event, lambda delivery: delivery["state"] == state, channel, deadline_s)


def wait_for_attempts(account: Account, event: str, count: int, channel: str | None = None) -> list[dict]:
    """Waits until so many attempts are recorded and returns all there are."""
    return wait_for_delivery(account, event, lambda delivery: len(delivery["attempts"]) >= count, channel)["attempts"]


def pass_time(account: Account, clock: MovableClock, seconds: float) -> None:
    """For the server, which closes a connection that nobody used for so long: ours is a new one after it."""
    account.api.disconnect()
    clock.advance(seconds)


def seconds_to_next(delivery: dict) -> float:
    """The gap between the last attempt's end and the next attempt."""
    last = delivery["attempts"][-1]
    began = datetime.fromisoformat(last["began_at"])
    return (datetime.fromisoformat(delivery["next_attempt_at"]) - began).total_seconds() - last["took_ms"] / 1000


def count_deliveries(account: Account, state: str, channel: str | None = None) -> int:
    """How many there are in this state: all pages of the list are asked for."""
    count, query = 0, {"state": state, "channel": channel, "limit": 250}
    while True:
        page = account.deliveries(**query).expect(200)
        count += len(page["items"])
        if page["next_cursor"] is None:
            return count
        query["cursor"] = page["next_cursor"]


def wait_for_count(account: Account, state: str, count: int, deadline_s: float = DEADLINE_S) -> None:
    """Until exactly so many of the account's deliveries are in this state."""
    eventually(lambda: count_deliveries(account, state) == count, deadline_s, f"{count} deliveries to be {state}")
