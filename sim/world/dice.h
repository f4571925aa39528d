/* dice.h -- a peer's own random draws (port/rng.h), answered by the run's choices. */
#ifndef SIM_WORLD_DICE_H
#define SIM_WORLD_DICE_H

#include "port/rng.h"
#include "sim/kernel/sim.h"

struct sim_dice {
    struct sim *sim;
    unsigned who;
};

struct rng sim_dice_port(struct sim_dice *d);

#endif
