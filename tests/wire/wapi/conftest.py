"""Customers of the command API.

| fixture | gives                                                                                |
| ------- | ------------------------------------------------------------------------------------ |
| harbor  | an account whose login at the command API is "harbor"; it gets a queue by that       |
| client  | its client at /wapi/xml                                                              |
| clients | the same at both doors: {"xml": .., "json": ..}                                      |
| notify  | notify(code, result, **fields) publishes a notification and returns the event's id   |
"""

from __future__ import annotations

from typing import Callable

import pytest

from support.api import Account
from support.server import Server
from support.wapi_client import WapiClient

PASSWORD = "correct-horse"


@pytest.fixture
def harbor(make_account: Callable[..., Account]) -> Account:
    return make_account("harbor-shop", wapi={"login": "harbor", "password": PASSWORD})


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
