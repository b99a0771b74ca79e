#include "send/tls.h"

void tls_prepare(CURL *easy, const char *ca_path)
{
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    /* With a folder of CAs libcurl would read the whole bundle (10 ms) for each connection; a file
     * alone it keeps parsed. */
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (ca_path != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, ca_path);
    }
}

static void use_blob(CURL *easy, CURLoption option, struct slice pem)
{
    /* libcurl does not write to it; its type only lacks the const. */
    struct curl_blob blob = {
        .data = (void *)(uintptr_t)pem.ptr, .len = pem.len, .flags = CURL_BLOB_NOCOPY};

    (void)curl_easy_setopt(easy, option, pem.len > 0 ? &blob : NULL);
}

void tls_use(CURL *easy, const struct outbound_tls *tls)
{
    static const struct outbound_tls defaults = {.ca_pem = {.len = 0}};

    if (tls == NULL) {
        tls = &defaults;
    }
    use_blob(easy, CURLOPT_CAINFO_BLOB, tls->ca_pem);
    use_blob(easy, CURLOPT_SSLCERT_BLOB, tls->certificate_pem);
    use_blob(easy, CURLOPT_SSLKEY_BLOB, tls->key_pem);
}
