/*
 * Who asks: auth = hex(sha1(user + hex(sha1(password)) + HH)), where HH is the hour in Prague in
 * two digits, and the source address on the account's list.
 */
#ifndef WIRE_WAPI_AUTHENTICATE_H
#define WIRE_WAPI_AUTHENTICATE_H

#include "base/slice.h"
#include "base/time.h"

#include <stdbool.h>

enum { AUTHENTICATE_HASH_BYTES = 40 };

struct authenticate_hash {
    char chars[AUTHENTICATE_HASH_BYTES + 1];
};

struct authenticate_hash authenticate_hash(struct slice user, struct slice password, unsigned hour);

/*
 * Whether auth is right now, or was in the hour before when that ended less than previous_hour_us
 * ago. In constant time.
 */
bool authenticate_is_right(struct slice user, struct slice password, struct slice auth,
                           struct wall now, int64_t previous_hour_us);

/*
 * Whether an address, as text, is on a list of full addresses and dotted beginnings such as
 * "198.51.100.", with spaces between. An empty list allows all.
 */
bool authenticate_allows(struct slice list, struct slice address);

#endif
