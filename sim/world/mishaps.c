/* The fault plan, carried out: every class of lasting fault has a rhythm of its own, strikes a machine (or a path)
 * that the run chooses, and is healed when its time is over, or when the faults are called off.
 *
 *      gap --> strike: choose a victim --> lasts --> heal --> gap --> ...
 *
 * At most one fault of a class at a time. Crashes may take a majority away; that is legitimate as long as all come
 * back: what a quorum has on disk must survive any crash. */
#include "sim/world/world_int.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

struct mishap {
    struct world *world;
    enum fault_class class;
    struct event_id event;
    bool is_on;
    unsigned victim;
    unsigned other; /* the far end of a one-way cut */
    uint32_t side;  /* of a cut: those that are cut off, as bits */
    unsigned deed;
};

struct mishaps {
    struct mishap list[FAULT_CLASSES_COUNT];
    unsigned drift_deeds[WORLD_MACHINES_MAX + 1];
};

/* Those that came later draw from a lane of their own: to all the others a run is what it was before. */
static uint64_t mishap_choose(struct mishap *h, uint64_t low, uint64_t high)
{
    unsigned lane = h->class < FAULT_JOINS   ? 0
                    : h->class < FAULT_CLOGS ? MISHAP_LANE_LATER
                                             : MISHAP_LANE_LAST;
    return choose_between(&h->world->sim.choose, CHOICE_MISHAP, lane, low, high);
}

/* ---- single faults ---- */

/* What the plan says of frames and requests goes to where they pass. */
void world_apply_network(struct world *w)
{
    const struct fault_plan *p = &w->plan;
    struct net_options *o = net_options(w->net);
    net_options_default(o);
    if (p->has[FAULT_DELAY]) {
        o->delay_us = p->delay_us;
        o->jitter_us = p->jitter_us;
    }
    o->tail_per_million = p->late_per_million;
    o->tail_us = p->late_us;
    o->reorder_per_million = p->reorder_per_million;
    o->break_per_million = p->breaks_per_million;
    o->mangle_per_million = p->mangled_per_million;
    bool loses = p->loss_per_million > 0 || p->refusals_per_million > 0 ||
                 p->breaks_per_million > 0 || p->mangled_per_million > 0;
    checks_on_network(w->checks, loses, o->delay_us + o->jitter_us,
                      p->late_per_million > 0 ? p->late_us : 0);
    for (unsigned who = 1; who <= w->machines_count; who++) {
        w->machines[who].http.options.break_per_million = p->http_breaks_per_million;
        w->machines[who].http.options.refuse_per_million = p->http_refusals_per_million;
    }
}

/* ---- cuts ---- */

static void mishap_cut(struct mishap *h, bool cut)
{
    struct world *w = h->world;
    deed_tell_sides(w, h->deed, cut ? "cut" : "heal", h->side);
    for (unsigned a = 1; a <= w->machines_count; a++)
        for (unsigned b = 1; b <= w->machines_count; b++) {
            bool a_in = (h->side >> (a - 1) & 1) != 0, b_in = (h->side >> (b - 1) & 1) != 0;
            if (a_in == b_in)
                continue;
            world_cut(w, a, b, cut);
        }
}

static void mishap_cut_strikes(struct mishap *h)
{
    unsigned count = h->world->machines_count;
    /* One alone, or any two sides. */
    if (mishap_choose(h, 0, 1) == 0)
        h->side = (uint32_t)1 << (h->victim - 1);
    else
        h->side = (uint32_t)mishap_choose(h, 1, ((uint64_t)1 << count) - 1);
    mishap_cut(h, true);
}

static void mishap_one_way(struct mishap *h, bool cut)
{
    if (h->victim == h->other)
        return;
    deed_tell(h->world, h->deed, "%s %u -> %u", cut ? "cut" : "heal", h->victim, h->other);
    world_cut(h->world, h->victim, h->other, cut);
}

static void mishap_clog(struct mishap *h, bool on)
{
    if (h->victim == h->other)
        return;
    deed_tell(h->world, h->deed, "%s %u -> %u", on ? "clog" : "heal", h->victim, h->other);
    if (on)
        world_clog(h->world, h->victim, h->other);
    else
        world_cut(h->world, h->victim, h->other, false);
}

static void mishap_bridge(struct mishap *h, bool on)
{
    if (on)
        h->side = (uint32_t)mishap_choose(h, 1, ((uint64_t)1 << h->world->machines_count) - 1);
    shape_bridge(h->world, h->deed, h->victim, h->side, on);
}

/* ---- machines ---- */

static void mishap_disk(struct mishap *h, struct machine *m, enum disk_health health)
{
    static const char *const words[] = { [DISK_WELL] = "well",
                                         [DISK_SLOW] = "slow",
                                         [DISK_HUNG] = "hung",
                                         [DISK_FULL] = "full",
                                         [DISK_FAILING] = "failing" };
    deed_tell(h->world, h->deed, "disk %u %s", m->who, words[health]);
    for (unsigned room = 0; room < DISK_ROOMS_COUNT; room++)
        disk_set_health(m->disk, (enum disk_room_name)room, health);
}

static enum disk_health mishap_health(enum fault_class class)
{
    return class == FAULT_SLOW_DISKS   ? DISK_SLOW
           : class == FAULT_HUNG_DISKS ? DISK_HUNG
           : class == FAULT_FULL_DISKS ? DISK_FULL
                                       : DISK_FAILING;
}

static void mishap_tell_ipfs(struct mishap *h, const struct machine *m,
                             const struct standin_faults *faults)
{
    struct world *w = h->world;
    const struct standin_faults *old = standin_faults(m->ipfs);
    const char *on = faults->command[0] != '\0' ? " on " : "";
    if (old->slow_us > 0 || old->hang || old->error_status > 0 || old->half_answer ||
        old->garbage || old->lies)
        deed_tell(w, h->deed, "ipfs %u well", m->who); /* a step adds a fault, this replaces it */
    if (faults->slow_us > 0)
        deed_tell(w, h->deed, "ipfs %u slow %lluus%s%s", m->who,
                  (unsigned long long)faults->slow_us, on, faults->command);
    else if (faults->hang)
        deed_tell(w, h->deed, "ipfs %u hang%s%s", m->who, on, faults->command);
    else if (faults->error_status > 0)
        deed_tell(w, h->deed, "ipfs %u error \"%s\"%s%s", m->who, faults->error_text, on,
                  faults->command);
    if (faults->half_answer)
        deed_tell(w, h->deed, "ipfs %u half%s%s", m->who, on, faults->command);
    if (faults->garbage)
        deed_tell(w, h->deed, "ipfs %u garbage%s%s", m->who, on, faults->command);
    if (faults->lies)
        deed_tell(w, h->deed, "ipfs %u lies %llu", m->who, (unsigned long long)faults->free_bytes);
}

/* One of the commands that peers ask of it, in one of the ways in which Kubo documents that it goes wrong. "Not pinned" is
 * none of them: said of what is pinned it is a lie that nobody could see through. */
static void mishap_picky(struct mishap *h, struct standin_faults *faults)
{
    static const char *const commands[] = { "pin/ls",    "pin/add",     "pin/rm",
                                            "repo/stat", "swarm/peers", "id",
                                            "block/put", "pin/update",  "swarm/connect" };
    static const char *const errors[] = { "context deadline exceeded", "no space left on device",
                                          "block was not found locally (offline)",
                                          "lock is held by another process",
                                          "the daemon is shutting down" };
    const char *command = commands[mishap_choose(h, 0, sizeof(commands) / sizeof(commands[0]) - 1)];
    const char *error = errors[mishap_choose(h, 0, sizeof(errors) / sizeof(errors[0]) - 1)];
    memcpy(faults->command, command, strlen(command) + 1);
    switch (mishap_choose(h, 0, 4)) {
    case 0:
        faults->slow_us = choose_scale(&h->world->sim.choose, CHOICE_MISHAP, MISHAP_LANE_LATER,
                                       10000, 30 * 1000 * 1000);
        break;
    case 1:
        faults->hang = true;
        break;
    case 2:
        faults->half_answer = true;
        break;
    case 3:
        faults->garbage = true;
        break;
    default:
        faults->error_status = 500;
        memcpy(faults->error_text, error, strlen(error) + 1);
    }
}

static void mishap_liar(struct mishap *h, struct standin_faults *faults)
{
    faults->lies = true;
    if (mishap_choose(h, 0, 1) == 1)
        faults->free_bytes = (uint64_t)1 << mishap_choose(h, 10, 33);
}

static void mishap_ipfs(struct mishap *h, struct machine *m, bool on)
{
    struct standin_faults faults = { 0 };
    if (on && h->class == FAULT_SLOW_IPFS)
        faults.slow_us = h->world->plan.slow_ipfs_us;
    if (on && h->class == FAULT_HANGING_IPFS)
        faults.hang = true;
    if (on && h->class == FAULT_ERRING_IPFS) {
        faults.error_status = 500;
        memcpy(faults.error_text, "injected", sizeof("injected"));
        faults.half_answer = mishap_choose(h, 0, 3) == 3;
        faults.garbage = mishap_choose(h, 0, 7) == 7;
    }
    if (on && h->class == FAULT_PICKY_IPFS)
        mishap_picky(h, &faults);
    if (on && h->class == FAULT_LYING_IPFS)
        mishap_liar(h, &faults);
    mishap_tell_ipfs(h, m, &faults);
    standin_set_faults(m->ipfs, &faults);
}

static void mishap_jump(struct mishap *h, struct machine *m)
{
    int64_t by_us = (int64_t)mishap_choose(h, 0, h->world->plan.wall_jump_max_us);
    bool ahead = mishap_choose(h, 0, 1) == 0;
    deed_tell(h->world, h->deed, "clock %u wall %c%lluus", m->who, ahead ? '+' : '-',
              (unsigned long long)by_us);
    sim_clock_jump_wall(&m->clock, ahead ? by_us : -by_us);
}

struct pin_pick {
    uint64_t nth;
    uint64_t best;
    struct cid cid;
    bool found;
};

/* The visit has no promised order: the pick goes by a hash of the CID. */
static void mishap_pick_pin(void *owner, const struct standin_pin *pin)
{
    struct pin_pick *pick = owner;
    uint64_t rank = hash64(pick->nth, pin->cid.bytes, pin->cid.len);
    if (!pick->found || rank < pick->best) {
        pick->found = true;
        pick->best = rank;
        pick->cid = pin->cid;
    }
}

static void mishap_lose_pin(struct mishap *h, struct machine *m)
{
    struct pin_pick pick = { .nth = mishap_choose(h, 0, 1000000) };
    standin_pins_visit(m->ipfs, mishap_pick_pin, &pick);
    if (pick.found)
        deed_tell_lost_pin(h->world, h->deed, m->who, &pick.cid);
    if (pick.found)
        (void)standin_lose_pin(m->ipfs, &pick.cid);
}

static void mishap_collect(struct mishap *h, struct machine *m)
{
    deed_tell(h->world, h->deed, "ipfs %u collects", m->who);
    machine_collect_garbage(m);
}

static void mishap_start(struct mishap *h, struct machine *m)
{
    if (m->state != MACHINE_OFF || !m->wants_up)
        return;
    deed_tell(h->world, h->deed, "try start %u", m->who);
    (void)machine_start(m);
}

/* A process that ends, one way or another, or stands still. */
static void mishap_process(struct mishap *h, struct machine *m, bool on)
{
    static const char *const words[][2] = { { "resume", "pause" },
                                            { "", "try crash" },
                                            { "", "stop" } };
    unsigned row = h->class == FAULT_PAUSES ? 0 : h->class == FAULT_CRASHES ? 1 : 2;
    if (words[row][on][0] != '\0' && m->state != MACHINE_OFF)
        deed_tell(h->world, h->deed, "%s %u", words[row][on], m->who);
    if (h->class == FAULT_PAUSES && on)
        machine_pause(m);
    else if (h->class == FAULT_PAUSES)
        machine_resume(m);
    else if (!on)
        mishap_start(h, m);
    else if (h->class == FAULT_CRASHES)
        machine_crash(m);
    else
        machine_stop(m);
}

static void mishap_memory(struct mishap *h, struct machine *m, bool on)
{
    uint64_t after = choose_scale(&h->world->sim.choose, CHOICE_MISHAP, 0, 1, 4000) - 1;
    uint64_t fails = on ? choose_scale(&h->world->sim.choose, CHOICE_MISHAP, 0, 1, 16) : 0;
    if (on)
        deed_tell(h->world, h->deed, "memory %u lacks %llu %llu", m->who, (unsigned long long)after,
                  (unsigned long long)fails);
    else
        deed_tell(h->world, h->deed, "memory %u well", m->who);
    machine_lack_memory(m, after, fails);
}

/* ---- what a disk had is lost ---- */

static void mishap_rot(struct mishap *h, struct machine *m)
{
    static const struct {
        enum disk_room_name name;
        const char *word;
    } rooms[] = { { DISK_LOG, "log" }, { DISK_STATE, "state" }, { DISK_LOCAL, "local" } };
    uint64_t room = mishap_choose(h, 0, 2);
    if (machine_rot(m, rooms[room].name))
        deed_tell(h->world, h->deed, "disk %u rots %s", m->who, rooms[room].word);
}

/* The machine goes, and comes back with an empty disk. */
static void mishap_lose_disk(struct mishap *h, struct machine *m, bool on)
{
    if (!on) {
        mishap_start(h, m);
        return;
    }
    if (!m->cluster_id_is_known)
        return; /* it is new to the cluster, and could found another one */
    if (m->state != MACHINE_OFF)
        deed_tell(h->world, h->deed, "try crash %u", m->who);
    machine_crash(m);
    deed_tell(h->world, h->deed, "wipe %u", m->who);
    machine_wipe(m);
}

/* ---- striking and healing ---- */

static void mishap_parts(struct mishap *h, bool on)
{
    if (h->class == FAULT_CUTS && on)
        mishap_cut_strikes(h);
    else if (h->class == FAULT_CUTS)
        mishap_cut(h, false);
    else if (h->class == FAULT_ONE_WAY)
        mishap_one_way(h, on);
    else if (h->class == FAULT_CLOGS)
        mishap_clog(h, on);
    else if (h->class == FAULT_RINGS)
        shape_ring(h->world, h->deed, on);
    else
        mishap_bridge(h, on);
}

/* What does not last. */
static void mishap_once(struct mishap *h, struct machine *m)
{
    if (h->class == FAULT_ROT)
        mishap_rot(h, m);
    else if (h->class == FAULT_WALL_JUMPS)
        mishap_jump(h, m);
    else if (h->class == FAULT_LOST_PINS)
        mishap_lose_pin(h, m);
    else
        mishap_collect(h, m);
}

static void mishap_members(struct mishap *h, bool on)
{
    struct world *w = h->world;
    if (h->class == FAULT_DRAINS)
        members_drain(w, h->deed, h->victim, on);
    else if (h->class == FAULT_JOINS && on)
        members_join(w, h->deed);
    else if (h->class == FAULT_REMOVALS && on)
        members_remove(w, h->deed, h->victim);
    else if (h->class == FAULT_REMOVALS)
        members_return(w, h->deed, h->victim);
}

static void mishap_set(struct mishap *h, bool on)
{
    struct machine *m = world_machine(h->world, h->victim);
    if (on)
        h->deed = deed_begin(h->world);
    switch (h->class) {
    case FAULT_CUTS:
    case FAULT_ONE_WAY:
    case FAULT_RINGS:
    case FAULT_BRIDGES:
    case FAULT_CLOGS:
        mishap_parts(h, on);
        break;
    case FAULT_CRASHES:
    case FAULT_STOPS:
    case FAULT_PAUSES:
        mishap_process(h, m, on);
        break;
    case FAULT_SLOW_DISKS:
    case FAULT_HUNG_DISKS:
    case FAULT_FULL_DISKS:
    case FAULT_FAILING_DISKS: /* the peer gives up, as it should */
        mishap_disk(h, m, on ? mishap_health(h->class) : DISK_WELL);
        break;
    case FAULT_ROT:
    case FAULT_WALL_JUMPS:
    case FAULT_LOST_PINS:
    case FAULT_COLLECTS:
        if (on)
            mishap_once(h, m);
        break;
    case FAULT_LOST_DISKS:
        mishap_lose_disk(h, m, on);
        break;
    case FAULT_MEMORY:
        mishap_memory(h, m, on);
        break;
    case FAULT_SLOW_IPFS:
    case FAULT_HANGING_IPFS:
    case FAULT_ERRING_IPFS:
    case FAULT_PICKY_IPFS:
    case FAULT_LYING_IPFS:
        mishap_ipfs(h, m, on);
        break;
    case FAULT_DEAD_IPFS:
        deed_tell(h->world, h->deed, "ipfs %u %s", m->who, on ? "down" : "up");
        machine_set_ipfs(m, !on);
        break;
    case FAULT_JOINS:
    case FAULT_REMOVALS:
    case FAULT_DRAINS:
        mishap_members(h, on);
        break;
    case FAULT_LOSS:
    case FAULT_COPIES:
    case FAULT_REFUSALS:
    case FAULT_DELAY:
    case FAULT_LATE:
    case FAULT_REORDER:
    case FAULT_BREAKS:
    case FAULT_MANGLED:
    case FAULT_DRIFT:
    case FAULT_HTTP:
    case FAULT_CLASSES_COUNT:
        break;
    }
    h->is_on = on;
    trace_line(&h->world->sim.trace, h->world->sim.now_us, h->victim, "%s %s",
               fault_class_name(h->class), on ? "begin" : "end");
}

static void mishap_event(void *arg);

static void mishap_schedule(struct mishap *h, uint64_t low_us, uint64_t high_us)
{
    h->event = sim_at(&h->world->sim, mishap_choose(h, low_us, high_us), SIM_MISHAP, 0,
                      (uint64_t)h->class, mishap_event, h);
}

static bool mishap_is_of_the_weak(enum fault_class class)
{
    return class == FAULT_ROT || class == FAULT_LOST_DISKS;
}

static void mishap_event(void *arg)
{
    struct mishap *h = arg;
    const struct fault_rhythm *r = &h->world->plan.rhythms[h->class];
    h->event = (struct event_id){ 0 };
    if (h->is_on) {
        mishap_set(h, false);
        mishap_schedule(h, r->gap_min_us, r->gap_max_us);
        return;
    }
    h->victim = (unsigned)mishap_choose(h, 1, h->world->machines_count);
    h->other = (unsigned)mishap_choose(h, 1, h->world->machines_count);
    if (mishap_is_of_the_weak(h->class))
        h->victim = h->world->plan.weak;
    if (h->class == FAULT_WALL_JUMPS)
        h->victim = h->world->plan.liar;
    mishap_set(h, true);
    mishap_schedule(h, r->lasts_min_us, r->lasts_max_us);
}

/* ---- all of them ---- */

static uint64_t world_plan_dice(void *impl, uint64_t n)
{
    struct world *w = impl;
    return choose(&w->sim.choose, CHOICE_PLAN, 0, n);
}

static uint64_t world_plan_later(void *impl, uint64_t n)
{
    enum { LANE = 3 }; /* behind those of world.c */
    struct world *w = impl;
    return choose(&w->sim.choose, CHOICE_PLAN, LANE, n);
}

static void mishaps_set_drift(struct world *w, unsigned who, int64_t ppm)
{
    unsigned deed = w->mishaps->drift_deeds[who];
    if (ppm != 0)
        deed = w->mishaps->drift_deeds[who] = deed_begin(w);
    if (deed != 0)
        deed_tell(w, deed, "clock %u drift %s %llu", who, ppm < 0 ? "slow" : "fast",
                  (unsigned long long)(ppm < 0 ? -ppm : ppm));
    machine_set_drift(&w->machines[who], ppm);
}

static void mishaps_drift(struct world *w)
{
    int64_t max = w->plan.drift_max_ppm;
    for (unsigned who = 1; who <= w->machines_count; who++) {
        int64_t ppm = (int64_t)choose(&w->sim.choose, CHOICE_CLOCK, who, (uint64_t)(2 * max + 1));
        mishaps_set_drift(w, who, max == 0 ? 0 : ppm - max);
    }
}

static bool mishap_is_of_network(enum fault_class class)
{
    return class == FAULT_LOSS || class == FAULT_COPIES || class == FAULT_REFUSALS ||
           class == FAULT_DELAY || class == FAULT_LATE || class == FAULT_REORDER ||
           class == FAULT_BREAKS || class == FAULT_MANGLED || class == FAULT_HTTP;
}

void mishaps_begin(struct world *w, uint64_t without)
{
    struct fault_dice dice = { world_plan_dice, w }, later = { world_plan_later, w };
    mishaps_end(w);
    w->is_supervised = true;
    fault_plan_draw(&w->plan, &dice, &later, w->machines_count);
    fault_plan_spare(&w->plan, without);
    buf_clear(&w->faults);
    fault_plan_print(&w->plan, &w->faults);
    trace_line(&w->sim.trace, w->sim.now_us, 0, "faults: %s", buf_text(&w->faults));
    world_apply_network(w);
    w->mishaps = mem_zalloc(sizeof(*w->mishaps));
    ASSERT(w->mishaps != NULL);
    mishaps_drift(w);
    for (unsigned class = 0; class < FAULT_CLASSES_COUNT; class ++) {
        struct mishap *h = &w->mishaps->list[class];
        *h = (struct mishap){
            .world = w, .class = (enum fault_class) class, .victim = 1, .other = 1
        };
        h->deed = deed_begin(w);
        deed_tell_network(w, h->deed, h->class);
        const struct fault_rhythm *r = &w->plan.rhythms[class];
        if (r->gap_min_us > 0)
            mishap_schedule(h, 1, r->gap_max_us);
    }
}

void mishaps_end(struct world *w)
{
    const struct fault_plan old = w->plan;
    fault_plan_none(&w->plan);
    world_apply_network(w);
    if (w->mishaps == NULL)
        return;
    for (unsigned who = 1; who <= w->machines_count; who++)
        mishaps_set_drift(w, who, 0);
    for (unsigned class = 0; class < FAULT_CLASSES_COUNT; class ++) {
        struct mishap *h = &w->mishaps->list[class];
        if (h->is_on)
            mishap_set(h, false);
        if (old.has[class] && mishap_is_of_network(h->class))
            deed_tell(w, h->deed, "network calm");
    }
    mishaps_forget(w);
}

void mishaps_forget(struct world *w)
{
    if (w->mishaps == NULL)
        return;
    for (unsigned class = 0; class < FAULT_CLASSES_COUNT; class ++)
        sim_cancel(&w->sim, &w->mishaps->list[class].event);
    mem_free(w->mishaps);
    w->mishaps = NULL;
}
