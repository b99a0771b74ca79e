#include "store/writes_internal.h"

/* Operations of an account that is gone are gone too, although retain has not come to them yet. */
static bool has_account(struct committer *committer, struct store_request *request,
                        struct id account)
{
    const struct directory *settings = settings_staged(committer->options.settings);

    if (directory_account_by_id(settings, account) != NULL) {
        return true;
    }
    request->err = diag_set(&request->diag, ERR_NOT_FOUND, "there is no such account");
    return false;
}

/* ---- New ones ------------------------------------------------------------------------------- */

/* An id that the store makes may meet one that a caller chose in the same millisecond: then the
 * next one is as good. */
enum err write_open_operation(struct committer *committer, struct store_request *request)
{
    struct store_open_operation *open = REQUEST(open_operation, request);
    struct id chosen = open->operation->id;
    enum err err = OK;

    open->is_duplicate = false;
    if (!has_account(committer, request, open->operation->account)) {
        return OK;
    }
    do {
        request->err = OK;
        open->id = chosen.value != 0 ? chosen : id_make(&committer->ids, committer->at.now, 1);
        err =
            committer->options.ops->open_operation(committer->options.engine, &committer->at, open);
    } while (err == OK && request->err == ERR_EXISTS && chosen.value == 0);
    return err;
}

void committed_open_operation(struct committer *committer, struct store_request *request)
{
    struct store_open_operation *open = REQUEST(open_operation, request);
    const struct store_hooks *hooks = committer->options.hooks;

    if (open->is_duplicate) {
        return;
    }
    open->operation->id = open->id;
    open->operation->created = committer->at.now;
    if (open->operation->deadline.us > 0 && hooks->deadline != NULL) {
        hooks->deadline(hooks->ctx, open->operation->deadline);
    }
}

/* ---- What becomes of them ------------------------------------------------------------------- */

enum err write_advance(struct committer *committer, struct store_request *request)
{
    struct store_advance *advance = REQUEST(advance, request);

    advance->is_duplicate = false;
    if (!has_account(committer, request, advance->account)) {
        return OK;
    }
    writes_prepare_item(committer, &advance->item);
    enum err err =
        committer->options.ops->advance(committer->options.engine, &committer->at, advance);
    if (err == OK && request->err != OK) {
        writes_undo_item(&advance->item);
    }
    return err;
}

void undo_advance(struct store_request *request)
{
    writes_undo_item(&REQUEST(advance, request)->item);
}

void committed_advance(struct committer *committer, struct store_request *request)
{
    writes_tell_item(committer, &REQUEST(advance, request)->item);
}
