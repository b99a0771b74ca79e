/*
 * Gt-Authentication: the signature of the cashier's messages, in both directions.
 *
 * It is the lower-case hex of SHA-384 over the texts of some fields, one behind the other with
 * nothing between them, and the merchant's secret behind these. No HMAC, no separators, and only
 * the fields that are listed: a status can be changed without the signature noticing, and
 * digits can move from the end of one field to the start of the next. So it proves who wrote the
 * message, and nothing may be told apart by it.
 *
 * The text of a field: a string's characters, escapes undone; a number's digits as they stand;
 * true and false by name. null, a field that is not there and one whose parent is null or not there
 * are nothing; "", 0 and false are no null.
 */
#ifndef WIRE_CASHIER_GT_H
#define WIRE_CASHIER_GT_H

#include "base/buf.h"
#include "base/json.h"
#include "base/sign.h"

#include <stdbool.h>

#define GT_HEADER "Gt-Authentication"
/* How a guide of somebody else's names it in answers: taken there too. */
#define GT_HEADER_OF_ANSWERS "external-request-signature"
#define GT_VERSION "1.3"

struct gt_signature {
    char chars[2 * SHA384_BYTES + 1];
};

/*
 * Append what is signed of a message to text. ERR_INVALID names the field that is an object or an
 * array, which has no text.
 *
 * Of a notification: merchant_id, application_key, timestamp, customer.customer_token,
 * session.order_id, and of the transaction tid, currency, amount, conversion_rate,
 * processed_currency and processed_amount. With a rate (not NULL) that stands for
 * transaction.conversion_rate, if there is one.
 */
enum err gt_put_notification(struct json notification, const struct slice *rate, struct buf *text,
                             struct diag *diag) MUST_CHECK;

/* The field that several texts may stand for; JSON_NONE or null when it is not signed. */
struct json gt_signed_rate(struct json notification);

/* Of an answer: status and timestamp. */
enum err gt_put_answer(struct json answer, struct buf *text, struct diag *diag) MUST_CHECK;

/* As in the versions 1.1 and 1.2: all members but `signature`, in the bytewise order of names. */
enum err gt_put_members(struct json message, struct buf *text, struct diag *diag) MUST_CHECK;

struct gt_signature gt_sign(struct slice text, struct slice secret);

/*
 * Whether value is that signature: hex in either case, spaces around it do not matter. In constant
 * time but for what is no signature at all.
 */
bool gt_is_right(struct slice text, struct slice secret, struct slice value);

#endif
