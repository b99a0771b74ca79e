/*
 * `tidings serve`: reads the settings, builds the parts, runs until it is told to stop.
 *
 * Stopping goes with the flow of the data: no new requests, no new attempts, outcomes recorded,
 * store closed.
 */
#include "base/encode.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/dialect_settings.h"
#include "cli/keeper.h"
#include "os/file.h"
#include "os/log.h"
#include "os/notify.h"
#include "os/thread.h"
#include "store/engine.h"
#include "wire/app.h"
#include "wire/dialects.h"
#include "wire/doors.h"
#include "wire/wapi/wapi.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct serve {
    struct app app;
    struct env *env;
    const char *config_path; /* NULL: none */
    struct config settings;
    struct dialect_settings dialects;
    struct route_table doors[DOORS];
    struct router *router;
    struct mailbox *mailbox; /* the main thread's */
    struct keeper *keeper;
    int signals;
    uint8_t master_key[SEAL_KEY_BYTES];
    uint8_t admin_key_hash[SHA256_BYTES];
    _Atomic(struct server *) bell; /* set once the server stands; the store's hooks ring it */
};

/* ---- the store's hooks: what it commits, those who wait are told ---- */

static void ring_queues(struct serve *serve, const struct store_publish_item *item)
{
    struct server *server = atomic_load(&serve->bell);

    for (uint32_t i = 0; server != NULL && i < item->targets_len; i++) {
        if (item->targets[i].way == STORE_QUEUE) {
            server_ring(server, item->targets[i].channel.value, 1);
        }
    }
}

static void on_published(void *ctx, struct store_publish_item *const *items, size_t len)
{
    struct serve *serve = ctx;

    dispatch_published(serve->app.dispatch, items, len);
    for (size_t i = 0; i < len; i++) {
        ring_queues(serve, items[i]);
    }
}

static void on_nudged(void *ctx, struct id account, struct id channel, struct id delivery)
{
    struct serve *serve = ctx;
    struct server *server = atomic_load(&serve->bell);

    if (delivery.value != 0) {
        dispatch_nudged(serve->app.dispatch, account, channel, delivery);
    }
    if (server != NULL) {
        server_ring(server, channel.value, 1);
    }
}

static void on_changed(void *ctx, struct id account, struct id channel)
{
    struct serve *serve = ctx;
    dispatch_changed(serve->app.dispatch, account, channel);
}

static void on_deadline(void *ctx, struct wall deadline)
{
    struct serve *serve = ctx;
    deadlines_stored(serve->app.deadlines, deadline);
}

/*
 * After a flush that failed nobody knows what is on the disk: only a fresh start that reads it
 * does.
 */
static void on_fatal(void *ctx, enum err err, const struct diag *diag)
{
    (void)ctx;
    log_line(LOG_ERROR, "store_failed", "kind", err_word(err), "error", diag->text, "hint",
             "the process ends so that a restart reads what is really stored", NULL);
    _exit(EXIT_FAILED);
}

/* ---- building ---- */

static enum err read_master_key(struct serve *serve, struct diag *diag)
{
    struct buf text, key;

    buf_init(&text, 1024);
    buf_init(&key, SEAL_KEY_BYTES);
    enum err err = file_read(serve->settings.master_key_file, &text, diag);
    if (err == OK) {
        struct slice hex = buf_view(&text);
        while (hex.len > 0 && (unsigned char)hex.ptr[hex.len - 1] <= ' ') {
            hex.len--;
        }
        if (hex_decode(&key, hex) != OK || key.len != SEAL_KEY_BYTES || buf_check(&key) != OK) {
            err = diag_field(diag, ERR_INVALID, "[store] master_key_file",
                             "must hold 64 hex digits; `openssl rand -hex 32` makes some");
        } else {
            memcpy(serve->master_key, key.ptr, SEAL_KEY_BYTES);
        }
    }
    mem_wipe(text.ptr, text.len);
    mem_wipe(key.ptr, key.len);
    buf_clear(&text);
    buf_clear(&key);
    return err;
}

static enum err read_schedule(const char *text, const char *name, struct schedule *out,
                              struct diag *diag)
{
    struct json_doc doc;
    enum err err = OK;

    if (text[0] == '\0') {
        return OK;
    }
    json_doc_init(&doc);
    err = json_parse(&doc, slice_of(text), diag);
    if (err == OK) {
        err = schedule_from_json(json_root(&doc), name, out, diag);
    } else {
        err = diag_field(diag, err, name, "is not JSON such as [\"0s\", \"5s\", \"5m\"]");
    }
    json_doc_clear(&doc);
    return err;
}

static enum err make_defaults(struct serve *serve, struct diag *diag)
{
    struct channel_defaults *defaults = &serve->app.channel_defaults;

    *defaults = (struct channel_defaults){.webhook = schedule_default(),
                                          .email = schedule_default_mail(),
                                          .timeout_us = serve->settings.attempt_timeout,
                                          .dialects = serve->dialects.table};
    enum err err = read_schedule(serve->settings.retry, "[send] retry", &defaults->webhook, diag);
    if (err == OK) {
        err = read_schedule(serve->settings.smtp_retry, "[smtp] retry", &defaults->email, diag);
    }
    return err;
}

static const char *text_or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* The part behind the @ of the sender: where message ids belong to. */
static const char *mail_domain(const struct config *settings)
{
    const char *at = strrchr(settings->smtp_from, '@');
    static char domain[256];
    size_t len = at == NULL ? 0 : strcspn(at + 1, ">\" \t");

    (void)snprintf(domain, sizeof(domain), "%.*s", (int)len, at == NULL ? "" : at + 1);
    return domain;
}

static enum mail_tls mail_tls_of(const char *word)
{
    /* The table of settings has checked the word. */
    if (strcmp(word, "none") == 0) {
        return MAIL_TLS_NONE;
    }
    return strcmp(word, "required") == 0 ? MAIL_TLS_REQUIRED : MAIL_TLS_OPPORTUNISTIC;
}

static struct sender_options sender_options(const struct serve *serve)
{
    const struct config *settings = &serve->settings;

    return (struct sender_options){
        .policy = serve->app.policy,
        .connections_max = (uint32_t)settings->connections_kept,
        .connect_timeout_us = settings->connect_timeout,
        .user_agent = "Tidings/" TIDINGS_VERSION,
        .ca_path = text_or_null(settings->ca_file),
        .smtp_url = text_or_null(settings->smtp_url),
        .smtp_user = text_or_null(settings->smtp_user),
        .smtp_password = text_or_null(settings->smtp_password),
        .smtp_tls = mail_tls_of(settings->smtp_tls),
    };
}

static enum err open_dispatch(struct serve *serve, struct diag *diag)
{
    const struct config *settings = &serve->settings;
    enum err err = policy_parse(slice_of(settings->allow_private), &serve->app.policy, diag);

    if (err != OK) {
        return err;
    }
    bool has_mail = settings->smtp_url[0] != '\0';
    struct dispatch_options options = {
        .threads = (uint32_t)settings->send_threads,
        .memory_bytes = (uint64_t)settings->send_memory,
        .in_flight_max = (uint32_t)settings->in_flight_max,
        .dialects = dialects,
        .dialect_settings = &serve->app.settings,
        .sender = sender_options(serve),
        .health = {.warn_after_us = settings->warn_after,
                   .disable_after_us = settings->disable_after},
        .mail_from = has_mail ? settings->smtp_from : NULL,
        .mail_domain = mail_domain(settings),
    };
    serve->app.has_mail = has_mail;
    serve->app.dialects = dialects;
    serve->app.dispatch = dispatch_new(serve->env, &options);
    return OK;
}

static enum err open_store(struct serve *serve, struct diag *diag)
{
    const struct config *settings = &serve->settings;
    bool is_sealed = settings->master_key_file[0] != '\0';
    enum err err = is_sealed ? read_master_key(serve, diag) : OK;

    if (err != OK) {
        return err;
    }
    struct store_options options = {
        .engine = engine_find(settings->engine),
        .path = settings->path,
        .node = (uint32_t)settings->node,
        .readers = (uint32_t)settings->readers,
        .queue_max = (uint32_t)settings->queue_max,
        .batch_max = (uint32_t)settings->batch_max,
        .master_key = is_sealed ? serve->master_key : NULL,
        .channel_defaults = serve->app.channel_defaults,
        .idempotency_us = settings->idempotency,
        .hooks = {.ctx = serve,
                  .published = on_published,
                  .nudged = on_nudged,
                  .changed = on_changed,
                  .deadline = on_deadline,
                  .fatal = on_fatal},
    };
    err = store_open(serve->env, &options, &serve->app.store, diag);
    if (err == OK) { /* nothing is sent before: dispatch starts later */
        serve->app.settings.alias_key = store_receipt_key(serve->app.store);
    }
    return err;
}

static enum err read_proxies(const char *text, struct ip_ranges *out, struct diag *diag)
{
    struct diag cause = {0};
    enum err err = ip_ranges_parse(slice_of(text), out, &cause);

    return err == OK ? OK : diag_field(diag, err, "[server] trusted_proxies", "%s", cause.text);
}

static enum err open_server(struct serve *serve, struct diag *diag)
{
    const struct config *settings = &serve->settings;
    bool has_key = settings->admin_key[0] != '\0';
    struct ip_ranges proxies;
    enum err err = read_proxies(settings->trusted_proxies, &proxies, diag);

    if (err != OK) {
        return err;
    }
    if (has_key) {
        key_hash(slice_of(settings->admin_key), serve->admin_key_hash);
    }
    doors_tables(serve->doors);
    serve->router = router_new(serve->doors, DOORS);
    struct server_options options = {
        .listen = settings->listen,
        .threads = (uint32_t)settings->threads,
        .connections_max = (uint32_t)settings->connections_max,
        .connections_per_address_max = (uint32_t)settings->connections_per_address_max,
        .connection_memory_bytes = (uint32_t)settings->connection_memory,
        .trusted_proxies = proxies,
        .request_timeout_us = settings->request_timeout,
        .auth_failures_max = (uint32_t)settings->auth_failures_max,
        .tls_certificate_path = text_or_null(settings->tls_certificate),
        .tls_key_path = text_or_null(settings->tls_key),
        .router = serve->router,
        .store = serve->app.store,
        .app = &serve->app,
        .admin_key_hash = has_key ? serve->admin_key_hash : NULL,
    };
    return server_open(serve->env, &options, &serve->app.server, diag);
}

static struct keeper_limits keeper_limits(const struct config *settings)
{
    return (struct keeper_limits){.payloads_us = settings->payloads,
                                  .rest_us = settings->rest,
                                  .idempotency_us = settings->idempotency};
}

/* ---- the first admin key ---- */

struct first_key {
    struct store_put_key put;
    bool is_done;
};

static void first_key_stored(struct store_request *request)
{
    struct first_key *first = CONTAINER_OF(request, struct first_key, put.request);
    first->is_done = true;
}

/* Without any way in, the first start makes a key and prints it, this once. */
static enum err make_first_key(struct serve *serve, struct diag *diag)
{
    struct store_view view = {0};
    struct key *any = NULL;
    size_t count = directory_keys_after(store_view(serve->app.store, &view), ID_NONE, &any, 1);
    struct first_key first = {0};
    uint8_t chance[32], hash[SHA256_BYTES];
    char text[KEY_TEXT_SIZE];

    store_view_clear(&view);
    if (count > 0 || serve->settings.admin_key[0] != '\0') {
        return OK;
    }
    serve->env->random(serve->env, chance, sizeof(chance));
    key_text(chance, text);
    key_hash(slice_of(text), hash);
    first.put.key = key_new(ID_NONE, hash, KEY_ADMIN, ID_NONE, SLICE("made at the first start"),
                            env_wall(serve->env));
    first.put.request = (struct store_request){
        .call = STORE_CALL_put_key, .reply_to = serve->mailbox, .done = first_key_stored};
    store_submit(serve->app.store, &first.put.request);
    while (!first.is_done) {
        (void)mailbox_wait(serve->mailbox, -1);
        (void)mailbox_run(serve->mailbox);
    }
    key_release(first.put.key);
    if (first.put.request.err != OK) {
        return diag_set(diag, first.put.request.err, "%s", first.put.request.diag.text);
    }
    printf("admin key (shown this once): %s\n", text);
    mem_wipe(text, sizeof(text));
    return OK;
}

/* ---- running ---- */

/*
 * Before any thread starts, so that all inherit it: signals come to the main thread by a
 * descriptor.
 */
static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Every connection is a descriptor: take what the system gives. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* the old one stays then */
    }
}

static void apply_reloadable(struct serve *serve)
{
    enum log_level level = LOG_INFO;

    if (log_level_parse(serve->settings.log_level, &level) == OK) {
        log_set_level(level);
    }
    atomic_store(&serve->app.data_bytes_max, (uint32_t)serve->settings.data_max);
    if (serve->keeper != NULL) {
        struct keeper_limits limits = keeper_limits(&serve->settings);
        keeper_set_limits(serve->keeper, &limits);
    }
}

static void reload(struct serve *serve)
{
    struct config newer;
    struct diag diag = {0};
    struct buf needs_restart;

    if (config_load(serve->config_path, environ, &newer, &diag) != OK) {
        log_line(LOG_ERROR, "reload_failed", "field", diag.field, "error", diag.text, NULL);
        return;
    }
    buf_init(&needs_restart, 4096);
    config_take_reloadable(&serve->settings, &newer, &needs_restart);
    config_clear(&newer);
    apply_reloadable(serve);
    if (server_reload_tls(serve->app.server, &diag) != OK) {
        log_line(LOG_ERROR, "reload_failed", "error", diag.text, NULL);
    }
    log_line(LOG_INFO, "reloaded", "needs_restart",
             needs_restart.len > 0 ? buf_cstr(&needs_restart) : NULL, NULL);
    buf_clear(&needs_restart);
}

/* True when it is time to stop. */
static bool take_signal(struct serve *serve)
{
    struct signalfd_siginfo info;

    if (read(serve->signals, &info, sizeof(info)) != sizeof(info)) {
        return false;
    }
    if (info.ssi_signo == SIGHUP) {
        reload(serve);
        return false;
    }
    return true;
}

static void run(struct serve *serve)
{
    bool is_over = false;

    while (!is_over) {
        struct pollfd polled[] = {{.fd = serve->signals, .events = POLLIN},
                                  {.fd = mailbox_fd(serve->mailbox), .events = POLLIN}};
        int64_t keeper_us = keeper_run(serve->keeper);
        int64_t deadlines_us = deadlines_run(serve->app.deadlines);
        int64_t sleep_us = keeper_us < deadlines_us ? keeper_us : deadlines_us;
        (void)poll(polled, ARRAY_LEN(polled), (int)(sleep_us / US_PER_MS) + 1);
        (void)mailbox_run(serve->mailbox);
        is_over = polled[0].revents != 0 && take_signal(serve);
    }
}

/* Stops the flow from its source on: requests, attempts, the store. */
static void stop_all(struct serve *serve)
{
    int64_t deadline = env_mono(serve->env).us + serve->settings.drain;

    atomic_store(&serve->app.is_stopping, true);
    deadlines_stop(serve->app.deadlines);
    if (serve->app.server != NULL) {
        server_drain(serve->app.server, serve->settings.drain / 2);
    }
    if (serve->app.dispatch != NULL && serve->app.store != NULL) {
        int64_t left_us = deadline - env_mono(serve->env).us;
        dispatch_drain(serve->app.dispatch, left_us > 0 ? left_us : 0);
    }
    store_stop(serve->app.store);
    (void)mailbox_run(serve->mailbox);
}

static void close_all(struct serve *serve)
{
    stop_all(serve);
    server_free(serve->app.server);
    wapi_free(serve->app.wapi);
    dispatch_free(serve->app.dispatch);
    store_close(serve->app.store);
    router_free(serve->router);
    keeper_free(serve->keeper);
    deadlines_free(serve->app.deadlines);
    mailbox_free(serve->mailbox);
    mem_wipe(serve->master_key, sizeof(serve->master_key));
    dialect_settings_clear(&serve->dialects);
    config_clear(&serve->settings);
    (void)close(serve->signals);
}

static enum err build(struct serve *serve, struct diag *diag)
{
    enum err err = dialect_settings_make(&serve->settings, &dialects, &serve->dialects, diag);

    serve->app.settings = serve->dialects.wire;
    if (err == OK) {
        err = make_defaults(serve, diag);
    }
    serve->app.env = serve->env;
    serve->app.started = env_wall(serve->env);
    references_init(&serve->app.references, serve->env, (uint32_t)serve->settings.node);
    serve->app.wapi = wapi_new(serve->env, &serve->app.settings.wapi);
    serve->app.batch_events_max = (uint32_t)serve->settings.batch_events_max;
    serve->mailbox = mailbox_new();
    apply_reloadable(serve);
    if (err == OK && serve->settings.admin_key[0] != '\0') {
        err = key_text_check(slice_of(serve->settings.admin_key), diag);
    }
    if (err == OK) {
        err = open_dispatch(serve, diag);
    }
    if (err == OK) {
        err = open_store(serve, diag);
    }
    if (err == OK) {
        err = dispatch_start(serve->app.dispatch, serve->app.store, diag);
    }
    if (err == OK) {
        err = make_first_key(serve, diag);
    }
    if (err == OK) {
        err = open_server(serve, diag);
    }
    return err;
}

static int serve_until_told(struct serve *serve)
{
    struct diag diag = {0};

    if (build(serve, &diag) != OK) {
        fprintf(stderr, "tidings: cannot serve: %s%s%s\n", diag.field,
                diag.field[0] != '\0' ? ": " : "", diag.text);
        close_all(serve);
        return EXIT_FAILED;
    }
    struct keeper_limits limits = keeper_limits(&serve->settings);
    serve->keeper = keeper_new(serve->env, serve->app.store, serve->mailbox, &limits);
    serve->app.deadlines =
        deadlines_new(serve->env, serve->app.store, serve->app.dispatch, serve->mailbox);
    atomic_store(&serve->bell, serve->app.server);
    server_start(serve->app.server);
    printf("ready %s\n", server_address(serve->app.server));
    (void)fflush(stdout);
    notify_ready(server_address(serve->app.server));
    log_line(LOG_INFO, "serving", "listen", server_address(serve->app.server), "store",
             serve->settings.path, "version", TIDINGS_VERSION, NULL);
    run(serve);
    notify_stopping();
    log_line(LOG_INFO, "stopping", NULL);
    close_all(serve);
    log_line(LOG_INFO, "stopped", NULL);
    return EXIT_OK;
}

int command_serve(int argc, char **argv)
{
    struct diag diag = {0};

    if (argc != 1 && !(argc == 3 && strcmp(argv[1], "--config") == 0)) {
        fprintf(stderr, "usage: tidings serve [--config FILE]\n");
        return EXIT_USAGE;
    }
    struct serve *serve = MEM_NEW(struct serve);
    serve->env = env_system();
    serve->config_path = argc == 3 ? argv[2] : NULL;
    if (config_load(serve->config_path, environ, &serve->settings, &diag) != OK) {
        fprintf(stderr, "tidings: settings: %s%s%s\n", diag.field,
                diag.field[0] != '\0' ? ": " : "", diag.text);
        mem_free(serve);
        return EXIT_FAILED;
    }
    serve->signals = open_signals();
    raise_descriptor_limit();
    int status = serve_until_told(serve);
    mem_free(serve);
    return status;
}
