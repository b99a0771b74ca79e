#include "dispatch/news.h"

#include <assert.h>

/* Data, and around it four texts of some hundred bytes, which escapes make six times longer. */
enum { NEWS_BYTES_MAX = OPERATION_DATA_BYTES_MAX + 8 * 1024 };

/* Which move each news is, and into which state. */
static const struct {
    enum store_advance_kind kind;
    enum operation_state state;
} moves[] = {
    [OPERATION_NEWS_STEP] = {STORE_ADVANCE_STEP, OPERATION_PENDING},
    [OPERATION_NEWS_COMPLETED] = {STORE_ADVANCE_END, OPERATION_COMPLETED},
    [OPERATION_NEWS_FAILED] = {STORE_ADVANCE_END, OPERATION_FAILED},
    [OPERATION_NEWS_DELAYED] = {STORE_ADVANCE_DELAY, OPERATION_PENDING},
    [OPERATION_NEWS_EXPIRED] = {STORE_ADVANCE_END, OPERATION_EXPIRED},
};

static struct event *make_event(const struct account *account, const struct operation *operation,
                                const struct news_told *told)
{
    struct buf data;

    buf_init(&data, NEWS_BYTES_MAX);
    operation_news_json(operation, told->code, told->result, told->data, &data);
    assert(buf_check(&data) == OK);
    struct event *event = event_new(&(struct event_parts){
        .account = operation->account,
        .account_name = account == NULL ? SLICE("") : account->name,
        .type = slice_of(operation_news_type(told->news)),
        .content_type = SLICE("application/json"),
        .data = buf_view(&data),
        .client_ref = operation->client_ref,
        .server_ref = operation->server_ref,
        .notify_url = operation->notify_url,
    });
    buf_clear(&data);
    return event;
}

void news_begin(struct news *news, struct dispatch *dispatch, struct account *account,
                const struct operation *operation, const struct news_told *told)
{
    bool has_outcome = told->news != OPERATION_NEWS_EXPIRED;

    *news = (struct news){
        .dispatch = dispatch,
        .account = account == NULL ? NULL : account_hold(account),
        .advance = {.kind = moves[told->news].kind,
                    .account = operation->account,
                    .operation = operation->id,
                    .state = moves[told->news].state,
                    .code = told->code,
                    .result = told->result,
                    .outcome = has_outcome ? told->data : SLICE(""),
                    .item = {.event = make_event(account, operation, told)}},
    };
    if (account != NULL) {
        intake_match(dispatch, account, &news->advance.item);
    }
}

bool news_is_duplicate(const struct news *news)
{
    return news->advance.is_duplicate || news->advance.item.is_duplicate;
}

bool news_is_stored(const struct news *news)
{
    return news->advance.request.err == OK && news->advance.item.err == OK &&
           !news_is_duplicate(news);
}

void news_end(struct news *news)
{
    struct store_publish_item *item = &news->advance.item;

    intake_end(news->dispatch, news->account, item, news_is_stored(news));
    account_release(news->account);
    news->account = NULL;
}
