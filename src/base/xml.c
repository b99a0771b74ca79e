#include "base/xml.h"

#include "base/mem.h"
#include "base/xml_internal.h"

/* An attribute's or a child's place in the order; NULL at the end. */
static const struct xml_node *first_inner(const struct xml_node *element)
{
    return element != NULL && element->inner > 0 ? element + 1 : NULL;
}

static const struct xml_node *next_inner(const struct xml_node *node)
{
    return node->next > 0 ? node + node->next : NULL;
}

void xml_doc_free(struct xml_doc *doc)
{
    if (doc != NULL) {
        mem_free(doc->space);
        mem_free(doc->nodes);
        mem_free(doc);
    }
}

struct xml xml_root(const struct xml_doc *doc)
{
    return (struct xml){doc->nodes};
}

bool xml_exists(struct xml element)
{
    return element.node != NULL;
}

struct slice xml_name(struct xml element)
{
    const struct xml_node *node = element.node;

    return node != NULL ? node->name : (struct slice){0};
}

/* The first element from node on; attributes and texts are passed over. */
static struct xml element_from(const struct xml_node *node)
{
    while (node != NULL && node->kind != XML_KIND_ELEMENT) {
        node = next_inner(node);
    }
    return (struct xml){node};
}

struct xml xml_first(struct xml element)
{
    return element_from(first_inner(element.node));
}

struct xml xml_next(struct xml element)
{
    const struct xml_node *node = element.node;

    return node != NULL ? element_from(next_inner(node)) : element;
}

struct xml xml_child(struct xml element, const char *name)
{
    struct xml child = xml_first(element);

    while (xml_exists(child) && !slice_is(xml_name(child), name)) {
        child = xml_next(child);
    }
    return child;
}

struct xml xml_child_nocase(struct xml element, const char *name)
{
    struct xml child = xml_first(element);

    while (xml_exists(child) && !slice_equal_nocase(xml_name(child), slice_of(name))) {
        child = xml_next(child);
    }
    return child;
}

uint32_t xml_count(struct xml element, const char *name)
{
    uint32_t count = 0;

    for (struct xml child = xml_first(element); xml_exists(child); child = xml_next(child)) {
        count += slice_is(xml_name(child), name);
    }
    return count;
}

void xml_text(struct xml element, struct buf *out)
{
    const struct xml_node *node = first_inner(element.node);

    for (; node != NULL; node = next_inner(node)) {
        if (node->kind == XML_KIND_TEXT) {
            buf_slice(out, node->value);
        }
    }
}

bool xml_attribute(struct xml element, const char *name, struct buf *out)
{
    const struct xml_node *node = first_inner(element.node);

    for (; node != NULL; node = next_inner(node)) {
        if (node->kind == XML_KIND_ATTRIBUTE && slice_is(node->name, name)) {
            buf_slice(out, node->value);
            return true;
        }
    }
    return false;
}
