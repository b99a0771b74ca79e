/*
 * HTTP: one libcurl easy handle for each request under way, kept for the next when it ends.
 *
 * Invariants:
 * 1. Each connection is opened by on_open, which asks the address policy; libcurl has no other way to open one.
 * 2. An easy handle carries nothing from one receiver to the next: what differs is set for each request, cookies are off, and a handle
 *    whose request failed or was tried again on another connection is not used again (libcurl never forgets its error number, and
 *    counts such retries, of which it allows five, over a handle's whole life).
 * 3. Nothing that a receiver sends makes memory grow past TEXT_BYTES_MAX.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "model/url.h"
#include "send/sender_internal.h"
#include "send/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

enum {
    /* Measured with 1,000 receivers: a request costs 18 us with one multi handle, 15 with eight (see loop.h). */
    HTTP_MULTIS = 8,
    SPARE_TRANSFERS_MAX = 256, /* idle easy handles kept; each holds some 5 KiB */
    RECEIVE_BYTES = 8 * 1024,  /* libcurl's buffer for each request under way; answers are short */
    SEND_BYTES = 16 * 1024,    /* the least it takes; for TLS and long bodies */
    METHOD_BYTES_MAX = 16,
    HEADERS_EXTRA = 3, /* ours, beside the outbound's */
    /* URL, method and headers of a request with their zero bytes. */
    REQUEST_BYTES_MAX = 512 * 1024,
};

/* Names are looked up again after a minute. */
enum { DNS_SECONDS = 60 };

/*
 * libcurl throws out old names at the end of every request that has a limit on their age, by a walk over all of them. So only one request in five seconds
 * has it; the others take what they find.
 */
#define DNS_PRUNE_US (5 * US_PER_SECOND)

struct http_multi {
    CURLM *multi;
    struct mono prune_at;
};

struct sender_http {
    struct sender *sender;
    struct http_multi multis[HTTP_MULTIS];
    struct list active; /* of transfer */
    struct list spare;  /* of transfer */
};

/* Where an answer's header stands in the work's text. */
struct header_place {
    uint32_t name_at, name_len, value_at, value_len;
};

struct transfer {
    struct list_link link;
    struct sender_http *http;
    struct work *work;
    CURL *easy;
    CURLM *multi;
    struct buf request; /* URL, method, header lines, each ending in zero */
    struct curl_slist headers[OUTBOUND_HEADERS_MAX + HEADERS_EXTRA];
    size_t headers_len;
    struct header_place answer_headers[OUTBOUND_ANSWER_HEADERS_MAX];
    uint32_t answer_headers_len;
    size_t body_at; /* in the work's text, once has_body */
    bool has_body, was_cut;
    bool has_tls;             /* tls_use was given something */
    bool is_looking_up;       /* counted in the sender's lookups */
    bool was_not_looked_up;   /* too many were */
    uint32_t tries;           /* on a connection; libcurl tries again when a kept one has died */
    uint32_t opened, refused; /* addresses */
    char refused_address[INET6_ADDRSTRLEN];
    char words[CURL_ERROR_SIZE];
};

/* CURLOPT_OPENSOCKETFUNCTION: the address is the one that would be connected now, whatever the name said before. */
static curl_socket_t on_open(void *data, UNUSED curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = data;
    struct sender *sender = transfer->http->sender;

    if (transfer->is_looking_up) {
        transfer->is_looking_up = false;
        lookups_end(&sender->lookups);
    }
    if (!policy_allows(&sender->options.policy, &address->addr)) {
        transfer->refused++;
        policy_address_text(&address->addr, transfer->refused_address);
        return CURL_SOCKET_BAD; /* libcurl goes on to the next address, if there is one */
    }
    transfer->opened++;
    return loop_open_socket(sender->loop, address);
}

/* CURLOPT_RESOLVER_START_FUNCTION; also called for a literal address, which then costs no thread and reaches on_open at once. */
static int on_lookup(UNUSED void *resolver, UNUSED void *reserved, void *data)
{
    struct transfer *transfer = data;
    struct sender *sender = transfer->http->sender;

    if (transfer->is_looking_up) {
        return 0;
    }
    transfer->is_looking_up = lookups_begin(&sender->lookups, env_mono(sender->env));
    transfer->was_not_looked_up = !transfer->is_looking_up;
    return transfer->was_not_looked_up ? 1 : 0;
}

/* CURLOPT_PREREQFUNCTION: the request is about to go out on a connection. */
static int on_try(void *data, UNUSED char *to, UNUSED char *from, UNUSED int to_port,
                  UNUSED int from_port)
{
    struct transfer *transfer = data;

    transfer->tries++;
    return CURL_PREREQFUNC_OK;
}

/* Notes where a header came to stand; what is too much is left out, as nothing depends on it. */
static void keep_header(struct transfer *transfer, struct slice line)
{
    struct buf *text = &transfer->work->text;
    struct slice value = line, name;

    (void)slice_cut(&value, ':', &name); /* there is always a first part */
    if (value.ptr == NULL || text->len + line.len > SENDER_HEADER_BYTES_MAX ||
        transfer->answer_headers_len == OUTBOUND_ANSWER_HEADERS_MAX) {
        return;
    }
    name = slice_trim(name);
    value = slice_trim(value);
    transfer->answer_headers[transfer->answer_headers_len++] = (struct header_place){
        .name_at = (uint32_t)text->len,
        .name_len = (uint32_t)name.len,
        .value_at = (uint32_t)(text->len + name.len),
        .value_len = (uint32_t)value.len,
    };
    buf_slice(text, name);
    buf_slice(text, value);
}

static void forget_answer(struct transfer *transfer)
{
    buf_reset(&transfer->work->text);
    transfer->answer_headers_len = 0;
    transfer->has_body = false;
    transfer->was_cut = false;
}

/* CURLOPT_HEADERFUNCTION: a whole line, also those of 1xx answers before the real one, and trailers behind the body. */
static size_t on_header(char *ptr, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    struct slice line = slice_from(ptr, size * count);

    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r')) {
        line.len--;
    }
    if (slice_starts(line, SLICE("HTTP/"))) {
        forget_answer(transfer);
    } else if (!transfer->has_body && line.len > 0) {
        keep_header(transfer, line);
    }
    return size * count;
}

/* CURLOPT_WRITEFUNCTION. What it does not take ends the transfer with CURLE_WRITE_ERROR. */
static size_t on_body(char *ptr, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    struct buf *text = &transfer->work->text;
    size_t len = size * count;

    if (!transfer->has_body) {
        transfer->has_body = true;
        transfer->body_at = text->len;
    }
    size_t room = OUTBOUND_ANSWER_BYTES_MAX - (text->len - transfer->body_at);
    transfer->was_cut = len > room;
    buf_add(text, ptr, transfer->was_cut ? room : len);
    return transfer->was_cut ? 0 : len;
}

/* Options that are the same for all requests. What could fail here is memory, and then the transfer fails too. */
static void prepare(struct transfer *transfer)
{
    const struct sender *sender = transfer->http->sender;
    CURL *easy = transfer->easy;

    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->words);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, loop_close_socket);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sender->loop);
    (void)curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
    (void)curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_try);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not even one from the environment */
    (void)curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Else a request whose time is over would wait, and all others with it, until the system's resolver gives up. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BYTES);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, sender->options.user_agent);
    tls_prepare(easy, sender->options.ca_path);
}

static struct transfer *transfer_new(struct sender_http *http)
{
    struct transfer *transfer = MEM_NEW(struct transfer);

    transfer->http = http;
    buf_init(&transfer->request, REQUEST_BYTES_MAX);
    transfer->easy = curl_easy_init();
    if (transfer->easy != NULL) {
        prepare(transfer);
    }
    return transfer;
}

static void transfer_free(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    buf_clear(&transfer->request);
    mem_free(transfer);
}

static struct transfer *transfer_take(struct sender_http *http, struct work *work)
{
    struct list_link *link = list_pop_front(&http->spare);
    struct transfer *transfer = LIST_ITEM(link, struct transfer, link);

    if (transfer == NULL) {
        transfer = transfer_new(http);
    }
    transfer->work = work;
    transfer->headers_len = 0;
    transfer->answer_headers_len = 0;
    transfer->has_body = false;
    transfer->was_cut = false;
    transfer->was_not_looked_up = false;
    transfer->tries = 0;
    transfer->opened = 0;
    transfer->refused = 0;
    work->transfer = transfer;
    list_push_back(&http->active, &transfer->link);
    return transfer;
}

/* Takes it off the wire. It is kept for the next request if it can be (invariant 2). */
static void transfer_release(struct transfer *transfer, bool is_reusable)
{
    struct sender_http *http = transfer->http;

    if (transfer->multi != NULL) {
        (void)curl_multi_remove_handle(transfer->multi, transfer->easy);
        transfer->multi = NULL;
    }
    if (transfer->is_looking_up) {
        transfer->is_looking_up = false;
        lookups_abandon(&http->sender->lookups, env_mono(http->sender->env));
    }
    transfer->work->transfer = NULL;
    transfer->work = NULL;
    list_remove(&http->active, &transfer->link);
    if (is_reusable && http->spare.count < SPARE_TRANSFERS_MAX) {
        list_push_front(&http->spare, &transfer->link);
    } else {
        transfer_free(transfer);
    }
}

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

/* Checked here again, however it came to be stored: what is wrong, NULL when nothing is. */
static const char *find_fault(const struct outbound *outbound)
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
    return NULL;
}

/* The bytes that the texts of a request need, so that they can be put in without moving those before. */
static size_t request_bytes(const struct outbound *outbound)
{
    size_t bytes = outbound->url.len + 1 + outbound->method.len + 1;

    for (uint32_t i = 0; i < outbound->headers_len; i++) {
        bytes += outbound->headers[i].name.len + outbound->headers[i].value.len + sizeof ": ";
    }
    return bytes;
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

static void set_times(struct transfer *transfer, struct http_multi *multi)
{
    const struct sender *sender = transfer->http->sender;
    struct mono now = env_mono(sender->env);
    bool is_pruning = now.us >= multi->prune_at.us;

    if (is_pruning) {
        multi->prune_at.us = now.us + DNS_PRUNE_US;
    }
    (void)curl_easy_setopt(transfer->easy, CURLOPT_DNS_CACHE_TIMEOUT,
                           is_pruning ? (long)DNS_SECONDS : -1L);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS,
                           (long)loop_milliseconds(sender_time_left_us(transfer->work)));
    (void)curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)loop_milliseconds(sender->options.connect_timeout_us));
}

static bool is_https(const struct outbound *outbound)
{
    return slice_equal_nocase(slice_sub(outbound->url, 0, 5), SLICE("https"));
}

static void set_request(struct transfer *transfer, const struct outbound *outbound)
{
    buf_reset(&transfer->request);
    buf_reserve(&transfer->request, request_bytes(outbound));
    (void)curl_easy_setopt(transfer->easy, CURLOPT_URL, add_text(transfer, outbound->url));
    /* Asking for HTTP/2 without TLS would cost a round trip and helps nobody. No CURLOPT_PIPEWAIT: one handshake that hangs must not
     * hold up the other requests to that host. */
    (void)curl_easy_setopt(transfer->easy, CURLOPT_HTTP_VERSION,
                           is_https(outbound) ? (long)CURL_HTTP_VERSION_2TLS
                                              : (long)CURL_HTTP_VERSION_1_1);
    set_method(transfer, outbound);
    add_headers(transfer, outbound);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    if (outbound->tls != NULL || transfer->has_tls) {
        tls_use(transfer->easy, outbound->tls);
        transfer->has_tls = outbound->tls != NULL;
    }
}

/* Between "://" and the path: what libcurl keeps connections by. */
static struct slice authority(struct slice url)
{
    const char *start = memchr(url.ptr, ':', url.len);
    struct slice rest = slice_sub(url, (size_t)(start - url.ptr) + 3, url.len), part;

    (void)slice_cut(&rest, '/', &part); /* there is always a first part */
    return part;
}

static struct http_multi *multi_for(struct sender_http *http, struct slice url)
{
    return &http->multis[slice_hash(authority(url), 0) % HTTP_MULTIS];
}

void sender_http_begin(struct sender_http *http, struct work *work)
{
    const struct outbound *outbound = work->outbound;
    const char *fault = find_fault(outbound);
    struct transfer *transfer;

    if (fault == NULL && request_bytes(outbound) > REQUEST_BYTES_MAX) {
        fault = "the headers are too long";
    }
    if (fault != NULL) {
        struct outcome outcome = outcome_of(ATTEMPT_INVALID, "%s", fault);
        sender_end(work, &outcome);
        return;
    }
    transfer = transfer_take(http, work);
    struct http_multi *multi = multi_for(http, outbound->url);
    set_request(transfer, outbound);
    set_times(transfer, multi);
    if (curl_multi_add_handle(multi->multi, transfer->easy) != CURLM_OK) {
        struct outcome outcome = outcome_of(ATTEMPT_CONNECT, "out of memory");
        transfer_release(transfer, false);
        sender_end(work, &outcome);
        return;
    }
    transfer->multi = multi->multi;
}

void sender_http_abort(UNUSED struct sender_http *http, struct work *work)
{
    transfer_release(work->transfer, false);
}

/* What libcurl knows of a transfer that has ended. */
struct facts {
    long status, os_errno, request_bytes, connects;
    curl_off_t sent_bytes;
};

static struct facts gather(const struct transfer *transfer)
{
    struct facts facts = {.status = 0};

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &facts.status);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &facts.os_errno);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &facts.request_bytes);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &facts.connects);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &facts.sent_bytes);
    return facts;
}

static bool was_sent_whole(const struct transfer *transfer, const struct facts *facts)
{
    return facts->request_bytes > 0 &&
           facts->sent_bytes >= (curl_off_t)transfer->work->outbound->body.len;
}

static enum outcome_phase phase_of(const struct transfer *transfer, const struct facts *facts)
{
    if (facts->status != 0) {
        return PHASE_ANSWER;
    }
    if (facts->request_bytes > 0) {
        return was_sent_whole(transfer, facts) ? PHASE_WAIT : PHASE_SEND;
    }
    if (facts->connects > 0) {
        return is_https(transfer->work->outbound) ? PHASE_TLS : PHASE_SEND;
    }
    return transfer->opened > 0 ? PHASE_CONNECT : PHASE_LOOKUP;
}

static struct outcome judge(const struct transfer *transfer, CURLcode code,
                            const struct facts *facts)
{
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && transfer->was_cut)) {
        return outcome_of(ATTEMPT_ANSWER, "HTTP %ld", facts->status);
    }
    if (transfer->refused > 0 && transfer->opened == 0) {
        return outcome_of(ATTEMPT_BLOCKED, "address %s is not allowed", transfer->refused_address);
    }
    if (transfer->was_not_looked_up) {
        return outcome_of(ATTEMPT_CONNECT, "too many names are being looked up");
    }
    return outcome_failure(code, phase_of(transfer, facts), facts->os_errno, transfer->words);
}

/* Fills in what of the result is the answer's. */
static void set_answer(const struct transfer *transfer, struct outbound_result *result)
{
    struct slice text = buf_view(&transfer->work->text);

    for (uint32_t i = 0; i < transfer->answer_headers_len; i++) {
        const struct header_place *place = &transfer->answer_headers[i];

        result->headers[i].name = slice_sub(text, place->name_at, place->name_len);
        result->headers[i].value = slice_sub(text, place->value_at, place->value_len);
    }
    result->headers_len = transfer->answer_headers_len;
    result->was_cut = transfer->was_cut;
    if (transfer->has_body) {
        result->body = slice_sub(text, transfer->body_at, text.len);
    }
}

static void transfer_end(struct transfer *transfer, CURLcode code)
{
    struct work *work = transfer->work;
    struct outbound_result *result = &work->outbound->result;
    struct facts facts = gather(transfer);
    struct outcome outcome = judge(transfer, code, &facts);
    bool is_answer = outcome.outcome == ATTEMPT_ANSWER;

    set_answer(transfer, result);
    result->status = facts.status >= 200 ? (int32_t)facts.status : 0; /* 1xx is no answer yet */
    result->may_have_arrived = !is_answer && was_sent_whole(transfer, &facts);
    if (transfer->is_looking_up && code != CURLE_OPERATION_TIMEDOUT) {
        transfer->is_looking_up = false;
        lookups_end(&transfer->http->sender->lookups);
    }
    transfer_release(transfer, is_answer && transfer->tries == 1); /* invariant 2 */
    sender_end(work, &outcome);
}

static void reap(CURLM *multi)
{
    const CURLMsg *message;
    int left = 0;

    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        char *transfer = NULL;
        CURLcode code = message->data.result; /* the message goes with the handle */

        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer_end((struct transfer *)(void *)transfer, code);
    }
}

void sender_http_reap(struct sender_http *http)
{
    for (size_t i = 0; i < HTTP_MULTIS; i++) {
        reap(http->multis[i].multi);
    }
}

/* Receivers fall unevenly on the multi handles: each may keep half as many connections again as its share. */
static long connections_share(uint32_t connections_max)
{
    return (long)connections_max * 3 / 2 / HTTP_MULTIS + 8;
}

struct sender_http *sender_http_new(struct sender *sender)
{
    struct sender_http *http = MEM_NEW(struct sender_http);

    http->sender = sender;
    list_init(&http->active);
    list_init(&http->spare);
    for (size_t i = 0; i < HTTP_MULTIS; i++) {
        http->multis[i].multi =
            loop_add_multi(sender->loop, connections_share(sender->options.connections_max));
    }
    return http;
}

void sender_http_free(struct sender_http *http)
{
    struct list_link *link;

    while ((link = list_first(&http->active)) != NULL) {
        struct transfer *transfer = LIST_ITEM(link, struct transfer, link);
        struct work *work = transfer->work;

        transfer_release(transfer, false);
        sender_drop(work);
    }
    while ((link = list_pop_front(&http->spare)) != NULL) {
        transfer_free(LIST_ITEM(link, struct transfer, link));
    }
    mem_free(http);
}
