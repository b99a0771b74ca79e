"""The programs of the documentation: a provider's handler, a customer's client and receiver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Callable, Iterator
from urllib.parse import urlencode

import pytest
from support.api import Account
from support.example import Example
from support.receiver import Receiver, Step
from support.server import TOP_FOLDER, Server
from support.standard_webhooks import sign
from support.wapi_client import WapiClient

PASSWORD = "correct-horse"
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"
MEMBERS = "<code>1000</code><result>OK</result><command>ping-async</command>"
BOMB = f'<!DOCTYPE notify [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><notify>{MEMBERS}<id>&b;</id></notify>'


# The handler


@pytest.fixture
def registry(receiver: Receiver) -> Iterator[Example]:
    """The handler, whose reports go to the receiver."""
    handler = Example("wapi_handler.py", HANDLER_SECRET=SECRET, TIDINGS_KEY="tk_handler", TIDINGS_URL=receiver.url)
    yield handler
    handler.close()


def ask(handler: Example, command: str = "domain-transfer", age_s: int = 0, secret: str = SECRET, **changes) -> int:
    request = {
        "account": "harbor", "command": command, "data": {"name": "quay.example"}, "svTRID": "1760000000.1.2.0",
        "test": False, "operation": "opr_0S9SBSFY103F8", "protocol": "xml", **changes,
    }
    body = json.dumps(request).encode()
    at = int(time.time()) - age_s
    return handler.post(body, {"webhook-id": request["svTRID"], "webhook-timestamp": str(at),
                               "webhook-signature": sign(secret, request["svTRID"], at, body)})


def test_the_handler_works_for_the_server_alone(registry: Example, receiver: Receiver) -> None:
    """docs/operations.md: refuse what is not signed, and what is more than five minutes old."""
    assert ask(registry, age_s=400) == 401
    assert ask(registry, secret="whsec_" + "A" * 32) == 401
    assert registry.post(b"{}") == 401
    assert receiver.requests == []


def test_the_handler_does_a_request_once_however_often_it_comes(registry: Example, receiver: Receiver) -> None:
    """docs/operations.md: the same request may come twice; its svTRID tells. A key a report."""
    assert [ask(registry), ask(registry), ask(registry, test=True)] == [202] * 3
    assert ask(registry, "domain-check") == 200
    assert ask(registry, svTRID="1760000000.2.2.0") == 202

    requests = receiver.wait_for_count(4)
    assert [request.path.rpartition("/")[2] for request in requests] == ["step", "complete"] * 2
    assert len({request.headers["idempotency-key"] for request in requests}) == 4


def test_the_handler_reports_until_it_is_heard(registry: Example, receiver: Receiver) -> None:
    """docs/operations.md: send again what was not answered, with the same key."""
    step = receiver.endpoint("/v1/accounts/harbor/operations/opr_0S9SBSFY103F8/step").plan(Step(503), Step(200))
    ask(registry)

    first, second = step.wait_for_count(2)
    assert (first.body, first.headers["idempotency-key"]) == (second.body, second.headers["idempotency-key"])
    registry.lines.wait_for_count(3)
    assert [line.split()[0] for line in registry.said] == ["step", "complete"]


# The client


def client(url: str, *arguments: str, password: str = PASSWORD) -> subprocess.CompletedProcess:
    program = TOP_FOLDER / "examples" / "wapi_client.py"
    ours = {"WAPI_URL": url, "WAPI_USER": "harbor", "WAPI_PASSWORD": password}
    return subprocess.run([sys.executable, str(program), *arguments], env=os.environ | ours, capture_output=True,
                          text=True, timeout=30)


def test_the_client_takes_everything_that_waits(server: Server, notify: Callable[..., str], harbor: Account) -> None:
    """1.5/1, 4: in order, each acknowledged."""
    notify(1000, "OK", {"n": 1})
    notify(4000, "Internal error")
    done = client(server.url)

    assert done.stdout.splitlines() == ['domain-create 1000 OK {"n": "1"}', "domain-create 4000 Internal error {}"]
    assert done.returncode == 0
    assert client(server.url).stdout == ""
    assert harbor.deliveries(state="pending").expect(200)["items"] == []


def test_the_client_stops_when_it_is_refused(server: Server, harbor: Account) -> None:
    """docs/wapi.md: a program must not go on after 2050."""
    done = client(server.url, password="wrong-horse")

    assert (done.returncode, done.stdout, done.stderr) == (1, "", "2050 Authentication failure\n")
    assert client(server.url, "no-such-thing").returncode == 1
    assert json.loads(client(server.url, "ping").stdout)["code"] == 1000


# The receiver


@pytest.fixture
def listener() -> Iterator[Example]:
    made = Example("wapi_receiver.py")
    yield made
    made.close()


def test_the_receiver_reads_both_formats(listener: Example, server: Server, harbor: Account) -> None:
    """1.7: push follows the format of the command."""
    harbor.make_channel(kind="webhook", dialect="wapi", url=listener.url).expect(201)
    for format in ("xml", "json"):
        WapiClient(server.url, "harbor", PASSWORD, format).call("ping-async", cltrid=f"a & {format}").expect(1001)

    listener.lines.wait_for_count(3)
    assert listener.said == ["ping-async 1000 OK a & xml", "ping-async 1000 OK a & json"]


def test_the_receiver_takes_a_notification_once(listener: Example) -> None:
    """docs/wapi.md: at least once: the same one may come twice, by its id."""
    forms = [urlencode({"request": f"<notify>{MEMBERS}<id>{id_}</id></notify>"}).encode() for id_ in (51, 51, 52)]

    assert [listener.post(form) for form in forms] == [200] * 3
    listener.lines.wait_for_count(3)
    assert listener.said == ["ping-async 1000 OK -"] * 2


@pytest.mark.parametrize("document", ["", "<notify>", "<notify/>", "{}", '{"notify": 1}', "[]", BOMB, "\udcff"])
def test_the_receiver_refuses_what_is_no_notification(listener: Example, document: str) -> None:
    """1.9/14: entities are not expanded."""
    assert listener.post(urlencode({"request": document}, errors="surrogateescape").encode()) == 400
    assert listener.post(document.encode(errors="surrogateescape")) == 400
    assert listener.said == []
