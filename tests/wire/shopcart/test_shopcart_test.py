"""Notifications/TEST (protocols, sections 2.2, 2.3 and 2.5)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from support.deliveries import PATIENT, wait_for_state
from support.receiver import Step

TEXT = rb"<Test>Test notification queued at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)</Test>"
NO_URL = "No notification URL is set"

pytestmark = pytest.mark.settings(PATIENT)


def test_it_is_answered_at_once_and_sent(shop, hook):
    """2.5: <Response success="true"/> at once, for the notification is queued; its text is fixed words and a time."""
    shop.make_hook(hook.url)
    before = datetime.now(timezone.utc) - timedelta(seconds=1)

    assert shop.get("/Notifications/TEST").raw == b'<Response success="true"/>'
    (request,) = hook.wait_for_count(1)

    queued = datetime.strptime(re.fullmatch(TEXT, request.body)[1].decode(), "%Y-%m-%d %H:%M:%S")
    assert before <= queued.replace(tzinfo=timezone.utc) <= datetime.now(timezone.utc)


@pytest.mark.promise
def test_a_retry_has_the_identical_text_also_after_a_crash(shop, hook, server):
    """2.6/8: the time is that of queueing."""
    hook.plan(Step(500), Step(500), Step(200))
    shop.make_hook(hook.url, retry=["0s", "200ms", "1500ms"])
    shop.get("/Notifications/TEST").expect_success()
    hook.wait_for_count(2)

    server.kill()
    server.start()

    bodies = [request.body for request in hook.wait_for_count(3)]
    assert len(set(bodies)) == 1 and re.fullmatch(TEXT, bodies[0])


def test_it_goes_to_the_notification_urls_only(shop, receiver, hook):
    """2.5: not to what else the account has, and whatever types its URLs want otherwise."""
    other = receiver.endpoint("/other")
    second = receiver.endpoint("/second")
    shop.make_hook(hook.url, events=["order.**"])
    shop.make_hook(second.url)
    shop.account.make_channel(kind="webhook", url=other.url).expect(201)
    shop.account.make_channel(kind="queue").expect(201)

    shop.post("/Notifications/TEST").expect_success()
    hook.wait_for_count(1)
    second.wait_for_count(1)

    (event,) = shop.account.events().expect(200)["items"]
    assert event["type"] == "shopcart.test"
    assert len(shop.account.event(event["id"]).expect(200)["deliveries"]) == 2
    wait_for_state(shop.account, shop.order(Id=1), "delivered", channel_of(shop, other.url))
    assert [b"Test" in request.body for request in other.requests] == [False]


def channel_of(shop, url: str) -> str:
    (found,) = [each for each in shop.account.channels().expect(200)["items"] if each.get("url") == url]
    return found["id"]


def test_without_a_notification_url_it_fails(shop, receiver):
    """2.5: success="false", and nothing is stored."""
    shop.account.make_channel(kind="webhook", url=receiver.url + "/other").expect(201)

    shop.get("/Notifications/TEST").expect_error(NO_URL)

    assert shop.account.events().expect(200)["items"] == []


def test_a_disabled_url_is_none(shop, hook):
    """2.5: nothing would be sent there."""
    shop.make_hook(hook.url, enabled=False)

    shop.get("/Notifications/TEST").expect_error(NO_URL)


def test_a_wrong_key_tests_nothing(shop, hook):
    """2.3: the key belongs to every call."""
    shop.make_hook(hook.url)

    shop.get("/Notifications/TEST", key="0" * 32).expect_error("Invalid merchant key")

    assert shop.account.events().expect(200)["items"] == []


def test_a_test_is_no_order(shop, hook):
    """2.3: lists show orders."""
    shop.make_hook(hook.url)
    shop.get("/Notifications/TEST").expect_success()

    assert shop.get("/Orders/COUNT").expect_success().findtext("Count") == "0"


@pytest.mark.parametrize("path", ["/notifications/test", "/NOTIFICATIONS/TEST", "/Notifications/Test/"])
def test_its_words_count_in_any_case(shop, hook, path):
    """2.6/9: case-insensitive on our input."""
    shop.make_hook(hook.url)

    shop.post(path).expect_success()

    hook.wait_for_count(1)
