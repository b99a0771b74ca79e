#include "wire/wapi/commands.h"

#include "model/operation.h"

static const struct builtin {
    const char *name;
    wapi_command_fn *run;
} builtins[] = {
    {"ping", wapi_ping},
    {"ping-async", wapi_ping_async},
    {"poll-req", wapi_poll_req},
    {"poll-ack", wapi_poll_ack},
    /* what the provider's description calls them, in one place or another */
    {"notify-poll-req", wapi_poll_req},
    {"notify-poll-ack", wapi_poll_ack},
    {"notify-poll-acq", wapi_poll_ack},
    {"poll_req", wapi_poll_req},
};

static bool is_prefix(struct slice pattern)
{
    return slice_ends(pattern, SLICE("*"));
}

static bool matches(struct slice pattern, struct slice name)
{
    return is_prefix(pattern) ? slice_starts(name, slice_sub(pattern, 0, pattern.len - 1))
                              : slice_equal(pattern, name);
}

/* The longest prefix, or the name in full. */
static const struct wapi_command *find_setting(const struct wapi_settings *settings,
                                               struct slice name, bool by_prefix)
{
    for (size_t i = 0; i < settings->commands_len; i++) {
        const struct wapi_command *command = &settings->commands[i];

        if (is_prefix(command->pattern) == by_prefix && matches(command->pattern, name)) {
            return command;
        }
    }
    return NULL;
}

static wapi_command_fn *find_builtin(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
        if (slice_is(name, builtins[i].name)) {
            return builtins[i].run;
        }
    }
    return NULL;
}

enum wapi_code commands_find(struct wapi_call *call, wapi_command_fn **out)
{
    const struct wapi_settings *settings = &call->app->settings.wapi;
    struct slice name = call->request.command;
    const struct wapi_command *setting = find_setting(settings, name, /* by_prefix= */ false);

    if (setting == NULL && (*out = find_builtin(name)) != NULL) {
        return WAPI_OK;
    }
    if (setting == NULL && name.len <= OPERATION_COMMAND_BYTES_MAX) {
        setting = find_setting(settings, name, /* by_prefix= */ true);
    }
    if (setting == NULL) {
        return WAPI_UNKNOWN_COMMAND;
    }
    if (slice_is_empty(setting->url)) {
        return WAPI_DISABLED_COMMAND;
    }
    call->handler = setting;
    *out = wapi_handler;
    return WAPI_OK;
}
