/* What os_transport does beyond the port's contract (tests/contract/transport_test.c): strangers, dead
 * links, damaged frames, names. The other side is a second transport, or a bare os_conn ("hand") that
 * says what no transport would say. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/os_clock.h"
#include "os/os_transport.h"
#include "os/os_transport_int.h"
#include "util/err.h"

TestSuite(os_transport, .timeout = 60);

struct station {
    struct os_loop *loop;
    struct identity identity;
    struct os_transport_options options;
    struct multiaddr listen;
    struct os_transport *transport;
    struct transport port;
    int ups, downs, frames;
    struct buf got; /* all frames, one behind the other */
    struct log log;
    char last_line[300];
    int lines;
};

static const uint8_t secret[32] = "the secret of the test's cluster";

static void station_on_frame(void *owner, const struct peer_id *from, enum stream stream,
                             const void *bytes, size_t len)
{
    struct station *s = owner;
    (void)from;
    (void)stream;
    s->frames++;
    buf_append(&s->got, bytes, len);
}

static void station_on_link(void *owner, const struct peer_id *peer, bool up)
{
    struct station *s = owner;
    (void)peer;
    if (up)
        s->ups++;
    else
        s->downs++;
}

static void station_on_line(void *impl, const struct log_line *line)
{
    struct station *s = impl;
    snprintf(s->last_line, sizeof(s->last_line), "%s", line->text);
    s->lines++;
}

/* Options may be changed between the two. */
static void station_init(struct station *s, struct os_loop *loop, int who)
{
    uint8_t seed[IDENTITY_SEED_BYTES];
    memset(s, 0, sizeof(*s));
    memset(seed, who, sizeof(seed));
    identity_from_seed(&s->identity, seed);
    s->loop = loop;
    s->log = (struct log){ station_on_line, s, LOG_LEVEL_WARN };
    cr_assert_eq(multiaddr_parse(&s->listen, "/ip4/127.0.0.1/tcp/0"), OK);
    os_transport_options_default(&s->options);
    s->options.loop = loop;
    s->options.log = &s->log;
    s->options.identity = &s->identity;
    s->options.secret = secret;
    s->options.listen = &s->listen;
    s->options.listen_count = 1;
    s->options.pause_first_us = 1000;
    s->options.pause_max_us = 10 * 1000;
}

static void station_start(struct station *s)
{
    struct transport_hooks hooks = { station_on_frame, station_on_link, s };
    cr_assert_eq(os_transport_create(&s->transport, &s->options, NULL), OK);
    s->port = os_transport_port(s->transport);
    transport_set_hooks(&s->port, &hooks);
    cr_assert_eq(transport_listen_addresses(&s->port, &s->listen, 1), 1);
}

static void station_deinit(struct station *s)
{
    os_transport_destroy(s->transport);
    buf_deinit(&s->got);
}

static void station_know(struct station *s, const struct station *other)
{
    cr_assert_eq(transport_set_addresses(&s->port, &other->identity.id, &other->listen, 1), OK);
}

static void nothing(void *owner)
{
    (void)owner;
}

/* A turn of the loop, which ends also when nothing happens. */
static void turn(struct os_loop *loop)
{
    struct os_timer tick;
    os_timer_init(&tick, loop, nothing, NULL);
    os_timer_set(&tick, os_clock_mono_us() + 2000);
    os_loop_run_once(loop);
    os_timer_stop(&tick);
}

#define RUN_UNTIL(loop, condition)                                                                 \
    do {                                                                                           \
        while (!(condition))                                                                       \
            turn(loop); /* the suite's timeout ends it */                                          \
    } while (0)

/* ---- strangers ---- */

static void strangers_are_refused(const uint8_t *their_secret)
{
    struct os_loop loop;
    struct station a, b;
    cr_assert_eq(os_loop_init(&loop), OK);
    station_init(&a, &loop, 1);
    station_init(&b, &loop, 2);
    b.options.secret = their_secret;
    station_start(&a);
    station_start(&b);
    station_know(&b, &a);
    transport_connect(&b.port, &a.identity.id);
    RUN_UNTIL(&loop, a.lines > 0 && b.lines > 0);
    cr_assert_not_null(strstr(a.last_line, "refused a connection from=127.0.0.1:"), "%s",
                       a.last_line);
    cr_assert_not_null(strstr(a.last_line, "another cluster secret"), "%s", a.last_line);
    cr_assert_not_null(strstr(b.last_line, "cannot reach peer=12D3KooW"), "%s", b.last_line);
    RUN_UNTIL(&loop, a.transport->refusals_count >= 3);
    cr_assert_eq(a.lines, 1); /* it tries on, and that is not said again and again */
    cr_assert_eq(b.lines, 1);
    cr_assert_eq(a.ups + b.ups, 0);
    station_deinit(&b);
    station_deinit(&a);
    os_loop_deinit(&loop);
}

Test(os_transport, another_secret_gets_nothing)
{
    static const uint8_t other[32] = "the secret of another cluster...";
    strangers_are_refused(other);
}

Test(os_transport, no_secret_gets_nothing)
{
    strangers_are_refused(NULL);
}

Test(os_transport, another_peer_at_the_address_is_not_talked_to)
{
    struct os_loop loop;
    struct station a, b, c;
    cr_assert_eq(os_loop_init(&loop), OK);
    station_init(&a, &loop, 1);
    station_init(&b, &loop, 2);
    station_init(&c, &loop, 3); /* never started */
    station_start(&a);
    station_start(&b);
    cr_assert_eq(transport_set_addresses(&b.port, &c.identity.id, &a.listen, 1), OK);
    cr_assert_eq(transport_send(&b.port, &c.identity.id, STREAM_CALLS, "secret", 6), OK);
    RUN_UNTIL(&loop, b.lines > 0);
    cr_assert_not_null(strstr(b.last_line, "another peer answers"), "%s", b.last_line);
    cr_assert_eq(a.ups + b.ups + a.frames, 0);
    station_deinit(&b);
    station_deinit(&a);
    os_loop_deinit(&loop);
}

static int connect_raw(const struct multiaddr *to)
{
    struct multiaddr_endpoint endpoint;
    struct os_address address;
    cr_assert_eq(multiaddr_endpoint(to, &endpoint), OK);
    cr_assert_eq(os_address_of_endpoint(&address, &endpoint), OK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address.storage, address.len), 0);
    return fd;
}

/* Those that say nothing hold places, and the oldest of them gives its place to whoever comes. */
Test(os_transport, silent_connections_make_room_and_time_out)
{
    struct os_loop loop;
    struct station a, b;
    int fds[20];
    cr_assert_eq(os_loop_init(&loop), OK);
    station_init(&a, &loop, 1);
    station_init(&b, &loop, 2);
    a.options.unproven_max = 4;
    station_start(&a);
    station_start(&b);
    for (int i = 0; i < 20; i++)
        fds[i] = connect_raw(&a.listen);
    RUN_UNTIL(&loop, a.transport->refusals_count >= 15);
    cr_assert_eq(a.transport->links_count, 4);
    station_know(&b, &a);
    transport_connect(&b.port, &a.identity.id);
    RUN_UNTIL(&loop, a.ups == 1 && b.ups == 1);
    for (int i = 0; i < 20; i++)
        close(fds[i]);
    station_deinit(&b);
    station_deinit(&a);

    station_init(&a, &loop, 1);
    a.options.handshake_timeout_us = 20 * 1000;
    station_start(&a);
    int fd = connect_raw(&a.listen);
    RUN_UNTIL(&loop, a.lines > 0);
    cr_assert_not_null(strstr(a.last_line, "takes too long"), "%s", a.last_line);
    close(fd);
    station_deinit(&a);
    os_loop_deinit(&loop);
}

Test(os_transport, too_many_connections_are_refused)
{
    struct os_loop loop;
    struct station a, b, c;
    cr_assert_eq(os_loop_init(&loop), OK);
    station_init(&a, &loop, 1);
    station_init(&b, &loop, 2);
    station_init(&c, &loop, 3);
    a.options.connections_max = 1;
    station_start(&a);
    station_start(&b);
    station_start(&c);
    station_know(&b, &a);
    transport_connect(&b.port, &a.identity.id);
    RUN_UNTIL(&loop, a.ups == 1 && b.ups == 1);
    station_know(&c, &a);
    transport_connect(&c.port, &a.identity.id);
    RUN_UNTIL(&loop, a.lines > 0);
    cr_assert_not_null(strstr(a.last_line, "too many connections"), "%s", a.last_line);
    cr_assert_eq(b.downs, 0);
    station_deinit(&c);
    station_deinit(&b);
    station_deinit(&a);
    os_loop_deinit(&loop);
}

/* ---- which of two ---- */

Test(os_transport, of_two_connections_both_keep_the_one_that_the_smaller_id_dialled)
{
    for (int round = 0; round < 10; round++) {
        struct os_loop loop;
        struct station a, b;
        cr_assert_eq(os_loop_init(&loop), OK);
        station_init(&a, &loop, 1 + round);
        station_init(&b, &loop, 101 + round);
        station_start(&a);
        station_start(&b);
        station_know(&a, &b);
        station_know(&b, &a);
        transport_connect(&a.port, &b.identity.id);
        transport_connect(&b.port, &a.identity.id);
        /* Six links there are for a while: two dialled ones with two ends each are the least. */
        RUN_UNTIL(&loop, a.ups == 1 && b.ups == 1 && a.transport->links_count == 1 &&
                             b.transport->links_count == 1);
        bool a_is_smaller = peer_id_compare(&a.identity.id, &b.identity.id) < 0;
        struct os_peer *b_of_a = os_peer_find(a.transport, &b.identity.id);
        struct os_peer *a_of_b = os_peer_find(b.transport, &a.identity.id);
        cr_assert_eq(b_of_a->up->is_inbound, !a_is_smaller);
        cr_assert_eq(a_of_b->up->is_inbound, a_is_smaller);
        cr_assert_not(b_of_a->up->is_retired || a_of_b->up->is_retired);
        cr_assert_eq(a.downs + b.downs, 0);
        station_deinit(&b);
        station_deinit(&a);
        os_loop_deinit(&loop);
    }
}

/* ---- dead links, old frames, names ---- */

Test(os_transport, a_peer_that_falls_silent_is_lost)
{
    struct os_loop loop, other_loop;
    struct station a, b;
    cr_assert_eq(os_loop_init(&loop), OK);
    cr_assert_eq(os_loop_init(&other_loop), OK);
    station_init(&a, &loop, 1);
    station_init(&b, &other_loop, 2);
    a.options.ping_us = 10 * 1000;
    a.options.silence_us = 500 * 1000;
    station_start(&a);
    station_start(&b);
    station_know(&a, &b);
    transport_connect(&a.port, &b.identity.id);
    while (a.ups == 0 || b.ups == 0) {
        turn(&loop);
        turn(&other_loop);
    }
    uint64_t until_us = os_clock_mono_us() + 2 * a.options.silence_us;
    while (os_clock_mono_us() < until_us) { /* pinged and answered, it stays */
        turn(&loop);
        turn(&other_loop);
    }
    cr_assert_eq(a.downs, 0);
    RUN_UNTIL(&loop, a.downs == 1); /* the other loop stands still: connected, and silent */
    station_deinit(&b);
    station_deinit(&a);
    os_loop_deinit(&other_loop);
    os_loop_deinit(&loop);
}

Test(os_transport, frames_that_waited_too_long_are_dropped)
{
    struct os_loop loop;
    struct station a, b;
    cr_assert_eq(os_loop_init(&loop), OK);
    station_init(&a, &loop, 1);
    station_init(&b, &loop, 2);
    a.options.frame_age_us = 5 * 1000;
    station_start(&b); /* to learn a port */
    os_transport_destroy(b.transport);
    station_start(&a);
    station_know(&a, &b);
    cr_assert_eq(transport_send(&a.port, &b.identity.id, STREAM_CALLS, "old", 3), OK);
    struct os_peer *peer = os_peer_find(a.transport, &b.identity.id);
    RUN_UNTIL(&loop, peer->queues[STREAM_CALLS].bytes == 0);
    RUN_UNTIL(&loop, peer->retry.at_us == MONO_NEVER);    /* and with them the reason to dial */
    a.transport->options.frame_age_us = 60 * 1000 * 1000; /* however slow a handshake is here */
    station_start(&b);
    cr_assert_eq(transport_send(&a.port, &b.identity.id, STREAM_CALLS, "new", 3), OK);
    RUN_UNTIL(&loop, b.frames == 1);
    cr_assert(bytes_equal(buf_bytes(&b.got), (struct bytes){ "new", 3 }));
    station_deinit(&b);
    station_deinit(&a);
    os_loop_deinit(&loop);
}

Test(os_transport, names_are_dialled_and_bad_addresses_passed_over)
{
    struct os_loop loop;
    struct station a, b;
    struct multiaddr addrs[4];
    struct multiaddr_endpoint endpoint;
    char text[64];
    cr_assert_eq(os_loop_init(&loop), OK);
    station_init(&a, &loop, 1);
    station_init(&b, &loop, 2);
    station_start(&a);
    station_start(&b);
    cr_assert_eq(multiaddr_endpoint(&b.listen, &endpoint), OK);
    snprintf(text, sizeof(text), "/dns4/localhost/tcp/%u", endpoint.port);
    cr_assert_eq(multiaddr_parse(&addrs[0], "/ip4/127.0.0.1/udp/1/quic-v1"), OK);
    cr_assert_eq(multiaddr_parse(&addrs[1], "/ip4/127.0.0.1/tcp/1"), OK);
    cr_assert_eq(multiaddr_parse(&addrs[2], "/dns4/a..b/tcp/1"), OK);
    cr_assert_eq(multiaddr_parse(&addrs[3], text), OK);
    cr_assert_eq(transport_set_addresses(&a.port, &b.identity.id, addrs, 4), OK);
    transport_connect(&a.port, &b.identity.id);
    RUN_UNTIL(&loop, a.ups == 1 && b.ups == 1);
    cr_assert_eq(a.lines, 0); /* it was reached: nothing to say */
    station_deinit(&b);
    station_deinit(&a);
    os_loop_deinit(&loop);
}

Test(os_transport, what_it_announces)
{
    struct os_loop loop;
    struct station a;
    struct multiaddr said[3], got[4], taken;
    cr_assert_eq(os_loop_init(&loop), OK);
    station_init(&a, &loop, 1);
    cr_assert_eq(multiaddr_parse(&a.listen, "/ip4/0.0.0.0/tcp/0"), OK);
    station_start(&a);
    cr_assert_not(multiaddr_is_unspecified(&a.listen)); /* the first that it named */
    taken = a.transport->listeners[0].real;
    struct buf why = { 0 };
    struct os_transport *second;
    a.options.listen = &taken;
    cr_assert_eq(os_transport_create(&second, &a.options, &why), ERR_EXISTS);
    cr_assert_not_null(strstr(buf_text(&why), "cannot listen on /ip4/0.0.0.0/tcp/"));
    buf_deinit(&why);
    station_deinit(&a);

    station_init(&a, &loop, 1);
    cr_assert_eq(multiaddr_parse(&said[0], "/dns4/node.example/tcp/9096"), OK);
    cr_assert_eq(multiaddr_parse(&said[1], "/ip4/192.0.2.1/tcp/9096"), OK);
    said[2] = said[0];
    cr_assert_eq(multiaddr_with_peer(&said[2], &a.identity.id), OK);
    a.options.announce = said;
    a.options.announce_count = 3;
    station_start(&a);
    cr_assert_eq(transport_listen_addresses(&a.port, got, 4), 3);
    cr_assert(multiaddr_equal(&got[0], &said[0]));
    cr_assert(multiaddr_equal(&got[1], &said[1]));
    cr_assert(multiaddr_equal(&got[2], &said[0]));
    station_deinit(&a);
    os_loop_deinit(&loop);
}

/* ---- a hand that says what no transport says ---- */

struct hand {
    struct os_conn *conn;
    struct identity identity;
    struct os_rng rng;
    struct session_stream *stream;
    bool accepts, is_up;
    char why[100];
};

static void hand_on_up(void *owner, const struct peer_id *remote)
{
    struct hand *h = owner;
    (void)remote;
    h->is_up = true;
}

static bool hand_on_stream(void *owner, struct session_stream *t, const char *protocol)
{
    struct hand *h = owner;
    (void)t;
    (void)protocol;
    return h->accepts;
}

static void hand_on_look(void *owner, struct session_stream *t)
{
    (void)owner;
    (void)t;
}

static void hand_on_closed(void *owner, int err, const char *why)
{
    struct hand *h = owner;
    (void)err;
    snprintf(h->why, sizeof(h->why), "%s", why);
    h->conn = NULL;
}

static void hand_start(struct hand *h, struct os_loop *loop, const struct station *to)
{
    uint8_t seed[IDENTITY_SEED_BYTES];
    struct multiaddr_endpoint endpoint;
    struct os_address address;
    memset(seed, 0x99, sizeof(seed));
    identity_from_seed(&h->identity, seed);
    os_rng_init(&h->rng);
    struct os_conn_options options = { .loop = loop,
                                       .rng = &h->rng,
                                       .identity = &h->identity,
                                       .secret = secret,
                                       .streams_max = 8,
                                       .write_bytes_max = 64 * 1024,
                                       .handshake_timeout_us = 5000000,
                                       .ping_us = 5000000,
                                       .silence_us = 9000000 };
    struct os_conn_hooks hooks = { hand_on_up, hand_on_stream, hand_on_look,
                                   nothing,    hand_on_closed, h };
    cr_assert_eq(multiaddr_endpoint(&to->listen, &endpoint), OK);
    cr_assert_eq(os_address_of_endpoint(&address, &endpoint), OK);
    cr_assert_eq(os_conn_dial(&h->conn, &options, &hooks, &address), OK);
}

Test(os_transport, a_libp2p_peer_that_speaks_no_holdfast_is_let_go)
{
    struct os_loop loop;
    struct station a;
    struct hand h = { .accepts = false };
    cr_assert_eq(os_loop_init(&loop), OK);
    station_init(&a, &loop, 1);
    station_start(&a);
    hand_start(&h, &loop, &a);
    RUN_UNTIL(&loop, h.conn == NULL);
    RUN_UNTIL(&loop, a.downs == 1);
    cr_assert(list_is_empty(&a.transport->peers)); /* nothing of it is kept */
    station_deinit(&a);
    os_loop_deinit(&loop);
}

static void hand_open(struct hand *h, struct os_loop *loop, struct station *a)
{
    h->accepts = true;
    hand_start(h, loop, a);
    RUN_UNTIL(loop, h->is_up && a->ups == 1);
    cr_assert_eq(session_open(os_conn_session(h->conn), "/holdfast/calls/1", NULL, &h->stream), OK);
}

Test(os_transport, frames_may_be_cut_anywhere)
{
    static const uint8_t frames[] = "\0\0\0\3one\0\0\0\1x\0\0\0\5three";
    for (size_t first = 1; first < sizeof(frames) - 1; first++) {
        struct os_loop loop;
        struct station a;
        struct hand h = { .accepts = true };
        cr_assert_eq(os_loop_init(&loop), OK);
        station_init(&a, &loop, 1);
        station_start(&a);
        hand_open(&h, &loop, &a);
        struct os_peer *peer = os_peer_find(a.transport, &h.identity.id);
        session_stream_write(h.stream, frames, first);
        os_conn_kick(h.conn);
        RUN_UNTIL(&loop, peer->up->in[STREAM_CALLS] != NULL &&
                             a.got.len + peer->up->readers[STREAM_CALLS].partial.len > 0);
        session_stream_write(h.stream, frames + first, sizeof(frames) - 1 - first);
        os_conn_kick(h.conn);
        RUN_UNTIL(&loop, a.frames == 3);
        cr_assert(bytes_equal(buf_bytes(&a.got), (struct bytes){ "onexthree", 9 }), "cut %zu",
                  first);
        os_conn_destroy(h.conn);
        station_deinit(&a);
        os_loop_deinit(&loop);
    }
}

Test(os_transport, frames_of_an_impossible_length_close_the_connection)
{
    static const char *const heads[] = { "\0\0\0\0", "\0\x10\0\1", "\xff\xff\xff\xff" };
    for (int i = 0; i < 3; i++) {
        struct os_loop loop;
        struct station a;
        struct hand h = { .accepts = true };
        cr_assert_eq(os_loop_init(&loop), OK);
        station_init(&a, &loop, 1);
        a.log.level = LOG_LEVEL_INFO;
        station_start(&a);
        hand_open(&h, &loop, &a);
        session_stream_write(h.stream, heads[i], 4);
        os_conn_kick(h.conn);
        RUN_UNTIL(&loop, a.downs == 1);
        cr_assert_not_null(strstr(a.last_line, "impossible length"), "%s", a.last_line);
        RUN_UNTIL(&loop, h.conn == NULL);
        cr_assert_eq(a.frames, 0);
        station_deinit(&a);
        os_loop_deinit(&loop);
    }
}

/* A peer that dials again has lost its old connection, even if we have not noticed. */
Test(os_transport, a_second_connection_of_the_same_side_replaces_the_first)
{
    int smaller_count = 0;
    for (int who = 1; who <= 8; who++) {
        struct os_loop loop;
        struct station a;
        struct hand first = { .accepts = true }, second = { .accepts = true };
        cr_assert_eq(os_loop_init(&loop), OK);
        station_init(&a, &loop, who);
        station_start(&a);
        hand_open(&first, &loop, &a);
        hand_start(&second, &loop, &a);
        RUN_UNTIL(&loop, a.ups == 2 && first.conn == NULL && second.is_up);
        cr_assert_eq(a.downs, 1);
        cr_assert_not_null(second.conn);
        cr_assert_eq(a.transport->links_count, 1);
        smaller_count += peer_id_compare(&a.identity.id, &first.identity.id) < 0;
        os_conn_destroy(second.conn);
        station_deinit(&a);
        os_loop_deinit(&loop);
    }
    cr_assert(smaller_count > 0 && smaller_count < 8); /* whoever has the smaller id */
}

/* The kernel refuses accept() while the process has no descriptors left; the loop must not spin, and
 * must come back to it. */
Test(os_transport, it_survives_a_time_without_file_descriptors)
{
    struct os_loop loop;
    struct station a;
    struct rlimit before, none;
    cr_assert_eq(os_loop_init(&loop), OK);
    station_init(&a, &loop, 1);
    station_start(&a);
    turn(&loop); /* whatever libev opens late */
    int fd = connect_raw(&a.listen);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){ 3, before.rlim_max };
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    RUN_UNTIL(&loop, a.lines > 0);
    cr_assert_not_null(strstr(a.last_line, "cannot accept connections"), "%s", a.last_line);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    RUN_UNTIL(&loop, a.transport->links_count == 1);
    cr_assert_eq(a.lines, 1);
    close(fd);
    station_deinit(&a);
    os_loop_deinit(&loop);
}
