/*
 * What the JSON parser, the look-ups and the writer share.
 *
 * A document is an array of nodes in the order of the text: a container's first child is the node
 * behind it, each child leads to the next one. Node 0 stands for "no such value", so that 0 is no
 * place.
 */
#ifndef BASE_JSON_INTERNAL_H
#define BASE_JSON_INTERNAL_H

#include "base/json.h"

struct json_node {
    uint32_t start, len;     /* the value in the text; for a string with its quotes */
    uint32_t name, name_len; /* a member's name in the text, without its quotes */
    uint32_t next;           /* the following child of the same parent; 0 at the end */
    uint32_t count : 24;     /* children */
    uint32_t type : 4;       /* enum json_type */
    uint32_t has_escapes : 1;
    uint32_t name_has_escapes : 1;
};

_Static_assert(sizeof(struct json_node) == 24, "JSON_VALUES_MAX promises 24 bytes a value");
_Static_assert(JSON_VALUES_MAX < 1 << 24, "as many children must be countable");

/*
 * The first byte from at on that a string's reader or writer must look at: quote, backslash,
 * control, not ASCII.
 */
const char *json_skip_plain(const char *at, const char *end);

/*
 * The escape that starts with the backslash at `at`: how many bytes it has (12 for a surrogate
 * pair), and the code point it stands for. 0 when it is none.
 */
size_t json_read_escape(const char *at, const char *end, uint32_t *code);

/* Appends raw, the valid inside of a string literal, with its escapes undone. */
void json_undo_escapes(struct slice raw, struct buf *out);

/*
 * The second of two members of one name (compared with escapes undone) in the object at a node
 * whose count and children are complete; 0 when there is none. escaped_len is the length of all its
 * names that have escapes.
 */
uint32_t json_find_twin(const struct json_doc *doc, uint32_t object, uint32_t escaped_len);

#endif
