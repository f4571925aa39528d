/* Which pins a user asked for lately: those go first.
 *
 * A pin carries a time, but that of the peer that took it, by a clock that nobody compares with ours. What is the same
 * everywhere is the place of its last change in the log, and what this peer knows by itself is how long ago it had applied
 * up to there. So it notes where it is from time to time, and young is what came behind the last note that is old enough:
 *
 *      notes        (100, 9:00)     (220, 10:30)    (221, 12:00)    now: 9:30 of the next day, with an age of 24 h
 *      entries  ... 100 | 101 ................ 220 | 221 | 222 ... 300
 *                   old   young
 *
 * A note lasts until it is a step older than the one before it, each turn writing it anew: so a peer that was idle for days
 * still knows what it had applied last. What was committed before this process began is old, as nobody here knows how old.
 * So is what a repair gave to this peer (pinset_applied.is_automatic): nobody waits for it. */
#include "tracker/tracker_int.h"

#include <string.h>

void tracker_young_begin(struct tracker *t, uint64_t applied)
{
    t->age.old_index = applied;
}

/* Notes that are old enough. The last one of them says what is old. */
static void tracker_age_take(struct tracker_age *a, uint64_t now_us, uint64_t young_us)
{
    size_t taken = 0;
    while (taken < a->count && now_us - a->notes[taken].at_us >= young_us)
        taken += 1;
    if (taken == 0)
        return;
    if (a->notes[taken - 1].index > a->old_index)
        a->old_index = a->notes[taken - 1].index;
    a->count -= taken;
    memmove(a->notes, a->notes + taken, a->count * sizeof(a->notes[0]));
}

void tracker_young_note(struct tracker *t)
{
    struct tracker_age *a = &t->age;
    uint64_t young_us = t->options.young_us;
    uint64_t now_us = t->turn->now_us;
    if (!t->is_current || young_us == 0)
        return;
    tracker_age_take(a, now_us, young_us);
    uint64_t step_us = young_us / TRACKER_AGE_STEPS;
    bool is_last_open =
        a->count >= 2 && a->notes[a->count - 1].at_us - a->notes[a->count - 2].at_us < step_us;
    if (!is_last_open && a->count < TRACKER_AGE_NOTES_MAX)
        a->count += 1;
    a->notes[a->count - 1] = (struct tracker_age_note){ t->turn->applied, now_us };
}

bool tracker_is_young(const struct tracker *t, uint64_t asked_index)
{
    return t->is_current && t->options.young_us > 0 && asked_index > t->age.old_index;
}
