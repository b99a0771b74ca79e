#include "model/operation.h"

#include "base/mem.h"
#include "model/pack.h"

static const char *const words[] = {
#define OPERATION_WORD(name, word, number) [number] = (word),
    OPERATION_STATES(OPERATION_WORD)
#undef OPERATION_WORD
};

static const char *const news_types[] = {
    [OPERATION_NEWS_STEP] = "operation.step",
    [OPERATION_NEWS_COMPLETED] = "operation.completed",
    [OPERATION_NEWS_FAILED] = "operation.failed",
    [OPERATION_NEWS_DELAYED] = "operation.delayed",
    [OPERATION_NEWS_EXPIRED] = "operation.expired",
};

static const size_t texts[] = {
    offsetof(struct operation, command),    offsetof(struct operation, client_ref),
    offsetof(struct operation, server_ref), offsetof(struct operation, notify_url),
    offsetof(struct operation, origin),     offsetof(struct operation, data),
    offsetof(struct operation, result),     offsetof(struct operation, outcome),
};

const char *operation_word(enum operation_state state)
{
    return words[state];
}

enum err operation_state_parse(struct slice word, enum operation_state *out)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_is(word, words[i])) {
            *out = (enum operation_state)i;
            return OK;
        }
    }
    return ERR_INVALID;
}

const char *operation_on_deadline_word(bool expires)
{
    return expires ? "expire" : "delay";
}

enum err operation_on_deadline_read(struct json value, bool has_deadline, struct buf *scratch,
                                    bool *expires, struct diag *diag)
{
    static const char field[] = "on_deadline";
    struct slice word = SLICE("");

    if (json_is_null(value)) {
        *expires = false;
        return OK;
    }
    if (json_type(value) == JSON_STRING) {
        word = json_string(value, scratch);
    }
    bool is_expire = slice_is(word, operation_on_deadline_word(true));
    if (!is_expire && !slice_is(word, operation_on_deadline_word(false))) {
        return diag_field(diag, ERR_INVALID, field, "expected \"delay\" or \"expire\"");
    }
    if (!has_deadline) {
        return diag_field(diag, ERR_INVALID, field, "goes with a deadline only");
    }
    *expires = is_expire;
    return OK;
}

struct operation *operation_new(const struct operation *from)
{
    struct operation *operation =
        mem_new(1, sizeof *from + pack_texts_bytes(from, texts, ARRAY_LEN(texts)));
    char *at = (char *)(operation + 1);

    *operation = *from;
    pack_texts(&at, operation, texts, ARRAY_LEN(texts));
    return operation;
}

void operation_free(struct operation *operation)
{
    mem_free(operation);
}

enum operation_state operation_state_of(int32_t code)
{
    return code < OPERATION_CODE_FAILED_FROM ? OPERATION_COMPLETED : OPERATION_FAILED;
}

const char *operation_news_type(enum operation_news news)
{
    return news_types[news];
}

void operation_news_json(const struct operation *operation, int32_t code, struct slice result,
                         struct slice data, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_key(&writer, "code");
    json_put_i64(&writer, code);
    json_key(&writer, "result");
    json_put_string(&writer, result);
    json_key(&writer, "command");
    json_put_string(&writer, operation->command);
    json_key(&writer, "operation");
    json_put_text(&writer, id_text(ID_OPERATION, operation->id).chars);
    if (!slice_is_empty(operation->origin)) {
        json_key(&writer, "origin");
        json_put_string(&writer, operation->origin);
    }
    if (!slice_is_empty(data)) {
        json_key(&writer, "data");
        json_put_raw(&writer, data);
    }
    json_end_object(&writer);
}
