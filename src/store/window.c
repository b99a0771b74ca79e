#include "store/window.h"

#include "base/mem.h"

#include <assert.h>

enum { ROOM_FIRST = 1024 };

static struct window_entry *entry_at(const struct window *window, size_t index)
{
    return &window->ring[(window->start + index) & (window->room - 1)];
}

void window_init(struct window *window, struct id newest)
{
    *window = (struct window){.newest = newest};
}

void window_clear(struct window *window)
{
    mem_free(window->ring);
    *window = (struct window){0};
}

static void grow(struct window *window)
{
    size_t room = window->room == 0 ? ROOM_FIRST : 2 * window->room;
    struct window_entry *ring = MEM_ARRAY(room, struct window_entry);

    for (size_t i = 0; i < window->len; i++) {
        ring[i] = *entry_at(window, i);
    }
    mem_free(window->ring);
    window->ring = ring;
    window->room = room;
    window->start = 0;
}

static void drop_settled(struct window *window)
{
    while (window->len > 0 && entry_at(window, 0)->outstanding == 0) {
        window->start = (window->start + 1) & (window->room - 1);
        window->len--;
        window->passed++;
    }
}

void window_add(struct window *window, struct id event, uint32_t fresh)
{
    assert(event.value > window->newest.value);
    window->newest = event;
    if (fresh == 0) {
        window->passed++;
        return;
    }
    if (window->len == window->room) {
        grow(window);
    }
    *entry_at(window, window->len) = (struct window_entry){.event = event, .outstanding = fresh};
    window->len++;
}

static struct window_entry *find(struct window *window, struct id event)
{
    size_t low = 0;
    size_t high = window->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (entry_at(window, middle)->event.value < event.value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    assert(low < window->len && entry_at(window, low)->event.value == event.value);
    return entry_at(window, low);
}

void window_settle(struct window *window, struct id event)
{
    struct window_entry *entry = find(window, event);

    assert(entry->outstanding > 0);
    entry->outstanding--;
    drop_settled(window);
}

struct id window_mark(const struct window *window)
{
    if (window->len == 0) {
        return window->newest;
    }
    return (struct id){entry_at(window, 0)->event.value - 1};
}
