/*
 * A document for a person's eyes: one element or member a line, indented. For documents that we
 * wrote ourselves, compact and well-formed; what is between their tags or quotes is not touched.
 */
#ifndef WIRE_WAPI_LAYOUT_H
#define WIRE_WAPI_LAYOUT_H

#include "wire/wapi/document.h"

/* Appends lines that end in LF; what does not fit into out is left out, see buf_check. */
void layout_document(enum wapi_format format, struct slice document, struct buf *out);

#endif
