/*
 * JSON data as XML elements and back: how an event's or a command's data crosses between the two
 * forms of the dialects that speak XML.
 *
 * To XML: a member is an element of its name; a scalar is its text (a number's raw token, true and
 * false as 1 and 0, null as nothing); an object's members are child elements; an array is by the
 * rule below. A member whose name is no element's name gets one: each character that cannot be in
 * it becomes '_', and '_' is put in front where the first may not be first.
 *
 * To JSON: an element with child elements is an object, one without is a string; several of one
 * name are one array under it, in the place of the first. Attributes, and text between child
 * elements, are left out.
 */
#ifndef WIRE_XML_DATA_H
#define WIRE_XML_DATA_H

#include "base/buf.h"
#include "base/json.h"
#include "base/xml.h"

/* How the items of an array become elements. */
struct xml_data_rule {
    /*
     * Appends the name of the items of the array `name` (an element's name already): the array is
     * then an element with one child an item. NULL: no element for the array itself, each item is an
     * element of the array's name; an item that is itself an array is one with its items inside.
     */
    void (*item_name)(struct slice name, struct buf *out);
};

/* Appends the members of an object, one element each. */
void xml_data_put_members(struct buf *out, struct json object, const struct xml_data_rule *rule);

/* Appends one value as the element `name` (made a name as above). */
void xml_data_put(struct buf *out, struct slice name, struct json value,
                  const struct xml_data_rule *rule);

/* Writes an element's content as one JSON value: an object, or a string when it has no children. */
void xml_data_to_json(struct xml element, struct json_writer *out);

#endif
