#include "fault/plan.h"

#include <string.h>

#include "util/assert.h"

#define MS ((uint64_t)1000)
#define S  ((uint64_t)1000000)

const char *fault_class_name(enum fault_class class)
{
    static const char *const names[] = {
#define X(name, text) [name] = text,
        FAULT_CLASSES(X)
#undef X
    };
    ASSERT(class < FAULT_CLASSES_COUNT);
    return names[class];
}

bool fault_class_find(struct bytes name, enum fault_class *out)
{
    for (unsigned class = 0; class < FAULT_CLASSES_COUNT; class ++) {
        const char *known = fault_class_name((enum fault_class) class);
        if (name.len == strlen(known) && memcmp(name.data, known, name.len) == 0) {
            *out = (enum fault_class) class;
            return true;
        }
    }
    return false;
}

void fault_plan_none(struct fault_plan *p)
{
    memset(p, 0, sizeof(*p));
}

/* low..high, each doubling as likely as the next: a rare fault is as worth trying as a frequent one. */
static uint64_t fault_scale(const struct fault_dice *d, uint64_t low, uint64_t high)
{
    unsigned doublings = 0;
    while (high >> (doublings + 1) >= low)
        doublings += 1;
    uint64_t from = low << d->below(d->impl, doublings + 1);
    uint64_t to = from > high / 2 ? high : 2 * from;
    return from + d->below(d->impl, to - from + 1);
}

/* The strength is drawn whether or not the class is on: a run and the same run without one class differ in
 * nothing else. */
static uint64_t fault_strength(struct fault_plan *p, const struct fault_dice *d,
                               enum fault_class class, uint64_t low, uint64_t high)
{
    uint64_t strength = fault_scale(d, low, high);
    return p->has[class] ? strength : 0;
}

static void fault_rhythm_draw(struct fault_plan *p, const struct fault_dice *d,
                              enum fault_class class, uint64_t gap_us, uint64_t lasts_us)
{
    struct fault_rhythm *r = &p->rhythms[class];
    uint64_t gap_min_us = fault_scale(d, 500 * MS, gap_us);
    uint64_t lasts_max_us = fault_scale(d, 100 * MS, lasts_us);
    if (!p->has[class])
        return;
    *r = (struct fault_rhythm){ .gap_min_us = gap_min_us,
                                .gap_max_us = 4 * gap_min_us,
                                .lasts_min_us = 10 * MS,
                                .lasts_max_us = lasts_max_us };
}

static void fault_network_draw(struct fault_plan *p, const struct fault_dice *d)
{
    p->loss_per_million = fault_strength(p, d, FAULT_LOSS, 500, 100000);
    p->copies_per_million = fault_strength(p, d, FAULT_COPIES, 500, 100000);
    p->refusals_per_million = fault_strength(p, d, FAULT_REFUSALS, 100, 20000);
    p->delay_us = fault_strength(p, d, FAULT_DELAY, 1 * MS, 100 * MS);
    p->jitter_us = fault_strength(p, d, FAULT_DELAY, 1 * MS, 200 * MS);
    p->late_per_million = fault_strength(p, d, FAULT_LATE, 100, 20000);
    p->late_us = fault_strength(p, d, FAULT_LATE, 500 * MS, 20 * S);
    p->reorder_per_million = fault_strength(p, d, FAULT_REORDER, 500, 200000);
    p->breaks_per_million = fault_strength(p, d, FAULT_BREAKS, 20, 5000);
    fault_rhythm_draw(p, d, FAULT_CUTS, 20 * S, 30 * S);
    fault_rhythm_draw(p, d, FAULT_ONE_WAY, 20 * S, 30 * S);
}

static void fault_machines_draw(struct fault_plan *p, const struct fault_dice *d)
{
    fault_rhythm_draw(p, d, FAULT_CRASHES, 20 * S, 20 * S);
    fault_rhythm_draw(p, d, FAULT_STOPS, 20 * S, 20 * S);
    fault_rhythm_draw(p, d, FAULT_PAUSES, 20 * S, 25 * S);
    fault_rhythm_draw(p, d, FAULT_SLOW_DISKS, 20 * S, 20 * S);
    fault_rhythm_draw(p, d, FAULT_HUNG_DISKS, 30 * S, 4 * S);
    fault_rhythm_draw(p, d, FAULT_FULL_DISKS, 30 * S, 10 * S);
    fault_rhythm_draw(p, d, FAULT_FAILING_DISKS, 40 * S, 10 * S);
    fault_rhythm_draw(p, d, FAULT_WALL_JUMPS, 30 * S, 1 * S);
    p->drift_max_ppm = (int64_t)fault_strength(p, d, FAULT_DRIFT, 10, 5000);
    p->wall_jump_max_us = fault_strength(p, d, FAULT_WALL_JUMPS, 1 * S, 48 * 3600 * S);
}

static void fault_ipfs_draw(struct fault_plan *p, const struct fault_dice *d)
{
    p->slow_ipfs_us = fault_strength(p, d, FAULT_SLOW_IPFS, 10 * MS, 60 * S);
    fault_rhythm_draw(p, d, FAULT_SLOW_IPFS, 20 * S, 60 * S);
    fault_rhythm_draw(p, d, FAULT_HANGING_IPFS, 30 * S, 60 * S);
    fault_rhythm_draw(p, d, FAULT_ERRING_IPFS, 20 * S, 30 * S);
    fault_rhythm_draw(p, d, FAULT_DEAD_IPFS, 30 * S, 60 * S);
    fault_rhythm_draw(p, d, FAULT_LOST_PINS, 30 * S, 1 * S);
    p->http_breaks_per_million = fault_strength(p, d, FAULT_HTTP, 500, 50000);
    p->http_refusals_per_million = fault_strength(p, d, FAULT_HTTP, 500, 50000);
}

/* Behind all the others, so that what they draw stays as it is. */
static void fault_damage_draw(struct fault_plan *p, const struct fault_dice *d,
                              unsigned machines_count)
{
    p->mangled_per_million = fault_strength(p, d, FAULT_MANGLED, 50, 10000);
    fault_rhythm_draw(p, d, FAULT_ROT, 20 * S, 1 * S);
    fault_rhythm_draw(p, d, FAULT_LOST_DISKS, 40 * S, 20 * S);
    fault_rhythm_draw(p, d, FAULT_MEMORY, 30 * S, 1 * S);
    p->weak = 1 + (unsigned)d->below(d->impl, machines_count);
    p->liar = 1 + (unsigned)d->below(d->impl, machines_count);
}

static void fault_later_draw(struct fault_plan *p, const struct fault_dice *d)
{
    fault_rhythm_draw(p, d, FAULT_JOINS, 20 * S, 1 * S);
    fault_rhythm_draw(p, d, FAULT_REMOVALS, 20 * S, 20 * S);
    fault_rhythm_draw(p, d, FAULT_DRAINS, 20 * S, 20 * S);
    fault_rhythm_draw(p, d, FAULT_RINGS, 20 * S, 20 * S);
    fault_rhythm_draw(p, d, FAULT_BRIDGES, 20 * S, 20 * S);
    fault_rhythm_draw(p, d, FAULT_PICKY_IPFS, 20 * S, 30 * S);
    fault_rhythm_draw(p, d, FAULT_LYING_IPFS, 20 * S, 30 * S);
    fault_rhythm_draw(p, d, FAULT_COLLECTS, 20 * S, 1 * S);
}

void fault_plan_draw(struct fault_plan *p, const struct fault_dice *dice,
                     const struct fault_dice *later, unsigned machines_count)
{
    fault_plan_none(p);
    for (unsigned class = 0; class < FAULT_CLOGS; class ++) {
        const struct fault_dice *d = class < FAULT_JOINS ? dice : later;
        p->has[class] = d->below(d->impl, 2) == 1;
    }
    fault_network_draw(p, dice);
    fault_machines_draw(p, dice);
    fault_ipfs_draw(p, dice);
    fault_damage_draw(p, dice, machines_count);
    fault_later_draw(p, later);
    for (unsigned class = FAULT_CLOGS; class < FAULT_CLASSES_COUNT; class ++)
        p->has[class] = later->below(later->impl, 2) == 1;
    fault_rhythm_draw(p, later, FAULT_CLOGS, 20 * S, 60 * S);
}

void fault_plan_spare(struct fault_plan *p, uint64_t classes)
{
    struct fault_plan none;
    fault_plan_none(&none);
    for (unsigned class = 0; class < FAULT_CLASSES_COUNT; class ++) {
        if ((classes >> class & 1) == 0)
            continue;
        p->has[class] = false;
        p->rhythms[class] = none.rhythms[class];
        switch ((enum fault_class) class) {
        case FAULT_LOSS:
            p->loss_per_million = 0;
            break;
        case FAULT_COPIES:
            p->copies_per_million = 0;
            break;
        case FAULT_REFUSALS:
            p->refusals_per_million = 0;
            break;
        case FAULT_LATE:
            p->late_per_million = 0;
            break;
        case FAULT_REORDER:
            p->reorder_per_million = 0;
            break;
        case FAULT_BREAKS:
            p->breaks_per_million = 0;
            break;
        case FAULT_MANGLED:
            p->mangled_per_million = 0;
            break;
        case FAULT_HTTP:
            p->http_breaks_per_million = p->http_refusals_per_million = 0;
            break;
        case FAULT_DRIFT:
            p->drift_max_ppm = 0;
            break;
        default: /* has[] and the rhythm are all there is */
            break;
        }
    }
}

static void fault_print_rhythm(const struct fault_rhythm *r, struct buf *out)
{
    buf_printf(out, " every %llu..%llums for up to %llums",
               (unsigned long long)(r->gap_min_us / MS), (unsigned long long)(r->gap_max_us / MS),
               (unsigned long long)(r->lasts_max_us / MS));
}

void fault_plan_print(const struct fault_plan *p, struct buf *out)
{
    const char *comma = "";
    for (unsigned class = 0; class < FAULT_CLASSES_COUNT; class ++) {
        if (!p->has[class])
            continue;
        buf_printf(out, "%s%s", comma, fault_class_name(class));
        if (p->rhythms[class].gap_min_us > 0)
            fault_print_rhythm(&p->rhythms[class], out);
        comma = ", ";
    }
    if (comma[0] == '\0')
        buf_append_text(out, "none");
}
