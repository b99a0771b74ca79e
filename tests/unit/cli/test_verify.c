#include "base/encode.h"
#include "base/sign.h"
#include "cli/verify.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

/* The example of the Standard Webhooks specification's own libraries. */
#define EXAMPLE_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define EXAMPLE_SECONDS 1614265330
static const struct verify_request example = {
    .id = {"msg_p5jXN8AQM9LWM0D4loKWxJek", 28},
    .timestamp = {"1614265330", 10},
    .signatures = {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", 47},
    .body = {"{\"test\": 2432232314}", 20},
};
static const struct wall example_now = {EXAMPLE_SECONDS * US_PER_SECOND};

static struct diag diag;

static struct verify_key key_of(const char *text)
{
    struct verify_key key;

    assert_int_equal(verify_key_parse(slice_of(text), &key, &diag), OK);
    return key;
}

static enum err check(const char *secret, const struct verify_request *request, struct wall now)
{
    struct verify_key key = key_of(secret);
    enum verify_scheme scheme = VERIFY_ED25519;
    struct verify_age age = {now, VERIFY_TOLERANCE_US};
    enum err err = verify_check(&key, 1, request, age, &scheme, &diag);

    if (err == OK) {
        assert_int_equal(scheme, key.scheme);
    }
    return err;
}

static void the_published_example_verifies(UNUSED void **state)
{
    assert_int_equal(check(EXAMPLE_SECRET, &example, example_now), OK);
}

static void another_body_id_time_or_secret_does_not(UNUSED void **state)
{
    struct verify_request other = example;

    other.body = SLICE("{\"test\": 2432232315}");
    assert_int_equal(check(EXAMPLE_SECRET, &other, example_now), ERR_DENIED);
    other = example;
    other.id = SLICE("msg_p5jXN8AQM9LWM0D4loKWxJel");
    assert_int_equal(check(EXAMPLE_SECRET, &other, example_now), ERR_DENIED);
    other = example;
    other.timestamp = SLICE("1614265331");
    assert_int_equal(check(EXAMPLE_SECRET, &other, example_now), ERR_DENIED);
    assert_int_equal(check("whsec_NfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &example, example_now),
                     ERR_DENIED);
}

static void any_right_signature_among_several_is_enough(UNUSED void **state)
{
    struct verify_request rotated = example;

    rotated.signatures = SLICE("v1,AAAA v1a,x nonsense  "
                               "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_int_equal(check(EXAMPLE_SECRET, &rotated, example_now), OK);
    rotated.signatures = SLICE("v1, v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_int_equal(check(EXAMPLE_SECRET, &rotated, example_now), ERR_DENIED);
    assert_non_null(strstr(diag.text, "no signature is right"));
}

static void a_timestamp_counts_five_minutes_either_way(UNUSED void **state)
{
    struct wall late = {example_now.us + VERIFY_TOLERANCE_US};
    struct wall early = {example_now.us - VERIFY_TOLERANCE_US};

    assert_int_equal(check(EXAMPLE_SECRET, &example, late), OK);
    assert_int_equal(check(EXAMPLE_SECRET, &example, early), OK);
    late.us++;
    early.us--;
    assert_int_equal(check(EXAMPLE_SECRET, &example, late), ERR_DENIED);
    assert_int_equal(check(EXAMPLE_SECRET, &example, early), ERR_DENIED);
    assert_non_null(strstr(diag.text, "more than 5m from now"));
}

static void what_is_missing_is_named(UNUSED void **state)
{
    struct verify_request bare = example;

    bare.signatures = SLICE("");
    assert_int_equal(check(EXAMPLE_SECRET, &bare, example_now), ERR_DENIED);
    assert_non_null(strstr(diag.text, "webhook-signature is missing"));
    bare = example;
    bare.timestamp = SLICE("yesterday");
    assert_int_equal(check(EXAMPLE_SECRET, &bare, example_now), ERR_DENIED);
    assert_non_null(strstr(diag.text, "whole seconds"));
    bare.timestamp = SLICE("9223372036854775807");
    assert_int_equal(check(EXAMPLE_SECRET, &bare, example_now), ERR_DENIED);
}

/* Signs the example with an Ed25519 seed and writes the public key as receivers get it. */
static void sign_ed25519(const uint8_t *seed, struct buf *signatures, struct buf *public_text)
{
    uint8_t signature[ED25519_SIGNATURE_BYTES], public_key[ED25519_PUBLIC_BYTES];
    char text[200];
    int len = snprintf(text, sizeof(text), "%.*s.%.*s.%.*s", SLICE_ARGS(example.id),
                       SLICE_ARGS(example.timestamp), SLICE_ARGS(example.body));

    ed25519_sign(seed, slice_from(text, (size_t)len), signature);
    ed25519_public(seed, public_key);
    buf_text(signatures, "v1,AAAA v1a,");
    base64_encode(signatures, signature, sizeof(signature));
    buf_text(public_text, "whpk_");
    base64_encode(public_text, public_key, sizeof(public_key));
}

static void ed25519_verifies_with_the_public_key_alone(UNUSED void **state)
{
    static const uint8_t seed[ED25519_SEED_BYTES] = {1, 2, 3};
    struct verify_request request = example;
    struct buf signatures, public_text;

    buf_init(&signatures, 1000);
    buf_init(&public_text, 1000);
    sign_ed25519(seed, &signatures, &public_text);
    request.signatures = buf_view(&signatures);
    assert_int_equal(check(buf_cstr(&public_text), &request, example_now), OK);
    request.body = SLICE("{}");
    assert_int_equal(check(buf_cstr(&public_text), &request, example_now), ERR_DENIED);
    buf_clear(&signatures);
    buf_clear(&public_text);
}

static void what_is_no_secret_is_refused(UNUSED void **state)
{
    static const char *const bad[] = {
        "",
        "whsec_",
        "whsec_AAAA",
        "whsec_not base64!",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    };
    struct verify_key key;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (verify_key_parse(slice_of(bad[i]), &key, &diag) != ERR_INVALID) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_example_verifies),
        cmocka_unit_test(another_body_id_time_or_secret_does_not),
        cmocka_unit_test(any_right_signature_among_several_is_enough),
        cmocka_unit_test(a_timestamp_counts_five_minutes_either_way),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(ed25519_verifies_with_the_public_key_alone),
        cmocka_unit_test(what_is_no_secret_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
