/*
 * Other names of events: found by account and name, the newest one first.
 */
#include "harness.h"

struct shop {
    struct harness *harness;
    struct id account, channel;
};

static struct shop make_shop(void **state)
{
    struct shop shop = {.harness = *state};

    shop.account = make_account(shop.harness, "acme");
    shop.channel = make_webhook(shop.harness, shop.account);
    return shop;
}

/* A new event of this name, with what is in the rest of the item; it must not fail. */
static struct store_publish_item publish_item(const struct shop *shop, const char *name,
                                              struct store_publish_item item)
{
    struct store_publish publish = {.items = &item, .items_len = 1};

    harness_advance(shop->harness, US_PER_MS);
    item.event = make_event(shop->account, "order.created", SLICE(PLAIN_DATA));
    item.name = slice_of(name);
    assert_int_equal(CALL(shop->harness, publish, &publish), OK);
    event_release(item.event);
    item.event = NULL;
    return item;
}

static struct id publish(const struct shop *shop, const char *name)
{
    return publish_item(shop, name, (struct store_publish_item){0}).id;
}

/* With a delivery that waits. */
static struct id publish_waiting(const struct shop *shop, const char *name)
{
    struct store_target target = {.channel = shop->channel, .way = STORE_WAITING};

    return publish_item(shop, name,
                        (struct store_publish_item){.targets = &target, .targets_len = 1})
        .id;
}

static struct store_publish_item publish_keyed(const struct shop *shop, const char *name,
                                               uint8_t body)
{
    return publish_item(
        shop, name,
        (struct store_publish_item){.is_idempotent = true, .idempotency = {1}, .body = {body}});
}

/* The event found by a name; ID_NONE when there is none. */
static struct id find_by(const struct shop *shop, struct slice name)
{
    struct store_find_event find = {.account = shop->account, .name = name};

    assert_int_equal(CALL(shop->harness, find_event, &find), OK);
    struct id id = find.found != NULL ? find.found->id : ID_NONE;
    if (find.found != NULL) {
        assert_int_equal(find.found->account.value, shop->account.value);
        assert_slice_is(find.found->type, "order.created");
    }
    store_request_clear(&find.request);
    return id;
}

static struct id find(const struct shop *shop, const char *name)
{
    return find_by(shop, slice_of(name));
}

static void retain(const struct shop *shop, int64_t payload_age_us, int64_t rest_age_us)
{
    int64_t now_us = harness_now(shop->harness).us;

    (void)retain_all(shop->harness, &(struct store_retain){
                                        .payloads_before = {now_us - payload_age_us},
                                        .rest_before = {now_us - rest_age_us},
                                        .max = 10,
                                    });
}

/* ---- Finding --------------------------------------------------------------------------------- */

static void an_event_is_found_by_its_name(void **state)
{
    struct shop shop = make_shop(state);
    struct id first = publish(&shop, "2024-0001");
    struct id second = publish(&shop, "2024-0002");

    (void)publish(&shop, "");
    for (int round = 0; round < 2; round++) {
        assert_int_equal(find(&shop, "2024-0001").value, first.value);
        assert_int_equal(find(&shop, "2024-0002").value, second.value);
        harness_reopen(shop.harness);
    }
}

static void what_nobody_named_is_not_found(void **state)
{
    struct shop shop = make_shop(state);

    assert_int_equal(find(&shop, "2024-0001").value, 0);
    (void)publish(&shop, "2024-0001");
    (void)publish(&shop, "");
    assert_int_equal(find(&shop, "2024-000").value, 0);
    assert_int_equal(find(&shop, "2024-00011").value, 0);
    assert_int_equal(find(&shop, "").value, 0);
}

static void a_name_is_compared_byte_by_byte(void **state)
{
    struct shop shop = make_shop(state);
    struct id lower = publish(&shop, "abc-\xc3\xa9");
    struct id upper = publish(&shop, "ABC-\xc3\xa9");

    assert_int_equal(find(&shop, "abc-\xc3\xa9").value, lower.value);
    assert_int_equal(find(&shop, "ABC-\xc3\xa9").value, upper.value);
    assert_int_equal(find(&shop, "abc-e\xcc\x81").value, 0);
}

static void the_longest_name_is_found_whole(void **state)
{
    struct shop shop = make_shop(state);
    char name[EVENT_REFERENCE_BYTES_MAX + 1 + 1];

    for (size_t i = 0; i < sizeof name; i++) {
        name[i] = (char)('a' + i % 26);
    }
    name[EVENT_REFERENCE_BYTES_MAX] = '\0';
    struct id event = publish(&shop, name);
    assert_int_equal(find(&shop, name).value, event.value);
    assert_int_equal(find_by(&shop, slice_from(name, EVENT_REFERENCE_BYTES_MAX - 1)).value, 0);
    assert_int_equal(find_by(&shop, slice_from(name, EVENT_REFERENCE_BYTES_MAX + 1)).value, 0);
}

static void of_two_events_with_a_name_the_newest_is_found(void **state)
{
    struct shop shop = make_shop(state);

    for (int round = 0; round < 3; round++) {
        struct id newest = publish(&shop, "2024-0001");

        assert_int_equal(find(&shop, "2024-0001").value, newest.value);
    }
}

static void the_same_name_of_another_account_is_another_one(void **state)
{
    struct shop shop = make_shop(state);
    struct shop other = shop;

    other.account = make_account(shop.harness, "other");
    struct id mine = publish(&shop, "2024-0001");
    assert_int_equal(find(&other, "2024-0001").value, 0);
    struct id theirs = publish(&other, "2024-0001");
    assert_int_equal(find(&shop, "2024-0001").value, mine.value);
    assert_int_equal(find(&other, "2024-0001").value, theirs.value);
}

static void what_was_not_stored_has_no_name(void **state)
{
    struct shop shop = make_shop(state);
    struct store_publish_item first = publish_keyed(&shop, "first", 1);

    assert_true(publish_keyed(&shop, "duplicate", 1).is_duplicate);
    assert_int_equal(publish_keyed(&shop, "conflict", 2).err, ERR_CONFLICT);
    assert_int_equal(find(&shop, "first").value, first.id.value);
    assert_int_equal(find(&shop, "duplicate").value, 0);
    assert_int_equal(find(&shop, "conflict").value, 0);
}

enum { BETWEEN = 20000 };

static void a_name_is_found_behind_many_newer_events(void **state)
{
    struct shop shop = make_shop(state);
    struct id twice = publish(&shop, "twice");
    struct id once = publish(&shop, "once");

    publish_many(shop.harness, shop.account, BETWEEN);
    assert_int_equal(find(&shop, "twice").value, twice.value);
    twice = publish(&shop, "twice");
    publish_many(shop.harness, shop.account, BETWEEN);
    assert_int_equal(find(&shop, "twice").value, twice.value);
    assert_int_equal(find(&shop, "once").value, once.value);
    assert_int_equal(find(&shop, "never").value, 0);
}

/* ---- With time ------------------------------------------------------------------------------- */

static void an_event_without_its_data_keeps_its_name(void **state)
{
    struct shop shop = make_shop(state);
    struct id event = publish(&shop, "2024-0001");

    harness_advance(shop.harness, US_PER_DAY);
    (void)publish(&shop, "2024-0002");
    retain(&shop, US_PER_HOUR, 30 * US_PER_DAY);
    assert_int_equal(find(&shop, "2024-0001").value, event.value);
    harness_advance(shop.harness, 30 * US_PER_DAY);
    (void)publish(&shop, "2024-0003");
    retain(&shop, US_PER_HOUR, 30 * US_PER_DAY);
    assert_int_equal(find(&shop, "2024-0001").value, 0);
}

static void a_name_goes_with_its_event_and_no_other(void **state)
{
    struct shop shop = make_shop(state);
    struct id waiting = publish_waiting(&shop, "again");

    (void)publish(&shop, "once");
    struct id gone = publish(&shop, "again");
    assert_int_equal(find(&shop, "again").value, gone.value);
    harness_advance(shop.harness, 30 * US_PER_DAY);
    struct id young = publish(&shop, "young");
    retain(&shop, US_PER_DAY, US_PER_DAY);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(find(&shop, "once").value, 0);
        assert_int_equal(find(&shop, "again").value, waiting.value); /* is still to be sent */
        assert_int_equal(find(&shop, "young").value, young.value);
        harness_reopen(shop.harness);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(an_event_is_found_by_its_name),
        ENGINE_TEST(what_nobody_named_is_not_found),
        ENGINE_TEST(a_name_is_compared_byte_by_byte),
        ENGINE_TEST(the_longest_name_is_found_whole),
        ENGINE_TEST(of_two_events_with_a_name_the_newest_is_found),
        ENGINE_TEST(the_same_name_of_another_account_is_another_one),
        ENGINE_TEST(what_was_not_stored_has_no_name),
        ENGINE_TEST(a_name_is_found_behind_many_newer_events),
        ENGINE_TEST(an_event_without_its_data_keeps_its_name),
        ENGINE_TEST(a_name_goes_with_its_event_and_no_other),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
