/* What a plan of the repair says (peer_plan.h) is what the repair then does, pin by pin. Whole peers, in the simulator: one of six
 * dies, and the plan is read at each millisecond until the first pin has moved. Once nothing moves any more, each pin is where the
 * last plan before that would have it, whoever was asked, and what was not in it is where it was. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "peer_int.h"

#include "peer_doors.h"
#include "peer_plan.h"
#include "sim/script/run.h"
#include "sim/world/world_int.h"
#include "util/err.h"

TestSuite(plan, .timeout = 120);

enum { PEERS = 6, ROUNDS = 20, MOVES_MAX = 200, MS = 1000, SECOND = 1000 * MS,
       TTL_US = 30 * SECOND, PATIENCE_US = 40 * SECOND };

static struct world *world;

static void play(const char *steps)
{
    struct script script;
    struct script_verdict verdict = { 0 };
    struct stage stage = world_stage(world);
    int err = script_parse(&script, "x.scn", steps, strlen(steps));
    cr_assert_eq(err, OK, "%s", buf_text(&script.error));
    script_run(&script, &stage, &verdict);
    cr_assert_eq(verdict.result, SCRIPT_PASSED, "line %u: %s", verdict.line,
                 buf_text(&verdict.why));
    script_verdict_deinit(&verdict);
    script_deinit(&script);
}

static struct machine *machine(unsigned who)
{
    return world_machine(world, who);
}

static void pass(uint64_t us)
{
    struct stage stage = world_stage(world);
    bool goes_on = stage.ops->pass(stage.impl, world_time_us(world) + us);
    cr_assert(goes_on, "%s", world_failure(world)->checker);
}

static unsigned leader(void)
{
    for (unsigned who = 1; who <= PEERS; who++) {
        if (machine(who)->peer != NULL && peer_leads(machine(who)->peer))
            return who;
    }
    cr_assert_fail("nobody leads");
    return 0;
}

struct plan {
    struct arena arena;
    struct api_move moves[MOVES_MAX];
    size_t count;
};

static void plan_read(struct plan *p, unsigned at)
{
    struct api_plan *plan;
    int err = OK;
    arena_reset(&p->arena);
    p->count = 0;
    cr_assert_eq(peer_plan_open(machine(at)->peer, &plan), OK);
    while (err == OK || err == ERR_MORE) {
        cr_assert_lt(p->count, MOVES_MAX);
        p->moves[p->count] = (struct api_move){ 0 };
        err = peer_plan_next(plan, &p->arena, &p->moves[p->count]);
        p->count += err == OK;
    }
    cr_assert_eq(err, ERR_NOT_FOUND);
    peer_plan_close(plan);
}

static bool is_held_by(unsigned at, const struct cid *cid, const struct peer_id *ids, size_t count)
{
    struct arena arena = { 0 };
    struct pin pin;
    cr_assert_eq(peer_pin_get(machine(at)->peer, cid, &arena, &pin), OK);
    bool same = pin.allocations_count == count;
    for (size_t i = 0; same && i < count; i++)
        same = pin_is_held_by(&pin, &ids[i]);
    arena_deinit(&arena);
    return same;
}

static bool has_begun(unsigned at, const struct plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (!is_held_by(at, &p->moves[i].cid, p->moves[i].from, p->moves[i].from_count))
            return true;
    }
    return false;
}

/* Who is told nobody keeps its holders, the dead one among them. */
static size_t assert_is_done(unsigned at, const struct plan *p)
{
    size_t moved = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct api_move *m = &p->moves[i];
        bool moves = m->to_count > 0;
        cr_assert(is_held_by(at, &m->cid, moves ? m->to : m->from,
                             moves ? m->to_count : m->from_count),
                  "pin %zu of %zu: %zu holders, to %zu", i, p->count, m->from_count, m->to_count);
        bool stays = m->to_count == m->from_count;
        for (size_t k = 0; stays && k < m->to_count; k++)
            stays = peer_id_equal(&m->to[k], &m->from[k]);
        moved += moves && !stays;
    }
    return moved;
}

static void begin(uint64_t seed, bool repins)
{
    struct world_options o = { .seed = seed, .founders_count = PEERS };
    peer_options_default(&o.peer);
    o.peer.replication_min = o.peer.replication_max = 2;
    o.peer.repinning_disabled = !repins;
    o.peer.metric_ttl_us = TTL_US; /* what peers say of their daemons stays as it is meanwhile */
    o.peer.repin_after_us = PATIENCE_US - TTL_US;
    world = world_create(&o);
    play("peers 6\nstart all\nuntil ready all within 30s\n"
         "pin d1 d2 factor 6\npin e1..e5 factor everywhere\npin f1..f5 factor 5..6\n");
    for (unsigned i = 0; i < ROUNDS; i++) { /* each goes to who has the least by then */
        char steps[300];
        snprintf(steps, sizeof(steps),
                 "peers 6\npin a%u..a%u factor 2\npin b%u..b%u factor 2..3\npin c%u factor 1\n"
                 "wait 40s\n",
                 2 * i + 1, 2 * i + 2, 2 * i + 1, 2 * i + 2, i + 1);
        play(steps);
    }
}

/* As `read` plans it while `dead` is about to be replaced. */
static void moves_as_planned(unsigned dead, unsigned read)
{
    struct plan plans[2] = { 0 };
    struct plan *plan = &plans[0], *next = &plans[1];
    machine_crash(machine(dead));
    pass(SECOND);
    struct peer *p = machine(read)->peer;
    pass(PATIENCE_US - peer_standing_of(p, &machine(dead)->id).silent_us - 500 * MS);
    uint64_t give_up_us = world_time_us(world) + 2 * SECOND;
    do {
        struct plan *last = plan;
        plan = next;
        next = last;
        cr_assert_lt(world_time_us(world), give_up_us, "nothing moves");
        pass(50);
        plan_read(next, read);
    } while (plan->count == 0 || !has_begun(read, plan));
    cr_assert_gt(plan->count, 20);
    pass(10 * SECOND);
    size_t moved = assert_is_done(read, plan);
    cr_assert_gt(moved, 10);
    char steps[80];
    snprintf(steps, sizeof(steps), "peers 6\nexpect moved at most %zu\n", moved);
    play(steps);
    arena_deinit(&plans[0].arena);
    arena_deinit(&plans[1].arena);
}

Test(plan, the_leader_does_what_it_says)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        begin(seed, true);
        unsigned who = leader();
        moves_as_planned(who % PEERS + 1, who);
        world_destroy(world);
    }
}

Test(plan, the_leader_does_what_others_say)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        begin(seed, true);
        unsigned who = leader();
        moves_as_planned(who % PEERS + 1, (who + 1) % PEERS + 1);
        world_destroy(world);
    }
}

/* Its copies are there as long as others need them. */
Test(plan, who_is_drained_still_lives)
{
    struct plan plan = { 0 };
    begin(1, true);
    unsigned who = leader() % PEERS + 1;
    char steps[80];
    snprintf(steps, sizeof(steps), "peers 6\ndrain %u\n", who);
    play(steps);
    plan_read(&plan, leader());
    cr_assert_gt(plan.count, 0);
    for (size_t i = 0; i < plan.count; i++)
        cr_assert_eq(plan.moves[i].living, plan.moves[i].from_count);
    arena_deinit(&plan.arena);
    world_destroy(world);
}

/* What lost a copy is told, and that it stays. */
Test(plan, with_repinning_off_nothing_moves)
{
    struct plan plan = { 0 };
    begin(1, false);
    unsigned who = leader() % PEERS + 1;
    machine_crash(machine(who));
    pass(PATIENCE_US + 5 * SECOND);
    plan_read(&plan, leader());
    cr_assert_gt(plan.count, 20);
    for (size_t i = 0; i < plan.count; i++)
        cr_assert_eq(plan.moves[i].living, plan.moves[i].from_count - 1);
    cr_assert_eq(assert_is_done(leader(), &plan), 0);
    arena_deinit(&plan.arena);
    world_destroy(world);
}
