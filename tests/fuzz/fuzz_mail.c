/*
 * Whatever stands in the parts of a mail, the message is one that SMTP can carry, no line is longer
 * than RFC 5322 allows, and its head has the headers that we wrote and no other; or it is refused
 * and nothing was written.
 *
 * Input: from, to, subject, text, type, file name and attachment, each but the last ended by a zero
 * byte.
 */
#include "send/mail.h"
#include "send/smtp.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MESSAGE_BYTES_MAX = 16 * 1024 * 1024, LINE_BYTES_MAX = 998 };

static const char *const head_names[] = {
    "From: ",       "To: ",           "Subject: ",        "Date: ",
    "Message-ID: ", "MIME-Version: ", "Auto-Submitted: ", "Content-Type: "};

static struct slice next_part(struct slice *rest)
{
    struct slice part = SLICE("");

    (void)slice_cut(rest, '\0', &part); /* empty when there is none left */
    return part;
}

static void check_head(struct slice message)
{
    struct slice line;
    size_t at = 0;

    while (at < ARRAY_LEN(head_names) && slice_cut(&message, '\n', &line)) {
        if (slice_starts(line, SLICE(" "))) {
            continue;
        }
        assert(slice_starts(line, slice_of(head_names[at])));
        at++;
    }
    assert(at == ARRAY_LEN(head_names));
}

static void check_lines(struct slice message)
{
    struct slice line;

    while (slice_cut(&message, '\n', &line)) {
        assert(line.len <= LINE_BYTES_MAX + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice rest = slice_from(data, len);
    struct mail mail = {.message_id = SLICE("dlv_1@shop.example")};
    struct buf out;

    if (len == 0) {
        return 0;
    }
    mail.from = next_part(&rest);
    mail.to = next_part(&rest);
    mail.subject = next_part(&rest);
    mail.text = next_part(&rest);
    mail.attachment_type = next_part(&rest);
    mail.attachment_name = next_part(&rest);
    mail.attachment = rest;
    buf_init(&out, MESSAGE_BYTES_MAX);
    enum err err = mail_compose(&mail, &out, NULL);
    if (err == OK) {
        assert(smtp_content_is_safe(buf_view(&out)));
        check_head(buf_view(&out));
        check_lines(buf_view(&out));
    } else {
        assert(err == ERR_LIMIT || out.len == 0);
    }
    buf_clear(&out);
    return 0;
}
