#include "cli/verify_cashier.h"

#include "base/json.h"
#include "wire/cashier/gt.h"
#include "wire/cashier/rate.h"

#include <inttypes.h>

enum {
    TEXT_BYTES_MAX = 16 * 1024 * 1024, /* of all signed texts of one message */
    ANSWER_BYTES_MAX = 4096,           /* 256 characters, every byte escaped, and the rest */
};

const char *verify_rule_words(enum verify_rule rule)
{
    static const char *const words[] = {
        [VERIFY_RULE_NO_RATE] = "; no rate is signed",
        [VERIFY_RULE_AS_IT_STANDS] = ", with the rate as it stands",
        [VERIFY_RULE_SHORTEST] = ", with the rate in its shortest form",
        [VERIFY_RULE_SIX_DECIMALS] = ", with the rate in six decimals",
        [VERIFY_RULE_SORTED_MEMBERS] = ", by the rule of versions 1.1 and 1.2",
    };
    return words[rule];
}

void verify_finding_init(struct verify_finding *finding)
{
    *finding = (struct verify_finding){.rule = VERIFY_RULE_NO_RATE};
    buf_init(&finding->text, TEXT_BYTES_MAX);
    buf_init(&finding->timestamp, TEXT_BYTES_MAX);
}

void verify_finding_clear(struct verify_finding *finding)
{
    buf_clear(&finding->text);
    buf_clear(&finding->timestamp);
}

/* A scalar as text: a string's characters, else as it stands. */
static void put_text(struct json value, struct buf *out)
{
    if (json_type(value) == JSON_STRING) {
        json_unescape(value, out);
    } else {
        buf_slice(out, json_raw(value));
    }
}

/* ---- the signature ---- */

static enum err check_form(struct slice signature, struct diag *diag)
{
    const size_t digits = 2 * SHA384_BYTES;

    if (signature.len != digits) {
        return diag_set(diag, ERR_DENIED,
                        "the signature has %zu characters, not the %zu hex digits of SHA-384",
                        signature.len, digits);
    }
    return OK;
}

static enum err wrong(struct diag *diag)
{
    return diag_set(diag, ERR_DENIED, "the signature is wrong");
}

static bool fits(struct json message, const struct slice *rate, struct slice secret,
                 struct slice signature)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    bool is_right = gt_put_notification(message, rate, &text, NULL) == OK &&
                    buf_check(&text) == OK && gt_is_right(buf_view(&text), secret, signature);
    buf_clear(&text);
    return is_right;
}

typedef enum err rate_fn(struct slice text, struct rate_text *out);

/* The rate written in another way. */
static bool fits_with(rate_fn *write, struct json message, struct slice secret,
                      struct slice signature)
{
    struct rate_text rate;
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    put_text(gt_signed_rate(message), &text);
    bool is_right = write(buf_view(&text), &rate) == OK;
    buf_clear(&text);
    struct slice other = is_right ? slice_of(rate.chars) : SLICE("");
    return is_right && fits(message, &other, secret, signature);
}

static enum err check_fields(struct json message, struct slice secret, struct slice signature,
                             struct verify_finding *finding, struct diag *diag)
{
    struct json rate = gt_signed_rate(message);
    enum err err = gt_put_notification(message, /* rate= */ NULL, &finding->text, diag);

    if (err != OK) {
        return err;
    }
    if (fits(message, /* rate= */ NULL, secret, signature)) {
        finding->rule = json_is_null(rate) ? VERIFY_RULE_NO_RATE : VERIFY_RULE_AS_IT_STANDS;
    } else if (json_type(rate) == JSON_NUMBER &&
               fits_with(rate_shortest, message, secret, signature)) {
        finding->rule = VERIFY_RULE_SHORTEST;
    } else if (!json_is_null(rate) && fits_with(rate_six_decimals, message, secret, signature)) {
        finding->rule = VERIFY_RULE_SIX_DECIMALS;
    } else {
        return wrong(diag);
    }
    return OK;
}

static enum err check_members(struct json message, struct slice secret, struct slice signature,
                              struct verify_finding *finding, struct diag *diag)
{
    enum err err = gt_put_members(message, &finding->text, diag);

    if (err != OK) {
        return err;
    }
    finding->rule = VERIFY_RULE_SORTED_MEMBERS;
    return gt_is_right(buf_view(&finding->text), secret, signature) ? OK : wrong(diag);
}

static enum err check_signature(const struct captured *request, struct json message,
                                struct slice secret, struct verify_finding *finding,
                                struct diag *diag)
{
    struct json member = json_member(message, "signature");
    struct slice signature = SLICE("");
    struct buf scratch;
    enum err err = captured_header(request, GT_HEADER, &signature, diag);
    bool is_old = err == ERR_NOT_FOUND && json_type(member) == JSON_STRING;

    buf_init(&scratch, json_raw(member).len);
    if (is_old) {
        signature = json_string(member, &scratch);
        err = OK;
    }
    signature = slice_trim(signature);
    err = err == OK ? check_form(signature, diag) : ERR_DENIED;
    if (err == OK) {
        err = (is_old ? check_members : check_fields)(message, secret, signature, finding, diag);
    }
    buf_clear(&scratch);
    return err;
}

/* ---- whom it is for ---- */

static enum err check_expected(struct json message, const char *name, struct slice expected,
                               struct diag *diag)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    put_text(json_member(message, name), &text);
    bool is_right = expected.len == 0 || slice_equal(buf_view(&text), expected);
    buf_clear(&text);
    return is_right ? OK : diag_set(diag, ERR_CONFLICT, "this %s is not ours", name);
}

static enum err check_message(const struct captured *request, struct json message,
                              const struct verify_merchant *merchant,
                              struct verify_finding *finding, struct diag *diag)
{
    if (json_type(message) != JSON_OBJECT) {
        return diag_set(diag, ERR_INVALID, "the body must be a JSON object, not %s",
                        json_type_name(json_type(message)));
    }
    put_text(json_member(message, "timestamp"), &finding->timestamp);
    enum err err = check_signature(request, message, merchant->secret, finding, diag);
    if (err == OK) {
        err = check_expected(message, "merchant_id", merchant->merchant_id, diag);
    }
    if (err == OK) {
        err = check_expected(message, "application_key", merchant->application_key, diag);
    }
    return err;
}

enum err verify_cashier_check(const struct captured *request,
                              const struct verify_merchant *merchant,
                              struct verify_finding *finding, struct diag *diag)
{
    struct json_doc doc;

    json_doc_init(&doc);
    enum err err = json_parse(&doc, request->body, diag);
    if (err == OK) {
        err = check_message(request, json_root(&doc), merchant, finding, diag);
    } else {
        err = diag_set(diag, ERR_INVALID, "the body is not JSON: %s", diag->text);
    }
    json_doc_clear(&doc);
    return err;
}

/* ---- the acknowledgement ---- */

static void put_answer_body(const struct verify_answer *answer, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_key(&writer, "status");
    json_put_i64(&writer, answer->status);
    json_key(&writer, "description");
    json_put_string(&writer, answer->description);
    json_key(&writer, "version");
    json_put_text(&writer, GT_VERSION);
    json_key(&writer, "timestamp");
    json_put_i64(&writer, answer->timestamp);
    json_end_object(&writer);
}

void verify_cashier_answer(const struct verify_answer *answer, struct slice secret, struct buf *out)
{
    struct buf body;
    char text[64];

    buf_init(&body, ANSWER_BYTES_MAX);
    put_answer_body(answer, &body);
    int len =
        snprintf(text, sizeof(text), "%" PRId64 "%" PRId64, answer->status, answer->timestamp);
    buf_printf(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n");
    buf_printf(out, "%s: %s\r\n", GT_HEADER, gt_sign(slice_from(text, (size_t)len), secret).chars);
    buf_printf(out, "Content-Length: %zu\r\n\r\n", body.len);
    buf_slice(out, buf_view(&body));
    buf_clear(&body);
}
