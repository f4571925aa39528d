/* The log's beginning: trimmed when its entries are in the durable state, replaced when a state came from
 * somebody else. The driver moves the states themselves (DESIGN 5); here are only the positions. */
#include "raft/raft_int.h"

#include "util/assert.h"
#include "util/err.h"

void raft_on_applied(struct raft *r, uint64_t index)
{
    ASSERT(index <= r->log.last);
    if (index <= r->applied)
        return;
    r->applied = index;
    /* After a restart the durable state may know of a later commit than the hint in the log. */
    raft_commit_to(r, index);
}

void raft_on_trimmed(struct raft *r, uint64_t index)
{
    ASSERT(index <= r->applied && index <= r->log.stored);
    if (index <= r->log.base.index)
        return;
    raft_log_trim(&r->log, index);
    r->units.is_meta_dirty = true;
}

/* Does our log go on from the snapshot's end? */
static bool raft_log_continues(const struct raft *r, struct raft_pos pos)
{
    return pos.index <= r->log.last && raft_log_term_at(&r->log, pos.index) == pos.term;
}

/* Everything we have goes. What was committed and stored of it is in the snapshot, so it stays durable. */
static void raft_replace_log(struct raft *r, struct raft_pos pos)
{
    ASSERT(r->state != RAFT_LEADER);
    uint64_t stored = r->log.stored < r->committed ? r->log.stored : r->committed;
    raft_log_reset(&r->log, pos, stored);
    raft_units_on_reset(&r->units, pos.index);
}

static int raft_take_config(struct raft *r, const struct raft_config *config)
{
    struct raft_config copy = { 0 };
    int err = raft_config_copy(&copy, config);
    if (err == OK)
        err = raft_adopt_config(r, &copy);
    if (err != OK)
        raft_config_deinit(&copy);
    return err;
}

const struct raft_ready *raft_install(struct raft *r, uint64_t now_us, struct raft_pos pos,
                                      const struct raft_config *config)
{
    ASSERT(pos.index >= r->applied && config->index <= pos.index);
    bool continues = raft_log_continues(r, pos);
    raft_begin(r, now_us);
    if (!continues && raft_take_config(r, config) != OK)
        return NULL;
    if (pos.term > r->term)
        raft_become_follower(r, pos.term, RAFT_NOBODY);
    if (!continues) {
        raft_replace_log(r, pos);
    } else if (pos.index <= r->log.stored) {
        raft_log_trim(&r->log, pos.index);
    } /* else the entries up to there are still on their way to the disk: the head may be trimmed later */
    r->units.is_meta_dirty = true;
    r->applied = pos.index;
    raft_commit_to(r, pos.index);
    return raft_end(r);
}

const struct raft_ready *raft_on_snapshot_sent(struct raft *r, uint64_t now_us, uint64_t member,
                                               uint64_t index)
{
    raft_begin(r, now_us);
    struct raft_progress *p = r->state == RAFT_LEADER ? raft_progress_of(r, member) : NULL;
    if (p != NULL && p->state == RAFT_SNAPSHOT && index <= r->log.last) {
        if (index > 0)
            raft_progress_on_match(p, index);
        raft_progress_probe(p, p->match + 1);
        p->is_waiting = index == 0; /* it failed: not again before the next heartbeat */
    }
    return raft_end(r);
}
