#include "support/unit.h"
#include "wire/checkout/notification.h"

struct reading {
    struct event *event;
    struct json_doc doc;
    struct notification notification;
    struct diag diag;
    enum err err;
};

/* In place: what was read points into the document. */
static void read_event(struct reading *reading, const char *type, const char *content_type,
                       const char *data)
{
    *reading = (struct reading){
        .event = event_new(&(struct event_parts){.type = slice_of(type),
                                                 .content_type = slice_of(content_type),
                                                 .data = slice_of(data)}),
    };
    json_doc_init(&reading->doc);
    reading->err =
        notification_read(&reading->doc, reading->event, &reading->notification, &reading->diag);
}

static void read_data(struct reading *reading, const char *data)
{
    read_event(reading, "order.paid", "application/json", data);
}

static void forget(struct reading *reading)
{
    json_doc_clear(&reading->doc);
    event_release(reading->event);
}

static void each_type_is_found_by_its_member(UNUSED void **state)
{
    static const struct {
        const char *data;
        enum notification_type type;
    } cases[] = {
        {"{\"orderNotification\":{ \"a\":1.00 }}", NOTIFICATION_ORDER},
        {"{\"x\":[],\"tokenNotification\":{ \"a\":1.00 }}", NOTIFICATION_TOKEN},
        {"{\"profileNotification\":{ \"a\":1.00 },\"orderNotification\":null}",
         NOTIFICATION_PROFILE},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading reading;

        read_data(&reading, cases[i].data);
        assert_int_equal(reading.err, OK);
        assert_int_equal(reading.notification.type, cases[i].type);
        assert_slice_is(json_raw(reading.notification.body), "{ \"a\":1.00 }");
        assert_true(notification_is_in(reading.event, NULL));
        forget(&reading);
    }
}

static void what_has_not_exactly_one_is_no_notification(UNUSED void **state)
{
    static const char *const cases[] = {
        "", /* retention has removed it */
        "1",
        "[]",
        "{}",
        "\"orderNotification\"",
        "[{\"orderNotification\":{}}]",
        "{\"orderNotification\":[]}",
        "{\"orderNotification\":null}",
        "{\"OrderNotification\":{}}",
        "{\"data\":{\"orderNotification\":{}}}",
        "{\"orderNotification\":{},\"tokenNotification\":{}}",
        "{\"orderNotification\":{},\"tokenNotification\":1}",
        "{\"orderNotification\":{}",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading reading;

        read_data(&reading, cases[i]);
        assert_int_equal(reading.err, ERR_INVALID);
        assert_string_not_equal(reading.diag.text, "");
        assert_false(notification_is_in(reading.event, NULL));
        forget(&reading);
    }
}

static void only_json_is_a_notification(UNUSED void **state)
{
    struct reading text, json;

    read_event(&text, "a", "text/plain", "{\"orderNotification\":{}}");
    read_event(&json, "a", "application/x+json", "{\"orderNotification\":{}}");
    assert_int_equal(text.err, ERR_INVALID);
    assert_int_equal(json.err, OK);
    forget(&text);
    forget(&json);
}

static void news_of_an_operation_has_it_in_its_data(UNUSED void **state)
{
    const char *data = "{\"code\":1000,\"data\":{\"orderNotification\":{},\"requestId\":\"r\"}}";
    struct reading operation, other;

    read_event(&operation, "operation.completed", "application/json", data);
    read_event(&other, "operations", "application/json", data);
    assert_int_equal(operation.err, OK);
    assert_slice_is(json_raw(operation.notification.request_id), "\"r\"");
    assert_int_equal(other.err, ERR_INVALID);
    forget(&operation);
    forget(&other);
}

static void it_is_written_as_it_was_given(UNUSED void **state)
{
    struct reading reading;
    struct json_writer writer;
    struct buf out;

    read_data(&reading, "{\"requestId\":\"\\u0052\",\"orderNotification\":{ \"n\" : 1e2 },"
                        "\"merchantOrderNumber\":7,\"more\":1}");
    buf_init(&out, 1000);
    json_writer_init(&writer, &out);
    json_begin_object(&writer);
    notification_put(&reading.notification, &writer);
    json_end_object(&writer);
    assert_string_equal(buf_cstr(&out),
                        "{\"orderNotification\":{ \"n\" : 1e2 },\"requestId\":\"\\u0052\"}");
    buf_clear(&out);
    forget(&reading);
}

static void an_order_is_found_beside_the_body_and_in_it(UNUSED void **state)
{
    struct reading beside, inside, number;

    read_data(&beside, "{\"merchantOrderNumber\":\"\\u004e-1\",\"tokenNotification\":{}}");
    read_data(&inside, "{\"tokenNotification\":{\"merchantOrderNumber\":\"N-1\"}}");
    read_data(&number, "{\"tokenNotification\":{\"merchantOrderNumber\":1}}");
    assert_true(notification_is_about(&beside.notification, SLICE("N-1")));
    assert_true(notification_is_about(&inside.notification, SLICE("N-1")));
    assert_false(notification_is_about(&inside.notification, SLICE("N-10")));
    assert_false(notification_is_about(&inside.notification, SLICE("n-1")));
    assert_false(notification_is_about(&number.notification, SLICE("1")));
    forget(&beside);
    forget(&inside);
    forget(&number);
}

static void types_have_words(UNUSED void **state)
{
    enum notification_type type = NOTIFICATION_ORDER;

    assert_int_equal(notification_type_parse(SLICE("NOTIFICATION_TYPE_PROFILE"), &type), OK);
    assert_int_equal(type, NOTIFICATION_PROFILE);
    assert_int_equal(notification_type_parse(SLICE("NOTIFICATION_TYPE_"), &type), ERR_INVALID);
    assert_int_equal(notification_type_parse(SLICE(""), &type), ERR_INVALID);
    assert_int_equal(type, NOTIFICATION_PROFILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_is_found_by_its_member),
        cmocka_unit_test(what_has_not_exactly_one_is_no_notification),
        cmocka_unit_test(only_json_is_a_notification),
        cmocka_unit_test(news_of_an_operation_has_it_in_its_data),
        cmocka_unit_test(it_is_written_as_it_was_given),
        cmocka_unit_test(an_order_is_found_beside_the_body_and_in_it),
        cmocka_unit_test(types_have_words),
    };

    return cmocka_run_group_tests_name("checkout_notification", tests, NULL, NULL);
}
