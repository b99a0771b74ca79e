#include "wire/native/event_json.h"

#include "wire/native/member.h"
#include "wire/payload.h"

void event_json_members(const struct event *event, struct json_writer *out)
{
    member_put_id("id", ID_EVENT, event->id, out);
    json_key(out, "type");
    json_put_string(out, event->type);
    member_put_time("created_at", id_time(event->id), out);
    member_put_if_any("external_id", event->external_id, out);
    member_put_if_any("client_ref", event->client_ref, out);
    member_put_if_any("server_ref", event->server_ref, out);
    member_put_if_any("notify_url", event->notify_url, out);
    member_put_raw_if_any("attributes", event->attributes, out);
    json_key(out, "content_type");
    json_put_string(out, event->content_type);
    /* No JSON value is empty. */
    if (slice_is_empty(event->data) && payload_is_json(event->content_type)) {
        json_key(out, "data");
        json_put_null(out);
    } else {
        payload_put(out, event);
    }
}

static void put_why(const struct why_facts *facts, struct json_writer *out)
{
    struct why why = why_pending(facts);

    json_key(out, "why");
    if (why.code == NULL) {
        json_put_null(out);
        return;
    }
    json_begin_object(out);
    json_key(out, "code");
    json_put_text(out, why.code);
    json_key(out, "text");
    json_put_text(out, why.text);
    json_end_object(out);
}

/*
 * Fresh ones are being tried already, what waits for its channel has no time, and what lies in a
 * queue is there.
 */
static bool has_time(const struct why_facts *facts)
{
    const struct store_delivery *delivery = facts->delivery;

    return !delivery_is_final(delivery->state) && !delivery->is_fresh && delivery->due.us > 0 &&
           delivery->due.us < WALL_NEVER.us &&
           (!delivery->is_queue || delivery->due.us > facts->now.us);
}

void event_json_delivery(const struct why_facts *facts, struct json_writer *out)
{
    const struct store_delivery *delivery = facts->delivery;

    member_put_id("id", ID_DELIVERY, delivery->delivery, out);
    member_put_id("event", ID_EVENT, delivery->event, out);
    member_put_if_any("event_type", delivery->event_type, out);
    member_put_id("channel", ID_CHANNEL, delivery->channel, out);
    json_key(out, "state");
    json_put_text(out, delivery_word(delivery->state));
    json_key(out, "attempt_count");
    json_put_i64(out, delivery->attempts);
    member_put_time_or_null("next_attempt_at", has_time(facts) ? delivery->due : (struct wall){0},
                            out);
    put_why(facts, out);
}

void event_json_attempt(const struct attempt *attempt, struct json_writer *out)
{
    json_begin_object(out);
    member_put_id("id", ID_ATTEMPT, attempt->id, out);
    json_key(out, "number");
    json_put_i64(out, attempt->number);
    member_put_time("began_at", attempt->began, out);
    json_key(out, "took_ms");
    json_put_i64(out, attempt->took_us / US_PER_MS);
    json_key(out, "outcome");
    json_put_text(out, attempt_word(attempt->outcome));
    json_key(out, "status");
    if (attempt->status == 0) {
        json_put_null(out); /* there was no answer */
    } else {
        json_put_i64(out, attempt->status);
    }
    json_key(out, "detail");
    json_put_string(out, attempt->detail);
    json_key(out, "answer");
    json_put_string(out, attempt->answer);
    json_end_object(out);
}
