#include "store/readers.h"

#include "base/macro.h"
#include "base/mem.h"
#include "store/replies.h"

#include <assert.h>

struct reader {
    struct readers *readers;
    struct engine_reader *view;
    struct thread thread;
};

typedef enum err read_fn(const struct engine_ops *ops, struct engine_reader *view, struct wall now,
                         struct store_request *request);

/* One function for each reading call, which knows its request's type; none for the writing ones. */
#define READ_FUNCTION_W(name)
#define READ_FUNCTION_R(name)                                                                      \
    static enum err read_##name(const struct engine_ops *ops, struct engine_reader *view,          \
                                struct wall now, struct store_request *request)                    \
    {                                                                                              \
        return ops->name(view, now, CONTAINER_OF(request, struct store_##name, request));          \
    }
#define READ_FUNCTION(name, way) READ_FUNCTION_##way(name)
STORE_CALLS(READ_FUNCTION)
#undef READ_FUNCTION

#define READ_ROW_W(name)
#define READ_ROW_R(name) [STORE_CALL_##name] = read_##name,
#define READ_ROW(name, way) READ_ROW_##way(name)
static read_fn *const reads[STORE_CALL_COUNT] = {STORE_CALLS(READ_ROW)};
#undef READ_ROW

/* Dispatch's thread takes nothing else. */
static bool is_dispatchs(const struct reader *reader)
{
    return reader == &reader->readers->threads[0];
}

/* ---- The queues ------------------------------------------------------------------------------ */

static void push(struct readers_queue *queue, struct message *message)
{
    message->next = NULL;
    if (queue->first == NULL) {
        queue->first = message;
    } else {
        queue->last->next = message;
    }
    queue->last = message;
}

static struct message *pop(struct readers_queue *queue)
{
    struct message *message = queue->first;

    if (message != NULL) {
        queue->first = message->next;
    }
    return message;
}

static struct message *pop_for(const struct reader *reader)
{
    struct readers *readers = reader->readers;
    struct message *message = pop(&readers->from_dispatch);

    return message != NULL || is_dispatchs(reader) ? message : pop(&readers->others);
}

/* NULL: the store is closing and nothing waits any more. */
static struct store_request *next_request(const struct reader *reader)
{
    struct readers *readers = reader->readers;
    pthread_cond_t *wake = is_dispatchs(reader) ? &readers->wake_dispatch : &readers->wake;
    struct message *message = NULL;

    (void)pthread_mutex_lock(&readers->lock);
    while ((message = pop_for(reader)) == NULL && !readers->is_closing) {
        (void)pthread_cond_wait(wake, &readers->lock);
    }
    (void)pthread_mutex_unlock(&readers->lock);
    return message != NULL ? CONTAINER_OF(message, struct store_request, message) : NULL;
}

/* Whichever of those that may answer it is free takes it. */
static void put(struct readers *readers, struct store_request *request)
{
    bool is_from_dispatch = request->call == STORE_CALL_take || request->call == STORE_CALL_lanes;

    push(is_from_dispatch ? &readers->from_dispatch : &readers->others, &request->message);
    (void)pthread_cond_signal(&readers->wake);
    if (is_from_dispatch) {
        (void)pthread_cond_signal(&readers->wake_dispatch);
    }
}

/* ---- The threads ----------------------------------------------------------------------------- */

static void run(void *ctx)
{
    struct reader *reader = ctx;
    struct readers *readers = reader->readers;
    struct store_request *request = NULL;

    while ((request = next_request(reader)) != NULL) {
        request->diag = (struct diag){0};
        request->err =
            reads[request->call](readers->ops, reader->view, env_wall(readers->env), request);
        reply_post(request);
    }
}

static void close_views(struct readers *readers)
{
    for (uint32_t i = 0; i < readers->len; i++) {
        if (readers->threads[i].view != NULL) {
            readers->ops->reader_close(readers->threads[i].view);
        }
    }
    mem_free(readers->threads);
    readers->threads = NULL;
    readers->len = 0;
}

enum err readers_start(struct readers *readers, const struct engine_ops *ops, struct engine *engine,
                       struct env *env, uint32_t len, struct diag *diag)
{
    enum err err = OK;

    assert(len > 0);
    len++; /* and dispatch's */
    *readers = (struct readers){.ops = ops, .env = env, .len = len};
    readers->threads = MEM_ARRAY(len, struct reader);
    for (uint32_t i = 0; i < len && err == OK; i++) {
        readers->threads[i].readers = readers;
        err = ops->reader_open(engine, &readers->threads[i].view, diag);
    }
    if (err != OK) {
        close_views(readers);
        return err;
    }
    (void)pthread_mutex_init(&readers->lock, NULL); /* plain ones: nothing can be lacking */
    (void)pthread_cond_init(&readers->wake, NULL);
    (void)pthread_cond_init(&readers->wake_dispatch, NULL);
    for (uint32_t i = 0; i < len; i++) {
        thread_start(&readers->threads[i].thread, "reader", run, &readers->threads[i]);
    }
    return OK;
}

void readers_submit(struct readers *readers, struct store_request *request)
{
    (void)pthread_mutex_lock(&readers->lock);
    bool is_closing = readers->is_closing;
    if (!is_closing) {
        put(readers, request);
    }
    (void)pthread_mutex_unlock(&readers->lock);
    if (is_closing) {
        request->err = diag_set(&request->diag, ERR_CLOSED, "shutting down");
        reply_post(request);
    }
}

void readers_stop(struct readers *readers)
{
    (void)pthread_mutex_lock(&readers->lock);
    readers->is_closing = true;
    (void)pthread_cond_broadcast(&readers->wake);
    (void)pthread_cond_broadcast(&readers->wake_dispatch);
    (void)pthread_mutex_unlock(&readers->lock);
    for (uint32_t i = 0; i < readers->len; i++) {
        thread_join(&readers->threads[i].thread);
    }
    close_views(readers);
}

void readers_clear(struct readers *readers)
{
    (void)pthread_cond_destroy(&readers->wake);
    (void)pthread_cond_destroy(&readers->wake_dispatch);
    (void)pthread_mutex_destroy(&readers->lock);
}
