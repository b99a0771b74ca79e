"""Merchants for the cases of the checkout dialect."""

from __future__ import annotations

import re
from typing import Callable

import pytest

from support.checkout import Merchant
from support.waiting import eventually


@pytest.fixture
def merchant(account) -> Merchant:
    return Merchant.of(account, "100000000001")


@pytest.fixture
def other_merchant(make_account) -> Merchant:
    return Merchant.of(make_account("other"), "100000000002")


@pytest.fixture
def wait_for_polls(api) -> Callable[[int], None]:
    """Waits until so many requests wait for a message."""
    def wait(count: int) -> None:
        def are_waiting() -> bool:
            text = api.call("GET", "/metrics").expect(200).decode()
            return int(re.search(r"^tidings_http_waiting (\d+)$", text, re.MULTILINE)[1]) == count

        eventually(are_waiting, what=f"{count} requests that wait")

    return wait
