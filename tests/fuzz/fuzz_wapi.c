/*
 * Whatever comes to the command API: what is taken as a request has what a request must have,
 * within its limits, and data that is JSON. The input is a content type, a line feed, and a body;
 * it is read at both doors.
 */
#include "base/utf8.h"
#include "wire/wapi/request.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { DOCUMENT_BYTES_MAX = 4096 };

static void check_data(struct json data)
{
    struct slice raw = json_raw(data);
    struct json_doc doc;

    if (json_exists(data)) {
        json_doc_init(&doc);
        assert(json_parse(&doc, raw, NULL) == OK);
        assert(json_type(json_root(&doc)) == json_type(data));
        json_doc_clear(&doc);
    }
}

/* What holds of every request that was taken. */
static void check_request(const struct wapi_request *request)
{
    assert(request->user.len > 0 && request->auth.len > 0 && request->command.len > 0);
    assert(request->user.len + request->auth.len + request->command.len <= DOCUMENT_BYTES_MAX);
    assert(utf8_is_valid(request->user) && utf8_is_valid(request->command));
    assert(request->has_client_ref || request->client_ref.len == 0);
    assert(utf8_is_valid(request->client_ref));
    assert(utf8_count(request->client_ref) <= REQUEST_CLTRID_CHARS_MAX);
    check_data(request->data);
}

static void read_at(enum wapi_format format, struct slice content_type, struct slice body)
{
    struct wapi_request request;

    wapi_request_init(&request, format);
    enum wapi_code code = wapi_request_read(&request, content_type, body, DOCUMENT_BYTES_MAX);
    if (code == WAPI_OK) {
        check_request(&request);
    } else {
        assert(wapi_code_counts((int32_t)code)); /* each of them is its sender's failure */
    }
    wapi_request_clear(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice body = len == 0 ? SLICE("") : slice_from(data, len);
    struct slice content_type = SLICE("");

    (void)slice_cut(&body, '\n', &content_type); /* there is a first part */
    if (body.ptr == NULL) {
        body = SLICE("");
    }
    read_at(WAPI_XML, content_type, body);
    read_at(WAPI_JSON, content_type, body);
    return 0;
}
