"""The notification queue: poll-req and poll-ack."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from typing import Callable

import pytest
from support.api import Account
from support.server import Server
from support.waiting import eventually
from support.wapi_client import WapiClient

PASSWORD = "correct-horse"


def head(client: WapiClient) -> dict:
    return client.call("poll-req").expect(1000).data["notify"]


def crash(server: Server, client: WapiClient) -> None:
    server.kill()
    server.start()
    client.disconnect()


def bring_back(harbor: Account, result: str) -> None:
    """Makes a notification pending again that was acknowledged."""
    for delivery in harbor.deliveries(state="delivered").expect(200)["items"]:
        if harbor.event(delivery["event"]).expect(200)["data"]["result"] == result:
            harbor.retry(delivery["id"]).expect(200, 202)


# poll-req


@pytest.mark.parametrize("format", ["xml", "json"])
@pytest.mark.parametrize("command", ["poll-req", "notify-poll-req", "poll_req"])
def test_an_empty_queue_has_no_data(clients: dict[str, WapiClient], format: str, command: str) -> None:
    """1.9/1: 1003, no `data` element at all, clTRID echoed, command echoed (the alias as it was sent)."""
    reply = clients[format].call(command, cltrid="poll-10").expect(1003)

    assert reply.result == "Empty notifications queue"
    assert reply.order == ["code", "result", "timestamp", "clTRID", "svTRID", "command"]
    assert (reply.cltrid, reply.command) == ("poll-10", command)


@pytest.mark.parametrize("format", ["xml", "json"])
def test_the_oldest_is_shown_until_it_is_acknowledged(
    clients: dict[str, WapiClient], notify: Callable[..., str], format: str,
) -> None:
    """1.9/2: two poll-req in a row: same id, same notify timestamp; outer svTRID differs. 1.5: order of members."""
    client = clients[format]
    notify(1000, "OK", {"domain": "quay.example"}, client_ref="dom-3", server_ref="1760000102.7702.20544.1")
    notify(2201, "Second")

    first, second = client.call("poll-req").expect(1000), client.call("poll-req").expect(1000)
    notification = first.data["notify"]
    assert notification == second.data["notify"]
    assert first.svtrid != second.svtrid
    assert list(notification) == ["code", "result", "timestamp", "clTRID", "svTRID", "command", "id", "data"]
    assert notification["clTRID"] == "dom-3"
    assert notification["svTRID"] == "1760000102.7702.20544.1"
    assert notification["data"] == {"domain": "quay.example"}


def test_both_formats_show_the_same(clients: dict[str, WapiClient], notify: Callable[..., str]) -> None:
    """1.9/12: same queue polled once by XML and once by JSON: same id, each in its own format."""
    notify(1000, "OK", {"n": 1, "list": ["a", "b"]}, client_ref="a")

    by_xml, by_json = head(clients["xml"]), head(clients["json"])
    assert by_json["code"] == 1000 and by_xml["code"] == "1000"
    assert by_json["data"] == by_xml["data"] == {"n": "1", "list": ["a", "b"]}
    assert by_json["id"] == by_xml["id"]


def test_ids_ascend_and_notifications_come_in_order(client: WapiClient, notify: Callable[..., str]) -> None:
    """1.5/1, 4, 5: oldest first; after 1002 the next becomes visible; ids are integers, ascending."""
    for number in range(20):
        notify(1000, f"number {number}")

    ids = []
    for number in range(20):
        notification = head(client)
        assert notification["result"] == f"number {number}"
        ids.append(int(notification["id"]))
        client.call("poll-ack", {"id": notification["id"]}).expect(1002)
    assert ids == sorted(set(ids))
    client.call("poll-req").expect(1003)


def test_a_failure_is_told_and_acknowledged_like_anything(client: WapiClient, notify: Callable[..., str]) -> None:
    """1.9/20: notification with a 3xxx/4xxx code is still delivered and still acked with 1002."""
    for code, result in ((3001, "Billing"), (4000, "Internal error")):
        notify(code, result)
        notification = head(client)
        assert (notification["code"], notification["result"]) == (str(code), result)
        client.call("poll-ack", {"id": notification["id"]}).expect(1002)


def test_a_system_event_has_no_cltrid(client: WapiClient, notify: Callable[..., str]) -> None:
    """1.5: no clTRID, command is always system-notify."""
    notify(1200, "Domain transfered out", {"domain": "quay.example"}, command=None)

    notification = head(client)
    assert "clTRID" not in notification
    assert notification["command"] == "system-notify"
    assert notification["svTRID"]


# poll-ack


@pytest.mark.parametrize("format", ["xml", "json"])
@pytest.mark.parametrize("command", ["poll-ack", "notify-poll-ack", "notify-poll-acq"])
def test_the_head_is_acknowledged(
    clients: dict[str, WapiClient], notify: Callable[..., str], format: str, command: str,
) -> None:
    """1.5: 1002, no data; the aliases are echoed."""
    notify()
    client = clients[format]

    reply = client.call(command, {"id": head(client)["id"]}, cltrid="job-17").expect(1002)
    assert reply.result == "Notification aquired"
    assert reply.order == ["code", "result", "timestamp", "clTRID", "svTRID", "command"]
    assert reply.command == command
    client.call("poll-req").expect(1003)


def test_json_takes_the_id_as_number_or_text(clients: dict[str, WapiClient], notify: Callable[..., str]) -> None:
    """1.5: data.id (integer)."""
    client = clients["json"]
    for form in (int, str):
        notify()
        client.call("poll-ack", {"id": form(head(client)["id"])}).expect(1002)


def test_only_the_head_is_acknowledged(client: WapiClient, notify: Callable[..., str], harbor: Account) -> None:
    """1.9/3: poll-ack of the second-oldest id: 2151 and nothing removed."""
    notify(result="first")
    notify(result="second")
    first = head(client)
    client.call("poll-ack", {"id": first["id"]}).expect(1002)
    second = head(client)
    bring_back(harbor, "first")  # in front of the second, whose id is known by now

    reply = client.call("poll-ack", {"id": second["id"]}).expect(2151)
    assert reply.result == "Notification does not exist"
    assert head(client) == first
    client.call("poll-ack", {"id": first["id"]}).expect(1002)
    client.call("poll-ack", {"id": second["id"]}).expect(1002)
    client.call("poll-req").expect(1003)


def test_an_acknowledgement_counts_once(client: WapiClient, notify: Callable[..., str]) -> None:
    """1.9/4: poll-ack twice: 1002 then 2151; and the second ack must not remove the new head."""
    notify(result="first")
    notify(result="second")
    first = head(client)

    client.call("poll-ack", {"id": first["id"]}).expect(1002)
    client.call("poll-ack", {"id": first["id"]}).expect(2151)
    assert head(client)["result"] == "second"


@pytest.mark.parametrize("format", ["xml", "json"])
def test_ids_that_are_none_never_acknowledge(
    clients: dict[str, WapiClient], notify: Callable[..., str], format: str,
) -> None:
    """1.9/5: id 0, -1, 51abc, ' 51 ', 2^63: 2101 or 2151, never 1002."""
    client = clients[format]
    notify()
    real = head(client)["id"]
    mismatches = ["-1", f"{real}abc", f" {real} ", f"+{real}", f"{real}.0", "0x33", "abc", {"a": "1"}, [real, real]]
    strangers = ["0", str(2**63), str(2**64), str(2**64 + int(real)), str(int(real) + 1)]

    assert [client.call("poll-ack", {"id": each}).code for each in mismatches] == [2101] * len(mismatches)
    assert [client.call("poll-ack", {"id": each}).code for each in strangers] == [2151] * len(strangers)
    assert head(client)["id"] == real


def test_an_ack_needs_an_id(clients: dict[str, WapiClient], notify: Callable[..., str]) -> None:
    """1.9/6: poll-ack without `data`, with empty `data`, with two `data` elements (2100, 2100, 2004)."""
    notify()
    for client in clients.values():
        client.call("poll-req").expect(1000)
        reply = client.call("poll-ack").expect(2100)
        assert reply.result == "Required parameter missing"
        client.call("poll-ack", {}).expect(2100)
        client.call("poll-ack", {"id": ""}).expect(2100)
        client.call("poll-ack", [{"id": "1"}, {"id": "2"}]).expect(2004)


def test_what_was_never_shown_cannot_be_acknowledged(
    client: WapiClient, notify: Callable[..., str], harbor: Account,
) -> None:
    """1.8: ack of the head before any poll-req showed it: 2151 (must be fetched first)."""
    notify(result="first")
    first = head(client)
    client.call("poll-ack", {"id": first["id"]}).expect(1002)
    notify(result="second")
    guess = _next_id(client, harbor)

    client.call("poll-ack", {"id": guess}).expect(2151)
    assert head(client)["id"] == guess
    client.call("poll-ack", {"id": guess}).expect(1002)


@pytest.mark.settings({"wapi": {"ack_needs_poll": "no"}})
def test_a_setting_allows_to_acknowledge_what_was_not_shown(
    client: WapiClient, notify: Callable[..., str], harbor: Account,
) -> None:
    """1.8: setting to allow."""
    notify()

    client.call("poll-ack", {"id": _next_id(client, harbor)}).expect(1002)
    client.call("poll-req").expect(1003)


def _next_id(client: WapiClient, harbor: Account) -> str:
    """The id of the head without poll-req: a poll in test mode changes nothing."""
    shown = client.call("poll-req", test="1").expect(1000).data["notify"]
    assert harbor.deliveries(state="pending").expect(200)["items"]
    return shown["id"]


def test_test_mode_changes_nothing(clients: dict[str, WapiClient], notify: Callable[..., str]) -> None:
    """1.2: test mode: check, change nothing."""
    notify()
    for client in clients.values():
        notification = head(client)
        client.call("poll-ack", {"id": notification["id"]}, test="1").expect(1002)
        client.call("poll-ack", {"id": int(notification["id"]) + 1}, test="1").expect(2151)
        assert head(client)["id"] == notification["id"]


def test_what_cannot_be_told_is_not_in_the_way(
    server: Server, make_account: Callable[..., Account], client: WapiClient,
) -> None:
    """1.5: a notification has a code and a result: what got in without, before the queue was one of these, is refused."""
    quay = make_account("quay-shop")
    queue = quay.make_channel(kind="queue", dialect="standard", events=["**"]).expect(201)["id"]
    for data in ([1, 2], {"n": 1}, {"code": 1000, "result": "told"}, {"code": 12, "result": "x"}):
        quay.publish("order.created", data).expect(202)
    quay.patch_channel(queue, dialect="wapi").expect(200)
    quay.patch(wapi={"login": "quay", "password": PASSWORD}).expect(200)
    consumer = WapiClient(server.url, "quay", PASSWORD)

    notification = head(consumer)
    assert notification["result"] == "told"
    consumer.call("poll-ack", {"id": notification["id"]}).expect(1002)
    consumer.call("poll-req").expect(1003)
    assert len(quay.deliveries(state="refused").expect(200)["items"]) == 3


# Several at once, restarts, other ways


def test_of_two_consumers_one_acknowledges(server: Server, client: WapiClient, notify: Callable[..., str]) -> None:
    """1.9/7: two concurrent consumers ack the same head: exactly one 1002."""
    for _ in range(10):
        notify()
        shown = head(client)["id"]
        codes: list[int] = []
        start = threading.Barrier(4)

        def acknowledge() -> None:
            consumer = WapiClient(server.url, "harbor", PASSWORD)
            start.wait()
            codes.append(consumer.call("poll-ack", {"id": shown}).code)

        threads = [threading.Thread(target=acknowledge) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(codes) == [1002, 2151, 2151, 2151]


def test_the_queue_survives_a_crash(server: Server, client: WapiClient, notify: Callable[..., str]) -> None:
    """1.9/8: restart between poll-req and poll-ack: same head, ack works; after 1002 and a crash it does not come back."""
    notify(result="first")
    notify(result="second")
    shown = head(client)

    crash(server, client)
    client.call("poll-ack", {"id": shown["id"]}).expect(1002)  # shown before the crash: that counts
    crash(server, client)
    assert head(client)["result"] == "second"


class Consumer(threading.Thread):
    """Polls and acknowledges until told to stop, whatever becomes of the server meanwhile."""

    def __init__(self, server: Server, is_over: threading.Event):
        super().__init__()
        self.shown: list[int] = []
        self.acknowledged: list[int] = []  # with 1002
        self.unknown: list[int] = []  # asked, and not answered
        self._client = WapiClient(server.url, "harbor", PASSWORD)
        self._is_over = is_over

    def run(self) -> None:
        while not self._is_over.is_set():
            try:
                self._poll()
            except (OSError, http.client.HTTPException):
                self._client.disconnect()

    def _poll(self) -> None:
        reply = self._client.call("poll-req")
        if reply.code != 1000:
            assert reply.code == 1003, reply
            return
        notification = reply.data["notify"]
        number = int(notification["data"]["number"])
        self.shown.append(number)
        try:
            code = self._client.call("poll-ack", {"id": notification["id"]}).code
        except (OSError, http.client.HTTPException):
            self.unknown.append(number)
            raise
        assert code in (1002, 2151), code
        if code == 1002:
            self.acknowledged.append(number)


@pytest.mark.promise
@pytest.mark.deadline(180)
@pytest.mark.settings({"wapi": {"hourly_max": "1000000"}})
def test_four_consumers_and_crashes_lose_and_repeat_nothing(
    server: Server, client: WapiClient, harbor: Account, notify: Callable[..., str],
) -> None:
    """1.5/1-4, 1.9/7, 1.9/8: under SIGKILL the head is acknowledged once, nothing is lost, order is kept."""
    count, crashes = 600, 5
    for number in range(count):
        notify(data={"number": number})
    is_over = threading.Event()
    consumers = [Consumer(server, is_over) for _ in range(4)]
    for consumer in consumers:
        consumer.start()
    for number in range(crashes):
        until = (number + 1) * count // (crashes + 2)
        eventually(lambda: max((c.shown[-1] for c in consumers if c.shown), default=-1) >= until, 60)
        server.kill()
        server.start()
    client.disconnect()
    eventually(lambda: client.call("poll-req").code == 1003, 60)
    is_over.set()
    for consumer in consumers:
        consumer.join()

    acknowledged = Counter(number for consumer in consumers for number in consumer.acknowledged)
    unknown = {number for consumer in consumers for number in consumer.unknown}
    assert [number for number, times in acknowledged.items() if times > 1] == []
    assert set(range(count)) - set(acknowledged) - unknown == set()
    assert all(consumer.shown == sorted(consumer.shown) for consumer in consumers)


@pytest.mark.parametrize("kind", ["webhook", "email"])
def test_an_account_of_another_method_cannot_poll(
    clients: dict[str, WapiClient], harbor: Account, notify: Callable[..., str], kind: str,
) -> None:
    """1.9/18: account of method push calls poll-req: 2150. 1.8: change of method with a non-empty queue: items stay."""
    notify(result="before")
    queue = harbor.channels().expect(200)["items"][0]["id"]
    where = {"webhook": {"url": "http://127.0.0.1:1/"}, "email": {"address": "harbor@shop.example"}}[kind]
    other = harbor.make_channel(kind=kind, dialect="wapi", events=["**"], **where).expect(201)["id"]

    for client in clients.values():
        reply = client.call("poll-req").expect(2150)
        assert reply.result == "Notification polling not allowed for this account"
        client.call("poll-ack", {"id": 1}).expect(2150)
        client.call("poll-ack").expect(2100)
    harbor.delete_channel(other).expect(409)  # it is the only way there is
    harbor.patch_channel(queue, enabled=True).expect(200)
    harbor.delete_channel(other).expect(204)
    assert head(clients["xml"])["result"] == "before"


def test_an_account_sees_its_own_queue_only(
    server: Server, client: WapiClient, make_account: Callable[..., Account], notify: Callable[..., str],
) -> None:
    """1.5/1: one queue per account."""
    make_account("quay-shop", wapi={"login": "quay", "password": PASSWORD})
    quay = WapiClient(server.url, "quay", PASSWORD)
    notify()
    shown = head(client)["id"]

    quay.call("poll-req").expect(1003)
    quay.call("poll-ack", {"id": shown}).expect(2151)
    client.call("poll-ack", {"id": shown}).expect(1002)
