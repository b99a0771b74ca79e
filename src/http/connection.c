#include "http/connection.h"

#include "base/mem.h"
#include "http/census.h"
#include "http/server_internal.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Of an answer in each request timeout: a peer that takes less only holds our memory. */
enum { TAKEN_BYTES_MIN = 64 * 1024 };

static const int64_t stop_grace_us = US_PER_SECOND;

/*
 * What we have to say where libmicrohttpd has no way to answer: to a connection that is one too
 * many, to a request that does not end, and to one that leaves no memory for the head of an answer.
 * On a TLS connection there is no saying it.
 */
static const char too_many_in_all[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                      "Connection: close\r\n"
                                      "Retry-After: 1\r\n"
                                      "Content-Length: 0\r\n\r\n";
static const char too_many_from_there[] = "HTTP/1.1 429 Too Many Requests\r\n"
                                          "Connection: close\r\n"
                                          "Retry-After: 1\r\n"
                                          "Content-Length: 0\r\n\r\n";
static const char too_large_head[] = "HTTP/1.1 431 Request Header Fields Too Large\r\n"
                                     "Connection: close\r\n"
                                     "Content-Length: 0\r\n\r\n";
static const char too_slow[] = "HTTP/1.1 408 Request Timeout\r\n"
                               "Connection: close\r\n"
                               "Content-Length: 0\r\n\r\n";

static bool say(const struct connection *connection, const char *answer)
{
    if (connection->endpoint->certificate != NULL) {
        return false;
    }
    /* The peer may be gone. */
    (void)send(connection->fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
    return true;
}

/* Whether the peer has taken a good part of the answer since this was asked before. */
static bool takes_on(struct connection *connection)
{
    struct tcp_info info = {0};
    socklen_t info_len = sizeof info;

    if (getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &info_len) != 0) {
        return false;
    }
    bool takes = info.tcpi_bytes_acked - connection->taken_bytes >= TAKEN_BYTES_MIN;
    connection->taken_bytes = info.tcpi_bytes_acked;
    return takes;
}

static void set_timer(struct connection *connection)
{
    reactor_set_timer(connection->endpoint->reactor, &connection->timer, connection->deadline);
}

static void tear_down(const struct connection *connection)
{
    (void)shutdown(connection->fd, SHUT_RDWR); /* fails when the peer is gone */
}

/*
 * A request that has arrived is still read; then libmicrohttpd sees the end and closes. It need not
 * see it: it reads once for each event, and a peer that sends on has something to read each time.
 * So a connection that is still idle a moment later is torn down.
 */
static void stop_reading(struct connection *connection)
{
    connection->is_stopping = true;
    connection->deadline.us = connection->endpoint->reactor->now.us + stop_grace_us;
    set_timer(connection);
    (void)shutdown(connection->fd, SHUT_RD); /* fails when the peer is gone */
}

/* The phase gets its time once more. */
static void prolong(struct connection *connection)
{
    connection_enter(connection, connection->phase);
    set_timer(connection);
}

/* The phase has had its time. */
static void end_phase(struct connection *connection)
{
    switch (connection->phase) {
    case CONNECTION_HANDLED: /* as long as it takes */
        prolong(connection);
        break;
    case CONNECTION_ARRIVING:
        (void)say(connection, too_slow);
        tear_down(connection); /* what was answered 408 must not be handled any more */
        break;
    case CONNECTION_IDLE:
        stop_reading(connection);
        break;
    case CONNECTION_ANSWERING:
        if (takes_on(connection)) {
            prolong(connection);
        } else {
            tear_down(connection);
        }
        break;
    }
}

static void check_deadline(struct reactor_timer *timer)
{
    struct connection *connection = CONTAINER_OF(timer, struct connection, timer);

    if (connection->deadline.us > connection->endpoint->reactor->now.us) {
        set_timer(connection); /* it is in a newer phase */
    } else if (connection->is_stopping) {
        tear_down(connection);
    } else {
        end_phase(connection);
    }
}

static void turn_away(struct connection *connection, const char *answer)
{
    struct reactor *reactor = connection->endpoint->reactor;

    connection->is_turned_away = true;
    reactor_count(&reactor->figures.refused, 1);
    (void)say(connection, answer);
    tear_down(connection);
}

static void enter_census(struct connection *connection)
{
    struct server *server = connection->endpoint->reactor->server;

    switch (census_enter(server->census, &connection->origin)) {
    case CENSUS_WELCOME:
        break;
    case CENSUS_FULL:
        turn_away(connection, too_many_in_all);
        break;
    case CENSUS_ORIGIN_FULL:
        turn_away(connection, too_many_from_there);
        break;
    }
}

static void know_peer(struct connection *connection)
{
    const struct server *server = connection->endpoint->reactor->server;
    const struct sockaddr *address =
        MHD_get_connection_info(connection->handle, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
            ->client_addr;
    struct ip ip;

    origin_from(address, &connection->origin);
    connection->is_from_proxy =
        ip_from(address, &ip) && ip_ranges_hold(&server->options.trusted_proxies, &ip);
}

static struct connection *connection_new(struct endpoint *endpoint, struct MHD_Connection *handle)
{
    struct connection *connection = MEM_NEW(struct connection);
    struct reactor *reactor = endpoint->reactor;

    connection->endpoint = endpoint;
    connection->handle = handle;
    connection->fd = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    know_peer(connection);
    endpoint->connections++;
    list_push_back(&reactor->connections, &connection->link);
    reactor_count(&reactor->figures.connections_now, 1);
    enter_census(connection);
    connection->timer.due = check_deadline;
    connection_enter(connection, CONNECTION_IDLE);
    set_timer(connection);
    if (reactor->is_draining) {
        connection_drain(connection);
    }
    return connection;
}

static void connection_free(struct connection *connection)
{
    struct reactor *reactor = connection->endpoint->reactor;

    if (!connection->is_turned_away) {
        census_leave(reactor->server->census, &connection->origin);
    }
    reactor_clear_timer(reactor, &connection->timer);
    reactor_count(&reactor->figures.connections_now, -1);
    list_remove(&reactor->connections, &connection->link);
    connection->endpoint->connections--;
    mem_wipe(connection->key_text, connection->key_len);
    mem_free(connection);
}

void connection_on_notify(void *cls, struct MHD_Connection *handle, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    switch (code) {
    case MHD_CONNECTION_NOTIFY_STARTED:
        *context = connection_new(cls, handle);
        break;
    case MHD_CONNECTION_NOTIFY_CLOSED:
        connection_free(*context);
        break;
    }
}

struct connection *connection_of(struct MHD_Connection *handle)
{
    return MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void connection_enter(struct connection *connection, enum connection_phase phase)
{
    const struct reactor *reactor = connection->endpoint->reactor;

    connection->phase = phase;
    connection->is_stopping = false;
    connection->deadline.us = reactor->now.us + reactor->server->options.request_timeout_us;
}

bool connection_refuse_head(const struct connection *connection)
{
    return say(connection, too_large_head);
}

void connection_drain(struct connection *connection)
{
    if (connection->phase == CONNECTION_IDLE) {
        stop_reading(connection);
    }
}

bool connection_is_gone(const struct connection *connection)
{
    struct pollfd watched = {.fd = connection->fd, .events = POLLRDHUP};

    return poll(&watched, 1, 0) > 0;
}
