/* Random clusters, random faults, random requests: thousands of steps from each of many seeds, watched by the checks of
 * tests/lib/raft_cluster_checks.c, and healed at the end: then a leader must come, and everybody must agree.
 *
 * RAFT_SEED=N runs one seed and tells what happened; RAFT_SEEDS=N that many, RAFT_FIRST=M from there on. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/raft_cluster.h"
#include "tests/lib/test_fatal.h"
#include "util/err.h"

TestSuite(raft_random, .timeout = 300);

enum { MS = 1000, STEPS = 3000, PAUSE_ELECTIONS = 4 };

static uint64_t below(struct raft_cluster *c, uint64_t n)
{
    return raft_cluster_below(c, n);
}

/* splitmix64 */
static uint64_t draw(uint64_t *state, uint64_t n)
{
    *state += 0x9e3779b97f4a7c15;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % n;
}

#define DRAW_OF(state, ...)                                                                        \
    ((const uint64_t[]){                                                                           \
        __VA_ARGS__ })[draw(state, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))]

/* Odd limits are where the bugs are: one entry a message, a cache of nothing, a window of one. */
static void draw_options(struct cluster_options *o, uint64_t seed)
{
    uint64_t s = seed;
    *o = (struct cluster_options){ .seed = seed * 0x9e3779b97f4a7c15 };
    o->founders = 1 + (unsigned)draw(&s, 5);
    o->nodes = o->founders + (unsigned)draw(&s, 4);
    o->raft = (struct raft_options){
        .heartbeat_us = (20 + draw(&s, 60)) * MS,
        .append_bytes_max = DRAW_OF(&s, 1, 100, 1000, 10000),
        .append_entries_max = DRAW_OF(&s, 1, 2, 5, 64),
        .window_max = DRAW_OF(&s, 1, 2, 8, 32),
        .unsynced_bytes_max = DRAW_OF(&s, 1, 1000, 100000),
        .cache_bytes_max = DRAW_OF(&s, 0, 500, 100000),
    };
    o->raft.election_min_us = o->raft.heartbeat_us * (2 + draw(&s, 8));
    o->delay_min_us = draw(&s, 3) * MS;
    o->delay_max_us = o->delay_min_us + DRAW_OF(&s, 0, 2, 20, 60) * MS;
    o->loss_permille = (unsigned)DRAW_OF(&s, 0, 0, 20, 200);
    o->duplicate_permille = (unsigned)DRAW_OF(&s, 0, 0, 50, 300);
    o->late_permille = (unsigned)DRAW_OF(&s, 0, 20, 200);
    o->late_us = o->raft.election_min_us * (1 + draw(&s, 6));
    o->store_min_us = draw(&s, 2) * MS;
    o->store_max_us = o->store_min_us + DRAW_OF(&s, 0, 5, 50, 300) * MS;
    o->units_in_flight = 1 + (unsigned)draw(&s, CLUSTER_UNITS_MAX);
}

/* ---- what may go wrong ---- */

static void random_partition(struct raft_cluster *c)
{
    unsigned nodes = c->options.nodes;
    bool is_one_way = below(c, 3) == 0;
    uint64_t side = below(c, 1u << nodes);
    for (unsigned from = 0; from < nodes; from++) {
        for (unsigned to = 0; to < nodes; to++) {
            bool from_in = (side >> from & 1) != 0;
            bool to_in = (side >> to & 1) != 0;
            c->blocked[from][to] = is_one_way ? from_in && !to_in : from_in != to_in;
        }
    }
}

static void random_heal_links(struct raft_cluster *c)
{
    for (unsigned from = 0; from < c->options.nodes; from++) {
        for (unsigned to = 0; to < c->options.nodes; to++)
            c->blocked[from][to] = false;
    }
}

static void random_trim(struct raft_cluster *c, unsigned node)
{
    struct cluster_node *n = &c->nodes[node];
    if (n->raft == NULL)
        return;
    uint64_t base = raft_base(n->raft).index;
    uint64_t applied = n->disk.state.pos.index;
    if (applied > base)
        raft_cluster_trim(c, node, base + 1 + below(c, applied - base));
}

/* A spare comes in, a learner votes, a voter does not, somebody goes. */
static void random_edit(struct raft_cluster *c, struct raft_config *next)
{
    unsigned spare = (unsigned)below(c, c->options.nodes);
    struct raft_member newcomer = raft_cluster_member(spare, RAFT_NOBODY, RAFT_LEARNER);
    bool is_free = raft_config_member_by_id(next, &newcomer.id) == NULL &&
                   c->nodes[spare].raft != NULL && raft_number(c->nodes[spare].raft) == RAFT_NOBODY;
    if (is_free && below(c, 2) == 0) {
        raft_config_add(next, &newcomer);
        return;
    }
    if (next->count == 0)
        return;
    const struct raft_member *m = &next->members[below(c, next->count)];
    if (below(c, 3) == 0)
        raft_config_remove(next, m->number);
    else
        raft_config_set_role(next, m->number, m->role == RAFT_VOTER ? RAFT_LEARNER : RAFT_VOTER);
}

/* One edit, or several: too many at once have to be refused. */
static void random_change(struct raft_cluster *c, unsigned node)
{
    const struct cluster_node *n = &c->nodes[node];
    if (n->raft == NULL || raft_state(n->raft) != RAFT_LEADER)
        return;
    struct raft_config next;
    cr_assert_eq(raft_config_copy(&next, raft_config(n->raft)), OK);
    do {
        random_edit(c, &next);
    } while (below(c, 4) == 0);
    raft_cluster_change(c, node, &next);
    raft_config_deinit(&next);
}

/* A machine whose number is not in the newest committed configuration starts over, sometimes. */
static void random_wipe(struct raft_cluster *c, unsigned node)
{
    struct cluster_node *n = &c->nodes[node];
    const struct raft_config *config = raft_cluster_config(c);
    uint64_t number = n->raft != NULL ? raft_number(n->raft) : n->disk.number;
    if (config != NULL && number != RAFT_NOBODY && number < config->next_number &&
        raft_config_member(config, number) == NULL)
        raft_cluster_wipe(c, node);
}

/* The node hears, and is heard by, one other: enough to spread an entry to a few, too little to finish. */
static void random_lonely(struct raft_cluster *c, unsigned node)
{
    unsigned friend = (unsigned)below(c, c->options.nodes);
    for (unsigned i = 0; i < c->options.nodes; i++) {
        bool is_cut = i != node && i != friend;
        c->blocked[node][i] = is_cut;
        c->blocked[i][node] = is_cut;
    }
}

enum fault {
    FAULT_CRASH,
    FAULT_REBOOT,
    FAULT_PARTITION,
    FAULT_LONELY,
    FAULT_PAUSE,
    FAULT_WIPE,
    FAULT_RESTARTS,
    FAULT_HEALS,
    FAULT_COUNT
};

enum request {
    REQUEST_CHANGE,
    REQUEST_TRANSFER,
    REQUEST_TRIM,
    REQUEST_ABDICATE,
    REQUEST_READ,
    REQUEST_PROPOSE,
    REQUEST_COUNT
};

/* Swarm testing: each seed does some of the things only, so that some seeds do little else than, say, crash the
 * leader again and again. */
struct habits {
    uint64_t fault_every;
    uint64_t request_every;
    bool hunts_leaders;
    bool does_fault[FAULT_COUNT];
    bool does_request[REQUEST_COUNT];
};

static void draw_habits(struct raft_cluster *c, struct habits *h)
{
    *h = (struct habits){ 0 };
    h->fault_every = below(c, 3) == 0 ? 3 + below(c, 40) : 20 + below(c, 300);
    h->request_every = 2 + below(c, 20);
    h->hunts_leaders = below(c, 2) == 0;
    for (int i = 0; i < FAULT_COUNT; i++)
        h->does_fault[i] = i >= FAULT_RESTARTS || below(c, 2) == 0;
    for (int i = 0; i < REQUEST_COUNT; i++)
        h->does_request[i] = i == REQUEST_PROPOSE || below(c, 2) == 0;
}

static void random_fault(struct raft_cluster *c, const struct habits *h, unsigned node)
{
    enum fault what = (enum fault)below(c, FAULT_COUNT);
    if (!h->does_fault[what])
        what = below(c, 2) == 0 ? FAULT_RESTARTS : FAULT_HEALS;
    switch (what) {
    case FAULT_CRASH:
        raft_cluster_crash(c, node);
        return;
    case FAULT_REBOOT:
        raft_cluster_crash(c, node);
        raft_cluster_restart(c, node);
        return;
    case FAULT_PARTITION:
        random_partition(c);
        return;
    case FAULT_LONELY:
        random_lonely(c, node);
        return;
    case FAULT_PAUSE:
        raft_cluster_pause(c, node, below(c, PAUSE_ELECTIONS * c->options.raft.election_min_us));
        return;
    case FAULT_WIPE:
        random_wipe(c, node);
        return;
    case FAULT_RESTARTS:
        for (unsigned i = 0; i < c->options.nodes; i++)
            raft_cluster_restart(c, i);
        return;
    case FAULT_HEALS:
    case FAULT_COUNT:
        random_heal_links(c);
        return;
    }
}

static void random_request(struct raft_cluster *c, const struct habits *h, unsigned node)
{
    enum request what = (enum request)below(c, REQUEST_COUNT);
    if (!h->does_request[what])
        what = REQUEST_PROPOSE;
    switch (what) {
    case REQUEST_CHANGE:
        random_change(c, node);
        return;
    case REQUEST_TRANSFER:
        raft_cluster_transfer(c, node,
                              below(c, 2) == 0 ? RAFT_NOBODY : 1 + below(c, c->options.nodes));
        return;
    case REQUEST_TRIM:
        random_trim(c, node);
        return;
    case REQUEST_ABDICATE:
        if (below(c, 10) == 0)
            raft_cluster_abdicate(c, node, below(c, 3 * c->options.raft.election_min_us));
        return;
    case REQUEST_READ:
        raft_cluster_read(c, node);
        return;
    case REQUEST_PROPOSE:
    case REQUEST_COUNT:
        raft_cluster_propose(c, node, below(c, 10) == 0 ? below(c, 1000) : below(c, 30));
        return;
    }
}

/* ---- and what must be right in the end ---- */

static bool everybody_has(const struct raft_cluster *c, const struct raft_config *config,
                          uint64_t index)
{
    for (size_t i = 0; i < config->count; i++) {
        if (c->nodes[raft_cluster_node_of(&config->members[i])].state.pos.index < index)
            return false;
    }
    return true;
}

static bool is_settled(struct raft_cluster *c, uint64_t index)
{
    const struct cluster_node *leader = raft_cluster_leader(c);
    const struct raft_config *config = raft_cluster_config(c);
    return leader != NULL && config != NULL && raft_config_is_committed(leader->raft) &&
           raft_cluster_committed(c) >= index &&
           everybody_has(c, config, raft_cluster_committed(c));
}

static const char *settle(struct raft_cluster *c)
{
    enum { ROUNDS = 600 }; /* with one entry a message it may take that long to catch up */
    uint64_t round_us = c->options.raft.election_min_us;
    raft_cluster_heal(c);
    /* Until the last late message has come, and the last pause is over. */
    if (!raft_cluster_run(c, c->options.late_us + PAUSE_ELECTIONS * round_us))
        return c->failure;
    uint64_t wanted = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        if (!raft_cluster_run(c, round_us))
            return c->failure;
        raft_cluster_tell_numbers(c);
        const struct cluster_node *leader = raft_cluster_leader(c);
        if (wanted == UINT64_MAX && leader != NULL && raft_cluster_propose(c, leader->id, 5))
            wanted = raft_last(leader->raft).index;
        if (leader != NULL && wanted < UINT64_MAX && raft_term_at(leader->raft, wanted) == 0 &&
            raft_last(leader->raft).index < wanted)
            wanted = UINT64_MAX; /* it got lost with its leader: again */
        if (is_settled(c, wanted))
            return "";
    }
    return "liveness: after healing, no leader that commits and is followed by everybody";
}

/* Nobody disturbs a leader that everybody can reach, removed members and strangers least of all. */
static const char *stay_calm(struct raft_cluster *c)
{
    struct cluster_node *leader = raft_cluster_leader(c);
    uint64_t term = raft_term(leader->raft);
    bool is_retired = false;
    const struct raft_member *me =
        raft_config_member(raft_config(leader->raft), raft_number(leader->raft));
    is_retired = me == NULL || me->role != RAFT_VOTER;
    bool is_fast = c->options.delay_max_us * 2 + c->options.raft.heartbeat_us <
                   c->options.raft.election_min_us;
    if (!raft_cluster_run(c, 20 * c->options.raft.election_min_us))
        return c->failure;
    if (is_fast && !is_retired &&
        (raft_state(leader->raft) != RAFT_LEADER || raft_term(leader->raft) != term))
        return "stability: a healthy leader lost its place";
    for (unsigned i = 0; i < c->options.nodes; i++) {
        if (c->nodes[i].reads_count > 0)
            return "read: one was never answered";
    }
    return "";
}

static void run_seed(uint64_t seed, bool is_traced, uint64_t marks[MARK_COUNT])
{
    struct cluster_options options;
    test_fatal_seed = seed;
    draw_options(&options, seed);
    struct raft_cluster *c = raft_cluster_create(&options);
    c->is_traced = is_traced;
    struct habits habits;
    draw_habits(c, &habits);
    for (int i = 0; i < STEPS && c->failure[0] == '\0'; i++) {
        const struct cluster_node *leader = raft_cluster_leader(c);
        unsigned node = (unsigned)below(c, c->options.nodes);
        if (below(c, habits.fault_every) == 0)
            random_fault(c, &habits, leader != NULL && habits.hunts_leaders ? leader->id : node);
        if (below(c, habits.request_every) == 0)
            random_request(c, &habits, leader != NULL && below(c, 4) > 0 ? leader->id : node);
        if (below(c, 50) == 0)
            raft_cluster_tell_numbers(c);
        if (c->events_count == 0 || !raft_cluster_step(c))
            raft_cluster_run(c, c->options.raft.election_min_us);
    }
    const char *failure = c->failure[0] != '\0' ? c->failure : settle(c);
    if (failure[0] == '\0')
        failure = stay_calm(c);
    if (failure[0] != '\0')
        cr_assert_fail("seed %llu: %s", (unsigned long long)seed, failure);
    for (int i = 0; i < MARK_COUNT; i++)
        marks[i] += c->marks[i];
    raft_cluster_destroy(c);
}

Test(raft_random, many_seeds)
{
    const char *one = getenv("RAFT_SEED");
    const char *many = getenv("RAFT_SEEDS");
    uint64_t marks[MARK_COUNT] = { 0 };
    if (one != NULL) {
        run_seed(strtoull(one, NULL, 10), true, marks);
        return;
    }
    uint64_t seeds = many != NULL ? strtoull(many, NULL, 10) : 2000;
    const char *first = getenv("RAFT_FIRST");
    uint64_t begin = first != NULL ? strtoull(first, NULL, 10) : 1;
    for (uint64_t seed = begin; seed < begin + seeds; seed++)
        run_seed(seed, false, marks);
    for (int i = 0; i < MARK_COUNT; i++) {
        if (many != NULL)
            fprintf(stderr, "%-24s %llu\n", cluster_mark_names[i], (unsigned long long)marks[i]);
        cr_assert(marks[i] > 0 || seeds < 1000, "no seed gets to: %s", cluster_mark_names[i]);
    }
}
