/*
 * Whatever a publisher sends, what is taken as an event can travel: its data is JSON when it says
 * so, its attributes are one JSON object, and nothing passes a limit. Each input is read as a
 * native envelope, as a structured CloudEvent, and (lines of headers, an empty line, a body) as a
 * binary one.
 */
#include "wire/native/cloudevents_in.h"
#include "wire/payload.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { DATA_BYTES_MAX = 4096, HEADERS_MAX = 100 };

static enum err check_json(struct slice text, enum json_type *type)
{
    struct json_doc doc;

    json_doc_init(&doc);
    enum err err = json_parse(&doc, text, NULL);
    *type = json_type(json_root(&doc));
    json_doc_clear(&doc);
    return err;
}

/* What holds of every event that was taken. */
static void check_event(const struct envelope *envelope, const struct envelope_rules *rules)
{
    const struct event_parts *parts = &envelope->parts;
    struct store_publish_item item = {0};
    enum json_type type = JSON_NONE;

    assert(event_type_check(parts->type, NULL) == OK);
    assert(parts->data.len <= rules->data_bytes_max);
    assert(parts->external_id.len <= EVENT_REFERENCE_BYTES_MAX);
    assert(parts->content_type.len <= EVENT_CONTENT_TYPE_BYTES_MAX);
    assert(envelope_is_printable(parts->content_type));
    assert(rules->has_account == !slice_is_empty(envelope->account));
    if (payload_is_json(parts->content_type)) {
        assert(check_json(parts->data, &type) == OK);
    }
    if (!slice_is_empty(parts->attributes)) {
        assert(parts->attributes.len <= EVENT_ATTRIBUTES_BYTES_MAX);
        assert(check_json(parts->attributes, &type) == OK && type == JSON_OBJECT);
    }
    envelope_identify(envelope, (struct id){1}, SLICE(""), &item);
    assert(item.is_idempotent == !slice_is_empty(parts->external_id));
}

static void check_result(const struct envelope *envelope, const struct envelope_rules *rules,
                         enum err err, const struct diag *diag)
{
    if (err == OK) {
        check_event(envelope, rules);
    } else {
        assert(err == ERR_INVALID || err == ERR_LIMIT);
        assert(diag->text[0] != '\0');
    }
}

typedef enum err parse_fn(struct envelope *envelope, struct json value,
                          const struct envelope_rules *rules, struct diag *diag);

static void read_json(parse_fn *parse, struct json value, bool has_account)
{
    const struct envelope_rules rules = {.data_bytes_max = DATA_BYTES_MAX,
                                         .has_account = has_account};
    struct envelope envelope;
    struct diag diag = {{0}, {0}};

    envelope_init(&envelope);
    enum err err = parse(&envelope, value, &rules, &diag);
    check_result(&envelope, &rules, err, &diag);
    envelope_clear(&envelope);
}

static void read_as_json(struct slice text)
{
    struct json_doc doc;

    json_doc_init(&doc);
    if (json_parse(&doc, text, NULL) == OK) {
        for (int has_account = 0; has_account < 2; has_account++) {
            read_json(envelope_parse, json_root(&doc), has_account);
            read_json(cloudevent_parse, json_root(&doc), has_account);
        }
    }
    json_doc_clear(&doc);
}

static void read_as_binary(struct slice text)
{
    const struct envelope_rules rules = {.data_bytes_max = DATA_BYTES_MAX};
    struct cloudevent_header headers[HEADERS_MAX];
    struct slice content_type = SLICE("");
    struct slice line;
    struct envelope envelope;
    struct diag diag = {{0}, {0}};
    size_t headers_len = 0;

    while (headers_len < HEADERS_MAX && slice_cut(&text, '\n', &line) && !slice_is_empty(line)) {
        struct cloudevent_header *header = &headers[headers_len++];

        (void)slice_cut(&line, ':', &header->name); /* there is a first part */
        header->value = line.ptr == NULL ? SLICE("") : slice_trim(line);
        if (slice_equal_nocase(header->name, SLICE("content-type"))) {
            content_type = header->value;
        }
    }
    envelope_init(&envelope);
    enum err err = cloudevent_parse_binary(&envelope, headers, headers_len, content_type,
                                           text.ptr == NULL ? SLICE("") : text, &rules, &diag);
    check_result(&envelope, &rules, err, &diag);
    envelope_clear(&envelope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice text = len == 0 ? SLICE("") : slice_from(data, len);

    read_as_json(text);
    read_as_binary(text);
    return 0;
}
