/*
 * A database as the first version of the program left it: an account with a webhook and a queue,
 * and one event with an idempotency key, failed at the webhook and waiting in the queue. It is
 * never to be changed: such files are out there.
 */
#ifndef STORE_VERSION1_H
#define STORE_VERSION1_H

#include "base/id.h"

#define VERSION1_ACCOUNT ((struct id){UINT64_C(805990878412804096)})
#define VERSION1_WEBHOOK ((struct id){UINT64_C(805990878412804097)})
#define VERSION1_QUEUE ((struct id){UINT64_C(805990878412804098)})
#define VERSION1_EVENT ((struct id){UINT64_C(805990878412804099)})
#define VERSION1_DATA "{\"total\": 1.000}"

static const char version1[] =
    "PRAGMA journal_mode = WAL; PRAGMA application_id = 0x54646e67; PRAGMA user_version = 1;"

    "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, sealed INTEGER NOT"
    " NULL, settings BLOB NOT NULL, credentials BLOB NOT NULL, created INTEGER NOT NULL, updated"
    " INTEGER NOT NULL);"

    "INSERT INTO account VALUES(805990878412804096,'shop',0,CAST('{\"description\":\"\","
    "\"metadata\":{}}' AS BLOB),X'',1770000000000000,1770000000000000);"

    "CREATE TABLE attempt (id INTEGER PRIMARY KEY, delivery INTEGER NOT NULL, previous INTEGER,"
    " number INTEGER NOT NULL, began INTEGER NOT NULL, took INTEGER NOT NULL, outcome INTEGER NOT"
    " NULL, status INTEGER NOT NULL, detail TEXT, answer BLOB);"

    "INSERT INTO attempt VALUES(805990878412804102,805990878412804100,NULL,1,1,0,2,503,'HTTP 503',"
    "NULL);"

    "CREATE TABLE attempt_by_delivery (bucket INTEGER, delivery INTEGER, attempt INTEGER NOT NULL,"
    " PRIMARY KEY (bucket, delivery)) WITHOUT ROWID;"

    "CREATE TABLE bucket (id INTEGER PRIMARY KEY, first INTEGER NOT NULL UNIQUE);"

    "INSERT INTO bucket VALUES(1,805990878412804099);"

    "CREATE TABLE channel (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, sealed INTEGER NOT"
    " NULL, settings BLOB NOT NULL, secrets BLOB NOT NULL, created INTEGER NOT NULL, updated"
    " INTEGER NOT NULL, health INTEGER NOT NULL, failing_since INTEGER NOT NULL, health_changed"
    " INTEGER NOT NULL);"

    "INSERT INTO channel VALUES(805990878412804097,805990878412804096,0,"
    "CAST('{\"kind\":\"webhook\",\"dialect\":\"standard\",\"url\":\"https://example.com/\","
    "\"description\":\"\",\"events\":[\"*\"],\"headers\":{},\"timeout_ms\":15000,\"retry\":[\"0s\","
    "\"5s\",\"5m\",\"30m\",\"2h\",\"5h\",\"10h\",\"14h\",\"20h\",\"1d\"],\"max_in_flight\":8,"
    "\"rate_limit\":null,\"ordered\":false,\"enabled\":true,\"tls\":{\"ca\":null,"
    "\"certificate\":null,\"key\":null},\"options\":{}}' AS BLOB),X'',1770000000000000,"
    "1770000000000000,0,0,0);"

    "INSERT INTO channel VALUES(805990878412804098,805990878412804096,0,CAST('{\"kind\":\"queue\","
    "\"dialect\":\"standard\",\"description\":\"\",\"events\":[\"*\"],\"enabled\":true,"
    "\"max_receives\":0,\"lease_ms\":60000,\"options\":{}}' AS BLOB),X'',1770000000000000,"
    "1770000000000000,0,0,0);"

    "CREATE TABLE ended (delivery INTEGER PRIMARY KEY, state INTEGER NOT NULL, attempts INTEGER"
    " NOT NULL, last_attempt INTEGER, at INTEGER NOT NULL);"

    "INSERT INTO ended VALUES(805990878412804100,2,1,805990878412804102,1770000000000000);"

    "CREATE TABLE event (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, type TEXT NOT NULL,"
    " content_type TEXT, client_ref TEXT, server_ref TEXT, notify_url TEXT, external_id TEXT,"
    " attributes TEXT, idem BLOB, targets BLOB NOT NULL, data BLOB);"

    "INSERT INTO event VALUES(805990878412804099,805990878412804096,'order.created',NULL,NULL,NULL,"
    "NULL,NULL,NULL,X'01000000000000000000000000000000',X'0B2F746F00001001020B2F746F0000100203',"
    "CAST('{\"total\": 1.000}' AS BLOB));"

    "CREATE TABLE event_by_account (bucket INTEGER, account INTEGER, event INTEGER, PRIMARY KEY"
    " (bucket, account, event)) WITHOUT ROWID;"

    "INSERT INTO event_by_account VALUES(1,805990878412804096,805990878412804099);"

    "CREATE TABLE idempotency (key BLOB PRIMARY KEY, event INTEGER NOT NULL, body BLOB NOT NULL)"
    " WITHOUT ROWID;"

    "INSERT INTO idempotency VALUES(X'01000000000000000000000000000000',805990878412804099,"
    "X'01000000000000000000000000000000');"

    "CREATE TABLE key (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, scope INTEGER NOT NULL,"
    " account INTEGER, label TEXT, created INTEGER NOT NULL);"

    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"

    "INSERT INTO meta VALUES('mark',805990878412804099);"

    "INSERT INTO meta VALUES('receipt_key',"
    "X'EBAE74291CB030EF49DE9A7F5B98DB9BD2CACE0AE69793019C2DF5E1A4D21569');"

    "CREATE TABLE pending (channel INTEGER, delivery INTEGER, way INTEGER NOT NULL, due INTEGER"
    " NOT NULL, attempts INTEGER NOT NULL, epoch INTEGER NOT NULL, account INTEGER NOT NULL,"
    " last_attempt INTEGER, PRIMARY KEY (channel, delivery)) WITHOUT ROWID;"

    "INSERT INTO pending VALUES(805990878412804098,805990878412804101,3,0,0,0,805990878412804096,"
    "NULL);"

    "CREATE TABLE removed (channel INTEGER PRIMARY KEY);"

    "CREATE INDEX pending_due ON pending (channel, due, delivery) WHERE way <> 3;"

    "CREATE INDEX channel_by_account ON channel (account);"

    "CREATE INDEX key_by_account ON key (account);";

#endif
