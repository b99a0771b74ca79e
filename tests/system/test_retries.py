"""When a delivery is tried again: schedules, restarts in between, retry and cancel by hand, channels that change.

Waits are of hours, and the server's clock is moved: so it does not matter how long the machine takes for a step.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from support.api import Api
from support.deliveries import (
    ONE_TRY, PATIENT, count_deliveries, delivery_of, make_hook, pass_time, publish, publish_many, wait_for_attempts,
    wait_for_count, wait_for_delivery, wait_for_state)
from support.own_time import standing_at
from support.receiver import Step
from support.waiting import eventually

pytestmark = pytest.mark.settings(PATIENT)

JITTER = 0.2
CLOCKS_APART = 0.01  # the receiver's clock and the server's may not agree to the last
SLACK_S = 60.0  # for a machine that is busy with other things
HOUR_S = 3600
SOME_TIME = 1_790_000_000


def gaps(requests) -> list[float]:
    return [later.time - earlier.time for earlier, later in zip(requests, requests[1:])]


def wait_for_failure(account, event: str, number: int) -> dict:
    """Until this attempt has failed and another is planned."""
    return wait_for_delivery(
        account, event, lambda delivery: delivery["attempt_count"] == number and waits_for_retry(delivery))


def follow(account, clock, event: str, waits_h: list[float], jitter: float) -> dict:
    """Goes through a delivery's waits, none of which may be another, to its end, when it has failed."""
    for number, wait_h in enumerate(waits_h, start=1):
        wait_s = seconds_until_next(wait_for_failure(account, event, number))
        assert HOUR_S * wait_h * (1 - jitter) <= wait_s <= HOUR_S * wait_h * (1 + jitter) + SLACK_S, number
        pass_time(account, clock, wait_s)
    return wait_for_state(account, event, "failed")


def seconds_until_next(delivery: dict) -> float:
    """From the newest attempt to the next."""
    began = datetime.fromisoformat(delivery["attempts"][-1]["began_at"])
    return (datetime.fromisoformat(delivery["next_attempt_at"]) - began).total_seconds()


def waits_for_retry(delivery: dict) -> bool:
    return delivery["next_attempt_at"] is not None


# Schedules


def test_a_list_of_waits_is_followed_and_then_it_has_failed(account, hook):
    hook.plan(Step(503))
    make_hook(account, hook.url, retry=["0s", "200ms", "600ms"])

    delivery = wait_for_state(account, publish(account), "failed")

    assert len(hook.requests) == 3
    # A wait counts from the end of the attempt before, so a gap may be longer by what that took.
    for gap_s, wait_s in zip(gaps(hook.requests), [0.2, 0.6]):
        assert gap_s >= wait_s * (1 - JITTER - CLOCKS_APART), gaps(hook.requests)
    assert delivery["attempt_count"] == 3
    assert delivery["why"] is None and delivery["next_attempt_at"] is None


def test_a_list_of_waits_is_followed_hour_by_hour(account, clock, hook):
    hook.plan(Step(503))
    make_hook(account, hook.url, retry=["0s", "1h", "3h"])

    delivery = follow(account, clock, publish(account), [1, 3], JITTER)

    assert delivery["attempt_count"] == len(hook.requests) == 3


def test_fixed_gaps_go_on_until_the_age_is_reached(account, clock, hook):
    hook.plan(Step(503))
    make_hook(account, hook.url, retry={"every": "1h", "for": "210m", "jitter": 0})

    delivery = follow(account, clock, publish(account), [1, 1, 1], jitter=0)

    assert delivery["attempt_count"] == len(hook.requests) == 4


def test_growing_gaps_grow_by_the_factor_up_to_the_largest(account, clock, hook):
    hook.plan(Step(503))
    make_hook(account, hook.url, retry={"first": "1h", "factor": 3, "max": "5h", "for": "15h", "jitter": 0})

    delivery = follow(account, clock, publish(account), [1, 3, 5, 5], jitter=0)

    assert delivery["attempt_count"] == len(hook.requests) == 5


def test_the_default_schedule_begins_with_five_seconds(start_server, hook):
    """By a clock that stands still: so the second attempt is never made."""
    server = start_server({"send": {"allow_private": "127.0.0.0/8"}}, environment=standing_at(SOME_TIME))
    account = Api(server.url, server.admin_key).account("standing")
    account.put().expect(201)
    hook.plan(Step(503))
    make_hook(account, hook.url)

    delivery = wait_for_delivery(account, publish(account), waits_for_retry)

    assert 5 * (1 - JITTER) <= seconds_until_next(delivery) <= 5 * (1 + JITTER)


@pytest.mark.settings({"send": {"retry": '["0s", "2h"]'}})
def test_the_settings_name_the_schedule_of_channels_that_have_none(account, hook):
    hook.plan(Step(503))
    make_hook(account, hook.url)

    delivery = wait_for_delivery(account, publish(account), waits_for_retry)

    assert 7200 * (1 - JITTER) <= seconds_until_next(delivery) <= 7200 * (1 + JITTER) + SLACK_S


def test_jitter_spreads_retries_evenly_around_their_time(account, hook):
    hook.plan(Step(503))
    make_hook(account, hook.url, retry=["0s", "1h"])
    events = publish_many(account, 40)

    waits_s = [seconds_until_next(wait_for_delivery(account, event, waits_for_retry)) for event in events]

    assert HOUR_S * (1 - JITTER) <= min(waits_s) < HOUR_S * 0.95  # the chance of none in there is 0.63^40
    assert HOUR_S * 1.05 < max(waits_s) <= HOUR_S * (1 + JITTER) + SLACK_S
    assert len(set(waits_s)) > 30


def test_a_first_wait_puts_off_the_first_attempt(account, hook):
    make_hook(account, hook.url, retry=["600ms", "0s"])
    event = account.publish("order.created", 1).expect(202)

    (request,) = hook.wait_for_count(1)

    created = datetime.fromisoformat(event["created_at"]).timestamp()
    assert request.wall - created >= 0.6 * (1 - JITTER - CLOCKS_APART)


def test_a_first_wait_is_no_longer_than_the_schedule_says(account, hook):
    make_hook(account, hook.url, retry=["1h", "0s"])
    event = account.publish("order.created", 1).expect(202)

    delivery = wait_for_delivery(account, event["id"], waits_for_retry)

    wait = datetime.fromisoformat(delivery["next_attempt_at"]) - datetime.fromisoformat(event["created_at"])
    assert HOUR_S * (1 - JITTER) - SLACK_S <= wait.total_seconds() <= HOUR_S * (1 + JITTER) + SLACK_S
    assert hook.requests == []


@pytest.mark.promise
@pytest.mark.parametrize("how", ["restart", "kill"])
def test_a_restart_in_between_changes_neither_the_time_nor_the_count(server, account, clock, hook, how):
    hook.plan(Step(503))
    make_hook(account, hook.url, retry=["0s", "1h", "0s"])
    event = publish(account)
    before = wait_for_delivery(account, event, waits_for_retry)

    if how == "kill":
        server.kill()
        server.start()
    else:
        server.restart()
    after = delivery_of(account, event)
    hook.plan(Step(200))
    pass_time(account, clock, seconds_until_next(before))
    attempts = wait_for_state(account, event, "delivered")["attempts"]

    assert after["next_attempt_at"] == before["next_attempt_at"] <= attempts[1]["began_at"]
    assert [attempt["number"] for attempt in attempts] == [1, 2]
    assert len(hook.requests) == 2


def test_an_age_counts_from_the_publishing_through_a_restart(server, account, clock, hook):
    hook.plan(Step(503))
    make_hook(account, hook.url, retry={"every": "1h", "for": "150m", "jitter": 0})
    event = publish(account)
    wait_for_failure(account, event, 1)
    pass_time(account, clock, HOUR_S)
    wait_for_failure(account, event, 2)

    server.restart()
    pass_time(account, clock, HOUR_S)

    assert wait_for_state(account, event, "failed")["attempt_count"] == len(hook.requests) == 3


@pytest.mark.promise
def test_an_attempt_under_way_at_a_kill_is_made_again_and_none_is_skipped(server, account, hook):
    hook.plan(Step(hang="answer"), Step(503), Step(200))
    make_hook(account, hook.url, retry=["0s", "0s"])
    event = publish(account)
    hook.wait_for_count(1)

    server.kill()
    server.start()

    wait_for_state(account, event, "delivered")
    assert [request.headers["webhook-id"] for request in hook.requests] == [event] * 3


@pytest.mark.promise
def test_deliveries_that_were_due_while_the_server_was_down_go_out_when_it_is_back(server, account, hook):
    hook.plan(Step(503))
    make_hook(account, hook.url, retry=["0s", "100ms"], max_in_flight=16)
    events = publish_many(account, 50)
    for event in events:
        wait_for_attempts(account, event, 1)
    server.kill()
    hook.plan(Step(200))
    server.start()

    eventually(lambda: count_deliveries(account, "pending") == 0, what="nothing to be pending")

    assert count_deliveries(account, "delivered") + count_deliveries(account, "failed") == 50


@pytest.mark.deadline(180)
def test_a_backlog_for_a_receiver_that_is_down_is_delivered_when_it_is_back(account, receiver, hook):
    make_hook(account, hook.url, retry={"every": "300ms", "for": "1h"}, max_in_flight=32)
    receiver.stop()
    events = publish_many(account, 3000)
    wait_for_attempts(account, events[0], 1)

    receiver.start()

    wait_for_count(account, "delivered", 3000, deadline_s=120)
    assert {request.headers["webhook-id"] for request in hook.requests} == set(events)


# By hand


def test_a_failed_delivery_is_tried_again_by_hand(account, hook):
    hook.plan(Step(503), Step(503), Step(200))
    make_hook(account, hook.url, retry=ONE_TRY)
    event = publish(account)
    failed = wait_for_state(account, event, "failed")

    assert account.retry(failed["id"]).expect(202)["state"] == "pending"
    again = wait_for_attempts(account, event, 2)
    assert wait_for_state(account, event, "failed")["attempt_count"] == 2
    account.retry(failed["id"]).expect(202)

    delivery = wait_for_state(account, event, "delivered")
    assert [attempt["number"] for attempt in delivery["attempts"]] == [1, 2, 3]
    assert len(again) == 2


def test_a_delivered_one_is_sent_again_by_hand(account, hook):
    make_hook(account, hook.url)
    event = publish(account)
    delivery = wait_for_state(account, event, "delivered")

    account.retry(delivery["id"]).expect(202)

    first, second = hook.wait_for_count(2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == event
    wait_for_delivery(account, event, lambda found: found["attempt_count"] == 2 and found["state"] == "delivered")


def test_one_that_waits_goes_at_once_by_hand(account, hook):
    hook.plan(Step(503), Step(200))
    make_hook(account, hook.url, retry=["0s", "1h"])
    event = publish(account)
    waiting = wait_for_delivery(account, event, waits_for_retry)

    account.retry(waiting["id"]).expect(202)

    wait_for_state(account, event, "delivered")
    assert len(hook.requests) == 2


def test_a_canceled_one_is_not_tried_again(account, clock, hook):
    hook.plan(Step(503))
    make_hook(account, hook.url, retry={"every": "1h", "for": "90m", "jitter": 0})
    event = publish(account)
    waiting = wait_for_delivery(account, event, waits_for_retry)

    assert account.cancel(waiting["id"]).expect(200)["state"] == "canceled"
    later = publish(account, "later")
    wait_for_failure(account, later, 1)
    pass_time(account, clock, HOUR_S)
    wait_for_state(account, later, "failed")

    assert [request.headers["webhook-id"] for request in hook.requests].count(event) == 1
    assert delivery_of(account, event)["state"] == "canceled"


def test_a_canceled_one_can_be_retried(account, hook):
    hook.plan(Step(503), Step(200))
    make_hook(account, hook.url, retry=["0s", "1h"])
    event = publish(account)
    waiting = wait_for_delivery(account, event, waits_for_retry)
    account.cancel(waiting["id"]).expect(200)

    account.retry(waiting["id"]).expect(202)

    wait_for_state(account, event, "delivered")


def test_canceling_while_it_is_being_tried_lets_the_attempt_end_and_starts_no_other(account, receiver, hook):
    gate = receiver.gate()
    hook.plan(Step(503, gate=gate), Step(200))
    make_hook(account, hook.url, retry=["0s", "0s"])
    event = publish(account)
    hook.wait_for_count(1)

    answer = account.cancel(delivery_of(account, event)["id"])
    gate.open()

    if answer.status == 200:
        wait_for_attempts(account, event, 1)
        assert delivery_of(account, event)["state"] == "canceled"
        assert len(hook.requests) == 1
    else:  # it is being tried for the first time, out of memory
        answer.expect_problem(409, "conflict")
        wait_for_state(account, event, "delivered")


@pytest.mark.parametrize("state", ["delivered", "failed"])
def test_what_has_ended_cannot_be_canceled(account, hook, state):
    hook.plan(Step(200 if state == "delivered" else 503))
    make_hook(account, hook.url, retry=ONE_TRY)
    delivery = wait_for_state(account, publish(account), state)

    account.cancel(delivery["id"]).expect_problem(409, "conflict")

    assert account.delivery(delivery["id"]).expect(200)["state"] == state


def test_retries_by_hand_of_many_at_once_all_go_out(account, hook):
    hook.plan(Step(503))
    make_hook(account, hook.url, retry=ONE_TRY)
    events = publish_many(account, 100)
    failed = [wait_for_state(account, event, "failed")["id"] for event in events]
    hook.plan(Step(200))

    for delivery in failed:
        account.retry(delivery).expect(202)

    wait_for_count(account, "delivered", 100)
    assert len(hook.requests) == 200


# Channels that change


def test_a_new_address_counts_from_the_next_attempt(account, clock, receiver, hook):
    hook.plan(Step(503))
    elsewhere = receiver.endpoint("/elsewhere")
    channel = make_hook(account, hook.url, retry=["0s", "1h"])
    event = publish(account)
    waiting = wait_for_delivery(account, event, waits_for_retry)

    account.patch_channel(channel, url=elsewhere.url).expect(200)
    pass_time(account, clock, seconds_until_next(waiting))

    wait_for_state(account, event, "delivered")
    assert (len(hook.requests), len(elsewhere.requests)) == (1, 1)


def test_an_attempt_under_way_ends_at_the_old_address(account, receiver, hook):
    gate = receiver.gate()
    hook.plan(Step(200, gate=gate))
    elsewhere = receiver.endpoint("/elsewhere")
    channel = make_hook(account, hook.url)
    event = publish(account)
    hook.wait_for_count(1)

    account.patch_channel(channel, url=elsewhere.url).expect(200)
    later = publish(account)
    wait_for_state(account, later, "delivered")
    gate.open()

    wait_for_state(account, event, "delivered")
    assert (len(hook.requests), len(elsewhere.requests)) == (1, 1)


def test_a_new_address_frees_those_that_the_old_one_asked_to_wait(account, receiver, hook):
    hook.plan(Step(503, headers=(("Retry-After", "3600"),)))
    elsewhere = receiver.endpoint("/elsewhere")
    channel = make_hook(account, hook.url, retry=["0s", "0s"])
    wait_for_delivery(account, publish(account), waits_for_retry)

    account.patch_channel(channel, url=elsewhere.url).expect(200)

    wait_for_state(account, publish(account), "delivered")


def test_a_disabled_channel_keeps_what_it_has_and_sends_it_when_it_is_enabled(account, clock, hook):
    hook.plan(Step(503), Step(200))
    channel = make_hook(account, hook.url, retry=["0s", "1h", "1h"])
    event = publish(account)
    waiting = wait_for_delivery(account, event, waits_for_retry)

    account.patch_channel(channel, enabled=False).expect(200)
    pass_time(account, clock, seconds_until_next(waiting))
    delivery = wait_for_delivery(account, event, lambda found: found["why"]["code"] == "waiting_for_channel")
    assert account.publish("order.created", 1).expect(202)["deliveries"] == 0
    account.patch_channel(channel, enabled=True).expect(200)

    wait_for_state(account, event, "delivered")
    assert delivery["state"] == "pending"
    assert len(hook.requests) == 2


def test_a_disabled_channel_keeps_what_it_has_through_a_restart(server, account, clock, hook):
    hook.plan(Step(503), Step(200))
    channel = make_hook(account, hook.url, retry=["0s", "1h"])
    event = publish(account)
    waiting = wait_for_delivery(account, event, waits_for_retry)
    account.patch_channel(channel, enabled=False).expect(200)

    server.restart()
    pass_time(account, clock, seconds_until_next(waiting))
    assert delivery_of(account, event)["state"] == "pending"
    account.patch_channel(channel, enabled=True).expect(200)

    wait_for_state(account, event, "delivered")


def test_disabling_a_channel_in_the_middle_of_its_work_loses_nothing(account, receiver, hook):
    gate = receiver.gate()
    hook.plan(Step(200, gate=gate))
    channel = make_hook(account, hook.url, max_in_flight=2)
    events = publish_many(account, 20)
    hook.wait_for_count(2)

    account.patch_channel(channel, enabled=False).expect(200)
    gate.open()
    wait_for_count(account, "delivered", 2)
    account.patch_channel(channel, enabled=True).expect(200)

    wait_for_count(account, "delivered", 20)
    assert {request.headers["webhook-id"] for request in hook.requests} == set(events)


def test_deleting_a_channel_cancels_what_waits_for_it(server, account, receiver, hook):
    gate = receiver.gate()
    hook.plan(Step(503), Step(200, gate=gate))
    channel = make_hook(account, hook.url, retry=["0s", "1h"], max_in_flight=1)
    waiting = publish(account)
    wait_for_delivery(account, waiting, waits_for_retry)
    under_way, *queued = [publish(account) for _ in range(5)]
    hook.wait_for_count(2)

    account.delete_channel(channel).expect(204)
    gate.open()
    wait_for_delivery(account, under_way, lambda found: found["state"] != "pending")
    server.restart()  # clears up as it starts, and else every half minute

    for event in (waiting, *queued):
        wait_for_state(account, event, "canceled")
    assert delivery_of(account, under_way)["state"] == "delivered"
    assert len(hook.requests) == 2


def test_deleting_an_account_with_deliveries_under_way_leaves_the_others_alone(make_account, receiver):
    leaving, staying = make_account("leaving"), make_account("staying")
    gate = receiver.gate()
    hooks = {name: receiver.endpoint(f"/{name}").plan(Step(200, gate=gate)) for name in ("leaving", "staying")}
    for each in (leaving, staying):
        make_hook(each, hooks[each.name].url, max_in_flight=2)
        publish_many(each, 10)
    for hook in hooks.values():
        hook.wait_for_count(2)

    leaving.delete().expect(204)
    gate.open()

    wait_for_count(staying, "delivered", 10)
    assert len(hooks["leaving"].requests) == 2
    leaving.get().expect_problem(404)


def test_a_shorter_schedule_ends_those_that_are_past_it(account, clock, hook):
    hook.plan(Step(503))
    channel = make_hook(account, hook.url, retry=["0s", "1h", "1h"])
    event = publish(account)
    waiting = wait_for_delivery(account, event, waits_for_retry)

    account.patch_channel(channel, retry=["0s", "0s"]).expect(200)
    pass_time(account, clock, seconds_until_next(waiting))

    assert wait_for_state(account, event, "failed")["attempt_count"] == 2
