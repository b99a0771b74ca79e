/*
 * What the SQLite engine does with its files: who may open them, what stands in them, how large
 * they become.
 */
#include "base/json.h"
#include "base/mem.h"
#include "harness.h"
#include "os/file.h"
#include "os/mailbox.h"
#include "support/test_dialects.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Within the harness's scratch folder. */
#define DATABASE "data/tidings.db"
#define LOG "data/tidings.db-wal"

/* ---- Who may open it ------------------------------------------------------------------------- */

/* Runs SQL on the closed store's database, behind the engine's back. */
static void run_sql(struct harness *harness, const char *sql)
{
    struct scratch_path path = scratch_path(harness->scratch, DATABASE);
    sqlite3 *database = NULL;

    assert_int_equal(sqlite3_open(path.chars, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

/* That it does not open, and why. */
static void assert_refused(struct harness *harness, enum err err, const char *words)
{
    struct diag diag = {0};

    assert_int_equal(harness_try_open(harness, &diag), err);
    if (strstr(diag.text, words) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", words, diag.text);
    }
}

static void a_newer_program_s_data_is_refused(void **state)
{
    struct harness *harness = *state;

    harness_close(harness);
    run_sql(harness, "PRAGMA user_version = 1000000");
    assert_refused(harness, ERR_VERSION, "1000000");
}

static void another_program_s_database_is_refused(void **state)
{
    struct harness *harness = *state;

    harness_close(harness);
    run_sql(harness, "PRAGMA application_id = 1");
    assert_refused(harness, ERR_CORRUPT, "not made by this program");
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    struct harness *harness = *state;
    struct scratch_path path = scratch_path(harness->scratch, DATABASE);
    char garbage[16384];

    harness_close(harness);
    memset(garbage, 'x', sizeof garbage);
    assert_int_equal(file_write(path.chars, slice_from(garbage, sizeof garbage), 0600, NULL), OK);
    assert_refused(harness, ERR_CORRUPT, "");
}

static void a_second_one_in_the_same_process_is_refused(void **state)
{
    struct harness *harness = *state;
    struct store *first = harness->store;
    char pid[32];

    (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
    assert_refused(harness, ERR_BUSY, pid);
    harness->store = first;
}

/* Opens the store when the pipe says so, and ends telling whether it is refused with that pid. */
static void open_late(struct harness *harness, int told_fd, pid_t holder)
{
    struct diag diag = {0};
    char pid[32], told = 0;

    (void)snprintf(pid, sizeof pid, "%d", (int)holder);
    _exit(read(told_fd, &told, 1) == 1 && harness_try_open(harness, &diag) == ERR_BUSY &&
                  strstr(diag.text, pid) != NULL
              ? EXIT_SUCCESS
              : EXIT_FAILURE);
}

/* Tells whether a process of its own is refused with the pid of ours. It is made while the store is
 * closed: of the locks that the store's threads might hold just then it would never be rid. */
static int open_elsewhere(struct harness *harness)
{
    int status = 0, told[2];
    pid_t holder = getpid();

    assert_int_equal(pipe(told), 0);
    harness_close(harness);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        open_late(harness, told[0], holder);
    }
    harness_open(harness);
    assert_int_equal(write(told[1], "+", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(told[0]);
    (void)close(told[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_second_process_is_refused(void **state)
{
    assert_int_equal(open_elsewhere(*state), EXIT_SUCCESS);
}

static void a_folder_that_cannot_be_made_is_refused(void **state)
{
    struct harness *harness = *state;

    harness_close(harness);
    harness->options.path = "/dev/null/data";
    assert_int_not_equal(harness_try_open(harness, NULL), OK);
    harness->options.path = harness->path.chars;
}

/* ---- What stands in it ----------------------------------------------------------------------- */

static const char signing_secret[] = "signing-secret-of-thirty-two-b!!";
static const char header_secret[] = "a-token-in-a-header";
static const char credential_secret[] = "a-dialect-s-password";

static const char account_settings[] =
    "{\"wapi\": {\"login\": \"shop\", \"password\": \"a-dialect-s-password\"}}";
static const char channel_settings[] =
    "{\"kind\": \"webhook\", \"url\": \"https://example.com/\","
    " \"headers\": {\"Authorization\": \"a-token-in-a-header\"}}";

static void make_secrets(struct harness *harness)
{
    struct store_put_account account = {0};
    struct store_put_channel put = {0};
    struct json_doc doc;

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, slice_of(account_settings), NULL), OK);
    assert_int_equal(account_from_json(SLICE("acme"), json_root(&doc), NULL, &test_dialects,
                                       &account.account, NULL),
                     OK);
    assert_int_equal(CALL(harness, put_account, &account), OK);
    assert_int_equal(json_parse(&doc, slice_of(channel_settings), NULL), OK);
    assert_int_equal(channel_from_json(json_root(&doc), NULL, &harness->options.channel_defaults,
                                       &put.channel, NULL),
                     OK);
    put.account = account.account->id;
    put.channel->secrets_len = 1;
    put.channel->secrets[0].len = sizeof signing_secret - 1;
    memcpy(put.channel->secrets[0].bytes, signing_secret, sizeof signing_secret - 1);
    assert_int_equal(CALL(harness, put_channel, &put), OK);
    channel_release(put.channel);
    account_release(account.account);
    json_doc_clear(&doc);
}

static bool file_has(struct harness *harness, const char *name, const char *text)
{
    struct scratch_path path = scratch_path(harness->scratch, name);
    struct buf content;

    buf_init(&content, 64 * 1024 * 1024);
    enum err err = file_read(path.chars, &content, NULL);
    bool has = err == OK && memmem(content.ptr, content.len, text, strlen(text)) != NULL;
    buf_clear(&content);
    return has;
}

/* Whether any file has it, with the store open (so with its log) or closed. */
static bool files_have(struct harness *harness, const char *text)
{
    return file_has(harness, DATABASE, text) || file_has(harness, LOG, text);
}

/* Without a key they are there in plain: so the search would find them. */
static void without_a_master_key_secrets_are_stored_as_they_are(void **state)
{
    struct harness *harness = *state;

    make_secrets(harness);
    assert_true(files_have(harness, signing_secret));
    assert_true(files_have(harness, header_secret));
    assert_true(files_have(harness, credential_secret));
}

static void under_a_master_key_no_file_has_a_secret(void **state)
{
    struct harness *harness = *state;
    uint8_t master_key[SEAL_KEY_BYTES] = {7};

    harness_close(harness);
    harness->options.master_key = master_key;
    harness_open(harness);
    make_secrets(harness);
    for (int round = 0; round < 2; round++) {
        assert_false(files_have(harness, signing_secret));
        assert_false(files_have(harness, header_secret));
        assert_false(files_have(harness, credential_secret));
        harness_close(harness);
    }
    harness->options.master_key = NULL;
    assert_refused(harness, ERR_DENIED, "master key");
    master_key[0]++;
    harness->options.master_key = master_key;
    assert_refused(harness, ERR_CORRUPT, "master key");
}

/* An operator may set a key later: what is put from then on is encrypted. */
static void plain_secrets_are_still_read_under_a_master_key(void **state)
{
    struct harness *harness = *state;
    uint8_t master_key[SEAL_KEY_BYTES] = {7};

    make_secrets(harness);
    harness_close(harness);
    harness->options.master_key = master_key;
    harness_open(harness);
    const struct account *account =
        directory_account(store_view(harness->store, &harness->view), SLICE("acme"));
    assert_memory_equal(account->channels[0]->secrets[0].bytes, signing_secret,
                        sizeof signing_secret - 1);
}

/* ---- How large it becomes -------------------------------------------------------------------- */

enum {
    WRITES = 400,
    WRITE_BYTES = 512 * 1024,
    READS_AT_ONCE = 6,
    LOG_BYTES_MAX = 96 * 1024 * 1024, /* its limit of 64 MiB, and what a transaction adds to it */
};

static int64_t log_bytes(struct harness *harness)
{
    struct scratch_path path = scratch_path(harness->scratch, LOG);
    struct stat found;

    return stat(path.chars, &found) == 0 ? found.st_size : 0;
}

/* A list of all there is, asked for again and again, so that no moment is without a reader. */
struct endless_list {
    struct store_list_events list;
    struct store *store;
    size_t rounds;
    bool is_over;
};

static void ask_again(struct store_request *request)
{
    struct endless_list *endless = CONTAINER_OF(request, struct endless_list, list.request);

    assert_int_equal(request->err, OK);
    store_request_clear(request);
    endless->rounds++;
    if (endless->is_over) {
        request->done = NULL;
    } else {
        store_submit(endless->store, request);
    }
}

static void start_reading(struct harness *harness, struct endless_list *endless, struct id account)
{
    *endless = (struct endless_list){
        .list = {.page.account = account,
                 .page.to = {UINT64_MAX >> 1},
                 .page.max = 50,
                 .bytes_max = 4000000},
        .store = harness->store,
    };
    endless->list.request.call = STORE_CALL_list_events;
    endless->list.request.reply_to = harness->mailbox;
    endless->list.request.done = ask_again;
    store_submit(harness->store, &endless->list.request);
}

static void the_log_stays_bounded_under_readers_that_never_pause(void **state)
{
    struct harness *harness = *state;
    struct endless_list readers[READS_AT_ONCE];
    struct id account = make_account(harness, "acme");
    char *data = mem_new(1, WRITE_BYTES);
    int64_t largest = 0;

    for (size_t i = 0; i < READS_AT_ONCE; i++) {
        start_reading(harness, &readers[i], account);
    }
    for (size_t i = 0; i < WRITES; i++) {
        int64_t bytes = log_bytes(harness);

        (void)publish_to(harness, make_event(account, "a.b", slice_from(data, WRITE_BYTES)), NULL,
                         0);
        largest = bytes > largest ? bytes : largest;
    }
    for (size_t i = 0; i < READS_AT_ONCE; i++) {
        while (readers[i].rounds < 2) { /* none was left out, however busy the machine is */
            assert_true(mailbox_wait(harness->mailbox, 2 * US_PER_MINUTE));
            (void)mailbox_run(harness->mailbox);
        }
        readers[i].is_over = true;
        (void)harness_await(harness, &readers[i].list.request);
    }
    assert_true(largest > 0);
    assert_true(largest <= LOG_BYTES_MAX);
    print_message("# at most %lld bytes of log for %lld bytes written\n", (long long)largest,
                  (long long)WRITES * WRITE_BYTES);
    mem_free(data);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

/* Another account's event may stand before it. */
static void a_delivery_without_its_event_never_gives_another_one(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id channel = make_webhook(harness, account);
    struct id neighbour = publish_one(harness, account, channel, STORE_WAITING);
    struct store_take take = {.channel = channel, .max = 10, .bytes_max = 1000};

    harness_advance(harness, US_PER_SECOND);
    (void)publish_one(harness, account, channel, STORE_WAITING);
    harness_close(harness);
    run_sql(harness, "DELETE FROM event WHERE id = (SELECT max(id) FROM event)");
    harness_open(harness);
    take.now = harness_now(harness);
    assert_int_equal(CALL(harness, take, &take), OK);
    assert_int_equal(take.items_len, 1);
    assert_int_equal(take.items[0].delivery.value, neighbour.value);
    store_request_clear(&take.request);
}

/* Nor may one block the queue for ever. */
static void a_message_without_its_event_makes_room_for_the_next(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id queue = make_queue(harness, account);
    struct id lost[] = {publish_one(harness, account, queue, STORE_QUEUE),
                        publish_one(harness, account, queue, STORE_QUEUE)};
    struct id message = publish_one(harness, account, queue, STORE_QUEUE);
    struct store_show show = {.account = account, .channel = queue};
    struct store_answer_item item = {.delivery = message, .epoch = 1};
    struct store_answer answer = {.account = account,
                                  .channel = queue,
                                  .kind = STORE_ACK_HEAD,
                                  .items = &item,
                                  .items_len = 1};

    harness_close(harness);
    run_sql(harness, "DELETE FROM event WHERE id < (SELECT max(id) FROM event)");
    harness_open(harness);
    assert_int_equal(CALL(harness, answer, &answer), OK);
    assert_int_equal(item.err, ERR_NOT_FOUND);
    assert_int_equal(CALL(harness, show, &show), OK);
    assert_int_equal(show.message.delivery.value, message.value);
    assert_int_equal(show.message.event->id.value, event_of(message).value);
    store_request_clear(&show.request);
    assert_int_equal(count_pending(harness), ARRAY_LEN(lost) - 1);
    assert_int_equal(CALL(harness, answer, &answer), OK);
    assert_int_equal(item.err, OK);
}

/* ---- What a call costs ----------------------------------------------------------------------- */

/* The log grows with every write until it begins anew, which it does not do that soon. */
static void a_head_that_is_shown_again_costs_no_write(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id queue = make_queue(harness, account);
    struct id message = publish_one(harness, account, queue, STORE_QUEUE);
    struct store_show show = {.account = account, .channel = queue};

    /* The first one also writes the mark, which must not be mistaken for the next one's. */
    harness_advance(harness, US_PER_SECOND);
    int64_t before = log_bytes(harness);
    assert_int_equal(CALL(harness, show, &show), OK);
    store_request_clear(&show.request);
    int64_t first = log_bytes(harness);
    assert_true(first > before);
    for (int round = 0; round < 10; round++) {
        harness_advance(harness, US_PER_SECOND);
        assert_int_equal(CALL(harness, show, &show), OK);
        assert_int_equal(show.message.delivery.value, message.value);
        store_request_clear(&show.request);
    }
    assert_int_equal(log_bytes(harness), first);
}

/* ---- Older versions -------------------------------------------------------------------------- */

/* Takes away what came after the first version. */
static const char to_first_version[] = "DROP TABLE event_by_name;"
                                       "ALTER TABLE event DROP COLUMN name;"
                                       "DROP TABLE operation;"
                                       "DROP TABLE removed_account;"
                                       "PRAGMA user_version = 1;";

static struct id publish_named(struct harness *harness, struct id account, const char *name)
{
    struct store_publish_item item = {.event = make_event(account, "a.b", SLICE("1")),
                                      .name = slice_of(name)};
    struct store_publish publish = {.items = &item, .items_len = 1};

    assert_int_equal(CALL(harness, publish, &publish), OK);
    event_release(item.event);
    return item.id;
}

static void a_database_of_the_first_version_keeps_what_it_has_and_learns_the_rest(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id queue = make_queue(harness, account);
    struct id message = publish_one(harness, account, queue, STORE_QUEUE);
    struct store_show show = {.account = account, .channel = queue};
    struct store_find_event find = {.account = account, .name = SLICE("2024-0001")};

    harness_close(harness);
    run_sql(harness, to_first_version);
    harness_open(harness);
    struct id named = publish_named(harness, account, "2024-0001");
    assert_int_equal(CALL(harness, find_event, &find), OK);
    assert_int_equal(find.found->id.value, named.value);
    store_request_clear(&find.request);
    assert_int_equal(CALL(harness, show, &show), OK);
    assert_int_equal(show.message.delivery.value, message.value);
    store_request_clear(&show.request);
    harness_advance(harness, US_PER_DAY);
    (void)publish_named(harness, account, "2024-0002");
    (void)retain_all(harness,
                     &(struct store_retain){.rest_before = harness_now(harness), .max = 10});
    assert_int_equal(CALL(harness, find_event, &find), OK);
    assert_null(find.found);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_newer_program_s_data_is_refused),
        ENGINE_TEST(another_program_s_database_is_refused),
        ENGINE_TEST(a_file_that_is_no_database_is_refused),
        ENGINE_TEST(a_second_one_in_the_same_process_is_refused),
        ENGINE_TEST(a_second_process_is_refused),
        ENGINE_TEST(a_folder_that_cannot_be_made_is_refused),
        ENGINE_TEST(without_a_master_key_secrets_are_stored_as_they_are),
        ENGINE_TEST(under_a_master_key_no_file_has_a_secret),
        ENGINE_TEST(plain_secrets_are_still_read_under_a_master_key),
        ENGINE_TEST(the_log_stays_bounded_under_readers_that_never_pause),
        ENGINE_TEST(a_delivery_without_its_event_never_gives_another_one),
        ENGINE_TEST(a_message_without_its_event_makes_room_for_the_next),
        ENGINE_TEST(a_head_that_is_shown_again_costs_no_write),
        ENGINE_TEST(a_database_of_the_first_version_keeps_what_it_has_and_learns_the_rest),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
