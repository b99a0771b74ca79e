/*
 * Reading settings out of JSON: one function a kind of value.
 *
 * Each takes the value and the name of its place as its sender spells it ("retry[2]"). Each gives
 * OK, or ERR_INVALID with that name and what was expected; *out is written on success only.
 */
#ifndef MODEL_FIELD_H
#define MODEL_FIELD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* The name of a place, in memory of its own: field_item("retry", 2).chars is "retry[2]". */
struct field_name {
    char chars[DIAG_FIELD_SIZE];
};

struct field_name field_item(const char *field, uint32_t index);
struct field_name field_member(const char *field, struct slice member); /* "tls.ca" */

/*
 * Makes scratch, with room for `more` bytes and all strings of object that have escapes, so that
 * none moves while the next is read. Clear it with buf_clear.
 */
void field_scratch(struct json object, size_t more, struct buf *scratch);

/* A string of at most bytes_max bytes. See json_string for scratch, which must be reserved. */
enum err field_text(struct json value, const char *field, size_t bytes_max, struct buf *scratch,
                    struct slice *out, struct diag *diag) MUST_CHECK;

/* The same without control characters. */
enum err field_line(struct json value, const char *field, size_t bytes_max, struct buf *scratch,
                    struct slice *out, struct diag *diag) MUST_CHECK;

/* A whole number, a truth, a duration ("5m") within limits, both included. */
enum err field_number(struct json value, const char *field, int64_t min, int64_t max, int64_t *out,
                      struct diag *diag) MUST_CHECK;
enum err field_flag(struct json value, const char *field, bool *out, struct diag *diag) MUST_CHECK;
enum err field_duration(struct json value, const char *field, int64_t min_us, int64_t max_us,
                        int64_t *out_us, struct diag *diag) MUST_CHECK;

/* A number with at most three decimals, in thousandths; so are the limits. */
enum err field_permille(struct json value, const char *field, uint32_t min, uint32_t max,
                        uint32_t *out, struct diag *diag) MUST_CHECK;
void field_put_permille(uint32_t permille, struct json_writer *out);

/* One object of at most bytes_max bytes as it stands there; empty when it has no members. */
enum err field_raw_object(struct json value, const char *field, size_t bytes_max, struct slice *out,
                          struct diag *diag) MUST_CHECK;

/* Writes what field_raw_object read: an object always. */
void field_put_raw_object(struct slice object, struct json_writer *out);

/* That it is an object and has no members but these. field is "" for the settings as a whole. */
enum err field_members(struct json value, const char *field, const char *const *names,
                       size_t names_len, struct diag *diag) MUST_CHECK;

/* That it is an array of min to max items. what says of what: "patterns". */
enum err field_array(struct json value, const char *field, uint32_t min, uint32_t max,
                     const char *what, struct diag *diag) MUST_CHECK;

/* "expected %s, not a number". */
enum err field_expected(struct json value, const char *field, const char *what, struct diag *diag);

#endif
