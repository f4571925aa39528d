/* The simulated world as a stage for scenarios. */
#include "sim/world/world_int.h"

#include <string.h>

#include "util/err.h"
#include "util/hash.h"

static uint64_t stage_now_us(void *impl)
{
    return world_time_us(impl);
}

static bool stage_pass(void *impl, uint64_t until_us)
{
    return world_pass(impl, until_us);
}

static uint64_t stage_choose(void *impl, uint64_t n)
{
    struct world *w = impl;
    return choose(&w->sim.choose, CHOICE_SCENARIO, 0, n);
}

/* ---- doing ---- */

static int stage_refuse(struct buf *why, unsigned who, const char *text)
{
    buf_printf(why, "peer %u %s", who, text);
    return ERR_INVALID;
}

static int stage_start(struct world *w, struct machine *m, unsigned via, struct buf *why)
{
    if (machine_is_running(m))
        return stage_refuse(why, m->who, "runs already");
    if (via == 0 && m->who > w->options.founders_count &&
        !m->was_started) /* it would found a cluster */
        return stage_refuse(why, m->who,
                            "is a spare: say through whom it joins, as start 4 joining 1");
    if (via != 0)
        machine_join_through(m, world_machine(w, via));
    int err = machine_start(m);
    if (err != OK)
        buf_printf(why, "peer %u does not start: %s", m->who, err_text(err));
    return err;
}

static int stage_wipe(struct machine *m, struct buf *why)
{
    if (machine_is_running(m))
        return stage_refuse(why, m->who, "runs: stop or crash it before its data is wiped");
    machine_wipe(m);
    return OK;
}

/* The operator takes all others out of its cluster_peers; with `accepts`, and starts it so. */
static int stage_edit(struct machine *m, bool accepts, struct buf *why)
{
    if (machine_is_running(m))
        return stage_refuse(why, m->who, "runs: its list of peers is edited while it is down");
    machine_edit_list(m);
    if (!accepts)
        return OK;
    int err = machine_accept(m);
    if (err != OK)
        buf_printf(why, "peer %u does not start: %s", m->who, err_text(err));
    return err;
}

static int stage_network(struct world *w, const struct script_network *n)
{
    struct fault_plan *p = &w->plan;
    if (n->calms)
        p->has[FAULT_DELAY] = false, p->loss_per_million = p->copies_per_million = 0,
        p->late_per_million = p->reorder_per_million = p->breaks_per_million = 0,
        p->refusals_per_million = p->mangled_per_million = p->http_breaks_per_million =
            p->http_refusals_per_million = 0;
    if (n->has_mangled)
        p->mangled_per_million = n->mangled_per_million;
    if (n->has_refusals)
        p->refusals_per_million = n->refusals_per_million;
    if (n->has_http_breaks)
        p->http_breaks_per_million = n->http_breaks_per_million;
    if (n->has_http_refusals)
        p->http_refusals_per_million = n->http_refusals_per_million;
    if (n->has_loss)
        p->loss_per_million = n->loss_per_million;
    if (n->has_copies)
        p->copies_per_million = n->copies_per_million;
    if (n->has_reorder)
        p->reorder_per_million = n->reorder_per_million;
    if (n->has_breaks)
        p->breaks_per_million = n->breaks_per_million;
    if (n->has_late) {
        p->late_per_million = n->late_per_million;
        p->late_us = n->late_us;
    }
    if (n->has_delay) {
        p->has[FAULT_DELAY] = true;
        p->delay_us = n->delay_min_us;
        p->jitter_us = n->delay_max_us - n->delay_min_us;
    }
    world_apply_network(w);
    return OK;
}

static void stage_lose_pins(struct world *w, struct machine *m, const struct script_step *step)
{
    struct content_walk walk = { .contents = &step->contents };
    struct bytes name;
    while (content_next(&walk, &name))
        (void)standin_lose_pin(m->ipfs, &world_content(w, name)->cid);
}

/* What does not fit is left out. */
static void stage_copy_text(char *out, size_t size, struct bytes text)
{
    size_t len = text.len < size ? text.len : size - 1;
    if (len > 0)
        memcpy(out, text.data, len);
    out[len] = '\0';
}

static int stage_ipfs(struct world *w, struct machine *m, const struct script_step *step)
{
    struct standin_faults faults = *standin_faults(m->ipfs);
    switch (step->ipfs) {
    case IPFS_WELL:
        faults = (struct standin_faults){ 0 };
        swarm_mute(w->swarm, m->who, false);
        break;
    case IPFS_SLOW:
        faults.slow_us = step->time_us;
        break;
    case IPFS_HANG:
        faults.hang = true;
        break;
    case IPFS_ERROR:
        faults.error_status = 500;
        stage_copy_text(faults.error_text, sizeof(faults.error_text), step->text);
        break;
    case IPFS_HALF:
        faults.half_answer = true;
        break;
    case IPFS_STALLS:
        faults.stall = true;
        break;
    case IPFS_GARBAGE:
        faults.garbage = true;
        break;
    case IPFS_REFUSE:
        faults.refuse_until_us = UINT64_MAX;
        break;
    case IPFS_MUTE:
        swarm_mute(w->swarm, m->who, true);
        break;
    case IPFS_DOWN:
    case IPFS_UP:
        machine_set_ipfs(m, step->ipfs == IPFS_UP);
        return OK;
    case IPFS_LOSES:
        stage_lose_pins(w, m, step);
        return OK;
    case IPFS_FORGETS:
        standin_lose_repo(m->ipfs);
        w->repos_lost += 1;
        return OK;
    case IPFS_LIES:
        faults.lies = true;
        faults.free_bytes = step->free_bytes;
        break;
    case IPFS_COLLECTS:
        machine_collect_garbage(m);
        return OK;
    }
    if (step->command.len > 0)
        stage_copy_text(faults.command, sizeof(faults.command), step->command);
    standin_set_faults(m->ipfs, &faults);
    return OK;
}

static int stage_disk_health(struct machine *m, enum disk_health health)
{
    for (unsigned room = 0; room < DISK_ROOMS_COUNT; room++)
        disk_set_health(m->disk, (enum disk_room_name)room, health);
    return OK;
}

static int stage_rot(struct machine *m, enum script_room room, struct buf *why)
{
    static const enum disk_room_name rooms[] = { [SCRIPT_ROOM_LOG] = DISK_LOG,
                                                 [SCRIPT_ROOM_STATE] = DISK_STATE,
                                                 [SCRIPT_ROOM_LOCAL] = DISK_LOCAL };
    bool has_rotted = machine_rot(m, rooms[room]);
    return has_rotted ? OK : stage_refuse(why, m->who, "has no record there that could rot");
}

static int stage_disk(struct machine *m, const struct script_step *step, struct buf *why)
{
    bool is_about_copies = step->disk == SCRIPT_DISK_COPIED || step->disk == SCRIPT_DISK_RESTORED;
    if (is_about_copies && machine_is_running(m))
        return stage_refuse(why, m->who, "runs: stop it before its disk is copied or restored");
    if (step->disk == SCRIPT_DISK_RESTORED && m->copy == NULL)
        return stage_refuse(why, m->who, "has no copy of its disk");
    switch (step->disk) {
    case SCRIPT_DISK_WELL:
        return stage_disk_health(m, DISK_WELL);
    case SCRIPT_DISK_SLOW:
        return stage_disk_health(m, DISK_SLOW);
    case SCRIPT_DISK_HUNG:
        return stage_disk_health(m, DISK_HUNG);
    case SCRIPT_DISK_FULL:
        return stage_disk_health(m, DISK_FULL);
    case SCRIPT_DISK_FAILING:
        return stage_disk_health(m, DISK_FAILING);
    case SCRIPT_DISK_COPIED:
        machine_copy_disk(m);
        return OK;
    case SCRIPT_DISK_RESTORED:
        machine_restore_disk(m);
        return OK;
    case SCRIPT_DISK_ROTS:
        return stage_rot(m, step->room, why);
    }
    return ERR_UNSUPPORTED;
}

static int stage_clock(struct machine *m, const struct script_step *step)
{
    if (step->is_drift)
        machine_set_drift(m, step->drift_ppm);
    else
        sim_clock_jump_wall(&m->clock, step->jump_us);
    return OK;
}

static int stage_content(struct world *w, unsigned who, const struct script_step *step)
{
    struct content_walk walk = { .contents = &step->contents };
    struct bytes name;
    while (content_next(&walk, &name)) {
        struct content *c = world_content(w, name);
        if (step->size_bytes > 0)
            c->size_bytes = step->size_bytes;
        if (who != 0)
            world_place_at(w, c, who);
        else if (step->nowhere)
            c->is_placed = true;
        else
            world_place(w, c);
    }
    return OK;
}

static int stage_act_world(struct world *w, const struct script_step *step)
{
    switch (step->verb) {
    case VERB_NETWORK:
        return stage_network(w, &step->network);
    case VERB_FAULTS:
        if (step->on)
            mishaps_begin(w, step->without);
        else
            mishaps_end(w);
        return OK;
    case VERB_CLIENTS:
        load_stop(w);
        if (step->on)
            load_start(w, step);
        return OK;
    case VERB_CONTENT:
        return stage_content(w, 0, step);
    default:
        return ERR_UNSUPPORTED;
    }
}

static int stage_act(void *impl, const struct script_step *step, unsigned who, unsigned other,
                     struct buf *why)
{
    struct world *w = impl;
    if (who == 0)
        return stage_act_world(w, step);
    struct machine *m = world_machine(w, who);
    switch (step->verb) {
    case VERB_START:
        return stage_start(w, m, other, why);
    case VERB_CRASH:
        if (!machine_is_running(m))
            return stage_refuse(why, who, "does not run");
        m->wants_up = false;
        machine_crash(m);
        return OK;
    case VERB_STOP:
        m->wants_up = false;
        machine_stop(m);
        return OK;
    case VERB_PAUSE:
        machine_pause(m);
        return OK;
    case VERB_RESUME:
        machine_resume(m);
        return OK;
    case VERB_WIPE:
        return stage_wipe(m, why);
    case VERB_EDIT:
    case VERB_ACCEPT:
        return stage_edit(m, step->verb == VERB_ACCEPT, why);
    case VERB_MOVE:
        if (machine_is_running(m))
            return stage_refuse(why, who, "runs: stop or crash it before it moves");
        net_move(w->net, who);
        return OK;
    case VERB_CUT:
        world_cut(w, who, other, true);
        return OK;
    case VERB_CLOG:
        world_clog(w, who, other);
        return OK;
    case VERB_HEAL:
        world_cut(w, who, other, false);
        return OK;
    case VERB_IPFS:
        return stage_ipfs(w, m, step);
    case VERB_DISK:
        return stage_disk(m, step, why);
    case VERB_CLOCK:
        return stage_clock(m, step);
    case VERB_MEMORY:
        machine_lack_memory(m, step->memory_after, step->memory_fails);
        return OK;
    case VERB_CONTENT:
        return stage_content(w, who, step);
    default:
        return ERR_UNSUPPORTED;
    }
}

/* ---- looking ---- */

static void stage_look(void *impl, unsigned who, struct stage_look *out)
{
    struct world *w = impl;
    const struct machine *m = world_machine(w, who);
    *out = (struct stage_look){ .was_started = m->was_started,
                                .is_running = machine_is_running(m),
                                .is_paused = m->state == MACHINE_PAUSED };
    if (m->peer == NULL)
        return;
    struct peer_glance glance;
    peer_look(m->peer, &glance);
    out->is_ready = glance.is_ready;
    out->is_receiving = glance.is_receiving;
    out->has_installed = checks_has_installed(w->checks, who);
    out->leads = glance.role == RAFT_LEADER;
    out->number = glance.number;
    out->term = glance.term;
    out->leader = glance.leader;
    out->applied = glance.applied;
    out->log_entries = glance.log_ends - glance.log_begins;
    out->members = checks_members(w->checks, who);
    out->voters = checks_voters(w->checks, who);
    out->state[0] = glance.state_hash[0];
    out->state[1] = glance.state_hash[1];
}

static struct cid stage_cid(void *impl, struct bytes content)
{
    return world_content(impl, content)->cid;
}

static bool stage_has_pin(void *impl, unsigned who, const struct cid *cid, bool is_direct)
{
    struct standin_pin pin;
    return standin_pin_find(world_machine(impl, who)->ipfs, cid, &pin) == OK &&
           (pin.direct || !is_direct);
}

struct extra_pins {
    const struct machine *machine;
    bool (*is_wanted)(void *owner, const struct cid *cid);
    void *owner;
    size_t count;
};

static void stage_look_at_pin(void *owner, const struct standin_pin *pin)
{
    struct extra_pins *e = owner;
    struct bytes key = { pin->cid.bytes, pin->cid.len };
    e->count += !e->is_wanted(e->owner, &pin->cid) && map_get(&e->machine->orphans, key) == NULL;
}

static size_t stage_extra_pins(void *impl, unsigned who,
                               bool (*is_wanted)(void *owner, const struct cid *cid), void *owner)
{
    struct extra_pins e = { world_machine(impl, who), is_wanted, owner, 0 };
    standin_pins_visit(e.machine->ipfs, stage_look_at_pin, &e);
    return e.count;
}

static uint64_t stage_moves(void *impl)
{
    struct world *w = impl;
    return checks_counts(w->checks).repins;
}

static struct peer_id stage_peer_id(void *impl, unsigned who)
{
    return world_machine(impl, who)->id;
}

/* ---- asking ---- */

static void *stage_ask(void *impl, unsigned who, const struct stage_question *question)
{
    return write_ask(impl, who, question);
}

static void stage_send(void *impl, unsigned who, const struct stage_question *question)
{
    write_let_go(write_ask(impl, who, question));
}

static const struct stage_answer *stage_answer(void *impl, void *asked)
{
    (void)impl;
    return write_answer(asked);
}

static void stage_forget(void *impl, void *asked)
{
    (void)impl;
    write_forget(asked);
}

static bool stage_audit(void *impl, const struct listing *state, struct buf *why)
{
    struct world *w = impl;
    uint32_t running = 0;
    for (unsigned who = 1; who <= w->machines_count; who++)
        running |= (uint32_t)(w->machines[who].state == MACHINE_UP) << (who - 1);
    for (unsigned who = 1; who <= w->machines_count; who++) {
        const struct machine *m = &w->machines[who];
        if (m->state == MACHINE_UP && !m->list_is_edited &&
            !checks_audit_list(w->checks, who, m->others, m->others_count, running, why))
            return false;
    }
    return checks_audit(w->checks, state, why);
}

static bool stage_is_cut(void *impl, unsigned from, unsigned to)
{
    const struct world *w = impl;
    return net_is_stopped(w->net, from, to);
}

static uint64_t stage_waiting(void *impl, unsigned from, unsigned to)
{
    const struct world *w = impl;
    return net_waiting(w->net, from, to);
}

static void stage_ails(void *impl, unsigned who, struct buf *out)
{
    static const char *const disks[] = {
        [DISK_SLOW] = "slow", [DISK_HUNG] = "hung", [DISK_FULL] = "full", [DISK_FAILING] = "failing"
    };
    struct world *w = impl;
    const struct machine *m = world_machine(w, who);
    const struct standin_faults *f = standin_faults(m->ipfs);
    if (!m->was_started)
        return;
    if (!disk_is_well(m->disk))
        buf_printf(out, ", its disk is %s", disks[disk_worst(m->disk)]);
    if (m->memory.fails > 0)
        buf_append_text(out, ", it lacks memory");
    if (!m->ipfs_is_up || f->refuse_until_us > w->sim.now_us)
        buf_append_text(out, ", its daemon is down");
    else if (f->slow_us > 0 || f->hang || f->error_status != 0 || f->half_answer || f->stall ||
             f->garbage || f->lies)
        buf_printf(out, ", its daemon is not well%s%s", f->command[0] != '\0' ? " at " : "",
                   f->command);
}

static void stage_on_step(void *impl, const struct script_step *step)
{
    struct world *w = impl;
    const struct world_hooks_out *hooks = &w->options.hooks;
    if (hooks->on_step != NULL)
        hooks->on_step(hooks->owner, w->sim.now_us, step);
    sim_note(&w->sim, SIM_STEP, 0, step->line);
    trace_line(&w->sim.trace, w->sim.now_us, 0, "line %u", step->line);
}

struct stage world_stage(struct world *w)
{
    static const struct stage_ops ops = { .now_us = stage_now_us,
                                          .pass = stage_pass,
                                          .choose = stage_choose,
                                          .act = stage_act,
                                          .look = stage_look,
                                          .cid = stage_cid,
                                          .has_pin = stage_has_pin,
                                          .extra_pins = stage_extra_pins,
                                          .moves = stage_moves,
                                          .peer_id = stage_peer_id,
                                          .ask = stage_ask,
                                          .send = stage_send,
                                          .answer = stage_answer,
                                          .forget = stage_forget,
                                          .audit = stage_audit,
                                          .is_cut = stage_is_cut,
                                          .waiting = stage_waiting,
                                          .ails = stage_ails,
                                          .on_step = stage_on_step };
    return (struct stage){ &ops, w };
}
