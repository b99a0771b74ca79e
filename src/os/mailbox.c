/*
 * The waiting messages are a stack, newest on top, that posters push and the owner takes whole and
 * turns around: two atomic operations and no moment in which one half-done post holds up the
 * others.
 *
 * Why no wake-up is lost. is_signaled says that the event descriptor is readable, or that the poster
 * who set the flag is about to make it so. A poster pushes, then sets the flag, and writes if it was
 * clear. The owner clears the flag after a read that succeeded, and only then takes the stack.
 *
 *   - A push whose poster found the flag clear is followed by a write. Only a read can use that up,
 *     and after each read comes a taking.
 *   - A push whose poster found the flag set is followed by none. But the flag stays set until the
 *     owner next clears it, and until then the descriptor is readable or about to be, so the owner
 *     wakes. Its clearing reads the flag as that poster, or a later one, left it (each change is a
 *     read-modify-write that releases and acquires), so the taking that follows sees the push.
 *
 * An owner who finds the flag set but nothing to read leaves the flag as it is: the write is on its
 * way, and with the flag clear nobody would know that the descriptor is readable, and the owner's
 * loop would spin. It costs at worst one waking for nothing.
 */
#include "os/mailbox.h"

#include "base/mem.h"
#include "os/env.h"
#include "os/log.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    _Atomic(struct message *) newest; /* linked by next down to the oldest */
    atomic_bool is_signaled;
    int event_fd;
};

struct mailbox *mailbox_new(void)
{
    struct mailbox *mailbox = MEM_NEW(struct mailbox);

    atomic_init(&mailbox->newest, NULL);
    atomic_init(&mailbox->is_signaled, false);
    mailbox->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->event_fd < 0) {
        log_fatal("eventfd", errno);
    }
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL) {
        return;
    }
    (void)close(mailbox->event_fd); /* nothing is lost with it */
    mem_free(mailbox);
}

/* Turns the chain around and returns its new start. */
static struct message *reverse(struct message *first)
{
    struct message *reversed = NULL;

    while (first != NULL) {
        struct message *next = first->next;

        first->next = reversed;
        reversed = first;
        first = next;
    }
    return reversed;
}

/* Pushes a chain that runs from its newest to its oldest message. */
static void push(struct mailbox *mailbox, struct message *newest, struct message *oldest)
{
    struct message *below = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);

    do {
        oldest->next = below;
    } while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &below, newest,
                                                    memory_order_release, memory_order_relaxed));
}

static void signal_owner(struct mailbox *mailbox)
{
    const uint64_t one = 1;

    if (atomic_exchange_explicit(&mailbox->is_signaled, true, memory_order_acq_rel)) {
        return;
    }
    while (write(mailbox->event_fd, &one, sizeof one) < 0) {
        if (errno != EINTR) {
            log_fatal("write to eventfd", errno);
        }
    }
}

/* Makes the descriptor unreadable again, and the next post one that signals. */
static void drain_signal(struct mailbox *mailbox)
{
    uint64_t count = 0;

    if (atomic_load_explicit(&mailbox->is_signaled, memory_order_relaxed) &&
        read(mailbox->event_fd, &count, sizeof count) == sizeof count) {
        (void)atomic_exchange_explicit(&mailbox->is_signaled, false, memory_order_acq_rel);
    }
}

static bool has_messages(const struct mailbox *mailbox)
{
    return atomic_load_explicit(&mailbox->newest, memory_order_relaxed) != NULL;
}

void mailbox_post(struct mailbox *mailbox, struct message *message)
{
    push(mailbox, message, message);
    signal_owner(mailbox);
}

void mailbox_post_chain(struct mailbox *mailbox, struct message *first, struct message *last)
{
    last->next = NULL;
    push(mailbox, reverse(first), first);
    signal_owner(mailbox);
}

struct message *mailbox_take(struct mailbox *mailbox)
{
    drain_signal(mailbox);
    if (!has_messages(mailbox)) {
        return NULL;
    }
    return reverse(atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire));
}

size_t mailbox_run(struct mailbox *mailbox)
{
    struct message *message = mailbox_take(mailbox);
    size_t count = 0;

    while (message != NULL) {
        struct message *next = message->next; /* run may free or post the message */

        message->run(message);
        message = next;
        count++;
    }
    return count;
}

/* Sleeps until the descriptor is readable or the deadline has come (NULL: none). False at the
 * deadline. */
static bool sleep_until(int fd, const struct mono *deadline)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    struct timespec left = {0};

    if (deadline != NULL) {
        int64_t left_us = deadline->us - env_mono(env_system()).us;

        if (left_us > 0) {
            left.tv_sec = left_us / US_PER_SECOND;
            left.tv_nsec = left_us % US_PER_SECOND * 1000;
        }
    }
    int ready = ppoll(&watched, 1, deadline != NULL ? &left : NULL, NULL);
    if (ready < 0 && errno != EINTR) {
        log_fatal("poll of eventfd", errno);
    }
    return ready != 0;
}

bool mailbox_wait(struct mailbox *mailbox, int64_t timeout_us)
{
    struct mono deadline = MONO_NEVER;

    if (timeout_us >= 0 && timeout_us < MONO_NEVER.us) {
        deadline.us = env_mono(env_system()).us + timeout_us;
    }
    while (!has_messages(mailbox)) {
        if (!sleep_until(mailbox->event_fd, timeout_us < 0 ? NULL : &deadline)) {
            return has_messages(mailbox);
        }
        drain_signal(mailbox);
    }
    return true;
}

int mailbox_fd(const struct mailbox *mailbox)
{
    return mailbox->event_fd;
}
