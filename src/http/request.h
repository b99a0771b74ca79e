/*
 * How a request gets from libmicrohttpd to its handler: the call-backs for its first line, its head
 * and body, and its end.
 *
 * A request is judged as soon as its head is there, in this order: is the head in order, is there
 * such a path and method, are parameters and query readable, who calls and may they, is the body
 * too large. What is refused is answered then, before a byte of its body is kept.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <microhttpd.h>

void *request_on_uri(void *cls, const char *uri, struct MHD_Connection *handle);

enum MHD_Result request_on_access(void *cls, struct MHD_Connection *handle, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **context);

void request_on_completed(void *cls, struct MHD_Connection *handle, void **context,
                          enum MHD_RequestTerminationCode code);

#endif
