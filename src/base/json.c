#include "base/json.h"

#include "base/json_internal.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

void json_doc_init(struct json_doc *doc)
{
    *doc = (struct json_doc){.nodes = NULL};
}

void json_doc_clear(struct json_doc *doc)
{
    mem_free(doc->nodes);
    json_doc_init(doc);
}

static const struct json_node *node_of(struct json value)
{
    static const struct json_node none = {.type = JSON_NONE};

    return value.at != 0 ? &value.doc->nodes[value.at] : &none;
}

struct json json_root(const struct json_doc *doc)
{
    return (struct json){doc, doc->count > 0 ? 1 : 0};
}

enum json_type json_type(struct json value)
{
    return (enum json_type)node_of(value)->type;
}

bool json_exists(struct json value)
{
    return value.at != 0;
}

bool json_is_null(struct json value)
{
    enum json_type type = json_type(value);

    return type == JSON_NONE || type == JSON_NULL;
}

const char *json_type_name(enum json_type type)
{
    static const char *const names[] = {
        [JSON_NONE] = "nothing",   [JSON_NULL] = "null",        [JSON_FALSE] = "false",
        [JSON_TRUE] = "true",      [JSON_NUMBER] = "a number",  [JSON_STRING] = "a string",
        [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
    };

    return names[type];
}

static struct slice text_at(struct json value, uint32_t start, uint32_t len)
{
    return value.at != 0 ? slice_from(value.doc->text.ptr + start, len) : SLICE("");
}

struct slice json_raw(struct json value)
{
    const struct json_node *node = node_of(value);

    return text_at(value, node->start, node->len);
}

uint32_t json_count(struct json value)
{
    return node_of(value)->count;
}

struct json json_first(struct json value)
{
    return (struct json){value.doc, json_count(value) > 0 ? value.at + 1 : 0};
}

struct json json_next(struct json child)
{
    return (struct json){child.doc, node_of(child)->next};
}

struct slice json_name(struct json member)
{
    const struct json_node *node = node_of(member);

    return text_at(member, node->name, node->name_len);
}

static bool is_undone(struct slice raw, struct slice wanted)
{
    struct buf undone;

    buf_init(&undone, raw.len);
    json_undo_escapes(raw, &undone);
    bool is_equal = slice_equal(buf_view(&undone), wanted);
    buf_clear(&undone);
    return is_equal;
}

static bool is_named(struct json member, struct slice wanted)
{
    return node_of(member)->name_has_escapes ? is_undone(json_name(member), wanted)
                                             : slice_equal(json_name(member), wanted);
}

bool json_name_is(struct json member, const char *name)
{
    return json_exists(member) && is_named(member, slice_of(name));
}

struct json json_member(struct json object, const char *name)
{
    struct slice wanted = slice_of(name);
    struct json member = {object.doc, 0};

    if (json_type(object) == JSON_OBJECT) {
        member = json_first(object);
    }
    while (json_exists(member) && !is_named(member, wanted)) {
        member = json_next(member);
    }
    return member;
}

static struct slice inside_quotes(struct json value)
{
    struct slice raw = json_raw(value);

    assert(json_type(value) == JSON_STRING);
    return slice_sub(raw, 1, raw.len - 2);
}

void json_unescape(struct json value, struct buf *out)
{
    json_undo_escapes(inside_quotes(value), out);
}

struct slice json_string(struct json value, struct buf *scratch)
{
    if (!node_of(value)->has_escapes) {
        return inside_quotes(value);
    }
    size_t offset = scratch->len;
    json_unescape(value, scratch);
    return slice_sub(buf_view(scratch), offset, scratch->len);
}

struct slice json_name_text(struct json member, struct buf *scratch)
{
    if (!node_of(member)->name_has_escapes) {
        return json_name(member);
    }
    size_t offset = scratch->len;
    json_undo_escapes(json_name(member), scratch);
    return slice_sub(buf_view(scratch), offset, scratch->len);
}

enum err json_to_i64(struct json value, int64_t *out)
{
    return json_type(value) == JSON_NUMBER ? slice_to_i64(json_raw(value), out) : ERR_INVALID;
}
