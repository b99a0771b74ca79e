/*
 * Envelopes as the tests read them: from JSON text that lives as long as the test needs it.
 */
#ifndef UNIT_WIRE_ENVELOPES_H
#define UNIT_WIRE_ENVELOPES_H

#include "support/unit.h"
#include "wire/native/envelope.h"

#include <string.h>

enum { DATA_BYTES_MAX = 1000 };

typedef enum err parse_fn(struct envelope *envelope, struct json value,
                          const struct envelope_rules *rules, struct diag *diag);

struct attempted {
    struct json_doc doc;
    struct envelope envelope;
    struct diag diag;
    enum err err;
};

static const struct envelope_rules for_account = {.data_bytes_max = DATA_BYTES_MAX};
static const struct envelope_rules for_batch = {.data_bytes_max = DATA_BYTES_MAX,
                                                .has_account = true};

/* What becomes of text, which must be JSON; to be given up with forget. */
static inline struct attempted attempt_to(parse_fn *parse, struct slice text,
                                          const struct envelope_rules *rules)
{
    struct attempted result = {.err = OK};

    json_doc_init(&result.doc);
    envelope_init(&result.envelope);
    assert_int_equal(json_parse(&result.doc, text, &result.diag), OK);
    result.err = parse(&result.envelope, json_root(&result.doc), rules, &result.diag);
    return result;
}

static inline void forget(struct attempted *result)
{
    envelope_clear(&result->envelope);
    json_doc_clear(&result->doc);
}

/* An input that must be refused, naming field and saying words. */
struct refused {
    const char *text;
    const char *field;
    const char *words;
};

static inline void assert_refused(parse_fn *parse, const struct refused *cases, size_t cases_len,
                                  const struct envelope_rules *rules)
{
    for (size_t i = 0; i < cases_len; i++) {
        struct attempted result = attempt_to(parse, slice_of(cases[i].text), rules);

        if (result.err != ERR_INVALID || strcmp(result.diag.field, cases[i].field) != 0 ||
            strstr(result.diag.text, cases[i].words) == NULL) {
            print_message("%s: %s, \"%s\": \"%s\"\n", cases[i].text, err_word(result.err),
                          result.diag.field, result.diag.text);
            fail();
        }
        forget(&result);
    }
}

#endif
