/*
 * An intrusive doubly linked list. The link lives in the member, so nothing is allocated and
 * removal is constant time.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/macro.h"

#include <stdbool.h>
#include <stddef.h>

struct list_link {
    struct list_link *previous, *next; /* both NULL when in no list */
};

struct list {
    struct list_link head; /* a ring through the head */
    size_t count;
};

void list_init(struct list *list);
bool list_is_empty(const struct list *list);

/* What is added must be in no list. */
void list_push_back(struct list *list, struct list_link *link);
void list_push_front(struct list *list, struct list_link *link);
void list_insert_before(struct list *list, struct list_link *at, struct list_link *link);

/* link must be in this list. */
void list_remove(struct list *list, struct list_link *link);

/* NULL when the list is empty or at its end. */
struct list_link *list_first(const struct list *list);
struct list_link *list_after(const struct list *list, const struct list_link *link);
struct list_link *list_pop_front(struct list *list);

bool list_link_is_in(const struct list_link *link);

/*
 * The struct that holds the link, or NULL for NULL. It looks at its argument once, so that
 * LIST_ITEM(list_pop_front(...), ...) takes one item and not two.
 */
#define LIST_ITEM(link, type, member)                                                              \
    ({                                                                                             \
        struct list_link *item_link_ = (link);                                                     \
        item_link_ != NULL ? CONTAINER_OF(item_link_, type, member) : (type *)NULL;                \
    })

#endif
