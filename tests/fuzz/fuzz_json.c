/*
 * What the JSON parser accepts must survive being put together again from its parts: each value of
 * the second document is the same bytes, each string the same text, and each member is found under
 * its name.
 */
#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { TEXT_BYTES_MAX = 64 * 1024 * 1024 };

static bool is_container(struct json value)
{
    return json_type(value) == JSON_ARRAY || json_type(value) == JSON_OBJECT;
}

/* Writes value and all below it; recursive, as deep as the parser lets a text be. */
static void emit(struct buf *out, struct json value)
{
    bool is_object = json_type(value) == JSON_OBJECT;
    uint32_t count = 0;

    if (!is_container(value)) {
        buf_slice(out, json_raw(value));
        return;
    }
    buf_byte(out, is_object ? '{' : '[');
    for (struct json child = json_first(value); json_exists(child); child = json_next(child)) {
        if (count++ > 0) {
            buf_byte(out, ',');
        }
        if (is_object) {
            buf_byte(out, '"');
            buf_slice(out, json_name(child));
            buf_text(out, "\":");
        }
        emit(out, child);
    }
    buf_byte(out, is_object ? '}' : ']');
    assert(count == json_count(value));
}

static bool has_zero(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0') {
            return true;
        }
    }
    return false;
}

/* A member's name as a string of its own, escapes undone. */
static void undo_name(struct json member, struct buf *name)
{
    struct json_doc doc;
    struct buf literal;

    json_doc_init(&doc);
    buf_init(&literal, TEXT_BYTES_MAX);
    buf_byte(&literal, '"');
    buf_slice(&literal, json_name(member));
    buf_byte(&literal, '"');
    enum err err = json_parse(&doc, buf_view(&literal), NULL);
    assert(err == OK);
    json_unescape(json_root(&doc), name);
    buf_clear(&literal);
    json_doc_clear(&doc);
}

static void check_name(struct json object, struct json member)
{
    struct buf name;

    buf_init(&name, TEXT_BYTES_MAX);
    undo_name(member, &name);
    /* A C string cannot name a member whose name holds a zero. */
    if (!has_zero(buf_view(&name))) {
        assert(json_name_is(member, buf_cstr(&name)));
        assert(json_member(object, buf_cstr(&name)).at == member.at);
    }
    buf_clear(&name);
}

/* Undone, written and undone again, a string is what it was. */
static void check_string(struct json value)
{
    struct json_doc doc;
    struct buf text, literal, again;

    json_doc_init(&doc);
    buf_init(&text, TEXT_BYTES_MAX);
    buf_init(&literal, TEXT_BYTES_MAX);
    buf_init(&again, TEXT_BYTES_MAX);
    json_unescape(value, &text);
    assert(utf8_is_valid(buf_view(&text)));
    assert(text.len + 2 <= json_raw(value).len);
    json_escape(&literal, buf_view(&text));
    enum err err = json_parse(&doc, buf_view(&literal), NULL);
    assert(err == OK);
    assert(slice_equal(json_string(json_root(&doc), &again), buf_view(&text)));
    buf_clear(&text);
    buf_clear(&literal);
    buf_clear(&again);
    json_doc_clear(&doc);
}

static void check_same(struct json a, struct json b)
{
    int64_t number;

    assert(json_type(a) == json_type(b));
    assert(json_count(a) == json_count(b));
    assert(slice_equal(json_name(a), json_name(b)));
    if (!is_container(a)) {
        assert(slice_equal(json_raw(a), json_raw(b)));
    }
    if (json_type(a) == JSON_STRING) {
        check_string(a);
    }
    if (json_to_i64(a, &number) == OK) { /* else it must only not crash */
        assert(json_type(a) == JSON_NUMBER);
    }
}

/* Walks two documents side by side. */
static void compare(struct json a, struct json b)
{
    check_same(a, b);
    struct json other = json_first(b);
    for (struct json child = json_first(a); json_exists(child); child = json_next(child)) {
        compare(child, other);
        /* A look-up goes through the members: in a large object only some are tried. */
        if (json_type(a) == JSON_OBJECT && (json_count(a) < 100 || child.at % 100 == 0)) {
            check_name(a, child);
        }
        other = json_next(other);
    }
    assert(!json_exists(other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct json_doc doc, again;
    struct diag diag;
    struct buf out;

    json_doc_init(&doc);
    json_doc_init(&again);
    buf_init(&out, TEXT_BYTES_MAX);
    if (json_parse(&doc, slice_from(data, len), &diag) == OK) {
        emit(&out, json_root(&doc));
        enum err err = json_parse(&again, buf_view(&out), NULL);
        assert(err == OK);
        compare(json_root(&doc), json_root(&again));
    }
    buf_clear(&out);
    json_doc_clear(&doc);
    json_doc_clear(&again);
    return 0;
}
