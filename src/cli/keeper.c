#include "cli/keeper.h"

#include "base/mem.h"
#include "os/log.h"

/* Between two rounds of clearing up, and between two slices of one. */
#define ROUND_US (30 * US_PER_SECOND)
#define SLICE_US (20 * US_PER_MS)

enum { SLICE_ROWS = 512 };

struct keeper {
    struct env *env;
    struct store *store;
    struct mailbox *mailbox;
    struct keeper_limits limits;
    struct store_retain retain;
    bool is_under_way;
    struct mono next;
};

struct keeper *keeper_new(struct env *env, struct store *store, struct mailbox *mailbox,
                          const struct keeper_limits *limits)
{
    struct keeper *keeper = MEM_NEW(struct keeper);

    keeper->env = env;
    keeper->store = store;
    keeper->mailbox = mailbox;
    keeper->limits = *limits;
    return keeper;
}

void keeper_free(struct keeper *keeper)
{
    mem_free(keeper);
}

void keeper_set_limits(struct keeper *keeper, const struct keeper_limits *limits)
{
    keeper->limits = *limits;
}

static void slice_done(struct store_request *request)
{
    struct keeper *keeper = CONTAINER_OF(request, struct keeper, retain.request);
    bool has_more = request->err == OK && keeper->retain.has_more;

    if (request->err != OK && request->err != ERR_CLOSED) {
        log_line(LOG_WARN, "retention_failed", "error", request->diag.text, NULL);
    }
    keeper->is_under_way = false;
    keeper->next.us = env_mono(keeper->env).us + (has_more ? SLICE_US : ROUND_US);
    store_request_clear(request);
}

static struct wall before(struct keeper *keeper, int64_t age_us)
{
    return (struct wall){env_wall(keeper->env).us - age_us};
}

int64_t keeper_run(struct keeper *keeper)
{
    struct mono now = env_mono(keeper->env);

    if (keeper->is_under_way) {
        return ROUND_US;
    }
    if (now.us < keeper->next.us) {
        return keeper->next.us - now.us;
    }
    keeper->is_under_way = true;
    keeper->retain = (struct store_retain){
        .request = {.call = STORE_CALL_retain, .reply_to = keeper->mailbox, .done = slice_done},
        .payloads_before = before(keeper, keeper->limits.payloads_us),
        .rest_before = before(keeper, keeper->limits.rest_us),
        .idempotency_before = before(keeper, keeper->limits.idempotency_us),
        .max = SLICE_ROWS,
    };
    store_submit(keeper->store, &keeper->retain.request);
    return ROUND_US;
}
