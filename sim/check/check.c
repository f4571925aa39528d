#include "sim/check/check_int.h"

#include <stdarg.h>
#include <string.h>

#include "util/assert.h"
#include "util/mem.h"

#define CHECKS_LOOK_US ((uint64_t)250 * 1000)

struct checks *checks_create(unsigned machines_count, const struct checks_hooks *hooks)
{
    ASSERT(machines_count < CHECK_MACHINES_MAX);
    struct checks *c = mem_zalloc(sizeof(*c));
    ASSERT(c != NULL);
    c->hooks = *hooks;
    c->machines_count = machines_count;
    return c;
}

void checks_destroy(struct checks *c)
{
    if (c == NULL)
        return;
    for (unsigned who = 1; who <= c->machines_count; who++)
        record_machine_deinit(&c->machines[who]);
    record_log_deinit(&c->committed);
    mem_free(c->commits);
    mem_free(c->states);
    election_safety_deinit(c);
    log_matching_deinit(c);
    promises_deinit(c);
    linearizable_deinit(c);
    storms_deinit(c);
    alarms_deinit(c);
    repairs_deinit(c);
    mem_free(c);
}

void checks_name(struct checks *c, unsigned who, const struct peer_id *id)
{
    c->machines[who].id = *id;
}

void check_fail(struct checks *c, const char *checker, const char *format, ...)
{
    if (c->has_failed)
        return;
    c->has_failed = true;
    struct buf text = { 0 };
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    c->hooks.on_failure(c->hooks.owner, checker, buf_text(&text));
    buf_deinit(&text);
}

void checks_on_start(struct checks *c, unsigned who)
{
    struct record_machine *m = &c->machines[who];
    m->life += 1;
    m->is_awake = false;
    m->role = RAFT_STRANGER;
    m->term = 0;
    m->owes_noop = false;
    m->has_installed = false;
    joins_on_start(c, who);
    alarms_on_start(c, who);
}

void checks_on_wipe(struct checks *c, unsigned who)
{
    record_forget(&c->machines[who]);
}

void checks_on_accept(struct checks *c, unsigned who)
{
    c->accepting = who;
}

void checks_on_copy(struct checks *c, unsigned who)
{
    record_copy(&c->machines[who]);
}

void checks_on_restore(struct checks *c, unsigned who)
{
    record_restore(&c->machines[who]);
}

void checks_on_rot(struct checks *c, unsigned who)
{
    c->machines[who].may_be_damaged = true;
}

void checks_on_lost_rows(struct checks *c, unsigned who)
{
    c->machines[who].lacks_rows = true;
}

bool checks_lacks_rows(const struct checks *c, unsigned who)
{
    return c->machines[who].lacks_rows;
}

/* Who cannot trust its disk keeps nothing of it, and comes as somebody new. */
static bool checks_gave_up_number(const struct checks *c, unsigned who,
                                  const struct peer_fact *fact)
{
    const struct record_machine *m = &c->machines[who];
    return fact->kind == PEER_FACT_WOKE && m->may_be_damaged && m->number != 0 &&
           fact->number != m->number;
}

void checks_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    ASSERT(who >= 1 && who <= c->machines_count);
    if (c->has_failed)
        return;
    c->counts.facts += 1;
    if (checks_gave_up_number(c, who, fact))
        record_forget(&c->machines[who]);
    monotone_before_fact(c, who, fact);
    durable_log_before_fact(c, who, fact);
    log_begin_before_fact(c, who, fact);
    membership_before_fact(c, who, fact);
    record_on_fact(c, who, fact);
    if (c->accepting == who && fact->kind == PEER_FACT_WOKE) {
        c->accepting = 0;
        record_succeed(c, who);
        promises_forgive(c);
        repairs_void(c);
        log_matching_deinit(
            c); /* terms of the old cluster, and of an attempt that the power cut short, say nothing */
        c->matching = NULL;
    }
    log_matching_on_fact(c, who, fact);
    election_safety_on_fact(c, who, fact);
    leader_completeness_on_fact(c, who, fact);
    commit_quorum_on_fact(c, who, fact);
    state_machine_on_fact(c, who, fact);
    config_change_on_fact(c, who, fact);
    allocations_on_fact(c, who, fact);
    storms_on_fact(c, who, fact);
    alarms_on_fact(c, who, fact);
    repairs_on_fact(c, fact);
    checks_on_time(c);
}

void checks_on_time(struct checks *c)
{
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    if (now_us < c->look_us || alarms_health(c) == NULL)
        return;
    c->look_us = now_us + CHECKS_LOOK_US;
    alarms_on_time(c);
    repairs_on_time(c);
    joins_on_time(c);
}

size_t checks_members(const struct checks *c, unsigned who)
{
    return c->machines[who].config.count;
}

uint32_t checks_voters(const struct checks *c, unsigned who)
{
    const struct record_config *config = &c->machines[who].config;
    uint32_t out = 0;
    for (size_t i = 0; i < config->count; i++) {
        const struct record_member *m = &config->members[i];
        if (m->is_voter && m->who != 0)
            out |= (uint32_t)1 << (m->who - 1);
    }
    return out;
}

bool checks_has_installed(const struct checks *c, unsigned who)
{
    return c->machines[who].has_installed;
}

struct checks_counts checks_counts(const struct checks *c)
{
    struct checks_counts counts = c->counts;
    counts.committed = record_log_last(&c->committed);
    return counts;
}
