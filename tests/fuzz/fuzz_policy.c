/*
 * Whatever ranges an operator writes, metadata addresses stay refused, an IPv4 address is judged
 * alike in both of its forms, and a literal host is refused exactly when its address is.
 *
 * Input: ranges, a zero byte, a host, a zero byte, an address of 16 bytes.
 */
#include "send/policy.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool allows_ipv4(const struct policy *policy, const uint8_t bytes[4])
{
    struct sockaddr_in address = {.sin_family = AF_INET};

    memcpy(&address.sin_addr, bytes, 4);
    return policy_allows(policy, (const struct sockaddr *)&address);
}

static bool allows_ipv6(const struct policy *policy, const uint8_t bytes[16])
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};

    memcpy(&address.sin6_addr, bytes, 16);
    return policy_allows(policy, (const struct sockaddr *)&address);
}

static void check_address(const struct policy *policy, const uint8_t bytes[16])
{
    uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];

    memcpy(mapped + 12, bytes, 4);
    assert(allows_ipv4(policy, bytes) == allows_ipv6(policy, mapped));
    (void)inet_ntop(AF_INET, bytes, text, sizeof text);
    assert(policy_refuses_host(policy, slice_of(text)) != allows_ipv4(policy, bytes));
    (void)inet_ntop(AF_INET6, bytes, text, sizeof text);
    assert(policy_refuses_host(policy, slice_of(text)) != allows_ipv6(policy, bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t metadata[] = {169, 254, 169, 254};
    struct slice rest = slice_from(data, len), ranges, host;
    struct policy policy = {.allowed.len = 0};
    uint8_t address[16] = {0};

    if (len == 0 || !slice_cut(&rest, '\0', &ranges) || policy_parse(ranges, &policy, NULL) != OK) {
        return 0;
    }
    assert(policy.allowed.len <= IP_RANGES_MAX);
    assert(!allows_ipv4(&policy, metadata));
    assert(policy_refuses_host(&policy, SLICE("0xa9fea9fe")));
    if (slice_cut(&rest, '\0', &host)) {
        (void)policy_refuses_host(&policy, host); /* must only not break */
    }
    if (rest.ptr != NULL) {
        memcpy(address, rest.ptr, rest.len < sizeof address ? rest.len : sizeof address);
        check_address(&policy, address);
    }
    return 0;
}
