/*
 * Forms: the value of one parameter out of the body of a POST.
 *
 * Read as multipart/form-data when the content type says so (RFC 7578), else as
 * application/x-www-form-urlencoded, whatever it says: shell clients let curl choose. A pair is
 * split at its first '=' only, so a value may hold further ones: documents often come as they are,
 * without percent-encoding.
 */
#ifndef WIRE_WAPI_FORM_H
#define WIRE_WAPI_FORM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/*
 * Appends the parameter's value, decoded. ERR_NOT_FOUND: there is none; ERR_CONFLICT: more than
 * one; ERR_INVALID: the form is broken; ERR_LIMIT: the value is longer than out may be.
 */
enum err wapi_form_find(struct slice content_type, struct slice body, const char *name,
                        struct buf *out) MUST_CHECK;

#endif
