"""What a webhook's receiver answers, and what follows: good and bad statuses, Retry-After, silence, floods, garbage."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import formatdate

import pytest

from support.deliveries import (
    ONE_TRY, count_deliveries, delivery_of, make_hook, publish, publish_many, seconds_to_next, wait_for_attempts,
    wait_for_count, wait_for_delivery, wait_for_state)
from support.receiver import Step, Unreachable, compressed_bomb, endless, huge, redirect
from support.waiting import eventually

MIB = 1024 * 1024
TIMEOUT_MS = 400
PATIENT_MS = 60_000  # a timeout that no machine is so busy as to need
EARLY_S = 0.01  # two clocks are read, and in whole milliseconds
HELD_UP_S = 15.0  # as long as the machine may be busy with other things; without a limit it would take longer still
DAY_S = 86400


def one_try(account, endpoint, step, **fields) -> dict:
    """The only attempt of an event for a receiver that does as step says."""
    endpoint.plan(step)
    channel = make_hook(account, endpoint.url, retry=ONE_TRY, **fields)
    event = publish(account)
    (attempt,) = wait_for_delivery(account, event, lambda delivery: delivery["attempts"], channel)["attempts"]
    return attempt


def try_all(account, receiver, steps: dict[str, Step], **fields) -> dict[str, dict]:
    """One event to a channel for each step, all at once; the only attempt of each by its name."""
    channels = {}
    for name, step in steps.items():
        endpoint = receiver.endpoint(f"/{name}").plan(step)
        channels[name] = make_hook(account, endpoint.url, retry=ONE_TRY, **fields)
    event = publish(account)
    return {name: wait_for_delivery(account, event, lambda d: d["attempts"], channel)["attempts"][0]
            for name, channel in channels.items()}


# Statuses


def test_only_2xx_is_delivered_and_every_other_status_is_recorded(account, hook):
    statuses = [status for status in range(200, 600) if status != 410]
    hook.plan(lambda request: Step(json.loads(request.body)["data"]))
    make_hook(account, hook.url, retry=ONE_TRY, max_in_flight=16, timeout_ms=PATIENT_MS)
    events = {status: publish(account, data=status) for status in statuses}

    eventually(lambda: count_deliveries(account, "pending") == 0, 60, "all to be tried")

    assert count_deliveries(account, "delivered") == 100
    assert count_deliveries(account, "failed") == 299
    for status in (200, 204, 299, 300, 304, 400, 404, 429, 500, 599):
        delivery = delivery_of(account, events[status])
        (attempt,) = delivery["attempts"]
        assert delivery["state"] == ("delivered" if status < 300 else "failed")
        assert attempt["outcome"] == ("delivered" if status < 300 else "answer")
        assert attempt["status"] == status
        assert attempt["detail"] == ("" if status < 300 else f"HTTP {status}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(account, receiver, hook, status):
    elsewhere = receiver.endpoint("/elsewhere")
    hook.plan(redirect(elsewhere.url, status), Step(200))
    make_hook(account, hook.url, retry=["0s", "0s"])

    delivery = wait_for_state(account, publish(account), "delivered")

    assert [attempt["status"] for attempt in delivery["attempts"]] == [status, 200]
    assert elsewhere.requests == []


@pytest.mark.parametrize("status", [400, 401, 404, 408, 429, 500, 502, 503, 504])
def test_an_error_is_tried_again_with_the_same_id_and_body(account, hook, status):
    hook.plan(Step(status), Step(status), Step(200))
    make_hook(account, hook.url, retry=["0s", "0s", "0s"])

    delivery = wait_for_state(account, publish(account), "delivered")

    assert [attempt["status"] for attempt in delivery["attempts"]] == [status, status, 200]
    assert [attempt["number"] for attempt in delivery["attempts"]] == [1, 2, 3]
    assert len({(request.headers["webhook-id"], request.body) for request in hook.requests}) == 1


def test_410_refuses_the_delivery_and_disables_the_channel(account, hook):
    hook.plan(Step(410, body=b"moved away"))
    channel = make_hook(account, hook.url)

    delivery = wait_for_state(account, publish(account), "refused")

    (attempt,) = delivery["attempts"]
    assert (attempt["outcome"], attempt["status"], attempt["answer"]) == ("gone", 410, "moved away")
    health = eventually(lambda: disabled_health(account, channel), what="the channel to be disabled")
    assert health["state"] == "disabled"
    assert account.publish("order.created", 1).expect(202)["deliveries"] == 0
    assert len(hook.requests) == 1


def disabled_health(account, channel: str) -> dict | None:
    health = account.channel(channel).expect(200)["health"]
    return health if health["state"] == "disabled" else None


def test_a_channel_disabled_by_410_works_again_when_it_is_enabled(account, hook):
    hook.plan(Step(410), Step(200))
    channel = make_hook(account, hook.url)
    refused = publish(account)
    delivery = wait_for_state(account, refused, "refused")
    eventually(lambda: disabled_health(account, channel), what="the channel to be disabled")

    account.patch_channel(channel, enabled=True).expect(200)

    assert account.channel(channel).expect(200)["health"]["state"] == "healthy"
    wait_for_state(account, publish(account), "delivered")
    account.retry(delivery["id"]).expect(202)
    wait_for_state(account, refused, "delivered")


def test_what_comes_before_the_final_answer_counts_for_nothing(account, receiver):
    attempts = try_all(account, receiver, {
        "hints": Step(raw=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        "continue": Step(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
        "only": Step(raw=b"HTTP/1.1 102 Processing\r\n\r\n"),
    })

    assert (attempts["hints"]["outcome"], attempts["hints"]["status"]) == ("delivered", 200)
    assert (attempts["continue"]["outcome"], attempts["continue"]["status"]) == ("answer", 500)
    assert (attempts["only"]["outcome"], attempts["only"]["status"]) == ("connect", None)


MALFORMED = {
    "nothing": b"",
    "no-http": b"hello\r\n\r\n",
    "another-protocol": b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no-status": b"HTTP/1.1 OK\r\n\r\n",
    "status-of-letters": b"HTTP/1.1 abc OK\r\n\r\n",
    "negative-length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "length-of-letters": b"HTTP/1.1 500 OK\r\nContent-Length: abc\r\n\r\n",
    "no-colon": b"HTTP/1.1 500 OK\r\nno colon here\r\nContent-Length: 0\r\n\r\n",
    "zero-bytes": b"HTTP/1.1 500 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "bad-chunk": b"HTTP/1.1 500 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "huge-chunk": b"HTTP/1.1 500 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nabc",
    "cut-body": b"HTTP/1.1 500 OK\r\nContent-Length: 100\r\n\r\nshort",
    "cut-headers": b"HTTP/1.1 500 OK\r\nContent-Le",
    "long-line": b"HTTP/1.1 500 OK\r\nX: " + b"y" * MIB + b"\r\n\r\n",
    "many-headers": b"HTTP/1.1 500 OK\r\n" + b"X: y\r\n" * 200_000 + b"\r\n",
    "unknown-coding": b"HTTP/1.1 500 OK\r\nTransfer-Encoding: magic\r\n\r\nabc",
}


def test_a_malformed_answer_is_a_failure_like_any_other(server, account, receiver):
    with server.memory_grows_by_less_than(16 * MIB):
        attempts = try_all(account, receiver, {name: Step(raw=raw) for name, raw in MALFORMED.items()})

    assert {name: attempt["outcome"] for name, attempt in attempts.items() if attempt["outcome"] == "delivered"} == {}
    assert {attempt["outcome"] for attempt in attempts.values()} <= {"connect", "answer"}
    wait_for_count(account, "failed", len(MALFORMED))


# Retry-After


RETRY_AFTER_S = {
    "0": 0, "120": 120, " 120 ": 120, "86400": DAY_S, "86401": DAY_S, "999999999": DAY_S,
    "99999999999999999999999999": DAY_S, "-5": 0, "1.5": 0, "soon": 0, "": 0, "120s": 0, "0x10": 0,
    "Thu, 01 Jan 1970 00:00:00 GMT": 0, "Fri, 31 Dec 9999 23:59:59 GMT": DAY_S, "Mon, 99 Foo 2030": 0,
}
SCHEDULED_S = 60
JITTER = 0.2


def delivery_put_off(account, receiver, path: str, value: str) -> dict:
    """An event's delivery after its first attempt, which was answered with this Retry-After."""
    endpoint = receiver.endpoint(path).plan(Step(503, headers=(("Retry-After", value),)))
    channel = make_hook(account, endpoint.url, retry=["0s", f"{SCHEDULED_S}s"], events=[f"try.{path[1:]}"])
    event = publish(account, f"try.{path[1:]}")
    delivery = wait_for_delivery(account, event, lambda d: d["next_attempt_at"], channel)
    assert delivery["why"]["code"] == "waiting_for_retry"
    return delivery


def test_retry_after_is_obeyed_up_to_a_day_and_nonsense_is_as_if_it_were_not_there(account, receiver):
    waits = {value: seconds_to_next(delivery_put_off(account, receiver, f"/n{number}", value))
             for number, value in enumerate(RETRY_AFTER_S)}

    for value, wait_s in waits.items():
        asked_s = RETRY_AFTER_S[value]
        if asked_s > SCHEDULED_S:
            assert asked_s - EARLY_S <= wait_s < asked_s + HELD_UP_S, value
        else:
            assert SCHEDULED_S * (1 - JITTER) - EARLY_S <= wait_s <= SCHEDULED_S * (1 + JITTER) + HELD_UP_S, value


def test_a_date_in_retry_after_is_obeyed(account, receiver):
    asked_for = int(time.time()) + 600
    delivery = delivery_put_off(account, receiver, "/date", formatdate(asked_for, usegmt=True))

    due = datetime.fromisoformat(delivery["next_attempt_at"]).timestamp()
    assert asked_for <= due < asked_for + HELD_UP_S


def test_retry_after_with_a_redirect_or_an_unknown_status_counts_too(account, receiver):
    endpoint = receiver.endpoint("/hook").plan(Step(307, headers=(("Retry-After", "1"),)), Step(200))
    make_hook(account, endpoint.url, retry=["0s", "0s"])
    wait_for_state(account, publish(account), "delivered")

    first, second = endpoint.requests
    assert second.time - first.time >= 1.0 - EARLY_S


def test_who_asks_to_wait_is_left_alone_by_all_deliveries(account, hook):
    hook.plan(Step(429, headers=(("Retry-After", "1"),)), Step(200))
    make_hook(account, hook.url, retry=["0s", "0s"], max_in_flight=1)
    events = [publish(account, data=n) for n in range(3)]

    for event in events:
        wait_for_state(account, event, "delivered")
    first, *others = hook.requests
    assert len(others) == 3
    assert min(request.time for request in others) >= first.time + 1.0 - EARLY_S


# Silence, resets, floods


def is_timeout(attempt: dict) -> bool:
    """Whether it took the channel's timeout and not, for instance, the usual one."""
    return TIMEOUT_MS - EARLY_S * 1000 <= attempt["took_ms"] < HELD_UP_S * 1000


def test_every_silence_ends_by_the_timeout_and_every_reset_by_itself(account, receiver):
    hanging = {f"hang-{stage}": Step(hang=stage) for stage in ("request", "answer", "headers", "body")}
    trickling = {"trickle": Step(200, body=b"x" * 1000, trickle_s=0.05)}
    resetting = {f"reset-{stage}": Step(reset=stage) for stage in ("request", "answer", "headers", "body")}

    attempts = {**try_all(account, receiver, {**hanging, **trickling}, timeout_ms=TIMEOUT_MS),
                **try_all(account, receiver, resetting, timeout_ms=PATIENT_MS)}

    for name in (*hanging, *trickling):
        assert attempts[name]["outcome"] == "timeout", name
        assert is_timeout(attempts[name]), name
        assert "timed out" in attempts[name]["detail"], name
    for name in resetting:
        assert attempts[name]["outcome"] == "connect", name


@pytest.mark.settings({"send": {"connect_timeout": f"{TIMEOUT_MS}ms"}})
def test_connecting_where_nobody_answers_ends_in_time(account):
    nowhere = Unreachable()
    make_hook(account, nowhere.url, retry=ONE_TRY)

    (attempt,) = wait_for_state(account, publish(account), "failed")["attempts"]
    nowhere.close()

    assert attempt["outcome"] == "timeout"
    assert attempt["detail"] == "timed out while connecting"
    assert is_timeout(attempt)


def test_a_refused_connection_and_an_unknown_name_are_told_apart(account, receiver, hook):
    receiver.stop()
    refused = make_hook(account, hook.url, retry=ONE_TRY)
    unknown = make_hook(account, "http://no-such-host.invalid/", retry=ONE_TRY)
    event = publish(account)

    refusal, = wait_for_state(account, event, "failed", refused)["attempts"]
    failed_lookup, = wait_for_state(account, event, "failed", unknown)["attempts"]

    assert (refusal["outcome"], refusal["status"], refusal["detail"]) == ("connect", None, "connection refused")
    assert failed_lookup["outcome"] == "connect"
    assert failed_lookup["detail"] != refusal["detail"]


def test_a_slow_answer_within_the_timeout_is_an_answer(account, hook):
    attempt = one_try(account, hook, Step(200, body=b"good", delay_s=0.3, trickle_s=0.02), timeout_ms=PATIENT_MS)

    assert attempt["outcome"] == "delivered"
    assert attempt["took_ms"] >= 300


def test_endless_and_huge_answers_are_cut_and_memory_stays_flat(server, account, receiver):
    steps = {"endless": endless(), "huge": huge(10_000 * MIB), "bomb": compressed_bomb(200 * MIB)}
    for endpoint in map(receiver.endpoint, (f"/{name}" for name in steps)):
        endpoint.plan(steps[endpoint.path[1:]])
        make_hook(account, endpoint.url, retry=ONE_TRY, timeout_ms=PATIENT_MS)

    with server.memory_grows_by_less_than(24 * MIB):
        publish_many(account, 20)
        wait_for_count(account, "delivered", 60, deadline_s=60)

    read_at_most = max(request.answer_bytes for request in receiver.requests)
    assert read_at_most < 16 * MIB  # the kernel's buffers hold some of it
    assert {name: len(receiver.endpoint(f"/{name}").requests) for name in steps} == dict.fromkeys(steps, 20)


def test_an_answer_that_never_ends_byte_by_byte_costs_one_timeout(account, receiver):
    endpoint = receiver.endpoint("/hook").plan(Step(200, body=b"x" * 10_000, trickle_s=0.01))
    make_hook(account, endpoint.url, retry=["0s", "0s"], timeout_ms=TIMEOUT_MS)

    delivery = wait_for_state(account, publish(account), "failed")

    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["timeout", "timeout"]


def test_the_answer_is_kept_up_to_16_kib(account, receiver):
    body = bytes(range(32, 127)) * 300
    attempts = try_all(account, receiver, {
        "short": Step(500, body="schön".encode()),
        "long": Step(500, body=body),
        "longest": Step(500, body=b"y" * 100_000),
        "cut": Step(500, body=b"x" * 16383 + "é".encode()),
    })

    assert attempts["short"]["answer"] == "schön"
    assert attempts["long"]["answer"] == body[:16384].decode()
    assert attempts["longest"]["answer"] == "y" * 16384
    assert attempts["cut"]["answer"].startswith("x" * 16383)


def test_an_answer_that_is_no_text_does_no_harm(account, receiver):
    attempts = try_all(account, receiver, {
        "binary": Step(500, body=bytes(range(256))),
        "quotes": Step(500, body=b'"}], "outcome": "delivered" \\'),
        "zero": Step(500, body=b"a\0b"),
        "half": Step(500, body=b"\xed\xa0\x80\xff\xfe"),
    })

    assert {attempt["outcome"] for attempt in attempts.values()} == {"answer"}
    assert attempts["quotes"]["answer"] == '"}], "outcome": "delivered" \\'
    assert attempts["zero"]["answer"] == "a\0b"


# The answer was lost


def test_an_event_whose_answer_was_lost_comes_again_with_the_same_id(account, hook):
    hook.plan(Step(reset="answer"), Step(200))
    make_hook(account, hook.url, retry=["0s", "0s"])
    event = publish(account)

    wait_for_state(account, event, "delivered")

    assert [request.headers["webhook-id"] for request in hook.requests] == [event, event]


# The test button


def test_the_test_button_tells_what_the_receiver_answered(account, hook):
    channel = make_hook(account, hook.url, headers={"X-Tenant": "7"})
    hook.plan(Step(200, body=b"thank you"), Step(503, body=b"not now"))

    good = account.test_channel(channel).expect(200)
    bad = account.call("POST", f"/channels/{channel}/test", {"type": "order.created", "data": {"n": 1.0}}).expect(200)

    assert (good["outcome"], good["status"], good["answer"]) == ("delivered", 200, "thank you")
    assert (bad["outcome"], bad["status"], bad["answer"], bad["detail"]) == ("answer", 503, "not now", "HTTP 503")
    first, second = hook.requests
    assert json.loads(first.body)["type"] == "tidings.test"
    assert second.body.endswith(b'"data":{"n": 1.0}}')
    assert first.headers["x-tenant"] == "7"


def test_a_test_is_recorded_nowhere_and_changes_nothing(account, hook):
    channel = make_hook(account, hook.url)
    hook.plan(Step(500))
    for _ in range(6):
        account.test_channel(channel).expect(200)

    assert account.events().expect(200)["items"] == []
    assert account.deliveries().expect(200)["items"] == []
    assert account.channel(channel).expect(200)["health"]["state"] == "healthy"


def test_a_test_goes_past_what_waits_for_the_channel(account, receiver, hook):
    gate = receiver.gate()
    hook.plan(lambda request: Step(200) if b"tidings.test" in request.body else Step(gate=gate))
    channel = make_hook(account, hook.url, ordered=True)
    events = [publish(account) for _ in range(3)]
    hook.wait_for_count(1)

    assert account.test_channel(channel).expect(200)["outcome"] == "delivered"

    gate.open()
    for event in events:
        wait_for_state(account, event, "delivered")


def test_a_test_of_a_receiver_that_hangs_ends_in_time(account, hook):
    channel = make_hook(account, hook.url, timeout_ms=TIMEOUT_MS)
    hook.plan(Step(hang="answer"))

    result = account.test_channel(channel).expect(200)

    assert (result["outcome"], result["status"]) == ("timeout", None)
    assert is_timeout(result)


@pytest.mark.settings({"shutdown": {"drain": "1s"}})
def test_a_test_under_way_does_not_keep_the_server_from_stopping(server, account, hook):
    channel = make_hook(account, hook.url, timeout_ms=60_000)
    hook.plan(Step(hang="answer"))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(account.test_channel, channel)
        hook.wait_for_count(1)
        assert server.stop() == 0
        result = asked.result().expect(200)

    assert (result["outcome"], result["detail"]) == ("connect", "the server is stopping")


def test_attempts_are_numbered_timed_and_told_in_order(account, hook):
    # Closing, because a reset of a kept connection is made good without an attempt.
    hook.plan(Step(500, close=True), Step(reset="answer"), Step(404), Step(200))
    make_hook(account, hook.url, retry=["0s", "0s", "0s", "0s"])
    event = publish(account)
    wait_for_state(account, event, "delivered")

    attempts = wait_for_attempts(account, event, 4)

    assert [attempt["number"] for attempt in attempts] == [1, 2, 3, 4]
    assert [attempt["outcome"] for attempt in attempts] == ["answer", "connect", "answer", "delivered"]
    assert [attempt["status"] for attempt in attempts] == [500, None, 404, 200]
    times = [datetime.fromisoformat(attempt["began_at"]) for attempt in attempts]
    assert times == sorted(times)
    for began, request, next_began in zip(times, hook.requests, [*times[1:], None]):
        assert began.timestamp() <= request.wall + EARLY_S
        assert next_began is None or request.wall <= next_began.timestamp() + EARLY_S
