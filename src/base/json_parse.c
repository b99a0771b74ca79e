/*
 * The parser: one pass, no recursion, so that no text makes the stack grow.
 *
 * 1. parser.at never passes parser.end; nothing behind it is read.
 * 2. levels[depth] is the open container; levels[0] holds the root value.
 * 3. A node is added when its value begins, so nodes stand in the order of the text; its length is
 *    known when it ends.
 * 4. The first failure is noted in parser and every function on the way up returns false.
 */
#include "base/json_internal.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { NODES_MIN = 64 }; /* a typical event's */

/* An open container. */
struct level {
    uint32_t node;
    uint32_t last; /* newest child's node */
    uint32_t count;
    uint32_t escaped_len; /* of all names that have escapes */
    bool is_object;
};

struct parser {
    const char *start, *at, *end; /* the text, borrowed */
    struct json_doc *doc;
    struct level levels[JSON_DEPTH_MAX + 1];
    uint32_t depth;
    /* The member's name that was read for the value to come. */
    uint32_t name, name_len;
    bool name_has_escapes;
    /* What went wrong at `at`. */
    enum err err;
    const char *problem;
};

static bool fail(struct parser *parser, enum err err, const char *problem)
{
    parser->err = err;
    parser->problem = problem;
    return false;
}

static bool fail_at(struct parser *parser, const char *at, const char *problem)
{
    parser->at = at;
    return fail(parser, ERR_INVALID, problem);
}

/* The byte that comes, or 0 at the end: no text may have a zero byte where this is asked. */
static char peek(const struct parser *parser)
{
    return parser->at < parser->end ? *parser->at : '\0';
}

static uint32_t offset_of(const struct parser *parser, const char *at)
{
    return (uint32_t)(at - parser->start);
}

static void skip_space(struct parser *parser)
{
    while (parser->at < parser->end) {
        char byte = *parser->at;

        if (byte > ' ' || (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t')) {
            return;
        }
        parser->at++;
    }
}

static void reserve_node(struct json_doc *doc)
{
    if (doc->count < doc->room) {
        return;
    }
    doc->room = doc->room > 0 ? doc->room * 2 : NODES_MIN;
    if (doc->room > JSON_VALUES_MAX + 1) {
        doc->room = JSON_VALUES_MAX + 1;
    }
    doc->nodes = mem_resize(doc->nodes, doc->room, sizeof *doc->nodes);
}

/* Adds the value that starts at `at` as the newest child of the open container. */
static struct json_node *add_node(struct parser *parser, enum json_type type)
{
    struct json_doc *doc = parser->doc;
    struct level *level = &parser->levels[parser->depth];
    uint32_t index = doc->count;

    if (index > JSON_VALUES_MAX) {
        (void)fail(parser, ERR_LIMIT, "too many values");
        return NULL;
    }
    reserve_node(doc);
    doc->count++;
    doc->nodes[level->last].next = index; /* node 0 takes it when this is the first child */
    level->last = index;
    level->count++;

    struct json_node *node = &doc->nodes[index];
    *node = (struct json_node){
        .start = offset_of(parser, parser->at),
        .name = parser->name,
        .name_len = parser->name_len,
        .type = type & 0xf,
        .name_has_escapes = parser->name_has_escapes,
    };
    return node;
}

/* From behind the opening quote to behind the closing one. */
static bool read_string(struct parser *parser, bool *has_escapes)
{
    const char *at = parser->at;
    const char *end = parser->end;

    *has_escapes = false;
    for (;;) {
        uint32_t code;
        size_t len;

        at = json_skip_plain(at, end);
        if (at == end) {
            return fail_at(parser, at, "expected a closing quote");
        }
        if (*at == '"') {
            parser->at = at + 1;
            return true;
        }
        if (*at == '\\') {
            *has_escapes = true;
            len = json_read_escape(at, end, &code);
            if (len == 0) {
                return fail_at(parser, at, "no valid escape, or half a surrogate pair");
            }
        } else if ((unsigned char)*at < 0x20) {
            return fail_at(parser, at, "a control character in a string must be escaped");
        } else {
            len = utf8_next(slice_from(at, (size_t)(end - at)), NULL);
            if (len == 0) {
                return fail_at(parser, at, "not UTF-8");
            }
        }
        at += len;
    }
}

static bool read_string_value(struct parser *parser)
{
    struct json_node *node = add_node(parser, JSON_STRING);
    bool has_escapes;

    if (node == NULL) {
        return false;
    }
    parser->at++;
    if (!read_string(parser, &has_escapes)) {
        return false;
    }
    node->has_escapes = has_escapes;
    node->len = offset_of(parser, parser->at) - node->start;
    return true;
}

/* Moves over digits; false when there was none. */
static bool skip_digits(struct parser *parser)
{
    const char *before = parser->at;

    while (peek(parser) >= '0' && peek(parser) <= '9') {
        parser->at++;
    }
    return parser->at > before;
}

static bool skip_fraction(struct parser *parser)
{
    if (peek(parser) != '.') {
        return true;
    }
    parser->at++;
    return skip_digits(parser);
}

static bool skip_exponent(struct parser *parser)
{
    if (peek(parser) != 'e' && peek(parser) != 'E') {
        return true;
    }
    parser->at++;
    if (peek(parser) == '+' || peek(parser) == '-') {
        parser->at++;
    }
    return skip_digits(parser);
}

static bool read_number(struct parser *parser)
{
    struct json_node *node = add_node(parser, JSON_NUMBER);

    if (node == NULL) {
        return false;
    }
    if (peek(parser) == '-') {
        parser->at++;
    }
    bool is_zero = peek(parser) == '0'; /* no digit may follow it */
    if (is_zero) {
        parser->at++;
    }
    if ((!is_zero && !skip_digits(parser)) || !skip_fraction(parser) || !skip_exponent(parser)) {
        return fail(parser, ERR_INVALID, "expected a digit");
    }
    node->len = offset_of(parser, parser->at) - node->start;
    return true;
}

static bool read_literal(struct parser *parser, enum json_type type, struct slice word)
{
    struct slice rest = slice_from(parser->at, (size_t)(parser->end - parser->at));

    if (!slice_starts(rest, word)) {
        return fail(parser, ERR_INVALID, "expected a value");
    }
    struct json_node *node = add_node(parser, type);
    if (node == NULL) {
        return false;
    }
    node->len = (uint32_t)word.len;
    parser->at += word.len;
    return true;
}

static bool read_scalar(struct parser *parser)
{
    switch (peek(parser)) {
    case '"':
        return read_string_value(parser);
    case 't':
        return read_literal(parser, JSON_TRUE, SLICE("true"));
    case 'f':
        return read_literal(parser, JSON_FALSE, SLICE("false"));
    case 'n':
        return read_literal(parser, JSON_NULL, SLICE("null"));
    case '-':
    case '0' ... '9':
        return read_number(parser);
    default:
        return fail(parser, ERR_INVALID, "expected a value");
    }
}

/* Reads a member's name and its colon, up to its value. */
static bool read_name(struct parser *parser)
{
    if (peek(parser) != '"') {
        return fail(parser, ERR_INVALID, "expected a member's name in quotes");
    }
    const char *name = ++parser->at;
    if (!read_string(parser, &parser->name_has_escapes)) {
        return false;
    }
    parser->name = offset_of(parser, name);
    parser->name_len = offset_of(parser, parser->at) - parser->name - 1;
    if (parser->name_has_escapes) {
        parser->levels[parser->depth].escaped_len += parser->name_len;
    }
    skip_space(parser);
    if (peek(parser) != ':') {
        return fail(parser, ERR_INVALID, "expected a colon");
    }
    parser->at++;
    skip_space(parser);
    return true;
}

/* Items of an array have no name, whatever was read last. */
static void forget_name(struct parser *parser)
{
    parser->name = parser->name_len = 0;
    parser->name_has_escapes = false;
}

static bool open_container(struct parser *parser, bool is_object)
{
    if (parser->depth == JSON_DEPTH_MAX) {
        return fail(parser, ERR_LIMIT, "nested too deep");
    }
    if (add_node(parser, is_object ? JSON_OBJECT : JSON_ARRAY) == NULL) {
        return false;
    }
    parser->levels[++parser->depth] = (struct level){
        .node = parser->doc->count - 1,
        .is_object = is_object,
    };
    forget_name(parser);
    parser->at++;
    skip_space(parser);
    return true;
}

static bool close_container(struct parser *parser)
{
    const struct level *level = &parser->levels[parser->depth];
    struct json_node *node = &parser->doc->nodes[level->node];

    node->count = level->count & 0xffffff;
    if (level->is_object) {
        uint32_t twin = json_find_twin(parser->doc, level->node, level->escaped_len);

        if (twin != 0) {
            return fail_at(parser, parser->start + parser->doc->nodes[twin].name - 1,
                           "an object has two members of this name");
        }
    }
    parser->at++;
    node->len = offset_of(parser, parser->at) - node->start;
    parser->depth--;
    forget_name(parser);
    return true;
}

static bool is_at_close(const struct parser *parser)
{
    return peek(parser) == (parser->levels[parser->depth].is_object ? '}' : ']');
}

/*
 * Reads one value without children, going down through as many containers as open in front of it.
 */
static bool read_value(struct parser *parser)
{
    for (;;) {
        char byte = peek(parser);

        if (byte != '{' && byte != '[') {
            return read_scalar(parser);
        }
        if (!open_container(parser, byte == '{')) {
            return false;
        }
        if (is_at_close(parser)) {
            return close_container(parser);
        }
        if (byte == '{' && !read_name(parser)) {
            return false;
        }
    }
}

/*
 * Behind a value: closes what ends here and moves to the next value. False at the end of the root,
 * or on failure.
 */
static bool find_next_value(struct parser *parser)
{
    for (;;) {
        skip_space(parser);
        if (parser->depth == 0) {
            return false;
        }
        bool is_object = parser->levels[parser->depth].is_object;
        if (peek(parser) == ',') {
            parser->at++;
            skip_space(parser);
            return !is_object || read_name(parser);
        }
        if (!is_at_close(parser)) {
            return fail(parser, ERR_INVALID,
                        is_object ? "expected a comma or '}'" : "expected a comma or ']'");
        }
        if (!close_container(parser)) {
            return false;
        }
    }
}

static void parse(struct parser *parser)
{
    if (slice_starts(parser->doc->text, SLICE("\xef\xbb\xbf"))) {
        (void)fail(parser, ERR_INVALID, "a byte order mark does not belong here");
        return;
    }
    skip_space(parser);
    while (read_value(parser) && find_next_value(parser)) {
    }
    if (parser->err == OK && parser->at < parser->end) {
        (void)fail(parser, ERR_INVALID, "expected nothing behind the value");
    }
}

/* Tells where, both counted from 1 as editors do. */
static enum err explain(const struct parser *parser, struct diag *diag)
{
    const char *ended = parser->at == parser->end ? ", but the text ends" : "";
    size_t line = 1;

    for (const char *at = parser->start; at < parser->at; at++) {
        line += *at == '\n';
    }
    return diag_set(diag, parser->err, "JSON at byte %zu (line %zu): %s%s",
                    (size_t)(parser->at - parser->start) + 1, line, parser->problem, ended);
}

enum err json_parse(struct json_doc *doc, struct slice text, struct diag *diag)
{
    doc->count = 0;
    if (text.len > UINT32_MAX) {
        return diag_set(diag, ERR_LIMIT, "JSON: more than 4 GiB");
    }
    doc->text = text.len > 0 ? text : SLICE(""); /* an address to count from */

    struct parser parser = {
        .start = doc->text.ptr,
        .at = doc->text.ptr,
        .end = doc->text.ptr + text.len,
        .doc = doc,
    };
    reserve_node(doc);
    doc->nodes[doc->count++] = (struct json_node){.type = JSON_NONE};
    parse(&parser);
    if (parser.err != OK) {
        doc->count = 0;
        return explain(&parser, diag);
    }
    return OK;
}
