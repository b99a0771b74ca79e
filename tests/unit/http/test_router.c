#include "http/router.h"
#include "support/unit.h"

#include <string.h>

static void nothing(UNUSED struct exchange *exchange)
{
}

static const struct route routes[] = {
    {"GET", "/", ROUTE_OPEN, 0, nothing, "root", NULL, false},
    {"GET", "/v1/accounts", ROUTE_ADMIN, 0, nothing, "list", NULL, false},
    {"GET", "/v1/accounts/{account}", ROUTE_ADMIN, 0, nothing, "get", NULL, false},
    {"PUT", "/v1/accounts/{name}", ROUTE_ADMIN, 0, nothing, "put", NULL, false},
    {"POST", "/v1/accounts/{account}/events", ROUTE_ADMIN, 0, nothing, "publish", NULL, false},
    {"GET", "/v1/accounts/{account}/events/{id}", ROUTE_ADMIN, 0, nothing, "event", NULL, false},
    {"GET", "/v1/accounts/{account}/events/latest", ROUTE_ADMIN, 0, nothing, "latest", NULL, false},
    {"GET", "/v1/accounts/{account}/events/latest/{x}/y", ROUTE_ADMIN, 0, nothing, "xy", NULL,
     false},
    {"POST", "/v1/accounts/{account}/events/{id}/{x}/z", ROUTE_ADMIN, 0, nothing, "xz", NULL,
     false},
    {"POST", "/Old/Path", ROUTE_OWN, 0, nothing, "old", NULL, true},
};

static const struct route more_routes[] = {
    {"DELETE", "/v1/accounts/{account}", ROUTE_ADMIN, 0, nothing, "delete", NULL, false},
};

static struct router *router;

static int start(UNUSED void **state)
{
    static const struct route_table tables[] = {
        {routes, ARRAY_LEN(routes)},
        {more_routes, ARRAY_LEN(more_routes)},
    };

    router = router_new(tables, ARRAY_LEN(tables));
    return 0;
}

static int stop(UNUSED void **state)
{
    router_free(router);
    return 0;
}

/* What the summary of the found route says; NULL when there is none. */
static const char *found(const char *method, const char *path)
{
    struct route_match match;

    router_match(router, slice_of(method), slice_of(path), &match);
    return match.route != NULL ? match.route->summary : NULL;
}

static void a_path_finds_its_route(UNUSED void **state)
{
    assert_string_equal(found("GET", "/"), "root");
    assert_string_equal(found("GET", "/v1/accounts"), "list");
    assert_string_equal(found("GET", "/v1/accounts/a"), "get");
    assert_string_equal(found("DELETE", "/v1/accounts/a"), "delete");
    assert_string_equal(found("POST", "/v1/accounts/a/events"), "publish");
    assert_string_equal(found("GET", "/v1/accounts/a/events/b"), "event");
}

static void what_is_not_there_is_not_found(UNUSED void **state)
{
    static const char *const paths[] = {"",
                                        "v1",
                                        "/v1",
                                        "/v1/",
                                        "/v1/accounts/",
                                        "//",
                                        "/v1/accounts//events",
                                        "/v1/accounts/a/events/",
                                        "/V1/accounts",
                                        "/v1/accounts/a/events/b/c",
                                        "*"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct route_match match;

        router_match(router, SLICE("GET"), slice_of(paths[i]), &match);
        assert_null(match.route);
        assert_false(match.is_known_path);
    }
}

static void literal_segments_win(UNUSED void **state)
{
    assert_string_equal(found("GET", "/v1/accounts/a/events/latest"), "latest");
    assert_string_equal(found("GET", "/v1/accounts/a/events/late"), "event");
}

static void a_literal_that_leads_nowhere_does_not_hide_a_parameter(UNUSED void **state)
{
    assert_string_equal(found("GET", "/v1/accounts/a/events/latest/1/y"), "xy");
    assert_string_equal(found("POST", "/v1/accounts/a/events/latest/1/z"), "xz");
}

static void parameters_have_the_names_of_their_own_route(UNUSED void **state)
{
    struct route_match match;

    router_match(router, SLICE("GET"), SLICE("/v1/accounts/a%20b/events/e1"), &match);
    assert_int_equal(match.params_len, 2);
    assert_slice_is(slice_from(match.params[0].name, match.params[0].name_len), "account");
    assert_slice_is(match.params[0].raw, "a%20b");
    assert_slice_is(slice_from(match.params[1].name, match.params[1].name_len), "id");
    assert_slice_is(match.params[1].raw, "e1");
    router_match(router, SLICE("PUT"), SLICE("/v1/accounts/new"), &match);
    assert_slice_is(slice_from(match.params[0].name, match.params[0].name_len), "name");
}

static void head_is_served_by_get(UNUSED void **state)
{
    assert_string_equal(found("HEAD", "/v1/accounts"), "list");
    assert_null(found("HEAD", "/v1/accounts/a/events"));
}

static void another_method_is_told_what_is_allowed(UNUSED void **state)
{
    struct route_match match;

    router_match(router, SLICE("PATCH"), SLICE("/v1/accounts/a"), &match);
    assert_null(match.route);
    assert_true(match.is_known_path);
    assert_string_equal(match.allow, "GET, HEAD, PUT, DELETE");
    assert_non_null(match.other);
    assert_null(found("get", "/v1/accounts"));
}

/* Whose words an unknown path is refused in. */
static void an_unknown_path_belongs_to_the_longest_one_that_it_is_below(UNUSED void **state)
{
    static const struct {
        const char *path;
        const char *summary; /* NULL: nobody's */
    } cases[] = {
        {"/v1/accounts/a/events/e1/more", "event"},
        {"/v1/accounts/a/events/latest/", "latest"},
        {"/v1/accounts/a/nothing", "get"},
        {"/v1/accounts/", "list"},
        {"/old/path/x", "old"},
        {"/v1/nothing", NULL},
        {"/nothing", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct route_match match;

        router_match(router, SLICE("GET"), slice_of(cases[i].path), &match);
        assert_null(match.route);
        assert_false(match.is_known_path);
        if (cases[i].summary == NULL) {
            assert_null(match.other);
        } else {
            assert_non_null(match.other);
            assert_string_equal(match.other->summary, cases[i].summary);
        }
    }
}

static void some_routes_ignore_case(UNUSED void **state)
{
    assert_string_equal(found("POST", "/OLD/path"), "old");
    assert_string_equal(found("POST", "/Old/Path"), "old");
    assert_null(found("POST", "/old/pathe"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_finds_its_route),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(literal_segments_win),
        cmocka_unit_test(a_literal_that_leads_nowhere_does_not_hide_a_parameter),
        cmocka_unit_test(parameters_have_the_names_of_their_own_route),
        cmocka_unit_test(head_is_served_by_get),
        cmocka_unit_test(another_method_is_told_what_is_allowed),
        cmocka_unit_test(an_unknown_path_belongs_to_the_longest_one_that_it_is_below),
        cmocka_unit_test(some_routes_ignore_case),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
