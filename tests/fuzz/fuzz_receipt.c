/*
 * No text but the one that was formatted is a receipt: what parses must be what formatting makes of
 * it, and a receipt made of the input must parse, but not with a bit of its text turned.
 */
#include "model/receipt.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t key[RECEIPT_KEY_BYTES] = {7};

static struct buf formatted(const struct receipt *receipt)
{
    struct buf text;

    buf_init(&text, RECEIPT_TEXT_BYTES);
    receipt_format(key, receipt, &text);
    assert(buf_check(&text) == OK && text.len == RECEIPT_TEXT_BYTES);
    return text;
}

static void check_text(struct slice text, struct id channel)
{
    struct receipt receipt;

    if (receipt_parse(key, channel, text, &receipt) == OK) {
        struct buf again = formatted(&receipt);

        assert(slice_equal(buf_view(&again), text));
        buf_clear(&again);
    }
}

/* bit tells which bit of the text is turned. */
static void check_receipt(const struct receipt *receipt, uint32_t bit)
{
    struct receipt read = {.epoch = 0};
    struct buf text = formatted(receipt);
    enum err err = receipt_parse(key, receipt->channel, buf_view(&text), &read);

    assert(err == OK && read.delivery.value == receipt->delivery.value);
    assert(read.channel.value == receipt->channel.value && read.epoch == receipt->epoch);
    text.ptr[bit / 8 % RECEIPT_TEXT_BYTES] ^= (char)(1 << bit % 8);
    err = receipt_parse(key, receipt->channel, buf_view(&text), &read);
    assert(err == ERR_INVALID);
    buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t bytes[24] = {0};
    struct receipt receipt;
    uint32_t bit;

    memcpy(bytes, data, len < sizeof bytes ? len : sizeof bytes);
    memcpy(&receipt.delivery.value, bytes, 8);
    memcpy(&receipt.channel.value, bytes + 8, 8);
    memcpy(&receipt.epoch, bytes + 16, 4);
    memcpy(&bit, bytes + 20, 4);
    check_text(slice_from(data, len), (struct id){1});
    check_receipt(&receipt, bit);
    return 0;
}
