/* The rafts of a script: each with a disk that keeps what was stored, and letters between them. */
#include "tests/lib/raft_script_int.h"

#include <string.h>

#include "tests/lib/raft_one.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

#define U(x) ((unsigned long long)(x))

/* ---- entries and disks ---- */

static struct raft_entry script_entry_copy(const struct raft_entry *e)
{
    struct raft_entry copy = *e;
    uint8_t *bytes = mem_alloc(e->payload.len + 1);
    ASSERT(bytes != NULL);
    if (e->payload.len > 0)
        memcpy(bytes, e->payload.data, e->payload.len);
    copy.payload.data = bytes;
    return copy;
}

static void script_entry_free(struct raft_entry *e)
{
    mem_free((void *)(uintptr_t)e->payload.data);
}

void script_disk_deinit(struct script_disk *d)
{
    for (size_t i = 0; i < d->entries_count; i++)
        script_entry_free(&d->entries[i]);
    d->entries_count = 0;
    raft_config_deinit(&d->config);
    raft_config_deinit(&d->config_previous);
}

static void script_disk_cut(struct script_disk *d, uint64_t from)
{
    while (d->entries_count > 0 && d->entries[d->entries_count - 1].pos.index >= from)
        script_entry_free(&d->entries[--d->entries_count]);
}

static void script_disk_trim(struct script_disk *d, struct raft_pos base)
{
    size_t gone = 0;
    while (gone < d->entries_count && d->entries[gone].pos.index <= base.index)
        script_entry_free(&d->entries[gone++]);
    d->entries_count -= gone;
    memmove(d->entries, d->entries + gone, d->entries_count * sizeof(d->entries[0]));
    d->base = base;
}

static void script_config_set(struct raft_config *to, const struct raft_config *from)
{
    raft_config_deinit(to);
    if (from != NULL) {
        int err = raft_config_copy(to, from);
        ASSERT(err == OK);
    }
}

/* ---- units ---- */

static void script_take_unit(struct script_raft *n)
{
    struct raft_unit unit;
    raft_take_unit(n->raft, &unit);
    struct script_unit *u = mem_zalloc(sizeof(*u));
    ASSERT(u != NULL);
    u->number = unit.number;
    u->cut_from = unit.cut_from;
    u->after.number = raft_number(n->raft);
    u->after.hard = unit.hard;
    u->after.base = raft_base(n->raft);
    u->after.applied = n->applied;
    script_config_set(&u->after.config, unit.config);
    script_config_set(&u->after.config_previous, unit.config_previous);
    u->entries = mem_array(unit.entries_count + 1, sizeof(*u->entries));
    ASSERT(u->entries != NULL);
    u->entries_count = unit.entries_count;
    for (size_t i = 0; i < unit.entries_count; i++)
        u->entries[i] = script_entry_copy(&unit.entries[i]);
    list_push_back(&n->units, &u->link);
}

/* With its entries, unless they went to the disk. */
static void script_unit_free(struct script_unit *u, bool with_entries)
{
    for (size_t i = 0; with_entries && i < u->entries_count; i++)
        script_entry_free(&u->entries[i]);
    mem_free(u->entries);
    list_remove(&u->link);
    raft_config_deinit(&u->after.config);
    raft_config_deinit(&u->after.config_previous);
    mem_free(u);
}

static void script_write(struct script_disk *d, struct script_unit *u)
{
    if (u->cut_from > 0)
        script_disk_cut(d, u->cut_from);
    if (u->after.base.index > d->base.index)
        script_disk_trim(d, u->after.base);
    for (size_t i = 0; i < u->entries_count; i++) {
        ASSERT(d->entries_count < SCRIPT_LOG_MAX);
        d->entries[d->entries_count++] = u->entries[i];
    }
    d->number = u->after.number;
    d->hard = u->after.hard;
    d->applied = u->after.applied;
    script_config_set(&d->config, u->after.config.count > 0 ? &u->after.config : NULL);
    script_config_set(&d->config_previous,
                      u->after.config_previous.count > 0 ? &u->after.config_previous : NULL);
}

/* ---- letters ---- */

static void script_letter_free(struct script_letter *l)
{
    list_remove(&l->link);
    buf_deinit(&l->bytes);
    mem_free(l);
}

static void script_leave(struct raft_script *s, struct script_letter *l)
{
    struct raft_entry room[SCRIPT_LOG_MAX];
    struct raft_msg m;
    int err = raft_msg_decode(&m, room, SCRIPT_LOG_MAX, l->bytes.data, l->bytes.len);
    ASSERT(err == OK);
    script_tell_msg(s->out, &m);
    buf_append_text(s->out, "\n");
    list_remove(&l->link);
    list_push_back(&s->way, &l->link);
}

static void script_post(struct raft_script *s, struct script_raft *n, const struct raft_msg *m)
{
    struct script_letter *l = mem_zalloc(sizeof(*l));
    ASSERT(l != NULL);
    l->head = *m;
    raft_msg_encode(m, &l->bytes);
    list_push_back(&n->held, &l->link);
    if (m->after_unit <= n->stored_unit) {
        script_leave(s, l);
    } else if (s->disks_are_slow) {
        buf_printf(s->out, "(once unit %llu is stored) ", U(m->after_unit));
        script_tell_msg(s->out, m);
        buf_append_text(s->out, "\n");
    }
}

static void script_let_leave(struct raft_script *s, struct script_raft *n)
{
    list_for_each_safe (at, after, &n->held) {
        struct script_letter *l = list_entry(at, struct script_letter, link);
        if (l->head.after_unit > n->stored_unit)
            continue;
        if (raft_may_leave(n->raft, l->head.type, l->head.term)) {
            script_leave(s, l);
        } else {
            buf_printf(s->out, "%u does not say any more: ", n->id);
            script_tell_msg(s->out, &l->head);
            buf_append_text(s->out, "\n");
            script_letter_free(l);
        }
    }
}

static bool script_fits(const struct script_letter *l, uint64_t from, uint64_t to)
{
    return (from == 0 || l->head.from == from) && (to == 0 || l->head.to == to);
}

bool script_deliver(struct raft_script *s, uint64_t from, uint64_t to)
{
    struct list_link now;
    list_init(&now);
    list_for_each_safe (at, after, &s->way) {
        struct script_letter *l = list_entry(at, struct script_letter, link);
        if (!script_fits(l, from, to))
            continue;
        list_remove(&l->link);
        list_push_back(&now, &l->link);
    }
    bool any = !list_is_empty(&now);
    while (!list_is_empty(&now)) {
        struct script_letter *l = list_entry(now.next, struct script_letter, link);
        struct script_raft *n = script_raft(s, l->head.to);
        bool arrives = n != NULL && n->raft != NULL && s->is_cut[l->head.from] == s->is_cut[n->id];
        struct raft_entry room[SCRIPT_LOG_MAX];
        struct raft_msg m;
        int err = raft_msg_decode(&m, room, SCRIPT_LOG_MAX, l->bytes.data, l->bytes.len);
        ASSERT(err == OK);
        if (arrives)
            script_take(s, n, raft_step(n->raft, s->now_us, 0, &m));
        script_letter_free(l);
    }
    return any;
}

void script_drop(struct raft_script *s, uint64_t from, uint64_t to)
{
    list_for_each_safe (at, after, &s->way) {
        struct script_letter *l = list_entry(at, struct script_letter, link);
        if (script_fits(l, from, to))
            script_letter_free(l);
    }
}

/* ---- what an input had for effect ---- */

static void script_tell_role(struct raft_script *s, const struct script_raft *n)
{
    const struct raft *r = n->raft;
    buf_printf(s->out, "%u is %s in term %llu", n->id, script_role_name(raft_state(r)),
               U(raft_term(r)));
    if (raft_state(r) == RAFT_FOLLOWER && raft_leader(r) != RAFT_NOBODY)
        buf_printf(s->out, " of %llu", U(raft_leader(r)));
    buf_append_text(s->out, "\n");
}

static void script_fetch(struct raft_script *s, struct script_raft *n, struct raft_fetch f)
{
    const struct script_disk *d = &n->disk;
    size_t at = (size_t)(f.first - d->base.index - 1);
    size_t count = 0;
    size_t bytes = 0;
    while (at + count < d->entries_count && (count == 0 || bytes < f.bytes_max))
        bytes += d->entries[at + count++].payload.len;
    buf_printf(s->out, "%u reads its disk from %llu on\n", n->id, U(f.first));
    script_take(s, n, raft_on_fetched(n->raft, s->now_us, d->entries + at, count));
}

static void script_tell(struct raft_script *s, struct script_raft *n,
                        const struct raft_ready *ready)
{
    if (ready->role_changed)
        script_tell_role(s, n);
    if (ready->config_changed) {
        buf_printf(s->out, "%u goes by ", n->id);
        script_tell_config(s->out, raft_config(n->raft));
        buf_append_text(s->out, "\n");
    }
    if (raft_committed(n->raft) != n->committed) {
        n->committed = raft_committed(n->raft);
        buf_printf(s->out, "%u: committed up to %llu\n", n->id, U(n->committed));
    }
    for (size_t i = 0; i < ready->reads_count; i++) {
        const struct raft_read_result *read = &ready->reads[i];
        if (read->index > 0)
            buf_printf(s->out, "%u: read %llu is of %llu\n", n->id, U(read->context),
                       U(read->index));
        else
            buf_printf(s->out, "%u: read %llu has to be asked again\n", n->id, U(read->context));
    }
    for (size_t i = 0; i < ready->snapshots_count; i++)
        buf_printf(s->out, "%u has to send its state to %llu\n", n->id,
                   U(ready->snapshots[i].member));
}

void script_take(struct raft_script *s, struct script_raft *n, const struct raft_ready *ready)
{
    struct raft_fetch fetches[SCRIPT_RAFTS_MAX];
    size_t fetches_count = ready->fetches_count;
    ASSERT(fetches_count <= SCRIPT_RAFTS_MAX);
    if (fetches_count > 0)
        memcpy(fetches, ready->fetches, fetches_count * sizeof(fetches[0]));
    script_tell(s, n, ready);
    for (size_t i = 0; i < ready->msgs_count; i++)
        script_post(s, n, &ready->msgs[i]);
    if (raft_applicable(n->raft) > n->applied) {
        n->applied = raft_applicable(n->raft);
        raft_on_applied(n->raft, n->applied);
    }
    for (size_t i = 0; i < fetches_count; i++)
        script_fetch(s, n, fetches[i]);
    if (raft_has_unit(n->raft))
        script_take_unit(n);
    while (!s->disks_are_slow && script_store(s, n))
        ;
}

bool script_store(struct raft_script *s, struct script_raft *n)
{
    if (list_is_empty(&n->units))
        return false;
    struct script_unit *u = list_entry(n->units.next, struct script_unit, link);
    n->stored_unit = u->number;
    script_write(&n->disk, u);
    script_unit_free(u, false);
    const struct raft_ready *ready = raft_on_stored(n->raft, s->now_us, n->stored_unit);
    script_let_leave(s, n);
    script_take(s, n, ready);
    return true;
}

/* ---- life ---- */

struct script_raft *script_raft(struct raft_script *s, uint64_t number)
{
    return number >= 1 && number <= SCRIPT_RAFTS_MAX ? &s->rafts[number] : NULL;
}

void script_begin(struct raft_script *s, struct buf *out)
{
    *s = (struct raft_script){ .out = out, .options = raft_one_options() };
    list_init(&s->way);
    for (unsigned i = 1; i <= SCRIPT_RAFTS_MAX; i++) {
        s->rafts[i].id = i;
        list_init(&s->rafts[i].units);
        list_init(&s->rafts[i].held);
    }
}

void script_wake(struct raft_script *s, struct script_raft *n)
{
    struct raft_term_run runs[SCRIPT_LOG_MAX];
    size_t runs_count = 0;
    const struct script_disk *d = &n->disk;
    for (size_t i = 0; i < d->entries_count; i++) {
        const struct raft_pos *pos = &d->entries[i].pos;
        if (i == 0 || pos->term != d->entries[i - 1].pos.term)
            runs[runs_count++] = (struct raft_term_run){ .term = pos->term, .first = pos->index };
    }
    struct raft_durable durable = {
        .number = d->number,
        .hard = d->hard,
        .base = d->base,
        .last = d->base.index + d->entries_count,
        .runs = runs,
        .runs_count = runs_count,
        .config = d->config.count > 0 ? &d->config : NULL,
        .config_previous = d->config_previous.count > 0 ? &d->config_previous : NULL,
    };
    int err = raft_create(&n->raft, &s->options, &durable, s->now_us, n->id * 7919);
    ASSERT(err == OK);
    n->stored_unit = 0;
    n->applied = d->applied > d->base.index ? d->applied : d->base.index;
    raft_on_applied(n->raft, n->applied);
    n->committed = raft_committed(n->raft);
}

void script_crash(struct raft_script *s, struct script_raft *n)
{
    (void)s;
    raft_destroy(n->raft);
    n->raft = NULL;
    while (!list_is_empty(&n->units))
        script_unit_free(list_entry(n->units.next, struct script_unit, link), true);
    while (!list_is_empty(&n->held))
        script_letter_free(list_entry(n->held.next, struct script_letter, link));
}

void script_end(struct raft_script *s)
{
    script_drop(s, 0, 0);
    for (unsigned i = 1; i <= SCRIPT_RAFTS_MAX; i++) {
        script_crash(s, &s->rafts[i]);
        script_disk_deinit(&s->rafts[i].disk);
    }
}
