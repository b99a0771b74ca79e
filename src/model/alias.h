/*
 * An alias: what another system calls one of our ids, where that system wants a form of its own
 * that nobody can guess. It is computed with a key and turned back with it, so there is nothing to
 * store or to look up.
 *
 * Whoever does not have the key cannot tell an alias from random bytes, make one, or turn one of
 * one account into one of another.
 */
#ifndef MODEL_ALIAS_H
#define MODEL_ALIAS_H

#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"

#include <stdint.h>

enum { ALIAS_KEY_BYTES = 32, ALIAS_TOKEN_SIZE = 32 + 1, ALIAS_UUID_SIZE = 36 + 1 };

/*
 * 32 lower-case hex digits for thing, bound to owner: both together are one block of AES-256 under a
 * key made from key.
 */
void alias_token(const uint8_t key[ALIAS_KEY_BYTES], struct id owner, struct id thing,
                 char out[ALIAS_TOKEN_SIZE]);
/* ERR_INVALID when it is none of this owner's; letters in either case. */
enum err alias_from_token(const uint8_t key[ALIAS_KEY_BYTES], struct id owner, struct slice text,
                          struct id *out) MUST_CHECK;

/*
 * A UUID (version 8, RFC 9562, lower case) for thing, bound to owner. Of its 122 free bits 58 are a
 * tag over both, and 64 are thing, hidden by what a cipher makes of tag and owner.
 */
void alias_uuid(const uint8_t key[ALIAS_KEY_BYTES], struct id owner, struct id thing,
                char out[ALIAS_UUID_SIZE]);
/* ERR_INVALID as above. */
enum err alias_from_uuid(const uint8_t key[ALIAS_KEY_BYTES], struct id owner, struct slice text,
                         struct id *out) MUST_CHECK;

#endif
