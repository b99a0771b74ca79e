/*
 * The server's certificate and key, as PEM texts, shared by reference count: those who still finish
 * with an old one keep it.
 */
#ifndef HTTP_CERTIFICATE_H
#define HTTP_CERTIFICATE_H

#include "base/buf.h"
#include "base/err.h"

struct certificate {
    _Atomic unsigned references;
    struct buf chain; /* the certificate and those that vouch for it */
    struct buf key;   /* wiped when it goes */
};

/* Reads both files. ERR_IO and what file_read gives; whether they are any good is not looked at. */
enum err certificate_load(const char *chain_path, const char *key_path, struct certificate **out,
                          struct diag *diag) MUST_CHECK;

struct certificate *certificate_hold(struct certificate *certificate); /* NULL stays NULL */
void certificate_release(struct certificate *certificate);             /* NULL is fine */

#endif
