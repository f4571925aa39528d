/* pin_entry_int.h -- decoding in two steps, for pinset.c: an entry whose body is bad still says who waits
 * for it. */
#ifndef STATE_PIN_ENTRY_INT_H
#define STATE_PIN_ENTRY_INT_H

#include "state/pin_entry.h"

/* Kind and origin, into a cleared entry. `r` then stands at the body. */
int pin_entry_decode_head(struct pin_entry *out, struct reader *r);
int pin_entry_decode_body(struct pin_entry *out, struct arena *arena, struct reader *r);

#endif
