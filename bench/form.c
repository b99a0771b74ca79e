#include "form.h"

#include "base/mem.h"

#include <string.h>

/* What goes into a blank. */
enum blank_kind { BLANK_ACCOUNT, BLANK_NUMBER, BLANK_SENT };

struct blank {
    enum blank_kind kind;
    uint32_t event; /* counted from the request's first */
    size_t at;      /* in the text */
    size_t digits;
};

enum {
    BLANKS_PER_EVENT = 3,
    EVENT_BYTES_MAX = 512, /* of an event without its data's text, and of the request's head */
};

static void add_blank(struct form *form, struct buf *out, enum blank_kind kind, uint32_t event)
{
    static const size_t digits[] = {[BLANK_ACCOUNT] = FORM_ACCOUNT_DIGITS,
                                    [BLANK_NUMBER] = FORM_NUMBER_DIGITS,
                                    [BLANK_SENT] = FORM_SENT_DIGITS};

    form->blanks[form->blanks_len++] = (struct blank){kind, event, out->len, digits[kind]};
    for (size_t i = 0; i < digits[kind]; i++) {
        buf_byte(out, '0');
    }
}

static void add_data(struct form *form, struct buf *out, uint32_t event, uint32_t data_bytes)
{
    size_t start = out->len;

    buf_text(out, "{" FORM_NUMBER_BEFORE);
    add_blank(form, out, BLANK_NUMBER, event);
    buf_text(out, "\"," FORM_SENT_BEFORE);
    add_blank(form, out, BLANK_SENT, event);
    buf_text(out, "\",\"text\":\"");
    while (out->len - start < data_bytes - strlen("\"}")) {
        buf_byte(out, "benchmark "[(out->len - start) % 10]);
    }
    buf_text(out, "\"}");
}

static void add_body(struct form *form, struct buf *out, const struct form_options *options)
{
    if (options->batch == 1) {
        buf_text(out, "{\"type\":\"bench.tick\",\"data\":");
        add_data(form, out, 0, options->data_bytes);
        buf_text(out, "}");
        return;
    }
    for (uint32_t i = 0; i < options->batch; i++) {
        buf_text(out, i == 0 ? "[{\"account\":\"bench-" : ",{\"account\":\"bench-");
        add_blank(form, out, BLANK_ACCOUNT, i);
        buf_text(out, "\",\"type\":\"bench.tick\",\"data\":");
        add_data(form, out, i, options->data_bytes);
        buf_text(out, "}");
    }
    buf_text(out, "]");
}

static void add_head(struct form *form, const struct form_options *options, size_t body_bytes)
{
    struct buf *out = &form->text;

    if (options->batch == 1) {
        buf_text(out, "POST /v1/accounts/bench-");
        add_blank(form, out, BLANK_ACCOUNT, 0);
        buf_text(out, "/events HTTP/1.1\r\n");
    } else {
        buf_text(out, "POST /v1/events HTTP/1.1\r\n");
    }
    buf_printf(out,
               "Host: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\n\r\n",
               options->host, options->key, body_bytes);
}

void form_init(struct form *form, const struct form_options *options)
{
    size_t bytes_max = (size_t)options->batch * (options->data_bytes + EVENT_BYTES_MAX);
    struct buf body;

    *form = (struct form){.batch = options->batch, .accounts = options->accounts};
    form->blanks = MEM_ARRAY((size_t)options->batch * BLANKS_PER_EVENT, struct blank);
    buf_init(&form->text, bytes_max + EVENT_BYTES_MAX);
    buf_init(&body, bytes_max);
    add_body(form, &body, options);
    size_t of_body = form->blanks_len;
    add_head(form, options, body.len);
    for (size_t i = 0; i < of_body; i++) {
        form->blanks[i].at += form->text.len;
    }
    buf_slice(&form->text, buf_view(&body));
    buf_clear(&body);
}

void form_clear(struct form *form)
{
    buf_clear(&form->text);
    mem_free(form->blanks);
    form->blanks = NULL;
}

static void put_digits(char *out, size_t digits, uint64_t value)
{
    for (size_t i = digits; i > 0; i--) {
        out[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
}

void form_fill(const struct form *form, char *text, uint64_t number, struct mono sent)
{
    for (size_t i = 0; i < form->blanks_len; i++) {
        const struct blank *blank = &form->blanks[i];
        const uint64_t values[] = {
            [BLANK_ACCOUNT] = (number + blank->event) % form->accounts,
            [BLANK_NUMBER] = number + blank->event,
            [BLANK_SENT] = (uint64_t)sent.us,
        };
        put_digits(text + blank->at, blank->digits, values[blank->kind]);
    }
}
