/* peer_origins.c -- a pin that names its origins: the daemon is told to connect to them when it is asked to pin, so that it
 * finds blocks that nobody announces (SPEC 7.6).
 *
 * Beside the pin and for its sake only: what becomes of it is logged, and the next attempt at the pin tries again. */
#include "peer_ask.h"
#include "peer_int.h"

#include "ipfs/kubo_request.h"
#include "util/err.h"

enum {
    ORIGINS_OF_A_PIN = 10, /* as V1 */
    ORIGINS_IN_FLIGHT_MAX = 20,
};

static void peer_origin_answered(void *owner, int err, const char *text)
{
    struct peer *p = owner;
    p->origins_in_flight -= 1;
    if (err != OK)
        LOG_DEBUG(p->log, "ipfs", "an origin of a pin was not reached: %s", text);
}

static void peer_connect_origin(struct peer *p, const struct multiaddr *addr)
{
    struct peer_ask *ask = peer_ask_new(p, KUBO_SWARM_CONNECT, NULL, peer_origin_answered, p);
    if (ask == NULL)
        return;
    kubo_request_swarm_connect(&ask->target, addr);
    p->origins_in_flight += peer_ask_start(ask, p->options.ipfs_request_timeout_us) == OK;
}

void peer_connect_origins(void *owner, const struct pin *pin)
{
    struct peer *p = owner;
    for (size_t i = 0; i < pin->origins_count && i < ORIGINS_OF_A_PIN; i++) {
        if (p->origins_in_flight < ORIGINS_IN_FLIGHT_MAX)
            peer_connect_origin(p, &pin->origins[i]);
    }
}
