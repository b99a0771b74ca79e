/*
 * Whatever JSON goes in, its XML can be read, and what that becomes in JSON again can be read too.
 * Whatever XML can be read becomes JSON that can be.
 */
#include "wire/xml_data.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { TEXT_BYTES_MAX = 64 * 1024 * 1024 };

/* An array in an array is an element in an element: not deeper than the JSON was. */
static const struct xml_limits limits = {.depth_max = JSON_DEPTH_MAX + 2, .nodes_max = 1000000};

static void check_json(struct xml element)
{
    struct json_writer writer;
    struct json_doc doc;
    struct buf out;

    json_doc_init(&doc);
    buf_init(&out, TEXT_BYTES_MAX);
    json_writer_init(&writer, &out);
    xml_data_to_json(element, &writer);
    enum err err = json_parse(&doc, buf_view(&out), NULL);
    assert(err == OK || err == ERR_LIMIT);
    json_doc_clear(&doc);
    buf_clear(&out);
}

static void name_item(struct slice name, struct buf *out)
{
    buf_slice(out, name);
    buf_text(out, "-item");
}

static void check_xml(struct json value, const struct xml_data_rule *rule)
{
    struct xml_doc *doc = NULL;
    struct diag diag;
    struct buf out;

    buf_init(&out, TEXT_BYTES_MAX);
    buf_text(&out, "<root>");
    xml_data_put(&out, SLICE("data"), value, rule);
    buf_text(&out, "</root>");
    enum err err = buf_check(&out);
    if (err == OK) {
        err = xml_parse(buf_view(&out), &limits, &doc, &diag);
        assert(err == OK);
        check_json(xml_root(doc));
    }
    xml_doc_free(doc);
    buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct xml_data_rule rules[] = {{.item_name = NULL}, {.item_name = name_item}};
    struct slice text = slice_from(data, len);
    struct xml_doc *xml = NULL;
    struct json_doc json;

    json_doc_init(&json);
    if (json_parse(&json, text, NULL) == OK) {
        check_xml(json_root(&json), &rules[0]);
        check_xml(json_root(&json), &rules[1]);
    }
    if (xml_parse(text, &limits, &xml, NULL) == OK) {
        check_json(xml_root(xml));
    }
    json_doc_clear(&json);
    xml_doc_free(xml);
    return 0;
}
