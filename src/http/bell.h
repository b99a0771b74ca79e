/*
 * The bell: how those who wait for something learn, on their own threads, that it happened.
 *
 * A topic is any 64-bit number. Whoever waits has an ear: it listens to a topic, asks for what it
 * wants, and when that is not there it sleeps. A ring wakes those asleep on its topic, one ear a
 * ring, the longest asleep first, whatever their threads.
 *
 * Invariants:
 * 1. No ring is lost between asking and sleeping: one that comes after bell_listen (or after the
 *    newest waking) and finds the ear awake makes its next bell_sleep refuse, so it asks again.
 * 2. An ear gets at most one message for each sleep: its message is posted to its mailbox by the
 *    ring that wakes it. An ear that wants to wake by itself asks bell_wake, which tells whether a
 *    ring was faster; then the message is on its way and must be waited for.
 * 3. A ring on a topic that nobody listens to costs one atomic read.
 *
 * Invariant 1 needs that whoever rings did first what the ear asks for, and that asking happens
 * after bell_listen as the asker's thread sees it. A queue has that: the committer answers the
 * question and commits the message, one after the other, and rings after the commit.
 */
#ifndef HTTP_BELL_H
#define HTTP_BELL_H

#include "base/list.h"
#include "os/mailbox.h"

#include <stdbool.h>
#include <stdint.h>

struct bell;
struct bell_topic;

/* Zero it; set message.run and mailbox before listening. The rest is private. */
struct bell_ear {
    struct message message;
    struct mailbox *mailbox;  /* of the thread that owns the ear */
    struct bell_topic *topic; /* NULL: does not listen */
    uint64_t topic_number;
    uint64_t heard;        /* rings of the topic when it listened or woke */
    struct list_link link; /* in the topic's sleepers */
};

struct bell *bell_new(uint64_t seed);
void bell_free(struct bell *bell); /* no ear may listen any more; NULL is fine */

/* Owner: starts to listen; the ear must not be listening. */
void bell_listen(struct bell *bell, struct bell_ear *ear, uint64_t topic);

/* Owner: falls asleep, or gives false because the topic was rung meanwhile: then the ear is up to
 * date again and should ask again. */
bool bell_sleep(struct bell *bell, struct bell_ear *ear);

/* Owner, of an ear put to sleep: wakes it without a ring. False: a ring has woken it, its message
 * is on the way. */
bool bell_wake(struct bell *bell, struct bell_ear *ear);

/* Owner, when the ear is awake: ends listening; nothing happens when it does not listen. */
void bell_leave(struct bell *bell, struct bell_ear *ear);

/* Any thread: wakes up to `times` sleepers of the topic. */
void bell_ring(struct bell *bell, uint64_t topic, uint32_t times);

#endif
