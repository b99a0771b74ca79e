/*
 * SIGKILL in the middle of work, for engines that keep their data on disk: what was acknowledged is
 * there afterwards (store.h, invariants 1, 3 and 4).
 *
 * A child publishes, settles, receives, shows and acknowledges as fast as it can, and writes what
 * came back OK to a pipe. It is killed at a random moment; whatever it had written must be true then.
 */
#include "base/chance.h"
#include "base/mem.h"
#include "harness.h"
#include "os/mailbox.h"

#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 20, IN_FLIGHT = 16, STRICT = 2 /* its delivery among those of an event */ };

/* When a child dies, counted from the first record it wrote. */
#define LIFE_US_MIN (5 * US_PER_MS)
#define LIFE_US_MAX (80 * US_PER_MS)

/* ---- What a child acknowledged --------------------------------------------------------------- */

enum record_kind {
    RECORD_PUBLISHED,
    RECORD_DELIVERED,
    RECORD_RETRIED,
    RECORD_ACKNOWLEDGED,
    RECORD_SHOWN, /* the head of the queue in strict order */
    RECORD_TAKEN, /* that head was acknowledged */
};

/* Short enough that a pipe takes it whole. */
struct record {
    enum record_kind kind;
    uint32_t number; /* of the event: its data follows from it */
    struct id thing; /* the event; from RECORD_ACKNOWLEDGED on: the delivery */
};

/* The data of event `number`: of many sizes, so that pages fill in many ways. */
static struct slice data_of(uint32_t number, char room[4096])
{
    size_t len = 16 + (number * 2654435761u) % 4000;

    for (size_t i = 0; i < len; i++) {
        room[i] = (char)('a' + (number + i * 7) % 26);
    }
    return slice_from(room, len);
}

/* One in three is never settled; of the others every second is delivered, and every second retried. */
static bool is_left_in_the_air(uint32_t number)
{
    return number % 3 == 2;
}

/* ---- The child ------------------------------------------------------------------------------- */

struct life {
    struct store *store;
    struct mailbox *mailbox;
    int pipe;
    struct id account, webhook, queue, strict;
    uint32_t next_number;
};

/* One event on its way: published, and then settled. */
struct flight {
    struct store_publish publish;
    struct store_publish_item item;
    struct store_target targets[3];
    struct store_settle settle;
    struct store_settle_item settled;
    struct life *life;
    uint32_t number;
};

static void write_record(const struct life *life, struct record record)
{
    if (write(life->pipe, &record, sizeof record) != (ssize_t)sizeof record) {
        _exit(EXIT_FAILURE); /* the parent is gone */
    }
}

static void submit(struct life *life, enum store_call call, store_done_fn *done,
                   struct store_request *request)
{
    request->call = call;
    request->reply_to = life->mailbox;
    request->done = done;
    store_submit(life->store, request);
}

static void publish_next(struct flight *flight);

static void settle_done(struct store_request *request)
{
    struct flight *flight = CONTAINER_OF(request, struct flight, settle.request);
    bool is_final = flight->settled.next == STORE_FINAL;

    assert(request->err == OK);
    write_record(flight->life, (struct record){is_final ? RECORD_DELIVERED : RECORD_RETRIED,
                                               flight->number, flight->item.id});
    publish_next(flight);
}

static void publish_done(struct store_request *request)
{
    struct flight *flight = CONTAINER_OF(request, struct flight, publish.request);
    struct life *life = flight->life;

    assert(request->err == OK && flight->item.err == OK);
    event_release(flight->item.event);
    write_record(life, (struct record){RECORD_PUBLISHED, flight->number, flight->item.id});
    if (is_left_in_the_air(flight->number)) {
        publish_next(flight);
        return;
    }
    flight->settled =
        settle_item(life->account, life->webhook, event_delivery_id(flight->item.id, 0), 1);
    flight->settled.event = flight->item.id;
    flight->settled.is_fresh = true;
    flight->settled.next = flight->number % 3 == 0 ? STORE_FINAL : STORE_RETRY;
    flight->settled.state = DELIVERY_DELIVERED;
    flight->settled.due = WALL_NEVER;
    flight->settle = (struct store_settle){.items = &flight->settled, .items_len = 1};
    submit(life, STORE_CALL_settle, settle_done, &flight->settle.request);
}

static void publish_next(struct flight *flight)
{
    struct life *life = flight->life;
    char room[4096];

    flight->number = life->next_number++;
    flight->targets[0] = (struct store_target){.channel = life->webhook, .way = STORE_FRESH};
    flight->targets[1] = (struct store_target){.channel = life->queue, .way = STORE_QUEUE};
    flight->targets[STRICT] = (struct store_target){.channel = life->strict, .way = STORE_QUEUE};
    flight->item = (struct store_publish_item){
        .event = make_event(life->account, "a.b", data_of(flight->number, room)),
        .targets = flight->targets,
        .targets_len = ARRAY_LEN(flight->targets),
    };
    flight->publish = (struct store_publish){.items = &flight->item, .items_len = 1};
    submit(life, STORE_CALL_publish, publish_done, &flight->publish.request);
}

/* The consumer of the queue: receives and acknowledges in turn. */
struct consumer {
    struct life *life;
    struct store_receive receive;
    struct store_answer answer;
    struct store_answer_item items[8];
};

static void receive_done(struct store_request *request);

static void receive_next(struct consumer *consumer)
{
    struct life *life = consumer->life;

    consumer->receive = (struct store_receive){
        .account = life->account,
        .channel = life->queue,
        .max = ARRAY_LEN(consumer->items),
        .bytes_max = 1000000,
        .lease_us = US_PER_HOUR,
    };
    submit(life, STORE_CALL_receive, receive_done, &consumer->receive.request);
}

static void answer_done(struct store_request *request)
{
    struct consumer *consumer = CONTAINER_OF(request, struct consumer, answer.request);

    assert(request->err == OK);
    for (size_t i = 0; i < consumer->answer.items_len; i++) {
        assert(consumer->items[i].err == OK);
        write_record(consumer->life,
                     (struct record){RECORD_ACKNOWLEDGED, 0, consumer->items[i].delivery});
    }
    receive_next(consumer);
}

static void receive_done(struct store_request *request)
{
    struct consumer *consumer = CONTAINER_OF(request, struct consumer, receive.request);
    struct store_receive *receive = &consumer->receive;

    assert(request->err == OK);
    for (size_t i = 0; i < receive->messages_len; i++) {
        consumer->items[i] = (struct store_answer_item){receive->messages[i].delivery,
                                                        receive->messages[i].epoch, OK};
    }
    consumer->answer = (struct store_answer){
        .account = receive->account,
        .channel = receive->channel,
        .kind = STORE_ACK,
        .items = consumer->items,
        .items_len = receive->messages_len,
    };
    store_request_clear(request);
    submit(consumer->life, STORE_CALL_answer, answer_done, &consumer->answer.request);
}

/* The reader of the queue in strict order: is shown its head and acknowledges that. */
struct reader {
    struct life *life;
    struct store_show show;
    struct store_answer answer;
    struct store_answer_item item;
};

static void show_done(struct store_request *request);

static void show_next(struct reader *reader)
{
    struct life *life = reader->life;

    reader->show = (struct store_show){.account = life->account, .channel = life->strict};
    submit(life, STORE_CALL_show, show_done, &reader->show.request);
}

static void take_done(struct store_request *request)
{
    struct reader *reader = CONTAINER_OF(request, struct reader, answer.request);

    assert(request->err == OK && reader->item.err == OK);
    write_record(reader->life, (struct record){RECORD_TAKEN, 0, reader->item.delivery});
    show_next(reader);
}

static void show_done(struct store_request *request)
{
    struct reader *reader = CONTAINER_OF(request, struct reader, show.request);
    bool is_empty = reader->show.message.event == NULL;

    assert(request->err == OK);
    reader->item = (struct store_answer_item){reader->show.message.delivery, 1, OK};
    store_request_clear(request);
    if (is_empty) {
        show_next(reader);
        return;
    }
    write_record(reader->life, (struct record){RECORD_SHOWN, 0, reader->item.delivery});
    reader->answer = (struct store_answer){
        .account = reader->show.account,
        .channel = reader->show.channel,
        .kind = STORE_ACK_HEAD,
        .items = &reader->item,
        .items_len = 1,
    };
    submit(reader->life, STORE_CALL_answer, take_done, &reader->answer.request);
}

/* Works until it is killed. */
static void live(struct harness *harness, struct life *life)
{
    struct flight flights[IN_FLIGHT] = {0};
    struct consumer consumer = {.life = life};
    struct reader reader = {.life = life};
    struct diag diag = {0};

    harness->options.hooks = (struct store_hooks){.fatal = harness->options.hooks.fatal};
    life->mailbox = mailbox_new();
    if (store_open(env_system(), &harness->options, &life->store, &diag) != OK) {
        (void)fprintf(stderr, "%s\n", diag.text);
        _exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        flights[i].life = life;
        publish_next(&flights[i]);
    }
    receive_next(&consumer);
    show_next(&reader);
    for (;;) {
        (void)mailbox_wait(life->mailbox, -1);
        (void)mailbox_run(life->mailbox);
    }
}

/* ---- The parent ------------------------------------------------------------------------------ */

/* All that the children acknowledged. */
struct ledger {
    struct record *records; /* owned */
    size_t len, room;
};

static void add_record(struct ledger *ledger, struct record record)
{
    if (ledger->len == ledger->room) {
        ledger->room = ledger->room == 0 ? 4096 : 2 * ledger->room;
        ledger->records = mem_resize(ledger->records, ledger->room, sizeof *ledger->records);
    }
    ledger->records[ledger->len++] = record;
}

static int64_t now_us(void)
{
    return env_mono(env_system()).us;
}

/* Reads records until the time has come; the first one starts the clock. */
static void read_until(struct ledger *ledger, int fd, int64_t life_us)
{
    int64_t end_us = INT64_MAX;
    struct record record;

    while (now_us() < end_us) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        struct timespec left = {.tv_sec = 60};

        if (end_us != INT64_MAX) {
            left = (struct timespec){.tv_nsec = (end_us - now_us()) * 1000};
        }
        if (left.tv_nsec < 0 || ppoll(&wait, 1, &left, NULL) == 0) {
            break;
        }
        assert_int_equal(read(fd, &record, sizeof record), sizeof record); /* it lives */
        add_record(ledger, record);
        end_us = end_us == INT64_MAX ? now_us() + life_us : end_us;
    }
}

/* Lets a child live for that long, and reads all it had acknowledged until it died. */
static void run_round(struct harness *harness, struct life life, int64_t life_us,
                      struct ledger *ledger)
{
    struct record record;
    int ends[2];
    int status = 0;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        life.pipe = ends[1];
        live(harness, &life);
    }
    (void)close(ends[1]);
    read_until(ledger, ends[0], life_us);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (read(ends[0], &record, sizeof record) == (ssize_t)sizeof record) {
        add_record(ledger, record);
    }
    (void)close(ends[0]);
}

static void check_event(struct harness *harness, struct id account, const struct record *record)
{
    struct store_get_event get = {.account = account, .event = record->thing};
    char room[4096];
    struct slice data = data_of(record->number, room);

    assert_int_equal(CALL(harness, get_event, &get), OK);
    assert_true(slice_equal(get.found->data, data));
    assert_int_equal(get.deliveries_len, STRICT + 1);
    store_request_clear(&get.request);
}

/* An attempt that was not acknowledged may be recorded or not; without one it is pending. */
static void check_first_delivery(struct harness *harness, struct id account,
                                 const struct record *record)
{
    struct store_get_delivery get = {.account = account,
                                     .delivery = event_delivery_id(record->thing, 0)};

    assert_int_equal(CALL(harness, get_delivery, &get), OK);
    assert_false(get.found.is_fresh); /* what was in the air is pending now */
    assert_int_equal(get.found.attempts, get.attempts_len);
    if (get.attempts_len == 0 || is_left_in_the_air(record->number)) {
        assert_int_equal(get.found.state, DELIVERY_PENDING);
    }
    store_request_clear(&get.request);
}

static void check_record(struct harness *harness, struct id account, const struct record *record)
{
    struct id first = event_delivery_id(record->thing, 0);
    struct store_delivery found;

    switch (record->kind) {
    case RECORD_PUBLISHED:
        check_event(harness, account, record);
        check_first_delivery(harness, account, record);
        return;
    case RECORD_DELIVERED:
        assert_state(harness, account, first, DELIVERY_DELIVERED);
        return;
    case RECORD_RETRIED:
        found = see_delivery(harness, account, first);
        assert_int_equal(found.state, DELIVERY_PENDING);
        assert_int_equal(found.attempts, 1);
        assert_int_equal(found.due.us, WALL_NEVER.us); /* once: not tried anew on top of it */
        return;
    case RECORD_ACKNOWLEDGED:
    case RECORD_TAKEN:
        assert_state(harness, account, record->thing, DELIVERY_DELIVERED);
        return;
    case RECORD_SHOWN: /* whether or not it has been acknowledged since */
        assert_int_equal(see_delivery(harness, account, record->thing).attempts, 1);
        return;
    }
}

/* Heads come in the order of their ids, none again after it was acknowledged, and none is left
 * out. */
static void check_order(struct harness *harness, struct id account, const struct ledger *ledger)
{
    struct id taken = ID_NONE;

    for (size_t i = 0; i < ledger->len; i++) {
        const struct record *record = &ledger->records[i];

        if (record->kind == RECORD_TAKEN || record->kind == RECORD_SHOWN) {
            assert_true(record->thing.value > taken.value);
        }
        if (record->kind == RECORD_TAKEN) {
            taken = record->thing;
        }
    }
    for (size_t i = 0; i < ledger->len; i++) {
        const struct record *record = &ledger->records[i];
        struct id delivery = event_delivery_id(record->thing, STRICT);

        if (record->kind == RECORD_PUBLISHED && delivery.value <= taken.value) {
            assert_state(harness, account, delivery, DELIVERY_DELIVERED);
        }
    }
}

static void check_records(struct harness *harness, struct id account, const struct ledger *ledger,
                          size_t first)
{
    for (size_t i = first; i < ledger->len; i++) {
        check_record(harness, account, &ledger->records[i]);
    }
}

static uint64_t seed_of_this_run(void)
{
    const char *given = getenv("TIDINGS_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : env_random_u64(env_system());

    print_message("# seed %llu: repeat with TIDINGS_TEST_SEED\n", (unsigned long long)seed);
    return seed;
}

static void nothing_that_was_acknowledged_is_lost_when_killed(void **state)
{
    struct harness *harness = *state;
    struct ledger ledger = {0};
    struct chance chance;
    struct life life = {.account = make_account(harness, "acme")};

    life.webhook = make_webhook(harness, life.account);
    life.queue = make_queue(harness, life.account);
    life.strict = make_queue(harness, life.account);
    chance_init(&chance, seed_of_this_run());
    for (int round = 0; round < ROUNDS; round++) {
        int64_t life_us = LIFE_US_MIN + (int64_t)chance_below(&chance, LIFE_US_MAX - LIFE_US_MIN);
        size_t before = ledger.len;

        life.next_number = (uint32_t)round << 20; /* each round has its own */
        harness_close(harness);                   /* a child has only the thread that forks */
        run_round(harness, life, life_us, &ledger);
        assert_true(ledger.len > before);
        harness_open(harness);
        check_records(harness, life.account, &ledger, before);
    }
    check_records(harness, life.account, &ledger, 0); /* nor by any of the later deaths */
    check_order(harness, life.account, &ledger);
    print_message("# %zu acknowledgements checked\n", ledger.len);
    mem_free(ledger.records);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(nothing_that_was_acknowledged_is_lost_when_killed),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
