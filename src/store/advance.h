/*
 * What the state of an operation allows. The engines keep operations in their own ways; whether one
 * may move is decided here for all of them.
 */
#ifndef STORE_ADVANCE_H
#define STORE_ADVANCE_H

#include "store/store.h"

/*
 * Whether the operation may move as advance asks. `found`: as it stands, NULL when there is none;
 * `ended_by`: the body of the request that ended it, empty while it is pending. False: advance is
 * answered, by an error in its request or as a duplicate (but for item.deliveries).
 */
bool advance_is_allowed(struct store_advance *advance, const struct operation *found,
                        struct slice ended_by);

#endif
