/*
 * Lingering: a peer that still sends its body when the answer (too large, not allowed) has been
 * sent would get a reset if the socket were closed, and might lose the answer. So the socket is
 * kept for a moment, what comes is thrown away, and it goes when the peer has closed, after some
 * time or some amount.
 */
#ifndef HTTP_LINGER_H
#define HTTP_LINGER_H

#include "http/reactor.h"

/* Keeps a duplicate of the socket that its owner is about to close. Nothing happens when too many
 * linger already. */
void linger_begin(struct reactor *reactor, int fd);

void linger_end_all(struct reactor *reactor);

#endif
