#include "call.h"
#include "own_clock.h"
#include "peer.h"

/*
 * A mail server by script: a greeting, then for each line that comes in the first row of the script
 * whose command the line starts with tells the reply. A greeting or reply of NULL is none at all,
 * and a reply of "" hangs up.
 */
struct script_row {
    const char *command, *reply;
};

struct script {
    const char *greeting;
    struct script_row rows[8]; /* ends with a NULL command; then come the usual ones */
};

static const struct script_row usual_rows[] = {
    {"EHLO", "250-relay.example\r\n250-SIZE 1000000\r\n250 8BITMIME\r\n"},
    {"MAIL", "250 2.1.0 ok\r\n"},
    {"RCPT", "250 2.1.5 ok\r\n"},
    {"DATA", "354 go on\r\n"},
    {".\r\n", "250 2.0.0 queued as 1\r\n"},
    {"RSET", "250 2.0.0 ok\r\n"},
    {"QUIT", "221 2.0.0 bye\r\n"},
};

static const struct script usual = {.greeting = "220 relay.example ESMTP\r\n"};

static const struct script_row *find_row(const struct script *script, const char *line)
{
    for (const struct script_row *row = script->rows; row->command != NULL; row++) {
        if (strncmp(line, row->command, strlen(row->command)) == 0) {
            return row;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(usual_rows); i++) {
        if (strncmp(line, usual_rows[i].command, strlen(usual_rows[i].command)) == 0) {
            return &usual_rows[i];
        }
    }
    return NULL;
}

/* Reads one line with its end; empty when the other side hung up. */
static void read_line(struct peer *peer, int fd, char *line, size_t size)
{
    size_t len = 0;

    while (len + 1 < size && recv(fd, line + len, 1, 0) == 1) {
        if (line[len++] == '\n') {
            break;
        }
    }
    line[len] = '\0';
    pthread_mutex_lock(&peer->lock);
    buf_add(&peer->heard, line, len);
    pthread_mutex_unlock(&peer->lock);
}

static void fall_silent(struct peer *peer, int fd)
{
    (void)peer_say_over(peer, fd, "");
    peer_wait_for_end(fd);
}

static void serve_mail(struct peer *peer, int fd)
{
    const struct script *script = peer->plan;
    char line[2048];
    bool is_content = false;

    if (script->greeting == NULL) {
        fall_silent(peer, fd);
        return;
    }
    if (!peer_say_text(fd, script->greeting)) {
        return;
    }
    while (read_line(peer, fd, line, sizeof line), line[0] != '\0') {
        if (is_content && strcmp(line, ".\r\n") != 0) {
            continue;
        }
        const struct script_row *row = find_row(script, line);
        const char *reply = row != NULL ? row->reply : "500 5.5.1 what?\r\n";
        if (reply == NULL) {
            fall_silent(peer, fd);
            return;
        }
        if (reply[0] == '\0' || !peer_say_text(fd, reply)) {
            return;
        }
        is_content = strncmp(reply, "354", 3) == 0;
    }
}

static const char message[] = "Subject: x\r\n\r\n.hello\r\n";

static void mail_init(struct call *call)
{
    call_init(call, 1, "/");
    call->outbound.kind = OUTBOUND_MAIL;
    call->outbound.mail_from = SLICE("news@shop.example");
    call->outbound.mail_to = SLICE("orders@customer.example");
    call->outbound.body = slice_of(message);
}

/* A sender to the peer as mail server, with an address policy that would not let it through. */
static struct sender *mail_sender(const struct peer *peer, enum mail_tls tls, const char *user)
{
    char url[64];
    struct sender_options options = {
        .connections_max = 64,
        .connect_timeout_us = CALL_TIMEOUT_US,
        .user_agent = "tidings-test/1",
        .smtp_url = url,
        .smtp_user = user,
        .smtp_password = user != NULL ? "secret" : NULL,
        .smtp_tls = tls,
    };

    (void)snprintf(url, sizeof url, "smtp://127.0.0.1:%u/sender.example", peer->port);
    return sender_new(env_system(), &options);
}

/* One mail to a server with that script. The caller clears the call; what was heard comes back and
 * is the caller's. */
static char *mail_exchange(struct call *call, const struct script *script)
{
    struct peer *peer = peer_start(serve_mail, script);
    struct sender *sender = mail_sender(peer, MAIL_TLS_NONE, NULL);

    mail_init(call);
    call_send(sender, call);
    assert_int_equal(sender_active(sender), 0);
    sender_free(sender);
    char *heard = peer_heard(peer);
    peer_stop(peer);
    return heard;
}

static void assert_outcome(const struct call *call, enum attempt_outcome outcome, int32_t status,
                           const char *detail)
{
    assert_string_equal(call->detail, detail);
    assert_int_equal(call->outbound.result.outcome, outcome);
    assert_int_equal(call->outbound.result.status, status);
}

static void a_mail_is_accepted(UNUSED void **state)
{
    struct call call;
    char *heard = mail_exchange(&call, &usual);

    assert_outcome(&call, ATTEMPT_ANSWER, 250, "SMTP 250");
    assert_slice_is(buf_view(&call.body), "2.0.0 queued as 1");
    assert_false(call.outbound.result.may_have_arrived);
    assert_int_equal(strncmp(heard,
                             "EHLO sender.example\r\n"
                             "MAIL FROM:<news@shop.example>\r\n"
                             "RCPT TO:<orders@customer.example>\r\n"
                             "DATA\r\n"
                             "Subject: x\r\n\r\n..hello\r\n.\r\n",
                             strlen(heard) - (strstr(heard, "QUIT") != NULL ? 6 : 0)),
                     0);
    mem_free(heard);
    call_clear(&call);
}

static void a_refusal_tells_where_and_why(UNUSED void **state)
{
    static const struct {
        struct script_row row;
        int32_t status;
        const char *detail, *body;
    } cases[] = {
        {{"MAIL", "552 5.3.4 too big\r\n"}, 552, "SMTP 552 to MAIL FROM", "5.3.4 too big"},
        {{"RCPT", "550-5.1.1 no such\r\n550 5.1.1 user\r\n"},
         550,
         "SMTP 550 to RCPT TO",
         "5.1.1 no such\n5.1.1 user"},
        {{"RCPT", "450 4.2.0 greylisted\r\n"}, 450, "SMTP 450 to RCPT TO", "4.2.0 greylisted"},
        {{"DATA", "554 no\r\n"}, 554, "SMTP 554 to DATA", "no"},
        {{".\r\n", "451 4.3.0 scanner down\r\n"},
         451,
         "SMTP 451 to the mail",
         "4.3.0 scanner down"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct script script = {.greeting = usual.greeting, .rows = {cases[i].row}};
        struct call call;

        mem_free(mail_exchange(&call, &script));
        assert_outcome(&call, ATTEMPT_ANSWER, cases[i].status, cases[i].detail);
        assert_slice_is(buf_view(&call.body), cases[i].body);
        call_clear(&call);
    }
}

static void a_server_that_does_not_want_us_says_nothing_about_the_mail(UNUSED void **state)
{
    static const struct {
        struct script script;
        int32_t status;
        const char *detail;
    } cases[] = {
        {{.greeting = "554 5.7.1 go away\r\n"}, 554, "SMTP 554 to connecting"},
        {{.greeting = "421 4.3.2 full\r\n"}, 421, "SMTP 421 to connecting"},
        {{.greeting = "220 relay\r\n", .rows = {{"MAIL", "530 5.7.0 log in first\r\n"}}},
         530,
         "SMTP 530 to MAIL FROM"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct call call;

        mem_free(mail_exchange(&call, &cases[i].script));
        assert_outcome(&call, ATTEMPT_CONNECT, cases[i].status, cases[i].detail);
        call_clear(&call);
    }
}

static void a_connection_lost_after_the_last_dot_may_have_delivered(UNUSED void **state)
{
    struct script script = {.greeting = usual.greeting, .rows = {{".\r\n", ""}}};
    struct call call;

    mem_free(mail_exchange(&call, &script));
    assert_outcome(&call, ATTEMPT_CONNECT, 0, "connection to the mail server lost");
    assert_true(call.outbound.result.may_have_arrived);
    call_clear(&call);
}

static void a_connection_lost_before_it_has_not(UNUSED void **state)
{
    static const char *const commands[] = {"MAIL", "RCPT", "DATA"};

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct script script = {.greeting = usual.greeting, .rows = {{commands[i], ""}}};
        struct call call;

        mem_free(mail_exchange(&call, &script));
        assert_outcome(&call, ATTEMPT_CONNECT, 0, "connection to the mail server lost");
        assert_false(call.outbound.result.may_have_arrived);
        call_clear(&call);
    }
}

static void a_silent_server_runs_out_of_time(UNUSED void **state)
{
    static const struct {
        struct script script;
        const char *detail;
        bool may_have_arrived;
    } cases[] = {
        {{.greeting = NULL}, "timed out waiting for the answer", false},
        {{.greeting = "220 x\r\n", .rows = {{"EHLO", NULL}}},
         "timed out waiting for the answer",
         false},
        {{.greeting = "220 x\r\n", .rows = {{"RCPT", NULL}}},
         "timed out waiting for the mail server's answer to RCPT TO",
         false},
        {{.greeting = "220 x\r\n", .rows = {{".\r\n", NULL}}},
         "timed out waiting for the mail server's answer to the mail",
         true},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct peer *peer = peer_start(serve_mail, &cases[i].script);
        struct sender *sender = mail_sender(peer, MAIL_TLS_NONE, NULL);
        struct call call;

        mail_init(&call);
        own_clock_run_out(sender, &call, peer);
        assert_outcome(&call, ATTEMPT_TIMEOUT, 0, cases[i].detail);
        assert_int_equal(call.outbound.result.may_have_arrived, cases[i].may_have_arrived);
        call_clear(&call);
        sender_free(sender);
        peer_stop(peer);
    }
}

static void a_server_that_speaks_no_smtp_is_told(UNUSED void **state)
{
    static const struct script scripts[] = {
        {.greeting = "220 x\r\n", .rows = {{"RCPT", "whatever\r\n"}}},
        {.greeting = "220 x\r\n", .rows = {{"RCPT", "250 ok\r\n250 ok\r\n"}}},
    };

    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct call call;

        mem_free(mail_exchange(&call, &scripts[i]));
        assert_outcome(&call, ATTEMPT_CONNECT, 0, "the mail server's answer breaks the protocol");
        call_clear(&call);
    }
}

static void a_mail_that_could_smuggle_another_is_not_sent(UNUSED void **state)
{
    static const struct slice bodies[] = {SLICE("a\n.\nMAIL FROM:<x@y>\n"), SLICE("a\r\n.\n"),
                                          SLICE("a\r.\r\n"), SLICE(""), SLICE("a")};
    struct peer *peer = peer_start(serve_mail, &usual);
    struct sender *sender = mail_sender(peer, MAIL_TLS_NONE, NULL);

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct call call;

        mail_init(&call);
        call.outbound.body = bodies[i];
        call_send(sender, &call);
        assert_outcome(&call, ATTEMPT_INVALID, 0, "the mail has line ends other than CRLF");
        call_clear(&call);
    }
    assert_int_equal(peer_connections(peer), 0);
    sender_free(sender);
    peer_stop(peer);
}

static void an_address_that_could_add_a_command_is_not_sent(UNUSED void **state)
{
    static const struct slice bad[] = {SLICE("a@b>\r\nRCPT TO:<c@d"), SLICE("a@b> SIZE=1"),
                                       SLICE(""), SLICE("a@b\0")};
    struct peer *peer = peer_start(serve_mail, &usual);
    struct sender *sender = mail_sender(peer, MAIL_TLS_NONE, NULL);

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct call call;

        mail_init(&call);
        call.outbound.mail_to = bad[i];
        call_send(sender, &call);
        assert_outcome(&call, ATTEMPT_INVALID, 0, "the recipient's address cannot be used");
        call_clear(&call);
        mail_init(&call);
        call.outbound.mail_from = bad[i];
        call_send(sender, &call);
        assert_outcome(&call, ATTEMPT_INVALID, 0, "the sender's address cannot be used");
        call_clear(&call);
    }
    assert_int_equal(peer_connections(peer), 0);
    sender_free(sender);
    peer_stop(peer);
}

static void send_one(struct sender *sender, const char *detail)
{
    struct call call;

    mail_init(&call);
    call_send(sender, &call);
    assert_string_equal(call.detail, detail);
    call_clear(&call);
}

static void a_session_carries_one_mail_after_the_other(UNUSED void **state)
{
    struct script script = {.greeting = usual.greeting, .rows = {{"RCPT", "550 no\r\n"}}};
    struct peer *peer = peer_start(serve_mail, &script);
    struct sender *sender = mail_sender(peer, MAIL_TLS_NONE, NULL);

    /* Refused ones too: a reset makes the session clean. */
    for (int i = 0; i < 5; i++) {
        send_one(sender, "SMTP 550 to RCPT TO");
    }
    assert_int_equal(peer_connections(peer), 1);
    char *heard = peer_heard(peer);
    assert_non_null(strstr(heard, "RSET\r\nMAIL FROM"));
    mem_free(heard);
    sender_free(sender);
    peer_stop(peer);
}

/* Takes one mail on each connection and then hangs up, as a server that is tired of waiting. */
static void serve_one_mail(struct peer *peer, int fd)
{
    char line[2048];
    bool is_content = false;

    (void)peer_say_text(fd, usual.greeting);
    while (read_line(peer, fd, line, sizeof line), line[0] != '\0') {
        const struct script_row *row = find_row(&usual, line);

        if (is_content && strcmp(line, ".\r\n") != 0) {
            continue;
        }
        (void)peer_say_text(fd, row != NULL ? row->reply : "500 what?\r\n");
        if (strcmp(line, ".\r\n") == 0) {
            return;
        }
        is_content = strncmp(line, "DATA", 4) == 0;
    }
}

static void a_session_that_has_died_costs_no_mail(UNUSED void **state)
{
    struct peer *peer = peer_start(serve_one_mail, NULL);
    struct sender *sender = mail_sender(peer, MAIL_TLS_NONE, NULL);

    for (int i = 0; i < 20; i++) {
        send_one(sender, "SMTP 250");
    }
    sender_free(sender);
    peer_stop(peer);
}

static void many_mails_share_few_sessions(UNUSED void **state)
{
    enum { MAILS = 100 };
    struct peer *peer = peer_start(serve_mail, &usual);
    struct sender *sender = mail_sender(peer, MAIL_TLS_NONE, NULL);
    struct call *calls = MEM_ARRAY(MAILS, struct call);

    for (int i = 0; i < MAILS; i++) {
        mail_init(&calls[i]);
        sender_start(sender, &calls[i].outbound);
    }
    for (int i = 0; i < MAILS; i++) {
        call_run(sender, &calls[i]);
        assert_outcome(&calls[i], ATTEMPT_ANSWER, 250, "SMTP 250");
        call_clear(&calls[i]);
    }
    assert_true(peer_connections(peer) <= 8);
    mem_free(calls);
    sender_free(sender);
    peer_stop(peer);
}

static void mails_that_wait_too_long_for_a_session_are_told(UNUSED void **state)
{
    enum { MAILS = 9 };
    struct script script = {.greeting = usual.greeting, .rows = {{".\r\n", NULL}}};
    struct peer *peer = peer_start(serve_mail, &script);
    struct sender *sender = mail_sender(peer, MAIL_TLS_NONE, NULL);
    struct call calls[MAILS];

    for (int i = 0; i < MAILS; i++) {
        mail_init(&calls[i]);
        calls[i].outbound.timeout_us = i < MAILS - 1 ? CALL_TIMEOUT_US : 200 * US_PER_MS;
        sender_start(sender, &calls[i].outbound);
    }
    call_run(sender, &calls[MAILS - 1]);
    assert_outcome(&calls[MAILS - 1], ATTEMPT_TIMEOUT, 0,
                   "timed out waiting for a connection to the mail server");
    assert_int_equal(sender_active(sender), MAILS - 1);
    sender_abort(sender, &calls[0].outbound);
    assert_int_equal(sender_active(sender), MAILS - 2);
    sender_free(sender); /* with the others under way */
    for (int i = 0; i < MAILS; i++) {
        call_clear(&calls[i]);
    }
    peer_stop(peer);
}

static void a_waiting_server_does_not_hold_up_others(UNUSED void **state)
{
    struct script script = {.greeting = usual.greeting, .rows = {{".\r\n", NULL}}};
    struct peer *slow = peer_start(serve_mail, &script);
    struct peer *hook =
        peer_start(peer_answer_text, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    char url[64];
    struct sender_options options = {
        .connections_max = 8, .connect_timeout_us = CALL_TIMEOUT_US, .smtp_url = url};
    struct call mail, call;

    (void)snprintf(url, sizeof url, "smtp://127.0.0.1:%u", slow->port);
    assert_int_equal(policy_parse(SLICE("127.0.0.0/8"), &options.policy, NULL), OK);
    struct sender *sender = sender_new(env_system(), &options);
    mail_init(&mail);
    sender_start(sender, &mail.outbound);
    for (bool is_waiting = false; !is_waiting;) {
        sender_run(sender, NULL, US_PER_SECOND / 100);
        char *heard = peer_heard(slow);
        is_waiting = strstr(heard, "\r\n.\r\n") != NULL;
        mem_free(heard);
    }
    call_init(&call, hook->port, "/");
    call_send(sender, &call);
    assert_string_equal(call.detail, "HTTP 200");
    assert_int_equal(mail.done, 0);
    call_clear(&call);
    call_clear(&mail);
    sender_free(sender);
    peer_stop(slow);
    peer_stop(hook);
}

static void where_tls_is_demanded_nothing_goes_in_plain_text(UNUSED void **state)
{
    static const struct script scripts[] = {
        {.greeting = "220 x\r\n"}, /* does not offer it */
        {.greeting = "220 x\r\n",
         .rows = {{"EHLO", "250-x\r\n250 STARTTLS\r\n"}, {"STARTTLS", "454 4.7.0 not now\r\n"}}},
    };

    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct peer *peer = peer_start(serve_mail, &scripts[i]);
        struct sender *sender = mail_sender(peer, MAIL_TLS_REQUIRED, "shop");
        struct call call;

        mail_init(&call);
        call_send(sender, &call);
        assert_int_equal(call.outbound.result.outcome, ATTEMPT_TLS);
        char *heard = peer_heard(peer);
        assert_null(strstr(heard, "MAIL"));
        assert_null(strstr(heard, "AUTH"));
        mem_free(heard);
        call_clear(&call);
        sender_free(sender);
        peer_stop(peer);
    }
}

static void opportunistic_tls_goes_on_without(UNUSED void **state)
{
    struct peer *peer = peer_start(serve_mail, &usual);
    struct sender *sender = mail_sender(peer, MAIL_TLS_OPPORTUNISTIC, NULL);

    send_one(sender, "SMTP 250");
    sender_free(sender);
    peer_stop(peer);
}

/* "\0shop\0secret" in base64: RFC 4616. */
#define LOGIN "AHNob3AAc2VjcmV0"

static void credentials_are_used_where_they_are_asked_for(UNUSED void **state)
{
    struct script script = {.greeting = "220 x\r\n",
                            .rows = {{"EHLO", "250-x\r\n250 AUTH PLAIN\r\n"},
                                     {"AUTH", "334 \r\n"},
                                     {LOGIN, "235 2.7.0 ok\r\n"}}};
    struct peer *peer = peer_start(serve_mail, &script);
    struct sender *sender = mail_sender(peer, MAIL_TLS_NONE, "shop");

    send_one(sender, "SMTP 250");
    char *heard = peer_heard(peer);
    assert_non_null(strstr(heard, "AUTH PLAIN\r\n" LOGIN "\r\n"));
    mem_free(heard);
    sender_free(sender);
    peer_stop(peer);
}

static void a_refused_login_is_about_us_and_not_about_the_mail(UNUSED void **state)
{
    struct script script = {.greeting = "220 x\r\n",
                            .rows = {{"EHLO", "250-x\r\n250 AUTH PLAIN\r\n"},
                                     {"AUTH", "334 \r\n"},
                                     {LOGIN, "535 5.7.8 wrong\r\n"}}};
    struct peer *peer = peer_start(serve_mail, &script);
    struct sender *sender = mail_sender(peer, MAIL_TLS_NONE, "shop");
    struct call call;

    mail_init(&call);
    call_send(sender, &call);
    assert_outcome(&call, ATTEMPT_CONNECT, 535, "SMTP 535 to the login");
    assert_slice_is(buf_view(&call.body), "5.7.8 wrong");
    call_clear(&call);
    sender_free(sender);
    peer_stop(peer);
}

static void addresses_beyond_ascii_need_a_server_that_takes_them(UNUSED void **state)
{
    struct script takes = {.greeting = "220 x\r\n",
                           .rows = {{"EHLO", "250-x\r\n250 SMTPUTF8\r\n"}}};
    const struct script *scripts[] = {&usual, &takes};
    static const char *const details[] = {"the mail server takes no address beyond ASCII",
                                          "SMTP 250"};

    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct peer *peer = peer_start(serve_mail, scripts[i]);
        struct sender *sender = mail_sender(peer, MAIL_TLS_NONE, NULL);
        struct call call;

        mail_init(&call);
        call.outbound.mail_to = SLICE("jörg@customer.example");
        call_send(sender, &call);
        assert_string_equal(call.detail, details[i]);
        call_clear(&call);
        sender_free(sender);
        peer_stop(peer);
    }
}

static void a_server_that_is_down_is_told(UNUSED void **state)
{
    struct peer nobody = {.port = 0};
    struct call call;

    int closed = peer_hold_port(&nobody.port);
    struct sender *sender = mail_sender(&nobody, MAIL_TLS_NONE, NULL);
    mail_init(&call);
    call_send(sender, &call);
    assert_outcome(&call, ATTEMPT_CONNECT, 0, "connection refused");
    call_clear(&call);
    sender_free(sender);
    (void)close(closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_is_accepted),
        cmocka_unit_test(a_refusal_tells_where_and_why),
        cmocka_unit_test(a_server_that_does_not_want_us_says_nothing_about_the_mail),
        cmocka_unit_test(a_connection_lost_after_the_last_dot_may_have_delivered),
        cmocka_unit_test(a_connection_lost_before_it_has_not),
        cmocka_unit_test(a_silent_server_runs_out_of_time),
        cmocka_unit_test(a_server_that_speaks_no_smtp_is_told),
        cmocka_unit_test(a_mail_that_could_smuggle_another_is_not_sent),
        cmocka_unit_test(an_address_that_could_add_a_command_is_not_sent),
        cmocka_unit_test(a_session_carries_one_mail_after_the_other),
        cmocka_unit_test(a_session_that_has_died_costs_no_mail),
        cmocka_unit_test(many_mails_share_few_sessions),
        cmocka_unit_test(mails_that_wait_too_long_for_a_session_are_told),
        cmocka_unit_test(a_waiting_server_does_not_hold_up_others),
        cmocka_unit_test(where_tls_is_demanded_nothing_goes_in_plain_text),
        cmocka_unit_test(opportunistic_tls_goes_on_without),
        cmocka_unit_test(credentials_are_used_where_they_are_asked_for),
        cmocka_unit_test(a_refused_login_is_about_us_and_not_about_the_mail),
        cmocka_unit_test(addresses_beyond_ascii_need_a_server_that_takes_them),
        cmocka_unit_test(a_server_that_is_down_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
