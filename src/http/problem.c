#include "http/problem.h"

#include "base/json.h"

#include <assert.h>

static const struct {
    unsigned status;
    const char *type, *code, *title;
} problems[] = {
#define PROBLEM_ROW(name, status, code, title)                                                     \
    [PROBLEM_##name] = {status, "urn:tidings:problem:" code, code, title},
    PROBLEMS(PROBLEM_ROW)
#undef PROBLEM_ROW
};

unsigned problem_status(enum problem problem)
{
    return problems[problem].status;
}

const char *problem_code(enum problem problem)
{
    return problems[problem].code;
}

void problem_write(enum problem problem, const struct diag *diag, struct buf *out)
{
    struct json_writer writer;
    bool has_text = diag != NULL && diag->text[0] != '\0';

    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_key(&writer, "type");
    json_put_text(&writer, problems[problem].type);
    json_key(&writer, "title");
    json_put_text(&writer, problems[problem].title);
    json_key(&writer, "status");
    json_put_i64(&writer, problems[problem].status);
    json_key(&writer, "code");
    json_put_text(&writer, problems[problem].code);
    json_key(&writer, "detail");
    json_put_text(&writer, has_text ? diag->text : problems[problem].title);
    if (diag != NULL && diag->field[0] != '\0') {
        json_key(&writer, "field");
        json_put_text(&writer, diag->field);
    }
    json_end_object(&writer);
}

enum problem problem_from_err(enum err err)
{
    assert(err != OK);
    switch (err) {
    case ERR_INVALID:
        return PROBLEM_INVALID;
    case ERR_LIMIT: /* of how many things there may be: one more is not what the state allows */
    case ERR_CONFLICT:
        return PROBLEM_CONFLICT;
    case ERR_NOT_FOUND:
        return PROBLEM_NOT_FOUND;
    case ERR_EXISTS:
        return PROBLEM_EXISTS;
    case ERR_STALE:
        return PROBLEM_STALE;
    case ERR_DENIED:
        return PROBLEM_FORBIDDEN;
    case ERR_BUSY:
    case ERR_TIMEOUT:
        return PROBLEM_BUSY;
    case ERR_FULL:
        return PROBLEM_FULL;
    case ERR_CLOSED:
        return PROBLEM_STOPPING;
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_VERSION:
    case OK:
        break;
    }
    return PROBLEM_INTERNAL;
}
