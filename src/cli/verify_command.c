/*
 * `tidings verify`: tells whether a captured request is signed as its dialect has it, and writes the
 * signed acknowledgement of one that wants such a thing.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "cli/terminal.h"
#include "cli/verify.h"
#include "cli/verify_cashier.h"
#include "os/env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REQUEST_BYTES_MAX = 8 * 1024 * 1024, /* more than any sender of ours writes */
    SECRET_BYTES_MAX = 4096,
    KEYS_MAX = 16,
    HELP_BYTES_MAX = 16 * 1024,
    ANSWER_BYTES_MAX = 8 * 1024,
    /* A check that could not be made, as a request or a secret is missing. */
    EXIT_UNCHECKED = EXIT_USAGE,
};

static const char secret_variable[] = "TIDINGS_SECRET";

static const struct flag options_rows[] = {
    {.name = "dialect", .value = "DIALECT", .help = "standard or cashier."},
    {.name = "secret",
     .value = "SECRET",
     .help = "The secret, in a test: others see the command line. standard takes several.",
     .is_repeatable = true},
    {.name = "secret-file",
     .value = "FILE",
     .help = "Where it stands; without either it is taken from TIDINGS_SECRET."},
    {.name = "header",
     .value = "HEADER",
     .help = "'Name: value', once for each: the file is then the body alone.",
     .is_repeatable = true},
    {.name = "tolerance",
     .value = "DURATION",
     .help = "How far the timestamp may be from now (standard 5m, cashier any).",
     .type = FLAG_DURATION,
     .max = 3660 * US_PER_DAY},
};

static const struct flag cashier_rows[] = {
    {.name = "merchant-id", .value = "ID", .help = "cashier: whom it must be for."},
    {.name = "application-key", .value = "KEY", .help = "cashier: for which application."},
    {.name = "answer",
     .value = "STATUS",
     .help = "cashier: print the signed acknowledgement with this status.",
     .type = FLAG_NUMBER,
     .min = INT32_MIN,
     .max = INT32_MAX},
    {.name = "description", .value = "TEXT", .help = "cashier: what the acknowledgement says."},
};

static const struct flag_rules rules = {
    .command = "tidings verify",
    .arguments = "[FILE]",
    .summary = "Check the signature of a captured request: the whole HTTP request from FILE or "
               "standard input (-).\nExits with 0 when it is right, 1 when it is wrong, 2 when it "
               "could not be checked.",
    .tables = {{options_rows, ARRAY_LEN(options_rows)}, {cashier_rows, ARRAY_LEN(cashier_rows)}},
};

struct verification {
    const struct flags *options;
    struct buf input;  /* the file */
    struct buf secret; /* when it does not come from the command line */
    struct captured request;
    struct wall now;
};

static int complain(const struct diag *diag, int status)
{
    fprintf(stderr, "tidings: %s\n", diag->text);
    return status;
}

/* ---- the secret ---- */

/* From the file or the environment. An editor's line end is no part of it. */
static enum err read_secret(struct verification *verification, struct diag *diag)
{
    const char *path = flags_text(verification->options, "secret-file");
    struct buf *secret = &verification->secret;
    const char *value = getenv(secret_variable);

    if (path != NULL && !input_read(path, secret)) {
        return diag_set(diag, ERR_IO, "there is no secret to check with");
    }
    if (path == NULL && value != NULL) {
        buf_text(secret, value);
    }
    while (secret->len > 0 && strchr("\r\n", secret->ptr[secret->len - 1]) != NULL) {
        buf_cut(secret, secret->len - 1);
    }
    if (secret->len == 0 || buf_check(secret) != OK) {
        return diag_set(diag, ERR_INVALID,
                        "give the secret in %s or with --secret-file FILE (or --secret)",
                        secret_variable);
    }
    return OK;
}

/* The next secret there is: all of --secret, or the one from elsewhere. False: no more. */
static bool next_secret(const struct verification *verification, size_t *at, struct slice *out)
{
    if (verification->secret.len > 0) {
        *out = buf_view(&verification->secret);
        return (*at)++ == 0;
    }
    const char *text = flags_next(verification->options, "secret", at);
    *out = slice_of(text);
    return text != NULL;
}

/* ---- the request ---- */

static enum err read_request(struct verification *verification, struct diag *diag)
{
    const char *path = flags_argument(verification->options, 0);
    struct captured *request = &verification->request;
    const char *line = NULL;
    size_t at = 0;
    enum err err = OK;

    if (!input_read(path != NULL ? path : "-", &verification->input)) {
        return diag_set(diag, ERR_IO, "there is no request to check");
    }
    if (!flags_has(verification->options, "header")) {
        return captured_parse(buf_view(&verification->input), request, diag);
    }
    request->body = buf_view(&verification->input);
    while (err == OK && (line = flags_next(verification->options, "header", &at)) != NULL) {
        err = captured_add(request, slice_of(line), diag);
    }
    return err;
}

static struct verify_age age_of(const struct verification *verification)
{
    return (struct verify_age){
        verification->now, flags_number(verification->options, "tolerance", VERIFY_TOLERANCE_US)};
}

/* ---- standard ---- */

static enum err read_keys(const struct verification *verification, struct verify_key *keys,
                          size_t *keys_len, struct diag *diag)
{
    struct slice text;
    size_t at = 0;
    enum err err = OK;

    while (err == OK && next_secret(verification, &at, &text)) {
        err = *keys_len < KEYS_MAX ? verify_key_parse(text, &keys[(*keys_len)++], diag)
                                   : diag_set(diag, ERR_LIMIT, "at most %d secrets", KEYS_MAX);
    }
    return err;
}

/* A header that is missing stays empty: verify_check names it. */
static enum err read_headers(const struct captured *captured, struct verify_request *out,
                             struct diag *diag)
{
    const struct {
        const char *name;
        struct slice *value;
    } headers[] = {{"webhook-id", &out->id},
                   {"webhook-timestamp", &out->timestamp},
                   {"webhook-signature", &out->signatures}};
    enum err err = OK;

    for (size_t i = 0; i < ARRAY_LEN(headers) && err != ERR_CONFLICT; i++) {
        err = captured_header(captured, headers[i].name, headers[i].value, diag);
    }
    return err == ERR_CONFLICT ? err : OK;
}

static int verify_standard(struct verification *verification)
{
    struct verify_request request = {.body = verification->request.body};
    struct verify_key keys[KEYS_MAX];
    size_t keys_len = 0;
    enum verify_scheme scheme = VERIFY_HMAC;
    struct diag diag = {0};

    if (read_keys(verification, keys, &keys_len, &diag) != OK) {
        return complain(&diag, EXIT_UNCHECKED);
    }
    enum err err = read_headers(&verification->request, &request, &diag);
    if (err == OK) {
        err = verify_check(keys, keys_len, &request, age_of(verification), &scheme, &diag);
    }
    mem_wipe(keys, sizeof(keys));
    if (err != OK) {
        return complain(&diag, EXIT_FAILED);
    }
    printf("the signature is right (%s)\n", verify_scheme_word(scheme));
    return EXIT_OK;
}

/* ---- cashier ---- */

/* What a receiver whose own sum differs has to compare with. */
static void show_text(const struct verify_finding *finding)
{
    struct buf line;

    buf_init(&line, REQUEST_BYTES_MAX);
    terminal_put_line(&line, buf_view(&finding->text));
    fprintf(stderr, "signed is, with the secret behind it: %s\n", buf_cstr(&line));
    buf_clear(&line);
}

/* A message for somebody else is refused for good, whatever status was asked for. */
static void print_answer(const struct verification *verification,
                         const struct verify_merchant *merchant, const struct diag *refusal)
{
    const char *description = flags_text(verification->options, "description");
    struct verify_answer answer = {
        .status = flags_number(verification->options, "answer", 0),
        .timestamp = verification->now.us / US_PER_SECOND,
    };
    struct buf out;

    if (refusal != NULL && answer.status <= 0) {
        answer.status = 1;
    }
    if (description == NULL) {
        description = answer.status == 0  ? "Ok"
                      : answer.status < 0 ? "Not now, please send it again"
                                          : "Refused";
    }
    answer.description = slice_of(refusal != NULL ? refusal->text : description);
    buf_init(&out, ANSWER_BYTES_MAX);
    verify_cashier_answer(&answer, merchant->secret, &out);
    (void)fwrite(buf_cstr(&out), 1, out.len, stdout);
    buf_clear(&out);
}

/* ERR_STALE: it is genuine, but not of now. */
static enum err check_cashier(const struct verification *verification,
                              const struct verify_merchant *merchant,
                              struct verify_finding *finding, struct diag *diag)
{
    enum err err = verify_cashier_check(&verification->request, merchant, finding, diag);

    if (err == OK && flags_has(verification->options, "tolerance") &&
        verify_check_age("timestamp", buf_view(&finding->timestamp), age_of(verification), diag) !=
            OK) {
        return ERR_STALE;
    }
    return err;
}

static int tell_cashier(const struct verification *verification,
                        const struct verify_merchant *merchant)
{
    bool is_answering = flags_has(verification->options, "answer");
    struct verify_finding finding;
    struct diag diag = {0};

    verify_finding_init(&finding);
    enum err err = check_cashier(verification, merchant, &finding, &diag);
    if (err == OK) {
        /* An answer has standard output for itself. */
        fprintf(is_answering ? stderr : stdout, "the signature is right%s\n",
                verify_rule_words(finding.rule));
    } else {
        (void)complain(&diag, EXIT_FAILED);
    }
    if (err == ERR_DENIED && finding.text.len > 0) {
        show_text(&finding);
    }
    if (is_answering && (err == OK || err == ERR_CONFLICT)) {
        print_answer(verification, merchant, err == OK ? NULL : &diag);
    }
    verify_finding_clear(&finding);
    return err == OK ? EXIT_OK : EXIT_FAILED;
}

static int verify_cashier(struct verification *verification)
{
    const struct flags *options = verification->options;
    struct slice description = slice_of(flags_text(options, "description"));
    struct verify_merchant merchant = {
        .merchant_id = slice_of(flags_text(options, "merchant-id")),
        .application_key = slice_of(flags_text(options, "application-key")),
    };
    struct slice second;
    struct diag diag = {0};
    size_t at = 0;

    (void)next_secret(verification, &at, &merchant.secret); /* there is one */
    if (next_secret(verification, &at, &second)) {
        (void)diag_set(&diag, ERR_INVALID, "a merchant has one secret");
        return complain(&diag, EXIT_UNCHECKED);
    }
    if (!utf8_is_valid(description) ||
        utf8_count(description) > VERIFY_DESCRIPTION_CHARACTERS_MAX) {
        (void)diag_set(&diag, ERR_INVALID, "--description has at most %d characters of UTF-8",
                       VERIFY_DESCRIPTION_CHARACTERS_MAX);
        return complain(&diag, EXIT_UNCHECKED);
    }
    return tell_cashier(verification, &merchant);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    int (*verify)(struct verification *verification);
    bool has_cashier_options;
} dialects_known[] = {
    {"standard", verify_standard, false},
    {"cashier", verify_cashier, true},
};

/* Options that the dialect does not have, or that need another one. */
static enum err check_options(const struct flags *options, bool has_cashier_options,
                              struct diag *diag)
{
    for (size_t i = 0; i < ARRAY_LEN(cashier_rows) && !has_cashier_options; i++) {
        if (flags_has(options, cashier_rows[i].name)) {
            return diag_set(diag, ERR_INVALID, "--%s is of the dialect cashier only",
                            cashier_rows[i].name);
        }
    }
    if (flags_has(options, "description") && !flags_has(options, "answer")) {
        return diag_set(diag, ERR_INVALID, "--description belongs to an --answer");
    }
    if (flags_has(options, "secret") && flags_has(options, "secret-file")) {
        return diag_set(diag, ERR_INVALID, "--secret and --secret-file exclude each other");
    }
    return OK;
}

static int verify_as_told(const struct flags *options, size_t dialect)
{
    struct verification verification = {.options = options, .now = env_wall(env_system())};
    struct diag diag = {0};
    enum err err = check_options(options, dialects_known[dialect].has_cashier_options, &diag);

    buf_init(&verification.input, REQUEST_BYTES_MAX);
    buf_init(&verification.secret, SECRET_BYTES_MAX);
    if (err == OK && !flags_has(options, "secret")) {
        err = read_secret(&verification, &diag);
    }
    if (err == OK) {
        err = read_request(&verification, &diag);
    }
    int status =
        err == OK ? dialects_known[dialect].verify(&verification) : complain(&diag, EXIT_UNCHECKED);
    mem_wipe(verification.secret.ptr, verification.secret.len);
    buf_clear(&verification.secret);
    buf_clear(&verification.input);
    return status;
}

static int choose_dialect(const struct flags *options)
{
    const char *name = flags_text(options, "dialect");

    for (size_t i = 0; name != NULL && i < ARRAY_LEN(dialects_known); i++) {
        if (strcmp(name, dialects_known[i].name) == 0) {
            return verify_as_told(options, i);
        }
    }
    fprintf(stderr, "tidings: say in which dialect: --dialect standard, or cashier\n");
    return EXIT_USAGE;
}

int command_verify(int argc, char **argv)
{
    struct flags options;
    struct diag diag = {0};
    struct buf help;
    int status = EXIT_OK;

    if (flags_parse(&rules, argc - 1, argv + 1, &options, &diag) != OK) {
        return complain(&diag, EXIT_USAGE);
    }
    if (options.wants_help) {
        buf_init(&help, HELP_BYTES_MAX);
        flags_help(&rules, &help);
        (void)fputs(buf_cstr(&help), stdout);
        buf_clear(&help);
    } else {
        status = choose_dialect(&options);
    }
    flags_clear(&options);
    return status;
}
