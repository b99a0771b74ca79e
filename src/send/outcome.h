/*
 * What a failed attempt is called: libcurl's result and error number as one of our outcomes and
 * short, stable words.
 */
#ifndef SEND_OUTCOME_H
#define SEND_OUTCOME_H

#include "base/slice.h"
#include "model/delivery.h"

#include <curl/curl.h>

/* How far it came. */
enum outcome_phase {
    PHASE_LOOKUP,
    PHASE_CONNECT,
    PHASE_TLS,
    PHASE_SEND,
    PHASE_WAIT,
    PHASE_ANSWER,
};

struct outcome {
    enum attempt_outcome outcome;
    char detail[ATTEMPT_DETAIL_BYTES_MAX]; /* ends in zero */
};

/* "timed out while connecting" */
struct outcome outcome_timeout(enum outcome_phase phase);

/* Words that somebody made; cut at the end when too long. */
struct outcome outcome_of(enum attempt_outcome outcome, const char *format, ...) PRINTF_LIKE(2, 3);

/* code is not CURLE_OK; os_errno is libcurl's, 0: none; words are its own for this transfer. */
struct outcome outcome_failure(CURLcode code, enum outcome_phase phase, long os_errno,
                               const char *words);

#endif
