/* watch.h -- one run, watched: every line, the peers' logs, the trace hash as it grows. Printed to stdout.
 *
 * Errors   watch_is_sensible() complains on stderr. */
#ifndef SIM_WATCH_H
#define SIM_WATCH_H

#include "sim/search/play.h"

struct watch {
    bool trace;
    const char *log; /* a level; NULL: no logs */
    uint64_t hashes; /* after each 2^this events; 0: none */
};

static inline bool watch_is_on(const struct watch *w)
{
    return w->trace || w->log != NULL || w->hashes > 0;
}
bool watch_is_sensible(const struct watch *w);
void watch_hooks(const struct watch *w, struct play_options *options);
/* The verdict, as text or JSON, and an exit code (cmd.h). */
int watch_verdict(const struct script *script, const struct play_result *r, bool json,
                  uint64_t took_us);

#endif
