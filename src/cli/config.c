#include "cli/config.h"

#include "base/mem.h"
#include "base/time.h"
#include "base/timetext.h"
#include "model/event.h"
#include "os/file.h"

#include <ini.h>
#include <stddef.h>

/* PAIRS is a section whose keys are the operator's own; its row stands for all of them. */
enum setting_type { TEXT, SECRET, CHOICE, NUMBER, BYTES, DURATION, PAIRS };

#define ANY_KEY "*"

struct setting {
    const char *section;
    const char *key;
    enum setting_type type;
    size_t offset;
    const char *fallback; /* the default, as a file would spell it */
    int64_t min, max;     /* of numbers, bytes, durations */
    const char *choices;  /* of CHOICE: words with spaces between */
    bool is_reloadable;   /* SIGHUP takes it over */
    const char *help;
};

#define AT(member) offsetof(struct config, member)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define SECONDS US_PER_SECOND

enum { SETTINGS_FILE_BYTES_MAX = 256 * 1024 };

static const struct setting table[] = {
    {"server", "listen", TEXT, AT(listen), "127.0.0.1:8484", 0, 0, NULL, false,
     "Address and port to serve on; port 0 picks a free one. Beyond loopback use TLS or a proxy."},
    {"server", "threads", NUMBER, AT(threads), "1", 1, 64, NULL, false,
     "Threads that serve HTTP. One serves some ten thousand requests a second."},
    {"server", "admin_key", SECRET, AT(admin_key), "", 0, 0, NULL, false,
     "A key with admin scope besides the stored ones: tk_ and at least 20 characters. Without it "
     "the first start makes one and prints it once."},
    {"server", "tls_certificate", TEXT, AT(tls_certificate), "", 0, 0, NULL, false,
     "PEM file with the certificate and its chain; with tls_key it makes the server speak HTTPS. "
     "SIGHUP reads both files again."},
    {"server", "tls_key", TEXT, AT(tls_key), "", 0, 0, NULL, false,
     "PEM file with the private key of tls_certificate."},
    {"server", "connections_max", NUMBER, AT(connections_max), "20000", 1, 1000000, NULL, false,
     "Connections served at once; more wait to be accepted."},
    {"server", "connections_per_address_max", NUMBER, AT(connections_per_address_max), "0", 0,
     1000000, NULL, false,
     "Connections from one address; 0 is no limit. Set it when clients reach the server directly, "
     "not through a proxy."},
    {"server", "trusted_proxies", TEXT, AT(trusted_proxies), "", 0, 0, NULL, false,
     "Ranges of the proxies in front, such as 10.0.0.5, fd00::/8: what comes from there counts as "
     "from the last other address in X-Forwarded-For. Commas between."},
    {"server", "connection_memory", BYTES, AT(connection_memory), "16KiB", 4 * KIB, MIB, NULL,
     false,
     "Memory a connection has for its request line and headers; longer ones get 414 or 431."},
    {"server", "request_timeout", DURATION, AT(request_timeout), "30s", SECONDS, 3600 * SECONDS,
     NULL, false, "Time for a request to arrive whole, and for an idle connection to stay."},
    {"server", "auth_failures_max", NUMBER, AT(auth_failures_max), "100", 1, 1000000, NULL, false,
     "Wrong keys from one address in a minute before it gets 429."},
    {"server", "data_max", BYTES, AT(data_max), "256KiB", KIB, EVENT_DATA_BYTES_HARD_MAX, NULL,
     true, "Largest data of one event; larger gets 413."},
    {"server", "batch_events_max", NUMBER, AT(batch_events_max), "1000", 1, 10000, NULL, false,
     "Events in one batch request."},
    {"server", "log_level", CHOICE, AT(log_level), "info", 0, 0, "debug info warn error", true,
     "What is logged: this and what is graver."},

    {"store", "engine", CHOICE, AT(engine), "sqlite", 0, 0, "sqlite memory", false,
     "Where everything is kept: sqlite in a folder of this machine, or memory (lost at the end; "
     "for trying out)."},
    {"store", "path", TEXT, AT(path), "./data", 0, 0, NULL, false,
     "Folder of the embedded store; made when missing, used by one server at a time."},
    {"store", "node", NUMBER, AT(node), "0", 0, 1023, NULL, false,
     "Number of this node in the ids it makes."},
    {"store", "readers", NUMBER, AT(readers), "2", 1, 16, NULL, false,
     "Threads that serve lists and history."},
    {"store", "queue_max", NUMBER, AT(queue_max), "10000", 10, 1000000, NULL, false,
     "Writes that may wait for the disk before new events get 503."},
    {"store", "batch_max", NUMBER, AT(batch_max), "1024", 1, 10000, NULL, false,
     "Requests that share one flush at most."},
    {"store", "master_key_file", TEXT, AT(master_key_file), "", 0, 0, NULL, false,
     "File with 64 hex digits; secrets in the store are then sealed with it. Lose it and the "
     "secrets are lost."},

    {"send", "threads", NUMBER, AT(send_threads), "1", 1, 64, NULL, false,
     "Threads that send webhooks and mail."},
    {"send", "allow_private", TEXT, AT(allow_private), "", 0, 0, NULL, false,
     "Ranges that webhooks may reach although they are private, such as 10.1.0.0/16; commas "
     "between. Metadata services stay refused."},
    {"send", "in_flight_max", NUMBER, AT(in_flight_max), "4096", 1, 100000, NULL, false,
     "Attempts under way at once, for each sending thread."},
    {"send", "connections_kept", NUMBER, AT(connections_kept), "4096", 16, 100000, NULL, false,
     "Connections kept open for the next use, for each sending thread; best above the number of "
     "receivers that are busy."},
    {"send", "memory", BYTES, AT(send_memory), "128MiB", MIB, 64 * GIB, NULL, false,
     "Memory for events on their way out; more wait in the store."},
    {"send", "connect_timeout", DURATION, AT(connect_timeout), "5s", SECONDS / 10, 60 * SECONDS,
     NULL, false, "Time to reach a receiver."},
    {"send", "attempt_timeout", DURATION, AT(attempt_timeout), "15s", SECONDS / 10, 120 * SECONDS,
     NULL, false, "Time for a whole attempt where a channel says nothing else."},
    {"send", "retry", TEXT, AT(retry), "", 0, 0, NULL, false,
     "Schedule of webhooks where a channel says nothing else, as JSON such as [\"0s\", \"5s\", "
     "\"5m\"]; empty: 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."},
    {"send", "ca_file", TEXT, AT(ca_file), "", 0, 0, NULL, false,
     "PEM file of CAs to trust instead of the system's."},
    {"send", "warn_after", DURATION, AT(warn_after), "1d", SECONDS, 3660 * US_PER_DAY, NULL, false,
     "A channel that only failed for so long gets a warning."},
    {"send", "disable_after", DURATION, AT(disable_after), "5d", 0, 3660 * US_PER_DAY, NULL, false,
     "A channel that only failed for so long is disabled; 0s: never."},

    {"smtp", "url", TEXT, AT(smtp_url), "", 0, 0, NULL, false,
     "Mail server, smtp://host:25 or smtps://host:465. Without it there are no e-mail channels."},
    {"smtp", "user", TEXT, AT(smtp_user), "", 0, 0, NULL, false, "Login at the mail server."},
    {"smtp", "password", SECRET, AT(smtp_password), "", 0, 0, NULL, false,
     "Password at the mail server."},
    {"smtp", "from", TEXT, AT(smtp_from), "", 0, 0, NULL, false,
     "Sender of all mail: Name <address> or an address. Needed with url."},
    {"smtp", "tls", CHOICE, AT(smtp_tls), "opportunistic", 0, 0, "none opportunistic required",
     false,
     "STARTTLS on smtp://: never, where offered, or demanded (then nothing goes in plain text)."},
    {"smtp", "retry", TEXT, AT(smtp_retry), "", 0, 0, NULL, false,
     "Schedule of mail where a channel says nothing else; empty: 0, 5 min, 15 min, 1 h, then every "
     "4 h for four days."},

    {"wapi", "handler_secret", SECRET, AT(wapi_handler_secret), "", 0, 0, NULL, false,
     "Signs requests to the handlers of [wapi.commands]: whsec_ and base64 of 24 to 64 bytes. "
     "Needed "
     "with them."},
    {"wapi", "handler_timeout", DURATION, AT(wapi_handler_timeout), "10s", SECONDS / 10,
     120 * SECONDS, NULL, false, "Time a handler has to answer; then the customer gets 4000."},
    {"wapi", "hourly_max", NUMBER, AT(wapi_hourly_max), "1000", 1, 1000000000, NULL, false,
     "Requests of one account in a clock hour; more get 2006."},
    {"wapi", "failures_max", NUMBER, AT(wapi_failures_max), "10", 1, 1000000, NULL, false,
     "Invalid requests of one address before it is blocked (2052), a minute for each further one."},
    {"wapi", "previous_hour", DURATION, AT(wapi_previous_hour), "0s", 0, 3600 * SECONDS, NULL,
     false, "How long into an hour the auth of the hour before is taken too."},
    {"wapi", "request_max", BYTES, AT(wapi_request_max), "64KiB", KIB, 256 * KIB, NULL, false,
     "Largest request of the command API; larger gets 2007."},
    {"wapi", "ack_needs_poll", CHOICE, AT(wapi_ack_needs_poll), "yes", 0, 0, "yes no", false,
     "Whether poll-ack takes only what poll-req has shown."},
    {"wapi", "retry", TEXT, AT(wapi_retry), "", 0, 0, NULL, false,
     "Schedule of notifications by POST where a channel says nothing else; empty: every 5 min."},
    {"wapi", "keep", CHOICE, AT(wapi_keep), "forever", 0, 0, "forever payloads", false,
     "How long a notification waits for poll-ack: for ever, or as long as [retention] payloads "
     "says."},

    {"wapi.commands", ANY_KEY, PAIRS, AT(wapi_commands), "", 0, 0, NULL, false,
     "A command, or the beginning of some and a star, and the URL of the program that carries it "
     "out: `domain-* = https://registrar.example/wapi`. `off` instead of the URL disables it "
     "(2011). The longest that fits counts."},

    {"shopcart", "public_url", TEXT, AT(shopcart_public_url), "", 0, 0, NULL, false,
     "What stands before /API in links; empty: as the request's Host says."},
    {"shopcart", "retry", TEXT, AT(shopcart_retry), "", 0, 0, NULL, false,
     "Schedule where a channel says nothing else; empty: gaps that double from 1 min up to a day, "
     "for 7 days."},

    {"shopcart.types", ANY_KEY, PAIRS, AT(shopcart_types), "order.created\tNewOrder Token\n", 0, 0,
     NULL, false,
     "A type of event, its root element, and what stands in it: Token, or a member of data: "
     "`order.status = OrderStatusChange Id`."},

    {"cashier", "retry", TEXT, AT(cashier_retry), "", 0, 0, NULL, false,
     "Schedule where a channel says nothing else; empty: every 5 min for 24 h."},

    {"checkout", "messages_max", NUMBER, AT(checkout_messages_max), "100", 1, 1000, NULL, false,
     "Messages in one answer at most, whatever maxNumberMessages says."},
    {"checkout", "acks_max", NUMBER, AT(checkout_acks_max), "100", 1, 1000, NULL, false,
     "Messages in one acknowledgement at most; more get 400."},
    {"checkout", "wait_max", DURATION, AT(checkout_wait_max), "20s", 0, 60 * SECONDS, NULL, false,
     "Longest wait for messages, whatever timeoutMs says."},
    {"checkout", "visibility", DURATION, AT(checkout_visibility), "0s", 0, 12 * 3600 * SECONDS,
     NULL, false, "How long a received message is hidden from other polls; 0s: not at all."},
    {"checkout", "window", DURATION, AT(checkout_window), "30d", US_PER_MINUTE, 3660 * US_PER_DAY,
     NULL, false,
     "How long messages are received and listed. [retention] payloads has to be as long."},
    {"checkout", "history", CHOICE, AT(checkout_history), "messagesResponses", 0, 0,
     "messagesResponses messages", false,
     "Shape of the history: the older one, or `messages` with `nextPageToken`."},
    {"checkout", "unknown_query", CHOICE, AT(checkout_unknown_query), "ignored", 0, 0,
     "ignored refused", false, "What an unknown query parameter is."},

    {"retention", "payloads", DURATION, AT(payloads), "30d", US_PER_MINUTE, 3660 * US_PER_DAY, NULL,
     true,
     "Data of events is kept so long; messages of queues that nobody fetched expire then (but see "
     "[wapi] keep)."},
    {"retention", "rest", DURATION, AT(rest), "90d", US_PER_MINUTE, 3660 * US_PER_DAY, NULL, true,
     "Events without their data, deliveries and attempts are kept so long; an event whose "
     "deliveries are still to be sent stays."},
    {"retention", "idempotency", DURATION, AT(idempotency), "1d", US_PER_MINUTE, 30 * US_PER_DAY,
     NULL, false, "Idempotency keys are remembered so long."},

    {"shutdown", "drain", DURATION, AT(drain), "8s", 0, 300 * SECONDS, NULL, false,
     "Time for what is under way when the server is told to stop."},
};

/* Which have been given already by the file: giving one twice is a mistake worth telling. */
struct loading {
    struct config *settings;
    struct diag *diag;
    enum err err;
    bool is_given[ARRAY_LEN(table)];
};

static char **text_of(struct config *settings, const struct setting *setting)
{
    return (char **)(void *)((char *)settings + setting->offset);
}

static int64_t *number_of(struct config *settings, const struct setting *setting)
{
    return (int64_t *)(void *)((char *)settings + setting->offset);
}

static bool is_text(const struct setting *setting)
{
    return setting->type == TEXT || setting->type == SECRET || setting->type == CHOICE ||
           setting->type == PAIRS;
}

/* "64KiB", "1MiB", "2GiB" or plain bytes. */
static enum err parse_bytes(struct slice text, int64_t *out)
{
    static const struct {
        struct slice unit;
        int64_t factor;
    } units[] = {{SLICE("KiB"), KIB}, {SLICE("MiB"), MIB}, {SLICE("GiB"), GIB}};
    int64_t factor = 1;

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (slice_ends(text, units[i].unit)) {
            factor = units[i].factor;
            text = slice_sub(text, 0, text.len - units[i].unit.len);
            break;
        }
    }
    int64_t number = 0;
    enum err err = slice_to_i64(text, &number);
    if (err == OK && (number < 0 || number > INT64_MAX / factor)) {
        err = ERR_LIMIT;
    }
    if (err == OK) {
        *out = number * factor;
    }
    return err;
}

static enum err parse_number(const struct setting *setting, struct slice text, int64_t *out)
{
    switch (setting->type) {
    case BYTES:
        return parse_bytes(text, out);
    case DURATION:
        return duration_parse(text, out);
    case NUMBER:
    case TEXT:
    case SECRET:
    case CHOICE:
    case PAIRS:
        return slice_to_i64(text, out);
    }
    return ERR_INVALID;
}

static void format_number(const struct setting *setting, int64_t number, struct buf *out)
{
    static const struct {
        int64_t factor;
        const char *unit;
    } units[] = {{GIB, "GiB"}, {MIB, "MiB"}, {KIB, "KiB"}};

    if (setting->type == DURATION) {
        buf_text(out, duration_text(number).chars);
        return;
    }
    for (size_t i = 0; setting->type == BYTES && i < ARRAY_LEN(units); i++) {
        if (number > 0 && number % units[i].factor == 0) {
            buf_printf(out, "%lld%s", (long long)(number / units[i].factor), units[i].unit);
            return;
        }
    }
    buf_printf(out, "%lld", (long long)number);
}

static const char *const type_examples[] = {
    [TEXT] = "a text",
    [SECRET] = "a text",
    [CHOICE] = "a word",
    [NUMBER] = "a whole number",
    [BYTES] = "a size such as 64KiB",
    [DURATION] = "a duration such as 5s",
    [PAIRS] = "a text",
};

static enum err refuse_number(const struct setting *setting, const char *name, struct diag *diag)
{
    struct buf limits;

    buf_init(&limits, 128);
    format_number(setting, setting->min, &limits);
    buf_text(&limits, " to ");
    format_number(setting, setting->max, &limits);
    enum err err = diag_field(diag, ERR_INVALID, name, "must be %s, %s",
                              type_examples[setting->type], buf_cstr(&limits));
    buf_clear(&limits);
    return err;
}

static bool is_choice(const struct setting *setting, struct slice word)
{
    struct slice rest = slice_of(setting->choices), choice;

    while (slice_cut(&rest, ' ', &choice)) {
        if (slice_equal(choice, word)) {
            return true;
        }
    }
    return false;
}

/* name: as whoever gave it spells it. */
static enum err set(struct config *settings, const struct setting *setting, const char *name,
                    const char *value, struct diag *diag)
{
    struct slice text = slice_trim(slice_of(value));
    int64_t number = 0;

    if (is_text(setting)) {
        if (setting->type == CHOICE && !is_choice(setting, text)) {
            return diag_field(diag, ERR_INVALID, name, "must be one of: %s", setting->choices);
        }
        char **place = text_of(settings, setting);
        mem_free(*place);
        *place = mem_text(text.len > 0 ? text.ptr : "", text.len);
        return OK;
    }
    if (parse_number(setting, text, &number) != OK || number < setting->min ||
        number > setting->max) {
        return refuse_number(setting, name, diag);
    }
    *number_of(settings, setting) = number;
    return OK;
}

static const struct setting *find(const char *section, const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        bool is_key = table[i].type == PAIRS || strcmp(table[i].key, key) == 0;

        if (is_key && strcmp(table[i].section, section) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

/* ---- pairs ---- */

bool config_next_pair(struct slice *rest, struct slice *key, struct slice *value)
{
    struct slice line;

    if (!slice_cut(rest, '\n', &line) || slice_is_empty(line)) {
        return false;
    }
    *value = line;
    return slice_cut(value, '\t', key);
}

/* A pair of the file: the first one takes the place of the default, the others stand behind it. */
static void add_pair(struct config *settings, const struct setting *setting, bool is_first,
                     struct slice key, struct slice value)
{
    char **place = text_of(settings, setting);
    struct buf pairs;
    size_t len = 0;

    buf_init(&pairs, SETTINGS_FILE_BYTES_MAX);
    buf_text(&pairs, is_first ? "" : *place);
    buf_slice(&pairs, slice_trim(key));
    buf_byte(&pairs, '\t');
    buf_slice(&pairs, slice_trim(value));
    buf_byte(&pairs, '\n');
    mem_free(*place);
    *place = buf_take(&pairs, &len);
}

/* "key = value, key = value": how a variable of the environment spells a whole section. */
static enum err set_pairs(struct config *settings, const struct setting *setting, const char *name,
                          const char *text, struct diag *diag)
{
    struct slice rest = slice_of(text), part, key;
    bool is_first = true;

    while (slice_cut(&rest, ',', &part)) {
        struct slice value = part;

        if (!slice_cut(&value, '=', &key) || value.ptr == NULL || slice_is_empty(slice_trim(key))) {
            return diag_field(diag, ERR_INVALID, name, "must be key = value, commas between");
        }
        add_pair(settings, setting, is_first, key, value);
        is_first = false;
    }
    return OK;
}

/* inih calls this for every line; 0 says that the line is wrong. */
static int take_line(void *ctx, const char *section, const char *key, const char *value)
{
    struct loading *loading = ctx;
    const struct setting *setting = find(section, key);
    char name[DIAG_FIELD_SIZE];

    if (loading->err != OK) {
        return 0; /* the parser goes on after an error; the first one is what is told */
    }
    (void)snprintf(name, sizeof(name), "[%s] %s", section, key);
    if (setting == NULL) {
        loading->err = diag_field(loading->diag, ERR_INVALID, name,
                                  "there is no such setting; see `tidings help settings`");
    } else if (setting->type == PAIRS) {
        add_pair(loading->settings, setting, !loading->is_given[setting - table], slice_of(key),
                 slice_of(value));
        loading->is_given[setting - table] = true;
    } else if (loading->is_given[setting - table]) {
        loading->err = diag_field(loading->diag, ERR_INVALID, name, "is given twice");
    } else {
        loading->is_given[setting - table] = true;
        loading->err = set(loading->settings, setting, name, value, loading->diag);
    }
    return loading->err == OK;
}

static enum err load_file(const char *path, struct config *settings, struct diag *diag)
{
    struct loading loading = {.settings = settings, .diag = diag};
    struct buf text;

    buf_init(&text, SETTINGS_FILE_BYTES_MAX);
    enum err err = file_read(path, &text, diag);
    if (err == OK) {
        int line = ini_parse_string(buf_cstr(&text), take_line, &loading);
        err = loading.err;
        if (err == OK && line != 0) {
            err = diag_set(diag, ERR_INVALID, "%s, line %d: neither [section] nor key = value",
                           path, line);
        }
    }
    mem_wipe(text.ptr, text.len);
    buf_clear(&text);
    return err;
}

static char environment_character(char byte)
{
    if (byte == '.') {
        return '_';
    }
    return byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
}

/* TIDINGS_SERVER_LISTEN=..., and for a section of pairs TIDINGS_WAPI_COMMANDS=... */
static const char *from_environment(const struct setting *setting, char *const *environment)
{
    bool is_section = setting->type == PAIRS;
    char name[128];
    int len = snprintf(name, sizeof(name), "TIDINGS_%s%s%s=", setting->section,
                       is_section ? "" : "_", is_section ? "" : setting->key);

    for (int i = 0; i < len; i++) {
        name[i] = environment_character(name[i]);
    }
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (strncmp(environment[i], name, (size_t)len) == 0) {
            return environment[i] + len;
        }
    }
    return NULL;
}

static enum err load_environment(char *const *environment, struct config *settings,
                                 struct diag *diag)
{
    enum err err = OK;

    for (size_t i = 0; err == OK && i < ARRAY_LEN(table); i++) {
        const char *value = from_environment(&table[i], environment);
        char name[DIAG_FIELD_SIZE];
        (void)snprintf(name, sizeof(name), "[%s] %s (from the environment)", table[i].section,
                       table[i].key);
        if (value != NULL) {
            err = table[i].type == PAIRS ? set_pairs(settings, &table[i], name, value, diag)
                                         : set(settings, &table[i], name, value, diag);
        }
    }
    return err;
}

/* What no single row can tell. */
static enum err check_together(const struct config *settings, struct diag *diag)
{
    if ((settings->tls_certificate[0] == '\0') != (settings->tls_key[0] == '\0')) {
        return diag_field(diag, ERR_INVALID, "[server] tls_certificate",
                          "goes with [server] tls_key: set both or none");
    }
    if (settings->smtp_url[0] != '\0' && settings->smtp_from[0] == '\0') {
        return diag_field(diag, ERR_INVALID, "[smtp] from", "is needed with [smtp] url");
    }
    if (settings->rest < settings->payloads) {
        return diag_field(diag, ERR_INVALID, "[retention] rest",
                          "must not be shorter than [retention] payloads");
    }
    return OK;
}

enum err config_load(const char *path, char *const *environment, struct config *out,
                     struct diag *diag)
{
    enum err err = OK;

    *out = (struct config){0};
    for (size_t i = 0; err == OK && i < ARRAY_LEN(table); i++) {
        if (table[i].type == PAIRS) { /* its default ends in a line feed, which set would trim */
            *text_of(out, &table[i]) = mem_text(table[i].fallback, strlen(table[i].fallback));
        } else {
            err = set(out, &table[i], table[i].key, table[i].fallback, diag);
        }
    }
    if (err == OK && path != NULL) {
        err = load_file(path, out, diag);
    }
    if (err == OK) {
        err = load_environment(environment, out, diag);
    }
    if (err == OK) {
        err = check_together(out, diag);
    }
    if (err != OK) {
        config_clear(out);
    }
    return err;
}

void config_clear(struct config *settings)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (!is_text(&table[i])) {
            continue;
        }
        char **place = text_of(settings, &table[i]);
        if (*place != NULL && table[i].type == SECRET) {
            mem_wipe(*place, strlen(*place));
        }
        mem_free(*place);
        *place = NULL;
    }
}

static bool is_same(const struct config *a, const struct config *b, const struct setting *setting)
{
    if (is_text(setting)) {
        return strcmp(*text_of((struct config *)a, setting),
                      *text_of((struct config *)b, setting)) == 0;
    }
    return *number_of((struct config *)a, setting) == *number_of((struct config *)b, setting);
}

void config_take_reloadable(struct config *settings, const struct config *newer,
                            struct buf *out_needs_restart)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const struct setting *setting = &table[i];
        if (is_same(settings, newer, setting)) {
            continue;
        }
        if (!setting->is_reloadable) {
            buf_printf(out_needs_restart, "%s[%s] %s", out_needs_restart->len > 0 ? ", " : "",
                       setting->section, setting->key);
        } else if (is_text(setting)) {
            char **place = text_of(settings, setting);
            const char *text = *text_of((struct config *)newer, setting);
            mem_free(*place);
            *place = mem_text(text, strlen(text));
        } else {
            *number_of(settings, setting) = *number_of((struct config *)newer, setting);
        }
    }
}

/* ---- for people ---- */

static void put_limits(const struct setting *setting, struct buf *out)
{
    if (setting->type == CHOICE) {
        buf_text(out, setting->choices);
    } else if (!is_text(setting)) {
        format_number(setting, setting->min, out);
        buf_text(out, " to ");
        format_number(setting, setting->max, out);
    }
}

/* A default as a file would spell it: pairs one behind the other. */
static void put_fallback(const struct setting *setting, struct buf *out)
{
    struct slice rest = slice_of(setting->fallback), key, value;

    if (setting->fallback[0] == '\0') {
        buf_text(out, "unset");
    } else if (setting->type != PAIRS) {
        buf_text(out, setting->fallback);
    }
    while (setting->type == PAIRS && config_next_pair(&rest, &key, &value)) {
        buf_slice(out, key);
        buf_text(out, " = ");
        buf_slice(out, value);
    }
}

static void help_row(const struct setting *setting, bool as_markdown, struct buf *out)
{
    const char *reload = setting->is_reloadable ? " SIGHUP takes a change over." : "";

    if (as_markdown) {
        buf_printf(out, "| `%s` | `", setting->key);
        put_fallback(setting, out);
        buf_text(out, "` | ");
        put_limits(setting, out);
        buf_printf(out, " | %s%s |\n", setting->help, reload);
    } else {
        buf_printf(out, "  %s = ", setting->key);
        put_fallback(setting, out);
        size_t before = out->len;
        buf_text(out, "   (");
        put_limits(setting, out);
        if (out->len == before + 4) {
            out->len = before;
        } else {
            buf_byte(out, ')');
        }
        buf_printf(out, "\n      %s%s\n", setting->help, reload);
    }
}

void config_help(bool as_markdown, struct buf *out)
{
    const char *section = "";

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strcmp(section, table[i].section) != 0) {
            section = table[i].section;
            buf_printf(out, as_markdown ? "\n## [%s]\n\n" : "\n[%s]\n", section);
            if (as_markdown) {
                buf_text(out, "| setting | default | limits | what it does |\n"
                              "| --- | --- | --- | --- |\n");
            }
        }
        help_row(&table[i], as_markdown, out);
    }
}
