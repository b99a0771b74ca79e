/*
 * Records: outcomes on their way into the store.
 *
 * One request is under way at a time and the next is filled meanwhile, so outcomes arrive in order
 * and in batches as large as the store's pace makes them.
 */
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"
#include "os/log.h"

/* How long to wait before a request that the store refused is sent again. */
#define AGAIN_AFTER_US US_PER_SECOND

/* Beside a move of health on its way. */
struct news {
    char *cause;           /* owned */
    struct notice *notice; /* owned; made when the record is sent off, NULL: none */
};

struct record {
    struct list_link link; /* worker->records */
    struct worker *worker;
    struct store_settle settle;
    struct store_settle_item *items; /* owned; the attempts' texts too */
    struct flight **leaving;         /* owned; per item: leaves memory once stored, or NULL */
    size_t len, room;
    struct store_settle_health *health; /* owned */
    struct news *news;                  /* owned, one for each of health */
    size_t health_len, health_room;
    struct mono not_before; /* the store refused it: not again until then */
    bool is_under_way;
};

static struct record *record_filling(struct worker *worker)
{
    struct list_link *last = worker->records.head.previous;
    struct record *record =
        list_is_empty(&worker->records) ? NULL : CONTAINER_OF(last, struct record, link);

    if (record == NULL || record->is_under_way || record->not_before.us != 0 ||
        record->len >= RECORD_ITEMS_MAX) {
        record = MEM_NEW(struct record);
        record->worker = worker;
        list_push_back(&worker->records, &record->link);
    }
    return record;
}

static struct slice copy_text(struct slice text, size_t bytes_max)
{
    struct slice cut = slice_sub(text, 0, bytes_max);
    return cut.len == 0 ? SLICE("") : slice_from(mem_text(cut.ptr, cut.len), cut.len);
}

static void free_text(struct slice text)
{
    if (text.len > 0) {
        mem_free((char *)text.ptr);
    }
}

static struct store_settle_item *add_item(struct record *record, struct flight *leaving)
{
    if (record->len == record->room) {
        record->room = record->room == 0 ? 32 : 2 * record->room;
        record->items = mem_resize(record->items, record->room, sizeof(*record->items));
        record->leaving = mem_resize(record->leaving, record->room, sizeof(struct flight *));
    }
    record->leaving[record->len] = leaving;
    return &record->items[record->len++];
}

/* From here on it is in the lane only so that it is not fetched again. */
static void start_leaving(struct flight *flight, enum store_next next)
{
    struct lane *lane = flight->lane;

    if (next != STORE_FINAL) {
        lane->leaving++;
    }
    if (flight->state == FLIGHT_QUEUED) {
        list_remove(&lane->queue, &flight->in_lane);
        list_push_back(&lane->flying, &flight->in_lane);
    }
    flight->state = FLIGHT_RECORDING;
}

void record_add(struct flight *flight, const struct outcome *outcome, bool is_leaving)
{
    struct lane *lane = flight->lane;
    struct record *record = record_filling(lane->worker);
    struct store_settle_item *item = add_item(record, is_leaving ? flight : NULL);

    *item = (struct store_settle_item){
        .account = lane->account,
        .channel = lane->id,
        .delivery = flight->delivery,
        .event = flight->event->id,
        .is_fresh = flight->is_fresh,
        .next = outcome->next,
        .state = outcome->state,
        .due = outcome->due,
        .has_attempt = outcome->has_attempt,
        .attempt = outcome->attempt,
    };
    item->attempt.detail = copy_text(outcome->attempt.detail, ATTEMPT_DETAIL_BYTES_MAX);
    item->attempt.answer = copy_text(outcome->attempt.answer, ATTEMPT_ANSWER_BYTES_MAX);
    if (flight->is_fresh) {
        flight->is_fresh = false;
        list_remove(&lane->worker->fresh, &flight->in_fresh);
    }
    if (is_leaving) {
        start_leaving(flight, outcome->next);
    }
}

static void add_health(struct record *record, const struct lane *lane, struct slice cause)
{
    if (record->health_len == record->health_room) {
        record->health_room = record->health_room == 0 ? 4 : 2 * record->health_room;
        record->health = mem_resize(record->health, record->health_room, sizeof(*record->health));
        record->news = mem_resize(record->news, record->health_room, sizeof(*record->news));
    }
    record->news[record->health_len] = (struct news){.cause = mem_text(cause.ptr, cause.len)};
    record->health[record->health_len++] = (struct store_settle_health){
        .account = lane->account, .channel = lane->id, .health = lane->health};
}

void record_health(struct lane *lane, struct slice cause)
{
    struct record *record = record_filling(lane->worker);

    for (size_t i = 0; i < record->health_len; i++) {
        if (record->health[i].channel.value == lane->id.value) {
            record->health[i].health = lane->health; /* only the newest matters */
            mem_free(record->news[i].cause);
            record->news[i].cause = mem_text(cause.ptr, cause.len);
            return;
        }
    }
    add_health(record, lane, cause);
}

static struct lane *lane_of_health(const struct record *record, size_t at)
{
    return map_get_u64(&record->worker->lanes, record->health[at].channel.value);
}

/* What tells of the moves goes into the store with them: nobody hears of what is not so, and no end
 * of this process comes between. */
static void make_notices(struct record *record)
{
    for (size_t i = 0; i < record->health_len; i++) {
        const struct lane *lane = lane_of_health(record, i);
        struct news *news = &record->news[i];

        if (news->notice == NULL && lane != NULL) {
            news->notice = notice_new(lane, &record->health[i].health, news->cause);
        }
        record->health[i].notice = notice_item(news->notice);
    }
}

static void log_health(const struct record *record)
{
    for (size_t i = 0; i < record->health_len; i++) {
        const struct lane *lane = lane_of_health(record, i);

        if (lane != NULL) {
            notice_log(lane, &record->health[i].health, record->news[i].cause);
        }
    }
}

static void record_free(struct record *record, bool is_stored)
{
    for (size_t i = 0; i < record->len; i++) {
        free_text(record->items[i].attempt.detail);
        free_text(record->items[i].attempt.answer);
    }
    for (size_t i = 0; i < record->health_len; i++) {
        mem_free(record->news[i].cause);
        notice_free(record->news[i].notice, is_stored);
    }
    list_remove(&record->worker->records, &record->link);
    mem_free(record->items);
    mem_free(record->leaving);
    mem_free(record->health);
    mem_free(record->news);
    mem_free(record);
}

/* The flight leaves memory; what goes on from the store is fetched from there. */
static void leave(struct flight *flight, const struct store_settle_item *item)
{
    struct lane *lane = flight->lane;

    flight_free(flight);
    if (item->next == STORE_FINAL) {
        worker_make_ready(lane->worker, lane);
    } else {
        lane->leaving--;
        lane_spilled(lane, item->due);
    }
}

/*
 * It got a row and stayed in memory; if it was dropped there meanwhile (lane_drop), a fetch may
 * have been too early to see the row.
 */
static void stay(struct worker *worker, const struct store_settle_item *item)
{
    struct lane *lane = worker_lane(worker, item->account, item->channel);

    if (item->next != STORE_FINAL && !lane_holds(lane, item->delivery)) {
        lane_spilled(lane, item->due);
    }
}

static void recorded(struct store_request *request)
{
    struct record *record = CONTAINER_OF(request, struct record, settle.request);
    struct worker *worker = record->worker;

    record->is_under_way = false;
    if (request->err != OK && request->err != ERR_CLOSED) {
        log_line(LOG_WARN, "outcomes_not_stored", "error", request->diag.text, "count",
                 LOG_NUMBER((long long)record->len), NULL);
        record->not_before = (struct mono){env_mono(worker->env).us + AGAIN_AFTER_US};
        return;
    }
    for (size_t i = 0; i < record->len; i++) {
        if (record->leaving[i] != NULL) {
            leave(record->leaving[i], &record->items[i]);
        } else {
            stay(worker, &record->items[i]);
        }
    }
    if (request->err == OK) {
        log_health(record);
    }
    store_request_clear(request);
    record_free(record, request->err == OK);
    record_submit(worker);
}

void record_submit(struct worker *worker)
{
    struct list_link *first = list_first(&worker->records);

    /* Without a store the end has come: what is left is repeated after the next start. */
    if (first == NULL || worker->dispatch->store == NULL) {
        return;
    }
    struct record *record = CONTAINER_OF(first, struct record, link);
    if (record->is_under_way || record->not_before.us > env_mono(worker->env).us) {
        return;
    }
    record->is_under_way = true;
    make_notices(record);
    record->settle = (struct store_settle){
        .request = {.call = STORE_CALL_settle, .reply_to = worker->mailbox, .done = recorded},
        .items = record->items,
        .items_len = record->len,
        .health = record->health,
        .health_len = record->health_len,
    };
    store_submit(worker->dispatch->store, &record->settle.request);
}

bool record_is_pending(const struct worker *worker)
{
    return !list_is_empty(&worker->records);
}

void record_free_all(struct worker *worker)
{
    struct list_link *link;

    while ((link = list_first(&worker->records)) != NULL) {
        record_free(CONTAINER_OF(link, struct record, link), /* is_stored= */ false);
    }
}
