#include "wire/shopcart/shop_merchant.h"

#include "base/mem.h"
#include "base/sign.h"
#include "model/directory.h"
#include "model/field.h"
#include "wire/shopcart/shopcart.h"

/* Looked at in place of a merchant's that does not exist. */
static const struct slice nobody =
    SLICE("{\"merchant_id\": \"000000\", \"key\": \"00000000000000000000000000000000\"}");

/* ---- what is allowed ---- */

enum err shop_merchant_check(struct json credentials, struct diag *diag)
{
    static const struct credential_member members[] = {
        {"merchant_id", 1, SHOP_MERCHANT_DIGITS_MAX, false, credentials_are_digits,
         "1 to 20 digits as a string"},
        {"key", SHOP_KEY_BYTES_MIN, SHOP_KEY_BYTES_MAX, false, credentials_are_visible,
         "16 to 64 visible characters without spaces"},
    };

    return credentials_check(credentials, members, ARRAY_LEN(members), diag);
}

/* ---- who calls ---- */

/* A key in the one form in which two are compared: of one length, small letters, its own length
 * behind it. */
struct folded_key {
    uint8_t bytes[SHOP_KEY_BYTES_MAX + 1];
};

static void fold(struct slice key, struct folded_key *out)
{
    size_t len = key.len <= SHOP_KEY_BYTES_MAX ? key.len : 0;

    *out = (struct folded_key){0};
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)key.ptr[i];

        out->bytes[i] = byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
    }
    out->bytes[SHOP_KEY_BYTES_MAX] = (uint8_t)len;
}

static void fold_stored(struct slice credentials, struct folded_key *out)
{
    struct json_doc doc;
    struct buf scratch;

    json_doc_init(&doc);
    buf_init(&scratch, SHOP_KEY_BYTES_MAX);
    if (json_parse(&doc, credentials, NULL) == OK) { /* it was checked when it was stored */
        fold(json_string(json_member(json_root(&doc), "key"), &scratch), out);
    }
    if (scratch.ptr != NULL) {
        mem_wipe(scratch.ptr, scratch.len);
    }
    buf_clear(&scratch);
    json_doc_clear(&doc);
}

static bool is_key_of(struct slice credentials, struct slice key)
{
    struct folded_key stored = {0}, given;

    fold_stored(credentials, &stored);
    fold(key, &given);
    bool is_equal = secret_equal(slice_from(stored.bytes, sizeof stored.bytes),
                                 slice_from(given.bytes, sizeof given.bytes)) &&
                    given.bytes[SHOP_KEY_BYTES_MAX] > 0;
    mem_wipe(&stored, sizeof stored);
    mem_wipe(&given, sizeof given);
    return is_equal;
}

struct account *shop_merchant_find(struct exchange *exchange, struct slice merchant,
                                   struct slice key)
{
    struct account *account =
        directory_account_by_login(exchange_directory(exchange), SHOPCART_NAME, merchant);
    bool is_right =
        is_key_of(account != NULL ? account_credentials(account, SHOPCART_NAME) : nobody, key);

    return is_right ? account : NULL;
}
