#include "arguments.h"

#include "base/slice.h"

#include <stdlib.h>
#include <string.h>

static void refuse(const char *program, const char *given, const struct argument *table,
                   size_t table_len)
{
    fprintf(stderr, "%s: cannot take %s\n\n", program, given);
    for (size_t i = 0; i < table_len; i++) {
        if (table[i].number != NULL) {
            fprintf(stderr, "  --%-12s %s (%lld to %lld)\n", table[i].name, table[i].help,
                    (long long)table[i].min, (long long)table[i].max);
        } else {
            fprintf(stderr, "  --%-12s %s\n", table[i].name, table[i].help);
        }
    }
    exit(2);
}

static const struct argument *find(const char *given, const struct argument *table,
                                   size_t table_len)
{
    for (size_t i = 0; i < table_len; i++) {
        if (strncmp(given, "--", 2) == 0 && strcmp(given + 2, table[i].name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

static bool take(const struct argument *argument, const char *value)
{
    int64_t number = 0;

    if (argument->text != NULL) {
        *argument->text = value;
        return true;
    }
    if (slice_to_i64(slice_of(value), &number) != OK || number < argument->min ||
        number > argument->max) {
        return false;
    }
    *argument->number = number;
    return true;
}

void arguments_read(int argc, char **argv, const struct argument *table, size_t table_len)
{
    for (int i = 1; i < argc; i += 2) {
        const struct argument *argument = find(argv[i], table, table_len);

        if (argument == NULL || i + 1 == argc || !take(argument, argv[i + 1])) {
            refuse(argv[0], argv[i], table, table_len);
        }
    }
}
