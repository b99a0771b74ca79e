#include "wire/wapi/dialect.h"

#include "base/encode.h"
#include "base/utf8.h"
#include "wire/wapi/credentials.h"
#include "wire/wapi/layout.h"
#include "wire/wapi/notify.h"

/* ---- The document ---- */

static void put_document(const struct notify *notify, const struct dialect_attempt *attempt,
                         enum wapi_format format, struct buf *out)
{
    struct document document;

    buf_reserve(out, 2 * attempt->event->data.len + 512);
    document_open(&document, format, "notify", out);
    notify_put_members(&document, notify, attempt->delivery);
    document_close(&document, "notify");
}

/* ---- Push ---- */

static enum err encode(const struct dialect_attempt *attempt, struct dialect_draft *draft,
                       struct diag *diag)
{
    struct notify notify;
    struct buf document;
    enum err err = notify_read(&notify, attempt->event, diag);

    buf_init(&document, draft->body->bytes_max);
    if (err == OK) {
        put_document(&notify, attempt, notify_format(&notify, attempt->account), &document);
        buf_text(draft->body, "request=");
        percent_encode(draft->body, buf_view(&document));
        dialect_add_header(draft, SLICE("content-type"),
                           SLICE("application/x-www-form-urlencoded; charset=utf-8"));
        if (buf_check(&document) != OK || buf_check(draft->body) != OK) {
            err = diag_set(diag, ERR_INVALID, "larger than %zu bytes as a form",
                           draft->body->bytes_max);
        }
    }
    buf_clear(&document);
    notify_clear(&notify);
    return err;
}

/* Nothing but 200 counts; a receiver that says when it wants to be asked again is obeyed. */
static struct dialect_judgement judge(const struct dialect_attempt *attempt,
                                      const struct outbound_result *result, struct buf *detail)
{
    struct dialect_judgement judgement = dialect_judge_status(result, attempt->now);

    (void)detail;
    judgement.verdict = result->status == 200 ? VERDICT_DELIVERED : VERDICT_RETRY;
    return judgement;
}

/* ---- Mail ---- */

enum {
    MAIL_TEXT_BYTES_MAX = 64 * 1024, /* the attachment has the whole document */
    SUBJECT_PART_BYTES_MAX = 200,
};

/* A header holds no line breaks, and a mail program shows no more. */
static void put_subject_part(struct buf *out, struct slice text)
{
    struct slice cut = utf8_cut(text, SUBJECT_PART_BYTES_MAX);

    while (cut.len > 0) {
        uint32_t code = 0;
        size_t len = utf8_next(cut, &code);
        struct slice character = slice_sub(cut, 0, len > 0 ? len : 1);

        if (len == 0 || utf8_has_control(character)) {
            buf_byte(out, ' ');
        } else {
            buf_slice(out, character);
        }
        cut = slice_sub(cut, character.len, cut.len);
    }
}

/* "ping-async: OK - dom-3" */
static struct slice put_subject(const struct notify *notify, struct buf *out)
{
    size_t from = out->len;

    put_subject_part(out, notify->command);
    buf_text(out, ": ");
    put_subject_part(out, notify->result);
    if (!notify->is_system && notify->event->client_ref.len > 0) {
        buf_text(out, " - ");
        put_subject_part(out, notify->event->client_ref);
    }
    return slice_sub(buf_view(out), from, out->len - from);
}

/* Behind the document in the body, how it looks to a person. */
static void add_text(enum wapi_format format, struct buf *body)
{
    struct buf lines;

    buf_init(&lines, MAIL_TEXT_BYTES_MAX);
    layout_document(format, buf_view(body), &lines);
    buf_slice(body, buf_view(&lines));
    if (buf_check(&lines) != OK) {
        buf_text(body, "\n...\nThe attachment holds all of it.\n");
    }
    buf_clear(&lines);
}

static void attach(enum wapi_format format, struct slice document, struct mail *mail)
{
    static const struct {
        struct slice type, name;
    } kinds[] = {
        [WAPI_XML] = {SLICE("application/xml"), SLICE("notify.xml")},
        [WAPI_JSON] = {SLICE("application/json"), SLICE("notify.json")},
    };

    mail->attachment = document;
    mail->attachment_type = kinds[format].type;
    mail->attachment_name = kinds[format].name;
}

static void fill_mail(const struct notify *notify, const struct dialect_attempt *attempt,
                      struct dialect_draft *draft)
{
    enum wapi_format format = notify_format(notify, attempt->account);

    put_document(notify, attempt, format, draft->body);
    size_t document_len = draft->body->len;
    add_text(format, draft->body);
    struct slice both = buf_view(draft->body);
    attach(format, slice_sub(both, 0, document_len), draft->mail);
    draft->mail->text = slice_sub(both, document_len, both.len);
    draft->mail->subject = put_subject(notify, draft->text);
}

static enum err encode_mail(const struct dialect_attempt *attempt, struct dialect_draft *draft,
                            struct diag *diag)
{
    struct notify notify;
    enum err err = notify_read(&notify, attempt->event, diag);

    if (err == OK) {
        fill_mail(&notify, attempt, draft);
        if (buf_check(draft->body) != OK) {
            err = diag_set(diag, ERR_INVALID, "larger than %zu bytes as a mail",
                           draft->body->bytes_max);
        }
    }
    notify_clear(&notify);
    return err;
}

/* ---- Queues ---- */

static bool carries(const struct event *event, struct diag *diag)
{
    struct notify notify;
    bool is_notification = notify_read(&notify, event, diag) == OK;

    notify_clear(&notify);
    return is_notification;
}

const struct dialect dialect_wapi = {
    .name = "wapi",
    .kinds = 1U << CHANNEL_WEBHOOK | 1U << CHANNEL_EMAIL | 1U << CHANNEL_QUEUE,
    .rules =
        {
            .name = "wapi",
            .login = "login",
            .check_credentials = wapi_credentials_check,
            .makes_queue = true,
            .is_exclusive = true,
            .waits_for_ever = true,
            .is_never_disabled = true,
            /* Ten years: it is not given up. */
            .retry_json = "{\"every\":\"5m\",\"for\":\"3650d\",\"jitter\":0}",
            .timeout_us = 30 * US_PER_SECOND,
            .is_ordered = true,
        },
    .carries = carries,
    .encode = encode,
    .encode_mail = encode_mail,
    .judge = judge,
};
