/*
 * What every dialect's inbound handlers work with: exchange_app() is one of these.
 *
 * Made by main, the same for all threads, and not changed while the server runs but for what is
 * atomic.
 */
#ifndef WIRE_APP_H
#define WIRE_APP_H

#include "dispatch/deadlines.h"
#include "dispatch/dispatch.h"
#include "http/server.h"
#include "send/policy.h"
#include "store/store.h"
#include "wire/reference.h"
#include "wire/settings.h"

#include <stdatomic.h>
#include <stdint.h>

struct app {
    struct env *env;
    struct store *store;
    struct dispatch *dispatch;
    struct server *server;
    struct deadlines *deadlines;
    struct policy policy; /* to refuse forbidden literal addresses when a channel is saved */
    struct channel_defaults channel_defaults;
    struct dialect_table dialects;
    struct wire_settings settings;
    struct references references; /* of operations and replies */
    struct wapi *wapi;            /* what the command API remembers, see wire/wapi/wapi.h */
    bool has_mail; /* a mail server is configured; otherwise e-mail channels are refused */
    _Atomic uint32_t data_bytes_max; /* of one event's data; SIGHUP may change it */
    uint32_t batch_events_max;       /* events in one batch request */
    _Atomic bool is_stopping;        /* readyz says no */
    struct wall started;
};

static inline struct app *app_of(const struct exchange *exchange)
{
    return exchange_app(exchange);
}

#endif
