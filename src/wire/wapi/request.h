/*
 * A request of the command API, read: the document out of the form, the envelope out of the
 * document.
 *
 *   <request><user/><auth/><command/><clTRID/>?<data/>?<test/>?</request>
 *   {"request":{"user","auth","command","clTRID"?,"data"?,"test"?}}
 *
 * Unknown members are ignored. Nothing is trimmed. In JSON a number counts as the text it is
 * written with. data is JSON for whoever works with it, whatever it came as (wire/xml_data.h).
 */
#ifndef WIRE_WAPI_REQUEST_H
#define WIRE_WAPI_REQUEST_H

#include "base/buf.h"
#include "base/json.h"
#include "wire/wapi/codes.h"
#include "wire/wapi/document.h"

#include <stdbool.h>

enum {
    REQUEST_DEPTH_MAX = 32,
    REQUEST_NODES_MAX = 10000,     /* of XML; a request for something has some dozens */
    REQUEST_CLTRID_CHARS_MAX = 64, /* as EPP's transaction id (RFC 5730, trIDStringType) */
};

struct wapi_request {
    enum wapi_format format;
    /* Lent from below; empty until they are read. */
    struct slice user, auth, command;
    bool has_client_ref;
    struct slice client_ref; /* clTRID */
    bool is_test;
    struct json data; /* JSON_NONE when there is none, or an empty one */

    struct buf text;         /* private: the document */
    struct buf scratch;      /* private: decoded texts; reserved, so that none moves */
    struct buf data_text;    /* private: data that came as XML */
    struct json_doc doc;     /* private */
    struct json_doc data_of; /* private: of data_text */
};

void wapi_request_init(struct wapi_request *request, enum wapi_format format);
void wapi_request_clear(struct wapi_request *request);

/*
 * Reads a body. WAPI_OK, or what is wrong with it, by checks in this order: empty, size, encoding,
 * syntax and depth, user, auth and command there, at most one data, length of clTRID. What could be
 * read is in place then too, to be echoed; a clTRID that is too long is not.
 */
enum wapi_code wapi_request_read(struct wapi_request *request, struct slice content_type,
                                 struct slice body, size_t bytes_max) MUST_CHECK;

#endif
