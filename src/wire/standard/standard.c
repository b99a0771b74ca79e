#include "wire/standard/standard.h"

#include "base/timetext.h"
#include "wire/dialect_options.h"
#include "wire/mail_text.h"
#include "wire/payload.h"
#include "wire/signature.h"

static enum err check(const struct channel *channel, struct diag *diag)
{
    static const char *const names[] = {"signature"};
    struct json_doc doc;

    json_doc_init(&doc);
    enum err err = dialect_options_parse(channel, names, ARRAY_LEN(names), &doc, diag);
    if (err == OK) {
        err = signature_check(channel, json_root(&doc), diag);
    }
    json_doc_clear(&doc);
    return err;
}

static enum err encode(const struct dialect_attempt *attempt, struct dialect_draft *draft,
                       struct diag *diag)
{
    const struct event *event = attempt->event;
    struct json_writer writer;

    (void)diag;
    buf_reserve(draft->body, event->data.len + 256);
    json_writer_init(&writer, draft->body);
    json_begin_object(&writer);
    json_key(&writer, "type");
    json_put_string(&writer, event->type);
    json_key(&writer, "timestamp");
    json_put_text(&writer, timetext_rfc3339(id_time(event->id)).chars);
    payload_put(&writer, event);
    json_end_object(&writer);
    dialect_add_header(draft, SLICE("content-type"), SLICE("application/json"));
    signature_add(attempt, buf_view(draft->body), draft);
    return OK;
}

static struct dialect_judgement judge(const struct dialect_attempt *attempt,
                                      const struct outbound_result *result, struct buf *detail)
{
    (void)detail;
    return dialect_judge_status(result, attempt->now);
}

const struct dialect dialect_standard = {
    .name = "standard",
    .kinds = 1U << CHANNEL_WEBHOOK | 1U << CHANNEL_EMAIL | 1U << CHANNEL_QUEUE,
    .check = check,
    .encode = encode,
    .encode_mail = mail_text_encode,
    .judge = judge,
};
