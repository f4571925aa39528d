#include "sim/real/standin_server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "ids/identity.h"
#include "os/os_clock.h"
#include "os/os_http.h"
#include "os/os_log.h"
#include "os/os_loop.h"
#include "os/os_rng.h"
#include "sim/kubo/standin.h"
#include "sim/real/standin_peers.h"
#include "util/err.h"
#include "util/limits.h"

/* How long after a request for refusal open connections live: its own answer must get out. */
#define SERVER_CLOSE_AFTER_US (100u * 1000)

struct server {
    struct os_loop loop;
    struct log log;
    struct os_http *http; /* NULL while connections are refused */
    struct standin *s;
    struct standin_peers *peers;
    int wake_fd; /* the stand-in's timer; those of the loop count milliseconds */
    struct os_watch wake;
    struct os_timer doors; /* to close or to open them */
    struct os_signal term;
    struct os_signal interrupt;
    struct os_signal heal;
    struct multiaddr addr; /* where it really listens */
};

/* ---- the stand-in's hooks ---- */

static uint64_t server_now(void *owner)
{
    (void)owner;
    return os_clock_mono_us();
}

static void server_wake_at(void *owner, uint64_t at_us)
{
    struct server *v = owner;
    struct itimerspec at = { { 0, 0 }, { 0, 0 } }; /* never */
    if (at_us != MONO_NEVER)
        at.it_value =
            (struct timespec){ (time_t)(at_us / 1000000), (long)(at_us % 1000000 * 1000) };
    timerfd_settime(v->wake_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void server_on_wake(void *owner, int ready)
{
    struct server *v = owner;
    uint64_t times;
    (void)ready;
    if (read(v->wake_fd, &times, sizeof times) == sizeof times)
        standin_on_wake(v->s);
}

/* ---- connections ---- */

static void server_on_request(void *owner, struct http_exchange *x)
{
    struct server *v = owner;
    if (standin_peers_on_request(v->peers, x))
        return;
    standin_on_request(v->s, x);
    if (standin_refuses(v->s) && v->http != NULL)
        os_timer_set(&v->doors, os_clock_mono_us() + SERVER_CLOSE_AFTER_US);
}

static int server_on_open(void *owner, void (*on_progress)(void *progress_owner),
                          void *progress_owner, struct http_conn **out)
{
    struct server *v = owner;
    struct http_conn_options options = { .head_bytes_max = LIMIT_HTTP_HEAD_BYTES,
                                         .output_high_bytes = 256 * 1024,
                                         .output_low_bytes = 64 * 1024 };
    struct http_conn_hooks hooks = { server_on_request, v, on_progress, progress_owner };
    if (standin_refuses(v->s))
        return ERR_REFUSED;
    return http_conn_create(out, &options, &hooks);
}

static int server_open_doors(struct server *v, const struct multiaddr *addr)
{
    struct os_http_options options = os_http_options_default();
    struct os_http_hooks hooks = { server_on_open, v };
    struct buf why = { 0 };
    int err = os_http_create(&v->http, &v->loop, &options, &hooks, &v->log);
    if (err == OK)
        err = os_http_listen(v->http, addr, &v->addr, &why);
    if (err != OK)
        fprintf(stderr, "ipfs-cluster-sim: %s\n", why.len > 0 ? buf_text(&why) : err_text(err));
    buf_deinit(&why);
    return err;
}

/* Closes them while connections are refused, and opens them again. */
static void server_on_doors(void *owner)
{
    struct server *v = owner;
    if (!standin_refuses(v->s)) {
        if (v->http == NULL && server_open_doors(v, &v->addr) != OK)
            os_loop_stop(&v->loop);
        return;
    }
    if (v->http != NULL)
        os_http_destroy(v->http);
    v->http = NULL;
    os_timer_set(&v->doors, standin_faults(v->s)->refuse_until_us);
}

/* Nobody could ask it to heal while it refuses connections. */
static void server_on_heal(void *owner)
{
    struct server *v = owner;
    standin_set_faults(v->s, &(struct standin_faults){ 0 });
    os_timer_set(&v->doors, os_clock_mono_us());
}

/* ---- life ---- */

static void server_on_signal(void *owner)
{
    os_loop_stop(&((struct server *)owner)->loop);
}

static void server_draw_identity(struct identity *identity)
{
    uint8_t seed[IDENTITY_SEED_BYTES];
    struct os_rng rng;
    os_rng_init(&rng);
    os_rng_fill(&rng, seed, sizeof seed);
    os_rng_deinit(&rng);
    identity_from_seed(identity, seed);
}

/* The addresses are known only once it listens, and it answers only once it has them: nothing can
 * come in between, because the loop does not run yet. */
static void server_make_standin(struct server *v, const struct standin_server_options *options,
                                struct buf *address)
{
    struct identity identity;
    struct standin_options standin = { .offline = options->offline,
                                       .everything_bytes = options->everything_bytes };
    struct standin_hooks hooks = { server_now, server_wake_at, v };
    struct standin_net net = standin_peers_net(v->peers);
    server_draw_identity(&identity);
    multiaddr_print(&v->addr, address);
    standin.id = identity.id;
    standin.api_address = buf_text(address);
    standin.swarm_address = buf_text(address);
    memcpy(standin.public_key, identity_public_key(&identity), sizeof standin.public_key);
    identity_wipe(&identity);
    v->s = standin_create(&standin, &hooks, &net);
    struct multiaddr full = v->addr;
    int err = multiaddr_with_peer(&full, &standin.id);
    ASSERT(err == OK);
    standin_peers_join(v->peers, v->s, &full);
    printf("listening on %s/p2p/%s\n", buf_text(address), peer_id_print(&standin.id).text);
    fflush(stdout);
}

int standin_server_run(const struct standin_server_options *options)
{
    struct server v = { .log = os_log_stderr(LOG_LEVEL_WARN) };
    struct buf address = { 0 };
    int code = 1;
    if (os_loop_init(&v.loop) != OK) {
        fprintf(stderr, "ipfs-cluster-sim: no event loop\n");
        return 1;
    }
    v.wake_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    os_watch_init(&v.wake, &v.loop, v.wake_fd, server_on_wake, &v);
    os_watch_set(&v.wake, OS_READ);
    os_timer_init(&v.doors, &v.loop, server_on_doors, &v);
    os_signal_init(&v.term, &v.loop, SIGTERM, server_on_signal, &v);
    os_signal_init(&v.interrupt, &v.loop, SIGINT, server_on_signal, &v);
    os_signal_init(&v.heal, &v.loop, SIGUSR1, server_on_heal, &v);
    v.peers = standin_peers_create(&v.loop);
    if (server_open_doors(&v, &options->listen) == OK) {
        server_make_standin(&v, options, &address);
        for (size_t i = 0; i < options->swarm_count; i++)
            standin_peers_keep(v.peers, &options->swarm[i]);
        os_loop_run(&v.loop);
        code = 0;
    }
    os_timer_stop(&v.doors);
    if (v.http != NULL)
        os_http_destroy(v.http);
    if (v.s != NULL)
        standin_destroy(v.s); /* says goodbye through the peers */
    standin_peers_destroy(v.peers);
    os_watch_set(&v.wake, 0);
    close(v.wake_fd);
    os_signal_stop(&v.term);
    os_signal_stop(&v.interrupt);
    os_signal_stop(&v.heal);
    os_loop_deinit(&v.loop);
    buf_deinit(&address);
    return code;
}
