/* What a raft wants done: messages onto the wire as bytes, units, fetches, snapshots, entries to apply. */
#include "tests/lib/raft_cluster_int.h"

#include <stdio.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

void cluster_node_trace(const struct raft_cluster *c, const struct cluster_node *n,
                        const char *what)
{
    static const char *const states[] = { "stranger", "follower", "pre", "candidate", "LEADER" };
    if (!c->is_traced)
        return;
    if (n->raft == NULL) {
        fprintf(stderr, "%10llu %u %-12s down\n", (unsigned long long)c->now_us, n->id, what);
        return;
    }
    fprintf(stderr,
            "%10llu %u %-12s #%llu %s t%llu last %llu.%llu stored %llu commit %llu applied %llu\n",
            (unsigned long long)c->now_us, n->id, what, (unsigned long long)raft_number(n->raft),
            states[raft_state(n->raft)], (unsigned long long)raft_term(n->raft),
            (unsigned long long)raft_last(n->raft).term,
            (unsigned long long)raft_last(n->raft).index, (unsigned long long)raft_stored(n->raft),
            (unsigned long long)raft_committed(n->raft), (unsigned long long)n->state.pos.index);
}

void cluster_trace_msg(const struct raft_cluster *c, const struct raft_msg *m, const char *what)
{
    static const char *const types[] = { "?",      "vote",         "vote_reply",
                                         "append", "append_reply", "timeout_now" };
    if (!c->is_traced)
        return;
    fprintf(stderr,
            "%10llu   %s %llu -> %llu %s%s t%llu last %llu.%llu n %zu commit %llu match %llu %s "
            "r%llu\n",
            (unsigned long long)c->now_us, what, (unsigned long long)m->from,
            (unsigned long long)m->to, m->is_pre_vote ? "pre_" : "", types[m->type],
            (unsigned long long)m->term, (unsigned long long)m->last.term,
            (unsigned long long)m->last.index, m->entries_count, (unsigned long long)m->committed,
            (unsigned long long)m->match, m->granted ? "yes" : "no", (unsigned long long)m->round);
}

unsigned raft_cluster_node_of(const struct raft_member *m)
{
    return m->id.bytes[0];
}

struct raft_member raft_cluster_member(unsigned node, uint64_t number,
                                       enum raft_role_in_config role)
{
    struct raft_member m = { .number = number, .role = role };
    m.id.len = 1;
    m.id.bytes[0] = (uint8_t)node;
    return m;
}

/* Onto the wire: lost, late, twice. */
static void cluster_transmit(struct raft_cluster *c, const struct cluster_node *n,
                             const struct buf *bytes)
{
    const struct cluster_options *o = &c->options;
    struct raft_entry room[APPEND_ROOM];
    struct raft_msg m;
    int err = raft_msg_decode(&m, room, APPEND_ROOM, bytes->data, bytes->len);
    ASSERT(err == OK);
    cluster_check_release(c, n, &m);
    cluster_trace_msg(c, &m, "send");
    const struct raft_member *to = raft_config_member(raft_config(n->raft), m.to);
    /* A configuration that was rolled back, or an answer to a member that we do not know: by its number. */
    unsigned node = CLUSTER_NODES_MAX;
    if (to != NULL)
        node = raft_cluster_node_of(to);
    for (unsigned i = 0; to == NULL && i < o->nodes; i++) {
        if (c->nodes[i].raft != NULL && raft_number(c->nodes[i].raft) == m.to)
            node = i;
    }
    if (node >= o->nodes || node == n->id)
        return;
    unsigned copies = raft_cluster_below(c, 1000) < o->duplicate_permille ? 2 : 1;
    for (unsigned i = 0; i < copies; i++) {
        if (c->blocked[n->id][node] || raft_cluster_below(c, 1000) < o->loss_permille)
            continue;
        uint64_t wait_us = cluster_between(c, o->delay_min_us, o->delay_max_us);
        if (raft_cluster_below(c, 1000) < o->late_permille)
            wait_us += raft_cluster_below(c, o->late_us + 1);
        struct cluster_event e = { .kind = EVENT_MSG, .node = node, .from = n->id };
        buf_append(&e.bytes, bytes->data, bytes->len);
        cluster_push(c, e, wait_us);
    }
}

static void node_send(struct raft_cluster *c, struct cluster_node *n, const struct raft_msg *m)
{
    struct buf bytes = { 0 };
    raft_msg_encode(m, &bytes);
    if (m->after_unit <= n->stored_unit) {
        cluster_transmit(c, n, &bytes);
        buf_deinit(&bytes);
        return;
    }
    if (n->held_count == n->held_size) {
        n->held_size = n->held_size > 0 ? 2 * n->held_size : 16;
        n->held = mem_realloc(n->held, n->held_size * sizeof(*n->held));
        ASSERT(n->held != NULL);
    }
    n->held[n->held_count++] = (struct cluster_held){
        .after_unit = m->after_unit, .type = m->type, .term = m->term, .bytes = bytes
    };
}

void cluster_node_release_held(struct raft_cluster *c, struct cluster_node *n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n->held_count; i++) {
        if (n->held[i].after_unit > n->stored_unit) {
            n->held[kept++] = n->held[i];
            continue;
        }
        if (raft_may_leave(n->raft, n->held[i].type, n->held[i].term))
            cluster_transmit(c, n, &n->held[i].bytes);
        buf_deinit(&n->held[i].bytes);
    }
    n->held_count = kept;
}

void cluster_node_find_config(struct raft_cluster *c, struct cluster_node *n)
{
    const struct cluster_image *log = &n->submitted;
    n->config_index = 0;
    for (uint64_t i = log->last; i > log->base.index && n->config_index == 0; i--) {
        if (cluster_entry(c, i, log->terms[i]).kind == RAFT_ENTRY_CONFIG)
            n->config_index = i;
    }
}

static void node_take_unit(struct raft_cluster *c, struct cluster_node *n)
{
    struct raft_unit taken;
    raft_take_unit(n->raft, &taken);
    struct cluster_unit *u = &n->units[n->units_count];
    *u = (struct cluster_unit){
        .number = taken.number,
        .cut_from = taken.cut_from,
        .first = taken.entries_count > 0 ? taken.entries[0].pos.index : 0,
        .terms_count = taken.entries_count,
        .base = raft_base(n->raft),
        .raft_number = raft_number(n->raft),
        .hard = taken.hard,
        .config = cluster_intern_config(c->checks, taken.config),
        .config_previous = cluster_intern_config(c->checks, taken.config_previous),
        .is_install = n->has_installed,
        .state = n->installed,
    };
    n->has_installed = false;
    c->marks[MARK_CUT] += u->cut_from > 1;
    c->marks[MARK_CUT_IN_FLIGHT] += u->cut_from > 1 && u->cut_from > n->disk.log.last;
    if (u->terms_count > 0) {
        u->terms = mem_array(u->terms_count, sizeof(*u->terms));
        ASSERT(u->terms != NULL);
    }
    /* Cut and base first, then each entry is looked at with the one before it. */
    struct cluster_unit head = *u;
    head.terms_count = 0;
    cluster_image_write(&n->submitted, &head);
    if (n->config_index > n->submitted.last || n->config_index <= n->submitted.base.index)
        cluster_node_find_config(c, n);
    for (size_t i = 0; i < u->terms_count; i++) {
        const struct raft_entry *e = &taken.entries[i];
        if (e->pos.index != n->submitted.last + 1)
            cluster_fail(c, "unit: node %u leaves a gap before %llu", n->id,
                         (unsigned long long)e->pos.index);
        cluster_check_entry(c, n, e, cluster_image_term(&n->submitted, e->pos.index - 1));
        u->terms[i] = e->pos.term;
        cluster_image_set(&n->submitted, e->pos.index, e->pos.term);
        if (e->kind == RAFT_ENTRY_CONFIG)
            n->config_index = e->pos.index;
    }
    n->units_count += 1;
    cluster_check_unit(c, n, u);
    if (n->units_count == 1)
        cluster_push(
            c, (struct cluster_event){ .kind = EVENT_STORED, .node = n->id, .epoch = n->epoch },
            cluster_between(c, c->options.store_min_us, c->options.store_max_us));
}

static void node_take_units(struct raft_cluster *c, struct cluster_node *n)
{
    while (raft_has_unit(n->raft) && n->units_count < c->options.units_in_flight)
        node_take_unit(c, n);
}

/* The state says which configuration holds where it stands. */
static void node_apply_one(struct raft_cluster *c, struct cluster_node *n,
                           const struct raft_entry *e)
{
    struct cluster_state *s = &n->state;
    s->pos = e->pos;
    s->hash = cluster_entry_hash(c, e->pos.index, e->pos.term);
    struct raft_entry known = cluster_entry(c, e->pos.index, e->pos.term);
    if (known.kind != e->kind || !bytes_equal(known.payload, e->payload))
        cluster_fail(c, "node %u applies damaged bytes at %llu", n->id,
                     (unsigned long long)e->pos.index);
    if (e->kind == RAFT_ENTRY_CONFIG) {
        struct raft_config config;
        int err = raft_config_decode(&config, e->payload.data, e->payload.len);
        ASSERT(err == OK);
        config.index = e->pos.index;
        s->config = cluster_intern_config(c->checks, &config);
        raft_config_deinit(&config);
    }
    cluster_check_applied(c, n);
}

static void node_apply(struct raft_cluster *c, struct cluster_node *n)
{
    uint64_t from = n->state.pos.index;
    while (n->state.pos.index < raft_applicable(n->raft)) {
        uint64_t index = n->state.pos.index + 1;
        const struct raft_entry *e = raft_entry_at(n->raft, index);
        if (e == NULL) {
            raft_want(n->raft, index);
            break;
        }
        node_apply_one(c, n, e);
    }
    if (n->state.pos.index > from)
        cluster_push(c,
                     (struct cluster_event){ .kind = EVENT_APPLIED,
                                             .node = n->id,
                                             .epoch = n->epoch,
                                             .generation = n->generation,
                                             .state = n->state },
                     cluster_between(c, c->options.store_min_us, c->options.store_max_us));
}

static void node_start_snapshot(struct raft_cluster *c, struct cluster_node *n, uint64_t member)
{
    const struct raft_member *m = raft_config_member(raft_config(n->raft), member);
    ASSERT(m != NULL);
    struct cluster_event e = { .kind = EVENT_SNAPSHOT,
                               .node = raft_cluster_node_of(m),
                               .from = n->id,
                               .number = member,
                               .state = n->disk.state };
    bool is_lost =
        c->blocked[n->id][e.node] || raft_cluster_below(c, 1000) < c->options.loss_permille;
    if (is_lost || e.state.pos.index == 0) {
        e = (struct cluster_event){
            .kind = EVENT_SNAPSHOT_SENT, .node = n->id, .epoch = n->epoch, .number = member
        };
        cluster_push(c, e, c->options.raft.election_min_us);
        return;
    }
    cluster_push(c, e, cluster_between(c, c->options.delay_min_us, 10 * c->options.delay_max_us));
}

static void node_set_deadline(struct raft_cluster *c, struct cluster_node *n)
{
    uint64_t due_us = raft_next_deadline_us(n->raft);
    if (due_us >= n->deadline_us)
        return;
    uint64_t wait_us = due_us > c->now_us ? due_us - c->now_us : 0;
    n->deadline_us = c->now_us + wait_us;
    cluster_push(c,
                 (struct cluster_event){ .kind = EVENT_DEADLINE, .node = n->id, .epoch = n->epoch },
                 wait_us);
}

static void node_effects(struct raft_cluster *c, struct cluster_node *n,
                         const struct raft_ready *ready)
{
    for (size_t i = 0; i < ready->reads_count; i++)
        cluster_check_read(c, n, &ready->reads[i]);
    for (size_t i = 0; i < ready->msgs_count; i++)
        node_send(c, n, &ready->msgs[i]);
    for (size_t i = 0; i < ready->fetches_count; i++)
        cluster_push(
            c,
            (struct cluster_event){ .kind = EVENT_FETCHED,
                                    .node = n->id,
                                    .epoch = n->epoch,
                                    .number = ready->fetches[i].first,
                                    .count = 1 + raft_cluster_below(c, FETCH_ENTRIES_MAX) },
            cluster_between(c, c->options.store_min_us, c->options.store_max_us));
    for (size_t i = 0; i < ready->snapshots_count; i++)
        node_start_snapshot(c, n, ready->snapshots[i].member);
}

/* After each input. */
static void node_work(struct raft_cluster *c, struct cluster_node *n,
                      const struct raft_ready *ready)
{
    node_effects(c, n, ready);
    node_take_units(c, n);
    node_apply(c, n);
    cluster_check_node(c, n);
    node_set_deadline(c, n);
}

void cluster_node_input(struct raft_cluster *c, struct cluster_node *n,
                        const struct raft_ready *ready, const char *what)
{
    cluster_node_trace(c, n, what);
    node_work(c, n, ready);
    if (n->state.pos.index < raft_applicable(n->raft)) /* something has to be fetched first: ask */
        node_work(c, n, raft_flush(n->raft, c->now_us));
}
