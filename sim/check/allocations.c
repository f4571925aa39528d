/* At rest: who is said to hold a pin is a member, is said so once, and there are not more of them than the factor allows
 * (PA1). That there are enough of them, alive, is what `settled` waits for.
 * Source: DESIGN 12; SIMULATION.md 4. */
#include "sim/check/check_int.h"

static const char name[] = "allocations";

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

static const char *allocations_fault(const struct checks *c, const struct record_config *config,
                                     const struct listing_row *row)
{
    if (row->factor_max > 0 && row->holders_count > (size_t)row->factor_max)
        return "has more holders than its factor allows";
    if (row->factor_max < 0 && row->holders_count > 0)
        return "goes everywhere, and has a list of holders";
    for (size_t i = 0; i < row->holders_count; i++) {
        if (config->count > 0 && !allocations_is_member(c, config, &row->holders[i]))
            return "is allocated to a peer that is no member";
        for (size_t k = 0; k < i; k++)
            if (peer_id_equal(&row->holders[k], &row->holders[i]))
                return "is allocated to one peer twice";
    }
    return NULL;
}

bool allocations_audit(struct checks *c, const struct listing *state, struct buf *why)
{
    const struct record_config *config = allocations_config(c);
    for (size_t i = 0; i < state->count; i++) {
        const char *fault = allocations_fault(c, config, &state->rows[i]);
        if (fault == NULL)
            continue;
        buf_printf(why, "%s %s", cid_print(&state->rows[i].cid).text, fault);
        check_fail(c, name, "%s", buf_text(why));
        return false;
    }
    return true;
}
