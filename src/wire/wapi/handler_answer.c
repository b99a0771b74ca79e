#include "wire/wapi/handler_answer.h"

#include "model/field.h"
#include "model/operation.h"
#include "wire/wapi/codes.h"

void handler_answer_init(struct handler_answer *answer)
{
    *answer = (struct handler_answer){.code = 0};
    json_doc_init(&answer->doc);
    buf_init(&answer->scratch, 0);
}

void handler_answer_clear(struct handler_answer *answer)
{
    json_doc_clear(&answer->doc);
    buf_clear(&answer->scratch);
}

static enum err parse(struct handler_answer *answer, struct slice body, struct diag *diag)
{
    enum err err = json_parse(&answer->doc, body, diag);

    if (err != OK) {
        return ERR_INVALID;
    }
    if (json_type(json_root(&answer->doc)) != JSON_OBJECT) {
        return field_expected(json_root(&answer->doc), "", "an object", diag);
    }
    answer->scratch.bytes_max = body.len;
    buf_reserve(&answer->scratch, body.len);
    return OK;
}

static enum err read_code(struct handler_answer *answer, struct json value, struct diag *diag)
{
    int64_t code = 0;
    enum err err = field_number(value, "code", OPERATION_CODE_MIN, OPERATION_CODE_MAX, &code, diag);

    if (err == OK && code == WAPI_PENDING) {
        err = diag_field(diag, ERR_INVALID, "code", "%d is said with status 202", WAPI_PENDING);
    }
    answer->code = (int32_t)code;
    return err;
}

static enum err read_result(struct handler_answer *answer, struct json value, struct diag *diag)
{
    answer->result = wapi_code_text(answer->code);
    if (!json_is_null(value)) {
        return field_line(value, "result", OPERATION_RESULT_BYTES_MAX, &answer->scratch,
                          &answer->result, diag);
    }
    return OK;
}

static enum err read_data(struct handler_answer *answer, struct json value, struct diag *diag)
{
    if (json_is_null(value)) {
        return OK;
    }
    answer->data = value;
    return json_type(value) == JSON_OBJECT ? OK : field_expected(value, "data", "an object", diag);
}

static enum err read_done(struct handler_answer *answer, struct slice body, struct diag *diag)
{
    enum err err = parse(answer, body, diag);
    struct json root = json_root(&answer->doc);

    if (err == OK) {
        err = read_code(answer, json_member(root, "code"), diag);
    }
    if (err == OK) {
        err = read_result(answer, json_member(root, "result"), diag);
    }
    if (err == OK && slice_is_empty(answer->result)) {
        err = diag_field(diag, ERR_INVALID, "result", "expected a text: the code has none itself");
    }
    return err == OK ? read_data(answer, json_member(root, "data"), diag) : err;
}

static enum err read_pending(struct handler_answer *answer, struct slice body, struct diag *diag)
{
    answer->is_pending = true;
    if (slice_is_empty(slice_trim(body))) {
        return OK;
    }
    enum err err = parse(answer, body, diag);
    struct json deadline = json_member(json_root(&answer->doc), "deadline_in");

    if (err == OK && !json_is_null(deadline)) {
        err = field_duration(deadline, "deadline_in", US_PER_MS, OPERATION_DEADLINE_US_MAX,
                             &answer->deadline_us, diag);
    }
    if (err == OK) {
        err = operation_on_deadline_read(json_member(json_root(&answer->doc), "on_deadline"),
                                         answer->deadline_us > 0, &answer->scratch,
                                         &answer->expires, diag);
    }
    return err;
}

enum err handler_answer_read(struct handler_answer *answer, int32_t status, struct slice body,
                             struct diag *diag)
{
    if (status == 200) {
        return read_done(answer, body, diag);
    }
    if (status == 202) {
        return read_pending(answer, body, diag);
    }
    return diag_set(diag, ERR_INVALID, "HTTP %d", (int)status);
}
