"""The queue of the command API drained one by one on one connection: fast enough for whoever has much to fetch.

bench/run poll measures it; the aim there is 2,000 a second on a quiet machine. Here only a fault is looked for that
would cost every call milliseconds, such as an answer in two packets that waits for an acknowledgement, or a search
through what was acknowledged before. Other tests may keep the machine busy, so the best stretch counts.
"""

from __future__ import annotations

import re
import socket
import time

import pytest
from support.wapi_page import FORM, Customer, form

NOTIFICATIONS = 2000
STRETCH = 100
PAIRS_PER_SECOND_MIN = 500


class Connection:
    """One that is kept alive; reads no more of an answer than it must."""

    def __init__(self, customer: Customer):
        self._customer = customer
        self._socket = socket.create_connection(("127.0.0.1", customer.port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def call(self, command: str, data: str | None = None) -> bytes:
        body = form(self._customer.xml_document(command, data))
        head = f"POST /wapi/xml HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        while (end := self._received.find(b"</response>")) < 0:
            received = self._socket.recv(65536)
            assert received, "the connection was not kept alive"
            self._received += received
        answer, self._received = self._received[:end], self._received[end + len(b"</response>") :]
        return answer

    def take_head(self) -> str:
        """Polls, acknowledges, and returns what was in it."""
        shown = self.call("poll-req")
        id_, text = re.search(rb"<id>(\d+)</id><data><n>(\d+)<", shown).groups()
        assert b"<code>1002</code>" in self.call("poll-ack", f"<id>{id_.decode()}</id>")
        return text.decode()


@pytest.mark.deadline(120)
@pytest.mark.settings({"wapi": {"hourly_max": 1_000_000}})
def test_a_long_queue_is_drained_one_by_one_on_one_connection(server, api, make_account):
    """1.5/1 to 1.5/4, at speed: each exactly once, in order, and the last hundred as quickly as the first."""
    make_account("harbor").patch(wapi={"login": "harbor", "password": "correct-horse"}).expect(200)
    for start in range(0, NOTIFICATIONS, 1000):
        api.batch([{"account": "harbor", "type": "domain.created", "data": {
            "code": 1000, "result": "OK", "command": "load", "data": {"n": number}}}
            for number in range(start, start + 1000)]).expect(200)
    connection = Connection(Customer(server.port, "harbor", "correct-horse"))
    taken, rates = [], []
    for _ in range(NOTIFICATIONS // STRETCH):
        began = time.monotonic()
        taken += [connection.take_head() for _ in range(STRETCH)]
        rates.append(STRETCH / (time.monotonic() - began))
    print(f"pairs a second: best stretch {max(rates):.0f}, all {sum(rates) / len(rates):.0f}")
    assert taken == [str(number) for number in range(NOTIFICATIONS)]
    assert b"<code>1003</code>" in connection.call("poll-req")
    assert max(rates[:10]) > PAIRS_PER_SECOND_MIN and max(rates[10:]) > PAIRS_PER_SECOND_MIN
