#include "base/macro.h"
#include "model/alias.h"
#include "support/unit.h"

#include <ctype.h>
#include <string.h>

static const uint8_t key[ALIAS_KEY_BYTES] = {1, 2, 3};
static const struct id owner = {7};
static const struct id thing = {UINT64_C(0x0123456789abcdef)};

/* Both kinds are made and read in the same way. */
struct kind {
    size_t len;
    void (*make)(const uint8_t *key, struct id owner, struct id thing, char *out);
    enum err (*read)(const uint8_t *key, struct id owner, struct slice text, struct id *out);
};

static const struct kind kinds[] = {
    {ALIAS_TOKEN_SIZE - 1, alias_token, alias_from_token},
    {ALIAS_UUID_SIZE - 1, alias_uuid, alias_from_uuid},
};

static void assert_refused(const struct kind *kind, struct slice text)
{
    struct id out = {42};

    assert_int_equal(kind->read(key, owner, text, &out), ERR_INVALID);
    assert_int_equal(out.value, 42);
}

static void assert_round_trip(const struct kind *kind, struct id of, struct id what)
{
    char text[ALIAS_UUID_SIZE];
    struct id out = ID_NONE;

    kind->make(key, of, what, text);
    assert_int_equal(strlen(text), kind->len);
    assert_int_equal(kind->read(key, of, slice_of(text), &out), OK);
    assert_int_equal(out.value, what.value);
}

static void turns_back_into_what_it_stands_for(UNUSED void **state)
{
    static const uint64_t values[] = {0, 1, UINT64_C(1) << 63, UINT64_MAX};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        for (size_t of = 0; of < ARRAY_LEN(values); of++) {
            for (size_t what = 0; what < ARRAY_LEN(values); what++) {
                assert_round_trip(&kinds[i], (struct id){values[of]}, (struct id){values[what]});
            }
        }
        for (uint64_t value = 1000; value < 1200; value++) {
            assert_round_trip(&kinds[i], owner, (struct id){value});
        }
    }
}

/* They are outside: after an update the same thing must have the same name. */
static void is_the_same_for_ever(UNUSED void **state)
{
    char token[ALIAS_TOKEN_SIZE];
    char uuid[ALIAS_UUID_SIZE];

    alias_token(key, owner, thing, token);
    assert_string_equal(token, "19dce1ed88a4f35e4934c5d810a2bf37");
    alias_uuid(key, owner, thing, uuid);
    assert_string_equal(uuid, "c9253221-0f3b-802f-9fa0-02af8c710047");
}

static void is_refused_for_another_owner_or_key(UNUSED void **state)
{
    static const uint8_t other_key[ALIAS_KEY_BYTES] = {1, 2, 4};
    const struct id other = {owner.value + 1};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char text[ALIAS_UUID_SIZE];
        struct id out = {42};

        kinds[i].make(key, owner, thing, text);
        assert_int_equal(kinds[i].read(key, other, slice_of(text), &out), ERR_INVALID);
        assert_int_equal(kinds[i].read(other_key, owner, slice_of(text), &out), ERR_INVALID);
        assert_int_equal(out.value, 42);
    }
}

static void is_refused_when_any_digit_was_changed(UNUSED void **state)
{
    static const char digits[] = "0123456789abcdef-g ";

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char text[ALIAS_UUID_SIZE];

        kinds[i].make(key, owner, thing, text);
        for (size_t at = 0; at < kinds[i].len; at++) {
            char right = text[at];
            for (size_t digit = 0; digit < sizeof digits; digit++) { /* the zero byte too */
                if (digits[digit] != right) {
                    text[at] = digits[digit];
                    assert_refused(&kinds[i], slice_from(text, kinds[i].len));
                }
            }
            text[at] = right;
        }
    }
}

static void upper_case_is_taken(UNUSED void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char text[ALIAS_UUID_SIZE];
        struct id out = ID_NONE;

        kinds[i].make(key, owner, thing, text);
        for (char *at = text; *at != '\0'; at++) {
            *at = (char)toupper((unsigned char)*at);
        }
        assert_int_equal(kinds[i].read(key, owner, slice_of(text), &out), OK);
        assert_int_equal(out.value, thing.value);
    }
}

static void another_length_is_refused(UNUSED void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char text[ALIAS_UUID_SIZE + 1] = "";

        kinds[i].make(key, owner, thing, text);
        text[kinds[i].len] = '0';
        for (size_t len = 0; len <= kinds[i].len + 1; len++) {
            if (len != kinds[i].len) {
                assert_refused(&kinds[i], slice_from(text, len));
            }
        }
        assert_refused(&kinds[i], (struct slice){0});
    }
}

static void a_uuid_says_that_it_is_one_of_version_8(UNUSED void **state)
{
    for (uint64_t value = 0; value < 100; value++) {
        char uuid[ALIAS_UUID_SIZE];

        alias_uuid(key, owner, (struct id){value}, uuid);
        assert_int_equal(uuid[14], '8');
        assert_non_null(strchr("89ab", uuid[19]));
        for (size_t i = 0; i < ALIAS_UUID_SIZE - 1; i++) {
            bool is_hyphen_due = i == 8 || i == 13 || i == 18 || i == 23;
            assert_true(is_hyphen_due ? uuid[i] == '-'
                                      : strchr("0123456789abcdef", uuid[i]) != NULL);
        }
    }
}

/* How many digits two texts have in common, place by place. */
static size_t common_digits(const char *a, const char *b)
{
    size_t count = 0;

    for (size_t i = 0; a[i] != '\0'; i++) {
        count += a[i] == b[i];
    }
    return count;
}

/* Neighbours must not look like neighbours, nor one thing alike with two owners. */
static void nothing_of_the_thing_or_the_owner_shows(UNUSED void **state)
{
    enum { BY_CHANCE_MAX = 15 }; /* some 2 of 32 digits are, and a UUID's hyphens and version */

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        for (uint64_t value = 0; value < 100; value++) {
            char text[ALIAS_UUID_SIZE], neighbour[ALIAS_UUID_SIZE], other[ALIAS_UUID_SIZE];

            kinds[i].make(key, owner, (struct id){value}, text);
            kinds[i].make(key, owner, (struct id){value + 1}, neighbour);
            kinds[i].make(key, (struct id){owner.value + 1}, (struct id){value}, other);
            assert_in_range(common_digits(text, neighbour), 0, BY_CHANCE_MAX);
            assert_in_range(common_digits(text, other), 0, BY_CHANCE_MAX);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_back_into_what_it_stands_for),
        cmocka_unit_test(is_the_same_for_ever),
        cmocka_unit_test(is_refused_for_another_owner_or_key),
        cmocka_unit_test(is_refused_when_any_digit_was_changed),
        cmocka_unit_test(upper_case_is_taken),
        cmocka_unit_test(another_length_is_refused),
        cmocka_unit_test(a_uuid_says_that_it_is_one_of_version_8),
        cmocka_unit_test(nothing_of_the_thing_or_the_owner_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
