#include "tests/lib/transport_world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os_clock.h"
#include "os/os_loop.h"
#include "os/os_transport.h"
#include "util/assert.h"
#include "util/err.h"

enum { PATIENCE_US = 20 * 1000 * 1000 };

struct os_world {
    struct os_loop loop;
    struct os_timer tick; /* so that a turn of the loop ends, whatever happens */
    struct identity identities[TRANSPORT_WORLD_PEERS];
    struct multiaddr addresses[TRANSPORT_WORLD_PEERS];
    struct os_transport *transports[TRANSPORT_WORLD_PEERS];
};

static const uint8_t secret[32] = "the secret of the test's cluster";

static void os_world_nothing(void *owner)
{
    (void)owner;
}

static struct transport os_world_start(void *impl, unsigned peer)
{
    struct os_world *w = impl;
    struct os_transport_options o;
    struct buf why = { 0 };
    os_transport_options_default(&o);
    o.loop = &w->loop;
    o.identity = &w->identities[peer];
    o.secret = secret;
    o.listen = &w->addresses[peer];
    o.listen_count = 1;
    o.pause_first_us = 1000; /* nobody is helped by waiting here */
    o.pause_max_us = 20 * 1000;
    if (os_transport_create(&w->transports[peer], &o, &why) != OK)
        fatal(buf_text(&why));
    struct transport t = os_transport_port(w->transports[peer]);
    ASSERT(transport_listen_addresses(&t, &w->addresses[peer], 1) == 1);
    buf_deinit(&why);
    return t;
}

static void os_world_stop(void *impl, unsigned peer)
{
    struct os_world *w = impl;
    os_transport_destroy(w->transports[peer]);
    w->transports[peer] = NULL;
}

/* Each peer listens once, to learn a port that is free, and keeps it. */
static void *os_world_create(void)
{
    struct os_world *w = calloc(1, sizeof(*w));
    ASSERT(w != NULL && os_loop_init(&w->loop) == OK);
    os_timer_init(&w->tick, &w->loop, os_world_nothing, NULL);
    for (unsigned i = 0; i < TRANSPORT_WORLD_PEERS; i++) {
        uint8_t seed[IDENTITY_SEED_BYTES];
        memset(seed, (int)(17 * i + 5), sizeof(seed));
        identity_from_seed(&w->identities[i], seed);
        ASSERT(multiaddr_parse(&w->addresses[i], "/ip4/127.0.0.1/tcp/0") == OK);
        os_world_start(w, i);
    }
    for (unsigned i = 0; i < TRANSPORT_WORLD_PEERS; i++)
        os_world_stop(w, i);
    return w;
}

static void os_world_destroy(void *impl)
{
    struct os_world *w = impl;
    for (unsigned i = 0; i < TRANSPORT_WORLD_PEERS; i++)
        os_transport_destroy(w->transports[i]);
    os_timer_stop(&w->tick);
    os_loop_deinit(&w->loop);
    free(w);
}

static struct peer_id os_world_id(void *impl, unsigned peer)
{
    struct os_world *w = impl;
    return w->identities[peer].id;
}

static struct multiaddr os_world_address(void *impl, unsigned peer)
{
    struct os_world *w = impl;
    return w->addresses[peer];
}

static bool os_world_run_until(void *impl, bool (*done)(void *owner), void *owner)
{
    struct os_world *w = impl;
    uint64_t end_us = os_clock_mono_us() + PATIENCE_US;
    while (!done(owner)) {
        uint64_t now_us = os_clock_mono_us();
        if (now_us > end_us)
            return false;
        os_timer_set(&w->tick, now_us + 10 * 1000);
        os_loop_run_once(&w->loop);
    }
    return true;
}

const struct transport_world transport_world_os = {
    "os",          os_world_create, os_world_destroy, os_world_start,
    os_world_stop, os_world_id,     os_world_address, os_world_run_until,
};
