#include "base/encode.h"
#include "base/macro.h"
#include "base/sign.h"
#include "support/unit.h"

#include <pthread.h>
#include <string.h>

enum { VECTOR_BYTES_MAX = 512 };

/* Bytes from hex, in a space of their own. */
struct bytes {
    uint8_t ptr[VECTOR_BYTES_MAX];
    size_t len;
};

static struct bytes bytes_from(const char *hex)
{
    struct bytes bytes = {0};
    struct buf buf;

    buf_init(&buf, VECTOR_BYTES_MAX);
    assert_int_equal(hex_decode(&buf, slice_of(hex)), OK);
    bytes.len = buf.len;
    memcpy(bytes.ptr, buf_cstr(&buf), buf.len);
    buf_clear(&buf);
    return bytes;
}

static struct slice view(const struct bytes *bytes)
{
    return slice_from(bytes->ptr, bytes->len);
}

static void assert_hex(const void *ptr, size_t len, const char *expected)
{
    struct buf hex;

    buf_init(&hex, 2 * VECTOR_BYTES_MAX);
    hex_encode(&hex, ptr, len);
    assert_string_equal(buf_cstr(&hex), expected);
    buf_clear(&hex);
}

static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
static const char two_long_blocks[] =
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
    "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

/* RFC 3174 section 7.3 and FIPS 180 */
static void sha1_gives_the_published_hashes(UNUSED void **state)
{
    uint8_t out[SHA1_BYTES];

    sha1(slice_of("abc"), out);
    assert_hex(out, sizeof out, "a9993e364706816aba3e25717850c26c9cd0d89d");
    sha1((struct slice){0}, out);
    assert_hex(out, sizeof out, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    sha1(slice_of(two_blocks), out);
    assert_hex(out, sizeof out, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

/* RFC 6234 section 8.5 */
static void sha256_gives_the_published_hashes(UNUSED void **state)
{
    uint8_t out[SHA256_BYTES];

    sha256(slice_of("abc"), out);
    assert_hex(out, sizeof out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256((struct slice){0}, out);
    assert_hex(out, sizeof out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256(slice_of(two_blocks), out);
    assert_hex(out, sizeof out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 6234 section 8.5 */
static void sha384_gives_the_published_hashes(UNUSED void **state)
{
    uint8_t out[SHA384_BYTES];

    sha384(slice_of("abc"), out);
    assert_hex(out, sizeof out,
               "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
               "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
    sha384((struct slice){0}, out);
    assert_hex(out, sizeof out,
               "38b060a751ac96384cd9327eb1b1e36a21fdb71114be0743"
               "4c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b");
    sha384(slice_of(two_long_blocks), out);
    assert_hex(out, sizeof out,
               "09330c33f71147e83d192fc782cd1b4753111b173b3b05d2"
               "2fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039");
}

struct hmac_case {
    const char *key, *data, *tag; /* in hex */
};

/* RFC 4231 section 4: cases 1, 2, 3, 4 and 7 (a key longer than a block) */
static const struct hmac_case hmac_cases[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddddddddddddddddd",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaa",
     "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d"
     "73697a65206b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174"
     "612e20546865206b6579206e6565647320746f20626520686173686564206265666f7265206265696e"
     "6720757365642062792074686520484d414320616c676f726974686d2e",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    /* No key and no data: from the definition of HMAC, not from the RFC. */
    {"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

static void assert_hmac_cases(void)
{
    for (size_t i = 0; i < ARRAY_LEN(hmac_cases); i++) {
        struct bytes key = bytes_from(hmac_cases[i].key);
        struct bytes data = bytes_from(hmac_cases[i].data);
        struct slice part = view(&data);
        uint8_t out[SHA256_BYTES];

        hmac_sha256(view(&key), &part, 1, out);
        assert_hex(out, sizeof out, hmac_cases[i].tag);
    }
}

/* Twice on one thread: what one key left in the context must not reach the next, shorter or empty
 * one. */
static void hmac_gives_the_published_tags_whatever_key_came_before(UNUSED void **state)
{
    assert_hmac_cases();
    assert_hmac_cases();
}

static void an_hmac_with_no_key_is_not_that_of_the_last_key(UNUSED void **state)
{
    struct slice part = SLICE("data");
    uint8_t with_key[SHA256_BYTES];
    uint8_t without[SHA256_BYTES];

    hmac_sha256(SLICE("secret"), &part, 1, with_key);
    hmac_sha256((struct slice){0}, &part, 1, without);
    assert_memory_not_equal(with_key, without, SHA256_BYTES);
}

static void hmac_takes_its_parts_as_one_text(UNUSED void **state)
{
    struct slice whole = SLICE("msg_1.1700000000.{}");
    struct slice parts[] = {SLICE("msg_1"), SLICE("."), {0}, SLICE("1700000000"), SLICE(".{}")};
    uint8_t out_whole[SHA256_BYTES];
    uint8_t out_parts[SHA256_BYTES];

    hmac_sha256(SLICE("key"), &whole, 1, out_whole);
    hmac_sha256(SLICE("key"), parts, ARRAY_LEN(parts), out_parts);
    assert_memory_equal(out_whole, out_parts, SHA256_BYTES);
}

enum { THREADS = 4, ROUNDS = 500 };

static void *hash_again_and_again(void *arg)
{
    uint8_t out[SHA256_BYTES];
    struct slice part = SLICE("data");
    uint8_t expected[SHA256_BYTES];
    size_t *wrong = arg;

    hmac_sha256(SLICE("key"), &part, 1, expected);
    for (int i = 0; i < ROUNDS; i++) {
        sha256(part, out);
        hmac_sha256(SLICE("key"), &part, 1, out);
        *wrong += memcmp(out, expected, sizeof out) != 0;
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(UNUSED void **state)
{
    pthread_t threads[THREADS];
    size_t wrong[THREADS] = {0};

    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hash_again_and_again, &wrong[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
}

/* RFC 8032 section 7.1, tests 1 to 3 */
static const struct {
    const char *seed, *public_key, *message, *signature;
} ed25519_cases[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

static void ed25519_gives_the_published_keys_and_signatures(UNUSED void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(ed25519_cases); i++) {
        struct bytes seed = bytes_from(ed25519_cases[i].seed);
        struct bytes message = bytes_from(ed25519_cases[i].message);
        uint8_t public_key[ED25519_PUBLIC_BYTES];
        uint8_t signature[ED25519_SIGNATURE_BYTES];

        ed25519_public(seed.ptr, public_key);
        assert_hex(public_key, sizeof public_key, ed25519_cases[i].public_key);
        ed25519_sign(seed.ptr, view(&message), signature);
        assert_hex(signature, sizeof signature, ed25519_cases[i].signature);
        assert_true(ed25519_verify(public_key, view(&message), signature));
    }
}

static void an_altered_ed25519_signature_is_wrong(UNUSED void **state)
{
    struct bytes public_key = bytes_from(ed25519_cases[2].public_key);
    struct bytes message = bytes_from(ed25519_cases[2].message);
    struct bytes signature = bytes_from(ed25519_cases[2].signature);
    struct bytes other_key = bytes_from(ed25519_cases[1].public_key);

    for (size_t bit = 0; bit < 8 * signature.len; bit++) {
        signature.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(ed25519_verify(public_key.ptr, view(&message), signature.ptr));
        signature.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_false(ed25519_verify(public_key.ptr, SLICE("other"), signature.ptr));
    assert_false(ed25519_verify(other_key.ptr, view(&message), signature.ptr));
    memset(public_key.ptr, 0xff, ED25519_PUBLIC_BYTES); /* no point of the curve */
    assert_false(ed25519_verify(public_key.ptr, view(&message), signature.ptr));
}

static void secrets_are_equal_only_when_every_byte_is(UNUSED void **state)
{
    assert_true(secret_equal(SLICE("secret"), SLICE("secret")));
    assert_true(secret_equal((struct slice){0}, SLICE("")));
    assert_false(secret_equal(SLICE("secret"), SLICE("secreT")));
    assert_false(secret_equal(SLICE("Secret"), SLICE("secret")));
    assert_false(secret_equal(SLICE("secret"), SLICE("secret1")));
    assert_false(secret_equal(SLICE("a\0b"), SLICE("a\0c")));
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13, 14 and 16 */
static const struct {
    const char *key, *nonce, *bound, *plain, *hidden_and_tag;
} seal_cases[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
};

static void seal_gives_the_published_bytes_behind_the_nonce(UNUSED void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(seal_cases); i++) {
        struct bytes key = bytes_from(seal_cases[i].key);
        struct bytes nonce = bytes_from(seal_cases[i].nonce);
        struct bytes bound = bytes_from(seal_cases[i].bound);
        struct bytes plain = bytes_from(seal_cases[i].plain);
        struct buf sealed;
        struct buf opened;

        buf_init(&sealed, VECTOR_BYTES_MAX);
        buf_init(&opened, VECTOR_BYTES_MAX);
        seal(&sealed, key.ptr, nonce.ptr, view(&bound), view(&plain));
        assert_int_equal(sealed.len, plain.len + SEAL_OVERHEAD_BYTES);
        assert_memory_equal(sealed.ptr, nonce.ptr, SEAL_NONCE_BYTES);
        assert_hex(sealed.ptr + SEAL_NONCE_BYTES, sealed.len - SEAL_NONCE_BYTES,
                   seal_cases[i].hidden_and_tag);

        assert_int_equal(unseal(&opened, key.ptr, view(&bound), buf_view(&sealed)), OK);
        assert_true(slice_equal(buf_view(&opened), view(&plain)));
        buf_clear(&sealed);
        buf_clear(&opened);
    }
}

static const uint8_t seal_key[SEAL_KEY_BYTES] = "thirty-two bytes of a secret key";
static const uint8_t seal_nonce[SEAL_NONCE_BYTES] = "twelve bytes";

static void assert_corrupt(const uint8_t *key, struct slice bound, struct slice sealed)
{
    struct buf out;

    buf_init(&out, VECTOR_BYTES_MAX);
    buf_text(&out, "before");
    assert_int_equal(unseal(&out, key, bound, sealed), ERR_CORRUPT);
    assert_slice_is(buf_view(&out), "before");
    buf_clear(&out);
}

static void a_seal_with_any_bit_changed_or_cut_off_does_not_open(UNUSED void **state)
{
    struct buf sealed;

    buf_init(&sealed, VECTOR_BYTES_MAX);
    seal(&sealed, seal_key, seal_nonce, SLICE("channel 1"), SLICE("whsec_..."));
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        sealed.ptr[bit / 8] = (char)(sealed.ptr[bit / 8] ^ 1 << bit % 8);
        assert_corrupt(seal_key, SLICE("channel 1"), buf_view(&sealed));
        sealed.ptr[bit / 8] = (char)(sealed.ptr[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t len = 0; len < sealed.len; len++) {
        assert_corrupt(seal_key, SLICE("channel 1"), slice_sub(buf_view(&sealed), 0, len));
    }
    buf_clear(&sealed);
}

static void a_seal_opens_only_with_its_key_and_where_it_is_bound(UNUSED void **state)
{
    uint8_t other_key[SEAL_KEY_BYTES];
    struct buf sealed;

    memcpy(other_key, seal_key, sizeof other_key);
    other_key[31] ^= 1;
    buf_init(&sealed, VECTOR_BYTES_MAX);
    seal(&sealed, seal_key, seal_nonce, SLICE("channel 1"), SLICE("whsec_..."));
    assert_corrupt(other_key, SLICE("channel 1"), buf_view(&sealed));
    assert_corrupt(seal_key, SLICE("channel 2"), buf_view(&sealed));
    assert_corrupt(seal_key, SLICE(""), buf_view(&sealed));
    buf_clear(&sealed);
}

static void sealing_appends(UNUSED void **state)
{
    struct buf sealed;
    struct buf opened;

    buf_init(&sealed, VECTOR_BYTES_MAX);
    buf_init(&opened, VECTOR_BYTES_MAX);
    buf_text(&sealed, "v1:");
    buf_text(&opened, "secret: ");
    seal(&sealed, seal_key, seal_nonce, SLICE("row"), SLICE("plain"));
    assert_true(slice_starts(buf_view(&sealed), SLICE("v1:")));
    assert_int_equal(
        unseal(&opened, seal_key, SLICE("row"), slice_sub(buf_view(&sealed), 3, sealed.len)), OK);
    assert_slice_is(buf_view(&opened), "secret: plain");
    buf_clear(&sealed);
    buf_clear(&opened);
}

/* FIPS 197 appendix C.3 */
static void a_block_of_aes_256_is_the_published_one(UNUSED void **state)
{
    struct bytes key =
        bytes_from("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    struct bytes plain = bytes_from("00112233445566778899aabbccddeeff");
    uint8_t out[AES_BLOCK_BYTES];

    aes256_encrypt_block(key.ptr, plain.ptr, out);
    assert_hex(out, sizeof out, "8ea2b7ca516745bfeafc49904b496089");
    aes256_decrypt_block(key.ptr, out, out);
    assert_memory_equal(out, plain.ptr, sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1_gives_the_published_hashes),
        cmocka_unit_test(sha256_gives_the_published_hashes),
        cmocka_unit_test(sha384_gives_the_published_hashes),
        cmocka_unit_test(hmac_gives_the_published_tags_whatever_key_came_before),
        cmocka_unit_test(an_hmac_with_no_key_is_not_that_of_the_last_key),
        cmocka_unit_test(hmac_takes_its_parts_as_one_text),
        cmocka_unit_test(threads_do_not_disturb_each_other),
        cmocka_unit_test(ed25519_gives_the_published_keys_and_signatures),
        cmocka_unit_test(an_altered_ed25519_signature_is_wrong),
        cmocka_unit_test(secrets_are_equal_only_when_every_byte_is),
        cmocka_unit_test(seal_gives_the_published_bytes_behind_the_nonce),
        cmocka_unit_test(a_seal_with_any_bit_changed_or_cut_off_does_not_open),
        cmocka_unit_test(a_seal_opens_only_with_its_key_and_where_it_is_bound),
        cmocka_unit_test(sealing_appends),
        cmocka_unit_test(a_block_of_aes_256_is_the_published_one),
    };

    return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
