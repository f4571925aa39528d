#include <criterion/criterion.h>

#include <string.h>

#include "health/monitor.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(monitor, .timeout = 60);

#define TEXT(s) ((struct bytes){ s, sizeof(s) - 1 })

enum { TTL = 30, REPIN = 60, START = 1000, STALL = 10000 };

static struct monitor *monitor_begun(uint32_t members, uint64_t start)
{
    struct monitor *m;
    struct monitor_options options = { .ttl_us = TTL, .repin_after_us = REPIN, .stall_us = STALL };
    struct peer_id ids[8];
    for (uint32_t i = 0; i < members; i++)
        ids[members - 1 - i] = test_peer(i);
    cr_assert_eq(monitor_create(&m, &options), OK);
    cr_assert_eq(monitor_set_members(m, start, ids, members), OK);
    monitor_listen_from(m, start);
    return m;
}

static struct monitor *monitor_of(uint32_t members)
{
    return monitor_begun(members, START);
}

static int hear(struct monitor *m, uint64_t now, uint32_t peer, struct bytes name, uint64_t ttl)
{
    struct peer_id id = test_peer(peer);
    struct metric metric = { name, TEXT("v"), 5, ttl, false, true };
    return monitor_on_metric(m, now, &id, &metric);
}

static enum liveness liveness_of(const struct monitor *m, uint64_t now, uint32_t peer)
{
    struct peer_id id = test_peer(peer);
    return monitor_liveness(m, now, &id);
}

Test(monitor, silence_makes_suspect_then_down)
{
    struct monitor *m = monitor_of(2);
    cr_assert_eq(hear(m, 1010, 0, TEXT("ping"), TTL), OK);
    cr_assert_eq(liveness_of(m, 1010 + TTL - 1, 0), LIVENESS_HEALTHY);
    cr_assert_eq(liveness_of(m, 1010 + TTL, 0), LIVENESS_SUSPECT);
    cr_assert_eq(liveness_of(m, 1010 + TTL + REPIN - 1, 0), LIVENESS_SUSPECT);
    cr_assert_eq(liveness_of(m, 1010 + TTL + REPIN, 0), LIVENESS_DOWN);
    cr_assert_eq(hear(m, 2000, 0, TEXT("ping"), TTL), OK); /* and back at once */
    cr_assert_eq(liveness_of(m, 2001, 0), LIVENESS_HEALTHY);
    monitor_destroy(m);
}

Test(monitor, any_word_is_a_sign_of_life_and_pings_say_how_long)
{
    struct monitor *m = monitor_of(1);
    hear(m, 1000, 0, TEXT("ping"), 10);
    hear(m, 1020, 0, TEXT("freespace"), 500);
    cr_assert_eq(liveness_of(m, 1029, 0), LIVENESS_HEALTHY);
    cr_assert_eq(liveness_of(m, 1030, 0), LIVENESS_SUSPECT);
    monitor_destroy(m);
}

Test(monitor, a_new_leader_waits_as_long_as_for_a_last_word)
{
    struct monitor *m = monitor_of(1);
    cr_assert_eq(liveness_of(m, 5000, 0), LIVENESS_DOWN);
    monitor_listen_from(m, 5000);
    cr_assert_eq(liveness_of(m, 5000 + TTL - 1, 0), LIVENESS_HEALTHY);
    cr_assert_eq(liveness_of(m, 5000 + TTL + REPIN, 0), LIVENESS_DOWN);
    monitor_destroy(m);
}

/* SIGSTOP, a hung disk, a starved machine: what arrived meanwhile has not been read yet. */
Test(monitor, a_stall_of_our_own_blames_nobody)
{
    struct monitor *m = monitor_of(1);
    hear(m, 1010, 0, TEXT("ping"), TTL);
    cr_assert(!monitor_on_time(m, 1010));
    cr_assert(!monitor_on_time(m, 1010 + STALL));
    uint64_t awake = 1010 + 2 * STALL + 1;
    cr_assert_eq(liveness_of(m, awake - 1, 0), LIVENESS_DOWN);
    cr_assert_eq(liveness_of(m, awake, 0),
                 LIVENESS_HEALTHY); /* a request came before the deadline */
    cr_assert(monitor_on_time(m, awake));
    cr_assert_eq(liveness_of(m, awake, 0), LIVENESS_HEALTHY);
    cr_assert_eq(liveness_of(m, awake + TTL, 0), LIVENESS_SUSPECT);
    monitor_destroy(m);
}

Test(monitor, membership_begins_and_ends_what_is_known)
{
    struct monitor *m = monitor_of(2);
    hear(m, 1005, 0, TEXT("ping"), TTL);
    struct peer_id ids[] = { test_peer(0), test_peer(2) };
    cr_assert_eq(monitor_set_members(m, 4000, ids, 2), OK);
    cr_assert_eq(liveness_of(m, 4001, 2), LIVENESS_HEALTHY); /* it counts from its admission */
    cr_assert_eq(liveness_of(m, 4001, 0), LIVENESS_DOWN);    /* known since long */
    cr_assert_eq(liveness_of(m, 4001, 1), LIVENESS_DOWN);
    cr_assert_eq(hear(m, 4002, 1, TEXT("ping"), TTL), ERR_NOT_FOUND); /* K18 */
    struct monitor_metric got;
    struct peer_id kept = test_peer(0), gone = test_peer(1);
    cr_assert_eq(monitor_get(m, 4002, &kept, "ping", &got), OK);
    cr_assert_eq(monitor_get(m, 4002, &gone, "ping", &got), ERR_NOT_FOUND);
    monitor_destroy(m);
}

Test(monitor, the_deadline_is_the_next_change)
{
    struct monitor *m = monitor_of(2);
    hear(m, 1010, 0, TEXT("ping"), TTL);
    hear(m, 1020, 1, TEXT("ping"), TTL);
    cr_assert_eq(monitor_next_deadline_us(m, 1020), 1010 + TTL);
    cr_assert_eq(monitor_next_deadline_us(m, 1010 + TTL), 1020 + TTL);
    cr_assert_eq(monitor_next_deadline_us(m, 1020 + TTL), 1010 + TTL + REPIN);
    cr_assert_eq(monitor_next_deadline_us(m, 1020 + TTL + REPIN),
                 START + STALL / 2); /* on_time() */
    monitor_destroy(m);
}

Test(monitor, metrics_are_listed_by_peer_newest_only)
{
    struct monitor *m = monitor_of(3);
    hear(m, 1010, 2, TEXT("freespace"), 20);
    hear(m, 1011, 0, TEXT("freespace"), 20);
    hear(m, 1012, 0, TEXT("freespace"), 40);
    hear(m, 1012, 1, TEXT("ping"), TTL);
    struct monitor_metric got;
    cr_assert_eq(monitor_next(m, 1031, "freespace", NULL, &got), OK);
    struct peer_id first = test_peer(0), last = test_peer(2);
    cr_assert(peer_id_equal(&got.peer, &first));
    cr_assert(got.arrived_us == 1012 && !got.is_expired);
    cr_assert_eq(monitor_next(m, 1031, "freespace", &got.peer, &got), OK);
    cr_assert(peer_id_equal(&got.peer, &last));
    cr_assert(got.is_expired);
    cr_assert_eq(monitor_next(m, 1031, "freespace", &got.peer, &got), ERR_NOT_FOUND);
    struct bytes names[4];
    cr_assert_eq(monitor_names(m, names, 4), 2);
    cr_assert(bytes_equal(names[0], TEXT("freespace")) && bytes_equal(names[1], TEXT("ping")));
    cr_assert_eq(monitor_names(m, names, 1), 1);
    cr_assert(bytes_equal(names[0], TEXT("freespace")));
    monitor_destroy(m);
}

Test(monitor, a_peer_cannot_fill_the_memory)
{
    struct monitor *m = monitor_of(1);
    char name[] = "tag:a";
    int err = OK;
    for (int i = 0; i < LIMIT_METRICS_PER_PEER_COUNT + 1; i++) {
        name[4] = (char)('a' + i);
        err = hear(m, 1001, 0, (struct bytes){ name, 5 }, TTL);
    }
    cr_assert_eq(err, ERR_TOO_BIG);
    cr_assert_eq(liveness_of(m, 1002, 0), LIVENESS_HEALTHY); /* but it lives */
    monitor_destroy(m);
}

/* ---- wall time ---- */

static int say_wall(struct monitor *m, uint64_t now, uint32_t peer, int64_t wall)
{
    struct peer_id id = test_peer(peer);
    return monitor_on_word(m, now, &id, &(struct monitor_word){ .wall_us = wall });
}

static int median_of(const struct monitor *m, uint64_t now, uint32_t peers, int64_t *out)
{
    struct peer_id ids[8];
    for (uint32_t i = 0; i < peers; i++)
        ids[i] = test_peer(i);
    return monitor_median_wall(m, now, ids, peers, out);
}

Test(monitor, the_median_of_the_wall_clocks_moves_on_with_our_own)
{
    struct monitor *m = monitor_of(3);
    int64_t wall = 0;
    cr_assert_eq(say_wall(m, 1000, 0, 50000), OK);
    cr_assert_eq(median_of(m, 1000, 3, &wall), ERR_NOT_FOUND); /* one of three */
    cr_assert_eq(say_wall(m, 1000, 1, 9000000), OK);
    cr_assert_eq(median_of(m, 1000, 3, &wall), OK);
    cr_assert_eq(wall, 50000); /* of two the earlier */
    cr_assert_eq(say_wall(m, 1010, 2, 50011), OK);
    cr_assert_eq(median_of(m, 1015, 3, &wall), OK);
    cr_assert_eq(wall, 50016); /* neither the clock that is far ahead nor the first */
    monitor_destroy(m);
}

Test(monitor, wall_clocks_of_the_silent_and_of_strangers_do_not_count)
{
    struct monitor *m = monitor_of(3);
    int64_t wall = 0;
    cr_assert_eq(say_wall(m, 1000, 7, 1), ERR_NOT_FOUND);
    cr_assert_eq(say_wall(m, 1000, 0, 50000), OK);
    cr_assert_eq(say_wall(m, 1010, 1, 50010), OK);
    cr_assert_eq(median_of(m, 1000 + TTL - 1, 3, &wall), OK);
    cr_assert_eq(median_of(m, 1000 + TTL, 3, &wall), ERR_NOT_FOUND);
    monitor_destroy(m);
}

/* ---- levels ---- */

static void say_level(struct monitor *m, uint64_t now, uint32_t peer, uint32_t level)
{
    struct peer_id id = test_peer(peer);
    cr_assert_eq(monitor_on_word(m, now, &id, &(struct monitor_word){ .level = level }), OK);
}

Test(monitor, the_common_level_is_what_everybody_knows_and_said_so_lately)
{
    struct monitor *m = monitor_of(3);
    struct peer_id ids[] = { test_peer(0), test_peer(1), test_peer(2), test_peer(9) };
    say_level(m, 1000, 0, 3);
    say_level(m, 1000, 1, 2);
    cr_assert_eq(monitor_common_level(m, 1000, ids, 2), 2);
    cr_assert_eq(monitor_common_level(m, 1000, ids, 3), 0); /* one has said nothing */
    say_level(m, 1010, 2, 4);
    cr_assert_eq(monitor_common_level(m, 1010, ids, 3), 2);
    cr_assert_eq(monitor_common_level(m, 1010, ids, 4), 0); /* one is no member */
    say_level(m, 1015, 1, 3);
    cr_assert_eq(monitor_common_level(m, 1015, ids, 3), 3);
    say_level(m, 1016, 1, 1); /* and down again */
    cr_assert_eq(monitor_common_level(m, 1016, ids, 3), 1);
    cr_assert_eq(monitor_common_level(m, 1000 + TTL, ids, 1), 0); /* long ago */
    cr_assert_eq(monitor_common_level(m, 1000, ids, 0), 0);
    monitor_destroy(m);
}

/* ---- alerts ---- */

/* A daemon that is down says neither of two sizes, nor how many pins it has. */
Test(monitor, a_daemon_that_says_nothing_is_one_alert)
{
    struct monitor *m = monitor_of(1);
    struct monitor_alert alerts[8];
    static const char *const names[] = { "ping", "freespace", "numpin", "reposize" };
    for (size_t i = 0; i < 4; i++) {
        struct metric metric = { .name = { names[i], strlen(names[i]) },
                                 .ttl_us = TTL,
                                 .is_valid = i == 0 };
        struct peer_id id = test_peer(0);
        cr_assert_eq(monitor_on_metric(m, 1000, &id, &metric), OK);
    }
    cr_assert_eq(monitor_alerts(m, 1001, alerts, 8), 1);
    cr_assert(bytes_equal(alerts[0].about.metric.name, (struct bytes){ "freespace", 9 }));
    monitor_destroy(m);
}

Test(monitor, one_alert_a_cause_and_peer_until_it_is_over)
{
    struct monitor *m = monitor_of(3);
    struct monitor_alert alerts[8];
    struct bytes ping = { "ping", 4 }, size = { "reposize", 8 };
    for (uint32_t peer = 0; peer < 3; peer++) {
        hear(m, 1000, peer, ping, TTL);
        hear(m, 1000, peer, size, TTL);
    }
    cr_assert_eq(monitor_alerts(m, 1000 + TTL - 1, alerts, 8), 0);

    /* 0 says nothing, 1 everything, 2 nothing of its size: two alerts, whoever asks and however often. */
    hear(m, 1000 + TTL, 1, ping, TTL);
    hear(m, 1000 + TTL, 1, size, TTL);
    hear(m, 1000 + TTL, 2, ping, TTL);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(monitor_alerts(m, 1000 + TTL + 5, alerts, 8), 2);
    size_t silent = alerts[0].liveness == LIVENESS_SUSPECT ? 0 : 1;
    cr_assert_eq(alerts[silent].liveness, LIVENESS_SUSPECT);
    cr_assert(bytes_equal(alerts[silent].about.metric.name, ping));
    cr_assert_eq(alerts[silent].since_us, 1000 + TTL);
    cr_assert_eq(alerts[1 - silent].liveness, LIVENESS_HEALTHY);
    cr_assert(bytes_equal(alerts[1 - silent].about.metric.name, size));

    hear(m, 1000 + TTL + 6, 0, ping, TTL);
    hear(m, 1000 + TTL + 6, 0, size, TTL);
    hear(m, 1000 + TTL + 6, 2, size, TTL);
    cr_assert_eq(monitor_alerts(m, 1000 + TTL + 7, alerts, 8), 0);
    monitor_destroy(m);
}

/* ---- back ---- */

Test(monitor, who_was_down_and_speaks_again_is_back_for_a_while)
{
    struct monitor *m = monitor_of(1);
    struct peer_id id = test_peer(0);
    hear(m, 1010, 0, TEXT("ping"), TTL);
    hear(m, 1010 + TTL + REPIN - 1, 0, TEXT("ping"), TTL); /* only suspect: never away */
    struct monitor_standing s = monitor_standing(m, 1100, &id);
    cr_assert(!s.is_back);
    cr_assert_str_eq(monitor_standing_name(&s), "healthy");

    hear(m, 5000, 0, TEXT("ping"), TTL);
    hear(m, 5010, 0, TEXT("freespace"), TTL);
    s = monitor_standing(m, 5000 + 20, &id);
    cr_assert_str_eq(monitor_standing_name(&s), "back");
    cr_assert_eq(s.liveness, LIVENESS_HEALTHY); /* nothing follows from it */
    cr_assert_eq(s.silence_us, 5000 - (1010 + TTL + REPIN - 1));
    cr_assert_eq(s.back_us, 20);
    hear(m, 5030, 0, TEXT("ping"), TTL);
    s = monitor_standing(m, 5000 + REPIN - 1, &id);
    cr_assert(s.is_back);
    hear(m, 5000 + REPIN, 0, TEXT("ping"), TTL);
    s = monitor_standing(m, 5000 + REPIN, &id);
    cr_assert(!s.is_back);
    cr_assert_eq(s.silence_us, 0);
    s = monitor_standing(m, 5000 + REPIN + TTL, &id); /* and silent again */
    cr_assert_str_eq(monitor_standing_name(&s), "suspect");
    cr_assert_eq(s.silence_us, TTL);
    monitor_destroy(m);
}

/* ---- hearsay ---- */

static struct buf tell(const struct monitor *m, uint64_t now)
{
    struct buf told = { 0 };
    monitor_tell(m, now, &told);
    cr_assert_eq(told.err, OK);
    return told;
}

/* Whoever was told answers as the one that told: by a clock that began after most of it had happened. */
Test(monitor, who_was_told_knows_as_much)
{
    struct monitor *teller = monitor_of(4), *hearer = monitor_begun(4, 1);
    struct peer_id id = test_peer(3);
    struct metric broken = { TEXT("freespace"), TEXT(""), 0, TTL, false, false };
    struct monitor_metric metric;
    struct monitor_alert told_alerts[8], heard_alerts[8];
    hear(teller, 1005, 2, TEXT("ping"), TTL);
    hear(teller, 8960, 1, TEXT("ping"), TTL);
    for (uint64_t at = 8000; at < 9000; at += TTL / 2) {
        hear(teller, at, 0, TEXT("ping"), TTL);
        hear(teller, at, 3, TEXT("ping"), TTL); /* since 8000, and down before */
        cr_assert_eq(monitor_on_metric(teller, at, &id, &broken), OK);
    }
    struct buf told = tell(teller, 9000);
    cr_assert_eq(monitor_hear(hearer, 3, buf_bytes(&told)), OK);
    for (uint32_t i = 0; i < 4; i++) {
        struct peer_id who = test_peer(i);
        struct monitor_standing there = monitor_standing(teller, 9007, &who);
        struct monitor_standing here = monitor_standing(hearer, 10, &who);
        cr_assert_str_eq(monitor_standing_name(&here), monitor_standing_name(&there), "%u", i);
        cr_assert_eq(here.silence_us, there.silence_us, "%u", i);
        cr_assert(!here.is_back || here.back_us == there.back_us, "%u", i);
    }
    cr_assert_eq(liveness_of(hearer, 10, 2), LIVENESS_DOWN);
    cr_assert_eq(liveness_of(hearer, 10, 1), LIVENESS_SUSPECT);
    cr_assert_eq(monitor_get(hearer, 10, &id, "freespace", &metric), OK);
    cr_assert(!metric.metric.is_valid && !metric.is_expired);
    size_t count = monitor_alerts(teller, 9007, told_alerts, 8);
    cr_assert_eq(monitor_alerts(hearer, 10, heard_alerts, 8), count);
    cr_assert_eq(count, 3);
    for (size_t i = 0; i < count; i++) {
        cr_assert(peer_id_equal(&heard_alerts[i].about.peer, &told_alerts[i].about.peer));
        cr_assert_eq(10 - heard_alerts[i].since_us, 9007 - told_alerts[i].since_us);
    }
    buf_deinit(&told);
    monitor_destroy(teller);
    monitor_destroy(hearer);
}

/* It takes the place of what was known, also of who is gone; strangers are passed over. */
Test(monitor, hearsay_takes_the_place_of_what_was_known)
{
    struct monitor *teller = monitor_of(2), *hearer = monitor_of(1);
    struct peer_id id = test_peer(0), stranger = test_peer(1);
    struct monitor_metric metric;
    hear(hearer, 1010, 0, TEXT("ping"), TTL);
    hear(hearer, 1010, 0, TEXT("old"), TTL);
    hear(teller, 1010, 0, TEXT("new"), TTL);
    hear(teller, 1010, 1, TEXT("ping"), TTL);
    struct buf told = tell(teller, 1015);
    cr_assert_eq(monitor_hear(hearer, 1020, buf_bytes(&told)), OK);
    cr_assert_eq(monitor_get(hearer, 1020, &id, "old", &metric), ERR_NOT_FOUND);
    cr_assert_eq(monitor_get(hearer, 1020, &id, "new", &metric), OK);
    cr_assert_eq(monitor_get(hearer, 1020, &stranger, "ping", &metric), ERR_NOT_FOUND);
    buf_deinit(&told);
    monitor_destroy(teller);
    monitor_destroy(hearer);
}

Test(monitor, hearsay_that_cannot_be_read_changes_nothing)
{
    struct monitor *teller = monitor_of(2), *hearer = monitor_of(2);
    struct peer_id id = test_peer(0);
    struct monitor_metric metric;
    hear(teller, 1010, 0, TEXT("new"), TTL);
    hear(teller, 1010, 1, TEXT("new"), TTL);
    hear(hearer, 1010, 0, TEXT("old"), TTL);
    struct buf told = tell(teller, 1015);
    for (size_t len = 0; len < told.len; len++)
        cr_assert_eq(monitor_hear(hearer, 1020, (struct bytes){ told.data, len }), ERR_CORRUPT);
    told.data[0] = 2;
    cr_assert_eq(monitor_hear(hearer, 1020, buf_bytes(&told)), ERR_VERSION);
    told.data[0] = 1;
    told.data[1] = 0x7f; /* it listens for ten thousand years */
    cr_assert_eq(monitor_hear(hearer, 1020, buf_bytes(&told)), ERR_CORRUPT);
    cr_assert_eq(monitor_get(hearer, 1020, &id, "old", &metric), OK);
    cr_assert_eq(monitor_get(hearer, 1020, &id, "new", &metric), ERR_NOT_FOUND);
    told.data[1] = 0;
    cr_assert_eq(monitor_hear(hearer, 1020, buf_bytes(&told)), OK);
    cr_assert_eq(monitor_get(hearer, 1020, &id, "new", &metric), OK);
    buf_deinit(&told);
    monitor_destroy(teller);
    monitor_destroy(hearer);
}
