#include "wire/wapi/data_texts.h"

static void put_array(struct json array, struct json_writer *out)
{
    json_begin_array(out);
    for (struct json item = json_first(array); json_exists(item); item = json_next(item)) {
        data_texts_put(item, out);
    }
    json_end_array(out);
}

static void put_object(struct json object, struct json_writer *out)
{
    json_begin_object(out);
    for (struct json member = json_first(object); json_exists(member); member = json_next(member)) {
        struct buf scratch;

        buf_init(&scratch, json_name(member).len);
        json_key_slice(out, json_name_text(member, &scratch));
        data_texts_put(member, out);
        buf_clear(&scratch);
    }
    json_end_object(out);
}

/* As deep as a JSON text may be. */
void data_texts_put(struct json value, struct json_writer *out)
{
    switch (json_type(value)) {
    case JSON_OBJECT:
        put_object(value, out);
        break;
    case JSON_ARRAY:
        put_array(value, out);
        break;
    case JSON_STRING:
        json_put_raw(out, json_raw(value));
        break;
    case JSON_NUMBER:
        json_put_string(out, json_raw(value));
        break;
    case JSON_TRUE:
        json_put_text(out, "1");
        break;
    case JSON_FALSE:
        json_put_text(out, "0");
        break;
    case JSON_NONE:
    case JSON_NULL:
        json_put_text(out, "");
        break;
    }
}
