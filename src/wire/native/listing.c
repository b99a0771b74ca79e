#include "wire/native/listing.h"

#include "http/page.h"
#include "wire/native/query.h"

static enum err read_page(struct listing *listing, struct diag *diag)
{
    struct page_range range = {0};
    enum err err = page_range(listing->exchange, listing->kind->ids, &range, diag);

    listing->page.account = exchange_account(listing->exchange)->id;
    listing->page.from = range.from;
    listing->page.to = range.to;
    listing->page.after = range.after;
    listing->page.max = range.max;
    return err;
}

static void answer(const struct listing *listing)
{
    const struct store_page *page = &listing->page;
    struct json_writer writer;

    page_begin(listing->exchange, &writer);
    listing->kind->put_items(listing, &writer);
    page_end_id(listing->exchange, &writer, page->has_more, listing->kind->ids, page->last);
}

static void listed(struct store_request *request)
{
    struct listing *listing = CONTAINER_OF(request, struct listing, page.request);

    if (request->err == OK) {
        answer(listing);
    } else {
        exchange_store_failed(listing->exchange, request);
    }
    store_request_clear(request);
}

void listing_start(struct exchange *exchange, const struct listing_kind *kind)
{
    struct diag diag = {0};

    if (query_is_refused(exchange, kind->parameters, kind->parameters_len)) {
        return;
    }
    struct listing *listing = exchange_new(exchange, sizeof *listing);
    listing->exchange = exchange;
    listing->kind = kind;
    enum err err = read_page(listing, &diag);
    if (err == OK) {
        err = kind->read_filters(listing, &diag);
    }
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    exchange_submit(exchange, kind->call, &listing->page.request, listed);
}
