/*
 * What the XML parser accepts must survive being written again from its parts: the second document
 * has the same elements, texts and attributes. Whatever the input, the writer's output can be read.
 */
#include "base/mem.h"
#include "base/xml.h"
#include "base/xml_internal.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { TEXT_BYTES_MAX = 64 * 1024 * 1024 };

static const struct xml_limits limits = {.depth_max = 50, .nodes_max = 10000};
/* Two texts with a comment in between are one when they are written again, never more. */
static const struct xml_limits wide = {.depth_max = 51, .nodes_max = 10002};

static void emit_attribute(struct buf *out, const struct xml_node *node)
{
    buf_byte(out, ' ');
    buf_slice(out, node->name);
    buf_text(out, "=\"");
    xml_escape(out, node->value, true);
    buf_byte(out, '"');
}

/* Writes an element with all below it from its nodes, which lie behind it in the text's order. */
static const struct xml_node *emit(struct buf *out, const struct xml_node *element)
{
    const struct xml_node *end = element + 1 + element->inner;
    const struct xml_node *node = element + 1;

    buf_byte(out, '<');
    buf_slice(out, element->name);
    for (; node < end && node->kind == XML_KIND_ATTRIBUTE; node++) {
        emit_attribute(out, node);
    }
    buf_byte(out, '>');
    while (node < end) {
        assert(node->kind != XML_KIND_ATTRIBUTE);
        if (node->kind == XML_KIND_TEXT) {
            xml_escape(out, node->value, false);
            node++;
        } else {
            node = emit(out, node);
        }
    }
    buf_text(out, "</");
    buf_slice(out, element->name);
    buf_byte(out, '>');
    return end;
}

/*
 * A name with a colon is no local one, and of two attributes a:b and c:b the local names are the
 * same: such a document cannot be written from local names.
 */
static bool is_plain(struct slice text)
{
    return memchr(text.ptr, ':', text.len) == NULL;
}

static void assert_same_text(struct xml a, struct xml b)
{
    struct buf first, second;

    buf_init(&first, TEXT_BYTES_MAX);
    buf_init(&second, TEXT_BYTES_MAX);
    xml_text(a, &first);
    xml_text(b, &second);
    assert(slice_equal(buf_view(&first), buf_view(&second)));
    buf_clear(&first);
    buf_clear(&second);
}

/* Walks two documents side by side. */
static void compare(struct xml a, struct xml b)
{
    assert(slice_equal(xml_name(a), xml_name(b)));
    assert_same_text(a, b);
    struct xml other = xml_first(b);
    for (struct xml child = xml_first(a); xml_exists(child); child = xml_next(child)) {
        compare(child, other);
        other = xml_next(other);
    }
    assert(!xml_exists(other));
}

static void check_document(struct slice text)
{
    struct xml_doc *doc = NULL;
    struct xml_doc *again = NULL;
    struct diag diag;
    struct buf out;

    if (xml_parse(text, &limits, &doc, &diag) != OK) {
        return;
    }
    buf_init(&out, TEXT_BYTES_MAX);
    (void)emit(&out, xml_root(doc).node);
    if (is_plain(text)) {
        enum err err = xml_parse(buf_view(&out), &wide, &again, &diag);
        assert(err == OK);
        compare(xml_root(doc), xml_root(again));
    }
    buf_clear(&out);
    xml_doc_free(doc);
    xml_doc_free(again);
}

/* Any bytes as a text. */
static void check_escape(struct slice bytes)
{
    struct xml_doc *doc = NULL;
    struct diag diag;
    struct buf out;

    buf_init(&out, TEXT_BYTES_MAX);
    buf_text(&out, "<a b='");
    xml_escape(&out, bytes, true);
    buf_text(&out, "'>");
    xml_escape(&out, bytes, false);
    buf_text(&out, "</a>");
    enum err err = xml_parse(buf_view(&out), &wide, &doc, &diag);
    assert(err == OK);

    struct buf value, content;
    buf_init(&value, TEXT_BYTES_MAX);
    buf_init(&content, TEXT_BYTES_MAX);
    bool has_value = xml_attribute(xml_root(doc), "b", &value);
    xml_text(xml_root(doc), &content);
    assert(has_value && slice_equal(buf_view(&value), buf_view(&content)));
    buf_clear(&value);
    buf_clear(&content);
    buf_clear(&out);
    xml_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    check_document(slice_from(data, len));
    check_escape(slice_from(data, len));
    return 0;
}
