/*
 * Reports on operations that come before the operation is stored, over the real server and store:
 * the id was chosen by another door, whose part the test plays. The clock of all is the driver's and
 * stands, so that no report waits in vain, however long the test is held up.
 */
#include "base/sign.h"
#include "client.h"
#include "support/store_driver.h"
#include "wire/app.h"
#include "wire/native/native.h"

#include <inttypes.h>

#define ADMIN_KEY "tk_0123456789abcdefghijklmnopqrstuvwxyz"

struct house {
    struct driver driver;
    struct app app;
    struct router *router;
    struct id account;
    uint8_t key_hash[SHA256_BYTES];
    char path[32]; /* the memory engine keeps what is under a path as long as the process lives */
};

static struct house *house_open(void)
{
    static struct house house;
    static int count = 0;
    static const struct dispatch_options dispatch = {.threads = 1, .memory_bytes = 1024 * 1024};
    struct diag diag = {0};

    (void)snprintf(house.path, sizeof house.path, "early-%d", count++);
    driver_init(&house.driver, &engine_memory, house.path);
    driver_open(&house.driver);
    house.account = driver_account(&house.driver, "registrar");
    house.app = (struct app){
        .env = &house.driver.clock.env,
        .store = house.driver.store,
        .dispatch = dispatch_new(&house.driver.clock.env, &dispatch),
        .data_bytes_max = 256 * 1024,
    };
    house.router = router_new(&native_routes, 1);
    key_hash(SLICE(ADMIN_KEY), house.key_hash);
    const struct server_options options = {
        .listen = "127.0.0.1:0",
        .threads = 2,
        .connections_max = 16,
        .connection_memory_bytes = 8192,
        .request_timeout_us = 30 * US_PER_SECOND,
        .router = house.router,
        .store = house.app.store,
        .app = &house.app,
        .admin_key_hash = house.key_hash,
    };
    if (server_open(&house.driver.clock.env, &options, &house.app.server, &diag) != OK) {
        fail_msg("%s", diag.text);
    }
    server_start(house.app.server);
    return &house;
}

static void house_close(struct house *house)
{
    server_free(house->app.server);
    driver_free(&house->driver);
    dispatch_free(house->app.dispatch);
    router_free(house->router);
}

/* An id of so long ago that the store has not given. */
static struct id choose_id(struct house *house, int64_t ago_us)
{
    static uint64_t count = 0;
    struct wall then = {env_wall(&house->driver.clock.env).us - ago_us};

    return (struct id){id_floor(then).value + ++count};
}

static void report(struct house *house, struct client *client, struct id operation, const char *how)
{
    char request[512];

    client_open(client, server_address(house->app.server));
    (void)snprintf(request, sizeof request,
                   "POST /v1/accounts/registrar/operations/%s/%s HTTP/1.1\r\nHost: a\r\n"
                   "Authorization: Bearer " ADMIN_KEY "\r\nContent-Length: 0\r\n\r\n",
                   id_text(ID_OPERATION, operation).chars, how);
    client_send(client, request);
}

static void await_waiting(const struct house *house, uint64_t count)
{
    struct server_figures figures = {0};

    for (int ms = 0; ms < CLIENT_DEADLINE_MS && figures.waiting_now != count; ms++) {
        /* Nothing is posted there: it only bounds how often we look. */
        (void)mailbox_wait(house->driver.mailbox, US_PER_MS);
        server_figures(house->app.server, &figures);
    }
    assert_int_equal(figures.waiting_now, count);
}

/* As another door does, once the provider's handler has answered. */
static void store_operation(struct house *house, struct id id)
{
    struct operation operation = {
        .id = id,
        .account = house->account,
        .command = SLICE("domain-create"),
        .server_ref = SLICE("1760000000.1.1.0"),
    };
    struct store_open_operation open = {.operation = &operation};

    assert_int_equal(DRIVER_CALL(&house->driver, open_operation, &open), OK);
    server_ring(house->app.server, id.value, 1);
}

static void waits_until_its_operation_is_stored(void **state)
{
    struct house *house = house_open();
    struct id id = choose_id(house, US_PER_SECOND);
    struct client client;

    (void)state;
    report(house, &client, id, "complete");
    await_waiting(house, 1);
    store_operation(house, id);
    client_expect(&client, 200, "\"state\":\"completed\"");
    client_close(&client);
    house_close(house);
}

static void one_ring_wakes_all_reports_on_it_one_after_the_other(void **state)
{
    enum { REPORTS = 5 };
    struct house *house = house_open();
    struct id id = choose_id(house, US_PER_SECOND);
    struct client clients[REPORTS];

    (void)state;
    for (int i = 0; i < REPORTS; i++) {
        report(house, &clients[i], id, "step");
    }
    await_waiting(house, REPORTS);
    store_operation(house, id);
    for (int i = 0; i < REPORTS; i++) {
        client_expect(&clients[i], 200, "\"state\":\"pending\"");
        client_close(&clients[i]);
    }
    house_close(house);
}

static void one_on_another_operation_waits_on(void **state)
{
    struct house *house = house_open();
    struct id mine = choose_id(house, US_PER_SECOND), other = choose_id(house, US_PER_SECOND);
    struct client waiting, served;

    (void)state;
    report(house, &waiting, mine, "step");
    report(house, &served, other, "step");
    await_waiting(house, 2);
    store_operation(house, other);
    client_expect(&served, 200, NULL);
    await_waiting(house, 1);
    store_operation(house, mine);
    client_expect(&waiting, 200, NULL);
    client_close(&served);
    client_close(&waiting);
    house_close(house);
}

static void one_on_an_id_of_long_ago_does_not_wait(void **state)
{
    struct house *house = house_open();
    struct client client;

    (void)state;
    report(house, &client, choose_id(house, 2 * US_PER_MINUTE), "complete");
    client_expect(&client, 404, "\"code\":\"not_found\""); /* a wait would have no end */
    client_close(&client);
    house_close(house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_until_its_operation_is_stored),
        cmocka_unit_test(one_ring_wakes_all_reports_on_it_one_after_the_other),
        cmocka_unit_test(one_on_another_operation_waits_on),
        cmocka_unit_test(one_on_an_id_of_long_ago_does_not_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
