/*
 * XML 1.0: a strict reader over libxml2, and a writer.
 *
 * The reader takes what a peer sends: UTF-8 only (checked; a declaration of another encoding is
 * refused, a byte order mark is skipped), no DTD (so no entities but the five of XML), nothing is
 * ever fetched, depth and number of nodes limited. Comments and processing instructions are
 * skipped. Names are local names; namespaces do not matter.
 *
 * The limits hold while the text is read, not only after. A document takes the text's size and 48
 * bytes a node; the parse beside it about twice the text.
 */
#ifndef BASE_XML_H
#define BASE_XML_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct xml_doc; /* opaque */

enum {
    XML_DEPTH_MAX = 200,      /* libxml2 itself goes down to 256 */
    XML_ATTRIBUTES_MAX = 256, /* of one element: libxml2 compares each with all others */
};

struct xml_limits {
    uint32_t depth_max; /* of elements; the root has depth 1; at most XML_DEPTH_MAX */
    uint32_t nodes_max; /* elements, texts (white space too) and attributes together */
    /* A prefix that is not declared is ERR_INVALID: of what others get to read as it is. */
    bool checks_namespaces;
};

/*
 * Parses text, which may go afterwards. ERR_INVALID: not well-formed, not UTF-8, a DTD, another
 * encoding; the diag says what and in which line. ERR_LIMIT: deeper or more than the limits, or
 * 2 GiB of text.
 */
enum err xml_parse(struct slice text, const struct xml_limits *limits, struct xml_doc **out,
                   struct diag *diag) MUST_CHECK;
void xml_doc_free(struct xml_doc *doc); /* NULL is fine */

/* ---- Reading ---- */

/* An element of a document: a small cursor, passed by value, valid while the document is. */
struct xml {
    const void *node; /* NULL: no such element */
};

struct xml xml_root(const struct xml_doc *doc);
bool xml_exists(struct xml element);
struct slice xml_name(struct xml element);

/* Child elements in order; at the end one that does not exist. */
struct xml xml_first(struct xml element);
struct xml xml_next(struct xml element);
/* The first child of a name (exact, or without regard to the case of ASCII letters); how many. */
struct xml xml_child(struct xml element, const char *name);
struct xml xml_child_nocase(struct xml element, const char *name);
uint32_t xml_count(struct xml element, const char *name);

/*
 * Appends the text of the element itself: all its texts and CDATA sections, entities undone,
 * without that of its child elements.
 */
void xml_text(struct xml element, struct buf *out);

/* Appends the value of an attribute; false when there is none. */
bool xml_attribute(struct xml element, const char *name, struct buf *out);

/* ---- Writing ---- */

/*
 * Whether text is a name that an element may have everywhere: a letter or '_', then letters, digits,
 * '_', '-', '.'; ASCII only; not beginning with "xml" in any case.
 */
bool xml_is_name(struct slice text);

/*
 * Appends character data: & < > as entities, a carriage return as &#13; (a reader would turn it
 * into a line feed); quotes, tabs and line feeds too when is_attribute. What XML 1.0 cannot hold
 * (most control characters, invalid UTF-8) becomes U+FFFD.
 */
void xml_escape(struct buf *out, struct slice text, bool is_attribute);

/*
 * Compact output: no white space between elements, no self-closing tags. Names must be names
 * (assert): ours, or checked by xml_is_name.
 */
void xml_begin(struct buf *out, struct slice name);                     /* <name> */
void xml_end(struct buf *out, struct slice name);                       /* </name> */
void xml_element(struct buf *out, const char *name, struct slice text); /* <name>text</name> */

#endif
