#include "wire/checkout/checkout.h"

#define KIB ((size_t)1024)
/* As many identifiers as one acknowledgement may have by its setting, with handles and spaces. */
#define BODY_ACK (256 * KIB)

/* As merchants' programs have them configured: with the service's prefix, and without. */
#define ROUTE(method_, path_, body_bytes_max_, handle_, summary_)                                  \
    ROW(method_, path_, body_bytes_max_, handle_, summary_),                                       \
        ROW(method_, "/v1/checkout" path_, body_bytes_max_, handle_, summary_)

#define ROW(method_, path_, body_bytes_max_, handle_, summary_)                                    \
    {                                                                                              \
        .method = (method_), .path = (path_), .access = ROUTE_OWN,                                 \
        .body_bytes_max = (body_bytes_max_), .handle = (handle_), .summary = (summary_),           \
        .refuse = checkout_refuse                                                                  \
    }

static const struct route rows[] = {
    /* method, path, body_bytes_max, handle, summary */
    ROUTE("GET", "/notifications/receive", 0, checkout_receive, "Receive notifications"),
    ROUTE("POST", "/notifications/ack", BODY_ACK, checkout_ack, "Acknowledge notifications"),
    ROUTE("GET", "/notifications", 0, checkout_history, "List the notifications of a period"),
};

const struct route_table checkout_routes = {rows, sizeof(rows) / sizeof(rows[0])};
