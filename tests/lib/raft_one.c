#include "tests/lib/raft_one.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"

struct raft_options raft_one_options(void)
{
    return (struct raft_options){
        .heartbeat_us = ONE_HEARTBEAT_US,
        .election_min_us = ONE_ELECTION_US,
        .append_bytes_max = 64 * 1024,
        .append_entries_max = 64,
        .window_max = 4,
        .unsynced_bytes_max = 1024 * 1024,
        .cache_bytes_max = 1024 * 1024,
    };
}

struct raft_member raft_one_member(uint64_t number, enum raft_role_in_config role)
{
    struct raft_member member = { .number = number, .role = role, .addrs_count = 1 };
    member.id.len = 8;
    member.addrs[0].len = 8;
    for (unsigned i = 0; i < 8; i++) {
        member.id.bytes[i] = (uint8_t)(number >> (8 * i));
        member.addrs[0].bytes[i] = (uint8_t)(number + i);
    }
    return member;
}

void raft_one_config(struct raft_config *out, unsigned voters, unsigned learners)
{
    *out = (struct raft_config){ 0 };
    for (unsigned i = 1; i <= voters + learners; i++) {
        struct raft_member member = raft_one_member(i, i <= voters ? RAFT_VOTER : RAFT_LEARNER);
        int err = raft_config_add(out, &member);
        ASSERT(err == OK);
    }
}

struct raft *raft_one_create(const struct raft_past *past)
{
    enum { RUNS_MAX = 64 };
    struct raft_term_run runs[RUNS_MAX];
    size_t runs_count = 0;
    for (size_t i = 0; i < past->terms_count; i++) {
        if (i > 0 && past->terms[i] == past->terms[i - 1])
            continue;
        ASSERT(runs_count < RUNS_MAX);
        runs[runs_count++] = (struct raft_term_run){ .term = past->terms[i], .first = i + 1 };
    }
    struct raft_config config;
    raft_one_config(&config, past->voters, past->learners);
    struct raft_durable durable = {
        .number = past->number,
        .hard = { past->term, past->voted_for, past->committed },
        .last = past->terms_count,
        .runs = runs,
        .runs_count = runs_count,
        .config = config.count > 0 ? &config : NULL,
    };
    struct raft_options options = raft_one_options();
    struct raft *r = NULL;
    int err =
        raft_create(&r, past->options.window_max > 0 ? &past->options : &options, &durable, 0, 0);
    ASSERT(err == OK);
    raft_config_deinit(&config);
    return r;
}

const struct raft_ready *raft_one_store(struct raft *r, uint64_t now_us)
{
    const struct raft_ready *ready = NULL;
    while (raft_has_unit(r)) {
        struct raft_unit unit;
        raft_take_unit(r, &unit);
        ready = raft_on_stored(r, now_us, unit.number);
    }
    return ready != NULL ? ready : raft_flush(r, now_us);
}

const struct raft_msg *raft_one_find(const struct raft_ready *ready, enum raft_msg_type type,
                                     uint64_t to)
{
    for (size_t i = 0; i < ready->msgs_count; i++) {
        const struct raft_msg *m = &ready->msgs[i];
        if (m->type == type && (to == RAFT_NOBODY || m->to == to))
            return m;
    }
    return NULL;
}

size_t raft_one_count(const struct raft_ready *ready, enum raft_msg_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < ready->msgs_count; i++)
        count += ready->msgs[i].type == type;
    return count;
}

/* Everybody answers a request for votes, until that is enough. */
static const struct raft_ready *raft_one_elect(struct raft *r, uint64_t now_us, bool is_pre_vote)
{
    const struct raft_ready *ready = NULL;
    enum raft_state asking = is_pre_vote ? RAFT_PRE_CANDIDATE : RAFT_CANDIDATE;
    uint64_t term = raft_term(r) + (is_pre_vote ? 1 : 0);
    for (size_t i = 0; i < raft_config(r)->count && raft_state(r) == asking; i++) {
        uint64_t from = raft_config(r)->members[i].number;
        struct raft_msg m = raft_one_grant(from, raft_number(r), term);
        m.is_pre_vote = is_pre_vote;
        if (from != raft_number(r))
            ready = raft_step(r, now_us, 0, &m);
    }
    return ready;
}

const struct raft_ready *raft_one_win(struct raft *r, uint64_t now_us)
{
    raft_on_deadline(r, now_us, 0);
    raft_one_elect(r, now_us, true);
    ASSERT(raft_state(r) == RAFT_CANDIDATE);
    const struct raft_ready *ready = raft_one_store(r, now_us);
    if (raft_state(r) == RAFT_CANDIDATE)
        ready = raft_one_elect(r, now_us, false);
    ASSERT(raft_state(r) == RAFT_LEADER);
    return ready;
}

struct raft_msg raft_one_vote(uint64_t from, uint64_t to, uint64_t term, struct raft_pos last)
{
    return (struct raft_msg){
        .type = RAFT_MSG_VOTE, .from = from, .to = to, .term = term, .last = last
    };
}

struct raft_msg raft_one_grant(uint64_t from, uint64_t to, uint64_t term)
{
    return (struct raft_msg){
        .type = RAFT_MSG_VOTE_REPLY, .from = from, .to = to, .term = term, .granted = true
    };
}

struct raft_msg raft_one_ack(uint64_t from, const struct raft *leader, uint64_t match)
{
    return (struct raft_msg){ .type = RAFT_MSG_APPEND_REPLY,
                              .from = from,
                              .to = raft_number(leader),
                              .term = raft_term(leader),
                              .last = { raft_term_at(leader, match), match },
                              .granted = true,
                              .match = match };
}

const struct raft_msg *raft_one_append(uint64_t from, uint64_t to, uint64_t term,
                                       struct raft_pos prev, size_t count, uint64_t entries_term,
                                       uint64_t committed)
{
    enum { ENTRIES_MAX = 64 };
    static struct raft_entry entries[ENTRIES_MAX];
    static struct raft_msg m;
    ASSERT(count <= ENTRIES_MAX);
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct raft_entry){ .pos = { entries_term, prev.index + 1 + i },
                                          .kind = RAFT_ENTRY_DATA,
                                          .payload = { "payload", 7 } };
    m = (struct raft_msg){ .type = RAFT_MSG_APPEND,
                           .from = from,
                           .to = to,
                           .term = term,
                           .last = prev,
                           .committed = committed,
                           .entries = count > 0 ? entries : NULL,
                           .entries_count = count };
    return &m;
}
