/* follow.h -- what becomes of a pin once the cluster has agreed on it: its status, shown at once when
 * the peers are quick, or after a while, or when --wait has got what it waits for.
 *
 * Shape    The status is asked again with growing pauses. Without `waits` what stands there after
 *          FOLLOW_LOOK_US is shown, done or not. With it, a goal that is reached ends well; an error
 *          on a peer that matters, or `timeout_us`, ends badly. Errors count only after
 *          FOLLOW_LOOK_US too: until then a peer may still show what was before. */
#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include "ctl/ctl.h"
#include "ctl/goal.h"

#define FOLLOW_LOOK_US (1000u * 1000)

struct follow {
    const char *cid;
    struct goal goal;
    bool waits;
    uint64_t timeout_us; /* 0: none */
    bool shows_nothing;  /* of the status: only what is wrong */
};

int follow_pin(struct ctl *ctl, const struct follow *f);

#endif
