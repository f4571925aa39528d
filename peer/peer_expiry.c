/* peer_expiry.c -- pins whose time is over go, by the leader's hand (DESIGN 11).
 *
 *      index by expiry ---what is due---> unpin entries, each with the row's modification index
 *
 * Which time: the median of the voters' wall clocks, which come with their metrics. A clock that is off by hours, be it
 * the leader's own, takes no pin away early and keeps none alive. Without the clocks of a majority nothing expires.
 *
 * Level-triggered as repair is: nothing is remembered but how many proposals have no outcome yet. Whoever leads looks at
 * the front of the index once a second. A user who pins anew meanwhile moves the row, and the entry does nothing. */
#include "peer_int.h"

#include "util/err.h"

static int peer_wall_median(struct peer *p, int64_t *out_us)
{
    const struct raft_config *c = raft_config(p->raft);
    struct peer_id *voters = arena_array(&p->arena, c->count + 1, sizeof(*voters));
    if (voters == NULL)
        return ERR_NOMEM;
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (c->members[i].role == RAFT_VOTER)
            voters[count++] = c->members[i].id;
    }
    return monitor_median_wall(p->monitor, p->now_us, voters, count, out_us);
}

static void peer_expiry_done(void *owner, int err, const struct pinset_applied *applied,
                             const char *why)
{
    (void)err; /* whatever it is, the index still says what is due */
    (void)applied;
    (void)why;
    struct peer *p = owner;
    p->expiries_in_flight -= 1;
    if (p->expiries_in_flight == 0)
        p->expiry_at_us = p->now_us; /* there may be more */
}

/* The entries that unpin what is due at `now_s`. */
static size_t peer_expiry_collect(struct peer *p, int64_t now_s,
                                  struct pin_entry entries[PEER_EXPIRIES_IN_FLIGHT_MAX])
{
    struct view view;
    if (peer_view(p, &view) != OK)
        return 0;
    size_t count = 0;
    struct pinset_expiry due = { 0 };
    while (count < PEER_EXPIRIES_IN_FLIGHT_MAX &&
           pinset_next_expiry(&view, &due, now_s, &due) == OK) {
        struct pin pin;
        if (pinset_get(&view, &due.cid, &p->arena, &pin) != OK)
            break; /* a damaged row: the scrub's business */
        entries[count++] = (struct pin_entry){ .kind = PIN_ENTRY_UNPIN,
                                               .expected = pin.modified_index,
                                               .cid = due.cid };
    }
    peer_view_end(p, &view);
    return count;
}

static void peer_expire_due(struct peer *p, int64_t now_s)
{
    struct pin_entry entries[PEER_EXPIRIES_IN_FLIGHT_MAX];
    size_t count = peer_expiry_collect(p, now_s, entries);
    for (size_t i = 0; i < count; i++) {
        if (peer_propose(p, &entries[i], NULL, 0, peer_expiry_done, p) != OK)
            break; /* no room: in a second again */
        p->expiries_in_flight += 1;
    }
    if (p->expiries_in_flight > 0)
        LOG_INFO(p->log, "cluster", "expiry: the time of %zu pins is over", p->expiries_in_flight);
}

void peer_expiry_on_role(struct peer *p)
{
    p->expiry_at_us = p->now_us + PEER_EXPIRY_PAUSE_US;
}

void peer_expiry_on_deadline(struct peer *p)
{
    if (p->now_us < peer_expiry_deadline_us(p))
        return;
    p->expiry_at_us = p->now_us + PEER_EXPIRY_PAUSE_US;
    int64_t wall_us;
    if (peer_wall_median(p, &wall_us) == OK)
        peer_expire_due(p, wall_us / 1000000);
}

uint64_t peer_expiry_deadline_us(const struct peer *p)
{
    if (p->raft == NULL || !peer_leads(p) || p->expiries_in_flight > 0)
        return RAFT_NEVER;
    return p->expiry_at_us;
}
