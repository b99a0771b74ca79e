#include "wire/native/channel_json.h"

#include "base/mem.h"
#include "base/timetext.h"
#include "wire/signature.h"

enum { SECRET_TEXT_BYTES_MAX = 128 };

static void put_secret(struct json_writer *writer, const struct channel *channel,
                       const struct channel_secret *secret)
{
    struct buf text;

    buf_init(&text, SECRET_TEXT_BYTES_MAX);
    signature_secret_text(channel, secret, &text);
    json_key(writer, "secret");
    json_put_string(writer, buf_view(&text));
    mem_wipe(text.ptr, text.len);
    buf_clear(&text);
}

void channel_json_put_secrets(struct json_writer *writer, const struct channel *channel,
                              struct wall now)
{
    if (channel->secrets_len == 0) {
        return;
    }
    put_secret(writer, channel, &channel->secrets[0]);
    json_key(writer, "previous");
    json_begin_array(writer);
    for (uint32_t i = 1; i < channel->secrets_len; i++) {
        if (channel->secrets[i].until.us <= now.us) {
            continue;
        }
        json_begin_object(writer);
        put_secret(writer, channel, &channel->secrets[i]);
        json_key(writer, "until");
        json_put_text(writer, timetext_rfc3339(channel->secrets[i].until).chars);
        json_end_object(writer);
    }
    json_end_array(writer);
}

void channel_json_answer(struct exchange *exchange, const struct channel *channel, bool with_secret,
                         unsigned status)
{
    struct buf *out = exchange_out(exchange);
    struct json_writer writer;

    json_writer_init(&writer, out);
    channel_api_json(channel, exchange_account(exchange)->name, &writer);
    if (with_secret && channel->kind == CHANNEL_WEBHOOK) {
        out->len--; /* opens the object again for one more member */
        buf_text(out, ",");
        json_writer_init(&writer, out);
        put_secret(&writer, channel, &channel->secrets[0]);
        buf_byte(out, '}');
    }
    exchange_answer_json(exchange, status);
}
