/*
 * A segment: what stands between the dots of an event type, [A-Za-z0-9_-]+.
 */
#ifndef MODEL_SEGMENT_H
#define MODEL_SEGMENT_H

#include "base/slice.h"

#include <stdbool.h>

bool segment_is_name(struct slice segment);

#endif
