/* options.h -- what a scenario may set of a peer's configuration: `option NAME VALUE`.
 *
 * Shape    One table: name, kind, field of struct peer_options. The names are short forms of the configuration
 *          keys (docs/SIMULATOR.md lists both).
 * Errors   script_option_refusal() says what was expected; NULL when it fits. */
#ifndef SIM_SCRIPT_OPTIONS_H
#define SIM_SCRIPT_OPTIONS_H

#include <stdbool.h>

#include "peer.h"
#include "util/buf.h"

bool script_option_is_known(struct bytes name);
const char *script_option_refusal(struct bytes name, struct bytes value);
/* The option has been checked. */
void script_option_apply(struct peer_options *o, struct bytes name, struct bytes value);
/* "option NAME VALUE" and a newline for each in which `o` is not as `other`. */
void script_options_print(const struct peer_options *o, const struct peer_options *other,
                          struct buf *out);

#endif
