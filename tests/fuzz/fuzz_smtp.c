/*
 * Whatever a mail server answers, the dialogue ends or goes on in order, nothing of the content is
 * sent before it was asked for, and what a reply leaves behind stays within its limit, also when it
 * comes in pieces.
 */
#include "send/smtp.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Sends what there is and checks that it belongs to the step. */
static void send_all(struct smtp *smtp)
{
    struct slice output;

    while ((output = smtp_output(smtp)).len > 0) {
        assert(smtp->step == SMTP_CONTENT || slice_ends(output, SLICE("\r\n")));
        smtp_sent(smtp, output.len);
    }
    assert(smtp_has_sent_all(smtp) == (smtp->step == SMTP_CONTENT));
}

/* Feeds the input in pieces of step bytes; returns how it ended. */
static enum smtp_progress converse(struct slice input, size_t step, int32_t *code)
{
    enum smtp_progress progress = SMTP_GOES_ON;
    struct smtp smtp;

    smtp_init(&smtp);
    smtp_begin(&smtp, SLICE("a@b.example"), SLICE("c@d.example"), SLICE(".x\r\n"), step % 2 == 0);
    while (progress == SMTP_GOES_ON && input.len > 0) {
        enum smtp_step before = smtp.step;

        send_all(&smtp);
        progress = smtp_input(&smtp, slice_sub(input, 0, step));
        input = slice_sub(input, step, input.len);
        assert(smtp.step == before || smtp.step == before + 1);
        assert(smtp.reply.text.len <= SMTP_REPLY_BYTES_MAX);
    }
    *code = smtp.reply.code;
    assert(progress != SMTP_DECIDED || (*code >= 200 && *code <= 599));
    smtp_clear(&smtp);
    return progress;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice input = slice_from(data, len);
    int32_t one_code, few_code;

    enum smtp_progress one = converse(input, 1, &one_code);
    enum smtp_progress few = converse(input, 3, &few_code);
    /* In larger pieces two replies may come at once, which breaks it; else the pieces make no
     * difference. */
    assert(few == SMTP_BROKEN || (one == few && one_code == few_code));
    (void)converse(input, 4096, &one_code);
    return 0;
}
