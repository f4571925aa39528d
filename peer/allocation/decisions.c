/* Three arrays of one ring, so that the room for metrics follows `allocate_by`:
 *
 *      slots        [ write, when, factors ]  [ repair, ... ]  ...
 *      candidates   [ A chosen, B chosen, C down, - ... - ]    DECISION_CANDIDATES_MAX a slot
 *      metrics      [ A.tag, A.reposize, B.tag, ... ]          as many a candidate as allocate_by has
 *
 * Decisions count from 1. Number n lies in slot (n - 1) % DECISIONS_MAX, until number n + DECISIONS_MAX is made. */
#include "allocation/decisions.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

struct decision_metric {
    int64_t weight;
    bool is_present;
    uint8_t len;
    char value[DECISION_VALUE_BYTES];
};

struct decision_candidate {
    struct peer_id id;
    uint16_t rank; /* 0: none */
    bool is_preferred;
    enum decision_outcome outcome;
};

struct decision_slot {
    struct cid cid;
    enum decision_cause cause;
    int err;
    struct peer_id asked;
    uint64_t placement; /* number of the upload's placement that this write pins; 0: none */
    bool is_pinned;     /* a placement: a write has it */
    int64_t at_us;
    int32_t replication_min, replication_max;
    size_t candidates_count; /* kept */
    size_t left_out;
};

struct decisions {
    const char *const *names;
    size_t metrics_count;
    uint64_t noted;
    struct decision_slot *slots;
    struct decision_candidate *candidates;
    struct decision_metric *metrics; /* NULL: allocate_by is empty */
};

/* ---- life ---- */

/* Not cleared: what was not written is never read, and takes no memory. */
int decisions_create(struct decisions **out, const char *const *metrics, size_t metrics_count)
{
    ASSERT(metrics_count <= LIMIT_ALLOCATE_BY_COUNT);
    size_t candidates_count = (size_t)DECISIONS_MAX * DECISION_CANDIDATES_MAX;
    struct decisions *d = mem_zalloc(sizeof(*d));
    if (d == NULL)
        return ERR_NOMEM;
    d->names = metrics;
    d->metrics_count = metrics_count;
    d->slots = mem_alloc(DECISIONS_MAX * sizeof(*d->slots));
    d->candidates = mem_alloc(candidates_count * sizeof(*d->candidates));
    if (metrics_count > 0)
        d->metrics = mem_alloc(candidates_count * metrics_count * sizeof(*d->metrics));
    if (d->slots == NULL || d->candidates == NULL || (metrics_count > 0 && d->metrics == NULL)) {
        decisions_destroy(d);
        return ERR_NOMEM;
    }
    *out = d;
    return OK;
}

void decisions_destroy(struct decisions *d)
{
    if (d == NULL)
        return;
    mem_free(d->slots);
    mem_free(d->candidates);
    mem_free(d->metrics);
    mem_free(d);
}

/* ---- places ---- */

static size_t decisions_place(uint64_t number)
{
    return (size_t)((number - 1) % DECISIONS_MAX);
}

static uint64_t decisions_oldest(const struct decisions *d)
{
    return d->noted > DECISIONS_MAX ? d->noted - DECISIONS_MAX + 1 : 1;
}

static struct decision_candidate *decisions_candidates(const struct decisions *d, uint64_t number)
{
    return &d->candidates[decisions_place(number) * DECISION_CANDIDATES_MAX];
}

/* NULL: allocate_by is empty. */
static struct decision_metric *decisions_metrics(const struct decisions *d, uint64_t number,
                                                 size_t candidate)
{
    size_t at = decisions_place(number) * DECISION_CANDIDATES_MAX + candidate;
    return d->metrics != NULL ? &d->metrics[at * d->metrics_count] : NULL;
}

/* ---- what became of a candidate ---- */

static size_t decision_find(const struct peer_id *ids, size_t count, const struct peer_id *id)
{
    size_t at = 0;
    while (at < count && !peer_id_equal(&ids[at], id))
        at++;
    return at;
}

static bool decision_has(const struct peer_id *ids, size_t count, const struct peer_id *id)
{
    return decision_find(ids, count, id) < count;
}

enum decision_outcome decision_outcome(const struct decision *one,
                                       const struct allocate_candidate *c)
{
    const struct allocate_request *r = one->request;
    bool held = decision_has(r->current, r->current_count, &c->id);
    if (decision_has(one->allocations, one->allocations_count, &c->id))
        return held ? DECISION_KEPT : DECISION_CHOSEN;
    if (one->err == OK && r->replication_max < 0)
        return DECISION_EVERYWHERE;
    switch (c->standing) {
    case ALLOCATE_SUSPECT:
        return DECISION_SUSPECT;
    case ALLOCATE_DOWN:
        return DECISION_DOWN;
    case ALLOCATE_LEAVING:
        return DECISION_LEAVING;
    case ALLOCATE_HEALTHY:
        break;
    }
    if (held)
        return one->err == OK ? DECISION_RELEASED : DECISION_HOLDS;
    if (c->is_excluded)
        return DECISION_FULL;
    if (!allocate_is_eligible(c, r->metrics_count))
        return DECISION_LACKS_METRIC;
    return one->err == OK ? DECISION_NOT_NEEDED : DECISION_AVAILABLE;
}

static const char *decision_outcome_name(enum decision_outcome outcome)
{
    switch (outcome) {
    case DECISION_CHOSEN:
        return "chosen";
    case DECISION_KEPT:
        return "kept";
    case DECISION_EVERYWHERE:
        return "everywhere";
    case DECISION_SUSPECT:
        return "suspect";
    case DECISION_DOWN:
        return "down";
    case DECISION_LEAVING:
        return "leaving";
    case DECISION_RELEASED:
        return "released";
    case DECISION_HOLDS:
        return "holds it";
    case DECISION_FULL:
        return "full";
    case DECISION_LACKS_METRIC:
        return "lacks a metric";
    case DECISION_NOT_NEEDED:
        return "not needed";
    case DECISION_AVAILABLE:
        return "available";
    }
    return "";
}

/* ---- noting ---- */

/* Who is kept before whom: the smaller first. */
static size_t decision_order(const struct decision *one, size_t candidate)
{
    const struct allocate_request *r = one->request;
    size_t chosen =
        decision_find(one->allocations, one->allocations_count, &r->candidates[candidate].id);
    if (chosen < one->allocations_count)
        return chosen;
    size_t rank = r->ranks != NULL ? r->ranks[candidate] : 0;
    return rank > 0 ? LIMIT_MEMBERS_COUNT + rank : 3 * LIMIT_MEMBERS_COUNT + candidate;
}

/* The first ones by decision_order(); how many. */
static size_t decision_pick(const struct decision *one, size_t picked[DECISION_CANDIDATES_MAX])
{
    size_t order[DECISION_CANDIDATES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < one->request->candidates_count; i++) {
        size_t mine = decision_order(one, i);
        size_t place = count;
        while (place > 0 && order[place - 1] > mine)
            place--;
        if (place == DECISION_CANDIDATES_MAX)
            continue;
        count += count < DECISION_CANDIDATES_MAX;
        for (size_t at = count - 1; at > place; at--) {
            order[at] = order[at - 1];
            picked[at] = picked[at - 1];
        }
        order[place] = mine;
        picked[place] = i;
    }
    return count;
}

static void decision_keep_metric(struct decision_metric *kept, const struct allocate_metric *m)
{
    size_t len = m->value.len < DECISION_VALUE_BYTES ? m->value.len : DECISION_VALUE_BYTES;
    *kept = (struct decision_metric){ .weight = m->weight,
                                      .is_present = m->is_present,
                                      .len = m->is_present ? (uint8_t)len : 0 };
    if (kept->len > 0)
        memcpy(kept->value, m->value.data, kept->len);
}

static void decisions_keep_candidate(struct decisions *d, const struct decision *one,
                                     size_t candidate, size_t at)
{
    const struct allocate_request *r = one->request;
    const struct allocate_candidate *c = &r->candidates[candidate];
    decisions_candidates(d, d->noted)[at] = (struct decision_candidate){
        .id = c->id,
        .rank = r->ranks != NULL ? r->ranks[candidate] : 0,
        .is_preferred = decision_has(r->priority, r->priority_count, &c->id),
        .outcome = decision_outcome(one, c),
    };
    struct decision_metric *metrics = decisions_metrics(d, d->noted, at);
    for (size_t i = 0; i < d->metrics_count; i++)
        decision_keep_metric(&metrics[i], &c->metrics[i]);
}

/* Did that placement choose everybody whom this write prefers? */
static bool decisions_is_placement_of(const struct decisions *d, uint64_t number,
                                      const struct decision *one)
{
    const struct decision_slot *slot = &d->slots[decisions_place(number)];
    if (slot->cause != DECISION_UPLOAD || slot->err != OK || slot->is_pinned ||
        !peer_id_equal(&slot->asked, &one->asked))
        return false;
    const struct decision_candidate *chosen = decisions_candidates(d, number);
    for (size_t i = 0; i < one->request->priority_count; i++) {
        size_t at = 0;
        while (at < slot->candidates_count &&
               !(peer_id_equal(&chosen[at].id, &one->request->priority[i]) &&
                 chosen[at].outcome == DECISION_CHOSEN))
            at++;
        if (at == slot->candidates_count)
            return false;
    }
    return true;
}

/* Looks through the ring, only for a write that prefers somebody. 0: none. */
static uint64_t decisions_claim_placement(struct decisions *d, const struct decision *one)
{
    if (one->cause != DECISION_WRITE || one->request->priority_count == 0)
        return 0;
    for (uint64_t number = d->noted; number >= decisions_oldest(d); number--) {
        if (decisions_is_placement_of(d, number, one)) {
            d->slots[decisions_place(number)].is_pinned = true;
            return number;
        }
    }
    return 0;
}

void decisions_note(struct decisions *d, const struct decision *one)
{
    size_t picked[DECISION_CANDIDATES_MAX];
    ASSERT(one->request->metrics_count == d->metrics_count);
    uint64_t placement = decisions_claim_placement(d, one);
    size_t count = decision_pick(one, picked);
    d->noted += 1;
    d->slots[decisions_place(d->noted)] = (struct decision_slot){
        .cid = one->cid,
        .cause = one->cause,
        .err = one->err,
        .asked = one->asked,
        .placement = placement,
        .at_us = one->at_us,
        .replication_min = one->request->replication_min,
        .replication_max = one->request->replication_max,
        .candidates_count = count,
        .left_out = one->request->candidates_count - count,
    };
    for (size_t at = 0; at < count; at++)
        decisions_keep_candidate(d, one, picked[at], at);
}

/* ---- telling ---- */

static const char *decision_cause_name(enum decision_cause cause)
{
    switch (cause) {
    case DECISION_WRITE:
        return "write";
    case DECISION_REPAIR:
        return "repair";
    case DECISION_UPLOAD:
        return "upload";
    }
    return "";
}

static void decisions_print_metrics(const struct decisions *d, struct json_writer *w,
                                    const struct decision_metric *metrics)
{
    json_key(w, "metrics");
    json_array_begin(w);
    for (size_t i = 0; i < d->metrics_count; i++) {
        if (!metrics[i].is_present)
            continue;
        json_object_begin(w);
        json_key_string(w, "name", d->names[i]);
        json_key(w, "value");
        json_string_len(w, metrics[i].value, metrics[i].len);
        json_key_i64(w, "weight", metrics[i].weight);
        json_object_end(w);
    }
    json_array_end(w);
}

static void decisions_print_one(const struct decisions *d, struct json_writer *w, uint64_t number)
{
    const struct decision_slot *slot = &d->slots[decisions_place(number)];
    const struct decision_candidate *c = decisions_candidates(d, number);
    json_object_begin(w);
    if (slot->cid.len > 0)
        json_key_string(w, "cid", cid_print(&slot->cid).text);
    json_key_i64(w, "decided_at", slot->at_us * 1000);
    json_key_string(w, "cause", decision_cause_name(slot->cause));
    if (!peer_id_is_nobody(&slot->asked))
        json_key_string(w, "asked", peer_id_print(&slot->asked).text);
    json_key_string(w, "error", slot->err != OK ? err_text(slot->err) : "");
    json_key_i64(w, "replication_factor_min", slot->replication_min);
    json_key_i64(w, "replication_factor_max", slot->replication_max);
    json_key(w, "candidates");
    json_array_begin(w);
    for (size_t i = 0; i < slot->candidates_count; i++) {
        json_object_begin(w);
        json_key_string(w, "peer", peer_id_print(&c[i].id).text);
        json_key_string(w, "outcome", decision_outcome_name(c[i].outcome));
        json_key_u64(w, "rank", c[i].rank);
        json_key_bool(w, "preferred", c[i].is_preferred);
        decisions_print_metrics(d, w, decisions_metrics(d, number, i));
        json_object_end(w);
    }
    json_array_end(w);
    json_key_u64(w, "left_out", slot->left_out);
    json_object_end(w);
}

void decisions_print(const struct decisions *d, const struct cid *cid, struct buf *out)
{
    struct json_writer w = json_writer_to(out);
    unsigned told = 0;
    json_array_begin(&w);
    for (uint64_t number = d->noted; number >= decisions_oldest(d) && told < DECISIONS_TOLD_MAX;
         number--) {
        const struct decision_slot *slot = &d->slots[decisions_place(number)];
        if (!cid_equal(&slot->cid, cid))
            continue;
        decisions_print_one(d, &w, number);
        if (slot->placement >= decisions_oldest(d)) /* never number 0 */
            decisions_print_one(d, &w, slot->placement);
        told += 1;
    }
    json_array_end(&w);
}
