#include "wire/wapi/notify.h"

#include "model/field.h"
#include "model/operation.h"
#include "wire/payload.h"
#include "wire/wapi/codes.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- Reading ---- */

/* An absent text stays as it is. */
static enum err read_text(struct notify *notify, const char *name, struct slice *out,
                          struct diag *diag)
{
    struct json value = json_member(json_root(&notify->doc), name);

    if (json_is_null(value)) {
        return OK;
    }
    return field_text(value, name, notify->event->data.len, &notify->scratch, out, diag);
}

/* Null and {} are nothing. */
static void take_data(struct notify *notify, struct json value)
{
    bool is_empty = json_type(value) == JSON_OBJECT && json_count(value) == 0;

    if (!json_is_null(value) && !is_empty) {
        notify->data = value;
    }
}

static enum err read_members(struct notify *notify, struct diag *diag)
{
    struct json root = json_root(&notify->doc);
    enum err err = field_number(json_member(root, "code"), "code", OPERATION_CODE_MIN,
                                OPERATION_CODE_MAX, &notify->code, diag);

    if (err == OK) {
        err = field_text(json_member(root, "result"), "result", notify->event->data.len,
                         &notify->scratch, &notify->result, diag);
    }
    if (err == OK) {
        err = read_text(notify, "command", &notify->command, diag);
    }
    if (err == OK) {
        err = read_text(notify, "origin", &notify->origin, diag);
    }
    take_data(notify, json_member(root, "data"));
    return err;
}

/* What the test button sends is told as system news, whatever it says. */
static bool is_test(const struct notify *notify)
{
    return slice_is(notify->event->type, "tidings.test") &&
           !json_exists(json_member(json_root(&notify->doc), "code"));
}

static void fill_test(struct notify *notify)
{
    notify->code = WAPI_OK;
    notify->result = wapi_code_text(WAPI_OK);
    take_data(notify, json_root(&notify->doc));
}

/* Why an event cannot be told, for whoever looks at its delivery. */
static enum err explain(struct diag *diag, const struct diag *cause)
{
    return diag_set(diag, ERR_INVALID,
                    "not a notification, which is {\"code\", \"result\", \"command\"?, \"data\"?}: "
                    "%s%s%s",
                    cause->field, cause->field[0] != '\0' ? ": " : "", cause->text);
}

static enum err read_event(struct notify *notify, struct diag *diag)
{
    const struct event *event = notify->event;

    if (!payload_is_json(event->content_type)) {
        return diag_set(diag, ERR_INVALID, "the data is not JSON");
    }
    if (json_parse(&notify->doc, event->data, diag) != OK) {
        return ERR_INVALID;
    }
    field_scratch(json_root(&notify->doc), 0, &notify->scratch);
    if (is_test(notify)) {
        fill_test(notify);
        return OK;
    }
    return read_members(notify, diag);
}

enum err notify_read(struct notify *notify, const struct event *event, struct diag *diag)
{
    struct diag cause = {0};

    *notify = (struct notify){.event = event};
    json_doc_init(&notify->doc);
    buf_init(&notify->scratch, 0);
    if (read_event(notify, &cause) != OK) {
        return explain(diag, &cause);
    }
    notify->is_system = notify->command.len == 0;
    if (notify->is_system) {
        notify->command = SLICE("system-notify");
    }
    return OK;
}

void notify_clear(struct notify *notify)
{
    json_doc_clear(&notify->doc);
    buf_clear(&notify->scratch);
}

/* ---- The format ---- */

static enum wapi_format preferred_format(const struct account *account)
{
    struct slice text = account_credentials(account, "wapi");
    enum wapi_format format = WAPI_XML;
    struct json_doc doc;

    json_doc_init(&doc);
    if (text.len > 0 && json_parse(&doc, text, NULL) == OK &&
        slice_is(json_raw(json_member(json_root(&doc), "protocol")), "\"json\"")) {
        format = WAPI_JSON;
    }
    json_doc_clear(&doc);
    return format;
}

enum wapi_format notify_format(const struct notify *notify, const struct account *account)
{
    if (slice_is(notify->origin, "wapi/xml")) {
        return WAPI_XML;
    }
    if (slice_is(notify->origin, "wapi/json")) {
        return WAPI_JSON;
    }
    return preferred_format(account);
}

/* ---- Writing ---- */

enum { ID_DECIMAL_SIZE = 20 + 1, REFERENCE_MADE_SIZE = 64 };

/* All that is in the id, so that no other event has it. */
static void put_made_reference(struct document *document, struct id event)
{
    char reference[REFERENCE_MADE_SIZE];
    int64_t ms = id_time(event).us / US_PER_MS;
    uint64_t counter = event.value & ((UINT64_C(1) << ID_COUNTER_BITS) - 1);
    uint64_t node = event.value >> ID_COUNTER_BITS & ID_NODE_MAX;

    (void)snprintf(reference, sizeof reference, "%" PRId64 ".%" PRId64 ".%" PRIu64 ".%" PRIu64,
                   ms / 1000, ms % 1000, node, counter);
    document_put_text(document, "svTRID", slice_of(reference));
}

/* Receivers know data as something with members. */
static void put_data(struct document *document, struct json data)
{
    if (json_type(data) == JSON_OBJECT) {
        document_put_data(document, "data", data);
        return;
    }
    document_begin(document, "data");
    document_put_data(document, "value", data);
    document_end(document, "data");
}

void notify_put_members(struct document *document, const struct notify *notify, struct id delivery)
{
    const struct event *event = notify->event;
    char id[ID_DECIMAL_SIZE];

    document_put_number(document, "code", notify->code);
    document_put_text(document, "result", notify->result);
    document_put_number(document, "timestamp", id_time(event->id).us / US_PER_SECOND);
    if (!notify->is_system && event->client_ref.len > 0) {
        document_put_text(document, "clTRID", event->client_ref);
    }
    if (event->server_ref.len > 0) {
        document_put_text(document, "svTRID", event->server_ref);
    } else {
        put_made_reference(document, event->id);
    }
    document_put_text(document, "command", notify->command);
    (void)snprintf(id, sizeof id, "%" PRIu64, delivery.value);
    document_put_text(document, "id", slice_of(id));
    if (json_exists(notify->data)) {
        put_data(document, notify->data);
    }
}

enum err notify_put(struct document *document, const struct event *event, struct id delivery,
                    struct diag *diag)
{
    struct notify notify;
    enum err err = notify_read(&notify, event, diag);

    if (err == OK) {
        document_begin(document, "notify");
        notify_put_members(document, &notify, delivery);
        document_end(document, "notify");
    }
    notify_clear(&notify);
    return err;
}
