#include "wire/cashier/verdict.h"

#include "base/json.h"
#include "base/utf8.h"
#include "wire/cashier/gt.h"

#include <inttypes.h>

static const struct dialect_judgement again = {.verdict = VERDICT_RETRY};

/* ---- the signature ---- */

enum signature_state { SIGNATURE_NONE, SIGNATURE_RIGHT, SIGNATURE_WRONG };

/*
 * Of a header that comes twice nobody knows which one counts, so neither does. The two names are
 * different: one that is right is enough.
 */
static enum signature_state check_header(const struct outbound_result *result, const char *name,
                                         struct slice text, struct slice secret)
{
    enum signature_state state = SIGNATURE_NONE;

    for (uint32_t i = 0; i < result->headers_len; i++) {
        if (slice_equal_nocase(result->headers[i].name, slice_of(name))) {
            bool is_right =
                state == SIGNATURE_NONE && gt_is_right(text, secret, result->headers[i].value);
            state = is_right ? SIGNATURE_RIGHT : SIGNATURE_WRONG;
        }
    }
    return state;
}

static enum signature_state check_signature(const struct outbound_result *result,
                                            struct json answer, struct slice secret)
{
    static const char *const names[] = {GT_HEADER, GT_HEADER_OF_ANSWERS};
    enum signature_state found = SIGNATURE_NONE;
    struct buf text;

    if (secret.len == 0) {
        return SIGNATURE_NONE;
    }
    buf_init(&text, OUTBOUND_ANSWER_BYTES_MAX);
    bool has_text = gt_put_answer(answer, &text, NULL) == OK;
    for (size_t i = 0; i < ARRAY_LEN(names) && found != SIGNATURE_RIGHT; i++) {
        enum signature_state state = check_header(result, names[i], buf_view(&text), secret);
        found = state != SIGNATURE_NONE ? state : found;
    }
    buf_clear(&text);
    return found == SIGNATURE_RIGHT && !has_text ? SIGNATURE_WRONG : found;
}

/* ---- words ---- */

/* On one line, as far as it goes; the answer is stored as it came besides. */
static void put_description(struct json answer, struct buf *detail)
{
    struct json description = json_member(answer, "description");
    struct buf scratch;
    size_t characters = 0, len;

    if (json_type(description) != JSON_STRING) {
        return;
    }
    buf_init(&scratch, OUTBOUND_ANSWER_BYTES_MAX);
    struct slice rest = json_string(description, &scratch);
    buf_text(detail, rest.len > 0 ? ": " : "");
    while (characters < VERDICT_DESCRIPTION_CHARACTERS_MAX && (len = utf8_next(rest, NULL)) > 0) {
        struct slice character = slice_sub(rest, 0, len);
        if (!utf8_has_control(character)) {
            buf_slice(detail, character);
            characters++;
        }
        rest = slice_sub(rest, len, rest.len);
    }
    buf_clear(&scratch);
}

static struct dialect_judgement unrecognized(const char *why, struct buf *detail)
{
    buf_printf(detail, "unrecognized answer: %s", why);
    return again;
}

/* ---- the verdict ---- */

/* As a number, or as a string where that is allowed. */
static bool read_status(struct json status, bool takes_text, int64_t *out)
{
    if (json_to_i64(status, out) == OK) {
        return true;
    }
    if (!takes_text || json_type(status) != JSON_STRING) {
        return false;
    }
    struct slice raw = json_raw(status); /* with its quotes; digits have no escapes */
    return slice_to_i64(slice_sub(raw, 1, raw.len - 2), out) == OK;
}

static struct dialect_judgement judge_object(const struct outbound_result *result,
                                             const struct verdict_rules *rules, struct json answer,
                                             struct buf *detail)
{
    enum signature_state signature = check_signature(result, answer, rules->secret);
    int64_t status = 0;

    if (!read_status(json_member(answer, "status"), rules->takes_text_status, &status)) {
        return unrecognized("it has no member status that is a whole number", detail);
    }
    bool is_unproven = rules->needs_signature && signature != SIGNATURE_RIGHT;
    if (is_unproven || signature == SIGNATURE_WRONG) {
        buf_printf(detail, "the answer's signature is %s; ",
                   signature == SIGNATURE_WRONG ? "wrong" : "missing");
    }
    buf_printf(detail, "status %" PRId64, status);
    put_description(answer, detail);
    if (status < 0 || is_unproven) {
        return again;
    }
    return (struct dialect_judgement){.verdict = status == 0 ? VERDICT_DELIVERED : VERDICT_REFUSED};
}

static struct dialect_judgement judge_body(const struct outbound_result *result,
                                           const struct verdict_rules *rules, struct buf *detail)
{
    struct dialect_judgement judgement;
    struct json_doc doc;

    if (result->body.len == 0) {
        return unrecognized("it is empty", detail);
    }
    if (result->was_cut) {
        return unrecognized("it is too long", detail);
    }
    json_doc_init(&doc);
    if (json_parse(&doc, result->body, NULL) != OK) {
        judgement = unrecognized("it is not JSON", detail);
    } else if (json_type(json_root(&doc)) != JSON_OBJECT) {
        judgement = unrecognized("it is not a JSON object", detail);
    } else {
        judgement = judge_object(result, rules, json_root(&doc), detail);
    }
    json_doc_clear(&doc);
    return judgement;
}

struct dialect_judgement verdict_of(const struct outbound_result *result,
                                    const struct verdict_rules *rules, struct wall now,
                                    struct buf *detail)
{
    if (result->status == 200) {
        return judge_body(result, rules, detail);
    }
    /* Whatever it usually means, here it is no answer; only a wish to wait counts. */
    struct dialect_judgement judgement = dialect_judge_status(result, now);
    judgement.verdict = VERDICT_RETRY;
    if (result->status >= 200 && result->status <= 299) {
        buf_printf(detail, "unrecognized answer: HTTP %d, not 200", result->status);
    }
    return judgement;
}
