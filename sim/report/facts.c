#include "sim/report/facts.h"

static const char *role_name(enum raft_state role)
{
    switch (role) {
    case RAFT_STRANGER:
        return "stranger";
    case RAFT_FOLLOWER:
        return "follower";
    case RAFT_PRE_CANDIDATE:
        return "pre-candidate";
    case RAFT_CANDIDATE:
        return "candidate";
    case RAFT_LEADER:
        return "LEADER";
    }
    return "?";
}

static void report_config(struct trace *t, uint64_t at_us, unsigned who, const struct peer_fact *f)
{
    struct buf members = { 0 };
    for (size_t i = 0; i < f->members_count; i++)
        buf_printf(&members, " %llu%s", (unsigned long long)f->members[i].number,
                   f->members[i].is_voter ? "" : "(learner)");
    trace_line(t, at_us, who, "members since entry %llu:%s", (unsigned long long)f->index,
               buf_text(&members));
    buf_deinit(&members);
}

void report_fact(struct trace *t, uint64_t at_us, unsigned who, const struct peer_fact *f)
{
    unsigned long long index = f->index, term = f->term;
    if (!trace_has_text(t))
        return;
    switch (f->kind) {
    case PEER_FACT_WOKE:
        trace_line(
            t, at_us, who,
            "woke as member %llu: state %llu, log %llu..%llu@%llu, term %llu, voted for %llu",
            (unsigned long long)f->number, (unsigned long long)f->applied,
            (unsigned long long)f->base, index, (unsigned long long)f->last_term, term,
            (unsigned long long)f->voted_for);
        break;
    case PEER_FACT_ROLE:
        trace_line(t, at_us, who, "term %llu: %s, leader is member %llu", term, role_name(f->role),
                   (unsigned long long)f->leader);
        break;
    case PEER_FACT_APPEND:
        trace_line(t, at_us, who, "append %llu@%llu", index, term);
        break;
    case PEER_FACT_CUT:
        trace_line(t, at_us, who, "cut from %llu", index);
        break;
    case PEER_FACT_BASE:
        trace_line(t, at_us, who, "log begins behind %llu@%llu", index, term);
        break;
    case PEER_FACT_INSTALL:
        trace_line(t, at_us, who, "installed %llu, state %016llx", index,
                   (unsigned long long)f->state_hash[0]);
        break;
    case PEER_FACT_STORED:
        trace_line(t, at_us, who, "stored up to %llu, term %llu, voted for %llu", index, term,
                   (unsigned long long)f->voted_for);
        break;
    case PEER_FACT_COMMIT:
        trace_line(t, at_us, who, "committed %llu", index);
        break;
    case PEER_FACT_APPLY:
        trace_line(t, at_us, who, "applied %llu, state %016llx", index,
                   (unsigned long long)f->state_hash[0]);
        break;
    case PEER_FACT_KEPT:
        trace_line(t, at_us, who, "keeps its state up to %llu", index);
        break;
    case PEER_FACT_PIN: /* of the entry that the next line says is applied */
        break;
    case PEER_FACT_CONFIG:
        report_config(t, at_us, who, f);
        break;
    case PEER_FACT_PROPOSE_REPIN:
        trace_line(t, at_us, who, "moves pin %s", cid_print(&f->cid).text);
        break;
    case PEER_FACT_LIVENESS:
        trace_line(t, at_us, who, "takes member %llu for %s", (unsigned long long)f->about,
                   liveness_name(f->liveness));
        break;
    }
}
