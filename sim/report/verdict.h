/* verdict.h -- what is printed of a run, for people and for machines.
 *
 * Shape    report_verdict: lines for people, the last of which repeats a run that failed. report_json: one object, one
 *          line. report_junit_*: one <testcase> a run, for the reports of a CI. */
#ifndef SIM_REPORT_VERDICT_H
#define SIM_REPORT_VERDICT_H

#include "sim/search/play.h"

/* One line when it passed; else what failed, at which line, and how to see it again. */
void report_verdict(struct buf *out, const struct script *script, const struct play_result *r);
/* {"scenario":..,"seed":..,"verdict":"passed",..}, and a newline. */
void report_json(struct buf *out, const struct script *script, const struct play_result *r);
/* "3.1 million events a second, 5120 simulated seconds a second" */
void report_speed(struct buf *out, uint64_t events, uint64_t virtual_us, uint64_t real_us);

/* Cases are gathered in a buf of their own, because the head counts them. */
void report_junit_case(struct buf *cases, const struct script *script, const struct play_result *r);
void report_junit(struct buf *out, const struct buf *cases, uint64_t count, uint64_t failed);

#endif
