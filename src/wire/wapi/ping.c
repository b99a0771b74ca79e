/*
 * ping: whether the door is open and the auth right.
 */
#include "wire/wapi/commands.h"
#include "wire/wapi/reply.h"

void wapi_ping(struct wapi_call *call)
{
    wapi_reply_code(call, WAPI_OK);
}
