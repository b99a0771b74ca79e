/*
 * Query parameters that nobody knows are refused: a misspelt filter that is ignored answers with
 * the wrong list.
 */
#ifndef WIRE_NATIVE_QUERY_H
#define WIRE_NATIVE_QUERY_H

#include "http/exchange.h"

/* The parameters of a list that has no filters: how many, and from where on. */
enum { PAGE_PARAMETERS = 2 };
extern const char *const page_parameters[PAGE_PARAMETERS];

/*
 * Whether there is a parameter that is not among names, or one given twice; then 400 was answered:
 * return at once. names may be NULL when there is none.
 */
bool query_is_refused(struct exchange *exchange, const char *const *names, size_t names_len);

#endif
