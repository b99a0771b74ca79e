#include "base/list.h"

#include <assert.h>

void list_init(struct list *list)
{
    list->head = (struct list_link){.previous = &list->head, .next = &list->head};
    list->count = 0;
}

bool list_is_empty(const struct list *list)
{
    return list->count == 0;
}

bool list_link_is_in(const struct list_link *link)
{
    return link->next != NULL;
}

void list_insert_before(struct list *list, struct list_link *at, struct list_link *link)
{
    assert(!list_link_is_in(link));
    link->previous = at->previous;
    link->next = at;
    at->previous->next = link;
    at->previous = link;
    list->count++;
}

void list_push_back(struct list *list, struct list_link *link)
{
    list_insert_before(list, &list->head, link);
}

void list_push_front(struct list *list, struct list_link *link)
{
    list_insert_before(list, list->head.next, link);
}

void list_remove(struct list *list, struct list_link *link)
{
    assert(list_link_is_in(link) && list->count > 0);
    link->previous->next = link->next;
    link->next->previous = link->previous;
    *link = (struct list_link){0};
    list->count--;
}

struct list_link *list_after(const struct list *list, const struct list_link *link)
{
    return link->next == &list->head ? NULL : link->next;
}

struct list_link *list_first(const struct list *list)
{
    return list_after(list, &list->head);
}

struct list_link *list_pop_front(struct list *list)
{
    struct list_link *first = list_first(list);

    if (first != NULL) {
        list_remove(list, first);
    }
    return first;
}
