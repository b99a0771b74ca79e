"""Customers of the command API.

| fixture      | gives                                                                                |
| ------------ | ------------------------------------------------------------------------------------ |
| harbor       | an account whose login at the command API is "harbor"; it gets a queue by that       |
| shop         | an account that is called harbor, and got that login later                           |
| client       | harbor's client at /wapi/xml                                                         |
| clients      | the same at both doors: {"xml": .., "json": ..}                                      |
| notify       | notify(code, result, **fields) publishes a notification and returns the event's id   |
| start_server | as elsewhere, but its servers are kind to a test that is held up                     |

They take the last hour's auth too, so that a test may run over the full hour; those about hours have {"wapi":
{"previous_hour": None}}, which is the default. And they wait for a connection as long as they can.
"""

from __future__ import annotations

from typing import Callable

import pytest

from support.api import Account
from support.server import Server
from support.wapi_client import WapiClient
from support.wapi_page import ANY_MINUTE

PASSWORD = "correct-horse"


@pytest.fixture
def start_server(start_server: Callable[..., Server]) -> Callable[..., Server]:
    def start(settings: dict | None = None, **options) -> Server:
        sections = {"wapi": ANY_MINUTE, "send": {"connect_timeout": "1m"}}
        for name, values in (settings or {}).items():
            sections[name] = {**sections.get(name, {}), **values}
        return start_server(sections, **options)

    return start


@pytest.fixture
def harbor(make_account: Callable[..., Account]) -> Account:
    return make_account("harbor-shop", wapi={"login": "harbor", "password": PASSWORD})


@pytest.fixture
def shop(make_account: Callable[..., Account]) -> Account:
    account = make_account("harbor")
    account.patch(wapi={"login": "harbor", "password": PASSWORD}).expect(200)
    return account


@pytest.fixture
def client(server: Server, harbor: Account) -> WapiClient:
    return WapiClient(server.url, "harbor", PASSWORD)


@pytest.fixture
def clients(client: WapiClient) -> dict[str, WapiClient]:
    return {"xml": client, "json": client.with_format("json")}


@pytest.fixture
def notify(harbor: Account) -> Callable[..., str]:
    def publish(code: int = 1000, result: str = "OK", data: dict | None = None, command: str | None = "domain-create",
                **fields) -> str:
        content = {"code": code, "result": result, "command": command, "data": data}
        content = {name: value for name, value in content.items() if value is not None}
        return harbor.publish("operation.completed", content, **fields).expect(202)["id"]

    return publish
