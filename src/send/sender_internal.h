/*
 * What the halves of a sender share. sender.c owns what is under way and tells its owner what
 * ended; sender_http.c and sender_mail.c move it on, and hand back what ended by sender_end.
 *
 *   sender_start --> a half's begin --> ... --> sender_end --> ended list --> done, in sender_run
 */
#ifndef SEND_SENDER_INTERNAL_H
#define SEND_SENDER_INTERNAL_H

#include "base/heap.h"
#include "base/list.h"
#include "send/lookups.h"
#include "send/loop.h"
#include "send/outcome.h"
#include "send/sender.h"

enum { SENDER_HEADER_BYTES_MAX = 16 * 1024 }; /* of an answer that are kept, names and values */

struct sender_http;
struct sender_mail;
struct transfer;     /* sender_http.c's */
struct mail_session; /* sender_mail.c's */

enum work_state {
    WORK_HTTP,  /* in the hands of sender_http.c */
    WORK_MAIL,  /* in the hands of sender_mail.c */
    WORK_ENDED, /* in the ended list */
};

/* An outbound that was started and whose done was not called yet. */
struct work {
    struct list_link link; /* its holder's */
    enum work_state state;
    struct sender *sender;
    struct outbound *outbound;
    struct mono began;
    struct outcome outcome; /* the result's detail points into it */
    /* So do the result's other slices into this: an answer's body and headers, or a mail server's
     * reply. */
    struct buf text;
    size_t answer_bytes_max; /* of the body in it */

    struct transfer *transfer; /* WORK_HTTP */

    struct mail_session *session; /* WORK_MAIL; NULL: waits for one */
    struct heap_link deadline;    /* WORK_MAIL */
    bool was_retried;             /* WORK_MAIL: a kept connection failed it once */
};

struct sender {
    struct env *env;
    struct sender_options options; /* its texts are our copies */
    struct loop *loop;
    struct lookups lookups;
    struct sender_http *http;
    struct sender_mail *mail; /* NULL when there is no mail server */
    struct list ended;        /* of work */
    struct list spare;        /* of work, to be used again */
    uint32_t active;
};

/* Takes back work from its half: fills in the result but for its slices and status, which the half
 * has set, and lets the next sender_run call done. */
void sender_end(struct work *work, const struct outcome *outcome);

/* Forgets work that has left its half, without calling done. */
void sender_drop(struct work *work);

/* How much of its time is left, at least 1 us. */
int64_t sender_time_left_us(const struct work *work);

/* sender_http.c */
struct sender_http *sender_http_new(struct sender *sender);
void sender_http_free(struct sender_http *http); /* drops what is under way */
void sender_http_begin(struct sender_http *http, struct work *work);
void sender_http_abort(struct sender_http *http, struct work *work);
void sender_http_reap(struct sender_http *http); /* ends what libcurl has finished */

/* sender_mail.c */
struct sender_mail *sender_mail_new(struct sender *sender);
void sender_mail_free(struct sender_mail *mail);
void sender_mail_begin(struct sender_mail *mail, struct work *work);
void sender_mail_abort(struct sender_mail *mail, struct work *work);
void sender_mail_reap(struct sender_mail *mail); /* ends what ran out of time */
int64_t sender_mail_timeout_us(const struct sender_mail *mail, int64_t timeout_us);

#endif
