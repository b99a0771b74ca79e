/*
 * Publishing, and what an idempotency key does.
 */
#include "base/mem.h"
#include "harness.h"
#include "os/mailbox.h"

#include <stdlib.h>
#include <string.h>

/* Reads an event back, asks `check` about it. */
static struct event *read_event(struct harness *harness, struct id account, struct id id,
                                size_t *deliveries_len)
{
    struct store_get_event get = {.account = account, .event = id};

    assert_int_equal(CALL(harness, get_event, &get), OK);
    struct event *event = event_hold(get.found);
    *deliveries_len = get.deliveries_len;
    store_request_clear(&get.request);
    return event;
}

static void assert_slices_equal(struct slice a, struct slice b)
{
    assert_int_equal(a.len, b.len);
    if (a.len > 0) {
        assert_memory_equal(a.ptr, b.ptr, a.len);
    }
}

static void assert_events_equal(const struct event *a, const struct event *b)
{
    assert_int_equal(a->account.value, b->account.value);
    assert_slices_equal(a->account_name, b->account_name);
    assert_slices_equal(a->type, b->type);
    assert_slices_equal(a->content_type, b->content_type);
    assert_slices_equal(a->data, b->data);
    assert_slices_equal(a->client_ref, b->client_ref);
    assert_slices_equal(a->server_ref, b->server_ref);
    assert_slices_equal(a->notify_url, b->notify_url);
    assert_slices_equal(a->external_id, b->external_id);
    assert_slices_equal(a->attributes, b->attributes);
}

/* Publishes what parts say, opens the store again, and expects the same to be there. */
static void assert_survives(struct harness *harness, const struct event_parts *parts)
{
    struct event *event = event_new(parts);
    size_t deliveries = 0;
    struct store_publish_item item = publish_to(harness, event_hold(event), NULL, 0);

    harness_reopen(harness);
    struct event *found = read_event(harness, parts->account, item.id, &deliveries);
    assert_int_equal(found->id.value, item.id.value);
    assert_events_equal(found, event);
    event_release(found);
    event_release(event);
}

static void an_event_comes_back_with_every_field_it_had(void **state)
{
    struct harness *harness = *state;

    assert_survives(harness, &(struct event_parts){
                                 .account = make_account(harness, "acme"),
                                 .account_name = SLICE("acme"),
                                 .type = SLICE("order.created"),
                                 .content_type = SLICE("application/xml; charset=utf-8"),
                                 .data = SLICE("<order total=\"1.000000\"/>"),
                                 .client_ref = SLICE("client \xc3\xa9\xe2\x82\xac"),
                                 .server_ref = SLICE("server-1"),
                                 .notify_url = SLICE("https://example.com/n"),
                                 .external_id = SLICE("ext-1"),
                                 .attributes = SLICE("{\"source\":\"/shop\"}"),
                             });
}

static void an_event_without_data_comes_back_without_data(void **state)
{
    struct harness *harness = *state;

    assert_survives(harness, &(struct event_parts){
                                 .account = make_account(harness, "acme"),
                                 .account_name = SLICE("acme"),
                                 .type = SLICE("ping"),
                                 .content_type = SLICE("application/json"),
                             });
}

static void every_byte_value_comes_back_as_it_was(void **state)
{
    struct harness *harness = *state;
    char data[512];

    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (char)i;
    }
    assert_survives(harness, &(struct event_parts){
                                 .account = make_account(harness, "acme"),
                                 .account_name = SLICE("acme"),
                                 .type = SLICE("blob"),
                                 .content_type = SLICE("application/octet-stream"),
                                 .data = slice_from(data, sizeof data),
                             });
}

static void the_largest_data_comes_back_as_it_was(void **state)
{
    struct harness *harness = *state;
    char *data = mem_new(1, EVENT_DATA_BYTES_HARD_MAX);

    for (size_t i = 0; i < EVENT_DATA_BYTES_HARD_MAX; i++) {
        data[i] = (char)(i * 31 + (i >> 12));
    }
    assert_survives(harness, &(struct event_parts){
                                 .account = make_account(harness, "acme"),
                                 .account_name = SLICE("acme"),
                                 .type = SLICE("blob"),
                                 .content_type = SLICE("application/octet-stream"),
                                 .data = slice_from(data, EVENT_DATA_BYTES_HARD_MAX),
                             });
    mem_free(data);
}

static void ids_grow_whatever_the_clock_does(void **state)
{
    static const int64_t steps[] = {
        0, US_PER_MS, -US_PER_DAY, US_PER_HOUR, 3650 * US_PER_DAY, -3650 * US_PER_DAY, 0};
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id before = ID_NONE;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        env_manual_step_wall(&harness->clock, steps[i]);
        struct id id = publish_to(harness, make_event(account, "a.b", SLICE("1")), NULL, 0).id;
        assert_true(id.value > before.value);
        before = id;
        if (i % 2 == 1) {
            harness_reopen(harness); /* neither does a restart set them back */
        }
    }
}

static void an_event_has_a_delivery_for_each_target(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct store_target targets[] = {
        {.channel = make_webhook(harness, account), .way = STORE_FRESH},
        {.channel = make_webhook(harness, account), .way = STORE_WAITING},
        {.channel = make_queue(harness, account), .way = STORE_QUEUE},
    };
    struct store_publish_item item =
        publish_to(harness, make_event(account, "a.b", SLICE("1")), targets, ARRAY_LEN(targets));
    struct store_get_event get = {.account = account, .event = item.id};

    assert_int_equal(item.deliveries, 3);
    assert_int_equal(CALL(harness, get_event, &get), OK);
    assert_int_equal(get.deliveries_len, 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct store_delivery *found = &get.deliveries[i];

        assert_int_equal(found->delivery.value, event_delivery_id(item.id, i).value);
        assert_int_equal(found->event.value, item.id.value);
        assert_int_equal(found->channel.value, targets[i].channel.value);
        assert_int_equal(found->state, DELIVERY_PENDING);
        assert_int_equal(found->is_fresh, targets[i].way == STORE_FRESH);
        assert_int_equal(found->is_queue, targets[i].way == STORE_QUEUE);
        assert_int_equal(found->attempts, 0);
        assert_slice_is(found->event_type, "a.b");
    }
    store_request_clear(&get.request);
    assert_int_equal(count_pending(harness), 2);
}

enum { FAN_OUT = 10000 };

/* The deliveries' ids follow the event's, past the counter of one millisecond. */
static void one_event_goes_to_ten_thousand_targets(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id queue = make_queue(harness, account);
    struct id webhook = make_webhook(harness, account);
    struct store_target *targets = MEM_ARRAY(FAN_OUT, struct store_target);
    size_t deliveries = 0;

    for (uint32_t i = 0; i < FAN_OUT; i++) {
        bool is_queue = i % 2 == 0;

        targets[i] = (struct store_target){.channel = is_queue ? queue : webhook,
                                           .way = is_queue ? STORE_QUEUE : STORE_FRESH};
    }
    struct store_publish_item item =
        publish_to(harness, make_event(account, "a.b", SLICE("1")), targets, FAN_OUT);
    struct id next = publish_to(harness, make_event(account, "a.b", SLICE("1")), NULL, 0).id;
    assert_true(next.value > event_delivery_id(item.id, FAN_OUT - 1).value);
    event_release(read_event(harness, account, item.id, &deliveries));
    assert_int_equal(deliveries, FAN_OUT);
    assert_int_equal(count_pending(harness), FAN_OUT / 2);
    struct store_delivery last =
        see_delivery(harness, account, event_delivery_id(item.id, FAN_OUT - 1));
    assert_int_equal(last.event.value, item.id.value);
    assert_true(last.is_fresh);
    mem_free(targets);
}

/* Rule 1 of engine.h: the transaction goes on. */
static void a_target_whose_channel_is_gone_is_canceled_at_once(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id webhook = make_webhook(harness, account);
    struct id queue = make_queue(harness, account);

    remove_channel(harness, account, webhook);
    remove_channel(harness, account, queue);
    assert_state(harness, account, publish_one(harness, account, webhook, STORE_WAITING),
                 DELIVERY_CANCELED);
    assert_state(harness, account, publish_one(harness, account, queue, STORE_QUEUE),
                 DELIVERY_CANCELED);
    assert_int_equal(count_pending(harness), 0);
}

static void an_event_of_another_account_is_not_found(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id other = make_account(harness, "other");
    struct id delivery = publish_one(harness, account, make_webhook(harness, account), STORE_FRESH);
    struct store_get_event event = {.account = other, .event = event_of(delivery)};
    struct store_get_delivery get = {.account = other, .delivery = delivery};

    assert_int_equal(CALL(harness, get_event, &event), ERR_NOT_FOUND);
    store_request_clear(&event.request);
    assert_int_equal(CALL(harness, get_delivery, &get), ERR_NOT_FOUND);
    store_request_clear(&get.request);
    get.delivery = event_of(delivery); /* an event's id is no delivery's */
    get.account = account;
    assert_int_equal(CALL(harness, get_delivery, &get), ERR_NOT_FOUND);
    store_request_clear(&get.request);
    get.delivery = event_delivery_id(event_of(delivery), 1); /* it has only one */
    assert_int_equal(CALL(harness, get_delivery, &get), ERR_NOT_FOUND);
    store_request_clear(&get.request);
}

/* ---- Idempotency ----------------------------------------------------------------------------- */

/* An item with a key and a body that stand for their first byte. */
static struct store_publish_item keyed(struct event *event, uint8_t key, uint8_t body)
{
    return (struct store_publish_item){
        .event = event, .is_idempotent = true, .idempotency = {key}, .body = {body}};
}

/* Publishes one event with a key. */
static struct store_publish_item publish_keyed(struct harness *harness, struct id account,
                                               uint8_t key, uint8_t body)
{
    struct event *event = make_event(account, "a.b", SLICE("1"));
    struct store_publish_item item = keyed(event, key, body);
    struct store_publish publish = {.items = &item, .items_len = 1};

    assert_int_equal(CALL(harness, publish, &publish), OK);
    item.event = NULL;
    event_release(event);
    return item;
}

static size_t count_events(struct harness *harness, struct id account)
{
    struct store_list_events list = {.page.account = account,
                                     .page.to = {UINT64_MAX >> 1},
                                     .page.max = 1000,
                                     .bytes_max = SIZE_MAX >> 1};

    assert_int_equal(CALL(harness, list_events, &list), OK);
    size_t count = list.events_len;
    store_request_clear(&list.request);
    return count;
}

static void assert_duplicate(const struct store_publish_item *again,
                             const struct store_publish_item *first)
{
    assert_int_equal(again->err, OK);
    assert_true(again->is_duplicate);
    assert_int_equal(again->id.value, first->id.value);
    assert_int_equal(again->deliveries, first->deliveries);
}

static void the_same_key_and_body_is_the_first_event(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct store_publish_item first = publish_keyed(harness, account, 1, 1);
    struct store_publish_item again = publish_keyed(harness, account, 1, 1);

    assert_false(first.is_duplicate);
    assert_duplicate(&again, &first);
    assert_int_equal(count_events(harness, account), 1);
}

static void a_duplicate_tells_how_many_deliveries_the_first_has(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct store_target targets[] = {
        {.channel = make_webhook(harness, account), .way = STORE_WAITING},
        {.channel = make_queue(harness, account), .way = STORE_QUEUE}};
    struct event *event = make_event(account, "a.b", SLICE("1"));
    struct store_publish_item first = keyed(event, 1, 1);
    struct store_publish publish = {.items = &first, .items_len = 1};

    first.targets = targets;
    first.targets_len = 2;
    assert_int_equal(CALL(harness, publish, &publish), OK);
    struct store_publish_item again = publish_keyed(harness, account, 1, 1);
    assert_duplicate(&again, &first);
    assert_int_equal(again.deliveries, 2);
    event_release(event);
}

static void the_same_key_with_another_body_is_a_conflict(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");

    assert_int_equal(publish_keyed(harness, account, 1, 1).err, OK);
    assert_int_equal(publish_keyed(harness, account, 1, 2).err, ERR_CONFLICT);
    assert_int_equal(count_events(harness, account), 1);
}

static void another_key_is_another_event(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");

    assert_int_equal(publish_keyed(harness, account, 1, 1).err, OK);
    assert_false(publish_keyed(harness, account, 2, 1).is_duplicate);
    assert_int_equal(count_events(harness, account), 2);
}

/* One request's items, and requests of one transaction, see each other. */
static void a_key_counts_within_one_transaction(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct event *events[4];
    struct store_publish_item items[4];
    struct store_publish requests[2] = {{.items = &items[0], .items_len = 3},
                                        {.items = &items[3], .items_len = 1}};

    for (size_t i = 0; i < 4; i++) {
        events[i] = make_event(account, "a.b", SLICE("1"));
        items[i] = keyed(events[i], 1, i == 1 ? 2 : 1);
    }
    for (size_t i = 0; i < 2; i++) {
        harness_send(harness, STORE_CALL_publish, &requests[i].request);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(harness_await(harness, &requests[i].request), OK);
    }
    assert_false(items[0].is_duplicate);
    assert_int_equal(items[1].err, ERR_CONFLICT);
    assert_duplicate(&items[2], &items[0]);
    assert_duplicate(&items[3], &items[0]);
    assert_int_equal(count_events(harness, account), 1);
    for (size_t i = 0; i < 4; i++) {
        event_release(events[i]);
    }
}

static void a_key_counts_for_a_day_and_not_longer(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct store_publish_item first = publish_keyed(harness, account, 1, 1);

    harness_advance(harness, STORE_IDEMPOTENCY_US - US_PER_SECOND);
    assert_true(publish_keyed(harness, account, 1, 1).is_duplicate);
    harness_advance(harness, US_PER_SECOND);
    struct store_publish_item second = publish_keyed(harness, account, 1, 2);
    assert_int_equal(second.err, OK);
    assert_false(second.is_duplicate);
    assert_true(second.id.value > first.id.value);
    struct store_publish_item again = publish_keyed(harness, account, 1, 2);
    assert_duplicate(&again, &second); /* it stands for the new event now */
}

static void a_key_counts_after_a_restart(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct store_publish_item first = publish_keyed(harness, account, 1, 1);

    harness_reopen(harness);
    struct store_publish_item again = publish_keyed(harness, account, 1, 1);
    assert_duplicate(&again, &first);
    assert_int_equal(publish_keyed(harness, account, 1, 2).err, ERR_CONFLICT);
}

static void a_duplicate_and_a_conflict_leave_the_caller_s_event_without_an_id(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct event *event = make_event(account, "a.b", SLICE("1"));
    struct store_publish_item items[2] = {keyed(event, 1, 1), keyed(event, 1, 2)};

    assert_int_equal(publish_keyed(harness, account, 1, 1).err, OK);
    for (size_t i = 0; i < 2; i++) {
        struct store_publish publish = {.items = &items[i], .items_len = 1};

        assert_int_equal(CALL(harness, publish, &publish), OK);
        assert_int_equal(event->id.value, 0);
    }
    event_release(event);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(an_event_comes_back_with_every_field_it_had),
        ENGINE_TEST(an_event_without_data_comes_back_without_data),
        ENGINE_TEST(every_byte_value_comes_back_as_it_was),
        ENGINE_TEST(the_largest_data_comes_back_as_it_was),
        ENGINE_TEST(ids_grow_whatever_the_clock_does),
        ENGINE_TEST(an_event_has_a_delivery_for_each_target),
        ENGINE_TEST(one_event_goes_to_ten_thousand_targets),
        ENGINE_TEST(a_target_whose_channel_is_gone_is_canceled_at_once),
        ENGINE_TEST(an_event_of_another_account_is_not_found),
        ENGINE_TEST(the_same_key_and_body_is_the_first_event),
        ENGINE_TEST(a_duplicate_tells_how_many_deliveries_the_first_has),
        ENGINE_TEST(the_same_key_with_another_body_is_a_conflict),
        ENGINE_TEST(another_key_is_another_event),
        ENGINE_TEST(a_key_counts_within_one_transaction),
        ENGINE_TEST(a_key_counts_for_a_day_and_not_longer),
        ENGINE_TEST(a_key_counts_after_a_restart),
        ENGINE_TEST(a_duplicate_and_a_conflict_leave_the_caller_s_event_without_an_id),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
