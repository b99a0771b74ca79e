/*
 * HTTP requests under way: which multi handle carries which receiver's, and transfers kept for the
 * next.
 */
#include "base/mem.h"
#include "send/request.h"
#include "send/sender_internal.h"
#include "send/transfer.h"

#include <string.h>

enum {
    /* Measured with 1,000 receivers: a request costs 18 us with one multi handle, 15 with eight
     * (see loop.h). */
    HTTP_MULTIS = 8,
    /* One more, for trusted requests: a connection that was allowed for those only must not be
     * found by a request to the same place that a customer named. */
    TRUSTED_MULTI = HTTP_MULTIS,
    MULTIS,
    SPARE_TRANSFERS_MAX = 256, /* each holds some 5 KiB */
    DNS_SECONDS = 60,          /* then a name is looked up again */
};

/*
 * libcurl throws out old names at the end of every request that has a limit on their age, by a walk
 * over all of them. So only one request in five seconds has it; the others take what they find.
 */
#define DNS_PRUNE_US (5 * US_PER_SECOND)

struct http_multi {
    CURLM *multi;
    struct mono prune_at;
};

struct sender_http {
    struct sender *sender;
    struct http_multi multis[MULTIS];
    struct list active; /* of transfer */
    struct list spare;  /* of transfer */
};

static struct transfer *take(struct sender_http *http, struct work *work)
{
    struct list_link *link = list_pop_front(&http->spare);
    struct transfer *transfer = LIST_ITEM(link, struct transfer, link);

    if (transfer == NULL) {
        transfer = transfer_new(http->sender);
    }
    transfer_begin(transfer, work);
    list_push_back(&http->active, &transfer->link);
    return transfer;
}

/* Takes it off the wire, and keeps it for the next request if it can be. */
static void release(struct sender_http *http, struct transfer *transfer, bool is_reusable)
{
    transfer_leave(transfer);
    transfer->work->transfer = NULL;
    transfer->work = NULL;
    list_remove(&http->active, &transfer->link);
    if (is_reusable && http->spare.count < SPARE_TRANSFERS_MAX) {
        list_push_front(&http->spare, &transfer->link);
    } else {
        transfer_free(transfer);
    }
}

/* Between "://" and the path: what libcurl keeps connections by. */
static struct slice authority(struct slice url)
{
    const char *start = memchr(url.ptr, ':', url.len);
    struct slice rest = slice_sub(url, (size_t)(start - url.ptr) + strlen("://"), url.len), part;

    (void)slice_cut(&rest, '/', &part); /* there is always a first part */
    return part;
}

static struct http_multi *multi_for(struct sender_http *http, const struct outbound *outbound)
{
    size_t at = slice_hash(authority(outbound->url), 0) % HTTP_MULTIS;

    return &http->multis[outbound->is_trusted ? TRUSTED_MULTI : at];
}

static void set_times(struct transfer *transfer, struct http_multi *multi)
{
    const struct sender *sender = transfer->sender;
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

static void go(struct sender_http *http, struct transfer *transfer)
{
    struct work *work = transfer->work;
    struct http_multi *multi = multi_for(http, work->outbound);

    set_times(transfer, multi);
    if (!transfer_enter(transfer, multi->multi)) {
        struct outcome outcome = outcome_of(ATTEMPT_CONNECT, "out of memory");

        release(http, transfer, false);
        sender_end(work, &outcome);
    }
}

void sender_http_begin(struct sender_http *http, struct work *work)
{
    const char *fault = request_fault(work->outbound);

    if (fault != NULL) {
        struct outcome outcome = outcome_of(ATTEMPT_INVALID, "%s", fault);

        sender_end(work, &outcome);
        return;
    }
    struct transfer *transfer = take(http, work);
    request_set(transfer, work->outbound);
    go(http, transfer);
}

void sender_http_abort(struct sender_http *http, struct work *work)
{
    release(http, work->transfer, false);
}

/*
 * Whether the request goes out once more, because a kept HTTP/2 connection ended under it. libcurl
 * sees to that itself with HTTP/1.1 and with refused streams, but not here; a server may close a
 * connection at any time, and that is no failed attempt.
 */
static bool retry(struct sender_http *http, struct transfer *transfer, CURLcode code,
                  const struct transfer_facts *facts)
{
    if (code != CURLE_HTTP2 || facts->status != 0 || transfer->opened > 0 || transfer->is_second) {
        return false;
    }
    transfer->is_second = true;
    transfer_leave(transfer);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
    go(http, transfer);
    return true;
}

static void end(struct sender_http *http, struct transfer *transfer, CURLcode code)
{
    struct work *work = transfer->work;
    struct transfer_facts facts = transfer_facts(transfer);

    if (retry(http, transfer, code, &facts)) {
        return;
    }
    struct outcome outcome = transfer_outcome(transfer, code, &facts);
    bool is_answer = outcome.outcome == ATTEMPT_ANSWER;

    transfer_set_answer(transfer, &facts);
    work->outbound->result.may_have_arrived = !is_answer && transfer_was_sent(transfer, &facts);
    if (transfer->is_looking_up && code != CURLE_OPERATION_TIMEDOUT) {
        transfer->is_looking_up = false;
        lookups_end(&http->sender->lookups);
    }
    release(http, transfer, is_answer && transfer->tries == 1); /* invariant 2 of a transfer */
    sender_end(work, &outcome);
}

static void reap(struct sender_http *http, CURLM *multi)
{
    const CURLMsg *message;
    int left = 0;

    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        char *transfer = NULL;
        CURLcode code = message->data.result; /* the message goes with the handle */

        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        end(http, (struct transfer *)(void *)transfer, code);
    }
}

void sender_http_reap(struct sender_http *http)
{
    for (size_t i = 0; i < MULTIS; i++) {
        reap(http, http->multis[i].multi);
    }
}

/* Receivers fall unevenly on the multi handles: each may keep half as many connections again as its
 * share. */
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
    for (size_t i = 0; i < MULTIS; i++) {
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

        release(http, transfer, false);
        sender_drop(work);
    }
    while ((link = list_pop_front(&http->spare)) != NULL) {
        transfer_free(LIST_ITEM(link, struct transfer, link));
    }
    mem_free(http);
}
