#include "model/event.h"
#include "support/unit.h"

#include <string.h>

static struct event *make_event(struct slice data)
{
    return event_new(&(struct event_parts){
        .id = {7},
        .account = {8},
        .account_name = SLICE("shop-1"),
        .type = SLICE("order.created"),
        .content_type = SLICE("application/json"),
        .data = data,
        .external_id = SLICE("order-77"),
    });
}

static void holds_copies_of_all_it_was_made_of(UNUSED void **state)
{
    char data[] = "{\"total\": 1.000000}";
    struct event *event = make_event(slice_of(data));

    memset(data, 'x', sizeof data - 1);
    assert_int_equal(event->id.value, 7);
    assert_int_equal(event->account.value, 8);
    assert_slice_is(event->account_name, "shop-1");
    assert_slice_is(event->type, "order.created");
    assert_slice_is(event->content_type, "application/json");
    assert_slice_is(event->data, "{\"total\": 1.000000}");
    assert_slice_is(event->external_id, "order-77");
    event_release(event);
}

static void data_keeps_every_byte(UNUSED void **state)
{
    struct slice data = SLICE("a\0b\xff\n");
    struct event *event = make_event(data);

    assert_true(slice_equal(event->data, data));
    event_release(event);
}

static void what_is_absent_is_empty(UNUSED void **state)
{
    struct event *event = make_event(SLICE(""));

    assert_true(slice_is_empty(event->data));
    assert_true(slice_is_empty(event->client_ref));
    assert_true(slice_is_empty(event->server_ref));
    assert_true(slice_is_empty(event->notify_url));
    assert_true(slice_is_empty(event->attributes));
    event_release(event);
}

static void lives_until_its_last_reference_is_given_back(UNUSED void **state)
{
    struct event *event = make_event(SLICE("1"));

    assert_ptr_equal(event_hold(event), event);
    event_release(event);
    assert_slice_is(event->data, "1");
    event_release(event);
    event_release(NULL);
}

static void its_bytes_grow_with_its_data(UNUSED void **state)
{
    char data[1000];
    memset(data, 'x', sizeof data);
    struct event *small = make_event(SLICE(""));
    struct event *large = make_event(slice_from(data, sizeof data));

    assert_true(event_bytes(small) >= sizeof *small);
    assert_int_equal(event_bytes(large) - event_bytes(small), sizeof data);
    event_release(small);
    event_release(large);
}

static void a_type_is_segments_joined_by_single_dots(UNUSED void **state)
{
    static const char *const good[] = {"a", "order.created", "Order_2.paid-late.x", "0",
                                       "a.b.c.d.e"};
    static const char *const bad[] = {
        "",          ".",       ".a",          "a.",  "a..b", "order created",
        "order/new", "order.*", "caf\xc3\xa9", "a\n", "a.b\t"};
    struct diag diag;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(event_type_check(slice_of(good[i]), &diag), OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(event_type_check(slice_of(bad[i]), &diag), ERR_INVALID);
        assert_string_equal(diag.field, "type");
    }
    assert_int_equal(event_type_check(SLICE("a\0b"), &diag), ERR_INVALID);
}

static void a_type_has_128_bytes_at_most(UNUSED void **state)
{
    char text[EVENT_TYPE_BYTES_MAX + 1];
    struct diag diag;

    memset(text, 'a', sizeof text);
    assert_int_equal(event_type_check(slice_from(text, EVENT_TYPE_BYTES_MAX), &diag), OK);
    assert_int_equal(event_type_check(slice_from(text, sizeof text), &diag), ERR_LIMIT);
    assert_string_equal(diag.field, "type");
}

static void delivery_ids_follow_the_events_own(UNUSED void **state)
{
    struct id event = {UINT64_C(5) << 22};

    assert_int_equal(event_delivery_id(event, 0).value, id_offset(event, 1).value);
    assert_int_equal(event_delivery_id(event, 9999).value, id_offset(event, 10000).value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_copies_of_all_it_was_made_of),
        cmocka_unit_test(data_keeps_every_byte),
        cmocka_unit_test(what_is_absent_is_empty),
        cmocka_unit_test(lives_until_its_last_reference_is_given_back),
        cmocka_unit_test(its_bytes_grow_with_its_data),
        cmocka_unit_test(a_type_is_segments_joined_by_single_dots),
        cmocka_unit_test(a_type_has_128_bytes_at_most),
        cmocka_unit_test(delivery_ids_follow_the_events_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
