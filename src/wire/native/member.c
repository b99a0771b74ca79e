#include "wire/native/member.h"

#include "base/timetext.h"

void member_put_id(const char *name, enum id_kind kind, struct id id, struct json_writer *out)
{
    json_key(out, name);
    json_put_text(out, id_text(kind, id).chars);
}

void member_put_id_or_null(const char *name, enum id_kind kind, struct id id,
                           struct json_writer *out)
{
    json_key(out, name);
    json_put_text(out, id.value == 0 ? NULL : id_text(kind, id).chars);
}

void member_put_time(const char *name, struct wall at, struct json_writer *out)
{
    json_key(out, name);
    json_put_text(out, timetext_rfc3339(at).chars);
}

void member_put_time_or_null(const char *name, struct wall at, struct json_writer *out)
{
    json_key(out, name);
    json_put_text(out, at.us == 0 ? NULL : timetext_rfc3339(at).chars);
}

void member_put_if_any(const char *name, struct slice text, struct json_writer *out)
{
    if (!slice_is_empty(text)) {
        json_key(out, name);
        json_put_string(out, text);
    }
}

void member_put_raw_if_any(const char *name, struct slice json, struct json_writer *out)
{
    if (!slice_is_empty(json)) {
        json_key(out, name);
        json_put_raw(out, json);
    }
}
