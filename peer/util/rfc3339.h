/* rfc3339.h -- wall time as text: "2024-05-01T12:00:00.25Z". Arithmetic only: no time zone data, no
 * locale, no C library time.
 *
 * Units    Microseconds since 1970-01-01T00:00:00Z, years 0 to 9999; beyond them printing shows the
 *          nearest that there is. Reading cuts off what is finer.
 * Reading  Any offset ("+02:00"); the capital T and Z; no leap second (Unix time has none).
 * Printing UTC, the fraction without zeros at its end, as Go prints RFC3339Nano.
 * Errors   ERR_INVALID: not such a text, or a day that is none.
 * Source   RFC 3339; the calendar is days since a first of March, so that leap days come last. */
#ifndef UTIL_RFC3339_H
#define UTIL_RFC3339_H

#include <stdint.h>

#include "util/buf.h"

enum { RFC3339_TEXT_SIZE = 28 };

/* What Go's zero time is: "0001-01-01T00:00:00Z" in the JSON of clients stands for "none". */
#define RFC3339_GO_ZERO_US (INT64_C(-62135596800) * 1000000)

int rfc3339_parse(int64_t *out_us, struct bytes text);
/* Returns its length, without the NUL. */
size_t rfc3339_print(char out[RFC3339_TEXT_SIZE], int64_t us);

#endif
