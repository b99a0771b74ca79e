/*
 * A queue and one client that waits for each answer before its next call: what each call costs
 * when nobody shares its flush.
 *
 *   bench-queue FOLDER [BEHIND]  FOLDER is made and should be on the disk in question; BEHIND
 *   messages have been published and acknowledged before (1000000)
 *
 * Through the store's threads, as a server thread calls it, without HTTP. Prints one JSON object.
 */
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "os/mailbox.h"
#include "store/engine.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DATA_BYTES = 512, BATCH = 1000, AT_ONCE = 10, ROUNDS = 10000, POLLS = 1000 };

struct client {
    struct store *store;
    struct mailbox *mailbox;
    struct id account, queue;
    int64_t *laps; /* microseconds of each call of this measurement; room for 2 * ROUNDS */
    size_t laps_len;
};

static char data[DATA_BYTES];

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench-queue: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void check(enum err err, const struct diag *diag)
{
    if (err != OK) {
        die(err_word(err), diag->text);
    }
}

static void end_by_fatal(void *ctx, enum err err, const struct diag *diag)
{
    (void)ctx;
    die(err_word(err), diag->text);
}

/* ---- Calls ---------------------------------------------------------------------------------- */

static void come_back(struct store_request *request)
{
    request->done = NULL;
}

static void call(struct client *client, enum store_call which, struct store_request *request)
{
    struct mono began = env_mono(env_system());

    request->call = which;
    request->reply_to = client->mailbox;
    request->done = come_back;
    store_submit(client->store, request);
    while (request->done != NULL) {
        (void)mailbox_wait(client->mailbox, -1);
        (void)mailbox_run(client->mailbox);
    }
    check(request->err, &request->diag);
    if (client->laps_len < (size_t)2 * ROUNDS) {
        client->laps[client->laps_len++] = env_mono(env_system()).us - began.us;
    }
}

static void answer(struct client *client, enum store_answer_kind kind,
                   struct store_answer_item *items, size_t items_len)
{
    struct store_answer answer = {.account = client->account,
                                  .channel = client->queue,
                                  .kind = kind,
                                  .items = items,
                                  .items_len = items_len};

    call(client, STORE_CALL_answer, &answer.request);
    for (size_t i = 0; i < items_len; i++) {
        check(items[i].err, &(struct diag){.text = "a message was not acknowledged"});
    }
}

/* Without leases, at most `max`; the items to acknowledge them by. */
static size_t receive(struct client *client, uint32_t max, bool is_auto_ack,
                      struct store_answer_item *items)
{
    struct store_receive receive = {.account = client->account,
                                    .channel = client->queue,
                                    .max = max,
                                    .bytes_max = 64 * 1024 * 1024,
                                    .is_auto_ack = is_auto_ack};

    call(client, STORE_CALL_receive, &receive.request);
    size_t len = receive.messages_len;
    for (size_t i = 0; i < len && items != NULL; i++) {
        items[i] = (struct store_answer_item){.delivery = receive.messages[i].delivery};
    }
    store_request_clear(&receive.request);
    return len;
}

static void publish(struct client *client, uint64_t messages)
{
    struct store_target target = {.channel = client->queue, .way = STORE_QUEUE};
    struct store_publish_item items[BATCH];
    struct store_publish publish = {.items = items, .items_len = BATCH};
    struct event *events[BATCH];

    for (size_t i = 0; i < BATCH; i++) {
        events[i] = event_new(&(struct event_parts){.account = client->account,
                                                    .type = SLICE("order.created"),
                                                    .content_type = SLICE("application/json"),
                                                    .data = slice_from(data, sizeof data)});
    }
    for (uint64_t done = 0; done < messages; done += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            items[i] = (struct store_publish_item){
                .event = events[i], .targets = &target, .targets_len = 1};
        }
        call(client, STORE_CALL_publish, &publish.request);
    }
    for (size_t i = 0; i < BATCH; i++) {
        event_release(events[i]);
    }
}

/* ---- Measuring ------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

/* `things` were done since `began`, by the calls counted. */
static void print(struct client *client, const char *name, struct mono began, size_t things)
{
    double us = (double)(env_mono(env_system()).us - began.us);

    qsort(client->laps, client->laps_len, sizeof *client->laps, compare);
    printf("  \"%s\": {\"per_second\": %.0f, \"call_p50_us\": %" PRId64
           ", \"call_p99_us\": %" PRId64 ", \"call_max_us\": %" PRId64 "},\n",
           name, (double)things * 1e6 / us, client->laps[client->laps_len / 2],
           client->laps[client->laps_len * 99 / 100], client->laps[client->laps_len - 1]);
    (void)fflush(stdout);
}

static struct mono start(struct client *client)
{
    client->laps_len = 0;
    return env_mono(env_system());
}

static struct id show(struct client *client)
{
    struct store_show show = {.account = client->account, .channel = client->queue};

    call(client, STORE_CALL_show, &show.request);
    struct id delivery = show.message.delivery;
    store_request_clear(&show.request);
    return delivery;
}

static void measure_strict(struct client *client)
{
    publish(client, ROUNDS);
    struct mono began = start(client);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct store_answer_item item = {.delivery = show(client), .epoch = 1};

        answer(client, STORE_ACK_HEAD, &item, 1);
    }
    print(client, "show_acknowledge", began, ROUNDS);
}

static void measure_show_again(struct client *client)
{
    publish(client, BATCH);
    (void)show(client);
    struct mono began = start(client);
    for (size_t i = 0; i < ROUNDS; i++) {
        (void)show(client);
    }
    print(client, "show_again", began, ROUNDS);
    (void)receive(client, BATCH, true, NULL);
}

static void measure_by_tens(struct client *client)
{
    struct store_answer_item items[AT_ONCE];

    publish(client, ROUNDS);
    struct mono began = start(client);
    for (size_t i = 0; i < ROUNDS; i += AT_ONCE) {
        answer(client, STORE_ACK_NAMED, items, receive(client, AT_ONCE, false, items));
    }
    print(client, "receive_10_acknowledge_10", began, ROUNDS);
}

static void measure_polls(struct client *client)
{
    struct mono began = start(client);

    for (size_t i = 0; i < POLLS; i++) {
        (void)receive(client, AT_ONCE, false, NULL);
    }
    print(client, "poll_empty", began, POLLS);
    publish(client, BATCH);
    began = start(client);
    for (size_t i = 0; i < POLLS; i++) {
        (void)receive(client, AT_ONCE, false, NULL);
    }
    print(client, "poll_10", began, POLLS);
    (void)receive(client, BATCH, true, NULL);
}

/* ---- The store ------------------------------------------------------------------------------ */

static void make_account(struct client *client)
{
    struct store_put_account put = {0};
    struct store_put_channel put_channel = {0};
    struct channel_defaults defaults = {.webhook = schedule_default(),
                                        .email = schedule_default_mail(),
                                        .timeout_us = US_PER_SECOND};
    struct json_doc doc;
    struct diag diag = {0};

    json_doc_init(&doc);
    check(json_parse(&doc, SLICE("{\"kind\":\"queue\",\"events\":[\"*\"]}"), &diag), &diag);
    check(channel_from_json(json_root(&doc), NULL, &defaults, &put_channel.channel, &diag), &diag);
    check(json_parse(&doc, SLICE("{}"), &diag), &diag);
    check(account_from_json(SLICE("acme"), json_root(&doc), NULL, &defaults.dialects, &put.account,
                            &diag),
          &diag);
    call(client, STORE_CALL_put_account, &put.request);
    client->account = put.account->id;
    put_channel.account = client->account;
    call(client, STORE_CALL_put_channel, &put_channel.request);
    client->queue = put_channel.channel->id;
    account_release(put.account);
    channel_release(put_channel.channel);
    json_doc_clear(&doc);
}

static void acknowledge_all(struct client *client, uint64_t messages)
{
    for (uint64_t done = 0; done < messages; done += BATCH) {
        publish(client, BATCH);
        (void)receive(client, BATCH, true, NULL);
    }
}

static void measure(struct client *client, uint64_t behind)
{
    printf("{\n  \"benchmark\": \"queue-alone\",\n  \"acknowledged_behind\": %" PRIu64 ",\n",
           behind);
    acknowledge_all(client, behind);
    measure_strict(client);
    measure_show_again(client);
    measure_by_tens(client);
    measure_polls(client);
    printf("  \"data_bytes\": %d\n}\n", DATA_BYTES);
}

int main(int count, char **words)
{
    uint64_t behind = 1000000;
    struct diag diag = {0};

    if (count < 2 || (count > 2 && slice_to_u64(slice_of(words[2]), &behind) != OK)) {
        die("usage", "bench-queue FOLDER [BEHIND]");
    }
    const struct store_options options = {
        .engine = &engine_sqlite,
        .path = words[1],
        .node = 1,
        .readers = 1,
        .queue_max = 1000,
        .batch_max = 256,
        .hooks = {.fatal = end_by_fatal},
    };
    struct client client = {.mailbox = mailbox_new(),
                            .laps = MEM_ARRAY((size_t)2 * ROUNDS, int64_t)};
    check(store_open(env_system(), &options, &client.store, &diag), &diag);
    make_account(&client);
    measure(&client, behind);
    store_close(client.store);
    mailbox_free(client.mailbox);
    mem_free(client.laps);
    return 0;
}
