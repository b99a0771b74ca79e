/*
 * The parser: libxml2 reads and calls back, and the tree is our own, so that
 * - what a document may take is known before (xml_internal.h), and a limit ends the parse where it
 *   is passed;
 * - a DTD ends it at "<!DOCTYPE name", before one declaration of it is read: neither entities nor
 *   attributes' defaults exist, and nothing is there that could be fetched;
 * - libxml2's own tree, its global options and its output to stderr have no part in it.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "base/xml_internal.h"

#include <assert.h>
#include <libxml/parser.h>
#include <libxml/xmlversion.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

/* From 2.12 on what an error handler gets is const. */
#if LIBXML_VERSION >= 21200
typedef const xmlError libxml_error;
#else
typedef xmlError libxml_error;
#endif

/* Libxml2 gives an attribute as five pointers. */
enum { ATTRIBUTE_NAME, ATTRIBUTE_VALUE = 3, ATTRIBUTE_END, ATTRIBUTE_FIELDS };

/* Most documents are commands of some ten elements. */
enum { NODES_AT_FIRST = 64 };

/* An element that has begun and not ended. */
struct open_element {
    uint32_t at;
    uint32_t newest; /* of its attributes and children; 0: it has none */
};

struct builder {
    const struct xml_limits *limits;
    xmlParserCtxt *parser;
    struct xml_doc *doc;
    size_t space_len, space_room;
    uint32_t nodes_len, nodes_room;
    uint32_t namespaces_len; /* count as attributes, but nobody asks for them */
    uint32_t depth;
    struct open_element open[XML_DEPTH_MAX];
    enum err err; /* the first thing that was wrong, with its words */
    struct diag *diag;
};

/* Remembers the first thing that is wrong and ends the parse. */
static void refuse(struct builder *builder, enum err err, const char *words)
{
    if (builder->err == OK) {
        builder->err = diag_set(builder->diag, err, "line %d: %s",
                                xmlSAX2GetLineNumber(builder->parser), words);
        xmlStopParser(builder->parser);
    }
}

/* ---- Building ---- */

/* Keeps a part of the text. What is undone there is longer than what it means. */
static struct slice keep(struct builder *builder, const xmlChar *ptr, size_t len)
{
    char *place = builder->doc->space + builder->space_len;

    assert(len <= builder->space_room - builder->space_len);
    if (len > 0) {
        memcpy(place, ptr, len);
    }
    builder->space_len += len;
    return slice_from(place, len);
}

static void make_room(struct builder *builder)
{
    if (builder->nodes_len == builder->nodes_room) {
        builder->nodes_room = builder->nodes_room > 0 ? 2 * builder->nodes_room : NODES_AT_FIRST;
        builder->doc->nodes =
            mem_resize(builder->doc->nodes, builder->nodes_room, sizeof *builder->doc->nodes);
    }
}

/* Puts a node behind the newest of the same parent. */
static void link_node(struct builder *builder, uint32_t at)
{
    if (builder->depth == 0) {
        return;
    }
    struct open_element *parent = &builder->open[builder->depth - 1];
    if (parent->newest > 0) {
        builder->doc->nodes[parent->newest].next = at - parent->newest;
    }
    parent->newest = at;
}

/* NULL when it would be one too many. */
static struct xml_node *add_node(struct builder *builder, enum xml_kind kind)
{
    uint32_t at = builder->nodes_len;

    if (at + builder->namespaces_len >= builder->limits->nodes_max) {
        refuse(builder, ERR_LIMIT, "too many elements, texts and attributes");
        return NULL;
    }
    make_room(builder);
    builder->doc->nodes[at] = (struct xml_node){.kind = kind};
    builder->nodes_len++;
    link_node(builder, at);
    return &builder->doc->nodes[at];
}

static void add_attribute(struct builder *builder, const xmlChar *const *fields)
{
    struct xml_node *node = add_node(builder, XML_KIND_ATTRIBUTE);

    if (node != NULL) {
        node->name = keep(builder, fields[ATTRIBUTE_NAME], strlen((const char *)fields[0]));
        node->value = keep(builder, fields[ATTRIBUTE_VALUE],
                           (size_t)(fields[ATTRIBUTE_END] - fields[ATTRIBUTE_VALUE]));
    }
}

static void add_element(struct builder *builder, const xmlChar *name)
{
    if (builder->depth >= builder->limits->depth_max) {
        refuse(builder, ERR_LIMIT, "too deep");
        return;
    }
    uint32_t at = builder->nodes_len;
    struct xml_node *node = add_node(builder, XML_KIND_ELEMENT);
    if (node != NULL) {
        node->name = keep(builder, name, strlen((const char *)name));
        builder->open[builder->depth++] = (struct open_element){.at = at};
    }
}

/* The text that is the newest node of all and of its parent, so that more of it can follow. */
static struct xml_node *open_text(const struct builder *builder)
{
    uint32_t newest = builder->open[builder->depth - 1].newest;
    struct xml_node *node = &builder->doc->nodes[newest];

    return newest == builder->nodes_len - 1 && node->kind == XML_KIND_TEXT ? node : NULL;
}

/* ---- What libxml2 calls; after a refusal, nothing more is taken ---- */

static void on_begin(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespaces_len, const xmlChar **namespaces, int attributes_len,
                     int defaulted_len, const xmlChar **attributes)
{
    struct builder *builder = ctx;

    (void)prefix, (void)uri, (void)namespaces, (void)defaulted_len;
    builder->namespaces_len += (uint32_t)namespaces_len;
    if (builder->err == OK) {
        add_element(builder, name);
    }
    for (int i = 0; i < attributes_len && builder->err == OK; i++) {
        add_attribute(builder, attributes + (size_t)i * ATTRIBUTE_FIELDS);
    }
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct builder *builder = ctx;

    (void)name, (void)prefix, (void)uri;
    if (builder->err == OK) {
        assert(builder->depth > 0);
        uint32_t at = builder->open[--builder->depth].at;
        builder->doc->nodes[at].inner = builder->nodes_len - at - 1;
    }
}

/* A long text comes in pieces; they are one node, for they lie in the space one behind the other. */
static void on_text(void *ctx, const xmlChar *text, int len)
{
    struct builder *builder = ctx;

    if (builder->err != OK || builder->depth == 0) {
        return;
    }
    struct xml_node *node = open_text(builder);
    if (node == NULL) {
        node = add_node(builder, XML_KIND_TEXT);
    }
    if (node != NULL) {
        struct slice piece = keep(builder, text, (size_t)len);
        node->value =
            node->value.len == 0 ? piece : slice_from(node->value.ptr, node->value.len + piece.len);
    }
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *public_id,
                       const xmlChar *system_id)
{
    (void)name, (void)public_id, (void)system_id;
    refuse(ctx, ERR_INVALID, "a DOCTYPE is not taken");
}

/* Warnings do not matter; what is wrong with namespaces is asked for in the end, if at all. */
static void on_error(void *ctx, libxml_error *error)
{
    struct builder *builder = ctx;

    if (builder->err == OK && error->level == XML_ERR_FATAL) {
        /* Further lines quote the text, which is nobody else's business. */
        struct slice rest = slice_of(error->message);
        struct slice words = rest;
        (void)slice_cut(&rest, '\n', &words);
        builder->err =
            diag_set(builder->diag, ERR_INVALID, "line %d: %.*s", error->line, SLICE_ARGS(words));
    }
}

/* ---- What is looked at before ---- */

/* Where word begins in text; its length when it does not occur. */
static size_t find(struct slice text, const char *word)
{
    const char *found = memmem(text.ptr, text.len, word, strlen(word));

    return found != NULL ? (size_t)(found - text.ptr) : text.len;
}

/* The encoding that the XML declaration names; empty: none. */
static struct slice declared_encoding(struct slice text)
{
    if (slice_starts(text, SLICE("\xef\xbb\xbf"))) {
        text = slice_sub(text, 3, text.len);
    }
    if (!slice_starts(text, SLICE("<?xml")) || text.len == 5 || (unsigned char)text.ptr[5] > ' ') {
        return (struct slice){0};
    }
    struct slice declaration = slice_sub(text, 0, find(text, "?>"));
    struct slice rest = slice_sub(declaration, find(declaration, "encoding"), declaration.len);
    size_t quote = 0;
    while (quote < rest.len && rest.ptr[quote] != '"' && rest.ptr[quote] != '\'') {
        quote++;
    }
    struct slice value = slice_sub(rest, quote + 1, rest.len);
    const char *end = quote < rest.len ? memchr(value.ptr, rest.ptr[quote], value.len) : NULL;
    return end != NULL ? slice_sub(value, 0, (size_t)(end - value.ptr)) : (struct slice){0};
}

static enum err check_encoding(struct slice text, struct diag *diag)
{
    struct slice encoding = declared_encoding(text);

    if (!utf8_is_valid(text)) {
        return diag_set(diag, ERR_INVALID, "not UTF-8");
    }
    /* Libxml2 would take a zero byte behind the root for the end. */
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        return diag_set(diag, ERR_INVALID, "a zero byte");
    }
    if (encoding.len > 0 && !slice_equal_nocase(encoding, SLICE("UTF-8"))) {
        return diag_set(diag, ERR_INVALID, "the declared encoding is not UTF-8");
    }
    return OK;
}

/* The length of what is no tag, a comment for one, at the start of text; 0: it may be a tag. */
static size_t skip_no_tag(struct slice text)
{
    static const struct {
        struct slice begin;
        const char *end;
    } others[] = {{SLICE("<!--"), "-->"}, {SLICE("<![CDATA["), "]]>"}, {SLICE("<?"), "?>"}};

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (slice_starts(text, others[i].begin)) {
            size_t begin_len = others[i].begin.len;
            return begin_len + find(slice_sub(text, begin_len, text.len), others[i].end);
        }
    }
    return 0;
}

/*
 * How many attributes the tag at the start of text has at most, and where it ends: '=' outside
 * quotes, up to '>' or the next '<', which no tag holds.
 */
static uint32_t count_attributes(struct slice text, size_t *len)
{
    uint32_t count = 0;
    char quote = '\0';
    size_t at = 1;

    for (; at < text.len && text.ptr[at] != '<'; at++) {
        char byte = text.ptr[at];

        if (quote != '\0') {
            quote = byte == quote ? '\0' : quote;
        } else if (byte == '"' || byte == '\'') {
            quote = byte;
        } else if (byte == '>') {
            break;
        } else {
            count += byte == '=';
        }
    }
    *len = at;
    return count;
}

/*
 * Libxml2 collects all attributes of an element before it calls, in a time that grows by the square
 * of their number. Up to the first thing that is not well-formed, where it stops, this walk sees
 * the same tags.
 */
static enum err check_tags(struct slice text, struct diag *diag)
{
    const char *end = text.ptr + text.len;
    const char *at = text.ptr;

    while ((at = memchr(at, '<', (size_t)(end - at))) != NULL) {
        struct slice rest = slice_from(at, (size_t)(end - at));
        size_t len = skip_no_tag(rest);

        if (len == 0 && count_attributes(rest, &len) > XML_ATTRIBUTES_MAX) {
            return diag_set(diag, ERR_LIMIT, "more than %d attributes in one element",
                            XML_ATTRIBUTES_MAX);
        }
        at += len;
    }
    return OK;
}

/* ---- The parse ---- */

static void *libxml_take(size_t size)
{
    return mem_resize(NULL, size, 1);
}

static void *libxml_resize(void *ptr, size_t size)
{
    return mem_resize(ptr, size, 1);
}

static char *libxml_copy(const char *text)
{
    return mem_text(text, strlen(text));
}

/* Out of memory must not look like a text that is not well-formed. */
static void start_libxml(void)
{
    int rc = xmlMemSetup(mem_free, libxml_take, libxml_resize, libxml_copy);

    assert(rc == 0);
    xmlInitParser();
}

static void run(struct builder *builder, struct slice text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, start_libxml); /* fails for no reason that can be here */
    builder->parser = xmlNewParserCtxt();
    *builder->parser->sax = (xmlSAXHandler){
        .initialized = XML_SAX2_MAGIC,
        .internalSubset = on_doctype,
        .startElementNs = on_begin,
        .endElementNs = on_end,
        .characters = on_text,
        .ignorableWhitespace = on_text,
        .cdataBlock = on_text,
        .serror = on_error,
    };
    builder->parser->userData = builder;
    /*
     * NOENT: &amp; in an attribute as "&" and not as "&#38;". There are no other entities than the
     * five, for a DTD is refused.
     */
    xmlDoc *none = xmlCtxtReadMemory(builder->parser, text.ptr, (int)text.len, NULL, NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOENT);
    assert(none == NULL); /* it was never begun */
    if (builder->err == OK && !builder->parser->wellFormed) {
        builder->err = diag_set(builder->diag, ERR_INVALID, "not well-formed");
    }
    if (builder->err == OK && builder->limits->checks_namespaces &&
        !builder->parser->nsWellFormed) {
        builder->err = diag_set(builder->diag, ERR_INVALID, "a prefix that is not declared");
    }
    xmlFreeParserCtxt(builder->parser);
    xmlResetLastError();
}

enum err xml_parse(struct slice text, const struct xml_limits *limits, struct xml_doc **out,
                   struct diag *diag)
{
    assert(limits->depth_max <= XML_DEPTH_MAX);
    if (text.len > INT_MAX) {
        return diag_set(diag, ERR_LIMIT, "more than 2 GiB");
    }
    if (text.len == 0) {
        return diag_set(diag, ERR_INVALID, "it is empty");
    }
    enum err err = check_encoding(text, diag);
    if (err == OK) {
        err = check_tags(text, diag);
    }
    if (err != OK) {
        return err;
    }
    struct builder builder = {.limits = limits, .diag = diag, .space_room = text.len};
    builder.doc = MEM_NEW(struct xml_doc);
    builder.doc->space = mem_resize(NULL, text.len, 1);
    run(&builder, text);
    if (builder.err != OK) {
        xml_doc_free(builder.doc);
        return builder.err;
    }
    *out = builder.doc;
    return OK;
}
