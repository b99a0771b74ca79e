/*
 * The lock guards the table of origins. It is taken when a connection opens and when it closes, not
 * for requests; a mailbox would not do because the answer is needed before the connection is
 * served.
 */
#include "http/census.h"

#include "base/map.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>

struct resident {
    struct origin origin; /* its key is the map's */
    uint32_t connections;
};

struct census {
    pthread_mutex_t lock;
    struct map residents; /* origins with connections; so no more of them than connections */
    uint32_t connections;
    uint32_t connections_max, per_origin_max;
};

struct census *census_new(uint64_t seed, uint32_t connections_max, uint32_t per_origin_max)
{
    struct census *census = MEM_NEW(struct census);

    (void)pthread_mutex_init(&census->lock, NULL); /* cannot fail here */
    map_init(&census->residents, seed);
    census->connections_max = connections_max;
    census->per_origin_max = per_origin_max;
    return census;
}

void census_free(struct census *census)
{
    if (census == NULL) {
        return;
    }
    assert(census->connections == 0 && census->residents.count == 0);
    map_clear(&census->residents);
    (void)pthread_mutex_destroy(&census->lock);
    mem_free(census);
}

static void add_connection(struct census *census, const struct origin *origin,
                           struct resident *resident)
{
    if (resident == NULL) {
        resident = MEM_NEW(struct resident);
        resident->origin = *origin;
        (void)map_put(&census->residents, origin_key(&resident->origin), resident); /* is new */
    }
    resident->connections++;
    census->connections++;
}

enum census_answer census_enter(struct census *census, const struct origin *origin)
{
    enum census_answer answer = CENSUS_WELCOME;

    (void)pthread_mutex_lock(&census->lock);
    struct resident *resident = map_get(&census->residents, origin_key(origin));
    if (census->connections >= census->connections_max) {
        answer = CENSUS_FULL;
    } else if (census->per_origin_max > 0 && resident != NULL &&
               resident->connections >= census->per_origin_max) {
        answer = CENSUS_ORIGIN_FULL;
    } else {
        add_connection(census, origin, resident);
    }
    (void)pthread_mutex_unlock(&census->lock);
    return answer;
}

void census_leave(struct census *census, const struct origin *origin)
{
    (void)pthread_mutex_lock(&census->lock);
    struct resident *resident = map_get(&census->residents, origin_key(origin));
    assert(resident != NULL && resident->connections > 0);
    census->connections--;
    if (--resident->connections == 0) {
        (void)map_remove(&census->residents, origin_key(origin));
        mem_free(resident);
    }
    (void)pthread_mutex_unlock(&census->lock);
}
