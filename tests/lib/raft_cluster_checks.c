/* What must be true of a cluster, seen from outside: from what leaves a node, what its disk has, and what its
 * public functions say. Over all of history, crashes included. */
#include "tests/lib/raft_cluster_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/assert.h"
#include "util/hash.h"
#include "util/mem.h"

struct known_entry {
    uint64_t term;
    uint64_t hash; /* over this one and all before it */
    enum raft_entry_kind kind;
    struct bytes payload;
    struct known_entry *next;
};

struct known_config {
    struct raft_config config;
    struct known_config *next;
};

struct known_vote {
    uint64_t term;
    uint64_t voter;
    uint64_t candidate;
};

struct cluster_checks {
    struct known_entry **entries; /* by index */
    size_t entries_size;
    struct known_config *configs;
    uint64_t *committed; /* term by index */
    size_t committed_size;
    uint64_t *committed_in; /* the term of the leader who committed it, by index */
    size_t committed_in_size;
    uint64_t committed_last;
    const struct raft_config *committed_config;
    uint64_t *applied; /* hash by index */
    size_t applied_size;
    uint64_t *leaders; /* by term */
    size_t leaders_size;
    struct known_vote *votes;
    size_t votes_count, votes_size;
};

const char *const cluster_mark_names[MARK_COUNT] = {
    "elected",
    "elected by transfer",
    "stepped down",
    "committed",
    "config committed",
    "config rolled back",
    "cut",
    "cut in flight",
    "fetched",
    "installed",
    "installed into the log",
    "read",
    "read failed",
    "unit lost",
    "told its number",
    "wiped",
};

void cluster_fail(struct raft_cluster *c, const char *format, ...)
{
    if (c->failure[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(c->failure, sizeof(c->failure), format, args);
    va_end(args);
    if (c->is_traced)
        fprintf(stderr, "%10llu FAILED %s\n", (unsigned long long)c->now_us, c->failure);
}

/* A cleared vector of 8-byte items with room for `index`. */
static void grow(void *vector, size_t *size, uint64_t index)
{
    if (index < *size)
        return;
    void *old;
    memcpy(&old, vector, sizeof(old));
    size_t next = *size > 0 ? *size : 256;
    while (next <= index)
        next *= 2;
    uint64_t *grown = mem_realloc(old, next * sizeof(*grown));
    ASSERT(grown != NULL);
    memset(grown + *size, 0, (next - *size) * sizeof(*grown));
    memcpy(vector, &grown, sizeof(grown));
    *size = next;
}

struct cluster_checks *cluster_checks_create(void)
{
    struct cluster_checks *k = mem_zalloc(sizeof(*k));
    ASSERT(k != NULL);
    return k;
}

void cluster_checks_destroy(struct cluster_checks *k)
{
    for (size_t i = 0; i < k->entries_size; i++) {
        while (k->entries[i] != NULL) {
            struct known_entry *e = k->entries[i];
            k->entries[i] = e->next;
            mem_free((void *)(uintptr_t)e->payload.data);
            mem_free(e);
        }
    }
    while (k->configs != NULL) {
        struct known_config *known = k->configs;
        k->configs = known->next;
        raft_config_deinit(&known->config);
        mem_free(known);
    }
    mem_free(k->entries);
    mem_free(k->committed);
    mem_free(k->committed_in);
    mem_free(k->applied);
    mem_free(k->leaders);
    mem_free(k->votes);
    mem_free(k);
}

/* ---- configurations ---- */

static bool is_same_config(const struct raft_config *a, const struct raft_config *b)
{
    if (a->index != b->index || a->count != b->count || a->next_number != b->next_number)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct raft_member *x = &a->members[i];
        const struct raft_member *y = &b->members[i];
        if (x->number != y->number || x->role != y->role || !peer_id_equal(&x->id, &y->id))
            return false;
    }
    return true;
}

const struct raft_config *cluster_intern_config(struct cluster_checks *k,
                                                const struct raft_config *config)
{
    if (config == NULL)
        return NULL;
    for (struct known_config *known = k->configs; known != NULL; known = known->next) {
        if (is_same_config(&known->config, config))
            return &known->config;
    }
    struct known_config *known = mem_zalloc(sizeof(*known));
    ASSERT(known != NULL);
    int err = raft_config_copy(&known->config, config);
    ASSERT(err == 0);
    known->next = k->configs;
    k->configs = known;
    return &known->config;
}

static bool votes_in(const struct raft_config *config, uint64_t number)
{
    const struct raft_member *m = raft_config_member(config, number);
    return m != NULL && m->role == RAFT_VOTER;
}

static unsigned voters_only_in(const struct raft_config *a, const struct raft_config *b)
{
    unsigned count = 0;
    for (size_t i = 0; i < a->count; i++)
        count += a->members[i].role == RAFT_VOTER && !votes_in(b, a->members[i].number);
    return count;
}

/* ---- entries: log matching ---- */

static struct known_entry *find_entry(const struct cluster_checks *k, uint64_t index, uint64_t term)
{
    struct known_entry *e = index < k->entries_size ? k->entries[index] : NULL;
    while (e != NULL && e->term != term)
        e = e->next;
    return e;
}

uint64_t cluster_entry_hash(const struct raft_cluster *c, uint64_t index, uint64_t term)
{
    if (index == 0)
        return 0;
    const struct known_entry *e = find_entry(c->checks, index, term);
    return e != NULL ? e->hash : 0;
}

struct raft_entry cluster_entry(const struct raft_cluster *c, uint64_t index, uint64_t term)
{
    const struct known_entry *e = find_entry(c->checks, index, term);
    ASSERT(e != NULL);
    return (struct raft_entry){ .pos = { term, index }, .kind = e->kind, .payload = e->payload };
}

void cluster_check_entry(struct raft_cluster *c, const struct cluster_node *n,
                         const struct raft_entry *e, uint64_t prev_term)
{
    struct cluster_checks *k = c->checks;
    uint64_t index = e->pos.index;
    uint64_t head[3] = { cluster_entry_hash(c, index - 1, prev_term), e->pos.term, e->kind };
    uint64_t hash = hash64(hash64(1, head, sizeof(head)), e->payload.data, e->payload.len) | 1;
    const struct known_entry *known = find_entry(k, index, e->pos.term);
    if (known != NULL) {
        if (known->hash != hash)
            cluster_fail(
                c, "log matching: node %u has another entry %llu of term %llu, or others before it",
                n->id, (unsigned long long)index, (unsigned long long)e->pos.term);
        return;
    }
    grow(&k->entries, &k->entries_size, index);
    struct known_entry *added = mem_zalloc(sizeof(*added));
    uint8_t *payload = mem_alloc(e->payload.len + 1);
    ASSERT(added != NULL && payload != NULL);
    if (e->payload.len > 0)
        memcpy(payload, e->payload.data, e->payload.len);
    *added = (struct known_entry){ .term = e->pos.term,
                                   .hash = hash,
                                   .kind = e->kind,
                                   .payload = { payload, e->payload.len },
                                   .next = k->entries[index] };
    k->entries[index] = added;
}

/* Which configuration does the node's log say? */
void cluster_check_unit(struct raft_cluster *c, const struct cluster_node *n,
                        const struct cluster_unit *u)
{
    uint64_t newest = n->config_index;
    uint64_t has = u->config != NULL ? u->config->index : 0;
    if (newest > 0 ? has != newest : has > n->submitted.base.index)
        cluster_fail(c, "config: node %u goes by entry %llu, its log says %llu", n->id,
                     (unsigned long long)has, (unsigned long long)newest);
    if (u->config_previous != NULL && u->config_previous->index > c->checks->committed_last)
        cluster_fail(c, "config: node %u has two that are not committed, %llu and %llu", n->id,
                     (unsigned long long)u->config_previous->index, (unsigned long long)has);
}

/* ---- promises that leave ---- */

static void check_vote(struct raft_cluster *c, const struct cluster_node *n, uint64_t term,
                       uint64_t candidate)
{
    struct cluster_checks *k = c->checks;
    uint64_t voter = raft_number(n->raft);
    const struct raft_hard_state *disk = &n->disk.hard;
    if (disk->term < term || (disk->term == term && disk->voted_for != candidate))
        cluster_fail(
            c, "vote: node %u promises its vote of term %llu to %llu, its disk does not have it",
            n->id, (unsigned long long)term, (unsigned long long)candidate);
    for (size_t i = 0; i < k->votes_count; i++) {
        const struct known_vote *v = &k->votes[i];
        if (v->term != term || v->voter != voter)
            continue;
        if (v->candidate != candidate)
            cluster_fail(c, "vote: %llu votes twice in term %llu: for %llu and %llu",
                         (unsigned long long)voter, (unsigned long long)term,
                         (unsigned long long)v->candidate, (unsigned long long)candidate);
        return;
    }
    if (k->votes_count == k->votes_size) {
        k->votes_size = k->votes_size > 0 ? 2 * k->votes_size : 64;
        k->votes = mem_realloc(k->votes, k->votes_size * sizeof(*k->votes));
        ASSERT(k->votes != NULL);
    }
    k->votes[k->votes_count++] =
        (struct known_vote){ .term = term, .voter = voter, .candidate = candidate };
}

static bool disk_has(const struct cluster_node *n, uint64_t index, uint64_t term)
{
    const struct cluster_image *log = &n->disk.log;
    if (index <= log->base.index)
        return true; /* committed once; the state has it */
    return index <= log->last && log->terms[index] == term;
}

static const struct cluster_node *leader_of(const struct raft_cluster *c, uint64_t number,
                                            uint64_t term)
{
    for (unsigned i = 0; i < c->options.nodes; i++) {
        const struct cluster_node *n = &c->nodes[i];
        if (n->raft != NULL && raft_number(n->raft) == number && raft_term(n->raft) == term &&
            raft_state(n->raft) == RAFT_LEADER)
            return n;
    }
    return NULL;
}

/* An acknowledgement is of what is on this disk, and the same as the leader's. */
static void check_ack(struct raft_cluster *c, const struct cluster_node *n,
                      const struct raft_msg *m)
{
    if (m->match > n->disk.log.last) {
        cluster_fail(c, "ack: node %u acknowledges %llu, its disk ends at %llu", n->id,
                     (unsigned long long)m->match, (unsigned long long)n->disk.log.last);
        return;
    }
    const struct cluster_node *leader = leader_of(c, m->to, m->term);
    if (leader == NULL)
        return;
    uint64_t term = raft_term_at(leader->raft, m->match);
    if (term > 0 && !disk_has(n, m->match, term))
        cluster_fail(c, "ack: node %u acknowledges %llu, which is another entry than the leader's",
                     n->id, (unsigned long long)m->match);
}

void cluster_check_release(struct raft_cluster *c, const struct cluster_node *n,
                           const struct raft_msg *m)
{
    if (m->is_pre_vote)
        return;
    if (n->disk.hard.term < m->term)
        cluster_fail(c, "node %u speaks in term %llu, its disk is in %llu", n->id,
                     (unsigned long long)m->term, (unsigned long long)n->disk.hard.term);
    if (m->type == RAFT_MSG_VOTE) {
        c->marks[MARK_ELECTED_BY_TRANSFER] += m->is_transfer;
        check_vote(c, n, m->term, m->from);
        if (m->last.index > n->disk.log.last)
            cluster_fail(c, "vote: node %u boasts of entry %llu, its disk ends at %llu", n->id,
                         (unsigned long long)m->last.index, (unsigned long long)n->disk.log.last);
    }
    if (m->type == RAFT_MSG_VOTE_REPLY && m->granted)
        check_vote(c, n, m->term, m->to);
    if (m->type == RAFT_MSG_APPEND_REPLY && m->granted)
        check_ack(c, n, m);
}

/* ---- after each input ---- */

static void check_leader(struct raft_cluster *c, struct cluster_node *n)
{
    struct cluster_checks *k = c->checks;
    uint64_t term = raft_term(n->raft);
    uint64_t number = raft_number(n->raft);
    if (raft_state(n->raft) != RAFT_LEADER || n->led_term == term)
        return;
    n->led_term = term;
    grow(&k->leaders, &k->leaders_size, term);
    if (k->leaders[term] != 0)
        cluster_fail(c, "election safety: term %llu has the leaders %llu and %llu",
                     (unsigned long long)term, (unsigned long long)k->leaders[term],
                     (unsigned long long)number);
    k->leaders[term] = number;
    c->marks[MARK_ELECTED] += 1;
    check_vote(c, n, term, number);
    uint64_t last = k->committed_last; /* of what leaders of earlier terms committed */
    while (last > 0 && k->committed_in[last] >= term)
        last -= 1;
    bool has_all =
        raft_base(n->raft).index >= last ||
        (raft_last(n->raft).index >= last && raft_term_at(n->raft, last) == k->committed[last]);
    if (!has_all)
        cluster_fail(
            c, "leader completeness: %llu leads term %llu without the committed entry %llu",
            (unsigned long long)number, (unsigned long long)term, (unsigned long long)last);
}

static void check_new_commit(struct raft_cluster *c, const struct cluster_node *n, uint64_t index,
                             uint64_t term)
{
    const struct raft_config *config = raft_config(n->raft);
    unsigned voters = 0;
    unsigned durable = 0;
    for (size_t i = 0; i < config->count; i++) {
        if (config->members[i].role != RAFT_VOTER)
            continue;
        const struct cluster_node *other = &c->nodes[raft_cluster_node_of(&config->members[i])];
        voters += 1;
        durable += other->disk.number == config->members[i].number && disk_has(other, index, term);
    }
    if (durable <= voters / 2)
        cluster_fail(c, "quorum: node %u says %llu is committed, it is on %u disks of %u voters",
                     n->id, (unsigned long long)index, durable, voters);
}

static void note_committed_config(struct raft_cluster *c, const struct cluster_node *n)
{
    struct cluster_checks *k = c->checks;
    const struct raft_config *config = raft_config(n->raft);
    if (!raft_config_is_committed(n->raft) || config->count == 0)
        return;
    if (k->committed_config != NULL && k->committed_config->index >= config->index)
        return;
    const struct raft_config *before = k->committed_config;
    k->committed_config = cluster_intern_config(k, config);
    c->marks[MARK_CONFIG_COMMITTED] += before != NULL;
    if (before != NULL && voters_only_in(before, config) + voters_only_in(config, before) > 1)
        cluster_fail(c, "config: %llu and %llu differ by more than one voter",
                     (unsigned long long)before->index, (unsigned long long)config->index);
}

static void check_committed(struct raft_cluster *c, struct cluster_node *n)
{
    struct cluster_checks *k = c->checks;
    uint64_t committed = raft_committed(n->raft);
    if (committed < n->committed_seen)
        cluster_fail(c, "node %u takes its commit index back", n->id);
    for (uint64_t i = n->committed_seen + 1; i <= committed; i++) {
        uint64_t term = raft_term_at(n->raft, i);
        if (term == 0 || i <= raft_base(n->raft).index)
            continue; /* came with a snapshot */
        grow(&k->committed, &k->committed_size, i);
        if (i <= k->committed_last) {
            if (k->committed[i] != term)
                cluster_fail(
                    c, "state machine safety: entry %llu is committed with the terms %llu and %llu",
                    (unsigned long long)i, (unsigned long long)k->committed[i],
                    (unsigned long long)term);
            continue;
        }
        check_new_commit(c, n, i, term);
        k->committed[i] = term;
        grow(&k->committed_in, &k->committed_in_size, i);
        k->committed_in[i] = raft_term(n->raft);
        k->committed_last = i;
        c->marks[MARK_COMMITTED] += 1;
    }
    n->committed_seen = committed;
    note_committed_config(c, n);
}

static void note_marks(struct raft_cluster *c, struct cluster_node *n)
{
    bool leads = raft_state(n->raft) == RAFT_LEADER;
    if (n->led && !leads && raft_term(n->raft) == n->led_term)
        c->marks[MARK_STEPPED_DOWN] += 1;
    n->led = leads;
    uint64_t config = raft_config(n->raft)->index;
    if (config < n->config_seen)
        c->marks[MARK_CONFIG_ROLLED_BACK] += 1;
    n->config_seen = config;
}

void cluster_check_node(struct raft_cluster *c, struct cluster_node *n)
{
    if (raft_term(n->raft) < n->term_seen)
        cluster_fail(c, "node %u takes its term back", n->id);
    n->term_seen = raft_term(n->raft);
    if (raft_odd_count(n->raft) > 0)
        cluster_fail(c, "node %u got a message that no correct member could have sent", n->id);
    if (raft_applicable(n->raft) > n->disk.log.last &&
        raft_applicable(n->raft) > n->state.pos.index)
        cluster_fail(c, "node %u would apply %llu, its disk ends at %llu", n->id,
                     (unsigned long long)raft_applicable(n->raft),
                     (unsigned long long)n->disk.log.last);
    check_leader(c, n);
    check_committed(c, n);
    note_marks(c, n);
}

void cluster_check_applied(struct raft_cluster *c, const struct cluster_node *n)
{
    struct cluster_checks *k = c->checks;
    const struct cluster_state *s = &n->state;
    grow(&k->applied, &k->applied_size, s->pos.index);
    if (k->applied[s->pos.index] == 0)
        k->applied[s->pos.index] = s->hash;
    if (k->applied[s->pos.index] != s->hash)
        cluster_fail(c, "state machine safety: node %u has another state at %llu", n->id,
                     (unsigned long long)s->pos.index);
}

void cluster_check_read(struct raft_cluster *c, struct cluster_node *n,
                        const struct raft_read_result *read)
{
    for (size_t i = 0; i < n->reads_count; i++) {
        if (n->reads[i].context != read->context)
            continue;
        c->marks[read->index > 0 ? MARK_READ : MARK_READ_FAILED] += 1;
        if (read->index > 0 && read->index < n->reads[i].index_min)
            cluster_fail(c, "read: node %u serves %llu, but %llu was committed before it was asked",
                         n->id, (unsigned long long)read->index,
                         (unsigned long long)n->reads[i].index_min);
        n->reads[i] = n->reads[n->reads_count - 1];
        n->reads_count -= 1;
        return;
    }
    cluster_fail(c, "read: node %u answers one that nobody asked, or twice", n->id);
}

const struct raft_config *raft_cluster_config(const struct raft_cluster *c)
{
    return c->checks->committed_config;
}

uint64_t raft_cluster_committed(const struct raft_cluster *c)
{
    return c->checks->committed_last;
}
