/* What rafts say and are, in words. Positions are term:index. */
#include "tests/lib/raft_script_int.h"

#include "util/err.h"

const char *script_role_name(enum raft_state state)
{
    static const char *const names[] = { [RAFT_STRANGER] = "stranger",
                                         [RAFT_FOLLOWER] = "follower",
                                         [RAFT_PRE_CANDIDATE] = "pre-candidate",
                                         [RAFT_CANDIDATE] = "candidate",
                                         [RAFT_LEADER] = "leader" };
    return names[state];
}

#define U(x) ((unsigned long long)(x))

static void script_tell_entries(struct buf *out, const struct raft_msg *m)
{
    static const char *const kinds[] = {
        [RAFT_ENTRY_NOOP] = " no-op", [RAFT_ENTRY_CONFIG] = " config", [RAFT_ENTRY_DATA] = ""
    };
    if (m->entries_count == 0)
        buf_append_text(out, ", nothing");
    for (size_t i = 0; i < m->entries_count; i++) {
        const struct raft_entry *e = &m->entries[i];
        size_t same = i; /* a run of plain entries is told as one */
        while (e->kind == RAFT_ENTRY_DATA && same + 1 < m->entries_count &&
               m->entries[same + 1].kind == RAFT_ENTRY_DATA &&
               m->entries[same + 1].pos.term == e->pos.term)
            same += 1;
        buf_printf(out, ", %llu:%llu", U(e->pos.term), U(e->pos.index));
        if (same > i)
            buf_printf(out, "..%llu", U(m->entries[same].pos.index));
        buf_append_text(out, kinds[e->kind]);
        i = same;
    }
}

static void script_tell_reply(struct buf *out, const struct raft_msg *m)
{
    if (m->granted)
        buf_printf(out, "has all up to %llu", U(m->match));
    else if (m->last.index == 0)
        buf_append_text(out, "knows a later term");
    else
        buf_printf(out, "has not %llu:%llu, try %llu:%llu", U(m->last.term), U(m->last.index),
                   U(m->conflict_term), U(m->match));
    if (m->round > 0)
        buf_printf(out, ", round %llu", U(m->round));
}

void script_tell_msg(struct buf *out, const struct raft_msg *m)
{
    const char *what = m->is_pre_vote ? "pre-vote" : "vote";
    buf_printf(out, "%llu -> %llu  term %llu: ", U(m->from), U(m->to), U(m->term));
    switch (m->type) {
    case RAFT_MSG_VOTE:
        buf_printf(out, "a %s? my last is %llu:%llu%s", what, U(m->last.term), U(m->last.index),
                   m->is_transfer ? ", by order" : "");
        return;
    case RAFT_MSG_VOTE_REPLY:
        buf_printf(out, "%s %s", what, m->granted ? "granted" : "refused");
        return;
    case RAFT_MSG_APPEND:
        buf_printf(out, "after %llu:%llu", U(m->last.term), U(m->last.index));
        script_tell_entries(out, m);
        buf_printf(out, "; committed %llu", U(m->committed));
        if (m->round > 0)
            buf_printf(out, ", round %llu", U(m->round));
        return;
    case RAFT_MSG_APPEND_REPLY:
        script_tell_reply(out, m);
        return;
    case RAFT_MSG_TIMEOUT_NOW:
        buf_append_text(out, "stand for election now");
        return;
    }
}

void script_tell_config(struct buf *out, const struct raft_config *c)
{
    for (int role = RAFT_VOTER; role >= RAFT_LEARNER; role--) {
        bool is_first = true;
        for (size_t i = 0; i < c->count; i++) {
            if (c->members[i].role != (enum raft_role_in_config)role)
                continue;
            if (is_first)
                buf_append_text(out, role == RAFT_VOTER ? "voters" : ", learners");
            buf_printf(out, " %llu", U(c->members[i].number));
            is_first = false;
        }
    }
}

void script_tell_state(struct buf *out, const struct script_raft *n)
{
    const struct raft *r = n->raft;
    if (r == NULL) {
        buf_printf(out, "%u  down\n", n->id);
        return;
    }
    buf_printf(out, "%u  %s, term %llu", n->id, script_role_name(raft_state(r)), U(raft_term(r)));
    if (raft_state(r) == RAFT_FOLLOWER && raft_leader(r) != RAFT_NOBODY)
        buf_printf(out, " of %llu", U(raft_leader(r)));
    uint64_t first = raft_base(r).index + 1;
    buf_append_text(out, "; log");
    if (first > 1)
        buf_printf(out, " (%llu:%llu)", U(raft_base(r).term), U(first - 1));
    for (uint64_t i = first; i <= raft_last(r).index; i++) {
        uint64_t term = raft_term_at(r, i);
        if (i == first || raft_term_at(r, i - 1) != term)
            buf_printf(out, " %llu:%llu", U(term), U(i));
        else if (i == raft_last(r).index || raft_term_at(r, i + 1) != term)
            buf_printf(out, "..%llu", U(i));
    }
    if (raft_last(r).index == 0)
        buf_append_text(out, " empty");
    if (raft_stored(r) != raft_last(r).index)
        buf_printf(out, ", stored %llu", U(raft_stored(r)));
    buf_printf(out, "; committed %llu, applied %llu\n", U(raft_committed(r)), U(n->applied));
}

void script_tell_progress(struct buf *out, const struct script_raft *n)
{
    const struct raft_config *c = raft_config(n->raft);
    for (size_t i = 0; i < c->count; i++) {
        struct raft_member_progress p;
        uint64_t number = c->members[i].number;
        if (number != raft_number(n->raft) && raft_member_progress(n->raft, number, &p) == OK)
            buf_printf(out, "%llu has %llu\n", U(number), U(p.match));
    }
}
