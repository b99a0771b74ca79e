#include "wire/xml_data.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdlib.h>

/* ---- To XML ---- */

/* What is in a name behind its first letter. */
static bool may_be_in_name(struct slice character)
{
    char name[] = {'a', character.ptr[0]};

    return character.len == 1 && xml_is_name(slice_from(name, sizeof name));
}

/* The name of an element for any name, written to out, which is the caller's to clear. */
static struct slice make_name(struct buf *out, struct slice name)
{
    buf_init(out, name.len + 1);
    buf_byte(out, '_');
    while (name.len > 0) {
        size_t len = utf8_next(name, NULL);
        struct slice character = slice_sub(name, 0, len > 0 ? len : 1);

        buf_byte(out, may_be_in_name(character) ? character.ptr[0] : '_');
        name = slice_sub(name, character.len, name.len);
    }
    struct slice made = buf_view(out);
    struct slice rest = slice_sub(made, 1, made.len);
    return xml_is_name(rest) ? rest : made;
}

static void put_scalar(struct buf *out, struct json value)
{
    struct buf scratch;

    switch (json_type(value)) {
    case JSON_FALSE:
        buf_byte(out, '0');
        break;
    case JSON_TRUE:
        buf_byte(out, '1');
        break;
    case JSON_NUMBER:
        buf_slice(out, json_raw(value));
        break;
    case JSON_STRING:
        buf_init(&scratch, json_raw(value).len);
        xml_escape(out, json_string(value, &scratch), false);
        buf_clear(&scratch);
        break;
    case JSON_NONE:
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
}

/* In what follows a name is an element's name already. It goes as deep as a JSON text may be. */
static void put_named(struct buf *out, struct slice name, struct json value,
                      const struct xml_data_rule *rule);

/*
 * Each item is an element; whether an array among them is one too is what sets the rules apart.
 * A long name before each of many items makes a document some thousand times longer: when out is
 * full, that is the end.
 */
static void put_items(struct buf *out, struct slice name, struct json array,
                      const struct xml_data_rule *rule)
{
    struct json item = json_first(array);

    for (; json_exists(item) && buf_check(out) == OK; item = json_next(item)) {
        if (json_type(item) == JSON_ARRAY && rule->item_name == NULL) {
            xml_begin(out, name);
            put_items(out, name, item, rule);
            xml_end(out, name);
        } else {
            put_named(out, name, item, rule);
        }
    }
}

static void put_array(struct buf *out, struct slice name, struct json array,
                      const struct xml_data_rule *rule)
{
    struct buf item_name;

    if (rule->item_name == NULL) {
        put_items(out, name, array, rule);
        return;
    }
    buf_init(&item_name, SIZE_MAX); /* made of a name that was limited */
    rule->item_name(name, &item_name);
    xml_begin(out, name);
    put_items(out, buf_view(&item_name), array, rule);
    xml_end(out, name);
    buf_clear(&item_name);
}

static void put_named(struct buf *out, struct slice name, struct json value,
                      const struct xml_data_rule *rule)
{
    if (json_type(value) == JSON_ARRAY) {
        put_array(out, name, value, rule);
        return;
    }
    xml_begin(out, name);
    if (json_type(value) == JSON_OBJECT) {
        xml_data_put_members(out, value, rule);
    } else {
        put_scalar(out, value);
    }
    xml_end(out, name);
}

void xml_data_put_members(struct buf *out, struct json object, const struct xml_data_rule *rule)
{
    for (struct json member = json_first(object); json_exists(member); member = json_next(member)) {
        struct buf scratch;

        buf_init(&scratch, json_name(member).len);
        xml_data_put(out, json_name_text(member, &scratch), member, rule);
        buf_clear(&scratch);
    }
}

void xml_data_put(struct buf *out, struct slice name, struct json value,
                  const struct xml_data_rule *rule)
{
    struct buf made;

    put_named(out, make_name(&made, name), value, rule);
    buf_clear(&made);
}

/* ---- To JSON ---- */

/* A child element among its siblings. */
struct sibling {
    struct xml element;
    struct slice name;
    struct sibling *twin; /* the next of the same name; NULL: none */
    bool is_later;        /* one of the same name was before */
};

/* By name, those of one name in their order: they lie in one array. */
static int compare_siblings(const void *left, const void *right)
{
    const struct sibling *a = *(const struct sibling *const *)left;
    const struct sibling *b = *(const struct sibling *const *)right;
    int order = slice_compare(a->name, b->name);

    return order != 0 ? order : (a > b) - (a < b);
}

static uint32_t count_children(struct xml element)
{
    uint32_t count = 0;

    for (struct xml child = xml_first(element); xml_exists(child); child = xml_next(child)) {
        count++;
    }
    return count;
}

/* Sorted to find them: comparing each with all others would let a peer's document take long. */
static void find_twins(struct sibling *siblings, uint32_t count)
{
    struct sibling **sorted = MEM_ARRAY(count, struct sibling *);

    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = &siblings[i];
    }
    qsort(sorted, count, sizeof(struct sibling *), compare_siblings);
    for (uint32_t i = 1; i < count; i++) {
        if (slice_equal(sorted[i - 1]->name, sorted[i]->name)) {
            sorted[i - 1]->twin = sorted[i];
            sorted[i]->is_later = true;
        }
    }
    mem_free(sorted);
}

/* One value, or all of its name as an array. */
static void put_sibling(const struct sibling *sibling, struct json_writer *out)
{
    json_key_slice(out, sibling->name);
    if (sibling->twin == NULL) {
        xml_data_to_json(sibling->element, out);
        return;
    }
    json_begin_array(out);
    for (; sibling != NULL; sibling = sibling->twin) {
        xml_data_to_json(sibling->element, out);
    }
    json_end_array(out);
}

static void put_children(struct xml element, uint32_t count, struct json_writer *out)
{
    struct sibling *siblings = MEM_ARRAY(count, struct sibling);
    struct xml child = xml_first(element);

    for (uint32_t i = 0; i < count; i++, child = xml_next(child)) {
        siblings[i] = (struct sibling){.element = child, .name = xml_name(child)};
    }
    find_twins(siblings, count);
    json_begin_object(out);
    for (uint32_t i = 0; i < count; i++) {
        if (!siblings[i].is_later) {
            put_sibling(&siblings[i], out);
        }
    }
    json_end_object(out);
    mem_free(siblings);
}

static void put_text(struct xml element, struct json_writer *out)
{
    struct buf text;

    buf_init(&text, SIZE_MAX); /* it is part of a document that was limited */
    xml_text(element, &text);
    json_put_string(out, buf_view(&text));
    buf_clear(&text);
}

void xml_data_to_json(struct xml element, struct json_writer *out)
{
    uint32_t count = count_children(element);

    if (count > 0) {
        put_children(element, count, out);
    } else {
        put_text(element, out);
    }
}
