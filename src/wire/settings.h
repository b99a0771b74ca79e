/*
 * What the operator sets for the dialects, the same for all accounts. Made by main from the settings
 * file, not changed while the server runs. Inbound handlers find it in struct app, a dialect's
 * outbound half in its attempt.
 */
#ifndef WIRE_SETTINGS_H
#define WIRE_SETTINGS_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A command of the command API that a provider's program carries out. */
struct wapi_command {
    struct slice
        pattern;      /* "domain-check", or a prefix "domain-*"; of several the longest counts */
    struct slice url; /* of the handler; empty: the command is disabled (2011) */
};

struct wapi_settings {
    const struct wapi_command *commands; /* longest pattern first */
    size_t commands_len;
    struct slice handler_secret; /* bytes that sign requests to handlers; empty: there is none */
    int64_t handler_timeout_us;
    uint32_t hourly_max;        /* requests of an account in a clock hour */
    uint32_t failures_max;      /* invalid requests of one address before it is blocked */
    int64_t previous_hour_us;   /* how long into an hour the last hour's auth is taken; usually 0 */
    uint32_t request_bytes_max; /* 2007 beyond */
    bool ack_needs_poll;        /* poll-ack only of what poll-req has shown */
};

/* How an event type travels in shopcart: its root element, and what identifies it inside. */
struct shopcart_type {
    struct slice type;  /* "order.created" */
    struct slice root;  /* "NewOrder" */
    struct slice child; /* "Token", or the member of data that is told, such as "Id" */
};

struct shopcart_settings {
    const struct shopcart_type *types;
    size_t types_len;
    struct slice public_url; /* before /API in xlink:href; empty: from the request's Host */
};

struct checkout_settings {
    uint32_t messages_max;      /* maxNumberMessages is cut to it */
    uint32_t acks_max;          /* entries in one acknowledgement */
    int64_t wait_max_us;        /* timeoutMs is cut to it */
    int64_t visibility_us;      /* how long a received message is hidden; usually 0 */
    int64_t window_us;          /* how long messages can be received and listed: 30 days */
    bool has_new_history;       /* `messages` and `nextPageToken` instead of `messagesResponses` */
    bool refuses_unknown_query; /* an unknown query parameter is a 400 */
};

struct wire_settings {
    const uint8_t *alias_key; /* ALIAS_KEY_BYTES; of the store, set once it is open */
    struct wapi_settings wapi;
    struct shopcart_settings shopcart;
    struct checkout_settings checkout;
};

#endif
