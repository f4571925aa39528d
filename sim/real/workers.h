/* workers.h -- pieces of work given to child processes, one a core, and their results collected.
 *
 *      next() -> job --pipe--> child: work() --pipe--> result -> on_result()
 *
 * Shape    A child gets its next job when it has answered the last one. A child that dies, or needs longer than the
 *          limit, costs only its job: on_death() hears of it, and another child takes its place.
 * Time     The machine's own. Nothing here decides what happens inside a run.
 * Owner    Jobs and results are bytes, valid during the call.
 * Errors   ERR_NOMEM, ERR_IO when no child can be made. */
#ifndef SIM_REAL_WORKERS_H
#define SIM_REAL_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

enum { WORKERS_MAX = 256, WORKERS_RESULT_BYTES_MAX = 64 * 1024 * 1024 };

struct workers {
    unsigned count;
    uint64_t limit_us;                                               /* for one job; 0: none */
    bool (*next)(void *owner, struct buf *job);                      /* false: there is no more */
    void (*work)(void *owner, struct bytes job, struct buf *result); /* in the child */
    void (*on_result)(void *owner, struct bytes job, struct bytes result);
    void (*on_death)(void *owner, struct bytes job, const char *how);
    void (*on_tick)(void *owner); /* a few times a second */
    void *owner;
};

int workers_run(struct workers *w);
/* How many there are room for. */
unsigned workers_cores(void);

#endif
