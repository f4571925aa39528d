/* Entries that left the cache are read back from the log room: for a member that is far behind, and for the one
 * who applies after a restart. The first kind goes straight from the driver's memory into messages; the second
 * is copied, one fetch at a time, and dropped when the next one comes. A fetch may have been overtaken by a cut:
 * only entries whose term is that of our log at their index are ours. */
#include "raft/raft_int.h"

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

void raft_fetched_deinit(struct raft_fetched *f)
{
    mem_free(f->entries);
    buf_deinit(&f->payloads);
    *f = (struct raft_fetched){ 0 };
}

static const struct raft_entry *raft_fetched_get(const struct raft *r, uint64_t index)
{
    const struct raft_fetched *f = &r->fetched;
    if (f->entries_count == 0 || index < f->entries[0].pos.index)
        return NULL;
    uint64_t at = index - f->entries[0].pos.index;
    if (at >= f->entries_count)
        return NULL;
    const struct raft_entry *e = &f->entries[at];
    return e->pos.term == raft_log_term_at(&r->log, index) ? e : NULL;
}

uint64_t raft_applicable(const struct raft *r)
{
    uint64_t index = r->committed < r->log.stored ? r->committed : r->log.stored;
    return index > r->applied ? index
                              : r->applied; /* a snapshot is applied before its unit is stored */
}

const struct raft_entry *raft_entry_at(const struct raft *r, uint64_t index)
{
    ASSERT(index > r->log.base.index && index <= r->log.last);
    const struct raft_entry *e = raft_log_get(&r->log, index);
    return e != NULL ? e : raft_fetched_get(r, index);
}

void raft_want(struct raft *r, uint64_t index)
{
    if (index == r->fetched.wanted || raft_entry_at(r, index) != NULL)
        return;
    r->fetched.wanted = index;
    r->fetched.is_asked = false;
}

void raft_ask_wanted(struct raft *r)
{
    struct raft_fetched *f = &r->fetched;
    if (f->wanted == 0 || f->is_asked)
        return;
    if (f->wanted <= r->log.base.index) {
        f->wanted = 0; /* a snapshot came first */
        return;
    }
    f->is_asked = raft_ask_fetch(r, f->wanted, r->options.append_bytes_max);
}

/* How many of these, from the first on, are our log's. */
static size_t raft_count_ours(const struct raft *r, const struct raft_entry *entries, size_t count)
{
    size_t ours = 0;
    while (ours < count && entries[ours].pos.index > r->log.base.index &&
           entries[ours].pos.index == entries[0].pos.index + ours &&
           entries[ours].pos.term == raft_log_term_at(&r->log, entries[ours].pos.index))
        ours += 1;
    return ours;
}

static void raft_keep_fetched(struct raft *r, const struct raft_entry *entries, size_t count)
{
    struct raft_fetched *f = &r->fetched;
    f->entries_count = 0;
    buf_clear(&f->payloads);
    for (size_t i = 0; i < count; i++) {
        if (raft_grow(&f->entries, &f->entries_size, i, sizeof(*f->entries)) != OK)
            return;
        f->entries[i] = entries[i];
        buf_append(&f->payloads, entries[i].payload.data, entries[i].payload.len);
    }
    if (f->payloads.err != OK)
        return; /* it will be wanted again */
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        struct bytes *payload = &f->entries[i].payload;
        payload->data =
            payload->len > 0 ? f->payloads.data + at : NULL; /* no-ops alone leave no buffer */
        at += payload->len;
    }
    f->entries_count = count;
}

static bool raft_holds(const struct raft_entry *entries, size_t count, uint64_t index)
{
    return count > 0 && index >= entries[0].pos.index && index - entries[0].pos.index < count;
}

static void raft_give_fetched(struct raft *r, struct raft_progress *p,
                              const struct raft_entry *entries, size_t count)
{
    bool waits_for_it = p->is_fetching && raft_holds(entries, count, p->next);
    if (!waits_for_it && count > 0)
        return;
    p->is_fetching = false;
    if (waits_for_it)
        raft_feed_fetched(r, p, entries, count);
}

const struct raft_ready *raft_on_fetched(struct raft *r, uint64_t now_us,
                                         const struct raft_entry *entries, size_t count)
{
    raft_begin(r, now_us);
    count = raft_count_ours(r, entries, count);
    struct raft_fetched *f = &r->fetched;
    if (f->is_asked && (count == 0 || raft_holds(entries, count, f->wanted))) {
        raft_keep_fetched(r, entries, count);
        f->wanted = 0; /* who still misses it says so again */
        f->is_asked = false;
    }
    for (size_t i = 0; r->state == RAFT_LEADER && i < r->progress_count; i++)
        raft_give_fetched(r, &r->progress[i], entries, count);
    return raft_end(r);
}
