/* metric.h -- one thing a peer says about itself now and then: that it lives, how much room it has.
 *
 * Time     A metric carries how long it holds, a duration. Nobody sends a moment: clocks of two peers are
 *          never compared (DESIGN 12).
 * Shape    {0} is an invalid metric without a name. name and value are borrowed, also after decoding
 *          (from the bytes decoded).
 * Errors   metric_decode: ERR_CORRUPT, ERR_VERSION. */
#ifndef HEALTH_METRIC_H
#define HEALTH_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/limits.h"

#define METRIC_PING      "ping"
#define METRIC_PINQUEUE  "pinqueue"
#define METRIC_PINSTATUS "pinstatus" /* a JSON object: how many CIDs in which status */
#define METRIC_REPOSIZE  "reposize"
#define METRIC_FREESPACE "freespace"

struct metric {
    struct bytes name;     /* "ping", "freespace", "tag:group" */
    struct bytes value;    /* text */
    int64_t weight;        /* more is better when candidates are compared */
    uint64_t ttl_us;       /* 1..LIMIT_METRIC_TTL_US */
    bool is_partitionable; /* equal values form one group of peers */
    bool is_valid;         /* false: the informer failed; it says "I live" all the same */
};

void metric_encode(const struct metric *m, struct buf *out);
int metric_decode(struct metric *out, const void *bytes, size_t len);
/* Within the limits, so that it can be encoded and stored? */
bool metric_is_sound(const struct metric *m);

#endif
