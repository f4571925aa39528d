/* pin_options.h -- options of a pin on the command line, as the API takes them (SPEC 1.4): for `pin` and `add`.
 *
 * Errors   False: refused, and said so. */
#ifndef CTL_PIN_OPTIONS_H
#define CTL_PIN_OPTIONS_H

#include <stdbool.h>

#include "ctl/ctl.h"

/* --replication-min and --replication-max; with `both`, which is not 0, instead of them. */
void pin_options_factors(const struct args *args, int64_t both, struct target *t);
void pin_options_name(const struct args *args, struct target *t);
bool pin_options_expiry(const struct args *args, struct target *t);
bool pin_options_metadata(const struct args *args, struct target *t);
bool pin_options_allocations(const struct args *args, struct target *t);

#endif
