#include "wire/fingerprint.h"

#include "base/sign.h"

#include <assert.h>
#include <string.h>

void fingerprint_make(struct slice kind, const struct slice *parts, size_t parts_len,
                      uint8_t out[STORE_HASH_BYTES])
{
    uint64_t lengths[FINGERPRINT_PARTS_MAX];
    struct slice all[1 + FINGERPRINT_PARTS_MAX];
    uint8_t hash[SHA256_BYTES];

    assert(parts_len <= FINGERPRINT_PARTS_MAX);
    for (size_t i = 0; i < parts_len; i++) {
        lengths[i] = parts[i].len;
        all[i + 1] = parts[i];
    }
    all[0] = slice_from(lengths, parts_len * sizeof lengths[0]);
    hmac_sha256(kind, all, parts_len + 1, hash);
    memcpy(out, hash, STORE_HASH_BYTES);
}
