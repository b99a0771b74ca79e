#include "wire/wapi/document.h"

#include "base/xml.h"
#include "wire/wapi/data_texts.h"
#include "wire/xml_data.h"

#include <inttypes.h>

const char *wapi_format_word(enum wapi_format format)
{
    static const char *const words[] = {[WAPI_XML] = "xml", [WAPI_JSON] = "json"};

    return words[format];
}

void document_open(struct document *document, enum wapi_format format, const char *root,
                   struct buf *out)
{
    document->format = format;
    document->out = out;
    json_writer_init(&document->json, out);
    if (format == WAPI_XML) {
        buf_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    } else {
        json_begin_object(&document->json);
    }
    document_begin(document, root);
}

void document_close(struct document *document, const char *root)
{
    document_end(document, root);
    if (document->format == WAPI_JSON) {
        json_end_object(&document->json);
    }
}

void document_begin(struct document *document, const char *name)
{
    if (document->format == WAPI_XML) {
        xml_begin(document->out, slice_of(name));
    } else {
        json_key(&document->json, name);
        json_begin_object(&document->json);
    }
}

void document_end(struct document *document, const char *name)
{
    if (document->format == WAPI_XML) {
        xml_end(document->out, slice_of(name));
    } else {
        json_end_object(&document->json);
    }
}

void document_put_number(struct document *document, const char *name, int64_t number)
{
    if (document->format == WAPI_XML) {
        xml_begin(document->out, slice_of(name));
        buf_printf(document->out, "%" PRId64, number);
        xml_end(document->out, slice_of(name));
    } else {
        json_key(&document->json, name);
        json_put_i64(&document->json, number);
    }
}

void document_put_text(struct document *document, const char *name, struct slice text)
{
    if (document->format == WAPI_XML) {
        xml_element(document->out, name, text);
    } else {
        json_key(&document->json, name);
        json_put_string(&document->json, text);
    }
}

void document_put_data(struct document *document, const char *name, struct json value)
{
    static const struct xml_data_rule items_by_name = {.item_name = NULL};

    if (document->format == WAPI_XML) {
        xml_data_put(document->out, slice_of(name), value, &items_by_name);
    } else {
        json_key(&document->json, name);
        data_texts_put(value, &document->json);
    }
}
