#include "send/transfer.h"

#include "base/mem.h"
#include "send/request.h"
#include "send/tls.h"

#include <assert.h>

enum {
    RECEIVE_BYTES = 8 * 1024, /* libcurl's buffer for each request under way; answers are short */
    SEND_BYTES = 16 * 1024,   /* the least it takes; for TLS and long bodies */
};

static const struct policy *policy_of(const struct transfer *transfer)
{
    return transfer->work->outbound->is_trusted ? &policy_trusting
                                                : &transfer->sender->options.policy;
}

/* CURLOPT_OPENSOCKETFUNCTION: the address is the one that would be connected now, whatever the name
 * said before. */
static curl_socket_t on_open(void *data, UNUSED curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = data;
    struct sender *sender = transfer->sender;

    if (transfer->is_looking_up) {
        transfer->is_looking_up = false;
        lookups_end(&sender->lookups);
    }
    if (!policy_allows(policy_of(transfer), &address->addr)) {
        transfer->refused++;
        policy_address_text(&address->addr, transfer->refused_address);
        return CURL_SOCKET_BAD; /* libcurl goes on to the next address, if there is one */
    }
    transfer->opened++;
    return loop_open_socket(sender->loop, address);
}

/* CURLOPT_RESOLVER_START_FUNCTION; a literal address counts too, until on_open, so at once. */
static int on_lookup(UNUSED void *resolver, UNUSED void *reserved, void *data)
{
    struct transfer *transfer = data;
    struct sender *sender = transfer->sender;

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

/* CURLOPT_HEADERFUNCTION: a whole line, also those of 1xx answers before the real one, and trailers
 * behind the body. */
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
    size_t room = transfer->work->answer_bytes_max - (text->len - transfer->body_at);
    transfer->was_cut = len > room;
    buf_add(text, ptr, transfer->was_cut ? room : len);
    return transfer->was_cut ? 0 : len;
}

/* Options that are the same for all requests. What could fail here is memory, and then the transfer
 * fails too. */
static void prepare(struct transfer *transfer)
{
    const struct sender *sender = transfer->sender;
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
    /* Else a request whose time is over would wait, and all others with it, until the system's
     * resolver gives up. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BYTES);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, sender->options.user_agent);
    tls_prepare(easy, sender->options.ca_path);
}

struct transfer *transfer_new(struct sender *sender)
{
    struct transfer *transfer = MEM_NEW(struct transfer);

    transfer->sender = sender;
    buf_init(&transfer->request, REQUEST_BYTES_MAX);
    transfer->easy = curl_easy_init();
    if (transfer->easy != NULL) { /* else no multi handle takes it */
        prepare(transfer);
    }
    return transfer;
}

void transfer_free(struct transfer *transfer)
{
    assert(transfer->multi == NULL);
    curl_easy_cleanup(transfer->easy);
    buf_clear(&transfer->request);
    mem_free(transfer);
}

void transfer_begin(struct transfer *transfer, struct work *work)
{
    transfer->work = work;
    work->transfer = transfer;
    transfer->answer_headers_len = 0;
    transfer->has_body = false;
    transfer->was_cut = false;
    transfer->was_not_looked_up = false;
    transfer->is_second = false;
    transfer->tries = 0;
    transfer->opened = 0;
    transfer->refused = 0;
}

bool transfer_enter(struct transfer *transfer, CURLM *multi)
{
    if (curl_multi_add_handle(multi, transfer->easy) != CURLM_OK) {
        return false;
    }
    transfer->multi = multi;
    return true;
}

void transfer_leave(struct transfer *transfer)
{
    struct sender *sender = transfer->sender;

    if (transfer->multi != NULL) {
        (void)curl_multi_remove_handle(transfer->multi, transfer->easy);
        transfer->multi = NULL;
    }
    if (transfer->is_looking_up) {
        transfer->is_looking_up = false;
        lookups_abandon(&sender->lookups, env_mono(sender->env));
    }
}

struct transfer_facts transfer_facts(const struct transfer *transfer)
{
    struct transfer_facts facts = {.status = 0};

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &facts.status);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &facts.os_errno);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &facts.request_bytes);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &facts.connects);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &facts.sent_bytes);
    return facts;
}

bool transfer_was_sent(const struct transfer *transfer, const struct transfer_facts *facts)
{
    return facts->request_bytes > 0 &&
           facts->sent_bytes >= (curl_off_t)transfer->work->outbound->body.len;
}

static enum outcome_phase phase_of(const struct transfer *transfer,
                                   const struct transfer_facts *facts)
{
    if (facts->status != 0) {
        return PHASE_ANSWER;
    }
    if (facts->request_bytes > 0) {
        return transfer_was_sent(transfer, facts) ? PHASE_WAIT : PHASE_SEND;
    }
    if (facts->connects > 0) {
        return request_is_https(transfer->work->outbound) ? PHASE_TLS : PHASE_SEND;
    }
    return transfer->opened > 0 ? PHASE_CONNECT : PHASE_LOOKUP;
}

struct outcome transfer_outcome(const struct transfer *transfer, CURLcode code,
                                const struct transfer_facts *facts)
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

void transfer_set_answer(const struct transfer *transfer, const struct transfer_facts *facts)
{
    struct outbound_result *result = &transfer->work->outbound->result;
    struct slice text = buf_view(&transfer->work->text);

    for (uint32_t i = 0; i < transfer->answer_headers_len; i++) {
        const struct header_place *place = &transfer->answer_headers[i];

        result->headers[i].name = slice_sub(text, place->name_at, place->name_len);
        result->headers[i].value = slice_sub(text, place->value_at, place->value_len);
    }
    result->headers_len = transfer->answer_headers_len;
    result->status = facts->status >= 200 ? (int32_t)facts->status : 0; /* 1xx is no answer yet */
    result->was_cut = transfer->was_cut;
    if (transfer->has_body) {
        result->body = slice_sub(text, transfer->body_at, text.len);
    }
}
