/* duration.h -- spans of time as people write them: "1m30s", "500ms", "2h45m", "0s".
 *
 * Units    Microseconds. Finer than that is rounded up, so that no span becomes 0 (which often means
 *          "off") by being short.
 * Errors   ERR_INVALID: not such a text, or more than 292 years.
 * Source   Go's time.ParseDuration and Duration.String, because files and clients use them. */
#ifndef UTIL_DURATION_H
#define UTIL_DURATION_H

#include <stdint.h>

#include "util/buf.h"

enum { DURATION_TEXT_SIZE = 40 };

int duration_parse(int64_t *out_us, struct bytes text);
void duration_print(char out[DURATION_TEXT_SIZE], int64_t us);

#endif
