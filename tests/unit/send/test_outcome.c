#include "base/macro.h"
#include "send/outcome.h"
#include "support/unit.h"

#include <errno.h>
#include <string.h>

static void failures_have_stable_words(UNUSED void **state)
{
    static const struct {
        CURLcode code;
        long os_errno;
        const char *libcurls;
        enum attempt_outcome outcome;
        const char *detail;
    } cases[] = {
        {CURLE_COULDNT_RESOLVE_HOST, 0, "Could not resolve host: x", ATTEMPT_CONNECT,
         "name not found"},
        {CURLE_COULDNT_CONNECT, ECONNREFUSED, "", ATTEMPT_CONNECT, "connection refused"},
        {CURLE_COULDNT_CONNECT, EHOSTUNREACH, "", ATTEMPT_CONNECT, "host unreachable"},
        {CURLE_COULDNT_CONNECT, 0, "", ATTEMPT_CONNECT, "could not connect"},
        {CURLE_RECV_ERROR, ECONNRESET, "", ATTEMPT_CONNECT, "connection reset"},
        {CURLE_RECV_ERROR, 0,
         "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno "
         "0",
         ATTEMPT_TLS, "TLS failed: tlsv13 alert certificate required, errno 0"},
        {CURLE_PEER_FAILED_VERIFICATION, 0, "SSL certificate problem: self-signed certificate",
         ATTEMPT_TLS, "certificate not trusted: self-signed certificate"},
        {CURLE_SSL_CONNECT_ERROR, 0, "", ATTEMPT_TLS, "TLS handshake failed"},
        {CURLE_URL_MALFORMAT, 0, "", ATTEMPT_INVALID, "the URL cannot be used"},
        {CURLE_OPERATION_TIMEDOUT, 0, "", ATTEMPT_TIMEOUT, "timed out while connecting"},
        {CURLE_FTP_ACCEPT_FAILED, 0, "something\nnew", ATTEMPT_CONNECT, "something?new"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outcome outcome =
            outcome_failure(cases[i].code, PHASE_CONNECT, cases[i].os_errno, cases[i].libcurls);

        assert_string_equal(outcome.detail, cases[i].detail);
        assert_int_equal(outcome.outcome, cases[i].outcome);
    }
}

static void long_words_are_cut(UNUSED void **state)
{
    char words[2 * ATTEMPT_DETAIL_BYTES_MAX];

    memset(words, 'w', sizeof words);
    words[sizeof words - 1] = '\0';
    struct outcome outcome = outcome_of(ATTEMPT_CONNECT, "%s", words);
    assert_int_equal(strlen(outcome.detail), ATTEMPT_DETAIL_BYTES_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_have_stable_words),
        cmocka_unit_test(long_words_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
