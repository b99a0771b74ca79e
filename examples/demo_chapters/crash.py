"""The server is killed while events are published: what it had promised arrives all the same."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from support.api import Account, Unanswered
from support.waiting import Journal

from .commands import DEADLINE_S
from .harbor import ACCOUNT, Harbor
from .stage import Stage
from .telling import say, show_command, show_output, show_table

TITLE = "The server is killed in the middle of publishing"

EVENTS = 300
PUBLISHERS = 8
KILL_AFTER = 120  # answers with 202
KEPT_BACK = 2 * PUBLISHERS  # events that are not handed in before, however late the kill comes


def tell(stage: Stage) -> None:
    say(f"{PUBLISHERS} publishers hand in {EVENTS} events, one a request, each with an id of its own.")
    names = [f"crash-{n}" for n in range(EVENTS)]
    promised = _publish_until_killed(stage, names)
    say(f"After {KILL_AFTER} answers: kill -9. {len(promised)} were answered with 202, which is a promise;")
    say(f"{len(names) - len(promised)} had no answer: nobody knows whether they were stored.")
    _start_again(stage)
    say("What was promised must arrive now, without anybody asking for it:")
    again = _check_all_arrive(stage.harbor, set(promised.values()), "promised")
    say(f"\n{again} webhooks came twice: their answers were under way when the server died. The webhook-id tells.")
    _publish_the_rest(stage, [name for name in names if name not in promised], promised)
    _check_all_arrive(stage.harbor, set(promised.values()), "published")


def _publish(account: Account, name: str) -> dict:
    return account.publish("transfer.finished", {"transfer": name, "amount": "87.40"}, id=name).expect(202)


def _publish_until_killed(stage: Stage, names: list[str]) -> dict[str, str]:
    """Name -> event id of all that were answered with 202."""
    account = stage.account(ACCOUNT)
    promised: Journal[tuple[str, str]] = Journal("answers")
    killed = threading.Event()

    def publish(name: str) -> None:
        if len(promised) >= EVENTS - KEPT_BACK:
            killed.wait(DEADLINE_S)
        try:
            promised.append((name, _publish(account, name)["id"]))
        except Unanswered:
            pass  # the server was killed before

    with ThreadPoolExecutor(PUBLISHERS) as pool:
        done = [pool.submit(publish, name) for name in names]
        promised.wait_for_count(KILL_AFTER, DEADLINE_S)
        stage.server.kill()
        killed.set()
    for one in done:
        one.result()  # raises what went wrong in there
    return dict(promised.entries())


def _start_again(stage: Stage) -> None:
    show_command(["tidings", "serve", "--config", stage.server.settings_file])
    began = time.monotonic()
    stage.server.start()
    show_output(f"ready {stage.server.url} (after {1000 * (time.monotonic() - began):.0f} ms)")


def _publish_the_rest(stage: Stage, names: list[str], promised: dict[str, str]) -> None:
    assert names, "the server was killed too late"
    account = stage.account(ACCOUNT)
    duplicates = 0
    for name in names:
        answer = _publish(account, name)
        promised[name] = answer["id"]
        duplicates += answer["duplicate"]
    say(f"The other {len(names)} are published again with the same ids, as who gets no answer should do:")
    say(f"{duplicates} of them had been stored before, and are not stored twice.")


def _check_all_arrive(harbor: Harbor, ids: set[str], word: str) -> int:
    """Waits for them in all three channels; returns how many webhooks came more than once."""
    webhooks = harbor.listener.wait_for(ids)
    mails = harbor.wait_for_mails(ids)
    messages = harbor.consumer.wait_for(ids)
    counts = [(name, len(ids & arrived.keys()))
              for name, arrived in (("webhook", webhooks), ("mail", mails), ("queue", messages))]
    show_table([("channel", word, "arrived", "lost"),
                *((name, len(ids), count, len(ids) - count) for name, count in counts)])
    return sum(harbor.listener.count(event) > 1 for event in ids)
