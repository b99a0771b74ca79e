#include "model/channel.h"
#include "reading.h"
#include "support/test_dialects.h"

#include <stdio.h>

#define PEM_CA "-----BEGIN CERTIFICATE-----\\nQQ==\\n-----END CERTIFICATE-----\\n"
#define PEM_KEY "-----BEGIN PRIVATE KEY-----\\nQg==\\n-----END PRIVATE KEY-----\\n"

/* All members that a webhook can have, none at its default. */
static const char full_webhook[] =
    "{\"kind\":\"webhook\",\"dialect\":\"cloudevents\",\"url\":\"https://example.com/hook?a=b\","
    "\"description\":\"the \\\"first\\\" one\",\"events\":[\"order.*\",\"tidings.**\"],"
    "\"headers\":{\"X-A\":\"1\",\"Authorization\":\"Bearer t\"},\"timeout_ms\":2500,"
    "\"retry\":[\"0s\",\"5s\"],\"max_in_flight\":3,"
    "\"rate_limit\":{\"per_second\":10,\"burst\":20},\"ordered\":true,\"enabled\":false,"
    "\"tls\":{\"ca\":\"" PEM_CA "\",\"certificate\":\"" PEM_CA "\",\"key\":\"" PEM_KEY "\"},"
    "\"options\":{\"mode\": \"binary\"}}";

static const char plain_webhook[] = "{\"kind\":\"webhook\",\"url\":\"https://example.com/\"}";

static struct channel_defaults defaults(void)
{
    return (struct channel_defaults){
        .webhook = schedule_default(),
        .email = schedule_default_mail(),
        .timeout_us = 15 * US_PER_SECOND,
        .dialects = test_dialects,
    };
}

static enum err try_channel(const char *settings, const struct channel *base, struct channel **out,
                            struct diag *diag)
{
    struct channel_defaults by_default = defaults();
    struct json_doc doc;
    struct json value = reading(&doc, slice_of(settings));
    enum err err = channel_from_json(value, base, &by_default, out, diag);

    json_doc_clear(&doc);
    return err;
}

static struct channel *change_channel(const struct channel *base, const char *settings)
{
    struct channel *channel = NULL;
    struct diag diag = {{0}, {0}};

    if (try_channel(settings, base, &channel, &diag) != OK) {
        print_message("%s: %s: %s\n", settings, diag.field, diag.text);
        fail();
    }
    return channel;
}

static struct channel *read_channel(const char *settings)
{
    return change_channel(NULL, settings);
}

static void assert_change_refused(const struct channel *base, const char *settings,
                                  const char *field, const char *words)
{
    struct channel *channel = NULL;
    struct diag diag = {{0}, {0}};

    if (try_channel(settings, base, &channel, &diag) != ERR_INVALID) {
        print_message("%s was taken\n", settings);
        fail();
    }
    assert_diag(&diag, field, words);
    assert_null(channel);
}

static void assert_refused(const char *settings, const char *field, const char *words)
{
    assert_change_refused(NULL, settings, field, words);
}

/* That a webhook with this member beside its URL is refused. */
static void assert_member_refused(const char *member, const char *field, const char *words)
{
    char settings[1000];

    (void)snprintf(settings, sizeof settings, "{\"kind\":\"webhook\",\"url\":\"http://a/\",%s}",
                   member); /* fits */
    assert_refused(settings, field, words);
}

static void assert_stored(const struct channel *channel, const char *text)
{
    struct buf out;

    buf_init(&out, 100000);
    channel_settings_json(channel, &out);
    assert_string_equal(buf_cstr(&out), text);
    buf_clear(&out);
}

static void assert_shown(const struct channel *channel, const char *text)
{
    struct json_writer writer;
    struct buf out;

    buf_init(&out, 100000);
    json_writer_init(&writer, &out);
    channel_api_json(channel, SLICE("shop-1"), &writer);
    assert_string_equal(buf_cstr(&out), text);
    buf_clear(&out);
}

static void a_webhook_has_the_documented_defaults(UNUSED void **state)
{
    struct channel *channel = read_channel(plain_webhook);

    assert_int_equal(channel->kind, CHANNEL_WEBHOOK);
    assert_slice_is(channel->dialect, "standard");
    assert_slice_is(channel->url, "https://example.com/");
    assert_int_equal(channel->events_len, 1);
    assert_slice_is(channel->events[0], "*");
    assert_int_equal(channel->headers_len, 0);
    assert_int_equal(channel->timeout_us, 15 * US_PER_SECOND);
    assert_int_equal(channel->retry.waits_len, 10);
    assert_int_equal(channel->max_in_flight, 8);
    assert_int_equal(channel->rate_limit.per_second, 0);
    assert_false(channel->is_ordered);
    assert_true(channel->is_enabled);
    assert_true(channel_is_active(channel));
    assert_null(channel->gate);
    assert_int_equal(channel->id.value, 0);
    channel_release(channel);
}

static void mail_has_the_schedule_of_mail(UNUSED void **state)
{
    struct channel *channel = read_channel("{\"kind\":\"email\",\"address\":\"a@example.com\"}");

    assert_int_equal(channel->retry.waits_len, 27);
    assert_slice_is(channel->dialect, "standard");
    assert_slice_is(channel->address, "a@example.com");
    channel_release(channel);
}

static void a_queue_leases_for_a_minute_as_often_as_it_takes(UNUSED void **state)
{
    struct channel *channel = read_channel("{\"kind\":\"queue\"}");

    assert_int_equal(channel->lease_us, US_PER_MINUTE);
    assert_int_equal(channel->max_receives, 0);
    channel_release(channel);
}

static void stores_all_it_was_told_and_reads_it_back(UNUSED void **state)
{
    static const char *const settings[] = {
        full_webhook,
        "{\"kind\":\"email\",\"dialect\":\"wapi\",\"address\":\"j\xc3\xbcrgen@example.com\","
        "\"description\":\"\",\"events\":[\"**\"],\"timeout_ms\":100,"
        "\"retry\":{\"every\":\"5m\",\"for\":\"1d\"},\"max_in_flight\":256,\"rate_limit\":null,"
        "\"ordered\":true,\"enabled\":true,\"options\":{}}",
        "{\"kind\":\"queue\",\"dialect\":\"standard\",\"description\":\"\",\"events\":[\"*\"],"
        "\"enabled\":true,\"max_receives\":5,\"lease_ms\":1000,\"options\":{}}",
    };

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        struct channel *channel = read_channel(settings[i]);

        assert_stored(channel, settings[i]);
        channel_release(channel);
    }
}

static void reads_every_member_into_its_field(UNUSED void **state)
{
    struct channel *channel = read_channel(full_webhook);

    assert_slice_is(channel->dialect, "cloudevents");
    assert_slice_is(channel->description, "the \"first\" one");
    assert_int_equal(channel->events_len, 2);
    assert_slice_is(channel->events[1], "tidings.**");
    assert_int_equal(channel->headers_len, 2);
    assert_slice_is(channel->headers[1].name, "Authorization");
    assert_slice_is(channel->headers[1].value, "Bearer t");
    assert_int_equal(channel->timeout_us, 2500 * US_PER_MS);
    assert_int_equal(channel->retry.waits_len, 2);
    assert_int_equal(channel->rate_limit.per_second, 10);
    assert_int_equal(channel->rate_limit.burst, 20);
    assert_int_equal(channel->max_in_flight, 3);
    assert_true(channel->is_ordered);
    assert_false(channel->is_enabled);
    assert_true(slice_starts(channel->key_pem, SLICE("-----BEGIN PRIVATE KEY-----\nQg")));
    assert_slice_is(channel->options, "{\"mode\": \"binary\"}");
    channel_release(channel);
}

static void its_texts_end_in_a_zero_byte(UNUSED void **state)
{
    struct channel *channel = read_channel(full_webhook);

    assert_int_equal(channel->url.ptr[channel->url.len], '\0');
    assert_int_equal(channel->address.ptr[0], '\0');
    assert_int_equal(channel->headers[0].value.ptr[1], '\0');
    assert_int_equal(channel->events[0].ptr[channel->events[0].len], '\0');
    channel_release(channel);
}

static void a_change_leaves_alone_what_it_does_not_name(UNUSED void **state)
{
    struct channel *base = read_channel(full_webhook);

    base->id = (struct id){5};
    base->account = (struct id){6};
    base->created = (struct wall){7};
    base->updated = (struct wall){8};
    base->health.state = HEALTH_WARNED;
    base->secrets_len = 1;
    base->secrets[0].bytes[31] = 9;
    base->gate = channel_gate_new(100);
    struct channel *same = change_channel(base, "{}");
    channel_release(base);
    assert_stored(same, full_webhook);
    assert_int_equal(same->id.value, 5);
    assert_int_equal(same->account.value, 6);
    assert_int_equal(same->created.us, 7);
    assert_int_equal(same->updated.us, 8);
    assert_int_equal(same->health.state, HEALTH_WARNED);
    assert_int_equal(same->secrets_len, 1);
    assert_int_equal(same->secrets[0].bytes[31], 9);
    assert_int_equal(same->gate->room, 100);
    channel_release(same);
}

static void a_change_replaces_the_members_it_names(UNUSED void **state)
{
    struct channel *base = read_channel(full_webhook);
    struct channel *changed = change_channel(
        base, "{\"kind\":\"webhook\",\"url\":\"http://b/\",\"events\":[\"a\"],\"headers\":{\"X-B\":"
              "\"2\"},\"enabled\":true}");

    assert_slice_is(changed->url, "http://b/");
    assert_int_equal(changed->events_len, 1);
    assert_slice_is(changed->events[0], "a");
    assert_int_equal(changed->headers_len, 1);
    assert_slice_is(changed->headers[0].name, "X-B");
    assert_true(changed->is_enabled);
    assert_int_equal(changed->max_in_flight, 3);
    assert_slice_is(base->url, "https://example.com/hook?a=b");
    channel_release(base);
    channel_release(changed);
}

static void null_sets_each_member_back_to_its_default(UNUSED void **state)
{
    struct channel *base = read_channel(full_webhook);
    struct channel *changed = change_channel(
        base, "{\"dialect\":null,\"description\":null,\"events\":null,\"headers\":null,"
              "\"timeout_ms\":null,\"retry\":null,\"max_in_flight\":null,\"rate_limit\":null,"
              "\"ordered\":null,\"enabled\":null,\"tls\":null,\"options\":null}");
    struct channel *fresh =
        read_channel("{\"kind\":\"webhook\",\"url\":\"https://example.com/hook?a=b\"}");
    struct buf stored;

    buf_init(&stored, 10000);
    channel_settings_json(fresh, &stored);
    assert_stored(changed, buf_cstr(&stored));
    buf_clear(&stored);
    channel_release(base);
    channel_release(changed);
    channel_release(fresh);
}

static void a_change_cannot_take_away_what_is_needed(UNUSED void **state)
{
    struct channel *base = read_channel(plain_webhook);

    assert_change_refused(base, "{\"url\":null}", "url", "needs a URL");
    assert_change_refused(base, "{\"kind\":\"queue\"}", "kind", "cannot change");
    assert_change_refused(base, "{\"kind\":null}", "kind", "expected");
    assert_change_refused(base, "{\"address\":\"a@b\"}", "address", "\"webhook\" has no such");
    assert_change_refused(base, "[]", "", "an object, not an array");
    channel_release(base);
}

static void a_dialect_may_let_its_channels_do_without_a_url(UNUSED void **state)
{
    struct channel *channel = read_channel("{\"kind\":\"webhook\",\"dialect\":\"cashier\"}");
    struct buf stored;

    assert_true(slice_is_empty(channel->url));
    buf_init(&stored, 10000);
    channel_settings_json(channel, &stored);
    struct channel *again = read_channel(buf_cstr(&stored));
    assert_stored(again, buf_cstr(&stored));
    assert_change_refused(channel, "{\"dialect\":\"standard\"}", "url", "needs a URL");
    buf_clear(&stored);
    channel_release(channel);
    channel_release(again);
}

/* A dialect whose channels have a schedule, a timeout and an order of their own. */
static struct channel *read_with_rules(const char *settings)
{
    struct dialect_rules rules = {.name = "special",
                                  .retry_json = "[\"0s\", \"7m\"]",
                                  .timeout_us = 30 * US_PER_SECOND,
                                  .is_ordered = true};
    struct channel_defaults by_default = defaults();
    struct channel *channel = NULL;
    struct json_doc doc;
    struct json value = reading(&doc, slice_of(settings));

    assert_int_equal(dialect_rules_prepare(&rules, "[special] retry", NULL), OK);
    by_default.dialects = (struct dialect_rules_table){&rules, 1};
    assert_int_equal(channel_from_json(value, NULL, &by_default, &channel, NULL), OK);
    json_doc_clear(&doc);
    return channel;
}

static void a_dialect_says_what_its_channels_have_that_say_nothing(UNUSED void **state)
{
    struct channel *plain = read_with_rules(
        "{\"kind\":\"webhook\",\"dialect\":\"special\",\"url\":\"https://example.com/\"}");
    struct channel *own = read_with_rules(
        "{\"kind\":\"webhook\",\"dialect\":\"special\",\"url\":\"https://example.com/\","
        "\"retry\":[\"0s\"],\"timeout_ms\":1000,\"ordered\":false}");

    assert_int_equal(plain->retry.waits_len, 2);
    assert_int_equal(plain->retry.waits_us[1], 7 * US_PER_MINUTE);
    assert_int_equal(plain->timeout_us, 30 * US_PER_SECOND);
    assert_true(plain->is_ordered);
    assert_int_equal(own->retry.waits_len, 1);
    assert_int_equal(own->timeout_us, US_PER_SECOND);
    assert_false(own->is_ordered);
    channel_release(plain);
    channel_release(own);
}

static void a_schedule_of_a_dialect_that_is_none_is_refused(UNUSED void **state)
{
    struct dialect_rules wrong = {.name = "special", .retry_json = "[\"x\"]"};
    struct dialect_rules broken = {.name = "special", .retry_json = "["};
    struct diag diag = {{0}, {0}};

    assert_int_equal(dialect_rules_prepare(&wrong, "[special] retry", &diag), ERR_INVALID);
    assert_non_null(strstr(diag.field, "[special] retry"));
    assert_int_equal(dialect_rules_prepare(&broken, "[special] retry", &diag), ERR_INVALID);
    assert_diag(&diag, "[special] retry", "is not JSON");
}

static void each_kind_needs_its_target_and_takes_no_other(UNUSED void **state)
{
    static const char *const cases[][3] = {
        {"{}", "kind", "\"webhook\", \"email\" or \"queue\""},
        {"{\"kind\":\"Webhook\"}", "kind", "\"webhook\", \"email\" or \"queue\""},
        {"{\"kind\":1}", "kind", "\"webhook\", \"email\" or \"queue\""},
        {"{\"kind\":\"webhook\"}", "url", "needs a URL"},
        {"{\"kind\":\"email\"}", "address", "needs an address"},
        {"{\"kind\":\"queue\",\"url\":\"http://a/\"}", "url", "\"queue\" has no such member"},
        {"{\"kind\":\"queue\",\"address\":\"a@b\"}", "address", "\"queue\" has no such member"},
        {"{\"kind\":\"queue\",\"retry\":[\"0s\"]}", "retry", "\"queue\" has no such member"},
        {"{\"kind\":\"queue\",\"max_in_flight\":1}", "max_in_flight", "has no such member"},
        {"{\"kind\":\"email\",\"address\":\"a@b\",\"url\":\"http://a/\"}", "url", "no such member"},
        {"{\"kind\":\"email\",\"address\":\"a@b\",\"headers\":{}}", "headers", "no such member"},
        {"{\"kind\":\"email\",\"address\":\"a@b\",\"tls\":{}}", "tls", "no such member"},
        {"{\"kind\":\"email\",\"address\":\"a@b\",\"lease_ms\":1000}", "lease_ms", "no such"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_refused(cases[i][0], cases[i][1], cases[i][2]);
    }
}

static void null_for_a_member_of_another_kind_is_harmless(UNUSED void **state)
{
    struct channel *channel =
        read_channel("{\"kind\":\"queue\",\"url\":null,\"address\":null,\"headers\":null}");

    channel_release(channel);
}

static void members_outside_their_limits_are_named(UNUSED void **state)
{
    static const char *const cases[][3] = {
        {"\"dialect\":\"\"", "dialect", "name of a dialect"},
        {"\"dialect\":\"Standard\"", "dialect", "name of a dialect"},
        {"\"dialect\":\"abcdefghijklmnopqrstuvwxyzabcdefg\"", "dialect", "at most 32 bytes"},
        {"\"dialect\":7", "dialect", "a string, not a number"},
        {"\"description\":\"a\\nb\"", "description", "control"},
        {"\"events\":[]", "events", "1 to 64 patterns"},
        {"\"events\":\"*\"", "events", "an array, not a string"},
        {"\"events\":[\"a\",\"b..c\"]", "events[1]", "a pattern is"},
        {"\"events\":[\"a\",\"b\",3]", "events[2]", "a string, not a number"},
        {"\"timeout_ms\":99", "timeout_ms", "from 100 to 120000"},
        {"\"timeout_ms\":120001", "timeout_ms", "from 100 to 120000"},
        {"\"timeout_ms\":1e3", "timeout_ms", "whole number"},
        {"\"timeout_ms\":1000.5", "timeout_ms", "whole number"},
        {"\"timeout_ms\":\"1000\"", "timeout_ms", "whole number"},
        {"\"timeout_ms\":99999999999999999999", "timeout_ms", "whole number"},
        {"\"max_in_flight\":0", "max_in_flight", "from 1 to 256"},
        {"\"max_in_flight\":257", "max_in_flight", "from 1 to 256"},
        {"\"ordered\":\"yes\"", "ordered", "true or false, not a string"},
        {"\"enabled\":1", "enabled", "true or false, not a number"},
        {"\"retry\":[\"0s\",\"5s\",\"x\"]", "retry[2]", "a duration"},
        {"\"retry\":{\"every\":\"5m\"}", "retry.for", "a duration"},
        {"\"rate_limit\":10", "rate_limit", "an object, not a number"},
        {"\"rate_limit\":{}", "rate_limit.per_second", "from 1 to"},
        {"\"rate_limit\":{\"per_second\":0}", "rate_limit.per_second", "from 1 to"},
        {"\"rate_limit\":{\"per_second\":1,\"burst\":0}", "rate_limit.burst", "from 1 to"},
        {"\"rate_limit\":{\"per_minute\":1}", "rate_limit.per_minute", "no such member"},
        {"\"options\":[]", "options", "an object, not an array"},
        {"\"colour\":1", "colour", "no such member"},
        {"\"Events\":[\"*\"]", "Events", "no such member"},
        {"\"id\":\"chn_0000000000001\"", "id", "cannot be set"},
        {"\"account\":null", "account", "cannot be set"},
        {"\"created_at\":null", "created_at", "cannot be set"},
        {"\"updated_at\":null", "updated_at", "cannot be set"},
        {"\"health\":{}", "health", "cannot be set"},
        {"\"secret\":\"whsec_x\"", "secret", "expected whsec_"},
        {"\"max_receives\":1", "max_receives", "no such member"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_member_refused(cases[i][0], cases[i][1], cases[i][2]);
    }
    assert_refused("{\"kind\":\"queue\",\"lease_ms\":999}", "lease_ms", "from 1000 to 43200000");
    assert_refused("{\"kind\":\"queue\",\"lease_ms\":43200001}", "lease_ms", "from 1000");
    assert_refused("{\"kind\":\"queue\",\"max_receives\":-1}", "max_receives", "from 0 to 10000");
    assert_refused("{\"kind\":\"webhook\",\"url\":\"http://u@a/\"}", "url", "user name");
    assert_refused("{\"kind\":\"webhook\",\"url\":\"\"}", "url", "absolute URL");
    assert_refused("{\"kind\":\"email\",\"address\":\"a@b,c@d\"}", "address", "behind the @");
}

static void headers_that_cannot_be_sent_are_named(UNUSED void **state)
{
    static const char *const cases[][3] = {
        {"\"headers\":[]", "headers", "an object of names and values"},
        {"\"headers\":{\"X A\":\"1\"}", "headers.X A", "letters, digits"},
        {"\"headers\":{\"\":\"1\"}", "headers.", "letters, digits"},
        {"\"headers\":{\"X\\u002dA\":\"1\"}", "headers.X\\u002dA", "letters, digits"},
        {"\"headers\":{\"X-A\":\"a\\r\\nX-B: c\"}", "headers.X-A", "no control characters"},
        {"\"headers\":{\"X-A\":\"a\\u0000\"}", "headers.X-A", "no control characters"},
        {"\"headers\":{\"X-A\":1}", "headers.X-A", "a string, not a number"},
        {"\"headers\":{\"X-A\":null}", "headers.X-A", "a string, not null"},
        {"\"headers\":{\"X-A\":\"\"}", "headers.X-A", "1 to 4096 bytes"},
        {"\"headers\":{\"Content-Length\":\"1\"}", "headers.Content-Length", "set by the server"},
        {"\"headers\":{\"Webhook-Id\":\"1\"}", "headers.Webhook-Id", "set by the server"},
        {"\"headers\":{\"X-A\":\"1\",\"x-a\":\"2\"}", "headers.x-a", "there already"},
        {"\"headers\":{\"X-A\":\"***\"}", "headers.X-A", "the value itself"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_member_refused(cases[i][0], cases[i][1], cases[i][2]);
    }
}

static void it_has_32_headers_at_most(UNUSED void **state)
{
    struct buf member;

    buf_init(&member, 1000);
    for (int i = 0; i <= CHANNEL_HEADERS_MAX; i++) {
        buf_printf(&member, "%s\"X-%d\":\"v\"", i == 0 ? "\"headers\":{" : ",", i);
    }
    buf_text(&member, "}");
    assert_member_refused(buf_cstr(&member), "headers", "at most 32");
    buf_clear(&member);
}

static void tls_that_cannot_be_used_is_named(UNUSED void **state)
{
    static const char *const cases[][3] = {
        {"\"tls\":\"x\"", "tls", "an object, not a string"},
        {"\"tls\":{\"cert\":\"x\"}", "tls.cert", "no such member"},
        {"\"tls\":{\"ca\":\"x\"}", "tls.ca", "PEM"},
        {"\"tls\":{\"ca\":\"\"}", "tls.ca", "PEM"},
        {"\"tls\":{\"ca\":1}", "tls.ca", "a string"},
        {"\"tls\":{\"ca\":\"-----BEGIN \\u0000\"}", "tls.ca", "PEM"},
        {"\"tls\":{\"certificate\":\"" PEM_CA "\"}", "tls.key", "together"},
        {"\"tls\":{\"key\":\"" PEM_KEY "\"}", "tls.certificate", "together"},
        {"\"tls\":{\"certificate\":\"" PEM_CA "\",\"key\":\"***\"}", "tls.key", "the value itself"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_member_refused(cases[i][0], cases[i][1], cases[i][2]);
    }
}

static void is_shown_without_anything_secret(UNUSED void **state)
{
    struct channel *channel = read_channel(full_webhook);

    channel->id = (struct id){5};
    channel->created = (struct wall){INT64_C(1770114030123456)};
    channel->updated = channel->created;
    channel->health.state = HEALTH_FAILING;
    channel->health.failing_since = channel->created;
    assert_shown(
        channel,
        "{\"id\":\"chn_0000000000005\",\"account\":\"shop-1\",\"kind\":\"webhook\","
        "\"dialect\":\"cloudevents\",\"url\":\"https://example.com/hook?a=b\","
        "\"description\":\"the \\\"first\\\" one\",\"events\":[\"order.*\",\"tidings.**\"],"
        "\"headers\":{\"X-A\":\"***\",\"Authorization\":\"***\"},\"timeout_ms\":2500,"
        "\"retry\":[\"0s\",\"5s\"],\"max_in_flight\":3,"
        "\"rate_limit\":{\"per_second\":10,\"burst\":20},\"ordered\":true,\"enabled\":false,"
        "\"tls\":{\"ca\":\"" PEM_CA "\",\"certificate\":\"" PEM_CA "\",\"key\":\"***\"},"
        "\"options\":{\"mode\": \"binary\"},"
        "\"health\":{\"state\":\"failing\",\"failing_since\":\"2026-02-03T10:20:30.123456Z\"},"
        "\"created_at\":\"2026-02-03T10:20:30.123456Z\","
        "\"updated_at\":\"2026-02-03T10:20:30.123456Z\"}");
    channel_release(channel);
}

static void a_healthy_queue_is_shown_with_what_fits_a_queue(UNUSED void **state)
{
    struct channel *channel = read_channel("{\"kind\":\"queue\"}");

    channel->id = (struct id){5};
    channel->created = channel->updated = (struct wall){INT64_C(1770114030123456)};
    assert_shown(channel, "{\"id\":\"chn_0000000000005\",\"account\":\"shop-1\",\"kind\":\"queue\","
                          "\"dialect\":\"standard\",\"description\":\"\",\"events\":[\"*\"],"
                          "\"enabled\":true,\"max_receives\":0,\"lease_ms\":60000,\"options\":{},"
                          "\"health\":{\"state\":\"healthy\",\"failing_since\":null},"
                          "\"created_at\":\"2026-02-03T10:20:30.123456Z\","
                          "\"updated_at\":\"2026-02-03T10:20:30.123456Z\"}");
    channel_release(channel);
}

static void what_was_shown_hidden_stays_when_it_is_sent_back(UNUSED void **state)
{
    struct channel *base = read_channel(full_webhook);
    struct channel *changed =
        change_channel(base, "{\"headers\":{\"authorization\":\"***\",\"X-New\":\"2\"},"
                             "\"tls\":{\"certificate\":\"" PEM_CA "\",\"key\":\"***\"}}");

    assert_int_equal(changed->headers_len, 2);
    assert_slice_is(changed->headers[0].value, "Bearer t");
    assert_slice_is(changed->headers[1].value, "2");
    assert_true(slice_equal(changed->key_pem, base->key_pem));
    assert_true(slice_is_empty(changed->ca_pem));
    assert_change_refused(base, "{\"headers\":{\"X-Other\":\"***\"}}", "headers.X-Other",
                          "the value itself");
    channel_release(base);
    channel_release(changed);
}

static void texts_with_escapes_stay_where_they_are(UNUSED void **state)
{
    struct channel *channel = read_channel(
        "{\"k\\u0069nd\":\"\\u0077ebhook\",\"url\":\"http:\\/\\/\\u0061/\",\"events\":[\"\\u0061\","
        "\"\\u0062\",\"\\u0063\"],\"description\":\"\\u0064\\\\\",\"headers\":{\"X\":\"\\u0065\"}"
        "}");

    assert_slice_is(channel->url, "http://a/");
    assert_slice_is(channel->events[0], "a");
    assert_slice_is(channel->events[1], "b");
    assert_slice_is(channel->events[2], "c");
    assert_slice_is(channel->description, "d\\");
    assert_slice_is(channel->headers[0].value, "e");
    channel_release(channel);
}

static void a_copy_has_its_own_texts_and_the_same_gate(UNUSED void **state)
{
    struct channel *channel = read_channel(full_webhook);

    channel->gate = channel_gate_new(3);
    channel->id = (struct id){5};
    struct channel *copy = channel_copy(channel);
    struct channel_gate *gate = channel->gate;
    channel_release(channel);
    assert_stored(copy, full_webhook);
    assert_int_equal(copy->id.value, 5);
    assert_ptr_equal(copy->gate, gate);
    assert_int_equal(copy->gate->room, 3);
    assert_false(copy->gate->is_closed);
    channel_release(copy);
}

static void lives_until_its_last_reference_is_given_back(UNUSED void **state)
{
    struct channel *channel = read_channel(plain_webhook);

    assert_ptr_equal(channel_hold(channel), channel);
    channel_release(channel);
    assert_slice_is(channel->url, "https://example.com/");
    channel_release(channel);
    channel_release(NULL);
}

static void wants_what_one_of_its_patterns_matches(UNUSED void **state)
{
    struct channel *channel =
        read_channel("{\"kind\":\"queue\",\"events\":[\"order.*\",\"payment.done\"]}");

    assert_true(channel_wants(channel, SLICE("order.created")));
    assert_true(channel_wants(channel, SLICE("payment.done")));
    assert_false(channel_wants(channel, SLICE("payment.failed")));
    assert_false(channel_wants(channel, SLICE("tidings.channel.disabled")));
    channel_release(channel);
}

static void wants_nothing_while_it_is_disabled(UNUSED void **state)
{
    struct channel *channel = read_channel("{\"kind\":\"queue\"}");
    struct channel *disabled = change_channel(channel, "{\"enabled\":false}");

    assert_true(channel_wants(channel, SLICE("a")));
    assert_false(channel_wants(disabled, SLICE("a")));
    channel->health.state = HEALTH_WARNED;
    assert_true(channel_wants(channel, SLICE("a")));
    channel->health.state = HEALTH_DISABLED;
    assert_false(channel_wants(channel, SLICE("a")));
    assert_false(channel_is_active(channel));
    channel_release(channel);
    channel_release(disabled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_webhook_has_the_documented_defaults),
        cmocka_unit_test(mail_has_the_schedule_of_mail),
        cmocka_unit_test(a_queue_leases_for_a_minute_as_often_as_it_takes),
        cmocka_unit_test(stores_all_it_was_told_and_reads_it_back),
        cmocka_unit_test(reads_every_member_into_its_field),
        cmocka_unit_test(its_texts_end_in_a_zero_byte),
        cmocka_unit_test(a_change_leaves_alone_what_it_does_not_name),
        cmocka_unit_test(a_change_replaces_the_members_it_names),
        cmocka_unit_test(null_sets_each_member_back_to_its_default),
        cmocka_unit_test(a_change_cannot_take_away_what_is_needed),
        cmocka_unit_test(a_dialect_may_let_its_channels_do_without_a_url),
        cmocka_unit_test(a_dialect_says_what_its_channels_have_that_say_nothing),
        cmocka_unit_test(a_schedule_of_a_dialect_that_is_none_is_refused),
        cmocka_unit_test(each_kind_needs_its_target_and_takes_no_other),
        cmocka_unit_test(null_for_a_member_of_another_kind_is_harmless),
        cmocka_unit_test(members_outside_their_limits_are_named),
        cmocka_unit_test(headers_that_cannot_be_sent_are_named),
        cmocka_unit_test(it_has_32_headers_at_most),
        cmocka_unit_test(tls_that_cannot_be_used_is_named),
        cmocka_unit_test(is_shown_without_anything_secret),
        cmocka_unit_test(a_healthy_queue_is_shown_with_what_fits_a_queue),
        cmocka_unit_test(what_was_shown_hidden_stays_when_it_is_sent_back),
        cmocka_unit_test(texts_with_escapes_stay_where_they_are),
        cmocka_unit_test(a_copy_has_its_own_texts_and_the_same_gate),
        cmocka_unit_test(lives_until_its_last_reference_is_given_back),
        cmocka_unit_test(wants_what_one_of_its_patterns_matches),
        cmocka_unit_test(wants_nothing_while_it_is_disabled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
