/*
 * A publish request as a form with blanks: written once, then only its numbers change.
 *
 * Each event has data of a fixed size, with its number and the moment from which its latency counts:
 *
 *   {"number":"000000000042","sent_us":"0000001234567890","text":"..."}
 *
 * Event n goes to account "bench-" and n modulo the number of accounts, in four digits.
 */
#ifndef BENCH_FORM_H
#define BENCH_FORM_H

#include "base/buf.h"
#include "base/time.h"

enum {
    FORM_NUMBER_DIGITS = 12,
    FORM_SENT_DIGITS = 16,
    FORM_ACCOUNT_DIGITS = 4,
};

/* What stands before the digits, for whoever looks for them in what arrived. */
#define FORM_NUMBER_BEFORE "\"number\":\""
#define FORM_SENT_BEFORE "\"sent_us\":\""

struct form_options {
    const char *host;
    const char *key;     /* bearer key */
    uint32_t batch;      /* events in a request; 1: one to its account's own address */
    uint32_t accounts;   /* 1 to 10,000 */
    uint32_t data_bytes; /* of each event's data; at least FORM_DATA_BYTES_MIN */
};

enum { FORM_DATA_BYTES_MIN = 128 };

struct form {
    struct buf text;      /* owned: the whole request, blanks filled with zeros */
    struct blank *blanks; /* owned */
    size_t blanks_len;
    uint32_t batch;
    uint32_t accounts;
};

void form_init(struct form *form, const struct form_options *options);
void form_clear(struct form *form);

/* Fills the blanks of text, a copy of form->text, for the events from number on. */
void form_fill(const struct form *form, char *text, uint64_t number, struct mono sent);

#endif
