/*
 * An event as a publisher hands it in, read but not yet stored: the native envelope here,
 * CloudEvents in cloudevents_in.h.
 *
 * Its texts are lent: from what was read, or from the envelope's own scratch where they had to be
 * decoded. So it lasts as long as both.
 */
#ifndef WIRE_NATIVE_ENVELOPE_H
#define WIRE_NATIVE_ENVELOPE_H

#include "base/buf.h"
#include "base/json.h"
#include "model/event.h"
#include "store/store.h"

#include <stdbool.h>

enum { IDEMPOTENCY_KEY_BYTES_MAX = 256 };

struct envelope {
    struct event_parts parts; /* but the ids and the account's name */
    struct slice account;     /* whom it is for, by name; only where the rules ask for it */
    struct slice source;      /* published as CloudEvents: who gave external_id; empty otherwise */
    struct buf scratch;       /* private: decoded texts; reserved, so that none moves */
    struct buf attributes;    /* private: what parts.attributes is lent from */
};

struct envelope_rules {
    size_t data_bytes_max;
    bool has_account; /* it names its account, as in a batch; elsewhere such a member is refused */
};

void envelope_init(struct envelope *envelope);
void envelope_clear(struct envelope *envelope);

/*
 * Reads {"type", "data", "id"?, "client_ref"?, "server_ref"?, "notify_url"?, "account"?} into an
 * envelope that was just initialised. Null and "" count as absent, but not for the members that
 * must be there, nor an empty "id". ERR_INVALID with the member and what was expected; ERR_LIMIT
 * when data or type are too large.
 */
enum err envelope_parse(struct envelope *envelope, struct json value,
                        const struct envelope_rules *rules, struct diag *diag) MUST_CHECK;

/* Takes data that has been found, and its size: ERR_LIMIT beyond the rules'. */
enum err envelope_take_data(struct envelope *envelope, struct slice data,
                            const struct envelope_rules *rules, struct diag *diag) MUST_CHECK;

/*
 * Fills an item's idempotency: by header_key (the Idempotency-Key; empty: none), else by the
 * publisher's own id, else none. Two envelopes with one key count as the same event when all that a
 * receiver could see of them is the same.
 */
void envelope_identify(const struct envelope *envelope, struct id account, struct slice header_key,
                       struct store_publish_item *item);

/* Whether text is printable ASCII and nothing else, as a header may carry it. */
bool envelope_is_printable(struct slice text);

/* An Idempotency-Key: 1 to 256 visible ASCII characters or spaces. ERR_INVALID. */
enum err idempotency_key_check(struct slice key, struct diag *diag) MUST_CHECK;

#endif
