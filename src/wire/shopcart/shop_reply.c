#include "wire/shopcart/shop_reply.h"

#include "base/encode.h"
#include "base/xml.h"
#include "model/url.h"
#include "wire/app.h"

#include <string.h>

enum { BASE_BYTES_MAX = URL_BYTES_MAX + 64, HREF_BYTES_MAX = 2 * BASE_BYTES_MAX };

const char *shop_error_text(enum shop_error error)
{
    static const char *const texts[SHOP_ERROR_END] = {
#define SHOP_TEXT(name, text) [SHOP_ERROR_##name] = text,
        SHOP_ERRORS(SHOP_TEXT)
#undef SHOP_TEXT
    };

    return texts[error];
}

struct buf *shop_reply_begin(struct exchange *exchange)
{
    struct buf *out = exchange_out(exchange);

    buf_text(out, "<Response success=\"true\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">");
    return out;
}

static void send_out(struct exchange *exchange)
{
    exchange_answer(exchange, 200, "text/xml; charset=utf-8");
}

void shop_reply_end(struct exchange *exchange)
{
    struct buf *out = exchange_out(exchange);

    xml_end(out, SLICE("Response"));
    if (buf_check(out) == OK) {
        send_out(exchange);
    } else {
        shop_reply_fail(exchange, SHOP_ERROR_DATA);
    }
}

void shop_reply_done(struct exchange *exchange)
{
    buf_text(exchange_out(exchange), "<Response success=\"true\"/>");
    send_out(exchange);
}

void shop_reply_fail(struct exchange *exchange, enum shop_error error)
{
    struct buf *out = exchange_out(exchange);

    buf_reset(out);
    buf_text(out, "<Response success=\"false\">");
    xml_element(out, "Error", slice_of(shop_error_text(error)));
    xml_end(out, SLICE("Response"));
    send_out(exchange);
}

void shop_reply_refuse(struct exchange *exchange, enum problem problem, const struct diag *diag)
{
    (void)problem;
    (void)diag;
    shop_reply_fail(exchange, SHOP_ERROR_REFUSED);
}

void shop_reply_put_link(struct buf *out, const struct shop_link *link)
{
    struct buf href;

    buf_init(&href, HREF_BYTES_MAX);
    buf_slice(&href, link->base);
    buf_slice(&href, link->path);
    if (!slice_is_empty(link->id)) {
        buf_byte(&href, '/');
        percent_encode(&href, link->id);
    }
    buf_printf(out, "<%s xlink:href=\"", link->name);
    xml_escape(out, buf_view(&href), /* is_attribute= */ true);
    buf_text(out, "\">");
    xml_escape(out, link->text, /* is_attribute= */ false);
    buf_printf(out, "</%s>", link->name);
    buf_clear(&href);
}

/* Nothing else than a host and perhaps a port: it comes from whoever calls, and is told back. */
static bool is_host(struct slice host)
{
    char url[URL_BYTES_MAX];

    if (slice_is_empty(host) || host.len > sizeof url - sizeof "http://" ||
        memchr(host.ptr, '/', host.len) != NULL || memchr(host.ptr, '?', host.len) != NULL) {
        return false;
    }
    (void)snprintf(url, sizeof url, "http://%.*s", SLICE_ARGS(host));
    return url_check(slice_of(url), "Host", NULL) == OK;
}

static void put_origin(struct exchange *exchange, struct buf *out)
{
    const struct app *app = app_of(exchange);
    struct slice address = slice_of(server_address(app->server));
    struct slice set = app->settings.shopcart.public_url;
    struct slice host = exchange_header(exchange, "Host");

    if (!slice_is_empty(set)) {
        buf_slice(out, slice_ends(set, SLICE("/")) ? slice_sub(set, 0, set.len - 1) : set);
    } else if (is_host(host)) {
        buf_text(out, slice_starts(address, SLICE("https:")) ? "https://" : "http://");
        buf_slice(out, host);
    } else {
        buf_slice(out, address);
    }
}

struct slice shop_reply_base(struct exchange *exchange, struct slice merchant)
{
    struct buf base;

    buf_init(&base, BASE_BYTES_MAX);
    put_origin(exchange, &base);
    buf_text(&base, "/API/");
    buf_slice(&base, merchant);
    char *copy = exchange_new(exchange, base.len + 1);
    memcpy(copy, buf_cstr(&base), base.len);
    struct slice view = slice_from(copy, base.len);
    buf_clear(&base);
    return view;
}
