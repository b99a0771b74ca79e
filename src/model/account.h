/*
 * An account: one customer of the provider, with its channels. Immutable and shared by reference
 * count, like a channel; a change of the account or of one of its channels makes a new one.
 *
 * The provider names its accounts; inside, the store's 64-bit id stands for the name.
 */
#ifndef MODEL_ACCOUNT_H
#define MODEL_ACCOUNT_H

#include "base/id.h"
#include "base/json.h"
#include "model/channel.h"
#include "model/credentials.h"

enum {
    ACCOUNT_NAME_BYTES_MAX = 64,
    ACCOUNT_DESCRIPTION_BYTES_MAX = 1024,
    ACCOUNT_CHANNELS_MAX = 20000,
    ACCOUNT_SETTINGS_BYTES_MAX = 64 * 1024, /* of metadata */
};

struct account {
    _Atomic uint32_t references;
    struct id id;
    struct slice name;
    struct slice description;
    struct slice metadata;           /* the provider's own JSON object, or empty */
    struct credentials *credentials; /* one reference; NULL: none; secret */
    struct wall created, updated;
    struct channel **channels; /* sorted by id; one reference each */
    uint32_t channels_len;
};

/* [A-Za-z0-9._-]{1,64}, and not "." or "..". */
enum err account_name_check(struct slice name, struct diag *diag) MUST_CHECK;

/*
 * Makes an account from JSON, with one reference: from a new one's settings (base NULL) or as base
 * changed by the members given (null sets the default again). Members: description, metadata, and
 * for each dialect that has some its credentials under its name (objects, write-only). Unknown
 * members are ERR_INVALID with their name. name must have been checked. The new account has base's
 * id, times and channels, or none of these.
 */
enum err account_from_json(struct slice name, struct json settings, const struct account *base,
                           const struct dialect_rules_table *dialects, struct account **out,
                           struct diag *diag) MUST_CHECK;

/* The stored form: description and metadata; credentials are stored on their own. */
void account_settings_json(const struct account *account, struct buf *out);

/* The API's form; tells which credentials exist, not what they are. */
void account_api_json(const struct account *account, struct json_writer *out);

/*
 * The same account with one channel put (added or replaced by id) or removed, with one reference.
 * The caller keeps its reference to channel.
 */
struct account *account_with_channel(const struct account *account, struct channel *channel);
struct account *account_without_channel(const struct account *account, struct id channel);

/* Before account is shared: gives it the channels of other instead of its own; returns account. */
struct account *account_with_channels_of(struct account *account, const struct account *other);

/* Before account is shared: gives it these instead of its own, with a reference of its own. */
void account_set_credentials(struct account *account, struct credentials *credentials);

/* A dialect's credentials as a JSON object; empty when the account has none of it. Lent; secret. */
struct slice account_credentials(const struct account *account, const char *dialect);

/* The oldest enabled channel of a dialect; NULL when there is none. Lent. */
struct channel *account_channel_of_dialect(const struct account *account, const char *dialect);
/* Whether there is any channel of a dialect, enabled or not. */
bool account_has_dialect(const struct account *account, const char *dialect);

/* Lent, NULL when it has none such. */
struct channel *account_channel(const struct account *account, struct id channel);

struct account *account_hold(struct account *account);
void account_release(struct account *account); /* NULL is fine */

#endif
