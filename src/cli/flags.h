/*
 * The words of a command line: options by a table, and the arguments between them.
 *
 * A command's table of options makes its parser, its complaints and its help. `--name VALUE` and
 * `--name=VALUE` mean the same; `--` ends the options; `-` alone is an argument (standard input,
 * for commands that say so). Values are checked against their type while they are parsed, so
 * whoever asks for one later gets something that is right.
 */
#ifndef CLI_FLAGS_H
#define CLI_FLAGS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum flag_type {
    FLAG_TEXT,
    FLAG_NUMBER,   /* a whole number, min..max */
    FLAG_DURATION, /* "20s"; min..max in microseconds */
    FLAG_JSON,     /* any one value */
};

struct flag {
    const char *name; /* without the dashes */
    const char
        *value; /* what stands for the value in the help: "URL"; NULL: a switch, it has none */
    const char *help;
    enum flag_type type;
    bool is_repeatable;
    int64_t min, max;
};

struct flag_table {
    const struct flag *rows; /* may be NULL when len is 0 */
    size_t len;
};

enum { FLAG_TABLES = 2 };

/* What a command takes. */
struct flag_rules {
    const char *command; /* "tidings channel create" */
    /*
     * The names of the arguments, in their order: "ACCOUNT [CHANNEL]", "ACCOUNT RECEIPT...". It is
     * the usage line and the rule: those in brackets, which come last, may be left out, and dots
     * let the last one come again.
     */
    const char *arguments;
    const char *summary;                   /* for the help */
    struct flag_table tables[FLAG_TABLES]; /* its own, and those of all commands of its kind */
};

/* What was given. Its texts are those of argv. */
struct flags {
    struct flag_given *given; /* owned */
    size_t given_len;
    const char **arguments; /* owned; the texts are not */
    size_t arguments_len;
    bool wants_help; /* --help: nothing after it was looked at, nothing before it is kept */
};

/*
 * Reads words (without the command's own name). ERR_INVALID: the diag tells what to do instead;
 * then out is empty. What out was given is to be cleared.
 */
enum err flags_parse(const struct flag_rules *rules, int words_len, char *const *words,
                     struct flags *out, struct diag *diag) MUST_CHECK;
void flags_clear(struct flags *options);

/* The words behind each other: argument `index` from 0, NULL when it was left out. */
const char *flags_argument(const struct flags *options, size_t index);

bool flags_has(const struct flags *options, const char *name);
const char *flags_text(const struct flags *options, const char *name); /* NULL: not given */
/* A number, or a duration in microseconds; fallback when it was not given. */
int64_t flags_number(const struct flags *options, const char *name, int64_t fallback);
/* All values of a repeatable option, one a call: *at is 0 at first. NULL at the end. */
const char *flags_next(const struct flags *options, const char *name, size_t *at);

/* "usage: ...", the summary and a line for each option. */
void flags_help(const struct flag_rules *rules, struct buf *out);

#endif
