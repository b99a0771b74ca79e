#include "base/macro.h"
#include "base/mem.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void *greedy_fn(void);

static void *ask_for_a_product_that_overflows(void)
{
    return mem_new(SIZE_MAX / 2, 3);
}

static void *grow_to_a_product_that_overflows(void)
{
    return mem_resize(NULL, SIZE_MAX / 2, 3);
}

static void *copy_without_room_for_the_zero(void)
{
    return mem_text("", SIZE_MAX);
}

/* Runs greedy in a process of its own and checks how that ends. */
static void assert_ends_the_process(greedy_fn *greedy)
{
    char said[200] = "";
    int ends[2];
    int status;

    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)greedy();
        _Exit(EXIT_SUCCESS);
    }
    (void)close(ends[1]);
    assert_true(read(ends[0], said, sizeof said - 1) > 0);
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
    assert_memory_equal(said, "out of memory: ", 15);
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void a_product_that_overflows_ends_the_process_with_a_line(UNUSED void **state)
{
    assert_ends_the_process(ask_for_a_product_that_overflows);
    assert_ends_the_process(grow_to_a_product_that_overflows);
    assert_ends_the_process(copy_without_room_for_the_zero);
}

static void new_memory_is_zero(UNUSED void **state)
{
    static const char zeros[300];
    char *bytes = mem_new(100, 3);

    assert_memory_equal(bytes, zeros, sizeof zeros);
    mem_free(bytes);
}

static void nothing_has_an_address_too(UNUSED void **state)
{
    void *none = mem_new(0, 8);
    void *still_none = mem_resize(NULL, 8, 0);

    assert_non_null(none);
    assert_non_null(still_none);
    mem_free(none);
    mem_free(still_none);
    mem_free(NULL);
}

static void resizing_keeps_what_was_there(UNUSED void **state)
{
    char *bytes = mem_resize(NULL, 3, 1);

    memcpy(bytes, "abc", 3);
    bytes = mem_resize(bytes, 100000, 2);
    assert_memory_equal(bytes, "abc", 3);
    bytes = mem_resize(bytes, 2, 1);
    assert_memory_equal(bytes, "ab", 2);
    mem_free(bytes);
}

static void a_text_is_a_copy_that_ends_in_zero(UNUSED void **state)
{
    char *text = mem_text("hello world", 5);
    char *empty = mem_text(NULL, 0);

    assert_string_equal(text, "hello");
    assert_string_equal(empty, "");
    mem_free(text);
    mem_free(empty);
}

static void a_wiped_secret_is_gone(UNUSED void **state)
{
    char secret[] = "hunter2";
    static const char zeros[sizeof secret];

    mem_wipe(secret, sizeof secret);
    assert_memory_equal(secret, zeros, sizeof secret);
    mem_wipe(NULL, 0);
}

static void the_macros_make_as_many_as_they_say(UNUSED void **state)
{
    long *one = MEM_NEW(long);
    long *many = MEM_ARRAY(3, long);

    assert_int_equal(*one, 0);
    assert_int_equal(many[2], 0);
    mem_free(one);
    mem_free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_that_overflows_ends_the_process_with_a_line),
        cmocka_unit_test(new_memory_is_zero),
        cmocka_unit_test(nothing_has_an_address_too),
        cmocka_unit_test(resizing_keeps_what_was_there),
        cmocka_unit_test(a_text_is_a_copy_that_ends_in_zero),
        cmocka_unit_test(a_wiped_secret_is_gone),
        cmocka_unit_test(the_macros_make_as_many_as_they_say),
    };

    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
