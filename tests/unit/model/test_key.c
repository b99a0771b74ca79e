#include "base/encode.h"
#include "model/key.h"
#include "support/unit.h"

#include <string.h>

static const struct wall created = {INT64_C(1770114030123456)};

static struct key *make_key(enum key_scope scope, struct id account)
{
    uint8_t hash[SHA256_BYTES];

    key_hash(SLICE("tk_something"), hash);
    return key_new((struct id){9}, hash, scope, account, SLICE("till \"2\""), created);
}

static void its_text_is_52_characters_behind_tk(UNUSED void **state)
{
    uint8_t chance[32];
    char text[KEY_TEXT_SIZE];

    memset(chance, 0xff, sizeof chance);
    key_text(chance, text);
    assert_int_equal(strlen(text), 55);
    assert_memory_equal(text, "tk_zzzzzzzzzz", 13);
    assert_int_equal(key_text_check(slice_of(text), NULL), OK);
}

static void another_chance_makes_another_text(UNUSED void **state)
{
    uint8_t chance[32] = {0};
    char first[KEY_TEXT_SIZE];
    char second[KEY_TEXT_SIZE];

    key_text(chance, first);
    chance[31] = 1;
    key_text(chance, second);
    assert_string_not_equal(first, second);
}

static void its_hash_is_the_sha256_of_its_text(UNUSED void **state)
{
    uint8_t hash[SHA256_BYTES];
    struct buf hex;

    key_hash(SLICE("abc"), hash); /* FIPS 180-2, appendix B.1 */
    buf_init(&hex, 64);
    hex_encode(&hex, hash, sizeof hash);
    assert_string_equal(buf_cstr(&hex),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    buf_clear(&hex);
}

static void an_operators_own_must_be_hard_to_guess_and_fit_a_header(UNUSED void **state)
{
    static const struct {
        struct slice text;
        enum err err;
    } cases[] = {
        {SLICE("tk_123456789012345678"), OK}, /* 21 */
        {SLICE("tk_~!#%&*()_+{}[]<>?,./"), OK},
        {SLICE("tk_12345678901234567"), ERR_INVALID},
        {SLICE("tk_"), ERR_INVALID},
        {SLICE(""), ERR_INVALID},
        {SLICE("TK_1234567890123456789"), ERR_INVALID},
        {SLICE("1234567890123456789012"), ERR_INVALID},
        {SLICE("tk_1234567890 12345678"), ERR_INVALID},
        {SLICE("tk_1234567890\t12345678"), ERR_INVALID},
        {SLICE("tk_1234567890\xc3\xa9 2345678"), ERR_INVALID},
        {SLICE("tk_1234567890\00012345678"), ERR_INVALID},
    };
    char longest[KEY_TEXT_BYTES_MAX + 1];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(key_text_check(cases[i].text, NULL), cases[i].err);
    }
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "tk_", 3);
    assert_int_equal(key_text_check(slice_from(longest, KEY_TEXT_BYTES_MAX), NULL), OK);
    assert_int_equal(key_text_check(slice_from(longest, sizeof longest), NULL), ERR_INVALID);
}

static void each_scope_reads_back_from_its_word(UNUSED void **state)
{
    for (int i = KEY_ADMIN; i <= KEY_ACCOUNT; i++) {
        enum key_scope scope = KEY_ADMIN;

        assert_int_equal(key_scope_parse(slice_of(key_scope_word((enum key_scope)i)), &scope), OK);
        assert_int_equal(scope, i);
    }
}

static void another_word_is_no_scope(UNUSED void **state)
{
    enum key_scope scope = KEY_PUBLISH;

    assert_int_equal(key_scope_parse(SLICE("root"), &scope), ERR_INVALID);
    assert_int_equal(key_scope_parse(SLICE(""), &scope), ERR_INVALID);
    assert_int_equal(scope, KEY_PUBLISH);
}

static void assert_shown(const struct key *key, struct slice account, const char *text)
{
    struct json_writer writer;
    struct buf out;

    buf_init(&out, 1000);
    json_writer_init(&writer, &out);
    key_api_json(key, account, &writer);
    assert_string_equal(buf_cstr(&out), text);
    buf_clear(&out);
}

static void is_shown_without_its_hash(UNUSED void **state)
{
    struct key *admin = make_key(KEY_ADMIN, ID_NONE);
    struct key *account = make_key(KEY_ACCOUNT, (struct id){4});

    assert_shown(admin, SLICE(""),
                 "{\"id\":\"key_0000000000009\",\"label\":\"till \\\"2\\\"\",\"scope\":\"admin\","
                 "\"account\":null,\"created_at\":\"2026-02-03T10:20:30.123456Z\"}");
    assert_shown(account, SLICE("shop-1"),
                 "{\"id\":\"key_0000000000009\",\"label\":\"till \\\"2\\\"\",\"scope\":\"account\","
                 "\"account\":\"shop-1\",\"created_at\":\"2026-02-03T10:20:30.123456Z\"}");
    key_release(admin);
    key_release(account);
}

static void lives_until_its_last_reference_is_given_back(UNUSED void **state)
{
    struct key *key = make_key(KEY_PUBLISH, ID_NONE);

    assert_ptr_equal(key_hold(key), key);
    key_release(key);
    assert_slice_is(key->label, "till \"2\"");
    key_release(key);
    key_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_text_is_52_characters_behind_tk),
        cmocka_unit_test(another_chance_makes_another_text),
        cmocka_unit_test(its_hash_is_the_sha256_of_its_text),
        cmocka_unit_test(an_operators_own_must_be_hard_to_guess_and_fit_a_header),
        cmocka_unit_test(each_scope_reads_back_from_its_word),
        cmocka_unit_test(another_word_is_no_scope),
        cmocka_unit_test(is_shown_without_its_hash),
        cmocka_unit_test(lives_until_its_last_reference_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
