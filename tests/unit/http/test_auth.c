/*
 * Who may call what.
 */
#include "client.h"
#include "site.h"
#include "support/test_dialects.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static const char settings_key[] = "tk_from-the-settings-file-1234";
static const char admin_key[] = "tk_admin";
static const char publish_key[] = "tk_publish";
static const char ann_key[] = "tk_ann";

enum { FAILURES_MAX = 6 };

struct fixture {
    struct site site;
    struct account *ann, *bob;
    struct directory *without_admin; /* the same directory after the admin key was revoked */
};

static struct account *account_called(const char *name, uint64_t id)
{
    struct json_doc doc;
    struct account *account = NULL;

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, SLICE("{}"), NULL), OK);
    assert_int_equal(account_from_json(slice_of(name), json_root(&doc), /* base= */ NULL,
                                       &test_dialects, &account, NULL),
                     OK);
    account->id.value = id;
    json_doc_clear(&doc);
    return account;
}

static void add_key(struct directory *directory, uint64_t id, const char *text,
                    enum key_scope scope, struct id account)
{
    uint8_t hash[SHA256_BYTES];

    key_hash(slice_of(text), hash);
    struct key *key =
        key_new((struct id){id}, hash, scope, account, SLICE("test"), (struct wall){0});
    directory_add_key(directory, key);
    key_release(key);
}

static int start(void **state)
{
    static struct fixture fixture;
    uint8_t hash[SHA256_BYTES];
    struct directory *directory = directory_new(/* seed= */ 7);

    fixture.ann = account_called("ann", 1);
    fixture.bob = account_called("bob", 2);
    directory_add_account(directory, fixture.ann);
    directory_add_account(directory, fixture.bob);
    add_key(directory, 11, admin_key, KEY_ADMIN, ID_NONE);
    add_key(directory, 12, publish_key, KEY_PUBLISH, ID_NONE);
    add_key(directory, 13, ann_key, KEY_ACCOUNT, fixture.ann->id);
    fixture.without_admin = directory_remove_key(directory, (struct id){11});
    key_hash(slice_of(settings_key), hash);
    site_start(&fixture.site, (struct server_options){
                                  .threads = 2,
                                  .admin_key_hash = hash,
                                  .auth_failures_max = FAILURES_MAX,
                              });
    site_set_directory(&fixture.site, directory);
    *state = &fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    site_stop(&fixture->site);
    directory_release(fixture->without_admin);
    account_release(fixture->ann);
    account_release(fixture->bob);
    return 0;
}

/* The status of GET path with a key (NULL: none). */
static unsigned status_of(void **state, const char *path, const char *key, const char *body_part)
{
    struct fixture *fixture = *state;
    struct client client;
    struct client_answer answer;
    char request[512];

    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n%s%s%s\r\n", path,
                   key != NULL ? "Authorization: Bearer " : "", key != NULL ? key : "",
                   key != NULL ? "\r\n" : "");
    client_open(&client, site_address(&fixture->site));
    client_send(&client, request);
    client_take(&client, &answer);
    client_close(&client);
    unsigned status = answer.status;
    if (body_part != NULL) {
        assert_non_null(strstr(buf_cstr(&answer.body), body_part));
    }
    if (status == 401) {
        assert_slice_is(client_header(&answer, "WWW-Authenticate"), "Bearer");
    }
    client_answer_clear(&answer);
    return status;
}

static void each_scope_opens_its_routes(void **state)
{
    static const struct {
        const char *path, *key;
        unsigned status;
    } cases[] = {
        {"/v1/admin", admin_key, 200},
        {"/v1/admin", settings_key, 200},
        {"/v1/admin", publish_key, 403},
        {"/v1/admin", ann_key, 403},
        {"/v1/admin", NULL, 401},
        {"/v1/publish", admin_key, 200},
        {"/v1/publish", publish_key, 200},
        {"/v1/publish", ann_key, 403},
        {"/v1/accounts/ann/name", admin_key, 200},
        {"/v1/accounts/ann/name", settings_key, 200},
        {"/v1/accounts/ann/name", publish_key, 403},
        {"/v1/accounts/ann/name", ann_key, 200},
        {"/v1/accounts/%61nn/name", ann_key, 200},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(status_of(state, cases[i].path, cases[i].key, NULL), cases[i].status);
    }
}

static void another_account_is_as_unknown_as_one_that_is_not_there(void **state)
{
    assert_int_equal(status_of(state, "/v1/accounts/bob/name", ann_key, "no such account"), 404);
    assert_int_equal(status_of(state, "/v1/accounts/eve/name", ann_key, "no such account"), 404);
    assert_int_equal(status_of(state, "/v1/accounts/eve/name", admin_key, "no such account"), 404);
    /* Nor does a key that may not ask learn what is there. */
    assert_int_equal(status_of(state, "/v1/accounts/eve/name", publish_key, NULL), 403);
    assert_int_equal(status_of(state, "/v1/accounts/eve/name", NULL, NULL), 401);
}

static void an_open_route_may_name_an_account_that_is_not_there(void **state)
{
    struct fixture *fixture = *state;

    client_ask(site_address(&fixture->site),
               "PUT /v1/accounts/ann/open HTTP/1.1\r\nHost: x\r\n\r\n", 200, "known");
    client_ask(site_address(&fixture->site),
               "PUT /v1/accounts/eve/open HTTP/1.1\r\nHost: x\r\n\r\n", 200, "unknown");
}

static void a_new_account_may_be_named_by_those_who_could_make_it(void **state)
{
    struct fixture *fixture = *state;
    static const char *const keys[] = {admin_key, ann_key};
    static const unsigned statuses[] = {200, 404};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char request[256];

        (void)snprintf(request, sizeof request,
                       "PUT /v1/accounts/eve/new HTTP/1.1\r\nHost: x\r\n"
                       "Authorization: Bearer %s\r\n\r\n",
                       keys[i]);
        client_ask(site_address(&fixture->site), request, statuses[i], NULL);
    }
}

static void the_scheme_is_bearer(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = {"Basic tk_admin", "Bearer", "Bearer ",
                                        "tk_admin",       "",       "Bearertk_admin"};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char request[256];

        (void)snprintf(request, sizeof request,
                       "GET /v1/admin HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n", wrong[i]);
        client_ask(site_address(&fixture->site), request, 401, "unauthenticated");
    }
    client_ask(site_address(&fixture->site),
               "GET /v1/admin HTTP/1.1\r\nHost: x\r\nauthorization: bEARER  tk_admin \r\n\r\n", 200,
               NULL);
    client_ask(site_address(&fixture->site),
               "GET /v1/admin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer tk_admin\r\n"
               "Authorization: Bearer tk_admin\r\n\r\n",
               400, "Authorization");
}

static void a_refused_body_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    struct client client;

    client_open(&client, site_address(&fixture->site));
    client_send(&client, "POST /v1/admin HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n");
    client_expect(&client, 401, NULL);
    client_expect_end(&client);
    client_close(&client);
}

static void who_tries_too_many_keys_has_to_wait(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    struct client_answer answer;

    assert_int_equal(status_of(state, "/v1/publish", publish_key, NULL), 200);
    for (int i = 0; i < FAILURES_MAX; i++) {
        assert_int_equal(status_of(state, "/v1/admin", "tk_wrong", "no such key"), 401);
    }
    client_open(&client, site_address(&fixture->site));
    client_send(&client, "GET /v1/admin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer tk_x\r\n\r\n");
    client_take(&client, &answer);
    assert_int_equal(answer.status, 429);
    assert_slice_is(client_header(&answer, "Retry-After"), "10");
    client_answer_clear(&answer);
    client_close(&client);
    /* One that was right from there before still is; one never shown has to wait too. */
    assert_int_equal(status_of(state, "/v1/publish", publish_key, NULL), 200);
    assert_int_equal(status_of(state, "/v1/accounts/ann/name", ann_key, NULL), 429);
    /* Without a key nothing is tried. */
    assert_int_equal(status_of(state, "/v1/admin", NULL, NULL), 401);
    assert_int_equal(status_of(state, "/hello", NULL, NULL), 200);
    /* Others are not concerned. */
    client_open_from(&client, site_address(&fixture->site), "127.0.0.2");
    client_send(&client, "GET /v1/admin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer tk_x\r\n\r\n");
    client_expect(&client, 401, NULL);
    client_close(&client);
}

static void expect_secret(void **state, const char *secret, const char *body)
{
    struct fixture *fixture = *state;
    char request[200];

    (void)snprintf(request, sizeof request,
                   "GET /dialect/secret HTTP/1.1\r\nHost: x\r\nX-Secret: %s\r\n\r\n", secret);
    client_ask(site_address(&fixture->site), request, 200, body);
}

static void a_dialects_own_secrets_are_guarded_like_keys(void **state)
{
    expect_secret(state, "right", "right");
    for (int i = 0; i < FAILURES_MAX; i++) {
        expect_secret(state, "guess", "wrong");
    }
    expect_secret(state, "guess", "refused: too_many_requests");
    expect_secret(state, "right", "right");
    assert_int_equal(status_of(state, "/v1/accounts/ann/name", ann_key, NULL), 429);
}

static void a_revoked_key_opens_nothing_any_more(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    static const char request[] =
        "GET /v1/admin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer tk_admin\r\n\r\n";

    client_open(&client, site_address(&fixture->site));
    client_send(&client, request);
    client_expect(&client, 200, NULL);
    site_set_directory(&fixture->site, directory_hold(fixture->without_admin));
    client_send(&client, request);
    client_expect(&client, 401, NULL);
    client_close(&client);
}

static void a_key_revoked_while_it_waits_gets_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct client client;

    client_open(&client, site_address(&fixture->site));
    client_send(&client, "GET /v1/admin/wait/5?ms=20000 HTTP/1.1\r\nHost: x\r\n"
                         "Authorization: Bearer tk_admin\r\n\r\n");
    site_await_waiting(&fixture->site, 1);
    site_set_directory(&fixture->site, directory_hold(fixture->without_admin));
    server_ring(fixture->site.server, 5, 1);
    client_expect(&client, 401, "unauthenticated");
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_scope_opens_its_routes, start, stop),
        cmocka_unit_test_setup_teardown(another_account_is_as_unknown_as_one_that_is_not_there,
                                        start, stop),
        cmocka_unit_test_setup_teardown(an_open_route_may_name_an_account_that_is_not_there, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_new_account_may_be_named_by_those_who_could_make_it,
                                        start, stop),
        cmocka_unit_test_setup_teardown(the_scheme_is_bearer, start, stop),
        cmocka_unit_test_setup_teardown(a_refused_body_is_not_waited_for, start, stop),
        cmocka_unit_test_setup_teardown(who_tries_too_many_keys_has_to_wait, start, stop),
        cmocka_unit_test_setup_teardown(a_dialects_own_secrets_are_guarded_like_keys, start, stop),
        cmocka_unit_test_setup_teardown(a_revoked_key_opens_nothing_any_more, start, stop),
        cmocka_unit_test_setup_teardown(a_key_revoked_while_it_waits_gets_nothing, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
