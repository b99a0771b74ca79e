/*
 * The store alone: what it costs to publish events and to record that they were delivered, at a
 * given number of stored events.
 *
 *   bench-store FOLDER [EVENTS] FOLDER is made and should be on the disk in question; EVENTS are
 *   stored beforehand (1000000)
 *
 * Each transaction holds 256 events of 1 KiB, is flushed, and is followed by one with their 256
 * outcomes. One thread. For comparison, the same work in simpler layouts, down to a file that is
 * only appended to. Prints one JSON object.
 */
#include "base/chance.h"
#include "base/mem.h"
#include "base/slice.h"
#include "model/schedule.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH = 256, DATA_BYTES = 1024, ACCOUNTS = 1000, MEASURED = 400, MESSAGES = 100 };

static char data[DATA_BYTES];

struct figures {
    double per_second;
    double cpu_us;        /* of this thread, per event */
    double bytes_written; /* per event */
    int64_t batch_p50_us, batch_p99_us;
};

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench-store: %s: %s\n", what, why);
    exit(1);
}

static void check(enum err err, const struct diag *diag)
{
    if (err != OK) {
        die(err_word(err), diag->text);
    }
}

/* ---- Measuring ------------------------------------------------------------------------------ */

struct meter {
    struct mono began, lap;
    long long cpu_us;
    uint64_t written;
    int64_t laps[2 * MEASURED];
    size_t laps_len;
    uint64_t events;
};

/* What this process caused to be written to disks, so far. */
static uint64_t bytes_written(void)
{
    struct buf text;
    struct slice rest;
    struct slice line;
    uint64_t bytes = 0;

    buf_init(&text, 4096);
    if (file_read("/proc/self/io", &text, NULL) == OK) {
        rest = buf_view(&text);
        while (slice_cut(&rest, '\n', &line)) {
            if (slice_starts(line, SLICE("write_bytes: "))) {
                (void)!slice_to_u64(slice_sub(line, 13, line.len), &bytes);
            }
        }
    }
    buf_clear(&text);
    return bytes;
}

static void meter_start(struct meter *meter)
{
    *meter = (struct meter){.written = bytes_written(), .cpu_us = thread_cpu_us()};
    meter->began = env_mono(env_system());
    meter->lap = meter->began;
}

static void meter_lap(struct meter *meter, uint64_t events)
{
    struct mono now = env_mono(env_system());

    meter->laps[meter->laps_len++] = now.us - meter->lap.us;
    meter->lap = now;
    meter->events += events;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static struct figures meter_stop(struct meter *meter)
{
    double events = (double)meter->events;
    double us = (double)(env_mono(env_system()).us - meter->began.us);

    qsort(meter->laps, meter->laps_len, sizeof meter->laps[0], compare);
    return (struct figures){
        .per_second = events * 1e6 / us,
        .cpu_us = (double)(thread_cpu_us() - meter->cpu_us) / events,
        .bytes_written = (double)(bytes_written() - meter->written) / events,
        .batch_p50_us = meter->laps[meter->laps_len / 2],
        .batch_p99_us = meter->laps[meter->laps_len * 99 / 100],
    };
}

static void print(const char *name, struct figures figures)
{
    printf("  \"%s\": {\"per_second\": %.0f, \"cpu_us\": %.1f, \"bytes_written\": %.0f, "
           "\"batch_p50_us\": %" PRId64 ", \"batch_p99_us\": %" PRId64 "},\n",
           name, figures.per_second, figures.cpu_us, figures.bytes_written, figures.batch_p50_us,
           figures.batch_p99_us);
    (void)fflush(stdout);
}

/* ---- Our engine ----------------------------------------------------------------------------- */

struct ours {
    struct engine *engine;
    struct id_maker ids;
    struct engine_batch batch;
    struct chance chance;
    struct id accounts[ACCOUNTS];
    struct id channel, queue;
    struct event *events[BATCH];
    struct store_publish_item items[BATCH];
    struct store_target targets[BATCH];
    struct store_settle_item settled[BATCH];
    struct diag diag;
};

static void begin(struct ours *ours)
{
    ours->batch.now = env_wall(env_system());
    check(engine_sqlite.begin(ours->engine, &ours->batch, &ours->diag), &ours->diag);
}

static void commit(struct ours *ours)
{
    check(engine_sqlite.commit(ours->engine, &ours->diag), &ours->diag);
    check(engine_sqlite.settled(ours->engine, &ours->diag), &ours->diag);
}

static struct id add_channel(struct ours *ours, const char *settings)
{
    struct channel_defaults defaults = {.webhook = schedule_default(),
                                        .email = schedule_default_mail(),
                                        .timeout_us = 15 * US_PER_SECOND};
    struct store_put_channel put = {.account = ours->accounts[0]};
    struct json_doc doc;

    json_doc_init(&doc);
    check(json_parse(&doc, slice_of(settings), &ours->diag), &ours->diag);
    check(channel_from_json(json_root(&doc), NULL, &defaults, &put.channel, &ours->diag),
          &ours->diag);
    put.channel->id = id_make(&ours->ids, ours->batch.now, 1);
    put.channel->account = put.account;
    begin(ours);
    check(engine_sqlite.put_channel(ours->engine, &ours->batch, &put), &put.request.diag);
    commit(ours);
    struct id id = put.channel->id;
    channel_release(put.channel);
    json_doc_clear(&doc);
    return id;
}

static void open_ours(struct ours *ours, const char *folder)
{
    struct engine_options options = {.path = folder, .env = env_system()};
    struct engine_state state = {.directory = directory_new(1)};
    uint64_t recovered = 0;

    chance_init(&ours->chance, 7);
    check(engine_sqlite.open(&options, &ours->engine, &ours->diag), &ours->diag);
    check(engine_sqlite.load(ours->engine, &state, &ours->diag), &ours->diag);
    id_maker_init(&ours->ids, 1, state.newest);
    ours->batch = (struct engine_batch){.ids = &ours->ids, .now = env_wall(env_system())};
    check(engine_sqlite.recover(ours->engine, state.mark, ours->batch.now, &recovered, &ours->diag),
          &ours->diag);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        ours->accounts[i] = id_make(&ours->ids, ours->batch.now, 1);
    }
    ours->channel = add_channel(
        ours, "{\"kind\":\"webhook\",\"url\":\"https://example.com/\",\"events\":[\"*\"]}");
    ours->queue = add_channel(ours, "{\"kind\":\"queue\",\"events\":[\"*\"]}");
    for (size_t i = 0; i < BATCH; i++) {
        ours->events[i] = event_new(&(struct event_parts){
            .type = SLICE("order.created"),
            .content_type = SLICE("application/json"),
            .data = slice_from(data, sizeof data),
        });
    }
    directory_release(state.directory);
}

static void close_ours(struct ours *ours)
{
    for (size_t i = 0; i < BATCH; i++) {
        event_release(ours->events[i]);
    }
    engine_sqlite.close(ours->engine);
}

static void publish(struct ours *ours, enum store_way way, bool is_idempotent)
{
    struct store_publish request = {.items = ours->items, .items_len = BATCH};

    begin(ours);
    for (size_t i = 0; i < BATCH; i++) {
        struct event *event = ours->events[i];
        struct store_publish_item *item = &ours->items[i];

        event->id = id_make(&ours->ids, ours->batch.now, 2);
        event->account = way == STORE_QUEUE ? ours->accounts[0]
                                            : ours->accounts[chance_below(&ours->chance, ACCOUNTS)];
        ours->targets[i] = (struct store_target){
            .channel = way == STORE_QUEUE ? ours->queue : ours->channel, .way = way};
        *item = (struct store_publish_item){.event = event,
                                            .id = event->id,
                                            .targets = &ours->targets[i],
                                            .targets_len = 1,
                                            .is_idempotent = is_idempotent};
        for (size_t byte = 0; byte < STORE_HASH_BYTES && is_idempotent; byte++) {
            item->idempotency[byte] = (uint8_t)chance_below(&ours->chance, 256);
        }
    }
    check(engine_sqlite.publish(ours->engine, &ours->batch, &request), &request.request.diag);
    commit(ours);
}

static void settle(struct ours *ours)
{
    struct store_settle request = {.items = ours->settled, .items_len = BATCH};

    begin(ours);
    for (size_t i = 0; i < BATCH; i++) {
        const struct event *event = ours->events[i];

        ours->settled[i] = (struct store_settle_item){
            .account = event->account,
            .channel = ours->channel,
            .event = event->id,
            .delivery = event_delivery_id(event->id, 0),
            .is_fresh = true,
            .next = STORE_FINAL,
            .state = DELIVERY_DELIVERED,
            .has_attempt = true,
            .attempt = {.number = 1,
                        .began = ours->batch.now,
                        .took_us = 1500,
                        .outcome = ATTEMPT_DELIVERED,
                        .status = 200},
        };
    }
    check(engine_sqlite.settle(ours->engine, &ours->batch, &request), &request.request.diag);
    commit(ours);
    ours->batch.mark = ours->events[BATCH - 1]->id;
}

static void fill_ours(struct ours *ours, uint64_t events)
{
    for (uint64_t done = 0; done < events; done += BATCH) {
        publish(ours, STORE_FRESH, false);
        settle(ours);
    }
}

static struct figures measure_life(struct ours *ours)
{
    struct meter meter;

    meter_start(&meter);
    for (size_t i = 0; i < MEASURED; i++) {
        publish(ours, STORE_FRESH, false);
        meter_lap(&meter, BATCH);
        settle(ours);
        meter_lap(&meter, 0);
    }
    return meter_stop(&meter);
}

static struct figures measure_publish(struct ours *ours, enum store_way way, bool is_idempotent)
{
    struct meter meter;

    meter_start(&meter);
    for (size_t i = 0; i < MEASURED; i++) {
        publish(ours, way, is_idempotent);
        meter_lap(&meter, BATCH);
    }
    return meter_stop(&meter);
}

/* Eight consumers' worth of receiving 100 and acknowledging 100 in each transaction. */
static void consume(struct ours *ours, struct store_receive *receive)
{
    struct store_answer_item items[MESSAGES];
    struct store_answer answer = {.account = receive->account,
                                  .channel = receive->channel,
                                  .kind = STORE_ACK,
                                  .items = items};

    check(engine_sqlite.receive(ours->engine, &ours->batch, receive), &receive->request.diag);
    for (size_t i = 0; i < receive->messages_len; i++) {
        items[i] = (struct store_answer_item){.delivery = receive->messages[i].delivery,
                                              .epoch = receive->messages[i].epoch};
    }
    answer.items_len = receive->messages_len;
    check(engine_sqlite.answer(ours->engine, &ours->batch, &answer), &answer.request.diag);
    store_request_clear(&receive->request);
}

static struct figures measure_queue(struct ours *ours)
{
    struct meter meter;
    struct store_receive receive = {.request.call = STORE_CALL_receive,
                                    .account = ours->accounts[0],
                                    .channel = ours->queue,
                                    .max = MESSAGES,
                                    .bytes_max = 1024 * 1024,
                                    .lease_us = US_PER_MINUTE};
    const uint64_t transactions = (uint64_t)MEASURED * BATCH / (8 * MESSAGES);

    meter_start(&meter);
    for (uint64_t i = 0; i < transactions; i++) {
        begin(ours);
        for (int consumer = 0; consumer < 8; consumer++) {
            consume(ours, &receive);
        }
        commit(ours);
        meter_lap(&meter, 8 * MESSAGES);
    }
    return meter_stop(&meter);
}

static void bench_ours(const char *folder, uint64_t events)
{
    struct ours *ours = MEM_NEW(struct ours);

    open_ours(ours, folder);
    print("life_at_0", measure_life(ours));
    fill_ours(ours, events);
    print("life", measure_life(ours));
    print("publish", measure_publish(ours, STORE_FRESH, false));
    print("publish_idempotent", measure_publish(ours, STORE_FRESH, true));
    print("publish_queue", measure_publish(ours, STORE_QUEUE, false));
    print("receive_acknowledge", measure_queue(ours));
    close_ours(ours);
    mem_free(ours);
}

/* ---- Simpler layouts in SQLite, for comparison ---------------------------------------------- */

struct plain {
    sqlite3 *handle;
    sqlite3_stmt *event, *attempt;
    struct chance chance;
    int64_t next;
    int commits;
};

static void run_sql(struct plain *plain, const char *text)
{
    if (sqlite3_exec(plain->handle, text, NULL, NULL, NULL) != SQLITE_OK) {
        die(text, sqlite3_errmsg(plain->handle));
    }
}

static void prepare(struct plain *plain, const char *text, sqlite3_stmt **out)
{
    if (sqlite3_prepare_v2(plain->handle, text, -1, out, NULL) != SQLITE_OK) {
        die(text, sqlite3_errmsg(plain->handle));
    }
}

static void step(struct plain *plain, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE) {
        die("step", sqlite3_errmsg(plain->handle));
    }
    (void)sqlite3_reset(statement);
}

static void open_plain(struct plain *plain, const char *path, const char *index)
{
    chance_init(&plain->chance, 7);
    if (sqlite3_open(path, &plain->handle) != SQLITE_OK) {
        die(path, sqlite3_errmsg(plain->handle));
    }
    run_sql(plain, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                   "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -65536;"
                   "CREATE TABLE event (id INTEGER PRIMARY KEY, account INTEGER, type TEXT,"
                   " targets BLOB, data BLOB);"
                   "CREATE TABLE attempt (id INTEGER PRIMARY KEY, delivery INTEGER, number INTEGER,"
                   " began INTEGER, took INTEGER, outcome INTEGER, status INTEGER)");
    run_sql(plain, index);
    prepare(plain, "INSERT INTO event VALUES (?1, ?2, 'order.created', zeroblob(9), ?3)",
            &plain->event);
    prepare(plain, "INSERT INTO attempt VALUES (?1, ?2, 1, 1770000000000000, 1500, 1, 200)",
            &plain->attempt);
}

static void close_plain(struct plain *plain)
{
    (void)sqlite3_finalize(plain->event);
    (void)sqlite3_finalize(plain->attempt);
    (void)sqlite3_close(plain->handle);
}

static void commit_plain(struct plain *plain)
{
    run_sql(plain, "COMMIT");
    if (++plain->commits % 24 == 0) { /* as often as our engine does */
        (void)sqlite3_wal_checkpoint_v2(plain->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
}

static void live_plain(struct plain *plain)
{
    run_sql(plain, "BEGIN IMMEDIATE");
    for (int i = 0; i < BATCH; i++) {
        (void)sqlite3_bind_int64(plain->event, 1, plain->next + i);
        (void)sqlite3_bind_int64(plain->event, 2,
                                 (int64_t)chance_below(&plain->chance, ACCOUNTS) + INT64_MAX / 2);
        (void)sqlite3_bind_blob(plain->event, 3, data, sizeof data, SQLITE_STATIC);
        step(plain, plain->event);
    }
    commit_plain(plain);
    run_sql(plain, "BEGIN IMMEDIATE");
    for (int i = 0; i < BATCH; i++) {
        (void)sqlite3_bind_int64(plain->attempt, 1, plain->next + i);
        (void)sqlite3_bind_int64(plain->attempt, 2, plain->next + i + INT64_MAX / 2);
        step(plain, plain->attempt);
    }
    commit_plain(plain);
    plain->next += BATCH;
}

static void bench_plain(const char *name, const char *path, const char *index, uint64_t events)
{
    struct plain plain = {.next = INT64_MAX / 4};
    struct meter meter;

    open_plain(&plain, path, index);
    for (uint64_t done = 0; done < events; done += BATCH) {
        live_plain(&plain);
    }
    meter_start(&meter);
    for (size_t i = 0; i < MEASURED; i++) {
        live_plain(&plain);
        meter_lap(&meter, BATCH);
    }
    print(name, meter_stop(&meter));
    close_plain(&plain);
}

/* ---- A file that is only appended to: the limit --------------------------------------------- */

static void append(int fd, const void *bytes, size_t len)
{
    if (write(fd, bytes, len) != (ssize_t)len || fdatasync(fd) != 0) {
        die("append", strerror(errno));
    }
}

static void bench_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char *events = mem_new(BATCH, DATA_BYTES + 64);
    struct meter meter;

    if (fd < 0) {
        die(path, strerror(errno));
    }
    meter_start(&meter);
    for (size_t i = 0; i < MEASURED; i++) {
        append(fd, events, (size_t)BATCH * (DATA_BYTES + 64));
        append(fd, events, (size_t)BATCH * 64);
        meter_lap(&meter, BATCH);
    }
    print("file", meter_stop(&meter));
    (void)close(fd);
    mem_free(events);
}

struct path {
    char chars[4096];
};

static struct path path_in(const char *folder, const char *name)
{
    struct path path;

    (void)snprintf(path.chars, sizeof path.chars, "%s/%s", folder, name);
    return path;
}

int main(int count, char **words)
{
    uint64_t events = 1000000;
    struct diag diag = {0};

    if (count < 2 || (count > 2 && slice_to_u64(slice_of(words[2]), &events) != OK)) {
        die("usage", "bench-store FOLDER [EVENTS]");
    }
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (char)('a' + i % 26);
    }
    check(folder_make(words[1], &diag), &diag);
    printf("{\n  \"benchmark\": \"store\",\n  \"stored\": %" PRIu64 ",\n", events);
    bench_ours(path_in(words[1], "ours").chars, events);
    bench_plain("append_only", path_in(words[1], "append.db").chars, "", events);
    bench_plain("index_by_account", path_in(words[1], "index.db").chars,
                "CREATE INDEX event_by_account ON event (account, id)", events);
    bench_file(path_in(words[1], "file").chars);
    printf("  \"batch\": %d,\n  \"data_bytes\": %d\n}\n", BATCH, DATA_BYTES);
    return 0;
}
