/*
 * Settings as the tests of the model write them: JSON text that is parsed while it is needed.
 */
#ifndef UNIT_MODEL_READING_H
#define UNIT_MODEL_READING_H

#include "base/json.h"
#include "support/unit.h"

#include <string.h>

/* The value that text is; the test clears doc. text must be JSON. */
static inline struct json reading(struct json_doc *doc, struct slice text)
{
    struct diag diag = {{0}, {0}};

    json_doc_init(doc);
    if (json_parse(doc, text, &diag) != OK) {
        print_message("%.*s: %s\n", SLICE_ARGS(text), diag.text);
        fail();
    }
    return json_root(doc);
}

/* That a failure names field and says why: words are part of its text. */
static inline void assert_diag(const struct diag *diag, const char *field, const char *words)
{
    assert_string_equal(diag->field, field);
    if (strstr(diag->text, words) == NULL) {
        print_message("\"%s\" is not in \"%s\"\n", words, diag->text);
        fail();
    }
}

#endif
