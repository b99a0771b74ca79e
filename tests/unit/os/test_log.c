/*
 * The standard error of a case is one end of a pair of sockets that keeps the bounds of each write,
 * so that a line and a write can be told apart.
 */
#include "os/log.h"
#include "os/thread.h"
#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WRITE_BYTES_MAX = 65536, TIME_LEN = sizeof "2026-02-03T10:20:30.123456Z" - 1 };

struct capture {
    int stderr_before;
    int read_fd;
    char text[WRITE_BYTES_MAX]; /* the newest write */
};

static int begin_capture(void **state)
{
    static struct capture capture;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return -1;
    }
    capture.stderr_before = dup(STDERR_FILENO);
    capture.read_fd = ends[0];
    (void)dup2(ends[1], STDERR_FILENO);
    (void)close(ends[1]);
    log_set_level(LOG_INFO);
    *state = &capture;
    return 0;
}

static int end_capture(void **state)
{
    struct capture *capture = *state;

    (void)dup2(capture->stderr_before, STDERR_FILENO);
    (void)close(capture->stderr_before);
    (void)close(capture->read_fd);
    return 0;
}

/* The next thing written, NULL when nothing was. */
static const char *next_write(struct capture *capture)
{
    ssize_t len = recv(capture->read_fd, capture->text, sizeof capture->text - 1, MSG_DONTWAIT);

    if (len < 0) {
        return NULL;
    }
    capture->text[len] = '\0';
    return capture->text;
}

/* That what was written is one line, which reads so behind its time. */
static void assert_line(struct capture *capture, const char *expected)
{
    const char *line = next_write(capture);

    assert_non_null(line);
    assert_true(strlen(line) > TIME_LEN);
    assert_string_equal(line + TIME_LEN, expected);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    assert_null(next_write(capture));
}

static void a_line_has_time_level_event_and_pairs(void **state)
{
    const char *pattern = "0000-00-00T00:00:00.000000Z";
    struct capture *capture = *state;

    log_line(LOG_INFO, "served", "listen", "127.0.0.1:8484", "threads", "2", NULL);
    assert_line(capture, " level=info event=served listen=127.0.0.1:8484 threads=2\n");
    for (size_t i = 0; pattern[i] != '\0'; i++) {
        if (pattern[i] == '0') {
            assert_in_range(capture->text[i], '0', '9');
        } else {
            assert_int_equal(capture->text[i], pattern[i]);
        }
    }
}

static void each_level_has_its_word(void **state)
{
    static const char *const words[] = {"debug", "info", "warn", "error"};

    log_set_level(LOG_DEBUG);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        char expected[64];
        enum log_level level = LOG_INFO;

        assert_int_equal(log_level_parse(words[i], &level), OK);
        log_line(level, "x", NULL);
        (void)snprintf(expected, sizeof expected, " level=%s event=x\n", words[i]);
        assert_line(*state, expected);
    }
}

static void other_words_are_no_level(UNUSED void **state)
{
    static const char *const words[] = {"", "INFO", "warning", "info ", "0"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        enum log_level level = LOG_WARN;

        assert_int_equal(log_level_parse(words[i], &level), ERR_INVALID);
        assert_int_equal(level, LOG_WARN);
    }
}

static void what_is_below_the_level_is_not_written(void **state)
{
    log_line(LOG_DEBUG, "quiet", NULL);
    assert_null(next_write(*state));
    log_set_level(LOG_ERROR);
    log_line(LOG_WARN, "quiet", NULL);
    assert_null(next_write(*state));
    log_line(LOG_ERROR, "loud", NULL);
    assert_line(*state, " level=error event=loud\n");
}

static void a_null_value_leaves_its_pair_out(void **state)
{
    const char *none = NULL;

    log_line(LOG_INFO, "x", "one", none, "two", "2", "three", none, NULL);
    assert_line(*state, " level=info event=x two=2\n");
}

static void values_read_as_they_were_meant(void **state)
{
    static const struct {
        const char *value, *written;
    } cases[] = {
        {"plain", "plain"},
        {"https://example.net/hook?x", "https://example.net/hook?x"},
        {"\xc5\xbc\xc3\xb3\xc5\x82w", "\xc5\xbc\xc3\xb3\xc5\x82w"}, /* UTF-8 beyond ASCII */
        {"", "\"\""},
        {" ", "\" \""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"no\"", "\"say \\\"no\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"tab\there", "\"tab\\there\""},
        {"\x1b[2J", "\"\\x1b[2J\""}, /* an escape sequence of terminals */
        {"a\x7f", "\"a\\x7f\""},     /* delete */
        {"a\xc2\x9b"
         "2J",
         "\"a\\xc2\\x9b2J\""}, /* the same as one control of 8 bits */
        {"a\xff"
         "b",
         "\"a\\xffb\""},         /* broken UTF-8 */
        {"a\xc3", "\"a\\xc3\""}, /* cut UTF-8 */
        {"a\xe2\x80\xa8"
         "b",
         "\"a\\xe2\\x80\\xa8b\""}, /* a line separator */
        {"a\xe2\x80\xae"
         "b",
         "\"a\\xe2\\x80\\xaeb\""}, /* from here on right to left */
        {"a\xe2\x81\xa6"
         "b",
         "\"a\\xe2\\x81\\xa6b\""}, /* the same, isolated */
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char expected[128];

        log_line(LOG_INFO, "x", "value", cases[i].value, NULL);
        (void)snprintf(expected, sizeof expected, " level=info event=x value=%s\n",
                       cases[i].written);
        assert_line(*state, expected);
    }
}

static void a_peer_cannot_forge_a_line_or_a_pair(void **state)
{
    log_line(LOG_INFO, "refused", "user", "x\n2026-02-03T10:20:30.123456Z level=error event=forged",
             NULL);
    assert_line(*state, " level=info event=refused "
                        "user=\"x\\n2026-02-03T10:20:30.123456Z level=error event=forged\"\n");
    log_line(LOG_INFO, "refused", "user", "x\r\nlevel=error", NULL);
    assert_line(*state, " level=info event=refused user=\"x\\r\\nlevel=error\"\n");
    log_line(LOG_INFO, "refused", "user", "x\" admin=\"yes", NULL);
    assert_line(*state, " level=info event=refused user=\"x\\\" admin=\\\"yes\"\n");
    log_line(LOG_INFO, "refused", "user", "x\\\" admin=\"yes\\", NULL);
    assert_line(*state, " level=info event=refused user=\"x\\\\\\\" admin=\\\"yes\\\\\"\n");
}

static void a_long_value_is_cut_between_characters(void **state)
{
    char value[2000];
    char expected[2100];

    memset(value, 'a', sizeof value);
    value[512] = '\0'; /* as long as may be */
    log_line(LOG_INFO, "x", "value", value, NULL);
    (void)snprintf(expected, sizeof expected, " level=info event=x value=%s\n", value);
    assert_line(*state, expected);

    value[511] = '\xc3'; /* a character across the limit */
    value[512] = '\xbc';
    value[sizeof value - 1] = '\0';
    log_line(LOG_INFO, "x", "value", value, NULL);
    (void)snprintf(expected, sizeof expected, " level=info event=x value=%.511s...\n", value);
    assert_line(*state, expected);
}

static void a_line_that_gets_too_long_says_so(void **state)
{
    struct capture *capture = *state;
    char value[513];

    memset(value, '\x01', sizeof value);
    value[512] = '\0';
    /* Each takes 2 KiB escaped: one fits, two do not; and nothing comes after the first that is
     * left out. */
    log_line(LOG_INFO, "x", "one", value, "two", value, "three", "3", NULL);

    const char *line = next_write(capture);
    assert_non_null(line);
    assert_true(strlen(line) <= PIPE_BUF);
    assert_non_null(strstr(line, " one=\"\\x01"));
    assert_null(strstr(line, " two="));
    assert_null(strstr(line, " three="));
    assert_string_equal(line + strlen(line) - strlen("\\x01\" cut=true\n"), "\\x01\" cut=true\n");
    assert_null(next_write(capture));
}

static void errno_stays_as_it_is(void **state)
{
    errno = EHOSTUNREACH;
    log_line(LOG_INFO, "x", NULL);
    assert_int_equal(errno, EHOSTUNREACH);
    assert_line(*state, " level=info event=x\n");

    errno = EHOSTUNREACH;
    (void)close(STDERR_FILENO); /* nobody to write to: that must not be felt */
    log_line(LOG_INFO, "x", NULL);
    assert_int_equal(errno, EHOSTUNREACH);
}

static void numbers_are_values(void **state)
{
    log_line(LOG_INFO, "x", "low", LOG_NUMBER(LLONG_MIN), "zero", LOG_NUMBER(0), "high",
             LOG_NUMBER(LLONG_MAX), NULL);
    assert_line(*state, " level=info event=x low=-9223372036854775808 zero=0 "
                        "high=9223372036854775807\n");
}

enum { LINES = 200 };

static void log_lines(void *ctx)
{
    for (int i = 0; i < LINES; i++) {
        log_line(LOG_INFO, "from_thread", "name", (const char *)ctx, NULL);
    }
}

static void lines_of_several_threads_stay_whole(void **state)
{
    struct capture *capture = *state;
    char name[] = "one";
    char other[] = "two";
    struct thread one = {0}, two = {0};
    int room = 4 * 1024 * 1024; /* or the writers would wait for a reader */
    int counts[2] = {0};

    assert_int_equal(setsockopt(STDERR_FILENO, SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
    thread_start(&one, "one", log_lines, name);
    thread_start(&two, "two", log_lines, other);
    for (int i = 0; i < 2 * LINES; i++) {
        ssize_t len = recv(capture->read_fd, capture->text, sizeof capture->text - 1, 0);

        assert_true(len > TIME_LEN);
        capture->text[len] = '\0';
        if (strcmp(capture->text + TIME_LEN, " level=info event=from_thread name=one\n") == 0) {
            counts[0]++;
        } else {
            assert_string_equal(capture->text + TIME_LEN,
                                " level=info event=from_thread name=two\n");
            counts[1]++;
        }
    }
    thread_join(&one);
    thread_join(&two);
    assert_int_equal(counts[0], LINES);
    assert_int_equal(counts[1], LINES);
}

static void a_fatal_line_is_written_and_the_process_ends(void **state)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        log_fatal("eventfd", EMFILE);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
    assert_line(*state, " level=error event=fatal what=eventfd error=\"Too many open files\"\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin_capture, end_capture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_line_has_time_level_event_and_pairs),
        CASE(each_level_has_its_word),
        CASE(other_words_are_no_level),
        CASE(what_is_below_the_level_is_not_written),
        CASE(a_null_value_leaves_its_pair_out),
        CASE(values_read_as_they_were_meant),
        CASE(a_peer_cannot_forge_a_line_or_a_pair),
        CASE(a_long_value_is_cut_between_characters),
        CASE(a_line_that_gets_too_long_says_so),
        CASE(errno_stays_as_it_is),
        CASE(numbers_are_values),
        CASE(lines_of_several_threads_stay_whole),
        CASE(a_fatal_line_is_written_and_the_process_ends),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
