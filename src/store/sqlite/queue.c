/*
 * Receiving. A queue channel's messages are its rows in pending, in the order of their ids; a lease
 * is a row's `due`.
 *
 * The oldest available message is found by walking over those that are leased. So that a consumer
 * who holds thousands does not make everyone walk over them again and again, a hint per channel
 * remembers up to where everything is leased, and until when. Hints are only memory: losing one
 * costs a walk.
 */
#include "store/sqlite/queue.h"

#include "base/mem.h"
#include "store/sqlite/answer.h"
#include "store/sqlite/event_row.h"

enum {
    LOOK_MAX = 8192,     /* rows one receive walks over: some milliseconds */
    MESSAGES_MAX = 1000, /* one receive gives */
    SPENT_MAX = 256,     /* one receive ends */
};

/* ---- Hints ---------------------------------------------------------------------------------- */

struct queue_hint {
    struct id channel;
    struct id floor;   /* every row up to here is leased */
    struct wall until; /* until then: the first of these leases ends */
    struct wall made;  /* a clock that was set back to before this makes the hint void */
};

void queue_forget_hint(struct engine *engine, struct id channel)
{
    mem_free(map_remove_u64(&engine->queue_hints, channel.value));
}

void queue_forget_hints(struct engine *engine)
{
    struct queue_hint *hint = NULL;
    size_t at = 0;

    while ((hint = map_each(&engine->queue_hints, &at)) != NULL) {
        mem_free(hint);
    }
    map_clear(&engine->queue_hints);
}

/* Where to begin: behind what is known to be leased, or at the start. */
static struct queue_hint find_hint(struct engine *engine, struct id channel, struct wall now)
{
    const struct queue_hint *hint = map_get_u64(&engine->queue_hints, channel.value);

    if (hint != NULL && hint->made.us <= now.us && now.us < hint->until.us) {
        return *hint;
    }
    return (struct queue_hint){.channel = channel, .until = WALL_NEVER};
}

static void keep_hint(struct engine *engine, const struct queue_hint *walked, struct wall now)
{
    struct queue_hint *hint = map_get_u64(&engine->queue_hints, walked->channel.value);

    if (hint == NULL) {
        hint = MEM_NEW(struct queue_hint);
        (void)map_put_u64(&engine->queue_hints, walked->channel.value, hint);
    }
    *hint = *walked;
    hint->made = now;
}

/* ---- Receiving ------------------------------------------------------------------------------ */

/* A walk over a channel's rows. */
struct walk {
    struct store_receive *receive;
    struct wall now;
    struct pending_row *rows;  /* owned; those found available, beside receive->messages */
    struct pending_row *spent; /* owned; received too often already, or without an event */
    size_t spent_len;
    size_t bytes; /* of data in receive->messages */
    struct queue_hint hint;
    /* the hint ends here: what was passed stays available, or was not looked at */
    bool leaves_some;
    struct wall next; /* when the first of the leases that were met ends */
};

static bool is_leased(struct wall due, struct wall now)
{
    return due.us > now.us && due.us <= now.us + STORE_LEASE_US_MAX;
}

/* What the walk leaves behind is leased until then, or gone for ever. */
static void pass(struct walk *walk, struct id delivery, struct wall until)
{
    if (until.us < walk->next.us) {
        walk->next = until;
    }
    if (walk->leaves_some) {
        return;
    }
    walk->hint.floor = delivery;
    if (until.us < walk->hint.until.us) {
        walk->hint.until = until;
    }
}

/* Whether the answer is complete before this message. */
static bool is_enough(const struct walk *walk, const struct event *event)
{
    const struct store_receive *receive = walk->receive;

    return receive->messages_len == receive->max ||
           (receive->messages_len > 0 && walk->bytes + event->data.len > receive->bytes_max);
}

/* Takes over the event. */
static void add_message(struct walk *walk, const struct pending_row *row, struct event *event)
{
    struct store_receive *receive = walk->receive;

    walk->rows[receive->messages_len] = *row;
    receive->messages[receive->messages_len++] = (struct store_message){
        .event = event,
        .delivery = row->delivery,
        .epoch = row->epoch + 1,
        .attempt = row->attempts + 1,
    };
    walk->bytes += event->data.len;
    if (receive->is_auto_ack) {
        pass(walk, row->delivery, WALL_NEVER);
    } else if (receive->lease_us > 0) {
        pass(walk, row->delivery, (struct wall){walk->now.us + receive->lease_us});
    } else {
        walk->leaves_some = true;
    }
}

static void add_spent(struct walk *walk, const struct pending_row *row)
{
    walk->spent[walk->spent_len++] = *row;
    pass(walk, row->delivery, WALL_NEVER);
}

/* An available row goes into the answer. has_more: there was no room for it, and the walk is
 * over. */
static enum err take_row(struct engine *engine, struct walk *walk, const struct pending_row *row)
{
    struct store_receive *receive = walk->receive;
    struct event *event = NULL;
    bool is_spent = receive->max_receives > 0 && row->attempts >= receive->max_receives;
    enum err err = OK;

    if (!is_spent) {
        err = event_row_of_delivery(&engine->db, row->delivery, &event);
    }
    if (err != OK) {
        return err;
    }
    if (event == NULL && walk->spent_len < SPENT_MAX) {
        add_spent(walk, row);
    } else if (event == NULL || is_enough(walk, event)) {
        receive->has_more = true;
        event_release(event);
    } else {
        add_message(walk, row, event);
    }
    return OK;
}

static enum err walk_row(struct engine *engine, struct walk *walk, const struct pending_row *row)
{
    if (row->account.value != walk->receive->account.value) {
        return OK;
    }
    if (!is_leased(row->due, walk->now)) {
        return take_row(engine, walk, row);
    }
    pass(walk, row->delivery, row->due);
    return OK;
}

/* Where the walk begins. Behind `after` it says nothing of what lies before, so the hint stays as
 * it is. */
static struct id begin_walk(struct walk *walk)
{
    struct id after = walk->receive->after;

    if (after.value <= walk->hint.floor.value) {
        walk->next = walk->hint.until;
        return walk->hint.floor;
    }
    walk->next = WALL_NEVER;
    walk->leaves_some = true;
    return after;
}

/* Collects what is available; changes nothing yet, as the walk reads the table that would
 * change. */
static enum err walk_rows(struct engine *engine, struct walk *walk)
{
    struct store_receive *receive = walk->receive;
    sqlite3_stmt *rows = sql_use(&engine->db, SQL_pending_in_order);
    uint32_t looked = 0;
    bool has_row = true;
    enum err err = OK;

    bind_id(rows, 1, receive->channel);
    bind_id(rows, 2, begin_walk(walk));
    while (has_row && !receive->has_more && err == OK) {
        err = sql_next(&engine->db, rows, &has_row);
        if (err == OK && has_row && ++looked > LOOK_MAX) {
            receive->has_more = true;
        } else if (err == OK && has_row) {
            struct pending_row row = pending_read(rows, receive->channel);

            err = walk_row(engine, walk, &row);
        }
    }
    sql_end(rows);
    return err;
}

static enum err lease(struct engine *engine, const struct walk *walk, struct pending_row *row)
{
    int64_t lease_us = walk->receive->lease_us;

    row->due.us = lease_us == 0 ? 0 : walk->now.us + lease_us;
    return pending_lease(engine, row);
}

/* Now the changes: what was found is leased or acknowledged, what was received too often fails. */
static enum err write_walk(struct engine *engine, const struct engine_batch *batch,
                           struct walk *walk)
{
    const struct store_receive *receive = walk->receive;
    enum err err = OK;

    for (size_t i = 0; i < walk->spent_len && err == OK; i++) {
        err = pending_end(engine, batch->now, &walk->spent[i], DELIVERY_FAILED);
    }
    for (size_t i = 0; i < receive->messages_len && err == OK; i++) {
        struct pending_row *row = &walk->rows[i];

        row->attempts++;
        row->epoch++;
        err = receive->is_auto_ack ? answer_acknowledge(engine, batch, row)
                                   : lease(engine, walk, row);
    }
    return err;
}

enum err sqlite_receive(struct engine *engine, const struct engine_batch *batch,
                        struct store_receive *receive)
{
    struct walk walk = {.receive = receive, .now = batch->now};

    (void)engine_write(engine, &receive->request);
    receive->max = receive->max < MESSAGES_MAX ? receive->max : MESSAGES_MAX;
    receive->messages = MEM_ARRAY(receive->max, struct store_message);
    receive->messages_len = 0;
    receive->has_more = false;
    walk.rows = MEM_ARRAY(receive->max, struct pending_row);
    walk.spent = MEM_ARRAY(SPENT_MAX, struct pending_row);
    walk.hint = find_hint(engine, receive->channel, batch->now);
    enum err err = walk_rows(engine, &walk);
    if (err == OK) {
        err = write_walk(engine, batch, &walk);
    }
    if (err == OK) {
        keep_hint(engine, &walk.hint, batch->now);
        receive->next_available = receive->has_more ? batch->now : walk.next;
    }
    mem_free(walk.rows);
    mem_free(walk.spent);
    return err;
}
