#include "wire/native/query.h"

#include "model/field.h"

const char *const page_parameters[PAGE_PARAMETERS] = {"limit", "cursor"};

static bool is_known(struct slice name, const char *const *names, size_t names_len)
{
    for (size_t i = 0; i < names_len; i++) {
        if (slice_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

bool query_is_refused(struct exchange *exchange, const char *const *names, size_t names_len)
{
    struct slice name, value;
    struct diag diag = {0};

    for (size_t i = 0; exchange_query_at(exchange, i, &name, &value); i++) {
        if (!is_known(name, names, names_len)) {
            (void)diag_field(&diag, ERR_INVALID, field_member("", name).chars,
                             "there is no such query parameter here");
            exchange_input_failed(exchange, ERR_INVALID, &diag);
            return true;
        }
    }
    for (size_t i = 0; i < names_len; i++) {
        if (exchange_query_count(exchange, names[i]) > 1) {
            (void)diag_field(&diag, ERR_INVALID, names[i], "is given more than once");
            exchange_input_failed(exchange, ERR_INVALID, &diag);
            return true;
        }
    }
    return false;
}
