#include "model/channel.h"

#include "base/mem.h"
#include "model/channel_internal.h"
#include "model/pack.h"
#include "model/reference.h"

#include <string.h>

static const size_t texts[] = {
    offsetof(struct channel, dialect), offsetof(struct channel, url),
    offsetof(struct channel, address), offsetof(struct channel, description),
    offsetof(struct channel, ca_pem),  offsetof(struct channel, certificate_pem),
    offsetof(struct channel, key_pem), offsetof(struct channel, options),
};

const char *channel_kind_word(enum channel_kind kind)
{
    static const char *const words[] = {
        [CHANNEL_WEBHOOK] = "webhook",
        [CHANNEL_EMAIL] = "email",
        [CHANNEL_QUEUE] = "queue",
    };

    return words[kind];
}

struct channel_gate *channel_gate_new(int32_t room)
{
    struct channel_gate *gate = MEM_NEW(struct channel_gate);

    atomic_init(&gate->references, 1);
    atomic_init(&gate->room, room);
    return gate;
}

static void gate_release(struct channel_gate *gate)
{
    if (gate != NULL && reference_drop(&gate->references)) {
        mem_free(gate);
    }
}

void channel_lend(struct channel *to, const struct channel *from)
{
    size_t start = offsetof(struct channel, id);

    memcpy((char *)to + start, (const char *)from + start, sizeof *to - start);
}

/* The struct, its two arrays, its texts: in this order in one block. */
static size_t block_bytes(const struct channel *channel)
{
    size_t bytes = sizeof *channel + channel->events_len * sizeof *channel->events +
                   channel->headers_len * sizeof *channel->headers +
                   pack_texts_bytes(channel, texts, ARRAY_LEN(texts));

    for (uint32_t i = 0; i < channel->events_len; i++) {
        bytes += pack_text_bytes(channel->events[i]);
    }
    for (uint32_t i = 0; i < channel->headers_len; i++) {
        bytes += pack_text_bytes(channel->headers[i].name);
        bytes += pack_text_bytes(channel->headers[i].value);
    }
    return bytes;
}

struct channel *channel_pack(const struct channel *from)
{
    struct channel *channel = mem_new(1, block_bytes(from));

    channel_lend(channel, from);
    atomic_init(&channel->references, 1);
    if (channel->gate != NULL) {
        reference_take(&channel->gate->references);
    }
    channel->events = (struct slice *)(channel + 1);
    channel->headers = (struct channel_header *)(channel->events + channel->events_len);

    char *at = (char *)(channel->headers + channel->headers_len);
    pack_texts(&at, channel, texts, ARRAY_LEN(texts));
    for (uint32_t i = 0; i < channel->events_len; i++) {
        channel->events[i] = pack_text(&at, from->events[i]);
    }
    for (uint32_t i = 0; i < channel->headers_len; i++) {
        channel->headers[i].name = pack_text(&at, from->headers[i].name);
        channel->headers[i].value = pack_text(&at, from->headers[i].value);
    }
    return channel;
}

struct channel *channel_copy(const struct channel *channel)
{
    return channel_pack(channel);
}

struct channel *channel_hold(struct channel *channel)
{
    reference_take(&channel->references);
    return channel;
}

void channel_release(struct channel *channel)
{
    if (channel == NULL || !reference_drop(&channel->references)) {
        return;
    }
    gate_release(channel->gate);
    /* Signing secrets, a private key, tokens in headers. */
    mem_wipe(channel, block_bytes(channel));
    mem_free(channel);
}

bool channel_is_active(const struct channel *channel)
{
    return channel->is_enabled && channel->health.state != HEALTH_DISABLED;
}

bool channel_wants(const struct channel *channel, struct slice type)
{
    if (!channel_is_active(channel)) {
        return false;
    }
    for (uint32_t i = 0; i < channel->events_len; i++) {
        if (filter_matches(channel->events[i], type)) {
            return true;
        }
    }
    return false;
}
