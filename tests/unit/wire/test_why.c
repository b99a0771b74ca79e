#include "support/unit.h"
#include "wire/native/why.h"

#include <string.h>

static const struct wall now = {1000 * US_PER_DAY};
static const struct wall later = {1000 * US_PER_DAY + 5 * US_PER_MINUTE};

static struct channel enabled(void)
{
    return (struct channel){.is_enabled = true, .health.state = HEALTH_HEALTHY};
}

static void assert_why(const struct why_facts *facts, const char *code, const char *words)
{
    struct why why = why_pending(facts);

    assert_non_null(why.code);
    assert_string_equal(why.code, code);
    if (strstr(why.text, words) == NULL) {
        print_message("\"%s\" is not in \"%s\"\n", words, why.text);
        fail();
    }
}

static void nothing_keeps_what_is_final(UNUSED void **state)
{
    const struct channel channel = enabled();
    const struct store_delivery delivery = {.state = DELIVERY_FAILED, .due = later};

    assert_null(why_pending(&(struct why_facts){&delivery, &channel, NULL, now}).code);
}

static void a_channel_that_takes_nothing_comes_first(UNUSED void **state)
{
    const struct store_delivery delivery = {.attempts = 2, .due = later};
    struct channel channel = enabled();

    assert_why(&(struct why_facts){&delivery, NULL, NULL, now}, "waiting_for_channel", "deleted");
    channel.is_enabled = false;
    assert_why(&(struct why_facts){&delivery, &channel, NULL, now}, "waiting_for_channel",
               "by its settings");
    channel.is_enabled = true;
    channel.health.state = HEALTH_DISABLED;
    assert_why(&(struct why_facts){&delivery, &channel, NULL, now}, "waiting_for_channel",
               "nothing but failures");
}

static void a_retry_tells_the_last_attempts_words_and_the_time(UNUSED void **state)
{
    const struct channel channel = enabled();
    const struct attempt last = {.number = 2, .detail = SLICE("HTTP 503")};
    const struct store_delivery delivery = {.attempts = 2, .due = later};

    assert_why(&(struct why_facts){&delivery, &channel, &last, now}, "waiting_for_retry",
               "Attempt 2 failed: HTTP 503. The next is due at 1972-09-27T00:05:00Z.");
    assert_why(&(struct why_facts){&delivery, &channel, NULL, now}, "waiting_for_retry",
               "Attempt 2 failed; the next is due at");
}

static void a_first_attempt_is_being_made(UNUSED void **state)
{
    const struct channel channel = enabled();
    const struct store_delivery delivery = {.is_fresh = true};

    assert_why(&(struct why_facts){&delivery, &channel, NULL, now}, "being_tried", "under way");
}

static void what_is_due_waits_for_its_turn(UNUSED void **state)
{
    const struct store_delivery delivery = {.attempts = 1, .due = now};
    struct channel channel = enabled();

    assert_why(&(struct why_facts){&delivery, &channel, NULL, now}, "waiting_for_turn", "turn.");
    channel.rate_limit.per_second = 10;
    assert_why(&(struct why_facts){&delivery, &channel, NULL, now}, "waiting_for_turn",
               "at most 10 a second");
    channel.is_ordered = true;
    assert_why(&(struct why_facts){&delivery, &channel, NULL, now}, "waiting_for_turn", "ordered");
}

static void a_queue_waits_for_its_consumers_even_when_disabled(UNUSED void **state)
{
    struct store_delivery delivery = {.is_queue = true};
    struct channel channel = enabled();

    channel.is_enabled = false;
    assert_why(&(struct why_facts){&delivery, &channel, NULL, now}, "waiting_for_acknowledgement",
               "No consumer");
    delivery.attempts = 1;
    assert_why(&(struct why_facts){&delivery, &channel, NULL, now}, "waiting_for_acknowledgement",
               "received 1 time and");
    delivery.due = later;
    assert_why(&(struct why_facts){&delivery, &channel, NULL, now}, "leased",
               "until 1972-09-27T00:05:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_keeps_what_is_final),
        cmocka_unit_test(a_channel_that_takes_nothing_comes_first),
        cmocka_unit_test(a_retry_tells_the_last_attempts_words_and_the_time),
        cmocka_unit_test(a_first_attempt_is_being_made),
        cmocka_unit_test(what_is_due_waits_for_its_turn),
        cmocka_unit_test(a_queue_waits_for_its_consumers_even_when_disabled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
