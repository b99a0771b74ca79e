/*
 * A channel: where an account wants events, in which form, and how hard to try.
 *
 * Immutable once made and shared by reference count: a change makes a new one with the same id.
 * What the sender and the server threads must both see while it lives is in its gate, which all
 * versions of a channel share.
 *
 * Its settings travel as JSON, in the API and in the store, by one table of fields
 * (channel_settings.c). All its texts lie in one block with it, each with a zero byte behind it.
 */
#ifndef MODEL_CHANNEL_H
#define MODEL_CHANNEL_H

#include "base/id.h"
#include "base/json.h"
#include "base/sign.h"
#include "base/slice.h"
#include "base/time.h"
#include "model/address.h"
#include "model/dialect_rules.h"
#include "model/filter.h"
#include "model/health.h"
#include "model/pacing.h"
#include "model/schedule.h"
#include "model/url.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum channel_kind { CHANNEL_WEBHOOK = 1, CHANNEL_EMAIL = 2, CHANNEL_QUEUE = 3 }; /* stored */

const char *channel_kind_word(enum channel_kind kind); /* "webhook", "email", "queue" */

enum {
    CHANNEL_HEADERS_MAX = 32,
    CHANNEL_URL_BYTES_MAX = URL_BYTES_MAX,
    CHANNEL_ADDRESS_BYTES_MAX = ADDRESS_BYTES_MAX,
    CHANNEL_SECRETS_MAX = 4,   /* current and those still accepted during rotation */
    CHANNEL_SECRET_BYTES = 32, /* of one made by us; Standard Webhooks has 24 to 64 */
    CHANNEL_SECRET_BYTES_MIN = 24,
    CHANNEL_SECRET_BYTES_MAX = 64,
    CHANNEL_DIALECT_BYTES_MAX = DIALECT_NAME_BYTES_MAX,
    CHANNEL_DESCRIPTION_BYTES_MAX = 1024,
    CHANNEL_IN_FLIGHT_MAX = 256,
    CHANNEL_RECEIVES_MAX = 10000,
    CHANNEL_OPTIONS_BYTES_MAX = 8 * 1024,
    CHANNEL_PEM_BYTES_MAX = 64 * 1024,
};

struct channel_header {
    struct slice name, value;
};

struct channel_secret {
    uint8_t bytes[CHANNEL_SECRET_BYTES_MAX]; /* HMAC key, or Ed25519 seed for v1a */
    uint8_t len;                             /* CHANNEL_SECRET_BYTES unless its owner brought it */
    struct wall until;                       /* signs until then; WALL_NEVER for the newest */
};

/*
 * How much fresh work a channel takes straight from memory. Server threads ask at publishing time,
 * its sender thread opens and closes. Atomics stand here instead of a message because the answer is
 * needed in the middle of a request and a stale one is harmless: work that does not get in goes to
 * the store and is fetched from there.
 */
struct channel_gate {
    _Atomic uint32_t references;
    _Atomic int32_t room;   /* fresh deliveries that may still enter memory; may dip below zero */
    _Atomic bool is_closed; /* the sender has a backlog in the store: what is new goes behind it */
};

struct channel {
    _Atomic uint32_t references;
    struct id id;
    struct id account;
    enum channel_kind kind;
    struct slice dialect; /* "standard" */
    struct slice url;     /* webhook; may be empty where the dialect takes it from the event */
    struct slice address; /* email */
    struct slice description;
    struct slice *events; /* patterns; at least one */
    uint32_t events_len;
    struct channel_header *headers;
    uint32_t headers_len;
    struct channel_secret secrets[CHANNEL_SECRETS_MAX]; /* newest first */
    uint32_t secrets_len;
    int64_t timeout_us;
    struct schedule retry;
    uint32_t max_in_flight;
    struct pacing_limit rate_limit;
    bool is_ordered;
    bool is_enabled;       /* by its owner; health may disable it besides */
    uint32_t max_receives; /* queue: parked as failed after so many leases without acknowledgement;
                              0: never */
    int64_t lease_us;      /* queue: default lease */
    /* webhook TLS; empty: the system's CAs, no client certificate */
    struct slice ca_pem, certificate_pem, key_pem;
    struct slice options; /* the dialect's own settings: one JSON object as given, or empty */
    struct wall created, updated;
    struct health health;
    struct channel_gate *gate; /* shared by all versions of this channel */
};

/*
 * What a channel has that names no schedule or timeout of its own. main tells the model the
 * dialect's; without one it is by kind.
 */
struct channel_defaults {
    struct schedule webhook, email;
    int64_t timeout_us;
    struct dialect_rules_table dialects;
};

/*
 * Makes a channel from JSON, with one reference: from a new one's settings (base NULL) or as base
 * changed by the members given (PATCH; null sets the default again). Unknown members are
 * ERR_INVALID with their name; so is every value outside its limits, and every member that does not
 * fit the kind. Does not know dialects: the caller checks `dialect` and `options` afterwards.
 * Read-only members ("id", "account", "created_at", "updated_at", "health") are refused;
 * "secret" (whsec_ or, for an Ed25519 seed, whsk_ and base64) is taken for a new channel only.
 * In the new channel's place are: base's id, account, secrets, times, health and gate, or none of
 * these.
 *
 * Header values and the private key are shown as "***" (CHANNEL_HIDDEN) only. Given back like that
 * they stay what they are in base; a new channel refuses it.
 */
enum err channel_from_json(struct json settings, const struct channel *base,
                           const struct channel_defaults *defaults, struct channel **out,
                           struct diag *diag) MUST_CHECK;

#define CHANNEL_HIDDEN "***"

/* The stored form: the settings as one JSON object, secrets not included. */
void channel_settings_json(const struct channel *channel, struct buf *out);

/* The API's form: settings, id, account name, times, health; never secrets, never key_pem. */
void channel_api_json(const struct channel *channel, struct slice account_name,
                      struct json_writer *out);

/*
 * A copy with the same settings and gate, one reference, to change before it is shared (new
 * secrets, new health).
 */
struct channel *channel_copy(const struct channel *channel);

struct channel *channel_hold(struct channel *channel);
void channel_release(struct channel *channel); /* NULL is fine */

/* A gate with one reference, for the first version of a channel, which then owns it. */
struct channel_gate *channel_gate_new(int32_t room);

/* Whether an event of this type goes to it. Disabled channels take nothing. */
bool channel_wants(const struct channel *channel, struct slice type);
bool channel_is_active(const struct channel *channel); /* neither owner nor health disabled it */

#endif
