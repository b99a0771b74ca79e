#include "base/macro.h"
#include "os/notify.h"
#include "support/scratch.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A service manager: a socket bound to name, where '@' at the start means an abstract one. Sets
 * $NOTIFY_SOCKET. */
static int listen_as(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_true(strlen(name) < sizeof address.sun_path);
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    return fd;
}

static void assert_told(int fd, const char *expected)
{
    char text[1024];
    ssize_t len = recv(fd, text, sizeof text, 0);

    assert_true(len >= 0);
    assert_slice_is(slice_from(text, (size_t)len), expected);
    assert_int_equal(recv(fd, text, sizeof text, 0), -1);
}

static void the_service_manager_is_told_each_state(void **state)
{
    int fd = listen_as(scratch_path(*state, "notify").chars);

    notify_ready("serving on 127.0.0.1:8484");
    assert_told(fd, "READY=1\nSTATUS=serving on 127.0.0.1:8484\n");
    notify_ready(NULL);
    assert_told(fd, "READY=1\n");
    notify_status("draining, 3 in flight");
    assert_told(fd, "STATUS=draining, 3 in flight\n");
    notify_stopping();
    assert_told(fd, "STOPPING=1\n");
    (void)close(fd);
}

static void an_abstract_socket_works_too(UNUSED void **state)
{
    char name[64];

    (void)snprintf(name, sizeof name, "@tidings-test-%ld", (long)getpid());
    int fd = listen_as(name);
    notify_ready(NULL);
    assert_told(fd, "READY=1\n");
    (void)close(fd);
}

static void a_status_cannot_smuggle_another_state(void **state)
{
    int fd = listen_as(scratch_path(*state, "notify").chars);

    notify_status("fine\nSTOPPING=1");
    assert_told(fd, "STATUS=fine\n");
    (void)close(fd);
}

static void a_status_too_long_does_not_hide_the_readiness(void **state)
{
    int fd = listen_as(scratch_path(*state, "notify").chars);
    char status[2000];

    memset(status, 'x', sizeof status);
    status[sizeof status - 1] = '\0';
    notify_ready(status);
    assert_told(fd, "READY=1\n");
    (void)close(fd);
}

static void nothing_happens_without_a_service_manager(void **state)
{
    char too_long[200];

    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    notify_ready("x");
    assert_int_equal(setenv("NOTIFY_SOCKET", scratch_path(*state, "nobody").chars, 1), 0);
    notify_ready("x");
    assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
    notify_status("x");
    assert_int_equal(setenv("NOTIFY_SOCKET", "", 1), 0);
    notify_stopping();
    memset(too_long, '/', sizeof too_long);
    too_long[sizeof too_long - 1] = '\0';
    assert_int_equal(setenv("NOTIFY_SOCKET", too_long, 1), 0);
    notify_stopping();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_service_manager_is_told_each_state),
        CASE(an_abstract_socket_works_too),
        CASE(a_status_cannot_smuggle_another_state),
        CASE(a_status_too_long_does_not_hide_the_readiness),
        CASE(nothing_happens_without_a_service_manager),
    };

    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
