/* What is known of each machine, from facts alone.
 *
 * The log of a peer reaches us as it is handed to its disk, unit by unit: CUT, APPEND..., and STORED when the unit
 * is durable. A crash leaves all of the unit in flight, or nothing of it; which, the next life says with WOKE. So
 * beside the log as it is in memory we keep what a cut took away that may still be on the disk. */
#include "sim/check/check_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/hash.h"
#include "util/mem.h"

/* ---- a log ---- */

uint64_t record_log_last(const struct record_log *log)
{
    return log->base + log->count;
}

const struct record_entry *record_log_at(const struct record_log *log, uint64_t index)
{
    return index > log->base && index <= record_log_last(log) ? &log->entries[index - log->base - 1]
                                                              : NULL;
}

uint64_t record_log_chain(const struct record_log *log, uint64_t index)
{
    ASSERT(index >= log->base && index <= record_log_last(log));
    return index == log->base ? log->base_chain : record_log_at(log, index)->chain;
}

void record_log_push(struct record_log *log, uint64_t term, uint64_t hash)
{
    if (log->count == log->size) {
        log->size = log->size == 0 ? 256 : 2 * log->size;
        log->entries = mem_realloc(log->entries, log->size * sizeof(*log->entries));
        ASSERT(log->entries != NULL);
    }
    uint64_t link[3] = { record_log_chain(log, record_log_last(log)), term, hash };
    log->entries[log->count++] = (struct record_entry){ term, hash, hash64(1, link, sizeof(link)) };
}

void record_log_cut(struct record_log *log, uint64_t from)
{
    ASSERT(from > log->base);
    if (from <= record_log_last(log))
        log->count = (size_t)(from - log->base - 1);
}

void record_log_deinit(struct record_log *log)
{
    mem_free(log->entries);
    *log = (struct record_log){ 0 };
}

/* ---- a machine ---- */

void record_machine_deinit(struct record_machine *m)
{
    record_log_deinit(&m->log);
    record_log_deinit(&m->cut);
    record_log_deinit(&m->former.log);
    record_log_deinit(&m->copy.log);
}

void record_forget(struct record_machine *m)
{
    if (m->number != 0) {
        struct record_log spare = m->former.log;
        m->former = (struct record_former){ m->number, m->stored, m->log };
        m->log = spare;
    }
    m->log.base = m->log.base_chain = 0;
    m->log.count = m->cut.count = 0;
    m->has_cut = false;
    m->stored = m->hard_term = m->hard_vote = m->applied = m->kept = 0;
    m->config.count = m->config_before.count = 0;
    m->lacks_rows = false;
    m->number = 0;
}

static void record_log_copy(struct record_log *to, const struct record_log *from)
{
    to->base = from->base;
    to->base_chain = from->base_chain;
    to->count = 0;
    for (size_t i = 0; i < from->count; i++)
        record_log_push(to, from->entries[i].term, from->entries[i].hash);
}

void record_copy(struct record_machine *m)
{
    m->copy.number = m->number;
    m->copy.stored = m->stored;
    m->copy.hard_term = m->hard_term;
    m->copy.hard_vote = m->hard_vote;
    m->copy.kept = m->kept;
    record_log_copy(&m->copy.log, &m->log);
}

/* As after a wipe, what it had acknowledged until now still counts for the number. */
void record_restore(struct record_machine *m)
{
    record_forget(m);
    m->number = m->copy.number;
    m->stored = m->copy.stored;
    m->hard_term = m->copy.hard_term;
    m->hard_vote = m->copy.hard_vote;
    m->applied = m->kept = m->copy.kept;
    record_log_copy(&m->log, &m->copy.log);
}

/* Only from the first entry of a unit: what is on the disk stays in m->cut until it is replaced there. */
static void record_on_cut(struct record_machine *m, uint64_t from)
{
    uint64_t keep = from > m->log.base ? from - 1 : m->log.base; /* the last one that stays */
    if (keep < m->stored && !m->has_cut) {
        m->has_cut = true;
        m->cut.base = keep;
        m->cut.base_chain = record_log_chain(&m->log, keep);
        m->cut.count = 0;
        for (uint64_t i = keep + 1; i <= m->stored; i++)
            record_log_push(&m->cut, record_log_at(&m->log, i)->term,
                            record_log_at(&m->log, i)->hash);
    }
    record_log_cut(&m->log, keep + 1);
    if (m->stored > keep)
        m->stored = keep;
}

/* The log begins behind a committed entry: what is before is equal everywhere. A trim changes nothing here, where
 * all that ever was is kept; a snapshot puts a new beginning in the place of a log that was cut away. */
static void record_on_base(struct checks *c, struct record_machine *m, const struct peer_fact *fact)
{
    if (fact->index <= record_log_last(&m->log) || fact->index > record_log_last(&c->committed))
        return;
    if (!m->has_cut) { /* it was empty */
        m->has_cut = true;
        m->cut.base = m->log.base;
        m->cut.base_chain = m->log.base_chain;
        m->cut.count = 0;
    }
    m->log.base = fact->index;
    m->log.base_chain = record_log_chain(&c->committed, fact->index);
    m->log.count = 0;
}

static void record_on_append(struct checks *c, struct record_machine *m,
                             const struct peer_fact *fact)
{
    if (fact->index != record_log_last(&m->log) + 1) {
        check_fail(c, "log order", "entry %llu was appended behind entry %llu",
                   (unsigned long long)fact->index, (unsigned long long)record_log_last(&m->log));
        return;
    }
    record_log_push(&m->log, fact->term, fact->hash);
}

static void record_take_back_cut(struct record_machine *m)
{
    if (m->cut.base >= m->log.base) {
        record_log_cut(&m->log, m->cut.base + 1);
    } else {
        m->log.base = m->cut.base;
        m->log.base_chain = m->cut.base_chain;
        m->log.count = 0;
    }
    for (size_t i = 0; i < m->cut.count; i++)
        record_log_push(&m->log, m->cut.entries[i].term, m->cut.entries[i].hash);
}

/* The unit in flight is there as a whole, or it is not: then the log is what it was before. */
static void record_on_woke(struct record_machine *m, const struct peer_fact *fact)
{
    bool has_unit = record_log_last(&m->log) == fact->index &&
                    (fact->index == m->log.base ||
                     record_log_at(&m->log, fact->index)->term == fact->last_term);
    if (m->has_cut && (!has_unit || fact->base < m->log.base))
        record_take_back_cut(m);
    record_log_cut(&m->log, fact->index + 1);
    m->has_cut = false;
    m->stored = record_log_last(&m->log);
    m->hard_term = fact->term;
    m->hard_vote = fact->voted_for;
    m->is_awake = true;
    m->committed = 0;
    m->kept = fact->applied;
    m->applied = fact->applied; /* applying goes on from what the disk has kept */
}

unsigned record_machine_of(const struct checks *c, const struct peer_id *id)
{
    for (unsigned who = 1; who <= c->machines_count; who++)
        if (peer_id_equal(&c->machines[who].id, id))
            return who;
    return 0;
}

static void record_on_config(struct checks *c, struct record_machine *m,
                             const struct peer_fact *fact)
{
    if (fact->index != m->config.index) /* a new life tells it again */
        m->config_before = m->config;
    m->config.index = fact->index;
    m->config.told_at_us = c->hooks.now_us(c->hooks.owner);
    m->config.count = 0;
    for (size_t i = 0; i < fact->members_count && i < CHECK_MEMBERS_MAX; i++) {
        struct record_member *member = &m->config.members[m->config.count++];
        *member = (struct record_member){ .number = fact->members[i].number,
                                          .is_voter = fact->members[i].is_voter,
                                          .goes = fact->members[i].goes,
                                          .who = record_machine_of(c, &fact->members[i].id) };
    }
}

static void record_on_role(struct checks *c, struct record_machine *m, const struct peer_fact *fact)
{
    bool is_elected =
        fact->role == RAFT_LEADER && (m->role != RAFT_LEADER || m->term != fact->term);
    if (m->role == RAFT_LEADER || fact->role == RAFT_LEADER)
        m->led_at_us = c->hooks.now_us(c->hooks.owner);
    m->role = fact->role;
    m->term = fact->term;
    m->owes_noop = fact->role == RAFT_LEADER && (is_elected || m->owes_noop);
    if (is_elected) {
        c->counts.leaders += 1;
        m->committed_at_election = record_log_last(&c->committed);
    }
}

void record_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    struct record_machine *m = &c->machines[who];
    if (fact->number != 0)
        m->number = fact->number;
    switch (fact->kind) {
    case PEER_FACT_WOKE:
        record_on_woke(m, fact);
        break;
    case PEER_FACT_ROLE:
        record_on_role(c, m, fact);
        break;
    case PEER_FACT_APPEND:
        record_on_append(c, m, fact);
        break;
    case PEER_FACT_CUT:
        record_on_cut(m, fact->index);
        break;
    case PEER_FACT_BASE:
        record_on_base(c, m, fact);
        break;
    case PEER_FACT_STORED:
        if (fact->index > m->stored) /* a cut that is not handed out yet takes nothing off the disk */
            m->stored =
                fact->index < record_log_last(&m->log) ? fact->index : record_log_last(&m->log);
        m->has_cut = false;
        m->hard_term = fact->term;
        m->hard_vote = fact->voted_for;
        break;
    case PEER_FACT_COMMIT:
        m->committed = fact->index;
        break;
    case PEER_FACT_APPLY:
        m->applied = fact->index;
        break;
    case PEER_FACT_INSTALL:
        m->applied = m->kept = fact->index;
        m->has_installed = true;
        m->lacks_rows = false;
        c->counts.installs += 1;
        break;
    case PEER_FACT_CONFIG:
        record_on_config(c, m, fact);
        break;
    case PEER_FACT_PROPOSE_REPIN:
        c->counts.repins += 1;
        break;
    case PEER_FACT_KEPT:
        m->kept = fact->index;
        break;
    case PEER_FACT_PIN:
    case PEER_FACT_LIVENESS:
        break;
    }
}

static bool record_log_is_durable(const struct checks *c, const struct record_log *log,
                                  uint64_t stored, uint64_t index)
{
    return index <= stored && index >= log->base && index <= record_log_last(log) &&
           record_log_chain(log, index) == record_log_chain(&c->committed, index);
}

bool record_is_durable(const struct checks *c, const struct record_member *member, uint64_t index)
{
    const struct record_machine *m = &c->machines[member->who];
    if (member->who == 0)
        return false;
    if (member->number == m->former.number &&
        record_log_is_durable(c, &m->former.log, m->former.stored, index))
        return true;
    return member->number == m->number && record_log_is_durable(c, &m->log, m->stored, index);
}

/* What this machine's log has in common with what was committed stays so; what comes behind is another history. */
void record_succeed(struct checks *c, unsigned who)
{
    const struct record_log *log = &c->machines[who].log;
    uint64_t common = record_log_last(log) < record_log_last(&c->committed)
                          ? record_log_last(log)
                          : record_log_last(&c->committed);
    while (common > log->base && common > c->committed.base &&
           record_log_chain(log, common) != record_log_chain(&c->committed, common))
        common -= 1;
    record_log_cut(&c->committed, common + 1);
    for (size_t i = 0; i < c->commits_count; i++)
        if (c->commits[i].index > common)
            c->commits[i].index = common;
    for (uint64_t i = common + 1; i < c->states_size; i++)
        c->states[i].is_known = false;
}
