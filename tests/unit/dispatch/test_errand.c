/*
 * Errands on a real dispatch with a store behind it, to peers on this machine.
 */
#include "dispatch/errand.h"
#include "store/engine.h"
#include "support/store_driver.h"
#include "unit/send/peer.h"

#include <pthread.h>
#include <stdio.h>

#define ANSWER_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { WORKERS = 2, URL_SIZE = 64 };

/* Far above what anything takes here. */
#define DEADLINE_US (2 * US_PER_MINUTE)

struct site {
    struct driver driver;
    struct dispatch *dispatch;
};

static void site_init(struct site *site)
{
    static char path[64];
    static int number;
    struct dispatch_options options = {
        .threads = WORKERS,
        .memory_bytes = 1024 * 1024,
        .in_flight_max = 10,
        .sender = {.connections_max = 16,
                   .connect_timeout_us = DEADLINE_US,
                   .user_agent = "tidings-test/1"}, /* its policy allows no private address */
    };
    struct diag diag = {0};

    (void)snprintf(path, sizeof path, "errand-%d", number++);
    driver_init(&site->driver, &engine_memory, path);
    driver_open(&site->driver);
    site->dispatch = dispatch_new(env_system(), &options);
    assert_int_equal(dispatch_start(site->dispatch, site->driver.store, &diag), OK);
}

static void site_clear(struct site *site)
{
    dispatch_free(site->dispatch);
    driver_free(&site->driver);
}

/* One errand of a test, answered to the test's own thread. */
struct trip {
    struct errand errand;
    char url[URL_SIZE];
    int done; /* how often */
    pthread_t thread;
};

static void trip_done(struct errand *errand)
{
    struct trip *trip = CONTAINER_OF(errand, struct trip, errand);

    trip->done++;
    trip->thread = pthread_self();
}

static void trip_start(struct site *site, struct trip *trip, uint16_t port)
{
    *trip = (struct trip){
        .errand = {.reply_to = site->driver.mailbox,
                   .done = trip_done,
                   .method = SLICE("POST"),
                   .body = SLICE("{\"a\":1}"),
                   .headers = {{SLICE("content-type"), SLICE("application/json")},
                               {SLICE("webhook-id"), SLICE("1.2.3")}},
                   .headers_len = 2,
                   .timeout_us = DEADLINE_US},
    };
    (void)snprintf(trip->url, sizeof trip->url, "http://127.0.0.1:%u/handler", port);
    trip->errand.url = slice_of(trip->url);
    errand_start(site->dispatch, &trip->errand);
    assert_int_equal(trip->done, 0); /* never from inside errand_start */
}

static void trip_wait(struct site *site, struct trip *trip)
{
    while (trip->done == 0) {
        assert_true(mailbox_wait(site->driver.mailbox, DEADLINE_US));
        (void)mailbox_run(site->driver.mailbox);
    }
    assert_int_equal(trip->done, 1);
    assert_true(pthread_equal(trip->thread, pthread_self()));
}

static void an_errand_goes_where_no_receiver_may_be(UNUSED void **state)
{
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct site site;
    struct trip trip;

    site_init(&site);
    trip_start(&site, &trip, peer->port);
    trip_wait(&site, &trip);
    assert_int_equal(trip.errand.outcome, ATTEMPT_ANSWER);
    assert_int_equal(trip.errand.status, 200);
    assert_string_equal(trip.errand.detail, "HTTP 200");
    assert_slice_is(buf_view(&trip.errand.answer), "ok");
    assert_false(trip.errand.was_cut);
    char *heard = peer_heard(peer);
    assert_non_null(strstr(heard, "POST /handler HTTP/1.1\r\n"));
    assert_non_null(strstr(heard, "content-type: application/json\r\nwebhook-id: 1.2.3\r\n"));
    assert_non_null(strstr(heard, "\r\n\r\n{\"a\":1}"));
    mem_free(heard);
    errand_clear(&trip.errand);
    dispatch_drain(site.dispatch, US_PER_SECOND);
    site_clear(&site);
    peer_stop(peer);
}

/* The same worker serves them, or the second would open another connection. */
static void errands_to_one_place_share_a_connection(UNUSED void **state)
{
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct site site;
    struct trip trip;

    site_init(&site);
    for (int i = 0; i < 10; i++) {
        trip_start(&site, &trip, peer->port);
        trip_wait(&site, &trip);
        assert_int_equal(trip.errand.outcome, ATTEMPT_ANSWER);
        errand_clear(&trip.errand);
    }
    assert_int_equal(peer_connections(peer), 1);
    dispatch_drain(site.dispatch, US_PER_SECOND);
    site_clear(&site);
    peer_stop(peer);
}

static void a_closed_port_is_told(UNUSED void **state)
{
    struct site site;
    struct trip trip;
    uint16_t port = 0;

    int closed = peer_hold_port(&port);
    site_init(&site);
    trip_start(&site, &trip, port);
    trip_wait(&site, &trip);
    assert_int_equal(trip.errand.outcome, ATTEMPT_CONNECT);
    assert_int_equal(trip.errand.status, 0);
    assert_string_equal(trip.errand.detail, "connection refused");
    (void)close(closed);
    errand_clear(&trip.errand);
    dispatch_drain(site.dispatch, US_PER_SECOND);
    site_clear(&site);
}

static void serve_silence(struct peer *peer, int fd)
{
    (void)peer_hear_request(peer, fd);
    peer_wait_for_end(fd);
}

static void wait_for_requests(struct peer *peer, int count)
{
    int64_t end = env_mono(env_system()).us + DEADLINE_US;

    while (peer_requests(peer) < count) {
        assert_true(env_mono(env_system()).us < end);
        (void)sched_yield();
    }
}

static void what_is_under_way_at_the_end_is_answered(UNUSED void **state)
{
    struct peer *peer = peer_start(serve_silence, NULL);
    struct site site;
    struct trip trips[3];

    site_init(&site);
    for (size_t i = 0; i < ARRAY_LEN(trips); i++) {
        trip_start(&site, &trips[i], peer->port);
    }
    wait_for_requests(peer, (int)ARRAY_LEN(trips));
    dispatch_drain(site.dispatch, 0);
    for (size_t i = 0; i < ARRAY_LEN(trips); i++) {
        trip_wait(&site, &trips[i]);
        assert_int_equal(trips[i].errand.outcome, ATTEMPT_CONNECT);
        assert_string_equal(trips[i].errand.detail, "the server is stopping");
        errand_clear(&trips[i].errand);
    }
    site_clear(&site);
    peer_stop(peer);
}

static void what_comes_after_the_end_is_answered(UNUSED void **state)
{
    struct site site;
    struct trip trip;

    site_init(&site);
    dispatch_drain(site.dispatch, 0);
    trip_start(&site, &trip, 1);
    trip_wait(&site, &trip);
    assert_int_equal(trip.errand.outcome, ATTEMPT_CONNECT);
    errand_clear(&trip.errand);
    site_clear(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_errand_goes_where_no_receiver_may_be),
        cmocka_unit_test(errands_to_one_place_share_a_connection),
        cmocka_unit_test(a_closed_port_is_told),
        cmocka_unit_test(what_is_under_way_at_the_end_is_answered),
        cmocka_unit_test(what_comes_after_the_end_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
