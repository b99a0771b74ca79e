/*
 * What every cmocka test includes. cmocka.h wants these headers before it, whatever the alphabet
 * says.
 */
#ifndef SUPPORT_UNIT_H
#define SUPPORT_UNIT_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#include "base/slice.h"

/* That actual is expected, byte for byte. */
static inline void assert_slice_is(struct slice actual, const char *expected)
{
    struct slice wanted = slice_of(expected);

    assert_int_equal(actual.len, wanted.len);
    if (wanted.len > 0) {
        assert_memory_equal(actual.ptr, wanted.ptr, wanted.len);
    }
}

#endif
