/* What happens to a node: each event is one input to its raft. */
#include "tests/lib/raft_cluster_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

static void on_msg(struct raft_cluster *c, struct cluster_node *n, struct cluster_event *e)
{
    struct raft_entry room[APPEND_ROOM];
    struct raft_msg m;
    int err = raft_msg_decode(&m, room, APPEND_ROOM, e->bytes.data, e->bytes.len);
    ASSERT(err == OK);
    cluster_trace_msg(c, &m, "recv");
    cluster_node_input(c, n, raft_step(n->raft, c->now_us, cluster_random(c), &m), "message");
}

static void on_stored(struct raft_cluster *c, struct cluster_node *n)
{
    ASSERT(n->units_count > 0);
    struct cluster_unit u = n->units[0];
    cluster_disk_write(&n->disk, &u);
    n->units_count -= 1;
    memmove(n->units, n->units + 1, n->units_count * sizeof(n->units[0]));
    mem_free(u.terms);
    if (n->units_count > 0)
        cluster_push(
            c, (struct cluster_event){ .kind = EVENT_STORED, .node = n->id, .epoch = n->epoch },
            cluster_between(c, c->options.store_min_us, c->options.store_max_us));
    n->stored_unit = u.number;
    cluster_node_release_held(c, n);
    cluster_node_input(c, n, raft_on_stored(n->raft, c->now_us, u.number), "stored");
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
    cluster_node_input(c, n, raft_on_fetched(n->raft, c->now_us, entries, count), "fetched");
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
        cluster_node_input(c, n, raft_install(n->raft, c->now_us, s->pos, s->config), "install");
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
        cluster_node_input(c, n, raft_on_deadline(n->raft, c->now_us, cluster_random(c)),
                           "deadline");
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
        cluster_node_input(c, n, raft_on_snapshot_sent(n->raft, c->now_us, e->number, e->count),
                           "sent");
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
