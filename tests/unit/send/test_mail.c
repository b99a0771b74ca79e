#include "base/encode.h"
#include "base/macro.h"
#include "base/mem.h"
#include "send/mail.h"
#include "support/unit.h"

#include <string.h>

enum { MESSAGE_BYTES_MAX = 1024 * 1024 };

static struct mail plain_mail(void)
{
    return (struct mail){
        .from = SLICE("Shop <news@shop.example>"),
        .to = SLICE("orders@customer.example"),
        .subject = SLICE("Order created"),
        .message_id = SLICE("dlv_1@shop.example"),
        .date = {INT64_C(1770114030) * US_PER_SECOND},
        .text = SLICE("An order was created.\n"),
    };
}

/* The message as a C string; the caller frees it. */
static char *compose(const struct mail *mail)
{
    struct buf out;
    size_t len;

    buf_init(&out, MESSAGE_BYTES_MAX);
    assert_int_equal(mail_compose(mail, &out, NULL), OK);
    return buf_take(&out, &len);
}

/* RFC 5322: CRLF only, lines of at most 998; and ours are short. */
static void assert_lines(const char *message, size_t chars_max)
{
    size_t column = 0;

    for (const char *at = message; *at != '\0'; at++) {
        if (*at == '\r') {
            assert_int_equal(at[1], '\n');
            at++;
            column = 0;
        } else {
            assert_int_not_equal(*at, '\n');
            assert_true((unsigned char)*at < 0x80);
            assert_true(++column <= chars_max);
        }
    }
    assert_int_equal(column, 0);
}

static void assert_has(const char *message, const char *part)
{
    if (strstr(message, part) == NULL) {
        fail_msg("\"%s\" is not in\n%s", part, message);
    }
}

static void a_plain_mail_is_whole(UNUSED void **state)
{
    struct mail mail = plain_mail();
    char *message = compose(&mail);

    assert_string_equal(message, "From: Shop <news@shop.example>\r\n"
                                 "To: orders@customer.example\r\n"
                                 "Subject: Order created\r\n"
                                 "Date: Tue, 03 Feb 2026 10:20:30 +0000\r\n"
                                 "Message-ID: <dlv_1@shop.example>\r\n"
                                 "MIME-Version: 1.0\r\n"
                                 "Auto-Submitted: auto-generated\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Transfer-Encoding: quoted-printable\r\n"
                                 "\r\n"
                                 "An order was created.\r\n");
    mem_free(message);
}

static void an_attachment_comes_back_byte_for_byte(UNUSED void **state)
{
    struct mail mail = plain_mail();
    struct buf bytes, decoded, joined;

    buf_init(&bytes, 1000);
    buf_init(&decoded, 1000);
    buf_init(&joined, 2000);
    for (int i = 0; i < 1000; i++) {
        buf_byte(&bytes, (char)i);
    }
    mail.attachment = buf_view(&bytes);
    mail.attachment_type = SLICE("application/json");
    mail.attachment_name = SLICE("event.json");
    char *message = compose(&mail);
    assert_lines(message, 76);
    assert_has(message, "Content-Type: multipart/mixed; boundary=\"=_tidings_");
    assert_has(message, "Content-Type: application/json\r\n"
                        "Content-Disposition: attachment; filename=\"event.json\"\r\n"
                        "Content-Transfer-Encoding: base64\r\n\r\n");
    char *start = strstr(message, "base64\r\n\r\n") + strlen("base64\r\n\r\n");
    *strstr(start, "\r\n\r\n--=_tidings_") = '\0';
    for (char *at = start; *at != '\0'; at++) {
        if (*at != '\r' && *at != '\n') {
            buf_byte(&joined, *at);
        }
    }
    assert_int_equal(base64_decode(&decoded, buf_view(&joined)), OK);
    assert_true(slice_equal(buf_view(&decoded), buf_view(&bytes)));
    mem_free(message);
    buf_clear(&bytes);
    buf_clear(&decoded);
    buf_clear(&joined);
}

static void the_boundary_stands_only_between_the_parts(UNUSED void **state)
{
    struct mail mail = plain_mail();
    int found = 0;

    mail.text = SLICE("--=_tidings_ and so on\n--=_tidings_0000000000000000--\n");
    mail.attachment = SLICE("--=_tidings_");
    mail.attachment_type = SLICE("text/plain");
    char *message = compose(&mail);
    for (const char *at = message; (at = strstr(at, "\r\n--=_")) != NULL; at++) {
        found++;
    }
    assert_int_equal(found, 3);
    assert_true(strlen(message) > 6);
    assert_string_equal(message + strlen(message) - 4, "--\r\n");
    mem_free(message);
}

/* Undoes the encoded words of a header. */
static void decode_words(const char *message, const char *name, struct buf *out)
{
    const char *at = strstr(message, name) + strlen(name);
    const char *end = at;

    do {
        end = strstr(end, "\r\n") + 2;
    } while (*end == ' ');
    while ((at = strstr(at, "=?UTF-8?B?")) != NULL && at < end) {
        const char *start = at + strlen("=?UTF-8?B?");

        at = strstr(start, "?=");
        assert_int_equal(base64_decode(out, slice_from(start, (size_t)(at - start))), OK);
    }
}

static void a_subject_beyond_ascii_becomes_encoded_words(UNUSED void **state)
{
    static const char *const subjects[] = {
        "Bestellung bestätigt",
        "注文が作成されました。ご確認ください。ありがとうございます。またのご利用をお待ちしておりま"
        "す。注文番号",
        "👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽"
        "👍"
        "🏽"
        "👍"
        "🏽",
        "a plain subject that is far too long for one line, which a mail reader would have to show "
        "in one piece all the same, with all of its  double  spaces",
        "=?UTF-8?Q?pretends?=",
        " begins with a space",
        "é",
    };

    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        struct mail mail = plain_mail();
        struct buf decoded;

        buf_init(&decoded, 1000);
        mail.subject = slice_of(subjects[i]);
        char *message = compose(&mail);
        assert_lines(message, 76);
        decode_words(message, "Subject: ", &decoded);
        assert_string_equal(buf_cstr(&decoded), subjects[i]);
        buf_clear(&decoded);
        mem_free(message);
    }
}

static void each_encoded_word_holds_whole_characters(UNUSED void **state)
{
    struct mail mail = plain_mail();
    struct buf subject;

    buf_init(&subject, 1000);
    for (int i = 0; i < 100; i++) {
        buf_text(&subject, "€");
    }
    mail.subject = buf_view(&subject);
    char *message = compose(&mail);
    for (const char *at = message; (at = strstr(at, "?B?")) != NULL; at++) {
        size_t len = strcspn(at + 3, "?");

        /* Three bytes are four characters without padding. */
        assert_int_equal(len % 4, 0);
        assert_null(memchr(at + 3, '=', len));
    }
    mem_free(message);
    buf_clear(&subject);
}

static void a_display_name_is_written_so_that_it_reads_back(UNUSED void **state)
{
    static const struct {
        const char *from, *header;
    } cases[] = {
        {"news@shop.example", "From: news@shop.example\r\n"},
        {"<news@shop.example>", "From: news@shop.example\r\n"},
        {"Shop & Co <news@shop.example>", "From: Shop & Co <news@shop.example>\r\n"},
        {"Shop, Inc. <news@shop.example>", "From: \"Shop, Inc.\" <news@shop.example>\r\n"},
        {"\"Shop, Inc.\" <news@shop.example>", "From: \"Shop, Inc.\" <news@shop.example>\r\n"},
        {"\"A \\\"B\\\" <x>\" <a@b.example>", "From: \"A \\\"B\\\" <x>\" <a@b.example>\r\n"},
        {"Käse <a@b.example>", "From: =?UTF-8?B?S8Okc2U=?=\r\n <a@b.example>\r\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mail mail = plain_mail();

        mail.from = slice_of(cases[i].from);
        char *message = compose(&mail);
        assert_lines(message, 76);
        /* Where the address stands alone on its line is our own choice. */
        if (strncmp(message, cases[i].header, strlen(cases[i].header)) != 0) {
            fail_msg("%.100s\nand not\n%s", message, cases[i].header);
        }
        mem_free(message);
    }
}

static void text_is_quoted_printable(UNUSED void **state)
{
    static const struct {
        const char *text, *encoded;
    } cases[] = {
        {"", ""},
        {"a\nb\n", "a\r\nb\r\n"},
        {"a\r\nb", "a\r\nb\r\n"},
        {"a\n\n", "a\r\n\r\n"},
        {"\n", "\r\n"},
        {"1 = 1", "1 =3D 1\r\n"},
        {"grün", "gr=C3=BCn\r\n"},
        {"space \nend", "space=20\r\nend\r\n"},
        {"tab\t", "tab=09\r\n"},
        {".\n..", ".\r\n..\r\n"},
        {"lone\rreturn", "lone=0Dreturn\r\n"},
        {"0123456789012345678901234567890123456789012345678901234567890123456789012345",
         "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n5\r\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mail mail = plain_mail();

        mail.text = slice_of(cases[i].text);
        char *message = compose(&mail);
        assert_lines(message, 76);
        assert_string_equal(strstr(message, "\r\n\r\n") + 4, cases[i].encoded);
        mem_free(message);
    }
}

static void a_file_name_beyond_ascii_is_encoded(UNUSED void **state)
{
    struct mail mail = plain_mail();

    mail.attachment = SLICE("x");
    mail.attachment_type = SLICE("application/xml; charset=utf-8");
    mail.attachment_name = SLICE("größe 1.xml");
    char *message = compose(&mail);
    assert_has(message, "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe%201.xml\r\n");
    assert_has(message, "Content-Type: application/xml; charset=utf-8\r\n");
    mem_free(message);
    mail.attachment_name = SLICE("a\"b\\c.xml");
    message = compose(&mail);
    assert_has(message, "filename=\"a\\\"b\\\\c.xml\"\r\n");
    mem_free(message);
}

static void a_type_that_may_not_be_encoded_goes_out_as_bytes(UNUSED void **state)
{
    static const char *const types[] = {"multipart/mixed; boundary=x",
                                        "message/rfc822",
                                        "nonsense",
                                        "/",
                                        "Message/Partial",
                                        "text/größe"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct mail mail = plain_mail();

        mail.attachment = SLICE("x");
        mail.attachment_type = slice_of(types[i]);
        char *message = compose(&mail);
        assert_has(message, "\r\nContent-Type: application/octet-stream\r\n");
        mem_free(message);
    }
}

static void further_headers_are_added(UNUSED void **state)
{
    static const struct outbound_header headers[] = {
        {SLICE("X-Event"), SLICE("evt_1")}, {SLICE("List-Unsubscribe"), SLICE("<https://x/>")}};
    struct mail mail = plain_mail();

    mail.headers = headers;
    mail.headers_len = ARRAY_LEN(headers);
    char *message = compose(&mail);
    assert_has(message, "\r\nX-Event: evt_1\r\nList-Unsubscribe: <https://x/>\r\n");
    mem_free(message);
}

static void assert_refused(const struct mail *mail, const char *field)
{
    struct diag diag = {.field = ""};
    struct buf out;

    buf_init(&out, MESSAGE_BYTES_MAX);
    assert_int_equal(mail_compose(mail, &out, &diag), ERR_INVALID);
    assert_string_equal(diag.field, field);
    assert_int_equal(out.len, 0);
    buf_clear(&out);
}

static void what_could_add_a_header_is_refused(UNUSED void **state)
{
    static const struct {
        size_t at;
        const char *field;
    } members[] = {
        {offsetof(struct mail, from), "from"},
        {offsetof(struct mail, to), "to"},
        {offsetof(struct mail, subject), "subject"},
        {offsetof(struct mail, message_id), "message_id"},
        {offsetof(struct mail, attachment_type), "attachment_type"},
        {offsetof(struct mail, attachment_name), "attachment_name"},
    };
    static const struct slice bad[] = {
        SLICE("a@b.example\r\nBcc: c@d.example"),
        SLICE("a@b.example\nX: y"),
        SLICE("a@b.example\rX"),
        SLICE("a@b.example\0"),
        SLICE("\xff@b.example"),
        SLICE("a@b.example\x7f"),
        SLICE("a\xc2\x85@b.example"), /* U+0085, a line end to some */
    };

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
            struct mail mail = plain_mail();

            *(struct slice *)(void *)((char *)&mail + members[i].at) = bad[k];
            assert_refused(&mail, members[i].field);
        }
    }
}

static void bad_headers_of_ours_are_refused(UNUSED void **state)
{
    static const struct outbound_header bad[] = {
        {SLICE("X\r\nY"), SLICE("1")}, {SLICE("X: Y"), SLICE("1")}, {SLICE(""), SLICE("1")},
        {SLICE("X"), SLICE("1\r\n2")}, {SLICE("X"), SLICE("é")},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct mail mail = plain_mail();

        mail.headers = &bad[i];
        mail.headers_len = 1;
        assert_refused(&mail, "headers");
    }
}

static void what_is_no_address_is_refused(UNUSED void **state)
{
    static const char *const bad[] = {
        "",       "shop",      "a@",         "@b.example",      "a@b@c",   "a b@c.example",
        "a@b..c", "Shop <a@b", "<a@b> Shop", "a@b.example,c@d", "Shop <>", "a@b c <x>",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct mail mail = plain_mail();
        struct slice out;

        assert_int_equal(mail_address(slice_of(bad[i]), &out, NULL), ERR_INVALID);
        mail.from = slice_of(bad[i]);
        assert_refused(&mail, "from");
        mail = plain_mail();
        mail.to = slice_of(bad[i]);
        assert_refused(&mail, "to");
    }
}

static void the_address_is_found_behind_a_name(UNUSED void **state)
{
    static const char *const texts[] = {"a@b.example", " a@b.example ", "<a@b.example>",
                                        "Shop <a@b.example>", "\"<x@y>\" <a@b.example>"};
    struct slice address;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(mail_address(slice_of(texts[i]), &address, NULL), OK);
        assert_slice_is(address, "a@b.example");
    }
}

static void a_message_over_the_limit_is_told(UNUSED void **state)
{
    struct mail mail = plain_mail();
    struct buf out;

    buf_init(&out, 100);
    assert_int_equal(mail_compose(&mail, &out, NULL), ERR_LIMIT);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_mail_is_whole),
        cmocka_unit_test(an_attachment_comes_back_byte_for_byte),
        cmocka_unit_test(the_boundary_stands_only_between_the_parts),
        cmocka_unit_test(a_subject_beyond_ascii_becomes_encoded_words),
        cmocka_unit_test(each_encoded_word_holds_whole_characters),
        cmocka_unit_test(a_display_name_is_written_so_that_it_reads_back),
        cmocka_unit_test(text_is_quoted_printable),
        cmocka_unit_test(a_file_name_beyond_ascii_is_encoded),
        cmocka_unit_test(a_type_that_may_not_be_encoded_goes_out_as_bytes),
        cmocka_unit_test(further_headers_are_added),
        cmocka_unit_test(what_could_add_a_header_is_refused),
        cmocka_unit_test(bad_headers_of_ours_are_refused),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(the_address_is_found_behind_a_name),
        cmocka_unit_test(a_message_over_the_limit_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
