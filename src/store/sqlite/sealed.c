/*
 * Secrets at rest: how they are packed, and how they are encrypted when the operator gave a master
 * key.
 */
#include "base/mem.h"
#include "store/sqlite/number.h"
#include "store/sqlite/sqlite_internal.h"

#include <string.h>

enum {
    SECRET_BYTES = 1 + CHANNEL_SECRET_BYTES_MAX + NUMBER_BYTES,
    NONCE_BYTES = 12,
    SEALED_BYTES_MAX = 1024 * 1024
};

void secrets_pack(struct buf *out, const struct channel *channel)
{
    for (uint32_t i = 0; i < channel->secrets_len; i++) {
        buf_byte(out, (char)channel->secrets[i].len);
        buf_add(out, channel->secrets[i].bytes, CHANNEL_SECRET_BYTES_MAX);
        number_pack(out, (uint64_t)channel->secrets[i].until.us);
    }
}

bool secrets_unpack(struct slice packed, struct channel *channel)
{
    if (packed.len % SECRET_BYTES != 0 || packed.len / SECRET_BYTES > CHANNEL_SECRETS_MAX) {
        return false;
    }
    channel->secrets_len = (uint32_t)(packed.len / SECRET_BYTES);
    for (uint32_t i = 0; i < channel->secrets_len; i++) {
        const char *at = packed.ptr + (size_t)i * SECRET_BYTES;

        channel->secrets[i].len = (uint8_t)at[0];
        memcpy(channel->secrets[i].bytes, at + 1, CHANNEL_SECRET_BYTES_MAX);
        channel->secrets[i].until.us = (int64_t)number_unpack(at + 1 + CHANNEL_SECRET_BYTES_MAX);
    }
    return true;
}

/* What a sealed value belongs to: so that nobody can move it to another row or column. */
static void bound_text(struct buf *out, const char *what, struct id row)
{
    buf_init(out, 128);
    buf_printf(out, "%s %llu", what, (unsigned long long)row.value);
}

void sealed_bind(struct engine *engine, sqlite3_stmt *statement, int at, const char *what,
                 struct id row, struct slice plain)
{
    uint8_t nonce[NONCE_BYTES];
    struct buf bound;
    struct buf sealed;

    if (!engine->has_master_key) {
        bind_blob_copy(statement, at, plain);
        return;
    }
    engine->env->random(engine->env, nonce, sizeof nonce);
    bound_text(&bound, what, row);
    buf_init(&sealed, SEALED_BYTES_MAX + SEAL_OVERHEAD_BYTES);
    seal(&sealed, engine->master_key, nonce, buf_view(&bound), plain);
    bind_blob_copy(statement, at, buf_view(&sealed));
    buf_clear(&sealed);
    buf_clear(&bound);
}

enum err sealed_column(struct engine *engine, sqlite3_stmt *row, int at, bool is_sealed,
                       const char *what, struct id id, struct buf *out)
{
    struct slice value = column_slice(row, at);
    struct buf bound;

    if (!is_sealed) {
        buf_slice(out, value);
        return OK;
    }
    if (!engine->has_master_key) {
        return diag_set(engine->db.diag, ERR_DENIED,
                        "secrets are stored encrypted: the master key is missing");
    }
    bound_text(&bound, what, id);
    enum err err = unseal(out, engine->master_key, buf_view(&bound), value);
    buf_clear(&bound);
    return err == OK ? OK
                     : diag_set(engine->db.diag, err,
                                "a secret cannot be decrypted: it is not the master key that "
                                "encrypted it, or the data is damaged");
}
