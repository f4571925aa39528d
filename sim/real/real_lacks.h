/* real_lacks.h -- what of a scenario no real process can be given, told before it begins: one line each, as for steps that
 * are skipped on the way (stage.h). */
#ifndef SIM_REAL_REAL_LACKS_H
#define SIM_REAL_REAL_LACKS_H

#include "sim/script/script.h"

void real_lacks(const struct script *script, struct buf *notes);

#endif
