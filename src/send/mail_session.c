#include "send/mail_session.h"

#include "base/mem.h"
#include "send/tls.h"

#include <string.h>

enum {
    RECEIVE_BYTES = 4 * 1024,
    REPLY_CLOSING = 421,      /* the server goes away: RFC 5321 section 3.8 */
    REPLY_LOGIN_NEEDED = 530, /* about who we are, not about the mail: RFC 4954 section 6 */
};

/* After so long without mail a session is ended: others may want the server's connections too. */
#define IDLE_US (10 * US_PER_SECOND)

/* CURLOPT_HEADERFUNCTION: the lines that the server sends while libcurl greets it and logs in. */
static size_t on_reply(char *ptr, size_t size, size_t count, void *data)
{
    struct mail_session *session = data;
    struct slice bytes = slice_from(ptr, size * count);

    if (slice_equal_nocase(slice_sub(bytes, 4, strlen("SMTPUTF8")), SLICE("SMTPUTF8"))) {
        session->takes_utf8 = true; /* "250-SMTPUTF8" */
    }
    if (smtp_reply_read(&session->greeting, &bytes) != OK) {
        smtp_reply_reset(&session->greeting); /* libcurl decides what to think of it */
    }
    return size * count;
}

/* CURLOPT_OPENSOCKETFUNCTION. The address policy is not asked: see sender.h. */
static curl_socket_t on_open(void *data, UNUSED curlsocktype purpose, struct curl_sockaddr *address)
{
    return loop_open_socket(data, address);
}

static long use_ssl(enum mail_tls tls)
{
    switch (tls) {
    case MAIL_TLS_NONE:
        return (long)CURLUSESSL_NONE;
    case MAIL_TLS_OPPORTUNISTIC:
        return (long)CURLUSESSL_TRY;
    case MAIL_TLS_REQUIRED:
        break;
    }
    return (long)CURLUSESSL_ALL;
}

static void prepare(struct mail_session *session)
{
    const struct sender *sender = session->mail->sender;
    CURL *easy = session->easy;

    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, session);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, session->words);
    (void)curl_easy_setopt(easy, CURLOPT_URL, sender->options.smtp_url);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, sender->loop);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, loop_close_socket);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sender->loop);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, session);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_USE_SSL, use_ssl(sender->options.smtp_tls));
    (void)curl_easy_setopt(easy, CURLOPT_USERNAME, sender->options.smtp_user);
    (void)curl_easy_setopt(easy, CURLOPT_PASSWORD, sender->options.smtp_password);
    tls_prepare(easy, sender->options.ca_path);
}

struct mail_session *mail_session_new(struct sender_mail *mail, struct work *work)
{
    struct mail_session *session = MEM_NEW(struct mail_session);
    long time_left_ms = loop_milliseconds(sender_time_left_us(work));

    session->mail = mail;
    session->state = SESSION_CONNECTING;
    session->socket = CURL_SOCKET_BAD;
    session->work = work;
    work->session = session;
    smtp_init(&session->smtp);
    smtp_reply_init(&session->greeting);
    list_push_back(&mail->engaged, &session->link);
    session->easy = curl_easy_init();
    if (session->easy == NULL) {
        return session; /* the multi handle refuses it */
    }
    prepare(session);
    (void)curl_easy_setopt(session->easy, CURLOPT_TIMEOUT_MS, time_left_ms);
    /* Greeting, TLS and login count as connecting, and a careful server takes its time to greet. */
    (void)curl_easy_setopt(session->easy, CURLOPT_CONNECTTIMEOUT_MS, time_left_ms);
    return session;
}

/* The socket is closed with the handle: libcurl gives a connection of this kind to nobody else. */
void mail_session_close(struct mail_session *session)
{
    struct sender_mail *mail = session->mail;
    struct list *list = session->state == SESSION_IDLE ? &mail->idle : &mail->engaged;

    list_remove(list, &session->link);
    heap_remove(&mail->idle_until, &session->idle_until);
    if (session->socket != CURL_SOCKET_BAD) {
        loop_watch(mail->sender->loop, session->socket, 0, NULL, NULL);
    }
    (void)curl_multi_remove_handle(mail->multi, session->easy);
    curl_easy_cleanup(session->easy);
    smtp_clear(&session->smtp);
    smtp_reply_clear(&session->greeting);
    mem_free(session);
}

void mail_session_fail(struct mail_session *session, const struct outcome *outcome,
                       const struct smtp_reply *reply)
{
    struct sender_mail *mail = session->mail;
    struct work *work = session->work;

    work->outbound->result.may_have_arrived =
        session->state == SESSION_BUSY && smtp_has_sent_all(&session->smtp);
    sender_mail_end(mail, work, outcome, reply);
    mail_session_close(session); /* only now: the reply is in it */
}

/* Invariant 4: whether the mail gets a second chance; then it waits again. */
static bool retry(struct mail_session *session)
{
    struct sender_mail *mail = session->mail;
    struct work *work = session->work;
    struct list_link *link;

    if (session->mails < 2 || session->smtp.step > SMTP_FROM || work->was_retried) {
        return false;
    }
    work->was_retried = true;
    work->session = NULL;
    list_push_front(&mail->waiting, &work->link);
    mail_session_close(session);
    /* The idle ones were used before this one, so are not better. */
    while ((link = list_first(&mail->idle)) != NULL) {
        mail_session_close(LIST_ITEM(link, struct mail_session, link));
    }
    return true;
}

static void lost(struct mail_session *session, const char *words)
{
    if (!retry(session)) {
        struct outcome outcome = outcome_of(ATTEMPT_CONNECT, "%s", words);

        mail_session_fail(session, &outcome, NULL);
    }
}

static void on_ready(void *ctx, int events);

static void watch(struct mail_session *session, int events)
{
    loop_watch(session->mail->sender->loop, session->socket, events, on_ready, session);
}

/* The session's mail is not its any more; it is free for the next. */
static void become_idle(struct mail_session *session)
{
    struct sender_mail *mail = session->mail;

    session->work = NULL;
    session->state = SESSION_IDLE;
    watch(session, CURL_CSELECT_IN);
    list_remove(&mail->engaged, &session->link);
    list_push_front(&mail->idle, &session->link);
    heap_insert(&mail->idle_until, &session->idle_until, env_mono(mail->sender->env).us + IDLE_US);
}

/* The mail has its answer; the session lives on if the server is where we think it is. */
static void decided(struct mail_session *session)
{
    const struct smtp *smtp = &session->smtp;
    int32_t code = smtp->reply.code;
    bool is_good = code < 400;
    struct outcome outcome =
        outcome_of(code == REPLY_LOGIN_NEEDED ? ATTEMPT_CONNECT : ATTEMPT_ANSWER, "SMTP %d%s%s",
                   code, is_good ? "" : " to ", is_good ? "" : smtp_step_word(smtp->step));

    if (code == REPLY_CLOSING && retry(session)) {
        return;
    }
    sender_mail_end(session->mail, session->work, &outcome, &smtp->reply);
    session->needs_reset = !is_good;
    if (smtp->is_spoiled || code == REPLY_CLOSING || code == REPLY_LOGIN_NEEDED) {
        mail_session_close(session);
    } else {
        become_idle(session);
    }
}

/* Sends what there is to send. False when the connection is lost. */
static bool flush(struct mail_session *session)
{
    struct slice output;

    while ((output = smtp_output(&session->smtp)).len > 0) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(session->easy, output.ptr, output.len, &sent);

        if (code == CURLE_AGAIN) {
            return true;
        }
        if (code != CURLE_OK) {
            return false;
        }
        smtp_sent(&session->smtp, sent);
    }
    return true;
}

/* Takes what has come. SMTP_DECIDED and SMTP_BROKEN end it; *is_lost when the connection is. */
static enum smtp_progress receive(struct mail_session *session, bool *is_lost)
{
    enum smtp_progress progress = SMTP_GOES_ON;
    char bytes[RECEIVE_BYTES];

    while (progress == SMTP_GOES_ON) {
        size_t len = 0;
        CURLcode code = curl_easy_recv(session->easy, bytes, sizeof bytes, &len);

        if (code == CURLE_AGAIN) {
            break;
        }
        if (code != CURLE_OK || len == 0) {
            *is_lost = true;
            break;
        }
        progress = smtp_input(&session->smtp, slice_from(bytes, len));
    }
    return progress;
}

static void move_on(struct mail_session *session)
{
    bool is_lost = false;
    enum smtp_progress progress = receive(session, &is_lost);

    if (progress == SMTP_DECIDED) {
        decided(session);
        return;
    }
    if (progress == SMTP_BROKEN) {
        lost(session, "the mail server's answer breaks the protocol");
        return;
    }
    if (is_lost || !flush(session)) {
        lost(session, "connection to the mail server lost");
        return;
    }
    bool has_output = smtp_output(&session->smtp).len > 0;
    watch(session, has_output ? CURL_CSELECT_IN | CURL_CSELECT_OUT : CURL_CSELECT_IN);
}

/* An idle server says goodbye or hangs up; or TLS alone had something to say. */
static void look_at(struct mail_session *session)
{
    char byte;
    size_t len = 0;

    if (curl_easy_recv(session->easy, &byte, 1, &len) != CURLE_AGAIN) {
        mail_session_close(session);
    }
}

static void on_ready(void *ctx, UNUSED int events)
{
    struct mail_session *session = ctx;

    switch (session->state) {
    case SESSION_BUSY:
        move_on(session);
        break;
    case SESSION_IDLE:
        look_at(session);
        break;
    case SESSION_CONNECTING: /* libcurl watches it */
        break;
    }
}

void mail_session_carry(struct mail_session *session)
{
    const struct outbound *outbound = session->work->outbound;

    session->state = SESSION_BUSY;
    session->mails++;
    sender_mail_start_deadline(session->mail, session->work);
    if (!session->takes_utf8 && smtp_needs_utf8(outbound->mail_from, outbound->mail_to)) {
        struct outcome outcome =
            outcome_of(ATTEMPT_INVALID, "the mail server takes no address beyond ASCII");
        sender_mail_end(session->mail, session->work, &outcome, NULL);
        become_idle(session);
        return;
    }
    smtp_begin(&session->smtp, outbound->mail_from, outbound->mail_to, outbound->body,
               session->needs_reset);
    move_on(session);
}

static enum outcome_phase connect_phase(CURL *easy)
{
    curl_off_t looked_up_us = 0;
    long connects = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up_us);
    (void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    if (connects > 0) {
        return PHASE_WAIT;
    }
    return looked_up_us > 0 ? PHASE_CONNECT : PHASE_LOOKUP;
}

/* Invariant 3. */
static void not_connected(struct mail_session *session, CURLcode code)
{
    const struct smtp_reply *reply = &session->greeting;
    bool has_reply = reply->is_whole && reply->code >= 400;
    long os_errno = 0;

    (void)curl_easy_getinfo(session->easy, CURLINFO_OS_ERRNO, &os_errno);
    struct outcome outcome =
        outcome_failure(code, connect_phase(session->easy), os_errno, session->words);
    if (has_reply && outcome.outcome == ATTEMPT_CONNECT) {
        outcome = outcome_of(ATTEMPT_CONNECT, "SMTP %d to %s", reply->code,
                             code == CURLE_LOGIN_DENIED ? "the login" : "connecting");
    }
    mail_session_fail(session, &outcome, has_reply ? reply : NULL);
}

void mail_session_connected(struct mail_session *session, CURLcode code)
{
    if (code == CURLE_OK &&
        curl_easy_getinfo(session->easy, CURLINFO_ACTIVESOCKET, &session->socket) == CURLE_OK &&
        session->socket != CURL_SOCKET_BAD) {
        mail_session_carry(session);
    } else {
        not_connected(session, code != CURLE_OK ? code : CURLE_COULDNT_CONNECT);
    }
}

/* Ends an idle session as RFC 5321 section 4.1.1.10 wants it; nobody waits for the reply. */
void mail_session_say_goodbye(struct mail_session *session)
{
    static const char quit[] = "QUIT\r\n";
    size_t sent = 0;

    (void)curl_easy_send(session->easy, quit, sizeof quit - 1, &sent); /* closing ends it too */
    mail_session_close(session);
}
