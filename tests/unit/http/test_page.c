#include "base/timetext.h"
#include "http/exchange_internal.h"
#include "http/page.h"
#include "support/unit.h"

#include <string.h>

/* An exchange of which only the query is there: one parameter, or the same twice. */
static struct exchange_pair pairs[2];
static struct exchange exchange = {.query = pairs};

static const struct exchange *asked(const char *name, const char *value)
{
    pairs[0] = (struct exchange_pair){slice_of(name), slice_of(value)};
    exchange.query_len = value != NULL ? 1 : 0;
    return &exchange;
}

static const struct exchange *asked_twice(const char *name, const char *value)
{
    (void)asked(name, value);
    pairs[1] = pairs[0];
    exchange.query_len = 2;
    return &exchange;
}

static void limit_is_50_unless_told(UNUSED void **state)
{
    uint32_t limit = 0;

    assert_int_equal(page_limit(asked("limit", NULL), &limit, NULL), OK);
    assert_int_equal(limit, 50);
    assert_int_equal(page_limit(asked("limit", "1"), &limit, NULL), OK);
    assert_int_equal(limit, 1);
    assert_int_equal(page_limit(asked("limit", "250"), &limit, NULL), OK);
    assert_int_equal(limit, 250);
}

static void other_limits_are_refused_by_name(UNUSED void **state)
{
    static const char *const wrong[] = {"0", "251", "-1", "", "x", "1.0", "99999999999999999999"};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct diag diag = {0};
        uint32_t limit = 7;

        assert_int_equal(page_limit(asked("limit", wrong[i]), &limit, &diag), ERR_INVALID);
        assert_string_equal(diag.field, "limit");
        assert_int_equal(limit, 7);
    }
}

static void what_is_given_twice_is_refused(UNUSED void **state)
{
    struct diag diag = {0};
    uint32_t limit = 0;
    struct page_period period;

    assert_int_equal(page_limit(asked_twice("limit", "5"), &limit, &diag), ERR_INVALID);
    assert_string_equal(diag.field, "limit");
    assert_int_equal(page_period(asked_twice("to", "2026-01-01T00:00:00Z"), &period, &diag),
                     ERR_INVALID);
    assert_string_equal(diag.field, "to");
}

static void a_period_is_a_range_of_ids(UNUSED void **state)
{
    struct page_period period;
    struct wall at;

    assert_int_equal(timetext_parse(SLICE("2026-01-01T00:00:00Z"), &at), OK);
    assert_int_equal(page_period(asked("from", NULL), &period, NULL), OK);
    assert_int_equal(period.from.value, 0);
    assert_int_equal(period.to.value, UINT64_MAX);
    assert_int_equal(page_period(asked("from", "2026-01-01T00:00:00Z"), &period, NULL), OK);
    assert_int_equal(period.from.value, id_floor(at).value);
    assert_int_equal(period.to.value, UINT64_MAX);
    assert_int_equal(page_period(asked("to", "2026-01-01T00:00:00Z"), &period, NULL), OK);
    assert_int_equal(period.from.value, 0);
    assert_int_equal(period.to.value, id_floor(at).value);
}

static void a_period_that_is_none_is_refused_by_name(UNUSED void **state)
{
    struct page_period period;
    struct diag diag = {0};

    assert_int_equal(page_period(asked("from", "yesterday"), &period, &diag), ERR_INVALID);
    assert_string_equal(diag.field, "from");
    assert_int_equal(page_period(asked("to", ""), &period, &diag), ERR_INVALID);
    assert_string_equal(diag.field, "to");
    pairs[0] = (struct exchange_pair){SLICE("from"), SLICE("2026-01-02T00:00:00Z")};
    pairs[1] = (struct exchange_pair){SLICE("to"), SLICE("2026-01-01T00:00:00Z")};
    exchange.query_len = 2;
    assert_int_equal(page_period(&exchange, &period, &diag), ERR_INVALID);
    assert_string_equal(diag.field, "to");
}

static void a_cursor_is_what_was_given_out(UNUSED void **state)
{
    struct buf out;
    struct json_writer writer;
    struct id given = {123456789};
    struct id got;

    buf_init(&out, 1024);
    json_writer_init(&writer, &out);
    json_begin_object(&writer);
    page_put_next_id(&writer, /* has_more= */ true, ID_EVENT, given);
    json_end_object(&writer);
    struct id_text text = id_text(ID_EVENT, given);
    assert_non_null(strstr(buf_cstr(&out), text.chars));
    assert_int_equal(page_cursor_id(asked("cursor", text.chars), ID_EVENT, &got, NULL), OK);
    assert_int_equal(got.value, given.value);
    assert_int_equal(page_cursor_id(asked("cursor", NULL), ID_EVENT, &got, NULL), OK);
    assert_int_equal(got.value, 0);
    buf_clear(&out);
}

static void a_last_page_says_null(UNUSED void **state)
{
    struct buf out;
    struct json_writer writer;

    buf_init(&out, 1024);
    json_writer_init(&writer, &out);
    json_begin_object(&writer);
    page_put_next_name(&writer, /* has_more= */ false, SLICE("ann"));
    json_end_object(&writer);
    assert_string_equal(buf_cstr(&out), "{\"next_cursor\":null}");
    buf_clear(&out);
}

static void forged_cursors_are_refused(UNUSED void **state)
{
    static const char *const wrong[] = {"",
                                        "evt_",
                                        "chn_0D3K7ZQ8M4T1V",
                                        "0D3K7ZQ8M4T1V",
                                        "evt_x",
                                        "evt_0D3K7ZQ8M4T1VV",
                                        "evt_0000000000000"};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct diag diag = {0};
        struct id id;

        assert_int_equal(page_cursor_id(asked("cursor", wrong[i]), ID_EVENT, &id, &diag),
                         ERR_INVALID);
        assert_string_equal(diag.field, "cursor");
    }
}

static void a_name_as_cursor_is_lent(UNUSED void **state)
{
    struct slice name;
    struct diag diag = {0};

    assert_int_equal(page_cursor_name(asked("cursor", "ann"), &name, NULL), OK);
    assert_slice_is(name, "ann");
    assert_int_equal(page_cursor_name(asked("cursor", NULL), &name, NULL), OK);
    assert_true(slice_is_empty(name));
    assert_int_equal(page_cursor_name(asked("cursor", ""), &name, &diag), ERR_INVALID);
    assert_string_equal(diag.field, "cursor");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_is_50_unless_told),
        cmocka_unit_test(other_limits_are_refused_by_name),
        cmocka_unit_test(what_is_given_twice_is_refused),
        cmocka_unit_test(a_period_is_a_range_of_ids),
        cmocka_unit_test(a_period_that_is_none_is_refused_by_name),
        cmocka_unit_test(a_cursor_is_what_was_given_out),
        cmocka_unit_test(a_last_page_says_null),
        cmocka_unit_test(forged_cursors_are_refused),
        cmocka_unit_test(a_name_as_cursor_is_lent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
