/*
 * The dialect `standard`: Standard Webhooks 1.0 (standardwebhooks.com).
 *
 * The body is {"type","timestamp","data"} with data byte for byte as published; timestamp is the
 * event's, so every attempt has the same body. Option: "signature": "v1" (default) or "v1a".
 */
#ifndef WIRE_STANDARD_STANDARD_H
#define WIRE_STANDARD_STANDARD_H

#include "dispatch/dialect.h"

extern const struct dialect dialect_standard;

#endif
