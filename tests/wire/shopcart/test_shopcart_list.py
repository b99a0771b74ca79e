"""Orders/LIST and Orders/COUNT (protocols, section 2.3)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from support.shopcart import HREF, next_parameters, orders

DAY = timedelta(days=1)


def day(at: datetime) -> str:
    return at.strftime("%m/%d/%Y")


def second(at: datetime) -> str:
    return at.strftime("%m/%d/%Y %H:%M:%S")


def count(shop, **parameters) -> int:
    return int(shop.get("/Orders/COUNT", **parameters).expect_success().findtext("Count"))


def listed(shop, **parameters) -> list[str]:
    return orders(shop.get("/Orders/LIST", **parameters).expect_success())


def created(shop, event: str) -> datetime:
    return datetime.fromisoformat(shop.account.event(event).expect(200)["created_at"])


# Parts


def test_a_part_names_the_next(shop):
    """2.3: NextRecordSet repeats the parameters for the next call."""
    shop.make_orders([90000001, 90000002, 90000003])

    reply = shop.post("/Orders/LIST", LimitCount=2)

    base = f"{shop.account.api.url}/API/700123/Orders"
    assert reply.raw.decode() == (
        '<Response success="true" xmlns:xlink="http://www.w3.org/1999/xlink">'
        "<NextRecordSet><LimitCount>2</LimitCount><LimitOffset>2</LimitOffset></NextRecordSet>"
        f'<Orders><Order xlink:href="{base}/90000003">90000003</Order>'
        f'<Order xlink:href="{base}/90000002">90000002</Order></Orders></Response>')


def test_all_parts_together_are_each_order_once(shop):
    """2.3: until there is no NextRecordSet."""
    shop.make_orders(range(1, 26))

    for part in (1, 7, 24, 25, 26, 100):
        assert shop.list_all(LimitCount=part) == [str(number) for number in range(25, 0, -1)]


def test_the_next_part_keeps_dates_and_order(shop):
    """2.3: count, offset, dates, sort."""
    shop.make_orders(range(5))
    today = datetime.now(timezone.utc)
    given = {"LimitStartDate": day(today - DAY), "LimitEndDate": second(today + DAY), "SortColumn": "GrandTotal",
             "SortOrder": "desc"}

    root = shop.post("/Orders/LIST", LimitCount="03", **given).expect_success()

    assert next_parameters(root) == {"LimitCount": "3", "LimitOffset": "3", **given}


def test_there_is_no_next_when_the_last_one_was_shown(shop):
    """2.3: only when more records exist."""
    shop.make_orders(range(4))

    for offset, has_more in ((0, True), (1, True), (2, False), (3, False), (4, False)):
        root = shop.get("/Orders/LIST", LimitCount=2, LimitOffset=offset).expect_success()
        assert (next_parameters(root) is not None) == has_more


def test_beyond_the_end_the_list_is_empty(shop):
    """2.6/14: an empty list, no NextRecordSet."""
    shop.make_orders(range(3))

    for offset in (3, 4, 1000, 2**31, 2**62):
        root = shop.get("/Orders/LIST", LimitOffset=offset).expect_success()
        assert orders(root) == [] and root.find("Orders") is not None and root.find("NextRecordSet") is None


def test_without_orders_the_list_is_empty(shop):
    """2.6/14: it is a list all the same."""
    assert listed(shop) == [] and count(shop) == 0


def test_at_most_a_hundred_come_at_once(shop):
    """2.3: at most 100, also when no number is given."""
    shop.make_orders(range(101))

    assert len(listed(shop)) == len(listed(shop, LimitCount=100)) == 100
    assert len(shop.list_all()) == count(shop) == 101


def test_a_count_is_from_1_to_100(shop):
    """2.6/14: 0, 101, -1, abc."""
    for value in ("0", "101", "-1", "abc", "1.5", "1e1", "99999999999999999999", "0x10", "ten"):
        shop.get("/Orders/LIST", LimitCount=value).expect_error("LimitCount must be")
        shop.post("/Orders/LIST", LimitCount=value).expect_error("LimitCount must be")
    for value in ("1", "100", "007"):
        shop.get("/Orders/LIST", LimitCount=value).expect_success()


def test_an_offset_is_not_negative(shop):
    """2.3: an integer."""
    for value in ("-1", "abc", "1.5", "99999999999999999999"):
        shop.get("/Orders/LIST", LimitOffset=value).expect_error("LimitOffset must be")


def test_empty_parameters_are_as_good_as_none(shop):
    """2.3: a wrapper sends all it knows."""
    shop.make_orders(range(3))
    names = ["LimitCount", "LimitOffset", "LimitStartDate", "LimitEndDate", "SortColumn", "SortOrder"]
    empty = dict.fromkeys(names, "")

    assert len(listed(shop, **empty)) == 3
    assert orders(shop.post("/Orders/LIST", **empty, LimitClient="").expect_success()) == listed(shop)


# What is in it


def test_an_order_of_several_events_is_one(shop):
    """2.3: records are orders; the newest event counts."""
    for id_ in (1, 2, 1, "1", 3):
        shop.order(Id=id_)

    assert listed(shop) == ["3", "1", "2"]
    assert count(shop) == 3
    assert shop.list_all(LimitCount=1) == ["3", "1", "2"]


@pytest.mark.settings({"shopcart.types": {"order.created": "NewOrder Token", "order.imported": "NewOrder Token",
                                          "order.status": "OrderStatusChange Id"}})
def test_only_what_announces_an_order_is_listed(shop):
    """2.3: of several types that do, and between other news."""
    for number, type in enumerate(["order.created", "invoice.paid", "order.status", "order.imported"]):
        shop.account.publish(type, {"Id": number}).expect(202)

    assert listed(shop) == ["3", "0"]


def test_orders_are_found_among_much_else(shop):
    """2.3: the store is looked through in slices."""
    others = [{"account": shop.account.name, "type": "stock.changed", "data": number} for number in range(1000)]
    for id_ in range(6):
        shop.order(Id=id_)
        shop.account.api.batch(others).expect(200)

    assert listed(shop) == ["5", "4", "3", "2", "1", "0"]
    assert shop.list_all(LimitCount=2) == listed(shop)
    assert count(shop) == 6


# Dates


def test_dates_without_time_are_whole_days(shop):
    """2.6/15: UTC, the last day included."""
    at = created(shop, shop.order(Id=1))

    assert count(shop, LimitStartDate=day(at), LimitEndDate=day(at)) == 1
    assert count(shop, LimitEndDate=day(at - DAY)) == 0
    assert count(shop, LimitStartDate=day(at + DAY)) == 0
    assert count(shop, LimitStartDate=day(at - 30 * DAY), LimitEndDate=day(at + 30 * DAY)) == 1


def test_dates_with_time_are_whole_seconds(shop):
    """2.6/15: both ends included."""
    at = created(shop, shop.order(Id=1))
    before, after = at - timedelta(seconds=1), at + timedelta(seconds=1)

    assert count(shop, LimitStartDate=second(at), LimitEndDate=second(at)) == 1
    assert listed(shop, LimitStartDate=second(before), LimitEndDate=day(at)) == ["1"]
    assert count(shop, LimitEndDate=second(before)) == 0
    assert count(shop, LimitStartDate=second(after)) == 0


def test_dates_count_in_a_body_too(shop):
    """2.3: two equivalent ways."""
    at = created(shop, shop.order(Id=1))

    assert orders(shop.post("/Orders/LIST", LimitStartDate=second(at)).expect_success()) == ["1"]
    assert orders(shop.post("/Orders/LIST", LimitStartDate=day(at + DAY)).expect_success()) == []


def test_an_end_before_the_start_is_refused(shop):
    """2.6/15: end before start."""
    for start, end in (("02/02/2026", "02/01/2026"), ("02/02/2026 10:00:01", "02/02/2026 10:00:00"),
                       ("02/02/2026", "02/01/2026 23:59:59")):
        for path in ("/Orders/LIST", "/Orders/COUNT"):
            reply = shop.get(path, LimitStartDate=start, LimitEndDate=end)
            reply.expect_error("LimitEndDate must not be before")


BAD_DATES = ("02/30/2026", "13/01/2026", "00/01/2026", "2026-02-03", "2/3/2026", "02/03/26", "02/03/2026 25:00:00",
             "02/03/2026 10:00", "02/03/2026T10:00:00", "02/29/2025", "yesterday", "02/03/2026 10:00:00 +02:00",
             "\uff112/03/2026")


def test_a_date_is_one_of_the_calendar_in_its_form(shop):
    """2.6/15: 02/30; 2.3: MM/dd/yyyy with optional HH:mm:ss."""
    for date in BAD_DATES:
        shop.get("/Orders/LIST", LimitStartDate=date).expect_error("LimitStartDate and LimitEndDate must be")
        shop.post("/Orders/LIST", LimitEndDate=date).expect_error("LimitStartDate and LimitEndDate must be")


def test_dates_far_away_are_dates(shop):
    """2.3: any year of four digits."""
    shop.order(Id=1)

    assert [count(shop, LimitStartDate=start) for start in ("01/01/1970", "01/01/0001", "12/31/9998")] == [1, 1, 0]


# Order


TOTALS = {"a": "49.90", "b": 49.9, "c": 100, "d": "-5", "e": None, "f": "0.1", "g": "1e2", "h": "90071992547409920.1",
          "i": "90071992547409920.2", "j": "a lot"}


@pytest.fixture
def priced_shop(shop):
    for id_, total in TOTALS.items():
        shop.order(Id=id_, **({} if total is None else {"GrandTotal": total}))
    return shop


def test_grand_totals_are_compared_as_the_decimal_numbers_they_are(priced_shop):
    """2.3: SortColumn GrandTotal. Equal ones newest first, those without a number at the end."""
    assert listed(priced_shop, SortColumn="GrandTotal") == list("dfba" "gc" "hi" "je")
    assert listed(priced_shop, SortColumn="GrandTotal", SortOrder="ASC") == list("dfbagchije")
    assert listed(priced_shop, SortColumn="grandtotal", SortOrder="desc") == list("ihgcbafdje")


def test_a_sorted_list_comes_in_parts_too(priced_shop):
    """2.3: each order once, in order."""
    for part in (1, 3, 9):
        assert priced_shop.list_all(SortColumn="GrandTotal", LimitCount=part) == list("dfbagchije")


def test_without_a_column_the_order_is_by_time(shop):
    """2.3: newest first; ASC turns it round."""
    shop.make_orders(range(5))

    assert listed(shop, SortOrder="DESC") == listed(shop) == ["4", "3", "2", "1", "0"]
    assert listed(shop, SortOrder="ASC") == ["0", "1", "2", "3", "4"]
    assert shop.list_all(SortOrder="asc", LimitCount=2) == ["0", "1", "2", "3", "4"]


def test_other_orders_are_refused(shop):
    """2.3: Orders have GrandTotal; ASC, DESC."""
    shop.get("/Orders/LIST", SortColumn="LastName").expect_error("SortColumn must be")
    shop.get("/Orders/LIST", SortColumn="GrandTotal DESC").expect_error("SortColumn must be")
    shop.get("/Orders/LIST", SortOrder="UP").expect_error("SortOrder must be")
    shop.get("/Orders/LIST", SortColumn="GrandTotal", SortOrder="1").expect_error("SortOrder must be")


# Counting


def test_a_count_is_of_all_parts(shop):
    """2.3: COUNT takes dates; what cuts a list into parts changes nothing."""
    shop.make_orders(range(12))

    assert count(shop) == count(shop, LimitCount=5, LimitOffset=7) == 12
    shop.get("/Orders/COUNT", LimitCount=0).expect_error("LimitCount")


def test_a_period_with_too_many_orders_is_refused(shop, server):
    """2.3: what has to look at all of them does not go on without end; the newest are there all the same."""
    with server.memory_grows_by_less_than(250_000_000):
        shop.make_orders(range(100_001))
        shop.get("/Orders/COUNT").expect_error("Too many orders")
        shop.get("/Orders/LIST", SortColumn="GrandTotal").expect_error("Too many orders")

    assert listed(shop, LimitCount=2) == ["100000", "99999"]
    assert count(shop, LimitStartDate=day(datetime.now(timezone.utc) + 2 * DAY)) == 0


def test_parts_stay_right_while_orders_arrive(shop):
    """2.3: oldest first nothing is moved by what comes, so each order is in the list once."""
    shop.make_orders(range(30))
    found, wanted, arrived = [], {"LimitCount": 7, "SortOrder": "ASC"}, 30
    while wanted:
        root = shop.post("/Orders/LIST", **wanted).expect_success()
        found += orders(root)
        wanted = next_parameters(root)
        if arrived < 40:
            shop.order(Id=arrived)
            arrived += 1

    assert len(found) >= 30 and found == [str(number) for number in range(len(found))]


def test_links_lead_to_the_orders(shop):
    """2.3: xlink:href."""
    shop.order(Id=5, GrandTotal="1.00")
    (order,) = shop.get("/Orders/LIST").expect_success().findall("Orders/Order")
    path = order.get(HREF).partition(shop.path)[2]

    assert shop.get(path).expect_success().findtext("OrderInfo/GrandTotal") == "1.00"
