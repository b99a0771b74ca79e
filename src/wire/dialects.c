#include "wire/dialects.h"

#include "wire/cashier/cashier.h"
#include "wire/checkout/checkout.h"
#include "wire/cloudevents/cloudevents.h"
#include "wire/shopcart/shopcart.h"
#include "wire/standard/standard.h"
#include "wire/wapi/dialect.h"

static const struct dialect *const all[] = {
    &dialect_standard,    /* signed JSON, as Standard Webhooks has it */
    &dialect_cloudevents, /* structured and binary */
    &dialect_wapi,        /* a command API; its news by queue, POST or e-mail */
    &dialect_shopcart,    /* thin XML with a token, the order is pulled */
    &dialect_cashier,     /* signed JSON, the verdict in the answer's body */
    &dialect_checkout,    /* received, acknowledged and listed by merchants */
};

const struct dialect_table dialects = {all, ARRAY_LEN(all)};

static void list_names(const struct dialect_table *table, enum channel_kind kind, struct buf *out)
{
    for (size_t i = 0; i < table->len; i++) {
        if (table->dialects[i]->kinds & (1U << kind)) {
            buf_printf(out, "%s%s", out->len > 0 ? ", " : "", table->dialects[i]->name);
        }
    }
}

enum err dialects_check(const struct dialect_table *table, const struct channel *channel,
                        struct diag *diag)
{
    const struct dialect *dialect = dialect_find(table, channel->dialect);

    if (dialect == NULL || !(dialect->kinds & (1U << channel->kind))) {
        struct buf names;
        buf_init(&names, DIAG_TEXT_SIZE);
        list_names(table, channel->kind, &names);
        enum err err = diag_field(diag, ERR_INVALID, "dialect", "a %s channel speaks one of: %s",
                                  channel_kind_word(channel->kind), buf_cstr(&names));
        buf_clear(&names);
        return err;
    }
    if (dialect->check != NULL) {
        return dialect->check(channel, diag);
    }
    if (channel->options.len > 0 && !slice_is(channel->options, "{}")) {
        return diag_field(diag, ERR_INVALID, "options", "the dialect %s takes none", dialect->name);
    }
    return OK;
}
