#include "wire/dialect_options.h"

static bool is_known(struct json member, const char *const *names, size_t names_len)
{
    for (size_t i = 0; i < names_len; i++) {
        if (json_name_is(member, names[i])) {
            return true;
        }
    }
    return false;
}

enum err dialect_options_parse(const struct channel *channel, const char *const *names,
                               size_t names_len, struct json_doc *doc, struct diag *diag)
{
    struct slice text = channel->options.len > 0 ? channel->options : SLICE("{}");
    enum err err = json_parse(doc, text, diag);

    if (err != OK) {
        return err;
    }
    for (struct json member = json_first(json_root(doc)); json_exists(member);
         member = json_next(member)) {
        if (!is_known(member, names, names_len)) {
            return diag_field(diag, ERR_INVALID, "options", "the dialect %.*s has no option %.*s",
                              SLICE_ARGS(channel->dialect), SLICE_ARGS(json_name(member)));
        }
    }
    return OK;
}
