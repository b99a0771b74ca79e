"""Merchants for the cases of the shopcart dialect."""

from __future__ import annotations

import pytest

from support.receiver import Endpoint
from support.shopcart import Shop


@pytest.fixture
def shop(account) -> Shop:
    return Shop.of(account, "700123")


@pytest.fixture
def other_shop(make_account) -> Shop:
    return Shop.of(make_account("other"), "700124", "FEDCBA9876543210FEDCBA9876543210")


@pytest.fixture
def hook(receiver) -> Endpoint:
    return receiver.endpoint("/notifications")
