"""The provider's commands: programs of the provider that are asked by signed requests."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from typing import Callable

import pytest
from support.api import Account, Api
from support.receiver import Endpoint, Receiver, Step, endless, redirect
from support.server import Server
from support.standard_webhooks import verify
from support.waiting import eventually
from support.wapi_client import Reply, WapiClient

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"
SHORT_S = 0.5
HANDLER_TIMEOUT_S = 20  # less than a client waits

# For tests whose handler is silent. Others do not mind when the machine holds theirs up.
IMPATIENT = pytest.mark.settings({"wapi": {"handler_timeout": f"{int(SHORT_S * 1000)}ms"}})


def answer(code: int = 1000, result: str = "OK", **members: object) -> Step:
    return Step(200, body=json.dumps({"code": code, "result": result, **members}).encode())


@pytest.fixture
def server(start_server: Callable[..., Server], receiver: Receiver, request: pytest.FixtureRequest) -> Server:
    """One whose handlers are on this machine, where customers' receivers may not be: nothing is allowed for those."""
    commands = {
        "domain-*": receiver.url + "/domain",
        "domain-transfer-*": receiver.url + "/transfer",
        "domain-transfer-check": receiver.url + "/exact",
        "domain-sell": "off",
        "nowhere": "http://127.0.0.1:1/",
        "metadata": "http://169.254.169.254/",
    }
    settings: dict = {"handler_secret": SECRET, "handler_timeout": f"{HANDLER_TIMEOUT_S}s", "hourly_max": 1_000_000}
    for marker in request.node.iter_markers("settings"):
        settings.update(marker.args[0]["wapi"])
    return start_server({"wapi": settings, "wapi.commands": commands})


@pytest.fixture
def domain(receiver: Receiver) -> Endpoint:
    return receiver.endpoint("/domain").plan(answer())


def operations(harbor: Account) -> list[dict]:
    return harbor.operations().expect(200)["items"]


# Asking


@pytest.mark.parametrize("format", ["xml", "json"])
def test_a_handler_is_told_who_asks_for_what(clients: dict[str, WapiClient], domain: Endpoint, format: str) -> None:
    reply = clients[format].call("domain-create", {"name": "quay.example", "ns": ["n1", "n2"]}, "dom-3").expect(1000)

    (asked,) = domain.requests
    body = json.loads(asked.body)
    assert re.fullmatch(r"opr_[0-9A-Z]{13}", body.pop("operation"))
    assert body == {
        "account": "harbor-shop",
        "command": "domain-create",
        "data": {"name": "quay.example", "ns": ["n1", "n2"]},
        "clTRID": "dom-3",
        "svTRID": reply.svtrid,
        "test": False,
        "protocol": format,
    }
    assert (asked.method, asked.headers["content-type"]) == ("POST", "application/json")


def test_what_a_handler_is_told_is_signed(client: WapiClient, domain: Endpoint) -> None:
    """Standard Webhooks 1.0, with the svTRID as the message's id."""
    reply = client.call("domain-create").expect(1000)

    (asked,) = domain.requests
    verify(SECRET, asked.headers, asked.body)
    assert asked.headers["webhook-id"] == reply.svtrid
    assert abs(int(asked.headers["webhook-timestamp"]) - time.time()) < 30


def test_what_is_absent_is_absent(client: WapiClient, domain: Endpoint) -> None:
    client.call("domain-create").expect(1000)

    body = json.loads(domain.requests[0].body)
    assert "clTRID" not in body
    assert body["data"] == {}


def test_the_longest_pattern_counts(client: WapiClient, receiver: Receiver) -> None:
    for command in ("domain-check", "domain-transfer-list", "domain-transfer-check", "domain-"):
        for path in ("/domain", "/transfer", "/exact"):
            receiver.endpoint(path).plan(answer(result=path))
        client.call(command).expect(1000)
    client.call("domain-sell").expect(2011)
    client.call("domain").expect(2010)
    client.call("domain-" + "x" * 122).expect(2010)  # longer than a command may be

    assert [request.path for request in receiver.requests] == ["/domain", "/transfer", "/exact", "/domain"]


def test_nobody_is_asked_for_what_is_not_allowed(client: WapiClient, harbor: Account, domain: Endpoint) -> None:
    client.call("domain-create", auth="0" * 40).expect(2050)
    client.call("domain-create", [{}, {}]).expect(2004)
    harbor.patch(wapi={"login": "harbor", "password": "correct-horse", "allow": "203.0.113.1"}).expect(200)
    client.call("domain-create").expect(2051)

    assert domain.requests == []


# Answers that are the result


@pytest.mark.parametrize("format", ["xml", "json"])
def test_a_result_becomes_the_reply(clients: dict[str, WapiClient], domain: Endpoint, harbor: Account, format: str) -> None:
    data = {"name": "quay.example", "price": 12.50, "free": True, "note": None, "ns": ["<n1>", "n2"],
            "owner": {"city": "Žďár"}}
    domain.plan(answer(2201, "Domain exists & is taken", data=data))

    reply = clients[format].call("domain-create", cltrid="dom-3").expect(2201)
    assert reply.result == "Domain exists & is taken"
    assert reply.order == ["code", "result", "timestamp", "clTRID", "svTRID", "command", "data"]
    assert reply.data == {"name": "quay.example", "price": "12.5", "free": "1", "note": "", "ns": ["<n1>", "n2"],
                          "owner": {"city": "Žďár"}}
    assert operations(harbor) == []
    clients[format].call("poll-req").expect(1003)  # 1.5/6: a synchronous result never becomes a notification


def test_a_long_list_is_a_result(clients: dict[str, WapiClient], domain: Endpoint) -> None:
    """1.3: repeated XML elements and one array are the same thing, however many there are."""
    names = [f"quay-{number:05}.example" for number in range(20_000)]
    domain.plan(answer(data={"name": names}))

    for client in clients.values():
        assert client.call("domain-list").expect(1000).data == {"name": names}


def test_a_result_beyond_one_mebibyte_is_none(client: WapiClient, domain: Endpoint, server: Server) -> None:
    domain.plan(answer(data={"name": "x" * 1024 * 1024}))

    client.call("domain-list").expect(4000)
    server.wait_for_log("the answer is too long")


def test_a_known_code_needs_no_text(client: WapiClient, domain: Endpoint) -> None:
    domain.plan(Step(200, body=b'{"code": 4001}'))

    assert client.call("domain-create").expect(4001).result == "Internal exception"


def test_a_handlers_refusals_block_nobody(client: WapiClient, domain: Endpoint) -> None:
    domain.plan(answer(2000, "Request parse error"))
    for _ in range(20):
        client.call("domain-create").expect(2000)


# Answers that come later


@pytest.mark.parametrize("format", ["xml", "json"])
def test_an_accepted_command_is_an_operation(
    clients: dict[str, WapiClient], domain: Endpoint, harbor: Account, format: str,
) -> None:
    """1.9/19: async command: reply 1001 now, notification later with the same clTRID and the same svTRID."""
    client = clients[format]
    domain.plan(Step(202))

    pending = client.call("domain-create", {"name": "quay.example"}, "dom-3").expect(1001)
    assert pending.result == "Request pending"
    assert pending.data is None
    (operation,) = operations(harbor)
    assert operation["id"] == json.loads(domain.requests[0].body)["operation"]
    assert (operation["command"], operation["state"]) == ("domain-create", "pending")
    assert (operation["client_ref"], operation["server_ref"]) == ("dom-3", pending.svtrid)
    assert operation["data"] == {"name": "quay.example"}
    client.call("poll-req").expect(1003)

    harbor.complete(operation["id"], code=1000, result="OK", data={"expires": "2027-01-01"}).expect(200)
    notification = client.call("poll-req").expect(1000).data["notify"]
    assert notification["clTRID"] == "dom-3"
    assert notification["svTRID"] == pending.svtrid
    assert notification["command"] == "domain-create"
    assert notification["data"] == {"expires": "2027-01-01"}


def test_a_deadline_goes_with_it(client: WapiClient, domain: Endpoint, harbor: Account) -> None:
    domain.plan(Step(202, body=b'{"deadline_in": "15m"}'))

    client.call("domain-create").expect(1001)
    (operation,) = operations(harbor)
    assert operation["deadline"] > operation["created_at"]


@pytest.mark.parametrize("word, code, state", [("delay", 1001, "pending"), ("expire", 2400, "expired")])
def test_a_handler_says_what_its_deadline_does(
    client: WapiClient, domain: Endpoint, harbor: Account, word: str, code: int, state: str,
) -> None:
    domain.plan(Step(202, body=json.dumps({"deadline_in": "100ms", "on_deadline": word}).encode()))

    pending = client.call("domain-create", cltrid="dom-3").expect(1001)
    told = eventually(lambda: client.call("poll-req").data, what="the deadline's notification")["notify"]
    assert (told["code"], told["clTRID"], told["svTRID"]) == (str(code), "dom-3", pending.svtrid)
    (operation,) = operations(harbor)
    assert (operation["on_deadline"], operation["state"]) == (word, state)


def test_an_operation_completed_before_it_is_stored_is_found(
    client: WapiClient, api: Api, harbor: Account, domain: Endpoint, receiver: Receiver,
) -> None:
    """A program may be done before it answers 202: its completion waits until the operation is there."""
    gate = receiver.gate()
    domain.plan(Step(202, gate=gate))
    replies: list[Reply] = []
    completions: list[dict] = []

    def complete() -> None:
        """Once more if the machine was held up for longer than the server lets a completion wait."""
        completions.append(eventually(lambda: harbor.complete(operation, code=1000).expect(200)))

    customer = threading.Thread(target=lambda: replies.append(client.call("domain-create", cltrid="early")))
    customer.start()
    operation = json.loads(domain.wait_for_count(1)[0].body)["operation"]
    program = threading.Thread(target=complete)
    program.start()
    eventually(lambda: re.search(rb"^tidings_http_waiting 1$", api.call("GET", "/metrics").expect(200), re.MULTILINE),
               what="a completion that waits")
    gate.open()
    customer.join()
    program.join()

    pending = replies[0].expect(1001)
    assert len(completions) == 1
    assert client.call("poll-req").expect(1000).data["notify"]["svTRID"] == pending.svtrid


# Test mode


def test_test_mode_is_passed_on(client: WapiClient, domain: Endpoint) -> None:
    reply = client.call("domain-create", test="1").expect(1000)

    assert json.loads(domain.requests[0].body)["test"] is True
    assert reply.test == "1"


def test_test_mode_stores_nothing(client: WapiClient, domain: Endpoint, harbor: Account) -> None:
    """1.2: test mode: check, change nothing."""
    domain.plan(Step(202))

    client.call("domain-create", test="1").expect(1001)
    assert operations(harbor) == []


# What goes wrong


@pytest.mark.parametrize("step", [
    Step(200), Step(200, body=b"OK"), Step(200, body=b"[]"), Step(200, body=b'{"code": "1000", "result": "OK"}'),
    answer(1001), answer(999), answer(10000), answer(7777, ""), answer(data=[1]), answer(result="a\nb"),
    answer(result="x" * 257), Step(200, body=b'{"code": 7777}'), Step(201, body=b'{"code": 1000, "result": "OK"}'),
    Step(204), redirect("http://127.0.0.1:1/"), Step(400), Step(404), Step(500), Step(503),
    Step(202, body=b"later"), Step(202, body=b'{"deadline_in": 5}'), Step(202, body=b'{"deadline_in": "-5m"}'),
    Step(202, body=b'{"deadline_in": "5m", "on_deadline": "forget"}'), Step(202, body=b'{"on_deadline": "expire"}'),
    Step(raw=b"nonsense\r\n\r\n"), Step(reset="answer"), Step(reset="body"), endless(),
], ids=lambda step: step.raw.decode()[:8] if step.raw else f"{step.status}-{step.body.decode()[:24]}{step.reset or ''}")
def test_anything_else_is_an_internal_error(
    client: WapiClient, domain: Endpoint, harbor: Account, step: Step,
) -> None:
    """Nothing is half-made: no operation, no notification."""
    domain.plan(step)

    reply = client.call("domain-create", cltrid="dom-3").expect(4000)
    assert reply.result == "Internal error"
    assert (reply.cltrid, reply.command, reply.data) == ("dom-3", "domain-create", None)
    assert operations(harbor) == []
    client.call("poll-req").expect(1003)


@IMPATIENT
@pytest.mark.parametrize("stage", ["request", "answer", "headers", "body"])
def test_a_slow_handler_costs_its_timeout(client: WapiClient, domain: Endpoint, stage: str) -> None:
    """And no more than the client's patience, which is so long that a busy machine does not matter."""
    domain.plan(Step(hang=stage))
    began = time.monotonic()

    client.call("domain-create").expect(4000)
    assert time.monotonic() - began >= SHORT_S * 0.9


@IMPATIENT
def test_a_late_acceptance_is_none(client: WapiClient, domain: Endpoint, harbor: Account, receiver: Receiver) -> None:
    gate = receiver.gate()
    domain.plan(Step(202, gate=gate), Step(200, body=b'{"code": 1000}'))

    client.call("domain-create").expect(4000)
    gate.open()
    eventually(lambda: client.call("domain-create").code == 1000, what="an answer in time")
    assert operations(harbor) == []


def test_a_handler_that_is_down_costs_no_time(client: WapiClient) -> None:
    began = time.monotonic()

    client.call("nowhere").expect(4000)
    assert time.monotonic() - began < HANDLER_TIMEOUT_S * 0.9


def test_a_handler_is_never_a_metadata_service(client: WapiClient, server: Server) -> None:
    client.call("metadata").expect(4000)
    server.wait_for_log(r"address 169\.254\.169\.254 is not allowed")


def test_a_slow_handler_holds_up_nobody(
    server: Server, client: WapiClient, domain: Endpoint, receiver: Receiver,
) -> None:
    gate = receiver.gate()
    domain.plan(Step(200, gate=gate, body=b'{"code": 1000}'))
    codes: list[int] = []

    def ask() -> None:
        codes.append(WapiClient(server.url, "harbor", "correct-horse").call("domain-create").code)

    slow = [threading.Thread(target=ask) for _ in range(20)]
    for thread in slow:
        thread.start()
    domain.wait_for_count(20)
    client.call("ping").expect(1000)
    assert codes == []
    gate.open()
    for thread in slow:
        thread.join()
    assert codes == [1000] * 20


@pytest.mark.settings({"wapi": {"handler_timeout": "60s"}})
def test_a_server_that_stops_waits_for_no_handler(server: Server, client: WapiClient, domain: Endpoint) -> None:
    domain.plan(Step(hang="answer"))
    replies: list[object] = []

    def ask() -> None:
        try:
            replies.append(client.call("domain-create").code)
        except (OSError, http.client.HTTPException) as error:  # too late for a connection that is given up
            replies.append(error)

    customer = threading.Thread(target=ask)
    customer.start()
    domain.wait_for_count(1)

    assert server.stop() == 0
    customer.join()
    assert replies == [4000] or isinstance(replies[0], Exception)
