#include "base/macro.h"
#include "base/mem.h"
#include "store/store.h"

static void clear_receive(struct store_request *request)
{
    struct store_receive *receive = CONTAINER_OF(request, struct store_receive, request);

    for (size_t i = 0; i < receive->messages_len; i++) {
        event_release(receive->messages[i].event);
    }
    mem_free(receive->messages);
    receive->messages = NULL;
    receive->messages_len = 0;
}

static void clear_show(struct store_request *request)
{
    struct store_show *show = CONTAINER_OF(request, struct store_show, request);

    event_release(show->message.event);
    show->message.event = NULL;
}

static void clear_get_event(struct store_request *request)
{
    struct store_get_event *get = CONTAINER_OF(request, struct store_get_event, request);

    event_release(get->found);
    mem_free(get->deliveries);
    get->found = NULL;
    get->deliveries = NULL;
    get->deliveries_len = 0;
}

static void clear_list_events(struct store_request *request)
{
    struct store_list_events *list = CONTAINER_OF(request, struct store_list_events, request);

    for (size_t i = 0; i < list->events_len; i++) {
        event_release(list->events[i]);
    }
    mem_free(list->events);
    mem_free(list->deliveries);
    list->events = NULL;
    list->deliveries = NULL;
    list->events_len = 0;
}

static void clear_find_event(struct store_request *request)
{
    struct store_find_event *find = CONTAINER_OF(request, struct store_find_event, request);

    event_release(find->found);
    find->found = NULL;
}

static void clear_get_delivery(struct store_request *request)
{
    struct store_get_delivery *get = CONTAINER_OF(request, struct store_get_delivery, request);

    for (size_t i = 0; i < get->attempts_len; i++) {
        mem_free((void *)get->attempts[i].detail.ptr);
        mem_free((void *)get->attempts[i].answer.ptr);
    }
    mem_free(get->attempts);
    event_release(get->event);
    get->attempts = NULL;
    get->attempts_len = 0;
    get->event = NULL;
}

static void clear_list_deliveries(struct store_request *request)
{
    struct store_list_deliveries *list =
        CONTAINER_OF(request, struct store_list_deliveries, request);

    for (size_t i = 0; i < list->deliveries_len; i++) {
        mem_free((void *)list->deliveries[i].event_type.ptr);
    }
    mem_free(list->deliveries);
    list->deliveries = NULL;
    list->deliveries_len = 0;
}

static void free_operations(struct operation **operations, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        operation_free(operations[i]);
    }
    mem_free(operations);
}

static void clear_get_operation(struct store_request *request)
{
    struct store_get_operation *get = CONTAINER_OF(request, struct store_get_operation, request);

    operation_free(get->found);
    get->found = NULL;
}

static void clear_list_operations(struct store_request *request)
{
    struct store_list_operations *list =
        CONTAINER_OF(request, struct store_list_operations, request);

    free_operations(list->operations, list->operations_len);
    list->operations = NULL;
    list->operations_len = 0;
}

static void clear_due_operations(struct store_request *request)
{
    struct store_due_operations *due = CONTAINER_OF(request, struct store_due_operations, request);

    free_operations(due->operations, due->operations_len);
    due->operations = NULL;
    due->operations_len = 0;
}

static void clear_take(struct store_request *request)
{
    struct store_take *take = CONTAINER_OF(request, struct store_take, request);

    for (size_t i = 0; i < take->items_len; i++) {
        event_release(take->items[i].event);
    }
    mem_free(take->items);
    take->items = NULL;
    take->items_len = 0;
}

static void clear_lanes(struct store_request *request)
{
    struct store_lanes *lanes = CONTAINER_OF(request, struct store_lanes, request);

    mem_free(lanes->lanes);
    lanes->lanes = NULL;
    lanes->lanes_len = 0;
}

/* What each call hands out; the others hand out nothing of their own. */
static void (*const clears[STORE_CALL_COUNT])(struct store_request *request) = {
    [STORE_CALL_receive] = clear_receive,
    [STORE_CALL_show] = clear_show,
    [STORE_CALL_get_event] = clear_get_event,
    [STORE_CALL_list_events] = clear_list_events,
    [STORE_CALL_get_delivery] = clear_get_delivery,
    [STORE_CALL_list_deliveries] = clear_list_deliveries,
    [STORE_CALL_find_event] = clear_find_event,
    [STORE_CALL_get_operation] = clear_get_operation,
    [STORE_CALL_list_operations] = clear_list_operations,
    [STORE_CALL_due_operations] = clear_due_operations,
    [STORE_CALL_take] = clear_take,
    [STORE_CALL_lanes] = clear_lanes,
};

void store_request_clear(struct store_request *request)
{
    if (clears[request->call] != NULL) {
        clears[request->call](request);
    }
}
