/*
 * The settings of the server: one table (config.c) makes the parser, `tidings help settings` and
 * docs/settings.md.
 *
 * A file of `[section]` and `key = value` lines, then environment variables TIDINGS_SECTION_KEY
 * over it. What is unknown, given twice or out of its limits is refused with its name, so that a
 * typing error does not become a default.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Every text is owned by the settings; an unset one is NULL or "". Durations in microseconds, sizes
 * in bytes. Pairs are of a section whose keys are the operator's own: one line a pair, key, a tab,
 * value, as config_next_pair reads them.
 */
struct config {
    /* [server] */
    char *listen;
    int64_t threads;
    char *admin_key;
    char *tls_certificate;
    char *tls_key;
    int64_t connections_max;
    int64_t connections_per_address_max;
    int64_t connection_memory;
    char *trusted_proxies;
    int64_t request_timeout;
    int64_t auth_failures_max;
    int64_t data_max;
    int64_t batch_events_max;
    char *log_level;
    /* [store] */
    char *engine;
    char *path;
    char *url;
    int64_t node;
    int64_t readers;
    int64_t queue_max;
    int64_t batch_max;
    char *master_key_file;
    /* [send] */
    int64_t send_threads;
    char *allow_private;
    int64_t in_flight_max;
    int64_t connections_kept;
    int64_t send_memory;
    int64_t connect_timeout;
    int64_t attempt_timeout;
    char *retry;
    char *ca_file;
    int64_t warn_after;
    int64_t disable_after;
    /* [smtp] */
    char *smtp_url;
    char *smtp_user;
    char *smtp_password;
    char *smtp_from;
    char *smtp_tls;
    char *smtp_retry;
    /* [wapi] */
    char *wapi_handler_secret;
    int64_t wapi_handler_timeout;
    int64_t wapi_hourly_max;
    int64_t wapi_failures_max;
    int64_t wapi_previous_hour;
    int64_t wapi_request_max;
    char *wapi_ack_needs_poll;
    char *wapi_retry;
    char *wapi_keep;
    char *wapi_commands; /* pairs */
    /* [shopcart] */
    char *shopcart_public_url;
    char *shopcart_retry;
    char *shopcart_types; /* pairs */
    /* [cashier] */
    char *cashier_retry;
    /* [checkout] */
    int64_t checkout_messages_max;
    int64_t checkout_acks_max;
    int64_t checkout_wait_max;
    int64_t checkout_visibility;
    int64_t checkout_window;
    char *checkout_history;
    char *checkout_unknown_query;
    /* [retention] */
    int64_t payloads;
    int64_t rest;
    int64_t idempotency;
    /* [shutdown] */
    int64_t drain;
};

/*
 * Defaults, then the file (path NULL: none), then the environment (NULL-terminated NAME=value
 * list). ERR_INVALID, ERR_NOT_FOUND, ERR_IO; *out is then cleared.
 */
enum err config_load(const char *path, char *const *environment, struct config *out,
                     struct diag *diag) MUST_CHECK;

/* Cuts the first pair off *rest, which begins as a text of pairs; false at the end. */
bool config_next_pair(struct slice *rest, struct slice *key, struct slice *value);

/* Every secret is wiped. */
void config_clear(struct config *settings);

/*
 * Takes over from `newer` what may change while the server runs; returns a text naming changed
 * settings that need a restart in out (empty: none).
 */
void config_take_reloadable(struct config *settings, const struct config *newer,
                            struct buf *out_needs_restart);

/* The table for a person: plain text for the terminal, Markdown for docs/settings.md. */
void config_help(bool as_markdown, struct buf *out);

#endif
