/*
 * Any bytes as an id: what is taken for one must be written back as it was read, save for the case
 * of its letters.
 */
#include "base/id.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_kind(enum id_kind kind, struct slice text)
{
    struct id id = ID_NONE;

    if (id_parse(kind, text, &id) != OK) {
        assert(id.value == 0);
        return;
    }
    assert(id.value != 0);
    assert(slice_equal_nocase(text, slice_of(id_text(kind, id).chars)));
    assert(id_floor(id_time(id)).value <= id.value);
    assert(id_distance(id, id_offset(id, 1)) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
#define CHECK_KIND(name, prefix) check_kind(ID_##name, slice_from(data, len));
    ID_KINDS(CHECK_KIND)
#undef CHECK_KIND
    return 0;
}
