#include "wire/wapi/request.h"

#include "base/utf8.h"
#include "base/xml.h"
#include "model/operation.h"
#include "wire/wapi/form.h"
#include "wire/xml_data.h"

/* The members of the envelope before they are checked; absent ones do not exist. */
struct envelope_texts {
    struct slice user, auth, command, client_ref, test;
    bool has_client_ref;
    uint32_t data_count;
};

void wapi_request_init(struct wapi_request *request, enum wapi_format format)
{
    *request = (struct wapi_request){.format = format};
    buf_init(&request->text, 0); /* the limits come with what is read */
    buf_init(&request->scratch, 0);
    buf_init(&request->data_text, 0);
    json_doc_init(&request->doc);
    json_doc_init(&request->data_of);
}

void wapi_request_clear(struct wapi_request *request)
{
    buf_clear(&request->text);
    buf_clear(&request->scratch);
    buf_clear(&request->data_text);
    json_doc_clear(&request->doc);
    json_doc_clear(&request->data_of);
}

static bool is_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr(" \t\r\n", text.ptr[i], 4) == NULL) {
            return false;
        }
    }
    return true;
}

/* Data that says nothing is as good as none: "", [], {} are what some languages make of an empty
 * list. */
static bool is_nothing(struct json value)
{
    switch (json_type(value)) {
    case JSON_NONE:
    case JSON_NULL:
        return true;
    case JSON_STRING:
        return is_blank(slice_sub(json_raw(value), 1, json_raw(value).len - 2));
    case JSON_ARRAY:
    case JSON_OBJECT:
        return json_count(value) == 0;
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
        return false;
    }
    return false;
}

static void set_data(struct wapi_request *request, struct json value)
{
    if (!is_nothing(value)) {
        request->data = value;
    }
}

/* ---- XML ---- */

static struct slice text_of(struct wapi_request *request, struct xml element)
{
    size_t from = request->scratch.len;

    xml_text(element, &request->scratch);
    return slice_sub(buf_view(&request->scratch), from, request->scratch.len - from);
}

static enum err take_xml_data(struct wapi_request *request, struct xml element)
{
    struct json_writer writer;

    if (!xml_exists(xml_first(element)) && is_blank(text_of(request, element))) {
        return OK; /* none, or an empty one */
    }
    request->data_text.bytes_max = OPERATION_DATA_BYTES_MAX; /* it may become that of one */
    json_writer_init(&writer, &request->data_text);
    xml_data_to_json(element, &writer);
    enum err err = buf_check(&request->data_text);
    if (err == OK) {
        err = json_parse(&request->data_of, buf_view(&request->data_text), NULL);
    }
    if (err == OK) {
        set_data(request, json_root(&request->data_of));
    }
    return err;
}

static enum err take_xml(struct wapi_request *request, struct xml root,
                         struct envelope_texts *texts)
{
    struct xml client_ref = xml_child(root, "clTRID");

    if (!slice_is(xml_name(root), "request")) {
        return ERR_INVALID;
    }
    texts->user = text_of(request, xml_child(root, "user"));
    texts->auth = text_of(request, xml_child(root, "auth"));
    texts->command = text_of(request, xml_child(root, "command"));
    texts->test = text_of(request, xml_child(root, "test"));
    texts->has_client_ref = xml_exists(client_ref);
    texts->client_ref = text_of(request, client_ref);
    texts->data_count = xml_count(root, "data");
    return take_xml_data(request, xml_child(root, "data"));
}

static enum err read_xml(struct wapi_request *request, struct envelope_texts *texts)
{
    static const struct xml_limits limits = {.depth_max = REQUEST_DEPTH_MAX,
                                             .nodes_max = REQUEST_NODES_MAX};
    struct xml_doc *doc = NULL;
    enum err err = xml_parse(buf_view(&request->text), &limits, &doc, NULL);

    if (err == OK) {
        err = take_xml(request, xml_root(doc), texts);
    }
    xml_doc_free(doc);
    return err;
}

/* ---- JSON ---- */

/* The deepest nesting of arrays and objects in a text that is valid JSON. */
static uint32_t depth_of(struct slice text)
{
    uint32_t depth = 0, deepest = 0;
    bool is_in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];

        if (is_in_string) {
            i += byte == '\\'; /* the escaped character too */
            is_in_string = byte != '"';
        } else if (byte == '[' || byte == '{') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else {
            depth -= byte == ']' || byte == '}';
            is_in_string = byte == '"';
        }
    }
    return deepest;
}

/* A scalar as text; empty for what is none. */
static struct slice scalar_of(struct wapi_request *request, struct json value)
{
    switch (json_type(value)) {
    case JSON_STRING:
        return json_string(value, &request->scratch);
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE:
        return json_raw(value);
    case JSON_NONE:
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return SLICE("");
}

/* Several elements of one name are an array in JSON. */
static void take_json_data(struct wapi_request *request, struct json value,
                           struct envelope_texts *texts)
{
    bool is_list = json_type(value) == JSON_ARRAY;

    texts->data_count = is_list ? json_count(value) : 1;
    set_data(request, is_list ? json_first(value) : value);
}

static enum err take_json(struct wapi_request *request, struct json root,
                          struct envelope_texts *texts)
{
    struct json envelope = json_member(root, "request");
    struct json client_ref = json_member(envelope, "clTRID");

    if (json_type(envelope) != JSON_OBJECT) {
        return ERR_INVALID;
    }
    texts->user = scalar_of(request, json_member(envelope, "user"));
    texts->auth = scalar_of(request, json_member(envelope, "auth"));
    texts->command = scalar_of(request, json_member(envelope, "command"));
    texts->test = scalar_of(request, json_member(envelope, "test"));
    texts->has_client_ref = !json_is_null(client_ref);
    texts->client_ref = scalar_of(request, client_ref);
    take_json_data(request, json_member(envelope, "data"), texts);
    return OK;
}

static enum err read_json(struct wapi_request *request, struct envelope_texts *texts)
{
    enum err err = json_parse(&request->doc, buf_view(&request->text), NULL);

    if (err == OK && depth_of(buf_view(&request->text)) > REQUEST_DEPTH_MAX) {
        err = ERR_LIMIT;
    }
    return err == OK ? take_json(request, json_root(&request->doc), texts) : err;
}

/* ---- both ---- */

static enum wapi_code read_form(struct wapi_request *request, struct slice content_type,
                                struct slice body, size_t bytes_max)
{
    request->text.bytes_max = bytes_max;
    enum err err = wapi_form_find(content_type, body, "request", &request->text);
    if (err == ERR_NOT_FOUND || (err == OK && is_blank(buf_view(&request->text)))) {
        return WAPI_EMPTY;
    }
    if (err == ERR_LIMIT) {
        return WAPI_TOO_LARGE;
    }
    if (err != OK) {
        return WAPI_PARSE_ERROR;
    }
    return utf8_is_valid(buf_view(&request->text)) ? WAPI_OK : WAPI_WRONG_ENCODING;
}

static enum wapi_code read_document(struct wapi_request *request, struct envelope_texts *texts)
{
    request->scratch.bytes_max = request->text.len; /* no text is longer decoded than encoded */
    buf_reserve(&request->scratch, request->text.len);
    enum err err =
        request->format == WAPI_XML ? read_xml(request, texts) : read_json(request, texts);
    if (err == OK) {
        return WAPI_OK;
    }
    return err == ERR_LIMIT ? WAPI_TOO_COMPLEX : WAPI_PARSE_ERROR;
}

static enum wapi_code check_texts(const struct envelope_texts *texts)
{
    if (slice_is_empty(texts->user)) {
        return WAPI_NO_USER;
    }
    if (slice_is_empty(texts->auth)) {
        return WAPI_NO_AUTH;
    }
    if (slice_is_empty(texts->command)) {
        return WAPI_NO_COMMAND;
    }
    if (texts->data_count > 1) {
        return WAPI_SECOND_DATA;
    }
    return utf8_count(texts->client_ref) > REQUEST_CLTRID_CHARS_MAX ? WAPI_LONG_CLTRID : WAPI_OK;
}

enum wapi_code wapi_request_read(struct wapi_request *request, struct slice content_type,
                                 struct slice body, size_t bytes_max)
{
    struct envelope_texts texts = {.data_count = 0};
    enum wapi_code code = read_form(request, content_type, body, bytes_max);

    if (code == WAPI_OK) {
        code = read_document(request, &texts);
    }
    if (code != WAPI_OK) {
        return code;
    }
    code = check_texts(&texts);
    request->user = texts.user;
    request->auth = texts.auth;
    request->command = texts.command;
    request->is_test = slice_is(texts.test, "1") || slice_is(texts.test, "true");
    request->client_ref = texts.client_ref;
    request->has_client_ref =
        texts.has_client_ref && utf8_count(texts.client_ref) <= REQUEST_CLTRID_CHARS_MAX;
    return code;
}
