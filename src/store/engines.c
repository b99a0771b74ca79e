#include "base/macro.h"
#include "store/engine.h"

#include <string.h>

static const struct engine_ops *const engines[] = {
    &engine_sqlite,
    &engine_memory,
};

const struct engine_ops *engine_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
        if (strcmp(engines[i]->name, name) == 0) {
            return engines[i];
        }
    }
    return NULL;
}
