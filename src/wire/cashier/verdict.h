/*
 * What a merchant's answer to a cashier's notification means. Its HTTP status only says whether
 * there is an answer: 200 it is; the verdict is the member `status` of the JSON object in its body.
 *
 *   0              delivered
 *   above          refused for good
 *   below          again later, as with everything else that may come
 */
#ifndef WIRE_CASHIER_VERDICT_H
#define WIRE_CASHIER_VERDICT_H

#include "dispatch/dialect.h"

enum { VERDICT_DESCRIPTION_CHARACTERS_MAX = 256 }; /* varchar(256) */

struct verdict_rules {
    struct slice secret;    /* for the answer's signature; empty: it is not looked at */
    bool takes_text_status; /* "0" is as good as 0 */
    bool needs_signature;   /* an answer that is not signed rightly is none */
};

/*
 * Writes into detail (ATTEMPT_DETAIL_BYTES_MAX) what the merchant said, or why it was not
 * understood: "status 1: Order closed by hand". A wrong signature is told there too when nobody
 * needs it.
 */
struct dialect_judgement verdict_of(const struct outbound_result *result,
                                    const struct verdict_rules *rules, struct wall now,
                                    struct buf *detail);

#endif
