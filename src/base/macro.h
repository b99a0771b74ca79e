/*
 * The few macros that every file may use.
 */
#ifndef BASE_MACRO_H
#define BASE_MACRO_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#define UNUSED __attribute__((unused))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/*
 * The struct that holds `member` at `ptr`: how intrusive lists and messages lead back to their
 * owner.
 */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
