/* json_int.h -- between json.c and json_writer.c. */
#ifndef UTIL_JSON_INT_H
#define UTIL_JSON_INT_H

#include <stddef.h>

/* Bytes from `at` on that stand for themselves in a string, whoever reads or writes it: visible ASCII and the blank but
 * for " \ < > and &. */
size_t json_plain_len(const char *at, size_t len);

#endif
