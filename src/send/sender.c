#include "send/sender.h"

#include "base/mem.h"
#include "os/log.h"
#include "send/sender_internal.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

enum {
    SPARE_MAX = 1024,           /* work kept for reuse; what a burst needed beyond goes back */
    SPARE_TEXT_ROOM = 4 * 1024, /* most answers are shorter; memory of longer ones goes back */
};

static void start_libcurl(void)
{
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) {
        log_fatal("curl_global_init", 0);
    }
}

static char *copy(const char *text)
{
    return text != NULL ? mem_text(text, strlen(text)) : NULL;
}

struct sender *sender_new(struct env *env, const struct sender_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sender *sender = MEM_NEW(struct sender);

    (void)pthread_once(&once, start_libcurl); /* fails for no reason that can be here */
    sender->env = env;
    sender->options = *options;
    sender->options.user_agent = copy(options->user_agent);
    sender->options.ca_path = copy(options->ca_path);
    sender->options.smtp_url = copy(options->smtp_url);
    sender->options.smtp_user = copy(options->smtp_user);
    sender->options.smtp_password = copy(options->smtp_password);
    list_init(&sender->ended);
    list_init(&sender->spare);
    sender->loop = loop_new();
    sender->http = sender_http_new(sender);
    if (options->smtp_url != NULL) {
        sender->mail = sender_mail_new(sender);
    }
    return sender;
}

static void free_text(const char *text)
{
    mem_free((char *)(uintptr_t)text); /* ours, const for its readers only */
}

static void work_free(struct work *work)
{
    buf_clear(&work->text);
    mem_free(work);
}

static void free_works(struct list *works)
{
    struct list_link *link;

    while ((link = list_pop_front(works)) != NULL) {
        work_free(LIST_ITEM(link, struct work, link));
    }
}

void sender_free(struct sender *sender)
{
    if (sender == NULL) {
        return;
    }
    sender_mail_free(sender->mail);
    sender_http_free(sender->http);
    free_works(&sender->ended);
    free_works(&sender->spare);
    loop_free(sender->loop);
    if (sender->options.smtp_password != NULL) {
        mem_wipe((char *)(uintptr_t)sender->options.smtp_password,
                 strlen(sender->options.smtp_password));
    }
    free_text(sender->options.user_agent);
    free_text(sender->options.ca_path);
    free_text(sender->options.smtp_url);
    free_text(sender->options.smtp_user);
    free_text(sender->options.smtp_password);
    mem_free(sender);
}

static struct work *work_take(struct sender *sender)
{
    struct list_link *link = list_pop_front(&sender->spare);
    struct work *work = LIST_ITEM(link, struct work, link);

    if (work == NULL) {
        work = MEM_NEW(struct work);
        work->sender = sender;
        buf_init(&work->text, 0);
    }
    sender->active++;
    return work;
}

void sender_drop(struct work *work)
{
    struct sender *sender = work->sender;

    sender->active--;
    if (sender->spare.count >= SPARE_MAX) {
        work_free(work);
        return;
    }
    if (work->text.room > SPARE_TEXT_ROOM) {
        buf_clear(&work->text);
    }
    buf_reset(&work->text);
    list_push_front(&sender->spare, &work->link);
}

void sender_start(struct sender *sender, struct outbound *outbound)
{
    struct work *work = work_take(sender);

    work->outbound = outbound;
    work->answer_bytes_max =
        outbound->answer_bytes_max > 0 ? outbound->answer_bytes_max : OUTBOUND_ANSWER_BYTES_MAX;
    work->text.bytes_max = work->answer_bytes_max + SENDER_HEADER_BYTES_MAX;
    work->began = env_mono(sender->env);
    work->transfer = NULL;
    work->session = NULL;
    work->was_retried = false;
    outbound->result.status = 0;
    outbound->result.body = SLICE("");
    outbound->result.headers_len = 0;
    outbound->result.was_cut = false;
    outbound->result.may_have_arrived = false;
    outbound->private_state = work;
    switch (outbound->kind) {
    case OUTBOUND_HTTP:
        work->state = WORK_HTTP;
        sender_http_begin(sender->http, work);
        break;
    case OUTBOUND_MAIL:
        work->state = WORK_MAIL;
        sender_mail_begin(sender->mail, work);
        break;
    }
}

void sender_end(struct work *work, const struct outcome *outcome)
{
    struct outbound_result *result = &work->outbound->result;

    work->outcome = *outcome;
    work->state = WORK_ENDED;
    result->outcome = outcome->outcome;
    result->detail = slice_of(work->outcome.detail);
    result->took_us = env_mono(work->sender->env).us - work->began.us;
    list_push_back(&work->sender->ended, &work->link);
}

int64_t sender_time_left_us(const struct work *work)
{
    int64_t passed = env_mono(work->sender->env).us - work->began.us;

    return passed < work->outbound->timeout_us ? work->outbound->timeout_us - passed : 1;
}

void sender_abort(struct sender *sender, struct outbound *outbound)
{
    struct work *work = outbound->private_state;

    assert(work != NULL);
    switch (work->state) {
    case WORK_HTTP:
        sender_http_abort(sender->http, work);
        break;
    case WORK_MAIL:
        sender_mail_abort(sender->mail, work);
        break;
    case WORK_ENDED:
        list_remove(&sender->ended, &work->link);
        break;
    }
    outbound->private_state = NULL;
    sender_drop(work);
}

/* Calls done for what has ended by now, not for what ends by that. Whether there was any. */
static bool tell(struct sender *sender)
{
    struct list_link *link;

    sender_http_reap(sender->http);
    sender_mail_reap(sender->mail);
    size_t count = sender->ended.count;

    for (size_t i = 0; i < count && (link = list_pop_front(&sender->ended)) != NULL; i++) {
        struct work *work = LIST_ITEM(link, struct work, link);

        work->outbound->private_state = NULL;
        work->outbound->done(work->outbound);
        sender_drop(work);
    }
    return count > 0;
}

void sender_run(struct sender *sender, struct mailbox *wake, int64_t timeout_us)
{
    loop_tick(sender->loop);
    /* Who was told has something new to do and to wait for, so does not want to sleep yet. */
    if (tell(sender)) {
        return;
    }
    timeout_us = loop_timeout_us(sender->loop, timeout_us);
    timeout_us = sender_mail_timeout_us(sender->mail, timeout_us);
    loop_sleep(sender->loop, wake != NULL ? mailbox_fd(wake) : -1, timeout_us);
    (void)tell(sender); /* the caller looks at everything anyway */
}

uint32_t sender_active(const struct sender *sender)
{
    return sender->active;
}
