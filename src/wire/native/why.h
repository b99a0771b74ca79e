/*
 * Why a delivery is not done yet: a stable code for programs, and words for a person.
 */
#ifndef WIRE_NATIVE_WHY_H
#define WIRE_NATIVE_WHY_H

#include "model/channel.h"
#include "store/store.h"

/* What is known; everything is lent. */
struct why_facts {
    const struct store_delivery *delivery;
    const struct channel *channel; /* NULL: it was deleted */
    const struct attempt *last;    /* the newest attempt; NULL: not known here, or none was made */
    struct wall now;
};

struct why {
    const char *code; /* static; NULL: the delivery is final */
    char text[DIAG_TEXT_SIZE];
};

struct why why_pending(const struct why_facts *facts);

#endif
