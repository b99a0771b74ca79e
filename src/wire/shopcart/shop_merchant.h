/*
 * Merchants: which account a merchant id means, and whether the key that came with it is the
 * merchant's.
 */
#ifndef WIRE_SHOPCART_SHOP_MERCHANT_H
#define WIRE_SHOPCART_SHOP_MERCHANT_H

#include "http/exchange.h"

enum {
    SHOP_MERCHANT_DIGITS_MAX = 20,
    SHOP_KEY_BYTES_MIN = 16,
    SHOP_KEY_BYTES_MAX = 64,
};

/*
 * What an account's credentials must be (dialect_rules.check_credentials):
 * {"merchant_id": "700123", "key": "0123456789ABCDEF0123456789ABCDEF"}, the first 1 to 20 digits,
 * the second 16 to 64 printable characters without spaces.
 */
enum err shop_merchant_check(struct json credentials, struct diag *diag) MUST_CHECK;

/*
 * The account, lent as exchange_directory is; NULL when there is no such merchant or the key is
 * wrong. Letters of the key count in either case. Takes the same time whichever it is, so that
 * nobody learns which merchants there are.
 */
struct account *shop_merchant_find(struct exchange *exchange, struct slice merchant,
                                   struct slice key);

#endif
