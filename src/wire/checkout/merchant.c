/*
 * A merchant is named by the header merchantId and proves itself by the bearer token of its
 * account's credentials. Nobody learns from the answer whether a merchant exists, and both sides of
 * the comparison are hashed for an unknown one too.
 */
#include "wire/checkout/merchant.h"

#include "base/mem.h"
#include "base/sign.h"
#include "base/utf8.h"
#include "model/field.h"

#define DIALECT "checkout"

/* ---- credentials ---- */

static bool is_merchant_id(struct slice text)
{
    return text.len >= MERCHANT_ID_DIGITS_MIN && text.len <= MERCHANT_ID_DIGITS_MAX &&
           credentials_are_digits(text);
}

static bool is_token(struct slice text)
{
    return text.len >= MERCHANT_TOKEN_BYTES_MIN && text.len <= MERCHANT_TOKEN_BYTES_MAX &&
           credentials_are_visible(text);
}

enum err merchant_check_credentials(struct json credentials, struct diag *diag)
{
    static const struct credential_member members[] = {
        {"merchant_id", MERCHANT_ID_DIGITS_MIN, MERCHANT_ID_DIGITS_MAX, false,
         credentials_are_digits, "8 to 12 digits as a string"},
        {"token", MERCHANT_TOKEN_BYTES_MIN, MERCHANT_TOKEN_BYTES_MAX, false,
         credentials_are_visible, "16 to 4096 visible characters without spaces"},
    };

    return credentials_check(credentials, members, ARRAY_LEN(members), diag);
}

/* ---- the request's headers ---- */

static struct slice bearer_token(const struct exchange *exchange)
{
    struct slice rest = exchange_header(exchange, "Authorization");
    struct slice scheme = {NULL, 0};

    if (slice_is_empty(rest) || !slice_cut(&rest, ' ', &scheme) ||
        !slice_equal_nocase(scheme, SLICE("Bearer"))) {
        return (struct slice){NULL, 0};
    }
    return slice_trim(rest);
}

/* Token missing, bad, or not for this merchant: one answer for all of them. */
static void deny(struct exchange *exchange)
{
    buf_reset(exchange_out(exchange));
    buf_text(exchange_out(exchange), "Invalid JWT. Denying request.");
    exchange_answer(exchange, 403, "text/plain");
}

static enum err check_headers(const struct exchange *exchange, struct diag *diag)
{
    struct slice merchant = exchange_header(exchange, "merchantId");
    struct slice request = exchange_header(exchange, "requestId");

    if (slice_is_empty(merchant)) {
        return diag_field(diag, ERR_INVALID, "merchantId", "the header is missing%s",
                          slice_is_empty(exchange_header(exchange, "merchant-id"))
                              ? ""
                              : "; its name has no hyphen");
    }
    if (!is_merchant_id(merchant)) {
        return diag_field(diag, ERR_INVALID, "merchantId", "value must have %d to %d digits",
                          MERCHANT_ID_DIGITS_MIN, MERCHANT_ID_DIGITS_MAX);
    }
    if (!utf8_is_valid(request) || utf8_count(request) > MERCHANT_REFERENCE_MAX) {
        return diag_field(diag, ERR_INVALID, "requestId", "value must have at most %d characters",
                          MERCHANT_REFERENCE_MAX);
    }
    return OK;
}

/* ---- the token ---- */

/* By their hashes, so that lengths do not matter either. */
static bool is_token_of(const struct account *account, struct slice token)
{
    struct slice credentials = SLICE("{}");
    uint8_t shown[SHA256_BYTES], expected[SHA256_BYTES];
    struct json_doc doc;
    struct buf scratch;

    if (account != NULL) {
        credentials = account_credentials(account, DIALECT);
    }
    json_doc_init(&doc);
    buf_init(&scratch, credentials.len);
    bool is_there = json_parse(&doc, credentials, NULL) == OK &&
                    json_type(json_member(json_root(&doc), "token")) == JSON_STRING;
    sha256(token, shown);
    sha256(is_there ? json_string(json_member(json_root(&doc), "token"), &scratch) : SLICE(""),
           expected);
    mem_wipe(scratch.ptr, scratch.len);
    buf_clear(&scratch);
    json_doc_clear(&doc);
    return secret_equal(slice_from(shown, sizeof shown), slice_from(expected, sizeof expected)) &&
           is_there;
}

/* The account whose merchant shows its token; NULL: somebody else does. */
static struct account *account_of_caller(struct exchange *exchange, struct slice token)
{
    struct directory *directory = exchange_directory(exchange);
    struct account *account =
        directory_account_by_login(directory, DIALECT, exchange_header(exchange, "merchantId"));

    return is_token_of(account, token) ? account : NULL;
}

bool merchant_is_known(struct exchange *exchange)
{
    struct slice token = bearer_token(exchange);
    struct diag diag = {0};

    if (!is_token(token)) {
        deny(exchange);
        return false;
    }
    if (check_headers(exchange, &diag) != OK) {
        exchange_refuse(exchange, PROBLEM_INVALID, &diag);
        return false;
    }
    if (!exchange_may_try(exchange, token, &diag)) {
        exchange_refuse(exchange, PROBLEM_RATE, &diag);
        return false;
    }
    struct account *account = account_of_caller(exchange, token);
    exchange_tried(exchange, token, account != NULL);
    if (account == NULL) {
        deny(exchange);
        return false;
    }
    exchange_take_account(exchange, account);
    return true;
}

bool merchant_is_still_known(struct exchange *exchange)
{
    const struct account *account = account_of_caller(exchange, bearer_token(exchange));

    if (account == NULL || account->id.value != exchange_account(exchange)->id.value) {
        deny(exchange);
        return false;
    }
    return true;
}

const struct channel *merchant_channel(const struct exchange *exchange)
{
    return account_channel_of_dialect(exchange_account(exchange), DIALECT);
}
