#include "base/macro.h"
#include "http/bell.h"
#include "os/thread.h"
#include "support/unit.h"

#include <stdatomic.h>

enum { EARS = 16, ITEMS = 20000 };

struct listener {
    struct bell_ear ear;
    int rung;
};

static struct bell *bell;
static struct mailbox *mailbox;

static void count_ring(struct message *message)
{
    struct bell_ear *ear = CONTAINER_OF(message, struct bell_ear, message);

    CONTAINER_OF(ear, struct listener, ear)->rung++;
}

static void listen_to(struct listener *listener, uint64_t topic)
{
    *listener = (struct listener){.ear = {.message.run = count_ring, .mailbox = mailbox}};
    bell_listen(bell, &listener->ear, topic);
}

static int start(UNUSED void **state)
{
    bell = bell_new(/* seed= */ 5);
    mailbox = mailbox_new();
    return 0;
}

static int stop(UNUSED void **state)
{
    bell_free(bell);
    mailbox_free(mailbox);
    return 0;
}

static void a_ring_wakes_a_sleeper_once(UNUSED void **state)
{
    struct listener listener;

    listen_to(&listener, 1);
    assert_true(bell_sleep(bell, &listener.ear));
    bell_ring(bell, 1, 3);
    bell_ring(bell, 1, 1);
    (void)mailbox_run(mailbox);
    assert_int_equal(listener.rung, 1);
    bell_leave(bell, &listener.ear);
}

static void a_ring_while_awake_keeps_it_awake_once(UNUSED void **state)
{
    struct listener listener;

    listen_to(&listener, 1);
    bell_ring(bell, 1, 1);
    assert_false(bell_sleep(bell, &listener.ear));
    assert_true(bell_sleep(bell, &listener.ear));
    assert_true(bell_wake(bell, &listener.ear));
    assert_int_equal(mailbox_run(mailbox), 0);
    bell_leave(bell, &listener.ear);
}

static void a_ring_from_before_listening_does_not_count(UNUSED void **state)
{
    struct listener listener;

    bell_ring(bell, 1, 1);
    listen_to(&listener, 1);
    assert_true(bell_sleep(bell, &listener.ear));
    assert_true(bell_wake(bell, &listener.ear));
    bell_leave(bell, &listener.ear);
}

static void a_ring_after_waking_keeps_it_awake(UNUSED void **state)
{
    struct listener listener;

    listen_to(&listener, 1);
    assert_true(bell_sleep(bell, &listener.ear));
    bell_ring(bell, 1, 1); /* wakes it */
    bell_ring(bell, 1, 1); /* finds it awake */
    (void)mailbox_run(mailbox);
    assert_false(bell_sleep(bell, &listener.ear));
    bell_leave(bell, &listener.ear);
}

static void who_wakes_by_itself_learns_whether_a_ring_was_faster(UNUSED void **state)
{
    struct listener listener;

    listen_to(&listener, 1);
    assert_true(bell_sleep(bell, &listener.ear));
    bell_ring(bell, 1, 1);
    assert_false(bell_wake(bell, &listener.ear));
    (void)mailbox_run(mailbox);
    assert_int_equal(listener.rung, 1);
    bell_leave(bell, &listener.ear);
}

static void sleepers_are_woken_in_the_order_in_which_they_fell_asleep(UNUSED void **state)
{
    struct listener listeners[EARS];

    for (size_t i = 0; i < EARS; i++) {
        listen_to(&listeners[i], 1);
    }
    for (size_t i = EARS; i > 0; i--) {
        assert_true(bell_sleep(bell, &listeners[i - 1].ear));
    }
    for (size_t i = EARS; i > 0; i--) {
        assert_int_equal(listeners[i - 1].rung, 0);
        bell_ring(bell, 1, 1);
        assert_int_equal(mailbox_run(mailbox), 1);
        assert_int_equal(listeners[i - 1].rung, 1);
        bell_leave(bell, &listeners[i - 1].ear);
    }
}

static void topics_do_not_disturb_each_other(UNUSED void **state)
{
    static struct listener listeners[2000];

    for (size_t i = 0; i < ARRAY_LEN(listeners); i++) {
        listen_to(&listeners[i], i);
        assert_true(bell_sleep(bell, &listeners[i].ear));
    }
    for (size_t i = 0; i < ARRAY_LEN(listeners); i += 2) {
        bell_ring(bell, i, 1);
    }
    assert_int_equal(mailbox_run(mailbox), ARRAY_LEN(listeners) / 2);
    for (size_t i = 0; i < ARRAY_LEN(listeners); i++) {
        assert_int_equal(listeners[i].rung, i % 2 == 0);
        assert_int_equal(bell_wake(bell, &listeners[i].ear), i % 2 != 0);
        bell_leave(bell, &listeners[i].ear);
    }
}

/* ---- Several threads: a queue with a count, and consumers that sleep when it is empty ---- */

static _Atomic int64_t stock;
static _Atomic int64_t taken;

static bool take_one(void)
{
    int64_t seen = atomic_load(&stock);

    while (seen > 0) {
        if (atomic_compare_exchange_weak(&stock, &seen, seen - 1)) {
            (void)atomic_fetch_add(&taken, 1);
            return true;
        }
    }
    return false;
}

static void consume(UNUSED void *ctx)
{
    struct mailbox *own = mailbox_new();
    struct listener listener = {.ear = {.message.run = count_ring, .mailbox = own}};

    bell_listen(bell, &listener.ear, 77);
    while (atomic_load(&taken) < ITEMS) {
        if (take_one() || !bell_sleep(bell, &listener.ear)) {
            continue;
        }
        /* Ends by itself only when nothing is left for anybody: a lost ring hangs the test. */
        while (!mailbox_wait(own, 1000) && atomic_load(&taken) < ITEMS) {
        }
        (void)bell_wake(bell, &listener.ear);
        (void)mailbox_run(own);
    }
    while (!bell_wake(bell, &listener.ear) && mailbox_run(own) > 0) {
    }
    bell_leave(bell, &listener.ear);
    mailbox_free(own);
}

static void produce(UNUSED void *ctx)
{
    for (int i = 0; i < ITEMS / 2; i++) {
        (void)atomic_fetch_add(&stock, 1);
        bell_ring(bell, 77, 1);
    }
}

static void no_ring_is_lost_between_threads(UNUSED void **state)
{
    struct thread consumers[3] = {0};
    struct thread producers[2] = {0};

    for (size_t i = 0; i < ARRAY_LEN(consumers); i++) {
        thread_start(&consumers[i], "consumer", consume, NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(producers); i++) {
        thread_start(&producers[i], "producer", produce, NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(producers); i++) {
        thread_join(&producers[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(consumers); i++) {
        thread_join(&consumers[i]);
    }
    assert_int_equal(atomic_load(&taken), ITEMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_wakes_a_sleeper_once),
        cmocka_unit_test(a_ring_while_awake_keeps_it_awake_once),
        cmocka_unit_test(a_ring_from_before_listening_does_not_count),
        cmocka_unit_test(a_ring_after_waking_keeps_it_awake),
        cmocka_unit_test(who_wakes_by_itself_learns_whether_a_ring_was_faster),
        cmocka_unit_test(sleepers_are_woken_in_the_order_in_which_they_fell_asleep),
        cmocka_unit_test(topics_do_not_disturb_each_other),
        cmocka_unit_test(no_ring_is_lost_between_threads),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
