#include "wire/signature.h"

#include "base/encode.h"
#include "base/sign.h"

/*
 * The options were checked when the channel was saved, so a plain look for the word is enough for
 * one parse a request less.
 */
bool signature_is_v1a(const struct channel *channel)
{
    return memmem(channel->options.ptr, channel->options.len, "\"v1a\"", 5) != NULL;
}

enum err signature_check(const struct channel *channel, struct json options, struct diag *diag)
{
    struct json kind = json_member(options, "signature");
    struct slice raw = json_raw(kind);

    if (slice_is(raw, "\"v1a\"") && channel->secrets_len > 0 &&
        channel->secrets[0].len != ED25519_SEED_BYTES) {
        return diag_field(diag, ERR_INVALID, "secret", "must have %d bytes to sign with v1a",
                          ED25519_SEED_BYTES);
    }
    if (!json_exists(kind) || slice_is(raw, "\"v1\"") || slice_is(raw, "\"v1a\"")) {
        return OK;
    }
    return diag_field(diag, ERR_INVALID, "options.signature",
                      "must be \"v1\" (HMAC-SHA256) or \"v1a\" (Ed25519)");
}

static void put_v1(struct slice key, struct slice head, struct slice body, struct buf *out)
{
    uint8_t mac[SHA256_BYTES];
    const struct slice parts[] = {head, body};

    hmac_sha256(key, parts, ARRAY_LEN(parts), mac);
    buf_text(out, "v1,");
    base64_encode(out, mac, sizeof(mac));
}

void signature_put_v1(struct slice key, struct slice id, int64_t seconds, struct slice body,
                      struct buf *out)
{
    struct buf head;

    buf_init(&head, id.len + 32);
    buf_printf(&head, "%.*s.%lld.", SLICE_ARGS(id), (long long)seconds);
    put_v1(key, buf_view(&head), body, out);
    buf_clear(&head);
}

static void sign_one(bool is_v1a, const struct channel_secret *secret, struct slice head,
                     struct slice body, struct buf *out)
{
    if (is_v1a) {
        uint8_t signature[ED25519_SIGNATURE_BYTES];
        struct buf message;
        buf_init(&message, head.len + body.len);
        buf_slice(&message, head);
        buf_slice(&message, body);
        ed25519_sign(secret->bytes, buf_view(&message), signature);
        buf_clear(&message);
        buf_text(out, "v1a,");
        base64_encode(out, signature, sizeof(signature));
    } else {
        put_v1(slice_from(secret->bytes, secret->len), head, body, out);
    }
}

/* The value is what was written to the draft's text since from. */
static void add_header(struct dialect_draft *draft, const char *name, size_t from)
{
    struct slice text = buf_view(draft->text);

    dialect_add_header(draft, slice_of(name), slice_sub(text, from, text.len - from));
}

void signature_add(const struct dialect_attempt *attempt, struct slice body,
                   struct dialect_draft *draft)
{
    const struct channel *channel = attempt->channel;
    bool is_v1a = signature_is_v1a(channel);
    char head[ID_TEXT_SIZE + 32];
    struct id_text id = id_text(ID_EVENT, attempt->event->id);
    long long seconds = attempt->now.us / US_PER_SECOND;
    size_t from = draft->text->len;

    buf_text(draft->text, id.chars);
    add_header(draft, "webhook-id", from);
    from = draft->text->len;
    buf_printf(draft->text, "%lld", seconds);
    add_header(draft, "webhook-timestamp", from);
    int head_len = snprintf(head, sizeof(head), "%s.%lld.", id.chars, seconds);
    from = draft->text->len;
    for (uint32_t i = 0; i < channel->secrets_len; i++) {
        if (channel->secrets[i].until.us <= attempt->now.us) {
            continue;
        }
        if (draft->text->len > from) {
            buf_byte(draft->text, ' ');
        }
        sign_one(is_v1a, &channel->secrets[i], slice_from(head, (size_t)head_len), body,
                 draft->text);
    }
    add_header(draft, "webhook-signature", from);
}

void signature_secret_text(const struct channel *channel, const struct channel_secret *secret,
                           struct buf *out)
{
    if (signature_is_v1a(channel)) {
        uint8_t public_key[ED25519_PUBLIC_BYTES];
        ed25519_public(secret->bytes, public_key);
        buf_text(out, "whpk_");
        base64_encode(out, public_key, sizeof(public_key));
    } else {
        buf_text(out, "whsec_");
        base64_encode(out, secret->bytes, secret->len);
    }
}
