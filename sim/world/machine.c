/* One machine. Its process lives between machine_start() and machine_end(); the disk, the clocks, the IPFS daemon
 * and the few files beside the data folder stay. */
#include "sim/world/world_int.h"

#include <string.h>

#include "sim/report/facts.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

#define RESTART_PAUSE_US    ((uint64_t)100 * 1000)
#define SUPERVISOR_PAUSE_US ((uint64_t)1000 * 1000)
#define UPTIME_LEFT_MAX_US  ((uint64_t)120 * 1000 * 1000)

struct machine *world_machine(struct world *w, unsigned who)
{
    ASSERT(who >= 1 && who <= w->machines_count);
    return &w->machines[who];
}

/* ---- what the disk asks of the kernel ---- */

static uint64_t machine_now_us(void *impl)
{
    const struct machine *m = impl;
    return m->world->sim.now_us;
}

static void machine_at(void *impl, uint64_t delay_us, void (*run)(void *arg), void *arg)
{
    struct machine *m = impl;
    sim_at(&m->world->sim, delay_us, SIM_DISK, m->who, 0, run, arg);
}

static uint64_t machine_choose(void *impl, enum world_purpose purpose, uint64_t n)
{
    struct machine *m = impl;
    enum choice_kind kind = CHOICE_DISK_DELAY;
    switch (purpose) {
    case WORLD_DISK_DELAY:
        kind = CHOICE_DISK_DELAY;
        break;
    case WORLD_DISK_GROUP:
        kind = CHOICE_DISK_GROUP;
        break;
    case WORLD_DISK_FAULT:
        kind = CHOICE_DISK_FAULT;
        break;
    case WORLD_DISK_CRASH:
        kind = CHOICE_DISK_CRASH;
        break;
    case WORLD_DISK_DAMAGE:
        kind = CHOICE_DISK_DAMAGE;
        break;
    }
    return choose(&m->world->sim.choose, kind, m->who, n);
}

static uint64_t machine_frame_dice(void *impl, uint64_t n)
{
    struct machine *m = impl;
    return choose(&m->world->sim.choose, CHOICE_NET_FAULT, m->who, n);
}

/* ---- the IPFS daemon ---- */

static bool machine_ipfs_accepts(void *owner)
{
    const struct machine *m = owner;
    return m->ipfs_is_up && !standin_refuses(m->ipfs);
}

static void machine_ipfs_request(void *owner, struct http_exchange *x)
{
    struct machine *m = owner;
    standin_on_request(m->ipfs, x);
}

void machine_set_ipfs(struct machine *m, bool up)
{
    struct world *w = m->world;
    if (m->ipfs_is_up == up)
        return;
    m->ipfs_is_up = up;
    if (up) {
        struct multiaddr addr;
        int err = multiaddr_parse(&addr, m->ipfs_address);
        ASSERT(err == OK);
        swarm_join(w->swarm, m->who, m->ipfs, &addr);
        swarm_link(w->swarm, 0, m->who);
    } else {
        swarm_leave(w->swarm, m->who);
        standin_restart(m->ipfs);
    }
}

/* ---- what the peer tells ---- */

static void machine_rearm(struct machine *m);

static void machine_on_deadline(void *arg)
{
    struct machine *m = arg;
    m->timer = (struct event_id){ 0 };
    if (m->peer == NULL)
        return;
    struct fault_memory *before = fault_memory_enter(&m->memory);
    peer_on_deadline(m->peer);
    fault_memory_back(before);
    if (!event_queue_has(&m->world->sim.queue, m->timer)) /* else machine_on_wake() has done it */
        machine_rearm(m);
}

static void machine_rearm(struct machine *m)
{
    struct sim *sim = &m->world->sim;
    if (m->peer == NULL)
        return;
    uint64_t due_us = peer_next_deadline_us(m->peer);
    if (due_us == MONO_NEVER) {
        sim_cancel(sim, &m->timer);
        return;
    }
    uint64_t at_us = sim_clock_when(&m->clock, due_us);
    if (at_us == m->armed_us && event_queue_has(&sim->queue, m->timer))
        return;
    m->armed_us = at_us;
    sim_at_again(sim, &m->timer, at_us, SIM_TIMER, m->who, machine_on_deadline, m);
}

/* What was added and not pinned yet may be among it. */
void machine_collect_garbage(struct machine *m)
{
    if (standin_collect(m->ipfs))
        m->world->repos_lost += 1;
}

void machine_lack_memory(struct machine *m, uint64_t after, uint64_t fails)
{
    m->memory.left = after;
    m->memory.fails = fails;
    checks_on_memory(m->world->checks, m->who, fails > 0);
}

void machine_set_drift(struct machine *m, int64_t ppm)
{
    sim_clock_set_drift(&m->clock, ppm);
    machine_rearm(m);
}

/* What the peer calls is the world again: its memory is not the peer's. */
static void machine_on_wake(void *owner)
{
    struct fault_memory *before = fault_memory_enter(NULL);
    machine_rearm(owner);
    fault_memory_back(before);
}

static void machine_on_ready(void *owner)
{
    struct machine *m = owner;
    struct fault_memory *before = fault_memory_enter(NULL);
    checks_on_ready(m->world->checks, m->who);
    trace_line(&m->world->sim.trace, m->world->sim.now_us, m->who, "ready");
    fault_memory_back(before);
}

static void machine_set_addresses(struct peer_address **list, size_t *count,
                                  const struct peer_address *from, size_t from_count)
{
    struct peer_address *copy = NULL;
    if (from_count > 0) {
        copy = mem_array(from_count, sizeof(*copy));
        ASSERT(copy != NULL);
        memcpy(copy, from, from_count * sizeof(*copy));
    }
    mem_free(*list);
    *list = copy;
    *count = from_count;
}

static void machine_on_members(void *owner, const struct peer_address *others, size_t count)
{
    struct machine *m = owner;
    struct fault_memory *before = fault_memory_enter(NULL);
    machine_set_addresses(&m->others, &m->others_count, others, count);
    fault_memory_back(before);
    m->list_is_edited = false;
}

static void machine_on_cluster_id(void *owner, const uint8_t cluster_id[PEER_CLUSTER_ID_BYTES])
{
    struct machine *m = owner;
    memcpy(m->cluster_id, cluster_id, PEER_CLUSTER_ID_BYTES);
    m->cluster_id_is_known = true;
}

static uint64_t fact_hash(const struct peer_fact *f)
{
    uint64_t words[] = { f->kind,          f->number,    f->term,      f->index, f->role,
                         f->leader,        f->voted_for, f->last_term, f->hash,  f->state_hash[0],
                         f->state_hash[1], f->about,     f->liveness };
    return hash64(0, words, sizeof(words));
}

static void machine_on_fact(void *owner, const struct peer_fact *fact)
{
    struct machine *m = owner;
    struct world *w = m->world;
    struct fault_memory *before = fault_memory_enter(NULL);
    sim_note(&w->sim, SIM_FACT, m->who, fact_hash(fact));
    report_fact(&w->sim.trace, w->sim.now_us, m->who, fact);
    checks_on_fact(w->checks, m->who, fact);
    fault_memory_back(before);
}

static void machine_on_log(void *impl, const struct log_line *line)
{
    struct machine *m = impl;
    const struct world_hooks_out *hooks = &m->world->options.hooks;
    if (hooks->on_log != NULL)
        hooks->on_log(hooks->owner, m->world->sim.now_us, m->who, line);
}

/* ---- the end of a process ---- */

struct orphan {
    struct list_link link;
    struct cid cid;
};

static void machine_add_orphan(void *owner, const struct standin_pin *pin)
{
    struct machine *m = owner;
    struct orphan *o = mem_alloc(sizeof(*o));
    ASSERT(o != NULL);
    o->cid = pin->cid;
    if (map_put(&m->orphans, (struct bytes){ o->cid.bytes, o->cid.len }, o) == OK)
        list_push_back(&m->orphans_list, &o->link);
    else
        mem_free(o);
}

static void machine_lose_data(struct machine *m)
{
    disk_wipe(m->disk);
    checks_on_wipe(m->world->checks, m->who);
    standin_pins_visit(m->ipfs, machine_add_orphan, m);
}

static void machine_forget_peer(struct machine *m, bool silently)
{
    struct world *w = m->world;
    sim_thaw(&w->sim, m->who);
    sim_cancel(&w->sim, &m->timer);
    sim_cancel(&w->sim, &m->burial);
    net_detach(w->net, m->who, silently);
    peer_destroy(m->peer);
    m->peer = NULL;
    mem_free(m->told);
    m->told = NULL;
    sim_http_client_died(&m->http);
    m->state = MACHINE_OFF;
    checks_on_end(w->checks, m->who);
}

static void machine_restart(void *arg)
{
    struct machine *m = arg;
    if (m->state != MACHINE_OFF || !m->wants_up)
        return;
    deed_tell(m->world, deed_begin(m->world), "try start %u", m->who);
    (void)machine_start(m);
}

/* The peer has said that it is done; its program exits, and what it asked for is carried out. */
static void machine_bury(void *arg)
{
    struct machine *m = arg;
    struct world *w = m->world;
    m->burial = (struct event_id){ 0 };
    trace_line(&w->sim.trace, w->sim.now_us, m->who, "exits: %s", buf_text(&m->stopped_why));
    client_on_machine_gone(m);
    disk_close(m->disk);
    machine_forget_peer(m, false);
    if (!m->data_is_void) {
        if (w->is_supervised && m->wants_up)
            sim_at(&w->sim, SUPERVISOR_PAUSE_US, SIM_LIFE, m->who, 0, machine_restart, m);
        return;
    }
    machine_lose_data(m);
    m->is_out = m->bootstrap_count == 0;
    if (m->is_out) {
        m->wants_up = false; /* its exit code is 0: no supervisor starts it again */
        members_on_out(m);
    }
    if (m->bootstrap_count > 0)
        sim_at(&w->sim, RESTART_PAUSE_US, SIM_LIFE, m->who, 0, machine_restart, m);
}

static void machine_on_stopped(void *owner, const struct peer_stopped *how)
{
    struct machine *m = owner;
    struct fault_memory *before = fault_memory_enter(NULL);
    buf_clear(&m->stopped_why);
    buf_append_text(&m->stopped_why, how->why);
    m->data_is_void = how->data_is_void;
    if (how->data_is_void) {
        /* As the program does: the list of peers stays, and what tells one cluster from another goes. */
        machine_set_addresses(&m->bootstrap, &m->bootstrap_count, how->join, how->join_count);
        m->cluster_id_is_known = false;
    }
    m->burial = sim_at(&m->world->sim, 0, SIM_LIFE, m->who, 0, machine_bury, m);
    fault_memory_back(before);
}

void machine_crash(struct machine *m)
{
    struct world *w = m->world;
    if (m->state == MACHINE_OFF)
        return;
    trace_line(&w->sim.trace, w->sim.now_us, m->who, "crashes");
    sim_note(&w->sim, SIM_LIFE, m->who, 1);
    /* 0: the process was killed and its machine says so; 1: the machine is dark, and silent. */
    bool silently = choose(&w->sim.choose, CHOICE_MISHAP, m->who, 2) == 1;
    client_on_machine_gone(m);
    disk_crash(m->disk);
    machine_forget_peer(m, silently);
}

void machine_stop(struct machine *m)
{
    if (m->peer == NULL || m->state != MACHINE_UP)
        return;
    checks_on_stop(m->world->checks, m->who);
    struct fault_memory *before = fault_memory_enter(&m->memory);
    peer_stop(m->peer, "asked to stop");
    fault_memory_back(before);
}

void machine_pause(struct machine *m)
{
    if (m->state != MACHINE_UP)
        return;
    m->state = MACHINE_PAUSED;
    checks_on_pause(m->world->checks, m->who, true);
    trace_line(&m->world->sim.trace, m->world->sim.now_us, m->who, "stands still");
    sim_freeze(&m->world->sim, m->who);
    net_pause(m->world->net, m->who);
}

void machine_resume(struct machine *m)
{
    if (m->state != MACHINE_PAUSED)
        return;
    m->state = MACHINE_UP;
    checks_on_pause(m->world->checks, m->who, false);
    trace_line(&m->world->sim.trace, m->world->sim.now_us, m->who, "goes on");
    sim_thaw(&m->world->sim, m->who);
    net_resume(m->world->net, m->who);
}

void machine_wipe(struct machine *m)
{
    ASSERT(m->state == MACHINE_OFF);
    machine_lose_data(m);
}

bool machine_rot(struct machine *m, enum disk_room_name room)
{
    struct world *w = m->world;
    uint64_t kind = choose(&w->sim.choose, CHOICE_SCENARIO, m->who, 3);
    bool has_rotted = kind == 0   ? disk_flip(m->disk, room)
                      : kind == 1 ? disk_vanish(m->disk, room)
                                  : disk_misplace(m->disk, room);
    if (!has_rotted)
        return false;
    checks_on_rot(w->checks, m->who);
    if (room == DISK_STATE && kind > 0)
        checks_on_lost_rows(w->checks, m->who);
    if (room == DISK_LOCAL) /* it may have forgotten that a pin is its own */
        standin_pins_visit(m->ipfs, machine_add_orphan, m);
    return true;
}

void machine_edit_list(struct machine *m)
{
    machine_set_addresses(&m->others, &m->others_count, NULL, 0);
    m->list_is_edited = true;
}

void machine_copy_disk(struct machine *m)
{
    ASSERT(m->state == MACHINE_OFF);
    if (m->copy != NULL)
        disk_image_destroy(m->copy);
    m->copy = disk_image_take(m->disk);
    checks_on_copy(m->world->checks, m->who);
}

void machine_restore_disk(struct machine *m)
{
    ASSERT(m->state == MACHINE_OFF && m->copy != NULL);
    disk_image_restore(m->disk, m->copy);
    checks_on_restore(m->world->checks, m->who);
    standin_pins_visit(m->ipfs, machine_add_orphan,
                       m); /* its local rows know less than its daemon */
}

/* ---- the beginning ---- */

void machine_join_through(struct machine *m, const struct machine *via)
{
    struct peer_address address = { .id = via->id,
                                    .addr = net_address_now(m->world->net, via->who) };
    machine_set_addresses(&m->bootstrap, &m->bootstrap_count, &address, 1);
}

/* The peer borrows its options for life; the files may change meanwhile. */
static struct peer_options machine_options(struct machine *m)
{
    struct peer_options o = m->world->options.peer;
    o.id = m->id;
    o.name = m->name;
    o.cluster_peers_count = m->others_count;
    o.bootstrap_count = m->bootstrap_count;
    m->told = mem_array(m->others_count + m->bootstrap_count + 1, sizeof(*m->told));
    ASSERT(m->told != NULL);
    for (size_t i = 0; i < m->others_count; i++)
        m->told[i] = m->others[i];
    for (size_t i = 0; i < m->bootstrap_count; i++)
        m->told[m->others_count + i] = m->bootstrap[i];
    o.cluster_peers = m->told;
    o.bootstrap = m->told + m->others_count;
    o.cluster_peers_edited = m->list_is_edited;
    o.accept_peers = m->accepts;
    o.cluster_id_is_known = m->cluster_id_is_known;
    memcpy(o.cluster_id, m->cluster_id, sizeof(o.cluster_id));
    return o;
}

int machine_start(struct machine *m)
{
    struct world *w = m->world;
    if (m->state != MACHINE_OFF)
        return ERR_INVALID;
    trace_line(&w->sim.trace, w->sim.now_us, m->who, "starts");
    sim_note(&w->sim, SIM_LIFE, m->who, 2);
    m->was_started = m->wants_up = true;
    m->is_out = false;
    m->state = MACHINE_UP;
    m->armed_us = 0;
    checks_on_start(w->checks, m->who);
    m->transport.inner = net_attach(w->net, m->who);
    struct peer_options options = machine_options(m);
    struct fault_memory *memory = &m->memory;
    struct peer_ports ports = { .clock = sim_clock_port(&m->clock),
                                .rng = fault_memory_rng(memory, sim_dice_port(&m->dice)),
                                .transport = fault_memory_transport(
                                    memory, fault_transport_port(&m->transport)),
                                .store = fault_memory_store(memory, disk_store(m->disk)),
                                .http_client = fault_memory_http_client(memory, m->http_port),
                                .log = fault_memory_log(memory, &m->log) };
    struct peer_hooks hooks = { .on_wake = machine_on_wake,
                                .on_ready = machine_on_ready,
                                .on_members = machine_on_members,
                                .on_cluster_id = machine_on_cluster_id,
                                .on_stopped = machine_on_stopped,
                                .owner = m };
    struct peer_observer observer = { machine_on_fact, m };
    struct fault_memory *before = fault_memory_enter(memory);
    int err = peer_create(&m->peer, &options, &ports, &hooks, &observer);
    fault_memory_back(before);
    if (err == OK) {
        machine_rearm(m);
        return OK;
    }
    trace_line(&w->sim.trace, w->sim.now_us, m->who, "does not start: %s", err_text(err));
    m->peer = NULL;
    disk_close(m->disk);
    machine_forget_peer(m, false);
    if (w->is_supervised)
        sim_at(&w->sim, SUPERVISOR_PAUSE_US, SIM_LIFE, m->who, 0, machine_restart, m);
    return err;
}

int machine_accept(struct machine *m)
{
    m->accepts = true;
    checks_on_accept(m->world->checks, m->who);
    int err = machine_start(m);
    m->accepts = false;
    return err;
}

static struct peer_id machine_draw_id(struct machine *m)
{
    /* From the seed, because members are numbered in the order of their ids. */
    uint8_t key[32] = { (uint8_t)m->who };
    for (unsigned i = 1; i < 8; i++)
        key[i] = (uint8_t)choose(&m->world->sim.choose, CHOICE_NAMES, m->who, 256);
    return peer_id_of_public_key(key);
}

/* How long the machine is up already: some minutes, or almost so long that a count of milliseconds or microseconds in
 * 31 or 32 bits is full, which it then is in the first minutes of the run. */
static uint64_t machine_draw_uptime(struct machine *m)
{
    static const uint64_t full_us[] = { 0, UINT64_C(1000) << 31, UINT64_C(1000) << 32,
                                        UINT64_C(1) << 31, UINT64_C(1) << 32 };
    struct choose *c = &m->world->sim.choose;
    uint64_t kind = choose(c, CHOICE_CLOCK, m->who, sizeof(full_us) / sizeof(full_us[0]));
    if (kind == 0)
        return 1 + choose(c, CHOICE_CLOCK, m->who, UINT64_C(1) << 31);
    return full_us[kind] - choose(c, CHOICE_CLOCK, m->who, UPTIME_LEFT_MAX_US);
}

static void machine_init_ipfs(struct machine *m)
{
    struct world *w = m->world;
    struct buf address = { 0 };
    buf_printf(&address, "/ip4/10.0.0.%u/tcp/4001", m->who);
    ASSERT(address.err == OK && address.len < sizeof(m->ipfs_address));
    memcpy(m->ipfs_address, buf_text(&address), address.len + 1);
    buf_deinit(&address);
    struct standin_options options = { .api_address = "/ip4/127.0.0.1/tcp/5001",
                                       .swarm_address = m->ipfs_address };
    options.public_key[0] = (uint8_t)m->who;
    options.public_key[1] = 1;
    options.id = peer_id_of_public_key(options.public_key);
    struct standin_hooks hooks = world_ipfs_hooks(w, m->who);
    struct standin_net net = swarm_net(w->swarm, m->who);
    m->ipfs = standin_create(&options, &hooks, &net);
    machine_set_ipfs(m, true);
    struct sim_http_options http;
    sim_http_options_default(&http);
    struct sim_http_server server = { machine_ipfs_accepts, machine_ipfs_request, m };
    sim_http_init(&m->http, &w->sim, m->who, &http, &server);
    m->http_port = sim_http_port(&m->http);
}

void machine_init(struct world *w, unsigned who)
{
    struct machine *m = &w->machines[who];
    *m = (struct machine){ .world = w, .who = who };
    struct buf name = { 0 };
    buf_printf(&name, "peer%u", who);
    memcpy(m->name, buf_text(&name), name.len + 1);
    buf_deinit(&name);
    list_init(&m->clients);
    list_init(&m->orphans_list);
    m->id = machine_draw_id(m);
    net_name(w->net, who, &m->id);
    checks_name(w->checks, who, &m->id);
    sim_clock_init(&m->clock, &w->sim, machine_draw_uptime(m));
    m->dice = (struct sim_dice){ &w->sim, who };
    m->hooks = (struct world_hooks){ machine_now_us, machine_at, machine_choose, m };
    struct disk_options disk;
    disk_options_default(&disk);
    m->disk = disk_create(&disk, &m->hooks);
    m->transport = (struct fault_transport){ .plan = &w->plan, .dice = { machine_frame_dice, m } };
    m->log = (struct log){ machine_on_log, m, w->options.hooks.log_level };
    machine_init_ipfs(m);
}

/* All but the disk, whose events the kernel has to drop first. */
void machine_deinit(struct machine *m)
{
    if (m->state != MACHINE_OFF) {
        client_on_machine_gone(m);
        disk_crash(m->disk);
        machine_forget_peer(m, false);
    }
    if (m->ipfs_is_up)
        swarm_leave(m->world->swarm, m->who);
    standin_destroy(m->ipfs);
    sim_http_deinit(&m->http);
    buf_deinit(&m->stopped_why);
    if (m->copy != NULL)
        disk_image_destroy(m->copy);
    map_deinit(&m->orphans);
    for (struct list_link *link; (link = list_pop_front(&m->orphans_list)) != NULL;)
        mem_free(list_entry(link, struct orphan, link));
    mem_free(m->others);
    mem_free(m->bootstrap);
}
