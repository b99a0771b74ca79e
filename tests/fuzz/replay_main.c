/*
 * Runs a fuzz target on the files of a folder, one TAP line a file: what a compiler without libFuzzer, and every ordinary
 * test run, gets out of a corpus. A target that finds a fault ends the process, so the file is named before it runs.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Far above any input a person would put into a corpus. */
enum { INPUT_BYTES_MAX = 16 * 1024 * 1024 };

/* Reads the whole file into a block of exactly its size, so that AddressSanitizer sees a read past its end. */
static uint8_t *read_input(const char *path, size_t *len)
{
    static uint8_t space[INPUT_BYTES_MAX];

    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return NULL;
    }
    *len = fread(space, 1, sizeof space, file);
    (void)fclose(file); /* was only read from */

    uint8_t *exact = malloc(*len > 0 ? *len : 1);
    if (exact != NULL) {
        memcpy(exact, space, *len);
    }
    return exact;
}

static int replay_one(const char *path)
{
    size_t len = 0;
    uint8_t *data = read_input(path, &len);

    if (data == NULL) {
        return -1;
    }
    (void)LLVMFuzzerTestOneInput(data, len); /* a fault ends the process, it returns 0 always */
    free(data);
    return 0;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct dirent **entries = NULL;
    int failed = 0;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    int count = scandir(argv[1], &entries, is_visible, alphasort);
    if (count <= 0) {
        (void)fprintf(stderr, "%s: no inputs\n", argv[1]);
        return EXIT_FAILURE;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        char path[4096];

        (void)snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        printf("# %s\n", entries[i]->d_name);
        (void)fflush(stdout);
        int rc = replay_one(path);
        printf("%s %d - %s\n", rc == 0 ? "ok" : "not ok", i + 1, entries[i]->d_name);
        failed += rc != 0;
        free(entries[i]);
    }
    free(entries);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
