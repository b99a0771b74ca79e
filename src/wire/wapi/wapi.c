/*
 * The door: what each request is asked before its command is carried out, in the order that the
 * protocol has.
 */
#include "wire/wapi/wapi.h"

#include "base/mem.h"
#include "wire/wapi/authenticate.h"
#include "wire/wapi/commands.h"
#include "wire/wapi/dialect.h"
#include "wire/wapi/limits.h"
#include "wire/wapi/reply.h"

/*
 * Percent-encoding makes three bytes of one, and a form has some names around the document. A
 * larger body is refused before it is read; who sends it is not known yet.
 */
enum { FORM_BYTES_MAX = 3 * WAPI_REQUEST_BYTES_MAX + 16 * 1024 };

static const char path_xml[] = "/wapi/xml";
static const char path_json[] = "/wapi/json";

struct wapi {
    struct limits *limits;
};

struct wapi *wapi_new(struct env *env, const struct wapi_settings *settings)
{
    struct wapi *wapi = MEM_NEW(struct wapi);

    wapi->limits = limits_new(&(struct limits_options){
        .seed = env_random_u64(env),
        .hourly_max = settings->hourly_max,
        .failures_max = settings->failures_max,
    });
    return wapi;
}

void wapi_free(struct wapi *wapi)
{
    if (wapi != NULL) {
        limits_free(wapi->limits);
        mem_free(wapi);
    }
}

/* ---- who asks ---- */

/* What an account's credentials say. Goes with the check. */
struct identity {
    struct json_doc doc;
    struct buf scratch; /* the next two may be in it */
    struct slice password, allow;
};

/* Nobody's: so that a login that is not there takes as long to refuse as a wrong password. */
static const struct slice nobody =
    SLICE("{\"login\":\"nobody\",\"password\":\"nobodys-password\",\"protocol\":\"xml\"}");

static struct slice text_of(struct identity *identity, const char *name)
{
    struct json value = json_member(json_root(&identity->doc), name);

    return json_type(value) == JSON_STRING ? json_string(value, &identity->scratch) : SLICE("");
}

static void identity_init(struct identity *identity, struct slice credentials)
{
    json_doc_init(&identity->doc);
    buf_init(&identity->scratch, credentials.len); /* no text is longer than its literal */
    buf_reserve(&identity->scratch, credentials.len);
    if (json_parse(&identity->doc, credentials, NULL) == OK) { /* they were checked when stored */
        identity->password = text_of(identity, "password");
        identity->allow = text_of(identity, "allow");
    }
}

static void identity_clear(struct identity *identity)
{
    mem_wipe(identity->scratch.ptr, identity->scratch.len);
    buf_clear(&identity->scratch);
    json_doc_clear(&identity->doc);
}

/* Whether the account is the caller's: the address is on its list, then auth is right. */
static enum wapi_code check_identity(struct wapi_call *call, const struct identity *identity)
{
    const struct wapi_request *request = &call->request;
    int64_t previous_hour_us = call->app->settings.wapi.previous_hour_us;

    if (!authenticate_allows(identity->allow, exchange_peer(call->exchange))) {
        return WAPI_WRONG_ADDRESS;
    }
    return authenticate_is_right(request->user, identity->password, request->auth, call->now,
                                 previous_hour_us)
               ? WAPI_OK
               : WAPI_WRONG_AUTH;
}

static enum wapi_code authenticate(struct wapi_call *call)
{
    struct account *account = directory_account_by_login(exchange_directory(call->exchange),
                                                         dialect_wapi.name, call->request.user);
    struct identity identity = {.password = SLICE("")};

    identity_init(&identity,
                  account != NULL ? account_credentials(account, dialect_wapi.name) : nobody);
    enum wapi_code code = check_identity(call, &identity);
    identity_clear(&identity);
    if (account == NULL) {
        return WAPI_WRONG_AUTH;
    }
    if (code == WAPI_OK) {
        exchange_take_account(call->exchange, account);
    }
    return code;
}

/* ---- what it asks ---- */

static enum wapi_code check_caller(struct wapi_call *call)
{
    struct limits *limits = call->app->wapi->limits;
    struct mono now = env_mono(call->app->env);

    if (limits_is_blocked(limits, exchange_peer_key(call->exchange), now)) {
        return WAPI_BLOCKED_ADDRESS;
    }
    enum wapi_code code = authenticate(call);
    if (code == WAPI_OK && !limits_take(limits, exchange_account(call->exchange)->id, call->now)) {
        code = WAPI_RATE;
    }
    return code;
}

static enum wapi_code check_data(const struct wapi_call *call)
{
    struct json data = call->request.data;

    return !json_exists(data) || json_type(data) == JSON_OBJECT ? WAPI_OK : WAPI_WRONG_PARAMETER;
}

static enum wapi_code check(struct wapi_call *call, wapi_command_fn **run)
{
    enum wapi_code code = wapi_request_read(
        &call->request, exchange_header(call->exchange, "Content-Type"),
        exchange_body(call->exchange), call->app->settings.wapi.request_bytes_max);

    if (code == WAPI_OK) {
        code = check_caller(call);
    }
    if (code == WAPI_OK) {
        code = commands_find(call, run);
    }
    return code == WAPI_OK ? check_data(call) : code;
}

/* ---- one request ---- */

static void release(void *ctx)
{
    struct wapi_call *call = ctx;
    wapi_request_clear(&call->request);
}

static struct wapi_call *call_new(struct exchange *exchange)
{
    struct wapi_call *call = exchange_new(exchange, sizeof *call);
    bool is_json = slice_is(exchange_path(exchange), path_json);

    call->exchange = exchange;
    call->app = app_of(exchange);
    call->now = env_wall(exchange_env(exchange));
    reference_make(&call->app->references, call->now, call->reference);
    wapi_request_init(&call->request, is_json ? WAPI_JSON : WAPI_XML);
    exchange_on_end(exchange, release, call);
    return call;
}

static void reply_failed(struct wapi_call *call, enum wapi_code code)
{
    if (wapi_code_counts((int32_t)code)) {
        limits_failed(call->app->wapi->limits, exchange_peer_key(call->exchange),
                      env_mono(call->app->env));
    }
    wapi_reply_code(call, code);
}

static void handle(struct exchange *exchange)
{
    struct wapi_call *call = call_new(exchange);
    wapi_command_fn *run = NULL;
    enum wapi_code code = check(call, &run);

    if (code == WAPI_OK) {
        run(call);
    } else {
        reply_failed(call, code);
    }
}

/* What the server refuses by itself: a body that is too large has a code; the rest is no matter of
 * this protocol. */
static void refuse(struct exchange *exchange, enum problem problem, const struct diag *diag)
{
    if (problem == PROBLEM_TOO_LARGE) {
        reply_failed(call_new(exchange), WAPI_TOO_LARGE);
    } else {
        exchange_problem(exchange, problem, diag);
    }
}

#define DOOR(path_, summary_)                                                                      \
    {                                                                                              \
        .method = "POST", .path = (path_), .access = ROUTE_OWN, .body_bytes_max = FORM_BYTES_MAX,  \
        .handle = handle, .summary = (summary_), .refuse = refuse                                  \
    }

static const struct route rows[] = {
    DOOR(path_xml, "Carry out a command, in XML"),
    DOOR(path_json, "Carry out a command, in JSON"),
};

const struct route_table wapi_routes = {rows, ARRAY_LEN(rows)};
