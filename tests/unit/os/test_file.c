#include "base/macro.h"
#include "os/file.h"
#include "support/scratch.h"
#include "support/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static unsigned mode_of(const char *path)
{
    struct stat found;

    assert_int_equal(stat(path, &found), 0);
    return found.st_mode & 07777;
}

/* How many things are in the folder. */
static int count_entries(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;

    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    (void)closedir(folder);
    return count;
}

static void write_text(const char *path, const char *text)
{
    assert_int_equal(file_write(path, slice_of(text), 0600, NULL), OK);
}

static void assert_content(const char *path, const char *expected)
{
    struct buf content;

    buf_init(&content, 1024);
    assert_int_equal(file_read(path, &content, NULL), OK);
    assert_slice_is(buf_view(&content), expected);
    buf_clear(&content);
}

static void a_folder_is_made_with_those_above_it(void **state)
{
    struct scratch_path outer = scratch_path(*state, "a");
    struct scratch_path path = scratch_path(*state, "a/b/c");

    assert_int_equal(folder_make(path.chars, NULL), OK);
    assert_true(is_folder(path.chars));
    assert_int_equal(mode_of(path.chars), 0700);
    assert_int_equal(mode_of(outer.chars), 0700);
}

static void a_folder_that_is_there_is_left_as_it_is(void **state)
{
    struct scratch_path path = scratch_path(*state, "a");

    assert_int_equal(mkdir(path.chars, 0755), 0);
    assert_int_equal(folder_make(path.chars, NULL), OK);
    assert_int_equal(mode_of(path.chars), 0755);
    assert_int_equal(folder_make("/", NULL), OK);
}

static void slashes_too_many_do_no_harm(void **state)
{
    struct scratch_path path = scratch_path(*state, "a//b/");

    assert_int_equal(folder_make(path.chars, NULL), OK);
    assert_true(is_folder(path.chars));
}

static void a_file_in_the_way_of_a_folder_is_told(void **state)
{
    struct scratch_path file = scratch_path(*state, "file");
    struct scratch_path below = scratch_path(*state, "file/folder");
    struct diag diag = {0};

    write_text(file.chars, "");
    assert_int_equal(folder_make(file.chars, &diag), ERR_EXISTS);
    assert_non_null(strstr(diag.text, file.chars));
    assert_int_equal(folder_make(below.chars, &diag), ERR_EXISTS);
    assert_int_equal(folder_make("/proc/none/a", &diag), ERR_NOT_FOUND);
}

static void a_lock_is_taken_once_and_names_its_holder(void **state)
{
    struct scratch_path path = scratch_path(*state, "lock");
    struct diag diag = {0};
    char pid[32];
    int fd = -1, other_fd = -1;

    assert_int_equal(file_lock(path.chars, &fd, &diag), OK);
    (void)snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    assert_content(path.chars, pid);

    assert_int_equal(file_lock(path.chars, &other_fd, &diag), ERR_BUSY);
    assert_int_equal(other_fd, -1);
    pid[strlen(pid) - 1] = '\0';
    assert_non_null(strstr(diag.text, pid));
    assert_non_null(strstr(diag.text, path.chars));

    (void)close(fd);
    assert_int_equal(file_lock(path.chars, &fd, &diag), OK);
    (void)close(fd);
}

/* Locks path, tells by the pipe that it did, and lives until the test closes its end of the
 * other. */
static void hold_lock(const char *path, int told_fd, int end_fd)
{
    char nothing = 0;
    int fd = -1;
    enum err err = file_lock(path, &fd, NULL);

    (void)!write(told_fd, err == OK ? "+" : "-", 1);
    (void)!read(end_fd, &nothing, 1);
    _exit(0);
}

static void a_lock_ends_with_its_process(void **state)
{
    struct scratch_path path = scratch_path(*state, "lock");
    struct diag diag = {0};
    int told[2], end[2], fd = -1;
    char answer = 0, pid[32];

    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    assert_int_equal(pipe2(end, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)close(end[1]);
        hold_lock(path.chars, told[1], end[0]);
    }
    assert_int_equal(read(told[0], &answer, 1), 1);
    assert_int_equal(answer, '+');

    assert_int_equal(file_lock(path.chars, &fd, &diag), ERR_BUSY);
    (void)snprintf(pid, sizeof pid, "process %ld", (long)child);
    assert_non_null(strstr(diag.text, pid));

    (void)close(end[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(file_lock(path.chars, &fd, &diag), OK);
    (void)close(fd);
    (void)close(end[0]);
    (void)close(told[0]);
    (void)close(told[1]);
}

static void a_longer_number_in_a_lock_is_written_over(void **state)
{
    struct scratch_path path = scratch_path(*state, "lock");
    char pid[32];
    int fd = -1;

    write_text(path.chars, "99999999999999999999\nand more\n");
    assert_int_equal(file_lock(path.chars, &fd, NULL), OK);
    (void)snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    assert_content(path.chars, pid);
    (void)close(fd);
}

static void what_cannot_be_locked_is_told(void **state)
{
    struct scratch_path path = scratch_path(*state, "none/lock");
    struct scratch_path link_path = scratch_path(*state, "link");
    struct diag diag = {0};
    int fd = -1;

    assert_int_equal(file_lock(path.chars, &fd, &diag), ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "No such file"));
    assert_int_equal(symlink("/tmp/elsewhere", link_path.chars), 0);
    assert_int_equal(file_lock(link_path.chars, &fd, &diag), ERR_IO);
    assert_int_equal(fd, -1);
}

static void reading_adds_the_whole_file(void **state)
{
    struct scratch_path path = scratch_path(*state, "file");
    struct buf content, large;

    buf_init(&large, 1 << 20);
    for (int i = 0; i < 20000; i++) {
        buf_printf(&large, "line %d\n", i);
    }
    assert_int_equal(file_write(path.chars, buf_view(&large), 0600, NULL), OK);

    buf_init(&content, 1 << 20);
    buf_text(&content, "before");
    assert_int_equal(file_read(path.chars, &content, NULL), OK);
    assert_int_equal(content.len, large.len + 6);
    assert_true(slice_ends(buf_view(&content), buf_view(&large)));
    buf_clear(&content);
    buf_clear(&large);
}

static void reading_an_empty_file_adds_nothing(void **state)
{
    struct scratch_path path = scratch_path(*state, "file");

    write_text(path.chars, "");
    assert_content(path.chars, "");
}

static void a_file_up_to_the_limit_is_read_and_one_above_is_not(void **state)
{
    struct scratch_path path = scratch_path(*state, "file");
    struct diag diag = {0};
    struct buf content;

    write_text(path.chars, "0123456789");
    buf_init(&content, 13);
    buf_text(&content, "abc");
    assert_int_equal(file_read(path.chars, &content, &diag), OK);
    assert_slice_is(buf_view(&content), "abc0123456789");

    buf_reset(&content);
    buf_text(&content, "abcd");
    assert_int_equal(file_read(path.chars, &content, &diag), ERR_LIMIT);
    assert_slice_is(buf_view(&content), "abcd");
    assert_int_equal(buf_check(&content), OK);
    assert_non_null(strstr(diag.text, path.chars));
    buf_clear(&content);
}

static void what_cannot_be_read_is_told(void **state)
{
    struct scratch_path path = scratch_path(*state, "none");
    const struct scratch *scratch = *state;
    struct diag diag = {0};
    struct buf content;

    buf_init(&content, 100);
    assert_int_equal(file_read(path.chars, &content, &diag), ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, path.chars));
    assert_int_equal(file_read(scratch->folder, &content, &diag), ERR_IO); /* a folder */
    assert_int_equal(content.len, 0);
    buf_clear(&content);
}

static void writing_replaces_the_whole_file(void **state)
{
    const struct scratch *scratch = *state;
    struct scratch_path path = scratch_path(scratch, "file");

    write_text(path.chars, "a long first content");
    write_text(path.chars, "short");
    assert_content(path.chars, "short");
    assert_int_equal(count_entries(scratch->folder), 1);
}

static void a_written_file_has_the_mode_asked_for(void **state)
{
    struct scratch_path path = scratch_path(*state, "file");
    mode_t mask_before = umask(077);

    assert_int_equal(file_write(path.chars, SLICE("x"), 0644, NULL), OK);
    assert_int_equal(mode_of(path.chars), 0644);
    assert_int_equal(file_write(path.chars, SLICE("x"), 0600, NULL), OK);
    assert_int_equal(mode_of(path.chars), 0600);
    (void)umask(mask_before);
}

static void a_name_without_a_folder_is_one_in_this(void **state)
{
    const struct scratch *scratch = *state;
    int folder_before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(chdir(scratch->folder), 0);
    write_text("file", "content");
    assert_content("file", "content");
    assert_int_equal(fchdir(folder_before), 0);
    (void)close(folder_before);
}

static void what_cannot_be_written_leaves_nothing_behind(void **state)
{
    const struct scratch *scratch = *state;
    struct scratch_path below_none = scratch_path(scratch, "none/file");
    struct scratch_path folder = scratch_path(scratch, "folder");
    struct diag diag = {0};

    assert_int_equal(file_write(below_none.chars, SLICE("x"), 0600, &diag), ERR_NOT_FOUND);
    assert_int_equal(mkdir(folder.chars, 0700), 0);
    assert_int_equal(file_write(folder.chars, SLICE("x"), 0600, &diag), ERR_IO);
    assert_non_null(strstr(diag.text, folder.chars));
    assert_int_equal(count_entries(scratch->folder), 1);
}

/* The limit on a file's size stands in for a full disk: the write ends half-way. */
static void a_write_that_ends_half_way_keeps_the_old_content(void **state)
{
    const struct scratch *scratch = *state;
    struct scratch_path path = scratch_path(scratch, "file");
    struct rlimit before, small;

    write_text(path.chars, "old");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 4, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);

    enum err err = file_write(path.chars, SLICE("new content"), 0600, NULL);

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(err, ERR_IO);
    assert_content(path.chars, "old");
    assert_int_equal(count_entries(scratch->folder), 1);
}

static void a_full_disk_is_told_as_such(UNUSED void **state)
{
    struct diag diag = {0};
    int fd = -1;
    enum err err;

    /* A file below a device that is always full cannot be made, so this asks the lock, which writes
     * in place. Another run of this test beside us may hold it for a moment. */
    do {
        err = file_lock("/dev/full", &fd, &diag);
    } while (err == ERR_BUSY);
    assert_int_equal(err, ERR_FULL);
    assert_non_null(strstr(diag.text, "/dev/full"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_folder_is_made_with_those_above_it),
        CASE(a_folder_that_is_there_is_left_as_it_is),
        CASE(slashes_too_many_do_no_harm),
        CASE(a_file_in_the_way_of_a_folder_is_told),
        CASE(a_lock_is_taken_once_and_names_its_holder),
        CASE(a_lock_ends_with_its_process),
        CASE(a_longer_number_in_a_lock_is_written_over),
        CASE(what_cannot_be_locked_is_told),
        CASE(reading_adds_the_whole_file),
        CASE(reading_an_empty_file_adds_nothing),
        CASE(a_file_up_to_the_limit_is_read_and_one_above_is_not),
        CASE(what_cannot_be_read_is_told),
        CASE(writing_replaces_the_whole_file),
        CASE(a_written_file_has_the_mode_asked_for),
        CASE(a_name_without_a_folder_is_one_in_this),
        CASE(what_cannot_be_written_leaves_nothing_behind),
        CASE(a_write_that_ends_half_way_keeps_the_old_content),
        CASE(a_full_disk_is_told_as_such),
    };

    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
