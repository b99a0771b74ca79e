/*
 * What the engine tests share: a store of the engine under test in a temporary folder, a clock that
 * the test owns, a caller with a mailbox, and short ways to make accounts, channels and events.
 *
 * Each test program takes the engine's name as its argument. A request that should work and does
 * not, or that does not come back in time, fails the test where it was made.
 */
#ifndef ENGINE_HARNESS_H
#define ENGINE_HARNESS_H

#include "base/macro.h"
#include "os/env.h"
#include "store/engine.h"
#include "store/store.h"
#include "support/scratch.h"
#include "support/unit.h"

#include <pthread.h>

/* ---- The store under test -------------------------------------------------------------------- */

enum note_kind { NOTE_PUBLISHED, NOTE_NUDGED, NOTE_CHANGED, NOTE_DEADLINE };

/* One call of a hook; published: one for each event. */
struct note {
    enum note_kind kind;
    struct id account, channel, thing; /* the delivery, or the published event */
    struct wall deadline;
};

enum { NOTES_MAX = 64 };

struct harness {
    struct env_manual clock;
    struct scratch *scratch;
    struct scratch_path path;
    struct store_options options; /* for the next open; the defaults are small and plain */
    struct store *store;          /* NULL while closed */
    struct mailbox *mailbox;      /* of the test's own thread */
    struct store_view view;
    struct note notes[NOTES_MAX]; /* since harness_forget_notes, in the order of the calls */
    size_t notes_len;
};

/* To be called first by each main. */
void harness_choose_engine(int argc, char **argv);
const struct engine_ops *harness_engine(void);

/* cmocka's setup and teardown: an open store. */
int harness_make(void **state);
int harness_remove(void **state);

#define ENGINE_TEST(name) cmocka_unit_test_setup_teardown(name, harness_make, harness_remove)

/* Opens with harness->options; must work. */
void harness_open(struct harness *harness);
enum err harness_try_open(struct harness *harness, struct diag *diag);
void harness_close(struct harness *harness);
void harness_reopen(struct harness *harness);

void harness_advance(struct harness *harness, int64_t us);
struct wall harness_now(const struct harness *harness);
void harness_forget_notes(struct harness *harness);

/* ---- Requests -------------------------------------------------------------------------------- */

/* Sends a request from a thread with this mailbox, and waits until it is back. Gives its err. */
enum err harness_call_by(struct store *store, struct mailbox *mailbox, enum store_call call,
                         struct store_request *request);

/* The same from the test's own thread: CALL(harness, publish, &publish). */
#define CALL(harness, name, what)                                                                  \
    harness_call_by((harness)->store, (harness)->mailbox, STORE_CALL_##name, &(what)->request)

/* Only sends it. Wait with harness_await. */
void harness_send(struct harness *harness, enum store_call call, struct store_request *request);
enum err harness_await(struct harness *harness, struct store_request *request);

/*
 * Holds the committer's thread in a hook, so that a test can send what then becomes one transaction.
 * From hold_on_change on the next change of settings holds it; hold_end lets it go on for good.
 */
struct hold {
    pthread_mutex_t lock; /* guards both; the hook must wait, and has no mailbox to wait on */
    pthread_cond_t moved;
    bool is_in, may_go;
};

#define HOLD_INIT                                                                                  \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER                       \
    }

void hold_on_change(struct harness *harness, struct hold *hold); /* opens the store again */
void hold_here(struct hold *hold);                               /* what a held thread calls */
void hold_wait(struct hold *hold);
void hold_end(struct hold *hold);

/* ---- Settings -------------------------------------------------------------------------------- */

/* A new account without channels. */
struct id make_account(struct harness *harness, const char *name);

/* A new channel, from its settings as JSON or a plain one of its kind. */
struct id make_channel(struct harness *harness, struct id account, const char *settings);
struct id make_webhook(struct harness *harness, struct id account);
struct id make_queue(struct harness *harness, struct id account);

/* As the newest snapshot has it; lent until the next call. */
struct account *see_account(struct harness *harness, struct id account);
struct channel *see_channel(struct harness *harness, struct id account, struct id channel);

void remove_channel(struct harness *harness, struct id account, struct id channel);

/* ---- Events ---------------------------------------------------------------------------------- */

/* A new event without an id; one reference, the caller's. */
struct event *make_event(struct id account, const char *type, struct slice data);

/* Publishes one event, which the function takes over, and gives its item back with the results. */
struct store_publish_item publish_to(struct harness *harness, struct event *event,
                                     struct store_target *targets, uint32_t targets_len);

/* Publishes an event with PLAIN_DATA and one delivery, and gives that delivery. */
#define PLAIN_DATA "{\"total\": 1.000}"
struct id publish_one(struct harness *harness, struct id account, struct id channel,
                      enum store_way way);

/* Publishes events of type stock.changed without deliveries, at least `count`. */
void publish_many(struct harness *harness, struct id account, size_t count);

/* The event of a delivery that publish_one gave. */
struct id event_of(struct id delivery);

/* ---- Deliveries ------------------------------------------------------------------------------ */

/* One delivery as get_delivery shows it, without its type; it must be there. */
struct store_delivery see_delivery(struct harness *harness, struct id account, struct id delivery);

void assert_state(struct harness *harness, struct id account, struct id delivery,
                  enum delivery_state state);

/* An item with attempt `number`, of the given outcome; `delivery` comes from publish_one. */
struct store_settle_item settle_item(struct id account, struct id channel, struct id delivery,
                                     uint32_t number);

/* Settles one item; must work. */
void settle(struct harness *harness, struct store_settle_item item);

/* Ends a delivery in a state by one attempt. */
void settle_final(struct harness *harness, struct id account, struct id channel, struct id delivery,
                  bool is_fresh, enum delivery_state state);

/* All rows that wait, as the store counts them. */
uint64_t count_pending(struct harness *harness);

/* Runs retain until nothing is left to do; returns how much was removed. */
uint64_t retain_all(struct harness *harness, const struct store_retain *limits);

#endif
