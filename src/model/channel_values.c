/*
 * Kinds of values of a channel's settings, but for those with something secret (channel_hidden.c).
 */
#include "model/channel_internal.h"
#include "model/field.h"

static void *place(const struct channel_member *member, struct channel *channel)
{
    return (char *)channel + member->offset;
}

static const void *place_of(const struct channel_member *member, const struct channel *channel)
{
    return (const char *)channel + member->offset;
}

/* ---- lines of text ---- */

static enum err set_line(const struct channel_member *member, struct json value,
                         struct channel_draft *draft)
{
    struct slice text = SLICE("");
    enum err err =
        field_line(value, member->name, (size_t)member->max, &draft->scratch, &text, draft->diag);

    if (err == OK && member->check != NULL) {
        err = member->check(text, member->name, draft->diag);
    }
    if (err == OK) {
        *(struct slice *)place(member, &draft->channel) = text;
    }
    return err;
}

static enum err reset_line(const struct channel_member *member, struct channel_draft *draft)
{
    *(struct slice *)place(member, &draft->channel) = slice_of(member->text);
    return OK;
}

static void put_line(const struct channel_member *member, const struct channel *channel,
                     enum channel_view view, struct json_writer *out)
{
    const struct slice *text = place_of(member, channel);

    (void)view;
    /* "" would not pass the check when it is read back. */
    if (slice_is_empty(*text) && member->check != NULL) {
        json_put_null(out);
    } else {
        json_put_string(out, *text);
    }
}

const struct channel_member_type channel_member_line = {set_line, reset_line, put_line};

/* ---- numbers, flags, times ---- */

static enum err set_count(const struct channel_member *member, struct json value,
                          struct channel_draft *draft)
{
    int64_t number = 0;
    enum err err =
        field_number(value, member->name, member->min, member->max, &number, draft->diag);

    if (err == OK) {
        *(uint32_t *)place(member, &draft->channel) = (uint32_t)number;
    }
    return err;
}

static enum err reset_count(const struct channel_member *member, struct channel_draft *draft)
{
    *(uint32_t *)place(member, &draft->channel) = (uint32_t)member->by_default;
    return OK;
}

static void put_count(const struct channel_member *member, const struct channel *channel,
                      enum channel_view view, struct json_writer *out)
{
    (void)view;
    json_put_i64(out, *(const uint32_t *)place_of(member, channel));
}

const struct channel_member_type channel_member_count = {set_count, reset_count, put_count};

const struct dialect_rules *channel_draft_rules(const struct channel_draft *draft)
{
    return dialect_rules_find(&draft->defaults->dialects, draft->channel.dialect);
}

static enum err set_flag(const struct channel_member *member, struct json value,
                         struct channel_draft *draft)
{
    return field_flag(value, member->name, place(member, &draft->channel), draft->diag);
}

static enum err reset_flag(const struct channel_member *member, struct channel_draft *draft)
{
    *(bool *)place(member, &draft->channel) = member->by_default != 0;
    return OK;
}

static void put_flag(const struct channel_member *member, const struct channel *channel,
                     enum channel_view view, struct json_writer *out)
{
    (void)view;
    json_put_bool(out, *(const bool *)place_of(member, channel));
}

const struct channel_member_type channel_member_flag = {set_flag, reset_flag, put_flag};

static enum err reset_ordered(const struct channel_member *member, struct channel_draft *draft)
{
    const struct dialect_rules *rules = channel_draft_rules(draft);

    (void)member;
    draft->channel.is_ordered = rules != NULL && rules->is_ordered;
    return OK;
}

const struct channel_member_type channel_member_ordered = {set_flag, reset_ordered, put_flag};

static enum err set_milliseconds(const struct channel_member *member, struct json value,
                                 struct channel_draft *draft)
{
    int64_t ms = 0;
    enum err err = field_number(value, member->name, member->min / US_PER_MS,
                                member->max / US_PER_MS, &ms, draft->diag);

    if (err == OK) {
        *(int64_t *)place(member, &draft->channel) = ms * US_PER_MS;
    }
    return err;
}

static enum err reset_milliseconds(const struct channel_member *member, struct channel_draft *draft)
{
    *(int64_t *)place(member, &draft->channel) = member->by_default;
    return OK;
}

static void put_milliseconds(const struct channel_member *member, const struct channel *channel,
                             enum channel_view view, struct json_writer *out)
{
    (void)view;
    json_put_i64(out, *(const int64_t *)place_of(member, channel) / US_PER_MS);
}

const struct channel_member_type channel_member_milliseconds = {
    set_milliseconds, reset_milliseconds, put_milliseconds};

static enum err reset_timeout(const struct channel_member *member, struct channel_draft *draft)
{
    const struct dialect_rules *rules = channel_draft_rules(draft);

    (void)member;
    draft->channel.timeout_us =
        rules != NULL && rules->timeout_us > 0 ? rules->timeout_us : draft->defaults->timeout_us;
    return OK;
}

const struct channel_member_type channel_member_timeout = {set_milliseconds, reset_timeout,
                                                           put_milliseconds};

/* ---- kind ---- */

static enum err parse_kind(struct slice word, enum channel_kind *out)
{
    static const enum channel_kind kinds[] = {CHANNEL_WEBHOOK, CHANNEL_EMAIL, CHANNEL_QUEUE};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (slice_is(word, channel_kind_word(kinds[i]))) {
            *out = kinds[i];
            return OK;
        }
    }
    return ERR_INVALID;
}

static enum err set_kind(const struct channel_member *member, struct json value,
                         struct channel_draft *draft)
{
    const struct channel *base = draft->base;
    struct slice word =
        json_type(value) == JSON_STRING ? json_string(value, &draft->scratch) : SLICE("");
    enum channel_kind kind = CHANNEL_WEBHOOK;

    if (parse_kind(word, &kind) != OK) {
        return diag_field(draft->diag, ERR_INVALID, member->name,
                          "expected \"webhook\", \"email\" or \"queue\"");
    }
    if (base != NULL && kind != base->kind) {
        return diag_field(draft->diag, ERR_INVALID, member->name,
                          "the kind of a channel cannot change, it is \"%s\"",
                          channel_kind_word(base->kind));
    }
    draft->channel.kind = kind;
    return OK;
}

/* There is no default: a new channel must say, an old one keeps its own. */
static enum err reset_kind(const struct channel_member *member, struct channel_draft *draft)
{
    return set_kind(member, (struct json){0}, draft);
}

static void put_kind(const struct channel_member *member, const struct channel *channel,
                     enum channel_view view, struct json_writer *out)
{
    (void)member;
    (void)view;
    json_put_text(out, channel_kind_word(channel->kind));
}

const struct channel_member_type channel_member_kind = {set_kind, reset_kind, put_kind};

/* ---- events ---- */

static enum err read_pattern(struct json value, const char *field, struct channel_draft *draft,
                             struct slice *out)
{
    struct diag reason;
    enum err err =
        field_text(value, field, FILTER_PATTERN_BYTES_MAX, &draft->scratch, out, draft->diag);

    if (err != OK) {
        return err;
    }
    if (filter_check(*out, &reason) != OK) {
        return diag_field(draft->diag, ERR_INVALID, field, "%s", reason.text);
    }
    return OK;
}

static enum err set_events(const struct channel_member *member, struct json value,
                           struct channel_draft *draft)
{
    enum err err =
        field_array(value, member->name, 1, FILTER_PATTERNS_MAX, "patterns", draft->diag);
    uint32_t len = 0;

    if (err != OK) {
        return err;
    }
    for (struct json at = json_first(value); json_exists(at); at = json_next(at)) {
        err = read_pattern(at, field_item(member->name, len).chars, draft, &draft->events[len]);
        if (err != OK) {
            return err;
        }
        len++;
    }
    draft->channel.events = draft->events;
    draft->channel.events_len = len;
    return OK;
}

static enum err reset_events(const struct channel_member *member, struct channel_draft *draft)
{
    (void)member;
    draft->events[0] = SLICE("*");
    draft->channel.events = draft->events;
    draft->channel.events_len = 1;
    return OK;
}

static void put_events(const struct channel_member *member, const struct channel *channel,
                       enum channel_view view, struct json_writer *out)
{
    (void)member;
    (void)view;
    json_begin_array(out);
    for (uint32_t i = 0; i < channel->events_len; i++) {
        json_put_string(out, channel->events[i]);
    }
    json_end_array(out);
}

const struct channel_member_type channel_member_patterns = {set_events, reset_events, put_events};

/* ---- retry ---- */

static enum err set_retry(const struct channel_member *member, struct json value,
                          struct channel_draft *draft)
{
    return schedule_from_json(value, member->name, &draft->channel.retry, draft->diag);
}

static enum err reset_retry(const struct channel_member *member, struct channel_draft *draft)
{
    const struct channel_defaults *defaults = draft->defaults;
    const struct dialect_rules *rules = channel_draft_rules(draft);

    (void)member;
    if (draft->channel.kind == CHANNEL_EMAIL) {
        draft->channel.retry = defaults->email;
    } else {
        draft->channel.retry = rules != NULL && rules->has_retry ? rules->retry : defaults->webhook;
    }
    return OK;
}

static void put_retry(const struct channel_member *member, const struct channel *channel,
                      enum channel_view view, struct json_writer *out)
{
    (void)member;
    (void)view;
    schedule_to_json(&channel->retry, out);
}

const struct channel_member_type channel_member_retry = {set_retry, reset_retry, put_retry};

/* ---- rate limit ---- */

static enum err set_rate_limit(const struct channel_member *member, struct json value,
                               struct channel_draft *draft)
{
    static const char *const names[] = {"per_second", "burst"};
    struct json burst_given = json_member(value, "burst");
    int64_t per_second = 0;
    int64_t burst = 0;
    enum err err = field_members(value, member->name, names, ARRAY_LEN(names), draft->diag);

    if (err == OK) {
        err = field_number(json_member(value, "per_second"), "rate_limit.per_second", 1,
                           PACING_PER_SECOND_MAX, &per_second, draft->diag);
    }
    if (err == OK && json_is_null(burst_given)) {
        burst = per_second;
    } else if (err == OK) {
        err =
            field_number(burst_given, "rate_limit.burst", 1, PACING_BURST_MAX, &burst, draft->diag);
    }
    if (err == OK) {
        draft->channel.rate_limit =
            (struct pacing_limit){.per_second = (uint32_t)per_second, .burst = (uint32_t)burst};
    }
    return err;
}

static enum err reset_rate_limit(const struct channel_member *member, struct channel_draft *draft)
{
    (void)member;
    draft->channel.rate_limit = (struct pacing_limit){0};
    return OK;
}

static void put_rate_limit(const struct channel_member *member, const struct channel *channel,
                           enum channel_view view, struct json_writer *out)
{
    (void)member;
    (void)view;
    if (channel->rate_limit.per_second == 0) {
        json_put_null(out);
        return;
    }
    json_begin_object(out);
    json_key(out, "per_second");
    json_put_i64(out, channel->rate_limit.per_second);
    json_key(out, "burst");
    json_put_i64(out, channel->rate_limit.burst);
    json_end_object(out);
}

const struct channel_member_type channel_member_pace = {set_rate_limit, reset_rate_limit,
                                                        put_rate_limit};

/* ---- options ---- */

static enum err set_options(const struct channel_member *member, struct json value,
                            struct channel_draft *draft)
{
    return field_raw_object(value, member->name, CHANNEL_OPTIONS_BYTES_MAX, &draft->channel.options,
                            draft->diag);
}

static enum err reset_options(const struct channel_member *member, struct channel_draft *draft)
{
    (void)member;
    draft->channel.options = SLICE("");
    return OK;
}

static void put_options(const struct channel_member *member, const struct channel *channel,
                        enum channel_view view, struct json_writer *out)
{
    (void)member;
    (void)view;
    field_put_raw_object(channel->options, out);
}

const struct channel_member_type channel_member_options = {set_options, reset_options, put_options};
