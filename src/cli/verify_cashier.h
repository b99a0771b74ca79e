/*
 * Whether a cashier's notification is signed as it should be, and the acknowledgement of one: the
 * receiver's half of wire/cashier.
 *
 * How the sender made a text of transaction.conversion_rate cannot be seen, as parsers turn the
 * number 1.000000 into 1 before anybody signs it. So three texts are tried, and the one that fits is
 * told: the rate as it stands, a number in its shortest form, six decimals.
 *
 * A message without the header Gt-Authentication but with a member `signature` is of version 1.1 or
 * 1.2, and is checked by their rule.
 */
#ifndef CLI_VERIFY_CASHIER_H
#define CLI_VERIFY_CASHIER_H

#include "base/buf.h"
#include "cli/captured.h"

#include <stdint.h>

/* The receiver: who it is, and its secret. */
struct verify_merchant {
    struct slice secret;
    struct slice merchant_id, application_key; /* that messages must be for; empty: any */
};

enum verify_rule {
    VERIFY_RULE_NO_RATE,        /* none is signed */
    VERIFY_RULE_AS_IT_STANDS,   /* the rate's text is that of the message */
    VERIFY_RULE_SHORTEST,       /* "1" */
    VERIFY_RULE_SIX_DECIMALS,   /* "1.000000" */
    VERIFY_RULE_SORTED_MEMBERS, /* versions 1.1 and 1.2 */
};

/* What to say behind "the signature is right": ", with the rate in six decimals". */
const char *verify_rule_words(enum verify_rule rule);

struct verify_finding {
    enum verify_rule rule; /* that fits */
    struct buf text;       /* what is signed before the secret, as it stands; clear it */
    struct buf timestamp;  /* the message's own; clear it */
};

void verify_finding_init(struct verify_finding *finding);
void verify_finding_clear(struct verify_finding *finding);

/*
 * OK: it is genuine. ERR_DENIED: the signature is wrong or missing. ERR_CONFLICT: the signature is
 * right, but the message is for another merchant or application. ERR_INVALID: the body is no JSON
 * object, or has a field that cannot be signed. The diag has the words.
 */
enum err verify_cashier_check(const struct captured *request,
                              const struct verify_merchant *merchant,
                              struct verify_finding *finding, struct diag *diag) MUST_CHECK;

struct verify_answer {
    int64_t status;
    struct slice description; /* at most VERIFY_DESCRIPTION_CHARACTERS_MAX */
    int64_t timestamp;        /* the answer's own, in seconds */
};

enum { VERIFY_DESCRIPTION_CHARACTERS_MAX = 256 };

/* Appends a whole HTTP answer with the signed acknowledgement. */
void verify_cashier_answer(const struct verify_answer *answer, struct slice secret,
                           struct buf *out);

#endif
