/* Who should hold a pin.
 *
 * First who keeps it: holders that live, with or without metrics. Only what they lack is chosen anew, from
 * priority peers first, then the other eligible ones, in the balanced order:
 *
 *   Candidates are grouped by their first metric (equal values of a partitionable one form a group, any other
 *   metric makes a group of each peer), groups are ranked, and within a group the same is done with the next
 *   metric. Then one peer is taken from each group in turn, so that copies spread over groups before any
 *   group gets a second one. With "tag:rack, freespace": the roomiest peer of the roomiest rack, then that
 *   of the next rack, ...
 *
 * Groups rank by weight at this level, then by the weight of all levels below, then by value; in the end by
 * peer id. Weights are clamped so that sums are exact, whatever their order. */
#include "allocation/allocate.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"

#define ALLOCATE_WEIGHT_MAX                                                                        \
    ((int64_t)1 << 53) /* 256 of them, times 8 levels, add up without overflow */

const struct allocate_candidate *allocate_find(const struct allocate_candidate *candidates,
                                               size_t count, const struct peer_id *id)
{
    for (size_t i = 0; i < count; i++) {
        if (peer_id_equal(&candidates[i].id, id))
            return &candidates[i];
    }
    return NULL;
}

bool allocate_is_eligible(const struct allocate_candidate *c, size_t metrics_count)
{
    for (size_t i = 0; i < metrics_count; i++) {
        if (!c->metrics[i].is_present)
            return false;
    }
    return c->standing == ALLOCATE_HEALTHY && !c->is_excluded;
}

/* ---- the balanced order ---- */

/* A candidate while it is being ranked. */
struct allocate_ranked {
    const struct allocate_candidate *candidate;
    size_t group; /* at the level at hand: where its group stands */
    size_t place; /* within its group */
};

struct allocate_order {
    size_t levels;
    struct allocate_ranked *spare; /* as many as there are candidates */
};

static int64_t allocate_weight(const struct allocate_candidate *c, size_t level)
{
    int64_t weight = c->metrics[level].weight;
    if (weight > ALLOCATE_WEIGHT_MAX)
        return ALLOCATE_WEIGHT_MAX;
    return weight < -ALLOCATE_WEIGHT_MAX ? -ALLOCATE_WEIGHT_MAX : weight;
}

static bool allocate_share_group(const struct allocate_candidate *a,
                                 const struct allocate_candidate *b, size_t level)
{
    const struct allocate_metric *x = &a->metrics[level], *y = &b->metrics[level];
    return x->is_partitionable && y->is_partitionable && bytes_equal(x->value, y->value);
}

/* Candidates that stand next to one another in a run. */
struct allocate_group {
    size_t start;
    size_t len;
    int64_t weight;                         /* of this level's metric */
    int64_t weight_below;                   /* of the metrics of all levels below */
    const struct allocate_candidate *first; /* the smallest id; its value is the group's */
};

static void allocate_join(struct allocate_group *group, const struct allocate_candidate *c,
                          size_t level, size_t levels)
{
    group->len += 1;
    group->weight += allocate_weight(c, level);
    for (size_t below = level + 1; below < levels; below++)
        group->weight_below += allocate_weight(c, below);
}

static bool allocate_group_before(const struct allocate_group *a, const struct allocate_group *b,
                                  size_t level)
{
    if (a->weight != b->weight)
        return a->weight > b->weight;
    if (a->weight_below != b->weight_below)
        return a->weight_below > b->weight_below;
    int order = bytes_compare(a->first->metrics[level].value, b->first->metrics[level].value);
    return order != 0 ? order < 0 : peer_id_compare(&a->first->id, &b->first->id) < 0;
}

/* Insertion sorts: there are at most LIMIT_MEMBERS_COUNT, and mostly a handful. */
static void allocate_sort_groups(struct allocate_group *groups, size_t count, size_t level)
{
    for (size_t i = 1; i < count; i++) {
        struct allocate_group moving = groups[i];
        size_t place = i;
        for (; place > 0 && allocate_group_before(&moving, &groups[place - 1], level); place--)
            groups[place] = groups[place - 1];
        groups[place] = moving;
    }
}

typedef bool (*allocate_before)(const struct allocate_ranked *a, const struct allocate_ranked *b);

static void allocate_sort(struct allocate_ranked *run, size_t count, allocate_before before)
{
    for (size_t i = 1; i < count; i++) {
        struct allocate_ranked moving = run[i];
        size_t place = i;
        for (; place > 0 && before(&moving, &run[place - 1]); place--)
            run[place] = run[place - 1];
        run[place] = moving;
    }
}

static bool allocate_id_before(const struct allocate_ranked *a, const struct allocate_ranked *b)
{
    return peer_id_compare(&a->candidate->id, &b->candidate->id) < 0;
}

/* One from each group in turn. */
static bool allocate_turn_before(const struct allocate_ranked *a, const struct allocate_ranked *b)
{
    return a->place != b->place ? a->place < b->place : a->group < b->group;
}

/* Moves the members of each group next to one another. How many groups there are. */
static size_t allocate_gather(const struct allocate_order *o, struct allocate_ranked *run,
                              size_t count, size_t level, struct allocate_group *groups)
{
    size_t groups_count = 0, moved = 0;
    for (size_t i = 0; i < count; i++) {
        const struct allocate_candidate *first = run[i].candidate;
        if (first == NULL)
            continue; /* moved already */
        struct allocate_group *group = &groups[groups_count++];
        *group = (struct allocate_group){ .start = moved, .first = first };
        for (size_t k = i; k < count; k++) {
            const struct allocate_candidate *c = run[k].candidate;
            if (c == NULL || (k != i && !allocate_share_group(first, c, level)))
                continue;
            allocate_join(group, c, level, o->levels);
            o->spare[moved++] = run[k];
            run[k].candidate = NULL;
        }
    }
    memcpy(run, o->spare, count * sizeof(*run));
    return groups_count;
}

/* `run` comes sorted by id, and leaves in the balanced order. Recursion as deep as there are metrics. */
static void allocate_arrange(const struct allocate_order *o, struct allocate_ranked *run,
                             size_t count, size_t level)
{
    if (level == o->levels || count <= 1)
        return;
    struct allocate_group groups[LIMIT_MEMBERS_COUNT];
    size_t groups_count = allocate_gather(o, run, count, level, groups);
    allocate_sort_groups(groups, groups_count, level);
    for (size_t g = 0; g < groups_count; g++) {
        struct allocate_ranked *members = &run[groups[g].start];
        allocate_arrange(o, members, groups[g].len, level + 1);
        for (size_t i = 0; i < groups[g].len; i++) {
            members[i].group = g;
            members[i].place = i;
        }
    }
    allocate_sort(run, count, allocate_turn_before);
}

/* ---- the choice ---- */

struct allocate_choice {
    struct peer_id *ids; /* room for all candidates */
    size_t count;
};

static bool allocate_has(const struct peer_id *ids, size_t count, const struct peer_id *id)
{
    for (size_t i = 0; i < count; i++) {
        if (peer_id_equal(&ids[i], id))
            return true;
    }
    return false;
}

/* The holders that may stay, in the pin's order: at most so many living ones, and so many that are down. */
static void allocate_keep(const struct allocate_request *r, struct allocate_choice *choice,
                          size_t living_max, size_t down_max)
{
    choice->count = 0;
    for (size_t i = 0; i < r->current_count; i++) {
        const struct allocate_candidate *c =
            allocate_find(r->candidates, r->candidates_count, &r->current[i]);
        if (c == NULL || c->standing == ALLOCATE_LEAVING ||
            allocate_has(choice->ids, choice->count, &c->id))
            continue;
        size_t *left = c->standing == ALLOCATE_DOWN ? &down_max : &living_max;
        if (*left == 0)
            continue;
        *left -= 1;
        choice->ids[choice->count++] = c->id;
    }
}

/* The eligible that are not chosen yet, either the priority peers or all others, in balanced order. */
static size_t allocate_rank_eligible(const struct allocate_request *r,
                                     const struct allocate_order *o,
                                     const struct allocate_choice *choice, bool priority,
                                     struct allocate_ranked *out)
{
    size_t count = 0;
    for (size_t i = 0; i < r->candidates_count; i++) {
        const struct allocate_candidate *c = &r->candidates[i];
        if (allocate_is_eligible(c, r->metrics_count) &&
            !allocate_has(choice->ids, choice->count, &c->id) &&
            allocate_has(r->priority, r->priority_count, &c->id) == priority)
            out[count++] = (struct allocate_ranked){ .candidate = c };
    }
    allocate_sort(out, count, allocate_id_before);
    allocate_arrange(o, out, count, 0);
    return count;
}

static int allocate_refuse(struct buf *why, size_t needed, size_t wanted, size_t available)
{
    if (why != NULL)
        buf_printf(why,
                   "not enough peers to allocate CID. Needed at least: %zu. Wanted at most: %zu. "
                   "Available candidates: %zu. See logs for more info.",
                   needed, wanted, available);
    return ERR_NOT_ENOUGH_PEERS;
}

/* Up to the minimum with holders that are down, leave or are no members: in the pin's order. */
static void allocate_keep_places(const struct allocate_request *r, struct allocate_choice *choice)
{
    for (size_t i = 0; i < r->current_count && choice->count < (size_t)r->replication_min; i++) {
        if (!allocate_has(choice->ids, choice->count, &r->current[i]))
            choice->ids[choice->count++] = r->current[i];
    }
}

/* Adds to the holders that stay: at least up to the minimum, else it is an error. */
static int allocate_add(const struct allocate_request *r, struct arena *arena,
                        struct allocate_choice *choice, struct buf *why)
{
    struct allocate_ranked *ranked = arena_array(arena, r->candidates_count + 1, sizeof(*ranked));
    struct allocate_order order = { .levels = r->metrics_count };
    order.spare = arena_array(arena, r->candidates_count + 1, sizeof(*order.spare));
    if (ranked == NULL || order.spare == NULL)
        return ERR_NOMEM;
    size_t needed = (size_t)r->replication_min - choice->count;
    size_t wanted = (size_t)r->replication_max - choice->count;
    size_t available = allocate_rank_eligible(r, &order, choice, true, ranked);
    available += allocate_rank_eligible(r, &order, choice, false, ranked + available);
    for (size_t i = 0; r->ranks != NULL && i < available; i++)
        r->ranks[ranked[i].candidate - r->candidates] = (uint16_t)(i + 1);
    if (available < needed && (!r->may_fall_short || available == 0))
        return allocate_refuse(why, needed, wanted, available);
    for (size_t i = 0; i < available && i < wanted; i++)
        choice->ids[choice->count++] = ranked[i].candidate->id;
    if (available < needed)
        allocate_keep_places(r, choice);
    return OK;
}

static bool allocate_differs(const struct allocate_request *r, const struct allocate_choice *choice)
{
    if (choice->count != r->current_count)
        return true;
    for (size_t i = 0; i < choice->count; i++) {
        if (!peer_id_equal(&choice->ids[i], &r->current[i]))
            return true;
    }
    return false;
}

int allocate(const struct allocate_request *r, struct arena *arena, struct allocate_result *out,
             struct buf *why)
{
    ASSERT(r->replication_min != 0 && r->replication_max >= r->replication_min);
    ASSERT(r->candidates_count <= LIMIT_MEMBERS_COUNT);
    ASSERT(r->metrics_count <= LIMIT_ALLOCATE_BY_COUNT);
    struct allocate_choice choice = { 0 };
    choice.ids =
        arena_array(arena, r->candidates_count + r->current_count + 1, sizeof(*choice.ids));
    if (choice.ids == NULL)
        return ERR_NOMEM;
    if (r->ranks != NULL)
        memset(r->ranks, 0, r->candidates_count * sizeof(*r->ranks));
    allocate_keep(r, &choice, SIZE_MAX, 0);
    size_t living = choice.count;
    size_t max = (size_t)r->replication_max;

    if (r->replication_max < 0) { /* everywhere: said by an empty list (K12) */
        choice.count = 0;
    } else if (living > max) {
        allocate_keep(r, &choice, max, 0);
    } else if (living >= (size_t)r->replication_min) {
        /* Nothing moves. Who is down may come back, and keeps its place while there is one. */
        allocate_keep(r, &choice, living, max - living);
    } else {
        int err = allocate_add(r, arena, &choice, why);
        if (err != OK)
            return err;
    }
    *out = (struct allocate_result){ .allocations = choice.count > 0 ? choice.ids : NULL,
                                     .allocations_count = choice.count,
                                     .living_count = living,
                                     .is_changed = allocate_differs(r, &choice) };
    return OK;
}
