#include "wire/native/cloudevents_in.h"

#include "base/encode.h"
#include "base/timetext.h"
#include "base/utf8.h"
#include "model/account.h"
#include "model/field.h"
#include "wire/payload.h"

#include <stdio.h>
#include <string.h>

/* How an event is being read. */
struct reading {
    struct envelope *envelope;
    const struct envelope_rules *rules;
    struct json_writer kept; /* into envelope->attributes */
    uint32_t count;          /* of attributes */
    bool has_version;
    struct diag *diag;
};

/* One attribute, wherever it came from. */
struct given {
    char name[CLOUDEVENT_NAME_BYTES_MAX + 1];
    const char *field; /* as its sender spells it: "ce-id", "id" */
    struct slice text; /* its value as a text */
    struct slice json; /* its value as JSON; empty: the text as a string */
};

static void begin(struct reading *reading)
{
    json_writer_init(&reading->kept, &reading->envelope->attributes);
    json_begin_object(&reading->kept);
}

/* ---- the attributes that the specification names ---- */

static enum err take_version(struct reading *reading, const struct given *given)
{
    if (!slice_is(given->text, "1.0")) {
        return diag_field(reading->diag, ERR_INVALID, given->field, "expected \"1.0\"");
    }
    reading->has_version = true;
    return OK;
}

static enum err take_type(struct reading *reading, const struct given *given)
{
    reading->envelope->parts.type = given->text;
    return event_type_check(given->text, reading->diag);
}

static enum err take_content_type(struct reading *reading, const struct given *given)
{
    if (given->text.len > EVENT_CONTENT_TYPE_BYTES_MAX || !envelope_is_printable(given->text) ||
        memchr(given->text.ptr, '/', given->text.len) == NULL) {
        return diag_field(reading->diag, ERR_INVALID, given->field,
                          "expected a media type of at most %d bytes, such as application/xml",
                          EVENT_CONTENT_TYPE_BYTES_MAX);
    }
    reading->envelope->parts.content_type = given->text;
    return OK;
}

static enum err take_id(struct reading *reading, const struct given *given)
{
    if (given->text.len > EVENT_REFERENCE_BYTES_MAX) {
        return diag_field(reading->diag, ERR_INVALID, given->field, "expected at most %d bytes",
                          EVENT_REFERENCE_BYTES_MAX);
    }
    reading->envelope->parts.external_id = given->text;
    return OK;
}

static enum err take_source(struct reading *reading, const struct given *given)
{
    reading->envelope->source = given->text;
    return OK;
}

static enum err take_time(struct reading *reading, const struct given *given)
{
    struct wall at;

    if (timetext_parse(given->text, &at) != OK) {
        return diag_field(reading->diag, ERR_INVALID, given->field,
                          "expected a time such as 2026-02-03T10:20:30Z");
    }
    return OK;
}

/* It is an extension of ours, and only where no path names the account. */
static enum err take_account(struct reading *reading, const struct given *given)
{
    if (!reading->rules->has_account) {
        return OK;
    }
    reading->envelope->account = given->text;
    return account_name_check(given->text, reading->diag);
}

struct attribute {
    const char *name;
    enum err (*take)(struct reading *reading, const struct given *given);
    bool is_kept;
};

static const struct attribute attributes[] = {
    {"specversion", take_version, false},
    {"type", take_type, false},
    {"datacontenttype", take_content_type, false},
    {"id", take_id, true},
    {"source", take_source, true},
    {"time", take_time, true},
    {"account", take_account, true},
};

static const struct attribute extension = {"", NULL, true};

static const struct attribute *find_attribute(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        if (strcmp(attributes[i].name, name) == 0) {
            return &attributes[i];
        }
    }
    return &extension;
}

static void keep(struct reading *reading, const struct given *given)
{
    json_key(&reading->kept, given->name);
    if (slice_is_empty(given->json)) {
        json_put_string(&reading->kept, given->text);
    } else {
        json_put_raw(&reading->kept, given->json);
    }
}

static enum err take(struct reading *reading, const struct given *given)
{
    const struct attribute *attribute = find_attribute(given->name);

    if (++reading->count > CLOUDEVENT_ATTRIBUTES_MAX) {
        return diag_field(reading->diag, ERR_LIMIT, given->field,
                          "an event has at most %d attributes", CLOUDEVENT_ATTRIBUTES_MAX);
    }
    /*
     * The specification has no empty values; and what has control characters could not go on in a
     * header.
     */
    if (slice_is_empty(given->text) || utf8_has_control(given->text)) {
        return diag_field(reading->diag, ERR_INVALID, given->field,
                          "expected a text that is not empty and has no control characters");
    }
    if (attribute->is_kept) {
        keep(reading, given);
    }
    return attribute->take == NULL ? OK : attribute->take(reading, given);
}

/*
 * Fills given->name from name in any case. The specification has letters and digits only, lower
 * case, and headers have no case.
 */
static enum err take_name(struct reading *reading, struct slice name, struct given *given)
{
    bool is_name = name.len > 0 && name.len <= CLOUDEVENT_NAME_BYTES_MAX;

    for (size_t i = 0; i < name.len && is_name; i++) {
        char letter = name.ptr[i];
        is_name = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
        given->name[i] = letter;
        given->name[i + 1] = '\0';
    }
    if (!is_name) {
        return diag_field(reading->diag, ERR_INVALID, given->field,
                          "an attribute's name has 1 to %d lower-case letters and digits",
                          CLOUDEVENT_NAME_BYTES_MAX);
    }
    return OK;
}

static enum err missing(struct reading *reading, const char *prefix, const char *name,
                        const char *expected)
{
    char field[CLOUDEVENT_NAME_BYTES_MAX];

    (void)snprintf(field, sizeof field, "%s%s", prefix, name); /* both are ours and short */
    return diag_field(reading->diag, ERR_INVALID, field, "expected %s", expected);
}

/* Ends the attributes; prefix is how their sender spells them. */
static enum err finish(struct reading *reading, const char *prefix)
{
    struct envelope *envelope = reading->envelope;

    json_end_object(&reading->kept);
    if (buf_check(&envelope->attributes) != OK) {
        return diag_field(reading->diag, ERR_LIMIT, "",
                          "the context attributes have at most %d bytes together",
                          EVENT_ATTRIBUTES_BYTES_MAX);
    }
    envelope->parts.attributes = buf_view(&envelope->attributes);
    if (!reading->has_version) {
        return missing(reading, prefix, "specversion", "\"1.0\"");
    }
    if (slice_is_empty(envelope->parts.external_id)) {
        return missing(reading, prefix, "id", "an id");
    }
    if (slice_is_empty(envelope->source)) {
        return missing(reading, prefix, "source", "a URI reference that tells the source");
    }
    if (slice_is_empty(envelope->parts.type)) {
        return missing(reading, prefix, "type", "an event type such as order.created");
    }
    if (reading->rules->has_account && slice_is_empty(envelope->account)) {
        return missing(reading, prefix, "account", "the name of an account");
    }
    return OK;
}

/* ---- data ---- */

/* Data that counts as JSON is put into other documents as it is, so it must be JSON. */
static enum err check_json(struct slice data, struct diag *diag)
{
    struct json_doc doc;
    struct diag why = {0};

    json_doc_init(&doc);
    enum err err = json_parse(&doc, data, &why);
    json_doc_clear(&doc);
    if (err != OK) {
        return diag_field(diag, ERR_INVALID, "data", "its content type is JSON, but: %s", why.text);
    }
    return OK;
}

/* Bytes of the content type that the envelope has by now. */
static enum err take_bytes(struct reading *reading, struct slice data)
{
    struct envelope *envelope = reading->envelope;
    bool is_json = payload_is_json(envelope->parts.content_type);

    if (is_json && slice_is_empty(data)) {
        data = SLICE("null");
    }
    enum err err = envelope_take_data(envelope, data, reading->rules, reading->diag);
    return err == OK && is_json ? check_json(data, reading->diag) : err;
}

static enum err take_base64(struct reading *reading, struct json value)
{
    struct buf *scratch = &reading->envelope->scratch;

    if (json_type(value) != JSON_STRING) {
        return field_expected(value, "data_base64", "a string", reading->diag);
    }
    struct slice text = json_string(value, scratch);
    size_t start = scratch->len;
    if (base64_decode(scratch, text) != OK) {
        return diag_field(reading->diag, ERR_INVALID, "data_base64",
                          "expected base64 (RFC 4648, section 4) with its padding");
    }
    return take_bytes(reading, slice_sub(buf_view(scratch), start, scratch->len));
}

/*
 * The member "data": any JSON value where the content type is JSON, otherwise a string that holds
 * the text.
 */
static enum err take_value(struct reading *reading, struct json value)
{
    struct envelope *envelope = reading->envelope;

    if (payload_is_json(envelope->parts.content_type)) {
        struct slice data = json_exists(value) ? json_raw(value) : SLICE("null");
        return envelope_take_data(envelope, data, reading->rules, reading->diag);
    }
    if (json_is_null(value)) {
        return take_bytes(reading, SLICE(""));
    }
    if (json_type(value) != JSON_STRING) {
        return field_expected(value, "data", "a string, because datacontenttype is not JSON",
                              reading->diag);
    }
    return take_bytes(reading, json_string(value, &envelope->scratch));
}

/* ---- structured ---- */

static bool is_data(struct json member)
{
    return json_name_is(member, "data") || json_name_is(member, "data_base64");
}

static enum err take_member(struct reading *reading, struct json member)
{
    struct field_name field = field_member("", json_name(member));
    struct given given = {.field = field.chars, .text = json_raw(member), .json = json_raw(member)};
    int64_t number = 0;
    enum err err = take_name(reading, json_name(member), &given);

    if (err != OK) {
        return err;
    }
    switch (json_type(member)) {
    case JSON_NULL:
        return OK; /* the format's way to say that it is not there */
    case JSON_STRING:
        given.text = json_string(member, &reading->envelope->scratch);
        return take(reading, &given);
    case JSON_TRUE:
    case JSON_FALSE:
        break;
    case JSON_NUMBER:
        if (json_to_i64(member, &number) == OK && number >= INT32_MIN && number <= INT32_MAX) {
            break;
        }
        return diag_field(reading->diag, ERR_INVALID, given.field,
                          "expected a whole number of at most 32 bits");
    case JSON_NONE:
    case JSON_ARRAY:
    case JSON_OBJECT:
        return field_expected(member, given.field, "a string, a whole number, true or false",
                              reading->diag);
    }
    /* Those that have a meaning are all texts. */
    if (find_attribute(given.name) != &extension) {
        return field_expected(member, given.field, "a string", reading->diag);
    }
    return take(reading, &given);
}

enum err cloudevent_parse(struct envelope *envelope, struct json value,
                          const struct envelope_rules *rules, struct diag *diag)
{
    struct reading reading = {.envelope = envelope, .rules = rules, .diag = diag};
    struct json base64 = json_member(value, "data_base64");
    enum err err = OK;

    if (json_type(value) != JSON_OBJECT) {
        return field_expected(value, "", "an event as an object", diag);
    }
    if (json_exists(base64) && json_exists(json_member(value, "data"))) {
        return diag_field(diag, ERR_INVALID, "data_base64", "expected this or data, not both");
    }
    field_scratch(value, json_raw(base64).len, &envelope->scratch);
    begin(&reading);
    for (struct json at = json_first(value); json_exists(at) && err == OK; at = json_next(at)) {
        err = is_data(at) ? OK : take_member(&reading, at);
    }
    if (err == OK) {
        err = finish(&reading, "");
    }
    if (err != OK) {
        return err;
    }
    return json_is_null(base64) ? take_value(&reading, json_member(value, "data"))
                                : take_base64(&reading, base64);
}

/* ---- binary ---- */

static bool is_attribute(const struct cloudevent_header *header)
{
    return header->name.len > 3 && slice_equal_nocase(slice_sub(header->name, 0, 3), SLICE("ce-"));
}

/* A value in double quotes is what they enclose, backslashes undone (RFC 9110, section 5.6.4). */
static void unquote(struct slice value, struct buf *out)
{
    if (value.len < 2 || value.ptr[0] != '"' || value.ptr[value.len - 1] != '"') {
        buf_slice(out, value);
        return;
    }
    for (size_t i = 1; i < value.len - 1; i++) {
        if (value.ptr[i] == '\\' && i + 1 < value.len - 1) {
            i++;
        }
        buf_byte(out, value.ptr[i]);
    }
}

/*
 * Decodes a header's value to the end of scratch, which has room for it twice: unquoted and then
 * percent-decoded.
 */
static enum err decode_value(struct reading *reading, struct slice value, struct given *given)
{
    struct buf *scratch = &reading->envelope->scratch;
    size_t start = scratch->len;

    unquote(value, scratch);
    struct slice quoted = slice_sub(buf_view(scratch), start, scratch->len);
    start = scratch->len;
    if (percent_decode(scratch, quoted, /* is_form= */ false) != OK) {
        return diag_field(reading->diag, ERR_INVALID, given->field,
                          "expected each '%%' to be followed by two hex digits");
    }
    given->text = slice_sub(buf_view(scratch), start, scratch->len);
    if (!utf8_is_valid(given->text)) {
        return diag_field(reading->diag, ERR_INVALID, given->field, "expected UTF-8");
    }
    return OK;
}

static enum err take_header(struct reading *reading, const struct cloudevent_header *header)
{
    struct field_name field = field_member("", header->name);
    struct given given = {.field = field.chars};
    char lower[CLOUDEVENT_NAME_BYTES_MAX + 1];
    struct slice name = slice_sub(header->name, 3, sizeof lower); /* too long is seen as such */

    for (size_t i = 0; i < name.len; i++) {
        char letter = name.ptr[i];
        lower[i] = (char)(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
    }
    enum err err = take_name(reading, slice_from(lower, name.len), &given);
    if (err == OK &&
        (strcmp(given.name, "datacontenttype") == 0 || strcmp(given.name, "data") == 0)) {
        err = diag_field(reading->diag, ERR_INVALID, given.field,
                         "the body and its Content-Type say this in binary mode");
    }
    if (err == OK) {
        err = decode_value(reading, header->value, &given);
    }
    return err == OK ? take(reading, &given) : err;
}

/* An attribute given twice would make two members of one name. */
static enum err check_once(struct reading *reading, const struct cloudevent_header *headers,
                           size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (slice_equal_nocase(headers[i].name, headers[at].name)) {
            return diag_field(reading->diag, ERR_INVALID, field_member("", headers[at].name).chars,
                              "is given more than once");
        }
    }
    return OK;
}

static void reserve_for_headers(struct envelope *envelope, const struct cloudevent_header *headers,
                                size_t headers_len)
{
    size_t bytes = 0;

    for (size_t i = 0; i < headers_len; i++) {
        bytes += is_attribute(&headers[i]) ? 2 * headers[i].value.len : 0;
    }
    buf_init(&envelope->scratch, bytes);
    buf_reserve(&envelope->scratch, bytes);
}

/* Without a Content-Type nothing says what the body is. */
static enum err take_body(struct reading *reading, struct slice content_type, struct slice body)
{
    const struct given given = {.field = "Content-Type", .text = content_type};
    enum err err = OK;

    if (!slice_is_empty(content_type)) {
        err = take_content_type(reading, &given);
    } else if (!slice_is_empty(body)) {
        reading->envelope->parts.content_type = SLICE("application/octet-stream");
    }
    return err == OK ? take_bytes(reading, body) : err;
}

enum err cloudevent_parse_binary(struct envelope *envelope, const struct cloudevent_header *headers,
                                 size_t headers_len, struct slice content_type, struct slice body,
                                 const struct envelope_rules *rules, struct diag *diag)
{
    struct reading reading = {.envelope = envelope, .rules = rules, .diag = diag};
    enum err err = OK;

    reserve_for_headers(envelope, headers, headers_len);
    begin(&reading);
    for (size_t i = 0; i < headers_len && err == OK; i++) {
        if (is_attribute(&headers[i])) {
            err = check_once(&reading, headers, i);
            err = err == OK ? take_header(&reading, &headers[i]) : err;
        }
    }
    if (err == OK) {
        err = finish(&reading, "ce-");
    }
    return err == OK ? take_body(&reading, content_type, body) : err;
}
