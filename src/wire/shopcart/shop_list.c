/*
 * Orders/LIST and Orders/COUNT.
 *
 * Orders are the events that announce one. They are read newest first, slice by slice; of several
 * events with one number the newest counts. In the usual order, the newest first, that ends as soon
 * as the wanted part is there. Every other order, and the count, need all of the period, which is
 * why there is a limit to how much is looked at.
 */
#include "base/map.h"
#include "base/mem.h"
#include "wire/shopcart/decimal.h"
#include "wire/shopcart/order.h"
#include "wire/shopcart/shop.h"
#include "wire/shopcart/shop_limits.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOKED_MAX = 100000,           /* events; what is kept of each takes some 200 bytes */
    SLICES_MAX = 1000,             /* the store looks at some thousand events for each */
    SLICE_EVENTS_MAX = 1000,       /* in one answer of the store */
    SLICE_BYTES_MAX = 1024 * 1024, /* of data in one answer of the store */
    TOTAL_BYTES_MAX = 2 * DECIMAL_DIGITS_MAX,
};

struct order_entry {
    uint32_t place; /* by time, from 0 for the newest */
    bool has_total;
    struct decimal total;
    struct slice number; /* or the token, where it has none; behind the entry */
};

struct listing {
    struct shop_call *call;
    struct shop_limits limits;
    bool counts_only;
    struct store_list_events list;
    struct map seen;              /* entries by number */
    struct order_entry **entries; /* owned; the entries themselves go with the exchange */
    size_t entries_len, entries_room;
    uint32_t looked, slices;
};

static const struct wire_settings *settings_of(const struct listing *listing)
{
    return &app_of(listing->call->exchange)->settings;
}

/* ---- collecting ---- */

static void append(struct listing *listing, struct order_entry *entry)
{
    if (listing->entries_len == listing->entries_room) {
        listing->entries_room = listing->entries_room == 0 ? 128 : 2 * listing->entries_room;
        listing->entries =
            mem_resize(listing->entries, listing->entries_room, sizeof(struct order_entry *));
    }
    entry->place = (uint32_t)listing->entries_len;
    listing->entries[listing->entries_len++] = entry;
}

static void read_total(const struct order_data *data, struct order_entry *entry)
{
    struct buf text;

    buf_init(&text, TOTAL_BYTES_MAX);
    entry->has_total = order_data_member(data, "GrandTotal", &text) && buf_check(&text) == OK &&
                       decimal_parse(buf_view(&text), &entry->total) == OK;
    buf_clear(&text);
}

static void add_order(struct listing *listing, const struct order_data *data, struct slice number)
{
    struct exchange *exchange = listing->call->exchange;

    if (map_get(&listing->seen, number) != NULL) {
        return; /* a newer event of it came before */
    }
    struct order_entry *entry = exchange_new(exchange, sizeof *entry + number.len);
    char *copy = (char *)(entry + 1);
    memcpy(copy, number.ptr, number.len);
    entry->number = slice_from(copy, number.len);
    if (listing->limits.is_by_total) {
        read_total(data, entry);
    }
    (void)map_put(&listing->seen, entry->number, entry); /* there was none */
    append(listing, entry);
}

static void add_event(struct listing *listing, const struct event *event)
{
    const struct wire_settings *settings = settings_of(listing);
    const struct shopcart_type *type = order_type(&settings->shopcart, event->type);
    struct order_data data;
    struct buf number;

    if (type == NULL || !order_is_announced(type)) {
        return;
    }
    buf_init(&number, ORDER_NUMBER_BYTES_MAX);
    order_data_open(&data, event);
    if (data.form != ORDER_GONE) { /* what READ does not find any more */
        order_data_title(&data, settings->alias_key, event, &number);
        add_order(listing, &data, buf_view(&number));
    }
    order_data_close(&data);
    buf_clear(&number);
}

/* ---- the order ---- */

static int compare_places(const struct order_entry *a, const struct order_entry *b)
{
    return (a->place > b->place) - (a->place < b->place);
}

static int newest_first(const void *a, const void *b)
{
    return compare_places(*(struct order_entry *const *)a, *(struct order_entry *const *)b);
}

static int oldest_first(const void *a, const void *b)
{
    return newest_first(b, a);
}

/* sign: 1 for the smallest first. Those without a total come last, equal ones newest first. */
static int compare_totals(const struct order_entry *a, const struct order_entry *b, int sign)
{
    int order = b->has_total - a->has_total;

    if (order == 0 && a->has_total) {
        order = sign * decimal_compare(&a->total, &b->total);
    }
    return order != 0 ? order : compare_places(a, b);
}

static int smallest_first(const void *a, const void *b)
{
    return compare_totals(*(struct order_entry *const *)a, *(struct order_entry *const *)b, 1);
}

static int largest_first(const void *a, const void *b)
{
    return compare_totals(*(struct order_entry *const *)a, *(struct order_entry *const *)b, -1);
}

static void sort(struct listing *listing)
{
    int (*compare)(const void *, const void *) = NULL;

    if (listing->limits.is_by_total) {
        compare = listing->limits.is_descending ? largest_first : smallest_first;
    } else {
        compare = listing->limits.is_descending ? newest_first : oldest_first;
    }
    if (listing->entries_len > 0) {
        qsort(listing->entries, listing->entries_len, sizeof(struct order_entry *), compare);
    }
}

/* ---- answering ---- */

static void put_orders(const struct listing *listing, struct buf *out)
{
    const struct shop_limits *limits = &listing->limits;
    struct shop_link link = {
        .name = "Order",
        .base = shop_reply_base(listing->call->exchange, listing->call->merchant),
        .path = SLICE("/Orders"),
    };

    buf_text(out, "<Orders>");
    for (uint64_t i = limits->offset;
         i < listing->entries_len && i < limits->offset + limits->count; i++) {
        link.id = listing->entries[i]->number;
        link.text = link.id;
        shop_reply_put_link(out, &link);
    }
    buf_text(out, "</Orders>");
}

static void answer_list(struct listing *listing)
{
    struct buf *out = shop_reply_begin(listing->call->exchange);

    sort(listing);
    if (listing->entries_len > listing->limits.offset + listing->limits.count) {
        shop_limits_put_next(&listing->limits, out);
    }
    put_orders(listing, out);
    shop_reply_end(listing->call->exchange);
}

static void answer_count(struct listing *listing)
{
    struct buf *out = shop_reply_begin(listing->call->exchange);

    buf_printf(out, "<Count>%zu</Count>", listing->entries_len);
    shop_reply_end(listing->call->exchange);
}

/* ---- reading the store ---- */

static bool is_usual_order(const struct listing *listing)
{
    return !listing->counts_only && !listing->limits.is_by_total && listing->limits.is_descending;
}

/* How many events may be needed still. */
static uint64_t wanted(const struct listing *listing)
{
    uint64_t all =
        listing->limits.offset + listing->limits.count + 1; /* one more: is there more? */

    if (!is_usual_order(listing)) {
        return SLICE_EVENTS_MAX;
    }
    return all > listing->entries_len ? all - listing->entries_len : 0;
}

static void ask(struct listing *listing);

static void go_on(struct listing *listing)
{
    if (!listing->list.page.has_more || wanted(listing) == 0) {
        if (listing->counts_only) {
            answer_count(listing);
        } else {
            answer_list(listing);
        }
    } else if (listing->looked >= LOOKED_MAX || listing->slices >= SLICES_MAX) {
        shop_reply_fail(listing->call->exchange, SHOP_ERROR_TOO_MANY);
    } else if (exchange_is_gone(listing->call->exchange)) {
        shop_reply_fail(listing->call->exchange, SHOP_ERROR_BUSY); /* nobody hears it */
    } else {
        ask(listing);
    }
}

static void listed(struct store_request *request)
{
    struct listing *listing = CONTAINER_OF(request, struct listing, list.request);

    if (request->err != OK) {
        store_request_clear(request);
        shop_reply_fail(listing->call->exchange, SHOP_ERROR_BUSY);
        return;
    }
    for (size_t i = 0; i < listing->list.events_len; i++) {
        add_event(listing, listing->list.events[i]);
    }
    listing->looked += (uint32_t)listing->list.events_len;
    listing->slices++;
    store_request_clear(request);
    go_on(listing);
}

static void ask(struct listing *listing)
{
    uint64_t max = wanted(listing);

    listing->list.page.after = listing->list.page.last;
    listing->list.page.max = max < SLICE_EVENTS_MAX ? (uint32_t)max : SLICE_EVENTS_MAX;
    exchange_submit(listing->call->exchange, STORE_CALL_list_events, &listing->list.request,
                    listed);
}

/* ---- the request ---- */

/* The only type that announces orders, for the store to look for; empty when there are several. */
static struct slice only_type(const struct shopcart_settings *settings)
{
    struct slice type = SLICE("");

    for (size_t i = 0; i < settings->types_len; i++) {
        if (order_is_announced(&settings->types[i])) {
            if (!slice_is_empty(type)) {
                return SLICE("");
            }
            type = settings->types[i].type;
        }
    }
    return type;
}

static void release(void *ctx)
{
    struct listing *listing = ctx;

    map_clear(&listing->seen);
    mem_free(listing->entries);
}

static void begin(struct shop_call *call, bool counts_only)
{
    struct listing *listing = exchange_new(call->exchange, sizeof *listing);

    listing->call = call;
    listing->counts_only = counts_only;
    for (size_t i = 0; i < SHOP_PARAMETER_END; i++) {
        listing->limits.given[i] = shop_input_get(&call->input, shop_parameter_names[i]);
    }
    enum shop_error error = shop_limits_read(&listing->limits);
    if (error != SHOP_OK) {
        shop_reply_fail(call->exchange, error);
        return;
    }
    map_init(&listing->seen, env_random_u64(exchange_env(call->exchange)));
    exchange_on_end(call->exchange, release, listing);
    listing->list.page.account = exchange_account(call->exchange)->id;
    listing->list.page.from = listing->limits.from;
    listing->list.page.to = listing->limits.to;
    listing->list.is_newest_first = true;
    listing->list.type = only_type(&settings_of(listing)->shopcart);
    listing->list.bytes_max = SLICE_BYTES_MAX;
    ask(listing);
}

void shop_list(struct shop_call *call)
{
    begin(call, /* counts_only= */ false);
}

/* Takes the dates of LIST; what else LIST takes changes nothing. */
void shop_count(struct shop_call *call)
{
    begin(call, /* counts_only= */ true);
}
