#include "wire/mail_text.h"

#include "base/json.h"
#include "base/timetext.h"
#include "base/utf8.h"
#include "wire/payload.h"

enum {
    MAIL_VALUE_BYTES_MAX = 500,    /* of one value in the text; the attachment has it whole */
    MAIL_LINES_MAX = 100,          /* of data in the text */
    MAIL_STRING_BYTES_MAX = 65536, /* of one unescaped string on its way there */
};

/* Media type -> how the attachment's name ends. */
static const struct {
    const char *word;
    const char *name;
} attachment_names[] = {
    {"json", "event.json"},
    {"xml", "event.xml"},
    {"text/", "event.txt"},
    {"", "event.bin"},
};

static const char *attachment_name(struct slice content_type)
{
    size_t i = 0;

    while (memmem(content_type.ptr, content_type.len, attachment_names[i].word,
                  strlen(attachment_names[i].word)) == NULL) {
        i++;
    }
    return attachment_names[i].name;
}

static void put_line(struct buf *out, const char *label, struct slice value)
{
    if (value.len > 0) {
        buf_printf(out, "%-12s %.*s\n", label, SLICE_ARGS(value));
    }
}

static void put_on_one_line(struct buf *out, struct slice text)
{
    struct slice cut = utf8_cut(text, MAIL_VALUE_BYTES_MAX);

    for (size_t i = 0; i < cut.len; i++) {
        buf_byte(out, (unsigned char)cut.ptr[i] < ' ' ? ' ' : cut.ptr[i]);
    }
}

/* Strings undone, everything else as it is in the data. */
static void put_value(struct buf *out, struct json value)
{
    struct buf scratch;

    buf_init(&scratch, MAIL_STRING_BYTES_MAX);
    put_on_one_line(out, json_type(value) == JSON_STRING ? json_string(value, &scratch)
                                                         : json_raw(value));
    buf_clear(&scratch);
}

static void put_name(struct buf *out, struct json member)
{
    struct buf scratch;

    buf_init(&scratch, MAIL_STRING_BYTES_MAX);
    put_on_one_line(out, json_name_text(member, &scratch));
    buf_clear(&scratch);
}

static void put_members(struct buf *out, struct json object)
{
    uint32_t lines = 0;

    for (struct json member = json_first(object); json_exists(member); member = json_next(member)) {
        if (lines++ == MAIL_LINES_MAX) {
            buf_text(out, "  ...\n");
            return;
        }
        buf_text(out, "  ");
        put_name(out, member);
        buf_text(out, ": ");
        put_value(out, member);
        buf_byte(out, '\n');
    }
}

static void put_data(struct buf *out, const struct event *event)
{
    struct json_doc doc;

    json_doc_init(&doc);
    if (payload_is_json(event->content_type) && json_parse(&doc, event->data, NULL) == OK) {
        if (json_type(json_root(&doc)) == JSON_OBJECT) {
            put_members(out, json_root(&doc));
        } else {
            buf_text(out, "  ");
            put_value(out, json_root(&doc));
            buf_byte(out, '\n');
        }
    }
    json_doc_clear(&doc);
    buf_text(out, "\nThe attachment holds the data as it was published.\n");
}

static void put_text(struct buf *out, const struct dialect_attempt *attempt)
{
    const struct event *event = attempt->event;

    buf_printf(out, "%.*s\n\n", SLICE_ARGS(event->type));
    put_line(out, "Account:", event->account_name);
    put_line(out, "Event:", slice_of(id_text(ID_EVENT, event->id).chars));
    put_line(out, "Time:", slice_of(timetext_seconds(id_time(event->id)).chars));
    put_line(out, "Reference:", event->client_ref);
    put_line(out, "Our ref.:", event->server_ref);
    buf_byte(out, '\n');
    put_data(out, event);
}

/* The type, and the customer's own reference, which is what its people look for. */
static struct slice put_subject(struct buf *out, const struct event *event)
{
    size_t from = out->len;

    buf_slice(out, event->type);
    if (event->client_ref.len > 0) {
        buf_text(out, " - ");
        buf_slice(out, event->client_ref);
    }
    return slice_from(out->ptr + from, out->len - from);
}

enum err mail_text_encode(const struct dialect_attempt *attempt, struct dialect_draft *draft,
                          struct diag *diag)
{
    const struct event *event = attempt->event;

    (void)diag;
    put_text(draft->body, attempt);
    draft->mail->subject = put_subject(draft->text, event);
    draft->mail->text = buf_view(draft->body);
    draft->mail->attachment = event->data;
    draft->mail->attachment_type = event->content_type;
    draft->mail->attachment_name = slice_of(attachment_name(event->content_type));
    return OK;
}
