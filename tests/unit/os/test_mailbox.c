/*
 * The cases with several threads are the ones that ThreadSanitizer is for: a poster on each side of
 * the owner, at the moments when it drains, takes and goes to sleep.
 */
#include "base/macro.h"
#include "os/env.h"
#include "os/mailbox.h"
#include "os/thread.h"
#include "support/unit.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    MANY = 1000,
    POSTERS = 4,
    POSTS = 50000,                  /* of each poster */
    DEADLINE_US = 60 * 1000 * 1000, /* far above what any case takes: reached, a wake-up was lost */
};

struct note {
    struct message message; /* first, so that a message is its note */
    struct mailbox *mailbox;
    int number;
    int poster;
};

static struct note *note_of(struct message *message)
{
    return CONTAINER_OF(message, struct note, message);
}

/* What the notes that ran left behind, in their order. */
static struct {
    int numbers[MANY];
    int count;
} seen;

static void write_down(struct message *message)
{
    seen.numbers[seen.count++] = note_of(message)->number;
}

static void post_again(struct message *message)
{
    struct note *note = note_of(message);

    write_down(message);
    mailbox_post(note->mailbox, message);
}

static struct note note_with(int number)
{
    return (struct note){.message.run = write_down, .number = number};
}

static bool is_readable(const struct mailbox *mailbox)
{
    struct pollfd watched = {.fd = mailbox_fd(mailbox), .events = POLLIN};

    return poll(&watched, 1, 0) == 1;
}

/* How often the descriptor was written since it was last drained; drains it. */
static uint64_t count_wakings(const struct mailbox *mailbox)
{
    uint64_t count = 0;

    if (read(mailbox_fd(mailbox), &count, sizeof count) != sizeof count) {
        return 0;
    }
    return count;
}

static int make_mailbox(void **state)
{
    *state = mailbox_new();
    seen.count = 0;
    return 0;
}

static int free_mailbox(void **state)
{
    mailbox_free(*state);
    return 0;
}

static void an_empty_mailbox_gives_nothing(void **state)
{
    struct mailbox *mailbox = *state;

    assert_null(mailbox_take(mailbox));
    assert_int_equal(mailbox_run(mailbox), 0);
    assert_false(mailbox_wait(mailbox, 0));
    assert_false(mailbox_wait(mailbox, 1000));
    assert_false(is_readable(mailbox));
    mailbox_free(NULL);
}

static void messages_run_in_the_order_in_which_they_were_posted(void **state)
{
    struct mailbox *mailbox = *state;
    struct note notes[MANY];

    for (int i = 0; i < MANY; i++) {
        notes[i] = note_with(i);
        mailbox_post(mailbox, &notes[i].message);
    }
    assert_int_equal(mailbox_run(mailbox), MANY);
    assert_int_equal(seen.count, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(seen.numbers[i], i);
    }
    assert_int_equal(mailbox_run(mailbox), 0);
}

static void a_chain_is_posted_in_its_order_behind_what_waits(void **state)
{
    struct mailbox *mailbox = *state;
    struct note before = note_with(0), one = note_with(1), two = note_with(2), three = note_with(3),
                alone = note_with(4);

    mailbox_post(mailbox, &before.message);
    one.message.next = &two.message;
    two.message.next = &three.message;
    mailbox_post_chain(mailbox, &one.message, &three.message);
    mailbox_post_chain(mailbox, &alone.message, &alone.message);
    assert_int_equal(mailbox_run(mailbox), 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(seen.numbers[i], i);
    }
}

static void what_is_taken_is_linked_oldest_first(void **state)
{
    struct mailbox *mailbox = *state;
    struct note one = note_with(1), two = note_with(2);

    mailbox_post(mailbox, &one.message);
    mailbox_post(mailbox, &two.message);

    struct message *taken = mailbox_take(mailbox);
    assert_ptr_equal(taken, &one.message);
    assert_ptr_equal(taken->next, &two.message);
    assert_null(taken->next->next);
    assert_null(mailbox_take(mailbox));
}

static void what_a_message_posts_waits_for_the_next_run(void **state)
{
    struct mailbox *mailbox = *state;
    struct note note = note_with(7);

    note.message.run = post_again;
    note.mailbox = mailbox;
    mailbox_post(mailbox, &note.message);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(mailbox_run(mailbox), 1);
        assert_int_equal(seen.count, i);
        assert_true(is_readable(mailbox));
    }
}

static void many_posts_wake_the_owner_once(void **state)
{
    struct mailbox *mailbox = *state;
    struct note one = note_with(1), two = note_with(2), three = note_with(3);

    mailbox_post(mailbox, &one.message);
    mailbox_post(mailbox, &two.message);
    mailbox_post(mailbox, &three.message);
    assert_int_equal(count_wakings(mailbox), 1);
}

static void the_first_post_after_a_drain_wakes_the_owner_again(void **state)
{
    struct mailbox *mailbox = *state;
    struct note one = note_with(1);

    for (int i = 0; i < 3; i++) {
        mailbox_post(mailbox, &one.message);
        assert_true(is_readable(mailbox));
        assert_ptr_equal(mailbox_take(mailbox), &one.message);
        assert_false(is_readable(mailbox));
    }
}

static void waiting_ends_at_once_when_something_waits(void **state)
{
    struct mailbox *mailbox = *state;
    struct note one = note_with(1);

    mailbox_post(mailbox, &one.message);
    assert_true(mailbox_wait(mailbox, -1));
    assert_true(mailbox_wait(mailbox, 0)); /* and does not use it up */
    assert_int_equal(mailbox_run(mailbox), 1);
    assert_false(mailbox_wait(mailbox, 0));
}

static void waiting_lasts_as_long_as_it_was_told(void **state)
{
    struct mailbox *mailbox = *state;
    const int64_t timeout_us = 20000;
    struct mono before = env_mono(env_system());

    assert_false(mailbox_wait(mailbox, timeout_us));
    assert_true(env_mono(env_system()).us - before.us >= timeout_us);
}

/* A poster that was overtaken between its push and its write leaves the descriptor readable with
 * nothing behind it: the owner neither takes that for a message nor spins on it. */
static void a_late_waking_is_no_message(void **state)
{
    struct mailbox *mailbox = *state;
    struct note one = note_with(1);

    mailbox_post(mailbox, &one.message);
    assert_int_equal(count_wakings(mailbox), 1); /* as if the write had not happened yet ... */
    assert_int_equal(mailbox_run(mailbox), 1);
    assert_int_equal(eventfd_write(mailbox_fd(mailbox), 1), 0); /* ... and does now */

    assert_true(is_readable(mailbox));
    assert_false(mailbox_wait(mailbox, 1000));
    assert_false(is_readable(mailbox));

    mailbox_post(mailbox, &one.message);
    assert_true(is_readable(mailbox));
}

/* One of several threads that post numbered notes as fast as they can, each note once. */
struct poster {
    struct thread thread;
    struct mailbox *mailbox;
    struct note *notes;
    int chain_len; /* how many at once */
};

static void post_all(void *ctx)
{
    struct poster *poster = ctx;

    for (int i = 0; i < POSTS; i += poster->chain_len) {
        for (int k = i; k < i + poster->chain_len - 1; k++) {
            poster->notes[k].message.next = &poster->notes[k + 1].message;
        }
        mailbox_post_chain(poster->mailbox, &poster->notes[i].message,
                           &poster->notes[i + poster->chain_len - 1].message);
    }
}

/* The next number awaited from each poster. */
static int awaited[POSTERS];
static int out_of_order;

static void check_order(struct message *message)
{
    struct note *note = note_of(message);

    out_of_order += note->number != awaited[note->poster];
    awaited[note->poster] = note->number + 1;
}

static void start_posters(struct poster *posters, struct mailbox *mailbox)
{
    static const int chain_lens[POSTERS] = {1, 1, 2, 10};
    static struct note notes[POSTERS][POSTS];

    out_of_order = 0;
    for (int p = 0; p < POSTERS; p++) {
        for (int i = 0; i < POSTS; i++) {
            notes[p][i] = (struct note){.message.run = check_order, .number = i, .poster = p};
        }
        awaited[p] = 0;
        posters[p] = (struct poster){
            .mailbox = mailbox,
            .notes = notes[p],
            .chain_len = chain_lens[p],
        };
        thread_start(&posters[p].thread, "poster", post_all, &posters[p]);
    }
}

static void finish_posters(struct poster *posters)
{
    for (int p = 0; p < POSTERS; p++) {
        thread_join(&posters[p].thread);
        assert_int_equal(awaited[p], POSTS);
    }
    assert_int_equal(out_of_order, 0);
}

static void nothing_is_lost_and_each_posters_order_kept(void **state)
{
    struct mailbox *mailbox = *state;
    struct poster posters[POSTERS];
    size_t count = 0;

    start_posters(posters, mailbox);
    while (count < POSTERS * POSTS) {
        assert_true(mailbox_wait(mailbox, DEADLINE_US));
        count += mailbox_run(mailbox);
    }
    finish_posters(posters);
    assert_int_equal(count, POSTERS * POSTS);
    assert_int_equal(mailbox_run(mailbox), 0);
}

static void a_loop_that_polls_the_descriptor_misses_nothing(void **state)
{
    struct mailbox *mailbox = *state;
    struct pollfd watched = {.fd = mailbox_fd(mailbox), .events = POLLIN};
    struct poster posters[POSTERS];
    size_t count = 0;

    start_posters(posters, mailbox);
    while (count < POSTERS * POSTS) {
        assert_int_equal(poll(&watched, 1, DEADLINE_US / 1000), 1);
        count += mailbox_run(mailbox);
    }
    finish_posters(posters);
}

/*
 * Two threads that throw some notes to and fro, one by one, each only when it has caught them all:
 * the last of them is posted while the other drains what the first had signalled, and nothing is
 * posted after it. One lost wake-up stops both.
 */
enum { TURNS = 20000, BALLS = 3 };

struct player {
    struct thread thread;
    struct mailbox *mailbox;
    struct mailbox *other;
    int turns;
    bool is_polling; /* sleeps in poll(), not in mailbox_wait() */
};

static bool wait_for_post(const struct player *player)
{
    struct pollfd watched = {.fd = mailbox_fd(player->mailbox), .events = POLLIN};

    if (player->is_polling) {
        return poll(&watched, 1, DEADLINE_US / 1000) == 1;
    }
    return mailbox_wait(player->mailbox, DEADLINE_US);
}

/* False when they did not all come before the deadline. */
static bool catch_all(const struct player *player, struct message **caught)
{
    for (int count = 0; count < BALLS;) {
        if (!wait_for_post(player)) {
            return false;
        }
        for (struct message *message = mailbox_take(player->mailbox); message != NULL;
             message = message->next) {
            caught[count++] = message;
        }
    }
    return true;
}

static void play(void *ctx)
{
    struct player *player = ctx;
    struct message *caught[BALLS];

    while (player->turns < TURNS && catch_all(player, caught)) {
        player->turns++;
        for (int i = 0; i < BALLS; i++) {
            mailbox_post(player->other, caught[i]);
        }
    }
}

static void no_waking_is_lost_at_the_edge_of_sleep(void **state)
{
    struct mailbox *here = *state;
    struct mailbox *there = mailbox_new();
    struct note balls[BALLS] = {note_with(0), note_with(1), note_with(2)};
    struct player one = {.mailbox = here, .other = there};
    struct player two = {.mailbox = there, .other = here, .is_polling = true};

    for (int i = 0; i < BALLS; i++) {
        mailbox_post(here, &balls[i].message);
    }
    thread_start(&one.thread, "one", play, &one);
    thread_start(&two.thread, "two", play, &two);
    thread_join(&one.thread);
    thread_join(&two.thread);
    assert_int_equal(one.turns, TURNS);
    assert_int_equal(two.turns, TURNS);
    assert_int_equal(mailbox_run(here), BALLS);
    mailbox_free(there);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_mailbox, free_mailbox)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_empty_mailbox_gives_nothing),
        CASE(messages_run_in_the_order_in_which_they_were_posted),
        CASE(a_chain_is_posted_in_its_order_behind_what_waits),
        CASE(what_is_taken_is_linked_oldest_first),
        CASE(what_a_message_posts_waits_for_the_next_run),
        CASE(many_posts_wake_the_owner_once),
        CASE(the_first_post_after_a_drain_wakes_the_owner_again),
        CASE(waiting_ends_at_once_when_something_waits),
        CASE(waiting_lasts_as_long_as_it_was_told),
        CASE(a_late_waking_is_no_message),
        CASE(nothing_is_lost_and_each_posters_order_kept),
        CASE(a_loop_that_polls_the_descriptor_misses_nothing),
        CASE(no_waking_is_lost_at_the_edge_of_sleep),
    };

    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
