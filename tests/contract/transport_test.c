/* What port/transport.h promises, held against every implementation of it. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/transport_world.h"
#include "util/err.h"
#include "util/hash.h"

TestSuite(transport, .timeout = 60);

static const struct transport_world *const worlds[] = { &transport_world_os,
                                                        &transport_world_simulated };

enum { WORLDS = sizeof(worlds) / sizeof(worlds[0]), PEERS = TRANSPORT_WORLD_PEERS };

/* A test frame: sender's count (u32), then a run of bytes that depends on it. */
enum { FRAME_LEN_MIN = 4 };

struct got {
    uint32_t next; /* the count that must come next, from this sender on this stream */
    uint32_t frames;
    bool is_out_of_order;
};

struct node {
    struct stage *stage;
    struct transport transport;
    struct got got[PEERS][STREAM_COUNT];
    int link[PEERS]; /* 1 while it is up; "down" may be told again, when it was dialled in vain */
    int ups[PEERS], downs[PEERS];
    int strangers; /* frames or links of an id that is no peer's */
    bool is_damaged;
    bool answers; /* each frame on CALLS, on the spot, with the same bytes */
};

struct stage {
    const struct transport_world *ops;
    void *world;
    struct node nodes[PEERS];
    bool is_calling; /* a call of the port is on the stack: no hook may run */
    bool has_run_inside;
};

static uint8_t frame_bytes[LIMIT_FRAME_BYTES + 1];

static size_t frame_make(uint32_t count, size_t len)
{
    memcpy(frame_bytes, &count, sizeof(count));
    memset(frame_bytes + FRAME_LEN_MIN, (int)(count * 7 + 1), len - FRAME_LEN_MIN);
    return len;
}

static unsigned stage_peer_of(struct stage *s, const struct peer_id *id)
{
    unsigned i = 0;
    for (; i < PEERS; i++) {
        struct peer_id known = s->ops->id(s->world, i);
        if (peer_id_equal(&known, id))
            break;
    }
    return i;
}

static void node_on_frame(void *owner, const struct peer_id *from, enum stream stream,
                          const void *bytes, size_t len)
{
    struct node *n = owner;
    const uint8_t *at = bytes;
    unsigned peer = stage_peer_of(n->stage, from);
    uint32_t count;
    n->stage->has_run_inside = n->stage->has_run_inside || n->stage->is_calling;
    if (peer == PEERS || len < FRAME_LEN_MIN) {
        n->strangers++;
        return;
    }
    memcpy(&count, at, sizeof(count));
    for (size_t i = FRAME_LEN_MIN; i < len; i++)
        n->is_damaged = n->is_damaged || at[i] != (uint8_t)(count * 7 + 1);
    struct got *got = &n->got[peer][stream];
    got->is_out_of_order = got->is_out_of_order || count < got->next;
    got->next = count + 1;
    got->frames++;
    if (n->answers && stream == STREAM_CALLS)
        (void)transport_send(&n->transport, from, STREAM_CALLS, bytes, len);
}

static void node_on_link(void *owner, const struct peer_id *id, bool up)
{
    struct node *n = owner;
    unsigned peer = stage_peer_of(n->stage, id);
    n->stage->has_run_inside = n->stage->has_run_inside || n->stage->is_calling;
    if (peer == PEERS) {
        n->strangers++;
        return;
    }
    n->link[peer] = up;
    (up ? n->ups : n->downs)[peer]++;
}

static void stage_start(struct stage *s, unsigned peer)
{
    struct node *n = &s->nodes[peer];
    struct transport_hooks hooks = { node_on_frame, node_on_link, n };
    bool answers = n->answers;
    memset(n, 0, sizeof(*n));
    n->answers = answers;
    n->stage = s;
    n->transport = s->ops->start(s->world, peer);
    transport_set_hooks(&n->transport, &hooks);
}

static void stage_init(struct stage *s, unsigned world)
{
    memset(s, 0, sizeof(*s));
    s->ops = worlds[world];
    s->world = s->ops->create();
}

static void stage_deinit(struct stage *s)
{
    for (unsigned i = 0; i < PEERS; i++) {
        cr_assert_eq(s->nodes[i].strangers, 0);
        cr_assert_not(s->nodes[i].is_damaged);
    }
    cr_assert_not(s->has_run_inside);
    s->ops->destroy(s->world);
}

static void stage_introduce(struct stage *s, unsigned to, unsigned peer)
{
    struct peer_id id = s->ops->id(s->world, peer);
    struct multiaddr address = s->ops->address(s->world, peer);
    s->is_calling = true;
    cr_assert_eq(transport_set_addresses(&s->nodes[to].transport, &id, &address, 1), OK);
    s->is_calling = false;
}

static void stage_connect(struct stage *s, unsigned from, unsigned to)
{
    struct peer_id id = s->ops->id(s->world, to);
    s->is_calling = true;
    transport_connect(&s->nodes[from].transport, &id);
    s->is_calling = false;
}

static int stage_send(struct stage *s, unsigned from, unsigned to, enum stream stream,
                      uint32_t count, size_t len)
{
    struct peer_id id = s->ops->id(s->world, to);
    frame_make(count, len);
    s->is_calling = true;
    int err = transport_send(&s->nodes[from].transport, &id, stream, frame_bytes, len);
    s->is_calling = false;
    return err;
}

static void stage_run(struct stage *s, bool (*done)(void *owner), void *owner)
{
    cr_assert(s->ops->run_until(s->world, done, owner), "%s: it does not happen", s->ops->name);
}

/* ---- waiting for ... ---- */

struct wanted {
    struct stage *stage;
    unsigned at, from;
    enum stream stream;
    uint32_t frames;
};

static bool wanted_frames(void *owner)
{
    struct wanted *w = owner;
    return w->stage->nodes[w->at].got[w->from][w->stream].frames >= w->frames;
}

static void stage_run_until_frames(struct stage *s, unsigned at, unsigned from, enum stream stream,
                                   uint32_t frames)
{
    struct wanted w = { s, at, from, stream, frames };
    stage_run(s, wanted_frames, &w);
}

static bool wanted_up(void *owner)
{
    struct wanted *w = owner;
    return w->stage->nodes[w->at].link[w->from] == 1 && w->stage->nodes[w->from].link[w->at] == 1;
}

static void stage_run_until_up(struct stage *s, unsigned a, unsigned b)
{
    struct wanted w = { .stage = s, .at = a, .from = b };
    stage_run(s, wanted_up, &w);
}

static bool wanted_down(void *owner)
{
    struct wanted *w = owner;
    return w->stage->nodes[w->at].link[w->from] == 0;
}

static void stage_run_until_down(struct stage *s, unsigned at, unsigned from)
{
    struct wanted w = { .stage = s, .at = at, .from = from };
    stage_run(s, wanted_down, &w);
}

/* ---- the promises ---- */

Test(transport, frames_of_all_sizes_arrive_whole_in_order_with_their_sender)
{
    static const size_t lens[] = { 4, 5, 100, 65535, 65536, 300000, LIMIT_FRAME_BYTES, 4 };
    enum { LENS = sizeof(lens) / sizeof(lens[0]) };
    for (unsigned world = 0; world < WORLDS; world++) {
        struct stage s;
        stage_init(&s, world);
        for (unsigned i = 0; i < PEERS; i++)
            stage_start(&s, i);
        for (unsigned from = 0; from < PEERS; from++)
            for (unsigned to = 0; to < PEERS; to++)
                if (from != to)
                    stage_introduce(&s, from, to);
        for (uint32_t i = 0; i < LENS; i++)
            for (unsigned from = 0; from < PEERS; from++)
                for (int stream = 0; stream < STREAM_COUNT; stream++)
                    cr_assert_eq(
                        stage_send(&s, from, (from + 1) % PEERS, (enum stream)stream, i, lens[i]),
                        OK);
        for (unsigned to = 0; to < PEERS; to++)
            for (int stream = 0; stream < STREAM_COUNT; stream++) {
                unsigned from = (to + PEERS - 1) % PEERS;
                stage_run_until_frames(&s, to, from, (enum stream)stream, LENS);
                cr_assert_not(s.nodes[to].got[from][stream].is_out_of_order);
                cr_assert_eq(s.nodes[to].got[from][stream].next, LENS);
            }
        stage_deinit(&s);
    }
}

Test(transport, whom_nobody_knows_and_what_is_too_big_is_refused)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        struct stage s;
        stage_init(&s, world);
        stage_start(&s, 0);
        cr_assert_eq(stage_send(&s, 0, 1, STREAM_CALLS, 0, 4), ERR_NOT_FOUND);
        stage_introduce(&s, 0, 1);
        cr_assert_eq(stage_send(&s, 0, 1, STREAM_CALLS, 0, LIMIT_FRAME_BYTES + 1), ERR_TOO_BIG);
        stage_deinit(&s);
    }
}

Test(transport, connecting_needs_no_frame_and_both_sides_hear_of_it)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        struct stage s;
        stage_init(&s, world);
        stage_start(&s, 0);
        stage_start(&s, 1);
        stage_introduce(&s, 0, 1);
        stage_connect(&s, 0, 1);
        stage_run_until_up(&s, 0, 1);
        stage_deinit(&s);
    }
}

/* Peer 1 was never told where peer 0 listens; it answers on the connection that is there. */
Test(transport, who_calls_can_be_answered)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        struct stage s;
        stage_init(&s, world);
        stage_start(&s, 0);
        s.nodes[1].answers = true;
        stage_start(&s, 1);
        stage_introduce(&s, 0, 1);
        cr_assert_eq(stage_send(&s, 0, 1, STREAM_CALLS, 0, 50), OK);
        stage_run_until_frames(&s, 0, 1, STREAM_CALLS, 1);
        stage_deinit(&s);
    }
}

Test(transport, frames_wait_for_a_peer_that_comes_later)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        struct stage s;
        stage_init(&s, world);
        stage_start(&s, 0);
        stage_start(&s, 1);
        stage_introduce(&s, 0, 1);
        stage_introduce(&s, 0, 2);
        for (uint32_t i = 0; i < 10; i++) /* to one that is not there */
            cr_assert_eq(stage_send(&s, 0, 2, STREAM_CONTROL, i, 1000), OK);
        cr_assert_eq(stage_send(&s, 0, 1, STREAM_CONTROL, 0, 1000), OK);
        stage_run_until_frames(&s, 1, 0, STREAM_CONTROL, 1); /* which holds up nobody else */
        stage_start(&s, 2);
        stage_run_until_frames(&s, 2, 0, STREAM_CONTROL, 10);
        cr_assert_not(s.nodes[2].got[0][STREAM_CONTROL].is_out_of_order);
        stage_deinit(&s);
    }
}

Test(transport, a_full_queue_says_busy_and_others_go_on)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        struct stage s;
        stage_init(&s, world);
        stage_start(&s, 0);
        stage_start(&s, 1);
        stage_introduce(&s, 0, 1);
        stage_introduce(&s, 0, 2); /* is not there */
        int err = OK;
        uint32_t count = 0;
        for (; err == OK && count < 10000; count++)
            err = stage_send(&s, 0, 2, STREAM_BULK, count, 100000);
        cr_assert_eq(err, ERR_BUSY);
        cr_assert_gt(count, 1);
        cr_assert_eq(stage_send(&s, 0, 2, STREAM_CONTROL, 0, 100), OK); /* another stream */
        cr_assert_eq(stage_send(&s, 0, 1, STREAM_BULK, 0, 100), OK);    /* another peer */
        stage_run_until_frames(&s, 1, 0, STREAM_BULK, 1);
        stage_deinit(&s);
    }
}

/* Many times, because what happens depends on who is first at which step. */
Test(transport, two_that_dial_each_other_lose_nothing)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        for (int round = 0; round < 20; round++) {
            struct stage s;
            stage_init(&s, world);
            stage_start(&s, 0);
            stage_start(&s, 1);
            stage_introduce(&s, 0, 1);
            stage_introduce(&s, 1, 0);
            for (uint32_t i = 0; i < 20; i++) {
                cr_assert_eq(stage_send(&s, 0, 1, STREAM_CALLS, i, 60000 + i), OK);
                cr_assert_eq(stage_send(&s, 1, 0, STREAM_CALLS, i, 60000 + i), OK);
            }
            stage_run_until_frames(&s, 1, 0, STREAM_CALLS, 20);
            stage_run_until_frames(&s, 0, 1, STREAM_CALLS, 20);
            stage_run_until_up(&s, 0, 1); /* and one link is left, from both sides */
            cr_assert_eq(stage_send(&s, 0, 1, STREAM_CONTROL, 0, 4), OK);
            cr_assert_eq(stage_send(&s, 1, 0, STREAM_CONTROL, 0, 4), OK);
            stage_run_until_frames(&s, 1, 0, STREAM_CONTROL, 1);
            stage_run_until_frames(&s, 0, 1, STREAM_CONTROL, 1);
            stage_deinit(&s);
        }
    }
}

Test(transport, forgetting_the_addresses_closes_the_link)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        struct stage s;
        stage_init(&s, world);
        stage_start(&s, 0);
        stage_start(&s, 1);
        stage_introduce(&s, 0, 1);
        stage_connect(&s, 0, 1);
        stage_run_until_up(&s, 0, 1);
        struct peer_id id = s.ops->id(s.world, 1);
        s.is_calling = true;
        cr_assert_eq(transport_set_addresses(&s.nodes[0].transport, &id, NULL, 0), OK);
        s.is_calling = false;
        stage_run_until_down(&s, 0, 1);
        stage_run_until_down(&s, 1, 0);
        cr_assert_eq(stage_send(&s, 0, 1, STREAM_CALLS, 0, 4), ERR_NOT_FOUND);
        stage_introduce(&s, 0, 1); /* and it can be known again */
        cr_assert_eq(stage_send(&s, 0, 1, STREAM_CALLS, 0, 4), OK);
        stage_run_until_frames(&s, 1, 0, STREAM_CALLS, 1);
        stage_deinit(&s);
    }
}

struct calling {
    struct stage *stage;
    uint32_t count;
};

/* A frame may be lost when a connection breaks; one of many gets through. */
static bool calling_again(void *owner)
{
    struct calling *c = owner;
    (void)stage_send(c->stage, 0, 1, STREAM_CALLS, c->count++, 100);
    return c->stage->nodes[1].got[0][STREAM_CALLS].frames > 0;
}

Test(transport, a_peer_that_comes_back_is_found_again)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        struct stage s;
        stage_init(&s, world);
        stage_start(&s, 0);
        stage_start(&s, 1);
        stage_introduce(&s, 0, 1);
        stage_connect(&s, 0, 1);
        stage_run_until_up(&s, 0, 1);
        s.ops->stop(s.world, 1);
        s.nodes[1].link[0] = 0;
        stage_run_until_down(&s, 0, 1);
        stage_start(&s, 1);
        stage_run_until_up(&s, 0, 1); /* it was asked to keep trying */
        struct calling calling = { &s, 0 };
        stage_run(&s, calling_again, &calling);
        cr_assert_eq(s.nodes[0].ups[1], 2);
        cr_assert_geq(s.nodes[0].downs[1], 1);
        stage_deinit(&s);
    }
}

Test(transport, it_says_where_it_listens)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        struct stage s;
        struct multiaddr addrs[4];
        struct peer_id id;
        stage_init(&s, world);
        stage_start(&s, 0);
        size_t count = transport_listen_addresses(&s.nodes[0].transport, addrs, 4);
        cr_assert_geq(count, 1);
        cr_assert_eq(multiaddr_peer(&addrs[0], &id), ERR_NOT_FOUND);
        cr_assert_not(multiaddr_is_unspecified(&addrs[0]));
        cr_assert_eq(transport_listen_addresses(&s.nodes[0].transport, addrs, 0), 0);
        stage_deinit(&s);
    }
}
