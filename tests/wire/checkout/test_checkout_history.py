"""GET /notifications: the messages of a period, in both shapes, filtered and page by page (protocols, section 4.4)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from support.api import Api
from support.checkout import (ORDER, PREFIXES, PROFILE, TOKEN, Merchant, expect_status, message_ids, number_of, numbers,
                              order)

NEW_SHAPE = pytest.mark.settings({"checkout": {"history": "messages"}})
BOTH_SHAPES = pytest.mark.parametrize("shape", ["messagesResponses", "messages"])


@pytest.fixture
def merchant_of_shape(start_server, shape):
    """A merchant of a server with this shape."""
    server = start_server({"checkout": {"history": shape}})
    account = Api(server.url, server.admin_key).account("harbor")
    account.put().expect(201)
    return Merchant.of(account, "100000000001")


def text_of(at: datetime, digits: int = 9) -> str:
    """RFC 3339 with so many digits of the second."""
    fraction = f"{at.microsecond:06}000"[:digits]
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "") + "Z"


def from_now(**delta: float) -> str:
    return text_of(datetime.now(timezone.utc) + timedelta(**delta))


def created_at(merchant) -> str:
    """Of the only message."""
    (message,) = merchant.history().expect(200)["messagesResponses"]
    return message["createdAt"]


# Shapes


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_older_shape_has_no_message_info(merchant, prefix):
    """4.4: {"messagesResponses": [{"createdAt", "orderNotification"}]}; 4.1: both sets of paths."""
    merchant.publish_order("A")

    body = merchant.under(prefix).history().expect(200)

    assert list(body) == ["messagesResponses"]
    (message,) = body["messagesResponses"]
    assert set(message) == {"createdAt", "orderNotification"}
    assert message["orderNotification"] == order("A")["orderNotification"]


@NEW_SHAPE
def test_the_newer_shape_has_message_info_with_an_empty_handle(merchant):
    """4.4: nextPageToken, messages, messageInfo; the identifier is that of receiving."""
    merchant.publish({**order("A"), "merchantOrderNumber": "N-1", "requestId": "R-1"})
    ids = message_ids(merchant.receive())

    body = merchant.history().expect(200)

    assert set(body) == {"messages", "nextPageToken"} and body["nextPageToken"] == ""
    (message,) = body["messages"]
    assert set(message) == {"messageInfo", "createdAt", "orderNotification", "merchantOrderNumber", "requestId"}
    assert message["messageInfo"] == {"messageId": ids[0], "receiptHandle": ""}


@NEW_SHAPE
def test_the_newer_shape_without_messages(merchant):
    """4.7: present and empty."""
    assert merchant.history().expect(200) == {"messages": [], "nextPageToken": ""}


def test_reading_the_history_changes_nothing(merchant):
    """4.8/15: neither the state of deliveries nor what is received."""
    merchant.publish_orders(3)
    merchant.receive(maxNumberMessages=1, autoAck="true").expect(200)
    before = merchant.account.deliveries().expect(200)

    for _ in range(3):
        assert len(numbers(merchant.history())) == 3

    assert merchant.account.deliveries().expect(200) == before
    assert len(numbers(merchant.receive())) == 2


def test_messages_are_in_the_order_in_which_they_were_made(merchant):
    """4.4: ascending by createdAt, then id."""
    expected = merchant.publish_orders(60)
    answer = merchant.history()

    assert numbers(answer) == expected
    times = [message["createdAt"] for message in answer.body["messagesResponses"]]
    assert times == sorted(times)


def test_events_of_other_channels_are_not_in_it(merchant):
    """The history is of this queue: other types of events, and those that tell no notification, went elsewhere."""
    merchant.account.patch_channel(merchant.channel, events=["order.paid"]).expect(200)
    merchant.account.make_channel(kind="queue").expect(201)
    merchant.publish(order("other"), type="order.created")
    merchant.publish({"n": 1})
    merchant.publish_order("A")

    assert numbers(merchant.history()) == ["A"]


# Periods


def test_without_a_period_it_is_the_whole_window(merchant):
    """4.8/13 [C]: a missing start is the beginning of the window, a missing end is now."""
    merchant.publish_order("A")
    at = created_at(merchant)

    assert numbers(merchant.history(periodStart=at)) == ["A"]
    assert numbers(merchant.history(periodEnd=from_now(minutes=1))) == ["A"]
    assert numbers(merchant.history(periodEnd=at)) == []
    assert numbers(merchant.history(periodEnd=from_now(days=-40))) == []


def test_the_start_is_included_and_the_end_is_not(merchant):
    """4.4, 4.8/13: a message exactly on start and exactly on end, to the nanosecond."""
    merchant.publish_order("A")
    at = created_at(merchant)
    millisecond = at[:-1]
    before, after = from_now(minutes=-5), from_now(minutes=5)
    cases = [
        (at, after, True),
        (millisecond + "000Z", after, True),
        (millisecond + "000000Z", after, True),
        (millisecond + "000001Z", after, False),
        (millisecond + "999999Z", after, False),
        (before, at, False),
        (before, millisecond + "000000Z", False),
        (before, millisecond + "000001Z", True),
        (at, at, False),
        (at, millisecond + "000001Z", True),
        (millisecond + "000001Z", millisecond + "000002Z", False),
    ]

    for start, end, is_in_it in cases:
        assert numbers(merchant.history(periodStart=start, periodEnd=end)) == ["A"] * is_in_it, (start, end)


@pytest.mark.parametrize("digits", [0, 3, 6, 9])
def test_a_time_has_zero_three_six_or_nine_digits_of_a_second(merchant, digits):
    """4.8/13."""
    merchant.publish_order("A")
    now = datetime.now(timezone.utc)
    start, end = text_of(now - timedelta(minutes=5), digits), text_of(now + timedelta(minutes=5), digits)

    assert numbers(merchant.history(periodStart=start, periodEnd=end)) == ["A"]


@pytest.mark.parametrize("hours, minutes", [(2, 0), (-11, -30), (0, 0)])
def test_a_time_may_have_an_offset(merchant, hours, minutes):
    """4.8/13: +02:00."""
    merchant.publish_order("A")
    zone = timezone(timedelta(hours=hours, minutes=minutes))
    start = (datetime.now(zone) - timedelta(minutes=1)).isoformat()

    assert numbers(merchant.history(periodStart=start)) == ["A"]
    assert numbers(merchant.history(periodEnd=start)) == []


def test_a_period_of_no_length_is_empty(merchant):
    """4.8/13: start = end."""
    at = from_now(days=-1)

    assert merchant.history(periodStart=at, periodEnd=at).expect(200) == {"messagesResponses": []}


def test_a_period_that_ends_before_it_starts_is_refused(merchant):
    """4.8/13: start > end."""
    answer = merchant.history(periodStart=from_now(days=-1), periodEnd=from_now(days=-2))

    expect_status(answer, 400, 3, "periodEnd: ")


@pytest.mark.parametrize("name", ["periodStart", "periodEnd"])
@pytest.mark.parametrize("value", [
    "2026-04-05", "", "yesterday", "1700000000", "2026-04-05T00:00:00", "2026-13-05T00:00:00Z", "2026-04-05T25:00:00Z",
    "2026-04-05T00:00:00 02:00", "2026-04-05T00:00:00.Z", "2026-04-05T00:00:00+0200",
])
def test_a_time_that_is_none_is_refused(merchant, name, value):
    """4.8/13: only a date, and worse."""
    expect_status(merchant.history(**{name: value}), 400, 3, f"{name}: ")


def test_a_time_given_twice_is_refused(merchant):
    """4.6."""
    expect_status(merchant.history(periodStart=[from_now(days=-1)] * 2), 400, 3, "periodStart: ")


def test_a_start_before_the_window_is_refused(merchant):
    """4.8/14: 31 days ago; clients use 29."""
    expect_status(merchant.history(periodStart=from_now(days=-31)), 400, 3, "within the last 30d")
    expect_status(merchant.history(periodStart="1970-01-01T00:00:00Z"), 400, 3, "periodStart: ")
    merchant.history(periodStart=from_now(days=-29)).expect(200)


@pytest.mark.settings({"checkout": {"window": "2h"}})
def test_the_window_is_a_setting(merchant):
    """4.4."""
    expect_status(merchant.history(periodStart=from_now(hours=-3)), 400, 3, "within the last 2h")
    merchant.history(periodStart=from_now(hours=-1)).expect(200)


# Filters


@pytest.fixture
def of_three_types(merchant):
    for n in range(4):
        merchant.publish({"orderNotification": {"transactionReferenceNumber": f"O-{n}", "merchantOrderNumber": f"N-{n}"}})
        merchant.publish({"tokenNotification": {"token": f"T-{n}", "merchantOrderNumber": f"N-{n}"}})
        merchant.publish({"profileNotification": {"n": n}, "merchantOrderNumber": f"N-{n}"})
    return merchant


@pytest.mark.parametrize("word, member", [
    (ORDER, "orderNotification"), (TOKEN, "tokenNotification"), (PROFILE, "profileNotification"),
])
def test_one_type_of_notification_is_listed(of_three_types, word, member):
    """4.4: notificationType."""
    messages = of_three_types.history(notificationType=word).expect(200)["messagesResponses"]

    assert len(messages) == 4 and all(member in message for message in messages)


@pytest.mark.parametrize("word", ["ORDER", "notification_type_order", "NOTIFICATION_TYPE_ALL", "x"])
def test_a_type_that_there_is_not_is_refused(merchant, word):
    """A filter that is ignored would answer with the wrong list."""
    expect_status(merchant.history(notificationType=word), 400, 3, "notificationType: ")


def test_the_messages_about_one_order_are_listed(of_three_types):
    """4.4: merchantOrderNumber, wherever the notification has it; 4.5: one purchase may give several messages."""
    messages = of_three_types.history(merchantOrderNumber="N-2").expect(200)["messagesResponses"]
    tokens = of_three_types.history(merchantOrderNumber="N-2", notificationType=TOKEN).expect(200)

    assert [next(name for name in message if name.endswith("Notification")) for message in messages] == [
        "orderNotification", "tokenNotification", "profileNotification"]
    assert [message["tokenNotification"]["token"] for message in tokens["messagesResponses"]] == ["T-2"]
    assert of_three_types.history(merchantOrderNumber="n-2").expect(200) == {"messagesResponses": []}


def test_an_order_number_has_at_most_22_characters(merchant):
    """4.4."""
    merchant.publish({**order("A"), "merchantOrderNumber": "\u00e9" * 22})

    assert numbers(merchant.history(merchantOrderNumber="\u00e9" * 22)) == ["A"]
    expect_status(merchant.history(merchantOrderNumber="N" * 23), 400, 3, "merchantOrderNumber: ")


def test_empty_filters_are_none(merchant):
    """4.1: an empty string is as good as an absent one."""
    merchant.publish_order("A")

    assert numbers(merchant.history(merchantOrderNumber="", notificationType="", pageToken="")) == ["A"]


# Pages


def read_all(merchant, page_size: int) -> list[str]:
    return [number_of(message) for page in merchant.pages(pageSize=page_size) for message in page]


@BOTH_SHAPES
def test_pages_have_every_message_once(merchant_of_shape, shape):
    """4.4: pageSize, pageToken; the newest page's token is empty, or absent in the older shape."""
    merchant = merchant_of_shape
    expected = merchant.publish_orders(23)

    pages = list(merchant.pages(pageSize=5))

    assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
    assert [number_of(message) for page in pages for message in page] == expected


@BOTH_SHAPES
def test_pages_have_every_message_once_while_others_arrive(merchant_of_shape, shape):
    """4.4: what comes meanwhile is on a later page."""
    merchant = merchant_of_shape
    first = merchant.publish_orders(300)
    readings: list[list[str]] = []
    with ThreadPoolExecutor(1) as pool:
        filling = pool.submit(merchant.under("").publish_orders, 3000, 300)
        while not filling.done():
            readings.append(read_all(merchant, page_size=20))
        expected = first + filling.result()
    readings.append(read_all(merchant, page_size=250))

    assert readings[-1] == expected
    assert all(reading == expected[:len(reading)] for reading in readings)


def test_a_page_has_a_hundred_messages_unless_it_says_otherwise_and_250_at_most(merchant):
    """4.4: 100, as clients ask for."""
    merchant.publish_orders(260)

    assert len(numbers(merchant.history())) == 100
    assert len(numbers(merchant.history(pageSize=2**31))) == 250


@pytest.mark.parametrize("value", ["0", "-1", "abc", "", "1.5", ["1", "2"]])
def test_a_page_size_that_is_none_is_refused(merchant, value):
    """As the number of messages is, 4.2."""
    expect_status(merchant.history(pageSize=value), 400, 3, "pageSize: ")


@NEW_SHAPE
def test_a_page_that_ends_with_the_last_message_is_the_last_page(merchant):
    """4.4."""
    merchant.publish_orders(10)

    assert merchant.history(pageSize=10).expect(200)["nextPageToken"] == ""


def test_a_filtered_list_is_paged_too(merchant):
    """4.4: among many others, each once, whatever the size of the pages."""
    for n in range(6):
        merchant.publish_orders(400, first=1000 * n)
        merchant.publish({"tokenNotification": {"token": f"T-{n}"}})

    for size, count in ((1, 7), (4, 2), (100, 1)):
        pages = list(merchant.pages(notificationType=TOKEN, pageSize=size))
        found = [message for page in pages for message in page]
        assert [message["tokenNotification"]["token"] for message in found] == [f"T-{n}" for n in range(6)]
        assert len(pages) <= count


def test_a_page_that_has_looked_at_enough_is_empty_and_has_a_token(merchant):
    """4.4: one request looks at a bounded number of messages, whatever the filter."""
    merchant.publish_orders(4500)
    merchant.publish({"tokenNotification": {"token": "last"}})

    first, second = merchant.pages(notificationType=TOKEN)

    assert first == []
    assert [message["tokenNotification"]["token"] for message in second] == ["last"]


def test_a_filtered_page_goes_on_right_behind_its_last_message(of_three_types):
    """4.4: though more was looked at than the page has room for."""
    for size in (1, 2, 3):
        found = [message for page in of_three_types.pages(notificationType=PROFILE, pageSize=size) for message in page]
        assert [message["profileNotification"]["n"] for message in found] == [0, 1, 2, 3]


def test_pages_of_large_messages_are_bounded_in_bytes(merchant):
    """A page is short rather than large."""
    for n in range(8):
        merchant.publish_order(f"T-{n}", padding="x" * 200_000)

    pages = list(merchant.pages())

    assert len(pages) > 1
    assert [number_of(message) for page in pages for message in page] == [f"T-{n}" for n in range(8)]


@pytest.mark.parametrize("token", ["x", "0" * 32, "evt_0S9R4JBXC0000", "\u00fc", pytest.param("a" * 1000, id="long")])
def test_a_token_that_was_made_up_is_refused(merchant, token):
    """4.4: opaque."""
    expect_status(merchant.history(pageToken=token), 400, 3, "pageToken: ")


def test_a_token_of_another_merchant_is_refused(merchant, other_merchant):
    """4.8/11."""
    merchant.publish_orders(3)
    token = merchant.history(pageSize=1).expect(200)["nextPageToken"]

    expect_status(other_merchant.history(pageToken=token), 400, 3, "pageToken: ")
    assert numbers(merchant.history(pageToken=token)) == ["T-000001", "T-000002"]


def test_a_token_holds_for_good_and_through_a_restart(server, merchant):
    """A program may go on where it ended."""
    merchant.publish_orders(3)
    token = merchant.history(pageSize=2).expect(200)["nextPageToken"]
    server.restart()
    merchant.publish_orders(1, first=3)

    assert numbers(merchant.history(pageToken=token)) == ["T-000002", "T-000003"]
