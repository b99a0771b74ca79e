/*
 * The merchants' API: /API/{merchant}[/{group}[/{item}][/{method}]], by GET and POST alike, words
 * in any case.
 *
 * Every path that begins so comes here, and nothing is told to anybody before the key was right.
 */
#include "wire/shopcart/shop.h"
#include "wire/shopcart/shop_merchant.h"
#include "wire/shopcart/shopcart.h"

struct shop_method {
    const char *group;
    const char *name;
    bool takes_item; /* stands behind an item in the path, and may be left off */
    shop_handle_fn *handle;
};

static const struct shop_method methods[] = {
    {.group = "Orders", .name = "LIST", .handle = shop_list},
    {.group = "Orders", .name = "COUNT", .handle = shop_count},
    {.group = "Orders", .name = "READ", .takes_item = true, .handle = shop_read},
    {.group = "Errors", .name = "LIST", .handle = shop_errors},
    {.group = "Notifications", .name = "TEST", .handle = shop_test},
};

static bool is_word(struct slice given, const char *word)
{
    return slice_equal_nocase(given, slice_of(word));
}

/* ---- what there is ---- */

static void put_link(const struct shop_call *call, const char *name, const char *path,
                     const char *text)
{
    const struct shop_link link = {
        .name = name,
        .base = shop_reply_base(call->exchange, call->merchant),
        .path = slice_of(path),
        .text = slice_of(text),
    };

    shop_reply_put_link(exchange_out(call->exchange), &link);
}

static void answer_groups(const struct shop_call *call)
{
    struct buf *out = shop_reply_begin(call->exchange);
    const char *before = "";

    buf_text(out, "<Groups>");
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        char path[64];

        (void)snprintf(path, sizeof path, "/%s", methods[i].group);
        if (!slice_is(slice_of(before), methods[i].group)) {
            put_link(call, "Group", path, methods[i].group);
        }
        before = methods[i].group;
    }
    buf_text(out, "</Groups>");
    shop_reply_end(call->exchange);
}

static bool is_group(struct slice group)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (is_word(group, methods[i].group)) {
            return true;
        }
    }
    return false;
}

static void put_method(const struct shop_call *call, const struct shop_method *method)
{
    char path[64];

    if (method->takes_item) { /* there is no address without one */
        xml_element(exchange_out(call->exchange), "Method", slice_of(method->name));
        return;
    }
    (void)snprintf(path, sizeof path, "/%s/%s", method->group, method->name);
    put_link(call, "Method", path, method->name);
}

static void answer_methods(const struct shop_call *call, struct slice group)
{
    struct buf *out = shop_reply_begin(call->exchange);

    buf_text(out, "<Methods>");
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (is_word(group, methods[i].group)) {
            put_method(call, &methods[i]);
        }
    }
    buf_text(out, "</Methods>");
    shop_reply_end(call->exchange);
}

/* Errors/LIST: every text that an Error may have. */
void shop_errors(struct shop_call *call)
{
    struct buf *out = shop_reply_begin(call->exchange);

    buf_text(out, "<Errors>");
    for (enum shop_error error = SHOP_OK + 1; error < SHOP_ERROR_END; error++) {
        xml_element(out, "Error", slice_of(shop_error_text(error)));
    }
    buf_text(out, "</Errors>");
    shop_reply_end(call->exchange);
}

/* ---- finding the method ---- */

static const struct shop_method *find_method(struct slice group, struct slice name, bool takes_item)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (methods[i].takes_item == takes_item && is_word(group, methods[i].group) &&
            is_word(name, methods[i].name)) {
            return &methods[i];
        }
    }
    return NULL;
}

static void call_group(struct shop_call *call, struct slice group)
{
    struct slice item = exchange_param(call->exchange, "item");
    struct slice name = exchange_param(call->exchange, "method");
    bool has_name = !slice_is_empty(name);
    const struct shop_method *method = has_name ? find_method(group, name, /* takes_item= */ true)
                                                : find_method(group, item, /* takes_item= */ false);

    if (method == NULL && !has_name) {
        method = find_method(group, SLICE("READ"), /* takes_item= */ true);
    }
    if (method == NULL) {
        shop_reply_fail(call->exchange, SHOP_ERROR_METHOD);
        return;
    }
    call->item = item;
    method->handle(call);
}

static void call_path(struct shop_call *call)
{
    struct slice group = exchange_param(call->exchange, "group");
    bool is_alone = slice_is_empty(exchange_param(call->exchange, "item")) &&
                    slice_is_empty(exchange_param(call->exchange, "method"));

    if (slice_is_empty(group)) {
        answer_groups(call);
    } else if (!is_group(group)) {
        shop_reply_fail(call->exchange, SHOP_ERROR_GROUP);
    } else if (is_alone) {
        answer_methods(call, group);
    } else {
        call_group(call, group);
    }
}

/* ---- the request ---- */

static void release(void *ctx)
{
    struct shop_call *call = ctx;
    shop_input_close(&call->input);
}

/* Whoever tried too many keys has to wait, whether this one is right or not. */
static enum shop_error check_key(struct shop_call *call)
{
    struct exchange *exchange = call->exchange;
    struct slice key = shop_input_get(&call->input, "Key");
    struct diag diag;

    if (!exchange_may_try(exchange, key, &diag)) {
        return SHOP_ERROR_BUSY;
    }
    struct account *account = shop_merchant_find(exchange, call->merchant, key);
    exchange_tried(exchange, key, account != NULL);
    if (account == NULL) {
        return SHOP_ERROR_KEY;
    }
    exchange_take_account(exchange, account);
    return SHOP_OK;
}

static void answer(struct exchange *exchange)
{
    struct shop_call *call = exchange_new(exchange, sizeof *call);

    call->exchange = exchange;
    call->merchant = exchange_param(exchange, "merchant");
    exchange_on_end(exchange, release, call);
    if (shop_input_open(exchange, &call->input) != OK) {
        shop_reply_fail(exchange, SHOP_ERROR_REQUEST);
        return;
    }
    enum shop_error error = check_key(call);
    if (error == SHOP_OK) {
        call_path(call);
    } else {
        shop_reply_fail(exchange, error);
    }
}

/* ---- the routes ---- */

#define ROUTE(method_, path_, body_bytes_max_)                                                     \
    {                                                                                              \
        .method = (method_), .path = (path_), .access = ROUTE_OWN,                                 \
        .body_bytes_max = (body_bytes_max_), .handle = answer, .refuse = shop_reply_refuse,        \
        .ignores_case = true, .summary = "The merchants' API of the dialect shopcart"              \
    }
#define ROUTES(path) ROUTE("GET", path, 0), ROUTE("POST", path, SHOP_INPUT_BYTES_MAX)

#define MERCHANT "/API/{merchant}"

/* A slash behind a path is nothing, and an item may be missing from it: whoever leaves out a token
 * shall be told that there is no such order. */
static const struct route rows[] = {
    ROUTES(MERCHANT),
    ROUTES(MERCHANT "/"),
    ROUTES(MERCHANT "/{group}"),
    ROUTES(MERCHANT "/{group}/"),
    ROUTES(MERCHANT "/{group}/{item}"),
    ROUTES(MERCHANT "/{group}/{item}/"),
    ROUTES(MERCHANT "/{group}//{method}"),
    ROUTES(MERCHANT "/{group}/{item}/{method}"),
    ROUTES(MERCHANT "/{group}/{item}/{method}/"),
};

const struct route_table shopcart_routes = {rows, sizeof(rows) / sizeof(rows[0])};
