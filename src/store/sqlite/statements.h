/*
 * Every SQL statement that runs after the start, in one place: X(name, text).
 *
 * All are prepared when a connection is opened and used again and again. Ids are stored as the
 * signed 64-bit numbers that SQLite has. `way <> 3` is STORE_QUEUE spelt out: the partial index
 * pending_due is only taken where the condition stands literally.
 */
#ifndef STORE_SQLITE_STATEMENTS_H
#define STORE_SQLITE_STATEMENTS_H

/* What event_row.c reads of an event, in its order. */
#define EVENT_COLUMNS                                                                              \
    "event.id, event.account, (SELECT name FROM account WHERE account.id = event.account),"        \
    " event.type, event.content_type, event.client_ref, event.server_ref, event.notify_url,"       \
    " event.external_id, event.attributes, event.data"
enum { EVENT_COLUMNS_COUNT = 11 };

/* What read_operation.c reads of an operation, in its order. */
#define OPERATION_COLUMNS                                                                          \
    "id, account, state, created, deadline, expires, delayed, steps, ended, code, event, command," \
    " client_ref, server_ref, notify_url, origin, result, data, outcome"

#define SQL_STATEMENTS(X)                                                                          \
    X(begin_write, "BEGIN IMMEDIATE")                                                              \
    X(begin_read, "BEGIN")                                                                         \
    X(commit, "COMMIT")                                                                            \
    X(rollback, "ROLLBACK")                                                                        \
                                                                                                   \
    X(get_meta, "SELECT value FROM meta WHERE name = ?1")                                          \
    X(put_meta, "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")                       \
                                                                                                   \
    /* events */                                                                                   \
    X(insert_event,                                                                                \
      "INSERT INTO event (id, account, type, content_type, client_ref, server_ref, notify_url,"    \
      " external_id, attributes, idem, targets, data, name)"                                       \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")                          \
    X(get_event, "SELECT " EVENT_COLUMNS " FROM event WHERE id = ?1")                              \
    X(get_event_of_delivery,                                                                       \
      "SELECT " EVENT_COLUMNS ", targets FROM event WHERE id <= ?1 ORDER BY id DESC LIMIT 1")      \
    X(find_event, "SELECT id, account, type, targets, data IS NULL FROM event WHERE id <= ?1"      \
                  " ORDER BY id DESC LIMIT 1")                                                     \
    X(events_from, "SELECT id, account, targets FROM event WHERE id > ?1 ORDER BY id LIMIT ?2")    \
    X(next_event, "SELECT id, account, type, targets, data IS NULL, idem, name IS NULL FROM event" \
                  " WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT 1")                                \
    X(drop_data, "UPDATE event SET data = NULL WHERE id = ?1 AND data IS NOT NULL")                \
    X(delete_event, "DELETE FROM event WHERE id = ?1")                                             \
                                                                                                   \
    /* the index by account */                                                                     \
    X(insert_bucket, "INSERT INTO bucket (id, first) VALUES (?1, ?2)")                             \
    X(newest_bucket, "SELECT id, first FROM bucket ORDER BY id DESC LIMIT 1")                      \
    X(next_bucket, "SELECT id FROM bucket WHERE id > ?1 ORDER BY id LIMIT 1")                      \
    X(oldest_bucket, "SELECT id FROM bucket ORDER BY id LIMIT 1")                                  \
    X(count_bucket, "SELECT count(*) FROM event WHERE id >= ?1")                                   \
    X(bucket_of, "SELECT id FROM bucket WHERE first <= ?1 ORDER BY first DESC LIMIT 1")            \
    X(bucket_first, "SELECT first FROM bucket WHERE id >= ?1 ORDER BY id LIMIT 1")                 \
    X(delete_bucket, "DELETE FROM bucket WHERE id = ?1 AND NOT EXISTS"                             \
                     " (SELECT 1 FROM event_by_account WHERE bucket = ?1)")                        \
    X(insert_event_by_account,                                                                     \
      "INSERT INTO event_by_account (bucket, account, event) VALUES (?1, ?2, ?3)")                 \
    X(delete_event_by_account,                                                                     \
      "DELETE FROM event_by_account WHERE bucket = ?1 AND account = ?2 AND event = ?3")            \
    X(events_up, "SELECT found.event FROM bucket CROSS JOIN event_by_account AS found"             \
                 " ON found.bucket = bucket.id AND found.account = ?1"                             \
                 " AND found.event >= ?2 AND found.event < ?3"                                     \
                 " WHERE bucket.id BETWEEN ?4 AND ?5 ORDER BY bucket.id, found.event")             \
    X(events_down, "SELECT found.event FROM bucket CROSS JOIN event_by_account AS found"           \
                   " ON found.bucket = bucket.id AND found.account = ?1"                           \
                   " AND found.event >= ?2 AND found.event < ?3"                                   \
                   " WHERE bucket.id BETWEEN ?4 AND ?5 ORDER BY bucket.id DESC, found.event DESC") \
    X(insert_event_by_name,                                                                        \
      "INSERT INTO event_by_name (bucket, account, name, event) VALUES (?1, ?2, ?3, ?4)")          \
    X(delete_event_by_name,                                                                        \
      "DELETE FROM event_by_name WHERE bucket = ?1 AND account = ?2 AND event = ?3"                \
      " AND name = (SELECT name FROM event WHERE id = ?3)")                                        \
    X(find_event_by_name,                                                                          \
      "SELECT found.event FROM bucket CROSS JOIN event_by_name AS found"                           \
      " ON found.bucket = bucket.id AND found.account = ?1 AND found.name = ?2"                    \
      " ORDER BY bucket.id DESC, found.event DESC LIMIT 1")                                        \
                                                                                                   \
    /* attempts */                                                                                 \
    X(insert_attempt,                                                                              \
      "INSERT INTO attempt (id, delivery, previous, number, began, took, outcome, status, detail," \
      " answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")                                 \
    X(get_attempt,                                                                                 \
      "SELECT previous, number, began, took, outcome, status, detail, answer FROM attempt"         \
      " WHERE id = ?1")                                                                            \
    X(attempts_after, "SELECT delivery FROM attempt WHERE id > ?1")                                \
    X(delete_attempts, "DELETE FROM attempt WHERE id IN"                                           \
                       " (SELECT id FROM attempt WHERE id < ?1 ORDER BY id LIMIT ?2)")             \
    X(newest_attempt, "SELECT max(id) FROM attempt")                                               \
    X(insert_first_attempt,                                                                        \
      "INSERT OR REPLACE INTO attempt_by_delivery (bucket, delivery, attempt)"                     \
      " VALUES (?1, ?2, ?3)")                                                                      \
    X(find_first_attempt,                                                                          \
      "SELECT found.attempt FROM bucket CROSS JOIN attempt_by_delivery AS found"                   \
      " ON found.bucket = bucket.id AND found.delivery = ?1"                                       \
      " WHERE bucket.id BETWEEN ?2 AND ?3 ORDER BY bucket.id LIMIT 1")                             \
    X(delete_first_attempts,                                                                       \
      "DELETE FROM attempt_by_delivery WHERE bucket = ?1 AND delivery IN"                          \
      " (SELECT delivery FROM attempt_by_delivery WHERE bucket = ?1 LIMIT ?2)")                    \
                                                                                                   \
    /* what is pending; rows are only made for channels that are there */                          \
    X(put_pending,                                                                                 \
      "INSERT OR REPLACE INTO pending (channel, delivery, way, due, attempts, epoch, account,"     \
      " last_attempt) SELECT ?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7"                                       \
      " WHERE EXISTS (SELECT 1 FROM channel WHERE id = ?1)")                                       \
    X(get_pending, "SELECT way, due, attempts, epoch, account, last_attempt FROM pending"          \
                   " WHERE channel = ?1 AND delivery = ?2")                                        \
    X(move_pending, "UPDATE pending SET due = ?3, attempts = ?4, last_attempt = ?5"                \
                    " WHERE channel = ?1 AND delivery = ?2")                                       \
    X(due_pending, "UPDATE pending SET due = ?3 WHERE channel = ?1 AND delivery = ?2")             \
    X(lease_pending, "UPDATE pending SET due = ?3, attempts = ?4, epoch = ?5"                      \
                     " WHERE channel = ?1 AND delivery = ?2")                                      \
    X(delete_pending, "DELETE FROM pending WHERE channel = ?1 AND delivery = ?2")                  \
    X(pending_in_order,                                                                            \
      "SELECT delivery, due, attempts, epoch, account, last_attempt, way FROM pending"             \
      " WHERE channel = ?1 AND delivery > ?2 ORDER BY delivery")                                   \
    X(pending_by_due,                                                                              \
      "SELECT delivery, due, attempts FROM pending WHERE channel = ?1 AND due > ?2 AND way <> 3"   \
      " ORDER BY due, delivery")                                                                   \
    X(next_lane, "SELECT channel, due, account FROM pending WHERE way <> 3 AND channel > ?1"       \
                 " ORDER BY channel, due LIMIT 1")                                                 \
                                                                                                   \
    /* what ended otherwise than delivered by its first attempt */                                 \
    X(put_ended, "INSERT OR REPLACE INTO ended (delivery, state, attempts, last_attempt, at)"      \
                 " VALUES (?1, ?2, ?3, ?4, ?5)")                                                   \
    X(get_ended, "SELECT state, attempts, last_attempt FROM ended WHERE delivery = ?1")            \
    X(late_attempt, "UPDATE ended SET attempts = ?2, last_attempt = ?3 WHERE delivery = ?1")       \
    X(delete_ended, "DELETE FROM ended WHERE delivery = ?1")                                       \
                                                                                                   \
    /* idempotency keys */                                                                         \
    X(get_idempotency, "SELECT event, body FROM idempotency WHERE key = ?1")                       \
    X(put_idempotency,                                                                             \
      "INSERT OR REPLACE INTO idempotency (key, event, body) VALUES (?1, ?2, ?3)")                 \
    X(delete_idempotency, "DELETE FROM idempotency WHERE key = ?1 AND event = ?2")                 \
                                                                                                   \
    /* operations; each index stands by its name, for without it the walk would be over all */     \
    X(insert_operation,                                                                            \
      "INSERT INTO operation (id, account, state, created, deadline, expires, delayed, steps,"     \
      " ended, code, event, command, client_ref, server_ref, notify_url, origin, idem, data)"      \
      " VALUES (?1, ?2, 0, ?3, ?4, ?5, 0, 0, 0, 0, NULL, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")          \
    X(get_operation, "SELECT " OPERATION_COLUMNS " FROM operation WHERE id = ?1")                  \
    X(get_operation_state,                                                                         \
      "SELECT account, state, delayed, steps, event, body FROM operation WHERE id = ?1")           \
    X(step_operation, "UPDATE operation SET steps = steps + 1 WHERE id = ?1")                      \
    X(delay_operation, "UPDATE operation SET delayed = 1 WHERE id = ?1")                           \
    X(end_operation, "UPDATE operation SET state = ?2, ended = ?3, code = ?4, event = ?5,"         \
                     " body = ?6, result = ?7, outcome = ?8 WHERE id = ?1")                        \
    X(operations_down,                                                                             \
      "SELECT " OPERATION_COLUMNS " FROM operation INDEXED BY operation_by_account"                \
      " WHERE account = ?1 AND id >= ?2 AND id < ?3 ORDER BY id DESC")                             \
    X(operations_due, "SELECT " OPERATION_COLUMNS " FROM operation INDEXED BY operation_due"       \
                      " WHERE state = 0 AND deadline > 0 AND delayed = 0"                          \
                      " AND EXISTS (SELECT 1 FROM account WHERE account.id = operation.account)"   \
                      " ORDER BY deadline, id")                                                    \
    X(newest_operation, "SELECT max(id) FROM operation")                                           \
    X(next_keyed_operation, "SELECT id, idem FROM operation INDEXED BY operation_keyed"            \
                            " WHERE idem IS NOT NULL AND id < ?1 ORDER BY id LIMIT 1")             \
    X(next_ended_operation, "SELECT id, idem FROM operation INDEXED BY operation_ended"            \
                            " WHERE ended > 0 AND ended < ?1 ORDER BY ended LIMIT 1")              \
    X(next_operation_of, "SELECT id, idem FROM operation INDEXED BY operation_by_account"          \
                         " WHERE account = ?1 LIMIT 1")                                            \
    X(forget_operation_key, "UPDATE operation SET idem = NULL WHERE id = ?1")                      \
    X(delete_operation, "DELETE FROM operation WHERE id = ?1")                                     \
    X(note_removed_account, "INSERT OR IGNORE INTO removed_account (account) VALUES (?1)")         \
    X(next_removed_account, "SELECT account FROM removed_account LIMIT 1")                         \
    X(delete_removed_account, "DELETE FROM removed_account WHERE account = ?1")                    \
                                                                                                   \
    /* settings */                                                                                 \
    X(put_account,                                                                                 \
      "INSERT INTO account (id, name, sealed, settings, credentials, created, updated)"            \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET"                        \
      " name = ?2, sealed = ?3, settings = ?4, credentials = ?5, updated = ?7")                    \
    X(put_channel,                                                                                 \
      "INSERT INTO channel (id, account, sealed, settings, secrets, created, updated,"             \
      " health, failing_since, health_changed)"                                                    \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO UPDATE SET"           \
      " sealed = ?3, settings = ?4, secrets = ?5, updated = ?7,"                                   \
      " health = ?8, failing_since = ?9, health_changed = ?10")                                    \
    X(put_health,                                                                                  \
      "UPDATE channel SET health = ?2, failing_since = ?3, health_changed = ?4 WHERE id = ?1")     \
    X(put_key, "INSERT INTO key (id, hash, scope, account, label, created)"                        \
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                                                 \
    X(has_channel, "SELECT 1 FROM channel WHERE id = ?1")                                          \
    X(delete_account, "DELETE FROM account WHERE id = ?1")                                         \
    X(delete_channel, "DELETE FROM channel WHERE id = ?1")                                         \
    X(delete_channels_of, "DELETE FROM channel WHERE account = ?1")                                \
    X(delete_key, "DELETE FROM key WHERE id = ?1")                                                 \
    X(delete_keys_of, "DELETE FROM key WHERE account = ?1")                                        \
    X(note_removed, "INSERT OR IGNORE INTO removed (channel) VALUES (?1)")                         \
    X(note_removed_of,                                                                             \
      "INSERT OR IGNORE INTO removed (channel) SELECT id FROM channel WHERE account = ?1")         \
    X(next_removed, "SELECT channel FROM removed LIMIT 1")                                         \
    X(delete_removed, "DELETE FROM removed WHERE channel = ?1")                                    \
    X(load_accounts,                                                                               \
      "SELECT id, name, sealed, settings, credentials, created, updated FROM account ORDER BY id") \
    X(load_channels,                                                                               \
      "SELECT id, account, sealed, settings, secrets, created, updated, health, failing_since,"    \
      " health_changed FROM channel WHERE account = ?1 ORDER BY id")                               \
    X(newest_account, "SELECT max(id) FROM account")                                               \
    X(newest_channel, "SELECT max(id) FROM channel")                                               \
    X(newest_key, "SELECT max(id) FROM key")                                                       \
    X(count_channels_of, "SELECT count(*) FROM channel WHERE account = ?1")                        \
    X(load_keys, "SELECT id, hash, scope, account, label, created FROM key ORDER BY id")

enum sql {
#define SQL_ENUM(name, text) SQL_##name,
    SQL_STATEMENTS(SQL_ENUM)
#undef SQL_ENUM
        SQL_COUNT
};

#endif
