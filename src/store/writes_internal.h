/*
 * The parts of the table in writes.c: events and deliveries there, operations in
 * writes_operations.c, settings in writes_settings.c.
 */
#ifndef STORE_WRITES_INTERNAL_H
#define STORE_WRITES_INTERNAL_H

#include "base/macro.h"
#include "store/writes.h"

/* The whole request of a call, from its head. */
#define REQUEST(name, from) CONTAINER_OF(from, struct store_##name, request)

/* Tells that settings changed; channel ID_NONE: those of the account. */
void writes_tell_changed(struct committer *committer, struct id account, struct id channel);

/* Puts a channel's new health into the staged settings; one that is gone meanwhile needs none. */
void writes_stage_health(struct committer *committer, const struct store_settle_health *item);

/* One event on its way through a transaction, whichever call brings it: gives it its ids before the
 * engine writes it; takes them out again when that came to nothing; and once it is committed notes
 * it for the window and for hooks.published, unless it is a duplicate or failed. */
void writes_prepare_item(struct committer *committer, struct store_publish_item *item);
void writes_undo_item(struct store_publish_item *item);
void writes_tell_item(struct committer *committer, struct store_publish_item *item);

/* The functions of the table's rows: see struct write_call. */
enum err write_open_operation(struct committer *committer, struct store_request *request);
enum err write_advance(struct committer *committer, struct store_request *request);
void undo_advance(struct store_request *request);
void committed_open_operation(struct committer *committer, struct store_request *request);
void committed_advance(struct committer *committer, struct store_request *request);
enum err write_put_account(struct committer *committer, struct store_request *request);
enum err write_put_channel(struct committer *committer, struct store_request *request);
enum err write_put_key(struct committer *committer, struct store_request *request);
enum err write_remove(struct committer *committer, struct store_request *request);
void undo_put_account(struct store_request *request);
void undo_put_channel(struct store_request *request);
void undo_put_key(struct store_request *request);
void committed_put_account(struct committer *committer, struct store_request *request);
void committed_put_channel(struct committer *committer, struct store_request *request);
void committed_remove(struct committer *committer, struct store_request *request);

#endif
