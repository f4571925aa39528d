/* dice.h -- the chance that decides about faults: below(n) gives 0..n-1, and 0 is the harmless outcome. */
#ifndef FAULT_DICE_H
#define FAULT_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct fault_dice {
    uint64_t (*below)(void *impl, uint64_t n);
    void *impl;
};

static inline bool fault_strikes(const struct fault_dice *d, uint64_t per_million)
{
    return per_million > 0 && d->below(d->impl, 1000000) >= 1000000 - per_million;
}

#endif
