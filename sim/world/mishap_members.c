/* Operators who change the membership while everything else goes wrong: somebody new joins, a member is removed and comes
 * back, or is told to stay; one is drained.
 *
 * What breaks something is asked for once, and may be refused, or lost; that it is put right is asked for until somebody says
 * yes. Enough members are left to go on with. Who is out comes back through one that runs, so that it founds no other cluster. */
#include "sim/world/world_int.h"

/* So many stay: when one of them is lost, three can hold what asks for three holders. */
enum { MEMBERS_LEFT_MIN = 4 };

#define MEMBERS_PAUSE_US ((uint64_t)1000 * 1000)

/* So long a write may be on its way whose client was told that its outcome is unknown. */
#define MEMBERS_OPEN_US ((uint64_t)40 * 1000 * 1000)

static uint64_t members_choose(struct world *w, uint64_t n)
{
    return choose(&w->sim.choose, CHOICE_MISHAP, MISHAP_LANE_LATER, n);
}

static bool members_has(const struct machine *m)
{
    return m->was_started && !m->is_out;
}

/* One that runs and is somebody else; 0: there is none. */
static unsigned members_somebody(struct world *w, unsigned but)
{
    unsigned running[WORLD_MACHINES_MAX], count = 0;
    for (unsigned who = 1; who <= w->machines_count; who++)
        if (who != but && w->machines[who].state == MACHINE_UP && w->machines[who].peer != NULL)
            running[count++] = who;
    return count == 0 ? 0 : running[members_choose(w, count)];
}

/* ---- what is asked for ---- */

static void members_start(struct world *w, unsigned deed, struct machine *m);

static void members_ask(struct machine *m);

static void members_ask_again(void *arg);

/* What may still happen would undo it. */
static void members_take_back(struct machine *m)
{
    struct sim *sim = &m->world->sim;
    m->wish.is_over = false;
    m->wish.is_forced = false;
    m->wish.verb = m->wish.verb == VERB_REMOVE ? VERB_STAY : VERB_UNDRAIN;
    if (m->wish.open_until_us > sim->now_us)
        m->wish.again = sim_at(sim, m->wish.open_until_us - sim->now_us, SIM_MISHAP, 0, m->who,
                               members_ask_again, m);
    else
        members_ask(m);
}

static void members_ask_again(void *arg)
{
    struct machine *m = arg;
    m->wish.again = (struct event_id){ 0 };
    members_ask(m);
}

static void members_try_later(struct machine *m)
{
    m->wish.again =
        sim_at(&m->world->sim, MEMBERS_PAUSE_US, SIM_MISHAP, 0, m->who, members_ask_again, m);
}

/* What was broken is put right, however often that takes; to break it is tried once. */
static bool members_insist(const struct member_wish *wish)
{
    return wish->verb == VERB_STAY || wish->verb == VERB_UNDRAIN;
}

static void members_answered(void *owner)
{
    struct machine *m = owner;
    const struct stage_answer *a = write_answer(m->wish.call);
    bool is_final = a->err == OK && a->status >= 200 && a->status < 500;
    if (!is_final)
        m->wish.open_until_us = m->world->sim.now_us + MEMBERS_OPEN_US;
    bool was_to_stay = m->wish.verb == VERB_STAY;
    write_forget(m->wish.call);
    m->wish.call = NULL;
    if (m->wish.is_over)
        members_take_back(m);
    else if (!is_final && members_insist(&m->wish))
        members_try_later(m);
    else if (was_to_stay && m->is_out)
        members_start(m->world, m->wish.deed, m);
    else if (was_to_stay)
        m->wish.returns = true; /* it is in, or has not heard yet that it is not */
}

static void members_come_back(void *arg)
{
    struct machine *m = arg;
    m->wish.again = (struct event_id){ 0 };
    if (m->is_out)
        members_start(m->world, m->wish.deed, m);
}

void members_on_out(struct machine *m)
{
    bool returns = m->wish.verb == VERB_STAY && m->wish.returns && m->wish.call == NULL;
    if (returns && !event_queue_has(&m->world->sim.queue, m->wish.again))
        m->wish.again =
            sim_at(&m->world->sim, MEMBERS_PAUSE_US, SIM_MISHAP, 0, m->who, members_come_back, m);
}

static void members_ask(struct machine *m)
{
    struct world *w = m->world;
    struct member_wish *wish = &m->wish;
    unsigned asked = members_somebody(w, m->who);
    if (asked == 0) {
        if (members_insist(wish))
            members_try_later(m);
        return;
    }
    struct stage_question q = { .verb = wish->verb,
                                .subject = m->who,
                                .is_forced = wish->is_forced };
    deed_tell(w, wish->deed, "send %s %u%s by %u", script_verb_word(wish->verb), m->who,
              wish->is_forced ? " forced" : "", asked);
    wish->call = write_ask(w, asked, &q);
    write_on_answer(wish->call, members_answered, m);
}

void members_forget(struct machine *m)
{
    sim_cancel(&m->world->sim, &m->wish.again);
    if (m->wish.call != NULL)
        write_let_go(m->wish.call);
    m->wish.call = NULL;
}

static void members_wish(struct machine *m, unsigned deed, enum script_verb verb, bool is_forced)
{
    m->wish.verb = verb;
    m->wish.is_forced = is_forced;
    m->wish.returns = false;
    m->wish.deed = deed;
    members_ask(m);
}

/* Not before there was an answer: who was asked goes on asking the leader, and might be heard later. */
static void members_wish_no_more(struct machine *m)
{
    m->wish.is_over = true;
    if (m->wish.call == NULL)
        members_take_back(m);
}

/* ---- what operators do ---- */

/* Something is asked for, or has to be taken back. */
static bool members_is_busy(const struct machine *m)
{
    return m->wish.verb == VERB_REMOVE || m->wish.verb == VERB_DRAIN || m->wish.call != NULL ||
           event_queue_has(&m->world->sim.queue, m->wish.again);
}

static bool members_stays(const struct machine *m)
{
    bool may_go = m->wish.verb == VERB_REMOVE || m->wish.verb == VERB_STAY;
    return members_has(m) && !(may_go && members_is_busy(m));
}

/* Voters in the smallest configuration that anybody still goes by, without this one. */
static unsigned members_voters_but(const struct world *w, unsigned who)
{
    unsigned least = WORLD_MACHINES_MAX;
    for (unsigned at = 1; at <= w->machines_count; at++) {
        uint32_t voters = checks_voters(w->checks, at) & ~(UINT32_C(1) << (who - 1));
        unsigned count = (unsigned)__builtin_popcount(voters);
        if (w->machines[at].peer != NULL && count > 0 && count < least)
            least = count;
    }
    return least;
}

/* Of two voters one that loses its disk takes the cluster along, and no other can have what it had. */
static bool members_can_lose_a_disk(const struct world *w, unsigned victim)
{
    bool loses = w->plan.has[FAULT_ROT] || w->plan.has[FAULT_LOST_DISKS];
    bool others_go = false;
    for (unsigned who = 1; who <= w->machines_count; who++)
        others_go |= members_has(&w->machines[who]) && !members_stays(&w->machines[who]);
    return !loses || (!others_go && members_voters_but(w, victim) >= 3);
}

void members_remove(struct world *w, unsigned deed, unsigned victim)
{
    struct machine *m = world_machine(w, victim);
    unsigned stay = 0;
    for (unsigned who = 1; who <= w->machines_count; who++)
        stay += who != victim && members_stays(&w->machines[who]);
    if (stay >= MEMBERS_LEFT_MIN && members_has(m) && !members_is_busy(m) &&
        members_can_lose_a_disk(w, victim))
        members_wish(m, deed, VERB_REMOVE, members_choose(w, 4) == 3);
}

static void members_start(struct world *w, unsigned deed, struct machine *m)
{
    unsigned via = members_somebody(w, m->who);
    if (m->state != MACHINE_OFF || via == 0)
        return;
    deed_tell(w, deed, "try start %u joining %u", m->who, via);
    if (m->wish.verb == VERB_REMOVE || m->wish.verb == VERB_STAY) {
        members_forget(m);
        m->wish = (struct member_wish){ 0 };
    } /* but who was drained is so still, as whoever it comes back */
    machine_join_through(m, world_machine(w, via));
    (void)machine_start(m);
}

void members_return(struct world *w, unsigned deed, unsigned victim)
{
    struct machine *m = world_machine(w, victim);
    if (m->wish.verb != VERB_REMOVE)
        return;
    if (m->is_out)
        members_start(w, deed, m);
    else
        members_wish_no_more(m);
}

void members_join(struct world *w, unsigned deed)
{
    unsigned out[WORLD_MACHINES_MAX], count = 0;
    for (unsigned who = 1; who <= w->machines_count; who++)
        if (!members_has(&w->machines[who]))
            out[count++] = who;
    if (count > 0)
        members_start(w, deed, &w->machines[out[members_choose(w, count)]]);
}

void members_drain(struct world *w, unsigned deed, unsigned victim, bool drains)
{
    struct machine *m = world_machine(w, victim);
    if (drains && members_has(m) && !members_is_busy(m))
        members_wish(m, deed, VERB_DRAIN, false);
    else if (!drains && m->wish.verb == VERB_DRAIN)
        members_wish_no_more(m);
}
