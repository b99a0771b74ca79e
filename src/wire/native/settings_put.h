/*
 * Putting settings: what accounts and channels have in common when they are created or changed.
 *
 * A change is made from the newest snapshot and stored only if nobody else changed the same thing
 * meanwhile; then it is made again from the newer one, some times, before the caller is told.
 */
#ifndef WIRE_NATIVE_SETTINGS_PUT_H
#define WIRE_NATIVE_SETTINGS_PUT_H

#include "http/exchange.h"

enum { SETTINGS_TRIES_MAX = 5 };

/* Whether a put that came back with err should be made again: somebody was faster. */
bool settings_should_retry(enum err err, unsigned *tries);

/*
 * Reads {channel}, {key}: the id in the path; answers 404 and returns ERR_NOT_FOUND when it is
 * none.
 */
enum err settings_path_id(struct exchange *exchange, enum id_kind kind, const char *name,
                          struct id *out) MUST_CHECK;

/*
 * The channel of the path, lent by the exchange's account snapshot; answers 404 and returns NULL
 * when there is none.
 */
struct channel *settings_path_channel(struct exchange *exchange);

#endif
