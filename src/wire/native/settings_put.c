#include "wire/native/settings_put.h"

bool settings_should_retry(enum err err, unsigned *tries)
{
    return (err == ERR_STALE || err == ERR_EXISTS) && ++*tries < SETTINGS_TRIES_MAX;
}

enum err settings_path_id(struct exchange *exchange, enum id_kind kind, const char *name,
                          struct id *out)
{
    enum err err = id_parse(kind, exchange_param(exchange, name), out);

    if (err != OK) {
        exchange_problem(exchange, PROBLEM_NOT_FOUND, NULL);
        return ERR_NOT_FOUND;
    }
    return OK;
}

struct channel *settings_path_channel(struct exchange *exchange)
{
    struct id id;

    if (settings_path_id(exchange, ID_CHANNEL, "channel", &id) != OK) {
        return NULL;
    }
    struct channel *channel = account_channel(exchange_account(exchange), id);
    if (channel == NULL) {
        exchange_problem(exchange, PROBLEM_NOT_FOUND, NULL);
    }
    return channel;
}
