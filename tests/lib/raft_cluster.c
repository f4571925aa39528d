/* The mechanics: events, machines, disks. A message crosses as bytes; a crash frees the raft and keeps what its
 * disk had; a restart makes a new one from that, as production does. */
#include "tests/lib/raft_cluster_int.h"

#include <stdio.h>
#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum cluster_event_kind {
    EVENT_MSG,
    EVENT_DEADLINE,
    EVENT_STORED,
    EVENT_APPLIED,
    EVENT_FETCHED,
    EVENT_SNAPSHOT,      /* arrives */
    EVENT_SNAPSHOT_SENT, /* the sender learns of it */
};

struct cluster_event {
    uint64_t time_us;
    uint64_t seq;
    enum cluster_event_kind kind;
    unsigned node;
    unsigned from;  /* a node */
    unsigned epoch; /* of `node`; 0: any */
    unsigned generation;
    uint64_t number; /* unit, first index, or member */
    uint64_t count;
    struct cluster_state state;
    struct buf bytes;
};

enum { FETCH_ENTRIES_MAX = 32, APPEND_ROOM = 256 };

/* ---- chance ---- */

static uint64_t cluster_random(struct raft_cluster *c)
{
    c->rng += 0x9e3779b97f4a7c15; /* splitmix64 */
    uint64_t z = c->rng;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t raft_cluster_below(struct raft_cluster *c, uint64_t n)
{
    return n > 0 ? cluster_random(c) % n : 0;
}

static uint64_t cluster_between(struct raft_cluster *c, uint64_t min, uint64_t max)
{
    return min + raft_cluster_below(c, max - min + 1);
}

/* ---- events ---- */

static bool event_is_before(const struct cluster_event *a, const struct cluster_event *b)
{
    return a->time_us < b->time_us || (a->time_us == b->time_us && a->seq < b->seq);
}

static void cluster_push(struct raft_cluster *c, struct cluster_event e, uint64_t wait_us)
{
    if (c->events_count == c->events_size) {
        c->events_size = c->events_size > 0 ? 2 * c->events_size : 256;
        c->events = mem_realloc(c->events, c->events_size * sizeof(*c->events));
        ASSERT(c->events != NULL);
    }
    e.time_us = c->now_us + wait_us;
    e.seq = ++c->seq;
    size_t at = c->events_count++;
    while (at > 0 && event_is_before(&e, &c->events[(at - 1) / 2])) {
        c->events[at] = c->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    c->events[at] = e;
}

static struct cluster_event cluster_pop(struct raft_cluster *c)
{
    struct cluster_event first = c->events[0];
    struct cluster_event last = c->events[--c->events_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= c->events_count)
            break;
        if (child + 1 < c->events_count &&
            event_is_before(&c->events[child + 1], &c->events[child]))
            child += 1;
        if (!event_is_before(&c->events[child], &last))
            break;
        c->events[at] = c->events[child];
        at = child;
    }
    c->events[at] = last;
    return first;
}

/* ---- disks ---- */

static void image_set(struct cluster_image *log, uint64_t index, uint64_t term)
{
    if (index >= log->terms_size) {
        size_t size = log->terms_size > 0 ? 2 * log->terms_size : 256;
        while (size <= index)
            size *= 2;
        log->terms = mem_realloc(log->terms, size * sizeof(*log->terms));
        ASSERT(log->terms != NULL);
        log->terms_size = size;
    }
    log->terms[index] = term;
    log->last = index;
}

static void image_copy(struct cluster_image *to, const struct cluster_image *from)
{
    to->base = from->base;
    to->last = from->base.index;
    for (uint64_t i = from->base.index + 1; i <= from->last; i++)
        image_set(to, i, from->terms[i]);
}

static void image_write(struct cluster_image *log, const struct cluster_unit *u)
{
    log->base = u->base;
    if (u->cut_from > 0 && u->cut_from - 1 < log->last)
        log->last = u->cut_from - 1;
    if (log->last < log->base.index)
        log->last = log->base.index;
    for (size_t i = 0; i < u->terms_count; i++)
        image_set(log, u->first + i, u->terms[i]);
}

uint64_t cluster_image_term(const struct cluster_image *log, uint64_t index)
{
    if (index == log->base.index)
        return log->base.term;
    return index > log->base.index && index <= log->last ? log->terms[index] : 0;
}

static void disk_write(struct cluster_disk *disk, const struct cluster_unit *u)
{
    image_write(&disk->log, u);
    disk->number = u->raft_number;
    disk->hard = u->hard;
    disk->config = u->config;
    disk->config_previous = u->config_previous;
    if (u->is_install)
        disk->state = u->state;
}

/* ---- what a raft wants done ---- */

static void node_work(struct raft_cluster *c, struct cluster_node *n,
                      const struct raft_ready *ready);

static void node_trace(const struct raft_cluster *c, const struct cluster_node *n, const char *what)
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

static void cluster_trace_msg(const struct raft_cluster *c, const struct raft_msg *m,
                              const char *what)
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

static void node_release_held(struct raft_cluster *c, struct cluster_node *n)
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

static void node_find_config(struct raft_cluster *c, struct cluster_node *n)
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
    image_write(&n->submitted, &head);
    if (n->config_index > n->submitted.last || n->config_index <= n->submitted.base.index)
        node_find_config(c, n);
    for (size_t i = 0; i < u->terms_count; i++) {
        const struct raft_entry *e = &taken.entries[i];
        if (e->pos.index != n->submitted.last + 1)
            cluster_fail(c, "unit: node %u leaves a gap before %llu", n->id,
                         (unsigned long long)e->pos.index);
        cluster_check_entry(c, n, e, cluster_image_term(&n->submitted, e->pos.index - 1));
        u->terms[i] = e->pos.term;
        image_set(&n->submitted, e->pos.index, e->pos.term);
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

static void node_input(struct raft_cluster *c, struct cluster_node *n,
                       const struct raft_ready *ready, const char *what)
{
    node_trace(c, n, what);
    node_work(c, n, ready);
    if (n->state.pos.index < raft_applicable(n->raft)) /* something has to be fetched first: ask */
        node_work(c, n, raft_flush(n->raft, c->now_us));
}

/* ---- events happen ---- */

static void on_msg(struct raft_cluster *c, struct cluster_node *n, struct cluster_event *e)
{
    struct raft_entry room[APPEND_ROOM];
    struct raft_msg m;
    int err = raft_msg_decode(&m, room, APPEND_ROOM, e->bytes.data, e->bytes.len);
    ASSERT(err == OK);
    cluster_trace_msg(c, &m, "recv");
    node_input(c, n, raft_step(n->raft, c->now_us, cluster_random(c), &m), "message");
}

static void on_stored(struct raft_cluster *c, struct cluster_node *n)
{
    ASSERT(n->units_count > 0);
    struct cluster_unit u = n->units[0];
    disk_write(&n->disk, &u);
    n->units_count -= 1;
    memmove(n->units, n->units + 1, n->units_count * sizeof(n->units[0]));
    mem_free(u.terms);
    if (n->units_count > 0)
        cluster_push(
            c, (struct cluster_event){ .kind = EVENT_STORED, .node = n->id, .epoch = n->epoch },
            cluster_between(c, c->options.store_min_us, c->options.store_max_us));
    n->stored_unit = u.number;
    node_release_held(c, n);
    node_input(c, n, raft_on_stored(n->raft, c->now_us, u.number), "stored");
}

static void on_fetched(struct raft_cluster *c, struct cluster_node *n,
                       const struct cluster_event *e)
{
    struct raft_entry entries[FETCH_ENTRIES_MAX + 1];
    size_t count = 0;
    for (uint64_t i = e->number; count < e->count && i <= n->submitted.last; i++) {
        if (i <= n->submitted.base.index)
            break;
        entries[count++] = cluster_entry(c, i, n->submitted.terms[i]);
    }
    c->marks[MARK_FETCHED] += 1;
    if (raft_cluster_below(c, 20) == 0)
        count = 0; /* it could not be read */
    node_input(c, n, raft_on_fetched(n->raft, c->now_us, entries, count), "fetched");
}

static void cluster_snapshot_fails(struct raft_cluster *c, const struct cluster_event *e)
{
    cluster_push(
        c,
        (struct cluster_event){ .kind = EVENT_SNAPSHOT_SENT, .node = e->from, .number = e->number },
        c->options.raft.election_min_us);
}

static void on_snapshot(struct raft_cluster *c, struct cluster_node *n,
                        const struct cluster_event *e)
{
    const struct cluster_state *s = &e->state;
    uint64_t number = raft_number(n->raft);
    if (number != e->number) {
        cluster_snapshot_fails(c, e);
        return;
    }
    uint64_t holds = s->pos.index;
    if (s->pos.index > n->state.pos.index) {
        n->state = *s;
        n->generation += 1;
        n->installed = *s;
        n->has_installed = true;
        cluster_check_applied(c, n);
        c->marks[MARK_INSTALLED] += 1;
        c->marks[MARK_INSTALLED_INTO_LOG] += raft_term_at(n->raft, s->pos.index) == s->pos.term;
        node_input(c, n, raft_install(n->raft, c->now_us, s->pos, s->config), "install");
        holds = 0; /* the sender is told when it is durable; here: it tries again, and finds out */
    }
    cluster_push(c,
                 (struct cluster_event){ .kind = EVENT_SNAPSHOT_SENT,
                                         .node = e->from,
                                         .number = e->number,
                                         .count = holds <= n->disk.state.pos.index ? holds : 0 },
                 cluster_between(c, c->options.delay_min_us, c->options.delay_max_us));
}

/* Is the state that we apply to not the one that a restart would open? */
static bool node_is_switching(const struct cluster_node *n)
{
    bool is_switching = n->has_installed;
    for (size_t i = 0; i < n->units_count; i++)
        is_switching = is_switching || n->units[i].is_install;
    return is_switching;
}

static void on_applied(struct raft_cluster *c, struct cluster_node *n, struct cluster_event *e)
{
    if (e->generation != n->generation || e->state.pos.index < n->disk.state.pos.index)
        return; /* of a state that was replaced; or a later batch took this one along */
    if (node_is_switching(n)) {
        cluster_push(c, *e, c->options.store_max_us + 1);
        return;
    }
    n->disk.state = e->state;
    raft_on_applied(n->raft, e->state.pos.index);
}

static void cluster_happen(struct raft_cluster *c, struct cluster_node *n, struct cluster_event *e)
{
    switch (e->kind) {
    case EVENT_MSG:
        on_msg(c, n, e);
        return;
    case EVENT_DEADLINE:
        if (e->time_us != n->deadline_us)
            return; /* another one was scheduled for an earlier time */
        n->deadline_us = RAFT_NEVER;
        node_input(c, n, raft_on_deadline(n->raft, c->now_us, cluster_random(c)), "deadline");
        return;
    case EVENT_STORED:
        on_stored(c, n);
        return;
    case EVENT_APPLIED:
        on_applied(c, n, e);
        return;
    case EVENT_FETCHED:
        on_fetched(c, n, e);
        return;
    case EVENT_SNAPSHOT:
        on_snapshot(c, n, e);
        return;
    case EVENT_SNAPSHOT_SENT:
        node_input(c, n, raft_on_snapshot_sent(n->raft, c->now_us, e->number, e->count), "sent");
        return;
    }
}

bool raft_cluster_step(struct raft_cluster *c)
{
    if (c->failure[0] != '\0' || c->events_count == 0)
        return false;
    struct cluster_event e = cluster_pop(c);
    c->now_us = e.time_us > c->now_us ? e.time_us : c->now_us;
    c->events_done += 1;
    struct cluster_node *n = &c->nodes[e.node];
    bool is_for_this_life = n->raft != NULL && (e.epoch == 0 || e.epoch == n->epoch);
    if (is_for_this_life && c->now_us < n->paused_until_us) {
        if (e.kind == EVENT_DEADLINE && e.time_us == n->deadline_us)
            n->deadline_us = n->paused_until_us;
        cluster_push(c, e, n->paused_until_us - c->now_us);
        return true;
    }
    if (is_for_this_life)
        cluster_happen(c, n, &e);
    else if (e.kind == EVENT_SNAPSHOT)
        cluster_snapshot_fails(c, &e);
    buf_deinit(&e.bytes);
    return c->failure[0] == '\0';
}

bool raft_cluster_run(struct raft_cluster *c, uint64_t for_us)
{
    uint64_t until_us = c->now_us + for_us;
    while (c->events_count > 0 && c->events[0].time_us <= until_us) {
        if (!raft_cluster_step(c))
            return false;
    }
    c->now_us = until_us;
    return true;
}

/* ---- lives ---- */

static void node_start(struct raft_cluster *c, struct cluster_node *n)
{
    const struct cluster_disk *d = &n->disk;
    const struct cluster_image *log = &d->log;
    size_t runs_max = (size_t)(log->last - log->base.index) + 1;
    struct raft_term_run *runs = mem_array(runs_max, sizeof(*runs));
    ASSERT(runs != NULL);
    size_t runs_count = 0;
    for (uint64_t i = log->base.index + 1; i <= log->last; i++) {
        if (runs_count == 0 || runs[runs_count - 1].term != log->terms[i])
            runs[runs_count++] = (struct raft_term_run){ .term = log->terms[i], .first = i };
    }
    struct raft_durable durable = {
        .number = d->number,
        .hard = d->hard,
        .base = log->base,
        .last = log->last,
        .runs = runs,
        .runs_count = runs_count,
        .config = d->config,
        .config_previous = d->config_previous,
    };
    int err = raft_create(&n->raft, &c->options.raft, &durable, c->now_us, cluster_random(c));
    ASSERT(err == OK);
    mem_free(runs);
    image_copy(&n->submitted, log);
    node_find_config(c, n);
    n->stored_unit = 0;
    n->epoch += 1;
    n->generation += 1;
    n->state = d->state;
    n->has_installed = false;
    n->deadline_us = RAFT_NEVER;
    n->term_seen = d->hard.term;
    n->committed_seen = 0;
    n->led = false;
    n->config_seen = 0;
    raft_on_applied(n->raft, d->state.pos.index);
    node_input(c, n, raft_flush(n->raft, c->now_us), "start");
}

void raft_cluster_crash(struct raft_cluster *c, unsigned node)
{
    struct cluster_node *n = &c->nodes[node];
    if (n->raft == NULL)
        return;
    size_t survive = (size_t)raft_cluster_below(c, n->units_count + 1);
    for (size_t i = 0; i < n->units_count; i++) {
        if (i < survive)
            disk_write(&n->disk, &n->units[i]);
        mem_free(n->units[i].terms);
    }
    c->marks[MARK_UNIT_LOST] += n->units_count - survive;
    n->units_count = 0;
    for (size_t i = 0; i < n->held_count; i++)
        buf_deinit(&n->held[i].bytes);
    n->held_count = 0;
    n->reads_count = 0;
    raft_destroy(n->raft);
    n->raft = NULL;
    n->paused_until_us = 0;
    node_trace(c, n, "crash");
}

void raft_cluster_restart(struct raft_cluster *c, unsigned node)
{
    if (c->nodes[node].raft == NULL)
        node_start(c, &c->nodes[node]);
}

void raft_cluster_wipe(struct raft_cluster *c, unsigned node)
{
    struct cluster_node *n = &c->nodes[node];
    raft_cluster_crash(c, node);
    c->marks[MARK_WIPED] += 1;
    struct cluster_image log = { .terms = n->disk.log.terms, .terms_size = n->disk.log.terms_size };
    n->disk = (struct cluster_disk){ .log = log };
    node_start(c, n);
}

void raft_cluster_pause(struct raft_cluster *c, unsigned node, uint64_t for_us)
{
    c->nodes[node].paused_until_us = c->now_us + for_us;
}

void raft_cluster_heal(struct raft_cluster *c)
{
    memset(c->blocked, 0, sizeof(c->blocked));
    for (unsigned i = 0; i < c->options.nodes; i++) {
        c->nodes[i].paused_until_us = 0;
        raft_cluster_restart(c, i);
    }
    /* Raft asks for it: messages and disks much faster than election timeouts (dissertation 3.9). */
    uint64_t fast_us = c->options.raft.election_min_us / 8;
    struct cluster_options *o = &c->options;
    o->delay_max_us = o->delay_max_us < fast_us ? o->delay_max_us : fast_us;
    o->delay_min_us = o->delay_min_us < o->delay_max_us ? o->delay_min_us : o->delay_max_us;
    o->store_max_us = o->store_max_us < fast_us ? o->store_max_us : fast_us;
    o->store_min_us = o->store_min_us < o->store_max_us ? o->store_min_us : o->store_max_us;
    c->options.loss_permille = 0;
    c->options.duplicate_permille = 0;
    c->options.late_permille = 0;
}

/* ---- requests ---- */

static struct cluster_node *cluster_awake(struct raft_cluster *c, unsigned node)
{
    struct cluster_node *n = &c->nodes[node];
    return n->raft != NULL && c->now_us >= n->paused_until_us ? n : NULL;
}

bool raft_cluster_propose(struct raft_cluster *c, unsigned node, size_t len)
{
    struct cluster_node *n = cluster_awake(c, node);
    uint8_t payload[1024];
    ASSERT(len <= sizeof(payload));
    for (size_t i = 0; i < len; i++)
        payload[i] = (uint8_t)cluster_random(c);
    struct raft_pos pos;
    if (n == NULL || raft_propose(n->raft, payload, len, &pos) != OK)
        return false;
    node_input(c, n, raft_flush(n->raft, c->now_us), "propose");
    return true;
}

bool raft_cluster_read(struct raft_cluster *c, unsigned node)
{
    struct cluster_node *n = cluster_awake(c, node);
    uint64_t context = ++c->next_context;
    if (n == NULL || raft_read(n->raft, context) != OK)
        return false;
    if (n->reads_count == n->reads_size) {
        n->reads_size = n->reads_size > 0 ? 2 * n->reads_size : 16;
        n->reads = mem_realloc(n->reads, n->reads_size * sizeof(*n->reads));
        ASSERT(n->reads != NULL);
    }
    n->reads[n->reads_count++] =
        (struct cluster_read){ .context = context, .index_min = raft_cluster_committed(c) };
    node_input(c, n, raft_flush(n->raft, c->now_us), "read");
    return true;
}

bool raft_cluster_transfer(struct raft_cluster *c, unsigned node, uint64_t to)
{
    struct cluster_node *n = cluster_awake(c, node);
    if (n == NULL || raft_transfer(n->raft, c->now_us, to) != OK)
        return false;
    node_input(c, n, raft_flush(n->raft, c->now_us), "transfer");
    return true;
}

bool raft_cluster_change(struct raft_cluster *c, unsigned node, const struct raft_config *next)
{
    struct cluster_node *n = cluster_awake(c, node);
    struct raft_pos pos;
    if (n == NULL || raft_propose_config(n->raft, next, &pos) != OK)
        return false;
    node_input(c, n, raft_flush(n->raft, c->now_us), "change");
    return true;
}

void raft_cluster_abdicate(struct raft_cluster *c, unsigned node, uint64_t for_us)
{
    struct cluster_node *n = cluster_awake(c, node);
    if (n != NULL)
        node_input(c, n, raft_abdicate(n->raft, c->now_us, c->now_us + for_us), "abdicate");
}

void raft_cluster_trim(struct raft_cluster *c, unsigned node, uint64_t index)
{
    struct cluster_node *n = cluster_awake(c, node);
    if (n == NULL || index > n->disk.state.pos.index || index > raft_stored(n->raft))
        return;
    raft_on_trimmed(n->raft, index);
    node_input(c, n, raft_flush(n->raft, c->now_us), "trim");
}

void raft_cluster_tell_numbers(struct raft_cluster *c)
{
    const struct raft_config *config = raft_cluster_config(c);
    for (size_t i = 0; config != NULL && i < config->count; i++) {
        struct cluster_node *n = cluster_awake(c, raft_cluster_node_of(&config->members[i]));
        if (n == NULL || raft_number(n->raft) == config->members[i].number)
            continue;
        if (raft_number(n->raft) != RAFT_NOBODY)
            raft_cluster_wipe(c, n->id); /* it was admitted anew; what it had as another is void */
        raft_set_number(n->raft, config->members[i].number);
        c->marks[MARK_TOLD] += 1;
        node_input(c, n, raft_flush(n->raft, c->now_us), "told");
    }
}

struct cluster_node *raft_cluster_leader(struct raft_cluster *c)
{
    struct cluster_node *best = NULL;
    for (unsigned i = 0; i < c->options.nodes; i++) {
        struct cluster_node *n = &c->nodes[i];
        if (n->raft == NULL || raft_state(n->raft) != RAFT_LEADER)
            continue;
        if (best == NULL || raft_term(n->raft) > raft_term(best->raft))
            best = n;
    }
    return best;
}

/* ---- all of it ---- */

/* Entry 1 of term 1 is the list of founders, on each of their disks. */
static void cluster_found(struct raft_cluster *c)
{
    struct raft_config config = { .index = 1 };
    for (unsigned i = 0; i < c->options.founders; i++) {
        struct raft_member m = raft_cluster_member(i, i + 1, RAFT_VOTER);
        int err = raft_config_add(&config, &m);
        ASSERT(err == OK);
    }
    struct buf payload = { 0 };
    raft_config_encode(&config, &payload);
    struct raft_entry first = { .pos = { 1, 1 },
                                .kind = RAFT_ENTRY_CONFIG,
                                .payload = buf_bytes(&payload) };
    cluster_check_entry(c, &c->nodes[0], &first, 0);
    for (unsigned i = 0; i < c->options.founders; i++) {
        struct cluster_disk *d = &c->nodes[i].disk;
        d->number = i + 1;
        d->hard.term = 1;
        d->config = cluster_intern_config(c->checks, &config);
        image_set(&d->log, 1, 1);
    }
    buf_deinit(&payload);
    raft_config_deinit(&config);
}

struct raft_cluster *raft_cluster_create(const struct cluster_options *options)
{
    ASSERT(options->nodes <= CLUSTER_NODES_MAX && options->founders <= options->nodes);
    ASSERT(options->units_in_flight > 0 && options->units_in_flight <= CLUSTER_UNITS_MAX);
    ASSERT(options->raft.append_entries_max <= APPEND_ROOM);
    struct raft_cluster *c = mem_zalloc(sizeof(*c));
    ASSERT(c != NULL);
    c->options = *options;
    c->rng = options->seed;
    c->checks = cluster_checks_create();
    cluster_found(c);
    for (unsigned i = 0; i < options->nodes; i++) {
        c->nodes[i].id = i;
        node_start(c, &c->nodes[i]);
    }
    return c;
}

void raft_cluster_destroy(struct raft_cluster *c)
{
    for (unsigned i = 0; i < c->options.nodes; i++) {
        struct cluster_node *n = &c->nodes[i];
        raft_cluster_crash(c, i);
        mem_free(n->disk.log.terms);
        mem_free(n->submitted.terms);
        mem_free(n->held);
        mem_free(n->reads);
    }
    for (size_t i = 0; i < c->events_count; i++)
        buf_deinit(&c->events[i].bytes);
    mem_free(c->events);
    cluster_checks_destroy(c->checks);
    mem_free(c);
}
