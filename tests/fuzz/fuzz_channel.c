/*
 * Settings that make a channel must be stored so that they make the same channel again, and a
 * change by its own settings must change nothing. Each input is read as a new channel's settings
 * and as a change of one that has everything.
 */
#include "base/json.h"
#include "model/channel.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { TEXT_BYTES_MAX = 64 * 1024 * 1024 };

static const struct slice full_settings =
    SLICE("{\"kind\":\"webhook\",\"url\":\"https://example.com/hook\",\"events\":[\"order.*\"],"
          "\"headers\":{\"X-A\":\"1\",\"Authorization\":\"Bearer t\"},\"timeout_ms\":2500,"
          "\"retry\":{\"first\":\"1m\",\"factor\":1.5,\"max\":\"1h\",\"for\":\"7d\"},"
          "\"rate_limit\":{\"per_second\":10},\"ordered\":true,"
          "\"tls\":{\"certificate\":\"-----BEGIN C-----\",\"key\":\"-----BEGIN K-----\"},"
          "\"options\":{\"mode\":\"binary\"}}");

/* The channel that settings make of base, NULL when they make none. */
static struct channel *make_channel(struct slice settings, const struct channel *base)
{
    const struct channel_defaults defaults = {
        .webhook = schedule_default(),
        .email = schedule_default_mail(),
        .timeout_us = 15 * US_PER_SECOND,
    };
    struct channel *channel = NULL;
    struct json_doc doc;
    struct diag diag = {{0}, {0}};

    json_doc_init(&doc);
    if (json_parse(&doc, settings, &diag) == OK &&
        channel_from_json(json_root(&doc), base, &defaults, &channel, &diag) != OK) {
        assert(channel == NULL);
        assert(diag.text[0] != '\0');
    }
    json_doc_clear(&doc);
    return channel;
}

static struct buf stored(const struct channel *channel)
{
    struct buf out;

    buf_init(&out, TEXT_BYTES_MAX);
    channel_settings_json(channel, &out);
    assert(buf_check(&out) == OK);
    return out;
}

static void check_same(const struct channel *channel, struct slice settings)
{
    struct buf again = stored(channel);

    assert(slice_equal(buf_view(&again), settings));
    buf_clear(&again);
}

/* Shown, it is one JSON value too. */
static void check_shown(const struct channel *channel)
{
    struct json_writer writer;
    struct json_doc doc;
    struct buf out;

    buf_init(&out, TEXT_BYTES_MAX);
    json_writer_init(&writer, &out);
    channel_api_json(channel, SLICE("shop-1"), &writer);
    json_doc_init(&doc);
    enum err err = json_parse(&doc, buf_view(&out), NULL);
    assert(err == OK);
    json_doc_clear(&doc);
    buf_clear(&out);
}

static void check_channel(struct channel *channel)
{
    if (channel == NULL) {
        return;
    }
    struct buf settings = stored(channel);
    struct channel *again = make_channel(buf_view(&settings), NULL);
    struct channel *unchanged = make_channel(buf_view(&settings), channel);

    assert(again != NULL && unchanged != NULL);
    check_same(again, buf_view(&settings));
    check_same(unchanged, buf_view(&settings));
    check_shown(channel);
    (void)channel_wants(channel, SLICE("order.created")); /* that it ends, whatever the patterns */
    buf_clear(&settings);
    channel_release(again);
    channel_release(unchanged);
    channel_release(channel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice settings = slice_from(data, len);
    struct channel *base = make_channel(full_settings, NULL);

    check_channel(make_channel(settings, NULL));
    check_channel(make_channel(settings, base));
    channel_release(base);
    return 0;
}
