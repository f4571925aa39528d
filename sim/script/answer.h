/* answer.h -- what a client learns from an answer: did its write work, and which of all pins does it see?
 *
 * Background clients give each of their pins a name of its own, w1, w2, ..., so that a read tells which of them is there. */
#ifndef SIM_SCRIPT_ANSWER_H
#define SIM_SCRIPT_ANSWER_H

#include "sim/check/check.h"
#include "sim/script/stage.h"
#include "util/buf.h"

/* Of a write. */
enum promise_outcome answer_outcome(const struct stage_answer *a);
void answer_pin_name(uint64_t number, struct buf *out);
/* In a pin as the API tells it; 0: it has no such name. */
uint64_t answer_pin_number(struct bytes body);

#endif
