#include "store/settings.h"

#include <assert.h>
#include <stdatomic.h>

static void make_gates_of(void *ctx, struct account *account)
{
    (void)ctx;
    for (uint32_t i = 0; i < account->channels_len; i++) {
        account->channels[i]->gate = channel_gate_new(SETTINGS_GATE_ROOM);
    }
}

void settings_make_gates(const struct directory *directory)
{
    directory_each_account(directory, make_gates_of, NULL);
}

void settings_init(struct settings *settings, struct directory *directory)
{
    *settings = (struct settings){.visible = directory};
    atomic_init(&settings->version, 1);
    int rc = pthread_mutex_init(&settings->lock, NULL);
    assert(rc == 0); /* a plain mutex needs nothing that could be lacking */
}

void settings_clear(struct settings *settings)
{
    if (settings->visible == NULL) {
        return;
    }
    settings_drop(settings);
    directory_release(settings->visible);
    settings->visible = NULL;
    (void)pthread_mutex_destroy(&settings->lock); /* nobody holds it */
}

struct directory *settings_view(struct settings *settings, struct store_view *view)
{
    if (view->version == atomic_load_explicit(&settings->version, memory_order_acquire)) {
        return view->directory;
    }
    struct directory *before = view->directory;
    (void)pthread_mutex_lock(&settings->lock);
    view->directory = directory_hold(settings->visible);
    view->version = atomic_load_explicit(&settings->version, memory_order_relaxed);
    (void)pthread_mutex_unlock(&settings->lock);
    directory_release(before);
    return view->directory;
}

struct directory *settings_staged(struct settings *settings)
{
    return settings->staged != NULL ? settings->staged : settings->visible;
}

void settings_stage(struct settings *settings, struct directory *directory)
{
    directory_release(settings->staged);
    settings->staged = directory;
}

void settings_show(struct settings *settings)
{
    if (settings->staged == NULL) {
        return;
    }
    struct directory *before = settings->visible;
    (void)pthread_mutex_lock(&settings->lock);
    settings->visible = settings->staged;
    atomic_fetch_add_explicit(&settings->version, 1, memory_order_release);
    (void)pthread_mutex_unlock(&settings->lock);
    settings->staged = NULL;
    directory_release(before);
}

void settings_drop(struct settings *settings)
{
    directory_release(settings->staged);
    settings->staged = NULL;
}
