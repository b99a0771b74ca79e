/*
 * How libmicrohttpd is used here, and why (seen in 0.9.75):
 *
 * - External epoll: it hands out one descriptor that is ready when it has something to do. After
 *   MHD_resume_connection nothing goes on before the next MHD_run, so every turn of the reactor
 *   runs it.
 * - Each run after a resume walks over all suspended connections of the daemon. Many answers are
 *   therefore resumed in one turn, and walked for once.
 * - It has no limit for a request that trickles in, only for silence, and none for suspended
 *   connections. Both are ours (connection.h), so its own timeout is off.
 * - The URI comes as it was sent: the unescaping call-back does nothing, since its own would let
 *   broken escapes pass.
 * - Its limits of connections are for one daemon; ours (census.h) are for all. Its limit is out of
 *   reach; reaching it would leave connections waiting without an answer.
 */
#include "http/endpoint.h"

#include "base/mem.h"
#include "http/connection.h"
#include "http/request.h"
#include "http/server_internal.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum {
    OPTIONS_MAX = 12,
    /* Beside what a request may fill: the head of the answer must always find room. */
    ANSWER_HEAD_BYTES = 2048,
};

static size_t leave_as_sent(UNUSED void *cls, UNUSED struct MHD_Connection *handle, char *text)
{
    return strlen(text);
}

static size_t add_certificate(struct MHD_OptionItem *options, const struct certificate *certificate)
{
    if (certificate == NULL) {
        return 0;
    }
    options[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0,
                                         (void *)buf_cstr(&certificate->chain)};
    options[1] =
        (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)buf_cstr(&certificate->key)};
    return 2;
}

/* libmicrohttpd's words on why a certificate is not taken, without the line end. */
PRINTF_LIKE(2, 0)
static void keep_words(void *cls, const char *format, va_list args)
{
    char *words = cls;

    (void)vsnprintf(words, DIAG_TEXT_SIZE, format, args);
    words[strcspn(words, "\n")] = '\0';
}

enum err endpoint_check_certificate(const struct certificate *certificate, struct diag *diag)
{
    char words[DIAG_TEXT_SIZE] = "";
    struct MHD_OptionItem options[3] = {0};

    options[add_certificate(options, certificate)].option = MHD_OPTION_END;
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TLS | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG,
                         0, NULL, NULL, request_on_access, NULL, MHD_OPTION_EXTERNAL_LOGGER,
                         keep_words, words, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (daemon == NULL) {
        return diag_set(diag, ERR_INVALID, "certificate or key cannot be used: %s",
                        words[0] != '\0' ? words : "no reason given");
    }
    MHD_stop_daemon(daemon);
    return OK;
}

static struct MHD_Daemon *start_daemon(struct endpoint *endpoint)
{
    const struct server *server = endpoint->reactor->server;
    size_t memory_bytes = server->options.connection_memory_bytes + (size_t)ANSWER_HEAD_BYTES;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    struct MHD_OptionItem options[OPTIONS_MAX] = {
        {MHD_OPTION_LISTEN_SOCKET, server->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, INT32_MAX, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)memory_bytes, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL}, /* head.h is stricter, and says why */
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_as_sent, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)request_on_uri, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_on_completed, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection_on_notify, endpoint},
    };
    size_t len = 9;

    if (endpoint->certificate != NULL) {
        flags |= MHD_USE_TLS;
        len += add_certificate(options + len, endpoint->certificate);
    }
    options[len].option = MHD_OPTION_END;
    return MHD_start_daemon(flags, 0, NULL, NULL, request_on_access, NULL, MHD_OPTION_ARRAY,
                            options, MHD_OPTION_END);
}

enum err endpoint_start(struct reactor *reactor, struct certificate *certificate, struct diag *diag)
{
    struct endpoint *endpoint = MEM_NEW(struct endpoint);

    endpoint->reactor = reactor;
    endpoint->certificate = certificate_hold(certificate);
    errno = 0;
    endpoint->daemon = start_daemon(endpoint);
    if (endpoint->daemon == NULL) {
        int error = errno;

        certificate_release(endpoint->certificate);
        mem_free(endpoint);
        return diag_set(diag, ERR_IO, "libmicrohttpd cannot start: %s", strerror(error));
    }
    endpoint->watch.fd = MHD_get_daemon_info(endpoint->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    list_push_front(&reactor->endpoints, &endpoint->link);
    if (!reactor_add_watch(reactor, &endpoint->watch, EPOLLIN)) {
        int error = errno;

        endpoint_retire(endpoint);
        endpoint_free(endpoint);
        return diag_set(diag, ERR_IO, "epoll: %s", strerror(error));
    }
    return OK;
}

void endpoint_retire(struct endpoint *endpoint)
{
    if (!endpoint->is_retired) {
        endpoint->is_retired = true;
        (void)MHD_quiesce_daemon(endpoint->daemon); /* gives the socket that we know */
    }
}

bool endpoint_has_finished(const struct endpoint *endpoint)
{
    return endpoint->is_retired && endpoint->connections == 0;
}

bool endpoint_is_busy(struct endpoint *endpoint)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 1;

    return MHD_get_timeout(endpoint->daemon, &timeout_ms) == MHD_YES && timeout_ms == 0;
}

void endpoint_run(struct endpoint *endpoint)
{
    (void)MHD_run(endpoint->daemon); /* fails only for daemons of other modes */
}

void endpoint_free(struct endpoint *endpoint)
{
    endpoint_retire(endpoint); /* stopping it otherwise closes the socket that others listen on */
    reactor_remove_watch(endpoint->reactor, &endpoint->watch);
    MHD_stop_daemon(endpoint->daemon);
    list_remove(&endpoint->reactor->endpoints, &endpoint->link);
    certificate_release(endpoint->certificate);
    mem_free(endpoint);
}
