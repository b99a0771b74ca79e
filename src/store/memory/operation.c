/*
 * Operations. Each move is the event that tells it and a changed copy of the operation.
 */
#include "base/mem.h"
#include "store/advance.h"
#include "store/memory/found.h"
#include "store/memory/memory_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- New ones -------------------------------------------------------------------------------- */

/* Answers a request whose key counts still. False: it is a new operation. */
static bool answer_by_key(const struct engine *engine, struct wall now,
                          struct store_open_operation *open)
{
    const struct used_key *used = memory_find_key(engine, open->idempotency, now);

    if (used == NULL) {
        return false;
    }
    if (memcmp(used->body, open->body, sizeof used->body) == 0) {
        open->is_duplicate = true;
        open->id = used->first;
    } else {
        open->request.err = diag_set(&open->request.diag, ERR_CONFLICT,
                                     "the key was used before with another content");
    }
    return true;
}

enum err memory_open_operation(struct engine *engine, const struct engine_batch *batch,
                               struct store_open_operation *open)
{
    struct snapshot *draft = engine->draft;
    struct operation operation = *open->operation;

    if (open->is_idempotent && answer_by_key(engine, batch->now, open)) {
        return OK;
    }
    if (snapshot_operation(draft, open->id) != NULL) {
        open->request.err =
            diag_set(&open->request.diag, ERR_EXISTS, "there is an operation of that id");
        return OK;
    }
    operation.id = open->id;
    operation.created = batch->now;
    snapshot_put_operation(draft, kept_operation_new(&operation, NULL));
    if (open->is_idempotent) {
        snapshot_put_key(draft, used_key_new(open->idempotency, open->body, open->id));
    }
    return OK;
}

/* ---- What becomes of them -------------------------------------------------------------------- */

/* As advance leaves it; the texts are lent. */
static struct operation moved(const struct operation *before, const struct store_advance *advance,
                              struct wall now)
{
    struct operation after = *before;

    switch (advance->kind) {
    case STORE_ADVANCE_STEP:
        after.steps++;
        break;
    case STORE_ADVANCE_DELAY:
        after.is_delayed = true;
        break;
    case STORE_ADVANCE_END:
        after.state = advance->state;
        after.ended = now;
        after.code = advance->code;
        after.result = advance->result;
        after.outcome = advance->outcome;
        after.event = advance->item.id;
        break;
    }
    return after;
}

static bool is_allowed(struct store_advance *advance, const struct kept_operation *kept)
{
    if (kept == NULL) {
        return advance_is_allowed(advance, NULL, SLICE(""));
    }
    return advance_is_allowed(advance, kept->operation,
                              slice_from(kept->ended_by, sizeof kept->ended_by));
}

enum err memory_advance(struct engine *engine, const struct engine_batch *batch,
                        struct store_advance *advance)
{
    struct snapshot *draft = engine->draft;
    const struct kept_operation *kept = snapshot_operation(draft, advance->operation);
    struct store_publish_item *item = &advance->item;

    if (memory_is_known(engine, batch->now, item)) {
        advance->is_duplicate = item->is_duplicate;
        return OK;
    }
    if (!is_allowed(advance, kept)) {
        item->deliveries = snapshot_deliveries(draft, item->id); /* a duplicate has the first's */
        return OK;
    }
    const struct operation after = moved(kept->operation, advance, batch->now);
    snapshot_put_operation(draft, kept_operation_new(&after, advance->body));
    memory_publish_new(engine, batch->now, item);
    return OK;
}

/* ---- One ------------------------------------------------------------------------------------- */

enum err memory_get_operation(struct engine_reader *reader, struct wall now,
                              struct store_get_operation *get)
{
    struct snapshot *snapshot = shelf_snapshot(reader->engine->shelf);
    const struct kept_operation *kept = snapshot_operation(snapshot, get->operation);
    enum err err = OK;

    (void)now;
    get->found = NULL;
    if (kept != NULL && kept->operation->account.value == get->account.value) {
        get->found = operation_new(kept->operation);
    } else {
        err = diag_set(&get->request.diag, ERR_NOT_FOUND, "there is no such operation");
    }
    snapshot_release(snapshot);
    return err;
}

/* ---- Many ------------------------------------------------------------------------------------ */

/* Copies of the first of those that were found, at most max, and no more once they have bytes_max
 * of data. */
static struct operation **copy_found(const struct found *found, size_t max, size_t bytes_max,
                                     size_t *len)
{
    size_t most = found->len < max ? found->len : max;
    struct operation **operations = MEM_ARRAY(most, struct operation *);
    size_t bytes = 0;

    *len = 0;
    while (*len < most && (*len == 0 || bytes < bytes_max)) {
        const struct operation *operation = found->things[*len];

        bytes += operation->data.len + operation->outcome.len;
        operations[(*len)++] = operation_new(operation);
    }
    return operations;
}

static bool is_wanted(const struct store_list_operations *list, const struct operation *operation)
{
    return operation->account.value == list->page.account.value &&
           (list->page.after.value == 0 || operation->id.value < list->page.after.value) &&
           (!list->has_state || operation->state == list->state);
}

enum err memory_list_operations(struct engine_reader *reader, struct wall now,
                                struct store_list_operations *list)
{
    struct snapshot *snapshot = shelf_snapshot(reader->engine->shelf);
    const struct kept_operation *kept = NULL;
    struct found found = {0};
    struct snapshot_walk walk;

    (void)now;
    snapshot_walk_from(&walk, snapshot->operations, list->page.from);
    while ((kept = snapshot_walk_next(&walk)) != NULL &&
           kept->operation->id.value < list->page.to.value) {
        if (is_wanted(list, kept->operation)) {
            found_add(&found, kept->operation);
        }
    }
    snapshot_walk_end(&walk);
    found_reverse(&found);
    list->operations = copy_found(&found, list->page.max, list->bytes_max, &list->operations_len);
    list->page.has_more = found.len > list->operations_len;
    list->page.last = list->operations_len > 0 ? list->operations[list->operations_len - 1]->id
                                               : list->page.after;
    found_clear(&found);
    snapshot_release(snapshot);
    return OK;
}

/* ---- Due ------------------------------------------------------------------------------------- */

static bool is_to_be_told(const struct snapshot *snapshot, const struct operation *operation)
{
    return operation->state == OPERATION_PENDING && operation->deadline.us > 0 &&
           !operation->is_delayed &&
           directory_account_by_id(snapshot->directory, operation->account) != NULL;
}

static int compare_deadlines(const void *a, const void *b)
{
    const struct operation *left = *(const struct operation *const *)a;
    const struct operation *right = *(const struct operation *const *)b;

    if (left->deadline.us != right->deadline.us) {
        return left->deadline.us < right->deadline.us ? -1 : 1;
    }
    return left->id.value < right->id.value ? -1 : 1;
}

/* All that have a deadline before them or behind, by their deadlines. */
static void find_deadlines(const struct snapshot *snapshot, struct found *found)
{
    const struct kept_operation *kept = NULL;
    struct snapshot_walk walk;

    snapshot_walk_begin(&walk, snapshot->operations, NULL);
    while ((kept = snapshot_walk_next(&walk)) != NULL) {
        if (is_to_be_told(snapshot, kept->operation)) {
            found_add(found, kept->operation);
        }
    }
    snapshot_walk_end(&walk);
    if (found->len > 0) {
        qsort(found->things, found->len, sizeof *found->things, compare_deadlines);
    }
}

enum err memory_due_operations(struct engine_reader *reader, struct wall now,
                               struct store_due_operations *due)
{
    struct snapshot *snapshot = shelf_snapshot(reader->engine->shelf);
    struct found found = {0};
    uint32_t due_len = 0;

    (void)now;
    find_deadlines(snapshot, &found);
    while (due_len < found.len && due_len < due->max &&
           ((const struct operation *)found.things[due_len])->deadline.us <= due->now.us) {
        due_len++;
    }
    due->operations = copy_found(&found, due_len, due->bytes_max, &due->operations_len);
    due->next = due->operations_len < found.len
                    ? ((const struct operation *)found.things[due->operations_len])->deadline
                    : WALL_NEVER;
    found_clear(&found);
    snapshot_release(snapshot);
    return OK;
}
