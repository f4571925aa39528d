#include "sim/world/world_int.h"

#include <string.h>

#include "sim/script/upload_body.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum { CONTENT_NODE_BYTES = 256 * 1024 };

/* ---- verdicts ---- */

void world_fail(struct world *w, const char *checker, const char *text)
{
    if (w->failure.happened)
        return;
    w->failure.happened = true;
    w->failure.checker = checker;
    w->failure.at_us = w->sim.now_us;
    buf_append_text(&w->failure.text, text);
    trace_line(&w->sim.trace, w->sim.now_us, 0, "%s: %s", checker, text);
    sim_stop(&w->sim);
}

static void world_on_failure(void *owner, const char *checker, const char *text)
{
    world_fail(owner, checker, text);
}

static void world_on_lie(void *owner, const char *text)
{
    world_fail(owner, "wire", text);
}

static uint64_t world_now_us_hook(void *owner)
{
    return ((struct world *)owner)->sim.now_us;
}

static bool machine_is_calm(const struct machine *m)
{
    const struct standin_faults *f = standin_faults(m->ipfs);
    bool may_be_off = m->is_out || (m->who > m->world->options.founders_count && !m->was_started);
    return m->memory.fails == 0 && (m->state == MACHINE_UP || may_be_off) && m->ipfs_is_up &&
           disk_is_well(m->disk) && f->slow_us == 0 && !f->hang && f->error_status == 0 &&
           !f->half_answer && !f->garbage && !f->lies && f->refuse_until_us <= m->world->sim.now_us;
}

/* Whether it runs and can be heard, the checks know. */
static bool world_is_well_hook(void *owner, unsigned who)
{
    const struct world *w = owner;
    return machine_is_calm(&w->machines[who]) && w->plan.http_breaks_per_million == 0 &&
           w->plan.http_refusals_per_million == 0;
}

/* ---- the network ---- */

void world_cut(struct world *w, unsigned from, unsigned to, bool is_cut)
{
    checks_on_cut(w->checks, from, to, is_cut);
    if (is_cut)
        net_cut(w->net, from, to);
    else
        net_heal(w->net, from, to);
}

void world_clog(struct world *w, unsigned from, unsigned to)
{
    checks_on_cut(w->checks, from, to, true); /* to whoever listens it is the same */
    net_clog(w->net, from, to);
}

/* ---- the IPFS network ---- */

static void world_ipfs_wakes(void *arg)
{
    struct ipfs_wake *wake = arg;
    struct world *w = wake->world;
    wake->event = (struct event_id){ 0 };
    if (wake->who == WORLD_WAKE_SWARM)
        swarm_on_wake(w->swarm);
    else
        standin_on_wake(wake->who == 0 ? w->outside : w->machines[wake->who].ipfs);
}

static uint64_t ipfs_now_us(void *owner)
{
    return ((struct ipfs_wake *)owner)->world->sim.now_us;
}

static void ipfs_wake_at(void *owner, uint64_t at_us)
{
    struct ipfs_wake *wake = owner;
    struct sim *sim = &wake->world->sim;
    if (at_us == MONO_NEVER)
        sim_cancel(sim, &wake->event);
    else
        sim_at_again(sim, &wake->event, at_us > sim->now_us ? at_us : sim->now_us, SIM_IPFS, 0,
                     world_ipfs_wakes, wake);
}

struct standin_hooks world_ipfs_hooks(struct world *w, unsigned who)
{
    struct ipfs_wake *wake = &w->wakes[who];
    *wake = (struct ipfs_wake){ .world = w, .who = who };
    return (struct standin_hooks){ ipfs_now_us, ipfs_wake_at, wake };
}

static void world_init_ipfs(struct world *w)
{
    struct swarm_options swarm = { .latency_us = 2000, .bytes_per_second = 50 * 1000 * 1000 };
    struct standin_hooks hooks = world_ipfs_hooks(w, WORLD_WAKE_SWARM);
    w->swarm = swarm_create(&swarm, &hooks);
    struct standin_options options = { .api_address = "/ip4/127.0.0.1/tcp/5001",
                                       .swarm_address = "/ip4/10.0.0.100/tcp/4001" };
    options.public_key[1] = 2;
    options.id = peer_id_of_public_key(options.public_key);
    struct standin_hooks outside_hooks = world_ipfs_hooks(w, 0);
    struct standin_net net = swarm_net(w->swarm, 0);
    w->outside = standin_create(&options, &outside_hooks, &net);
    struct multiaddr addr;
    int err = multiaddr_parse(&addr, options.swarm_address);
    ASSERT(err == OK);
    swarm_join(w->swarm, 0, w->outside, &addr);
}

/* ---- contents ---- */

/* A raw CIDv1 whose digest is made of the name: content without bytes, only its size counts. */
static struct cid content_cid(struct bytes name)
{
    uint8_t bytes[36] = { 0x01, 0x55, 0x12, 0x20 };
    for (unsigned i = 0; i < 4; i++) {
        uint64_t part = hash64(i + 1, name.data, name.len);
        for (unsigned j = 0; j < 8; j++)
            bytes[4 + 8 * i + j] = (uint8_t)(part >> (8 * j));
    }
    struct cid cid;
    int err = cid_from_bytes(&cid, bytes, sizeof(bytes));
    ASSERT(err == OK);
    return cid;
}

struct content *world_content(struct world *w, struct bytes name)
{
    struct content *c = map_get(&w->contents, name);
    if (c != NULL)
        return c;
    c = mem_zalloc(sizeof(*c) + name.len + 1);
    ASSERT(c != NULL);
    memcpy(c->name, name.data, name.len);
    c->name_len = name.len;
    c->cid = w->options.has_uploads ? upload_body_cid(name) : content_cid(name);
    c->size_bytes = CONTENT_NODE_BYTES;
    list_push_back(&w->contents_in_order, &c->link);
    int err = map_put(&w->contents, (struct bytes){ c->name, c->name_len }, c);
    ASSERT(err == OK);
    return c;
}

static void content_hold(struct standin *at, const struct content *c)
{
    standin_hold(at, &c->cid, c->size_bytes / CONTENT_NODE_BYTES + 1, c->size_bytes);
}

void world_place(struct world *w, struct content *c)
{
    if (c->is_placed)
        return;
    c->is_placed = true;
    content_hold(w->outside, c);
}

void world_place_at(struct world *w, struct content *c, unsigned who)
{
    c->is_placed = true;
    content_hold(world_machine(w, who)->ipfs, c);
}

/* ---- knobs of the core ---- */

static uint64_t world_draw(struct world *w, uint64_t low, uint64_t high)
{
    return choose_scale(&w->sim.choose, CHOICE_PLAN, 0, low, high);
}

/* Of repair: every other time none. As little as makes one content of the usual size a matter of seconds. From a lane of its
 * own, so that all else of a seed is what it was before this was drawn. */
static uint64_t world_draw_byte_limit(struct world *w)
{
    enum { LANE = 1 };
    if (choose(&w->sim.choose, CHOICE_PLAN, LANE, 2) == 0)
        return 0;
    return choose_scale(&w->sim.choose, CHOICE_PLAN, LANE, CONTENT_NODE_BYTES / 8,
                        (uint64_t)32 * CONTENT_NODE_BYTES);
}

static void world_draw_cluster(struct world *w, struct peer_options *o)
{
    uint64_t machines = w->options.founders_count;
    o->max_voters = (size_t)world_draw(w, 3, 7);
    o->voter_replace_after_us = world_draw(w, 5 * 1000000, 300 * 1000000);
    o->metric_ttl_us = world_draw(w, 500000, 4 * 1000000);
    o->repin_after_us = world_draw(w, 1000000, 8 * 1000000);
    o->repair.at_once = (size_t)world_draw(w, 1, 64);
    o->repair.budget.per_second = world_draw(w, 1, 512);
    o->replication_min = (int32_t)world_draw(w, 1, machines < 3 ? machines : 3);
    o->replication_max = (int32_t)world_draw(w, (uint64_t)o->replication_min, machines);
    if (world_draw(w, 1, 16) == 16)
        o->replication_min = o->replication_max = -1;
    o->repair.budget.bytes_per_second = world_draw_byte_limit(w);
    o->repair.budget.bytes_at_once = world_draw_byte_limit(w);
}

/* Some are full with a handful; a lane of their own, as above. */
static void world_draw_queues(struct world *w, struct peer_options *o)
{
    enum { LANE = 2 };
    o->proposals_max = (size_t)choose_scale(&w->sim.choose, CHOICE_PLAN, LANE, 4, 1024);
    o->reads_max = (size_t)choose_scale(&w->sim.choose, CHOICE_PLAN, LANE, 2, 4096);
    o->calls_max = (size_t)choose_scale(&w->sim.choose, CHOICE_PLAN, LANE, 32, 4096);
    o->overlay_bytes_max =
        (size_t)choose_scale(&w->sim.choose, CHOICE_PLAN, LANE, 1024, 6 * 1024 * 1024);
    o->uploads_max = (size_t)choose_scale(&w->sim.choose, CHOICE_PLAN, LANE, 1, 64);
}

/* Odd sizes find odd defects: one entry a message, one message at a time, a cache of nothing. */
static void world_draw_options(struct world *w)
{
    struct peer_options *o = &w->options.peer;
    o->raft.heartbeat_us = world_draw(w, 20000, 200000);
    o->raft.election_min_us = o->raft.heartbeat_us * (4 + world_draw(w, 1, 16));
    o->raft.append_entries_max = (size_t)world_draw(w, 1, 512);
    o->raft.append_bytes_max = (size_t)world_draw(w, 64, 512 * 1024);
    o->raft.window_max = (size_t)world_draw(w, 1, 16);
    o->raft.cache_bytes_max = (size_t)world_draw(w, 1, 8 * 1024 * 1024);
    o->concurrent_pins = (size_t)world_draw(w, 1, 32);
    o->trim.trailing_entries = world_draw(w, 1, 50) - 1;
    o->trim.worth_entries = world_draw(w, 1, 20);
    o->trim.interval_us = world_draw(w, 10000, 2000000);
    o->trim.log_bytes_max = world_draw(w, 4096, 64 * 1024);
    o->snapshot.chunk_bytes = (uint32_t)world_draw(w, 256, 8 * 1024);
    o->snapshot.sync_bytes = world_draw(w, 256, 16 * 1024);
    world_draw_cluster(w, o);
    world_draw_queues(w, o);
}

/* ---- life ---- */

static void world_init_machines(struct world *w)
{
    for (unsigned who = 1; who <= w->machines_count; who++)
        machine_init(w, who);
    for (unsigned who = 1; who <= w->options.founders_count; who++) {
        struct machine *m = &w->machines[who];
        m->others_count = w->options.founders_count - 1;
        if (m->others_count == 0)
            continue;
        m->others = mem_array(m->others_count, sizeof(*m->others));
        ASSERT(m->others != NULL);
        size_t at = 0;
        for (unsigned other = 1; other <= w->options.founders_count; other++)
            if (other != who)
                m->others[at++] = (struct peer_address){ .id = w->machines[other].id,
                                                         .addr = net_address(other) };
    }
}

static void world_tell_budget(const struct world *w, struct checks_health *out)
{
    const struct peer_options *o = &w->options.peer;
    const struct budget_limits *budget = &o->repair.budget;
    out->repairs_at_once = o->repair.at_once;
    out->pins_in_motion = BUDGET_MOTION_MIN;
    out->repairs_trickle = budget->trickle_per_second;
    out->start_timeout_us = o->start_timeout_us;
    out->daemon_silent_us = o->ipfs_request_timeout_us;
    if (budget->bytes_per_second == 0 && budget->bytes_at_once == 0)
        out->repairs_per_second = budget->per_second;
}

struct world *world_create(const struct world_options *options)
{
    struct world *w = mem_zalloc(sizeof(*w));
    ASSERT(w != NULL);
    w->options = *options;
    w->machines_count = options->founders_count + options->spares_count;
    ASSERT(w->machines_count <= WORLD_MACHINES_MAX);
    list_init(&w->contents_in_order);
    list_init(&w->sent);
    sim_init(&w->sim, options->seed, &options->hooks.trace, options->hash_every_log2);
    w->sim.events_max = options->events_max;
    choose_record(&w->sim.choose, options->record);
    choose_replay(&w->sim.choose, options->replay);
    for (unsigned kind = 0; options->is_still != NULL && kind < CHOICE_KINDS_COUNT; kind++)
        if (options->is_still[kind])
            choose_still(&w->sim.choose, (enum choice_kind)kind);
    w->is_supervised = options->is_supervised;
    fault_plan_none(&w->plan);
    if (options->options_drawn)
        world_draw_options(w);
    if (options->hooks.on_options != NULL)
        options->hooks.on_options(options->hooks.owner, &w->options.peer);
    struct net_options net;
    net_options_default(&net);
    w->net = net_create(&w->sim, w->machines_count, &net);
    net_on_lie(w->net, world_on_lie, w);
    struct checks_hooks hooks = { world_on_failure, world_now_us_hook, world_is_well_hook, w };
    w->checks = checks_create(w->machines_count, &hooks);
    struct checks_health health = { .ttl_us = w->options.peer.metric_ttl_us,
                                    .repin_after_us = w->options.peer.repin_after_us,
                                    .is_watched = !w->options.peer.repinning_disabled };
    world_tell_budget(w, &health);
    checks_on_health(w->checks, &health);
    checks_on_network(w->checks, false, net.delay_us + net.jitter_us, 0);
    world_init_ipfs(w);
    world_init_machines(w);
    return w;
}

static void world_free_contents(struct world *w)
{
    map_deinit(&w->contents);
    for (struct list_link *link; (link = list_pop_front(&w->contents_in_order)) != NULL;)
        mem_free(list_entry(link, struct content, link));
}

void world_destroy(struct world *w)
{
    load_stop(w);
    for (unsigned who = 1; who <= w->machines_count; who++)
        members_forget(&w->machines[who]);
    writes_forget(w);
    mishaps_forget(w);
    for (unsigned who = 1; who <= w->machines_count; who++)
        machine_deinit(&w->machines[who]);
    swarm_leave(w->swarm, 0);
    standin_destroy(w->outside);
    swarm_destroy(w->swarm);
    net_destroy(w->net);
    sim_deinit(&w->sim);
    for (unsigned who = 1; who <= w->machines_count; who++)
        disk_destroy(w->machines[who].disk);
    world_free_contents(w);
    checks_destroy(w->checks);
    buf_deinit(&w->failure.text);
    buf_deinit(&w->faults);
    mem_free(w);
}

uint64_t world_time_us(const struct world *w)
{
    return w->sim.now_us;
}

uint64_t world_events(const struct world *w)
{
    return sim_events(&w->sim);
}

struct hash128 world_hash(struct world *w)
{
    return trace_hash(&w->sim.trace);
}

const struct world_failure *world_failure(const struct world *w)
{
    return &w->failure;
}

struct checks_counts world_checks(const struct world *w)
{
    return checks_counts(w->checks);
}

static bool world_network_is_calm(const struct world *w)
{
    const struct fault_plan *p = &w->plan;
    for (unsigned a = 1; a <= w->machines_count; a++)
        for (unsigned b = 1; b <= w->machines_count; b++)
            if (a != b && net_is_stopped(w->net, a, b))
                return false;
    return !p->has[FAULT_DELAY] && p->loss_per_million == 0 && p->copies_per_million == 0 &&
           p->late_per_million == 0 && p->reorder_per_million == 0 && p->breaks_per_million == 0 &&
           p->refusals_per_million == 0 && p->mangled_per_million == 0 &&
           p->http_breaks_per_million == 0 && p->http_refusals_per_million == 0;
}

bool world_is_calm(const struct world *w)
{
    for (unsigned who = 1; who <= w->machines_count; who++)
        if (!machine_is_calm(&w->machines[who]))
            return false;
    return world_network_is_calm(w);
}

const char *world_faults(struct world *w)
{
    return buf_text(&w->faults);
}

bool world_pass(struct world *w, uint64_t until_us)
{
    sim_run(&w->sim, until_us);
    if (w->sim.is_stopped)
        world_fail(w, "limit", "more events than it may have");
    checks_on_time(w->checks);
    return !w->failure.happened;
}
