/*
 * An exchange: one HTTP request and its answer, as a handler sees it.
 *
 * A handler is called on a server thread when the whole request is there and the caller has been
 * authenticated. It answers at once, or later from a callback on the same thread (a store request's
 * done, a wait); until then the connection sleeps. It must answer exactly once. The exchange
 * outlives every request that a handler started: it goes only after the answer, even when the peer
 * has long gone.
 *
 * Everything lent by an exchange lasts as long as it does.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "base/buf.h"
#include "base/json.h"
#include "base/slice.h"
#include "http/problem.h"
#include "model/account.h"
#include "model/key.h"
#include "os/env.h"
#include "os/mailbox.h"
#include "store/store.h"

#include <stdbool.h>

struct exchange; /* opaque */

/* ---- The request ---- */

struct slice exchange_method(const struct exchange *exchange);
struct slice exchange_path(const struct exchange *exchange); /* as sent, without the query */

/* A path parameter of the route, percent-decoded and valid UTF-8 without control characters; empty
 * when the route has none of the name. */
struct slice exchange_param(const struct exchange *exchange, const char *name);

/* A query parameter, decoded. False when absent. Given twice, the first counts and
 * exchange_query_count tells. */
bool exchange_query(const struct exchange *exchange, const char *name, struct slice *out);
size_t exchange_query_count(const struct exchange *exchange, const char *name);
/* All query parameters in order, for those who refuse unknown ones; false at the end. */
bool exchange_query_at(const struct exchange *exchange, size_t index, struct slice *name,
                       struct slice *value);

/* A header by its name without regard to case; empty when absent (given twice: the first). */
struct slice exchange_header(const struct exchange *exchange, const char *name);
/* All headers in order; false at the end. */
bool exchange_header_at(const struct exchange *exchange, size_t index, struct slice *name,
                        struct slice *value);

struct slice exchange_body(const struct exchange *exchange);

/* The caller's address as text, without port: the peer's, or whose request a trusted proxy brings
 * (http/forwarded.h). */
struct slice exchange_peer(const struct exchange *exchange);
/* What limits count the caller by: the address, or of an IPv6 one the network (http/origin.h). */
struct slice exchange_peer_key(const struct exchange *exchange);

/* The body as a JSON object. On failure it was refused and ERR_INVALID comes back: return at once.
 * An empty body counts as {} when may_be_empty. */
enum err exchange_json(struct exchange *exchange, bool may_be_empty, struct json *out) MUST_CHECK;

/* The account named by the path's {account}, held by the exchange and visible to the key; NULL for
 * routes without one, and where it need not exist and does not. */
struct account *exchange_account(const struct exchange *exchange);

/* The key the caller showed; NULL on open routes and on those that authenticate themselves. */
const struct key *exchange_key(const struct exchange *exchange);

/* ---- For handlers that authenticate by their dialect's own rules (ROUTE_OWN) ---- */

/*
 * The guard against those who try secrets, which API keys share. False: too many wrong ones came
 * from the caller's address; then Retry-After is set, the diag tells how long, and the secret must
 * not even be looked at. What came of the look is told to exchange_tried.
 */
bool exchange_may_try(struct exchange *exchange, struct slice secret, struct diag *diag) MUST_CHECK;
void exchange_tried(struct exchange *exchange, struct slice secret, bool was_right);

/* Whose caller it is: from here on exchange_account gives it, with a reference of its own. */
void exchange_take_account(struct exchange *exchange, struct account *account);

/* ---- What the handler works with ---- */

void *exchange_app(const struct exchange *exchange); /* what the server was started with */
struct env *exchange_env(const struct exchange *exchange);
/* Of this thread: for replies other than the store's. */
struct mailbox *exchange_mailbox(const struct exchange *exchange);
struct store *exchange_store(const struct exchange *exchange);
/* The newest, lent until this thread handles the next thing; NULL when there is no store. */
struct directory *exchange_directory(struct exchange *exchange);

/* Zeroed memory that goes with the exchange: where a handler keeps its own state, such as its store
 * request. */
void *exchange_new(struct exchange *exchange, size_t bytes);

/* Something to undo when the exchange goes: free what a state owns. The newest comes first. */
enum { EXCHANGE_CLEANUPS_MAX = 4 };
void exchange_on_end(struct exchange *exchange, void (*end)(void *ctx), void *ctx);

/*
 * Submits a store request of this exchange: fills reply_to. done then runs on this thread; from the
 * request it finds the exchange by a field of its own state. Write failures that every caller
 * treats alike are answered by exchange_store_failed.
 */
void exchange_submit(struct exchange *exchange, enum store_call call, struct store_request *request,
                     store_done_fn *done);

/* Refuses for a request's err (busy 503, full 507, not found 404, conflict 409, invalid
 * 400, ...). */
void exchange_store_failed(struct exchange *exchange, const struct store_request *request);

/*
 * Waiting for something to happen elsewhere, such as a message for an empty queue. A topic is any
 * 64-bit number (a queue's is its channel's id); server_ring wakes one waiting exchange a ring, the
 * longest waiting first.
 *
 * So that no ring is lost between asking the store and falling asleep, the order is: listen, ask,
 * and only then wait. A ring that came after exchange_listen ends the wait at once; after each
 * waking the exchange listens on, so ask, wait, ask, wait needs no second exchange_listen. Waiting
 * without having listened is an assert. An exchange listens to one topic until it ends.
 */
void exchange_listen(struct exchange *exchange, uint64_t topic);

/*
 * Sleeps until the topic is rung, the time (0 or more) is over, the peer is gone or the server
 * drains; then calls woken once, never from inside this call. A caller whose key was revoked
 * meanwhile is answered 401 instead, and woken is not called.
 */
typedef void exchange_woken_fn(struct exchange *exchange, void *ctx);
void exchange_wait(struct exchange *exchange, int64_t timeout_us, exchange_woken_fn *woken,
                   void *ctx);

/* Whether the newest wait ended because of a ring: only then is there something to ask for. */
bool exchange_was_rung(const struct exchange *exchange);

/* Whether the peer has closed its side: asked before handing out what cannot be taken back. */
bool exchange_is_gone(const struct exchange *exchange);
/* Whether the server is stopping: long waits end early. */
bool exchange_is_draining(const struct exchange *exchange);

/* ---- The answer ---- */

/* Where to write the answer's body. */
struct buf *exchange_out(struct exchange *exchange);
/* An extra answer header; name is static, value is copied; control characters are refused by an
 * assert: values are ours. */
void exchange_put_header(struct exchange *exchange, const char *name, struct slice value);

/* Sends what is in exchange_out. content_type is static. */
void exchange_answer(struct exchange *exchange, unsigned status, const char *content_type);
void exchange_answer_json(struct exchange *exchange, unsigned status);
void exchange_answer_empty(struct exchange *exchange, unsigned status);

/* Sends a problem document (what was in exchange_out is dropped). diag may be NULL. */
void exchange_problem(struct exchange *exchange, enum problem problem, const struct diag *diag);
/* The same in the words of the dialect that the route belongs to, as the machinery refuses. */
void exchange_refuse(struct exchange *exchange, enum problem problem, const struct diag *diag);
/* Refuses for an enum err that came from parsing input: ERR_LIMIT 413, everything else 400. */
void exchange_input_failed(struct exchange *exchange, enum err err, const struct diag *diag);

#endif
