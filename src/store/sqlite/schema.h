/*
 * The tables, and how a file of an older program is brought up to date.
 *
 * PRAGMA user_version counts the steps that were taken. All that are missing are taken in one
 * transaction, so a file is of one version or the next, never between.
 */
#ifndef STORE_SQLITE_SCHEMA_H
#define STORE_SQLITE_SCHEMA_H

#include "store/sqlite/database.h"

/* ERR_VERSION: written by a newer program; ERR_CORRUPT: a database, but not one of ours. */
enum err schema_upgrade(struct database *db) MUST_CHECK;

#endif
