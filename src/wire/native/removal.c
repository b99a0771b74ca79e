#include "wire/native/removal.h"

struct removal {
    struct exchange *exchange;
    struct store_remove remove;
};

static void removed(struct store_request *request)
{
    struct removal *state = CONTAINER_OF(request, struct removal, remove.request);

    if (request->err != OK) {
        exchange_store_failed(state->exchange, request);
        return;
    }
    exchange_answer_empty(state->exchange, 204);
}

void removal_submit(struct exchange *exchange, struct id account, struct id channel, struct id key)
{
    struct removal *state = exchange_new(exchange, sizeof(*state));

    state->exchange = exchange;
    state->remove.account = account;
    state->remove.channel = channel;
    state->remove.key = key;
    exchange_submit(exchange, STORE_CALL_remove, &state->remove.request, removed);
}
