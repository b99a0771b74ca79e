#include "cli/dialect_settings.h"

#include "base/encode.h"
#include "base/mem.h"
#include "base/xml.h"
#include "model/event.h"
#include "model/url.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- rules ---- */

/* Which setting holds a dialect's own schedule. */
static const char *retry_of(const struct config *settings, const char *dialect)
{
    const struct {
        const char *dialect, *retry;
    } rows[] = {
        {"wapi", settings->wapi_retry},
        {"shopcart", settings->shopcart_retry},
        {"cashier", settings->cashier_retry},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].dialect, dialect) == 0 && rows[i].retry[0] != '\0') {
            return rows[i].retry;
        }
    }
    return NULL;
}

static enum err make_rules(const struct config *settings, const struct dialect_table *dialects,
                           struct dialect_settings *out, struct diag *diag)
{
    enum err err = OK;

    assert(dialects->len <= DIALECT_SETTINGS_DIALECTS_MAX);
    for (size_t i = 0; i < dialects->len && err == OK; i++) {
        struct dialect_rules *rules = &out->rules[i];
        char field[DIAG_FIELD_SIZE];

        *rules = dialects->dialects[i]->rules;
        rules->name = dialects->dialects[i]->name;
        (void)snprintf(field, sizeof field, "[%s] retry", rules->name);
        const char *retry = retry_of(settings, rules->name);
        rules->retry_json = retry != NULL ? retry : rules->retry_json;
        if (strcmp(rules->name, "wapi") == 0 && strcmp(settings->wapi_keep, "forever") != 0) {
            rules->waits_for_ever = false;
        }
        err = dialect_rules_prepare(rules, field, diag);
    }
    out->table = (struct dialect_rules_table){out->rules, dialects->len};
    return err;
}

/* ---- pairs ---- */

static size_t count_pairs(const char *pairs)
{
    struct slice rest = slice_of(pairs), key, value;
    size_t count = 0;

    while (config_next_pair(&rest, &key, &value)) {
        count++;
    }
    return count;
}

static enum err check_key(const char *section, struct slice key, const struct slice *before,
                          size_t before_len, size_t stride, struct diag *diag)
{
    const char *at = (const char *)before;

    for (size_t i = 0; i < before_len; i++, at += stride) {
        if (slice_equal(*(const struct slice *)(const void *)at, key)) {
            return diag_field(diag, ERR_INVALID, section, "%.*s is given twice", SLICE_ARGS(key));
        }
    }
    return OK;
}

/* ---- wapi ---- */

static enum err read_command(struct slice key, struct slice value, struct wapi_command *out,
                             struct diag *diag)
{
    out->pattern = key;
    if (slice_is(value, "off")) {
        out->url = SLICE("");
        return OK;
    }
    out->url = value;
    return url_check(value, "[wapi.commands]", diag);
}

/* The longest pattern first: the first that fits is the one that counts. */
static int compare_commands(const void *a, const void *b)
{
    const struct wapi_command *first = a;
    const struct wapi_command *second = b;

    return (first->pattern.len < second->pattern.len) - (first->pattern.len > second->pattern.len);
}

static enum err read_commands(const char *pairs, struct dialect_settings *out, struct diag *diag)
{
    struct slice rest = slice_of(pairs), key, value;
    size_t len = 0;
    enum err err = OK;

    out->commands = MEM_ARRAY(count_pairs(pairs), struct wapi_command);
    while (err == OK && config_next_pair(&rest, &key, &value)) {
        err = check_key("[wapi.commands]", key, &out->commands[0].pattern, len,
                        sizeof out->commands[0], diag);
        if (err == OK) {
            err = read_command(key, value, &out->commands[len++], diag);
        }
    }
    if (len > 1) {
        qsort(out->commands, len, sizeof out->commands[0], compare_commands);
    }
    out->wire.wapi.commands = out->commands;
    out->wire.wapi.commands_len = len;
    return err;
}

/* Commands that are only switched off ask nobody. */
static bool has_handlers(const struct wapi_settings *wapi)
{
    for (size_t i = 0; i < wapi->commands_len; i++) {
        if (!slice_is_empty(wapi->commands[i].url)) {
            return true;
        }
    }
    return false;
}

/* whsec_ and base64, as the secret of a channel. */
static enum err read_handler_secret(const char *text, struct dialect_settings *out,
                                    struct diag *diag)
{
    static const struct slice prefix = SLICE("whsec_");
    struct slice secret = slice_of(text);

    if (secret.len == 0 && !has_handlers(&out->wire.wapi)) {
        return OK;
    }
    if (!slice_starts(secret, prefix) ||
        base64_decode(&out->secret, slice_sub(secret, prefix.len, secret.len)) != OK ||
        buf_check(&out->secret) != OK || out->secret.len < CHANNEL_SECRET_BYTES_MIN) {
        return diag_field(diag, ERR_INVALID, "[wapi] handler_secret",
                          "must be whsec_ and base64 of %d to %d bytes; it is needed with "
                          "handlers in [wapi.commands]",
                          CHANNEL_SECRET_BYTES_MIN, CHANNEL_SECRET_BYTES_MAX);
    }
    out->wire.wapi.handler_secret = buf_view(&out->secret);
    return OK;
}

static enum err make_wapi(const struct config *settings, struct dialect_settings *out,
                          struct diag *diag)
{
    struct wapi_settings *wapi = &out->wire.wapi;
    enum err err = read_commands(settings->wapi_commands, out, diag);

    wapi->handler_timeout_us = settings->wapi_handler_timeout;
    wapi->hourly_max = (uint32_t)settings->wapi_hourly_max;
    wapi->failures_max = (uint32_t)settings->wapi_failures_max;
    wapi->previous_hour_us = settings->wapi_previous_hour;
    wapi->request_bytes_max = (uint32_t)settings->wapi_request_max;
    wapi->ack_needs_poll = strcmp(settings->wapi_ack_needs_poll, "yes") == 0;
    return err != OK ? err : read_handler_secret(settings->wapi_handler_secret, out, diag);
}

/* ---- shopcart ---- */

/* "NewOrder Token": the root element and what stands in it. */
static enum err read_type(struct slice key, struct slice value, struct shopcart_type *out,
                          struct diag *diag)
{
    struct slice root, child;
    enum err err = event_type_check(key, diag);

    if (err != OK) {
        return diag_field(diag, ERR_INVALID, "[shopcart.types]", "%.*s is no type of event",
                          SLICE_ARGS(key));
    }
    (void)slice_cut(&value, ' ', &root); /* there is always a first part */
    child = slice_trim(value);
    if (!xml_is_name(root) || !xml_is_name(child)) {
        return diag_field(diag, ERR_INVALID, "[shopcart.types]",
                          "%.*s needs the names of two elements, such as NewOrder Token",
                          SLICE_ARGS(key));
    }
    *out = (struct shopcart_type){.type = key, .root = root, .child = child};
    return OK;
}

static enum err make_shopcart(const struct config *settings, struct dialect_settings *out,
                              struct diag *diag)
{
    struct slice rest = slice_of(settings->shopcart_types), key, value;
    struct slice public_url = slice_of(settings->shopcart_public_url);
    size_t len = 0;
    enum err err = OK;

    if (public_url.len > 0) {
        err = url_check(public_url, "[shopcart] public_url", diag);
    }
    out->types = MEM_ARRAY(count_pairs(settings->shopcart_types), struct shopcart_type);
    while (err == OK && config_next_pair(&rest, &key, &value)) {
        err = check_key("[shopcart.types]", key, &out->types[0].type, len, sizeof out->types[0],
                        diag);
        if (err == OK) {
            err = read_type(key, value, &out->types[len++], diag);
        }
    }
    out->wire.shopcart =
        (struct shopcart_settings){.types = out->types, .types_len = len, .public_url = public_url};
    return err;
}

/* ---- checkout ---- */

static void make_checkout(const struct config *settings, struct checkout_settings *out)
{
    *out = (struct checkout_settings){
        .messages_max = (uint32_t)settings->checkout_messages_max,
        .acks_max = (uint32_t)settings->checkout_acks_max,
        .wait_max_us = settings->checkout_wait_max,
        .visibility_us = settings->checkout_visibility,
        .window_us = settings->checkout_window,
        .has_new_history = strcmp(settings->checkout_history, "messages") == 0,
        .refuses_unknown_query = strcmp(settings->checkout_unknown_query, "refused") == 0,
    };
}

/* ---- all ---- */

enum err dialect_settings_make(const struct config *settings, const struct dialect_table *dialects,
                               struct dialect_settings *out, struct diag *diag)
{
    *out = (struct dialect_settings){0};
    buf_init(&out->secret, CHANNEL_SECRET_BYTES_MAX);
    enum err err = make_rules(settings, dialects, out, diag);
    if (err == OK) {
        err = make_wapi(settings, out, diag);
    }
    if (err == OK) {
        err = make_shopcart(settings, out, diag);
    }
    make_checkout(settings, &out->wire.checkout);
    return err;
}

void dialect_settings_clear(struct dialect_settings *settings)
{
    mem_wipe(settings->secret.ptr, settings->secret.len);
    buf_clear(&settings->secret);
    mem_free(settings->commands);
    mem_free(settings->types);
}
