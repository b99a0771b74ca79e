#include "wire/wapi/codes.h"

static const struct wapi_code_row {
    int32_t code;
    const char *text;
    bool counts;
} rows[] = {
#define WAPI_ROW(name_, code_, text_, counts_) {(code_), (text_), (counts_)},
    WAPI_CODES(WAPI_ROW)
#undef WAPI_ROW
};

static const struct wapi_code_row *find(int32_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].code == code) {
            return &rows[i];
        }
    }
    return NULL;
}

struct slice wapi_code_text(int32_t code)
{
    const struct wapi_code_row *row = find(code);

    return row != NULL ? slice_of(row->text) : SLICE("");
}

bool wapi_code_counts(int32_t code)
{
    const struct wapi_code_row *row = find(code);

    return row != NULL && row->counts;
}
