/*
 * The address policy: where we connect to and where never.
 *
 * Asked for the address that is about to be connected, after name resolution, so that a name that
 * resolves elsewhere at the second look gains nothing. Refused unless the operator allowed the
 * range: loopback, private, shared (100.64/10), link-local, unique local, multicast, benchmarking,
 * documentation, reserved, unspecified and broadcast ranges of IPv4 (RFC 6890) and IPv6, also as
 * IPv4-mapped, -compatible, 6to4, Teredo and NAT64 addresses of a refused IPv4 one. The metadata
 * services' addresses (169.254.169.254, 169.254.170.2, fd00:ec2::254, 100.100.100.200, ...) stay
 * refused whatever is allowed.
 */
#ifndef SEND_POLICY_H
#define SEND_POLICY_H

#include "base/err.h"
#include "base/ip.h"
#include "base/slice.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

struct policy {
    struct ip_ranges allowed;
};

/* Allows everything but the metadata services: for places that the operator names. */
extern const struct policy policy_trusting;

/* What is allowed, as ip_ranges_parse takes it. */
enum err policy_parse(struct slice text, struct policy *out, struct diag *diag) MUST_CHECK;

bool policy_allows(const struct policy *policy, const struct sockaddr *address);

/* The address as text, for the words of a refusal; "?" when it is of another family. */
void policy_address_text(const struct sockaddr *address, char out[INET6_ADDRSTRLEN]);

/* For checking a URL when it is saved: whether its host is a literal address that the policy
 * refuses (in any spelling that a resolver takes: decimal, octal, hex, short forms). Names pass:
 * they are checked when connected. */
bool policy_refuses_host(const struct policy *policy, struct slice host);

#endif
