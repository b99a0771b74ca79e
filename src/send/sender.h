/*
 * A sender: one thread's outgoing connections, HTTP and SMTP, on libcurl.
 *
 * Every connection to a receiver passes the address policy; no redirects are followed, no proxy is
 * taken from the environment, only http, https, smtp and smtps are spoken, answers are read up to a
 * limit and a time, compressed ones are not unpacked. Connections are kept alive and reused; HTTP/2
 * is used where a TLS peer offers it.
 *
 * The policy is not asked for the mail server: its address comes from the operator's settings,
 * never from a customer, and it usually stands on this machine or in this network. For requests
 * that are trusted for the same reason it refuses only the metadata services.
 */
#ifndef SEND_SENDER_H
#define SEND_SENDER_H

#include "os/env.h"
#include "os/mailbox.h"
#include "send/outbound.h"
#include "send/policy.h"

enum mail_tls { MAIL_TLS_NONE, MAIL_TLS_OPPORTUNISTIC, MAIL_TLS_REQUIRED };

struct sender_options {
    struct policy policy;
    uint32_t connections_max;   /* kept open in all */
    int64_t connect_timeout_us; /* 5 s */
    const char *user_agent;
    const char *ca_path; /* file with CAs to trust instead of the system's; NULL: the system's */
    /* "smtp://127.0.0.1:25", "smtps://..."; NULL: no mail. A path is the name that we say in EHLO,
     * else this machine's. */
    const char *smtp_url;
    const char *smtp_user, *smtp_password; /* NULL: none */
    /* smtp:// only: STARTTLS never, if offered, or demanded (then not even the envelope goes in
     * plain text). */
    enum mail_tls smtp_tls;
};

struct sender; /* opaque, one thread's */

struct sender *sender_new(struct env *env, const struct sender_options *options);
void sender_free(struct sender *sender); /* ends what is under way without calling done */

/* Starts one. done comes later from sender_run. What cannot even be started (bad URL, header) comes
 * back the same way, with ATTEMPT_INVALID. */
void sender_start(struct sender *sender, struct outbound *outbound);

/* Aborts one that was started; done is not called. */
void sender_abort(struct sender *sender, struct outbound *outbound);

/*
 * Moves all transfers on and calls done for what ended. When nothing has ended yet it sleeps until
 * something happens on the wire, wake (NULL: none) has something, or timeout_us passed (0: does not
 * sleep), and handles that too.
 */
void sender_run(struct sender *sender, struct mailbox *wake, int64_t timeout_us);

uint32_t sender_active(const struct sender *sender);

#endif
