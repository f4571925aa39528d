#include "sim/world/dice.h"

static enum choice_kind sim_dice_kind(enum rng_purpose why)
{
    switch (why) {
    case RNG_ELECTION:
        return CHOICE_ELECTION;
    case RNG_IDENTITY:
        return CHOICE_IDENTITY;
    case RNG_BACKOFF:
        return CHOICE_BACKOFF;
    case RNG_ALLOCATION:
        return CHOICE_ALLOCATION;
    case RNG_PURPOSE_COUNT:
        break;
    }
    ASSERT(!"a purpose");
    return CHOICE_KINDS_COUNT;
}

static uint64_t sim_dice_below(void *impl, enum rng_purpose why, uint64_t n)
{
    struct sim_dice *d = impl;
    return choose(&d->sim->choose, sim_dice_kind(why), d->who, n);
}

struct rng sim_dice_port(struct sim_dice *d)
{
    static const struct rng_ops ops = { sim_dice_below };
    return (struct rng){ &ops, d };
}
