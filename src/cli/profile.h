/*
 * Which server the client commands talk to, and with which key.
 *
 * Each of url, key and ca comes from the first of these that has it: the command line (--server),
 * the environment (TIDINGS_URL), the person's file ~/.config/tidings/config (`url = ...`), the
 * default.
 */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

#include "base/err.h"
#include "cli/flags.h"

/* Every text is owned. */
struct profile {
    char *url; /* without a '/' at the end */
    char *key; /* "": none */
    char *ca;  /* file with the certificates to trust; "": the system's */
};

/* The options that give them on the command line. */
extern const struct flag_table profile_flags;

/* ERR_INVALID: the diag names what is wrong and where. *out is then cleared. */
enum err profile_load(const struct flags *options, struct profile *out,
                      struct diag *diag) MUST_CHECK;
void profile_clear(struct profile *profile); /* the key is wiped */

#endif
