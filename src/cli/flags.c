#include "cli/flags.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/timetext.h"

#include <string.h>

struct flag_given {
    const struct flag *option;
    const char *value; /* NULL for a switch */
};

/* The words that are left, while they are read. */
struct reading {
    const struct flag_rules *rules;
    char *const *words;
    size_t len, at;
    struct flags *out;
    struct diag *diag;
};

static const struct flag *find(const struct flag_rules *rules, struct slice name)
{
    for (size_t i = 0; i < FLAG_TABLES; i++) {
        for (size_t j = 0; j < rules->tables[i].len; j++) {
            if (slice_is(name, rules->tables[i].rows[j].name)) {
                return &rules->tables[i].rows[j];
            }
        }
    }
    return NULL;
}

/* ---- values ---- */

static enum err check_number(const struct flag *option, const char *value, struct diag *diag)
{
    int64_t number = 0;

    if (slice_to_i64(slice_of(value), &number) != OK || number < option->min ||
        number > option->max) {
        return diag_set(diag, ERR_INVALID,
                        "--%s must be a whole number from %lld to %lld, not '%s'", option->name,
                        (long long)option->min, (long long)option->max, value);
    }
    return OK;
}

static enum err check_duration(const struct flag *option, const char *value, struct diag *diag)
{
    int64_t us = 0;

    if (duration_parse(slice_of(value), &us) != OK || us < option->min || us > option->max) {
        return diag_set(diag, ERR_INVALID,
                        "--%s must be a duration such as 500ms, 20s or 2h, from %s to %s, not '%s'",
                        option->name, duration_text(option->min).chars,
                        duration_text(option->max).chars, value);
    }
    return OK;
}

static enum err check_json(const struct flag *option, const char *value, struct diag *diag)
{
    struct json_doc doc;
    struct diag reason = {0};

    json_doc_init(&doc);
    enum err err = json_parse(&doc, slice_of(value), &reason);
    json_doc_clear(&doc);
    if (err != OK) {
        return diag_set(diag, ERR_INVALID, "--%s must be JSON: %s", option->name, reason.text);
    }
    return OK;
}

static enum err check_value(const struct flag *option, const char *value, struct diag *diag)
{
    switch (option->type) {
    case FLAG_NUMBER:
        return check_number(option, value, diag);
    case FLAG_DURATION:
        return check_duration(option, value, diag);
    case FLAG_JSON:
        return check_json(option, value, diag);
    case FLAG_TEXT:
        break;
    }
    return OK;
}

/* ---- reading ---- */

/* The value of an option whose name was just read: behind its '=', or the next word. */
static enum err take_value(struct reading *reading, const struct flag *option, const char *equals,
                           const char **out)
{
    bool has_next = reading->at < reading->len;

    if (option->value == NULL) {
        return equals == NULL
                   ? OK
                   : diag_set(reading->diag, ERR_INVALID, "--%s takes no value", option->name);
    }
    if (equals == NULL && (!has_next || strncmp(reading->words[reading->at], "--", 2) == 0)) {
        return diag_set(reading->diag, ERR_INVALID, "--%s needs a value: --%s %s", option->name,
                        option->name, option->value);
    }
    *out = equals != NULL ? equals + 1 : reading->words[reading->at++];
    return check_value(option, *out, reading->diag);
}

static enum err take_option(struct reading *reading, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t name_len = equals == NULL ? strlen(word + 2) : (size_t)(equals - word - 2);
    struct slice name = slice_from(word + 2, word[1] == '-' ? name_len : 0);
    const struct flag *option = find(reading->rules, name);
    struct flags *out = reading->out;
    const char *value = NULL;

    if (option == NULL) {
        return diag_set(reading->diag, ERR_INVALID, "there is no option %s; see `%s --help`", word,
                        reading->rules->command);
    }
    if (!option->is_repeatable && flags_has(out, option->name)) {
        return diag_set(reading->diag, ERR_INVALID, "--%s is given twice", option->name);
    }
    enum err err = take_value(reading, option, equals, &value);
    if (err == OK) {
        out->given[out->given_len++] = (struct flag_given){option, value};
    }
    return err;
}

static enum err take_words(struct reading *reading)
{
    struct flags *out = reading->out;
    bool has_ended = false;
    enum err err = OK;

    while (err == OK && reading->at < reading->len) {
        const char *word = reading->words[reading->at++];
        bool is_option = !has_ended && word[0] == '-' && word[1] != '\0';
        if (is_option && strcmp(word, "--help") == 0) {
            out->wants_help = true;
            return OK;
        }
        if (is_option && strcmp(word, "--") == 0) {
            has_ended = true;
        } else if (is_option) {
            err = take_option(reading, word);
        } else {
            out->arguments[out->arguments_len++] = word;
        }
    }
    return err;
}

/* Holds the arguments against "ACCOUNT [CHANNEL]" or "RECEIPT...". */
static enum err check_arguments(const struct reading *reading)
{
    struct slice rest = slice_of(reading->rules->arguments), name = SLICE("");
    const struct flags *out = reading->out;
    size_t named = 0;

    while (rest.len > 0 && slice_cut(&rest, ' ', &name)) {
        if (named >= out->arguments_len && name.ptr[0] != '[') {
            return diag_set(reading->diag, ERR_INVALID, "%.*s is missing; usage: %s %s",
                            SLICE_ARGS(name), reading->rules->command, reading->rules->arguments);
        }
        named++;
    }
    bool is_open = slice_ends(name, SLICE("...")) || slice_ends(name, SLICE("...]"));
    if (out->arguments_len > named && !is_open) {
        return diag_set(reading->diag, ERR_INVALID, "'%s' is one argument too many; usage: %s %s",
                        out->arguments[named], reading->rules->command, reading->rules->arguments);
    }
    return OK;
}

enum err flags_parse(const struct flag_rules *rules, int words_len, char *const *words,
                     struct flags *out, struct diag *diag)
{
    size_t len = (size_t)words_len;
    struct reading reading = {.rules = rules, .words = words, .len = len, .out = out, .diag = diag};

    *out = (struct flags){.given = MEM_ARRAY(len + 1, struct flag_given),
                          .arguments = MEM_ARRAY(len + 1, const char *)};
    enum err err = take_words(&reading);
    if (err == OK && !out->wants_help) {
        err = check_arguments(&reading);
    }
    if (err != OK) {
        flags_clear(out);
    }
    return err;
}

void flags_clear(struct flags *options)
{
    mem_free(options->given);
    mem_free(options->arguments);
    *options = (struct flags){0};
}

/* ---- asking ---- */

const char *flags_argument(const struct flags *options, size_t index)
{
    return index < options->arguments_len ? options->arguments[index] : NULL;
}

static const struct flag_given *given(const struct flags *options, const char *name, size_t *at)
{
    while (*at < options->given_len) {
        const struct flag_given *one = &options->given[(*at)++];
        if (strcmp(one->option->name, name) == 0) {
            return one;
        }
    }
    return NULL;
}

bool flags_has(const struct flags *options, const char *name)
{
    size_t at = 0;
    return given(options, name, &at) != NULL;
}

const char *flags_next(const struct flags *options, const char *name, size_t *at)
{
    const struct flag_given *one = given(options, name, at);
    return one == NULL ? NULL : one->value;
}

const char *flags_text(const struct flags *options, const char *name)
{
    size_t at = 0;
    return flags_next(options, name, &at);
}

int64_t flags_number(const struct flags *options, const char *name, int64_t fallback)
{
    size_t at = 0;
    const struct flag_given *one = given(options, name, &at);
    int64_t number = fallback;

    if (one != NULL) {
        struct slice text = slice_of(one->value);
        /* It was checked when it was read. */
        (void)!(one->option->type == FLAG_DURATION ? duration_parse(text, &number)
                                                   : slice_to_i64(text, &number));
    }
    return number;
}

/* ---- telling ---- */

enum { HELP_COLUMN = 26 }; /* where the words about an option begin */

static void help_option(const struct flag *option, struct buf *out)
{
    size_t from = out->len;

    buf_printf(out, "  --%s", option->name);
    if (option->value != NULL) {
        buf_printf(out, " %s", option->value);
    }
    if (out->len - from >= HELP_COLUMN) {
        buf_byte(out, '\n');
        from = out->len;
    }
    buf_printf(out, "%*s%s%s\n", (int)(HELP_COLUMN - (out->len - from)), "", option->help,
               option->is_repeatable ? " May be repeated." : "");
}

void flags_help(const struct flag_rules *rules, struct buf *out)
{
    bool has_arguments = rules->arguments[0] != '\0';

    buf_printf(out, "usage: %s%s%s [OPTIONS]\n\n%s\n\n", rules->command, has_arguments ? " " : "",
               rules->arguments, rules->summary);
    for (size_t i = 0; i < FLAG_TABLES; i++) {
        for (size_t j = 0; j < rules->tables[i].len; j++) {
            help_option(&rules->tables[i].rows[j], out);
        }
    }
}
