/* covers: peer/raft/raft_step.c peer/raft/raft_follower.c peer/raft/raft_replication.c peer/raft/raft_election.c peer/raft/raft_log.c peer/raft/raft_units.c peer/raft/raft_members.c peer/raft/raft_progress.c */
/* One raft among members that lie: any message that can be decoded, in any order, between deadlines, proposals and
 * disks. It may come to believe nonsense, but its own structures stay sound (raft_check, SLOW_CHECKS) and it does not
 * fall over.
 *
 * The input is a list of steps: a byte that says what, and for most of them one that says how much. */
#include <stdint.h>
#include <string.h>

#include "raft/raft.h"
#include "util/assert.h"
#include "util/err.h"

enum { ROOM = 16, UNITS_MAX = 4 };

struct fuzzed {
    struct raft *r;
    struct reader in;
    uint64_t now_us;
    uint64_t units[UNITS_MAX];
    size_t units_count;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_config(struct raft_config *out, unsigned voters, unsigned learners)
{
    *out = (struct raft_config){ 0 };
    for (unsigned i = 1; i <= voters + learners; i++) {
        struct raft_member m = { .number = i, .role = i <= voters ? RAFT_VOTER : RAFT_LEARNER };
        m.id.len = 1;
        m.id.bytes[0] = (uint8_t)i;
        if (raft_config_add(out, &m) != OK)
            return;
    }
}

static void start(struct fuzzed *f)
{
    uint8_t how = reader_u8(&f->in);
    struct raft_config config;
    struct raft_config before;
    make_config(&config, 1 + how % 3, how / 3 % 2);
    make_config(&before, 1 + how % 3, 0);
    config.index = how & 0x20 ? 5 : 0;
    static const struct raft_term_run runs[] = { { 1, 1 }, { 3, 4 } };
    struct raft_durable durable = {
        .number = how & 0x40 ? 0 : 1,
        .hard = { .term = 3 },
        .last = how & 0x20 ? 6 : 0,
        .runs = runs,
        .runs_count = how & 0x20 ? 2 : 0,
        .config = how & 0x80 ? NULL : &config,
        .config_previous = (how & 0xf0) == 0x30 ? &before : NULL,
    };
    struct raft_options options = {
        .heartbeat_us = 10,
        .election_min_us = 100,
        .append_bytes_max = 64,
        .append_entries_max = 3,
        .window_max = 2,
        .unsynced_bytes_max = 600,
        .cache_bytes_max = 200,
    };
    int err = raft_create(&f->r, &options, &durable, 0, how);
    ASSERT(err == OK || err == ERR_NOMEM);
    raft_config_deinit(&before);
    raft_config_deinit(&config);
}

/* The effects are read, as a driver would. */
static void look(const struct fuzzed *f, const struct raft_ready *ready)
{
    struct raft_member_progress progress;
    if (raft_leader(f->r) == raft_number(f->r))
        (void)raft_member_progress(f->r, 2, &progress);
    for (size_t i = 0; i < ready->msgs_count; i++) {
        struct buf bytes = { 0 };
        raft_msg_encode(&ready->msgs[i], &bytes);
        buf_deinit(&bytes);
    }
}

/* A member's message; its numbers are small, so that they often fit. */
static void hear(struct fuzzed *f)
{
    struct raft_msg m = { .type = (enum raft_msg_type)(1 + reader_u8(&f->in) % 5) };
    uint8_t flags = reader_u8(&f->in);
    m.from = 2 + flags % 3;
    m.to = raft_number(f->r);
    m.term = raft_term(f->r) + reader_u8(&f->in) % 4 - (flags & 4 ? 1 : 0);
    m.last.term = reader_u8(&f->in) % 8;
    m.last.index = reader_u8(&f->in) % 16;
    m.committed = reader_u8(&f->in) % 16;
    m.match = m.committed;
    m.conflict_term = reader_u8(&f->in) % 8;
    m.round = m.conflict_term;
    m.granted = (flags & 8) != 0;
    m.is_pre_vote = (flags & 16) != 0;
    m.is_transfer = (flags & 32) != 0;
    if (m.term > UINT64_MAX / 2)
        return;
    struct raft_entry room[ROOM];
    struct buf payload = { 0 };
    size_t count = m.type == RAFT_MSG_APPEND ? reader_u8(&f->in) % 8 : 0;
    uint64_t term = m.last.term;
    for (size_t i = 0; i < count; i++) {
        uint8_t what = reader_u8(&f->in);
        term += what % 2;
        room[i] = (struct raft_entry){ .pos = { term > 0 ? term : 1, m.last.index + 1 + i },
                                       .kind = RAFT_ENTRY_DATA,
                                       .payload = { "0123456789", what % 11 } };
        if (what >= 0xe0 && payload.len == 0) {
            struct raft_config config;
            make_config(&config, 1 + what % 4, what / 4 % 2);
            raft_config_encode(&config, &payload);
            raft_config_deinit(&config);
            room[i].kind = RAFT_ENTRY_CONFIG;
            room[i].payload = buf_bytes(&payload);
        }
    }
    m.entries = room;
    m.entries_count = count;
    /* What the decoder would not let through is not tried. */
    if (count == 0 || term <= m.term)
        look(f, raft_step(f->r, f->now_us, flags, &m));
    buf_deinit(&payload);
}

/* Bytes as they are: what the decoder lets through. */
static void hear_bytes(struct fuzzed *f)
{
    struct bytes bytes = reader_run(&f->in, 512);
    struct raft_entry room[ROOM];
    struct raft_msg m;
    if (f->in.err == OK && raft_msg_decode(&m, room, ROOM, bytes.data, bytes.len) == OK)
        look(f, raft_step(f->r, f->now_us, 1, &m));
}

static void take_unit(struct fuzzed *f)
{
    if (f->units_count == UNITS_MAX || !raft_has_unit(f->r))
        return;
    struct raft_unit unit;
    raft_take_unit(f->r, &unit);
    f->units[f->units_count++] = unit.number;
}

static void store_unit(struct fuzzed *f)
{
    if (f->units_count == 0)
        return;
    uint64_t number = f->units[0];
    memmove(f->units, f->units + 1, (UNITS_MAX - 1) * sizeof(f->units[0]));
    f->units_count -= 1;
    look(f, raft_on_stored(f->r, f->now_us, number));
}

static void change(struct fuzzed *f)
{
    struct raft_config next;
    struct raft_pos pos;
    uint8_t how = reader_u8(&f->in);
    if (raft_config_copy(&next, raft_config(f->r)) != OK)
        return;
    struct raft_member m = { .role = how & 1 ? RAFT_VOTER : RAFT_LEARNER };
    m.id.len = 1;
    m.id.bytes[0] = how;
    if (how & 2)
        (void)raft_config_add(&next, &m);
    if (how & 4)
        (void)raft_config_remove(&next, how >> 4);
    if (how & 8)
        (void)raft_config_set_role(&next, how >> 4, m.role);
    (void)raft_propose_config(f->r, &next, &pos);
    raft_config_deinit(&next);
}

static void install(struct fuzzed *f)
{
    uint64_t applied = raft_applicable(f->r);
    struct raft_pos pos = { raft_last(f->r).term, applied + 1 + reader_u8(&f->in) % 8 };
    bool leads = raft_state(f->r) == RAFT_LEADER || raft_state(f->r) == RAFT_STRANGER;
    if (leads || pos.term == 0 || applied < raft_committed(f->r))
        return; /* a driver would not */
    struct raft_config config;
    make_config(&config, 2, 1);
    look(f, raft_install(f->r, f->now_us, pos, &config));
    raft_config_deinit(&config);
}

static void fetched(struct fuzzed *f)
{
    struct raft_entry entries[4];
    uint64_t first = reader_u8(&f->in) % 16 + 1;
    for (size_t i = 0; i < 4; i++)
        entries[i] = (struct raft_entry){ .pos = { raft_term_at(f->r, first + i), first + i },
                                          .kind = RAFT_ENTRY_DATA,
                                          .payload = { "fetched", 7 } };
    look(f, raft_on_fetched(f->r, f->now_us, entries, first % 5));
}

static void apply(struct fuzzed *f)
{
    uint64_t index = raft_applicable(f->r);
    raft_on_applied(f->r, index);
    if (reader_u8(&f->in) % 2 && index <= raft_stored(f->r))
        raft_on_trimmed(f->r, index);
    if (index > raft_base(f->r).index)
        raft_want(f->r, index);
}

/* What honest members would say: their votes, then that they have everything. */
static void help(struct fuzzed *f, uint8_t how)
{
    struct raft_msg m = { .from = 2 + how % 2, .to = raft_number(f->r), .granted = true };
    switch (raft_state(f->r)) {
    case RAFT_STRANGER:
    case RAFT_FOLLOWER:
        f->now_us += 300;
        look(f, raft_on_deadline(f->r, f->now_us, how));
        return;
    case RAFT_PRE_CANDIDATE:
    case RAFT_CANDIDATE:
        m.type = RAFT_MSG_VOTE_REPLY;
        m.is_pre_vote = raft_state(f->r) == RAFT_PRE_CANDIDATE;
        m.term = raft_term(f->r) + (m.is_pre_vote ? 1 : 0);
        break;
    case RAFT_LEADER:
        m.type = RAFT_MSG_APPEND_REPLY;
        m.term = raft_term(f->r);
        m.last = raft_last(f->r);
        m.granted = how % 4 > 0;
        m.match = m.granted ? m.last.index : how / 4 % 8;
        break;
    }
    if (m.granted || m.match < m.last.index)
        look(f, raft_step(f->r, f->now_us, how, &m));
}

static void step(struct fuzzed *f)
{
    struct raft_pos pos;
    uint8_t what = reader_u8(&f->in);
    f->now_us += what / 16;
    switch (what % 16) {
    case 0:
        hear_bytes(f);
        return;
    case 1:
    case 2:
        take_unit(f);
        return;
    case 3:
    case 4:
        store_unit(f);
        return;
    case 5:
    case 6:
        f->now_us += 10 * reader_u8(&f->in);
        look(f, raft_on_deadline(f->r, f->now_us, what));
        return;
    case 7:
        (void)raft_propose(f->r, "proposal", what / 32, &pos);
        look(f, raft_flush(f->r, f->now_us));
        return;
    case 8:
        change(f);
        return;
    case 9:
        (void)raft_read(f->r, what);
        return;
    case 10:
        if (what / 16 == 1)
            look(f, raft_abdicate(f->r, f->now_us, f->now_us + 50));
        else
            (void)raft_transfer(f->r, f->now_us, what / 16 % 4);
        return;
    case 11:
        apply(f);
        return;
    case 12:
        if (what / 128)
            install(f);
        else
            fetched(f);
        return;
    case 13:
        if (raft_number(f->r) == RAFT_NOBODY)
            raft_set_number(f->r, 1);
        else
            look(f, raft_on_snapshot_sent(f->r, f->now_us, 2 + what / 128, what / 16 % 8));
        return;
    case 14:
        help(f, what / 16);
        return;
    default:
        hear(f);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzzed f = { .in = reader_of(data, size) };
    start(&f);
    while (f.r != NULL && f.in.err == OK && f.in.left > 0)
        step(&f);
    raft_destroy(f.r);
    return 0;
}
