/*
 * Notices: telling an account that one of its channels fails or was disabled, as an event to its
 * other channels, and the operator by a log line.
 *
 * The types begin with "tidings.", so only channels that ask for those get them (model/filter.h).
 */
#include "base/mem.h"
#include "base/timetext.h"
#include "dispatch/dispatch_internal.h"
#include "os/log.h"

enum { NOTICE_BYTES_MAX = 16 * 1024 };

/* Which event a state of health is worth; NULL: none. */
static const char *const notice_types[] = {
    [HEALTH_HEALTHY] = NULL,
    [HEALTH_FAILING] = NULL,
    [HEALTH_WARNED] = "tidings.channel.failing",
    [HEALTH_DISABLED] = "tidings.channel.disabled",
};

struct notice {
    struct store_publish_item item;
    struct account *account; /* held */
    struct dispatch *dispatch;
};

/* Where the channel goes to, so that a person who gets this as a mail knows which one it is. */
static void put_channel(const struct channel *channel, struct json_writer *writer)
{
    json_key(writer, "channel");
    json_put_text(writer, id_text(ID_CHANNEL, channel->id).chars);
    json_key(writer, "kind");
    json_put_text(writer, channel_kind_word(channel->kind));
    json_key(writer, "description");
    json_put_string(writer, channel->description);
    json_key(writer, channel->kind == CHANNEL_EMAIL ? "address" : "url");
    json_put_string(writer, channel->kind == CHANNEL_EMAIL ? channel->address : channel->url);
}

static void write_data(const struct channel *channel, const struct health *health,
                       const char *cause, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer);
    put_channel(channel, &writer);
    json_key(&writer, "state");
    json_put_text(&writer, health_word(health->state));
    json_key(&writer, "failing_since");
    json_put_text(&writer, timetext_rfc3339(health->failing_since).chars);
    json_key(&writer, "cause");
    json_put_text(&writer, cause);
    json_end_object(&writer);
}

struct notice *notice_new(const struct lane *lane, const struct health *health, const char *cause)
{
    const char *type = notice_types[health->state];

    if (type == NULL || lane->owner == NULL || lane->channel == NULL) {
        return NULL;
    }
    struct dispatch *dispatch = lane->worker->dispatch;
    struct notice *notice = MEM_NEW(struct notice);
    struct buf data;

    buf_init(&data, NOTICE_BYTES_MAX);
    write_data(lane->channel, health, cause, &data);
    notice->dispatch = dispatch;
    notice->account = account_hold(lane->owner);
    notice->item.event = event_new(&(struct event_parts){
        .account = lane->account,
        .account_name = lane->owner->name,
        .type = slice_of(type),
        .content_type = SLICE("application/json"),
        .data = buf_view(&data),
    });
    buf_clear(&data);
    intake_match(dispatch, notice->account, &notice->item);
    /* The channel that it is about would fail with this too. */
    intake_leave_out(dispatch, notice->account, &notice->item, lane->id);
    return notice;
}

struct store_publish_item *notice_item(struct notice *notice)
{
    return notice != NULL ? &notice->item : NULL;
}

void notice_free(struct notice *notice, bool is_stored)
{
    if (notice == NULL) {
        return;
    }
    if (is_stored && notice->item.err != OK) {
        log_line(LOG_WARN, "notice_not_stored", "account", notice->account->name.ptr, "error",
                 err_word(notice->item.err), NULL);
    }
    intake_end(notice->dispatch, notice->account, &notice->item,
               is_stored && notice->item.err == OK);
    account_release(notice->account);
    mem_free(notice);
}

void notice_log(const struct lane *lane, const struct health *health, const char *cause)
{
    if (lane->owner == NULL || lane->channel == NULL) {
        return; /* deleted meanwhile */
    }
    log_line(notice_types[health->state] == NULL ? LOG_INFO : LOG_WARN, "channel_health", "account",
             lane->owner->name.ptr, "channel", id_text(ID_CHANNEL, lane->id).chars, "state",
             health_word(health->state), "cause", cause, NULL);
}
