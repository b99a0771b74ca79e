/*
 * Retries over days and weeks: when attempts are made, what becomes of a channel that only fails.
 */
#include "world.h"

#define TEST_SEED 20260102

/* The attempts of one channel, in order. */
static size_t tries_of(const struct world *world, uint32_t channel, const struct world_try **out,
                       size_t max)
{
    size_t len = 0;

    for (size_t i = 0; i < world->tries_len && len < max; i++) {
        if (world->tries[i].channel == channel) {
            out[len++] = &world->tries[i];
        }
    }
    return len;
}

static struct id publish_one(struct world *world, const char *type)
{
    struct store_publish_item item = world_publish(world, type);

    assert_true(item.targets_len >= 1);
    mem_free(item.targets);
    return event_delivery_id(item.id, 0);
}

static void assert_between(int64_t value, int64_t least, int64_t most)
{
    if (value < least || value > most) {
        fail_msg("%lld is not between %lld and %lld", (long long)value, (long long)least,
                 (long long)most);
    }
}

/* A fifth either way, and what an attempt and its recording take. */
static void assert_wait(int64_t gap_us, int64_t wait_us)
{
    assert_between(gap_us, wait_us - wait_us / 5, wait_us + wait_us / 5 + US_PER_SECOND);
}

static void follows_the_default_schedule_to_its_end(UNUSED void **state)
{
    struct schedule schedule = schedule_default();
    const struct world_try *tries[16];
    struct world world;

    world_init(&world, TEST_SEED, world_refuse, NULL);
    (void)world_channel(&world, "");
    struct id delivery = publish_one(&world, "order.created");
    world_run(&world, 5 * US_PER_DAY);

    size_t len = tries_of(&world, 0, tries, ARRAY_LEN(tries));
    assert_int_equal(len, schedule.waits_len);
    for (uint32_t i = 1; i < len; i++) {
        assert_wait(tries[i]->began.us - tries[i - 1]->began.us, schedule.waits_us[i]);
        assert_int_equal(tries[i]->number, i + 1);
    }
    assert_int_equal(world_delivery(&world, delivery).state, DELIVERY_FAILED);
    world_free(&world);
}

static void follows_it_through_a_restart_every_hour(UNUSED void **state)
{
    struct schedule schedule = schedule_default();
    const struct world_try *tries[16];
    struct world world;

    world_init(&world, TEST_SEED, world_refuse, NULL);
    (void)world_channel(&world, "");
    (void)publish_one(&world, "order.created");
    for (int hour = 0; hour < 5 * 24; hour++) {
        world_run(&world, US_PER_HOUR);
        world_stop(&world);
        world_start(&world);
    }

    size_t len = tries_of(&world, 0, tries, ARRAY_LEN(tries));
    assert_int_equal(len, schedule.waits_len);
    for (uint32_t i = 1; i < len; i++) {
        assert_wait(tries[i]->began.us - tries[i - 1]->began.us, schedule.waits_us[i]);
    }
    world_free(&world);
}

static void goes_on_for_as_long_as_an_age_says(UNUSED void **state)
{
    const struct world_try *tries[256];
    struct world world;

    world_init(&world, TEST_SEED, world_refuse, NULL);
    (void)world_channel(&world, "\"retry\":{\"every\":\"5m\",\"for\":\"10h\",\"jitter\":0}");
    struct wall began = world_now(&world);
    (void)publish_one(&world, "order.created");
    world_run(&world, US_PER_DAY);

    size_t len = tries_of(&world, 0, tries, ARRAY_LEN(tries));
    assert_between((int64_t)len, 119, 121);
    assert_between(tries[len - 1]->began.us - began.us, 10 * US_PER_HOUR - 5 * US_PER_MINUTE,
                   10 * US_PER_HOUR);
    world_free(&world);
}

static void a_first_wait_puts_off_the_first_attempt(UNUSED void **state)
{
    const struct world_try *tries[4];
    struct world world;

    world_init(&world, TEST_SEED, world_accept, NULL);
    (void)world_channel(&world, "\"retry\":[\"2h\",\"1m\"]");
    struct wall published = world_now(&world);
    (void)publish_one(&world, "order.created");
    world_run(&world, 3 * US_PER_HOUR);

    assert_int_equal(tries_of(&world, 0, tries, ARRAY_LEN(tries)), 1);
    assert_wait(tries[0]->began.us - published.us, 2 * US_PER_HOUR);
    world_free(&world);
}

/* ---- what a receiver asks for ---- */

static struct world_answer ask_to_wait(void *ctx, const struct world_try *attempt)
{
    struct world_answer answer = world_refuse(NULL, attempt);

    if (attempt->number > 1) {
        return world_accept(NULL, attempt);
    }
    answer.retry_after_us = *(const int64_t *)ctx;
    return answer;
}

static void waits_for_as_long_as_the_receiver_asks_up_to_a_day(UNUSED void **state)
{
    static const int64_t asked_us[] = {US_PER_MINUTE, 6 * US_PER_HOUR, US_PER_DAY, 3 * US_PER_DAY};
    static const int64_t waited_us[] = {US_PER_MINUTE, 6 * US_PER_HOUR, US_PER_DAY, US_PER_DAY};
    const struct world_try *tries[4];

    for (size_t i = 0; i < ARRAY_LEN(asked_us); i++) {
        struct world world;
        int64_t asked = asked_us[i];

        world_init(&world, TEST_SEED, ask_to_wait, &asked);
        (void)world_channel(&world, "\"retry\":[\"0s\",\"5s\"]");
        (void)publish_one(&world, "order.created");
        world_run(&world, 2 * US_PER_DAY);
        assert_int_equal(tries_of(&world, 0, tries, ARRAY_LEN(tries)), 2);
        assert_between(tries[1]->began.us - tries[0]->began.us, waited_us[i],
                       waited_us[i] + US_PER_SECOND);
        world_free(&world);
    }
}

/* ---- health ---- */

static struct world_answer refuse_channel_0(void *ctx, const struct world_try *attempt)
{
    return attempt->channel == 0 ? world_refuse(ctx, attempt) : world_accept(ctx, attempt);
}

static void warns_after_a_day_and_disables_after_five(UNUSED void **state)
{
    const struct world_try *news[8];
    struct world world;

    world_init(&world, TEST_SEED, refuse_channel_0, NULL);
    (void)world_channel(&world, "\"retry\":{\"every\":\"10m\",\"for\":\"9d\"}");
    (void)world_channel(&world, "\"events\":[\"tidings.**\"]");
    struct wall began = world_now(&world);
    struct id delivery = publish_one(&world, "order.created");
    world_run(&world, 8 * US_PER_DAY);

    assert_int_equal(tries_of(&world, 1, news, ARRAY_LEN(news)), 2);
    assert_string_equal(news[0]->type, "tidings.channel.failing");
    assert_string_equal(news[1]->type, "tidings.channel.disabled");
    assert_between(news[0]->began.us - began.us, US_PER_DAY, US_PER_DAY + 15 * US_PER_MINUTE);
    assert_between(news[1]->began.us - began.us, 5 * US_PER_DAY,
                   5 * US_PER_DAY + 15 * US_PER_MINUTE);
    assert_true(world.tries[world.tries_len - 1].began.us == news[1]->began.us);
    assert_int_equal(world_delivery(&world, delivery).state, DELIVERY_PENDING);
    struct store_publish_item item = world_publish(&world, "order.created");
    assert_int_equal(item.targets_len, 0);
    mem_free(item.targets);
    world_free(&world);
}

static void start_a_channel_that_only_fails(struct world *world)
{
    world_init(world, TEST_SEED, refuse_channel_0, NULL);
    (void)world_channel(world, "\"retry\":{\"every\":\"10m\",\"for\":\"9d\"}");
    (void)world_channel(world, "\"events\":[\"tidings.**\"]");
    (void)publish_one(world, "order.created");
}

/* When the attempt begins whose failure disables the channel. */
static struct wall last_try_of_a_channel_that_only_fails(void)
{
    struct world world;
    struct wall last = {0};

    start_a_channel_that_only_fails(&world);
    world_run(&world, 6 * US_PER_DAY);
    for (size_t i = 0; i < world.tries_len; i++) {
        last = world.tries[i].channel == 0 ? world.tries[i].began : last;
    }
    world_free(&world);
    return last;
}

static void a_channel_disabled_while_the_server_stops_is_told_after_the_start(UNUSED void **state)
{
    struct wall last = last_try_of_a_channel_that_only_fails();
    const struct world_try *news[8];
    struct world world;

    start_a_channel_that_only_fails(&world);
    world_run(&world, last.us + US_PER_MS - world_now(&world).us); /* it is under way */
    assert_true(world.tries[world.tries_len - 1].began.us == last.us);
    assert_int_equal(tries_of(&world, 1, news, ARRAY_LEN(news)), 1);
    world_stop(&world);
    world_start(&world);
    world_run(&world, US_PER_HOUR);

    assert_int_equal(tries_of(&world, 1, news, ARRAY_LEN(news)), 2);
    assert_string_equal(news[1]->type, "tidings.channel.disabled");
    world_free(&world);
}

/* Fails for four days, then takes one, and so on. */
static struct world_answer accept_every_fourth_day(void *ctx, const struct world_try *attempt)
{
    const struct wall *began = ctx;
    int64_t day = (attempt->began.us - began->us) / US_PER_DAY;

    return day % 5 == 4 ? world_accept(NULL, attempt) : world_refuse(NULL, attempt);
}

static void one_success_in_five_days_keeps_a_channel_alive(UNUSED void **state)
{
    const struct world_try *tries[256];
    struct world world;
    struct wall began;

    world_init(&world, TEST_SEED, accept_every_fourth_day, &began);
    began = world_now(&world);
    (void)world_channel(&world, "\"retry\":[\"0s\"]");
    for (int hours = 0; hours < 20 * 24; hours += 6) {
        (void)publish_one(&world, "order.created");
        world_run(&world, 6 * US_PER_HOUR);
    }

    assert_int_equal(tries_of(&world, 0, tries, ARRAY_LEN(tries)), 80);
    world_free(&world);
}

/* ---- parking ---- */

static struct world_answer take_ten_seconds(void *ctx, const struct world_try *attempt)
{
    struct world_answer answer = world_accept(ctx, attempt);

    answer.takes_us = 10 * US_PER_SECOND;
    return answer;
}

static void a_first_attempt_that_takes_long_gets_a_row_in_the_store(UNUSED void **state)
{
    struct world world;

    world_init(&world, TEST_SEED, take_ten_seconds, NULL);
    (void)world_channel(&world, "\"max_in_flight\":1");
    struct id flying = publish_one(&world, "order.created");
    struct id queued = publish_one(&world, "order.created");

    world_run(&world, 1900 * US_PER_MS);
    assert_true(world_delivery(&world, flying).is_fresh);
    assert_true(world_delivery(&world, queued).is_fresh);
    world_run(&world, US_PER_SECOND);
    assert_false(world_delivery(&world, flying).is_fresh);
    assert_false(world_delivery(&world, queued).is_fresh);
    world_run(&world, 8 * US_PER_SECOND);
    assert_int_equal(world_delivery(&world, flying).state, DELIVERY_DELIVERED);
    assert_int_equal(world_delivery(&world, queued).state, DELIVERY_PENDING);
    world_run(&world, 10 * US_PER_SECOND);
    assert_int_equal(world_delivery(&world, queued).state, DELIVERY_DELIVERED);
    assert_int_equal(world.tries_len, 2);
    world_free(&world);
}

static void an_ordered_channel_is_not_overtaken_by_what_was_not_parked(UNUSED void **state)
{
    struct world world;
    struct id last = ID_NONE;

    world_init(&world, TEST_SEED, take_ten_seconds, NULL);
    (void)world_channel(&world, "\"ordered\":true");
    for (int i = 0; i < 60; i++) {
        (void)publish_one(&world, "order.created");
        world_run(&world, 500 * US_PER_MS);
    }
    world_run(&world, 15 * US_PER_MINUTE);

    assert_int_equal(world.tries_len, 60);
    for (size_t i = 0; i < world.tries_len; i++) {
        assert_true(world.tries[i].delivery.value > last.value);
        last = world.tries[i].delivery;
    }
    assert_int_equal(world.in_flight_peak[0], 1);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_default_schedule_to_its_end),
        cmocka_unit_test(follows_it_through_a_restart_every_hour),
        cmocka_unit_test(goes_on_for_as_long_as_an_age_says),
        cmocka_unit_test(a_first_wait_puts_off_the_first_attempt),
        cmocka_unit_test(waits_for_as_long_as_the_receiver_asks_up_to_a_day),
        cmocka_unit_test(warns_after_a_day_and_disables_after_five),
        cmocka_unit_test(a_channel_disabled_while_the_server_stops_is_told_after_the_start),
        cmocka_unit_test(one_success_in_five_days_keeps_a_channel_alive),
        cmocka_unit_test(a_first_attempt_that_takes_long_gets_a_row_in_the_store),
        cmocka_unit_test(an_ordered_channel_is_not_overtaken_by_what_was_not_parked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
