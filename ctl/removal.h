/* removal.h -- a peer that was told to go, watched until it is out: its pins move to others first.
 *
 * Shape    How many pins are left goes to stderr, when it changes. The cluster goes on with it whether somebody watches
 *          or not. */
#ifndef CTL_REMOVAL_H
#define CTL_REMOVAL_H

#include "ctl/ctl.h"

/* A removal that is taken back meanwhile is a failure (CTL_REFUSED), with words. `peer` in the form in which peers write it. An exit code. */
int removal_follow(struct ctl *ctl, const char *peer);

#endif
