#include "model/event.h"

#include "base/mem.h"
#include "model/pack.h"
#include "model/reference.h"
#include "model/segment.h"

static const size_t texts[] = {
    offsetof(struct event, account_name), offsetof(struct event, type),
    offsetof(struct event, content_type), offsetof(struct event, data),
    offsetof(struct event, client_ref),   offsetof(struct event, server_ref),
    offsetof(struct event, notify_url),   offsetof(struct event, external_id),
    offsetof(struct event, attributes),
};

size_t event_bytes(const struct event *event)
{
    return sizeof *event + pack_texts_bytes(event, texts, ARRAY_LEN(texts));
}

struct event *event_new(const struct event_parts *parts)
{
    const struct event lent = {
        .references = 1,
        .id = parts->id,
        .account = parts->account,
        .account_name = parts->account_name,
        .type = parts->type,
        .content_type = parts->content_type,
        .data = parts->data,
        .client_ref = parts->client_ref,
        .server_ref = parts->server_ref,
        .notify_url = parts->notify_url,
        .external_id = parts->external_id,
        .attributes = parts->attributes,
    };
    struct event *event = mem_new(1, event_bytes(&lent));
    char *at = (char *)(event + 1);

    *event = lent;
    pack_texts(&at, event, texts, ARRAY_LEN(texts));
    return event;
}

struct event *event_hold(struct event *event)
{
    reference_take(&event->references);
    return event;
}

void event_release(struct event *event)
{
    if (event != NULL && reference_drop(&event->references)) {
        mem_free(event);
    }
}

enum err event_type_check(struct slice type, struct diag *diag)
{
    struct slice rest = type;
    struct slice segment;

    if (type.len > EVENT_TYPE_BYTES_MAX) {
        return diag_field(diag, ERR_LIMIT, "type", "an event type has at most %d bytes",
                          EVENT_TYPE_BYTES_MAX);
    }
    if (type.len == 0) {
        return diag_field(diag, ERR_INVALID, "type",
                          "expected an event type such as order.created");
    }
    if (slice_starts(type, SLICE("tidings."))) {
        return diag_field(diag, ERR_INVALID, "type",
                          "types that begin with \"tidings.\" are the server's own news");
    }
    while (slice_cut(&rest, '.', &segment)) {
        if (!segment_is_name(segment)) {
            return diag_field(diag, ERR_INVALID, "type",
                              "an event type is made of letters, digits, '_' and '-' in parts "
                              "joined by single dots, such as order.created");
        }
    }
    return OK;
}

struct id event_delivery_id(struct id event, uint32_t index)
{
    return id_offset(event, (uint64_t)index + 1);
}
