#include "wire/shopcart/shop_input.h"

#include <string.h>

/* Request, its parameters, their texts: some hundred of them would be nonsense already. */
static const struct xml_limits body_limits = {.depth_max = 4, .nodes_max = 400};

enum err shop_input_open(struct exchange *exchange, struct shop_input *out)
{
    struct slice body = exchange_body(exchange);

    *out = (struct shop_input){.exchange = exchange};
    if (slice_is_empty(body)) {
        return OK;
    }
    if (xml_parse(body, &body_limits, &out->doc, NULL) != OK ||
        !slice_equal_nocase(xml_name(xml_root(out->doc)), SLICE("Request"))) {
        return ERR_INVALID;
    }
    return OK;
}

void shop_input_close(struct shop_input *input)
{
    xml_doc_free(input->doc);
    input->doc = NULL;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* As slice_trim, and line ends too: of what a program has laid out in lines. */
static struct slice trim(struct slice text)
{
    while (text.len > 0 && is_space(text.ptr[0])) {
        text = slice_sub(text, 1, text.len);
    }
    while (text.len > 0 && is_space(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

static struct slice get_from_body(const struct shop_input *input, const char *name)
{
    struct buf text;

    buf_init(&text, SHOP_INPUT_BYTES_MAX);
    xml_text(xml_child_nocase(xml_root(input->doc), name), &text);
    char *copy = exchange_new(input->exchange, text.len + 1);
    memcpy(copy, buf_cstr(&text), text.len);
    struct slice value = trim(slice_from(copy, text.len));
    buf_clear(&text);
    return value;
}

static struct slice get_from_query(const struct shop_input *input, const char *name)
{
    struct slice given, value;

    for (size_t i = 0; exchange_query_at(input->exchange, i, &given, &value); i++) {
        if (slice_equal_nocase(given, slice_of(name))) {
            return trim(value);
        }
    }
    return SLICE("");
}

struct slice shop_input_get(const struct shop_input *input, const char *name)
{
    struct slice value = SLICE("");

    if (input->doc != NULL && xml_exists(xml_child_nocase(xml_root(input->doc), name))) {
        value = get_from_body(input, name);
    }
    return slice_is_empty(value) ? get_from_query(input, name) : value;
}
