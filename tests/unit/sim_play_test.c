/* The whole simulator, small: what it says of a run can be believed, and nothing of a run is left behind. */
#include <criterion/criterion.h>
#include <string.h>

#include "sim/search/play.h"
#include "sim/search/recording.h"
#include "util/err.h"

TestSuite(sim_play, .timeout = 60);

static struct script script;

static struct play_result play_text(const char *text, uint64_t seed)
{
    int err = script_parse(&script, "x.scn", text, strlen(text));
    cr_assert_eq(err, OK, "%s", buf_text(&script.error));
    struct play_options options = { .seed = seed };
    struct play_result r;
    play(&script, &options, &r);
    script_deinit(&script);
    return r;
}

static const char crash[] = "peers 3\n"
                            "option factor everywhere\n"
                            "start all\n"
                            "until ready all within 30s\n"
                            "pin a1..a5\n"
                            "let old be leader\n"
                            "crash old\n"
                            "until leader is not old within 20s\n"
                            "pin b1..b5\n"
                            "start old\n"
                            "until settled within 60s\n"
                            "expect pinned a1..a5 b1..b5 on 3 peers\n";

static const char faults[] = "peers 4\n"
                             "option factor 2\n"
                             "option metric_ttl 2s\n"
                             "option repin_after 3s\n"
                             "options drawn\n"
                             "start all\n"
                             "until ready all within 60s\n"
                             "faults drawn\n"
                             "clients 3 every 100ms contents 10 unpin 30%\n"
                             "wait 10s\n";

Test(sim_play, a_cluster_survives_its_leader)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct play_result r = play_text(crash, seed);
        cr_assert(r.passed, "%s: %s", r.checker, buf_text(&r.why));
        cr_assert_eq(r.checks.promises_kept, 10);
        cr_assert_geq(r.checks.leaders, 2);
        play_result_deinit(&r);
    }
}

/* Who waits in vain is told what stands in the way, and whether that is reason enough. */
Test(sim_play, a_stuck_run_says_why)
{
    static const struct {
        const char *text, *why;
    } runs[] = {
        { "peers 3\nstart all\nuntil ready all within 30s\ncrash 2 3\nuntil members 9 within 5s\n",
          "(it may be stuck: of the voters 1 2 3 no majority runs and is connected: peer 2 does "
          "not run; peer 3 does not run)" },
        { "peers 3\nstart all\nuntil ready all within 30s\ncut 1 | 2 | 3\nuntil members 9 within "
          "5s\n",
          "no majority runs and is connected: peer 1 is cut from 2 is cut from 3" },
        { "peers 1\nstart 1\nuntil ready 1 within 30s\nipfs 1 hang on pin/add\ndisk 1 slow\npin "
          "a\nuntil "
          "pinned a at 1 within 5s\n",
          "(a majority is there; what may hold it up: peer 1, its disk is slow, its daemon is not "
          "well at pin/add)" },
        { "peers 1\nstart 1\nuntil members 2 within 5s\n",
          "(it should not be stuck: nothing that was done stands in its way)" },
    };
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct play_result r = play_text(runs[i].text, 1);
        cr_assert(!r.passed && strstr(buf_text(&r.why), runs[i].why) != NULL, "%s",
                  buf_text(&r.why));
        play_result_deinit(&r);
    }
}

Test(sim_play, a_run_is_its_seed_whatever_ran_before)
{
    struct play_result first = play_text(faults, 7);
    for (uint64_t seed = 100; seed < 105; seed++) {
        struct play_result other = play_text(faults, seed);
        cr_assert(other.hash.low != first.hash.low);
        play_result_deinit(&other);
    }
    struct play_result again = play_text(faults, 7);
    cr_assert(again.hash.high == first.hash.high && again.hash.low == first.hash.low);
    cr_assert_eq(again.events, first.events);
    play_result_deinit(&first);
    play_result_deinit(&again);
}

Test(sim_play, a_run_is_its_choices)
{
    int err = script_parse(&script, "x.scn", faults, strlen(faults));
    cr_assert_eq(err, OK);
    struct choice_log *log = calloc(1, sizeof(*log));
    struct play_result first, again;
    play(&script, &(struct play_options){ .seed = 7, .record = log }, &first);
    play(&script, &(struct play_options){ .seed = 99, .replay = log }, &again);
    cr_assert(again.hash.high == first.hash.high && again.hash.low == first.hash.low);
    play_result_deinit(&first);
    play_result_deinit(&again);
    choice_log_deinit(log);
    free(log);
    script_deinit(&script);
}

/* Through bytes: what `run --save-choices` keeps is the run. */
Test(sim_play, a_recording_is_the_run)
{
    int err = script_parse(&script, "x.scn", faults, strlen(faults));
    cr_assert_eq(err, OK);
    struct choice_log *log = calloc(1, sizeof(*log));
    struct recording *rec = calloc(1, sizeof(*rec));
    struct play_result first, again;
    struct buf bytes = { 0 };
    play(&script, &(struct play_options){ .seed = 8, .record = log }, &first);
    recording_encode(&bytes, &script, &first, log);
    cr_assert_eq(recording_decode(rec, buf_bytes(&bytes)), OK);
    cr_assert(bytes_equal(rec->text, (struct bytes){ faults, strlen(faults) }));
    play(&script, &(struct play_options){ .seed = 99, .replay = &rec->choices }, &again);
    cr_assert(play_result_equal(&first, &again));
    cr_assert(rec->events == again.events && rec->hash.low == again.hash.low);
    recording_deinit(rec);
    /* Any bit that turns is noticed. */
    for (size_t i = 0; i < bytes.len; i += 97) {
        bytes.data[i] ^= 1;
        cr_assert_neq(recording_decode(rec, buf_bytes(&bytes)), OK);
        bytes.data[i] ^= 1;
    }
    bytes.data[1] += 1;
    cr_assert_eq(recording_decode(rec, buf_bytes(&bytes)), ERR_VERSION);
    play_result_deinit(&first);
    play_result_deinit(&again);
    choice_log_deinit(log);
    free(log);
    free(rec);
    buf_deinit(&bytes);
    script_deinit(&script);
}

/* An edited list of choices is a run, too: what is missing is 0, the harmless outcome. Only the peers' own draws are
 * kept: peers that all draw the same never elect anybody. */
Test(sim_play, a_run_of_harmless_choices_is_calm)
{
    int err = script_parse(&script, "x.scn", faults, strlen(faults));
    cr_assert_eq(err, OK);
    struct choice_log *log = calloc(1, sizeof(*log));
    struct play_result r;
    play(&script, &(struct play_options){ .seed = 8, .record = log }, &r);
    play_result_deinit(&r);
    for (unsigned kind = 0; kind < CHOICE_ELECTION; kind++)
        for (unsigned who = 0; who < CHOICE_WHO_COUNT; who++)
            log->lanes[kind][who].count = 0;
    play(&script, &(struct play_options){ .replay = log }, &r);
    cr_assert(r.passed, "%s: %s", r.checker, buf_text(&r.why));
    cr_assert_str_eq(buf_text(&r.faults), "none");
    play_result_deinit(&r);
    choice_log_deinit(log);
    free(log);
    script_deinit(&script);
}

Test(sim_play, what_is_not_so_is_said_with_its_line)
{
    struct play_result r = play_text("peers 2\n"
                                     "start all\n"
                                     "until leader within 30s\n"
                                     "expect listed c1\n",
                                     1);
    cr_assert_not(r.passed);
    cr_assert_str_eq(r.checker, "scenario");
    cr_assert_eq(r.line, 4);
    cr_assert(strstr(buf_text(&r.why), "c1 is not listed at peer 1") != NULL, "%s",
              buf_text(&r.why));
    play_result_deinit(&r);
}

/* It would found a cluster of its own, beside the one that is judged. */
Test(sim_play, a_spare_does_not_start_by_itself)
{
    struct play_result r = play_text("peers 2 spares 1\nstart all\n", 1);
    cr_assert(!r.passed);
    cr_assert_eq(r.line, 2);
    cr_assert_not_null(strstr(buf_text(&r.why), "peer 3 is a spare"), "%s", buf_text(&r.why));
    play_result_deinit(&r);
    r = play_text("peers 2 spares 1\nstart 1 2\nstart 3 joining 1\n"
                  "until ready all within 30s\ncrash 3\nstart 3\nuntil ready all within 30s\n",
                  1);
    cr_assert(r.passed, "%s", buf_text(&r.why));
    play_result_deinit(&r);
}

Test(sim_play, a_minority_does_not_write)
{
    struct play_result r = play_text("peers 3\n"
                                     "option commit_timeout 3s\n"
                                     "start all\n"
                                     "until ready all within 30s\n"
                                     "let old be leader\n"
                                     "cut old | all but old\n"
                                     "pin c1 by old fails\n"
                                     "pin c2 by followers\n",
                                     3);
    cr_assert(r.passed, "%s: %s", r.checker, buf_text(&r.why));
    play_result_deinit(&r);
}
