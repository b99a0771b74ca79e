#include "wire/shopcart/order_detail.h"

#include "base/encode.h"
#include "base/xml.h"
#include "wire/xml_data.h"

static const struct xml_data_rule rule = {.item_name = order_item_name};

static bool ends_nocase(struct slice text, struct slice end)
{
    return text.len >= end.len &&
           slice_equal_nocase(slice_sub(text, text.len - end.len, end.len), end);
}

void order_item_name(struct slice array, struct buf *out)
{
    if (ends_nocase(array, SLICE("ies")) && array.len > 3) {
        buf_slice(out, slice_sub(array, 0, array.len - 3));
        buf_byte(out, 'y');
    } else if (ends_nocase(array, SLICE("s")) && !ends_nocase(array, SLICE("ss")) &&
               array.len > 1) {
        buf_slice(out, slice_sub(array, 0, array.len - 1));
    } else {
        buf_slice(out, array);
    }
    buf_text(out, "Info");
}

static void put_if_missing(const struct order_data *data, const char *name, struct slice text,
                           struct buf *out)
{
    if (!json_exists(json_member(json_root(&data->json), name))) {
        xml_element(out, name, text);
    }
}

static void put_base64(struct slice bytes, struct buf *out)
{
    xml_begin(out, SLICE("DataBase64"));
    base64_encode(out, bytes.ptr, bytes.len);
    xml_end(out, SLICE("DataBase64"));
}

static void put_info(const struct order_data *data, struct buf *out)
{
    switch (data->form) {
    case ORDER_MEMBERS:
        xml_data_put_members(out, json_root(&data->json), &rule);
        break;
    case ORDER_VALUE:
        xml_data_put(out, SLICE("Data"), json_root(&data->json), &rule);
        break;
    case ORDER_TEXT:
        xml_element(out, "Data", data->bytes);
        break;
    case ORDER_BYTES:
        put_base64(data->bytes, out);
        break;
    case ORDER_XML:
    case ORDER_GONE:
    case ORDER_BROKEN:
        break;
    }
}

/* A byte order mark and a declaration may only be at the start of a document. All else of a prolog
 * (comments, instructions; a DTD is refused by the reader) may be inside an element. */
static struct slice without_declaration(struct slice xml)
{
    if (slice_starts(xml, SLICE("\xef\xbb\xbf"))) {
        xml = slice_sub(xml, 3, xml.len);
    }
    if (slice_starts(xml, SLICE("<?xml")) && xml.len > 5 && (unsigned char)xml.ptr[5] <= ' ') {
        size_t at = 0;
        while (at + 1 < xml.len && (xml.ptr[at] != '?' || xml.ptr[at + 1] != '>')) {
            at++;
        }
        xml = slice_sub(xml, at + 2, xml.len);
    }
    return xml;
}

void order_detail_put(const struct order_data *data, struct slice number, struct slice merchant,
                      struct buf *out)
{
    if (data->form == ORDER_XML) {
        buf_slice(out, without_declaration(data->bytes));
        return;
    }
    buf_text(out, "<OrderInfo xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                  "xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">");
    put_if_missing(data, "Id", number, out);
    put_if_missing(data, "MerchantId", merchant, out);
    put_info(data, out);
    xml_end(out, SLICE("OrderInfo"));
}
