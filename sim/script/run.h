/* run.h -- plays a scenario on a stage, line by line.
 *
 * Shape    A step is done, or waited for, before the next begins. What the author expects is compared with what
 *          the stage shows; the first difference ends the run.
 * Errors   None: everything that can happen is a verdict. */
#ifndef SIM_SCRIPT_RUN_H
#define SIM_SCRIPT_RUN_H

#include "sim/script/stage.h"

struct script_verdict {
    enum {
        SCRIPT_PASSED,
        SCRIPT_FAILED, /* at `line`; `why` */
        SCRIPT_CUT_OFF /* the stage ended the run: it knows why */
    } result;
    unsigned line;    /* of the last step that was begun */
    unsigned skipped; /* steps that this world cannot do */
    struct buf why;
    struct buf notes; /* one line a skipped step */
};

void script_run(const struct script *script, struct stage *stage, struct script_verdict *out);
void script_verdict_deinit(struct script_verdict *v);

#endif
