/*
 * What the reactors of a server share. All of it stays as it is while reactors run, or takes care
 * of itself (bell, census, guard, mailbox).
 */
#ifndef HTTP_SERVER_INTERNAL_H
#define HTTP_SERVER_INTERNAL_H

#include "base/buf.h"
#include "http/bell.h"
#include "http/census.h"
#include "http/certificate.h"
#include "http/guard.h"
#include "http/reactor.h"
#include "http/server.h"
#include "os/mailbox.h"

struct server {
    struct env *env;
    struct server_options options; /* texts are not used after the start, except the paths of TLS */
    struct bell *bell;
    struct census *census;
    struct guard *guard;
    struct key *settings_key; /* the options' admin_key_hash as a key; NULL: none */
    int listen_fd;            /* -1: none */
    struct buf address;
    struct reactor *reactors; /* owned array of options.threads */
    uint32_t reactors_len;    /* of these were made */
    struct mailbox *mailbox; /* of the thread that drains: reactors say there that they are empty */
    uint32_t drained;        /* reactors; owned by that thread */
    bool is_draining;        /* likewise */
};

#endif
