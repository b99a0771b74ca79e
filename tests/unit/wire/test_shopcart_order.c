#include "base/mem.h"
#include "support/unit.h"
#include "wire/shopcart/order_detail.h"

#define SPACES                                                                                     \
    " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "                                    \
    "xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\""

static struct order_data data;
static struct event event;
static struct buf out;

static int set_up(UNUSED void **state)
{
    buf_init(&out, 1024 * 1024);
    return 0;
}

static int tear_down(UNUSED void **state)
{
    order_data_close(&data);
    buf_clear(&out);
    return 0;
}

static void open_as(const char *content_type, const char *text)
{
    order_data_close(&data);
    buf_reset(&out);
    event = (struct event){.content_type = slice_of(content_type), .data = slice_of(text)};
    order_data_open(&data, &event);
}

static void assert_number(const char *content_type, const char *text, const char *expected)
{
    open_as(content_type, text);
    assert_int_equal(order_data_number(&data, &out), expected != NULL);
    assert_slice_is(buf_view(&out), expected);
}

static void assert_detail(const char *content_type, const char *text, const char *expected)
{
    open_as(content_type, text);
    order_detail_put(&data, SLICE("n"), SLICE("7"), &out);
    assert_slice_is(buf_view(&out), expected);
}

static void an_orders_number_is_a_text_or_a_number_called_id(UNUSED void **state)
{
    assert_number("application/json", "{\"Id\":90000001}", "90000001");
    assert_number("application/json", "{\"Id\":\"A-1\\u00e9\"}", "A-1\u00e9");
    assert_number("application/json", "{\"OrderId\":5}", "5");
    assert_number("application/json", "{\"OrderId\":5,\"Id\":6}", "6");
    assert_number("application/json", "{\"OrderId\":5,\"Id\":null}", "5");
    assert_number("application/vnd.order+json; v=1", "{\"Id\":1}", "1");
    assert_number("text/xml; charset=utf-8", "<order><Id>A&amp;1</Id></order>", "A&1");
    assert_number("application/order+xml", "<?xml version=\"1.0\"?><o><OrderId>9</OrderId></o>",
                  "9");
}

static void what_names_nothing_has_no_number(UNUSED void **state)
{
    assert_number("application/json", "{\"Id\":\"\"}", NULL);
    assert_number("application/json", "{\"Id\":{\"Id\":1}}", NULL);
    assert_number("application/json", "{\"Id\":true}", NULL);
    assert_number("application/json", "{\"Id\":\"a\\nb\"}", NULL);
    assert_number("application/json", "{\"id\":1}", NULL);
    assert_number("application/json", "[1]", NULL);
    assert_number("text/plain", "{\"Id\":1}", NULL);
    assert_number("text/xml", "<o><Id><Id>1</Id></Id></o>", NULL);
    assert_number("text/xml", "<o><Id>1</Id>", NULL);
    /* 65 bytes; one less is a number. */
    assert_number("application/json",
                  "{\"Id\":\"12345678901234567890123456789012345678901234567890123456789012345\"}",
                  NULL);
    assert_number("application/json",
                  "{\"Id\":\"1234567890123456789012345678901234567890123456789012345678901234\"}",
                  "1234567890123456789012345678901234567890123456789012345678901234");
}

static void types_tell_of_orders_by_their_element(UNUSED void **state)
{
    static const struct shopcart_type types[] = {
        {SLICE("order.created"), SLICE("NewOrder"), SLICE("Token")},
        {SLICE("order.status"), SLICE("OrderStatusChange"), SLICE("Id")},
        {SLICE("recurring.status"), SLICE("RecurringOrderStatusChange"), SLICE("Id")},
    };
    const struct shopcart_settings settings = {.types = types, .types_len = ARRAY_LEN(types)};

    assert_ptr_equal(order_type(&settings, SLICE("order.status")), &types[1]);
    assert_null(order_type(&settings, SLICE("order")));
    assert_null(order_type(&settings, SLICE("Order.created")));
    assert_true(order_is_announced(&types[0]) && order_is_told(&types[0]));
    assert_true(!order_is_announced(&types[1]) && order_is_told(&types[1]));
    assert_true(!order_is_announced(&types[2]) && !order_is_told(&types[2]));
}

static void items_are_named_after_their_array(UNUSED void **state)
{
    static const char *const names[][2] = {
        {"LineItems", "LineItemInfo"},  {"UpsellOrders", "UpsellOrderInfo"},
        {"Categories", "CategoryInfo"}, {"Address", "AddressInfo"},
        {"Data", "DataInfo"},           {"s", "sInfo"},
        {"LINEITEMS", "LINEITEMInfo"},  {"ies", "ieInfo"},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        buf_reset(&out);
        order_item_name(slice_of(names[i][0]), &out);
        assert_slice_is(buf_view(&out), names[i][1]);
    }
}

static void an_object_becomes_its_members(UNUSED void **state)
{
    assert_detail("application/json",
                  "{\"Id\":1,\"MerchantId\":\"7\",\"GrandTotal\":49.90,"
                  "\"LineItems\":[{\"Sku\":\"R&D\"},{\"Sku\":\"<2>\"}],\"Notes\":[]}",
                  "<OrderInfo" SPACES "><Id>1</Id><MerchantId>7</MerchantId>"
                  "<GrandTotal>49.90</GrandTotal><LineItems>"
                  "<LineItemInfo><Sku>R&amp;D</Sku></LineItemInfo>"
                  "<LineItemInfo><Sku>&lt;2&gt;</Sku></LineItemInfo></LineItems>"
                  "<Notes></Notes></OrderInfo>");
    assert_detail("application/json", "{\"OrderId\":5}",
                  "<OrderInfo" SPACES "><Id>n</Id><MerchantId>7</MerchantId>"
                  "<OrderId>5</OrderId></OrderInfo>");
}

static void whatever_else_it_is_stands_in_one_element(UNUSED void **state)
{
    assert_detail("application/json", "[1,\"]]>\"]",
                  "<OrderInfo" SPACES "><Id>n</Id><MerchantId>7</MerchantId>"
                  "<Data><DataInfo>1</DataInfo><DataInfo>]]&gt;</DataInfo></Data></OrderInfo>");
    assert_detail("text/plain", "5 < 6",
                  "<OrderInfo" SPACES "><Id>n</Id><MerchantId>7</MerchantId>"
                  "<Data>5 &lt; 6</Data></OrderInfo>");
    assert_detail("image/png", "\xff\xfe",
                  "<OrderInfo" SPACES "><Id>n</Id><MerchantId>7</MerchantId>"
                  "<DataBase64>//4=</DataBase64></OrderInfo>");
}

static void xml_goes_through_without_its_declaration(UNUSED void **state)
{
    assert_detail("text/xml", "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<o a='1'><!-- x -->\n</o>\n",
                  "\n<o a='1'><!-- x -->\n</o>\n");
    assert_detail("text/xml", "<?xml-stylesheet href='a?'?><o/>",
                  "<?xml-stylesheet href='a?'?><o/>");
    assert_detail("application/xml", "<o>&#233;</o>", "<o>&#233;</o>");
}

static void what_says_that_it_is_xml_and_is_not_is_broken(UNUSED void **state)
{
    static const char *const broken[] = {
        "<a>",
        "<a/><b/>",
        "text",
        "<a>&nbsp;</a>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
        "<a>\xff</a>",
        "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
        "<x:a/>",
        "<a x:b=''/>",
    };

    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        open_as("text/xml", broken[i]);
        assert_int_equal(data.form, ORDER_BROKEN);
    }
}

static void what_retention_removed_is_gone_and_unnumbered(UNUSED void **state)
{
    assert_number("application/json", "", NULL);
    assert_int_equal(data.form, ORDER_GONE);
    assert_number("text/xml", "", NULL);
    assert_int_equal(data.form, ORDER_GONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_orders_number_is_a_text_or_a_number_called_id),
        cmocka_unit_test(what_names_nothing_has_no_number),
        cmocka_unit_test(types_tell_of_orders_by_their_element),
        cmocka_unit_test(items_are_named_after_their_array),
        cmocka_unit_test(an_object_becomes_its_members),
        cmocka_unit_test(whatever_else_it_is_stands_in_one_element),
        cmocka_unit_test(xml_goes_through_without_its_declaration),
        cmocka_unit_test(what_says_that_it_is_xml_and_is_not_is_broken),
        cmocka_unit_test(what_retention_removed_is_gone_and_unnumbered),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
