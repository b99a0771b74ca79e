/*
 * An event: one piece of news for one account. Immutable once made, shared by reference count.
 *
 * Everything it holds lies in one block of memory, so handing it to other threads costs one atomic
 * increment. `data` is byte for byte what the publisher sent and is never re-encoded.
 */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include "base/id.h"
#include "base/slice.h"
#include "base/time.h"
#include "model/url.h"

#include <stdint.h>

enum {
    EVENT_TYPE_BYTES_MAX = 128,
    EVENT_REFERENCE_BYTES_MAX = 256,     /* client_ref, server_ref, external_id */
    EVENT_URL_BYTES_MAX = URL_BYTES_MAX, /* notify_url */
    EVENT_CONTENT_TYPE_BYTES_MAX = 128,
    EVENT_ATTRIBUTES_BYTES_MAX = 8 * 1024,   /* CloudEvents context */
    EVENT_DATA_BYTES_HARD_MAX = 1024 * 1024, /* the setting may only be lower */
};

struct event {
    _Atomic uint32_t references;
    struct id id;      /* given by the store when it commits; ID_NONE before */
    struct id account; /* the store's own id of the account, see model/account.h */
    struct slice account_name;
    struct slice type;         /* "order.created" */
    struct slice content_type; /* of data; "application/json" unless the publisher said otherwise */
    struct slice data;         /* exact bytes */
    struct slice client_ref;   /* the following are empty when absent */
    struct slice server_ref;
    struct slice notify_url;
    struct slice external_id; /* the publisher's own id */
    struct slice attributes;  /* published as CloudEvents: one JSON object of its context attributes
                                 but type and datacontenttype */
};

/*
 * What a new event is made of; every slice is copied. Filled by callers by name:
 * event_new(&(struct event_parts){.type = ...}).
 */
struct event_parts {
    struct id id; /* ID_NONE for a new one, the stored one when read back */
    struct id account;
    struct slice account_name, type, content_type, data, client_ref, server_ref, notify_url,
        external_id, attributes;
};

struct event *event_new(const struct event_parts *parts); /* one reference, the caller's */
struct event *event_hold(struct event *event);            /* one more reference; returns event */
void event_release(struct event *event);                  /* gives one back; NULL is fine */

/* Memory it takes, for budgets. */
size_t event_bytes(const struct event *event);

/*
 * Checks what a publisher chose: segments of [A-Za-z0-9_-] joined by single dots. ERR_INVALID or
 * ERR_LIMIT (too long) with the field "type". Types that begin with "tidings." are refused: they
 * are the server's own news.
 */
enum err event_type_check(struct slice type, struct diag *diag) MUST_CHECK;

/* The delivery ids of an event follow its own: delivery `index` (from 0) of the event. */
struct id event_delivery_id(struct id event, uint32_t index);

#endif
