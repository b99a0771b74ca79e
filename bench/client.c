#include "client.h"

#include "head.h"
#include "stream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

void client_init(struct client *client)
{
    *client = (struct client){.fd = -1};
    buf_init(&client->request, CLIENT_REQUEST_BYTES_MAX);
    buf_init(&client->answer, CLIENT_ANSWER_BYTES_MAX);
}

static void disconnect(struct client *client)
{
    if (client->fd >= 0) {
        (void)close(client->fd); /* nothing is lost with it */
    }
    client->fd = -1;
    client->state = CLIENT_CLOSED;
}

void client_clear(struct client *client)
{
    disconnect(client);
    buf_clear(&client->request);
    buf_clear(&client->answer);
}

enum err client_address(struct slice text, struct sockaddr_in *out)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct slice rest = text, host;
    char host_text[INET_ADDRSTRLEN] = "";
    uint64_t port = 0;

    if (!slice_cut(&rest, ':', &host) || host.len >= sizeof(host_text) ||
        slice_to_u64(rest, &port) != OK || port == 0 || port > UINT16_MAX) {
        return ERR_INVALID;
    }
    memcpy(host_text, host.ptr, host.len);
    if (inet_pton(AF_INET, host_text, &address.sin_addr) != 1) {
        return ERR_INVALID;
    }
    address.sin_port = htons((uint16_t)port);
    *out = address;
    return OK;
}

enum err client_connect(struct client *client, const struct sockaddr_in *to, int epoll_fd,
                        struct diag *diag)
{
    struct epoll_event watch = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client};
    int one = 1;

    disconnect(client);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 ||
        connect(client->fd, (const struct sockaddr *)(const void *)to, sizeof(*to)) != 0 ||
        fcntl(client->fd, F_SETFL, O_NONBLOCK) != 0 ||
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &watch) != 0) {
        disconnect(client);
        return diag_set(diag, ERR_IO, "connect: %s", strerror(errno));
    }
    client->state = CLIENT_IDLE;
    return OK;
}

static void continue_sending(struct client *client)
{
    while (client->request_sent < client->request.len) {
        ssize_t sent = send(client->fd, client->request.ptr + client->request_sent,
                            client->request.len - client->request_sent, MSG_NOSIGNAL);

        if (sent < 0) {
            if (errno != EAGAIN) {
                disconnect(client);
            }
            return;
        }
        client->request_sent += (size_t)sent;
    }
}

void client_send(struct client *client)
{
    assert(client->state == CLIENT_IDLE);
    client->state = CLIENT_AWAITING;
    client->request_sent = 0;
    buf_reset(&client->answer);
    continue_sending(client);
}

/* "HTTP/1.1 202 Accepted" */
static int status_of(struct slice line)
{
    uint64_t status = 0;

    if (!slice_starts(line, SLICE("HTTP/1.1 ")) ||
        slice_to_u64(slice_sub(line, 9, 3), &status) != OK) {
        return 0;
    }
    return (int)status;
}

/* An answer may be there before all of the request was taken; then the rest has to follow. */
static bool is_sent(const struct client *client)
{
    return client->request_sent == client->request.len;
}

static void judge_answer(struct client *client)
{
    struct slice answer = buf_view(&client->answer);
    struct head head;
    enum head_state state = head_read(answer, &head);

    if (state == HEAD_BROKEN) {
        disconnect(client);
    } else if (state == HEAD_WHOLE && is_sent(client) &&
               answer.len - head.bytes >= head.body_bytes) {
        client->status = status_of(head.first);
        client->body = slice_sub(answer, head.bytes, head.body_bytes);
        client->state = CLIENT_IDLE;
    }
}

void client_run(struct client *client)
{
    if (client->state == CLIENT_CLOSED) {
        return;
    }
    if (client->state == CLIENT_AWAITING) {
        continue_sending(client);
    }
    if (client->state == CLIENT_CLOSED) {
        return;
    }
    if (!stream_read(client->fd, &client->answer)) {
        disconnect(client);
    } else if (client->state == CLIENT_AWAITING) {
        judge_answer(client);
    }
}
