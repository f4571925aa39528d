/* Who is meant: sets of machines, as they are at this moment. */
#include "sim/script/run_int.h"

unsigned runner_machines(const struct runner *r)
{
    return r->script->peers_count + r->script->spares_count;
}

struct stage_look runner_look(struct runner *r, unsigned who)
{
    struct stage_look look;
    r->stage->ops->look(r->stage->impl, who, &look);
    return look;
}

machine_set runner_running(struct runner *r)
{
    machine_set out = 0;
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        struct stage_look look = runner_look(r, who);
        if (look.is_running && !look.is_paused)
            out |= machine_bit(who);
    }
    return out;
}

/* Two may think that they lead: the one with the higher term is right. */
static machine_set runner_leader(struct runner *r)
{
    machine_set out = 0;
    uint64_t term = 0;
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        struct stage_look look = runner_look(r, who);
        if (look.is_running && look.leads && look.term > term) {
            out = machine_bit(who);
            term = look.term;
        }
    }
    return out;
}

static machine_set runner_state(struct runner *r, bool is_running)
{
    machine_set out = 0;
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        struct stage_look look = runner_look(r, who);
        if (look.was_started && look.is_running == is_running)
            out |= machine_bit(who);
    }
    return out;
}

static machine_set runner_holders(struct runner *r, struct bytes content)
{
    unsigned from = runner_one_of(r, runner_running(r));
    if (from == 0 || !runner_list(r, from))
        return 0;
    struct cid cid = r->stage->ops->cid(r->stage->impl, content);
    const struct listing_row *row = listing_find(&r->listing, &cid);
    machine_set out = 0;
    for (unsigned who = 1; row != NULL && who <= runner_machines(r); who++) {
        struct peer_id id = r->stage->ops->peer_id(r->stage->impl, who);
        if (listing_row_is_held_by(row, &id))
            out |= machine_bit(who);
    }
    return out;
}

static machine_set runner_voters(struct runner *r)
{
    machine_set leader = runner_leader(r);
    for (unsigned who = 1; who <= runner_machines(r); who++)
        if (machine_in(leader, who))
            return runner_look(r, who).voters;
    return 0;
}

static machine_set runner_who_item(struct runner *r, const struct script_who_item *item)
{
    machine_set out = 0;
    switch (item->kind) {
    case WHO_NUMBERS:
        for (unsigned who = item->first; who <= item->last; who++)
            out |= machine_bit(who);
        return out;
    case WHO_ALL:
        for (unsigned who = 1; who <= runner_machines(r); who++)
            out |= machine_bit(who);
        return out;
    case WHO_UP:
        return runner_state(r, true);
    case WHO_DOWN:
        return runner_state(r, false);
    case WHO_LEADER:
        return runner_leader(r);
    case WHO_FOLLOWERS:
        return runner_running(r) & ~runner_leader(r);
    case WHO_VOTERS:
        return runner_voters(r);
    case WHO_LEARNERS:
        return runner_running(r) & ~runner_voters(r);
    case WHO_HOLDERS:
        return runner_holders(r, item->content);
    case WHO_NAMED:
        return r->named[item->name];
    }
    return 0;
}

machine_set runner_who(struct runner *r, const struct script_who *who)
{
    machine_set out = 0;
    for (size_t i = 0; i < who->count; i++)
        if (!who->items[i].is_taken_out)
            out |= runner_who_item(r, &who->items[i]);
    for (size_t i = 0; i < who->count; i++)
        if (who->items[i].is_taken_out)
            out &= ~runner_who_item(r, &who->items[i]);
    if (!who->is_one_of || out == 0)
        return out;
    return machine_bit(runner_one_of(r, out));
}

unsigned runner_one_of(struct runner *r, machine_set set)
{
    unsigned count = 0;
    for (unsigned who = 1; who <= SCRIPT_MACHINES_MAX; who++)
        count += machine_in(set, who);
    if (count == 0)
        return 0;
    uint64_t nth = r->stage->ops->choose(r->stage->impl, count);
    for (unsigned who = 1; who <= SCRIPT_MACHINES_MAX; who++)
        if (machine_in(set, who) && nth-- == 0)
            return who;
    return 0;
}

void runner_words_of_set(struct buf *out, machine_set set)
{
    bool first = true;
    for (unsigned who = 1; who <= SCRIPT_MACHINES_MAX; who++) {
        if (!machine_in(set, who))
            continue;
        buf_printf(out, first ? "%u" : " %u", who);
        first = false;
    }
    if (first)
        buf_append_text(out, "nobody");
}
