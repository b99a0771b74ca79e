/*
 * Whatever an event says, either it cannot travel, or what goes out is JSON whose signature is right
 * for who receives it. Whatever a receiver answers, there is a verdict and its words are fit to be
 * shown. Whatever stands in a captured request, it is checked without a fault. A rate that is written
 * once stays what it is.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/verify_cashier.h"
#include "wire/cashier/form.h"
#include "wire/cashier/gt.h"
#include "wire/cashier/rate.h"
#include "wire/cashier/verdict.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { BODY_BYTES_MAX = 8 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct slice secret = SLICE("s3cr3t");

static struct json credentials_in(struct json_doc *doc)
{
    json_doc_init(doc);
    enum err err = json_parse(
        doc, SLICE("{\"merchant_id\":\"m\",\"application_key\":\"k\",\"secret\":\"s3cr3t\"}"),
        NULL);
    assert(err == OK);
    return json_root(doc);
}

/* Signs the message as the sender does and checks it as a receiver does. */
static void send_and_receive(struct slice body)
{
    struct verify_merchant merchant = {.secret = secret, .merchant_id = SLICE("m")};
    struct verify_finding finding;
    struct gt_signature signature;
    struct json_doc doc;
    struct diag diag;
    struct buf text;

    json_doc_init(&doc);
    buf_init(&text, BODY_BYTES_MAX);
    enum err err = json_parse(&doc, body, &diag);
    assert(err == OK || err == ERR_LIMIT); /* more values than a message may have */
    if (err == OK && gt_put_notification(json_root(&doc), NULL, &text, &diag) == OK) {
        signature = gt_sign(buf_view(&text), secret);
        struct captured request = {
            .headers = {{SLICE("gt-authentication"), slice_of(signature.chars)}},
            .headers_len = 1,
            .body = body};
        verify_finding_init(&finding);
        err = verify_cashier_check(&request, &merchant, &finding, &diag);
        assert(err == OK && finding.rule <= VERIFY_RULE_AS_IT_STANDS);
        verify_finding_clear(&finding);
    }
    buf_clear(&text);
    json_doc_clear(&doc);
}

static void encode(struct slice input)
{
    struct json_doc doc, credentials;
    struct diag diag;
    struct buf out;

    json_doc_init(&doc);
    buf_init(&out, BODY_BYTES_MAX);
    struct form form = {.credentials = credentials_in(&credentials),
                        .now = {INT64_C(1760000000) * US_PER_SECOND},
                        .has_number_rates = input.len % 2 == 0};
    if (json_parse(&doc, input, &diag) == OK) {
        form.data = json_root(&doc);
        if (form_put(&form, &out, &diag) == OK && buf_check(&out) == OK) {
            send_and_receive(buf_view(&out));
        }
    }
    buf_clear(&out);
    json_doc_clear(&credentials);
    json_doc_clear(&doc);
}

static void judge(struct slice input)
{
    struct outbound_result result = {
        .status = 200,
        .body = input,
        .headers = {{SLICE("Gt-Authentication"), slice_sub(input, 0, 96)}},
        .headers_len = 1};
    struct verdict_rules rules = {.secret = secret, .takes_text_status = input.len % 2 == 0};
    struct buf detail;

    buf_init(&detail, ATTEMPT_DETAIL_BYTES_MAX);
    struct dialect_judgement judgement = verdict_of(&result, &rules, (struct wall){0}, &detail);
    assert(judgement.verdict != VERDICT_GONE && detail.len > 0);
    assert(judgement.verdict == VERDICT_RETRY || input.len >= strlen("{\"status\":0}"));
    assert(utf8_is_valid(buf_view(&detail)) && !utf8_has_control(buf_view(&detail)));
    rules.needs_signature = true; /* nobody guesses it */
    buf_reset(&detail);
    assert(verdict_of(&result, &rules, (struct wall){0}, &detail).verdict == VERDICT_RETRY);
    buf_clear(&detail);
}

static void round_rate(struct slice input)
{
    struct rate_text six, again, shortest;

    if (rate_six_decimals(input, &six) == OK) {
        enum err err = rate_six_decimals(slice_of(six.chars), &again);
        assert(err == OK && strcmp(six.chars, again.chars) == 0);
        assert(strlen(six.chars) <= 30 && strchr(six.chars, '.')[RATE_DECIMALS + 1] == '\0');
        if (rate_shortest(input, &shortest) == OK) {
            assert(rate_shortest(slice_of(shortest.chars), &again) != OK ||
                   strcmp(shortest.chars, again.chars) == 0);
        }
    }
}

static void check_captured(struct slice input)
{
    struct captured *request = MEM_NEW(struct captured);
    struct verify_merchant merchant = {.secret = secret};
    struct verify_finding finding;
    struct diag diag;

    if (captured_parse(input, request, &diag) == OK) {
        verify_finding_init(&finding);
        assert(verify_cashier_check(request, &merchant, &finding, &diag) != OK);
        verify_finding_clear(&finding);
    }
    mem_free(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice input = slice_from(data, len);

    encode(input);
    judge(input);
    round_rate(input);
    check_captured(input);
    return 0;
}
