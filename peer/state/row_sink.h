/* row_sink.h -- where the rows go that a core module wants written: the open batch of store/overlay.
 *
 * Rule     A later row on the same key wins. Views handed in later, also within the same event, show
 *          what went into the sink before.
 * Owner    Keys and values are copied before the call returns.
 * Errors   None here: whoever owns the batch sees to room beforehand (each module says how many rows a
 *          call may write) and keeps its own failure (memory) until the batch is closed. */
#ifndef STATE_ROW_SINK_H
#define STATE_ROW_SINK_H

#include "util/buf.h"

struct row_sink {
    void (*put)(void *impl, unsigned table, struct bytes key, struct bytes value);
    void (*del)(void *impl, unsigned table, struct bytes key);
    void *impl;
};

static inline void row_sink_put(struct row_sink *s, unsigned table, struct bytes key,
                                struct bytes value)
{
    s->put(s->impl, table, key, value);
}

static inline void row_sink_del(struct row_sink *s, unsigned table, struct bytes key)
{
    s->del(s->impl, table, key);
}

#endif
