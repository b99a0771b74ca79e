#include "wire/wapi/reply.h"

static void put_head(struct wapi_call *call, int32_t code, struct slice result,
                     struct document *document)
{
    const struct wapi_request *request = &call->request;
    struct env *env = exchange_env(call->exchange);

    buf_reset(exchange_out(call->exchange));
    document_open(document, request->format, "response", exchange_out(call->exchange));
    document_put_number(document, "code", code);
    document_put_text(document, "result", result);
    document_put_number(document, "timestamp", env_wall(env).us / US_PER_SECOND);
    if (request->has_client_ref) {
        document_put_text(document, "clTRID", request->client_ref);
    }
    document_put_text(document, "svTRID", slice_of(call->reference));
    if (!slice_is_empty(request->command)) {
        document_put_text(document, "command", request->command);
    }
    if (request->is_test) {
        document_put_number(document, "test", 1);
    }
}

static void finish(struct wapi_call *call, struct document *document)
{
    static const char *const content_types[] = {
        [WAPI_XML] = "text/xml; charset=utf-8",
        [WAPI_JSON] = "application/json",
    };

    document_close(document, "response");
    exchange_answer(call->exchange, 200, content_types[call->request.format]);
}

void wapi_reply_result(struct wapi_call *call, int32_t code, struct slice result, struct json data)
{
    struct document document;

    put_head(call, code, result, &document);
    if (json_exists(data)) {
        document_put_data(&document, "data", data);
    }
    if (buf_check(exchange_out(call->exchange)) != OK) { /* in XML a long name can come often */
        put_head(call, WAPI_INTERNAL, wapi_code_text(WAPI_INTERNAL), &document);
    }
    finish(call, &document);
}

void wapi_reply_code(struct wapi_call *call, enum wapi_code code)
{
    wapi_reply_result(call, (int32_t)code, wapi_code_text((int32_t)code), (struct json){0});
}

void wapi_reply_begin(struct wapi_call *call, enum wapi_code code, struct document *document)
{
    put_head(call, (int32_t)code, wapi_code_text((int32_t)code), document);
    document_begin(document, "data");
}

void wapi_reply_end(struct wapi_call *call, struct document *document)
{
    document_end(document, "data");
    finish(call, document);
}
