"""An order's data as XML (protocols, sections 2.3 and 2.6/16). Every answer is read by xmllint and by Python."""

from __future__ import annotations

import json

import pytest

from support.shopcart import NO_ORDER, orders

NOT_AS_XML = "The order's data cannot be told as XML"


def info_of(shop, id_: object = 5):
    return shop.read(str(id_)).expect_success().find("OrderInfo")


def publish_text(shop, text: str | bytes) -> None:
    """data that travels byte for byte."""
    shop.account.publish("order.created", data_text=text).expect(202)


def publish_as(shop, content_type: str, body: bytes) -> None:
    attributes = {"specversion": "1.0", "id": body.hex()[:200], "source": "/shop", "type": "order.created"}
    shop.account.publish_binary_cloudevent(attributes, body, content_type).expect(202)


def read_newest(shop):
    return shop.read(orders(shop.get("/Orders/LIST").expect_success())[0])


def test_an_order_looks_like_the_samples(shop):
    """2.3: elements in their order, arrays with their items, amounts as they were written."""
    publish_text(shop, """{"Id": 90000002, "MerchantId": 700123, "OrderStatusType": "Accepted", "GrandTotal": 49.90,
        "IsRecurring": false, "LineItems": [{"ProductId": 31, "Sku": "ROPE-10", "Quantity": 2, "UnitPrice": 20.00}],
        "ShippingInfo": {"ShippingMethodName": "Ground", "ShippingAmount": 9.90}, "Comments": null}""")

    raw = shop.read("90000002").raw.decode()

    assert raw == (
        '<Response success="true" xmlns:xlink="http://www.w3.org/1999/xlink">'
        '<OrderInfo xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        "<Id>90000002</Id><MerchantId>700123</MerchantId><OrderStatusType>Accepted</OrderStatusType>"
        "<GrandTotal>49.90</GrandTotal><IsRecurring>0</IsRecurring><LineItems><LineItemInfo><ProductId>31</ProductId>"
        "<Sku>ROPE-10</Sku><Quantity>2</Quantity><UnitPrice>20.00</UnitPrice></LineItemInfo></LineItems>"
        "<ShippingInfo><ShippingMethodName>Ground</ShippingMethodName><ShippingAmount>9.90</ShippingAmount>"
        "</ShippingInfo><Comments></Comments></OrderInfo></Response>")


def test_the_merchant_and_the_id_are_there_whatever_the_data_says(shop):
    """2.3: known members."""
    shop.order(OrderId=5)

    assert [(member.tag, member.text) for member in info_of(shop)] == [("Id", "5"), ("MerchantId", "700123"),
                                                                      ("OrderId", "5")]


def test_items_are_named_after_their_array(shop):
    """2.3: LineItems/LineItemInfo; the rule is in docs."""
    names = {"LineItems": "LineItemInfo", "UpsellOrders": "UpsellOrderInfo", "Categories": "CategoryInfo",
             "Address": "AddressInfo"}
    shop.order(Id=5, **{array: ["a", {"b": 1}, [2], None] for array in names})
    info = info_of(shop)

    for array, item in names.items():
        found = info.find(array)
        assert [each.tag for each in found] == [item] * 4
        assert found[0].text == "a" and found[1].findtext("b") == "1" and found[2][0].text == "2"


TEXTS = ["a & b", "<b>bold</b>", "it's \"quoted\"", "]]>", "<![CDATA[x]]>", "<!-- x -->", "<?php x ?>", "&amp;", "&#0;",
         "Grüße, 東京, 🚢", " spaces ", "tab\tline\nend", "carriage\r\nreturn", "\u2028", "\ud7ff\ue000\ufffd", "'"]


def test_every_text_comes_out_as_it_went_in(shop):
    """2.6/16: &, <, quotes, ]]> and non-ASCII."""
    for number, text in enumerate(TEXTS):
        shop.order(Id=number, Note=text, Items=[text])
        info = info_of(shop, number)
        assert info.findtext("Note") == info.findtext("Items/ItemInfo") == text


def test_what_xml_cannot_hold_is_replaced(shop):
    """2.6/16: well-formed whatever the data."""
    publish_text(shop, r'{"Id": 5, "Note": "a\u0000b\u0007c\ufffed\u001b"}')

    assert info_of(shop).findtext("Note") == "a\ufffdb\ufffdc\ufffdd\ufffd"


NAMES = ["a b", "1st", "a<b", "", "xml", "XmlLang", "xmlns:x", "é", "-", "a:b", "a.b-c_d", "x/y", "&", "東京", "]]>",
         "\0"]


def test_every_name_becomes_one_of_an_element(shop):
    """2.6/16: well-formed whatever the data."""
    for number, name in enumerate(NAMES):
        publish_text(shop, json.dumps({"Id": number, name: "value", "Items": [{name: "value"}]}))
        info = info_of(shop, number)
        assert info[2].text == info.find("Items/ItemInfo")[0].text == "value", list(info)


JSON_TEXTS = ['"text"', "5", "null", "true", "[]", "[1, [2, [3]]]", '[{"a": 1}]', "{}", '{"a": {}}', '{"a": [[[[]]]]}',
              "[" * 60 + "]" * 60, '{"a":' * 60 + "1" + "}" * 60, '{"Id": {"x": 1}}', '{"Id": [1, 2]}',
              '{"MerchantId": []}']


def test_any_json_makes_well_formed_xml(shop):
    """2.6/16: whatever the data."""
    for text in JSON_TEXTS:
        publish_text(shop, text)
        read_newest(shop).expect_success()


def test_numbers_keep_their_text(shop):
    """2.3: amounts are decimal text, not binary fractions."""
    publish_text(shop, '{"Id": 5, "A": 1.50, "B": 123456789012345678901234567890, "C": 1e400, "D": -0.0}')

    assert [member.text for member in info_of(shop)] == ["700123", "5", "1.50", "123456789012345678901234567890",
                                                         "1e400", "-0.0"]


def test_a_large_order_comes_whole(shop):
    """2.6/16: a thousand lines."""
    shop.order(Id=5, LineItems=[{"Sku": f"S-{number}", "Name": "x" * 100} for number in range(1000)])

    items = info_of(shop).findall("LineItems/LineItemInfo")

    assert [item.findtext("Sku") for item in items] == [f"S-{number}" for number in range(1000)]


def test_data_that_would_swell_beyond_all_limits_is_refused(shop, server):
    """2.6/16: a long name for each of very many items."""
    name = "n" * 100_000
    with server.memory_grows_by_less_than(150_000_000):
        publish_text(shop, '{"Id": 5, "%s": [%s0]}' % (name, "0," * 60_000))
        shop.read("5").expect_error(NOT_AS_XML)


# XML data


@pytest.mark.parametrize("content_type", ["text/xml", "application/xml; charset=utf-8", "application/vnd.order+xml"])
def test_xml_data_goes_through_as_it_is(shop, content_type):
    """2.3: inside Response, without its declaration."""
    inner = '<OrderInfo a=\'1\'><Id>5</Id><!-- x --><N xmlns:n="urn:n"><n:x/>&#233;<![CDATA[<&]]></N></OrderInfo>'
    publish_as(shop, content_type, f'\ufeff<?xml version="1.0" encoding="UTF-8"?>{inner}'.encode())

    reply = shop.read("5")

    assert reply.raw.decode() == (
        f'<Response success="true" xmlns:xlink="http://www.w3.org/1999/xlink">{inner}</Response>')
    assert orders(shop.get("/Orders/LIST").expect_success()) == ["5"]


BROKEN_XML = [
    b"<OrderInfo><Id>5</Id>", b"<Id>5</Id><Id>5</Id>", b"5", b"<O>\xff</O>", b"<O>&nbsp;</O>", b"</Response>",
    b'<!DOCTYPE O [<!ENTITY e SYSTEM "file:///etc/hostname">]><O>&e;</O>', b"<!DOCTYPE O><O/>",
    b'<?xml version="1.0" encoding="ISO-8859-1"?><O>\xe9</O>', b"<O/></Response><Response success='true'>",
    b"<x:O/>", b"<O xlink:href='x'/>",
]


def test_xml_data_that_is_none_is_an_error(shop):
    """2.3: well-formed with one root, no DTD, no prefix but its own."""
    for body in BROKEN_XML:
        publish_as(shop, "text/xml", body)
        read_newest(shop).expect_error(NOT_AS_XML)


def test_other_text_and_bytes_have_an_element_each(shop):
    """2.6/16: well-formed whatever the data."""
    publish_as(shop, "text/plain", "5 < 6 & é".encode())
    assert read_newest(shop).expect_success().findtext("OrderInfo/Data") == "5 < 6 & é"
    publish_as(shop, "application/octet-stream", b"\x00\xff\xfe")
    assert read_newest(shop).expect_success().findtext("OrderInfo/DataBase64") == "AP/+"


def test_an_order_that_never_was_has_no_data(shop):
    """2.3: success is false."""
    shop.read("5").expect_error(NO_ORDER)
