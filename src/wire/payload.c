#include "wire/payload.h"

#include "base/encode.h"
#include "base/utf8.h"

bool payload_is_json(struct slice content_type)
{
    struct slice media_type;

    (void)slice_cut(&content_type, ';', &media_type);
    media_type = slice_trim(media_type);
    return slice_equal_nocase(media_type, SLICE("application/json")) ||
           (media_type.len > 5 &&
            slice_equal_nocase(slice_sub(media_type, media_type.len - 5, 5), SLICE("+json")));
}

struct json payload_news(const struct event *event, const struct json_doc *doc)
{
    struct json root = json_root(doc);
    return slice_starts(event->type, SLICE("operation.")) ? json_member(root, "data") : root;
}

void payload_put(struct json_writer *writer, const struct event *event)
{
    if (payload_is_json(event->content_type)) {
        json_key(writer, "data");
        json_put_raw(writer, event->data);
        return;
    }
    if (utf8_is_valid(event->data)) {
        json_key(writer, "data");
        json_put_string(writer, event->data);
        return;
    }
    json_key(writer, "data_base64");
    json_put_raw(writer, SLICE("\""));
    base64_encode(writer->out, event->data.ptr, event->data.len);
    buf_byte(writer->out, '"');
}
