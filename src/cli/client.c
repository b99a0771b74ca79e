#include "cli/client.h"

#include "base/mem.h"
#include "model/url.h"

#include <curl/curl.h>
#include <string.h>

enum {
    ANSWER_BYTES_MAX = 64 * 1024 * 1024, /* a full page of the largest events */
    CONNECT_TIMEOUT_MS = 5000,
    CALL_TIMEOUT_MS = 60000, /* above the longest poll, 20 s */
};

struct client {
    CURL *curl; /* owned */
    const struct profile *profile;
    char error[CURL_ERROR_SIZE];
};

struct client *client_new(const struct profile *profile)
{
    struct client *client = MEM_NEW(struct client);

    client->profile = profile;
    client->curl = curl_easy_init();
    return client;
}

void client_free(struct client *client)
{
    if (client != NULL) {
        curl_easy_cleanup(client->curl);
        mem_free(client);
    }
}

void client_answer_init(struct client_answer *answer)
{
    *answer = (struct client_answer){0};
    buf_init(&answer->body, ANSWER_BYTES_MAX);
    json_doc_init(&answer->doc);
}

void client_answer_clear(struct client_answer *answer)
{
    mem_wipe(answer->body.ptr, answer->body.len); /* it may hold a new key or secret */
    buf_clear(&answer->body);
    json_doc_clear(&answer->doc);
}

static size_t take_body(char *ptr, size_t size, size_t count, void *ctx)
{
    struct buf *body = ctx;

    buf_add(body, ptr, size * count);
    return buf_check(body) == OK ? size * count : 0; /* 0 ends the transfer */
}

/* ---- the request ---- */

/* What goes to this machine itself must not go by way of a proxy that the environment names. */
static bool is_local(const char *url)
{
    struct slice host = url_host(slice_of(url));
    return slice_is(host, "localhost") || slice_is(host, "::1") ||
           slice_starts(host, SLICE("127."));
}

static struct curl_slist *make_headers(const struct client *client, const char *content_type)
{
    struct curl_slist *headers = NULL;
    struct buf line;

    buf_init(&line, 16 * 1024);
    if (client->profile->key[0] != '\0') {
        buf_printf(&line, "Authorization: Bearer %s", client->profile->key);
        headers = curl_slist_append(headers, buf_cstr(&line));
        mem_wipe(line.ptr, line.len);
        buf_reset(&line);
    }
    /* libcurl would name a type of its own choice. */
    buf_printf(&line, "Content-Type:%s%s", content_type == NULL ? "" : " ",
               content_type == NULL ? "" : content_type);
    headers = curl_slist_append(headers, buf_cstr(&line));
    /* Else it waits for a "100 Continue" before it sends a large body. */
    headers = curl_slist_append(headers, "Expect:");
    buf_clear(&line);
    return headers;
}

static void set_transport(struct client *client)
{
    CURL *curl = client->curl;

    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CALL_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tidings/" TIDINGS_VERSION);
    if (client->profile->ca[0] != '\0') {
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->profile->ca);
    }
    if (is_local(client->profile->url)) {
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    }
}

/* These say how long their body is even when that is nothing. */
static bool carries_body(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0;
}

static CURLcode perform(struct client *client, const struct client_request *request,
                        struct client_answer *answer)
{
    struct curl_slist *headers = make_headers(client, request->content_type);
    CURL *curl = client->curl;
    struct buf url;

    buf_init(&url, 64 * 1024);
    buf_printf(&url, "%s%s", client->profile->url, request->path);
    curl_easy_reset(curl); /* keeps the connection */
    set_transport(client);
    curl_easy_setopt(curl, CURLOPT_URL, buf_cstr(&url));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
    if (carries_body(request->method)) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.len > 0 ? request->body.ptr : "");
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    buf_clear(&url);
    return code;
}

/* ---- the answer ---- */

static enum err tell_unreachable(const struct client *client, CURLcode code, struct diag *diag)
{
    const char *url = client->profile->url;
    const char *reason = client->error[0] != '\0' ? client->error : curl_easy_strerror(code);

    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST) {
        return diag_set(diag, ERR_IO,
                        "no server at %s (%s); start one with `tidings serve`, or say where it is "
                        "with --server or TIDINGS_URL",
                        url, reason);
    }
    return diag_set(diag, ERR_IO, "%s: %s", url, reason);
}

static struct slice member_text(struct json problem, const char *name, struct buf *scratch)
{
    struct json member = json_member(problem, name);
    return json_type(member) == JSON_STRING ? json_string(member, scratch) : SLICE("");
}

/* Turns a problem document (RFC 9457) into words. */
static enum err tell_problem(const struct client *client, const struct client_answer *answer,
                             struct diag *diag)
{
    struct json problem = json_root(&answer->doc);
    struct buf detail, field;

    if (!json_exists(json_member(problem, "title"))) {
        return diag_set(diag, ERR_IO, "%s answered HTTP %u, but not as Tidings does",
                        client->profile->url, answer->status);
    }
    buf_init(&detail, answer->body.len);
    buf_init(&field, answer->body.len);
    struct slice words = member_text(problem, "detail", &detail);
    if (words.len == 0) {
        words = member_text(problem, "title", &detail);
    }
    /* Its own buffer ends the text with a zero byte; a lent one has none. */
    struct slice name = member_text(problem, "field", &field);
    char *field_text = mem_text(name.ptr, name.len);
    bool needs_key = answer->status == 401 && client->profile->key[0] == '\0';
    enum err err = diag_field(diag, ERR_DENIED, field_text, "%.*s%s", SLICE_ARGS(words),
                              needs_key ? "; give a key with TIDINGS_KEY or --key" : "");
    mem_free(field_text);
    buf_clear(&detail);
    buf_clear(&field);
    return err;
}

enum err client_call(struct client *client, const struct client_request *request,
                     struct client_answer *answer, struct diag *diag)
{
    long status = 0;

    answer->status = 0;
    buf_reset(&answer->body);
    client->error[0] = '\0';
    CURLcode code = perform(client, request, answer);
    if (code != CURLE_OK) {
        return tell_unreachable(client, code, diag);
    }
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status); /* it was performed */
    answer->status = (unsigned)status;
    /* What is no JSON leaves the document empty, which tells those who look into it. */
    bool is_json = json_parse(&answer->doc, buf_view(&answer->body), NULL) == OK;
    if (status < 200 || status > 299) {
        return tell_problem(client, answer, diag);
    }
    if (!is_json && status != 204) {
        return diag_set(diag, ERR_IO, "%s answers, but not as Tidings does", client->profile->url);
    }
    return OK;
}
