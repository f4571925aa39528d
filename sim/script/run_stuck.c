/* A run that waits in vain: what stands in its way, and may it be stuck? (SIMULATION.md G13)
 *
 * Without a majority of the voters that run and reach one another nothing has to happen. What else was broken and is still so is
 * named. If there is nothing of either, somebody is to blame. */
#include "sim/script/run_int.h"

/* The voters, as the running peer says that has applied most. */
static machine_set stuck_voters(struct runner *r)
{
    machine_set voters = 0;
    uint64_t applied = 0;
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        struct stage_look look = runner_look(r, who);
        if (!look.is_running || look.voters == 0 || (voters != 0 && look.applied <= applied))
            continue;
        voters = look.voters;
        applied = look.applied;
    }
    return voters;
}

static bool stuck_reaches(struct runner *r, unsigned a, unsigned b)
{
    const struct stage_ops *ops = r->stage->ops;
    return a == b || ops->is_cut == NULL ||
           (!ops->is_cut(r->stage->impl, a, b) && !ops->is_cut(r->stage->impl, b, a));
}

/* The most voters that one of them reaches, itself included. */
static machine_set stuck_most(struct runner *r, machine_set voters)
{
    machine_set most = 0, running = voters & runner_running(r);
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        machine_set reached = 0;
        for (unsigned other = 1; other <= runner_machines(r); other++)
            if (machine_in(running, who) && machine_in(running, other) &&
                stuck_reaches(r, who, other))
                reached |= machine_bit(other);
        if (machine_set_count(reached) > machine_set_count(most))
            most = reached;
    }
    return most;
}

static void stuck_name(struct runner *r, unsigned who, struct buf *out)
{
    const struct stage_ops *ops = r->stage->ops;
    struct stage_look look = runner_look(r, who);
    struct buf ails = { 0 };
    if (look.was_started && !look.is_running)
        buf_append_text(&ails, " does not run");
    else if (look.is_paused)
        buf_append_text(&ails, " stands still");
    for (unsigned other = 1; other <= runner_machines(r); other++)
        if (!stuck_reaches(r, who, other))
            buf_printf(&ails, " is cut from %u", other);
    if (ops->ails != NULL)
        ops->ails(r->stage->impl, who, &ails);
    if (ails.len > 0)
        buf_printf(out, "%speer %u%s", out->len > 0 ? "; " : "", who, buf_text(&ails));
    buf_deinit(&ails);
}

void runner_stuck(struct runner *r, struct buf *why)
{
    machine_set voters = stuck_voters(r), most = stuck_most(r, voters);
    struct buf names = { 0 };
    for (unsigned who = 1; who <= runner_machines(r); who++)
        stuck_name(r, who, &names);
    if (2 * machine_set_count(most) <= machine_set_count(voters)) {
        buf_append_text(why, " (it may be stuck: of the voters ");
        runner_words_of_set(why, voters);
        buf_append_text(why, " no majority runs and is connected");
    } else if (names.len > 0) {
        buf_append_text(why, " (a majority is there; what may hold it up");
    } else {
        buf_append_text(why, " (it should not be stuck: nothing that was done stands in its way");
    }
    buf_printf(why, "%s%s)", names.len > 0 ? ": " : "", buf_text(&names));
    buf_deinit(&names);
}
