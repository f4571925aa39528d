#include "tests/lib/transport_world.h"

#include <stdlib.h>

#include "sim/world/net.h"
#include "util/assert.h"

enum { PATIENCE_US = 60 * 1000 * 1000 }; /* of virtual time */

struct sim_world {
    struct sim sim;
    struct net *net;
    struct peer_id ids[TRANSPORT_WORLD_PEERS];
};

/* The net's machines count from 1. */
static unsigned sim_world_who(unsigned peer)
{
    return peer + 1;
}

static struct transport sim_world_start(void *impl, unsigned peer)
{
    struct sim_world *w = impl;
    return net_attach(w->net, sim_world_who(peer));
}

static void sim_world_stop(void *impl, unsigned peer)
{
    struct sim_world *w = impl;
    net_detach(w->net, sim_world_who(peer), false);
}

/* A world that behaves: delays, but nothing breaks by itself and nothing overtakes. */
static void *sim_world_create(void)
{
    struct sim_world *w = calloc(1, sizeof(*w));
    struct net_options o;
    ASSERT(w != NULL);
    sim_init(&w->sim, 1, NULL, 0);
    net_options_default(&o);
    o.break_per_million = 0;
    o.reorder_per_million = 0;
    w->net = net_create(&w->sim, TRANSPORT_WORLD_PEERS, &o);
    ASSERT(w->net != NULL);
    for (unsigned i = 0; i < TRANSPORT_WORLD_PEERS; i++) {
        uint8_t key[32] = { (uint8_t)(i + 1) };
        w->ids[i] = peer_id_of_public_key(key);
        net_name(w->net, sim_world_who(i), &w->ids[i]);
    }
    return w;
}

static void sim_world_destroy(void *impl)
{
    struct sim_world *w = impl;
    net_destroy(w->net);
    sim_deinit(&w->sim);
    free(w);
}

static struct peer_id sim_world_id(void *impl, unsigned peer)
{
    struct sim_world *w = impl;
    return w->ids[peer];
}

static struct multiaddr sim_world_address(void *impl, unsigned peer)
{
    (void)impl;
    return net_address(sim_world_who(peer));
}

static bool sim_world_run_until(void *impl, bool (*done)(void *owner), void *owner)
{
    struct sim_world *w = impl;
    uint64_t until_us = w->sim.now_us + PATIENCE_US;
    while (!done(owner))
        if (!sim_step(&w->sim, until_us))
            return done(owner);
    return true;
}

const struct transport_world transport_world_simulated = {
    "simulated",    sim_world_create, sim_world_destroy, sim_world_start,
    sim_world_stop, sim_world_id,     sim_world_address, sim_world_run_until,
};
