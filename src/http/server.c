#include "http/server.h"

#include "base/mem.h"
#include "http/endpoint.h"
#include "http/listener.h"
#include "http/server_internal.h"
#include "os/log.h"

#include <assert.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS_MAX = 64, BOUND_ADDRESS_MAX = 128, CONNECTION_MEMORY_MIN = 1024 };

/* ---- Starting ---- */

static void note_drained(struct message *message)
{
    struct reactor *reactor = CONTAINER_OF(message, struct reactor, drained);

    reactor->server->drained++;
}

static struct server *server_new(struct env *env, const struct server_options *options)
{
    struct server *server = MEM_NEW(struct server);

    assert(options->threads >= 1 && options->threads <= THREADS_MAX);
    assert(options->connections_max > 0 && options->request_timeout_us > 0);
    assert(options->connection_memory_bytes >= CONNECTION_MEMORY_MIN);
    server->env = env;
    server->options = *options;
    server->listen_fd = -1;
    buf_init(&server->address, BOUND_ADDRESS_MAX);
    server->mailbox = mailbox_new();
    server->bell = bell_new(env_random_u64(env));
    server->census = census_new(env_random_u64(env), options->connections_max,
                                options->connections_per_address_max);
    server->guard = guard_new(env_random_u64(env), options->auth_failures_max);
    if (options->admin_key_hash != NULL) {
        server->settings_key = key_new(ID_NONE, options->admin_key_hash, KEY_ADMIN, ID_NONE,
                                       SLICE("settings"), (struct wall){0});
    }
    server->reactors = MEM_ARRAY(options->threads, struct reactor);
    return server;
}

/* NULL in *out: without TLS. */
static enum err load_certificate(const struct server_options *options, struct certificate **out,
                                 struct diag *diag)
{
    struct certificate *certificate = NULL;

    *out = NULL;
    if (options->tls_certificate_path == NULL) {
        return OK;
    }
    enum err err =
        certificate_load(options->tls_certificate_path, options->tls_key_path, &certificate, diag);
    if (err == OK) {
        err = endpoint_check_certificate(certificate, diag);
    }
    if (err != OK) {
        certificate_release(certificate);
        return err;
    }
    *out = certificate;
    return OK;
}

static enum err make_reactors(struct server *server, struct certificate *certificate,
                              struct diag *diag)
{
    enum err err = OK;

    while (err == OK && server->reactors_len < server->options.threads) {
        struct reactor *reactor = &server->reactors[server->reactors_len];

        reactor_init(reactor, server);
        reactor->drained.run = note_drained;
        server->reactors_len++;
        err = endpoint_start(reactor, certificate, diag);
    }
    return err;
}

enum err server_open(struct env *env, const struct server_options *options, struct server **out,
                     struct diag *diag)
{
    struct certificate *certificate = NULL;
    struct server *server = server_new(env, options);
    enum err err = load_certificate(options, &certificate, diag);

    if (err != OK) {
        goto fail;
    }
    err = listener_open(options->listen, &server->listen_fd, diag);
    if (err != OK) {
        goto fail;
    }
    listener_allow_connections(options->connections_max);
    buf_text(&server->address, certificate != NULL ? "https://" : "http://");
    listener_address(server->listen_fd, &server->address);
    err = make_reactors(server, certificate, diag);
    if (err != OK) {
        goto fail;
    }
    certificate_release(certificate);
    *out = server;
    return OK;

fail:
    certificate_release(certificate);
    server_free(server);
    return err;
}

void server_start(struct server *server)
{
    for (uint32_t i = 0; i < server->reactors_len; i++) {
        reactor_start(&server->reactors[i], i);
    }
}

const char *server_address(const struct server *server)
{
    return buf_cstr(&server->address);
}

/* ---- A new certificate ---- */

/* On its way to one reactor. */
struct renewal {
    struct message message;
    struct reactor *reactor;
    struct certificate *certificate; /* held */
};

/* The new endpoint comes first, and only then the old ones give up the listening socket: nobody who
 * connects meanwhile waits. */
static void renew(struct message *message)
{
    struct renewal *renewal = CONTAINER_OF(message, struct renewal, message);
    struct reactor *reactor = renewal->reactor;
    struct list_link *old = list_first(&reactor->endpoints);
    struct diag diag = {0};

    if (!reactor->is_draining) {
        if (endpoint_start(reactor, renewal->certificate, &diag) == OK) {
            endpoint_retire(LIST_ITEM(old, struct endpoint, link));
        } else {
            log_line(LOG_ERROR, "certificate_not_renewed", "error", diag.text, NULL);
        }
    }
    certificate_release(renewal->certificate);
    mem_free(renewal);
}

enum err server_reload_tls(struct server *server, struct diag *diag)
{
    struct certificate *certificate = NULL;
    enum err err = load_certificate(&server->options, &certificate, diag);

    if (err != OK || certificate == NULL) {
        return err;
    }
    for (uint32_t i = 0; i < server->reactors_len; i++) {
        struct renewal *renewal = MEM_NEW(struct renewal);

        renewal->message.run = renew;
        renewal->reactor = &server->reactors[i];
        renewal->certificate = certificate_hold(certificate);
        mailbox_post(renewal->reactor->mailbox, &renewal->message);
    }
    certificate_release(certificate);
    return OK;
}

/* ---- At work ---- */

void server_ring(struct server *server, uint64_t topic, uint32_t times)
{
    bell_ring(server->bell, topic, times);
}

static uint64_t figure(const _Atomic uint64_t *counted)
{
    return atomic_load_explicit(counted, memory_order_relaxed);
}

void server_figures(const struct server *server, struct server_figures *out)
{
    struct server_figures sum = {0};

    for (uint32_t i = 0; i < server->reactors_len; i++) {
        const struct reactor_figures *figures = &server->reactors[i].figures;

        sum.requests += figure(&figures->requests);
        sum.connections_now += figure(&figures->connections_now);
        sum.waiting_now += figure(&figures->waiting_now);
        sum.refused += figure(&figures->refused);
        sum.stranger_bytes += figure(&figures->stranger_bytes);
        for (size_t class = 0; class < ARRAY_LEN(sum.by_status_class); class ++) {
            sum.by_status_class[class] += figure(&figures->by_status_class[class]);
        }
        sum.cpu_us += atomic_load_explicit(&figures->cpu_us, memory_order_relaxed);
    }
    *out = sum;
}

/* ---- Stopping ---- */

void server_drain(struct server *server, int64_t timeout_us)
{
    int64_t deadline_us = env_mono(server->env).us + timeout_us;
    int64_t left_us = timeout_us;

    if (server->is_draining || !server->reactors[0].thread.is_started) {
        return;
    }
    server->is_draining = true;
    for (uint32_t i = 0; i < server->reactors_len; i++) {
        reactor_drain(&server->reactors[i]);
    }
    /* Whoever comes now is refused by the system and can turn to another server. */
    (void)shutdown(server->listen_fd, SHUT_RDWR); /* cannot fail on a listening socket */
    while (server->drained < server->reactors_len && left_us > 0 &&
           mailbox_wait(server->mailbox, left_us)) {
        (void)mailbox_run(server->mailbox);
        left_us = deadline_us - env_mono(server->env).us;
    }
}

void server_free(struct server *server)
{
    if (server == NULL) {
        return;
    }
    for (uint32_t i = 0; i < server->reactors_len; i++) {
        reactor_stop(&server->reactors[i]);
    }
    for (uint32_t i = 0; i < server->reactors_len; i++) {
        reactor_clear(&server->reactors[i]);
    }
    if (server->listen_fd >= 0) {
        (void)close(server->listen_fd); /* nobody listens on it any more */
    }
    mem_free(server->reactors);
    bell_free(server->bell);
    census_free(server->census);
    guard_free(server->guard);
    key_release(server->settings_key);
    mailbox_free(server->mailbox);
    buf_clear(&server->address);
    mem_free(server);
}
