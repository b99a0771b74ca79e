#include "client.h"

#include "support/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_BYTES_MAX = 128 * 1024 * 1024 };

/* The port of "http://127.0.0.1:43121". */
static uint16_t port_of(const char *address)
{
    uint64_t port = 0;

    assert_int_equal(slice_to_u64(slice_of(strrchr(address, ':') + 1), &port), OK);
    return (uint16_t)port;
}

/* A local address without a port of its own, or thousands of connections would use up all ports. */
static void bind_to(int fd, const char *source)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    const int on = 1;

    assert_int_equal(inet_pton(AF_INET, source, &from.sin_addr), 1);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&from, sizeof from), 0);
}

/* False when nobody listens there. */
static bool open_from(struct client *client, const char *address, const char *source)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port_of(address))};
    const int on = 1;

    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client->fd >= 0);
    if (source != NULL) {
        bind_to(client->fd, source);
    }
    /* What is sent in parts shall come in parts, and at once. */
    assert_int_equal(setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    if (connect(client->fd, (struct sockaddr *)(void *)&to, sizeof to) != 0) {
        assert_int_equal(close(client->fd), 0);
        return false;
    }
    buf_init(&client->in, IN_BYTES_MAX);
    return true;
}

void client_open_from(struct client *client, const char *address, const char *source)
{
    assert_true(open_from(client, address, source));
}

void client_open(struct client *client, const char *address)
{
    assert_true(open_from(client, address, /* source= */ NULL));
}

bool client_try_open(struct client *client, const char *address)
{
    return open_from(client, address, /* source= */ NULL);
}

void client_abort(struct client *client)
{
    const struct linger at_once = {.l_onoff = 1};

    assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    client_close(client);
}

void client_close(struct client *client)
{
    assert_int_equal(close(client->fd), 0);
    buf_clear(&client->in);
}

bool client_try_send(struct client *client, const void *ptr, size_t len)
{
    const char *from = ptr;

    while (len > 0) {
        ssize_t sent = send(client->fd, from, len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return false;
        }
        from += sent;
        len -= (size_t)sent;
    }
    return true;
}

void client_send_bytes(struct client *client, const void *ptr, size_t len)
{
    assert_true(client_try_send(client, ptr, len));
}

void client_send(struct client *client, const char *text)
{
    client_send_bytes(client, text, strlen(text));
}

/* Reads something more. False at the end of the connection. */
static bool receive_more(struct client *client)
{
    char block[16 * 1024];
    struct pollfd watched = {.fd = client->fd, .events = POLLIN};

    assert_int_equal(poll(&watched, 1, CLIENT_DEADLINE_MS), 1);
    ssize_t len = recv(client->fd, block, sizeof block, 0);
    if (len <= 0) {
        return false;
    }
    buf_add(&client->in, block, (size_t)len);
    return true;
}

static void drop_front(struct buf *buf, size_t len)
{
    memmove(buf->ptr, buf->ptr + len, buf->len - len);
    buf->len -= len;
    buf->ptr[buf->len] = '\0';
}

/* Moves len bytes, waiting for them, from what was received to out. */
static void move_bytes(struct client *client, size_t len, struct buf *out)
{
    while (client->in.len < len) {
        assert_true(receive_more(client));
    }
    buf_add(out, client->in.ptr, len);
    if (len > 0) {
        drop_front(&client->in, len);
    }
}

static void take_head(struct client *client, struct client_answer *answer)
{
    const char *end = NULL;

    buf_init(&answer->head, IN_BYTES_MAX);
    buf_init(&answer->body, IN_BYTES_MAX);
    while ((end = strstr(buf_cstr(&client->in), "\r\n\r\n")) == NULL) {
        assert_true(receive_more(client));
    }
    move_bytes(client, (size_t)(end - client->in.ptr) + 4, &answer->head);
    assert_true(slice_starts(buf_view(&answer->head), SLICE("HTTP/1.1 ")));
    uint64_t status = 0;
    assert_int_equal(slice_to_u64(slice_sub(buf_view(&answer->head), 9, 3), &status), OK);
    answer->status = (unsigned)status;
}

void client_take_head(struct client *client, struct client_answer *answer)
{
    take_head(client, answer);
}

void client_take(struct client *client, struct client_answer *answer)
{
    uint64_t body_bytes = 0;

    take_head(client, answer);
    struct slice length = client_header(answer, "Content-Length");
    if (length.len > 0) {
        assert_int_equal(slice_to_u64(length, &body_bytes), OK);
    }
    move_bytes(client, body_bytes, &answer->body);
}

void client_answer_clear(struct client_answer *answer)
{
    buf_clear(&answer->head);
    buf_clear(&answer->body);
}

void client_expect(struct client *client, unsigned status, const char *body_part)
{
    struct client_answer answer;

    client_take(client, &answer);
    assert_int_equal(answer.status, status);
    if (body_part != NULL && strstr(buf_cstr(&answer.body), body_part) == NULL) {
        print_message("expected %s in: %s\n", body_part, buf_cstr(&answer.body));
        fail();
    }
    client_answer_clear(&answer);
}

void client_drop_rest(struct client *client)
{
    while (receive_more(client)) {
    }
    buf_reset(&client->in);
}

void client_expect_end(struct client *client)
{
    while (receive_more(client)) {
    }
    assert_int_equal(client->in.len, 0);
}

struct slice client_header(const struct client_answer *answer, const char *name)
{
    const char *line = buf_cstr(&answer->head);
    size_t name_len = strlen(name);

    while ((line = strstr(line, "\r\n")) != NULL) {
        line += 2;
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
            const char *value = line + name_len + 1;

            return slice_trim(slice_from(value, strcspn(value, "\r")));
        }
    }
    return (struct slice){NULL, 0};
}

void client_ask(const char *address, const char *request, unsigned status, const char *body_part)
{
    struct client client;

    client_open(&client, address);
    client_send(&client, request);
    client_expect(&client, status, body_part);
    client_close(&client);
}
