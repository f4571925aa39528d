/* Whoever dies, its pins get other holders, in the time that the budget of repairs gives (PA6).
 *
 *      facts PIN ---> what the newest entry left of every pin: its factor, its holders
 *                          |
 *      at every look: who leads, who is well, who is buried?  ---> a pin that must move, and does not
 *
 * Of a leader's members, some are *well*: heard by it, with all that is their own in order. Some are *buried*: silent, and
 * called down. The others are in doubt (sick, badly heard, on their way out, drained): a pin that they hold is given the
 * benefit of it, and nobody counts on them for another one. So a pin must move when it has fewer holders than its factor
 * asks for even with all in doubt, and somebody well is none of them, be it enough or not. The leader is well, and with it a
 * majority of the voters. When one of these changes, or the pin is written anew, its time begins again.
 *
 *      time = BOUND + pins that must move / repairs a second + pins that must move / repairs at once x ROUND
 *
 * When repairs have moved so many pins that as many as may be in motion can be waiting for daemons, no more than a trickle is
 * asked for. What users bring to daemons is no excuse. Budgets of bytes are left out: they depend on what daemons do. Source: DESIGN 12; SIMULATION.md 4 (K03, K05, K28, K37). */
#include "sim/check/check_int.h"

#include "util/assert.h"
#include "util/list.h"
#include "util/mem.h"

static const char name[] = "repairs";

#define REPAIR_SECOND_US ((uint64_t)1000 * 1000)

/* The leader has other things to do, and so has the log. */
#define REPAIR_BOUND_US (5 * REPAIR_SECOND_US)
/* From a proposal to the next one that its outcome makes room for; and twice to and fro over the network. */
#define REPAIR_ROUND_US (REPAIR_SECOND_US / 2)

struct repair_pin {
    struct list_link link;
    struct cid cid;
    int32_t min;
    uint64_t holders; /* bit who: that machine */
    uint64_t written_us;
};

/* How things stand with the members, as a leader sees them and the world knows. */
struct repair_scene {
    unsigned leader; /* 0: nobody can be asked for anything */
    uint64_t term;
    uint64_t well, buried, members; /* bit who */
};

struct repair_book {
    bool is_void;
    uint64_t drained; /* bit who: it is, or was */
    uint64_t index;   /* of the newest entry that was told of */
    struct map by_cid;
    struct list_link pins;
    uint64_t sick_us[CHECK_MACHINES_MAX]; /* when something of it was in disorder last; 0: never */
    struct repair_scene scene;
    uint64_t since_us;
    uint64_t owed_max; /* pins that had to move, since then */
    uint64_t moved;    /* moves that leaders proposed, ever */
};

static struct repair_book *repair_book(struct checks *c)
{
    if (c->repairs != NULL)
        return c->repairs;
    c->repairs = mem_zalloc(sizeof(*c->repairs));
    ASSERT(c->repairs != NULL);
    list_init(&c->repairs->pins);
    return c->repairs;
}

/* ---- what is pinned ---- */

static struct repair_pin *repair_pin(struct repair_book *book, const struct cid *cid)
{
    struct repair_pin *pin = map_get(&book->by_cid, (struct bytes){ cid->bytes, cid->len });
    if (pin != NULL)
        return pin;
    pin = mem_zalloc(sizeof(*pin));
    ASSERT(pin != NULL);
    pin->cid = *cid;
    int err = map_put(&book->by_cid, (struct bytes){ pin->cid.bytes, pin->cid.len }, pin);
    ASSERT(err == 0);
    list_push_back(&book->pins, &pin->link);
    return pin;
}

static void repair_forget(struct repair_book *book, const struct cid *cid)
{
    struct repair_pin *pin = map_remove(&book->by_cid, (struct bytes){ cid->bytes, cid->len });
    if (pin == NULL)
        return;
    list_remove(&pin->link);
    mem_free(pin);
}

/* The first to apply an entry says what it left; that others are left with the same, state_machine.c sees. */
void repairs_on_fact(struct checks *c, const struct peer_fact *fact)
{
    struct repair_book *book = repair_book(c);
    book->moved += fact->kind == PEER_FACT_PROPOSE_REPIN;
    if (fact->kind != PEER_FACT_PIN || fact->index <= book->index)
        return;
    book->index = fact->index;
    if (fact->is_gone) {
        repair_forget(book, &fact->cid);
        return;
    }
    struct repair_pin *pin = repair_pin(book, &fact->cid);
    pin->min = fact->factor_min;
    pin->written_us = c->hooks.now_us(c->hooks.owner);
    pin->holders = 0;
    for (size_t i = 0; i < fact->holders_count; i++)
        pin->holders |= (uint64_t)1 << record_machine_of(c, &fact->holders[i]);
}

void repairs_void(struct checks *c)
{
    repair_book(c)->is_void = true;
}

void checks_on_drain(struct checks *c, unsigned who)
{
    repair_book(c)->drained |= (uint64_t)1 << who;
}

/* ---- who is there ---- */

static unsigned repair_count(uint64_t set)
{
    unsigned count = 0;
    for (; set != 0; set &= set - 1)
        count += 1;
    return count;
}

/* All that is its own in order, for long enough that others know it by now. */
static bool repair_is_well(const struct checks *c, unsigned who)
{
    const struct checks_health *health = alarms_health(c);
    const struct record_machine *m = &c->machines[who];
    uint64_t sick_us = c->repairs->sick_us[who];
    uint64_t enough_us = health->daemon_silent_us + 2 * health->ttl_us;
    return alarms_is_well(c, who) && m->is_awake && !m->may_be_damaged && !m->lacks_rows &&
           (sick_us == 0 || c->hooks.now_us(c->hooks.owner) - sick_us > enough_us);
}

static bool repair_is_drained(const struct checks *c, unsigned who)
{
    return (c->repairs->drained >> who & 1) != 0;
}

static struct repair_scene repair_scene_of(const struct checks *c, unsigned by)
{
    const struct record_machine *m = &c->machines[by];
    struct repair_scene scene = { .leader = by, .term = m->term };
    unsigned voters = 0, voters_well = 0;
    if (m->role != RAFT_LEADER || !repair_is_well(c, by))
        return (struct repair_scene){ 0 };
    for (size_t i = 0; i < m->config.count; i++) {
        const struct record_member *member = &m->config.members[i];
        unsigned of = member->who;
        bool is_heard = of == by || (of != 0 && alarms_hears(c, by, of) && repair_is_well(c, of));
        bool is_well = is_heard && !member->goes && !repair_is_drained(c, of);
        bool is_buried = of != by && of != 0 && alarms_buried(c, by, of);
        scene.members |= (uint64_t)1 << of;
        scene.well |= (uint64_t)is_well << of;
        scene.buried |= (uint64_t)is_buried << of;
        voters += member->is_voter;
        voters_well += member->is_voter && is_heard;
    }
    return voters_well > voters / 2 ? scene : (struct repair_scene){ 0 };
}

static bool repair_is_same(const struct repair_scene *a, const struct repair_scene *b)
{
    return a->leader == b->leader && a->term == b->term && a->well == b->well &&
           a->buried == b->buried && a->members == b->members;
}

static void repair_look_around(struct checks *c)
{
    struct repair_book *book = c->repairs;
    struct repair_scene now = { 0 };
    for (unsigned by = 1; by <= c->machines_count && now.leader == 0; by++)
        now = repair_scene_of(c, by);
    if (repair_is_same(&now, &book->scene))
        return;
    book->scene = now;
    book->since_us = c->hooks.now_us(c->hooks.owner);
    book->owed_max = 0;
}

uint64_t repairs_heard_since_us(const struct checks *c, unsigned who)
{
    const struct repair_book *book = c->repairs;
    bool is_heard = book->scene.leader != 0 && (book->scene.well >> who & 1) != 0;
    return is_heard ? book->since_us : 0;
}

/* ---- verdicts ---- */

static bool repair_is_owed(const struct repair_book *book, const struct repair_pin *pin)
{
    const struct repair_scene *scene = &book->scene;
    uint64_t may_hold = pin->holders & scene->members & ~scene->buried;
    return pin->min > 0 && pin->holders != may_hold &&
           repair_count(may_hold) < (unsigned)pin->min &&
           (scene->well & ~pin->holders) != 0;
}

/* In pins a second. A pin may wait at several at a time. */
static uint64_t repair_rate(const struct checks *c)
{
    const struct checks_health *health = alarms_health(c);
    bool may_all_move = c->repairs->moved * c->machines_count < health->pins_in_motion;
    bool trickles = !may_all_move && health->repairs_trickle < health->repairs_per_second;
    return trickles ? health->repairs_trickle : health->repairs_per_second;
}

static uint64_t repair_time_us(const struct checks *c)
{
    const struct checks_health *health = alarms_health(c);
    uint64_t owed = c->repairs->owed_max;
    uint64_t round_us = REPAIR_ROUND_US + 4 * alarms_network_us(c);
    return REPAIR_BOUND_US + owed * REPAIR_SECOND_US / repair_rate(c) +
           (owed / health->repairs_at_once + 1) * round_us;
}

static void repair_judge(struct checks *c, const struct repair_pin *pin)
{
    const struct repair_book *book = c->repairs;
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    uint64_t from_us = pin->written_us > book->since_us ? pin->written_us : book->since_us;
    if (now_us <= from_us + repair_time_us(c))
        return;
    check_fail(c, name,
               "peer %u leads and has not moved %s for %llu ms: %u holders may live, %u are asked "
               "for, and %u peers are well",
               book->scene.leader, cid_print(&pin->cid).text,
               (unsigned long long)((now_us - from_us) / 1000),
               repair_count(pin->holders & book->scene.members & ~book->scene.buried),
               (unsigned)pin->min, repair_count(book->scene.well));
}

static void repairs_look(struct checks *c)
{
    struct repair_book *book = c->repairs;
    uint64_t owed = 0;
    list_for_each (at, &book->pins)
        owed += repair_is_owed(book, list_entry(at, struct repair_pin, link));
    if (owed > book->owed_max)
        book->owed_max = owed;
    if (owed == 0)
        return;
    list_for_each (at, &book->pins) {
        const struct repair_pin *pin = list_entry(at, struct repair_pin, link);
        if (repair_is_owed(book, pin))
            repair_judge(c, pin);
    }
}

void repairs_on_time(struct checks *c)
{
    struct repair_book *book = repair_book(c);
    const struct checks_health *health = alarms_health(c);
    for (unsigned who = 1; who <= c->machines_count; who++)
        if (c->hooks.is_well != NULL && !c->hooks.is_well(c->hooks.owner, who))
            book->sick_us[who] = c->hooks.now_us(c->hooks.owner);
    repair_look_around(c);
    bool is_judged = !book->is_void && health->repairs_per_second > 0;
    if (book->scene.leader != 0 && is_judged && repair_rate(c) > 0)
        repairs_look(c);
}

void repairs_deinit(struct checks *c)
{
    struct repair_book *book = c->repairs;
    if (book == NULL)
        return;
    for (struct list_link *link; (link = list_pop_front(&book->pins)) != NULL;)
        mem_free(list_entry(link, struct repair_pin, link));
    map_deinit(&book->by_cid);
    mem_free(book);
}
