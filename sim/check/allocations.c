/* What an entry leaves of a pin: no more holders than its factor allows, none of them twice, no list of holders for what
 * goes everywhere. And at rest, when nobody comes or goes any more: all of them are members (PA1). That there are enough of
 * them, alive, repairs.c sees, and `settled` waits for.
 * Source: DESIGN 12; SIMULATION.md 4. */
#include "sim/check/check_int.h"

static const char name[] = "allocations";

#define ALLOCATIONS_PATIENCE_US ((uint64_t)10 * 1000 * 1000)

/* Of all that were told, by any machine, the newest. */
static const struct record_config *allocations_config(const struct checks *c)
{
    const struct record_config *newest = &c->machines[1].config;
    for (unsigned who = 2; who <= c->machines_count; who++)
        if (c->machines[who].config.index > newest->index)
            newest = &c->machines[who].config;
    return newest;
}

static bool allocations_is_member(const struct checks *c, const struct record_config *config,
                                  const struct peer_id *id)
{
    for (size_t i = 0; i < config->count; i++)
        if (peer_id_equal(&c->machines[config->members[i].who].id, id))
            return true;
    return false;
}

static const char *allocations_fault(int32_t factor_max, const struct peer_id *holders,
                                     size_t count)
{
    if (factor_max > 0 && count > (size_t)factor_max)
        return "has more holders than its factor allows";
    if (factor_max < 0 && count > 0)
        return "goes everywhere, and has a list of holders";
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (peer_id_equal(&holders[k], &holders[i]))
                return "is allocated to one peer twice";
    return NULL;
}

/* A member that was removed by force is named until the next walk of repair comes by: then it takes a while. */
static bool allocations_are_members(struct checks *c, const struct listing *state, struct buf *why)
{
    const struct record_config *config = allocations_config(c);
    for (size_t i = 0; i < state->count && config->count > 0; i++)
        for (size_t k = 0; k < state->rows[i].holders_count; k++) {
            if (allocations_is_member(c, config, &state->rows[i].holders[k]))
                continue;
            buf_printf(why, "%s is allocated to a peer that is no member",
                       cid_print(&state->rows[i].cid).text);
            return false;
        }
    return true;
}

void allocations_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    if (fact->kind != PEER_FACT_PIN || fact->is_gone)
        return;
    const char *fault = allocations_fault(fact->factor_max, fact->holders, fact->holders_count);
    if (fault != NULL)
        check_fail(c, name, "%s %s after entry %llu at peer %u", cid_print(&fact->cid).text, fault,
                   (unsigned long long)fact->index, who);
}

/* Repair has a pace; of one that is told in bytes, the scenario says how long it may take. */
static uint64_t allocations_patience_us(const struct checks *c, const struct listing *state)
{
    const struct checks_health *health = alarms_health(c);
    if (health == NULL)
        return ALLOCATIONS_PATIENCE_US;
    if (health->repairs_per_second == 0)
        return UINT64_MAX;
    return ALLOCATIONS_PATIENCE_US + state->count * 1000 * 1000 / health->repairs_per_second;
}

bool allocations_audit(struct checks *c, const struct listing *state, struct buf *why)
{
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    for (size_t i = 0; i < state->count; i++) {
        const struct listing_row *row = &state->rows[i];
        const char *fault = allocations_fault(row->factor_max, row->holders, row->holders_count);
        if (fault == NULL)
            continue;
        buf_printf(why, "%s %s", cid_print(&row->cid).text, fault);
        check_fail(c, name, "%s", buf_text(why));
        return false;
    }
    if (allocations_are_members(c, state, why)) {
        c->strangers_since_us = 0;
        return true;
    }
    if (c->strangers_since_us == 0)
        c->strangers_since_us = now_us;
    else if (now_us - c->strangers_since_us > allocations_patience_us(c, state))
        check_fail(c, name, "%s", buf_text(why));
    return false;
}
