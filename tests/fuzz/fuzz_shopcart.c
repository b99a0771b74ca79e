/*
 * Whatever an event's data is, an order's detail is well-formed XML within a Response, and the
 * number by which it is found can be told. The first byte chooses what the data says that it is.
 * Dates, limits and amounts are read from the same bytes: what is accepted stays within its bounds.
 */
#include "base/xml.h"
#include "wire/shopcart/decimal.h"
#include "wire/shopcart/order_detail.h"
#include "wire/shopcart/shop_limits.h"

#include <assert.h>
#include <stdint.h>

enum { DETAIL_BYTES_MAX = 8 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_well_formed(const struct order_data *order, struct slice number)
{
    /* Two levels more than the data has, and twice for arrays in arrays. */
    const struct xml_limits limits = {
        .depth_max = XML_DEPTH_MAX, .nodes_max = UINT32_MAX, .checks_namespaces = true};
    struct xml_doc *doc = NULL;
    struct buf out;

    buf_init(&out, DETAIL_BYTES_MAX);
    buf_text(&out, "<Response>");
    order_detail_put(order, number, SLICE("700123"), &out);
    buf_text(&out, "</Response>");
    if (buf_check(&out) == OK) {
        assert(xml_parse(buf_view(&out), &limits, &doc, NULL) == OK);
        assert(xml_exists(xml_first(xml_root(doc))));
    }
    xml_doc_free(doc);
    buf_clear(&out);
}

static void check_order(struct slice content_type, struct slice bytes)
{
    const struct event event = {.content_type = content_type, .data = bytes};
    struct order_data order;
    struct buf number;

    buf_init(&number, ORDER_NUMBER_BYTES_MAX);
    order_data_open(&order, &event);
    if (order_data_number(&order, &number)) {
        assert(number.len > 0 && number.len <= ORDER_NUMBER_BYTES_MAX);
    }
    if (order.form != ORDER_GONE && order.form != ORDER_BROKEN) {
        check_well_formed(&order, buf_view(&number));
    }
    order_data_close(&order);
    buf_clear(&number);
}

static void check_limits(struct slice text)
{
    struct shop_limits limits = {.count = 0};

    for (size_t i = 0; i < SHOP_PARAMETER_END; i++) {
        limits.given[i] = SLICE("");
    }
    for (size_t i = 0; i < SHOP_PARAMETER_END; i++) {
        struct slice before = limits.given[i];

        limits.given[i] = text;
        if (shop_limits_read(&limits) == SHOP_OK) {
            assert(limits.count >= 1 && limits.count <= SHOP_LIMIT_COUNT_MAX);
            assert(limits.from.value <= limits.to.value);
        }
        limits.given[i] = before;
    }
}

static void check_amount(struct slice text)
{
    struct decimal amount;

    if (decimal_parse(text, &amount) == OK) {
        assert(amount.digits_len <= DECIMAL_DIGITS_MAX);
        assert(decimal_compare(&amount, &amount) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct slice content_types[] = {SLICE("application/json"), SLICE("text/xml"),
                                                 SLICE("text/plain")};

    if (len > 0) {
        struct slice bytes = slice_from(data + 1, len - 1);

        check_order(content_types[data[0] % ARRAY_LEN(content_types)], bytes);
        check_limits(bytes);
        check_amount(bytes);
    }
    return 0;
}
