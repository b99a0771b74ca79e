#include "send/mail.h"

#include "base/encode.h"
#include "base/timetext.h"
#include "base/utf8.h"
#include "model/address.h"
#include "send/mail_text.h"

#include <string.h>

enum {
    /* RFC 5322 section 2.1.1 allows 998 characters a line; the header's name needs some of them. */
    HEADER_VALUE_BYTES_MAX = 900,
    TYPE_BYTES_MAX = 255,
};

/* The parts of "Name <a@b>", or of "a@b" with an empty name. */
struct mailbox_text {
    struct slice display, address;
};

/* Undoes the quotes around a display name: the bytes land in space, which is as large as text. */
static struct slice unquote(struct slice text, struct buf *space)
{
    if (text.len < 2 || text.ptr[0] != '"' || text.ptr[text.len - 1] != '"') {
        return text;
    }
    for (size_t i = 1; i + 1 < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 2 < text.len) {
            i++;
        }
        buf_byte(space, text.ptr[i]);
    }
    return buf_view(space);
}

static struct mailbox_text split(struct slice text)
{
    struct slice rest = slice_trim(text);
    /* The last one: a quoted name may hold others. */
    const char *open = rest.len > 0 ? memrchr(rest.ptr, '<', rest.len) : NULL;

    if (open == NULL || !slice_ends(rest, SLICE(">"))) {
        return (struct mailbox_text){.address = rest};
    }
    size_t at = (size_t)(open - rest.ptr);
    return (struct mailbox_text){
        .display = slice_trim(slice_sub(rest, 0, at)),
        .address = slice_sub(rest, at + 1, rest.len - at - 2),
    };
}

static enum err check_text(struct slice text, const char *field, struct diag *diag)
{
    if (!utf8_is_valid(text) || utf8_has_control(text)) {
        return diag_field(diag, ERR_INVALID, field,
                          "expected UTF-8 without control characters (no line breaks)");
    }
    return OK;
}

static enum err parse_mailbox(struct slice text, const char *field, struct mailbox_text *out,
                              struct diag *diag)
{
    struct mailbox_text parts = split(text);
    enum err err = check_text(parts.display, field, diag);

    if (err == OK && parts.display.len > HEADER_VALUE_BYTES_MAX) {
        err = diag_field(diag, ERR_INVALID, field, "a name has at most %d bytes",
                         HEADER_VALUE_BYTES_MAX);
    }
    if (err == OK) {
        err = address_check(parts.address, field, diag);
    }
    if (err == OK) {
        *out = parts;
    }
    return err;
}

enum err mail_address(struct slice text, struct slice *out, struct diag *diag)
{
    struct mailbox_text parts;
    enum err err = parse_mailbox(text, "address", &parts, diag);

    if (err == OK) {
        *out = parts.address;
    }
    return err;
}

static bool has_any(struct slice text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++) {
        if (strchr(characters, text.ptr[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* A header that stands as it is: short and printable. */
static enum err check_plain(struct slice text, const char *field, struct diag *diag)
{
    if (!mail_text_is_plain(text) || text.len > HEADER_VALUE_BYTES_MAX) {
        return diag_field(diag, ERR_INVALID, field,
                          "expected at most %d printable ASCII characters", HEADER_VALUE_BYTES_MAX);
    }
    return OK;
}

/* The same without the characters that would end it. */
static enum err check_word(struct slice text, const char *enders, const char *field,
                           struct diag *diag)
{
    enum err err = check_plain(text, field, diag);

    if (err == OK && (text.len == 0 || has_any(text, enders))) {
        err = diag_field(diag, ERR_INVALID, field, "expected one word without \"%s\"", enders);
    }
    return err;
}

static enum err check_headers(const struct mail *mail, struct diag *diag)
{
    for (size_t i = 0; i < mail->headers_len; i++) {
        enum err err = check_word(mail->headers[i].name, ": ", "headers", diag);

        if (err == OK) {
            err = check_plain(mail->headers[i].value, "headers", diag);
        }
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

static enum err check_texts(const struct mail *mail, struct diag *diag)
{
    const struct {
        const char *field;
        struct slice text;
    } texts[] = {
        {"subject", mail->subject},
        {"attachment_type", mail->attachment_type},
        {"attachment_name", mail->attachment_name},
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        enum err err = check_text(texts[i].text, texts[i].field, diag);

        if (err != OK) {
            return err;
        }
    }
    return utf8_is_valid(mail->text) ? OK : diag_field(diag, ERR_INVALID, "text", "expected UTF-8");
}

/* The first rule that mail breaks; OK when none. Fills in the parts of from. */
static enum err check(const struct mail *mail, struct mailbox_text *from, struct diag *diag)
{
    enum err err = parse_mailbox(mail->from, "from", from, diag);

    if (err == OK) {
        err = address_check(mail->to, "to", diag);
    }
    if (err == OK) {
        err = check_word(mail->message_id, " <>", "message_id", diag);
    }
    if (err == OK) {
        err = check_texts(mail, diag);
    }
    return err == OK ? check_headers(mail, diag) : err;
}

static bool starts_nocase(struct slice text, struct slice start)
{
    return slice_equal_nocase(slice_sub(text, 0, start.len), start);
}

/*
 * The attachment's type as it may stand beside base64: an event's type comes from its publisher,
 * and what a mail reader could not take, or RFC 2045 section 6.4 forbids to encode (multipart,
 * message), goes out as plain bytes.
 */
static struct slice safe_type(struct slice type)
{
    const char *slash = memchr(type.ptr, '/', type.len);

    if (slash == NULL || slash == type.ptr || type.len > TYPE_BYTES_MAX ||
        !mail_text_is_plain(type) || starts_nocase(type, SLICE("multipart/")) ||
        starts_nocase(type, SLICE("message/"))) {
        return SLICE("application/octet-stream");
    }
    return type;
}

static void add_head(struct buf *out, const struct mail *mail, const struct mailbox_text *from)
{
    struct buf space;

    buf_init(&space, from->display.len);
    mail_text_address(out, "From", unquote(from->display, &space), from->address);
    buf_clear(&space);
    mail_text_address(out, "To", SLICE(""), mail->to);
    mail_text_header(out, "Subject", mail->subject);
    buf_printf(out, "Date: %s\r\n", timetext_mail(mail->date).chars);
    buf_printf(out, "Message-ID: <%.*s>\r\n", SLICE_ARGS(mail->message_id));
    buf_text(out, "MIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n");
    for (size_t i = 0; i < mail->headers_len; i++) {
        buf_printf(out, "%.*s: %.*s\r\n", SLICE_ARGS(mail->headers[i].name),
                   SLICE_ARGS(mail->headers[i].value));
    }
}

static void add_text(struct buf *out, struct slice text)
{
    buf_text(out, "Content-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    mail_text_quoted_printable(out, text);
}

static void add_attachment(struct buf *out, const struct mail *mail)
{
    buf_printf(out, "Content-Type: %.*s\r\n", SLICE_ARGS(safe_type(mail->attachment_type)));
    buf_text(out, "Content-Disposition: attachment");
    if (mail->attachment_name.len > 0) {
        mail_text_parameter(out, "filename", mail->attachment_name);
    }
    buf_text(out, "\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    base64_encode_lines(out, mail->attachment.ptr, mail->attachment.len);
}

/*
 * "=_" occurs neither in base64 nor in quoted-printable, so no boundary that starts with it can be
 * found inside a part; the hash only keeps two messages of which one quotes the other apart.
 */
static void add_both(struct buf *out, const struct mail *mail)
{
    char boundary[sizeof "=_tidings_" + 16];

    (void)snprintf(boundary, sizeof boundary, "=_tidings_%016llx",
                   (unsigned long long)slice_hash(mail->message_id, 0));
    buf_printf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n", boundary);
    buf_printf(out, "--%s\r\n", boundary);
    add_text(out, mail->text);
    buf_printf(out, "\r\n--%s\r\n", boundary);
    add_attachment(out, mail);
    buf_printf(out, "\r\n--%s--\r\n", boundary);
}

enum err mail_compose(const struct mail *mail, struct buf *out, struct diag *diag)
{
    struct mailbox_text from;
    enum err err = check(mail, &from, diag);

    if (err != OK) {
        return err;
    }
    add_head(out, mail, &from);
    if (mail->attachment_type.len > 0) {
        add_both(out, mail);
    } else {
        add_text(out, mail->text);
    }
    return buf_check(out);
}
