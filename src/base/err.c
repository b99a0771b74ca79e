#include "base/err.h"

#include "base/slice.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *err_word(enum err err)
{
    static const char *const words[] = {
#define ERR_WORD(code, word) [code] = (word),
        ERR_CODES(ERR_WORD)
#undef ERR_WORD
    };

    return (size_t)err < ARRAY_LEN(words) ? words[err] : "unknown";
}

/*
 * What a peer sent may be in the words: it must not move a terminal's cursor or start a new log
 * line.
 */
static void hide_controls(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;

        if (byte < 0x20 || byte == 0x7f) {
            *at = '?';
        }
    }
}

/* The words may be built from those that are there already: they are written beside them first. */
PRINTF_LIKE(3, 0) static void write_cut(char *text, size_t size, const char *format, va_list args)
{
    char whole[DIAG_TEXT_SIZE + 1]; /* one more than fits, so that a character cut in two is seen */
    int len = vsnprintf(whole, size + 1, format, args);
    struct slice kept = utf8_cut(slice_of(len >= 0 ? whole : NULL), size - 1);

    memcpy(text, kept.ptr, kept.len);
    text[kept.len] = '\0';
    hide_controls(text);
}

PRINTF_LIKE(3, 4) static void print_cut(char *text, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_cut(text, size, format, args);
    va_end(args);
}

enum err diag_set(struct diag *diag, enum err err, const char *format, ...)
{
    va_list args;

    if (diag == NULL) {
        return err;
    }
    va_start(args, format);
    write_cut(diag->text, sizeof diag->text, format, args);
    va_end(args);
    diag->field[0] = '\0';
    return err;
}

enum err diag_field(struct diag *diag, enum err err, const char *field, const char *format, ...)
{
    va_list args;

    if (diag == NULL) {
        return err;
    }
    va_start(args, format);
    write_cut(diag->text, sizeof diag->text, format, args);
    va_end(args);
    print_cut(diag->field, sizeof diag->field, "%s", field);
    return err;
}
