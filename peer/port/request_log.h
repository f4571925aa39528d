/* request_log.h -- where a door's requests are written down, one line each.
 *
 * Shape    A line has no newline at its end; the implementation adds it. No ops: nobody wants them.
 * Promise  The call returns at once and never fails: lines that cannot be kept are lost, which is the
 *          implementation's to say. Whole lines stay whole, and in order.
 * Owner    The bytes are the caller's, and may go when the call returns. */
#ifndef PORT_REQUEST_LOG_H
#define PORT_REQUEST_LOG_H

#include <stdbool.h>

#include "util/buf.h"

struct request_log_ops {
    void (*append)(void *impl, struct bytes line);
};

struct request_log {
    const struct request_log_ops *ops;
    void *impl;
};

static inline bool request_log_is_kept(const struct request_log *l)
{
    return l->ops != NULL;
}

static inline void request_log_append(const struct request_log *l, struct bytes line)
{
    l->ops->append(l->impl, line);
}

#endif
