/*
 * Mail under way: what waits, which sessions there are, and whose time is over.
 */
#include "base/mem.h"
#include "model/address.h"
#include "send/mail_session.h"

enum { SESSIONS_MAX = 8 }; /* for each sender thread; servers often take 50 from one address */

void sender_mail_start_deadline(struct sender_mail *mail, struct work *work)
{
    heap_insert(&mail->deadlines, &work->deadline, work->began.us + work->outbound->timeout_us);
}

void sender_mail_end(struct sender_mail *mail, struct work *work, const struct outcome *outcome,
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

/* Takes an idle session for work, the one used last, so that the others can grow old. */
static void reuse(struct sender_mail *mail, struct work *work)
{
    struct list_link *link = list_pop_front(&mail->idle);
    struct mail_session *session = LIST_ITEM(link, struct mail_session, link);

    heap_remove(&mail->idle_until, &session->idle_until);
    heap_remove(&mail->deadlines, &work->deadline);
    list_push_back(&mail->engaged, &session->link);
    session->work = work;
    work->session = session;
    mail_session_carry(session);
}

static void open_session(struct sender_mail *mail, struct work *work)
{
    struct mail_session *session = mail_session_new(mail, work);

    heap_remove(&mail->deadlines, &work->deadline); /* invariant 2 */
    if (curl_multi_add_handle(mail->multi, session->easy) != CURLM_OK) {
        struct outcome outcome = outcome_of(ATTEMPT_CONNECT, "out of memory");
        mail_session_fail(session, &outcome, NULL);
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
            reuse(mail, work);
        } else {
            open_session(mail, work);
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
    sender_mail_start_deadline(mail, work);
    list_push_back(&mail->waiting, &work->link);
    serve(mail);
}

void sender_mail_abort(struct sender_mail *mail, struct work *work)
{
    heap_remove(&mail->deadlines, &work->deadline);
    if (work->session != NULL) {
        mail_session_close(work->session);
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
        sender_mail_end(mail, work, &outcome, NULL);
    } else {
        struct outcome outcome =
            outcome_of(ATTEMPT_TIMEOUT, "timed out waiting for the mail server's answer to %s",
                       smtp_step_word(session->smtp.step));
        mail_session_fail(session, &outcome, NULL);
    }
}

/* Whether the first of heap is due at now. */
static bool is_due(const struct heap *heap, struct mono now)
{
    const struct heap_link *first = heap_first(heap);

    return first != NULL && first->key <= now.us;
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
        mail_session_connected((struct mail_session *)(void *)session, code);
    }
    struct mono now = env_mono(mail->sender->env);
    while (is_due(&mail->deadlines, now)) {
        expire(mail, CONTAINER_OF(heap_first(&mail->deadlines), struct work, deadline));
    }
    while (is_due(&mail->idle_until, now)) {
        mail_session_say_goodbye(
            CONTAINER_OF(heap_first(&mail->idle_until), struct mail_session, idle_until));
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
        mail_session_say_goodbye(LIST_ITEM(link, struct mail_session, link));
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
