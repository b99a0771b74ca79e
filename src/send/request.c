#include "send/request.h"

#include "model/url.h"
#include "send/tls.h"

#include <string.h>

enum { METHOD_BYTES_MAX = 16 };

static bool is_token(struct slice text, size_t bytes_max)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];

        if (byte <= ' ' || byte > '~' || byte == ':') {
            return false;
        }
    }
    return text.len > 0 && text.len <= bytes_max;
}

/* Whether a value can end neither the header nor the text that libcurl takes it from. */
static bool is_value(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

/* The bytes that the texts of a request need, so that they can be put in without moving those
 * before. */
static size_t request_bytes(const struct outbound *outbound)
{
    size_t bytes = outbound->url.len + 1 + outbound->method.len + 1;

    for (uint32_t i = 0; i < outbound->headers_len; i++) {
        bytes += outbound->headers[i].name.len + outbound->headers[i].value.len + sizeof ": ";
    }
    return bytes;
}

const char *request_fault(const struct outbound *outbound)
{
    if (url_check(outbound->url, "url", NULL) != OK) {
        return "the URL cannot be used";
    }
    if (!is_token(outbound->method, METHOD_BYTES_MAX)) {
        return "the method cannot be used";
    }
    if (outbound->headers_len > OUTBOUND_HEADERS_MAX) {
        return "too many headers";
    }
    for (uint32_t i = 0; i < outbound->headers_len; i++) {
        const struct outbound_header *header = &outbound->headers[i];

        if (!is_token(header->name, REQUEST_BYTES_MAX) || !is_value(header->value)) {
            return "a header has characters that must not be in it";
        }
    }
    return request_bytes(outbound) > REQUEST_BYTES_MAX ? "the headers are too long" : NULL;
}

/* A zero-ended copy in the transfer's request, which has room. */
static char *add_text(struct transfer *transfer, struct slice text)
{
    struct buf *request = &transfer->request;
    size_t at = request->len;

    buf_slice(request, text);
    buf_byte(request, '\0');
    return request->ptr + at;
}

static void link_header(struct transfer *transfer, char *line)
{
    struct curl_slist *header = &transfer->headers[transfer->headers_len++];

    *header = (struct curl_slist){.data = line};
    if (transfer->headers_len > 1) {
        transfer->headers[transfer->headers_len - 2].next = header;
    }
}

static void add_headers(struct transfer *transfer, const struct outbound *outbound)
{
    /* A name with nothing behind it takes a header out that libcurl would set. */
    static char no_expect[] = "Expect:", no_type[] = "Content-Type:";
    bool has_type = false;

    for (uint32_t i = 0; i < outbound->headers_len; i++) {
        const struct outbound_header *header = &outbound->headers[i];
        struct buf *request = &transfer->request;
        size_t at = request->len;

        buf_slice(request, header->name);
        /* ';' sends it, ':' with nothing behind would take it out. */
        buf_text(request, header->value.len > 0 ? ": " : ";");
        (void)add_text(transfer, header->value); /* the line begins before it */
        link_header(transfer, request->ptr + at);
        has_type = has_type || slice_equal_nocase(header->name, SLICE("content-type"));
    }
    link_header(transfer, no_expect); /* a second round trip before each large body */
    if (!has_type) {
        link_header(transfer, no_type);
    }
}

static void set_method(struct transfer *transfer, const struct outbound *outbound)
{
    char *method = add_text(transfer, outbound->method);
    CURL *easy = transfer->easy;

    if (outbound->body.len == 0 && slice_is(outbound->method, "GET")) {
        (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
        return;
    }
    (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)outbound->body.len);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                           outbound->body.len > 0 ? outbound->body.ptr : "");
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
                           slice_is(outbound->method, "POST") ? NULL : method);
}

bool request_is_https(const struct outbound *outbound)
{
    return slice_equal_nocase(slice_sub(outbound->url, 0, 5), SLICE("https"));
}

void request_set(struct transfer *transfer, const struct outbound *outbound)
{
    buf_reset(&transfer->request);
    transfer->headers_len = 0;
    buf_reserve(&transfer->request, request_bytes(outbound));
    (void)curl_easy_setopt(transfer->easy, CURLOPT_URL, add_text(transfer, outbound->url));
    /* Asking for HTTP/2 without TLS would cost a round trip and helps nobody. No CURLOPT_PIPEWAIT:
     * one handshake that hangs must not hold up the other requests to that host. */
    (void)curl_easy_setopt(transfer->easy, CURLOPT_HTTP_VERSION,
                           request_is_https(outbound) ? (long)CURL_HTTP_VERSION_2TLS
                                                      : (long)CURL_HTTP_VERSION_1_1);
    set_method(transfer, outbound);
    add_headers(transfer, outbound);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    if (outbound->tls != NULL || transfer->has_tls) {
        tls_use(transfer->easy, outbound->tls);
        transfer->has_tls = outbound->tls != NULL;
    }
}
