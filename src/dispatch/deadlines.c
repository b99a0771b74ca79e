#include "dispatch/deadlines.h"

#include "base/mem.h"
#include "dispatch/news.h"
#include "os/log.h"

#include <assert.h>
#include <stdatomic.h>

/* How long nobody need call when no operation has a deadline. */
#define IDLE_US US_PER_MINUTE
/* How often the wall clock is looked at when one has. */
#define LOOK_US (500 * US_PER_MS)
/* Before the store is asked again after it refused something. */
#define PAUSE_US (2 * US_PER_SECOND)

/* What is told at a time: some milliseconds of the store's time, and bounded memory. */
enum { SLICE_OPERATIONS = 256, SLICE_BYTES = 4 * 1024 * 1024 };

/*
 *   RESTING --time--> ASKING --some are due--> TELLING
 *     ^  ^              |                        |
 *     |  '--none is due-'                        |
 *     '---------------all are answered-----------'
 */
enum deadlines_state { RESTING, ASKING, TELLING };

/* One operation whose deadline is being told. */
struct telling {
    struct news news;
    struct deadlines *deadlines;
};

struct deadlines {
    struct env *env;
    struct store *store;
    struct dispatch *dispatch;
    struct mailbox *mailbox;
    struct store_view view;
    struct message message; /* wakes the owner: there is a sooner deadline */
    atomic_bool is_posted;  /* the message is in the mailbox */
    _Atomic int64_t next;   /* wall clock: when to ask */
    enum deadlines_state state;
    struct store_due_operations due; /* holds the operations while they are told */
    struct telling *tellings;        /* owned; one for each of these */
    uint32_t under_way;              /* of these, not yet answered */
    uint32_t told_now;               /* of these, told */
    bool was_refused;                /* the store could not take one of these */
    bool has_complained;             /* since something was told */
    struct mono not_before;
    bool is_stopping;
    _Atomic uint64_t told;
};

/* ---- when to ask ---- */

/* Lowers the time of the next asking; whether it was later. */
static bool ask_at(struct deadlines *deadlines, struct wall at)
{
    int64_t next = atomic_load(&deadlines->next);

    while (at.us < next) {
        if (atomic_compare_exchange_weak(&deadlines->next, &next, at.us)) {
            return true;
        }
    }
    return false;
}

static void be_woken(struct message *message)
{
    struct deadlines *deadlines = CONTAINER_OF(message, struct deadlines, message);

    /* That it is awake is all: whoever runs the mailbox calls deadlines_run next. */
    atomic_store(&deadlines->is_posted, false);
}

void deadlines_stored(struct deadlines *deadlines, struct wall deadline)
{
    if (deadlines != NULL && ask_at(deadlines, deadline) &&
        !atomic_exchange(&deadlines->is_posted, true)) {
        mailbox_post(deadlines->mailbox, &deadlines->message);
    }
}

static void rest(struct deadlines *deadlines, int64_t pause_us)
{
    deadlines->state = RESTING;
    deadlines->not_before.us = env_mono(deadlines->env).us + pause_us;
}

/* Once for all that is refused until the store takes something again. */
static void complain(struct deadlines *deadlines, const struct diag *diag)
{
    if (!deadlines->has_complained && !deadlines->is_stopping) {
        log_line(LOG_WARN, "deadlines_not_told", "error", diag->text, NULL);
    }
    deadlines->has_complained = true;
}

/* They are due still. */
static void rest_after_refusal(struct deadlines *deadlines)
{
    (void)ask_at(deadlines, (struct wall){0});
    rest(deadlines, PAUSE_US);
}

/* ---- telling ---- */

static void end_slice(struct deadlines *deadlines)
{
    struct wall next = deadlines->due.next;

    store_request_clear(&deadlines->due.request);
    mem_free(deadlines->tellings);
    deadlines->tellings = NULL;
    if (deadlines->was_refused) {
        rest_after_refusal(deadlines);
        return;
    }
    (void)ask_at(deadlines, next);
    /* None of them was to be told: the store and we are of two minds, which must not turn a loop. */
    rest(deadlines, deadlines->told_now == 0 ? LOOK_US : 0);
}

static void told(struct store_request *request)
{
    struct telling *telling = CONTAINER_OF(request, struct telling, news.advance.request);
    struct deadlines *deadlines = telling->deadlines;

    if (news_is_stored(&telling->news)) {
        deadlines->told_now++;
        atomic_fetch_add_explicit(&deadlines->told, 1, memory_order_relaxed);
        deadlines->has_complained = false;
    } else if (request->err != ERR_CONFLICT && request->err != ERR_NOT_FOUND) {
        deadlines->was_refused = true;
        complain(deadlines, &request->diag);
    } /* else it has ended, or its account is gone, since it was asked for */
    news_end(&telling->news);
    if (--deadlines->under_way == 0) {
        end_slice(deadlines);
    }
}

static const struct news_told delayed = {
    .news = OPERATION_NEWS_DELAYED,
    .code = OPERATION_CODE_PENDING,
    .result = {OPERATION_PENDING_RESULT, sizeof OPERATION_PENDING_RESULT - 1}};
static const struct news_told expired = {
    .news = OPERATION_NEWS_EXPIRED, .code = 2400, .result = {"Operation expired", 17}};

static void tell(struct deadlines *deadlines, struct telling *telling,
                 const struct operation *operation)
{
    struct directory *directory = store_view(deadlines->store, &deadlines->view);
    struct news_told what = operation->expires ? expired : delayed;

    what.data = operation->data;
    telling->deadlines = deadlines;
    news_begin(&telling->news, deadlines->dispatch,
               directory_account_by_id(directory, operation->account), operation, &what);
    telling->news.advance.request = (struct store_request){
        .call = STORE_CALL_advance, .reply_to = deadlines->mailbox, .done = told};
    store_submit(deadlines->store, &telling->news.advance.request);
}

static void tell_all(struct deadlines *deadlines)
{
    size_t count = deadlines->due.operations_len;

    deadlines->state = TELLING;
    deadlines->tellings = MEM_ARRAY(count, struct telling);
    deadlines->under_way = (uint32_t)count;
    deadlines->told_now = 0;
    deadlines->was_refused = false;
    for (size_t i = 0; i < count; i++) {
        tell(deadlines, &deadlines->tellings[i], deadlines->due.operations[i]);
    }
}

/* ---- asking ---- */

static void asked(struct store_request *request)
{
    struct deadlines *deadlines = CONTAINER_OF(request, struct deadlines, due.request);

    if (request->err == OK && deadlines->due.operations_len > 0 && !deadlines->is_stopping) {
        tell_all(deadlines);
        return;
    }
    if (request->err == OK) {
        (void)ask_at(deadlines, deadlines->due.next);
        rest(deadlines, 0);
    } else {
        complain(deadlines, &request->diag);
        rest_after_refusal(deadlines);
    }
    store_request_clear(request);
}

static void ask(struct deadlines *deadlines, struct wall now)
{
    deadlines->state = ASKING;
    atomic_store(&deadlines->next, WALL_NEVER.us); /* invariant 2: before it is asked */
    deadlines->due = (struct store_due_operations){
        .request = {.call = STORE_CALL_due_operations,
                    .reply_to = deadlines->mailbox,
                    .done = asked},
        .now = now,
        .max = SLICE_OPERATIONS,
        .bytes_max = SLICE_BYTES,
    };
    store_submit(deadlines->store, &deadlines->due.request);
}

/* How long to sleep at most for what is `left_us` away by the wall clock, which may be set. */
static int64_t sleep_us(int64_t next, int64_t left_us)
{
    if (next == WALL_NEVER.us) {
        return IDLE_US;
    }
    return left_us < LOOK_US ? left_us : LOOK_US;
}

int64_t deadlines_run(struct deadlines *deadlines)
{
    int64_t pause_us = deadlines->not_before.us - env_mono(deadlines->env).us;
    struct wall now = env_wall(deadlines->env);
    int64_t next = atomic_load(&deadlines->next);

    if (deadlines->state != RESTING || deadlines->is_stopping) {
        return IDLE_US; /* a message comes */
    }
    if (pause_us > 0) {
        return pause_us;
    }
    if (next > now.us) {
        return sleep_us(next, next - now.us);
    }
    ask(deadlines, now);
    return IDLE_US;
}

/* ---- beginning and end ---- */

struct deadlines *deadlines_new(struct env *env, struct store *store, struct dispatch *dispatch,
                                struct mailbox *mailbox)
{
    struct deadlines *deadlines = MEM_NEW(struct deadlines);

    deadlines->env = env;
    deadlines->store = store;
    deadlines->dispatch = dispatch;
    deadlines->mailbox = mailbox;
    deadlines->message.run = be_woken;
    return deadlines;
}

void deadlines_stop(struct deadlines *deadlines)
{
    if (deadlines != NULL) {
        deadlines->is_stopping = true;
    }
}

void deadlines_free(struct deadlines *deadlines)
{
    if (deadlines == NULL) {
        return;
    }
    assert(deadlines->state == RESTING);
    store_view_clear(&deadlines->view);
    mem_free(deadlines);
}

uint64_t deadlines_told(const struct deadlines *deadlines)
{
    return atomic_load_explicit(&deadlines->told, memory_order_relaxed);
}
