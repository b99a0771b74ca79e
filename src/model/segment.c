#include "model/segment.h"

static bool is_name_character(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

bool segment_is_name(struct slice segment)
{
    for (size_t i = 0; i < segment.len; i++) {
        if (!is_name_character(segment.ptr[i])) {
            return false;
        }
    }
    return segment.len > 0;
}
