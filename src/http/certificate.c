#include "http/certificate.h"

#include "base/mem.h"
#include "os/file.h"

#include <stdatomic.h>

enum { PEM_BYTES_MAX = 256 * 1024 }; /* far more than a chain of certificates needs */

static void certificate_free(struct certificate *certificate)
{
    buf_clear(&certificate->chain);
    mem_wipe(certificate->key.ptr, certificate->key.len);
    buf_clear(&certificate->key);
    mem_free(certificate);
}

enum err certificate_load(const char *chain_path, const char *key_path, struct certificate **out,
                          struct diag *diag)
{
    struct certificate *certificate = MEM_NEW(struct certificate);

    atomic_init(&certificate->references, 1);
    buf_init(&certificate->chain, PEM_BYTES_MAX);
    buf_init(&certificate->key, PEM_BYTES_MAX);
    /* Whole at once, so that no half of the key stays behind in memory that moved. */
    buf_reserve(&certificate->key, PEM_BYTES_MAX);
    enum err err = file_read(chain_path, &certificate->chain, diag);
    if (err == OK) {
        err = file_read(key_path, &certificate->key, diag);
    }
    if (err != OK) {
        certificate_free(certificate);
        return err;
    }
    *out = certificate;
    return OK;
}

struct certificate *certificate_hold(struct certificate *certificate)
{
    if (certificate != NULL) {
        (void)atomic_fetch_add_explicit(&certificate->references, 1, memory_order_relaxed);
    }
    return certificate;
}

void certificate_release(struct certificate *certificate)
{
    if (certificate != NULL &&
        atomic_fetch_sub_explicit(&certificate->references, 1, memory_order_acq_rel) == 1) {
        certificate_free(certificate);
    }
}
