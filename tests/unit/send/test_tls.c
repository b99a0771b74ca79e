#include "call.h"
#include "own_clock.h"
#include "peer.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>

/* --- certificates made for the test --- */

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
    char *key_pem, *certificate_pem;
};

static char *bio_text(BIO *bio)
{
    char *ptr;
    long len = BIO_get_mem_data(bio, &ptr);
    char *text = mem_text(ptr, (size_t)len);

    BIO_free(bio);
    return text;
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* alternative_name: "IP:127.0.0.1"; NULL for a CA. Signs itself when issuer is NULL. */
static struct identity make_identity(const char *name, const char *alternative_name,
                                     const struct identity *issuer)
{
    struct identity identity = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
    X509 *certificate = identity.certificate;
    X509_NAME *subject = X509_get_subject_name(certificate);
    BIO *key_bio = BIO_new(BIO_s_mem()), *certificate_bio = BIO_new(BIO_s_mem());
    static long serial;

    (void)X509_set_version(certificate, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                     -1, 0);
    (void)X509_set_issuer_name(
        certificate, issuer != NULL ? X509_get_subject_name(issuer->certificate) : subject);
    (void)X509_set_pubkey(certificate, identity.key);
    add_extension(certificate, NID_basic_constraints,
                  alternative_name == NULL ? "CA:TRUE" : "CA:FALSE");
    if (alternative_name != NULL) {
        add_extension(certificate, NID_subject_alt_name, alternative_name);
    }
    assert_true(X509_sign(certificate, issuer != NULL ? issuer->key : identity.key, EVP_sha256()) >
                0);
    (void)PEM_write_bio_PrivateKey(key_bio, identity.key, NULL, NULL, 0, NULL, NULL);
    (void)PEM_write_bio_X509(certificate_bio, certificate);
    identity.key_pem = bio_text(key_bio);
    identity.certificate_pem = bio_text(certificate_bio);
    return identity;
}

static void identity_clear(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
    mem_free(identity->key_pem);
    mem_free(identity->certificate_pem);
}

static struct identity authority, stranger, server, wrong_host, client;

static int make_identities(UNUSED void **state)
{
    authority = make_identity("Test CA", NULL, NULL);
    stranger = make_identity("Other CA", NULL, NULL);
    server = make_identity("server", "IP:127.0.0.1", &authority);
    wrong_host = make_identity("elsewhere", "DNS:elsewhere.example", &authority);
    client = make_identity("client", "DNS:client.example", &authority);
    return 0;
}

static int clear_identities(UNUSED void **state)
{
    identity_clear(&authority);
    identity_clear(&stranger);
    identity_clear(&server);
    identity_clear(&wrong_host);
    identity_clear(&client);
    return 0;
}

/* --- an HTTPS server --- */

struct tls_plan {
    const struct identity *identity;
    bool wants_client;
    int version_max; /* 0: any */
};

static SSL_CTX *make_context(const struct tls_plan *plan)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    (void)SSL_CTX_use_certificate(context, plan->identity->certificate);
    (void)SSL_CTX_use_PrivateKey(context, plan->identity->key);
    if (plan->version_max != 0) {
        (void)SSL_CTX_set_min_proto_version(context, 0);
        (void)SSL_CTX_set_max_proto_version(context, plan->version_max);
        SSL_CTX_set_security_level(context, 0);
    }
    if (plan->wants_client) {
        (void)X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.certificate);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return context;
}

/* Answers each request with 200; the peer's requests are counted, its text is not kept. */
static void serve_tls(struct peer *peer, int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    SSL_CTX *context = make_context(peer->plan);
    SSL *ssl = SSL_new(context);
    char bytes[16 * 1024];

    (void)SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        /* A small request comes in one record. */
        while (SSL_read(ssl, bytes, sizeof bytes) > 0) {
            pthread_mutex_lock(&peer->lock);
            peer->requests++;
            pthread_mutex_unlock(&peer->lock);
            (void)SSL_write(ssl, answer, sizeof answer - 1);
        }
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void set_https(struct call *call, const char *host, uint16_t port)
{
    (void)snprintf(call->url, sizeof call->url, "https://%s:%u/hook", host, port);
    call->outbound.url = slice_of(call->url);
}

static void send_tls(struct sender *sender, struct call *call, const struct peer *peer,
                     const struct outbound_tls *tls)
{
    call_init(call, peer->port, "/");
    set_https(call, "127.0.0.1", peer->port);
    call->outbound.tls = tls;
    call_send(sender, call);
    call_clear(call);
}

static void exchange_tls(struct call *call, const struct tls_plan *plan,
                         const struct outbound_tls *tls)
{
    struct peer *peer = peer_start(serve_tls, plan);
    struct sender *sender = call_sender("127.0.0.0/8");

    send_tls(sender, call, peer, tls);
    sender_free(sender);
    peer_stop(peer);
}

static struct outbound_tls trusting(const struct identity *ca)
{
    return (struct outbound_tls){.ca_pem = slice_of(ca->certificate_pem)};
}

static struct outbound_tls with_client(const struct identity *identity)
{
    struct outbound_tls tls = trusting(&authority);

    tls.certificate_pem = slice_of(identity->certificate_pem);
    tls.key_pem = slice_of(identity->key_pem);
    return tls;
}

static void assert_answered(const struct call *call)
{
    assert_string_equal(call->detail, "HTTP 200");
    assert_int_equal(call->outbound.result.outcome, ATTEMPT_ANSWER);
}

static void assert_tls_failure(const struct call *call, const char *start)
{
    if (strncmp(call->detail, start, strlen(start)) != 0) {
        fail_msg("\"%s\" does not begin with \"%s\"", call->detail, start);
    }
    assert_int_equal(call->outbound.result.outcome, ATTEMPT_TLS);
}

static void a_receivers_own_ca_is_trusted(UNUSED void **state)
{
    struct tls_plan plan = {.identity = &server};
    struct outbound_tls tls = trusting(&authority);
    struct call call;

    exchange_tls(&call, &plan, &tls);
    assert_answered(&call);
}

static void an_unknown_ca_is_not(UNUSED void **state)
{
    struct tls_plan plan = {.identity = &server};
    struct outbound_tls tls = trusting(&stranger);
    struct call call;

    exchange_tls(&call, &plan, &tls);
    assert_tls_failure(&call, "certificate not trusted: unable to get local issuer certificate");
    exchange_tls(&call, &plan, NULL);
    assert_tls_failure(&call, "certificate not trusted: ");
    assert_false(call.outbound.result.may_have_arrived);
}

static void another_hosts_certificate_is_not_trusted(UNUSED void **state)
{
    struct tls_plan plan = {.identity = &wrong_host};
    struct outbound_tls tls = trusting(&authority);
    struct call call;

    exchange_tls(&call, &plan, &tls);
    assert_tls_failure(&call, "certificate not trusted: ");
}

static void a_client_certificate_is_shown_where_it_is_wanted(UNUSED void **state)
{
    struct tls_plan plan = {.identity = &server, .wants_client = true};
    struct outbound_tls with = with_client(&client), without = trusting(&authority);
    struct call call;

    exchange_tls(&call, &plan, &with);
    assert_answered(&call);
    exchange_tls(&call, &plan, &without);
    assert_tls_failure(&call, "TLS ");
}

static void broken_certificates_are_told(UNUSED void **state)
{
    struct tls_plan plan = {.identity = &server};
    struct outbound_tls bad_ca = {.ca_pem = SLICE("no certificate")};
    struct outbound_tls bad_client = with_client(&client);
    struct outbound_tls other_key = with_client(&client);
    struct call call;

    exchange_tls(&call, &plan, &bad_ca);
    assert_int_equal(call.outbound.result.outcome, ATTEMPT_TLS);
    bad_client.certificate_pem = SLICE("no certificate");
    exchange_tls(&call, &plan, &bad_client);
    assert_tls_failure(&call, "client certificate cannot be used: ");
    other_key.key_pem = slice_of(server.key_pem);
    exchange_tls(&call, &plan, &other_key);
    assert_tls_failure(&call, "client certificate cannot be used: ");
}

static void requests_with_other_settings_share_no_connection(UNUSED void **state)
{
    struct tls_plan plan = {.identity = &server};
    struct outbound_tls plain = trusting(&authority), with = with_client(&client),
                        distrusting = trusting(&stranger);
    struct peer *peer = peer_start(serve_tls, &plan);
    struct sender *sender = call_sender("127.0.0.0/8");
    struct call call;

    send_tls(sender, &call, peer, &plain);
    assert_answered(&call);
    send_tls(sender, &call, peer, &plain);
    assert_answered(&call);
    assert_int_equal(peer_connections(peer), 1);
    send_tls(sender, &call, peer, &with);
    assert_answered(&call);
    assert_int_equal(peer_connections(peer), 2);
    /* Not even over the open connection, whose certificate this one would not have taken. */
    send_tls(sender, &call, peer, &distrusting);
    assert_tls_failure(&call, "certificate not trusted: ");
    send_tls(sender, &call, peer, NULL);
    assert_tls_failure(&call, "certificate not trusted: ");
    send_tls(sender, &call, peer, &plain);
    assert_answered(&call);
    assert_int_equal(peer_requests(peer), 4);
    sender_free(sender);
    peer_stop(peer);
}

static void old_tls_is_not_spoken(UNUSED void **state)
{
    struct tls_plan plan = {.identity = &server, .version_max = TLS1_1_VERSION};
    struct outbound_tls tls = trusting(&authority);
    struct call call;

    exchange_tls(&call, &plan, &tls);
    assert_tls_failure(&call, "TLS handshake failed: ");
}

static void serve_greeting(UNUSED struct peer *peer, int fd)
{
    (void)peer_say_text(fd, "220 no TLS here\r\n");
    peer_wait_for_end(fd);
}

static void plain_text_instead_of_tls_is_told(UNUSED void **state)
{
    struct peer *peer = peer_start(serve_greeting, NULL);
    struct sender *sender = call_sender("127.0.0.0/8");
    struct call call;

    send_tls(sender, &call, peer, NULL);
    assert_tls_failure(&call, "TLS handshake failed: wrong version number");
    sender_free(sender);
    peer_stop(peer);
}

/* Hears the handshake begin, and says nothing. */
static void serve_nothing(struct peer *peer, int fd)
{
    char byte;

    if (recv(fd, &byte, 1, 0) == 1 && peer_say_over(peer, fd, "")) {
        peer_wait_for_end(fd);
    }
}

static void a_handshake_that_hangs_runs_out_of_time(UNUSED void **state)
{
    struct peer *peer = peer_start(serve_nothing, NULL);
    struct sender *sender = call_sender("127.0.0.0/8");
    struct call call;

    call_init(&call, peer->port, "/");
    set_https(&call, "127.0.0.1", peer->port);
    own_clock_run_out(sender, &call, peer);
    assert_string_equal(call.detail, "timed out in the TLS handshake");
    assert_int_equal(call.outbound.result.outcome, ATTEMPT_TIMEOUT);
    assert_false(call.outbound.result.may_have_arrived);
    call_clear(&call);
    sender_free(sender);
    peer_stop(peer);
}

/* --- a mail server with STARTTLS --- */

static bool starts(const char *line, const char *command)
{
    return strncmp(line, command, strlen(command)) == 0;
}

static void note(struct peer *peer, const char *text)
{
    pthread_mutex_lock(&peer->lock);
    buf_text(&peer->heard, text);
    pthread_mutex_unlock(&peer->lock);
}

static const char *mail_reply(const char *line)
{
    if (starts(line, "EHLO")) {
        return "250 x\r\n";
    }
    if (starts(line, "DATA")) {
        return "354 go\r\n";
    }
    /* Content ends with its dot in the same record. */
    return "250 ok\r\n";
}

static void serve_mail_inside_tls(struct peer *peer, SSL *ssl)
{
    char line[16 * 1024];
    int len;

    while ((len = SSL_read(ssl, line, sizeof line - 1)) > 0) {
        line[len] = '\0';
        note(peer, line);
        const char *reply = mail_reply(line);
        (void)SSL_write(ssl, reply, (int)strlen(reply));
    }
}

static void serve_starttls(struct peer *peer, int fd)
{
    SSL_CTX *context = make_context(peer->plan);
    SSL *ssl = SSL_new(context);
    char line[1024];
    ssize_t len;

    (void)peer_say_text(fd, "220 x\r\n");
    while ((len = recv(fd, line, sizeof line - 1, 0)) > 0) {
        line[len] = '\0';
        note(peer, "plain ");
        note(peer, line);
        if (!starts(line, "STARTTLS")) {
            (void)peer_say_text(fd, "250-x\r\n250 STARTTLS\r\n");
            continue;
        }
        (void)peer_say_text(fd, "220 go\r\n");
        (void)SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1) {
            serve_mail_inside_tls(peer, ssl);
        }
        break;
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void send_mail(struct peer *peer, enum mail_tls tls, const char *ca_path, struct call *call)
{
    char url[64];
    struct sender_options options = {
        .connections_max = 8,
        .connect_timeout_us = CALL_TIMEOUT_US,
        .smtp_url = url,
        .smtp_tls = tls,
        .ca_path = ca_path,
    };

    (void)snprintf(url, sizeof url, "smtp://127.0.0.1:%u", peer->port);
    struct sender *sender = sender_new(env_system(), &options);
    call_init(call, 1, "/");
    call->outbound.kind = OUTBOUND_MAIL;
    call->outbound.mail_from = SLICE("a@b.example");
    call->outbound.mail_to = SLICE("c@d.example");
    call->outbound.body = SLICE("Subject: x\r\n\r\nsecret\r\n");
    call_send(sender, call);
    call_clear(call);
    sender_free(sender);
}

/* The test's CA as a file; the caller unlinks it. */
static void write_ca(char *path)
{
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    size_t len = strlen(authority.certificate_pem);
    assert_int_equal(write(fd, authority.certificate_pem, len), len);
    (void)close(fd);
}

static void mail_goes_through_starttls(UNUSED void **state)
{
    struct tls_plan plan = {.identity = &server};
    struct peer *peer = peer_start(serve_starttls, &plan);
    char path[] = "/tmp/tidings-ca-XXXXXX";
    struct call call;

    write_ca(path);
    send_mail(peer, MAIL_TLS_REQUIRED, path, &call);
    assert_string_equal(call.detail, "SMTP 250");
    char *heard = peer_heard(peer);
    assert_null(strstr(heard, "plain MAIL"));
    assert_non_null(strstr(heard, "secret"));
    mem_free(heard);
    (void)unlink(path);
    peer_stop(peer);
}

static void mail_is_not_sent_to_a_server_with_an_unknown_certificate(UNUSED void **state)
{
    struct tls_plan plan = {.identity = &server};
    struct peer *peer = peer_start(serve_starttls, &plan);
    struct call call;

    send_mail(peer, MAIL_TLS_REQUIRED, NULL, &call);
    assert_tls_failure(&call, "certificate not trusted: ");
    char *heard = peer_heard(peer);
    assert_null(strstr(heard, "MAIL"));
    mem_free(heard);
    peer_stop(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receivers_own_ca_is_trusted),
        cmocka_unit_test(an_unknown_ca_is_not),
        cmocka_unit_test(another_hosts_certificate_is_not_trusted),
        cmocka_unit_test(a_client_certificate_is_shown_where_it_is_wanted),
        cmocka_unit_test(broken_certificates_are_told),
        cmocka_unit_test(requests_with_other_settings_share_no_connection),
        cmocka_unit_test(old_tls_is_not_spoken),
        cmocka_unit_test(plain_text_instead_of_tls_is_told),
        cmocka_unit_test(a_handshake_that_hangs_runs_out_of_time),
        cmocka_unit_test(mail_goes_through_starttls),
        cmocka_unit_test(mail_is_not_sent_to_a_server_with_an_unknown_certificate),
    };

    /* SSL_write to a receiver that is gone must fail, not kill the test. */
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, make_identities, clear_identities);
}
