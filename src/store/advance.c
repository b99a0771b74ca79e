#include "store/advance.h"

static bool refuse(struct store_advance *advance, enum err err, const char *words)
{
    advance->request.err = diag_set(&advance->request.diag, err, "%s", words);
    return false;
}

static bool is_same_end(const struct store_advance *advance, struct slice ended_by)
{
    return advance->kind == STORE_ADVANCE_END &&
           slice_equal(ended_by, slice_from(advance->body, sizeof advance->body));
}

/* It ended before. */
static bool answer_late(struct store_advance *advance, const struct operation *found,
                        struct slice ended_by)
{
    if (!is_same_end(advance, ended_by)) {
        return refuse(advance, ERR_CONFLICT, "the operation is not pending any more");
    }
    advance->is_duplicate = true;
    advance->item.is_duplicate = true;
    advance->item.id = found->event;
    return false;
}

bool advance_is_allowed(struct store_advance *advance, const struct operation *found,
                        struct slice ended_by)
{
    if (found == NULL || found->account.value != advance->account.value) {
        return refuse(advance, ERR_NOT_FOUND, "there is no such operation");
    }
    if (found->state != OPERATION_PENDING) {
        return answer_late(advance, found, ended_by);
    }
    if (advance->kind == STORE_ADVANCE_DELAY && found->is_delayed) {
        return refuse(advance, ERR_CONFLICT, "it was told before that the operation is delayed");
    }
    if (advance->kind == STORE_ADVANCE_STEP && found->steps >= OPERATION_STEPS_MAX) {
        return refuse(advance, ERR_LIMIT, "the operation has had all the steps that it may have");
    }
    return true;
}
