#include "wire/cashier/cashier.h"

#include "base/mem.h"
#include "model/field.h"
#include "wire/cashier/form.h"
#include "wire/cashier/gt.h"
#include "wire/cashier/verdict.h"
#include "wire/dialect_options.h"
#include "wire/payload.h"

enum {
    MERCHANT_ID_BYTES_MAX = 50,     /* varchar(50) */
    APPLICATION_KEY_BYTES_MAX = 32, /* varchar(32) */
    SECRET_BYTES_MAX = 256,
};

#define TIMEOUT_US (30 * US_PER_SECOND)

/* ---- options ---- */

struct options {
    bool has_number_rates;
    bool takes_text_status;
    bool checks_answer;
};

static enum err read_rate(struct json options, bool *has_number_rates, struct diag *diag)
{
    struct slice raw = json_raw(json_member(options, "rate"));

    *has_number_rates = slice_is(raw, "\"number\"");
    if (raw.len == 0 || *has_number_rates || slice_is(raw, "\"string\"")) {
        return OK;
    }
    return diag_field(diag, ERR_INVALID, "options.rate", "must be \"string\" or \"number\"");
}

static enum err read_flag(struct json options, const char *name, bool *out, struct diag *diag)
{
    struct json value = json_member(options, name);

    if (!json_exists(value)) {
        return OK;
    }
    return field_flag(value, field_member("options", slice_of(name)).chars, out, diag);
}

static enum err read_options(const struct channel *channel, struct options *out, struct diag *diag)
{
    static const char *const names[] = {"rate", "text_status", "check_answer"};
    struct json_doc doc;

    json_doc_init(&doc);
    enum err err = dialect_options_parse(channel, names, ARRAY_LEN(names), &doc, diag);
    struct json options = json_root(&doc);
    *out = (struct options){false};
    if (err == OK) {
        err = read_rate(options, &out->has_number_rates, diag);
    }
    if (err == OK) {
        err = read_flag(options, "text_status", &out->takes_text_status, diag);
    }
    if (err == OK) {
        err = read_flag(options, "check_answer", &out->checks_answer, diag);
    }
    json_doc_clear(&doc);
    return err;
}

static enum err check(const struct channel *channel, struct diag *diag)
{
    struct options options;
    return read_options(channel, &options, diag);
}

/* ---- credentials ---- */

static enum err check_credentials(struct json credentials, struct diag *diag)
{
    static const struct credential_member members[] = {
        {"merchant_id", 1, MERCHANT_ID_BYTES_MAX, false, NULL, "1 to 50 bytes of text"},
        {"application_key", 1, APPLICATION_KEY_BYTES_MAX, false, NULL, "1 to 32 bytes of text"},
        {"secret", 1, SECRET_BYTES_MAX, false, NULL, "1 to 256 bytes of text"},
    };

    return credentials_check(credentials, members, ARRAY_LEN(members), diag);
}

/* The merchant that an attempt is for. */
struct merchant {
    struct json_doc doc;
    struct buf scratch;
    struct json credentials;
    struct slice secret; /* empty: there is none */
};

static void merchant_init(struct merchant *merchant, const struct account *account)
{
    struct slice text = account_credentials(account, "cashier");

    json_doc_init(&merchant->doc);
    buf_init(&merchant->scratch, SECRET_BYTES_MAX);
    merchant->secret = SLICE("");
    if (text.len > 0 && json_parse(&merchant->doc, text, NULL) == OK) {
        merchant->credentials = json_root(&merchant->doc);
        merchant->secret =
            json_string(json_member(merchant->credentials, "secret"), &merchant->scratch);
    }
}

static void merchant_clear(struct merchant *merchant)
{
    json_doc_clear(&merchant->doc);
    mem_wipe(merchant->scratch.ptr, merchant->scratch.len);
    buf_clear(&merchant->scratch);
}

/* ---- sending ---- */

/* Signs the body as a receiver will read it, so that both mean the same texts. */
static enum err sign(const struct merchant *merchant, struct dialect_draft *draft,
                     struct diag *diag)
{
    struct json_doc doc;
    struct buf text;

    json_doc_init(&doc);
    buf_init(&text, draft->body->len);
    enum err err = json_parse(&doc, buf_view(draft->body), diag);
    if (err == OK) {
        err = gt_put_notification(json_root(&doc), /* rate= */ NULL, &text, diag);
    }
    if (err == OK) {
        size_t from = draft->text->len;
        buf_text(draft->text, gt_sign(buf_view(&text), merchant->secret).chars);
        dialect_add_header(draft, SLICE(GT_HEADER),
                           slice_sub(buf_view(draft->text), from, draft->text->len - from));
    }
    buf_clear(&text);
    json_doc_clear(&doc);
    return err;
}

static enum err encode_data(const struct dialect_attempt *attempt, const struct merchant *merchant,
                            struct json data, struct dialect_draft *draft, struct diag *diag)
{
    struct form form = {.data = data, .credentials = merchant->credentials, .now = attempt->now};
    struct options options;
    enum err err = read_options(attempt->channel, &options, diag);

    if (err == OK) {
        form.has_number_rates = options.has_number_rates;
        buf_reserve(draft->body, attempt->event->data.len + 512);
        err = form_put(&form, draft->body, diag);
    }
    return err == OK ? buf_check(draft->body) : err;
}

static enum err encode(const struct dialect_attempt *attempt, struct dialect_draft *draft,
                       struct diag *diag)
{
    const struct event *event = attempt->event;
    struct merchant merchant;
    struct json_doc doc;

    if (!payload_is_json(event->content_type)) {
        return diag_set(diag, ERR_INVALID, "only JSON data can go out in the dialect cashier");
    }
    json_doc_init(&doc);
    merchant_init(&merchant, attempt->account);
    enum err err = merchant.secret.len > 0
                       ? json_parse(&doc, event->data, diag)
                       : diag_set(diag, ERR_INVALID, "the account has no credentials for cashier");
    if (err == OK) {
        err = encode_data(attempt, &merchant, payload_news(event, &doc), draft, diag);
    }
    if (err == OK) {
        dialect_add_header(draft, SLICE("Content-Type"), SLICE("application/json; charset=utf-8"));
        err = sign(&merchant, draft, diag);
    }
    merchant_clear(&merchant);
    json_doc_clear(&doc);
    return err;
}

static struct dialect_judgement judge(const struct dialect_attempt *attempt,
                                      const struct outbound_result *result, struct buf *detail)
{
    struct merchant merchant;
    struct options options;

    (void)!read_options(attempt->channel, &options, NULL); /* they were checked when saved */
    merchant_init(&merchant, attempt->account);
    struct verdict_rules rules = {.secret = merchant.secret,
                                  .takes_text_status = options.takes_text_status,
                                  .needs_signature = options.checks_answer};
    struct dialect_judgement judgement = verdict_of(result, &rules, attempt->now, detail);
    merchant_clear(&merchant);
    return judgement;
}

const struct dialect dialect_cashier = {
    .name = "cashier",
    .kinds = 1U << CHANNEL_WEBHOOK,
    .rules =
        {
            .name = "cashier",
            .login = "merchant_id",
            .check_credentials = check_credentials,
            .takes_url_from_event = true,
            .retry_json = "{\"every\":\"5m\",\"for\":\"24h\",\"jitter\":0}",
            .timeout_us = TIMEOUT_US,
        },
    .check = check,
    .encode = encode,
    .judge = judge,
};
