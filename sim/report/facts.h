/* facts.h -- what a peer told, as a line for people. */
#ifndef SIM_REPORT_FACTS_H
#define SIM_REPORT_FACTS_H

#include "peer.h"
#include "sim/kernel/trace.h"

void report_fact(struct trace *t, uint64_t at_us, unsigned who, const struct peer_fact *fact);

#endif
