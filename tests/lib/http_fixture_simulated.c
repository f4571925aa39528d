/* http_fixture_simulated.c -- the simulator's way to the IPFS daemon. */
#include "sim/world/http_client.h"
#include "tests/lib/http_fixture.h"
#include "util/mem.h"

enum { WINDOW_BYTES = 64 * 1024, TURN_US = 1000 };

struct simulated {
    struct http_fixture *fx;
    struct sim sim;
    struct sim_http http;
    bool refuses;
};

static bool simulated_accepts(void *owner)
{
    struct simulated *s = owner;
    return !s->refuses;
}

static void simulated_on_request(void *owner, struct http_exchange *x)
{
    struct simulated *s = owner;
    s->fx->on_request(s->fx->owner, x);
}

static void simulated_create(struct http_fixture *fx)
{
    struct simulated *s = mem_zalloc(sizeof *s);
    ASSERT(s != NULL);
    s->fx = fx;
    sim_init(&s->sim, 1, NULL, 0);
    struct sim_http_options options;
    sim_http_options_default(&options);
    options.calls_max = HTTP_FIXTURE_CALLS_MAX;
    options.window_bytes = WINDOW_BYTES;
    struct sim_http_server server = { simulated_accepts, simulated_on_request, s };
    sim_http_init(&s->http, &s->sim, 1, &options, &server);
    fx->client = sim_http_port(&s->http);
    fx->impl = s;
}

static void simulated_destroy(struct http_fixture *fx)
{
    struct simulated *s = fx->impl;
    sim_http_deinit(&s->http);
    sim_deinit(&s->sim);
    mem_free(s);
}

static void simulated_turn(struct http_fixture *fx)
{
    struct simulated *s = fx->impl;
    sim_run(&s->sim, s->sim.now_us + TURN_US);
}

static void simulated_refuse(struct http_fixture *fx)
{
    struct simulated *s = fx->impl;
    s->refuses = true;
}

const struct http_fixture_ops http_fixture_simulated = { "simulated", simulated_create,
                                                         simulated_destroy, simulated_turn,
                                                         simulated_refuse };
