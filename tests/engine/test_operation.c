/*
 * Operations: opened once, moved on with the event that tells it, found, due and forgotten.
 */
#include "base/mem.h"
#include "harness.h"
#include "store/fault/fault.h"

#include <stdlib.h>
#include <string.h>

#define REST_AGE_US (90 * US_PER_DAY)
#define ID_LAST ((struct id){UINT64_MAX >> 1})
#define BYTES_MAX ((size_t)1024 * 1024)

struct shop {
    struct harness *harness;
    struct id account, webhook, queue;
};

static struct shop make_shop(void **state)
{
    struct shop shop = {.harness = *state};

    shop.account = make_account(shop.harness, "acme");
    shop.webhook = make_webhook(shop.harness, shop.account);
    shop.queue = make_queue(shop.harness, shop.account);
    harness_forget_notes(shop.harness);
    return shop;
}

static struct operation plain_operation(const struct shop *shop)
{
    return (struct operation){
        .account = shop->account,
        .command = SLICE("domain-create"),
        .server_ref = SLICE("server-1"),
    };
}

/* Opens one that must work, and gives its id. */
static struct id open_it(const struct shop *shop, struct operation operation)
{
    struct store_open_operation open = {.operation = &operation};

    assert_int_equal(CALL(shop->harness, open_operation, &open), OK);
    assert_false(open.is_duplicate);
    assert_int_equal(operation.id.value, open.id.value);
    assert_int_equal(operation.created.us, harness_now(shop->harness).us);
    return open.id;
}

static struct id open_plain(const struct shop *shop)
{
    return open_it(shop, plain_operation(shop));
}

static struct id open_with_deadline(const struct shop *shop, int64_t in_us)
{
    struct operation operation = plain_operation(shop);

    operation.deadline.us = harness_now(shop->harness).us + in_us;
    return open_it(shop, operation);
}

/* As it is now; free with operation_free; NULL when it is gone. */
static struct operation *read_it(const struct shop *shop, struct id id)
{
    struct store_get_operation get = {.account = shop->account, .operation = id};
    enum err err = CALL(shop->harness, get_operation, &get);

    assert_int_equal(err == OK, get.found != NULL);
    assert_true(err == OK || err == ERR_NOT_FOUND);
    return get.found;
}

static bool is_gone(const struct shop *shop, struct id id)
{
    struct operation *operation = read_it(shop, id);
    bool is_gone = operation == NULL;

    operation_free(operation);
    return is_gone;
}

static void assert_state_and_steps(const struct shop *shop, struct id id,
                                   enum operation_state state, uint32_t steps)
{
    struct operation *operation = read_it(shop, id);

    assert_non_null(operation);
    assert_string_equal(operation_word(operation->state), operation_word(state));
    assert_int_equal(operation->steps, steps);
    operation_free(operation);
}

/* A request to move an operation, with an event of its own for no channel; release the event. */
static struct store_advance make_advance(const struct shop *shop, enum store_advance_kind kind,
                                         struct id id)
{
    return (struct store_advance){
        .kind = kind,
        .account = shop->account,
        .operation = id,
        .state = OPERATION_COMPLETED,
        .code = 1000,
        .result = SLICE("Command completed successfully"),
        .body = {1},
        .item = {.event = make_event(shop->account, "operation.news", SLICE(PLAIN_DATA))},
    };
}

/* Sends it; the event must have the item's id afterwards only when it was published. */
static enum err run_advance(const struct shop *shop, struct store_advance *advance)
{
    enum err err = CALL(shop->harness, advance, advance);
    bool is_published = err == OK && advance->item.err == OK && !advance->item.is_duplicate;

    assert_int_equal(advance->item.event->id.value, is_published ? advance->item.id.value : 0);
    assert_true(err != OK || advance->item.is_duplicate == advance->is_duplicate);
    event_release(advance->item.event);
    advance->item.event = NULL;
    return err;
}

static enum err move(const struct shop *shop, enum store_advance_kind kind, struct id id)
{
    struct store_advance advance = make_advance(shop, kind, id);

    return run_advance(shop, &advance);
}

static size_t count_events(const struct shop *shop)
{
    struct store_list_events list = {.page.account = shop->account,
                                     .page.to = ID_LAST,
                                     .page.max = 1000,
                                     .bytes_max = SIZE_MAX >> 1};

    assert_int_equal(CALL(shop->harness, list_events, &list), OK);
    size_t len = list.events_len;
    store_request_clear(&list.request);
    return len;
}

static uint64_t retain_at(const struct shop *shop, uint32_t max)
{
    int64_t now_us = harness_now(shop->harness).us;

    return retain_all(shop->harness, &(struct store_retain){
                                         .rest_before = {now_us - REST_AGE_US},
                                         .idempotency_before = {now_us - STORE_IDEMPOTENCY_US},
                                         .max = max,
                                     });
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void an_operation_comes_back_with_every_field_it_had(void **state)
{
    struct shop shop = make_shop(state);
    struct operation given = plain_operation(&shop);

    given.client_ref = SLICE("client \"1\"");
    given.notify_url = SLICE("https://example.com/news");
    given.origin = SLICE("wapi/xml");
    given.data = SLICE("{\"years\": 1.000, \"name\": \"\xc3\xa9\"}");
    given.deadline.us = harness_now(shop.harness).us + US_PER_DAY;
    given.expires = true;
    struct id id = open_it(&shop, given);
    for (int round = 0; round < 2; round++) {
        struct operation *found = read_it(&shop, id);

        assert_non_null(found);
        assert_int_equal(found->id.value, id.value);
        assert_int_equal(found->account.value, shop.account.value);
        assert_int_equal(found->state, OPERATION_PENDING);
        assert_true(slice_equal(found->command, given.command));
        assert_true(slice_equal(found->client_ref, given.client_ref));
        assert_true(slice_equal(found->server_ref, given.server_ref));
        assert_true(slice_equal(found->notify_url, given.notify_url));
        assert_true(slice_equal(found->origin, given.origin));
        assert_true(slice_equal(found->data, given.data));
        assert_int_equal(found->created.us, harness_now(shop.harness).us);
        assert_int_equal(found->deadline.us, given.deadline.us);
        assert_true(found->expires);
        operation_free(found);
        harness_reopen(shop.harness);
    }
}

static void a_new_operation_has_nothing_that_it_was_not_given(void **state)
{
    struct shop shop = make_shop(state);
    struct operation *found = read_it(&shop, open_plain(&shop));

    assert_true(slice_is_empty(found->client_ref));
    assert_true(slice_is_empty(found->notify_url));
    assert_true(slice_is_empty(found->origin));
    assert_true(slice_is_empty(found->data));
    assert_true(slice_is_empty(found->result));
    assert_true(slice_is_empty(found->outcome));
    assert_int_equal(found->deadline.us, 0);
    assert_int_equal(found->ended.us, 0);
    assert_int_equal(found->code, 0);
    assert_int_equal(found->event.value, 0);
    assert_int_equal(found->steps, 0);
    assert_false(found->expires);
    assert_false(found->is_delayed);
    operation_free(found);
}

static void the_caller_may_choose_the_id_once(void **state)
{
    struct shop shop = make_shop(state);
    struct operation chosen = plain_operation(&shop);
    struct store_open_operation again = {.operation = &chosen};

    chosen.id.value = id_floor(harness_now(shop.harness)).value + 12345;
    assert_int_equal(open_it(&shop, chosen).value, chosen.id.value);
    chosen.command = SLICE("other");
    assert_int_equal(CALL(shop.harness, open_operation, &again), ERR_EXISTS);
    struct operation *found = read_it(&shop, chosen.id);
    assert_slice_is(found->command, "domain-create");
    operation_free(found);
}

static void the_stores_own_ids_step_around_chosen_ones(void **state)
{
    struct shop shop = make_shop(state);
    struct operation chosen = plain_operation(&shop);
    struct id first = open_plain(&shop);

    for (uint64_t steps = 1; steps <= 3; steps++) {
        chosen.id = id_offset(first, steps);
        (void)open_it(&shop, chosen);
    }
    assert_int_equal(open_plain(&shop).value, id_offset(first, 4).value);
}

static void an_operation_of_another_account_is_not_found(void **state)
{
    struct shop shop = make_shop(state);
    struct shop other = shop;

    other.account = make_account(shop.harness, "other");
    struct id id = open_plain(&shop);
    assert_true(is_gone(&other, id));
    for (int kind = STORE_ADVANCE_STEP; kind <= STORE_ADVANCE_DELAY; kind++) {
        assert_int_equal(move(&other, (enum store_advance_kind)kind, id), ERR_NOT_FOUND);
    }
    assert_state_and_steps(&shop, id, OPERATION_PENDING, 0);
    assert_int_equal(count_events(&shop) + count_events(&other), 0);
}

static void an_account_that_is_gone_gets_no_operation(void **state)
{
    struct shop shop = make_shop(state);
    struct operation operation = plain_operation(&shop);
    struct store_open_operation open = {.operation = &operation};
    struct store_remove removal = {.account = shop.account};
    struct id before = open_plain(&shop);

    assert_int_equal(CALL(shop.harness, remove, &removal), OK);
    assert_int_equal(CALL(shop.harness, open_operation, &open), ERR_NOT_FOUND);
    assert_int_equal(operation.id.value, 0);
    assert_int_equal(move(&shop, STORE_ADVANCE_STEP, before), ERR_NOT_FOUND);
}

/* ---- Opening once ---------------------------------------------------------------------------- */

static struct store_open_operation open_keyed(const struct shop *shop, uint8_t key, uint8_t body)
{
    struct operation operation = plain_operation(shop);
    struct store_open_operation open = {
        .operation = &operation, .is_idempotent = true, .idempotency = {key}, .body = {body}};
    enum err err = CALL(shop->harness, open_operation, &open);
    bool is_new = err == OK && !open.is_duplicate;

    assert_int_equal(operation.id.value, is_new ? open.id.value : 0);
    open.operation = NULL;
    return open;
}

static void the_same_key_and_body_is_the_first_operation(void **state)
{
    struct shop shop = make_shop(state);
    struct store_open_operation first = open_keyed(&shop, 1, 1);

    assert_false(first.is_duplicate);
    for (int round = 0; round < 2; round++) {
        struct store_open_operation again = open_keyed(&shop, 1, 1);

        assert_int_equal(again.request.err, OK);
        assert_true(again.is_duplicate);
        assert_int_equal(again.id.value, first.id.value);
        harness_reopen(shop.harness);
    }
    assert_int_equal(open_keyed(&shop, 1, 2).request.err, ERR_CONFLICT);
    assert_false(open_keyed(&shop, 2, 1).is_duplicate);
}

/* The key decides before the id does: what is sent again may come with a new one. */
static void a_duplicate_with_a_chosen_id_is_still_the_first(void **state)
{
    struct shop shop = make_shop(state);
    struct store_open_operation first = open_keyed(&shop, 1, 1);
    struct operation chosen = plain_operation(&shop);
    struct store_open_operation again = {
        .operation = &chosen, .is_idempotent = true, .idempotency = {1}, .body = {1}};

    chosen.id = id_offset(first.id, 77);
    assert_int_equal(CALL(shop.harness, open_operation, &again), OK);
    assert_true(again.is_duplicate);
    assert_int_equal(again.id.value, first.id.value);
    assert_true(is_gone(&shop, id_offset(first.id, 77)));
}

static void a_key_counts_for_a_day_and_goes_then(void **state)
{
    struct shop shop = make_shop(state);
    struct store_open_operation first = open_keyed(&shop, 1, 1);

    harness_advance(shop.harness, STORE_IDEMPOTENCY_US - US_PER_SECOND);
    (void)retain_at(&shop, 100);
    assert_true(open_keyed(&shop, 1, 1).is_duplicate);
    harness_advance(shop.harness, 2 * US_PER_SECOND);
    struct store_open_operation second = open_keyed(&shop, 1, 2);
    assert_false(second.is_duplicate);
    assert_true(second.id.value > first.id.value);
    (void)retain_at(&shop, 100); /* ends the first use, not the second */
    assert_int_equal(open_keyed(&shop, 1, 2).id.value, second.id.value);
    harness_advance(shop.harness, STORE_IDEMPOTENCY_US + US_PER_SECOND);
    assert_true(retain_at(&shop, 100) > 0);
    assert_int_equal(retain_at(&shop, 100), 0);
    assert_false(is_gone(&shop, first.id)); /* the keys went, the operations did not */
    assert_false(is_gone(&shop, second.id));
}

/* ---- Deadlines are told ---------------------------------------------------------------------- */

static void a_new_deadline_is_told(void **state)
{
    struct shop shop = make_shop(state);
    struct operation operation = plain_operation(&shop);
    struct store_open_operation open = {
        .operation = &operation, .is_idempotent = true, .idempotency = {1}, .body = {1}};

    (void)open_plain(&shop); /* without one */
    assert_int_equal(shop.harness->notes_len, 0);
    operation.deadline.us = harness_now(shop.harness).us + US_PER_HOUR;
    for (int round = 0; round < 2; round++) {
        operation.id = ID_NONE;
        assert_int_equal(CALL(shop.harness, open_operation, &open), OK);
        assert_int_equal(open.is_duplicate, round == 1);
        assert_int_equal(shop.harness->notes_len, 1);
    }
    assert_int_equal(shop.harness->notes[0].kind, NOTE_DEADLINE);
    assert_int_equal(shop.harness->notes[0].deadline.us, operation.deadline.us);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void a_step_is_counted_and_told(void **state)
{
    struct shop shop = make_shop(state);
    struct id id = open_plain(&shop);

    for (uint32_t steps = 1; steps <= 3; steps++) {
        assert_int_equal(move(&shop, STORE_ADVANCE_STEP, id), OK);
        assert_state_and_steps(&shop, id, OPERATION_PENDING, steps);
        assert_int_equal(count_events(&shop), steps);
    }
    assert_int_equal(shop.harness->notes_len, 3);
    assert_int_equal(shop.harness->notes[2].kind, NOTE_PUBLISHED);
    harness_reopen(shop.harness);
    assert_state_and_steps(&shop, id, OPERATION_PENDING, 3);
}

static struct store_advance step_keyed(const struct shop *shop, struct id id, uint8_t key,
                                       uint8_t body)
{
    struct store_advance advance = make_advance(shop, STORE_ADVANCE_STEP, id);

    advance.item.is_idempotent = true;
    advance.item.idempotency[0] = key;
    advance.item.body[0] = body;
    assert_int_equal(run_advance(shop, &advance), OK);
    return advance;
}

static void a_step_that_is_sent_again_is_counted_once(void **state)
{
    struct shop shop = make_shop(state);
    struct id id = open_plain(&shop);
    struct store_advance first = step_keyed(&shop, id, 1, 1);
    struct store_advance again = step_keyed(&shop, id, 1, 1);

    assert_true(again.is_duplicate);
    assert_int_equal(again.item.id.value, first.item.id.value);
    assert_int_equal(step_keyed(&shop, id, 1, 2).item.err, ERR_CONFLICT);
    assert_state_and_steps(&shop, id, OPERATION_PENDING, 1);
    assert_int_equal(shop.harness->notes_len, 1);
    assert_false(step_keyed(&shop, id, 2, 1).is_duplicate);
    assert_state_and_steps(&shop, id, OPERATION_PENDING, 2);
}

/* The answer to the first one was lost on its way, and the operation ended meanwhile. */
static void a_step_that_is_sent_again_after_the_end_is_still_the_first(void **state)
{
    struct shop shop = make_shop(state);
    struct id id = open_plain(&shop);
    struct store_advance first = step_keyed(&shop, id, 1, 1);

    assert_int_equal(move(&shop, STORE_ADVANCE_END, id), OK);
    struct store_advance again = step_keyed(&shop, id, 1, 1);
    assert_true(again.is_duplicate);
    assert_int_equal(again.item.id.value, first.item.id.value);
}

/* ---- The end --------------------------------------------------------------------------------- */

static void an_end_is_stored_with_the_event_that_tells_it(void **state)
{
    struct shop shop = make_shop(state);
    struct id id = open_plain(&shop);
    struct store_advance end = make_advance(&shop, STORE_ADVANCE_END, id);

    harness_advance(shop.harness, US_PER_HOUR);
    end.state = OPERATION_FAILED;
    end.code = 2303;
    end.outcome = SLICE("{\"reason\": 1.00}");
    assert_int_equal(run_advance(&shop, &end), OK);
    for (int round = 0; round < 2; round++) {
        struct operation *found = read_it(&shop, id);

        assert_int_equal(found->state, OPERATION_FAILED);
        assert_int_equal(found->code, 2303);
        assert_slice_is(found->result, "Command completed successfully");
        assert_slice_is(found->outcome, "{\"reason\": 1.00}");
        assert_slice_is(found->command, "domain-create");
        assert_int_equal(found->event.value, end.item.id.value);
        assert_int_equal(found->ended.us, harness_now(shop.harness).us);
        assert_int_equal(found->created.us, found->ended.us - US_PER_HOUR);
        operation_free(found);
        harness_reopen(shop.harness);
    }
    assert_int_equal(count_events(&shop), 1);
}

static void the_same_end_again_is_the_first_one(void **state)
{
    struct shop shop = make_shop(state);
    struct id id = open_plain(&shop);
    struct store_target target = {.channel = shop.queue, .way = STORE_QUEUE};
    struct store_advance first = make_advance(&shop, STORE_ADVANCE_END, id);

    first.item.targets = &target;
    first.item.targets_len = 1;
    assert_int_equal(run_advance(&shop, &first), OK);
    for (int round = 0; round < 2; round++) {
        struct store_advance again = make_advance(&shop, STORE_ADVANCE_END, id);

        assert_int_equal(run_advance(&shop, &again), OK);
        assert_true(again.is_duplicate);
        assert_int_equal(again.item.id.value, first.item.id.value);
        assert_int_equal(again.item.deliveries, 1);
        harness_reopen(shop.harness);
    }
    assert_int_equal(count_events(&shop), 1);
    assert_int_equal(shop.harness->notes_len, 1);
}

static void what_ended_does_not_move_any_more(void **state)
{
    struct shop shop = make_shop(state);
    struct id id = open_plain(&shop);

    assert_int_equal(move(&shop, STORE_ADVANCE_END, id), OK);
    for (int kind = STORE_ADVANCE_STEP; kind <= STORE_ADVANCE_DELAY; kind++) {
        struct store_advance late = make_advance(&shop, (enum store_advance_kind)kind, id);

        late.body[0] = 2;
        late.state = OPERATION_FAILED;
        assert_int_equal(run_advance(&shop, &late), ERR_CONFLICT);
        assert_false(late.is_duplicate);
    }
    assert_state_and_steps(&shop, id, OPERATION_COMPLETED, 0);
    assert_int_equal(count_events(&shop), 1);
    assert_int_equal(shop.harness->notes_len, 1);
}

static void of_two_ends_in_one_transaction_the_first_counts(void **state)
{
    struct shop shop = make_shop(state);
    struct hold hold = HOLD_INIT;
    struct store_remove removal = {.account = make_account(shop.harness, "other")};
    struct store_advance ends[3];
    struct id id = open_plain(&shop);

    hold_on_change(shop.harness, &hold);
    harness_send(shop.harness, STORE_CALL_remove, &removal.request);
    hold_wait(&hold);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        ends[i] = make_advance(&shop, STORE_ADVANCE_END, id);
        ends[i].body[0] = i == 1 ? 2 : 1;
        harness_send(shop.harness, STORE_CALL_advance, &ends[i].request);
    }
    hold_end(&hold);
    assert_int_equal(harness_await(shop.harness, &removal.request), OK);
    assert_int_equal(harness_await(shop.harness, &ends[0].request), OK);
    assert_int_equal(harness_await(shop.harness, &ends[1].request), ERR_CONFLICT);
    assert_int_equal(harness_await(shop.harness, &ends[2].request), OK);
    assert_false(ends[0].is_duplicate);
    assert_true(ends[2].is_duplicate);
    assert_int_equal(ends[2].item.id.value, ends[0].item.id.value);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        event_release(ends[i].item.event);
    }
    assert_int_equal(count_events(&shop), 1);
}

static void what_is_not_there_does_not_move(void **state)
{
    struct shop shop = make_shop(state);

    assert_int_equal(move(&shop, STORE_ADVANCE_END, (struct id){4711}), ERR_NOT_FOUND);
    assert_int_equal(count_events(&shop), 0);
    assert_int_equal(shop.harness->notes_len, 0);
}

/* ---- The event that tells it ----------------------------------------------------------------- */

static struct id end_with_target(const struct shop *shop, struct id channel, enum store_way way)
{
    struct store_target target = {.channel = channel, .way = way};
    struct store_advance end = make_advance(shop, STORE_ADVANCE_END, open_plain(shop));

    end.item.targets = &target;
    end.item.targets_len = 1;
    assert_int_equal(run_advance(shop, &end), OK);
    assert_int_equal(end.item.deliveries, 1);
    return event_delivery_id(end.item.id, 0);
}

static void its_deliveries_are_like_those_of_any_event(void **state)
{
    struct shop shop = make_shop(state);
    struct id fresh = end_with_target(&shop, shop.webhook, STORE_FRESH);
    struct id waiting = end_with_target(&shop, shop.webhook, STORE_WAITING);
    struct id message = end_with_target(&shop, shop.queue, STORE_QUEUE);

    assert_true(see_delivery(shop.harness, shop.account, fresh).is_fresh);
    assert_int_equal(count_pending(shop.harness), 2);
    settle_final(shop.harness, shop.account, shop.webhook, fresh, true, DELIVERY_DELIVERED);
    settle_final(shop.harness, shop.account, shop.webhook, waiting, false, DELIVERY_FAILED);
    assert_state(shop.harness, shop.account, fresh, DELIVERY_DELIVERED);
    assert_state(shop.harness, shop.account, waiting, DELIVERY_FAILED);
    assert_state(shop.harness, shop.account, message, DELIVERY_PENDING);
}

/* Invariant 4 of store.h holds for events of operations too. */
static void a_restart_loses_no_fresh_delivery_of_it(void **state)
{
    struct shop shop = make_shop(state);
    struct id fresh = end_with_target(&shop, shop.webhook, STORE_FRESH);

    harness_reopen(shop.harness);
    assert_false(see_delivery(shop.harness, shop.account, fresh).is_fresh);
    assert_int_equal(count_pending(shop.harness), 1);
}

/* Not in a test's frame: the store is closed behind the test. */
static struct fault_plan plan;

/* Call number k of begin, the write itself and commit fails. */
static void advance_with_fault(void **state, uint64_t k)
{
    struct shop shop = make_shop(state);
    struct id id = open_plain(&shop);

    harness_close(shop.harness);
    plan = (struct fault_plan){.inner = harness_engine(), .err = ERR_FULL};
    shop.harness->options.engine = fault_engine(&plan);
    harness_open(shop.harness);
    plan.fail_at = plan.calls + k;
    plan.kind = FAULT_ONCE;
    assert_int_equal(move(&shop, STORE_ADVANCE_END, id), ERR_FULL);
    assert_state_and_steps(&shop, id, OPERATION_PENDING, 0);
    assert_int_equal(count_events(&shop), 0);
    assert_int_equal(shop.harness->notes_len, 0);
    plan.is_mended = true;
    harness_advance(shop.harness, 10 * US_PER_SECOND); /* the store looks again now and then */
    assert_int_equal(move(&shop, STORE_ADVANCE_END, id), OK);
    assert_state_and_steps(&shop, id, OPERATION_COMPLETED, 0);
    assert_int_equal(count_events(&shop), 1);
}

static void on_a_full_disk_neither_the_end_nor_its_event_is_there(void **state)
{
    advance_with_fault(state, 2);
}

static void a_failed_commit_leaves_neither_the_end_nor_its_event(void **state)
{
    advance_with_fault(state, 3);
}

/* ---- Lists ----------------------------------------------------------------------------------- */

/* Goes through all pages; returns how many came, and checks that they come newest first. */
static size_t page_through(const struct shop *shop, struct store_list_operations *list,
                           size_t *pages)
{
    uint64_t before = UINT64_MAX;
    size_t count = 0;

    *pages = 0;
    do {
        assert_int_equal(CALL(shop->harness, list_operations, list), OK);
        for (size_t i = 0; i < list->operations_len; i++) {
            assert_true(list->operations[i]->id.value < before);
            before = list->operations[i]->id.value;
        }
        assert_true(list->operations_len <= list->page.max);
        count += list->operations_len;
        list->page.after = list->page.last;
        store_request_clear(&list->request);
        (*pages)++;
    } while (list->page.has_more);
    return count;
}

static void a_list_has_those_of_the_account_and_period_newest_first(void **state)
{
    struct shop shop = make_shop(state);
    struct shop other = shop;
    struct id ids[10];
    size_t pages = 0;

    other.account = make_account(shop.harness, "other");
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        harness_advance(shop.harness, US_PER_SECOND);
        ids[i] = open_plain(&shop);
        (void)open_plain(&other);
    }
    struct store_list_operations all = {
        .page.account = shop.account, .page.to = ID_LAST, .page.max = 3, .bytes_max = BYTES_MAX};
    assert_int_equal(page_through(&shop, &all, &pages), ARRAY_LEN(ids));
    assert_int_equal(pages, 4);
    struct store_list_operations some = {.page.account = shop.account,
                                         .page.from = ids[2],
                                         .page.to = ids[7],
                                         .page.max = 100,
                                         .bytes_max = BYTES_MAX};
    assert_int_equal(CALL(shop.harness, list_operations, &some), OK);
    assert_int_equal(some.operations_len, 5);
    assert_false(some.page.has_more);
    assert_int_equal(some.operations[0]->id.value, ids[6].value);
    assert_int_equal(some.operations[4]->id.value, ids[2].value);
    assert_int_equal(some.page.last.value, ids[2].value);
    store_request_clear(&some.request);
}

static void a_list_may_be_of_one_state(void **state)
{
    struct shop shop = make_shop(state);
    struct id pending = open_plain(&shop);
    struct id ended = open_plain(&shop);
    struct store_list_operations list = {.page.account = shop.account,
                                         .page.to = ID_LAST,
                                         .has_state = true,
                                         .page.max = 10,
                                         .bytes_max = BYTES_MAX};

    assert_int_equal(move(&shop, STORE_ADVANCE_END, ended), OK);
    for (int wanted = OPERATION_PENDING; wanted <= OPERATION_EXPIRED; wanted++) {
        list.state = (enum operation_state)wanted;
        assert_int_equal(CALL(shop.harness, list_operations, &list), OK);
        assert_int_equal(list.operations_len, wanted <= OPERATION_COMPLETED);
        if (list.operations_len > 0) {
            assert_int_equal(list.operations[0]->id.value,
                             wanted == OPERATION_PENDING ? pending.value : ended.value);
        }
        store_request_clear(&list.request);
    }
}

/* Opens `count` in few transactions. */
static void open_many(const struct shop *shop, size_t count, struct slice data)
{
    struct store_open_operation *opens = MEM_ARRAY(count, struct store_open_operation);
    struct operation *operations = MEM_ARRAY(count, struct operation);

    for (size_t i = 0; i < count; i++) {
        operations[i] = plain_operation(shop);
        operations[i].data = data;
        opens[i].operation = &operations[i];
        harness_send(shop->harness, STORE_CALL_open_operation, &opens[i].request);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(harness_await(shop->harness, &opens[i].request), OK);
    }
    mem_free(operations);
    mem_free(opens);
}

/* A call looks at a bounded number; what lies behind comes with the next ones, by the cursor. */
static void a_rare_state_is_found_behind_thousands_of_others(void **state)
{
    enum { MANY = 9000 };
    struct shop shop = make_shop(state);
    struct id rare = open_plain(&shop);
    struct store_list_operations list = {.page.account = shop.account,
                                         .page.to = ID_LAST,
                                         .has_state = true,
                                         .state = OPERATION_COMPLETED,
                                         .page.max = 10,
                                         .bytes_max = BYTES_MAX};
    size_t pages = 0;

    assert_int_equal(move(&shop, STORE_ADVANCE_END, rare), OK);
    open_many(&shop, MANY, SLICE(""));
    assert_int_equal(page_through(&shop, &list, &pages), 1);
    list.has_state = false;
    list.page.after = ID_NONE;
    list.page.max = 10000;
    assert_int_equal(page_through(&shop, &list, &pages), MANY + 1);
}

static void large_operations_come_in_several_answers(void **state)
{
    enum { MANY = 10, PER_ANSWER = BYTES_MAX / OPERATION_DATA_BYTES_MAX };
    struct shop shop = make_shop(state);
    struct store_list_operations list = {
        .page.account = shop.account, .page.to = ID_LAST, .page.max = 100, .bytes_max = BYTES_MAX};
    char *data = mem_new(1, OPERATION_DATA_BYTES_MAX);
    size_t pages = 0;

    memset(data, '1', OPERATION_DATA_BYTES_MAX);
    open_many(&shop, MANY, slice_from(data, OPERATION_DATA_BYTES_MAX));
    assert_int_equal(page_through(&shop, &list, &pages), MANY);
    assert_int_equal(pages, (MANY + PER_ANSWER - 1) / PER_ANSWER);
    list = (struct store_list_operations){
        .page.account = shop.account, .page.to = ID_LAST, .page.max = 100};
    assert_int_equal(page_through(&shop, &list, &pages), MANY);
    assert_int_equal(pages, MANY); /* one comes whatever its size */
    mem_free(data);
}

/* ---- Due ------------------------------------------------------------------------------------- */

/* What is due now, at most max; clear the request. */
static struct store_due_operations read_due(const struct shop *shop, uint32_t max)
{
    struct store_due_operations due = {
        .now = harness_now(shop->harness), .max = max, .bytes_max = BYTES_MAX};

    assert_int_equal(CALL(shop->harness, due_operations, &due), OK);
    return due;
}

/* That exactly these are due, in this order, and when the next one is. */
static void assert_due(const struct shop *shop, const struct id *ids, size_t len, struct wall next)
{
    struct store_due_operations due = read_due(shop, 100);

    assert_int_equal(due.operations_len, len);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(due.operations[i]->id.value, ids[i].value);
    }
    assert_int_equal(due.next.us, next.us);
    store_request_clear(&due.request);
}

static void deadlines_come_in_their_order_and_not_early(void **state)
{
    struct shop shop = make_shop(state);
    struct wall start = harness_now(shop.harness);
    struct wall late = {start.us + 2 * US_PER_HOUR};

    assert_due(&shop, NULL, 0, WALL_NEVER);
    (void)open_plain(&shop);
    struct id ids[2] = {ID_NONE, open_with_deadline(&shop, 2 * US_PER_HOUR)};
    ids[0] = open_with_deadline(&shop, US_PER_HOUR);
    harness_advance(shop.harness, US_PER_HOUR - 1);
    assert_due(&shop, NULL, 0, (struct wall){start.us + US_PER_HOUR});
    harness_advance(shop.harness, 1);
    assert_due(&shop, ids, 1, late);
    harness_reopen(shop.harness);
    assert_due(&shop, ids, 1, late);
    harness_advance(shop.harness, US_PER_HOUR);
    assert_due(&shop, ids, 2, WALL_NEVER);
}

static void due_operations_come_whole_and_at_most_as_many_as_wanted(void **state)
{
    struct shop shop = make_shop(state);
    struct operation operation = plain_operation(&shop);

    operation.data = SLICE("{\"a\": 1.0}");
    operation.deadline = harness_now(shop.harness);
    operation.expires = true;
    (void)open_it(&shop, operation);
    (void)open_with_deadline(&shop, US_PER_SECOND);
    harness_advance(shop.harness, US_PER_HOUR);
    struct store_due_operations due = read_due(&shop, 1);
    assert_int_equal(due.operations_len, 1);
    assert_slice_is(due.operations[0]->data, "{\"a\": 1.0}");
    assert_int_equal(due.operations[0]->account.value, shop.account.value);
    assert_true(due.operations[0]->expires);
    assert_true(due.next.us < harness_now(shop.harness).us); /* more is due */
    store_request_clear(&due.request);
}

static void large_due_operations_come_in_several_answers(void **state)
{
    struct shop shop = make_shop(state);
    struct operation operation = plain_operation(&shop);
    char *data = mem_new(1, OPERATION_DATA_BYTES_MAX);

    memset(data, '1', OPERATION_DATA_BYTES_MAX);
    operation.data = slice_from(data, OPERATION_DATA_BYTES_MAX);
    operation.deadline = harness_now(shop.harness);
    for (size_t i = 0; i < 6; i++) {
        (void)open_it(&shop, operation);
    }
    struct store_due_operations due = read_due(&shop, 100);
    assert_int_equal(due.operations_len, BYTES_MAX / OPERATION_DATA_BYTES_MAX);
    assert_int_equal(due.next.us, operation.deadline.us);
    store_request_clear(&due.request);
    mem_free(data);
}

static void what_was_told_or_has_ended_is_not_due(void **state)
{
    struct shop shop = make_shop(state);
    struct id delayed = open_with_deadline(&shop, US_PER_SECOND);
    struct id ended = open_with_deadline(&shop, US_PER_SECOND);

    harness_advance(shop.harness, US_PER_MINUTE);
    assert_int_equal(move(&shop, STORE_ADVANCE_DELAY, delayed), OK);
    assert_int_equal(move(&shop, STORE_ADVANCE_DELAY, delayed), ERR_CONFLICT);
    assert_int_equal(move(&shop, STORE_ADVANCE_END, ended), OK);
    for (int round = 0; round < 2; round++) {
        assert_due(&shop, NULL, 0, WALL_NEVER);
        harness_reopen(shop.harness);
    }
    struct operation *found = read_it(&shop, delayed);
    assert_true(found->is_delayed);
    assert_int_equal(found->state, OPERATION_PENDING);
    operation_free(found);
    assert_int_equal(count_events(&shop), 2);
    assert_int_equal(move(&shop, STORE_ADVANCE_STEP, delayed), OK); /* it goes on as before */
}

static void an_operation_may_expire(void **state)
{
    struct shop shop = make_shop(state);
    struct id id = open_with_deadline(&shop, US_PER_SECOND);
    struct store_advance end = make_advance(&shop, STORE_ADVANCE_END, id);

    end.state = OPERATION_EXPIRED;
    assert_int_equal(run_advance(&shop, &end), OK);
    assert_state_and_steps(&shop, id, OPERATION_EXPIRED, 0);
}

static void deadlines_of_a_removed_account_do_not_come(void **state)
{
    struct shop shop = make_shop(state);
    struct shop other = shop;
    struct store_remove removal = {.account = shop.account};

    other.account = make_account(shop.harness, "other");
    (void)open_with_deadline(&shop, US_PER_SECOND);
    struct id kept = open_with_deadline(&other, 2 * US_PER_SECOND);
    assert_int_equal(CALL(shop.harness, remove, &removal), OK);
    harness_advance(shop.harness, US_PER_MINUTE);
    assert_due(&other, &kept, 1, WALL_NEVER);
}

/* ---- Retention ------------------------------------------------------------------------------- */

/* By the time of its end, whenever it began: its event is there as long. */
static void what_ended_long_ago_goes(void **state)
{
    struct shop shop = make_shop(state);
    struct id old = open_plain(&shop);
    struct id young = open_plain(&shop);

    assert_int_equal(move(&shop, STORE_ADVANCE_END, old), OK);
    harness_advance(shop.harness, US_PER_DAY);
    assert_int_equal(move(&shop, STORE_ADVANCE_END, young), OK);
    harness_advance(shop.harness, REST_AGE_US - US_PER_HOUR);
    assert_true(retain_at(&shop, 100) > 0);
    for (int round = 0; round < 2; round++) {
        assert_true(is_gone(&shop, old));
        assert_false(is_gone(&shop, young));
        harness_reopen(shop.harness);
    }
}

static void what_is_pending_stays_however_old(void **state)
{
    struct shop shop = make_shop(state);
    struct id plain = open_plain(&shop);
    struct id delayed = open_with_deadline(&shop, US_PER_SECOND);

    assert_int_equal(move(&shop, STORE_ADVANCE_DELAY, delayed), OK);
    harness_advance(shop.harness, 10 * REST_AGE_US);
    (void)retain_at(&shop, 1);
    assert_state_and_steps(&shop, plain, OPERATION_PENDING, 0);
    assert_state_and_steps(&shop, delayed, OPERATION_PENDING, 0);
    assert_int_equal(move(&shop, STORE_ADVANCE_END, plain), OK);
}

static void small_slices_do_all_that_one_does(void **state)
{
    enum { MANY = 20 };
    struct shop shop = make_shop(state);
    struct id ids[MANY];

    for (size_t i = 0; i < MANY; i++) {
        ids[i] = open_keyed(&shop, (uint8_t)(1 + i), 1).id;
        assert_int_equal(move(&shop, STORE_ADVANCE_END, ids[i]), OK);
    }
    harness_advance(shop.harness, REST_AGE_US + US_PER_DAY);
    (void)retain_at(&shop, 3);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(is_gone(&shop, ids[i]));
    }
    assert_int_equal(retain_at(&shop, 3), 0);
}

static void the_operations_of_a_removed_account_go_with_it(void **state)
{
    enum { MANY = 20 };
    struct shop shop = make_shop(state);
    struct shop other = shop;
    struct store_remove removal = {.account = shop.account};
    struct id ids[MANY];

    other.account = make_account(shop.harness, "other");
    struct id kept = open_plain(&other);
    for (size_t i = 0; i < MANY; i++) {
        ids[i] = open_with_deadline(&shop, US_PER_DAY);
    }
    assert_int_equal(CALL(shop.harness, remove, &removal), OK);
    harness_reopen(shop.harness); /* it is not forgotten over that */
    assert_true(retain_at(&shop, 3) >= MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(is_gone(&shop, ids[i]));
    }
    assert_false(is_gone(&other, kept));
    assert_int_equal(retain_at(&shop, 3), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(an_operation_comes_back_with_every_field_it_had),
        ENGINE_TEST(a_new_operation_has_nothing_that_it_was_not_given),
        ENGINE_TEST(the_caller_may_choose_the_id_once),
        ENGINE_TEST(the_stores_own_ids_step_around_chosen_ones),
        ENGINE_TEST(an_operation_of_another_account_is_not_found),
        ENGINE_TEST(an_account_that_is_gone_gets_no_operation),
        ENGINE_TEST(the_same_key_and_body_is_the_first_operation),
        ENGINE_TEST(a_duplicate_with_a_chosen_id_is_still_the_first),
        ENGINE_TEST(a_key_counts_for_a_day_and_goes_then),
        ENGINE_TEST(a_new_deadline_is_told),
        ENGINE_TEST(a_step_is_counted_and_told),
        ENGINE_TEST(a_step_that_is_sent_again_is_counted_once),
        ENGINE_TEST(a_step_that_is_sent_again_after_the_end_is_still_the_first),
        ENGINE_TEST(an_end_is_stored_with_the_event_that_tells_it),
        ENGINE_TEST(the_same_end_again_is_the_first_one),
        ENGINE_TEST(what_ended_does_not_move_any_more),
        ENGINE_TEST(of_two_ends_in_one_transaction_the_first_counts),
        ENGINE_TEST(what_is_not_there_does_not_move),
        ENGINE_TEST(its_deliveries_are_like_those_of_any_event),
        ENGINE_TEST(a_restart_loses_no_fresh_delivery_of_it),
        ENGINE_TEST(on_a_full_disk_neither_the_end_nor_its_event_is_there),
        ENGINE_TEST(a_failed_commit_leaves_neither_the_end_nor_its_event),
        ENGINE_TEST(a_list_has_those_of_the_account_and_period_newest_first),
        ENGINE_TEST(a_list_may_be_of_one_state),
        ENGINE_TEST(a_rare_state_is_found_behind_thousands_of_others),
        ENGINE_TEST(large_operations_come_in_several_answers),
        ENGINE_TEST(deadlines_come_in_their_order_and_not_early),
        ENGINE_TEST(due_operations_come_whole_and_at_most_as_many_as_wanted),
        ENGINE_TEST(large_due_operations_come_in_several_answers),
        ENGINE_TEST(what_was_told_or_has_ended_is_not_due),
        ENGINE_TEST(an_operation_may_expire),
        ENGINE_TEST(deadlines_of_a_removed_account_do_not_come),
        ENGINE_TEST(what_ended_long_ago_goes),
        ENGINE_TEST(what_is_pending_stays_however_old),
        ENGINE_TEST(small_slices_do_all_that_one_does),
        ENGINE_TEST(the_operations_of_a_removed_account_go_with_it),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
