"""The bad day: killed, out of space, a flush that fails. What was answered is never lost."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from support.killloop import KillLoop
from support.load import Load
from support.answers import Step
from support.api import Api, Unanswered
from support.recorder import Recorder
from support.waiting import eventually

STOP_DEADLINE_S = 30.0  # the server promises 10, to an idle machine
LONGEST_TIMEOUT_MS = 120_000
RETRY_SOON = ["0s", "200ms", "500ms", "1s", "1s", "2s", "2s", "2s"]


def _load(server, account, receiver, recorder: Recorder, publishers: int, consumers: int) -> Load:
    hook = account.make_channel(kind="webhook", url=receiver.endpoint("/hook").url, retry=RETRY_SOON).expect(201)
    jobs = account.make_channel(kind="queue").expect(201)
    assert hook["id"] != jobs["id"]
    recorder.channel("hook")
    recorder.channel("jobs", is_queue=True)
    load = Load(server.url, server.admin_key, recorder)
    for _ in range(publishers):
        load.add_publisher(account.name, ["hook", "jobs"])
    for _ in range(consumers):
        load.add_consumer(account.name, jobs["id"], "jobs")
    load.watch_webhook(receiver, "/hook", "hook")
    return load


@pytest.mark.promise
@pytest.mark.deadline(180)
def test_twenty_kills_under_load_lose_nothing_that_was_answered(server, account, receiver, recorder):
    load = _load(server, account, receiver, recorder, publishers=6, consumers=3)
    KillLoop(server, load, leases_survive=True).run(kills=20, deadline_s=90)
    recorder.check().assert_clean()


@pytest.mark.promise
def test_what_was_pending_goes_on_after_a_kill(server, account, receiver):
    receiver.endpoint("/hook").plan(Step(status=500))
    account.make_channel(kind="webhook", url=receiver.endpoint("/hook").url, retry=["0s", "700ms", "700ms"]).expect(201)
    event = account.publish("order.created", {"n": 1}).expect(202)
    receiver.wait_for_count(1)
    server.kill()
    server.start()
    receiver.wait_for_count(3)
    eventually(lambda: account.event(event["id"]).expect(200)["deliveries"][0]["state"] == "failed")
    assert len(receiver.requests) in (3, 4)  # a kill between the attempt and its record repeats it


@pytest.mark.promise
def test_an_idempotency_key_counts_after_a_kill_too(server, account):
    first = account.publish("order.created", {"n": 1}, idempotency_key="order-1").expect(202)
    server.kill()
    server.start()
    again = account.publish("order.created", {"n": 1}, idempotency_key="order-1").expect(202)
    assert (again["id"], again["duplicate"]) == (first["id"], True)
    account.publish("order.created", {"n": 2}, idempotency_key="order-1").expect_problem(409, "idempotency_conflict")


@pytest.mark.promise
def test_an_acknowledged_message_does_not_come_back_after_a_kill(server, account):
    queue = account.make_channel(kind="queue").expect(201)["id"]
    for number in range(10):
        account.publish("order.created", {"n": number}).expect(202)
    messages = account.receive(queue, max=10).expect(200)["messages"]
    account.ack(queue, [message["receipt"] for message in messages[:5]]).expect(200)
    server.kill()
    server.start()
    # Those still leased stay so, and their receipts still count.
    assert account.receive(queue, max=10).expect(200)["messages"] == []
    account.ack(queue, [message["receipt"] for message in messages[5:]]).expect(200)
    assert account.receive(queue, max=10).expect(200)["messages"] == []


@pytest.mark.promise
@pytest.mark.server_may_fail
def test_a_flush_that_fails_ends_the_server_with_a_clear_line_and_loses_nothing(start_server, tmp_path):
    folder = tmp_path / "flush"
    server = start_server(folder=folder)
    account = _account_of(server)
    before = [account.publish("order.created", {"n": n}).expect(202)["id"] for n in range(20)]
    server.stop()

    broken = start_server(
        folder=folder,
        wrapper=["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=fsync,fdatasync", "-e",
                 "inject=fsync,fdatasync:error=EIO:when=40+"],
    )
    account = _account_of(broken)
    answered = _publish_until_unanswered(account, most=400)
    assert broken.wait_exit() != 0
    assert re.search(r"level=error event=store_failed .*error=", broken.log())

    again = start_server(folder=folder)
    events = _all_events(_account_of(again))
    assert set(before) <= events and set(answered) <= events


def test_a_second_server_on_the_same_folder_exits_and_says_who_has_it(server, start_server):
    second = start_server(folder=server.folder, wait=False)
    assert second.wait_exit() != 0
    assert str(server.pid) in second.log()
    assert server.is_running


@pytest.mark.promise
@pytest.mark.server_may_fail
def test_a_full_disk_refuses_events_and_goes_on_reading_and_acknowledging(start_server, tmp_path):
    with _small_disk(tmp_path / "disk", mebibytes=48) as folder:
        server = start_server(folder=folder)
        account = _account_of(server)
        queue = account.make_channel(kind="queue").expect(201)["id"]
        account.publish("order.created", {"n": 0}).expect(202)
        message = account.receive(queue).expect(200)["messages"][0]

        published = 0
        for published in range(2000):
            answer = account.publish("order.created", {"filler": "x" * 100_000})
            if answer.status != 202:
                break
        answer.expect_problem(507, "full")
        assert published > 10
        assert account.events(limit=1).expect(200)["items"]
        results = account.ack(queue, [message["receipt"]]).expect(200)["results"]
        assert results[0]["status"] == "ok"

        _use_up(folder / "room-for-later", give_back=True)
        eventually(lambda: account.publish("order.created", {"n": 1}).status == 202)


@pytest.mark.promise
@pytest.mark.deadline(180)
def test_sigterm_under_load_stops_in_time_and_loses_nothing(server, account, receiver, recorder):
    load = _load(server, account, receiver, recorder, publishers=4, consumers=2)
    with load:
        receiver.wait_for_count(200)
        assert server.stop(STOP_DEADLINE_S) == 0
        server.start()
        receiver.wait_for_count(600)
    load.finish(60)
    recorder.check().assert_clean()


def test_sigterm_while_a_receiver_hangs_stops_in_time_and_tries_again_after_the_start(server, account, receiver):
    receiver.endpoint("/hook").plan(Step(hang="answer"), Step(status=200))
    account.make_channel(kind="webhook", url=receiver.endpoint("/hook").url, timeout_ms=LONGEST_TIMEOUT_MS,
                         retry=RETRY_SOON).expect(201)
    event = account.publish("order.created", {"n": 1}).expect(202)
    receiver.wait_for_count(1)
    assert server.stop(STOP_DEADLINE_S) == 0
    server.start()
    receiver.wait_for_count(2)
    eventually(lambda: account.event(event["id"]).expect(200)["deliveries"][0]["state"] == "delivered")


# Helpers


def _account_of(server):
    account = Api(server.url, server.admin_key).account("harbor")
    account.put().expect(200, 201)
    return account


def _publish_until_unanswered(account, most: int) -> list[str]:
    answered = []
    for number in range(most):
        try:
            answer = account.publish("order.created", {"n": number})
        except Unanswered:
            return answered
        if answer.status != 202:
            return answered
        answered.append(answer.body["id"])
    raise AssertionError("the injected fault never struck")


def _all_events(account) -> set[str]:
    found, cursor = set(), None
    while True:
        page = account.events(limit=250, **({"cursor": cursor} if cursor else {})).expect(200)
        found.update(item["id"] for item in page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


class _small_disk:
    """A folder on a file system of its own of a few mebibytes, with a file in it that can be given back."""

    def __init__(self, at: Path, mebibytes: int):
        self.at, self.mebibytes = at, mebibytes

    def __enter__(self) -> Path:
        self.at.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self.mebibytes}m", "tmpfs", str(self.at)], capture_output=True
        )
        if mounted.returncode != 0:
            pytest.skip("mounting needs rights that this user does not have: " + mounted.stderr.decode().strip())
        _use_up(self.at / "room-for-later", mebibytes=16)
        return self.at

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.at)], check=True)


def _use_up(path: Path, mebibytes: int = 0, give_back: bool = False) -> None:
    if give_back:
        path.unlink()
    else:
        path.write_bytes(b"\0" * (mebibytes << 20))
