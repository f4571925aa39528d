/* The rafts that a search plays with: channels between them, a disk each with one unit under way, and what must be true of
 * them, seen from outside: from messages as they leave, from disks, and from what a raft says of itself. */
#include "sim/search/exhaust_int.h"

#include <string.h>

#include "raft/raft.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum {
    LOG_MAX = 64,
    UNIT_MAX = LOG_MAX,
    HELD_MAX = 32,
    CHANNEL_MAX = 64,
    ROOM_MAX = 64,
    TERMS_MAX = 64
};

/* Of an entry, by index and term: what it says, and what stands before it. */
struct known_entry {
    uint64_t index, term, prev_term;
    enum raft_entry_kind kind;
    struct buf payload;
};

struct rafts_unit {
    bool is_under_way;
    uint64_t number, cut_from, first;
    uint64_t terms[UNIT_MAX];
    size_t count;
    struct raft_hard_state hard;
};

struct rafts_disk {
    struct raft_hard_state hard;
    uint64_t terms[LOG_MAX + 1];
    uint64_t last;
    uint64_t applied;
};

struct rafts_held {
    uint64_t after_unit, term;
    enum raft_msg_type type;
    struct buf bytes;
};

struct rafts_node {
    unsigned id;
    struct raft *raft;
    uint64_t now_us; /* its own clock */
    struct rafts_disk disk;
    struct rafts_unit unit;
    uint64_t stored_unit;
    struct rafts_held held[HELD_MAX];
    size_t held_count;
    uint64_t history; /* a hash over all its inputs: what it is */
    uint64_t committed_seen, led_term;
};

struct rafts_channel {
    struct buf messages[CHANNEL_MAX];
    size_t count;
};

struct rafts {
    unsigned count;
    struct rafts_node nodes[EXHAUST_NODES_MAX];
    struct rafts_channel channels[EXHAUST_NODES_MAX][EXHAUST_NODES_MAX];
    struct raft_config config;
    struct known_entry *known;
    size_t known_count, known_size;
    uint64_t leaders[TERMS_MAX];     /* by term */
    uint64_t committed[LOG_MAX + 1]; /* term by index; 0: not committed */
    uint64_t committed_in[LOG_MAX + 1];
    uint64_t entries, deadlines, crashes, losses; /* used of the limits */
    struct buf failure;
};

/* ---- what must be true ---- */

static void rafts_fail(struct rafts *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void rafts_fail(struct rafts *w, const char *format, ...)
{
    if (w->failure.len > 0)
        return;
    va_list args;
    va_start(args, format);
    buf_vprintf(&w->failure, format, args);
    va_end(args);
}

typedef unsigned long long ull;

static struct known_entry *known_find(const struct rafts *w, uint64_t index, uint64_t term)
{
    for (size_t i = 0; i < w->known_count; i++)
        if (w->known[i].index == index && w->known[i].term == term)
            return &w->known[i];
    return NULL;
}

static void known_add(struct rafts *w, const struct raft_entry *e, uint64_t prev_term)
{
    const struct known_entry *k = known_find(w, e->pos.index, e->pos.term);
    if (k != NULL) {
        if (k->prev_term != prev_term || k->kind != e->kind ||
            !bytes_equal(buf_bytes(&k->payload), e->payload))
            rafts_fail(w, "log matching: two entries %llu of term %llu", (ull)e->pos.index,
                       (ull)e->pos.term);
        return;
    }
    if (w->known_count == w->known_size) {
        w->known_size = w->known_size == 0 ? 16 : 2 * w->known_size;
        w->known = mem_realloc(w->known, w->known_size * sizeof(*w->known));
        ASSERT(w->known != NULL);
    }
    struct known_entry *added = &w->known[w->known_count++];
    *added = (struct known_entry){ e->pos.index, e->pos.term, prev_term, e->kind, { 0 } };
    buf_append(&added->payload, e->payload.data, e->payload.len);
}

/* What leaves must be true of the disk already (3.8). */
static void check_message(struct rafts *w, const struct rafts_node *n, const struct raft_msg *m)
{
    const struct rafts_disk *d = &n->disk;
    bool is_vote = m->type == RAFT_MSG_VOTE || (m->type == RAFT_MSG_VOTE_REPLY && m->granted);
    uint64_t candidate = m->type == RAFT_MSG_VOTE ? m->from : m->to;
    if (is_vote && !m->is_pre_vote &&
        (d->hard.term < m->term || (d->hard.term == m->term && d->hard.voted_for != candidate)))
        rafts_fail(w, "vote: %u promises its vote of term %llu to %llu, its disk does not have it",
                   n->id + 1, (ull)m->term, (ull)candidate);
    if (m->type == RAFT_MSG_APPEND_REPLY && m->granted && m->match > d->last)
        rafts_fail(w, "ack: %u acknowledges %llu, its disk ends at %llu", n->id + 1, (ull)m->match,
                   (ull)d->last);
}

static void check_leader(struct rafts *w, struct rafts_node *n)
{
    uint64_t term = raft_term(n->raft);
    if (raft_state(n->raft) != RAFT_LEADER || n->led_term == term)
        return;
    ASSERT(term < TERMS_MAX);
    n->led_term = term;
    if (w->leaders[term] != 0 && w->leaders[term] != n->id + 1)
        rafts_fail(w, "election safety: %llu and %u both lead term %llu", (ull)w->leaders[term],
                   n->id + 1, (ull)term);
    w->leaders[term] = n->id + 1;
    for (uint64_t i = 1; i <= LOG_MAX && w->committed[i] != 0; i++)
        if (w->committed_in[i] < term && raft_term_at(n->raft, i) != w->committed[i])
            rafts_fail(w,
                       "leader completeness: %u leads term %llu without the committed entry %llu",
                       n->id + 1, (ull)term, (ull)i);
}

static void check_committed(struct rafts *w, struct rafts_node *n)
{
    for (; n->committed_seen < raft_committed(n->raft); n->committed_seen++) {
        uint64_t index = n->committed_seen + 1, term = raft_term_at(n->raft, index);
        unsigned disks = 0;
        for (unsigned i = 0; i < w->count; i++)
            disks += w->nodes[i].disk.last >= index && w->nodes[i].disk.terms[index] == term;
        if (w->committed[index] != 0 && w->committed[index] != term)
            rafts_fail(w,
                       "state machine safety: entry %llu is committed with the terms %llu and %llu",
                       (ull)index, (ull)w->committed[index], (ull)term);
        else if (w->committed[index] == 0 && disks <= w->count / 2)
            rafts_fail(w, "commit quorum: %u says that %llu is committed, it is on %u disks of %u",
                       n->id + 1, (ull)index, disks, w->count);
        if (w->committed[index] == 0)
            w->committed_in[index] = raft_term(n->raft);
        w->committed[index] = term;
    }
}

/* ---- doing what a raft wants ---- */

static void rafts_transmit(struct rafts *w, struct rafts_node *n, struct buf *bytes)
{
    struct raft_entry room[ROOM_MAX];
    struct raft_msg m;
    int err = raft_msg_decode(&m, room, ROOM_MAX, bytes->data, bytes->len);
    ASSERT(err == OK && m.to >= 1 && m.to <= w->count);
    check_message(w, n, &m);
    struct rafts_channel *channel = &w->channels[n->id][m.to - 1];
    ASSERT(channel->count < CHANNEL_MAX);
    channel->messages[channel->count++] = *bytes;
    *bytes = (struct buf){ 0 };
}

static void rafts_send(struct rafts *w, struct rafts_node *n, const struct raft_msg *m)
{
    struct buf bytes = { 0 };
    raft_msg_encode(m, &bytes);
    if (m->after_unit <= n->stored_unit) {
        rafts_transmit(w, n, &bytes);
        return;
    }
    ASSERT(n->held_count < HELD_MAX);
    n->held[n->held_count++] = (struct rafts_held){ m->after_unit, m->term, m->type, bytes };
}

static void rafts_release_held(struct rafts *w, struct rafts_node *n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n->held_count; i++) {
        struct rafts_held *h = &n->held[i];
        if (h->after_unit > n->stored_unit) {
            n->held[kept++] = *h;
            continue;
        }
        if (raft_may_leave(n->raft, h->type, h->term))
            rafts_transmit(w, n, &h->bytes);
        buf_deinit(&h->bytes);
    }
    n->held_count = kept;
}

static void rafts_take_unit(struct rafts *w, struct rafts_node *n)
{
    struct raft_unit taken;
    if (n->unit.is_under_way || !raft_has_unit(n->raft))
        return;
    raft_take_unit(n->raft, &taken);
    struct rafts_unit *u = &n->unit;
    *u = (struct rafts_unit){ .is_under_way = true,
                              .number = taken.number,
                              .cut_from = taken.cut_from,
                              .hard = taken.hard,
                              .count = taken.entries_count };
    ASSERT(u->count <= UNIT_MAX);
    for (size_t i = 0; i < u->count; i++) {
        const struct raft_entry *e = &taken.entries[i];
        u->first = i == 0 ? e->pos.index : u->first;
        u->terms[i] = e->pos.term;
        known_add(w, e, raft_term_at(n->raft, e->pos.index - 1));
    }
}

static void rafts_write(struct rafts_disk *d, const struct rafts_unit *u)
{
    if (u->cut_from > 0 && u->cut_from - 1 < d->last)
        d->last = u->cut_from - 1;
    for (size_t i = 0; i < u->count; i++) {
        d->last = u->first + i;
        ASSERT(d->last <= LOG_MAX);
        d->terms[d->last] = u->terms[i];
    }
    d->hard = u->hard;
}

/* What the disk has from there on, as entries; they point into what is known. */
static size_t rafts_read(const struct rafts *w, const struct rafts_node *n, uint64_t first,
                         struct raft_entry out[ROOM_MAX])
{
    size_t count = 0;
    for (uint64_t i = first; i <= n->disk.last && count < ROOM_MAX; i++) {
        const struct known_entry *k = known_find(w, i, n->disk.terms[i]);
        ASSERT(k != NULL);
        out[count++] = (struct raft_entry){ { k->term, i }, k->kind, buf_bytes(&k->payload) };
    }
    return count;
}

static void rafts_input(struct rafts *w, struct rafts_node *n, const struct raft_ready *ready)
{
    struct raft_entry room[ROOM_MAX];
    while (ready != NULL) {
        bool has_fetch = ready->fetches_count > 0;
        uint64_t first = has_fetch ? ready->fetches[0].first : 0;
        for (size_t i = 0; i < ready->msgs_count; i++)
            rafts_send(w, n, &ready->msgs[i]);
        ready = has_fetch ? raft_on_fetched(n->raft, n->now_us, room, rafts_read(w, n, first, room))
                          : NULL;
    }
    rafts_take_unit(w, n);
    uint64_t applicable = raft_applicable(n->raft);
    if (applicable > n->disk.last)
        rafts_fail(w, "apply: %u would apply %llu, its disk ends at %llu", n->id + 1,
                   (ull)applicable, (ull)n->disk.last);
    if (applicable > n->disk.applied) {
        n->disk.applied = applicable;
        raft_on_applied(n->raft, applicable);
    }
    raft_check(n->raft);
    check_leader(w, n);
    check_committed(w, n);
}

/* ---- lives ---- */

static void rafts_start(struct rafts *w, struct rafts_node *n)
{
    struct raft_options options = { .heartbeat_us = 100000,
                                    .election_min_us = 1000000,
                                    .append_bytes_max = 65536,
                                    .append_entries_max = 16,
                                    .window_max = 4,
                                    .unsynced_bytes_max = 1 << 20,
                                    .cache_bytes_max = 1 << 20 };
    struct raft_term_run runs[LOG_MAX];
    size_t runs_count = 0;
    for (uint64_t i = 1; i <= n->disk.last; i++)
        if (runs_count == 0 || runs[runs_count - 1].term != n->disk.terms[i])
            runs[runs_count++] = (struct raft_term_run){ n->disk.terms[i], i };
    struct raft_durable durable = { .number = n->id + 1,
                                    .hard = n->disk.hard,
                                    .last = n->disk.last,
                                    .runs = runs,
                                    .runs_count = runs_count,
                                    .config = &w->config };
    n->stored_unit = 0;
    n->committed_seen = 0;
    n->led_term = 0;
    int err = raft_create(&n->raft, &options, &durable, n->now_us, n->id);
    ASSERT(err == OK);
    raft_on_applied(n->raft, n->disk.applied);
    rafts_input(w, n, raft_flush(n->raft, n->now_us));
}

static void rafts_stop(struct rafts_node *n)
{
    for (size_t i = 0; i < n->held_count; i++)
        buf_deinit(&n->held[i].bytes);
    n->held_count = 0;
    n->unit.is_under_way = false;
    raft_destroy(n->raft);
    n->raft = NULL;
}

/* Entry 1 of term 1 is the list of founders, on each of their disks. */
static void rafts_found(struct rafts *w)
{
    w->config = (struct raft_config){ .index = 1 };
    for (unsigned i = 0; i < w->count; i++) {
        struct raft_member m = { .number = i + 1, .role = RAFT_VOTER };
        m.id.len = 1;
        m.id.bytes[0] = (uint8_t)i;
        int err = raft_config_add(&w->config, &m);
        ASSERT(err == OK);
    }
    struct buf payload = { 0 };
    raft_config_encode(&w->config, &payload);
    struct raft_entry first = { { 1, 1 }, RAFT_ENTRY_CONFIG, buf_bytes(&payload) };
    known_add(w, &first, 0);
    buf_deinit(&payload);
    for (unsigned i = 0; i < w->count; i++) {
        struct rafts_disk *d = &w->nodes[i].disk;
        d->hard.term = d->terms[1] = d->last = 1;
    }
}

/* ---- inputs ---- */

static void rafts_remember(struct rafts_node *n, enum exhaust_kind kind, struct bytes what)
{
    n->history = hash64(n->history + kind + 1, what.data, what.len);
}

static void channel_drop_first(struct rafts_channel *c)
{
    buf_deinit(&c->messages[0]);
    c->count -= 1;
    memmove(c->messages, c->messages + 1, c->count * sizeof(c->messages[0]));
}

static void rafts_deliver(struct rafts *w, unsigned from, unsigned to)
{
    struct rafts_channel *channel = &w->channels[from][to];
    struct rafts_node *n = &w->nodes[to];
    struct raft_entry room[ROOM_MAX];
    struct raft_msg m;
    ASSERT(channel->count > 0);
    struct bytes bytes = buf_bytes(&channel->messages[0]);
    int err = raft_msg_decode(&m, room, ROOM_MAX, bytes.data, bytes.len);
    ASSERT(err == OK);
    rafts_remember(n, EXHAUST_DELIVER, bytes);
    rafts_input(w, n, raft_step(n->raft, n->now_us, n->id, &m));
    channel_drop_first(channel);
}

static void rafts_stored(struct rafts *w, struct rafts_node *n)
{
    ASSERT(n->unit.is_under_way);
    rafts_write(&n->disk, &n->unit);
    n->unit.is_under_way = false;
    n->stored_unit = n->unit.number;
    const struct raft_ready *ready = raft_on_stored(n->raft, n->now_us, n->stored_unit);
    rafts_release_held(w, n);
    rafts_input(w, n, ready);
}

static void rafts_crash(struct rafts *w, struct rafts_node *n, bool keeps)
{
    if (keeps)
        rafts_write(&n->disk, &n->unit);
    rafts_stop(n);
    rafts_start(w, n);
}

void rafts_do(struct rafts *w, const struct exhaust_action *action)
{
    struct rafts_node *n = &w->nodes[action->a];
    if (action->kind != EXHAUST_DELIVER && action->kind != EXHAUST_LOSE)
        rafts_remember(n, action->kind, (struct bytes){ "", 0 });
    switch (action->kind) {
    case EXHAUST_DELIVER:
        rafts_deliver(w, action->a, action->b);
        break;
    case EXHAUST_LOSE:
        w->losses += 1;
        channel_drop_first(&w->channels[action->a][action->b]);
        break;
    case EXHAUST_STORED:
        rafts_stored(w, n);
        break;
    case EXHAUST_DEADLINE:
        w->deadlines += 1;
        n->now_us = raft_next_deadline_us(n->raft);
        rafts_input(w, n, raft_on_deadline(n->raft, n->now_us, n->id));
        break;
    case EXHAUST_PROPOSE: {
        struct raft_pos pos;
        uint8_t payload = (uint8_t)++w->entries;
        if (raft_propose(n->raft, &payload, 1, &pos) == OK)
            rafts_input(w, n, raft_flush(n->raft, n->now_us));
        break;
    }
    case EXHAUST_CRASH:
    case EXHAUST_CRASH_KEEP:
        w->crashes += 1;
        rafts_crash(w, n, action->kind == EXHAUST_CRASH_KEEP);
        break;
    }
}

/* ---- choices ---- */

static void choices_add(struct exhaust_action out[EXHAUST_CHOICES_MAX], size_t *count,
                        enum exhaust_kind kind, unsigned a, unsigned b)
{
    ASSERT(*count < EXHAUST_CHOICES_MAX);
    out[(*count)++] = (struct exhaust_action){ kind, a, b };
}

static void choices_of_node(const struct rafts *w, const struct exhaust_limits *l, unsigned a,
                            struct exhaust_action out[EXHAUST_CHOICES_MAX], size_t *count)
{
    const struct rafts_node *n = &w->nodes[a];
    if (n->unit.is_under_way)
        choices_add(out, count, EXHAUST_STORED, a, 0);
    if (w->entries < l->entries && raft_state(n->raft) == RAFT_LEADER)
        choices_add(out, count, EXHAUST_PROPOSE, a, 0);
    if (w->deadlines < l->deadlines && raft_next_deadline_us(n->raft) != RAFT_NEVER)
        choices_add(out, count, EXHAUST_DEADLINE, a, 0);
    if (w->crashes < l->crashes)
        choices_add(out, count, EXHAUST_CRASH, a, 0);
    if (w->crashes < l->crashes && n->unit.is_under_way)
        choices_add(out, count, EXHAUST_CRASH_KEEP, a, 0);
}

size_t rafts_choices(const struct rafts *w, const struct exhaust_limits *limits,
                     struct exhaust_action out[EXHAUST_CHOICES_MAX])
{
    size_t count = 0;
    for (unsigned a = 0; a < w->count; a++) {
        choices_of_node(w, limits, a, out, &count);
        for (unsigned b = 0; b < w->count; b++) {
            if (w->channels[a][b].count == 0)
                continue;
            choices_add(out, &count, EXHAUST_DELIVER, a, b);
            if (w->losses < limits->losses)
                choices_add(out, &count, EXHAUST_LOSE, a, b);
        }
    }
    return count;
}

uint64_t rafts_key(const struct rafts *w)
{
    uint64_t words[EXHAUST_NODES_MAX + 4] = { w->entries, w->deadlines, w->crashes, w->losses };
    for (unsigned a = 0; a < w->count; a++)
        words[4 + a] = w->nodes[a].history;
    uint64_t key = hash64(w->count, words, sizeof(words));
    for (unsigned a = 0; a < w->count; a++)
        for (unsigned b = 0; b < w->count; b++) {
            const struct rafts_channel *c = &w->channels[a][b];
            for (size_t i = 0; i < c->count; i++)
                key = hash64(key, c->messages[i].data, c->messages[i].len);
            key = hash64(key, "|", 1);
        }
    return key;
}

const char *rafts_failure(struct rafts *w)
{
    return w->failure.len > 0 ? buf_text(&w->failure) : NULL;
}

/* ---- all of them ---- */

/* Whatever is on its way arrives, whatever is being written gets there. */
static void rafts_settle(struct rafts *w)
{
    static const struct exhaust_limits nothing_new = { 0 };
    struct exhaust_action choices[EXHAUST_CHOICES_MAX];
    while (rafts_choices(w, &nothing_new, choices) > 0)
        rafts_do(w, &choices[0]);
}

struct rafts *rafts_create(unsigned nodes)
{
    struct rafts *w = mem_zalloc(sizeof(*w));
    ASSERT(w != NULL);
    w->count = nodes;
    rafts_found(w);
    for (unsigned i = 0; i < nodes; i++) {
        w->nodes[i].id = i;
        rafts_start(w, &w->nodes[i]);
    }
    /* Election, then a heartbeat that tells everybody what is committed. */
    for (unsigned i = 0; i < 2; i++) {
        rafts_do(w, &(struct exhaust_action){ EXHAUST_DEADLINE, 0, 0 });
        rafts_settle(w);
    }
    w->deadlines = 0;
    return w;
}

void rafts_destroy(struct rafts *w)
{
    for (unsigned a = 0; a < w->count; a++) {
        if (w->nodes[a].raft != NULL)
            rafts_stop(&w->nodes[a]);
        for (unsigned b = 0; b < w->count; b++)
            while (w->channels[a][b].count > 0)
                channel_drop_first(&w->channels[a][b]);
    }
    for (size_t i = 0; i < w->known_count; i++)
        buf_deinit(&w->known[i].payload);
    mem_free(w->known);
    raft_config_deinit(&w->config);
    buf_deinit(&w->failure);
    mem_free(w);
}
