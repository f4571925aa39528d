/* Moving pins away from those who are gone.
 *
 * There is no list of victims: the by-holder index names everybody who should hold something, and a walk
 * looks each of them up among the members.
 *
 *      by-holder:   A: a c f ...   B: a b ...   C: c d ...   D: b d ...
 *                   well, passed   down: each   well         no member: each
 *                   over (1 step)  pin is looked at          pin is looked at
 *
 * That finds members that are down, those that leave, and former ones that were removed while a pin was on its
 * way to them (K32), whoever leads and whatever it missed. For each pin allocate() is asked anew with the
 * standings of this moment, so nothing moves because of an alarm that is over (K37).
 *
 * A walk costs its reads only. It is repeated until one finds nothing to propose, so a proposal that failed,
 * or that was a no-op because the pin had changed, needs no memory of its own. */
#include "allocation/repair.h"

#include <string.h>

#include "state/pinset.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum {
    /* For one pin: index row (a fresh cursor takes two), pin, and the pin once more for a proposal. */
    REPAIR_STEPS_MAX = 4,
};

struct repair {
    struct repair_options options;
    struct cid *in_flight;
    size_t in_flight_count;
    /* The walk. */
    bool is_walking;
    size_t pass; /* looks at pins with so many living holders, the first at those with none, too */
    size_t next_pass;      /* the next number that some pin has; 0: none */
    struct peer_id holder; /* the last one come to; nobody: none yet */
    bool is_in_holder;     /* its pins are being looked at, behind `at` */
    struct cid at;
    bool found_differences;
    uint64_t lacking;
    /* Who stands how, as last looked at. */
    uint64_t standings;
    uint64_t eligibles;
    struct repair_counts counts;
    /* Of the pin at hand. */
    struct arena arena;
    uint16_t ranks[LIMIT_MEMBERS_COUNT];
};

int repair_create(struct repair **out, const struct repair_options *options)
{
    ASSERT(options->in_flight_max > 0);
    struct repair *r = mem_zalloc(sizeof(*r));
    struct cid *in_flight = mem_array(options->in_flight_max, sizeof(*in_flight));
    if (r == NULL || in_flight == NULL) {
        mem_free(r);
        mem_free(in_flight);
        return ERR_NOMEM;
    }
    r->options = *options;
    r->in_flight = in_flight;
    repair_restart(r);
    *out = r;
    return OK;
}

void repair_destroy(struct repair *r)
{
    arena_deinit(&r->arena);
    mem_free(r->in_flight);
    mem_free(r);
}

/* ---- walks ---- */

static void repair_begin_pass(struct repair *r, size_t pass)
{
    r->pass = pass;
    r->next_pass = 0;
    r->holder = (struct peer_id){ 0 };
    r->is_in_holder = false;
}

static void repair_begin_walk(struct repair *r)
{
    r->is_walking = true;
    r->found_differences = false;
    r->lacking = 0;
    repair_begin_pass(r, 1);
}

void repair_restart(struct repair *r)
{
    r->in_flight_count = 0;
    repair_begin_walk(r);
}

static void repair_end_walk(struct repair *r)
{
    r->is_walking = false;
    r->counts.walks += 1;
    r->counts.lacking = r->lacking;
}

bool repair_is_done(const struct repair *r)
{
    return !r->is_walking && !r->found_differences;
}

/* ---- who stands how ---- */

/* Sums, so that the order of the list does not matter. */
void repair_look(struct repair *r, const struct allocate_candidate *candidates, size_t count,
                 size_t metrics_count)
{
    uint64_t standings = 0, eligibles = 0;
    for (size_t i = 0; i < count; i++) {
        const struct allocate_candidate *c = &candidates[i];
        standings += hash64(1 + (uint64_t)c->standing, c->id.bytes, c->id.len);
        if (allocate_is_eligible(c, metrics_count))
            eligibles += hash64(0, c->id.bytes, c->id.len);
    }
    bool lacks = r->lacking > 0 || r->counts.lacking > 0;
    if (standings != r->standings || (eligibles != r->eligibles && lacks))
        repair_begin_walk(r);
    r->standings = standings;
    r->eligibles = eligibles;
}

static bool repair_is_well(const struct allocate_candidate *c)
{
    return c != NULL && (c->standing == ALLOCATE_HEALTHY || c->standing == ALLOCATE_SUSPECT);
}

/* ---- in flight ---- */

static bool repair_is_in_flight(const struct repair *r, const struct cid *cid)
{
    for (size_t i = 0; i < r->in_flight_count; i++) {
        if (cid_equal(&r->in_flight[i], cid))
            return true;
    }
    return false;
}

void repair_on_outcome(struct repair *r, const struct cid *cid, int err)
{
    (void)err; /* whatever it was, the next walk looks at what is */
    for (size_t i = 0; i < r->in_flight_count; i++) {
        if (!cid_equal(&r->in_flight[i], cid))
            continue;
        r->in_flight[i] = r->in_flight[--r->in_flight_count];
        return;
    }
}

struct repair_counts repair_counts(const struct repair *r)
{
    struct repair_counts counts = r->counts;
    counts.in_flight = r->in_flight_count;
    return counts;
}

/* ---- one pin ---- */

/* What a call works with. */
struct repair_work {
    struct view *view;
    struct pinset_held_cursor cursor; /* while it stays with one holder */
    bool has_cursor;
    const struct allocate_candidate *candidates;
    size_t candidates_count;
    size_t metrics_count;
};

static size_t repair_pass_of(const struct repair_work *w, const struct pin *pin)
{
    size_t living = 0;
    for (size_t i = 0; i < pin->allocations_count; i++)
        living +=
            repair_is_well(allocate_find(w->candidates, w->candidates_count, &pin->allocations[i]));
    return living > 1 ? living : 1;
}

struct allocate_request repair_request(const struct pin *pin,
                                       const struct allocate_candidate *candidates,
                                       size_t candidates_count, size_t metrics_count)
{
    return (struct allocate_request){ .replication_min = pin->replication_min,
                                      .replication_max = pin->replication_max,
                                      .current = pin->allocations,
                                      .current_count = pin->allocations_count,
                                      .may_fall_short = true,
                                      .candidates = candidates,
                                      .candidates_count = candidates_count,
                                      .metrics_count = metrics_count };
}

/* Who should hold it now? Lies in r->arena. */
static int repair_allocate(struct repair *r, const struct repair_work *w, const struct pin *pin,
                           struct allocate_result *out)
{
    struct allocate_request request =
        repair_request(pin, w->candidates, w->candidates_count, w->metrics_count);
    request.ranks = r->ranks;
    return allocate(&request, &r->arena, out, NULL);
}

/* Copies what the caller gets into its arena; of a refusal the result is {0}. */
static int repair_fill_proposal(struct repair *r, const struct repair_work *w,
                                const struct pin *pin, const struct allocate_result *result,
                                struct arena *arena, struct repair_proposal *out)
{
    size_t count = result->allocations_count;
    struct peer_id *allocations = arena_array(arena, count + 1, sizeof(*allocations));
    uint16_t *ranks = arena_array(arena, w->candidates_count + 1, sizeof(*ranks));
    if (allocations == NULL || ranks == NULL)
        return ERR_NOMEM;
    if (count > 0)
        memcpy(allocations, result->allocations, count * sizeof(*allocations));
    memcpy(ranks, r->ranks, w->candidates_count * sizeof(*ranks));
    int err = pinset_get(w->view, &pin->cid, arena, &out->pin);
    if (err != OK)
        return err;
    out->expected = out->pin.modified_index;
    out->before = out->pin.allocations;
    out->before_count = out->pin.allocations_count;
    out->ranks = ranks;
    out->pin.allocations = allocations;
    out->pin.allocations_count = count;
    return OK;
}

/* Counted, and the first ones of a walk are told of. */
static int repair_lacks(struct repair *r, const struct repair_work *w, const struct pin *pin,
                        struct arena *arena, struct repair_proposal *out)
{
    r->lacking += 1;
    if (r->lacking > REPAIR_LACKING_TOLD_MAX)
        return ERR_NOT_FOUND;
    int err = repair_fill_proposal(r, w, pin, &(struct allocate_result){ 0 }, arena, out);
    return err == OK ? ERR_NOT_ENOUGH_PEERS : err;
}

static int repair_propose(struct repair *r, const struct repair_work *w, const struct pin *pin,
                          const struct allocate_result *result, struct arena *arena,
                          struct repair_proposal *out)
{
    int err = repair_fill_proposal(r, w, pin, result, arena, out);
    if (err != OK)
        return err;
    r->in_flight[r->in_flight_count++] = out->pin.cid;
    r->found_differences = true;
    r->counts.proposed += 1;
    return OK;
}

/* OK: a proposal. ERR_NOT_FOUND: this pin needs none, or not in this pass. */
static int repair_consider(struct repair *r, const struct repair_work *w, const struct cid *cid,
                           struct arena *arena, struct repair_proposal *out)
{
    struct pin pin;
    arena_reset(&r->arena);
    int err = pinset_get(w->view, cid, &r->arena, &pin);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err; /* an index row without its pin */
    size_t pass = repair_pass_of(w, &pin);
    if (pass > r->pass && (r->next_pass == 0 || pass < r->next_pass))
        r->next_pass = pass;
    if (pass != r->pass)
        return ERR_NOT_FOUND;
    struct allocate_result result;
    err = repair_allocate(r, w, &pin, &result);
    if (err == ERR_NOT_ENOUGH_PEERS)
        return repair_lacks(r, w, &pin, arena, out);
    if (err != OK)
        return err;
    if (!result.is_changed)
        return ERR_NOT_FOUND;
    return repair_propose(r, w, &pin, &result, arena, out);
}

/* ---- one step ---- */

/* On to the next holder; one that is well has nothing to look at. ERR_NOT_FOUND, as for a pin that needs no
 * proposal: look on. */
static int repair_next_holder(struct repair *r, struct repair_work *w)
{
    const struct peer_id *after = peer_id_is_nobody(&r->holder) ? NULL : &r->holder;
    int err = pinset_next_holder(w->view, after, &r->holder);
    if (err == ERR_NOT_FOUND) {
        if (r->next_pass != 0)
            repair_begin_pass(r, r->next_pass);
        else
            repair_end_walk(r);
    }
    if (err != OK)
        return err;
    r->is_in_holder =
        !repair_is_well(allocate_find(w->candidates, w->candidates_count, &r->holder));
    r->at = (struct cid){ 0 };
    w->has_cursor = false;
    return ERR_NOT_FOUND;
}

static int repair_next_pin(struct repair *r, struct repair_work *w, struct arena *arena,
                           struct repair_proposal *out)
{
    struct cid held;
    if (!w->has_cursor)
        w->cursor = pinset_held_after(w->view, &r->holder, &r->at);
    w->has_cursor = true;
    int err = pinset_next_held(&w->cursor, &held);
    if (err == ERR_NOT_FOUND)
        r->is_in_holder = false;
    if (err != OK)
        return err;
    r->at = held;
    if (repair_is_in_flight(r, &held)) {
        r->found_differences = true; /* its outcome is to be looked at by another walk */
        return ERR_NOT_FOUND;
    }
    return repair_consider(r, w, &held, arena, out);
}

int repair_next(struct repair *r, struct view *view, unsigned *steps,
                const struct allocate_candidate *candidates, size_t count, size_t metrics_count,
                struct arena *arena, struct repair_proposal *out)
{
    struct repair_work w = { .view = view,
                             .candidates = candidates,
                             .candidates_count = count,
                             .metrics_count = metrics_count };
    if (!r->is_walking && r->found_differences && r->in_flight_count == 0)
        repair_begin_walk(r);
    while (r->is_walking && r->in_flight_count < r->options.in_flight_max) {
        if (*steps < REPAIR_STEPS_MAX)
            return ERR_MORE;
        uint32_t before = view->steps;
        int err = r->is_in_holder ? repair_next_pin(r, &w, arena, out) : repair_next_holder(r, &w);
        *steps -= view->steps - before;
        if (err != ERR_NOT_FOUND)
            return err;
    }
    return ERR_NOT_FOUND;
}
