/*
 * What the XML parser and the look-ups share.
 *
 * A document is an array of nodes in the order of the text: an element's attributes are behind it,
 * then its children, each with what is below it. All names and texts lie in one space of the
 * text's size: they are parts of it, and undoing an entity only makes them shorter.
 */
#ifndef BASE_XML_INTERNAL_H
#define BASE_XML_INTERNAL_H

#include "base/xml.h"

enum xml_kind { XML_KIND_ELEMENT, XML_KIND_ATTRIBUTE, XML_KIND_TEXT };

struct xml_node {
    enum xml_kind kind;
    uint32_t inner;     /* how many nodes are below: its attributes, children and theirs */
    uint32_t next;      /* nodes from here to the next of the same parent; 0 at the end */
    struct slice name;  /* local; empty for a text */
    struct slice value; /* empty for an element */
};

struct xml_doc {
    char *space;            /* owned */
    struct xml_node *nodes; /* owned; the first is the root */
};

_Static_assert(sizeof(struct xml_node) == 48, "xml.h promises 48 bytes a node");

#endif
