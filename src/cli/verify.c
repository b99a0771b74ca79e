#include "cli/verify.h"

#include "base/encode.h"
#include "base/sign.h"
#include "base/timetext.h"

#include <string.h>

enum { HMAC_KEY_BYTES_MIN = 24, SIGNATURES_MAX = 32 };

static const struct {
    enum verify_scheme scheme;
    struct slice secret_prefix;    /* of a key */
    struct slice signature_prefix; /* in the header */
    size_t bytes_min, bytes_max;   /* of a key */
} schemes[] = {
    [VERIFY_HMAC] = {VERIFY_HMAC, SLICE("whsec_"), SLICE("v1,"), HMAC_KEY_BYTES_MIN,
                     VERIFY_KEY_BYTES_MAX},
    [VERIFY_ED25519] = {VERIFY_ED25519, SLICE("whpk_"), SLICE("v1a,"), ED25519_PUBLIC_BYTES,
                        ED25519_PUBLIC_BYTES},
};

const char *verify_scheme_word(enum verify_scheme scheme)
{
    static const char *const words[] = {[VERIFY_HMAC] = "v1", [VERIFY_ED25519] = "v1a"};
    return words[scheme];
}

static struct slice behind(struct slice text, struct slice prefix)
{
    return slice_sub(text, prefix.len, text.len);
}

enum err verify_key_parse(struct slice text, struct verify_key *out, struct diag *diag)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct buf bytes;

        if (!slice_starts(text, schemes[i].secret_prefix)) {
            continue;
        }
        buf_init(&bytes, schemes[i].bytes_max);
        bool is_right = base64_decode(&bytes, behind(text, schemes[i].secret_prefix)) == OK &&
                        buf_check(&bytes) == OK && bytes.len >= schemes[i].bytes_min;
        if (is_right) {
            *out = (struct verify_key){.scheme = schemes[i].scheme, .len = bytes.len};
            memcpy(out->bytes, bytes.ptr, bytes.len);
        }
        buf_clear(&bytes);
        return is_right ? OK
                        : diag_set(diag, ERR_INVALID, "behind %.*s must stand the base64 of a key",
                                   SLICE_ARGS(schemes[i].secret_prefix));
    }
    return diag_set(diag, ERR_INVALID, "a secret begins with whsec_ or whpk_");
}

/* ---- one signature ---- */

/* The signed text is "id.timestamp.body". */
static bool is_hmac_right(const struct verify_key *key, const struct verify_request *request,
                          struct slice signature)
{
    const struct slice parts[] = {request->id, SLICE("."), request->timestamp, SLICE("."),
                                  request->body};
    uint8_t mac[SHA256_BYTES];

    hmac_sha256(slice_from(key->bytes, key->len), parts, ARRAY_LEN(parts), mac);
    return secret_equal(slice_from(mac, sizeof(mac)), signature);
}

static bool is_ed25519_right(const struct verify_key *key, const struct verify_request *request,
                             struct slice signature)
{
    struct buf text;

    if (signature.len != ED25519_SIGNATURE_BYTES) {
        return false;
    }
    buf_init(&text, request->id.len + request->timestamp.len + request->body.len + 2);
    buf_slice(&text, request->id);
    buf_byte(&text, '.');
    buf_slice(&text, request->timestamp);
    buf_byte(&text, '.');
    buf_slice(&text, request->body);
    bool is_right = ed25519_verify(key->bytes, buf_view(&text), (const uint8_t *)signature.ptr);
    buf_clear(&text);
    return is_right;
}

/* written: "v1,base64" */
static bool is_right_under(const struct verify_key *key, const struct verify_request *request,
                           struct slice written)
{
    struct slice prefix = schemes[key->scheme].signature_prefix;
    struct buf signature;
    bool is_right = false;

    buf_init(&signature, ED25519_SIGNATURE_BYTES);
    if (slice_starts(written, prefix) && base64_decode(&signature, behind(written, prefix)) == OK &&
        buf_check(&signature) == OK) {
        struct slice bytes = buf_view(&signature);
        is_right = key->scheme == VERIFY_HMAC ? is_hmac_right(key, request, bytes)
                                              : is_ed25519_right(key, request, bytes);
    }
    buf_clear(&signature);
    return is_right;
}

/* ---- the request ---- */

enum err verify_check_age(const char *name, struct slice text, struct verify_age age,
                          struct diag *diag)
{
    int64_t seconds = 0;

    if (slice_to_i64(text, &seconds) != OK || seconds < 0 || seconds > INT64_MAX / US_PER_SECOND) {
        return diag_set(diag, ERR_DENIED, "%s is not in whole seconds", name);
    }
    int64_t apart = age.now.us - seconds * US_PER_SECOND;
    if (apart > age.tolerance_us || apart < -age.tolerance_us) {
        return diag_set(diag, ERR_DENIED, "%s is more than %s from now", name,
                        duration_text(age.tolerance_us).chars);
    }
    return OK;
}

static enum err check_headers(const struct verify_request *request, struct diag *diag)
{
    const struct {
        const char *name;
        struct slice value;
    } headers[] = {{"webhook-id", request->id},
                   {"webhook-timestamp", request->timestamp},
                   {"webhook-signature", request->signatures}};

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        if (headers[i].value.len == 0) {
            return diag_set(diag, ERR_DENIED, "the header %s is missing", headers[i].name);
        }
    }
    return OK;
}

enum err verify_check(const struct verify_key *keys, size_t keys_len,
                      const struct verify_request *request, struct verify_age age,
                      enum verify_scheme *scheme, struct diag *diag)
{
    struct slice rest = request->signatures, written;
    enum err err = check_headers(request, diag);

    if (err == OK) {
        err = verify_check_age("webhook-timestamp", request->timestamp, age, diag);
    }
    if (err != OK) {
        return err;
    }
    for (size_t count = 0; count < SIGNATURES_MAX && slice_cut(&rest, ' ', &written); count++) {
        for (size_t i = 0; i < keys_len; i++) {
            if (is_right_under(&keys[i], request, written)) {
                *scheme = keys[i].scheme;
                return OK;
            }
        }
    }
    return diag_set(diag, ERR_DENIED, "no signature is right under the secret");
}
