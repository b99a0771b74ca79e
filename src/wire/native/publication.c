#include "wire/native/publication.h"

#include "base/timetext.h"
#include "wire/app.h"

bool publication_is_refused(struct exchange *exchange)
{
    const struct store *store = exchange_store(exchange);

    if (store_is_full(store)) {
        exchange_problem(exchange, PROBLEM_FULL, NULL);
        return true;
    }
    if (store_is_busy(store)) {
        exchange_put_header(exchange, "Retry-After", SLICE("1"));
        exchange_problem(exchange, PROBLEM_BUSY, NULL);
        return true;
    }
    return false;
}

struct slice publication_media_type(const struct exchange *exchange)
{
    struct slice rest = exchange_header(exchange, "Content-Type");
    struct slice media_type = SLICE("");

    if (!slice_is_empty(rest)) {
        (void)slice_cut(&rest, ';', &media_type); /* there is a first part */
    }
    return slice_trim(media_type);
}

struct envelope_rules publication_rules(const struct exchange *exchange, bool has_account)
{
    struct app *app = app_of(exchange);

    return (struct envelope_rules){
        .data_bytes_max = atomic_load_explicit(&app->data_bytes_max, memory_order_relaxed),
        .has_account = has_account,
    };
}

void publication_begin(struct exchange *exchange, const struct account *account,
                       const struct envelope *envelope, struct slice header_key,
                       struct store_publish_item *item)
{
    struct event_parts parts = envelope->parts;

    parts.account = account->id;
    parts.account_name = account->name;
    *item = (struct store_publish_item){.event = event_new(&parts)};
    envelope_identify(envelope, account->id, header_key, item);
    intake_match(app_of(exchange)->dispatch, account, item);
}

void publication_end(struct exchange *exchange, const struct account *account,
                     struct store_publish_item *item, enum err err)
{
    intake_end(app_of(exchange)->dispatch, account, item,
               err == OK && item->err == OK && !item->is_duplicate);
}

void publication_put(const struct store_publish_item *item, struct json_writer *out)
{
    json_key(out, "id");
    json_put_text(out, id_text(ID_EVENT, item->id).chars);
    json_key(out, "created_at");
    json_put_text(out, timetext_rfc3339(id_time(item->id)).chars);
    json_key(out, "duplicate");
    json_put_bool(out, item->is_duplicate);
    json_key(out, "deliveries");
    json_put_i64(out, item->deliveries);
}
