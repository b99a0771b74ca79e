/*
 * Events on their way into the store: what publishing one and publishing many have in common.
 */
#ifndef WIRE_NATIVE_PUBLICATION_H
#define WIRE_NATIVE_PUBLICATION_H

#include "http/exchange.h"
#include "wire/native/envelope.h"

/*
 * Whether the store cannot take events now; then 503 or 507 was answered: return at once. Asked
 * before any work is done for them.
 */
bool publication_is_refused(struct exchange *exchange);

/* The request's media type without parameters; empty when it has none. */
struct slice publication_media_type(const struct exchange *exchange);

/* What envelopes must hold to, by the settings of now. */
struct envelope_rules publication_rules(const struct exchange *exchange, bool has_account);

/*
 * Makes the store's item of an envelope: the event, the channels it goes to, its idempotency.
 * account must stay held until publication_end.
 */
void publication_begin(struct exchange *exchange, const struct account *account,
                       const struct envelope *envelope, struct slice header_key,
                       struct store_publish_item *item);

/* Gives up what begin made, when the store is done with the item; err is the whole request's. */
void publication_end(struct exchange *exchange, const struct account *account,
                     struct store_publish_item *item, enum err err);

/* The members that tell what was stored: id, created_at, duplicate, deliveries. */
void publication_put(const struct store_publish_item *item, struct json_writer *out);

#endif
