/*
 * The native API: JSON over HTTP under /v1, one file an operation or a group of like ones, one row
 * each in the table of routes.c.
 */
#ifndef WIRE_NATIVE_NATIVE_H
#define WIRE_NATIVE_NATIVE_H

#include "http/router.h"

/* routes.c: everything the native API serves. */
extern const struct route_table native_routes;

/* Handlers; what each does stands above it in its file. Settings: */
handle_fn native_accounts_list, native_account_put, native_account_get, native_account_patch,
    native_account_delete;
handle_fn native_channels_list, native_channel_create, native_channel_get, native_channel_patch,
    native_channel_delete;
handle_fn native_channel_secret, native_channel_rotate, native_channel_test;
handle_fn native_keys_list, native_key_create, native_key_delete;
/* Events and deliveries: */
handle_fn native_event_publish, native_events_publish_batch, native_events_list, native_event_get;
handle_fn native_deliveries_list, native_delivery_get, native_delivery_retry,
    native_delivery_cancel;
/* Operations: */
handle_fn native_operations_list, native_operation_open, native_operation_get,
    native_operation_step, native_operation_complete;
/* The queue: */
handle_fn native_queue_receive, native_queue_ack, native_queue_release, native_queue_extend;
/* The server itself: */
handle_fn native_healthz, native_readyz, native_metrics, native_openapi;

#endif
