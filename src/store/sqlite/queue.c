/*
 * Receiving and answering. A queue channel's messages are its rows in pending, in the order of
 * their ids; a lease is a row's `due`.
 *
 * The oldest available message is found by walking over those that are leased. So that a consumer
 * who holds thousands does not make everyone walk over them again and again, a hint per channel
 * remembers up to where everything is leased, and until when. Hints are only memory: losing one
 * costs a walk.
 */
#include "store/sqlite/queue.h"

#include "base/mem.h"
#include "store/sqlite/attempt_row.h"
#include "store/sqlite/event_row.h"
#include "store/sqlite/pending.h"

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
    bool leaves_some; /* an available one was passed and stays available: the hint ends before it */
};

static bool is_leased(struct wall due, struct wall now)
{
    return due.us > now.us && due.us <= now.us + STORE_LEASE_US_MAX;
}

static struct pending_row read_row(sqlite3_stmt *row, struct id channel)
{
    return (struct pending_row){
        .channel = channel,
        .delivery = column_id(row, 0),
        .way = STORE_QUEUE,
        .due = column_wall(row, 1),
        .attempts = column_u32(row, 2),
        .epoch = column_u32(row, 3),
        .account = column_id(row, 4),
        .last_attempt = column_id(row, 5),
        .is_found = true,
    };
}

/* What the walk leaves behind is leased until then, or gone for ever. */
static void pass(struct walk *walk, struct id delivery, struct wall until)
{
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
    bind_id(rows, 2, walk->hint.floor);
    while (has_row && !receive->has_more && err == OK) {
        err = sql_next(&engine->db, rows, &has_row);
        if (err == OK && has_row && ++looked > LOOK_MAX) {
            receive->has_more = true;
        } else if (err == OK && has_row) {
            struct pending_row row = read_row(rows, receive->channel);

            err = walk_row(engine, walk, &row);
        }
    }
    sql_end(rows);
    return err;
}

/* The attempt that stands for a queue message's acknowledgement. */
static enum err acknowledge(struct engine *engine, const struct engine_batch *batch,
                            struct pending_row *row)
{
    struct attempt attempt = {
        .number = row->attempts,
        .began = batch->now,
        .outcome = ATTEMPT_DELIVERED,
    };
    bool is_plain = row->attempts == 1 && row->last_attempt.value == 0;
    enum err err = attempt_row_append(engine, batch, row->delivery, row->last_attempt, &attempt);

    if (err != OK) {
        return err;
    }
    row->last_attempt = attempt.id;
    if (!is_plain) {
        return pending_end(engine, batch->now, row, DELIVERY_DELIVERED);
    }
    err = pending_delete(engine, row->channel, row->delivery);
    return err != OK ? err : attempt_row_index(engine, row->delivery, attempt.id);
}

static enum err lease(struct engine *engine, const struct walk *walk, const struct pending_row *row)
{
    sqlite3_stmt *update = sql_use(&engine->db, SQL_lease_pending);
    int64_t lease_us = walk->receive->lease_us;

    bind_id(update, 1, row->channel);
    bind_id(update, 2, row->delivery);
    bind_i64(update, 3, lease_us == 0 ? 0 : walk->now.us + lease_us);
    bind_i64(update, 4, row->attempts);
    bind_i64(update, 5, row->epoch);
    return sql_run(&engine->db, update);
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
        err = receive->is_auto_ack ? acknowledge(engine, batch, row) : lease(engine, walk, row);
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
        receive->next_available = receive->has_more ? batch->now : walk.hint.until;
    }
    mem_free(walk.rows);
    mem_free(walk.spent);
    return err;
}

/* ---- Answering ------------------------------------------------------------------------------ */

static enum err hold_until(struct engine *engine, const struct pending_row *row, struct wall due)
{
    sqlite3_stmt *update = sql_use(&engine->db, SQL_due_pending);

    bind_id(update, 1, row->channel);
    bind_id(update, 2, row->delivery);
    bind_wall(update, 3, due);
    return sql_run(&engine->db, update);
}

/* The receive does not count, but its epoch is used up. */
static enum err undo(struct engine *engine, struct pending_row *row)
{
    row->due = (struct wall){0};
    row->attempts--;
    return pending_move(engine, row);
}

static enum err answer_row(struct engine *engine, const struct engine_batch *batch,
                           const struct store_answer *answer, struct pending_row *row)
{
    switch (answer->kind) {
    case STORE_ACK:
        return acknowledge(engine, batch, row);
    case STORE_RELEASE:
        return hold_until(engine, row, (struct wall){0});
    case STORE_EXTEND:
        return hold_until(engine, row, (struct wall){batch->now.us + answer->lease_us});
    case STORE_UNDO:
        return undo(engine, row);
    }
    return OK;
}

static enum err answer_item(struct engine *engine, const struct engine_batch *batch,
                            const struct store_answer *answer, struct store_answer_item *item)
{
    struct pending_row row;
    enum err err = pending_get(&engine->db, answer->channel, item->delivery, &row);

    if (err != OK) {
        return err;
    }
    if (!row.is_found || row.way != STORE_QUEUE || row.account.value != answer->account.value) {
        item->err = ERR_NOT_FOUND;
        return OK;
    }
    if (row.epoch != item->epoch) {
        item->err = ERR_STALE;
        return OK;
    }
    item->err = OK;
    return answer_row(engine, batch, answer, &row);
}

enum err sqlite_answer(struct engine *engine, const struct engine_batch *batch,
                       struct store_answer *answer)
{
    enum err err = OK;

    (void)engine_write(engine, &answer->request);
    if (answer->kind != STORE_ACK) {
        queue_forget_hint(engine, answer->channel); /* what was leased becomes free, or earlier */
    }
    for (size_t i = 0; i < answer->items_len && err == OK; i++) {
        err = answer_item(engine, batch, answer, &answer->items[i]);
    }
    return err;
}
