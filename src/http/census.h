/*
 * The census of open connections: how many there are in all and from one origin, over all server
 * threads, and whether one more may come in.
 */
#ifndef HTTP_CENSUS_H
#define HTTP_CENSUS_H

#include "http/origin.h"

#include <stdbool.h>
#include <stdint.h>

struct census;

/* connections_max > 0; per_origin_max 0: no limit. */
struct census *census_new(uint64_t seed, uint32_t connections_max, uint32_t per_origin_max);
void census_free(struct census *census); /* NULL is fine */

enum census_answer { CENSUS_WELCOME, CENSUS_FULL, CENSUS_ORIGIN_FULL };

/* Any thread: counts a connection if it may come in; then census_leave follows when it ends. */
enum census_answer census_enter(struct census *census, const struct origin *origin);
void census_leave(struct census *census, const struct origin *origin);

#endif
