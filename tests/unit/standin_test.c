/* What the vectors cannot show of the stand-in IPFS daemon: time, other daemons, waiting, faults. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "sim/kubo/content.h"
#include "tests/lib/standin_ask.h"
#include "util/err.h"

TestSuite(standin, .timeout = 60);

#define SECOND_US 1000000u
#define BIG       "bafybeidxjoz6frqsbjdlgvemvrlkq3mqopohom4shnxvlcsh2lgnu7d2tq"
#define SMALL     "QmfZ5QTJ9bvsWdYYRZgdLJm6Sv8bD2A3KXmqcFmYXE6ASh"
#define HELLO     "QmZEKvGrSnEop9uoytsFQ8bbdZUQwQQ8k3F2xwcWGZpk1L" /* "hello vector\n" */

static struct cid cid_of(const char *text)
{
    struct cid cid;
    cr_assert_eq(cid_parse(&cid, text), OK);
    return cid;
}

static void hold(struct standin *s, const char *text, uint64_t nodes, uint64_t bytes)
{
    struct cid cid = cid_of(text);
    standin_hold(s, &cid, nodes, bytes);
}

static bool is_pinned(struct standin *s, const char *text)
{
    struct cid cid = cid_of(text);
    struct standin_pin pin;
    return standin_pin_find(s, &cid, &pin) == OK;
}

static void check(struct standin *s, const char *target, int status, const char *text)
{
    struct standin_ask a;
    standin_ask(&a, s, target);
    cr_expect(a.is_ended, "%s", target);
    cr_expect_eq(a.status, status, "%s: %d", target, a.status);
    cr_expect_str_eq(buf_text(&a.text), text, "%s: %s", target, buf_text(&a.text));
    standin_ask_end(&a);
}

static void add_hello(struct standin *s, const char *options)
{
    struct standin_ask a;
    char target[128];
    snprintf(target, sizeof target, "/api/v0/add%s", options);
    standin_ask_upload(&a, s, target, "a.txt", (struct bytes){ "hello vector\n", 13 });
    cr_assert_str_eq(buf_text(&a.text),
                     "{\"Name\":\"a.txt\",\"Hash\":\"" HELLO "\",\"Size\":\"21\"}\n");
    standin_ask_end(&a);
}

/* ---- other daemons ---- */

Test(standin, a_pin_of_what_nobody_has_waits_until_somebody_has_it)
{
    struct standin_world w;
    struct standin_ask a;
    standin_world_begin(&w, 2);
    swarm_link(w.swarm, 0, 1);
    standin_ask(&a, w.ones[0].s, "/api/v0/pin/add?arg=" HELLO "&progress=true");
    cr_assert_eq(a.status, 0);
    standin_world_run(&w, 1200000);
    cr_assert_str_eq(buf_text(&a.text), "{}\n{}\n");
    cr_assert_not(is_pinned(w.ones[0].s, HELLO));
    add_hello(w.ones[1].s, "?pin=false");
    standin_world_run(&w, 30000);
    cr_assert(a.is_ended);
    cr_assert_str_eq(buf_text(&a.text),
                     "{}\n{}\n{\"Progress\":1,\"Bytes\":21}\n{\"Pins\":[\"" HELLO "\"]}\n");
    cr_assert(is_pinned(w.ones[0].s, HELLO));
    cr_assert_not(is_pinned(w.ones[1].s, HELLO));
    standin_ask_end(&a);
    check(w.ones[0].s, "/api/v0/cat?arg=" HELLO, 200, "hello vector\n");
    standin_world_end(&w);
}

Test(standin, one_that_has_everything_pins_at_once)
{
    struct standin_world w;
    struct standin_options options = { .api_address = "/ip4/127.0.0.1/tcp/5001",
                                       .swarm_address = "/ip4/127.0.0.1/tcp/4001",
                                       .everything_bytes = 1000 };
    standin_world_begin(&w, 0);
    standin_world_add(&w, &options);
    check(w.ones[0].s, "/api/v0/pin/add?arg=" HELLO "&progress=true", 200,
          "{\"Progress\":1,\"Bytes\":1000}\n{\"Pins\":[\"" HELLO "\"]}\n");
    cr_assert(is_pinned(w.ones[0].s, HELLO));
    cr_assert_not(is_pinned(w.ones[0].s, SMALL));
    standin_world_end(&w);
}

Test(standin, swarm_connect_brings_what_is_waited_for)
{
    struct standin_world w;
    struct standin_ask pin, connect;
    char target[256];
    standin_world_begin(&w, 2);
    add_hello(w.ones[1].s, "");
    standin_ask(&pin, w.ones[0].s, "/api/v0/pin/add?arg=" HELLO);
    standin_world_run(&w, 60 * SECOND_US);
    cr_assert_eq(pin.status, 0); /* without progress: not even a head */
    snprintf(target, sizeof target, "/api/v0/swarm/connect?arg=%s", standin_world_address(&w, 1));
    standin_ask(&connect, w.ones[0].s, target);
    standin_world_run(&w, SECOND_US);
    cr_assert_eq(connect.status, 200, "%s", buf_text(&connect.text));
    cr_assert_str_eq(buf_text(&pin.text), "{\"Pins\":[\"" HELLO "\"]}\n");
    standin_ask_end(&pin);
    standin_ask_end(&connect);
    standin_world_end(&w);
}

Test(standin, dials_fail_in_kubos_words)
{
    struct standin_world w;
    struct standin_ask a;
    standin_world_begin(&w, 1);
    standin_ask(&a, w.ones[0].s,
                "/api/v0/swarm/connect?arg=/ip4/127.0.0.1/tcp/29599/p2p/"
                "12D3KooWDtRs6bzy5eVk5nMh7rCkGzmecKuU8Ra8YFvtXzqn4yZD");
    standin_world_run(&w, SECOND_US);
    cr_assert_eq(a.status, 500);
    cr_assert_neq(
        strstr(buf_text(&a.text), "dial tcp4 127.0.0.1:29599: connect: connection refused"), NULL);
    standin_ask_end(&a);
    standin_world_end(&w);
}

Test(standin, big_content_takes_its_time_and_shows_it)
{
    struct standin_world w;
    struct standin_ask a;
    standin_world_begin(&w, 2);
    swarm_set_options(w.swarm, &(struct swarm_options){ 1000, 1000000 });
    swarm_link(w.swarm, 0, 1);
    hold(w.ones[1].s, BIG, 400, 4000000); /* four seconds */
    standin_ask(&a, w.ones[0].s, "/api/v0/pin/add?arg=" BIG "&progress=true");
    standin_world_run(&w, 2100000);
    const char *text = buf_text(&a.text);
    uint64_t last = 0, lines = 0;
    for (const char *at = strstr(text, "\"Bytes\":"); at != NULL;
         at = strstr(at + 1, "\"Bytes\":")) {
        uint64_t bytes = strtoull(at + 8, NULL, 10);
        cr_assert_gt(bytes, last);
        last = bytes;
        lines += 1;
    }
    cr_assert_eq(lines, 4, "%s", text);
    /* the source falls silent: lines go on, numbers stand */
    swarm_mute(w.swarm, 1, true);
    standin_world_run(&w, 10 * SECOND_US);
    cr_assert_not(a.is_ended);
    standin_ask_end(&a);
    cr_assert_not(is_pinned(w.ones[0].s, BIG)); /* the client left: given up */
    swarm_mute(w.swarm, 1, false);
    standin_world_run(&w, 10 * SECOND_US);
    cr_assert_not(is_pinned(w.ones[0].s, BIG));
    check(w.ones[0].s, "/api/v0/pin/ls?type=recursive&stream=true", 200, "");
    standin_world_end(&w);
}

Test(standin, a_cut_keeps_content_away)
{
    struct standin_world w;
    struct standin_ask a;
    standin_world_begin(&w, 3);
    swarm_link(w.swarm, 0, 1);
    swarm_link(w.swarm, 1, 2);
    hold(w.ones[2].s, SMALL, 1, 100);
    swarm_cut(w.swarm, 1, 2);
    standin_ask(&a, w.ones[1].s, "/api/v0/pin/add?arg=" SMALL);
    standin_world_run(&w, 10 * SECOND_US);
    cr_assert_eq(a.status, 0);
    swarm_heal(w.swarm, 1, 2);
    standin_world_run(&w, SECOND_US);
    cr_assert_eq(a.status, 200);
    standin_ask_end(&a);
    /* not through a third: only who is connected is asked */
    swarm_leave(w.swarm, 1);
    standin_ask(&a, w.ones[0].s, "/api/v0/block/get?arg=" SMALL "&timeout=5s");
    standin_world_run(&w, 10 * SECOND_US);
    cr_assert_eq(a.status, 500);
    standin_ask_end(&a);
    standin_world_end(&w);
}

/* ---- trees ---- */

/* A folder of two files, as the CIDs of its parts say. */
#define FOLDER "QmSUpUCXZSMMMVmdsc6Hnuwq2x4MQkWmMu6Bt17UyM7KF7"

static void add_folder(struct standin *s)
{
    static const char body[] =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; "
        "filename=\"d%2Fone.txt\"\r\n\r\none\n"
        "\r\n--b\r\nContent-Disposition: form-data; filename=\"d%2Fsub%2Ftwo.txt\"\r\n\r\ntwo\n"
        "\r\n--b--\r\n";
    struct standin_ask a;
    standin_ask_begin(&a, "POST", "/api/v0/add");
    standin_ask_field(&a, "Content-Type", "multipart/form-data; boundary=\"b\"");
    standin_ask_body(&a, body, sizeof body - 1);
    standin_ask_go(&a, s);
    cr_assert_neq(
        strstr(buf_text(&a.text), "{\"Name\":\"d\",\"Hash\":\"" FOLDER "\",\"Size\":\"175\"}"),
        NULL, "%s", buf_text(&a.text));
    standin_ask_end(&a);
}

Test(standin, trees_are_pinned_whole)
{
    struct standin_world w;
    struct standin_ask a;
    standin_world_begin(&w, 2);
    swarm_link(w.swarm, 0, 1);
    add_folder(w.ones[1].s);
    standin_ask(&a, w.ones[0].s, "/api/v0/pin/add?arg=" FOLDER "&progress=true");
    standin_world_run(&w, SECOND_US);
    cr_assert_str_eq(buf_text(&a.text),
                     "{\"Progress\":4,\"Bytes\":175}\n{\"Pins\":[\"" FOLDER "\"]}\n");
    standin_ask_end(&a);
    check(w.ones[0].s, "/api/v0/cat?arg=" FOLDER "/sub/two.txt", 200, "two\n");
    check(w.ones[0].s, "/api/v0/cat?arg=/ipfs/" FOLDER "/nolink", 500,
          "{\"Message\":\"no link named \\\"nolink\\\" under " FOLDER
          "\",\"Code\":0,\"Type\":\"error\"}\n");
    check(w.ones[0].s, "/api/v0/cat?arg=" FOLDER "/sub", 500,
          "{\"Message\":\"this dag node is a directory\",\"Code\":0,\"Type\":\"error\"}\n");
    check(w.ones[0].s, "/api/v0/resolve?arg=/ipfs/" FOLDER "/one.txt", 200,
          "{\"Path\":\"/ipfs/QmUB9Nr7RpqNYQpyh4W9r3RQNttiPQ6BQ9iQLkw9LztJFz\"}\n");
    check(w.ones[0].s,
          "/api/v0/pin/ls?stream=true&arg=QmUB9Nr7RpqNYQpyh4W9r3RQNttiPQ6BQ9iQLkw9LztJFz", 200,
          "{\"Cid\":\"QmUB9Nr7RpqNYQpyh4W9r3RQNttiPQ6BQ9iQLkw9LztJFz\",\"Type\":\"indirect "
          "through " FOLDER "\"}\n");
    check(w.ones[0].s, "/api/v0/pin/rm?arg=QmUB9Nr7RpqNYQpyh4W9r3RQNttiPQ6BQ9iQLkw9LztJFz", 500,
          "{\"Message\":\"not pinned or pinned indirectly\",\"Code\":0,\"Type\":\"error\"}\n");
    standin_ask(&a, w.ones[0].s, "/api/v0/pin/ls?stream=true&type=indirect");
    cr_assert_eq(a.writes, 3, "%s", buf_text(&a.text));
    standin_ask_end(&a);
    standin_world_end(&w);
}

Test(standin, a_hole_in_a_tree_is_trouble_where_kubo_has_it)
{
    struct standin_world w;
    struct cid sub = cid_of("QmdAZ1qBG8SytfKVL8A6z2ef1JSZLN5EzVcCw9tB4LvZK5");
    standin_world_begin(&w, 1);
    add_folder(w.ones[0].s);
    cr_assert(standin_lose_block(w.ones[0].s, &sub));
    check(w.ones[0].s, "/api/v0/pin/ls?type=recursive&stream=true", 200,
          "{\"Cid\":\"" FOLDER "\",\"Type\":\"recursive\"}\n");
    check(w.ones[0].s, "/api/v0/pin/ls?type=all", 500,
          "{\"Message\":\"block was not found locally (offline): ipld: could not find "
          "QmdAZ1qBG8SytfKVL8A6z2ef1JSZLN5EzVcCw9tB4LvZK5\",\"Code\":0,\"Type\":\"error\"}\n");
    check(w.ones[0].s, "/api/v0/repo/gc", 500,
          "{\"Message\":\"could not retrieve links for "
          "QmdAZ1qBG8SytfKVL8A6z2ef1JSZLN5EzVcCw9tB4LvZK5: block was not found locally (offline): "
          "ipld: could not find QmdAZ1qBG8SytfKVL8A6z2ef1JSZLN5EzVcCw9tB4LvZK5; garbage collection "
          "aborted: could not retrieve some links\",\"Code\":0,\"Type\":\"error\"}\n");
    check(w.ones[0].s, "/api/v0/pin/add?arg=" FOLDER "&offline=true", 500,
          "{\"Message\":\"pin: block was not found locally (offline): ipld: could not find "
          "QmdAZ1qBG8SytfKVL8A6z2ef1JSZLN5EzVcCw9tB4LvZK5\",\"Code\":0,\"Type\":\"error\"}\n");
    standin_world_end(&w);
}

/* ---- the collector ---- */

Test(standin, the_collector_drops_what_no_pin_reaches)
{
    struct standin_world w;
    standin_world_begin(&w, 1);
    add_folder(w.ones[0].s);
    add_hello(w.ones[0].s, "?pin=false");
    cr_assert_eq(standin_counts(w.ones[0].s).blocks, 5);
    check(w.ones[0].s, "/api/v0/repo/gc?stream-errors=true", 200,
          "{\"Key\":{\"/\":\"bafkreifb2hjt4zum5owge3zcfvcpmhjiaihoxoxvtmmh7kskkdc4iqons4\"}}\n");
    standin_world_end(&w);
}

/* Nobody asked for it: the collector came by itself. */
Test(standin, garbage_is_collected_behind_everybodys_back)
{
    struct standin_world w;
    standin_world_begin(&w, 1);
    add_folder(w.ones[0].s);
    add_hello(w.ones[0].s, "?pin=false");
    cr_assert_eq(standin_counts(w.ones[0].s).blocks, 5);
    cr_assert(standin_collect(w.ones[0].s));
    cr_assert_eq(standin_counts(w.ones[0].s).blocks, 4);
    standin_world_end(&w);
}

/* "free": so much, whatever there is. */
Test(standin, it_lies_about_its_room)
{
    struct standin_world w;
    struct standin_ask a;
    standin_world_begin(&w, 1);
    struct standin *s = w.ones[0].s;
    standin_set_faults(s, &(struct standin_faults){ .lies = true, .free_bytes = 1000 });
    standin_ask(&a, s, "/api/v0/repo/stat?size-only=true");
    standin_world_run(&w, 1000);
    cr_assert(strstr(buf_text(&a.text), "\"RepoSize\":9999999000,\"StorageMax\":10000000000") !=
                  NULL,
              "%s", buf_text(&a.text));
    standin_ask_end(&a);
    standin_world_end(&w);
}

Test(standin, a_waiting_collector_stops_all_pinning)
{
    struct standin_world w;
    struct standin_ask stalled, gc, pin, rm;
    standin_world_begin(&w, 2);
    swarm_link(w.swarm, 0, 1);
    add_folder(w.ones[1].s);
    add_hello(w.ones[0].s, "");
    /* the root comes, then the source falls silent */
    struct cid root = cid_of(FOLDER);
    struct cid key = standin_block_key(&root);
    standin_on_block(w.ones[0].s, standin_find(w.ones[1].s, &key));
    swarm_mute(w.swarm, 1, true);
    standin_ask(&stalled, w.ones[0].s, "/api/v0/pin/add?arg=" FOLDER);
    standin_ask(&gc, w.ones[0].s, "/api/v0/repo/gc");
    standin_ask(&pin, w.ones[0].s, "/api/v0/pin/add?progress=true&arg=" HELLO);
    standin_ask(&rm, w.ones[0].s, "/api/v0/pin/rm?arg=" HELLO);
    standin_world_run(&w, 1100000);
    cr_assert_eq(gc.status, 0);
    cr_assert_str_eq(buf_text(&pin.text), "{}\n{}\n");
    cr_assert_eq(rm.status, 0);
    check(w.ones[0].s, "/api/v0/pin/ls?stream=true&type=recursive", 200,
          "{\"Cid\":\"" HELLO "\",\"Type\":\"recursive\"}\n");
    /* cutting the stalled one lets all go on */
    standin_ask_end(&stalled);
    cr_assert_eq(gc.status, 200);
    cr_assert(pin.is_ended);
    cr_assert_str_eq(buf_text(&rm.text), "{\"Pins\":[\"" HELLO "\"]}\n");
    standin_ask_end(&gc);
    standin_ask_end(&pin);
    standin_ask_end(&rm);
    standin_world_end(&w);
}

Test(standin, a_collector_that_leaves_lets_the_others_on)
{
    struct standin_world w;
    struct standin_ask stalled, gc, upload;
    standin_world_begin(&w, 1);
    struct standin *s = w.ones[0].s;
    add_folder(s);
    struct cid leaf = cid_of("QmUB9Nr7RpqNYQpyh4W9r3RQNttiPQ6BQ9iQLkw9LztJFz");
    standin_lose_block(s, &leaf);
    standin_ask(&stalled, s, "/api/v0/pin/add?arg=" FOLDER);
    standin_ask(&gc, s, "/api/v0/repo/gc");
    standin_ask_upload(&upload, s, "/api/v0/add", "a.txt", (struct bytes){ "hello vector\n", 13 });
    cr_assert_eq(upload.status, 0); /* its body is not even read */
    standin_ask_end(&gc);
    standin_ask_drain(&upload);
    cr_assert_eq(upload.status, 200);
    standin_ask_end(&upload);
    standin_ask_end(&stalled);
    standin_world_end(&w);
}

/* ---- readers, restarts ---- */

Test(standin, a_slow_reader_gets_its_listing_line_by_line)
{
    struct standin_world w;
    struct standin_ask a;
    standin_world_begin(&w, 1);
    struct standin *s = w.ones[0].s;
    for (unsigned i = 0; i < 100; i++) {
        struct cid cid = content_cid(1, CONTENT_RAW, (struct bytes){ &i, sizeof i });
        standin_hold(s, &cid, 1, 1);
        standin_pin(s, &cid, false, "");
    }
    standin_ask_begin(&a, "POST", "/api/v0/pin/ls?stream=true&type=recursive");
    a.is_slow = true;
    standin_ask_go(&a, s);
    for (unsigned i = 1; i <= 100; i++) {
        cr_assert_eq(a.writes, i);
        standin_ask_drain(&a);
    }
    cr_assert(a.is_ended);
    standin_ask_end(&a);
    standin_world_end(&w);
}

Test(standin, a_restart_forgets_what_ran_and_keeps_the_repository)
{
    struct standin_world w;
    struct standin_ask a;
    standin_world_begin(&w, 2);
    struct standin *s = w.ones[0].s;
    swarm_link(w.swarm, 0, 1);
    add_hello(s, "");
    standin_ask(&a, s, "/api/v0/pin/add?arg=" BIG "&progress=true");
    standin_world_run(&w, SECOND_US);
    standin_restart(s);
    cr_assert(a.is_killed);
    standin_ask_end(&a);
    check(s, "/api/v0/swarm/peers", 200, "{\"Peers\":null}\n");
    check(w.ones[1].s, "/api/v0/swarm/peers", 200, "{\"Peers\":null}\n");
    cr_assert(is_pinned(s, HELLO));
    standin_wipe(s);
    cr_assert_not(is_pinned(s, HELLO));
    cr_assert_eq(standin_counts(s).blocks, 0);
    standin_world_end(&w);
}

/* ---- faults ---- */

Test(standin, faults_by_request)
{
    struct standin_world w;
    struct standin_ask a;
    standin_world_begin(&w, 1);
    struct standin *s = w.ones[0].s;
    add_hello(s, "");
    /* an error, for one command, twice */
    standin_ask(&a, s, "/standin/v0/fault?error=disk%20on%20fire&command=pin/ls&count=2");
    cr_assert_eq(a.status, 200);
    standin_ask_end(&a);
    check(s, "/api/v0/version?x=1", 200,
          "{\"Version\":\"0.42.0\",\"Commit\":\"\",\"Repo\":\"18\",\"System\":\"amd64/linux\","
          "\"Golang\":\"go1.26.8\"}\n");
    for (int i = 0; i < 2; i++)
        check(s, "/standin/v0/pin/ls?type=direct", 200, "{}\n"); /* not one of the two */
    for (int i = 0; i < 2; i++)
        check(s, "/api/v0/pin/ls?type=direct", 500,
              "{\"Message\":\"disk on fire\",\"Code\":0,\"Type\":\"error\"}\n");
    check(s, "/api/v0/pin/ls?type=direct", 200, "{}\n");
    /* a lost pin */
    standin_ask(&a, s, "/standin/v0/fault?lose-pin=" HELLO);
    cr_assert_eq(a.status, 200);
    standin_ask_end(&a);
    cr_assert_not(is_pinned(s, HELLO));
    check(s, "/standin/v0/fault?lose-pin=" HELLO, 400,
          "lose-pin=" HELLO ": no such fault, or nothing to apply it to\n");
    check(s, "/standin/v0/fault?slwo=1", 400, "slwo=1: no such fault, or nothing to apply it to\n");
    standin_world_end(&w);
}

Test(standin, slow_hanging_half_and_garbage)
{
    struct standin_world w;
    struct standin_ask a;
    standin_world_begin(&w, 1);
    struct standin *s = w.ones[0].s;
    standin_set_faults(s, &(struct standin_faults){ .slow_us = 300000 });
    standin_ask(&a, s, "/api/v0/pin/ls");
    standin_world_run(&w, 299999);
    cr_assert_eq(a.status, 0);
    standin_world_run(&w, 2);
    cr_assert_eq(a.status, 200);
    standin_ask_end(&a);

    standin_set_faults(s, &(struct standin_faults){ .hang = true });
    standin_ask(&a, s, "/api/v0/pin/ls");
    standin_set_faults(s, &(struct standin_faults){ 0 });
    standin_world_run(&w, 3600ull * SECOND_US);
    cr_assert_eq(a.status, 0);
    standin_ask_end(&a);

    standin_set_faults(s, &(struct standin_faults){ .half_answer = true });
    standin_ask(&a, s, "/api/v0/version");
    cr_assert(a.is_killed);
    cr_assert_str_eq(buf_text(&a.text), "{\"Version\":\"0.42.0\",\"Commit\":\"\",\"Repo\":\"18\",");
    standin_ask_end(&a);

    standin_set_faults(s, &(struct standin_faults){ .stall = true });
    standin_ask(&a, s, "/api/v0/version");
    standin_set_faults(s, &(struct standin_faults){ 0 });
    standin_world_run(&w, 3600ull * SECOND_US);
    cr_assert(!a.is_killed && !a.is_ended);
    cr_assert_str_eq(buf_text(&a.text), "{\"Version\":\"0.42.0\",\"Commit\":\"\",\"Repo\":\"18\",");
    standin_ask_end(&a);

    standin_set_faults(s, &(struct standin_faults){ .garbage = true });
    standin_ask(&a, s, "/api/v0/version");
    cr_assert_eq(a.status, 200);
    cr_assert_eq(strstr(buf_text(&a.text), "Version"), NULL);
    standin_ask_end(&a);

    standin_set_faults(s, &(struct standin_faults){ .refuse_until_us = w.now_us + 1000 });
    cr_assert(standin_refuses(s));
    standin_world_run(&w, 1000);
    cr_assert_not(standin_refuses(s));
    standin_world_end(&w);
}

/* ---- parts ---- */

Test(standin, uploads_in_any_pieces)
{
    static const char body[] =
        "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"data\"; filename=\"\"\r\n\r\n"
        "raw block\n\r\n--b \r\ncontent-type: text/plain\r\n\r\n\r\n--bx\r\n--b--\r\nepilogue";
    for (size_t piece = 1; piece < sizeof body; piece++) {
        struct standin_world w;
        struct standin_ask a;
        standin_world_begin(&w, 1);
        standin_ask_begin(&a, "POST", "/api/v0/block/put");
        standin_ask_field(&a, "Content-Type", "multipart/form-data; boundary=b");
        a.x.request.has_body = true;
        standin_on_request(w.ones[0].s, &a.x);
        for (size_t at = 0; at < sizeof body - 1; at += piece) {
            size_t left = sizeof body - 1 - at;
            cr_assert_gt(a.x.on_body(&a.x, body + at, left < piece ? left : piece), 0);
        }
        a.x.on_body_end(&a.x);
        /* the second block is "\r\n--bx" */
        cr_assert_str_eq(buf_text(&a.text),
                         "{\"Key\":\"bafkreia43tmoxpxcby5kl3wbdzfefrppwrd6qnke74nublzmgy4bde4cmi\","
                         "\"Size\":10}\n"
                         "{\"Key\":\"bafkreiclwewycbn3jute6ym764hil6pz2ritjf7fmgxabl5alxelarvl4q\","
                         "\"Size\":6}\n",
                         "pieces of %zu: %s", piece, buf_text(&a.text));
        standin_ask_end(&a);
        standin_world_end(&w);
    }
}
