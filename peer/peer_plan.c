/* peer_plan.c -- what is wrong, and what a repair would do about it: looked at, nothing done.
 *
 * The plan walks the by-holder index as repair/ does, and asks allocate() the same questions with the same standings; so
 * what it shows is what would happen, if all stayed as it is. A pin is told once, at the first of its holders that is
 * gone. A learner knows of the others what the leader told it (peer_hearsay.c), and does not guess when that is old. */
#include "peer_plan.h"

#include "allocation/repair.h"
#include "http/api/api.h"
#include "peer_int.h"
#include "util/err.h"
#include "util/mem.h"

/* ---- alerts ---- */

static void plan_alert_of(const struct peer *p, const struct monitor_alert *m,
                          struct api_alert *out)
{
    int64_t now_us = p->wall_us - (int64_t)p->now_us; /* to be added to our own time */
    const struct metric *metric = &m->about.metric;
    int64_t received_us = now_us + (int64_t)m->about.arrived_us;
    *out = (struct api_alert){ .metric = { .peer = m->about.peer,
                                           .name = metric->name,
                                           .value = metric->value,
                                           .expire_us = received_us + (int64_t)metric->ttl_us,
                                           .received_us = received_us,
                                           .weight = metric->weight,
                                           .is_partitionable = metric->is_partitionable },
                               .triggered_us = now_us + (int64_t)m->since_us,
                               .standing = liveness_name(m->liveness) };
}

int peer_alerts(void *impl, struct arena *arena, const struct api_alert **out, size_t *count)
{
    enum { ALERTS_MAX = 1000 }; /* as V1 */
    struct peer *p = impl;
    struct monitor_alert *alerts = arena_array(arena, ALERTS_MAX, sizeof(*alerts));
    struct api_alert *told = arena_array(arena, ALERTS_MAX, sizeof(*told));
    if (alerts == NULL || told == NULL)
        return ERR_NOMEM;
    peer_enter(p);
    *count = monitor_alerts(p->monitor, p->now_us, alerts, ALERTS_MAX);
    for (size_t i = 0; i < *count; i++)
        plan_alert_of(p, &alerts[i], &told[i]);
    *out = told;
    peer_leave(p);
    return OK;
}

/* ---- the plan ---- */

struct api_plan {
    struct peer *peer;
    struct peer_id holder; /* nobody: none yet */
    bool is_in_holder;
    struct cid at;
};

int peer_plan_open(void *impl, struct api_plan **out)
{
    struct peer *p = impl;
    if (!peer_is_informed(p))
        return ERR_STALE;
    struct api_plan *plan = mem_zalloc(sizeof(*plan));
    if (plan == NULL)
        return ERR_NOMEM;
    plan->peer = p;
    *out = plan;
    return OK;
}

void peer_plan_close(struct api_plan *plan)
{
    mem_free(plan);
}

/* With repinning off a repair takes pins from fewer than are gone. */
struct plan_members {
    struct peer_candidates standing;
    struct peer_candidates asked; /* as a repair takes them */
};

static bool plan_is_well(const struct plan_members *now, const struct peer_id *id)
{
    const struct allocate_candidate *one =
        allocate_find(now->standing.list, now->standing.count, id);
    return one != NULL && one->standing <= ALLOCATE_SUSPECT;
}

/* Who is drained, or leaves, is not well, and its copy is there all the same. */
static bool plan_lives(const struct peer *p, const struct plan_members *now,
                       const struct peer_id *id)
{
    return allocate_find(now->standing.list, now->standing.count, id) != NULL &&
           monitor_liveness(p->monitor, p->now_us, id) != LIVENESS_DOWN;
}

/* Is this holder the first of the pin's that is gone? */
static bool plan_tells_here(const struct api_plan *plan, const struct plan_members *now,
                            const struct pin *pin)
{
    for (size_t i = 0; i < pin->allocations_count; i++) {
        if (!plan_is_well(now, &pin->allocations[i]))
            return peer_id_equal(&pin->allocations[i], &plan->holder);
    }
    return false;
}

/* ERR_NOT_FOUND: it is told at another holder. A pin that has copies enough stays: `to` is `from` then. */
static int plan_move(struct api_plan *plan, const struct plan_members *now, struct view *view,
                     struct arena *arena, struct api_move *out)
{
    struct pin pin;
    int err = pinset_get(view, &plan->at, arena, &pin);
    if (err != OK)
        return err;
    if (!plan_tells_here(plan, now, &pin))
        return ERR_NOT_FOUND;
    struct allocate_request request = repair_request(&pin, now->asked.list, now->asked.count,
                                                     plan->peer->options.allocate_by_count);
    struct allocate_result result = { 0 };
    err = allocate(&request, arena, &result, NULL);
    if (err != OK && err != ERR_NOT_ENOUGH_PEERS)
        return err;
    *out = (struct api_move){ .cid = pin.cid,
                              .from = pin.allocations,
                              .from_count = pin.allocations_count,
                              .to = result.allocations,
                              .to_count = result.allocations_count };
    for (size_t i = 0; i < pin.allocations_count; i++)
        out->living += plan_lives(plan->peer, now, &pin.allocations[i]);
    return OK;
}

/* The next pin of a holder that is gone. */
static int plan_next_pin(struct api_plan *plan, const struct plan_members *now, struct view *view)
{
    for (;;) {
        if (plan->is_in_holder) {
            struct cid held;
            struct pinset_held_cursor cursor = pinset_held_after(view, &plan->holder, &plan->at);
            int err = pinset_next_held(&cursor, &held);
            if (err == OK)
                plan->at = held;
            if (err != ERR_NOT_FOUND)
                return err;
        }
        const struct peer_id *after = peer_id_is_nobody(&plan->holder) ? NULL : &plan->holder;
        int err = pinset_next_holder(view, after, &plan->holder);
        if (err != OK)
            return err;
        plan->is_in_holder = !plan_is_well(now, &plan->holder);
        plan->at = (struct cid){ 0 };
    }
}

static int plan_next_row(struct api_plan *plan, const struct plan_members *now, struct view *view,
                         struct arena *arena, struct api_move *out)
{
    enum { PLAN_STEPS = 8 }; /* for one pin */
    int err = ERR_MORE;
    while (err == ERR_MORE && view->steps + PLAN_STEPS < LIMIT_VIEW_STEPS_COUNT) {
        err = plan_next_pin(plan, now, view);
        if (err != OK)
            return err;
        err = plan_move(plan, now, view, arena, out);
        if (err == ERR_NOT_FOUND)
            err = ERR_MORE;
    }
    return err;
}

/* What a learner was told grows old while a slow client reads; once it says nothing about who is alive any more, nor does
 * the plan. */
static bool plan_may_go_on(const struct peer *p)
{
    return peer_is_informed(p) ||
           (p->has_heard && p->now_us - p->heard_at_us < p->options.metric_ttl_us / 2);
}

int peer_plan_next(struct api_plan *plan, struct arena *arena, struct api_move *out)
{
    struct peer *p = plan->peer;
    struct plan_members now;
    struct view view;
    peer_enter(p);
    int err = plan_may_go_on(p) ? peer_candidates(p, &now.standing) : ERR_STALE;
    if (err == OK)
        err = peer_repair_candidates(p, &now.asked);
    if (err == OK)
        err = peer_view(p, &view);
    if (err == OK) {
        err = plan_next_row(plan, &now, &view, arena, out);
        peer_view_end(p, &view);
    }
    peer_leave(p);
    return err;
}
