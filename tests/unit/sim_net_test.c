#include <criterion/criterion.h>
#include <string.h>

#include "sim/world/clock.h"
#include "sim/world/net.h"
#include "util/err.h"

TestSuite(sim_net, .timeout = 60);

enum { MACHINES = 3, GOT_MAX = 4096 };

/* Notes down what it hears. */
struct end {
    struct transport transport;
    unsigned got[GOT_MAX]; /* first two bytes of each frame */
    size_t got_count;
    unsigned ups;
    unsigned downs;
};

static struct sim sim;
static struct net *net;
static struct net_options options;
static struct peer_id ids[MACHINES + 1];
static struct end ends[MACHINES + 1];

static void on_frame(void *owner, const struct peer_id *from, enum stream stream, const void *bytes,
                     size_t len)
{
    (void)stream;
    struct end *end = owner;
    cr_assert(len >= 2 && !peer_id_is_nobody(from));
    const uint8_t *b = bytes;
    cr_assert_lt(end->got_count, GOT_MAX);
    end->got[end->got_count++] = (unsigned)b[0] << 8 | b[1];
}

static void on_link(void *owner, const struct peer_id *peer, bool up)
{
    (void)peer;
    struct end *end = owner;
    if (up)
        end->ups += 1;
    else
        end->downs += 1;
}

static void attach(unsigned who)
{
    ends[who].transport = net_attach(net, who);
    struct transport_hooks hooks = { on_frame, on_link, &ends[who] };
    transport_set_hooks(&ends[who].transport, &hooks);
    for (unsigned other = 1; other <= MACHINES; other++) {
        struct multiaddr addr = net_address(other);
        if (other != who)
            transport_set_addresses(&ends[who].transport, &ids[other], &addr, 1);
    }
}

static void begin(uint64_t seed)
{
    memset(ends, 0, sizeof(ends));
    sim_init(&sim, seed, NULL, 0);
    net_options_default(&options);
    net = net_create(&sim, MACHINES, &options);
    for (unsigned who = 1; who <= MACHINES; who++) {
        uint8_t key[32] = { (uint8_t)who };
        ids[who] = peer_id_of_public_key(key);
        net_name(net, who, &ids[who]);
    }
    for (unsigned who = 1; who <= MACHINES; who++)
        attach(who);
}

static void end(void)
{
    net_destroy(net);
    struct event left;
    cr_assert_not(event_queue_first(&sim.queue, &left), "an event outlived the net");
    sim_deinit(&sim);
}

static int say(unsigned from, unsigned to, unsigned what)
{
    uint8_t bytes[64] = { (uint8_t)(what >> 8), (uint8_t)what };
    return transport_send(&ends[from].transport, &ids[to], STREAM_CONTROL, bytes, sizeof(bytes));
}

static void pass(uint64_t us)
{
    sim_run(&sim, sim.now_us + us);
}

static bool got_in_order(unsigned who, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ends[who].got[i] != i)
            return false;
    return ends[who].got_count == count;
}

Test(sim_net, a_frame_dials_and_arrives_and_both_hear_of_the_link)
{
    begin(1);
    for (unsigned i = 0; i < 20; i++)
        cr_assert_eq(say(1, 2, i), OK);
    cr_assert_eq(ends[2].got_count, 0, "nothing happens inside a call");
    pass(100000);
    cr_assert(got_in_order(2, 20));
    cr_assert(ends[1].ups == 1 && ends[2].ups == 1 && ends[3].ups == 0);
    /* The accepting side answers over the same connection, without an address. */
    transport_set_addresses(&ends[3].transport, &ids[1], NULL, 0);
    cr_assert_eq(say(2, 1, 0), OK);
    pass(100000);
    cr_assert(got_in_order(1, 1));
    end();
}

Test(sim_net, without_an_address_or_a_connection_there_is_no_way)
{
    begin(1);
    transport_set_addresses(&ends[1].transport, &ids[2], NULL, 0);
    cr_assert_eq(say(1, 2, 0), ERR_NOT_FOUND);
    struct multiaddr wrong = net_address(3);
    transport_set_addresses(&ends[1].transport, &ids[2], &wrong, 1);
    cr_assert_eq(say(1, 2, 0), OK);
    pass(2000000);
    cr_assert_eq(ends[2].got_count + ends[3].got_count, 0, "another peer lives there");
    end();
}

Test(sim_net, a_cut_holds_frames_until_it_heals)
{
    bool seen_late = false, seen_lost = false;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed);
        say(1, 2, 0);
        pass(100000);
        net_cut(net, 1, 2);
        say(1, 2, 1);
        say(2, 1, 0);
        pass(10000000);
        cr_assert_eq(ends[1].got_count, 1, "the other direction goes on");
        cr_assert_eq(ends[2].got_count, 1);
        net_heal(net, 1, 2);
        pass(5000000);
        cr_assert(ends[2].got_count <= 2);
        seen_late |= ends[2].got_count == 2 && ends[2].downs == 0;
        seen_lost |= ends[2].got_count == 1 && ends[2].downs == 1 && ends[1].downs == 1;
        cr_assert_eq(say(1, 2, 2), OK);
        pass(5000000);
        cr_assert_eq(ends[2].got[ends[2].got_count - 1], 2);
        end();
    }
    cr_assert(seen_late && seen_lost);
}

Test(sim_net, a_cut_path_is_full_at_some_point)
{
    begin(3);
    net_options(net)->queue_frames_max = 10;
    say(1, 2, 0);
    pass(100000);
    net_cut(net, 1, 2);
    for (unsigned i = 1; i <= 10; i++)
        cr_assert_eq(say(1, 2, i), OK);
    cr_assert_eq(say(1, 2, 11), ERR_BUSY);
    end();
}

Test(sim_net, a_clogged_path_loses_nothing_and_lets_all_go_in_order)
{
    begin(4);
    say(1, 2, 0);
    pass(100000);
    net_clog(net, 1, 2);
    for (unsigned i = 1; i <= 50; i++)
        cr_assert_eq(say(1, 2, i), OK);
    for (unsigned i = 0; i < 4; i++) {
        say(2, 1, i);
        pass(60000000);
    }
    cr_assert(got_in_order(1, 4), "the other direction goes on");
    cr_assert_eq(ends[2].got_count, 1);
    cr_assert(net_is_stopped(net, 1, 2) && !net_is_stopped(net, 2, 1));
    cr_assert_eq(net_waiting(net, 1, 2), 50);
    net_heal(net, 1, 2);
    pass(100000);
    cr_assert(got_in_order(2, 51), "all of it, at once");
    cr_assert(ends[1].downs == 0 && ends[2].downs == 0, "nobody took the other for dead");
    cr_assert_eq(net_counts(net).clogged, 50);
    cr_assert_eq(net_waiting(net, 1, 2), 0);
    end();
}

Test(sim_net, a_clogged_path_is_full_at_some_point_and_makes_no_connection)
{
    begin(5);
    net_options(net)->queue_frames_max = 10;
    say(1, 2, 0);
    pass(100000);
    net_clog(net, 1, 2);
    for (unsigned i = 1; i <= 10; i++)
        cr_assert_eq(say(1, 2, i), OK);
    cr_assert_eq(say(1, 2, 11), ERR_BUSY);
    net_break(net, 1, 2);
    pass(20000000);
    cr_assert_eq(say(2, 1, 0), OK);
    pass(20000000);
    cr_assert(ends[1].got_count == 0 && ends[1].ups == 1, "no handshake gets through");
    net_heal(net, 1, 2);
    pass(20000000);
    cr_assert_eq(say(2, 1, 1), OK);
    pass(20000000);
    cr_assert_eq(ends[1].ups, 2);
    end();
}

Test(sim_net, a_dead_process_gets_nothing_and_neither_does_its_successor)
{
    begin(1);
    say(1, 2, 0);
    pass(100000);
    say(1, 2, 1);
    net_detach(net, 2, true);
    attach(2);
    pass(50000);
    cr_assert_eq(ends[2].got_count, 1, "what was sent to the old process is lost");
    pass(30000000);
    cr_assert_eq(ends[1].downs, 1);
    say(1, 2, 2);
    pass(3000000);
    cr_assert_eq(ends[2].got_count, 2);
    cr_assert_eq(ends[1].ups, 2);
    end();
}

Test(sim_net, connect_keeps_dialling_until_somebody_is_there)
{
    begin(1);
    net_detach(net, 2, false);
    transport_connect(&ends[1].transport, &ids[2]);
    pass(5000000);
    cr_assert_eq(ends[1].ups, 0);
    cr_assert_gt(ends[1].downs, 1, "each time it was dialled in vain");
    ends[1].downs = 0;
    attach(2);
    pass(6000000);
    cr_assert(ends[1].ups == 1 && ends[2].ups == 1);
    net_break(net, 1, 2);
    pass(2000000);
    cr_assert(ends[1].ups == 2 && ends[1].downs >= 1);
    end();
}

Test(sim_net, disorder_only_where_it_is_allowed)
{
    begin(5);
    net_options(net)->jitter_us = 20000;
    say(1, 2, 0);
    pass(100000);
    for (unsigned i = 1; i < 200; i++)
        say(1, 2, i);
    pass(1000000);
    cr_assert(got_in_order(2, 200), "jitter keeps the order");
    ends[2].got_count = 0;
    net_options(net)->reorder_per_million = 300000;
    for (unsigned i = 0; i < 200; i++)
        say(1, 2, i);
    pass(1000000);
    cr_assert_eq(ends[2].got_count, 200);
    cr_assert_not(got_in_order(2, 200));
    end();
}

Test(sim_net, nobody_waits_for_ever_for_a_process_that_stands_still)
{
    begin(2);
    say(1, 2, 0);
    pass(100000);
    sim_freeze(&sim, 2);
    net_pause(net, 2);
    pass(20000000);
    cr_assert(ends[1].downs == 1 && ends[2].downs == 0, "the frozen one has not heard of it");
    sim_thaw(&sim, 2);
    net_resume(net, 2);
    pass(1000);
    cr_assert_eq(ends[2].downs, 1);
    end();
}

Test(sim_net, a_frozen_process_gets_its_frames_when_it_thaws)
{
    begin(1);
    say(1, 2, 0);
    pass(100000);
    sim_freeze(&sim, 2);
    say(1, 2, 1);
    say(1, 2, 2);
    pass(1000000);
    cr_assert_eq(ends[2].got_count, 1);
    sim_thaw(&sim, 2);
    pass(1000000);
    cr_assert(got_in_order(2, 3));
    end();
}

static struct hash128 noisy_run(uint64_t seed)
{
    begin(seed);
    *net_options(net) = (struct net_options){ .delay_us = 500,
                                              .jitter_us = 5000,
                                              .tail_per_million = 50000,
                                              .tail_us = 3000000,
                                              .reorder_per_million = 50000,
                                              .break_per_million = 20000,
                                              .dial_us = 3000,
                                              .redial_us = 200000,
                                              .redial_max_us = 1000000,
                                              .silence_us = 15000000,
                                              .frame_age_us = 10000000,
                                              .queue_bytes_max = 1000000,
                                              .queue_frames_max = 100 };
    for (unsigned i = 0; i < 400; i++) {
        for (unsigned from = 1; from <= MACHINES; from++)
            (void)say(from, from % MACHINES + 1, i);
        if (i == 100)
            net_cut(net, 1, 2);
        if (i == 200)
            net_heal(net, 1, 2);
        if (i % 50 == 49) {
            net_detach(net, 3, i % 100 == 99);
            attach(3);
        }
        pass(5000);
    }
    pass(10000000);
    struct net_counts counts = net_counts(net);
    cr_assert_gt(counts.breaks, 3);
    cr_assert_gt(counts.lost, 0);
    cr_assert_eq(counts.sent, counts.delivered + counts.lost, "every frame has one end");
    struct hash128 hash = trace_hash(&sim.trace);
    end();
    return hash;
}

Test(sim_net, the_same_seed_is_the_same_noise)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct hash128 a = noisy_run(seed), b = noisy_run(seed), c = noisy_run(seed + 100);
        cr_assert(a.high == b.high && a.low == b.low);
        cr_assert(a.low != c.low);
    }
}

Test(sim_net, clocks_drift_and_jump_and_meet_their_deadlines)
{
    sim_init(&sim, 1, NULL, 0);
    struct sim_clock fast, slow;
    sim_clock_init(&fast, &sim, 1000);
    sim_clock_init(&slow, &sim, UINT32_MAX);
    struct clock port = sim_clock_port(&fast);
    cr_assert_eq(clock_wall(&port).us, SIM_CLOCK_WALL_START_US);
    sim_clock_set_drift(&fast, 500);
    sim_clock_set_drift(&slow, -500);
    sim_run(&sim, 1000000000);
    cr_assert_eq(sim_clock_mono_us(&fast), 1000 + 1000500000);
    cr_assert_eq(sim_clock_mono_us(&slow), UINT32_MAX + UINT64_C(999500000));
    for (uint64_t ahead = 1; ahead < 3000; ahead += 7) {
        uint64_t deadline = sim_clock_mono_us(&slow) + ahead;
        uint64_t at = sim_clock_when(&slow, deadline);
        sim_run(&sim, at - 1);
        cr_assert_lt(sim_clock_mono_us(&slow), deadline);
        sim_run(&sim, at);
        cr_assert_geq(sim_clock_mono_us(&slow), deadline);
    }
    int64_t wall = clock_wall(&port).us;
    sim_clock_jump_wall(&fast, -3600000000);
    cr_assert_eq(clock_wall(&port).us, wall - 3600000000);
    cr_assert_eq(sim_clock_when(&fast, 5), sim.now_us);
    sim_deinit(&sim);
}

static void on_lie(void *owner, const char *text)
{
    (void)owner;
    cr_assert_fail("%s", text);
}

/* Frames pass the sessions of production; what is damaged ends the connection, and none of it is heard. */
Test(sim_net, a_mangled_frame_ends_the_connection_and_is_not_heard)
{
    size_t heard = 0;
    uint64_t mangled = 0, breaks = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        begin(seed);
        net_on_lie(net, on_lie, NULL);
        net_options(net)->mangle_per_million = 200000;
        for (unsigned i = 0; i < 40; i++) {
            say(1, 2, i);
            pass(50000);
        }
        mangled += net_counts(net).mangled;
        breaks += net_counts(net).breaks;
        heard += ends[2].got_count;
        for (size_t i = 1; i < ends[2].got_count; i++)
            cr_assert_lt(ends[2].got[i - 1], 40, "not one of ours");
        net_options(net)->mangle_per_million = 0;
        pass(10000000);
        size_t before = ends[2].got_count;
        say(1, 2, 7);
        pass(10000000);
        cr_assert(ends[2].got_count == before + 1 && ends[2].got[before] == 7, "seed %d",
                  (int)seed);
        end();
    }
    cr_assert(mangled > 10 && breaks > 10 && heard > 800, "%d mangled, %d breaks, %d heard",
              (int)mangled, (int)breaks, (int)heard);
}
