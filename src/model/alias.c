#include "model/alias.h"

#include "base/encode.h"
#include "base/macro.h"
#include "base/sign.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_BYTES = 8 };

static void put_number(uint8_t *at, uint64_t number)
{
    for (int i = NUMBER_BYTES - 1; i >= 0; i--) {
        at[i] = (uint8_t)number;
        number >>= 8;
    }
}

static uint64_t get_number(const uint8_t *at)
{
    uint64_t number = 0;

    for (int i = 0; i < NUMBER_BYTES; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

/* The block that two numbers make. */
static void put_block(uint8_t block[AES_BLOCK_BYTES], uint64_t first, uint64_t second)
{
    put_number(block, first);
    put_number(block + NUMBER_BYTES, second);
}

/* A key for one purpose: what is learned of one tells nothing of another. */
static void make_subkey(const uint8_t key[ALIAS_KEY_BYTES], const char *purpose,
                        uint8_t out[SHA256_BYTES])
{
    const struct slice parts[] = {SLICE("alias "), slice_of(purpose)};

    _Static_assert(SHA256_BYTES == AES256_KEY_BYTES, "a hash is a key");
    hmac_sha256(slice_from(key, ALIAS_KEY_BYTES), parts, ARRAY_LEN(parts), out);
}

/* ---- Tokens ---- */

void alias_token(const uint8_t key[ALIAS_KEY_BYTES], struct id owner, struct id thing,
                 char out[ALIAS_TOKEN_SIZE])
{
    uint8_t subkey[SHA256_BYTES];
    uint8_t block[AES_BLOCK_BYTES];

    make_subkey(key, "token", subkey);
    put_block(block, owner.value, thing.value);
    aes256_encrypt_block(subkey, block, block);
    (void)snprintf(out, ALIAS_TOKEN_SIZE, "%016" PRIx64 "%016" PRIx64, get_number(block),
                   get_number(block + NUMBER_BYTES));
}

/* Reads 16 hex digits at `at`. */
static bool read_number(const char *at, uint64_t *out)
{
    uint64_t number = 0;

    for (int i = 0; i < 2 * NUMBER_BYTES; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) {
            return false;
        }
        number = number << 4 | (uint64_t)digit;
    }
    *out = number;
    return true;
}

enum err alias_from_token(const uint8_t key[ALIAS_KEY_BYTES], struct id owner, struct slice text,
                          struct id *out)
{
    uint8_t subkey[SHA256_BYTES];
    uint8_t block[AES_BLOCK_BYTES];
    uint64_t first, second;

    if (text.len != ALIAS_TOKEN_SIZE - 1 || !read_number(text.ptr, &first) ||
        !read_number(text.ptr + 2 * NUMBER_BYTES, &second)) {
        return ERR_INVALID;
    }
    make_subkey(key, "token", subkey);
    put_block(block, first, second);
    aes256_decrypt_block(subkey, block, block);
    /* Whatever somebody made up is the owner's with a chance of 1 to 2^64. */
    if (get_number(block) != owner.value) {
        return ERR_INVALID;
    }
    *out = (struct id){get_number(block + NUMBER_BYTES)};
    return OK;
}

/* ---- UUIDs ---- */

/*
 * The tag is a function of owner and thing, so it serves as the nonce that hides thing: two things
 * of one owner get the same one with a chance of 1 to 2^58, and all it would tell then is in which
 * bits they differ.
 */
enum {
    TAG_BITS = 58,
    TAG_HIGH_BITS = 48, /* in front of the version */
    TAG_LOW_BITS = TAG_BITS - TAG_HIGH_BITS,
    HIDDEN_HIGH_BITS = 12 - TAG_LOW_BITS, /* between version and variant */
    HIDDEN_LOW_BITS = 64 - HIDDEN_HIGH_BITS,
};

#define LOW_MASK(bits) ((UINT64_C(1) << (bits)) - 1)
#define VERSION_8 (UINT64_C(8) << 12)
#define VERSION_MASK (UINT64_C(15) << 12)
#define VARIANT (UINT64_C(2) << 62)
#define VARIANT_MASK (UINT64_C(3) << 62)

static uint64_t make_tag(const uint8_t key[ALIAS_KEY_BYTES], struct id owner, struct id thing)
{
    uint8_t subkey[SHA256_BYTES];
    uint8_t block[AES_BLOCK_BYTES];
    uint8_t mac[SHA256_BYTES];

    make_subkey(key, "uuid tag", subkey);
    put_block(block, owner.value, thing.value);
    const struct slice part = slice_from(block, sizeof block);
    hmac_sha256(slice_from(subkey, sizeof subkey), &part, 1, mac);
    return get_number(mac) & LOW_MASK(TAG_BITS);
}

/* Hides a thing's number, and turns it back. */
static uint64_t hide(const uint8_t key[ALIAS_KEY_BYTES], struct id owner, uint64_t tag,
                     uint64_t number)
{
    uint8_t subkey[SHA256_BYTES];
    uint8_t block[AES_BLOCK_BYTES];

    make_subkey(key, "uuid thing", subkey);
    put_block(block, owner.value, tag);
    aes256_encrypt_block(subkey, block, block);
    return number ^ get_number(block);
}

void alias_uuid(const uint8_t key[ALIAS_KEY_BYTES], struct id owner, struct id thing,
                char out[ALIAS_UUID_SIZE])
{
    uint64_t tag = make_tag(key, owner, thing);
    uint64_t hidden = hide(key, owner, tag, thing.value);
    uint64_t high = tag >> TAG_LOW_BITS << 16 | VERSION_8 |
                    (tag & LOW_MASK(TAG_LOW_BITS)) << HIDDEN_HIGH_BITS | hidden >> HIDDEN_LOW_BITS;
    uint64_t low = VARIANT | (hidden & LOW_MASK(HIDDEN_LOW_BITS));

    (void)snprintf(out, ALIAS_UUID_SIZE,
                   "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
                   high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48, low & LOW_MASK(48));
}

/* Takes the hyphens out; false when they are not where they belong. */
static bool read_uuid(struct slice text, uint64_t *high, uint64_t *low)
{
    char digits[4 * NUMBER_BYTES];
    size_t len = 0;

    if (text.len != ALIAS_UUID_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        bool is_hyphen_due = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_hyphen_due != (text.ptr[i] == '-')) {
            return false;
        }
        if (!is_hyphen_due) {
            digits[len++] = text.ptr[i];
        }
    }
    assert(len == sizeof digits);
    return read_number(digits, high) && read_number(digits + 2 * NUMBER_BYTES, low);
}

enum err alias_from_uuid(const uint8_t key[ALIAS_KEY_BYTES], struct id owner, struct slice text,
                         struct id *out)
{
    uint64_t high, low;

    if (!read_uuid(text, &high, &low) || (high & VERSION_MASK) != VERSION_8 ||
        (low & VARIANT_MASK) != VARIANT) {
        return ERR_INVALID;
    }
    uint64_t tag = high >> 16 << TAG_LOW_BITS | (high >> HIDDEN_HIGH_BITS & LOW_MASK(TAG_LOW_BITS));
    uint64_t hidden =
        (high & LOW_MASK(HIDDEN_HIGH_BITS)) << HIDDEN_LOW_BITS | (low & LOW_MASK(HIDDEN_LOW_BITS));
    struct id thing = {hide(key, owner, tag, hidden)};
    uint64_t expected = make_tag(key, owner, thing);
    if (!secret_equal(slice_from(&tag, sizeof tag), slice_from(&expected, sizeof expected))) {
        return ERR_INVALID;
    }
    *out = thing;
    return OK;
}
