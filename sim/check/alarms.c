/* Who is called dead, against who is: the leader's facts LIVENESS beside what the world did (PA5, PA6).
 *
 *      of:   pushes every TTL/2 ------------x dies
 *      by:   |--- well ---------------------|-- TTL --|-- suspect --|-- repin_after --|-- down --> + bound
 *                                           ^ heard_us              ^ sooner is a false alarm     ^ later is a late one
 *
 * Silence has a beginning. By what the world did, it lies between two moments, and each gives a verdict:
 *
 *   at the earliest   when the last push came, if nothing stood in the way of any; when the leader began to listen (its
 *                     term, the end of its standing still); when the other became a member. Who says "silent for so
 *                     long" sooner than so long after that is wrong.
 *   at the latest     when the other could not be heard any more: dead, standing still, or cut off. Who does not say it so
 *                     long after that, and some seconds, is late. And whoever is heard again is well again.
 *
 * Where it cannot be known nothing is judged: while frames get lost, or come late, while a process is stopping or lacks
 * memory, while one is no member for the other. Both have clocks of their own: some of a hundred is theirs.
 * Source: DESIGN 12; SIMULATION.md 4 (K04, K05, K16, K24, K28). */
#include "sim/check/check_int.h"

#include "util/assert.h"
#include "util/mem.h"

static const char name[] = "alarms";

#define ALARM_NEVER UINT64_MAX
#define ALARM_MS    ((uint64_t)1000)

/* A push that was due leaves and arrives within this, and what the network takes. */
#define ALARM_HASTE_US (100 * ALARM_MS)
/* After whatever was in the way: a connection is made (pauses between attempts grow to 5 s). */
#define ALARM_DIAL_US (6000 * ALARM_MS)
/* The leader has other things to do: a walk over the state, a budget of a second. */
#define ALARM_BOUND_US (5000 * ALARM_MS)

/* What `by` may know of `of`. */
struct alarm_pair {
    bool is_cut;   /* the way from `of` to `by` */
    bool is_known; /* a member, in this life of `by` */
    uint64_t known_us;
    uint64_t calm_us;   /* nothing is in the way of pushes since then; NEVER: something may be */
    uint64_t heard_us;  /* the last one that certainly came did not come before that */
    uint64_t silent_us; /* nothing can have been sent since then; NEVER: it can */
    enum liveness told;
};

struct alarm_machine {
    bool runs, is_paused, stops, lacks_memory;
    uint64_t paused_us;
    uint64_t
        listens_us; /* the last time it certainly began to: with a role, after standing still for long */
    uint64_t may_listen_us; /* the last time it may have begun to */
};

struct alarm_book {
    struct checks_health health;
    bool network_loses;
    uint64_t delay_us; /* of a frame, at most */
    uint64_t worst_us; /* the same, of all that was so far */
    struct alarm_machine machines[CHECK_MACHINES_MAX];
    struct alarm_pair pairs[CHECK_MACHINES_MAX][CHECK_MACHINES_MAX]; /* [by][of] */
};

static struct alarm_book *alarm_book(struct checks *c)
{
    if (c->alarms != NULL)
        return c->alarms;
    c->alarms = mem_zalloc(sizeof(*c->alarms));
    ASSERT(c->alarms != NULL);
    for (unsigned by = 1; by <= c->machines_count; by++)
        for (unsigned of = 1; of <= c->machines_count; of++) {
            struct alarm_pair *pair = &c->alarms->pairs[by][of];
            pair->calm_us = pair->silent_us = ALARM_NEVER;
        }
    return c->alarms;
}

static uint64_t alarm_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Clocks run up to half a hundredth too fast or too slow, each. */
static uint64_t alarm_longer(uint64_t span_us)
{
    return span_us + span_us / 64;
}

static uint64_t alarm_shorter(uint64_t span_us)
{
    return span_us - span_us / 64;
}

static uint64_t alarm_silence_us(const struct alarm_book *book, enum liveness liveness)
{
    return book->health.ttl_us + (liveness == LIVENESS_DOWN ? book->health.repin_after_us : 0);
}

/* Between two arrivals, when all is well. */
static uint64_t alarm_gap_us(const struct alarm_book *book)
{
    return alarm_longer(book->health.ttl_us / 2) + book->delay_us + ALARM_HASTE_US;
}

/* From when nothing is in the way any more until the first arrival. */
static uint64_t alarm_settling_us(const struct alarm_book *book)
{
    return alarm_gap_us(book) + book->worst_us + ALARM_DIAL_US;
}

/* ---- who could hear whom ---- */

static const struct record_member *alarm_member(const struct record_machine *m, unsigned who)
{
    for (size_t i = 0; i < m->config.count; i++)
        if (m->config.members[i].who == who)
            return &m->config.members[i];
    return NULL;
}

/* `of` tells voters only, and `by` listens to members only, under the number that it knows. */
static bool alarm_are_members(const struct checks *c, unsigned by, unsigned of)
{
    const struct record_machine *speaker = &c->machines[of];
    const struct record_member *listener = alarm_member(speaker, by);
    const struct record_member *known = alarm_member(&c->machines[by], of);
    return speaker->is_awake && !speaker->may_be_damaged && listener != NULL &&
           listener->is_voter && known != NULL && known->number == speaker->number;
}

static bool alarm_is_well(const struct alarm_machine *m)
{
    return m->runs && !m->is_paused && !m->stops && !m->lacks_memory;
}

static bool alarm_is_calm(const struct checks *c, unsigned by, unsigned of)
{
    const struct alarm_book *book = c->alarms;
    return !book->network_loses && alarm_is_well(&book->machines[by]) &&
           alarm_is_well(&book->machines[of]) && !book->pairs[by][of].is_cut &&
           !book->pairs[of][by].is_cut && alarm_are_members(c, by, of);
}

/* Something has changed that pushes from `of` to `by` depend on. */
static void alarm_update(struct checks *c, unsigned by, unsigned of)
{
    struct alarm_book *book = c->alarms;
    struct alarm_pair *pair = &book->pairs[by][of];
    const struct alarm_machine *speaker = &book->machines[of];
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    bool is_calm = alarm_is_calm(c, by, of);
    bool is_silent = !speaker->runs || speaker->is_paused || pair->is_cut;
    if (!is_calm && pair->calm_us != ALARM_NEVER) {
        if (now_us - pair->calm_us >= alarm_settling_us(book))
            pair->heard_us = now_us - alarm_gap_us(book);
        pair->calm_us = ALARM_NEVER;
    }
    if (is_calm && pair->calm_us == ALARM_NEVER)
        pair->calm_us = now_us;
    if (!is_silent)
        pair->silent_us = ALARM_NEVER;
    else if (pair->silent_us == ALARM_NEVER)
        pair->silent_us = now_us;
}

static void alarm_update_all_of(struct checks *c, unsigned who)
{
    for (unsigned other = 1; other <= c->machines_count; other++) {
        if (other == who)
            continue;
        alarm_update(c, who, other);
        alarm_update(c, other, who);
    }
}

/* It heard nothing before now, or what it heard counts no more. */
static void alarm_listens(struct checks *c, unsigned who)
{
    struct alarm_machine *m = &c->alarms->machines[who];
    m->listens_us = m->may_listen_us = c->hooks.now_us(c->hooks.owner);
}

/* ---- what the world did ---- */

void checks_on_health(struct checks *c, const struct checks_health *health)
{
    alarm_book(c)->health = *health;
}

void alarms_on_start(struct checks *c, unsigned who)
{
    struct alarm_book *book = alarm_book(c);
    book->machines[who] = (struct alarm_machine){
        .runs = true,
        .lacks_memory = book->machines[who].lacks_memory,
    };
    alarm_listens(c, who);
    for (unsigned of = 1; of <= c->machines_count; of++)
        book->pairs[who][of].is_known = false;
    alarm_update_all_of(c, who);
}

void checks_on_end(struct checks *c, unsigned who)
{
    struct alarm_machine *m = &alarm_book(c)->machines[who];
    m->runs = m->is_paused = false;
    alarm_update_all_of(c, who);
}

void checks_on_stop(struct checks *c, unsigned who)
{
    alarm_book(c)->machines[who].stops = true;
    alarm_update_all_of(c, who);
}

void checks_on_pause(struct checks *c, unsigned who, bool is_paused)
{
    struct alarm_book *book = alarm_book(c);
    struct alarm_machine *m = &book->machines[who];
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    m->is_paused = is_paused;
    if (is_paused)
        m->paused_us = now_us;
    else if (now_us - m->paused_us > alarm_longer(book->health.ttl_us))
        alarm_listens(c, who);
    else
        m->may_listen_us = now_us;
    alarm_update_all_of(c, who);
}

void checks_on_memory(struct checks *c, unsigned who, bool lacks)
{
    struct alarm_machine *m = &alarm_book(c)->machines[who];
    m->lacks_memory = lacks;
    m->may_listen_us = c->hooks.now_us(c->hooks.owner);
    alarm_update_all_of(c, who);
}

/* What was sent into a way that was cut arrives when it is open again, even if the speaker stands still by then: so silence
 * begins anew. */
void checks_on_cut(struct checks *c, unsigned from, unsigned to, bool is_cut)
{
    struct alarm_pair *pair = &alarm_book(c)->pairs[to][from];
    if (pair->is_cut && !is_cut && pair->silent_us != ALARM_NEVER)
        pair->silent_us = c->hooks.now_us(c->hooks.owner);
    pair->is_cut = is_cut;
    alarm_update(c, to, from);
    alarm_update(c, from, to);
}

void checks_on_network(struct checks *c, bool loses, uint64_t delay_us, uint64_t late_us)
{
    struct alarm_book *book = alarm_book(c);
    bool is_worse = delay_us > book->delay_us; /* what was heard was heard in quicker times */
    book->network_loses = loses || late_us > 0 || is_worse;
    for (unsigned who = 1; who <= c->machines_count; who++)
        alarm_update_all_of(c, who);
    book->delay_us = delay_us;
    book->worst_us = alarm_max(book->worst_us, delay_us + late_us);
    book->network_loses = loses || late_us > 0;
    for (unsigned who = 1; who <= c->machines_count; who++)
        alarm_update_all_of(c, who);
}

/* ---- verdicts ---- */

/* When the silence of `of` began for `by`, at the earliest. */
static uint64_t alarm_earliest_us(const struct checks *c, unsigned by, unsigned of)
{
    const struct alarm_book *book = c->alarms;
    const struct alarm_pair *pair = &book->pairs[by][of];
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    uint64_t from_us = alarm_max(book->machines[by].listens_us, pair->known_us);
    from_us = alarm_max(from_us, pair->heard_us);
    bool is_heard =
        pair->calm_us != ALARM_NEVER && now_us - pair->calm_us >= alarm_settling_us(book);
    return is_heard ? alarm_max(from_us, now_us - alarm_gap_us(book)) : from_us;
}

static void alarm_on_word(struct checks *c, unsigned by, unsigned of, enum liveness liveness)
{
    const struct alarm_book *book = c->alarms;
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    uint64_t most_us = now_us - alarm_earliest_us(c, by, of);
    uint64_t least_us = alarm_silence_us(book, liveness);
    if (liveness != LIVENESS_HEALTHY && most_us < alarm_shorter(least_us))
        check_fail(
            c, name,
            "peer %u calls peer %u %s, as if it were silent for %llu ms; it cannot be so for "
            "more than %llu ms",
            by, of, liveness_name(liveness), (unsigned long long)(least_us / ALARM_MS),
            (unsigned long long)(most_us / ALARM_MS));
}

static void alarm_look_at(struct checks *c, unsigned by, unsigned of)
{
    const struct alarm_book *book = c->alarms;
    const struct alarm_pair *pair = &book->pairs[by][of];
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    uint64_t from_us = alarm_max(book->machines[by].may_listen_us, pair->known_us);
    uint64_t silent_us = pair->silent_us == ALARM_NEVER ? 0 : pair->silent_us;
    uint64_t limit_us = alarm_longer(alarm_silence_us(book, LIVENESS_DOWN)) + book->worst_us;
    if (silent_us != 0 && pair->told != LIVENESS_DOWN &&
        now_us > alarm_max(from_us, silent_us) + limit_us + ALARM_BOUND_US)
        check_fail(c, name, "peer %u leads and has not called peer %u down, silent for %llu ms", by,
                   of, (unsigned long long)((now_us - silent_us) / ALARM_MS));
    if (pair->calm_us != ALARM_NEVER && pair->told != LIVENESS_HEALTHY &&
        now_us > alarm_max(from_us, pair->calm_us) + alarm_settling_us(book) + ALARM_BOUND_US)
        check_fail(c, name, "peer %u leads and still calls peer %u %s, well for %llu ms", by, of,
                   liveness_name(pair->told),
                   (unsigned long long)((now_us - pair->calm_us) / ALARM_MS));
}

void alarms_on_time(struct checks *c)
{
    const struct alarm_book *book = c->alarms;
    for (unsigned by = 1; by <= c->machines_count; by++) {
        const struct record_machine *m = &c->machines[by];
        if (m->role != RAFT_LEADER || !alarm_is_well(&book->machines[by]))
            continue;
        for (size_t i = 0; i < m->config.count; i++) {
            unsigned of = m->config.members[i].who;
            if (of != 0 && of != by)
                alarm_look_at(c, by, of);
        }
    }
}

/* ---- what peers told ---- */

static void alarms_on_config(struct checks *c, unsigned by)
{
    struct alarm_book *book = c->alarms;
    for (unsigned of = 1; of <= c->machines_count; of++) {
        struct alarm_pair *pair = &book->pairs[by][of];
        bool was_known = pair->is_known;
        pair->is_known = alarm_member(&c->machines[by], of) != NULL;
        if (pair->is_known && !was_known)
            pair->known_us = c->hooks.now_us(c->hooks.owner);
    }
}

static void alarms_on_role(struct checks *c, unsigned who)
{
    struct alarm_book *book = c->alarms;
    alarm_listens(c, who);
    for (unsigned of = 1; of <= c->machines_count; of++)
        book->pairs[who][of].told = LIVENESS_HEALTHY;
}

static void alarms_on_liveness(struct checks *c, unsigned by, const struct peer_fact *fact)
{
    const struct record_config *config = &c->machines[by].config;
    for (size_t i = 0; i < config->count; i++) {
        unsigned of = config->members[i].who;
        if (config->members[i].number != fact->about || of == 0 || of == by)
            continue;
        alarm_on_word(c, by, of, fact->liveness);
        c->alarms->pairs[by][of].told = fact->liveness;
    }
}

void alarms_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    struct alarm_book *book = alarm_book(c);
    if (book->health.ttl_us == 0)
        return;
    if (fact->kind == PEER_FACT_CONFIG)
        alarms_on_config(c, who);
    else if (fact->kind == PEER_FACT_ROLE)
        alarms_on_role(c, who);
    else if (fact->kind == PEER_FACT_LIVENESS)
        alarms_on_liveness(c, who, fact);
    if (fact->kind == PEER_FACT_CONFIG || fact->kind == PEER_FACT_WOKE)
        alarm_update_all_of(c, who);
}

/* ---- for those who judge what follows from it ---- */

const struct checks_health *alarms_health(const struct checks *c)
{
    return c->alarms != NULL && c->alarms->health.is_watched ? &c->alarms->health : NULL;
}

uint64_t alarms_network_us(const struct checks *c)
{
    return c->alarms->worst_us;
}

bool alarms_is_well(const struct checks *c, unsigned who)
{
    return alarm_is_well(&c->alarms->machines[who]);
}

bool alarms_hears(const struct checks *c, unsigned by, unsigned of)
{
    const struct alarm_pair *pair = &c->alarms->pairs[by][of];
    uint64_t now_us = c->hooks.now_us(c->hooks.owner);
    return pair->told == LIVENESS_HEALTHY && pair->calm_us != ALARM_NEVER &&
           now_us - pair->calm_us >= alarm_settling_us(c->alarms);
}

bool alarms_buried(const struct checks *c, unsigned by, unsigned of)
{
    const struct alarm_pair *pair = &c->alarms->pairs[by][of];
    return pair->told == LIVENESS_DOWN && pair->silent_us != ALARM_NEVER;
}

void alarms_deinit(struct checks *c)
{
    mem_free(c->alarms);
}
