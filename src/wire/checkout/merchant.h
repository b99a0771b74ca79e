/*
 * The merchant at the door: who calls, by the headers of the request.
 */
#ifndef WIRE_CHECKOUT_MERCHANT_H
#define WIRE_CHECKOUT_MERCHANT_H

#include "base/json.h"
#include "http/exchange.h"

enum {
    MERCHANT_ID_DIGITS_MIN = 8,
    MERCHANT_ID_DIGITS_MAX = 12,
    MERCHANT_TOKEN_BYTES_MIN = 16,
    MERCHANT_TOKEN_BYTES_MAX = 4096, /* room for a signed token of another issuer */
    MERCHANT_REFERENCE_MAX = 22,     /* characters of requestId and merchantOrderNumber */
};

/* Checks the credentials of an account: {"merchant_id", "token"}. ERR_INVALID names the member. */
enum err merchant_check_credentials(struct json credentials, struct diag *diag) MUST_CHECK;

/*
 * Whether the request is of a merchant who shows its own token. Then exchange_account is the
 * merchant's account. If not, it was answered: return at once.
 */
bool merchant_is_known(struct exchange *exchange);

/*
 * Whether the merchant that was known when the request came still may have what it asks for: its
 * token, too, is still the one. If not, it was answered.
 */
bool merchant_is_still_known(struct exchange *exchange);

/*
 * The channel where the merchant's notifications wait, lent by exchange_account; NULL when the
 * account has none that is enabled.
 */
const struct channel *merchant_channel(const struct exchange *exchange);

#endif
