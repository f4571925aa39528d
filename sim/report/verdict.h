/* verdict.h -- what is printed of a run: the verdict, the line that repeats it, how fast it went. */
#ifndef SIM_REPORT_VERDICT_H
#define SIM_REPORT_VERDICT_H

#include "sim/search/play.h"

/* One line when it passed; else what failed, at which line, and how to see it again. */
void report_verdict(struct buf *out, const struct script *script, const struct play_result *r);
/* "3.1 million events a second, 5120 simulated seconds a second" */
void report_speed(struct buf *out, uint64_t events, uint64_t virtual_us, uint64_t real_us);

#endif
