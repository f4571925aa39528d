/* Whether the daemon is asked (pin/ls) before it is told to pin.
 *
 * A pin/add of what is pinned already walks its whole tree again, so the daemon is asked first. But it rarely has what
 * the state names for the first time, and the question costs as much as a small pin. So when it said "no" to many in
 * a row, it is asked about one in so many of them. The next "yes" makes each one be asked about again: an operator
 * brings pins of before into the cluster. What the daemon heard of from us is always asked about. */
#include "tracker/tracker_int.h"
#include "util/err.h"

enum {
    LOOKS_IN_VAIN = 64, /* in a row, and new pins are not asked about */
    LOOK_EVERY = 16,    /* save each of so many */
};

bool tracker_look_is_due(struct tracker *t, const struct tracker_op *op)
{
    if (!op->is_unsent || t->looks_in_vain < LOOKS_IN_VAIN)
        return true;
    t->unlooked = (t->unlooked + 1) % LOOK_EVERY;
    return t->unlooked == 0;
}

void tracker_look_learn(struct tracker *t, const struct tracker_op *op, int verdict)
{
    if (op->kind != OP_PIN || op->attempts > 0)
        return;
    if (verdict == OK)
        t->looks_in_vain = 0;
    else if (verdict == ERR_NOT_FOUND && t->looks_in_vain < LOOKS_IN_VAIN)
        t->looks_in_vain += 1;
}
