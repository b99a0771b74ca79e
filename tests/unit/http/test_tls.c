/*
 * The server behind TLS, and a certificate that changes while it serves.
 */
#include "client.h"
#include "os/file.h"
#include "site.h"
#include "support/scratch.h"
#include "support/unit.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#define REST " HTTP/1.1\r\nHost: x\r\n\r\n"

/* ---- Certificates ---- */

static void write_bio(const struct scratch_path *path, BIO *bio)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(bio, &bytes);

    assert_int_equal(file_write(path->chars, slice_from(bytes, (size_t)len), 0600, NULL), OK);
    BIO_free(bio);
}

static X509 *self_signed(EVP_PKEY *key, const char *name)
{
    X509 *certificate = X509_new();

    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
                                                MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                                                0),
                     1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

/* Writes cert.pem and key.pem of somebody called name. */
static void make_certificate(const struct scratch *scratch, const char *name)
{
    struct scratch_path chain_path = scratch_path(scratch, "cert.pem");
    struct scratch_path key_path = scratch_path(scratch, "key.pem");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = self_signed(key, name);
    BIO *chain_bio = BIO_new(BIO_s_mem());
    BIO *key_bio = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_X509(chain_bio, certificate), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL), 1);
    write_bio(&chain_path, chain_bio);
    write_bio(&key_path, key_bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* ---- A client behind TLS ---- */

struct tls_client {
    struct client plain;
    SSL_CTX *context;
    SSL *tls;
};

static bool tls_open(struct tls_client *client, const char *address)
{
    client_open(&client->plain, address);
    client->context = SSL_CTX_new(TLS_client_method());
    client->tls = SSL_new(client->context);
    assert_int_equal(SSL_set_fd(client->tls, client->plain.fd), 1);
    return SSL_connect(client->tls) == 1;
}

static void tls_close(struct tls_client *client)
{
    SSL_free(client->tls);
    SSL_CTX_free(client->context);
    client_close(&client->plain);
}

static void assert_server_is(const struct tls_client *client, const char *name)
{
    char text[64] = "";
    X509 *certificate = SSL_get1_peer_certificate(client->tls);

    assert_non_null(certificate);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text,
                                    sizeof text);
    assert_string_equal(text, name);
    X509_free(certificate);
}

/* Asks and checks that the answer, read until its expected end, begins and ends so. */
static void tls_expect(struct tls_client *client, const char *request, const char *start,
                       const char *end)
{
    static char answer[64 * 1024];
    size_t len = 0;

    assert_int_equal(SSL_write(client->tls, request, (int)strlen(request)), (int)strlen(request));
    while (!slice_ends(slice_from(answer, len), slice_of(end))) {
        int got = SSL_read(client->tls, answer + len, (int)(sizeof answer - len));

        assert_true(got > 0);
        len += (size_t)got;
    }
    assert_true(slice_starts(slice_from(answer, len), slice_of(start)));
}

/* ---- The server ---- */

#define TIMEOUT_US (2 * US_PER_SECOND)

struct fixture {
    struct scratch *scratch;
    struct scratch_path chain_path, key_path;
    struct site site;
};

static int start(void **state)
{
    static struct fixture fixture;
    void *scratch = NULL;

    assert_int_equal(scratch_make(&scratch), 0);
    fixture.scratch = scratch;
    fixture.chain_path = scratch_path(scratch, "cert.pem");
    fixture.key_path = scratch_path(scratch, "key.pem");
    make_certificate(scratch, "first");
    site_start(&fixture.site, (struct server_options){
                                  .threads = 2,
                                  .request_timeout_us = TIMEOUT_US,
                                  .tls_certificate_path = fixture.chain_path.chars,
                                  .tls_key_path = fixture.key_path.chars,
                              });
    *state = &fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;
    void *scratch = fixture->scratch;

    site_stop(&fixture->site);
    return scratch_remove(&scratch);
}

static void requests_are_served_behind_tls(void **state)
{
    struct fixture *fixture = *state;
    struct tls_client client;

    assert_non_null(strstr(site_address(&fixture->site), "https://"));
    assert_true(tls_open(&client, site_address(&fixture->site)));
    for (int i = 0; i < 20; i++) {
        tls_expect(&client, "GET /hello" REST, "HTTP/1.1 200", "hello");
        tls_expect(&client, "GET /later" REST, "HTTP/1.1 200", "later");
        tls_expect(&client, "GET /wait/1?ms=0" REST, "HTTP/1.1 200", "silence");
    }
    tls_close(&client);
}

static void several_requests_in_one_record_are_answered(void **state)
{
    struct fixture *fixture = *state;
    struct tls_client client;

    assert_true(tls_open(&client, site_address(&fixture->site)));
    tls_expect(&client, "GET /later" REST "GET /hello" REST "GET /items/last" REST, "HTTP/1.1 200",
               "last");
    tls_close(&client);
}

static void a_large_body_and_answer_pass(void **state)
{
    struct fixture *fixture = *state;
    struct tls_client client;
    char request[1200] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
    size_t head_len = strlen(request);

    memset(request + head_len, 'x', 1000);
    memcpy(request + head_len + 990, "0123456789", 11);
    assert_true(tls_open(&client, site_address(&fixture->site)));
    tls_expect(&client, request, "HTTP/1.1 200", "0123456789");
    tls_close(&client);
}

static void a_new_certificate_is_shown_to_new_connections(void **state)
{
    struct fixture *fixture = *state;
    struct tls_client before;
    struct tls_client after;
    struct diag diag = {0};

    assert_true(tls_open(&before, site_address(&fixture->site)));
    assert_server_is(&before, "first");
    tls_expect(&before, "GET /hello" REST, "HTTP/1.1 200", "hello");
    make_certificate(fixture->scratch, "second");
    assert_int_equal(server_reload_tls(fixture->site.server, &diag), OK);
    /* Both threads have to hear of it: the old certificate may be shown until then. */
    for (int quiet = 0; quiet < 50;) {
        char name[64] = "";

        assert_true(tls_open(&after, site_address(&fixture->site)));
        X509 *shown = SSL_get1_peer_certificate(after.tls);
        (void)X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name,
                                        sizeof name);
        X509_free(shown);
        quiet = strcmp(name, "second") == 0 ? quiet + 1 : 0;
        tls_expect(&after, "GET /hello" REST, "HTTP/1.1 200", "hello");
        tls_close(&after);
    }
    /* A connection from before is served once more and then closed. */
    tls_expect(&before, "GET /hello" REST, "HTTP/1.1 200", "hello");
    client_drop_rest(&before.plain);
    tls_close(&before);
}

static void a_bad_certificate_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct tls_client client;
    struct diag diag = {0};

    assert_int_equal(file_write(fixture->chain_path.chars, SLICE("no certificate\n"), 0600, NULL),
                     OK);
    assert_int_equal(server_reload_tls(fixture->site.server, &diag), ERR_INVALID);
    assert_non_null(strstr(diag.text, "certificate"));
    assert_true(tls_open(&client, site_address(&fixture->site)));
    assert_server_is(&client, "first");
    tls_close(&client);
}

static void plain_http_is_not_understood(void **state)
{
    struct fixture *fixture = *state;
    struct client client;

    client_open(&client, site_address(&fixture->site));
    client_send(&client, "GET /hello" REST);
    client_drop_rest(&client);
    client_close(&client);
}

static void a_handshake_that_does_not_come_is_cut_off(void **state)
{
    struct fixture *fixture = *state;
    struct client client;

    client_open(&client, site_address(&fixture->site));
    site_await_connections(&fixture->site, 1);
    site_pass(&fixture->site, TIMEOUT_US - 1);
    site_await_connections(&fixture->site, 1);
    site_pass(&fixture->site, 1);
    client_expect_end(&client);
    client_close(&client);
}

static void draining_ends_connections_behind_tls(void **state)
{
    struct fixture *fixture = *state;
    struct tls_client client;

    assert_true(tls_open(&client, site_address(&fixture->site)));
    tls_expect(&client, "GET /hello" REST, "HTTP/1.1 200", "hello");
    server_drain(fixture->site.server, US_PER_MINUTE);
    site_await_connections(&fixture->site, 0);
    tls_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_are_served_behind_tls, start, stop),
        cmocka_unit_test_setup_teardown(several_requests_in_one_record_are_answered, start, stop),
        cmocka_unit_test_setup_teardown(a_large_body_and_answer_pass, start, stop),
        cmocka_unit_test_setup_teardown(a_new_certificate_is_shown_to_new_connections, start, stop),
        cmocka_unit_test_setup_teardown(a_bad_certificate_changes_nothing, start, stop),
        cmocka_unit_test_setup_teardown(plain_http_is_not_understood, start, stop),
        cmocka_unit_test_setup_teardown(a_handshake_that_does_not_come_is_cut_off, start, stop),
        cmocka_unit_test_setup_teardown(draining_ends_connections_behind_tls, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
