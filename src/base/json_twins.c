/*
 * Two members of one name in an object, found without a peer's choice of names making it slow.
 */
#include "base/json_internal.h"
#include "base/mem.h"

#include <stdlib.h>

/* With more members sorting finds twins faster than comparing. */
enum { NAMES_TO_COMPARE_MAX = 32 };

static struct slice name_of(const struct json_doc *doc, uint32_t member)
{
    const struct json_node *node = &doc->nodes[member];

    return slice_from(doc->text.ptr + node->name, node->name_len);
}

/* Whether one of the members from first up to, not with, member has its name. */
static bool is_name_before(const struct json_doc *doc, uint32_t first, uint32_t member)
{
    struct slice name = name_of(doc, member);

    for (uint32_t at = first; at != member; at = doc->nodes[at].next) {
        if (slice_equal(name_of(doc, at), name)) {
            return true;
        }
    }
    return false;
}

/* One of 64 places for a name; names that differ seldom share theirs. */
static uint64_t name_bit(struct slice name)
{
    unsigned first = name.len > 0 ? (unsigned char)name.ptr[0] : 0;
    unsigned last = name.len > 0 ? (unsigned char)name.ptr[name.len - 1] : 0;

    return UINT64_C(1) << ((name.len + first * 5 + last * 11) % 64);
}

/* For few members, whose names have no escapes: only names that share a place are compared. */
static uint32_t find_by_comparing(const struct json_doc *doc, uint32_t object)
{
    uint64_t seen = 0;

    for (uint32_t at = object + 1; at != 0; at = doc->nodes[at].next) {
        uint64_t bit = name_bit(name_of(doc, at));

        if ((seen & bit) != 0 && is_name_before(doc, object + 1, at)) {
            return at;
        }
        seen |= bit;
    }
    return 0;
}

struct named {
    struct slice name; /* escapes undone */
    uint32_t node;
};

static int compare_named(const void *left, const void *right)
{
    const struct named *a = left;
    const struct named *b = right;
    int order = slice_compare(a->name, b->name);

    return order != 0 ? order : (a->node > b->node) - (a->node < b->node);
}

/* Fills members with the names of an object; those with escapes are undone into scratch. */
static void list_names(const struct json_doc *doc, uint32_t object, struct named *members,
                       struct buf *scratch)
{
    for (uint32_t at = object + 1; at != 0; at = doc->nodes[at].next) {
        struct named *member = members++;

        *member = (struct named){name_of(doc, at), at};
        if (doc->nodes[at].name_has_escapes) {
            size_t offset = scratch->len;

            json_undo_escapes(member->name, scratch);
            member->name = slice_sub(buf_view(scratch), offset, scratch->len);
        }
    }
}

/* For any number of members and any names, in n log n steps. */
static uint32_t find_by_sorting(const struct json_doc *doc, uint32_t object, uint32_t escaped_len)
{
    uint32_t count = doc->nodes[object].count;
    struct named *members = MEM_ARRAY(count, struct named);
    struct buf scratch;
    uint32_t twin = 0;

    /*
     * A name does not grow when its escapes are undone: slices into scratch stay where they are.
     */
    buf_init(&scratch, escaped_len);
    buf_reserve(&scratch, escaped_len);
    list_names(doc, object, members, &scratch);
    qsort(members, count, sizeof *members, compare_named);
    for (uint32_t i = 1; i < count && twin == 0; i++) {
        if (slice_equal(members[i - 1].name, members[i].name)) {
            twin = members[i].node;
        }
    }
    mem_free(members);
    buf_clear(&scratch);
    return twin;
}

uint32_t json_find_twin(const struct json_doc *doc, uint32_t object, uint32_t escaped_len)
{
    uint32_t count = doc->nodes[object].count;

    if (count < 2) {
        return 0;
    }
    return escaped_len > 0 || count > NAMES_TO_COMPARE_MAX
               ? find_by_sorting(doc, object, escaped_len)
               : find_by_comparing(doc, object);
}
