/*
 * The two halves of the table in writes.c: events and deliveries there, settings in
 * writes_settings.c.
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

/* The functions of the table's rows: see struct write_call. */
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
