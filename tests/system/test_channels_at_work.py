"""Channels at work: which events they get, how many at once, how fast, in which order, and how they are found to fail."""

from __future__ import annotations

import itertools
import json
from datetime import datetime

import pytest

from support.deliveries import (
    PATIENT, count_deliveries, delivery_of, make_hook, pass_time, publish, publish_many, wait_for_attempts,
    wait_for_count, wait_for_delivery, wait_for_state)
from support.load import Load
from support.receiver import Step
from support.waiting import eventually

pytestmark = pytest.mark.settings(PATIENT)

HOUR_S = 3600
HALF_AN_HOUR_S = 1800
SLACK_S = 600.0  # for a machine that is busy with other things


def numbers(requests) -> list[int]:
    """The data of the requests, in the order in which they came."""
    return [json.loads(request.body)["data"] for request in requests]


def first_arrivals(requests) -> list[int]:
    return list(dict.fromkeys(numbers(requests)))


def times_of_attempts(account, events: list[str]) -> list[float]:
    """In seconds, ascending: when the server began each. A receiver may be late to read what was sent in time."""
    attempts = [attempt for event in events for attempt in delivery_of(account, event)["attempts"]]
    return sorted(datetime.fromisoformat(attempt["began_at"]).timestamp() for attempt in attempts)


# Several channels


def test_each_channel_gets_what_its_patterns_ask_for(account, receiver):
    patterns = {"all": ["*"], "orders": ["order.*"], "deep": ["order.**"], "two": ["order.paid", "invoice.*"]}
    for name, events in patterns.items():
        make_hook(account, receiver.endpoint(f"/{name}").url, events=events)
    types = ["order.created", "order.paid", "order.item.added", "invoice.sent", "shop"]
    for type in types:
        publish(account, type)
    wait_for_count(account, "delivered", 12)

    got = {name: sorted(json.loads(request.body)["type"] for request in receiver.endpoint(f"/{name}").requests)
           for name in patterns}

    assert got == {
        "all": sorted(types),
        "orders": ["order.created", "order.paid"],
        "deep": ["order.created", "order.item.added", "order.paid"],
        "two": ["invoice.sent", "order.paid"],
    }


def test_one_channels_failure_is_not_anothers(account, receiver):
    good, bad = receiver.endpoint("/good"), receiver.endpoint("/bad").plan(Step(500))
    good_channel, bad_channel = make_hook(account, good.url), make_hook(account, bad.url, retry=["0s", "0s"])
    event = publish(account)

    wait_for_state(account, event, "delivered", good_channel)
    wait_for_state(account, event, "failed", bad_channel)

    assert (len(good.requests), len(bad.requests)) == (1, 2)


def test_accounts_get_only_their_own(make_account, receiver):
    for name in ("one", "two"):
        make_hook(make_account(name), receiver.endpoint(f"/{name}").url)
    one = publish(make_account("one"))
    two = publish(make_account("two"))

    assert [request.headers["webhook-id"] for request in receiver.endpoint("/one").wait_for_count(1)] == [one]
    assert [request.headers["webhook-id"] for request in receiver.endpoint("/two").wait_for_count(1)] == [two]


# How many at once, and how fast


@pytest.mark.parametrize("most", [1, 3, 20])
def test_no_more_attempts_are_under_way_than_the_channel_allows(account, receiver, hook, most):
    gate = receiver.gate()
    hook.plan(Step(200, gate=gate))
    make_hook(account, hook.url, max_in_flight=most)
    publish_many(account, 60)
    hook.wait_for_count(most)
    gate.open()

    wait_for_count(account, "delivered", 60)

    assert hook.in_flight_peak <= most
    assert len(hook.requests) == 60


def test_a_rate_limit_is_kept_after_the_burst(account, hook):
    make_hook(account, hook.url, rate_limit={"per_second": 20, "burst": 5})
    events = publish_many(account, 25)

    wait_for_count(account, "delivered", 25)

    times = times_of_attempts(account, events)
    assert times[24] - times[0] >= 20 / 20 * 0.9
    for first in range(25 - 10):  # any ten in a row: five may be the burst's
        assert times[first + 9] - times[first] >= 4 / 20 * 0.8


def test_a_rate_limit_counts_retries_too(account, hook):
    hook.plan(Step(500), Step(500), Step(500), Step(200))
    make_hook(account, hook.url, rate_limit={"per_second": 5, "burst": 1}, retry=["0s", "0s", "0s", "0s"])
    event = publish(account)

    wait_for_state(account, event, "delivered")

    times = times_of_attempts(account, [event])
    assert times[3] - times[0] >= 3 / 5 * 0.9


# Order


def test_an_ordered_channel_keeps_the_order_and_sends_one_at_a_time(account, hook):
    make_hook(account, hook.url, ordered=True)
    publish_many(account, 200)

    assert numbers(hook.wait_for_count(200)) == list(range(200))
    assert hook.in_flight_peak == 1


def test_an_ordered_channel_waits_with_the_rest_while_one_fails(account, hook):
    hook.plan(lambda request: Step(200 if json.loads(request.body)["data"] != 3 else 503))
    make_hook(account, hook.url, ordered=True, retry=["0s", "100ms", "200ms"])
    events = publish_many(account, 10)

    wait_for_count(account, "delivered", 9)

    assert numbers(hook.requests) == [0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9]
    assert delivery_of(account, events[3])["state"] == "failed"


def test_an_ordered_channel_keeps_the_order_when_what_waits_is_parked(account, receiver, hook):
    """A first attempt that takes longer than two seconds: what waits behind it leaves memory meanwhile."""
    gate = receiver.gate()
    hook.plan(Step(503), Step(200, gate=gate), Step(200))
    make_hook(account, hook.url, ordered=True, retry=["0s", "200ms"])
    publish(account, data=0)
    hook.wait_for_count(2)
    held = [publish(account, data=number) for number in range(1, 30)]
    wait_for_delivery(account, held[-1], lambda delivery: delivery["why"]["code"] == "waiting_for_turn")
    for number in range(30, 40):
        publish(account, data=number)

    gate.open()
    for number in range(40, 50):
        publish(account, data=number)

    wait_for_count(account, "delivered", 50)
    assert first_arrivals(hook.requests) == list(range(50))


@pytest.mark.promise
@pytest.mark.parametrize("how", ["restart", "kill"])
def test_an_ordered_channel_keeps_the_order_through_a_restart(server, account, receiver, hook, how):
    hook.plan(Step(503))
    make_hook(account, hook.url, ordered=True, retry={"every": "200ms", "for": "1h"})
    for number in range(20):
        publish(account, data=number)
    hook.wait_for_count(2)

    if how == "kill":
        server.kill()
        server.start()
    else:
        server.restart()
    for number in range(20, 40):
        publish(account, data=number)
    hook.plan(Step(200))

    wait_for_count(account, "delivered", 40)
    assert first_arrivals(hook.requests) == list(range(40))


@pytest.mark.deadline(300)
def test_an_ordered_channel_keeps_the_order_under_a_flaky_receiver_and_load(server, account, receiver, hook, recorder):
    attempts = itertools.count()
    hook.plan(lambda request: Step(503 if next(attempts) % 7 == 0 else 200))
    make_hook(account, hook.url, ordered=True, retry={"every": "10ms", "for": "1h"})
    recorder.channel("hook", is_ordered=True)
    load = Load(server.url, server.admin_key, recorder)
    load.watch_webhook(receiver, hook.path, "hook")
    load.add_publisher(account.name, ["hook"])
    load.add_publisher(account.name, ["hook"])

    with load:
        hook.wait_for_count(300, deadline_s=60)
    load.finish(120)

    recorder.check().assert_clean()


def test_canceling_the_head_of_an_ordered_channel_lets_the_next_go(account, hook):
    hook.plan(lambda request: Step(503 if json.loads(request.body)["data"] == 0 else 200))
    make_hook(account, hook.url, ordered=True, retry=["0s", "1h"])
    events = publish_many(account, 5)
    head = wait_for_delivery(account, events[0], lambda delivery: delivery["next_attempt_at"])

    account.cancel(head["id"]).expect(200)

    wait_for_count(account, "delivered", 4)
    assert numbers(hook.requests) == [0, 1, 2, 3, 4]


def test_retrying_the_head_of_an_ordered_channel_by_hand_does_not_wait(account, hook):
    hook.plan(Step(503), Step(200))
    make_hook(account, hook.url, ordered=True, retry=["0s", "1h"])
    events = publish_many(account, 5)
    head = wait_for_delivery(account, events[0], lambda delivery: delivery["next_attempt_at"])

    account.retry(head["id"]).expect(202)

    wait_for_count(account, "delivered", 5)
    assert numbers(hook.requests) == [0, 0, 1, 2, 3, 4]


def test_a_channel_that_becomes_ordered_keeps_the_order_from_then_on(account, hook):
    hook.plan(Step(503))
    channel = make_hook(account, hook.url, retry={"every": "300ms", "for": "1h"})
    publish_many(account, 5)
    wait_for_count(account, "pending", 5)
    hook.wait_for_count(5)

    account.patch_channel(channel, ordered=True).expect(200)
    hook.plan(Step(200))
    for number in range(5, 10):
        publish(account, data=number)

    wait_for_count(account, "delivered", 10)
    assert [number for number in numbers(hook.requests)[5:] if number >= 5] == list(range(5, 10))


# Health


HASTY = pytest.mark.settings({"send": {"warn_after": "1h", "disable_after": "2h"}})
EVERY_HALF_HOUR = {"every": "30m", "for": "10d", "jitter": 0}


@pytest.fixture
def news(account, receiver):
    """What another channel of the account is told about the first."""
    endpoint = receiver.endpoint("/news")
    make_hook(account, endpoint.url, events=["tidings.**"])
    return endpoint


def health_of(account, channel: str) -> dict:
    return account.channel(channel).expect(200)["health"]


def fail_for_another(account, clock, seconds: float, event: str) -> None:
    """Time passes, and the event is tried once more."""
    before = len(delivery_of(account, event)["attempts"])
    pass_time(account, clock, seconds)
    wait_for_attempts(account, event, before + 1)


@HASTY
def test_a_channel_that_only_fails_is_warned_about_then_disabled_and_both_are_told(account, clock, hook, news):
    hook.plan(Step(503, body=b"closed"))
    channel = make_hook(account, hook.url, retry=EVERY_HALF_HOUR, events=["order.*"])
    event = publish(account)
    wait_for_attempts(account, event, 1)

    for told_so_far in (0, 1, 1, 2):
        fail_for_another(account, clock, HALF_AN_HOUR_S, event)
        wait_for_count(account, "delivered", told_so_far)
    told = [json.loads(request.body) for request in news.requests]

    assert [each["type"] for each in told] == ["tidings.channel.failing", "tidings.channel.disabled"]
    for each, state in zip(told, ("warned", "disabled")):
        assert each["data"]["channel"] == channel
        assert each["data"]["state"] == state
        assert each["data"]["cause"] == "HTTP 503"
    since = [datetime.fromisoformat(each["data"]["failing_since"]) for each in told]
    assert since[0] == since[1]
    for each, hours in zip(told, (1, 2)):
        told_after = datetime.fromisoformat(each["timestamp"]) - since[0]
        assert HOUR_S * hours <= told_after.total_seconds() < HOUR_S * hours + SLACK_S
    assert health_of(account, channel)["state"] == "disabled"
    assert delivery_of(account, event)["why"]["code"] == "waiting_for_channel"


@HASTY
def test_a_disabled_channel_sends_what_waited_when_it_is_enabled_again(server, account, clock, hook, news):
    hook.plan(Step(503))
    channel = make_hook(account, hook.url, retry=EVERY_HALF_HOUR, events=["order.*"])
    event = publish(account)
    wait_for_attempts(account, event, 1)
    for told_so_far in (1, 2):
        fail_for_another(account, clock, HOUR_S, event)
        wait_for_count(account, "delivered", told_so_far)
    assert account.publish("order.created", 1).expect(202)["deliveries"] == 0
    server.restart()
    assert health_of(account, channel)["state"] == "disabled"
    before = len(hook.requests)

    hook.plan(Step(200))
    account.patch_channel(channel, enabled=True).expect(200)
    pass_time(account, clock, HALF_AN_HOUR_S)

    wait_for_state(account, event, "delivered")
    assert health_of(account, channel)["state"] == "healthy"
    assert len(hook.requests) == before + 1


@HASTY
def test_one_success_in_between_starts_the_count_anew(account, clock, hook, news):
    hook.plan(Step(503), Step(503), Step(200), Step(503))
    channel = make_hook(account, hook.url, retry=EVERY_HALF_HOUR, events=["order.*"])
    event = publish(account)
    wait_for_attempts(account, event, 1)
    for _ in range(2):
        fail_for_another(account, clock, HALF_AN_HOUR_S, event)
    wait_for_state(account, event, "delivered")
    eventually(lambda: health_of(account, channel)["state"] == "healthy", what="the channel to be healthy")

    event = publish(account)
    wait_for_attempts(account, event, 1)
    since = eventually(lambda: health_of(account, channel).get("failing_since"), what="a failure")
    fail_for_another(account, clock, HALF_AN_HOUR_S, event)
    assert news.requests == []
    fail_for_another(account, clock, HALF_AN_HOUR_S, event)

    told = json.loads(news.wait_for_count(1)[0].body)
    assert (told["type"], told["data"]["failing_since"]) == ("tidings.channel.failing", since)


@HASTY
def test_health_goes_on_counting_through_a_restart(server, account, clock, hook, news):
    hook.plan(Step(503))
    channel = make_hook(account, hook.url, retry=EVERY_HALF_HOUR, events=["order.*"])
    event = publish(account)
    wait_for_attempts(account, event, 1)
    since = eventually(lambda: health_of(account, channel).get("failing_since"), what="a first failure")

    for told_so_far in (1, 2):
        server.restart()
        fail_for_another(account, clock, HOUR_S, event)
        wait_for_count(account, "delivered", told_so_far)

    told = [json.loads(request.body) for request in news.requests]
    assert {each["data"]["failing_since"] for each in told} == {since}


@pytest.mark.settings({"send": {"warn_after": "1h", "disable_after": "0s"}})
def test_without_a_limit_a_channel_is_warned_about_and_never_disabled(account, clock, hook, news):
    hook.plan(Step(503))
    channel = make_hook(account, hook.url, retry={"every": "5d", "for": "12d", "jitter": 0}, events=["order.*"])
    event = publish(account)
    wait_for_attempts(account, event, 1)
    for _ in range(2):
        fail_for_another(account, clock, 5 * 24 * HOUR_S, event)
        wait_for_count(account, "delivered", 1)

    wait_for_state(account, event, "failed")

    assert health_of(account, channel)["state"] == "warned"
    assert [json.loads(request.body)["type"] for request in news.requests] == ["tidings.channel.failing"]


def test_a_410_is_told_too(account, hook, news):
    hook.plan(Step(410))
    channel = make_hook(account, hook.url, events=["order.*"])
    publish(account)

    told = json.loads(news.wait_for_count(1)[0].body)

    assert told["type"] == "tidings.channel.disabled"
    assert (told["data"]["channel"], told["data"]["cause"]) == (channel, "HTTP 410")


@HASTY
def test_who_asks_for_everything_is_not_told_of_channels(account, receiver, hook):
    everything = receiver.endpoint("/everything")
    make_hook(account, everything.url, events=["*"])
    hook.plan(Step(410))
    make_hook(account, hook.url, events=["order.*"])
    wait_for_count(account, "pending", 0)
    publish(account)
    eventually(lambda: count_deliveries(account, "refused") == 1, what="the 410 to be recorded")

    later = publish(account, "shop.closed")

    eventually(lambda: later in {r.headers["webhook-id"] for r in everything.requests}, what="the later event")
    assert all(b"tidings." not in request.body for request in everything.requests)


@HASTY
def test_a_channel_of_news_that_fails_does_not_tell_itself_for_ever(account, receiver):
    endpoint = receiver.endpoint("/news").plan(Step(410))
    make_hook(account, endpoint.url, events=["order.*", "tidings.**"])
    publish(account, "order.created")

    eventually(lambda: len(account.events().expect(200)["items"]) == 2, what="the channel's end to be told")

    wait_for_count(account, "refused", 1)
    assert count_deliveries(account, "pending") == 0
    assert len(endpoint.requests) == 1


def test_a_canceled_head_of_an_ordered_channel_is_not_sent_again_and_the_next_goes_on(account, receiver):
    gate = receiver.gate()
    endpoint = receiver.endpoint("/hook").plan(Step(503, gate=gate), Step(200))
    make_hook(account, endpoint.url, ordered=True, retry=["0s", "200ms", "200ms", "200ms"])
    first, second = publish(account), publish(account)
    endpoint.wait_for_count(1)
    delivery = account.event(first).expect(200)["deliveries"][0]["id"]
    # What is being tried for the first time gets its row after two seconds; until then there is nothing to cancel.
    eventually(lambda: account.cancel(delivery).status == 200, what="the delivery to be canceled")
    gate.open()
    wait_for_state(account, second, "delivered")
    assert account.delivery(delivery).expect(200)["state"] == "canceled"
    assert [request.headers["webhook-id"] for request in endpoint.requests] == [first, second]
