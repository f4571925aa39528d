/* Lives of nodes and what is asked of them. A crash frees the raft and keeps what its disk had; a restart makes a new one
 * from that, as production does. */
#include "tests/lib/raft_cluster_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

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
    cluster_image_copy(&n->submitted, log);
    cluster_node_find_config(c, n);
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
    cluster_node_input(c, n, raft_flush(n->raft, c->now_us), "start");
}

void raft_cluster_crash(struct raft_cluster *c, unsigned node)
{
    struct cluster_node *n = &c->nodes[node];
    if (n->raft == NULL)
        return;
    size_t survive = (size_t)raft_cluster_below(c, n->units_count + 1);
    for (size_t i = 0; i < n->units_count; i++) {
        if (i < survive)
            cluster_disk_write(&n->disk, &n->units[i]);
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
    cluster_node_trace(c, n, "crash");
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
    cluster_node_input(c, n, raft_flush(n->raft, c->now_us), "propose");
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
    cluster_node_input(c, n, raft_flush(n->raft, c->now_us), "read");
    return true;
}

bool raft_cluster_transfer(struct raft_cluster *c, unsigned node, uint64_t to)
{
    struct cluster_node *n = cluster_awake(c, node);
    if (n == NULL || raft_transfer(n->raft, c->now_us, to) != OK)
        return false;
    cluster_node_input(c, n, raft_flush(n->raft, c->now_us), "transfer");
    return true;
}

bool raft_cluster_change(struct raft_cluster *c, unsigned node, const struct raft_config *next)
{
    struct cluster_node *n = cluster_awake(c, node);
    struct raft_pos pos;
    if (n == NULL || raft_propose_config(n->raft, next, &pos) != OK)
        return false;
    cluster_node_input(c, n, raft_flush(n->raft, c->now_us), "change");
    return true;
}

void raft_cluster_abdicate(struct raft_cluster *c, unsigned node, uint64_t for_us)
{
    struct cluster_node *n = cluster_awake(c, node);
    if (n != NULL)
        cluster_node_input(c, n, raft_abdicate(n->raft, c->now_us, c->now_us + for_us), "abdicate");
}

void raft_cluster_trim(struct raft_cluster *c, unsigned node, uint64_t index)
{
    struct cluster_node *n = cluster_awake(c, node);
    if (n == NULL || index > n->disk.state.pos.index || index > raft_stored(n->raft))
        return;
    raft_on_trimmed(n->raft, index);
    cluster_node_input(c, n, raft_flush(n->raft, c->now_us), "trim");
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
        cluster_node_input(c, n, raft_flush(n->raft, c->now_us), "told");
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
        cluster_image_set(&d->log, 1, 1);
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
