#include "wire/wapi/authenticate.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/ip.h"
#include "base/mem.h"
#include "base/sign.h"
#include "wire/wapi/prague.h"

#include <string.h>

enum { TEXT_BYTES_MAX = 4096 /* a login and what is put behind it */ };

static void put_sha1(struct buf *out, struct slice text)
{
    uint8_t hash[SHA1_BYTES];

    sha1(text, hash);
    hex_encode(out, hash, sizeof hash);
}

struct authenticate_hash authenticate_hash(struct slice user, struct slice password, unsigned hour)
{
    struct authenticate_hash hash = {""};
    struct buf text, hex;

    buf_init(&text, TEXT_BYTES_MAX);
    buf_init(&hex, AUTHENTICATE_HASH_BYTES);
    buf_slice(&text, user);
    put_sha1(&text, password);
    buf_printf(&text, "%02u", hour);
    put_sha1(&hex, buf_view(&text));
    memcpy(hash.chars, buf_cstr(&hex), AUTHENTICATE_HASH_BYTES);
    mem_wipe(text.ptr, text.len);
    buf_clear(&text);
    buf_clear(&hex);
    return hash;
}

static bool is_of_hour(struct slice user, struct slice password, struct slice auth, struct wall at)
{
    struct authenticate_hash hash = authenticate_hash(user, password, prague_hour(at));

    return secret_equal(auth, slice_from(hash.chars, AUTHENTICATE_HASH_BYTES));
}

bool authenticate_is_right(struct slice user, struct slice password, struct slice auth,
                           struct wall now, int64_t previous_hour_us)
{
    bool is_right = is_of_hour(user, password, auth, now);

    if (now.us % US_PER_HOUR < previous_hour_us) {
        struct wall before = {now.us - US_PER_HOUR};
        is_right = is_of_hour(user, password, auth, before) || is_right;
    }
    return is_right;
}

/* An IPv6 address has many spellings. */
static bool is_same_address(struct slice entry, struct slice address)
{
    struct ip one, other;

    return ip_parse(entry, &one) && ip_parse(address, &other) && ip_equal(&one, &other);
}

static bool entry_allows(struct slice entry, struct slice address)
{
    if (slice_ends(entry, SLICE("."))) {
        return slice_starts(address, entry);
    }
    return is_same_address(entry, address);
}

bool authenticate_allows(struct slice list, struct slice address)
{
    struct slice rest = list, entry;
    bool is_empty = true;

    while (list.len > 0 && slice_cut(&rest, ' ', &entry)) {
        if (entry.len > 0 && entry_allows(entry, address)) {
            return true;
        }
        is_empty = is_empty && entry.len == 0;
    }
    return is_empty;
}
