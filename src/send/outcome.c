#include "send/outcome.h"

#include "base/macro.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What libcurl tells, in our words. Anything else is a failed connection in libcurl's own. */
static const struct failure {
    CURLcode code;
    enum attempt_outcome outcome;
    const char *words;
    bool has_errno;    /* the system's error number says it better */
    bool has_openssls; /* OpenSSL's words follow ours */
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ATTEMPT_CONNECT, "name not found", false, false},
    {CURLE_COULDNT_CONNECT, ATTEMPT_CONNECT, "could not connect", true, false},
    {CURLE_GOT_NOTHING, ATTEMPT_CONNECT, "connection closed without an answer", false, false},
    {CURLE_SEND_ERROR, ATTEMPT_CONNECT, "connection lost while sending", true, false},
    {CURLE_RECV_ERROR, ATTEMPT_CONNECT, "connection lost", true, false},
    {CURLE_PARTIAL_FILE, ATTEMPT_CONNECT, "connection closed within the answer", false, false},
    {CURLE_WEIRD_SERVER_REPLY, ATTEMPT_CONNECT, "the answer breaks the protocol", false, false},
    {CURLE_UNSUPPORTED_PROTOCOL, ATTEMPT_CONNECT, "the answer breaks the protocol", false, false},
    {CURLE_HTTP2, ATTEMPT_CONNECT, "the answer breaks the protocol", false, false},
    {CURLE_HTTP2_STREAM, ATTEMPT_CONNECT, "the answer breaks the protocol", false, false},
    {CURLE_URL_MALFORMAT, ATTEMPT_INVALID, "the URL cannot be used", false, false},
    {CURLE_PEER_FAILED_VERIFICATION, ATTEMPT_TLS, "certificate not trusted", false, true},
    {CURLE_SSL_ISSUER_ERROR, ATTEMPT_TLS, "certificate not trusted", false, true},
    {CURLE_SSL_CONNECT_ERROR, ATTEMPT_TLS, "TLS handshake failed", false, true},
    {CURLE_SSL_CIPHER, ATTEMPT_TLS, "TLS handshake failed", false, true},
    {CURLE_SSL_CERTPROBLEM, ATTEMPT_TLS, "client certificate cannot be used", false, true},
    {CURLE_SSL_CACERT_BADFILE, ATTEMPT_TLS, "CA certificates cannot be used", false, true},
    {CURLE_USE_SSL_FAILED, ATTEMPT_TLS, "TLS is demanded and not offered", false, false},
};

static const char *const timeouts[] = {
    [PHASE_LOOKUP] = "timed out while looking up the name",
    [PHASE_CONNECT] = "timed out while connecting",
    [PHASE_TLS] = "timed out in the TLS handshake",
    [PHASE_SEND] = "timed out while sending",
    [PHASE_WAIT] = "timed out waiting for the answer",
    [PHASE_ANSWER] = "timed out while reading the answer",
};

static const struct errno_words {
    int error;
    const char *words;
} errno_words[] = {
    {ECONNREFUSED, "connection refused"},
    {ECONNRESET, "connection reset"},
    {EPIPE, "connection reset"},
    {ECONNABORTED, "connection reset"},
    {ENETUNREACH, "network unreachable"},
    {EHOSTUNREACH, "host unreachable"},
    {EADDRNOTAVAIL, "no local address or port free"},
    {EMFILE, "too many open files"},
    {ENFILE, "too many open files"},
};

struct outcome outcome_of(enum attempt_outcome outcome, const char *format, ...)
{
    struct outcome result = {.outcome = outcome};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(result.detail, sizeof result.detail, format, args); /* cut on purpose */
    va_end(args);
    /* A peer may have a hand in libcurl's words. */
    for (char *at = result.detail; *at != '\0'; at++) {
        *at = *at >= ' ' && *at <= '~' ? *at : '?';
    }
    return result;
}

struct outcome outcome_timeout(enum outcome_phase phase)
{
    return outcome_of(ATTEMPT_TIMEOUT, "%s", timeouts[phase]);
}

static const struct failure *find_failure(CURLcode code)
{
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        if (failures[i].code == code) {
            return &failures[i];
        }
    }
    return NULL;
}

static const char *find_errno_words(long error, const char *otherwise)
{
    for (size_t i = 0; i < ARRAY_LEN(errno_words); i++) {
        if (errno_words[i].error == error) {
            return errno_words[i].words;
        }
    }
    return otherwise;
}

/* What OpenSSL said, without what libcurl and OpenSSL put before it. */
static const char *openssls_words(const char *words)
{
    static const char *const fronts[] = {"SSL routines::", "SSL certificate problem: ", "SSL: "};

    for (size_t i = 0; i < ARRAY_LEN(fronts); i++) {
        const char *front = strstr(words, fronts[i]);

        if (front != NULL) {
            return front + strlen(fronts[i]);
        }
    }
    return words;
}

struct outcome outcome_failure(CURLcode code, enum outcome_phase phase, long os_errno,
                               const char *words)
{
    const struct failure *failure = find_failure(code);

    if (code == CURLE_OPERATION_TIMEDOUT) {
        return outcome_timeout(phase);
    }
    if (failure == NULL) {
        return outcome_of(ATTEMPT_CONNECT, "%s",
                          words[0] != '\0' ? words : curl_easy_strerror(code));
    }
    if (failure->has_openssls && words[0] != '\0') {
        return outcome_of(failure->outcome, "%s: %s", failure->words, openssls_words(words));
    }
    /* With TLS 1.3 a refused client certificate shows itself only when the answer is read. */
    if (strstr(words, "SSL routines::") != NULL) {
        return outcome_of(ATTEMPT_TLS, "TLS failed: %s", openssls_words(words));
    }
    return outcome_of(failure->outcome, "%s",
                      failure->has_errno ? find_errno_words(os_errno, failure->words)
                                         : failure->words);
}
