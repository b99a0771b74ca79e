/*
 * What the API shows: events and deliveries, one or many. Each call looks at one snapshot.
 */
#include "base/mem.h"
#include "model/filter.h"
#include "store/memory/found.h"
#include "store/memory/memory_internal.h"

static struct slice own_text(struct slice text)
{
    return slice_from(mem_text(text.ptr, text.len), text.len);
}

static struct store_delivery describe(const struct standing *standing, struct slice type)
{
    return (struct store_delivery){
        .delivery = standing->place.delivery,
        .event = standing->event,
        .channel = standing->place.channel,
        .is_queue = standing->is_queue,
        .state = standing->state,
        .is_fresh = standing->is_fresh,
        .attempts = standing->attempts,
        .due = standing_is_waiting(standing) ? standing->due : (struct wall){0},
        .event_type = type,
    };
}

/* ---- One event ------------------------------------------------------------------------------- */

static enum err read_event(const struct snapshot *snapshot, struct store_get_event *get)
{
    const struct kept_event *kept = snapshot_event(snapshot, get->event);

    if (kept == NULL || kept->event->account.value != get->account.value) {
        return diag_set(&get->request.diag, ERR_NOT_FOUND, "there is no such event");
    }
    get->found = event_hold(kept->event);
    get->deliveries = MEM_ARRAY(kept->deliveries, struct store_delivery);
    get->deliveries_len = kept->deliveries;
    for (uint32_t i = 0; i < kept->deliveries; i++) {
        struct id delivery = event_delivery_id(get->event, i);

        get->deliveries[i] = describe(snapshot_standing(snapshot, delivery), get->found->type);
    }
    return OK;
}

enum err memory_get_event(struct engine_reader *reader, struct wall now,
                          struct store_get_event *get)
{
    struct snapshot *snapshot = shelf_snapshot(reader->engine->shelf);

    (void)now;
    get->found = NULL;
    get->deliveries = NULL;
    get->deliveries_len = 0;
    enum err err = read_event(snapshot, get);
    snapshot_release(snapshot);
    return err;
}

/* The newest wins. */
static const struct event *find_named(const struct snapshot *snapshot,
                                      const struct store_find_event *find)
{
    const struct kept_event *kept = NULL;
    const struct event *found = NULL;
    struct snapshot_walk walk;

    snapshot_walk_begin(&walk, snapshot->events, NULL);
    while ((kept = snapshot_walk_next(&walk)) != NULL) {
        if (kept->event->account.value == find->account.value && kept->name.len > 0 &&
            slice_equal(kept->name, find->name)) {
            found = kept->event;
        }
    }
    snapshot_walk_end(&walk);
    return found;
}

enum err memory_find_event(struct engine_reader *reader, struct wall now,
                           struct store_find_event *find)
{
    struct snapshot *snapshot = shelf_snapshot(reader->engine->shelf);
    const struct event *found = find_named(snapshot, find);

    (void)now;
    find->found = found != NULL ? event_hold((struct event *)found) : NULL;
    snapshot_release(snapshot);
    return OK;
}

/* ---- Many events ----------------------------------------------------------------------------- */

/* The event's delivery to a channel; ID_NONE when it has none. */
static struct id delivery_to(const struct snapshot *snapshot, struct id event, struct id channel)
{
    uint32_t deliveries = snapshot_event(snapshot, event)->deliveries;

    for (uint32_t i = 0; i < deliveries; i++) {
        struct id delivery = event_delivery_id(event, i);

        if (snapshot_standing(snapshot, delivery)->place.channel.value == channel.value) {
            return delivery;
        }
    }
    return ID_NONE;
}

static bool is_event_wanted(const struct snapshot *snapshot, const struct store_list_events *list,
                            const struct event *event)
{
    bool is_before = list->is_newest_first && event->id.value < list->page.after.value;
    bool is_behind = !list->is_newest_first && event->id.value > list->page.after.value;

    return event->account.value == list->page.account.value &&
           (list->page.after.value == 0 || is_before || is_behind) &&
           (slice_is_empty(list->type) || filter_matches(list->type, event->type)) &&
           (list->channel.value == 0 || delivery_to(snapshot, event->id, list->channel).value != 0);
}

static void find_events(const struct snapshot *snapshot, const struct store_list_events *list,
                        struct found *found)
{
    const struct kept_event *kept = NULL;
    struct snapshot_walk walk;

    snapshot_walk_from(&walk, snapshot->events, list->page.from);
    while ((kept = snapshot_walk_next(&walk)) != NULL &&
           kept->event->id.value < list->page.to.value) {
        if (is_event_wanted(snapshot, list, kept->event)) {
            found_add(found, kept->event);
        }
    }
    snapshot_walk_end(&walk);
    if (list->is_newest_first) {
        found_reverse(found);
    }
}

/* As many as the limits allow. */
static void list_found_events(const struct snapshot *snapshot, struct store_list_events *list,
                              const struct found *found)
{
    size_t room = found->len < list->page.max ? found->len : list->page.max;
    size_t bytes = 0;

    list->events = MEM_ARRAY(room, struct event *);
    list->deliveries = list->channel.value != 0 ? MEM_ARRAY(room, struct id) : NULL;
    list->events_len = 0;
    list->page.has_more = false;
    list->page.last = list->page.after;
    for (size_t i = 0; i < found->len; i++) {
        const struct event *event = found->things[i];

        bytes += event->data.len;
        if (i == list->page.max || (i > 0 && bytes > list->bytes_max)) {
            list->page.has_more = true;
            return;
        }
        if (list->deliveries != NULL) {
            list->deliveries[i] = delivery_to(snapshot, event->id, list->channel);
        }
        list->events[list->events_len++] = event_hold((struct event *)event);
        list->page.last = event->id;
    }
}

enum err memory_list_events(struct engine_reader *reader, struct wall now,
                            struct store_list_events *list)
{
    struct snapshot *snapshot = shelf_snapshot(reader->engine->shelf);
    struct found found = {0};

    (void)now;
    find_events(snapshot, list, &found);
    list_found_events(snapshot, list, &found);
    found_clear(&found);
    snapshot_release(snapshot);
    return OK;
}

/* ---- One delivery with its attempts ---------------------------------------------------------- */

/* The newest attempts, oldest first. */
static void list_attempts(const struct standing *standing, struct store_get_delivery *get)
{
    size_t len = 0;

    for (const struct tried *tried = standing->newest; tried && len < STORE_ATTEMPTS_MAX;
         tried = tried->before) {
        len++;
    }
    get->attempts = MEM_ARRAY(len, struct attempt);
    get->attempts_len = len;
    for (const struct tried *tried = standing->newest; len > 0; tried = tried->before) {
        struct attempt *attempt = &get->attempts[--len];

        *attempt = tried->attempt;
        attempt->detail = own_text(attempt->detail);
        attempt->answer = own_text(attempt->answer);
    }
}

static enum err read_delivery(const struct snapshot *snapshot, struct store_get_delivery *get)
{
    const struct standing *standing = snapshot_standing(snapshot, get->delivery);

    if (standing == NULL || standing->account.value != get->account.value) {
        return diag_set(&get->request.diag, ERR_NOT_FOUND, "there is no such delivery");
    }
    get->event = event_hold(snapshot_event(snapshot, standing->event)->event);
    get->found = describe(standing, get->event->type);
    list_attempts(standing, get);
    return OK;
}

enum err memory_get_delivery(struct engine_reader *reader, struct wall now,
                             struct store_get_delivery *get)
{
    struct snapshot *snapshot = shelf_snapshot(reader->engine->shelf);

    (void)now;
    get->event = NULL;
    get->attempts = NULL;
    get->attempts_len = 0;
    enum err err = read_delivery(snapshot, get);
    snapshot_release(snapshot);
    return err;
}

/* ---- Many deliveries ------------------------------------------------------------------------- */

static bool is_delivery_wanted(const struct store_list_deliveries *list,
                               const struct standing *standing)
{
    return standing->account.value == list->page.account.value &&
           standing->event.value >= list->page.from.value &&
           (list->page.after.value == 0 ||
            standing->place.delivery.value < list->page.after.value) &&
           (list->channel.value == 0 || standing->place.channel.value == list->channel.value) &&
           (!list->has_state || standing->state == list->state);
}

/* Newest first. */
static void find_deliveries(const struct snapshot *snapshot,
                            const struct store_list_deliveries *list, struct found *found)
{
    const struct standing *standing = NULL;
    struct snapshot_walk walk;

    snapshot_walk_from(&walk, snapshot->standings, list->page.from);
    while ((standing = snapshot_walk_next(&walk)) != NULL &&
           standing->event.value < list->page.to.value) {
        if (is_delivery_wanted(list, standing)) {
            found_add(found, standing);
        }
    }
    snapshot_walk_end(&walk);
    found_reverse(found);
}

static void list_found_deliveries(const struct snapshot *snapshot,
                                  struct store_list_deliveries *list, const struct found *found)
{
    list->page.has_more = found->len > list->page.max;
    list->deliveries_len = list->page.has_more ? list->page.max : found->len;
    list->deliveries = MEM_ARRAY(list->deliveries_len, struct store_delivery);
    list->page.last = list->page.after;
    for (size_t i = 0; i < list->deliveries_len; i++) {
        const struct standing *standing = found->things[i];
        struct slice type = snapshot_event(snapshot, standing->event)->event->type;

        list->deliveries[i] = describe(standing, own_text(type));
        list->page.last = standing->place.delivery;
    }
}

enum err memory_list_deliveries(struct engine_reader *reader, struct wall now,
                                struct store_list_deliveries *list)
{
    struct snapshot *snapshot = shelf_snapshot(reader->engine->shelf);
    struct found found = {0};

    (void)now;
    find_deliveries(snapshot, list, &found);
    list_found_deliveries(snapshot, list, &found);
    found_clear(&found);
    snapshot_release(snapshot);
    return OK;
}
