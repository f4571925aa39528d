/* sound_view.h -- a view in which damaged rows are not there.
 *
 * Shape    Laid over another view; rows that it says ERR_CORRUPT of are counted and passed over.
 * For      Rows that can be found out again: those of the local area, where one bad row must not keep its peer from
 *          all others. Never for the replicated state: there a row that is not served has to be healed (peer_damage.c).
 * Owner    Borrows the view below, which is opened and closed by the caller, and counts its steps by itself.
 * Errors   As port/view.h; ERR_CORRUPT only behind SOUND_VIEW_DAMAGED_MAX bad rows in one step. */
#ifndef STORE_SOUND_VIEW_H
#define STORE_SOUND_VIEW_H

#include "port/view.h"

enum { SOUND_VIEW_DAMAGED_MAX = 1024 };

struct sound_view {
    const struct view *below;
    uint64_t damaged_count; /* met so far; a row may have been met more than once */
};

void sound_view_over(struct sound_view *s, const struct view *below, struct view *out);

#endif
