"""A merchant, its account and its endpoint for the cases of the cashier dialect."""

from __future__ import annotations

import pytest

from support.api import Account
from support.cashier import Merchant
from support.receiver import Endpoint, Receiver


@pytest.fixture
def merchant() -> Merchant:
    return Merchant("API-Lighthouse", "lighthouse-shop", "s3cr3t-for-tests")


@pytest.fixture
def shop(make_account, merchant: Merchant) -> Account:
    """The merchant's account."""
    return make_account("lighthouse", cashier=merchant.credentials)


@pytest.fixture
def endpoint(receiver: Receiver, merchant: Merchant) -> Endpoint:
    return receiver.endpoint("/notify").plan(merchant.answer)
