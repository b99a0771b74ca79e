/*
 * JSON (RFC 8259): one strict pass that leaves slices into the text, and a writer that never loses
 * a byte.
 *
 * Strict: one value, nothing behind it; UTF-8 checked (RFC 3629, no surrogates); \u escapes paired;
 * no byte order mark; no duplicate keys in one object (compared after unescaping); depth and number
 * of values limited. Numbers are never converted: their raw token is what a caller gets, so
 * 1.000000 and 2^63 pass through.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum json_type {
    JSON_NONE, /* no such value: what a look-up of an absent member gives */
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_node; /* private */

enum {
    JSON_DEPTH_MAX = 64,      /* nesting; deeper is an attack, not news */
    JSON_VALUES_MAX = 200000, /* in one document; a parse takes 24 bytes for each */
};

/* A parsed document; reusable, keeps its memory between parses. It borrows the text. */
struct json_doc {
    struct slice text;
    struct json_node *nodes; /* owned */
    uint32_t count;
    uint32_t room;
};

/*
 * A value within a document: a small cursor, passed by value, valid until the document is parsed
 * again or cleared.
 */
struct json {
    const struct json_doc *doc;
    uint32_t at; /* 0 is JSON_NONE */
};

void json_doc_init(struct json_doc *doc);
void json_doc_clear(struct json_doc *doc);

/*
 * Parses text, which must stay where it is while the document is used. ERR_INVALID: the diag says
 * what and at which byte (and line), both counted from 1; ERR_LIMIT: too deep, too many values or
 * 4 GiB of text. On failure the document is empty.
 */
enum err json_parse(struct json_doc *doc, struct slice text, struct diag *diag) MUST_CHECK;

struct json json_root(const struct json_doc *doc);
enum json_type json_type(struct json value);
bool json_exists(struct json value);             /* not JSON_NONE */
bool json_is_null(struct json value);            /* JSON_NONE or JSON_NULL */
const char *json_type_name(enum json_type type); /* "an object", "a string": for messages */

/*
 * The exact bytes of the value in the text, quotes included, surrounding white space not. Empty for
 * JSON_NONE.
 */
struct slice json_raw(struct json value);

/* Member of an object by its unescaped name; JSON_NONE when absent or when value is no object. */
struct json json_member(struct json object, const char *name);

/* How many members or items; 0 for anything else. */
uint32_t json_count(struct json value);

/*
 * First and next child of an array or object (JSON_NONE at the end); json_name gives an object
 * member's raw name without quotes, escapes not undone (json_name_is compares undone).
 */
struct json json_first(struct json value);
struct json json_next(struct json child);
struct slice json_name(struct json member);
bool json_name_is(struct json member, const char *name);

/* A string's text with escapes undone, appended to out. The value must be a JSON_STRING. */
void json_unescape(struct json value, struct buf *out);

/*
 * A string's text: lent from the document when it has no escapes, otherwise written to the end of
 * scratch and lent from there (so it lasts until scratch grows: give every string its own buf, or
 * reserve). It is never longer than its literal in the text; what passes scratch's limit is missing
 * from it and buf_check tells. The value must be a JSON_STRING.
 */
struct slice json_string(struct json value, struct buf *scratch);

/* A member's name with escapes undone, lent like json_string's. */
struct slice json_name_text(struct json member, struct buf *scratch);

/*
 * A whole number without fraction or exponent. ERR_INVALID for anything else, ERR_LIMIT when out of
 * range.
 */
enum err json_to_i64(struct json value, int64_t *out) MUST_CHECK;

/*
 * The writer appends to a buf and puts the commas. Strings are escaped minimally: quote, backslash
 * and control characters (short forms where JSON has them, \u00XX otherwise); everything else
 * passes as the UTF-8 it is. Invalid UTF-8 becomes U+FFFD.
 */
struct json_writer {
    struct buf *out; /* borrowed */
    uint32_t depth;
    bool needs_comma;
};

void json_writer_init(struct json_writer *writer, struct buf *out);
void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);
void json_key(struct json_writer *writer, const char *name);
void json_key_slice(struct json_writer *writer, struct slice name);
void json_put_string(struct json_writer *writer, struct slice text);
void json_put_text(struct json_writer *writer, const char *text); /* NULL writes null */
void json_put_i64(struct json_writer *writer, int64_t number);
void json_put_bool(struct json_writer *writer, bool truth);
void json_put_null(struct json_writer *writer);
void json_put_raw(struct json_writer *writer, struct slice json); /* must be one valid value */

/* One string literal of JSON for text, quotes included. */
void json_escape(struct buf *out, struct slice text);

#endif
