"""The command API behind a proxy that the settings trust: each customer is known by the address that the proxy names."""

from __future__ import annotations

from typing import Callable

import pytest
from support.api import Account
from support.server import Server
from support.wapi_client import WapiClient

HARBOR, OTHER = "203.0.113.9", "198.51.100.7"
BEHIND_A_PROXY = pytest.mark.settings({"server": {"trusted_proxies": "127.0.0.1, 10.0.0.0/8"}})


@pytest.fixture
def client_at(server: Server, harbor: Account) -> Callable[[str], WapiClient]:
    def make(forwarded_for: str) -> WapiClient:
        client = WapiClient(server.url, "harbor", "correct-horse")
        client.headers["X-Forwarded-For"] = forwarded_for
        return client

    return make


def allow(harbor: Account, addresses: str) -> None:
    harbor.patch(wapi={"login": "harbor", "password": "correct-horse", "allow": addresses}).expect(200)


def block(client: WapiClient) -> None:
    for _ in range(11):
        client.call("ping", auth="0" * 40)
    client.call("ping").expect(2052)


@BEHIND_A_PROXY
def test_the_list_of_addresses_is_that_of_the_customers(harbor, client_at):
    """1.6: 2051: the account's list holds the caller's address."""
    allow(harbor, HARBOR)

    client_at(HARBOR).call("ping").expect(1000)
    client_at(f"{OTHER}, {HARBOR}, 10.0.0.7").call("ping").expect(1000)
    client_at(OTHER).call("ping").expect(2051)
    client_at(f"{HARBOR}, {OTHER}").call("ping").expect(2051)  # what the caller has put there itself
    client_at("10.0.0.7").call("ping").expect(2051)
    client_at("nonsense").call("ping").expect(2051)


@BEHIND_A_PROXY
def test_who_is_blocked_is_blocked_alone(client_at):
    """1.6: 2052 is of an address."""
    block(client_at(OTHER))

    client_at(HARBOR).call("ping").expect(1000)


def test_nobody_else_may_name_an_address(harbor, client_at):
    """1.6: 2051 and 2052 are of the peer, where no proxy is trusted."""
    allow(harbor, HARBOR)
    client_at(HARBOR).call("ping").expect(2051)
    allow(harbor, "127.0.0.1")
    client_at(OTHER).call("ping").expect(1000)

    block(client_at(OTHER))
    client_at(HARBOR).call("ping").expect(2052)
