/*
 * The loop of a sender: several libcurl multi handles and a few sockets of our own, waited for by
 * one epoll.
 *
 * Why not curl_multi_poll: it hands every socket to the kernel each round and runs every transfer,
 * also the thousands that hang. With none hanging a request costs 13 us of CPU either way; with 2,000
 * hanging beside 64 busy ones 40 us that way and 13 this way, beside 8 busy ones 350 and 22.
 *
 * Why several multi handles: libcurl walks all open connections of a handle each time a transfer
 * ends. The same receiver always goes to the same handle, so that its connections are found again.
 *
 * Invariants:
 * 1. A connection's socket stays in the epoll set when libcurl stops watching it, because the next
 *    request on that connection watches it again at once: a request over a kept connection costs no
 *    system call for this. An event on such a socket (its peer closed it) takes it out.
 * 2. What libcurl opened by itself (the resolver's) leaves the set as soon as libcurl stops
 *    watching it: it is closed without our knowing.
 * 3. Each time a socket number is closed its generation grows, so an event that was fetched before
 *    is not taken for one of the socket that got the number next.
 */
#ifndef SEND_LOOP_H
#define SEND_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

struct loop; /* opaque */

/* events: of CURL_CSELECT_IN and CURL_CSELECT_OUT */
typedef void loop_ready_fn(void *ctx, int events);

struct loop *loop_new(void);       /* ends the process when the system gives no epoll */
void loop_free(struct loop *loop); /* closes the connections too; no transfer may be left */

/* A further multi handle that keeps up to connections_max connections open. It is the loop's. */
CURLM *loop_add_multi(struct loop *loop, long connections_max);

/* How sockets of connections come and go: what a CURLOPT_OPENSOCKETFUNCTION returns when it allows
 * the address, and a CURLOPT_CLOSESOCKETFUNCTION with the loop as its data. */
curl_socket_t loop_open_socket(struct loop *loop, const struct curl_sockaddr *address);
int loop_close_socket(void *loop, curl_socket_t number);

/* Waits for events on a connection's socket that libcurl does not watch; 0 waits for none. ready
 * comes from loop_sleep. */
void loop_watch(struct loop *loop, curl_socket_t number, int events, loop_ready_fn *ready,
                void *ctx);

/* Does what time brought: starts transfers that were added, ends those that ran out of time. */
void loop_tick(struct loop *loop);

/* How long the next loop_tick can wait, at most timeout_us. */
int64_t loop_timeout_us(const struct loop *loop, int64_t timeout_us);

/* libcurl and epoll count in these; rounded up. */
int loop_milliseconds(int64_t us);

/* Sleeps until a socket or wake_fd (-1: none) is ready or the time passed, and moves on what is
 * ready. */
void loop_sleep(struct loop *loop, int wake_fd, int64_t timeout_us);

#endif
