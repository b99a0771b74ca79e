#include "model/delivery.h"

static const char *const state_words[] = {
#define DELIVERY_WORD(name, word, number) [number] = (word),
    DELIVERY_STATES(DELIVERY_WORD)
#undef DELIVERY_WORD
};

static const char *const outcome_words[] = {
#define ATTEMPT_WORD(name, word, number) [number] = (word),
    ATTEMPT_OUTCOMES(ATTEMPT_WORD)
#undef ATTEMPT_WORD
};

const char *delivery_word(enum delivery_state state)
{
    return state_words[state];
}

enum err delivery_state_parse(struct slice word, enum delivery_state *out)
{
    for (size_t i = 0; i < ARRAY_LEN(state_words); i++) {
        if (slice_is(word, state_words[i])) {
            *out = (enum delivery_state)i;
            return OK;
        }
    }
    return ERR_INVALID;
}

bool delivery_is_final(enum delivery_state state)
{
    return state != DELIVERY_PENDING;
}

const char *attempt_word(enum attempt_outcome outcome)
{
    return outcome_words[outcome];
}
