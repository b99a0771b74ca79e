/*
 * What the model has to know of each dialect: a row a dialect, handed in by whoever knows them
 * (src/wire), so that accounts and channels keep a dialect's rules without knowing its name.
 *
 * The table is made at the start and stays as it is while the process runs.
 */
#ifndef MODEL_DIALECT_RULES_H
#define MODEL_DIALECT_RULES_H

#include "base/json.h"
#include "model/schedule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIALECT_NAME_BYTES_MAX = 32 };

struct dialect_rules {
    const char *name;

    /*
     * The account's credentials: one object under the dialect's name. login is the member that
     * tells accounts apart at the dialect's door ("merchant_id"); what it says belongs to one
     * account. NULL: the dialect has no credentials.
     */
    const char *login;
    /* Members, types and limits; the diag's field is "member" or "a.b" within the object. The login
     * is a line of text by then. */
    enum err (*check_credentials)(struct json credentials, struct diag *diag);
    /* Credentials make a queue channel of the dialect, if the account has no channel of it; of an
     * exclusive one, if it has none that is enabled. */
    bool makes_queue;

    bool is_exclusive;   /* an account has at most one enabled channel of it: the newest enabled */
    bool waits_for_ever; /* what waits in its queues is not ended by age */
    bool is_never_disabled;    /* failures alone do not disable its channels */
    bool takes_url_from_event; /* a webhook channel may have no url; events without notify_url do
                                  not go out then */

    /* What its channels have that say nothing else. */
    const char *retry_json; /* webhooks; NULL: the usual schedule */
    int64_t timeout_us;     /* 0: the usual */
    bool is_ordered;

    /* Of retry_json, read at the start. */
    bool has_retry;
    struct schedule retry;
};

struct dialect_rules_table {
    const struct dialect_rules *rules;
    size_t len;
};

/* NULL when there is none of the name. */
const struct dialect_rules *dialect_rules_find(const struct dialect_rules_table *table,
                                               struct slice name);

/* Reads retry_json into retry. field names where it stands, for the diag. */
enum err dialect_rules_prepare(struct dialect_rules *rules, const char *field,
                               struct diag *diag) MUST_CHECK;

#endif
