/*
 * Lists: events and deliveries of an account by period, with cursors and filters.
 */
#include "harness.h"

enum { EVENTS = 30 };

#define BYTES_ANY (SIZE_MAX >> 1)
#define ID_LAST ((struct id){UINT64_MAX >> 1})

/* An account with EVENTS events a second apart, each with one delivery, and another one between. */
struct shop {
    struct harness *harness;
    struct id account, other;
    struct id channel, queue;
    struct id deliveries[EVENTS];
    struct wall start;
};

static struct shop make_shop(void **state)
{
    struct shop shop = {.harness = *state};

    shop.account = make_account(shop.harness, "acme");
    shop.other = make_account(shop.harness, "other");
    shop.channel = make_webhook(shop.harness, shop.account);
    shop.queue = make_queue(shop.harness, shop.account);
    struct id foreign = make_webhook(shop.harness, shop.other);
    harness_advance(shop.harness, US_PER_SECOND);
    shop.start = harness_now(shop.harness);
    for (size_t i = 0; i < EVENTS; i++) {
        bool is_queue = i % 3 == 0;

        shop.deliveries[i] =
            publish_one(shop.harness, shop.account, is_queue ? shop.queue : shop.channel,
                        is_queue ? STORE_QUEUE : STORE_WAITING);
        (void)publish_one(shop.harness, shop.other, foreign, STORE_WAITING);
        harness_advance(shop.harness, US_PER_SECOND);
    }
    return shop;
}

/* The first instant of event i, as a period's end. */
static struct id at(const struct shop *shop, int64_t i)
{
    return id_floor((struct wall){shop->start.us + i * US_PER_SECOND});
}

static struct store_list_events list_of(const struct shop *shop)
{
    return (struct store_list_events){.page.account = shop->account,
                                      .page.to = ID_LAST,
                                      .page.max = 1000,
                                      .bytes_max = BYTES_ANY};
}

/* One call: `len` events of the shop from event `first` on, in steps of `step`. */
static void assert_listed(const struct shop *shop, struct store_list_events *list, size_t first,
                          size_t len, int step)
{
    assert_int_equal(CALL(shop->harness, list_events, list), OK);
    assert_int_equal(list->events_len, len);
    for (size_t i = 0; i < len; i++) {
        size_t index = (size_t)((int64_t)first + (int64_t)i * step);

        assert_int_equal(list->events[i]->id.value, event_of(shop->deliveries[index]).value);
        assert_slice_is(list->events[i]->data, PLAIN_DATA);
    }
    store_request_clear(&list->request);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void all_events_come_oldest_first(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);

    assert_listed(&shop, &list, 0, EVENTS, 1);
    assert_false(list.page.has_more);
    harness_reopen(shop.harness);
    list = list_of(&shop);
    assert_listed(&shop, &list, 0, EVENTS, 1);
}

static void or_newest_first(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);

    list.is_newest_first = true;
    assert_listed(&shop, &list, EVENTS - 1, EVENTS, -1);
    assert_false(list.page.has_more);
}

static void a_period_begins_with_its_start_and_ends_before_its_end(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);

    list.page.from = at(&shop, 5);
    list.page.to = at(&shop, 9);
    assert_listed(&shop, &list, 5, 4, 1);
    list.is_newest_first = true;
    assert_listed(&shop, &list, 8, 4, -1);
    list.page.from = event_of(shop.deliveries[5]);
    list.page.to = event_of(shop.deliveries[6]);
    assert_listed(&shop, &list, 5, 1, 1);
}

static void a_period_without_events_is_empty(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);

    list.page.from = at(&shop, EVENTS + 10);
    assert_listed(&shop, &list, 0, 0, 1);
    assert_false(list.page.has_more);
    list = list_of(&shop);
    list.page.to = at(&shop, -10);
    assert_listed(&shop, &list, 0, 0, 1);
    list.page.from = at(&shop, 9);
    list.page.to = at(&shop, 5);
    assert_listed(&shop, &list, 0, 0, 1);
}

/* Walks a list by its cursor, and expects every event of [first, first + len) once. */
static void assert_walk(const struct shop *shop, struct store_list_events list, size_t first,
                        size_t len, int step)
{
    size_t seen = 0;

    do {
        assert_int_equal(CALL(shop->harness, list_events, &list), OK);
        assert_true(list.events_len <= list.page.max);
        assert_true(list.events_len > 0 || !list.page.has_more);
        for (size_t i = 0; i < list.events_len; i++, seen++) {
            size_t index = (size_t)((int64_t)first + (int64_t)seen * step);

            assert_true(seen < len);
            assert_int_equal(list.events[i]->id.value, event_of(shop->deliveries[index]).value);
        }
        list.page.after = list.page.last;
        store_request_clear(&list.request);
    } while (list.page.has_more);
    assert_int_equal(seen, len);
}

static void a_cursor_goes_on_where_it_was_both_ways(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);

    list.page.max = 7;
    assert_walk(&shop, list, 0, EVENTS, 1);
    list.page.max = EVENTS / 2; /* ends exactly with the last one */
    assert_walk(&shop, list, 0, EVENTS, 1);
    list.is_newest_first = true;
    list.page.max = 7;
    assert_walk(&shop, list, EVENTS - 1, EVENTS, -1);
    list.page.from = at(&shop, 3);
    list.page.to = at(&shop, 20);
    assert_walk(&shop, list, 19, 17, -1);
    list.is_newest_first = false;
    assert_walk(&shop, list, 3, 17, 1);
}

static void what_is_published_meanwhile_does_not_disturb_a_cursor(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);

    list.is_newest_first = true;
    list.page.max = 10;
    assert_listed(&shop, &list, EVENTS - 1, 10, -1);
    (void)publish_one(shop.harness, shop.account, shop.channel, STORE_WAITING);
    list.page.after = list.page.last;
    assert_listed(&shop, &list, EVENTS - 11, 10, -1);
}

static void an_answer_has_no_more_bytes_than_wanted_but_one_event(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);

    list.bytes_max = 3 * SLICE(PLAIN_DATA).len;
    assert_listed(&shop, &list, 0, 3, 1);
    assert_true(list.page.has_more);
    assert_walk(&shop, list_of(&shop), 0, EVENTS, 1);
    list.bytes_max = 1;
    list.page.after = ID_NONE;
    assert_listed(&shop, &list, 0, 1, 1);
    assert_true(list.page.has_more);
    list.page.after = ID_NONE;
    assert_walk(&shop, list, 0, EVENTS, 1);
}

static void a_type_filter_leaves_out_what_does_not_match(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);
    struct event *event = make_event(shop.account, "payment.failed", SLICE("1"));
    struct id payment = publish_to(shop.harness, event, NULL, 0).id;

    list.type = SLICE("payment.*");
    assert_int_equal(CALL(shop.harness, list_events, &list), OK);
    assert_int_equal(list.events_len, 1);
    assert_int_equal(list.events[0]->id.value, payment.value);
    store_request_clear(&list.request);
    list.type = SLICE("order.*");
    assert_listed(&shop, &list, 0, EVENTS, 1);
    list.type = SLICE("nothing.**");
    assert_listed(&shop, &list, 0, 0, 1);
}

static void an_account_sees_only_its_own_events(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);

    list.page.account = make_account(shop.harness, "third");
    assert_listed(&shop, &list, 0, 0, 1);
    list.page.account = shop.other;
    assert_int_equal(CALL(shop.harness, list_events, &list), OK);
    assert_int_equal(list.events_len, EVENTS);
    for (size_t i = 0; i < EVENTS; i++) {
        assert_int_equal(list.events[i]->account.value, shop.other.value);
    }
    store_request_clear(&list.request);
}

/* One call: the shop's events from the `first`-th message of its queue on, each with its delivery
 * to it; every third event is one. */
static void assert_messages(const struct shop *shop, struct store_list_events *list, size_t first,
                            size_t len, int step)
{
    assert_int_equal(CALL(shop->harness, list_events, list), OK);
    assert_int_equal(list->events_len, len);
    for (size_t i = 0; i < len; i++) {
        size_t index = 3 * (size_t)((int64_t)first + (int64_t)i * step);

        assert_int_equal(list->deliveries[i].value, shop->deliveries[index].value);
        assert_int_equal(list->events[i]->id.value, event_of(shop->deliveries[index]).value);
        assert_slice_is(list->events[i]->data, PLAIN_DATA);
    }
    store_request_clear(&list->request);
    assert_null(list->deliveries);
}

static void a_channel_s_events_come_with_their_deliveries_to_it(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);

    list.channel = shop.queue;
    assert_messages(&shop, &list, 0, EVENTS / 3, 1);
    assert_false(list.page.has_more);
    list.is_newest_first = true;
    assert_messages(&shop, &list, EVENTS / 3 - 1, EVENTS / 3, -1);
    list.is_newest_first = false;
    list.page.from = at(&shop, 3);
    list.page.to = at(&shop, 9);
    assert_messages(&shop, &list, 1, 2, 1);
    list.type = SLICE("payment.*");
    assert_messages(&shop, &list, 0, 0, 1);
}

static void a_channel_s_events_go_on_behind_a_cursor(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);

    list.channel = shop.queue;
    list.page.max = 3;
    for (size_t seen = 0; seen < EVENTS / 3; seen += list.page.max) {
        size_t left = EVENTS / 3 - seen;

        assert_messages(&shop, &list, seen, left < 3 ? left : 3, 1);
        assert_int_equal(list.page.has_more, left > 3);
        list.page.after = list.page.last;
    }
}

static void acknowledging_takes_nothing_from_a_channel_s_events(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);
    struct store_receive receive = {
        .account = shop.account,
        .channel = shop.queue,
        .max = 1000,
        .bytes_max = BYTES_ANY,
        .is_auto_ack = true,
    };

    assert_int_equal(CALL(shop.harness, receive, &receive), OK);
    assert_int_equal(receive.messages_len, EVENTS / 3);
    store_request_clear(&receive.request);
    list.channel = shop.queue;
    assert_messages(&shop, &list, 0, EVENTS / 3, 1);
}

static void of_an_event_with_many_deliveries_the_one_to_the_channel_is_told(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);
    struct store_target targets[] = {
        {.channel = shop.channel, .way = STORE_WAITING},
        {.channel = make_queue(shop.harness, shop.account), .way = STORE_QUEUE},
        {.channel = shop.queue, .way = STORE_QUEUE},
    };
    struct event *event = make_event(shop.account, "a.b", SLICE("1"));
    struct id id = publish_to(shop.harness, event, targets, ARRAY_LEN(targets)).id;

    list.page.from = id;
    for (uint32_t i = 0; i < ARRAY_LEN(targets); i++) {
        list.channel = targets[i].channel;
        assert_int_equal(CALL(shop.harness, list_events, &list), OK);
        assert_int_equal(list.events_len, 1);
        assert_int_equal(list.deliveries[0].value, event_delivery_id(id, i).value);
        store_request_clear(&list.request);
    }
    list.channel = make_queue(shop.harness, shop.account);
    assert_messages(&shop, &list, 0, 0, 1);
}

enum { OTHERS = 10000 };

/* One call looks at a limited number of events, however few of them are wanted. */
static void a_channel_s_few_events_are_found_among_thousands_of_others(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = list_of(&shop);
    size_t seen = 0;

    publish_many(shop.harness, shop.account, OTHERS);
    list.channel = shop.queue;
    for (list.is_newest_first = false; seen < 2 * EVENTS / 3; list.is_newest_first = true) {
        list.page.after = ID_NONE;
        do {
            assert_int_equal(CALL(shop.harness, list_events, &list), OK);
            seen += list.events_len;
            assert_true(!list.page.has_more || list.page.last.value != list.page.after.value);
            list.page.after = list.page.last;
            store_request_clear(&list.request);
        } while (list.page.has_more);
        assert_int_equal(seen, (list.is_newest_first ? 2 : 1) * EVENTS / 3);
    }
}

/* ---- Deliveries ------------------------------------------------------------------------------ */

static struct store_list_deliveries deliveries_of(const struct shop *shop)
{
    return (struct store_list_deliveries){
        .page.account = shop->account, .page.to = ID_LAST, .page.max = 1000};
}

typedef bool wanted_fn(const struct shop *shop, size_t index);

/* Walks the list by its cursor; expects those of the shop's deliveries that are wanted, newest first. */
static void assert_deliveries(const struct shop *shop, struct store_list_deliveries list,
                              wanted_fn *is_wanted)
{
    size_t next = EVENTS;

    do {
        assert_int_equal(CALL(shop->harness, list_deliveries, &list), OK);
        assert_true(list.deliveries_len <= list.page.max);
        for (size_t i = 0; i < list.deliveries_len; i++) {
            do {
                assert_true(next-- > 0);
            } while (!is_wanted(shop, next));
            assert_int_equal(list.deliveries[i].delivery.value, shop->deliveries[next].value);
            assert_int_equal(list.deliveries[i].event.value,
                             event_of(shop->deliveries[next]).value);
            assert_slice_is(list.deliveries[i].event_type, "order.created");
        }
        list.page.after = list.page.last;
        store_request_clear(&list.request);
    } while (list.page.has_more);
    while (next > 0) {
        assert_false(is_wanted(shop, --next));
    }
}

static bool any(UNUSED const struct shop *shop, UNUSED size_t index)
{
    return true;
}

static void all_deliveries_come_newest_first(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_deliveries list = deliveries_of(&shop);

    assert_deliveries(&shop, list, any);
    list.page.max = 7;
    assert_deliveries(&shop, list, any);
    list.page.max = 1;
    assert_deliveries(&shop, list, any);
    harness_reopen(shop.harness);
    assert_deliveries(&shop, list, any);
}

static bool is_of_queue(UNUSED const struct shop *shop, size_t index)
{
    return index % 3 == 0;
}

static void a_channel_s_deliveries_can_be_asked_for(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_deliveries list = deliveries_of(&shop);

    list.channel = shop.queue;
    assert_deliveries(&shop, list, is_of_queue);
    list.page.max = 3;
    assert_deliveries(&shop, list, is_of_queue);
}

static bool is_failed(UNUSED const struct shop *shop, size_t index)
{
    return index % 3 == 1;
}

static bool is_still_pending(const struct shop *shop, size_t index)
{
    return !is_failed(shop, index);
}

static void deliveries_in_a_state_can_be_asked_for(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_deliveries list = deliveries_of(&shop);

    for (size_t i = 1; i < EVENTS; i += 3) {
        settle_final(shop.harness, shop.account, shop.channel, shop.deliveries[i], false,
                     DELIVERY_FAILED);
    }
    list.has_state = true;
    list.state = DELIVERY_FAILED;
    assert_deliveries(&shop, list, is_failed);
    list.state = DELIVERY_PENDING;
    list.page.max = 4;
    assert_deliveries(&shop, list, is_still_pending);
}

static bool is_in_the_middle(UNUSED const struct shop *shop, size_t index)
{
    return index >= 5 && index < 9;
}

static void deliveries_come_by_the_period_of_their_events(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_deliveries list = deliveries_of(&shop);

    list.page.from = at(&shop, 5);
    list.page.to = at(&shop, 9);
    assert_deliveries(&shop, list, is_in_the_middle);
    list.page.max = 1;
    assert_deliveries(&shop, list, is_in_the_middle);
}

/* A cursor may stand in the middle of an event's deliveries. */
static void the_deliveries_of_one_event_come_newest_first_too(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_deliveries list = deliveries_of(&shop);
    struct store_target targets[5];

    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        targets[i] = (struct store_target){.channel = shop.channel, .way = STORE_WAITING};
    }
    struct id event = publish_to(shop.harness, make_event(shop.account, "a.b", SLICE("1")), targets,
                                 ARRAY_LEN(targets))
                          .id;
    list.page.from = event;
    list.page.max = 2;
    for (uint32_t left = ARRAY_LEN(targets); left > 0;) {
        assert_int_equal(CALL(shop.harness, list_deliveries, &list), OK);
        for (size_t i = 0; i < list.deliveries_len; i++) {
            assert_int_equal(list.deliveries[i].delivery.value,
                             event_delivery_id(event, --left).value);
        }
        assert_int_equal(list.page.has_more, left > 0);
        list.page.after = list.page.last;
        store_request_clear(&list.request);
    }
}

static void an_account_sees_only_its_own_deliveries(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_deliveries list = deliveries_of(&shop);

    list.page.account = make_account(shop.harness, "third");
    assert_int_equal(CALL(shop.harness, list_deliveries, &list), OK);
    assert_int_equal(list.deliveries_len, 0);
    store_request_clear(&list.request);
    list.page.account = shop.other;
    list.channel = shop.channel; /* another account's */
    assert_int_equal(CALL(shop.harness, list_deliveries, &list), OK);
    assert_int_equal(list.deliveries_len, 0);
    store_request_clear(&list.request);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(all_events_come_oldest_first),
        ENGINE_TEST(or_newest_first),
        ENGINE_TEST(a_period_begins_with_its_start_and_ends_before_its_end),
        ENGINE_TEST(a_period_without_events_is_empty),
        ENGINE_TEST(a_cursor_goes_on_where_it_was_both_ways),
        ENGINE_TEST(what_is_published_meanwhile_does_not_disturb_a_cursor),
        ENGINE_TEST(an_answer_has_no_more_bytes_than_wanted_but_one_event),
        ENGINE_TEST(a_type_filter_leaves_out_what_does_not_match),
        ENGINE_TEST(an_account_sees_only_its_own_events),
        ENGINE_TEST(a_channel_s_events_come_with_their_deliveries_to_it),
        ENGINE_TEST(a_channel_s_events_go_on_behind_a_cursor),
        ENGINE_TEST(acknowledging_takes_nothing_from_a_channel_s_events),
        ENGINE_TEST(of_an_event_with_many_deliveries_the_one_to_the_channel_is_told),
        ENGINE_TEST(a_channel_s_few_events_are_found_among_thousands_of_others),
        ENGINE_TEST(all_deliveries_come_newest_first),
        ENGINE_TEST(a_channel_s_deliveries_can_be_asked_for),
        ENGINE_TEST(deliveries_in_a_state_can_be_asked_for),
        ENGINE_TEST(deliveries_come_by_the_period_of_their_events),
        ENGINE_TEST(the_deliveries_of_one_event_come_newest_first_too),
        ENGINE_TEST(an_account_sees_only_its_own_deliveries),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
