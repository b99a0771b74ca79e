/*
 * What a client command can do: `tidings channel list` is the verb "list" of the command channel.
 *
 * Each command has a table of verbs, and each verb one of options; from these come the parser, the
 * complaints and --help.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "cli/session.h"
#include "cli/show.h"

struct verb {
    const char *name;      /* NULL: the command does only this */
    const char *arguments; /* as in struct flag_rules */
    const char *summary;
    struct flag_table options;           /* besides those of all client commands */
    int (*run)(struct session *session); /* returns the exit status */
};

/* Runs what argv says (argv[0] is the command's name). Returns the exit status. */
int verb_run(const struct verb *verbs, size_t verbs_len, int argc, char **argv);

/*
 * What most verbs do once the path (and the body) are there: call, and show the answer as one thing
 * or as a page of a list. Return the exit status.
 */
int verb_show(struct session *session, const char *method);
int verb_list(struct session *session, const struct show_column *columns, size_t columns_len,
              const char *none);

#define VERB_FLAGS(array) ((struct flag_table){array, ARRAY_LEN(array)})

/* Rows of options for verb_list: how many, and how to read on. */
/* clang-format off */
#define VERB_LIMIT                                                                                 \
    {.name = "limit", .value = "N", .help = "At most so many (50).", .type = FLAG_NUMBER, .min = 1, \
     .max = 250}
#define VERB_CURSOR                                                                                \
    {.name = "cursor", .value = "CURSOR", .help = "Go on where the answer before ended."}
/* clang-format on */

#endif
