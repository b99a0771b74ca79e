#include "base/macro.h"
#include "base/mem.h"
#include "send/smtp.h"
#include "support/unit.h"

#include <string.h>

static struct smtp begin(const char *content, bool needs_reset)
{
    struct smtp smtp;

    smtp_init(&smtp);
    smtp_begin(&smtp, SLICE("a@b.example"), SLICE("c@d.example"), slice_of(content), needs_reset);
    return smtp;
}

static void assert_sends(struct smtp *smtp, const char *expected)
{
    struct slice output = smtp_output(smtp);

    assert_slice_is(output, expected);
    smtp_sent(smtp, output.len);
    assert_int_equal(smtp_output(smtp).len, 0);
}

static enum smtp_progress hear(struct smtp *smtp, const char *reply)
{
    return smtp_input(smtp, slice_of(reply));
}

/* Up to where the content is sent. */
static void go_to_content(struct smtp *smtp)
{
    assert_sends(smtp, "MAIL FROM:<a@b.example>\r\n");
    assert_int_equal(hear(smtp, "250 ok\r\n"), SMTP_GOES_ON);
    assert_sends(smtp, "RCPT TO:<c@d.example>\r\n");
    assert_int_equal(hear(smtp, "250-one\r\n250 two\r\n"), SMTP_GOES_ON);
    assert_sends(smtp, "DATA\r\n");
    assert_int_equal(hear(smtp, "354 go on\r\n"), SMTP_GOES_ON);
}

static void a_mail_goes_through_all_steps(UNUSED void **state)
{
    struct smtp smtp = begin("Subject: x\r\n\r\nhello\r\n", false);

    go_to_content(&smtp);
    assert_false(smtp_has_sent_all(&smtp));
    assert_sends(&smtp, "Subject: x\r\n\r\nhello\r\n.\r\n");
    assert_true(smtp_has_sent_all(&smtp));
    assert_int_equal(hear(&smtp, "250 queued as 7\r\n"), SMTP_DECIDED);
    assert_int_equal(smtp.reply.code, 250);
    assert_slice_is(buf_view(&smtp.reply.text), "queued as 7");
    assert_false(smtp.is_spoiled);
    smtp_clear(&smtp);
}

static void dots_at_the_start_of_a_line_are_doubled(UNUSED void **state)
{
    static const struct {
        const char *content, *sent;
    } cases[] = {
        {".\r\n", "..\r\n.\r\n"},
        {"a\r\n.b\r\n..\r\nc.\r\n", "a\r\n..b\r\n...\r\nc.\r\n.\r\n"},
        {"a\r\n.\r\nMAIL FROM:<x@y>\r\n", "a\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct smtp smtp = begin(cases[i].content, false);

        go_to_content(&smtp);
        assert_sends(&smtp, cases[i].sent);
        smtp_clear(&smtp);
    }
}

static void long_content_goes_out_piece_by_piece(UNUSED void **state)
{
    size_t len = 100000;
    char *content = mem_new(len + 1, 1);
    struct buf sent;

    /* Lines of a dot, so that pieces end before, within and behind a line's end. */
    for (size_t i = 0; i + 3 <= len; i += 3) {
        memcpy(content + i, ".\r\n", 3);
    }
    content[len - len % 3] = '\0';
    struct smtp smtp = begin(content, false);
    buf_init(&sent, 2 * len);
    go_to_content(&smtp);
    for (size_t step = 1; smtp_output(&smtp).len > 0; step = step % 5000 + 7) {
        struct slice piece = slice_sub(smtp_output(&smtp), 0, step);

        assert_false(smtp_has_sent_all(&smtp));
        buf_slice(&sent, piece);
        smtp_sent(&smtp, piece.len);
    }
    assert_true(smtp_has_sent_all(&smtp));
    assert_int_equal(sent.len, len / 3 * 4 + 3);
    for (size_t i = 0; i + 4 < sent.len; i += 4) {
        assert_memory_equal(sent.ptr + i, "..\r\n", 4);
    }
    assert_true(slice_ends(buf_view(&sent), SLICE("\r\n.\r\n")));
    buf_clear(&sent);
    smtp_clear(&smtp);
    mem_free(content);
}

static void a_refusal_at_any_step_decides(UNUSED void **state)
{
    static const struct {
        const char *replies[4];
        enum smtp_step step;
        int32_t code;
    } cases[] = {
        {{"550 no\r\n"}, SMTP_FROM, 550},
        {{"250 ok\r\n", "450 4.2.0 later\r\n"}, SMTP_TO, 450},
        {{"250 ok\r\n", "250 ok\r\n", "554 no\r\n"}, SMTP_DATA, 554},
        {{"250 ok\r\n", "250 ok\r\n", "354 go\r\n", "552 too big\r\n"}, SMTP_CONTENT, 552},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct smtp smtp = begin("x\r\n", false);
        enum smtp_progress progress = SMTP_GOES_ON;

        for (size_t k = 0; progress == SMTP_GOES_ON; k++) {
            smtp_sent(&smtp, smtp_output(&smtp).len);
            progress = hear(&smtp, cases[i].replies[k]);
        }
        assert_int_equal(progress, SMTP_DECIDED);
        assert_int_equal(smtp.step, cases[i].step);
        assert_int_equal(smtp.reply.code, cases[i].code);
        assert_false(smtp.is_spoiled);
        smtp_clear(&smtp);
    }
}

static void after_a_refusal_the_next_mail_begins_with_a_reset(UNUSED void **state)
{
    struct smtp smtp = begin("x\r\n", true);

    assert_sends(&smtp, "RSET\r\n");
    assert_int_equal(hear(&smtp, "250 flushed\r\n"), SMTP_GOES_ON);
    go_to_content(&smtp);
    smtp_clear(&smtp);
    smtp = begin("x\r\n", true);
    assert_sends(&smtp, "RSET\r\n");
    assert_int_equal(hear(&smtp, "500 what?\r\n"), SMTP_BROKEN);
    smtp_clear(&smtp);
}

static void addresses_beyond_ascii_ask_for_smtputf8(UNUSED void **state)
{
    struct smtp smtp;

    smtp_init(&smtp);
    smtp_begin(&smtp, SLICE("a@b.example"), SLICE("jörg@d.example"), SLICE("x\r\n"), false);
    assert_sends(&smtp, "MAIL FROM:<a@b.example> SMTPUTF8\r\n");
    smtp_clear(&smtp);
}

static void a_reply_may_come_byte_by_byte(UNUSED void **state)
{
    struct smtp smtp = begin("x\r\n", false);
    const char *reply = "250-first\r\n250-second line\r\n250 last\r\n";

    smtp_sent(&smtp, smtp_output(&smtp).len);
    for (const char *at = reply; *at != '\0'; at++) {
        assert_int_equal(smtp.step, SMTP_FROM);
        assert_int_equal(smtp_input(&smtp, slice_from(at, 1)), SMTP_GOES_ON);
    }
    assert_int_equal(smtp.step, SMTP_TO);
    smtp_clear(&smtp);
}

static void what_is_no_reply_breaks_it(UNUSED void **state)
{
    static const char *const bad[] = {
        "hello\r\n",           "25\r\n",         "2500 x\r\n", "999 x\r\n", "150 x\r\n", "\r\n",
        "HTTP/1.1 200 OK\r\n", "250-a\r\nx\r\n", "354 go\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct smtp smtp = begin("x\r\n", false);

        smtp_sent(&smtp, smtp_output(&smtp).len);
        assert_int_equal(hear(&smtp, bad[i]), SMTP_BROKEN);
        smtp_clear(&smtp);
    }
}

static void a_server_that_speaks_out_of_turn_is_not_trusted(UNUSED void **state)
{
    struct smtp smtp = begin("x\r\n", false);

    /* Two replies to one command. */
    smtp_sent(&smtp, smtp_output(&smtp).len);
    assert_int_equal(hear(&smtp, "250 ok\r\n250 ok\r\n"), SMTP_BROKEN);
    smtp_clear(&smtp);

    /* Accepted before it was whole. */
    smtp = begin("x\r\n", false);
    go_to_content(&smtp);
    assert_int_equal(hear(&smtp, "250 ok\r\n"), SMTP_BROKEN);
    smtp_clear(&smtp);

    /* Refused before it was whole: an answer, but the connection is of no more use. */
    smtp = begin("x\r\n", false);
    go_to_content(&smtp);
    assert_int_equal(hear(&smtp, "552 too big\r\n"), SMTP_DECIDED);
    assert_true(smtp.is_spoiled);
    smtp_clear(&smtp);

    /* Accepted, and something behind. */
    smtp = begin("x\r\n", false);
    go_to_content(&smtp);
    smtp_sent(&smtp, smtp_output(&smtp).len);
    assert_int_equal(hear(&smtp, "250 ok\r\n421 bye\r\n"), SMTP_DECIDED);
    assert_int_equal(smtp.reply.code, 250);
    assert_true(smtp.is_spoiled);
    smtp_clear(&smtp);
}

static void an_endless_reply_does_not_grow(UNUSED void **state)
{
    struct smtp smtp = begin("x\r\n", false);
    char line[SMTP_LINE_BYTES_MAX + 2];

    smtp_sent(&smtp, smtp_output(&smtp).len);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(hear(&smtp, "250-once more\r\n"), SMTP_GOES_ON);
    }
    assert_true(smtp.reply.text.len <= SMTP_REPLY_BYTES_MAX);
    memset(line, '2', sizeof line);
    assert_int_equal(smtp_input(&smtp, slice_from(line, sizeof line)), SMTP_BROKEN);
    smtp_clear(&smtp);
}

static void only_content_with_clean_line_ends_is_safe(UNUSED void **state)
{
    static const struct slice bad[] = {
        SLICE(""),       SLICE("a"),       SLICE("a\n"),          SLICE("a\r"),
        SLICE("a\r\nb"), SLICE("\n\r\n"),  SLICE("a\r\r\n"),      SLICE("a\n.\n\r\n"),
        SLICE("\r\n\r"), SLICE("a\0\r\n"), SLICE("a\r\n.\r\r\n"), SLICE("a\n.\r\n"),
    };
    static const struct slice good[] = {SLICE("\r\n"), SLICE("a\r\n"), SLICE(".\r\n\r\n..\r\n")};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(smtp_content_is_safe(bad[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(smtp_content_is_safe(good[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_goes_through_all_steps),
        cmocka_unit_test(dots_at_the_start_of_a_line_are_doubled),
        cmocka_unit_test(long_content_goes_out_piece_by_piece),
        cmocka_unit_test(a_refusal_at_any_step_decides),
        cmocka_unit_test(after_a_refusal_the_next_mail_begins_with_a_reset),
        cmocka_unit_test(addresses_beyond_ascii_ask_for_smtputf8),
        cmocka_unit_test(a_reply_may_come_byte_by_byte),
        cmocka_unit_test(what_is_no_reply_breaks_it),
        cmocka_unit_test(a_server_that_speaks_out_of_turn_is_not_trusted),
        cmocka_unit_test(an_endless_reply_does_not_grow),
        cmocka_unit_test(only_content_with_clean_line_ends_is_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
