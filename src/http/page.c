#include "http/page.h"

#include "base/timetext.h"

/* A query parameter that may be given once; *is_there tells whether it was. */
static enum err query_once(const struct exchange *exchange, const char *name, struct slice *out,
                           bool *is_there, struct diag *diag)
{
    if (exchange_query_count(exchange, name) > 1) {
        return diag_field(diag, ERR_INVALID, name, "is given more than once");
    }
    *is_there = exchange_query(exchange, name, out);
    return OK;
}

enum err page_limit(const struct exchange *exchange, uint32_t *out, struct diag *diag)
{
    struct slice text;
    bool is_there = false;
    uint64_t limit = PAGE_LIMIT_DEFAULT;
    enum err err = query_once(exchange, "limit", &text, &is_there, diag);

    if (err != OK) {
        return err;
    }
    if (is_there && (slice_to_u64(text, &limit) != OK || limit < 1 || limit > PAGE_LIMIT_MAX)) {
        return diag_field(diag, ERR_INVALID, "limit", "expected a number from 1 to %d",
                          PAGE_LIMIT_MAX);
    }
    *out = (uint32_t)limit;
    return OK;
}

/* The lowest id of an instant in the query; id stays as it is when there is none. */
static enum err query_instant(const struct exchange *exchange, const char *name, struct id *id,
                              struct diag *diag)
{
    struct slice text;
    struct wall at;
    bool is_there = false;
    enum err err = query_once(exchange, name, &text, &is_there, diag);

    if (err != OK || !is_there) {
        return err;
    }
    if (timetext_parse(text, &at) != OK) {
        return diag_field(diag, ERR_INVALID, name,
                          "expected a time such as 2026-02-03T10:20:30Z (a '+' is written %%2B)");
    }
    *id = id_floor(at);
    return OK;
}

enum err page_period(const struct exchange *exchange, struct page_period *out, struct diag *diag)
{
    struct page_period period = {.from = ID_NONE, .to = {UINT64_MAX}};
    enum err err = query_instant(exchange, "from", &period.from, diag);

    if (err == OK) {
        err = query_instant(exchange, "to", &period.to, diag);
    }
    if (err != OK) {
        return err;
    }
    if (period.to.value < period.from.value) {
        return diag_field(diag, ERR_INVALID, "to", "expected a time that is not before 'from'");
    }
    *out = period;
    return OK;
}

enum err page_cursor_id(const struct exchange *exchange, enum id_kind kind, struct id *out,
                        struct diag *diag)
{
    struct slice text;
    struct id id = ID_NONE;
    bool is_there = false;
    enum err err = query_once(exchange, "cursor", &text, &is_there, diag);

    if (err != OK) {
        return err;
    }
    if (is_there && id_parse(kind, text, &id) != OK) {
        return diag_field(diag, ERR_INVALID, "cursor",
                          "expected the next_cursor of the page before");
    }
    *out = id;
    return OK;
}

enum err page_cursor_name(const struct exchange *exchange, struct slice *out, struct diag *diag)
{
    struct slice text = {NULL, 0};
    bool is_there = false;
    enum err err = query_once(exchange, "cursor", &text, &is_there, diag);

    if (err != OK) {
        return err;
    }
    if (is_there && (slice_is_empty(text) || text.len > PAGE_CURSOR_BYTES_MAX)) {
        return diag_field(diag, ERR_INVALID, "cursor",
                          "expected the next_cursor of the page before");
    }
    *out = text;
    return OK;
}

void page_put_next_id(struct json_writer *writer, bool has_more, enum id_kind kind, struct id last)
{
    json_key(writer, "next_cursor");
    json_put_text(writer, has_more ? id_text(kind, last).chars : NULL);
}

void page_put_next_name(struct json_writer *writer, bool has_more, struct slice last)
{
    json_key(writer, "next_cursor");
    if (has_more) {
        json_put_string(writer, last);
    } else {
        json_put_null(writer);
    }
}

enum err page_range(const struct exchange *exchange, enum id_kind kind, struct page_range *out,
                    struct diag *diag)
{
    struct page_period period = {0};
    enum err err = page_limit(exchange, &out->max, diag);

    if (err == OK) {
        err = page_cursor_id(exchange, kind, &out->after, diag);
    }
    if (err == OK) {
        err = page_period(exchange, &period, diag);
    }
    out->from = period.from;
    out->to = period.to;
    return err;
}

void page_begin(struct exchange *exchange, struct json_writer *writer)
{
    json_writer_init(writer, exchange_out(exchange));
    json_begin_object(writer);
    json_key(writer, "items");
    json_begin_array(writer);
}

void page_end_id(struct exchange *exchange, struct json_writer *writer, bool has_more,
                 enum id_kind kind, struct id last)
{
    json_end_array(writer);
    page_put_next_id(writer, has_more, kind, last);
    json_end_object(writer);
    exchange_answer_json(exchange, 200);
}

void page_end_name(struct exchange *exchange, struct json_writer *writer, bool has_more,
                   struct slice last)
{
    json_end_array(writer);
    page_put_next_name(writer, has_more, last);
    json_end_object(writer);
    exchange_answer_json(exchange, 200);
}
