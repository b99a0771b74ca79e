/*
 * A temporary folder for one test case, as cmocka's setup and teardown:
 *
 *   cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
 *
 * *state is the folder's struct scratch.
 */
#ifndef SUPPORT_SCRATCH_H
#define SUPPORT_SCRATCH_H

#include <limits.h>

struct scratch {
    char folder[PATH_MAX];
};

/* The path of something in it. */
struct scratch_path {
    char chars[PATH_MAX];
};

int scratch_make(void **state);
int scratch_remove(void **state); /* with all that is in it */

struct scratch_path scratch_path(const struct scratch *scratch, const char *name);

#endif
