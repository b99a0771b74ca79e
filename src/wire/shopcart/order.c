#include "wire/shopcart/order.h"

#include "base/utf8.h"
#include "model/alias.h"
#include "wire/payload.h"

/* The same as for JSON, so that what one form can hold the other can. It goes on as it is into an
 * answer of ours, so its prefixes must be its own. */
static const struct xml_limits data_limits = {
    .depth_max = JSON_DEPTH_MAX, .nodes_max = JSON_VALUES_MAX, .checks_namespaces = true};

const struct shopcart_type *order_type(const struct shopcart_settings *settings, struct slice type)
{
    for (size_t i = 0; i < settings->types_len; i++) {
        if (slice_equal(settings->types[i].type, type)) {
            return &settings->types[i];
        }
    }
    return NULL;
}

bool order_is_announced(const struct shopcart_type *type)
{
    return slice_is(type->child, "Token");
}

bool order_is_told(const struct shopcart_type *type)
{
    return order_is_announced(type) || slice_starts(type->root, SLICE("Order"));
}

void order_name(struct slice number, struct buf *out)
{
    buf_text(out, "order/");
    buf_slice(out, number);
}

/* ---- An event's data ---- */

static bool is_xml(struct slice content_type)
{
    struct slice media_type;

    (void)slice_cut(&content_type, ';', &media_type); /* there is a first part */
    media_type = slice_trim(media_type);
    return slice_equal_nocase(media_type, SLICE("text/xml")) ||
           slice_equal_nocase(media_type, SLICE("application/xml")) ||
           (media_type.len > 4 &&
            slice_equal_nocase(slice_sub(media_type, media_type.len - 4, 4), SLICE("+xml")));
}

static enum order_form open_json(struct order_data *data)
{
    if (json_parse(&data->json, data->bytes, NULL) != OK) {
        return ORDER_TEXT; /* it was checked when it was published: only the limits can be others */
    }
    return json_type(json_root(&data->json)) == JSON_OBJECT ? ORDER_MEMBERS : ORDER_VALUE;
}

static enum order_form open_form(struct order_data *data, struct slice content_type)
{
    if (slice_is_empty(data->bytes)) {
        return ORDER_GONE;
    }
    if (payload_is_json(content_type)) {
        return open_json(data);
    }
    if (is_xml(content_type)) {
        return xml_parse(data->bytes, &data_limits, &data->xml, NULL) == OK ? ORDER_XML
                                                                            : ORDER_BROKEN;
    }
    return utf8_is_valid(data->bytes) ? ORDER_TEXT : ORDER_BYTES;
}

void order_data_open(struct order_data *data, const struct event *event)
{
    *data = (struct order_data){.bytes = event->data};
    json_doc_init(&data->json);
    data->form = open_form(data, event->content_type);
}

void order_data_close(struct order_data *data)
{
    json_doc_clear(&data->json);
    xml_doc_free(data->xml);
    data->xml = NULL;
}

static bool json_text(struct json member, struct buf *out)
{
    enum json_type type = json_type(member);

    if (type == JSON_STRING) {
        json_unescape(member, out);
    } else if (type == JSON_NUMBER) {
        buf_slice(out, json_raw(member));
    }
    return type == JSON_STRING || type == JSON_NUMBER;
}

static bool xml_member(struct xml member, struct buf *out)
{
    if (!xml_exists(member) || xml_exists(xml_first(member))) {
        return false;
    }
    xml_text(member, out);
    return true;
}

bool order_data_member(const struct order_data *data, const char *name, struct buf *out)
{
    if (data->form == ORDER_MEMBERS) {
        return json_text(json_member(json_root(&data->json), name), out);
    }
    return data->form == ORDER_XML && xml_member(xml_child(xml_root(data->xml), name), out);
}

static bool is_number(const struct buf *text)
{
    return text->len > 0 && buf_check(text) == OK && text->len <= ORDER_NUMBER_BYTES_MAX &&
           !utf8_has_control(buf_view(text));
}

bool order_data_number(const struct order_data *data, struct buf *out)
{
    static const char *const names[] = {"Id", "OrderId"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (order_data_member(data, names[i], out) && is_number(out)) {
            return true;
        }
        buf_reset(out);
    }
    return false;
}

void order_data_title(const struct order_data *data, const uint8_t *alias_key,
                      const struct event *event, struct buf *out)
{
    char token[ALIAS_TOKEN_SIZE];

    if (!order_data_number(data, out)) {
        alias_token(alias_key, event->account, event->id, token);
        buf_text(out, token);
    }
}
