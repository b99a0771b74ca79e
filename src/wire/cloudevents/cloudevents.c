#include "wire/cloudevents/cloudevents.h"

#include "base/mem.h"
#include "base/timetext.h"
#include "model/account.h"
#include "wire/dialect_options.h"
#include "wire/mail_text.h"
#include "wire/payload.h"
#include "wire/signature.h"

enum { SOURCE_SIZE = 16 + ACCOUNT_NAME_BYTES_MAX, VALUE_BYTES_MAX = EVENT_ATTRIBUTES_BYTES_MAX };

static bool is_binary(const struct channel *channel)
{
    return memmem(channel->options.ptr, channel->options.len, "\"binary\"", 8) != NULL;
}

static enum err check_mode(struct json options, struct diag *diag)
{
    struct json mode = json_member(options, "mode");

    if (!json_exists(mode) || slice_is(json_raw(mode), "\"structured\"") ||
        slice_is(json_raw(mode), "\"binary\"")) {
        return OK;
    }
    return diag_field(diag, ERR_INVALID, "options.mode", "must be \"structured\" or \"binary\"");
}

static enum err check(const struct channel *channel, struct diag *diag)
{
    static const char *const names[] = {"mode", "signature"};
    struct json_doc doc;

    json_doc_init(&doc);
    enum err err = dialect_options_parse(channel, names, ARRAY_LEN(names), &doc, diag);
    if (err == OK) {
        err = check_mode(json_root(&doc), diag);
    }
    if (err == OK) {
        err = signature_check(channel, json_root(&doc), diag);
    }
    json_doc_clear(&doc);
    return err;
}

/*
 * The context attributes but type and datacontenttype, as one JSON object; written to out when the
 * event did not come with them.
 */
static struct slice attributes_of(const struct event *event, struct buf *out)
{
    struct json_writer writer;
    char source[SOURCE_SIZE];

    if (event->attributes.len > 0) {
        return event->attributes;
    }
    (void)snprintf(source, sizeof(source), "/accounts/%.*s", SLICE_ARGS(event->account_name));
    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_key(&writer, "id");
    json_put_text(&writer, id_text(ID_EVENT, event->id).chars);
    json_key(&writer, "source");
    json_put_text(&writer, source);
    json_key(&writer, "time");
    json_put_text(&writer, timetext_rfc3339(id_time(event->id)).chars);
    json_end_object(&writer);
    return buf_view(out);
}

/* ---- structured mode (JSON event format) ---- */

static void put_structured(const struct event *event, struct json attributes, struct buf *out)
{
    struct json_writer writer;

    buf_reserve(out, event->data.len + 512);
    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_key(&writer, "specversion");
    json_put_text(&writer, "1.0");
    json_key(&writer, "type");
    json_put_string(&writer, event->type);
    for (struct json member = json_first(attributes); json_exists(member);
         member = json_next(member)) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%.*s", SLICE_ARGS(json_name(member)));
        json_key(&writer, name);
        json_put_raw(&writer, json_raw(member));
    }
    json_key(&writer, "datacontenttype");
    json_put_string(&writer, event->content_type);
    payload_put(&writer, event);
    json_end_object(&writer);
}

/* ---- binary mode ---- */

/*
 * HTTP binding, section 3.1.3.2: space, '"', '%' and everything that is not printable ASCII is
 * percent-encoded.
 */
static void put_header_text(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte <= ' ' || byte == '"' || byte == '%' || byte > '~') {
            buf_printf(out, "%%%02X", byte);
        } else {
            buf_byte(out, (char)byte);
        }
    }
}

static void add_attribute(struct dialect_draft *draft, struct json member)
{
    struct buf scratch;
    struct buf *text = draft->text;
    size_t name_from = text->len;

    buf_printf(text, "ce-%.*s", SLICE_ARGS(json_name(member)));
    size_t value_from = text->len;
    buf_init(&scratch, VALUE_BYTES_MAX);
    put_header_text(text, json_type(member) == JSON_STRING ? json_string(member, &scratch)
                                                           : json_raw(member));
    buf_clear(&scratch);
    dialect_add_header(draft, slice_from(text->ptr + name_from, value_from - name_from),
                       slice_from(text->ptr + value_from, text->len - value_from));
}

static void put_binary(const struct event *event, struct json attributes,
                       struct dialect_draft *draft)
{
    dialect_add_header(draft, SLICE("ce-specversion"), SLICE("1.0"));
    dialect_add_header(draft, SLICE("ce-type"), event->type);
    for (struct json member = json_first(attributes); json_exists(member);
         member = json_next(member)) {
        add_attribute(draft, member);
    }
    draft->request->body = event->data;
    if (event->data.ptr == NULL) {
        draft->request->body = SLICE("");
    }
}

static enum err encode(const struct dialect_attempt *attempt, struct dialect_draft *draft,
                       struct diag *diag)
{
    struct json_doc doc;
    struct buf made;

    json_doc_init(&doc);
    buf_init(&made, EVENT_ATTRIBUTES_BYTES_MAX);
    enum err err = json_parse(&doc, attributes_of(attempt->event, &made), diag);
    if (err == OK && is_binary(attempt->channel)) {
        put_binary(attempt->event, json_root(&doc), draft);
        dialect_add_header(draft, SLICE("content-type"), attempt->event->content_type);
        signature_add(attempt, attempt->event->data, draft);
    } else if (err == OK) {
        put_structured(attempt->event, json_root(&doc), draft->body);
        dialect_add_header(draft, SLICE("content-type"),
                           SLICE("application/cloudevents+json; charset=utf-8"));
        signature_add(attempt, buf_view(draft->body), draft);
    }
    buf_clear(&made);
    json_doc_clear(&doc);
    return err;
}

static struct dialect_judgement judge(const struct dialect_attempt *attempt,
                                      const struct outbound_result *result, struct buf *detail)
{
    (void)detail;
    return dialect_judge_status(result, attempt->now);
}

const struct dialect dialect_cloudevents = {
    .name = "cloudevents",
    .kinds = 1U << CHANNEL_WEBHOOK | 1U << CHANNEL_EMAIL | 1U << CHANNEL_QUEUE,
    .check = check,
    .encode = encode,
    .encode_mail = mail_text_encode,
    .judge = judge,
};
