/*
 * `tidings listen`: a receiver for those who develop one. Takes every webhook, checks its
 * signature, prints it.
 *
 * One thread, on libmicrohttpd's epoll descriptor, so that a signal or the last of --count ends it
 * between two requests.
 */
#include "base/encode.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timetext.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/terminal.h"
#include "cli/verify.h"
#include "os/env.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    BODY_BYTES_MAX = 4 * 1024 * 1024,  /* a CloudEvent of the largest payload in base64, and more */
    TEXT_BYTES_MAX = 32 * 1024 * 1024, /* such a body as JSON text, every byte escaped */
    FIELD_BYTES_MAX = 4096,
    SECRETS_MAX = 16,
    CONNECTIONS_MAX = 256,
};

static const struct flag options_rows[] = {
    {.name = "port",
     .value = "N",
     .help = "Where to listen; 0 takes a free port.",
     .type = FLAG_NUMBER,
     .max = 65535},
    {.name = "bind", .value = "ADDRESS", .help = "On which address (127.0.0.1)."},
    {.name = "secret",
     .value = "SECRET",
     .help = "The channel's whsec_... or whpk_..., to verify with.",
     .is_repeatable = true},
    {.name = "status",
     .value = "N",
     .help = "What to answer (204).",
     .type = FLAG_NUMBER,
     .min = 200,
     .max = 599},
    {.name = "count",
     .value = "N",
     .help = "End after so many.",
     .type = FLAG_NUMBER,
     .min = 1,
     .max = INT64_MAX},
    {.name = "json", .help = "One JSON object a line, with headers and the whole body."},
};

static const struct flag_rules rules = {
    .command = "tidings listen",
    .arguments = "",
    .summary = "Receive webhooks, check their signatures, print them.",
    .tables = {{options_rows, ARRAY_LEN(options_rows)}},
};

struct listener {
    struct MHD_Daemon *daemon;
    int signals; /* signalfd */
    struct verify_key secrets[SECRETS_MAX];
    size_t secrets_len;
    unsigned status;
    bool wants_json;
    int64_t left; /* until the end */
    struct buf out;
};

/* One request on its way in. */
struct arrival {
    char *path; /* owned */
    struct buf body;
    bool is_answered;
};

/* What is to be told of a request. */
struct finding {
    struct timetext at;
    struct slice body, type, id; /* lent */
    bool is_checked, is_verified;
    enum verify_scheme scheme;
    struct diag reason;
};

/* ---- looking at a request ---- */

static struct slice header(struct MHD_Connection *connection, const char *name)
{
    return slice_of(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

static struct slice member(struct json body, const char *name, struct buf *scratch)
{
    struct json value = json_member(body, name);
    return json_type(value) == JSON_STRING ? json_string(value, scratch) : SLICE("");
}

/* Type and id, wherever the dialect has them: in headers, or in a JSON body. */
static void look(const struct listener *listener, struct MHD_Connection *connection,
                 struct json body, struct buf scratch[2], struct finding *finding)
{
    struct wall now = env_wall(env_system());
    struct verify_request request = {
        .id = header(connection, "webhook-id"),
        .timestamp = header(connection, "webhook-timestamp"),
        .signatures = header(connection, "webhook-signature"),
        .body = finding->body,
    };

    finding->at = timetext_seconds(now);
    finding->type = header(connection, "ce-type");
    if (finding->type.len == 0) {
        finding->type = member(body, "type", &scratch[0]);
    }
    finding->id = request.id.len > 0 ? request.id : header(connection, "ce-id");
    if (finding->id.len == 0) {
        finding->id = member(body, "id", &scratch[1]);
    }
    finding->is_checked = listener->secrets_len > 0;
    finding->is_verified =
        finding->is_checked && verify_check(listener->secrets, listener->secrets_len, &request,
                                            (struct verify_age){now, VERIFY_TOLERANCE_US},
                                            &finding->scheme, &finding->reason) == OK;
}

/* ---- printing ---- */

static void put_verdict(const struct finding *finding, struct buf *out)
{
    if (!finding->is_checked) {
        buf_text(out, "not checked: no --secret");
    } else if (finding->is_verified) {
        buf_printf(out, "verified (%s)", verify_scheme_word(finding->scheme));
    } else {
        buf_printf(out, "NOT VERIFIED: %s", finding->reason.text);
    }
}

static void put_for_person(const struct finding *finding, struct buf *out)
{
    buf_printf(out, "%s  ", finding->at.chars);
    terminal_put_line(out, finding->type.len > 0 ? finding->type : SLICE("(no type)"));
    buf_text(out, "  ");
    terminal_put_line(out, finding->id.len > 0 ? finding->id : SLICE("(no id)"));
    buf_text(out, "  ");
    put_verdict(finding, out);
    buf_text(out, "\n  ");
    terminal_put_text(out, finding->body);
    buf_byte(out, '\n');
}

static enum MHD_Result put_header(void *ctx, UNUSED enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct json_writer *writer = ctx;
    char lower[256];
    size_t len = 0;

    while (name[len] != '\0' && len + 1 < sizeof(lower)) {
        bool is_upper = name[len] >= 'A' && name[len] <= 'Z';
        lower[len] = (char)(name[len] + (is_upper ? 'a' - 'A' : 0));
        len++;
    }
    lower[len] = '\0';
    json_key(writer, lower);
    json_put_text(writer, value == NULL ? "" : value);
    return MHD_YES;
}

static void put_body(struct json_writer *writer, struct slice body)
{
    struct buf encoded;

    if (utf8_is_valid(body)) {
        json_key(writer, "body");
        json_put_string(writer, body);
        return;
    }
    buf_init(&encoded, TEXT_BYTES_MAX);
    base64_encode(&encoded, body.ptr, body.len);
    json_key(writer, "body_base64");
    json_put_string(writer, buf_view(&encoded));
    buf_clear(&encoded);
}

static void put_member(struct json_writer *writer, const char *name, struct slice text)
{
    json_key(writer, name);
    json_put_string(writer, text);
}

/* A header that came twice is there twice; no webhook of ours has one. */
static void put_for_program(const struct finding *finding, struct MHD_Connection *connection,
                            const char *path, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer);
    put_member(&writer, "received_at", slice_of(finding->at.chars));
    put_member(&writer, "path", slice_of(path));
    put_member(&writer, "type", finding->type);
    put_member(&writer, "id", finding->id);
    json_key(&writer, "verified");
    if (finding->is_checked) {
        json_put_bool(&writer, finding->is_verified);
    } else {
        json_put_null(&writer);
    }
    if (finding->is_verified) {
        put_member(&writer, "signature", slice_of(verify_scheme_word(finding->scheme)));
    } else if (finding->is_checked) {
        put_member(&writer, "reason", slice_of(finding->reason.text));
    }
    json_key(&writer, "headers");
    json_begin_object(&writer);
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, put_header, &writer);
    json_end_object(&writer);
    put_body(&writer, finding->body);
    json_end_object(&writer);
    buf_byte(out, '\n');
}

static void print(struct listener *listener, struct MHD_Connection *connection, const char *path,
                  struct slice body)
{
    struct finding finding = {.body = body};
    struct buf scratch[2];
    struct json_doc doc;

    json_doc_init(&doc);
    buf_init(&scratch[0], FIELD_BYTES_MAX);
    buf_init(&scratch[1], FIELD_BYTES_MAX);
    /* What is no JSON leaves the document empty: then only headers tell type and id. */
    (void)!json_parse(&doc, body, NULL);
    look(listener, connection, json_root(&doc), scratch, &finding);
    if (listener->wants_json) {
        put_for_program(&finding, connection, path, &listener->out);
    } else {
        put_for_person(&finding, &listener->out);
    }
    (void)fwrite(buf_cstr(&listener->out), 1, listener->out.len, stdout);
    (void)fflush(stdout);
    buf_reset(&listener->out);
    json_doc_clear(&doc);
    buf_clear(&scratch[0]);
    buf_clear(&scratch[1]);
}

/* ---- libmicrohttpd's callbacks ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, status, response);

    MHD_destroy_response(response);
    return result;
}

/*
 * Called for the head (no arrival yet), for each piece of the body, and at its end (upload_len 0).
 */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
                                  UNUSED const char *method, UNUSED const char *version,
                                  const char *upload, size_t *upload_len, void **own)
{
    struct listener *listener = ctx;
    struct arrival *arrival = *own;

    if (arrival == NULL) {
        arrival = MEM_NEW(struct arrival);
        arrival->path = mem_text(path, strlen(path));
        buf_init(&arrival->body, BODY_BYTES_MAX);
        *own = arrival;
        return MHD_YES;
    }
    if (*upload_len > 0) {
        buf_add(&arrival->body, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    if (buf_check(&arrival->body) != OK) {
        fprintf(stderr, "tidings: a body of more than %d bytes was refused\n", BODY_BYTES_MAX);
        return answer(connection, MHD_HTTP_CONTENT_TOO_LARGE);
    }
    arrival->is_answered = true;
    return answer(connection, listener->status);
}

/*
 * Prints and counts after the answer: the sender waits for no terminal, and the last one gets its
 * answer too.
 */
static void on_completed(void *ctx, struct MHD_Connection *connection, void **own,
                         UNUSED enum MHD_RequestTerminationCode code)
{
    struct listener *listener = ctx;
    struct arrival *arrival = *own;

    if (arrival != NULL) {
        if (arrival->is_answered && listener->left > 0) {
            print(listener, connection, arrival->path, buf_view(&arrival->body));
            listener->left--;
        }
        mem_free(arrival->path);
        buf_clear(&arrival->body);
        mem_free(arrival);
        *own = NULL;
    }
}

/* ---- starting and running ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool read_address(const char *text, uint16_t port, union address *out)
{
    *out = (union address){0};
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        return true;
    }
    if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        return true;
    }
    return false;
}

static bool start(struct listener *listener, const char *address_text, uint16_t port)
{
    union address address;

    if (!read_address(address_text, port, &address)) {
        fprintf(stderr, "tidings: --bind must be an address such as 127.0.0.1, not '%s'\n",
                address_text);
        return false;
    }
    unsigned flags = MHD_USE_EPOLL | (address.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    listener->daemon = MHD_start_daemon(
        flags, port, NULL, NULL, on_request, listener, MHD_OPTION_SOCK_ADDR, &address.any,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
    if (listener->daemon == NULL) {
        fprintf(stderr, "tidings: cannot listen on %s port %u: %s\n", address_text, port,
                strerror(errno));
        return false;
    }
    port = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    bool is_v6 = address.any.sa_family == AF_INET6;
    fprintf(stderr, "listening on http://%s%s%s:%u\n", is_v6 ? "[" : "", address_text,
            is_v6 ? "]" : "", port);
    return true;
}

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL); /* fails only for wrong arguments */
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Until a signal comes or the last one has been answered. */
static void run(struct listener *listener)
{
    struct pollfd wakers[] = {
        {.fd = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
         .events = POLLIN},
        {.fd = listener->signals, .events = POLLIN},
    };

    while (listener->left > 0) {
        unsigned long long wait_ms = 0;
        bool has_timeout = MHD_get_timeout(listener->daemon, &wait_ms) == MHD_YES;
        int timeout = !has_timeout ? -1 : wait_ms < INT32_MAX ? (int)wait_ms : INT32_MAX;
        (void)poll(wakers, ARRAY_LEN(wakers),
                   timeout); /* whatever it says, the turn does no harm */
        if (wakers[1].revents != 0) {
            return;
        }
        (void)MHD_run(listener->daemon); /* fails only in modes that are not ours */
    }
}

static bool read_secrets(struct listener *listener, const struct flags *options)
{
    const char *text = NULL;
    struct diag diag = {0};
    size_t at = 0;

    while ((text = flags_next(options, "secret", &at)) != NULL) {
        if (listener->secrets_len == SECRETS_MAX) {
            fprintf(stderr, "tidings: at most %d secrets\n", SECRETS_MAX);
            return false;
        }
        struct verify_key *key = &listener->secrets[listener->secrets_len++];
        if (verify_key_parse(slice_of(text), key, &diag) != OK) {
            fprintf(stderr, "tidings: --secret: %s\n", diag.text);
            return false;
        }
    }
    return true;
}

static int listen_as_told(const struct flags *options)
{
    struct listener listener = {
        .status = (unsigned)flags_number(options, "status", MHD_HTTP_NO_CONTENT),
        .wants_json = flags_has(options, "json"),
        .left = flags_number(options, "count", INT64_MAX),
    };
    const char *address = flags_text(options, "bind");

    if (!flags_has(options, "port")) {
        fprintf(stderr, "tidings: say on which port: --port N; see `tidings listen --help`\n");
        return EXIT_USAGE;
    }
    if (!read_secrets(&listener, options)) {
        return EXIT_USAGE;
    }
    listener.signals = open_signals();
    if (!start(&listener, address != NULL ? address : "127.0.0.1",
               (uint16_t)flags_number(options, "port", 0))) {
        return EXIT_FAILED;
    }
    buf_init(&listener.out, TEXT_BYTES_MAX);
    run(&listener);
    MHD_stop_daemon(listener.daemon);
    (void)close(listener.signals); /* was only read from */
    buf_clear(&listener.out);
    return EXIT_OK;
}

int command_listen(int argc, char **argv)
{
    struct flags options;
    struct diag diag = {0};
    struct buf help;
    int status = EXIT_OK;

    if (flags_parse(&rules, argc - 1, argv + 1, &options, &diag) != OK) {
        fprintf(stderr, "tidings: %s\n", diag.text);
        return EXIT_USAGE;
    }
    if (options.wants_help) {
        buf_init(&help, FIELD_BYTES_MAX);
        flags_help(&rules, &help);
        (void)fputs(buf_cstr(&help), stdout);
        buf_clear(&help);
    } else {
        status = listen_as_told(&options);
    }
    flags_clear(&options);
    return status;
}
