/* What must hold between inputs, as far as one member can see it. */
#include "raft/raft_int.h"

#include "util/assert.h"

void raft_check_members(const struct raft *r)
{
    ASSERT(r->progress_count == r->config.count);
    for (size_t i = 0; i < r->progress_count; i++) {
        const struct raft_progress *p = &r->progress[i];
        ASSERT(p->number == r->config.members[i].number);
        ASSERT(p->is_voter == (r->config.members[i].role == RAFT_VOTER));
        ASSERT(i == 0 || p->number > r->progress[i - 1].number);
        if (r->state == RAFT_LEADER && p->number != r->number) {
            ASSERT(p->match < p->next && p->next <= r->log.last + 1);
            ASSERT(p->round <= r->round);
        }
    }
    ASSERT(r->config.index <= r->log.last);
    ASSERT(!r->has_previous || r->config_previous.index <= r->config.index);
}

static void raft_check_role(const struct raft *r)
{
    ASSERT((r->state == RAFT_STRANGER) == (r->number == RAFT_NOBODY));
    switch (r->state) {
    case RAFT_STRANGER:
        break;
    case RAFT_FOLLOWER:
        ASSERT(r->leader != r->number);
        break;
    case RAFT_PRE_CANDIDATE:
        ASSERT(r->leader == RAFT_NOBODY);
        break;
    case RAFT_CANDIDATE:
        ASSERT(r->leader == RAFT_NOBODY && r->voted_for == r->number);
        break;
    case RAFT_LEADER:
        ASSERT(r->leader == r->number && r->voted_for == r->number);
        ASSERT(raft_log_term_at(&r->log, r->term_start) == r->term ||
               r->term_start <= r->log.base.index);
        break;
    }
    ASSERT(r->state == RAFT_LEADER || r->reads_count == 0);
    ASSERT(r->state == RAFT_LEADER || r->transfer_to == RAFT_NOBODY);
}

void raft_check(const struct raft *r)
{
    ASSERT(r->applied <= r->committed && r->committed <= r->log.last);
    ASSERT(r->log.base.index <= r->applied);
    ASSERT(raft_log_last(&r->log).term <= r->term);
    ASSERT(r->units.stored <= r->units.taken && r->units.handed <= r->log.last);
    ASSERT(r->units.cut_from <= r->units.handed + 1);
    raft_check_role(r);
    ASSERT_SLOW((raft_log_check(&r->log), true));
    ASSERT_SLOW((raft_check_members(r), true));
}
