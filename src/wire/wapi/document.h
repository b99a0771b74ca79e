/*
 * A document of the command API as it is written: the same members in XML or in JSON.
 *
 * In XML each member is an element of its name; in JSON a member of the object, numbers as numbers
 * and texts as strings. Both have one root: <response>...</response>, {"response":{...}}.
 */
#ifndef WIRE_WAPI_DOCUMENT_H
#define WIRE_WAPI_DOCUMENT_H

#include "base/buf.h"
#include "base/json.h"
#include "base/slice.h"

#include <stdint.h>

enum wapi_format { WAPI_XML, WAPI_JSON };

const char *wapi_format_word(enum wapi_format format); /* "xml", "json" */

struct document {
    enum wapi_format format;
    struct buf *out; /* borrowed */
    struct json_writer json;
};

/* Starts to append a document to out, with the XML declaration. */
void document_open(struct document *document, enum wapi_format format, const char *root,
                   struct buf *out);
void document_close(struct document *document, const char *root);

/* A member that has members itself: everything between the two calls. */
void document_begin(struct document *document, const char *name);
void document_end(struct document *document, const char *name);

void document_put_number(struct document *document, const char *name, int64_t number);
void document_put_text(struct document *document, const char *name, struct slice text);
/*
 * Any JSON value: in XML by wire/xml_data.h, each item of an array an element of its name; in JSON
 * with all its scalars as strings (data_texts.h).
 */
void document_put_data(struct document *document, const char *name, struct json value);

#endif
