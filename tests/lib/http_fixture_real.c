/* http_fixture_real.c -- libcurl against our own server, over loopback, on one loop. */
#include "http/wire/conn.h"
#include "os/os_clock.h"
#include "os/os_http.h"
#include "os/os_http_client.h"
#include "tests/lib/http_fixture.h"
#include "util/err.h"
#include "util/mem.h"

enum { TICK_US = 1000, WINDOW_BYTES = 64 * 1024 };

struct real {
    struct http_fixture *fx;
    struct os_loop loop;
    struct os_timer tick; /* a turn ends even when nothing happens */
    struct os_http *server;
    struct os_http_client *client;
};

static void real_on_tick(void *owner)
{
    struct real *r = owner;
    os_timer_set(&r->tick, os_clock_mono_us() + TICK_US);
}

static void real_on_request(void *owner, struct http_exchange *x)
{
    struct real *r = owner;
    r->fx->on_request(r->fx->owner, x);
}

static int real_on_open(void *owner, void (*on_progress)(void *), void *progress_owner,
                        struct http_conn **out)
{
    struct http_conn_options options = { .head_bytes_max = 16 * 1024,
                                         .output_high_bytes = WINDOW_BYTES,
                                         .output_low_bytes = WINDOW_BYTES / 4 };
    struct http_conn_hooks hooks = { real_on_request, owner, on_progress, progress_owner };
    return http_conn_create(out, &options, &hooks);
}

static void real_create(struct http_fixture *fx)
{
    struct real *r = mem_zalloc(sizeof *r);
    ASSERT(r != NULL && os_loop_init(&r->loop) == OK);
    r->fx = fx;
    os_timer_init(&r->tick, &r->loop, real_on_tick, r);
    real_on_tick(r);
    struct os_http_options server_options = os_http_options_default();
    server_options.sweep_us = 5000;
    struct os_http_hooks hooks = { real_on_open, r };
    ASSERT(os_http_create(&r->server, &r->loop, &server_options, &hooks, NULL) == OK);
    struct multiaddr addr;
    ASSERT(multiaddr_parse(&addr, "/ip4/127.0.0.1/tcp/0") == OK);
    ASSERT(os_http_listen(r->server, &addr, &addr, NULL) == OK);
    struct os_http_client_options client_options = os_http_client_options_default();
    client_options.calls_max = HTTP_FIXTURE_CALLS_MAX;
    client_options.upload_bytes = WINDOW_BYTES;
    ASSERT(os_http_client_create(&r->client, &r->loop, &addr, &client_options, NULL) == OK);
    fx->client = os_http_client_port(r->client);
    fx->impl = r;
}

static void real_destroy(struct http_fixture *fx)
{
    struct real *r = fx->impl;
    os_http_client_destroy(r->client);
    os_http_destroy(r->server);
    os_timer_stop(&r->tick);
    os_loop_deinit(&r->loop);
    mem_free(r);
}

static void real_turn(struct http_fixture *fx)
{
    struct real *r = fx->impl;
    os_loop_run_once(&r->loop);
}

static void real_refuse(struct http_fixture *fx)
{
    struct real *r = fx->impl;
    os_http_destroy(r->server);
    r->server = NULL;
}

const struct http_fixture_ops http_fixture_real = { "real", real_create, real_destroy, real_turn,
                                                    real_refuse };
