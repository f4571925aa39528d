/* peer_repair.c -- the leader moves pins away from those who are gone, within a budget (DESIGN 12).
 *
 *      standings now ---> repair/ walks the by-holder index ---> proposals ---> log ---> state
 *                               ^                                                |
 *                               +----- an outcome frees its place -------------- +
 *
 * The budget has parts, so that a repair neither fills the log, nor wakes all daemons at once, nor fills the network, nor
 * moves half of the cluster because a switch was restarted:
 *
 *      at once        proposals without an outcome
 *      the rest       allocation/budget.h, told by the metrics "pinqueue", "pinstatus" and "reposize"; a daemon that does not
 *                     answer, where pins may wait for days, does not count
 *
 * Writes of users do not count: of what waits in front of a daemon no more is held against a repair than it gave to that peer
 * (allocation/handed.h). What an earlier leader gave is not known. Nor are they held up: repair leaves most of the proposals'
 * room to them. */
#include "peer_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

enum {
    PEER_REPAIR_BATCH_MAX = 256,    /* proposals an event makes */
    PEER_REPAIR_PROPOSALS_LEFT = 4, /* one in so many of the proposals' room is for users */
};

#define PEER_REPOSIZE_MAX                                                                          \
    ((int64_t)1 << 54) /* 256 of them add up; a daemon that says more is not believed */

/* ---- the budget ---- */

/* Digits; anything else ends it. */
static uint64_t peer_number_of(struct bytes text)
{
    const char *at = text.data;
    uint64_t number = 0;
    for (size_t i = 0; i < text.len && at[i] >= '0' && at[i] <= '9' && number < UINT32_MAX; i++)
        number = 10 * number + (uint64_t)(at[i] - '0');
    return number;
}

static bool peer_hears(struct peer *p, const struct peer_id *id, const char *metric,
                       struct monitor_metric *out)
{
    return monitor_get(p->monitor, p->now_us, id, metric, out) == OK && out->metric.is_valid &&
           !out->is_expired;
}

static uint64_t peer_pins_running(struct bytes status)
{
    struct json_doc doc;
    uint64_t running = 0;
    if (json_parse(&doc, status.data, status.len) != OK)
        return 0;
    (void)json_get_u64(&doc, json_member(&doc, 0, "pinning"), &running);
    json_doc_deinit(&doc);
    return running < UINT32_MAX ? running : UINT32_MAX;
}

/* What waits at a peer, as it said last; nothing, where the daemon does not answer. */
static struct handed_queue peer_queue_of(struct peer *p, const struct peer_id *id)
{
    struct handed_queue queue = { 0 };
    struct monitor_metric m;
    if (!peer_hears(p, id, METRIC_REPOSIZE, &m))
        return queue;
    if (peer_hears(p, id, METRIC_PINQUEUE, &m))
        queue.queued = peer_number_of(m.metric.value);
    if (peer_hears(p, id, METRIC_PINSTATUS, &m))
        queue.running = peer_pins_running(m.metric.value);
    return queue;
}

/* How much of that repairs have brought there. */
static void peer_repair_queues(struct peer *p, struct budget_load *load)
{
    struct handed *handed = &p->repair_handed;
    bool turns = budget_turns(&p->repair_budget, p->now_us, p->options.metric_ttl_us);
    for (size_t i = 0; i < handed->count; i++) {
        struct handed_queue queue = peer_queue_of(p, &handed->peers[i].id);
        struct handed_queue ours = handed_of(handed, i, &queue, turns);
        load->queued += ours.queued;
        load->running += ours.running;
    }
    handed_tidy(handed);
}

/* How large a pin is, in the mean: all that daemons hold, by all that they have pinned. */
static void peer_repair_weigh(struct peer *p, struct budget_load *load)
{
    uint64_t bytes = 0, pinned = 0;
    struct monitor_metric m;
    const struct peer_id *after = NULL;
    struct peer_id at;
    while (monitor_next(p->monitor, p->now_us, METRIC_PINSTATUS, after, &m) == OK) {
        struct monitor_metric size;
        if (!m.is_expired && m.metric.is_valid && m.metric.weight > 0 &&
            peer_hears(p, &m.peer, METRIC_REPOSIZE, &size) && size.metric.weight < 0 &&
            size.metric.weight > -PEER_REPOSIZE_MAX && m.metric.weight < UINT32_MAX) {
            bytes += (uint64_t)-size.metric.weight;
            pinned += (uint64_t)m.metric.weight;
        }
        at = m.peer;
        after = &at;
    }
    load->pin_bytes = pinned > 0 ? bytes / pinned : 0;
}

uint64_t peer_repair_pin_bytes(struct peer *p)
{
    struct budget_load load = { 0 };
    peer_repair_weigh(p, &load);
    return load.pin_bytes;
}

uint64_t peer_repair_waiting(struct peer *p)
{
    uint64_t waiting = 0;
    for (size_t i = 0; i < p->repair_handed.count; i++) {
        struct handed_queue queue = peer_queue_of(p, &p->repair_handed.peers[i].id);
        struct handed_queue ours = handed_of(&p->repair_handed, i, &queue, false);
        waiting += ours.queued + ours.running + p->repair_handed.peers[i].fresh;
    }
    return waiting;
}

static struct budget_load peer_repair_load(struct peer *p)
{
    const struct budget_limits *limits = &p->options.repair.budget;
    struct budget_load load = { .pins = pinset_facts(p->pinset)->pins_count };
    peer_repair_queues(p, &load);
    if (limits->bytes_at_once != 0 || limits->bytes_per_second != 0)
        peer_repair_weigh(p, &load);
    return load;
}

static size_t peer_repair_budget(struct peer *p, const struct budget_load *load)
{
    uint64_t budget = budget_left(&p->repair_budget, &p->options.repair.budget, load, p->now_us,
                                  p->options.metric_ttl_us);
    if (budget > PEER_REPAIR_BATCH_MAX)
        budget = PEER_REPAIR_BATCH_MAX;
    size_t most = p->options.proposals_max;
    size_t room = most - most / PEER_REPAIR_PROPOSALS_LEFT;
    size_t left = p->proposals_count < room ? room - p->proposals_count : 0;
    return left < budget ? left : (size_t)budget;
}

/* ---- proposals ---- */

struct peer_repair {
    struct peer *peer;
    struct cid cid;
};

static void peer_repair_done(void *owner, int err, const struct pinset_applied *applied,
                             const char *why)
{
    (void)why;
    struct peer_repair *one = owner;
    struct peer *p = one->peer;
    if (err == OK)
        err = pinset_outcome_err(applied->outcome);
    if (p->repair != NULL) {
        repair_on_outcome(p->repair, &one->cid, err);
        p->repair_moved += err == OK;
        if (repair_counts(p->repair).in_flight <= p->options.repair.at_once / 2)
            p->repair_at_us = p->now_us; /* there is room again */
    }
    mem_free(one);
}

/* For `explain`. */
static void peer_repair_note(struct peer *p, const struct repair_proposal *proposal,
                             const struct peer_candidates *c, int err)
{
    const struct allocate_request request = {
        .replication_min = proposal->pin.replication_min,
        .replication_max = proposal->pin.replication_max,
        .current = proposal->before,
        .current_count = proposal->before_count,
        .candidates = c->list,
        .candidates_count = c->count,
        .metrics_count = p->options.allocate_by_count,
        .ranks = proposal->ranks,
    };
    peer_note_decision(p, DECISION_REPAIR, 0, &proposal->pin, &request, err);
}

static void peer_repair_hand(struct peer *p, const struct repair_proposal *proposal)
{
    for (size_t i = 0; i < proposal->pin.allocations_count; i++) {
        const struct peer_id *to = &proposal->pin.allocations[i];
        bool held = false;
        for (size_t j = 0; j < proposal->before_count; j++)
            held |= peer_id_equal(to, &proposal->before[j]);
        if (!held)
            handed_give(&p->repair_handed, to);
    }
}

static void peer_repair_propose(struct peer *p, const struct repair_proposal *proposal,
                                const struct peer_candidates *c, const struct budget_load *load)
{
    struct pin_entry entry = { .kind = PIN_ENTRY_PIN,
                               .expected = proposal->expected,
                               .pin = proposal->pin };
    struct peer_repair *one = mem_alloc(sizeof(*one));
    int err = one == NULL ? ERR_NOMEM : OK;
    if (err == OK) {
        *one = (struct peer_repair){ .peer = p, .cid = proposal->pin.cid };
        err = peer_propose(p, &entry, NULL, 0, peer_repair_done, one);
    }
    if (err != OK) {
        repair_on_outcome(p->repair, &proposal->pin.cid, err);
        mem_free(one);
        return;
    }
    peer_repair_note(p, proposal, c, OK);
    budget_spend(&p->repair_budget, load);
    peer_repair_hand(p, proposal);
    peer_tell(p, &(struct peer_fact){ .kind = PEER_FACT_PROPOSE_REPIN, .cid = proposal->pin.cid });
}

/* ---- steps ---- */

/* When does a step make sense again, after one that ended so? A budget holds back pins, never the look at who is there. */
static uint64_t peer_repair_next_us(const struct peer *p, int err, size_t budget)
{
    uint64_t look_us = p->now_us + PEER_REPAIR_PAUSE_US;
    if (err == ERR_MORE)
        return p->now_us +
               PEER_REPAIR_SLICE_US; /* the walk goes on behind what others have to do */
    const struct budget_limits *limits = &p->options.repair.budget;
    if (budget > 0 || (limits->per_second == 0 && limits->bytes_per_second == 0))
        return look_us;
    uint64_t paid_us = budget_next_us(&p->repair_budget, limits);
    return paid_us < look_us ? paid_us : look_us;
}

/* Once in a repair. */
static void peer_repair_tell_held(struct peer *p, const struct budget_load *load)
{
    if (p->repair_is_told_held ||
        !budget_is_held(&p->repair_budget, &p->options.repair.budget, load))
        return;
    p->repair_is_told_held = true;
    LOG_WARN(p->log, "cluster",
             "repair: slowed down by its budget, given out and not pinned yet=%llu",
             (unsigned long long)peer_repair_waiting(p));
}

static void peer_repair_walk(struct peer *p, const struct peer_candidates *c)
{
    struct view view;
    struct budget_load load = peer_repair_load(p);
    size_t budget = peer_repair_budget(p, &load);
    peer_repair_tell_held(p, &load);
    if (budget == 0 || peer_view(p, &view) != OK) {
        p->repair_at_us = peer_repair_next_us(p, OK, budget);
        return;
    }
    unsigned steps = LIMIT_VIEW_STEPS_COUNT / 2;
    struct repair_proposal proposals[PEER_REPAIR_BATCH_MAX];
    size_t count = 0;
    int err = OK;
    while ((err == OK || err == ERR_NOT_ENOUGH_PEERS) && count < budget) {
        err = repair_next(p->repair, &view, &steps, c->list, c->count, p->options.allocate_by_count,
                          &p->arena, &proposals[count]);
        if (err == ERR_NOT_ENOUGH_PEERS)
            peer_repair_note(p, &proposals[count], c, err);
        count += err == OK;
    }
    peer_view_end(p, &view);
    for (size_t i = 0; i < count; i++)
        peer_repair_propose(p, &proposals[i], c, &load);
    p->repair_at_us = peer_repair_next_us(p, err, budget - count);
}

/* When do the queues show all that was handed out? */
static uint64_t peer_repair_settle_us(const struct peer *p)
{
    return p->repair_handed.count > 0 ? p->repair_budget.given_us + p->options.metric_ttl_us
                                      : RAFT_NEVER;
}

/* Once when it begins, once when it ends: not a line for every pin. */
static void peer_repair_tell(struct peer *p, bool is_done)
{
    struct repair_counts counts = repair_counts(p->repair);
    if (!p->repair_is_told && counts.in_flight > 0) {
        p->repair_is_told = true;
        LOG_INFO(p->log, "cluster", "repair: pins of peers that are gone get other holders");
    } else if (p->repair_is_told && is_done) {
        p->repair_is_told = false;
        p->repair_is_told_held = false;
        LOG_INFO(p->log, "cluster", "repair: done, moved=%llu, without enough peers=%llu",
                 (unsigned long long)p->repair_moved, (unsigned long long)counts.lacking);
        p->repair_moved = 0;
    }
}

/* With repinning off, whoever is silent keeps what the state gives him, as a suspect does. What an operator orders moves all
 * the same: drained members, those on their way out, and those that are none any more. */
int peer_repair_candidates(struct peer *p, struct peer_candidates *out)
{
    int err = peer_candidates(p, out);
    for (size_t i = 0; err == OK && p->options.repinning_disabled && i < out->count; i++) {
        struct allocate_candidate *c = &out->list[i];
        if (c->standing == ALLOCATE_DOWN && !pinset_is_drained(p->pinset, &c->id))
            c->standing = ALLOCATE_SUSPECT;
    }
    return err;
}

/* Also when nothing is left to move: what was pinned until then is not to be taken for what users bring later. */
static void peer_repair_settle(struct peer *p)
{
    if (p->now_us < peer_repair_settle_us(p))
        return;
    struct budget_load load = peer_repair_load(p);
    (void)peer_repair_budget(p, &load);
}

void peer_repair_on_deadline(struct peer *p)
{
    if (!peer_leads(p)) {
        p->repair_handed.count = 0; /* whoever leads then does not tell us what became of it */
        return;
    }
    peer_repair_settle(p);
    if (p->now_us < p->repair_at_us)
        return;
    p->repair_at_us = p->now_us + PEER_REPAIR_PAUSE_US;
    struct peer_candidates candidates;
    if (peer_repair_candidates(p, &candidates) != OK)
        return;
    repair_look(p->repair, candidates.list, candidates.count, p->options.allocate_by_count);
    bool is_done = repair_is_done(p->repair);
    if (!is_done)
        peer_repair_walk(p, &candidates);
    peer_repair_tell(p, is_done);
}

uint64_t peer_repair_deadline_us(const struct peer *p)
{
    if (!peer_leads(p))
        return RAFT_NEVER;
    uint64_t next_us = repair_is_done(p->repair) && !p->repair_is_told
                           ? monitor_next_deadline_us(p->monitor, p->now_us)
                           : p->repair_at_us;
    uint64_t settle_us = peer_repair_settle_us(p);
    return settle_us < next_us ? settle_us : next_us;
}

/* ---- life ---- */

int peer_repair_start(struct peer *p)
{
    struct repair_options repair = { .in_flight_max = p->options.repair.at_once };
    ASSERT(p->options.proposals_max > 1);
    return repair_create(&p->repair, &repair);
}

void peer_repair_end(struct peer *p)
{
    if (p->repair != NULL)
        repair_destroy(p->repair);
}

/* A new term, or other members. */
void peer_repair_restart(struct peer *p)
{
    repair_restart(p->repair);
    p->repair_at_us = p->now_us;
}
