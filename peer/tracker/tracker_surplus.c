/* Pins that moved to other peers, and are still held here.
 *
 *      LANE_SURPLUS ---given out---> asked ---answer---> answered ---yes---> LANE_UNPIN, and so on
 *           ^                                                |
 *           +-------- waiting, each time longer <----no------+
 *
 * Why they stay: a peer was down, its pins were given to others, and it comes back before those have them. It may be
 * the only one that has the content at all. So it is the one who holds the copy that decides when it goes, after it
 * has heard from those who should hold it that they do: nobody's word about somebody else is needed, nothing is
 * remembered over a restart, and a peer that reaches nobody keeps everything. Until the yes its row says KEPT: these rows, and
 * those that say PINNED, count what a peer on its way out would take with it.
 *
 * An unpin that a user asked for waits for nobody: then the pin is not in the state any more. */
#include "tracker/tracker_int.h"

#include "util/err.h"

bool tracker_is_surplus(const struct tracker *t, const struct cid *cid,
                        const struct tracker_wish *wish)
{
    struct bytes value;
    return t->options.keeps_surplus && !wish->is_wanted &&
           view_get(t->turn->state, STATE_TABLE_PINS, (struct bytes){ cid->bytes, cid->len },
                    &value) == OK;
}

bool tracker_next_surplus(struct tracker *t, struct cid *out)
{
    struct list_link *lane = &t->lanes[LANE_SURPLUS];
    if (t->is_stopping || list_is_empty(lane))
        return false;
    struct tracker_op *op = list_entry(list_pop_front(lane), struct tracker_op, link);
    list_push_back(&t->asked, &op->link);
    *out = op->cid;
    return true;
}

/* Is it still the one that was given out? The state may have changed since. */
static bool tracker_is_asked(const struct tracker *t, const struct tracker_op *op)
{
    list_for_each (at, &t->asked) {
        if (at == &op->link)
            return true;
    }
    return false;
}

void tracker_on_surplus(struct tracker *t, const struct cid *cid, bool may_go)
{
    struct tracker_op *op = tracker_op_find(t, cid);
    if (op == NULL || !tracker_is_asked(t, op))
        return;
    op->may_go = may_go;
    list_remove(&op->link);
    list_push_back(&t->answered, &op->link);
}

/* Somebody waits for a peer on its way out; else there is no hurry. */
static uint64_t tracker_surplus_pause_us(const struct tracker *t, const struct tracker_op *op)
{
    uint64_t cap_us = t->options.surplus_pause_max_us;
    if (t->grip != GRIP_ALL && cap_us > t->options.surplus_pause_going_us)
        cap_us = t->options.surplus_pause_going_us;
    return tracker_pause_us(t, op->refusals, cap_us, &op->cid);
}

void tracker_take_answered(struct tracker *t)
{
    while (!list_is_empty(&t->answered)) {
        struct tracker_op *op = list_entry(t->answered.next, struct tracker_op, link);
        if (op->may_go) {
            tracker_op_let_go(t, op);
            continue;
        }
        op->refusals += 1;
        tracker_op_wait(t, op, t->turn->now_us + tracker_surplus_pause_us(t, op));
    }
}
