#include "model/dialect_rules.h"

const struct dialect_rules *dialect_rules_find(const struct dialect_rules_table *table,
                                               struct slice name)
{
    for (size_t i = 0; i < table->len; i++) {
        if (slice_is(name, table->rules[i].name)) {
            return &table->rules[i];
        }
    }
    return NULL;
}

enum err dialect_rules_prepare(struct dialect_rules *rules, const char *field, struct diag *diag)
{
    struct json_doc doc;
    enum err err = OK;

    if (rules->retry_json == NULL) {
        return OK;
    }
    json_doc_init(&doc);
    if (json_parse(&doc, slice_of(rules->retry_json), NULL) == OK) {
        err = schedule_from_json(json_root(&doc), field, &rules->retry, diag);
    } else {
        err = diag_field(diag, ERR_INVALID, field, "is not JSON such as [\"0s\", \"5s\", \"5m\"]");
    }
    rules->has_retry = err == OK;
    json_doc_clear(&doc);
    return err;
}
