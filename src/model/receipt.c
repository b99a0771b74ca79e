#include "model/receipt.h"

#include "base/encode.h"
#include "base/macro.h"
#include "base/sign.h"

#include <string.h>

/*
 * delivery, channel, epoch, most significant byte first, and the first half of an HMAC-SHA256 over
 * them. 128 bits of it are enough: a guess has to be tried on a live server.
 */
enum {
    CHANNEL_AT = 8,
    EPOCH_AT = 16,
    MAC_AT = 20,
    MAC_BYTES = 16,
    RECEIPT_BYTES = MAC_AT + MAC_BYTES,
};

_Static_assert(RECEIPT_BYTES * 4 / 3 == RECEIPT_TEXT_BYTES, "base64url makes 4 characters of 3");

static void put_number(uint8_t *at, uint64_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        at[i] = (uint8_t)number;
        number >>= 8;
    }
}

static uint64_t get_number(const uint8_t *at, int bytes)
{
    uint64_t number = 0;

    for (int i = 0; i < bytes; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

static void make_mac(const uint8_t key[RECEIPT_KEY_BYTES], const uint8_t *receipt,
                     uint8_t out[SHA256_BYTES])
{
    /* The key may sign other things too: none of them begins with this word. */
    const struct slice parts[] = {SLICE("receipt"), slice_from(receipt, MAC_AT)};

    hmac_sha256(slice_from(key, RECEIPT_KEY_BYTES), parts, ARRAY_LEN(parts), out);
}

void receipt_format(const uint8_t key[RECEIPT_KEY_BYTES], const struct receipt *receipt,
                    struct buf *out)
{
    uint8_t bytes[RECEIPT_BYTES];
    uint8_t mac[SHA256_BYTES];

    put_number(bytes, receipt->delivery.value, 8);
    put_number(bytes + CHANNEL_AT, receipt->channel.value, 8);
    put_number(bytes + EPOCH_AT, receipt->epoch, 4);
    make_mac(key, bytes, mac);
    memcpy(bytes + MAC_AT, mac, MAC_BYTES);
    base64url_encode(out, bytes, sizeof bytes);
}

static bool is_authentic(const uint8_t key[RECEIPT_KEY_BYTES], const uint8_t *bytes)
{
    uint8_t mac[SHA256_BYTES];

    make_mac(key, bytes, mac);
    return secret_equal(slice_from(mac, MAC_BYTES), slice_from(bytes + MAC_AT, MAC_BYTES));
}

static bool decode(struct slice text, uint8_t out[RECEIPT_BYTES])
{
    struct buf decoded;

    buf_init(&decoded, RECEIPT_BYTES);
    bool is_whole = text.len == RECEIPT_TEXT_BYTES && base64url_decode(&decoded, text) == OK &&
                    decoded.len == RECEIPT_BYTES;
    if (is_whole) {
        memcpy(out, decoded.ptr, RECEIPT_BYTES);
    }
    buf_clear(&decoded);
    return is_whole;
}

enum err receipt_parse(const uint8_t key[RECEIPT_KEY_BYTES], struct id channel, struct slice text,
                       struct receipt *out)
{
    uint8_t bytes[RECEIPT_BYTES];

    if (!decode(text, bytes) || !is_authentic(key, bytes) ||
        get_number(bytes + CHANNEL_AT, 8) != channel.value) {
        return ERR_INVALID;
    }
    *out = (struct receipt){
        .delivery = {get_number(bytes, 8)},
        .channel = channel,
        .epoch = (uint32_t)get_number(bytes + EPOCH_AT, 4),
    };
    return OK;
}
