/* ip.h -- IP addresses as text, without a resolver, a scope or a system call.
 *
 * Errors   ERR_INVALID. No leading zeros in "1.2.3.4", at most four digits in a group of IPv6, no zone.
 * Source   RFC 4291 2.2 for reading, RFC 5952 for writing, as Go's net package reads and writes. */
#ifndef UTIL_IP_H
#define UTIL_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

enum { IP4_TEXT_SIZE = 16, IP6_TEXT_SIZE = 46 };

int ip4_parse(uint8_t out[4], struct bytes text);
int ip6_parse(uint8_t out[16], struct bytes text);
void ip4_print(char out[IP4_TEXT_SIZE], const uint8_t ip[4]);
/* An IPv4 address inside ("::ffff:1.2.3.4") is written as such. */
void ip6_print(char out[IP6_TEXT_SIZE], const uint8_t ip[16]);
/* Is it ::ffff:a.b.c.d? Then ip + 12 is the IPv4 address. */
bool ip6_is_mapped(const uint8_t ip[16]);

#endif
