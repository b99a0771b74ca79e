"""A dead or slow receiver costs only itself: not its neighbours, not other accounts, not the server's memory."""

from __future__ import annotations

import statistics
import threading
import time

import pytest

from support.deliveries import (
    count_deliveries, make_hook, publish, publish_many, wait_for_attempts, wait_for_count, wait_for_delivery,
    wait_for_state)
from support.receiver import Receiver, Step, Unreachable
from support.waiting import eventually

MIB = 1024 * 1024
NEVER = ["0s", "1h"]  # what fails once is out of the way
LATENCY_MAX_S = 1.0  # healthy ones take some milliseconds; this is for a machine that is busy with other things
STOP_DEADLINE_S = 30.0
LONGEST_MS = 120_000  # the longest timeout that a channel can have: longer than what holds up the machine, or a test


def make_hooks(account, receiver, names, **fields) -> dict[str, object]:
    """A channel and an endpoint for each name; each channel wants the type of its name and "all"."""
    endpoints = {}
    for name in names:
        endpoints[name] = receiver.endpoint(f"/{name}")
        make_hook(account, endpoints[name].url, events=[name, "all"], **fields)
    return endpoints


def usual_latency(account, endpoint, type: str, count: int) -> float:
    """What it takes from before an event is published until the receiver has it: the median, because the machine itself
    holds one or another up. An event that has to wait until somebody's time is over comes too late for wait_for()."""
    taken = []
    for _ in range(count):
        began = time.monotonic()
        event = publish(account, type)
        request = endpoint.wait_for(lambda requests: next(
            (r for r in requests if r.headers["webhook-id"] == event), None))
        taken.append(request.time - began)
    return statistics.median(taken)


def test_a_hanging_receiver_does_not_slow_its_neighbours(account, receiver):
    hanging = make_hooks(account, receiver, ["dead"], timeout_ms=LONGEST_MS, retry=NEVER)["dead"]
    hanging.plan(Step(hang="answer"))
    healthy = make_hooks(account, receiver, ["healthy"])["healthy"]
    publish_many(account, 500, "dead")
    hanging.wait_for_count(8)  # as many as may be under way

    taken = usual_latency(account, healthy, "healthy", 50)

    assert taken < LATENCY_MAX_S
    assert hanging.in_flight == 8


def test_a_receiver_that_is_unreachable_does_not_slow_its_neighbours(account, receiver):
    nowhere = Unreachable()
    make_hook(account, nowhere.url, events=["dead"], retry=NEVER)
    healthy = make_hooks(account, receiver, ["healthy"])["healthy"]
    publish_many(account, 200, "dead")

    taken = usual_latency(account, healthy, "healthy", 50)
    nowhere.close()

    assert taken < LATENCY_MAX_S


@pytest.mark.settings({"send": {"connect_timeout": "5s"}})
def test_names_that_are_slow_to_look_up_do_not_slow_the_others(account, receiver):
    for number in range(50):
        make_hook(account, f"http://no-such-host-{number}.invalid/", events=["dead"], retry=NEVER)
    healthy = make_hooks(account, receiver, ["healthy"])["healthy"]
    publish_many(account, 5, "dead")

    taken = usual_latency(account, healthy, "healthy", 30)

    assert taken < LATENCY_MAX_S


def test_when_half_of_a_hundred_receivers_hang_the_other_half_gets_everything(account, receiver):
    dead = make_hooks(account, receiver, [f"dead{n}" for n in range(50)], timeout_ms=LONGEST_MS, retry=NEVER)
    healthy = make_hooks(account, receiver, [f"healthy{n}" for n in range(50)], timeout_ms=LONGEST_MS)
    for endpoint in dead.values():
        endpoint.plan(Step(hang="answer"))

    publish_many(account, 100, "all")

    wait_for_count(account, "delivered", 50 * 100, deadline_s=90)
    assert all(len(endpoint.requests) == 100 for endpoint in healthy.values())
    eventually(lambda: all(endpoint.requests for endpoint in dead.values()), what="each of the dead to be tried")
    assert all(len(endpoint.requests) <= 8 for endpoint in dead.values())


@pytest.mark.settings({"send": {"in_flight_max": 16}})
def test_an_account_whose_receivers_all_hang_leaves_room_for_the_others(make_account, receiver):
    greedy, modest = make_account("greedy"), make_account("modest")
    dead = make_hooks(greedy, receiver, [f"dead{n}" for n in range(10)], timeout_ms=LONGEST_MS, retry=NEVER)
    for endpoint in dead.values():
        endpoint.plan(Step(hang="answer"))
    healthy = make_hooks(modest, receiver, ["healthy"])["healthy"]
    publish_many(greedy, 20, "all")
    eventually(lambda: sum(endpoint.in_flight for endpoint in dead.values()) >= 8, what="the greedy one to be busy")

    taken = usual_latency(modest, healthy, "healthy", 30)

    assert taken < LATENCY_MAX_S


@pytest.mark.settings({"send": {"in_flight_max": 16}})
def test_what_was_held_back_goes_on_when_there_is_room_again(make_account, receiver):
    greedy, modest = make_account("greedy"), make_account("modest")
    gate = receiver.gate()
    slow = make_hooks(greedy, receiver, [f"slow{n}" for n in range(10)], timeout_ms=LONGEST_MS)
    for endpoint in slow.values():
        endpoint.plan(Step(200, gate=gate))
    make_hooks(modest, receiver, ["healthy"])
    publish_many(greedy, 20, "all")
    eventually(lambda: sum(endpoint.in_flight for endpoint in slow.values()) >= 8, what="the greedy one to be busy")
    publish_many(modest, 50, "healthy")
    wait_for_count(modest, "delivered", 50)

    gate.open()

    wait_for_count(greedy, "delivered", 200)


def test_one_accounts_backlog_does_not_hold_up_anothers_news(make_account, receiver):
    busy, quiet = make_account("busy"), make_account("quiet")
    backlog = make_hooks(busy, receiver, [f"busy{n}" for n in range(20)])
    news = make_hooks(quiet, receiver, ["news"])["news"]
    for endpoint in backlog.values():
        endpoint.plan(Step(200, delay_s=0.2))  # takes 25 s
    publish_many(busy, 1000, "all")

    taken = usual_latency(quiet, news, "news", 20)

    pending = count_deliveries(busy, "pending")
    assert pending > 0, "the backlog was gone before anything could be said"
    assert taken < LATENCY_MAX_S


@pytest.mark.settings({"send": {"memory": "1MiB"}})
def test_what_does_not_fit_into_memory_goes_by_way_of_the_store_and_all_arrive(server, account, receiver):
    gate = receiver.gate()
    endpoints = make_hooks(account, receiver, ["a", "b", "c"], max_in_flight=4, timeout_ms=LONGEST_MS)
    for endpoint in endpoints.values():
        endpoint.plan(Step(200, gate=gate))
    with server.memory_grows_by_less_than(24 * MIB):
        for _ in range(100):  # 10 MB of events for 30 MB of deliveries
            account.publish("all", "x" * 100_000).expect(202)
    gate.open()

    wait_for_count(account, "delivered", 300, deadline_s=90)

    for endpoint in endpoints.values():
        assert len({request.headers["webhook-id"] for request in endpoint.requests}) == 100
        assert len(endpoint.requests) == 100


@pytest.mark.settings({"send": {"memory": "1MiB"}})
def test_what_waits_in_the_store_for_a_hanging_receiver_takes_no_memory_from_others(account, receiver):
    dead, healthy = make_hooks(account, receiver, ["dead"], timeout_ms=LONGEST_MS, retry=NEVER), \
        make_hooks(account, receiver, ["healthy"])
    dead["dead"].plan(Step(hang="answer"))
    for _ in range(40):
        account.publish("dead", "x" * 100_000).expect(202)
    dead["dead"].wait_for_count(8)

    taken = usual_latency(account, healthy["healthy"], "healthy", 30)

    assert taken < LATENCY_MAX_S


@pytest.mark.promise
@pytest.mark.settings({"send": {"memory": "1MiB"}})
def test_a_full_memory_survives_a_kill(server, account, receiver):
    gate = receiver.gate()
    endpoint = make_hooks(account, receiver, ["all"], max_in_flight=2, timeout_ms=LONGEST_MS)["all"]
    endpoint.plan(Step(200, gate=gate))
    events = [account.publish("all", "x" * 50_000).expect(202)["id"] for _ in range(60)]
    endpoint.wait_for_count(2)

    server.kill()
    gate.open()
    server.start()

    wait_for_count(account, "delivered", 60, deadline_s=90)
    assert {request.headers["webhook-id"] for request in endpoint.requests} == set(events)


def test_memory_stays_flat_while_a_receiver_is_down(server, account, receiver):
    dead = make_hooks(account, receiver, ["dead"], retry={"every": "1s", "for": "1h"})["dead"].plan(Step(503))
    publish_many(account, 1000, "dead")
    wait_for_delivery(account, publish(account, "dead"), lambda delivery: delivery["attempts"], deadline_s=90)

    with server.memory_grows_by_less_than(32 * MIB):
        publish_many(account, 10_000, "dead")

    assert len(dead.requests) > 0


@pytest.mark.deadline(300)
def test_a_backlog_of_thousands_goes_out_when_its_receiver_is_back_and_others_are_not_held_up(account, receiver):
    with Receiver() as other:
        back = make_hooks(account, receiver, ["back"], retry={"every": "500ms", "for": "1h"}, max_in_flight=32)["back"]
        steady = make_hooks(account, other, ["steady"])["steady"]
        receiver.stop()
        events = publish_many(account, 5000, "back")
        wait_for_attempts(account, events[0], 1)

        receiver.start()
        taken = usual_latency(account, steady, "steady", 20)

        wait_for_count(account, "delivered", 5020, deadline_s=120)
        assert taken < LATENCY_MAX_S
        assert len({request.headers["webhook-id"] for request in back.requests}) == 5000


def test_a_stop_does_not_wait_for_a_receiver_that_hangs(server, account, receiver):
    dead = make_hooks(account, receiver, ["dead"], timeout_ms=LONGEST_MS)["dead"].plan(Step(hang="answer"))
    event = publish(account, "dead")
    dead.wait_for_count(1)
    server.change_settings({"shutdown": {"drain": "500ms"}})
    server.kill()
    server.start()
    dead.wait_for_count(2)

    assert server.stop(STOP_DEADLINE_S) == 0

    dead.plan(Step(200))
    server.start()
    wait_for_state(account, event, "delivered")


# One event to very many channels


def make_many_hooks(account, receiver, count: int) -> list:
    """A channel for each of so many endpoints, made by several threads because each waits for the disk."""
    endpoints = [receiver.endpoint(f"/n{number}") for number in range(count)]

    def make(part: list) -> None:
        for endpoint in part:
            make_hook(account, endpoint.url, timeout_ms=LONGEST_MS)

    threads = [threading.Thread(target=make, args=(endpoints[at::8],)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return endpoints


def test_one_event_goes_to_a_thousand_channels(account, receiver):
    endpoints = make_many_hooks(account, receiver, 1000)

    answer = account.publish("order.created", 1).expect(202)

    assert answer["deliveries"] == 1000
    wait_for_count(account, "delivered", 1000, deadline_s=90)
    assert all(len(endpoint.requests) == 1 for endpoint in endpoints)


@pytest.mark.promise
@pytest.mark.deadline(600)
def test_one_event_reaches_ten_thousand_channels_although_the_server_is_killed_midway(server, account, receiver):
    endpoints = make_many_hooks(account, receiver, 10_000)
    event = account.publish("order.created", 1).expect(202)
    receiver.wait_for(lambda requests: len(requests) >= 3000, deadline_s=90)

    server.kill()
    server.start()

    assert event["deliveries"] == 10_000
    eventually(lambda: all(endpoint.requests for endpoint in endpoints), 120, "each channel to have it")
    wait_for_count(account, "pending", 0, deadline_s=90)
    assert count_deliveries(account, "delivered") == 10_000
    assert {request.headers["webhook-id"] for request in receiver.requests} == {event["id"]}
