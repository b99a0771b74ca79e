#include "send/smtp.h"

#include <string.h>

enum {
    CHUNK_BYTES = 16 * 1024,            /* of content in out at a time: one TLS record */
    OUT_BYTES_MAX = 2 * CHUNK_BYTES + 8 /* each byte of a chunk may be a dot that is doubled */
};

/* What a step sends and which kind of reply lets it go on. */
static const struct step {
    const char *word;
    const char *before, *behind; /* around the address */
    int32_t good;                /* first digit */
} steps[] = {
    [SMTP_RESET] = {"RSET", "RSET", "", 2},
    [SMTP_FROM] = {"MAIL FROM", "MAIL FROM:<", ">", 2},
    [SMTP_TO] = {"RCPT TO", "RCPT TO:<", ">", 2},
    [SMTP_DATA] = {"DATA", "DATA", "", 3},
    [SMTP_CONTENT] = {"the mail", "", "", 2},
};

void smtp_reply_init(struct smtp_reply *reply)
{
    *reply = (struct smtp_reply){.code = 0};
    buf_init(&reply->text, SMTP_REPLY_BYTES_MAX);
    buf_init(&reply->line, SMTP_LINE_BYTES_MAX);
}

void smtp_reply_clear(struct smtp_reply *reply)
{
    buf_clear(&reply->text);
    buf_clear(&reply->line);
}

void smtp_reply_reset(struct smtp_reply *reply)
{
    buf_reset(&reply->text);
    buf_reset(&reply->line);
    reply->code = 0;
    reply->is_whole = false;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* The code of "250 text", "250-text" or "250"; 0 when there is none. */
static int32_t line_code(struct slice line)
{
    if (line.len < 3 || !is_digit(line.ptr[0]) || !is_digit(line.ptr[1]) ||
        !is_digit(line.ptr[2]) || (line.len > 3 && line.ptr[3] != ' ' && line.ptr[3] != '-')) {
        return 0;
    }
    return (line.ptr[0] - '0') * 100 + (line.ptr[1] - '0') * 10 + (line.ptr[2] - '0');
}

/* Takes the line that is whole now. */
static enum err take_line(struct smtp_reply *reply)
{
    struct slice line = buf_view(&reply->line);

    if (slice_ends(line, SLICE("\r"))) {
        line.len--;
    }
    reply->code = line_code(line);
    if (reply->code < 200 || reply->code > 599) {
        return ERR_INVALID;
    }
    if (reply->text.len > 0) {
        buf_byte(&reply->text, '\n');
    }
    buf_slice(&reply->text, slice_sub(line, 4, line.len));
    reply->is_whole = line.len == 3 || line.ptr[3] == ' ';
    buf_reset(&reply->line);
    return OK;
}

enum err smtp_reply_read(struct smtp_reply *reply, struct slice *bytes)
{
    if (reply->is_whole) {
        smtp_reply_reset(reply);
    }
    while (bytes->len > 0 && !reply->is_whole) {
        const char *end = memchr(bytes->ptr, '\n', bytes->len);
        size_t len = end != NULL ? (size_t)(end - bytes->ptr) : bytes->len;

        buf_slice(&reply->line, slice_sub(*bytes, 0, len));
        *bytes = slice_sub(*bytes, len + (end != NULL ? 1 : 0), bytes->len);
        /* Much longer than the 512 bytes of RFC 5321 section 4.5.3.1.5. */
        if (buf_check(&reply->line) != OK) {
            return ERR_INVALID;
        }
        if (end != NULL && take_line(reply) != OK) {
            return ERR_INVALID;
        }
    }
    return OK;
}

void smtp_init(struct smtp *smtp)
{
    *smtp = (struct smtp){.step = SMTP_FROM};
    buf_init(&smtp->out, OUT_BYTES_MAX);
    smtp_reply_init(&smtp->reply);
}

void smtp_clear(struct smtp *smtp)
{
    buf_clear(&smtp->out);
    smtp_reply_clear(&smtp->reply);
}

static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] > 0x7f) {
            return false;
        }
    }
    return true;
}

bool smtp_needs_utf8(struct slice from, struct slice to)
{
    return !is_ascii(from) || !is_ascii(to);
}

static struct slice step_address(const struct smtp *smtp)
{
    switch (smtp->step) {
    case SMTP_FROM:
        return smtp->from;
    case SMTP_TO:
        return smtp->to;
    case SMTP_RESET:
    case SMTP_DATA:
    case SMTP_CONTENT:
        break;
    }
    return SLICE("");
}

/* Goes to a step and puts its command into out. */
static void enter(struct smtp *smtp, enum smtp_step step)
{
    smtp->step = step;
    smtp->out_sent = 0;
    buf_reset(&smtp->out);
    if (step == SMTP_CONTENT) {
        return; /* put in by smtp_output, piece by piece */
    }
    buf_text(&smtp->out, steps[step].before);
    buf_slice(&smtp->out, step_address(smtp));
    buf_text(&smtp->out, steps[step].behind);
    if (step == SMTP_FROM && smtp_needs_utf8(smtp->from, smtp->to)) {
        buf_text(&smtp->out, " SMTPUTF8"); /* RFC 6531 section 3.4 */
    }
    buf_text(&smtp->out, "\r\n");
}

void smtp_begin(struct smtp *smtp, struct slice from, struct slice to, struct slice content,
                bool needs_reset)
{
    smtp->from = from;
    smtp->to = to;
    smtp->content = content;
    smtp->content_at = 0;
    smtp->has_ended = false;
    smtp->is_spoiled = false;
    smtp_reply_reset(&smtp->reply);
    enter(smtp, needs_reset ? SMTP_RESET : SMTP_FROM);
}

/* Puts the next piece of content into out, dots doubled, and the final dot behind the last. */
static void add_content(struct smtp *smtp)
{
    struct slice piece = slice_sub(smtp->content, smtp->content_at, CHUNK_BYTES);
    bool begins_line = smtp->content_at == 0 || smtp->content.ptr[smtp->content_at - 1] == '\n';

    for (size_t i = 0; i < piece.len; i++) {
        if (begins_line && piece.ptr[i] == '.') {
            buf_byte(&smtp->out, '.');
        }
        buf_byte(&smtp->out, piece.ptr[i]);
        begins_line = piece.ptr[i] == '\n';
    }
    smtp->content_at += piece.len;
    if (smtp->content_at == smtp->content.len) {
        buf_text(&smtp->out, ".\r\n");
        smtp->has_ended = true;
    }
}

struct slice smtp_output(struct smtp *smtp)
{
    if (smtp->out_sent == smtp->out.len) {
        smtp->out_sent = 0;
        buf_reset(&smtp->out);
        if (smtp->step == SMTP_CONTENT && !smtp->has_ended) {
            add_content(smtp);
        }
    }
    return slice_sub(buf_view(&smtp->out), smtp->out_sent, smtp->out.len);
}

void smtp_sent(struct smtp *smtp, size_t len)
{
    smtp->out_sent += len;
}

/* What a whole reply at this step means. */
static enum smtp_progress judge(struct smtp *smtp)
{
    bool is_good = smtp->reply.code / 100 == steps[smtp->step].good;

    if (!is_good) {
        /* A server that cannot even reset, or that is at another step, said nothing about this
         * mail. */
        return smtp->step == SMTP_RESET || smtp->reply.code < 400 ? SMTP_BROKEN : SMTP_DECIDED;
    }
    if (smtp->step == SMTP_CONTENT) {
        /* It cannot accept a mail that it has not got whole. */
        return smtp_has_sent_all(smtp) ? SMTP_DECIDED : SMTP_BROKEN;
    }
    if (smtp->is_spoiled) {
        return SMTP_BROKEN;
    }
    enter(smtp, smtp->step + 1);
    return SMTP_GOES_ON;
}

enum smtp_progress smtp_input(struct smtp *smtp, struct slice bytes)
{
    if (smtp_reply_read(&smtp->reply, &bytes) != OK) {
        return SMTP_BROKEN;
    }
    if (!smtp->reply.is_whole) {
        return SMTP_GOES_ON;
    }
    bool is_early =
        smtp->out_sent < smtp->out.len || (smtp->step == SMTP_CONTENT && !smtp->has_ended);
    smtp->is_spoiled = is_early || bytes.len > 0;
    return judge(smtp);
}

bool smtp_has_sent_all(const struct smtp *smtp)
{
    return smtp->has_ended && smtp->out_sent == smtp->out.len;
}

const char *smtp_step_word(enum smtp_step step)
{
    return steps[step].word;
}

bool smtp_content_is_safe(struct slice content)
{
    for (size_t i = 0; i < content.len; i++) {
        bool is_after_cr = i > 0 && content.ptr[i - 1] == '\r';
        bool is_before_lf = i + 1 < content.len && content.ptr[i + 1] == '\n';

        if ((content.ptr[i] == '\n' && !is_after_cr) || (content.ptr[i] == '\r' && !is_before_lf) ||
            content.ptr[i] == '\0') {
            return false;
        }
    }
    return slice_ends(content, SLICE("\r\n"));
}
