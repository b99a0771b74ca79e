/*
 * Mail: sessions with the operator's own mail server, each carrying one mail after the other.
 *
 *   CONNECTING --> BUSY <--> IDLE
 *        |          |          |
 *        +----------+----------+--> closed
 *
 * libcurl connects, greets, starts TLS and logs in (CURLOPT_CONNECT_ONLY); the dialogue of each mail is ours (smtp.h), over curl_easy_send and
 * curl_easy_recv. libcurl's own would block this thread, with all webhooks on it, while the server thinks about the mail after its last
 * dot, which with scanners takes seconds.
 *
 * Invariants:
 * 1. A mail waits in the list, or belongs to one session, or has ended.
 * 2. The deadline of a mail is in the heap while it waits or its session is busy; while it connects, libcurl watches the time.
 * 3. A reply to connecting or logging in says nothing about a mail: it ends as ATTEMPT_CONNECT, to be tried again.
 * 4. A mail that fails on a kept connection before the first reply to it is tried once more on a fresh one: the server had
 *    just grown tired of waiting.
 */
#include "base/heap.h"
#include "base/mem.h"
#include "model/address.h"
#include "send/sender_internal.h"
#include "send/smtp.h"
#include "send/tls.h"

#include <assert.h>
#include <string.h>

enum {
    SESSIONS_MAX = 8, /* for each sender thread; servers often take 50 from one address */
    RECEIVE_BYTES = 4 * 1024,
    /* The reply was about who we are and not about the mail: RFC 4954 section 6. */
    REPLY_LOGIN_NEEDED = 530,
    /* The server goes away: RFC 5321 section 3.8. */
    REPLY_CLOSING = 421,
};

/* After so long without mail a session is ended: others may want the server's connections too. */
#define IDLE_US (10 * US_PER_SECOND)

enum session_state { SESSION_CONNECTING, SESSION_BUSY, SESSION_IDLE };

struct mail_session {
    struct list_link link; /* in the mail's idle or engaged list */
    enum session_state state;
    struct sender_mail *mail;
    CURL *easy;
    curl_socket_t socket;
    struct work *work; /* NULL when idle */
    struct smtp smtp;
    struct smtp_reply greeting; /* the newest reply before the first mail */
    struct heap_link idle_until;
    uint32_t mails; /* begun on it */
    bool needs_reset;
    bool takes_utf8; /* SMTPUTF8 */
    char words[CURL_ERROR_SIZE];
};

struct sender_mail {
    struct sender *sender;
    CURLM *multi;
    struct list waiting; /* of work */
    struct list engaged; /* sessions connecting or busy */
    struct list idle;    /* sessions, the one used last first */
    struct heap deadlines;
    struct heap idle_until;
};

static void start_deadline(struct sender_mail *mail, struct work *work)
{
    heap_insert(&mail->deadlines, &work->deadline, work->began.us + work->outbound->timeout_us);
}

/* Ends a mail that has left the list or its session, with the reply that decided, if one did. */
static void end(struct sender_mail *mail, struct work *work, const struct outcome *outcome,
                const struct smtp_reply *reply)
{
    struct outbound_result *result = &work->outbound->result;

    heap_remove(&mail->deadlines, &work->deadline);
    work->session = NULL;
    if (reply != NULL) {
        result->status = reply->code;
        buf_slice(&work->text, buf_view(&reply->text));
        result->body = buf_view(&work->text);
    }
    sender_end(work, outcome);
}

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

/* CURLOPT_OPENSOCKETFUNCTION. The address policy is not asked: the mail server is the operator's own, and stands on this machine or in this network. */
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

static struct mail_session *session_new(struct sender_mail *mail, struct work *work)
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
static void session_close(struct mail_session *session)
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

/* Ends the session and its mail. */
static void session_fail(struct mail_session *session, const struct outcome *outcome,
                         const struct smtp_reply *reply)
{
    struct sender_mail *mail = session->mail;
    struct work *work = session->work;

    work->outbound->result.may_have_arrived =
        session->state == SESSION_BUSY && smtp_has_sent_all(&session->smtp);
    end(mail, work, outcome, reply);
    session_close(session); /* only now: the reply is in it */
}

/* Invariant 4: whether the mail gets a second chance; then it waits again. */
static bool retry(struct mail_session *session)
{
    struct sender_mail *mail = session->mail;
    struct work *work = session->work;

    if (session->mails < 2 || session->smtp.step > SMTP_FROM || work->was_retried) {
        return false;
    }
    work->was_retried = true;
    work->session = NULL;
    list_push_front(&mail->waiting, &work->link);
    session_close(session);
    return true;
}

static void session_lost(struct mail_session *session, const char *words)
{
    if (!retry(session)) {
        struct outcome outcome = outcome_of(ATTEMPT_CONNECT, "%s", words);

        session_fail(session, &outcome, NULL);
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

static void on_ready(void *ctx, int events);

static void session_watch(struct mail_session *session, int events)
{
    loop_watch(session->mail->sender->loop, session->socket, events, on_ready, session);
}

/* The mail has its answer; the session is free for the next one if the server is where we think it is. */
static void session_decided(struct mail_session *session)
{
    struct sender_mail *mail = session->mail;
    struct smtp *smtp = &session->smtp;
    struct work *work = session->work;
    int32_t code = smtp->reply.code;
    bool is_good = code < 400;
    struct outcome outcome =
        outcome_of(code == REPLY_LOGIN_NEEDED ? ATTEMPT_CONNECT : ATTEMPT_ANSWER, "SMTP %d%s%s",
                   code, is_good ? "" : " to ", is_good ? "" : smtp_step_word(smtp->step));

    if (code == REPLY_CLOSING && retry(session)) {
        return;
    }
    end(mail, work, &outcome, &smtp->reply);
    session->work = NULL;
    session->needs_reset = !is_good;
    if (smtp->is_spoiled || code == REPLY_CLOSING || code == REPLY_LOGIN_NEEDED) {
        session_close(session);
        return;
    }
    session->state = SESSION_IDLE;
    session_watch(session, CURL_CSELECT_IN);
    list_remove(&mail->engaged, &session->link);
    list_push_front(&mail->idle, &session->link);
    heap_insert(&mail->idle_until, &session->idle_until, env_mono(mail->sender->env).us + IDLE_US);
}

static void session_move(struct mail_session *session)
{
    bool is_lost = false;
    enum smtp_progress progress = receive(session, &is_lost);

    if (progress == SMTP_DECIDED) {
        session_decided(session);
        return;
    }
    if (progress == SMTP_BROKEN) {
        struct outcome outcome =
            outcome_of(ATTEMPT_CONNECT, "the mail server's answer breaks the protocol");
        session_fail(session, &outcome, NULL);
        return;
    }
    if (is_lost || !flush(session)) {
        session_lost(session, "connection to the mail server lost");
        return;
    }
    bool has_output = smtp_output(&session->smtp).len > 0;
    session_watch(session, has_output ? CURL_CSELECT_IN | CURL_CSELECT_OUT : CURL_CSELECT_IN);
}

/* An idle server says goodbye or hangs up; TLS alone may have something to say that is not for us. */
static void session_look(struct mail_session *session)
{
    char byte;
    size_t len = 0;

    if (curl_easy_recv(session->easy, &byte, 1, &len) != CURLE_AGAIN) {
        session_close(session);
    }
}

static void on_ready(void *ctx, UNUSED int events)
{
    struct mail_session *session = ctx;

    switch (session->state) {
    case SESSION_BUSY:
        session_move(session);
        break;
    case SESSION_IDLE:
        session_look(session);
        break;
    case SESSION_CONNECTING: /* libcurl watches it */
        break;
    }
}

static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] > 0x7f) {
            return false;
        }
    }
    return true;
}

/* Carries the session's mail over the connection that stands. */
static void session_carry(struct mail_session *session)
{
    const struct outbound *outbound = session->work->outbound;

    session->state = SESSION_BUSY;
    session->mails++;
    start_deadline(session->mail, session->work);
    if (!session->takes_utf8 && !(is_ascii(outbound->mail_from) && is_ascii(outbound->mail_to))) {
        struct outcome outcome =
            outcome_of(ATTEMPT_INVALID, "the mail server takes no address beyond ASCII");
        session_fail(session, &outcome, NULL);
        return;
    }
    smtp_begin(&session->smtp, outbound->mail_from, outbound->mail_to, outbound->body,
               session->needs_reset);
    session_move(session);
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
static void session_not_connected(struct mail_session *session, CURLcode code)
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
    session_fail(session, &outcome, has_reply ? reply : NULL);
}

/* libcurl has connected, greeted, started TLS and logged in, or given up. */
static void session_connected(struct mail_session *session, CURLcode code)
{
    if (code == CURLE_OK &&
        curl_easy_getinfo(session->easy, CURLINFO_ACTIVESOCKET, &session->socket) == CURLE_OK &&
        session->socket != CURL_SOCKET_BAD) {
        session_carry(session);
    } else {
        session_not_connected(session, code != CURLE_OK ? code : CURLE_COULDNT_CONNECT);
    }
}

/* Takes an idle session for work, the one used last, so that the others can grow old. */
static void session_reuse(struct sender_mail *mail, struct work *work)
{
    struct list_link *link = list_pop_front(&mail->idle);
    struct mail_session *session = LIST_ITEM(link, struct mail_session, link);

    heap_remove(&mail->idle_until, &session->idle_until);
    heap_remove(&mail->deadlines, &work->deadline);
    list_push_back(&mail->engaged, &session->link);
    session->work = work;
    work->session = session;
    session_carry(session);
}

static void session_open(struct sender_mail *mail, struct work *work)
{
    struct mail_session *session = session_new(mail, work);

    heap_remove(&mail->deadlines, &work->deadline); /* invariant 2 */
    if (curl_multi_add_handle(mail->multi, session->easy) != CURLM_OK) {
        struct outcome outcome = outcome_of(ATTEMPT_CONNECT, "out of memory");
        session_fail(session, &outcome, NULL);
    }
}

/* Gives waiting mails to sessions, as long as there are both. */
static void serve(struct sender_mail *mail)
{
    while (!list_is_empty(&mail->waiting)) {
        bool has_idle = !list_is_empty(&mail->idle);

        if (!has_idle && mail->engaged.count >= SESSIONS_MAX) {
            return;
        }
        struct list_link *link = list_pop_front(&mail->waiting);
        struct work *work = LIST_ITEM(link, struct work, link);
        if (has_idle) {
            session_reuse(mail, work);
        } else {
            session_open(mail, work);
        }
    }
}

static const char *find_fault(const struct outbound *outbound)
{
    if (address_check(outbound->mail_from, "from", NULL) != OK) {
        return "the sender's address cannot be used";
    }
    if (address_check(outbound->mail_to, "to", NULL) != OK) {
        return "the recipient's address cannot be used";
    }
    if (!smtp_content_is_safe(outbound->body)) {
        return "the mail has line ends other than CRLF";
    }
    return NULL;
}

void sender_mail_begin(struct sender_mail *mail, struct work *work)
{
    const char *fault = mail != NULL ? find_fault(work->outbound) : "no mail server is set";

    if (fault != NULL) {
        struct outcome outcome = outcome_of(ATTEMPT_INVALID, "%s", fault);
        sender_end(work, &outcome);
        return;
    }
    start_deadline(mail, work);
    list_push_back(&mail->waiting, &work->link);
    serve(mail);
}

void sender_mail_abort(struct sender_mail *mail, struct work *work)
{
    heap_remove(&mail->deadlines, &work->deadline);
    if (work->session != NULL) {
        session_close(work->session);
    } else {
        list_remove(&mail->waiting, &work->link);
    }
}

static void expire(struct sender_mail *mail, struct work *work)
{
    struct mail_session *session = work->session;

    if (session == NULL) {
        struct outcome outcome =
            outcome_of(ATTEMPT_TIMEOUT, "timed out waiting for a connection to the mail server");
        list_remove(&mail->waiting, &work->link);
        end(mail, work, &outcome, NULL);
    } else {
        struct outcome outcome =
            outcome_of(ATTEMPT_TIMEOUT, "timed out waiting for the mail server's answer to %s",
                       smtp_step_word(session->smtp.step));
        session_fail(session, &outcome, NULL);
    }
}

/* Whether the first of heap is due at now. */
static bool is_due(const struct heap *heap, struct mono now)
{
    const struct heap_link *first = heap_first(heap);

    return first != NULL && first->key <= now.us;
}

/* Ends an idle session as RFC 5321 section 4.1.1.10 wants it; nobody waits for the reply. */
static void say_goodbye(struct mail_session *session)
{
    static const char quit[] = "QUIT\r\n";
    size_t sent = 0;

    (void)curl_easy_send(session->easy, quit, sizeof quit - 1, &sent); /* closing ends it too */
    session_close(session);
}

void sender_mail_reap(struct sender_mail *mail)
{
    const CURLMsg *message;
    int left = 0;

    if (mail == NULL) {
        return;
    }
    while ((message = curl_multi_info_read(mail->multi, &left)) != NULL) {
        char *session = NULL;
        CURLcode code = message->data.result; /* the message goes with the handle */

        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &session);
        session_connected((struct mail_session *)(void *)session, code);
    }
    struct mono now = env_mono(mail->sender->env);
    while (is_due(&mail->deadlines, now)) {
        expire(mail, CONTAINER_OF(heap_first(&mail->deadlines), struct work, deadline));
    }
    while (is_due(&mail->idle_until, now)) {
        say_goodbye(CONTAINER_OF(heap_first(&mail->idle_until), struct mail_session, idle_until));
    }
    serve(mail);
}

static int64_t until_first(const struct heap *heap, struct mono now, int64_t timeout_us)
{
    const struct heap_link *first = heap_first(heap);

    if (first == NULL || first->key - now.us >= timeout_us) {
        return timeout_us;
    }
    return first->key > now.us ? first->key - now.us : 0;
}

int64_t sender_mail_timeout_us(const struct sender_mail *mail, int64_t timeout_us)
{
    if (mail == NULL) {
        return timeout_us;
    }
    struct mono now = env_mono(mail->sender->env);
    timeout_us = until_first(&mail->deadlines, now, timeout_us);
    return until_first(&mail->idle_until, now, timeout_us);
}

struct sender_mail *sender_mail_new(struct sender *sender)
{
    struct sender_mail *mail = MEM_NEW(struct sender_mail);

    mail->sender = sender;
    mail->multi = loop_add_multi(sender->loop, /* connections_max= */ 2 * SESSIONS_MAX);
    list_init(&mail->waiting);
    list_init(&mail->engaged);
    list_init(&mail->idle);
    heap_init(&mail->deadlines);
    heap_init(&mail->idle_until);
    return mail;
}

void sender_mail_free(struct sender_mail *mail)
{
    struct list_link *link;

    if (mail == NULL) {
        return;
    }
    while ((link = list_first(&mail->idle)) != NULL) {
        say_goodbye(LIST_ITEM(link, struct mail_session, link));
    }
    while ((link = list_first(&mail->engaged)) != NULL) {
        struct mail_session *session = LIST_ITEM(link, struct mail_session, link);
        struct work *work = session->work;

        sender_mail_abort(mail, work);
        sender_drop(work);
    }
    while ((link = list_pop_front(&mail->waiting)) != NULL) {
        sender_drop(LIST_ITEM(link, struct work, link));
    }
    heap_clear(&mail->deadlines);
    heap_clear(&mail->idle_until);
    mem_free(mail);
}
