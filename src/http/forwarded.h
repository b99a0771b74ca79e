/*
 * Who calls when proxies stand in front.
 *
 * A connection from an address that the operator trusts (trusted_proxies) brings other people's
 * requests, and X-Forwarded-For tells whose: each proxy puts the address that it was called from
 * behind what it got, in the same line or in one of its own. So the list is read from its end, and
 * the last address that is no trusted proxy is the caller. All before it was written by the caller,
 * who may write anything, and is not even looked at.
 */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "http/exchange.h"
#include "http/origin.h"

/*
 * Writes the caller to *origin. It stays as it is when the header is absent, names nobody but
 * trusted proxies, or has anything else than an address where the caller is looked for.
 */
void forwarded_find(const struct exchange *exchange, const struct ip_ranges *trusted,
                    struct origin *origin);

#endif
