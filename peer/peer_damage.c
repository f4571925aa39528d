/* peer_damage.c -- a row of the state that is not what was written: found, named, and healed (DESIGN 6).
 *
 *      found by whoever reads it, or by the scrub, a slow walk over all rows
 *        ---> nothing more is applied or trimmed, leadership is given up
 *        ---> the leader is asked for its state (WANT), which takes the place of ours as a snapshot does
 *
 * The log is sound, so the peer keeps its number and its vote. A bad row is never served: readers get ERR_CORRUPT.
 * Who is alone has nobody to ask, and stops. The scrub reads a few rows a second; when the state stood still
 * during a whole walk, the sum over the rows has to be the state's hash as well. */
#include "peer_int.h"

#include <string.h>

#include "state/digest.h"
#include "util/err.h"

enum { SCRUB_ROWS = 512 };

#define DAMAGE_PAUSE_US ((uint64_t)1000 * 1000)
#define DAMAGE_QUIET_US ((uint64_t)4000 * 1000)

void peer_state_damaged(struct peer *p, const char *found)
{
    if (p->state_is_damaged)
        return;
    LOG_ERROR(p->log, "store",
              "the state is damaged: %s; it is not served, and taken anew from another peer",
              found);
    p->state_is_damaged = true;
    p->heal_at_us = p->now_us;
}

void peer_state_healed(struct peer *p)
{
    if (p->state_is_damaged)
        LOG_INFO(p->log, "store", "the damaged state has been replaced");
    p->state_is_damaged = false;
    p->apply_is_blocked = false;
    digest_scrub_deinit(&p->scrub);
    digest_scrub_init(&p->scrub);
}

/* ---- healing ---- */

static void damage_ask(struct peer *p, const struct raft_member *leader)
{
    struct snapshot_msg m = { .type = SNAPSHOT_MSG_WANT, .to = leader->number };
    memcpy(m.id.cluster_id, p->cluster.bytes, CLUSTER_ID_BYTES);
    m.id.pos.index = p->applied > 0 ? p->applied : 1;
    peer_send_snapshot(p, &leader->id, &m);
}

static void damage_heal(struct peer *p)
{
    const struct raft_member *leader = peer_leader(p);
    if (raft_config(p->raft)->count <= 1)
        peer_disk_failed(p, ERR_CORRUPT, "reading the state, with no other peer to heal it from,");
    else if (peer_leads(p))
        peer_raft_take(p, raft_abdicate(p->raft, p->now_us, p->now_us + DAMAGE_QUIET_US));
    else if (leader != NULL && !cluster_id_is_none(&p->cluster))
        damage_ask(p, leader);
}

/* ---- the scrub ---- */

static void scrub_begin(struct peer *p)
{
    digest_scrub_deinit(&p->scrub);
    digest_scrub_init(&p->scrub);
    p->scrub_index = p->applied;
}

static void scrub_end(struct peer *p)
{
    bool stood_still = p->scrub_index == p->applied;
    if (stood_still && !digest_equal(p->scrub.sum, pinset_rows_digest(p->pinset)))
        peer_state_damaged(p, "its rows do not add up to its hash");
    scrub_begin(p);
}

static void scrub_step(struct peer *p)
{
    struct view view;
    if (peer_view(p, &view) != OK)
        return;
    int err = digest_scrub_step(&p->scrub, &view, SCRUB_ROWS);
    peer_view_end(p, &view);
    if (err == ERR_CORRUPT)
        peer_state_damaged(p, "a row does not fit its checksum");
    else if (err != ERR_MORE)
        scrub_end(p);
}

/* ---- time ---- */

static uint64_t damage_due_us(const struct peer *p)
{
    return p->state_is_damaged ? p->heal_at_us : p->scrub_at_us;
}

void peer_damage_on_deadline(struct peer *p)
{
    if (p->raft == NULL || p->now_us < damage_due_us(p))
        return;
    if (p->state_is_damaged) {
        p->heal_at_us = p->now_us + DAMAGE_PAUSE_US;
        damage_heal(p);
    } else {
        p->scrub_at_us = p->now_us + p->options.scrub_pause_us;
        if (!peer_receiver_is_busy(p))
            scrub_step(p);
    }
}

uint64_t peer_damage_deadline_us(const struct peer *p)
{
    return p->raft != NULL ? damage_due_us(p) : RAFT_NEVER;
}
