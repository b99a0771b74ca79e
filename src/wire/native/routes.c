#include "wire/native/native.h"

#define KIB ((size_t)1024)
#define BODY_SETTINGS (256 * KIB)
/*
 * An event's data at its hard limit may need twice the room as an escaped JSON string, and its
 * envelope some more.
 */
#define BODY_EVENT (2 * 1024 * KIB + 64 * KIB)
#define BODY_BATCH (16 * 1024 * KIB)
#define BODY_RECEIPTS (64 * KIB)
/* Its data goes as it is; the other texts may be all escapes. */
#define BODY_OPERATION (OPERATION_DATA_BYTES_MAX + 64 * KIB)

#define ADMIN ROUTE_ADMIN
#define OWNER (ROUTE_ADMIN | ROUTE_ACCOUNT)
#define PUBLISHER (ROUTE_ADMIN | ROUTE_PUBLISH)
#define READER (ROUTE_ADMIN | ROUTE_PUBLISH | ROUTE_ACCOUNT)
#define OPEN ROUTE_OPEN

#define ACCOUNT "/v1/accounts/{account}"
#define CHANNEL ACCOUNT "/channels/{channel}"
#define DELIVERY ACCOUNT "/deliveries/{delivery}"
#define OPERATION ACCOUNT "/operations/{operation}"

/* In the order of the columns; what has no column here, only dialects of their own use. */
#define ROUTE(method_, path_, access_, body_bytes_max_, handle_, summary_)                         \
    {                                                                                              \
        .method = (method_), .path = (path_), .access = (access_),                                 \
        .body_bytes_max = (body_bytes_max_), .handle = (handle_), .summary = (summary_)            \
    }

static const struct route rows[] = {
    /* method, path, access, body_bytes_max, handle, summary */
    ROUTE("GET", "/v1/accounts", ADMIN, 0, native_accounts_list, "List accounts"),
    ROUTE("PUT", ACCOUNT, ADMIN | ROUTE_NEW_ACCOUNT, BODY_SETTINGS, native_account_put,
          "Create or replace an account"),
    ROUTE("GET", ACCOUNT, OWNER, 0, native_account_get, "Show an account"),
    ROUTE("PATCH", ACCOUNT, ADMIN, BODY_SETTINGS, native_account_patch, "Change an account"),
    ROUTE("DELETE", ACCOUNT, ADMIN, 0, native_account_delete, "Delete an account and its channels"),

    ROUTE("GET", ACCOUNT "/channels", OWNER, 0, native_channels_list, "List an account's channels"),
    ROUTE("POST", ACCOUNT "/channels", OWNER, BODY_SETTINGS, native_channel_create,
          "Create a channel"),
    ROUTE("GET", CHANNEL, OWNER, 0, native_channel_get, "Show a channel"),
    ROUTE("PATCH", CHANNEL, OWNER, BODY_SETTINGS, native_channel_patch, "Change a channel"),
    ROUTE("DELETE", CHANNEL, OWNER, 0, native_channel_delete, "Delete a channel"),
    ROUTE("GET", CHANNEL "/secret", OWNER, 0, native_channel_secret,
          "Show a channel's signing secret"),
    ROUTE("POST", CHANNEL "/rotate-secret", OWNER, KIB, native_channel_rotate,
          "Make a new signing secret; the old one signs too for a while"),
    ROUTE("POST", CHANNEL "/test", OWNER, BODY_EVENT, native_channel_test,
          "Send a test event now and tell the outcome"),

    ROUTE("POST", CHANNEL "/receive", OWNER, KIB, native_queue_receive,
          "Receive messages of a queue"),
    ROUTE("POST", CHANNEL "/ack", OWNER, BODY_RECEIPTS, native_queue_ack, "Acknowledge messages"),
    ROUTE("POST", CHANNEL "/release", OWNER, BODY_RECEIPTS, native_queue_release,
          "Give leased messages back"),
    ROUTE("POST", CHANNEL "/extend", OWNER, BODY_RECEIPTS, native_queue_extend,
          "Hold leases longer"),

    ROUTE("POST", ACCOUNT "/events", PUBLISHER, BODY_EVENT, native_event_publish,
          "Publish an event"),
    ROUTE("GET", ACCOUNT "/events", OWNER, 0, native_events_list, "List events by period"),
    ROUTE("GET", ACCOUNT "/events/{event}", OWNER, 0, native_event_get,
          "Show an event with its deliveries"),
    ROUTE("POST", "/v1/events", PUBLISHER, BODY_BATCH, native_events_publish_batch,
          "Publish many events at once"),

    ROUTE("GET", ACCOUNT "/deliveries", OWNER, 0, native_deliveries_list, "List deliveries"),
    ROUTE("GET", DELIVERY, OWNER, 0, native_delivery_get, "Show a delivery with its attempts"),
    ROUTE("POST", DELIVERY "/retry", OWNER, KIB, native_delivery_retry, "Try a delivery again now"),
    ROUTE("POST", DELIVERY "/cancel", OWNER, KIB, native_delivery_cancel, "Cancel a delivery"),

    ROUTE("GET", ACCOUNT "/operations", READER, 0, native_operations_list,
          "List operations by state and period"),
    ROUTE("POST", ACCOUNT "/operations", PUBLISHER, BODY_OPERATION, native_operation_open,
          "Open an operation, whose outcome comes later"),
    ROUTE("GET", OPERATION, READER, 0, native_operation_get, "Show an operation"),
    ROUTE("POST", OPERATION "/step", PUBLISHER, BODY_OPERATION, native_operation_step,
          "Report a step of an operation"),
    ROUTE("POST", OPERATION "/complete", PUBLISHER, BODY_OPERATION, native_operation_complete,
          "End an operation with its outcome"),

    ROUTE("GET", "/v1/keys", ADMIN, 0, native_keys_list, "List API keys"),
    ROUTE("POST", "/v1/keys", ADMIN, BODY_SETTINGS, native_key_create,
          "Make an API key; shown once"),
    ROUTE("DELETE", "/v1/keys/{key}", ADMIN, 0, native_key_delete, "Revoke an API key"),

    ROUTE("GET", "/healthz", OPEN, 0, native_healthz, "Whether the process lives"),
    ROUTE("GET", "/readyz", OPEN, 0, native_readyz, "Whether it takes events"),
    ROUTE("GET", "/metrics", ADMIN, 0, native_metrics, "Figures for Prometheus"),
    ROUTE("GET", "/v1/openapi.json", OPEN, 0, native_openapi, "The description of this API"),
};

const struct route_table native_routes = {rows, sizeof(rows) / sizeof(rows[0])};
