#include "support/scratch.h"

#include "base/macro.h"
#include "base/mem.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_FOLDERS_MAX = 16 };

int scratch_make(void **state)
{
    struct scratch *scratch = MEM_NEW(struct scratch);
    const char *parent = getenv("TMPDIR");

    (void)snprintf(scratch->folder, sizeof scratch->folder, "%s/tidings-test-XXXXXX",
                   parent != NULL ? parent : "/tmp");
    if (mkdtemp(scratch->folder) == NULL) {
        perror(scratch->folder);
        mem_free(scratch);
        return -1;
    }
    *state = scratch;
    return 0;
}

static int remove_one(const char *path, UNUSED const struct stat *found, UNUSED int type,
                      UNUSED struct FTW *where)
{
    return remove(path);
}

int scratch_remove(void **state)
{
    struct scratch *scratch = *state;
    int rc = nftw(scratch->folder, remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);

    mem_free(scratch);
    return rc;
}

struct scratch_path scratch_path(const struct scratch *scratch, const char *name)
{
    struct scratch_path path;

    if (snprintf(path.chars, sizeof path.chars, "%s/%s", scratch->folder, name) >=
        (int)sizeof path.chars) {
        abort(); /* a test's own mistake */
    }
    return path;
}
