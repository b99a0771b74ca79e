/*
 * A shot: one attempt, from the dialect's encoding to what the answer means.
 */
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

struct shot {
    struct shot_parts parts; /* request first of all: the sender gives it back */
    struct flight *flight;
    /* Held: the request points into them, and the lane may get newer ones meanwhile. */
    struct channel *channel;
    struct account *owner;
    const struct dialect *dialect;
    struct wall began;
    struct list_link link; /* worker->shots while being tried */
    struct shot *next;     /* in the pool */
};

/* Bodies larger than this are not kept in the pool. */
enum { SHOT_BODY_KEPT_MAX = 64 * 1024, SHOT_BODY_BYTES_MAX = 8 * 1024 * 1024 };

static struct shot *shot_new(struct worker *worker)
{
    struct shot *shot = worker->shots_free;

    if (shot != NULL) {
        worker->shots_free = shot->next;
        return shot;
    }
    shot = MEM_NEW(struct shot);
    buf_init(&shot->parts.body, SHOT_BODY_BYTES_MAX);
    buf_init(&shot->parts.text, DIALECT_TEXT_BYTES_MAX);
    return shot;
}

static void shot_clear(struct shot *shot)
{
    buf_clear(&shot->parts.body);
    buf_clear(&shot->parts.text);
    mem_free(shot);
}

static void shot_release(struct worker *worker, struct shot *shot)
{
    list_remove(&worker->shots, &shot->link);
    channel_release(shot->channel);
    account_release(shot->owner);
    if (shot->parts.body.room > SHOT_BODY_KEPT_MAX) {
        shot_clear(shot);
        return;
    }
    shot->next = worker->shots_free;
    worker->shots_free = shot;
}

void shot_free_all(struct worker *worker)
{
    struct list_link *link;

    while ((link = list_first(&worker->shots)) != NULL) {
        shot_release(worker, CONTAINER_OF(link, struct shot, link));
    }
    while (worker->shots_free != NULL) {
        struct shot *shot = worker->shots_free;
        worker->shots_free = shot->next;
        shot_clear(shot);
    }
}

/* ---- encoding ---- */

static enum err encode_webhook(const struct dialect *dialect, const struct dialect_attempt *attempt,
                               struct shot_parts *parts, struct diag *diag)
{
    const struct channel *channel = attempt->channel;
    struct outbound *request = &parts->request;
    struct slice url = channel->url;

    if (dialect->rules.takes_url_from_event && attempt->event->notify_url.len > 0) {
        url = attempt->event->notify_url;
    }
    parts->tls = (struct outbound_tls){.ca_pem = channel->ca_pem,
                                       .certificate_pem = channel->certificate_pem,
                                       .key_pem = channel->key_pem};
    request->kind = OUTBOUND_HTTP;
    request->method = SLICE("POST");
    request->url = url;
    request->tls = &parts->tls;
    request->headers_len = channel->headers_len;
    for (uint32_t i = 0; i < channel->headers_len; i++) {
        request->headers[i] = (struct outbound_header){.name = channel->headers[i].name,
                                                       .value = channel->headers[i].value};
    }
    struct dialect_draft draft = {.request = request, .body = &parts->body, .text = &parts->text};
    enum err err = dialect->encode(attempt, &draft, diag);
    if (err == OK && request->body.ptr == NULL) {
        request->body = buf_view(&parts->body);
    }
    return err;
}

static enum err compose(const struct dispatch_options *options,
                        const struct dialect_attempt *attempt, struct mail *mail,
                        struct shot_parts *parts, struct diag *diag)
{
    char message_id[ID_TEXT_SIZE + 256];
    struct buf message;

    /* From the delivery, so that a mail that arrives twice is told as one. */
    (void)snprintf(message_id, sizeof(message_id), "%s@%s",
                   id_text(ID_DELIVERY, attempt->delivery).chars, options->mail_domain);
    mail->message_id = slice_of(message_id);
    mail->from = slice_of(options->mail_from);
    mail->to = attempt->channel->address;
    mail->date = attempt->now;
    buf_init(&message, SHOT_BODY_BYTES_MAX);
    enum err err = mail_compose(mail, &message, diag);
    if (err == OK) {
        err = buf_check(&message);
    }
    if (err != OK) {
        buf_clear(&message);
        return err;
    }
    buf_clear(&parts->body);
    parts->body = message;
    return OK;
}

static enum err encode_mail(const struct dispatch_options *options, const struct dialect *dialect,
                            const struct dialect_attempt *attempt, struct shot_parts *parts,
                            struct diag *diag)
{
    struct outbound *request = &parts->request;
    struct mail mail = {0};
    struct dialect_draft draft = {
        .request = request, .body = &parts->body, .text = &parts->text, .mail = &mail};

    if (options->mail_from == NULL) {
        return diag_set(diag, ERR_INVALID, "no mail server is configured ([smtp] url and from)");
    }
    enum err err = dialect->encode_mail(attempt, &draft, diag);
    if (err == OK) {
        err = compose(options, attempt, &mail, parts, diag);
    }
    if (err == OK) {
        err = mail_address(slice_of(options->mail_from), &request->mail_from, diag);
    }
    request->kind = OUTBOUND_MAIL;
    request->mail_to = attempt->channel->address;
    request->body = buf_view(&parts->body);
    return err;
}

enum err shot_encode(const struct dispatch_options *options, const struct dialect *dialect,
                     const struct dialect_attempt *attempt, struct shot_parts *parts,
                     struct diag *diag)
{
    enum err err;

    memset(&parts->request, 0, offsetof(struct outbound, headers));
    parts->request.headers_len = 0;
    parts->request.body = (struct slice){0};
    parts->request.timeout_us = attempt->channel->timeout_us;
    buf_reset(&parts->body);
    buf_reset(&parts->text);
    buf_reserve(&parts->text, DIALECT_TEXT_BYTES_MAX);
    if (attempt->channel->kind == CHANNEL_EMAIL) {
        err = encode_mail(options, dialect, attempt, parts, diag);
    } else {
        err = encode_webhook(dialect, attempt, parts, diag);
    }
    if (err == OK) {
        err = buf_check(&parts->text);
    }
    return err != OK ? err : buf_check(&parts->body);
}

/* ---- judging ---- */

static struct dialect_attempt attempt_of(const struct shot *shot, struct wall now)
{
    const struct dispatch *dispatch = shot->flight->lane->worker->dispatch;

    return (struct dialect_attempt){
        .channel = shot->channel,
        .event = shot->flight->event,
        .account = shot->owner,
        .delivery = shot->flight->delivery,
        .number = shot->flight->attempts,
        .now = now,
        .settings = dispatch->options.dialect_settings,
    };
}

/* RFC 5321 section 4.2.1: 2yz done, 4yz for now, 5yz for good. */
static struct dialect_judgement judge_mail(const struct outbound_result *result)
{
    enum dialect_verdict verdict = VERDICT_RETRY;

    /* Who is refused as a sender has to mend that; the receiver's address may be good. */
    bool is_sender_refused = slice_ends(result->detail, SLICE("MAIL FROM"));

    if (result->status >= 200 && result->status <= 299) {
        verdict = VERDICT_DELIVERED;
    } else if (result->status >= 500 && !is_sender_refused) {
        verdict = VERDICT_REFUSED;
    }
    return (struct dialect_judgement){.verdict = verdict};
}

struct dialect_judgement shot_judge(const struct dialect *dialect,
                                    const struct dialect_attempt *attempt,
                                    const struct outbound_result *result, struct buf *detail)
{
    if (result->outcome != ATTEMPT_ANSWER) {
        return (struct dialect_judgement){.verdict = VERDICT_RETRY};
    }
    if (attempt->channel->kind == CHANNEL_EMAIL) {
        return judge_mail(result);
    }
    return dialect->judge(attempt, result, detail);
}

enum attempt_outcome shot_outcome(enum dialect_verdict verdict,
                                  const struct outbound_result *result)
{
    switch (verdict) {
    case VERDICT_DELIVERED:
        return ATTEMPT_DELIVERED;
    case VERDICT_REFUSED:
        return ATTEMPT_REFUSED;
    case VERDICT_GONE:
        return ATTEMPT_GONE;
    case VERDICT_RETRY:
        return result->outcome;
    }
    return result->outcome;
}

/* ---- what follows ---- */

/* Failures alone never disable a channel of some dialects. */
static struct health_limits health_limits_of(const struct lane *lane, const struct dialect *dialect)
{
    struct health_limits limits = lane->worker->dispatch->options.health;

    if (dialect->rules.is_never_disabled) {
        limits.disable_after_us = 0;
    }
    return limits;
}

/* What an attempt tells of its channel's health. */
static void note_health(struct lane *lane, const struct dialect *dialect,
                        enum dialect_verdict verdict, struct slice cause)
{
    struct health_limits limits = health_limits_of(lane, dialect);
    struct wall now = env_wall(lane->worker->env);
    bool has_moved = false;

    switch (verdict) {
    case VERDICT_DELIVERED:
    case VERDICT_REFUSED: /* it answered: the channel works */
        lane->failures = 0;
        has_moved = health_success(&lane->health, now);
        break;
    case VERDICT_GONE:
        has_moved = health_gone(&lane->health, now);
        break;
    case VERDICT_RETRY:
        lane->failures++;
        has_moved = health_failure(&lane->health, &limits, now);
        break;
    }
    if (has_moved) {
        record_health(lane, cause);
    }
}

/* Sets what becomes of the delivery after a failed attempt that may be repeated. */
static void plan_retry(const struct shot *shot, int64_t not_before_us, struct outcome *outcome)
{
    const struct flight *flight = shot->flight;
    struct worker *worker = flight->lane->worker;
    struct wall due;

    if (schedule_next(&shot->channel->retry, flight->attempts + 1, id_time(flight->delivery),
                      env_wall(worker->env), not_before_us, &worker->chance, &due)) {
        outcome->next = STORE_RETRY;
        outcome->due = due;
    } else {
        outcome->next = STORE_FINAL;
        outcome->state = DELIVERY_FAILED;
    }
}

static void decide(const struct shot *shot, struct dialect_judgement judgement,
                   struct outcome *outcome)
{
    outcome->next = STORE_FINAL;
    switch (judgement.verdict) {
    case VERDICT_DELIVERED:
        outcome->state = DELIVERY_DELIVERED;
        return;
    case VERDICT_REFUSED:
    case VERDICT_GONE:
        outcome->state = DELIVERY_REFUSED;
        return;
    case VERDICT_RETRY:
        plan_retry(shot, judgement.not_before_us, outcome);
        return;
    }
}

static void count(struct worker *worker, enum dialect_verdict verdict)
{
    atomic_fetch_add_explicit(&worker->attempts, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(verdict == VERDICT_DELIVERED ? &worker->delivered
                                                           : &worker->failed_attempts,
                              1, memory_order_relaxed);
}

/* A receiver that names a time wants to be left alone until then, by other deliveries too. */
static void pause_lane(struct lane *lane, int64_t not_before_us)
{
    int64_t until_us = env_mono(lane->worker->env).us + not_before_us;

    if (not_before_us > 0 && until_us > lane->paused_until.us) {
        lane->paused_until.us = until_us;
    }
}

/* Whether the channel is still as it was when the attempt began: an old URL's answer says nothing. */
static bool is_of_today(const struct shot *shot)
{
    const struct channel *channel = shot->flight->lane->channel;
    return channel != NULL && channel->updated.us == shot->channel->updated.us;
}

static void land(struct shot *shot, struct dialect_judgement judgement, struct slice detail)
{
    struct flight *flight = shot->flight;
    struct lane *lane = flight->lane;
    const struct outbound_result *result = &shot->parts.request.result;
    struct outcome outcome = {
        .has_attempt = true,
        .attempt = {.number = flight->attempts,
                    .began = shot->began,
                    .took_us = result->took_us,
                    .outcome = shot_outcome(judgement.verdict, result),
                    .status = result->status,
                    .detail = detail,
                    .answer = result->body},
    };

    decide(shot, judgement, &outcome);
    count(lane->worker, judgement.verdict);
    if (is_of_today(shot)) {
        note_health(lane, shot->dialect, judgement.verdict, detail);
        pause_lane(lane, judgement.not_before_us);
    }
    if (shot->channel->is_ordered && outcome.next == STORE_RETRY && !flight->is_dropped) {
        record_add(flight, &outcome, /* is_leaving= */ false);
        flight_requeue(flight, outcome.due);
    } else {
        record_add(flight, &outcome, /* is_leaving= */ true);
    }
    lane_landed(lane);
}

static void shot_done(struct outbound *request)
{
    struct shot *shot = CONTAINER_OF(request, struct shot, parts.request);
    struct worker *worker = shot->flight->lane->worker;
    struct buf detail;

    buf_init(&detail, ATTEMPT_DETAIL_BYTES_MAX);
    buf_reserve(&detail, 1);
    struct dialect_attempt attempt = attempt_of(shot, env_wall(worker->env));
    struct dialect_judgement judgement =
        shot_judge(shot->dialect, &attempt, &request->result, &detail);
    if (detail.len == 0 && judgement.verdict != VERDICT_DELIVERED) {
        buf_slice(&detail, slice_sub(request->result.detail, 0, ATTEMPT_DETAIL_BYTES_MAX));
    }
    land(shot, judgement, buf_view(&detail));
    buf_clear(&detail);
    shot_release(worker, shot);
}

/* It cannot travel as it is: no later attempt would change that. */
static void cannot_travel(struct shot *shot, const struct diag *diag)
{
    struct flight *flight = shot->flight;
    struct lane *lane = flight->lane;
    struct outcome outcome = {
        .next = STORE_FINAL,
        .state = DELIVERY_FAILED,
        .has_attempt = true,
        .attempt = {.number = flight->attempts,
                    .began = shot->began,
                    .outcome = ATTEMPT_INVALID,
                    .detail = slice_of(diag->text)},
    };

    count(lane->worker, VERDICT_RETRY);
    record_add(flight, &outcome, /* is_leaving= */ true);
    lane_landed(lane);
    shot_release(lane->worker, shot);
}

void shot_fire(struct flight *flight)
{
    struct worker *worker = flight->lane->worker;
    struct shot *shot = shot_new(worker);
    struct diag diag = {0};

    shot->flight = flight;
    list_push_back(&worker->shots, &shot->link);
    shot->channel = channel_hold(flight->lane->channel);
    shot->owner = account_hold(flight->lane->owner);
    shot->dialect = flight->lane->dialect;
    shot->began = env_wall(worker->env);
    flight->attempts++;
    struct dialect_attempt attempt = attempt_of(shot, shot->began);
    if (shot_encode(&worker->dispatch->options, shot->dialect, &attempt, &shot->parts, &diag) !=
        OK) {
        cannot_travel(shot, &diag);
        return;
    }
    shot->parts.request.done = shot_done;
    sender_start(worker->sender, &shot->parts.request);
}
