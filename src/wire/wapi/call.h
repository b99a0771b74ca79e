/*
 * A call: one request at the command API, from its arrival to its answer. Goes with the exchange.
 */
#ifndef WIRE_WAPI_CALL_H
#define WIRE_WAPI_CALL_H

#include "http/exchange.h"
#include "wire/app.h"
#include "wire/reference.h"
#include "wire/wapi/request.h"

struct wapi_call {
    struct exchange *exchange; /* its account is set once it is authenticated */
    struct app *app;
    struct wall now; /* when it came */
    struct wapi_request request;
    char reference[REFERENCE_SIZE];     /* svTRID */
    const struct wapi_command *handler; /* of a command that is the provider's */
};

/* Carries a command out: answers now or later, exactly once (reply.h). */
typedef void wapi_command_fn(struct wapi_call *call);

/* By which door it came, as events and operations tell it: "wapi/xml". */
static inline const char *wapi_call_origin(const struct wapi_call *call)
{
    return call->request.format == WAPI_XML ? "wapi/xml" : "wapi/json";
}

#endif
