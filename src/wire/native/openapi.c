/*
 * The description of the API (OpenAPI 3.1), made from the table of routes, so that it cannot forget
 * one.
 */
#include "base/json.h"
#include "wire/native/native.h"

static void put_security(struct json_writer *writer, const struct route *route)
{
    json_key(writer, "security");
    json_put_raw(writer, route->access & ROUTE_OPEN ? SLICE("[]") : SLICE("[{\"key\":[]}]"));
    if (route->access & ROUTE_OPEN) {
        return;
    }
    json_key(writer, "description");
    json_put_raw(writer, SLICE("\"Key scopes:"));
    buf_text(writer->out, route->access & ROUTE_ADMIN ? " admin" : "");
    buf_text(writer->out, route->access & ROUTE_PUBLISH ? " publish" : "");
    buf_text(writer->out, route->access & ROUTE_ACCOUNT ? " account" : "");
    buf_text(writer->out, ".\"");
}

/* Every {name} of the path. */
static void put_parameters(struct json_writer *writer, const char *path)
{
    struct slice rest = slice_of(path), part, name;

    json_key(writer, "parameters");
    json_begin_array(writer);
    (void)slice_cut(&rest, '{', &part);
    while (slice_cut(&rest, '{', &part)) {
        (void)slice_cut(&part, '}', &name);
        json_begin_object(writer);
        json_key(writer, "name");
        json_put_string(writer, name);
        json_key(writer, "in");
        json_put_text(writer, "path");
        json_key(writer, "required");
        json_put_bool(writer, true);
        json_key(writer, "schema");
        json_put_raw(writer, SLICE("{\"type\":\"string\"}"));
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void put_operation(struct json_writer *writer, const struct route *route)
{
    char method[8] = "";

    for (size_t i = 0; route->method[i] != '\0' && i + 1 < sizeof(method); i++) {
        method[i] = (char)(route->method[i] + ('a' - 'A'));
    }
    json_key(writer, method);
    json_begin_object(writer);
    json_key(writer, "summary");
    json_put_text(writer, route->summary);
    put_security(writer, route);
    put_parameters(writer, route->path);
    if (route->body_bytes_max > 0) {
        json_key(writer, "requestBody");
        json_put_raw(writer, SLICE("{\"content\":{\"application/json\":{}}}"));
    }
    json_key(writer, "responses");
    json_put_raw(writer, SLICE("{\"2XX\":{\"description\":\"Done.\"},\"default\":{\"$ref\":"
                               "\"#/components/responses/Problem\"}}"));
    json_end_object(writer);
}

/* Rows of one path stand together in the table. */
static void put_paths(struct json_writer *writer)
{
    const char *path = "";

    json_key(writer, "paths");
    json_begin_object(writer);
    for (size_t i = 0; i < native_routes.len; i++) {
        const struct route *route = &native_routes.routes[i];
        if (strcmp(path, route->path) != 0) {
            if (path[0] != '\0') {
                json_end_object(writer);
            }
            path = route->path;
            json_key(writer, path);
            json_begin_object(writer);
        }
        put_operation(writer, route);
    }
    json_end_object(writer);
    json_end_object(writer);
}

static const char components[] =
    "{\"securitySchemes\":{\"key\":{\"type\":\"http\",\"scheme\":\"bearer\"}},"
    "\"responses\":{\"Problem\":{\"description\":\"A problem document (RFC 9457).\","
    "\"content\":{\"application/problem+json\":{\"schema\":{\"type\":\"object\","
    "\"required\":[\"status\",\"code\",\"title\"],\"properties\":{"
    "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\"},\"code\":{\"type\":\"string\"},"
    "\"detail\":{\"type\":\"string\"},\"field\":{\"type\":\"string\"}}}}}}}}";

/* GET /v1/openapi.json */
void native_openapi(struct exchange *exchange)
{
    struct json_writer writer;

    json_writer_init(&writer, exchange_out(exchange));
    json_begin_object(&writer);
    json_key(&writer, "openapi");
    json_put_text(&writer, "3.1.0");
    json_key(&writer, "info");
    json_put_raw(&writer, SLICE("{\"title\":\"Tidings\",\"version\":\"" TIDINGS_VERSION "\"}"));
    put_paths(&writer);
    json_key(&writer, "components");
    json_put_raw(&writer, slice_from(components, sizeof(components) - 1));
    json_end_object(&writer);
    exchange_answer_json(exchange, 200);
}
