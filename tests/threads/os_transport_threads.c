/* The resolver's threads under a transport: names are dialled, dropped while they are being looked up, and
 * transports are destroyed while threads are at work for them. Under ThreadSanitizer: `make tsan`. */
#include <stdio.h>
#include <string.h>

#include "os/os_transport.h"
#include "util/assert.h"
#include "util/err.h"

enum { ROUNDS = 200 };

static int ups;

static void on_link(void *owner, const struct peer_id *peer, bool up)
{
    struct os_loop *loop = owner;
    (void)peer;
    if (up && ++ups == 2)
        os_loop_stop(loop);
}

static struct os_transport *start(struct os_loop *loop, struct identity *identity, int who)
{
    uint8_t seed[IDENTITY_SEED_BYTES];
    struct os_transport_options o;
    struct os_transport *t;
    struct multiaddr listen;
    memset(seed, who, sizeof(seed));
    identity_from_seed(identity, seed);
    ASSERT(multiaddr_parse(&listen, "/ip4/127.0.0.1/tcp/0") == OK);
    os_transport_options_default(&o);
    o.loop = loop;
    o.identity = identity;
    o.listen = &listen;
    o.listen_count = 1;
    ASSERT(os_transport_create(&t, &o, NULL) == OK);
    struct transport port = os_transport_port(t);
    struct transport_hooks hooks = { .on_link = on_link, .owner = loop };
    transport_set_hooks(&port, &hooks);
    return t;
}

static struct multiaddr name_of(struct os_transport *t)
{
    struct transport port = os_transport_port(t);
    struct multiaddr real, name;
    struct multiaddr_endpoint endpoint;
    char text[64];
    ASSERT(transport_listen_addresses(&port, &real, 1) == 1);
    ASSERT(multiaddr_endpoint(&real, &endpoint) == OK);
    snprintf(text, sizeof(text), "/dns4/localhost/tcp/%u", endpoint.port);
    ASSERT(multiaddr_parse(&name, text) == OK);
    return name;
}

static void round_trip(struct os_loop *loop)
{
    struct identity ours, theirs, nobody;
    struct os_transport *a = start(loop, &ours, 1), *b = start(loop, &theirs, 2);
    struct transport port = os_transport_port(a);
    struct multiaddr name = name_of(b);
    uint8_t seed[IDENTITY_SEED_BYTES] = { 3 };
    for (int i = 0; i < 10; i++) { /* looked up, and no longer wanted */
        seed[0]++;
        identity_from_seed(&nobody, seed);
        ASSERT(transport_set_addresses(&port, &nobody.id, &name, 1) == OK);
        transport_connect(&port, &nobody.id);
        if (i % 2 == 0)
            ASSERT(transport_set_addresses(&port, &nobody.id, NULL, 0) == OK);
    }
    ASSERT(transport_set_addresses(&port, &theirs.id, &name, 1) == OK);
    transport_connect(&port, &theirs.id);
    ups = 0;
    os_loop_run(loop);
    for (int i = 0; i < 10; i++) { /* and these are still being looked up at the end */
        seed[0]++;
        identity_from_seed(&nobody, seed);
        ASSERT(transport_set_addresses(&port, &nobody.id, &name, 1) == OK);
        transport_connect(&port, &nobody.id);
    }
    os_transport_destroy(a);
    os_transport_destroy(b);
}

int main(void)
{
    struct os_loop loop;
    ASSERT(os_loop_init(&loop) == OK);
    for (int i = 0; i < ROUNDS; i++)
        round_trip(&loop);
    os_loop_deinit(&loop);
    printf("ok   os_transport: %d rounds\n", ROUNDS);
    return 0;
}
