/*
 * Topics lie in shards, each a map under a lock of its own. The lock guards the topic's ring count
 * and its sleepers. A mailbox would not do: falling asleep and ringing must be in one order, and
 * the ears of one topic belong to several threads. It is held for some instructions, never while
 * waiting, and whoever rings a topic that nobody listens to does not come near it: a table of
 * counters by hash tells so.
 */
#include "http/bell.h"

#include "base/chance.h"
#include "base/map.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    SHARDS = 64,     /* so that threads seldom meet at a lock */
    COUNTERS = 8192, /* topics with ears that the table tells apart well; 32 KiB */
};

struct bell_topic {
    uint64_t number;
    uint64_t rings;       /* since it is here */
    uint32_t ears;        /* that listen; it goes with the last one */
    struct list sleepers; /* longest asleep first */
};

struct shard {
    pthread_mutex_t lock;
    struct map topics; /* struct bell_topic by number */
};

struct bell {
    struct shard shards[SHARDS];
    _Atomic uint32_t listening[COUNTERS]; /* ears by hash of the topic */
};

static struct shard *shard_of(struct bell *bell, uint64_t topic)
{
    return &bell->shards[chance_mix(topic) % SHARDS];
}

/* Other bits of the hash than those that choose the shard. */
static _Atomic uint32_t *counter_of(struct bell *bell, uint64_t topic)
{
    return &bell->listening[(chance_mix(topic) >> 32) % COUNTERS];
}

struct bell *bell_new(uint64_t seed)
{
    struct bell *bell = MEM_NEW(struct bell);

    for (size_t i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_init(&bell->shards[i].lock, NULL); /* cannot fail here */
        map_init(&bell->shards[i].topics, seed + i);
    }
    return bell;
}

void bell_free(struct bell *bell)
{
    if (bell == NULL) {
        return;
    }
    for (size_t i = 0; i < SHARDS; i++) {
        assert(bell->shards[i].topics.count == 0);
        map_clear(&bell->shards[i].topics);
        (void)pthread_mutex_destroy(&bell->shards[i].lock);
    }
    mem_free(bell);
}

static struct bell_topic *open_topic(struct shard *shard, uint64_t number)
{
    struct bell_topic *topic = map_get_u64(&shard->topics, number);

    if (topic == NULL) {
        topic = MEM_NEW(struct bell_topic);
        topic->number = number;
        list_init(&topic->sleepers);
        (void)map_put_u64(&shard->topics, number, topic); /* none was there */
    }
    return topic;
}

void bell_listen(struct bell *bell, struct bell_ear *ear, uint64_t number)
{
    struct shard *shard = shard_of(bell, number);

    assert(ear->topic == NULL && ear->mailbox != NULL && ear->message.run != NULL);
    (void)atomic_fetch_add(counter_of(bell, number), 1);
    (void)pthread_mutex_lock(&shard->lock);
    ear->topic = open_topic(shard, number);
    ear->topic_number = number;
    ear->topic->ears++;
    ear->heard = ear->topic->rings;
    (void)pthread_mutex_unlock(&shard->lock);
}

bool bell_sleep(struct bell *bell, struct bell_ear *ear)
{
    struct bell_topic *topic = ear->topic;

    assert(topic != NULL);
    struct shard *shard = shard_of(bell, topic->number);

    (void)pthread_mutex_lock(&shard->lock);
    bool is_quiet = ear->heard == topic->rings;
    if (is_quiet) {
        list_push_back(&topic->sleepers, &ear->link);
    } else {
        ear->heard = topic->rings;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return is_quiet;
}

bool bell_wake(struct bell *bell, struct bell_ear *ear)
{
    struct bell_topic *topic = ear->topic;
    struct shard *shard = shard_of(bell, topic->number);

    (void)pthread_mutex_lock(&shard->lock);
    bool was_asleep = list_link_is_in(&ear->link);
    if (was_asleep) {
        list_remove(&topic->sleepers, &ear->link);
        ear->heard = topic->rings;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return was_asleep;
}

void bell_leave(struct bell *bell, struct bell_ear *ear)
{
    struct bell_topic *topic = ear->topic;

    if (topic == NULL) {
        return;
    }
    struct shard *shard = shard_of(bell, topic->number);

    (void)pthread_mutex_lock(&shard->lock);
    assert(!list_link_is_in(&ear->link));
    (void)atomic_fetch_sub(counter_of(bell, topic->number), 1);
    if (--topic->ears == 0) {
        (void)map_remove_u64(&shard->topics, topic->number); /* the same that is freed next */
        mem_free(topic);
    }
    (void)pthread_mutex_unlock(&shard->lock);
    ear->topic = NULL;
}

/* Takes up to `times` sleepers and chains their messages. */
static struct message *take_sleepers(struct bell_topic *topic, uint32_t times)
{
    struct message *first = NULL;
    struct message **end = &first;
    struct list_link *link = NULL;

    while (times-- > 0 && (link = list_pop_front(&topic->sleepers)) != NULL) {
        struct bell_ear *ear = CONTAINER_OF(link, struct bell_ear, link);

        ear->heard = topic->rings;
        ear->message.next = NULL;
        *end = &ear->message;
        end = &ear->message.next;
    }
    return first;
}

/* Outside the lock: waking an idle core takes long, and an ear that was taken stays where it is
 * until its message came. */
static void post_each(struct message *message)
{
    while (message != NULL) {
        struct bell_ear *ear = CONTAINER_OF(message, struct bell_ear, message);

        message = message->next;
        mailbox_post(ear->mailbox, &ear->message);
    }
}

void bell_ring(struct bell *bell, uint64_t number, uint32_t times)
{
    struct message *woken = NULL;

    if (times == 0 || atomic_load(counter_of(bell, number)) == 0) {
        return;
    }
    struct shard *shard = shard_of(bell, number);

    (void)pthread_mutex_lock(&shard->lock);
    struct bell_topic *topic = map_get_u64(&shard->topics, number);
    if (topic != NULL) {
        topic->rings += times;
        woken = take_sleepers(topic, times);
    }
    (void)pthread_mutex_unlock(&shard->lock);
    post_each(woken);
}
