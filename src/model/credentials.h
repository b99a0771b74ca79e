/*
 * An account's credentials: for each dialect one JSON object, by which the account is known at that
 * dialect's door. Immutable, shared by reference count, wiped when they go.
 */
#ifndef MODEL_CREDENTIALS_H
#define MODEL_CREDENTIALS_H

#include "base/slice.h"
#include "model/dialect_rules.h"

#include <stdint.h>

enum {
    CREDENTIALS_BYTES_MAX = 64 * 1024,
    CREDENTIALS_LOGIN_BYTES_MAX = 256,
};

/* One member of a dialect's credentials: a text. Unless it is optional it has to be there. */
struct credential_member {
    const char *name;
    uint32_t bytes_min, bytes_max;
    bool is_optional;
    bool (*fits)(struct slice text); /* NULL: any line of text */
    const char *expected;            /* words for a person: "8 to 12 digits" */
};

/* Checks an object against its members; others are refused. ERR_INVALID names the member. */
enum err credentials_check(struct json object, const struct credential_member *members,
                           size_t members_len, struct diag *diag) MUST_CHECK;

/* For fits: nothing but digits; nothing but ASCII that can be seen. */
bool credentials_are_digits(struct slice text);
bool credentials_are_visible(struct slice text);

struct credential {
    const struct dialect_rules *rules;
    struct slice login; /* what tells the account apart; empty when it is missing */
    struct slice raw;   /* the object */
};

struct credentials {
    _Atomic uint32_t references;
    struct slice raw; /* all of them: one object with the dialects' names */
    uint32_t items_len;
    struct credential items[]; /* of the dialects that are known */
};

/* Takes apart what is stored; one reference. NULL when raw is empty or no JSON object. The rules
 * are lent for ever. */
struct credentials *credentials_new(struct slice raw, const struct dialect_rules_table *dialects);
struct credentials *credentials_hold(struct credentials *credentials); /* NULL is fine */
void credentials_release(struct credentials *credentials);             /* NULL is fine */

/* NULL when there is none of the dialect. */
const struct credential *credentials_of(const struct credentials *credentials, const char *dialect);

/*
 * Reads the members of an account's settings that are credentials, one for each dialect that has
 * some, over those of before: given ones replace, null removes, absent ones stay. What comes out is
 * to be put in place of before; NULL when none are left. ERR_INVALID names the member.
 */
enum err credentials_from_json(struct json settings, struct credentials *before,
                               const struct dialect_rules_table *dialects, struct credentials **out,
                               struct diag *diag) MUST_CHECK;

#endif
