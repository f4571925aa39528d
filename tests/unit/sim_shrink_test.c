/* Scenarios as lists of lines, runs told as scenarios, and failures made small. */
#include <criterion/criterion.h>
#include <string.h>

#include "sim/search/shrink.h"
#include "sim/search/swarm.h"
#include "sim/search/unroll.h"
#include "util/err.h"

TestSuite(sim_shrink, .timeout = 120);

static void add(struct plot *p, const char *text, unsigned deed)
{
    plot_add(p, (struct bytes){ text, strlen(text) }, deed, strncmp(text, "option", 6) == 0);
}

static void prints(const struct plot *p, const char *expected)
{
    struct buf out = { 0 };
    plot_print(p, &out);
    cr_assert_str_eq(buf_text(&out), expected, "got:\n%s", buf_text(&out));
    buf_deinit(&out);
}

/* ---- plots ---- */

Test(sim_shrink, a_plot_is_printed_as_a_scenario)
{
    struct plot p = { .peers_count = 3, .seed = 1 }, copy;
    add(&p, "option window 1", 0);
    add(&p, "start all", 0);
    plot_add_wait(&p, 0);
    plot_add_wait(&p, 1500);
    plot_add_wait(&p, 500);
    add(&p, "crash 1", 7);
    prints(&p, "peers 3\noption window 1\n\nstart all\nwait 2ms\ncrash 1\n");
    plot_copy(&copy, &p);
    plot_remove(&copy, 1);
    copy.seed = 9;
    copy.is_still[CHOICE_NET_DELAY] = true;
    prints(&copy, "peers 3\nseed 9\nstill net-delay\noption window 1\n\nwait 2ms\ncrash 1\n");
    plot_deinit(&copy);
    prints(&p, "peers 3\noption window 1\n\nstart all\nwait 2ms\ncrash 1\n");
    plot_deinit(&p);
}

Test(sim_shrink, waits_that_meet_become_one)
{
    struct plot p = { .peers_count = 1, .seed = 1 };
    add(&p, "start all", 0);
    plot_add_wait(&p, 1000);
    add(&p, "crash 1", 0);
    plot_add_wait(&p, 2000);
    plot_remove(&p, 2);
    prints(&p, "peers 1\n\nstart all\nwait 3ms\n");
    plot_deinit(&p);
}

Test(sim_shrink, lines_that_say_something_are_counted)
{
    static const char text[] = "# what\n\npeers 3\n  # more\nstart all # now\n\t\nwait 1s";
    cr_assert_eq(plot_text_lines((struct bytes){ text, strlen(text) }), 3);
}

/* ---- edits ---- */

Test(sim_shrink, a_machine_less)
{
    struct plot p = { .peers_count = 4, .seed = 1 };
    static const char *const lines[] = { "start all",
                                         "crash 2",
                                         "crash 3 2",
                                         "cut 2 | 1 3 4",
                                         "cut 1 2 | 3 4",
                                         "cut 4 -> 2",
                                         "cut 4 -> 3",
                                         "ipfs 3 slow 30s",
                                         "pin a1 by 4 factor 2",
                                         "try start 2",
                                         "clients 2 every 1s",
                                         "pin a2 by 2" };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        add(&p, lines[i], 0);
    cr_assert(edit_machine(&p, 1, 0));
    prints(&p, "peers 3\n\nstart all\ncrash 2\ncut 1 | 2 3\ncut 3 -> 2\nipfs 2 slow 30s\n"
               "pin a1 by 3 factor 2\nclients 2 every 1s\n");
    plot_deinit(&p);
}

Test(sim_shrink, numbers_become_round)
{
    struct plot p = { .peers_count = 1, .seed = 1 };
    add(&p, "network delay 10879us..210142us late 2.1350% 7s", 0);
    add(&p, "network loss 0.0716%", 0);
    add(&p, "crash 1", 0);
    cr_assert(edit_round(&p, 0, 0));
    cr_assert(edit_round(&p, 1, 0));
    cr_assert_not(edit_round(&p, 1, 0));
    cr_assert_not(edit_round(&p, 2, 0));
    prints(&p, "peers 1\n\nnetwork delay 10ms..200ms late 2% 7s\nnetwork loss 0.07%\ncrash 1\n");
    plot_deinit(&p);
}

/* ---- told as a scenario ---- */

/* Its faults told as steps, a seed is the same run: every fact of it, in the same time. */
static void told_and_played_again(uint64_t seed, struct buf *text)
{
    struct script script, told;
    struct play_result first, again;
    struct plot plot;
    cr_assert_eq(script_parse(&script, "swarm", swarm_text, strlen(swarm_text)), OK);
    unroll(&script, seed, &plot, &first);
    cr_assert(first.passed);
    buf_clear(text);
    plot_print(&plot, text);
    cr_assert(strstr(buf_text(text), "drawn") == NULL && strstr(buf_text(text), "faults") == NULL);
    cr_assert_eq(script_parse(&told, "told", text->data, text->len), OK, "%s",
                 buf_text(&told.error));
    cr_assert_eq(told.seed, seed);
    play(&told, &(struct play_options){ .seed = told.seed }, &again);
    cr_assert(again.passed, "%s: %s", again.checker, buf_text(&again.why));
    cr_assert_eq(again.virtual_us, first.virtual_us);
    cr_assert(memcmp(&again.checks, &first.checks, sizeof(first.checks)) == 0);
    play_result_deinit(&first);
    play_result_deinit(&again);
    plot_deinit(&plot);
    script_deinit(&script);
    script_deinit(&told);
}

/* Seeds whose operators have all been heard before the script waits for rest: a step in the midst of that wait ends it and
 * begins another one, which looks at other moments. */
Test(sim_shrink, drawn_faults_can_be_told)
{
    struct buf text = { 0 };
    told_and_played_again(1, &text);
    buf_deinit(&text);
}

/* So are joins, removals and drains, of which nobody waits for the answer. */
Test(sim_shrink, changes_of_membership_are_told_as_steps)
{
    static const char *const words[] = { "send remove ", "send stay ", "send drain ",
                                         "send undrain ", " joining " };
    struct buf text = { 0 };
    told_and_played_again(12, &text);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        cr_assert(strstr(buf_text(&text), words[i]) != NULL, "%s", words[i]);
    buf_deinit(&text);
}

Test(sim_shrink, odd_cuts_and_what_a_daemon_does_are_told_as_steps)
{
    static const char *const words[] = { "cut 1 | 3\n", "cut 1 | 4\n", " on ", " lies ",
                                         " collects\n" };
    struct buf text = { 0 };
    told_and_played_again(20, &text);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        cr_assert(strstr(buf_text(&text), words[i]) != NULL, "%s", words[i]);
    buf_deinit(&text);
}

/* ---- shrinking ---- */

/* Fails when peer 2 crashes while a cut is on, on a machine that was started, and with seed 2 or 17. */
static bool fails_by_rule(const struct plot *p)
{
    int started = 0, cut = 0, found = 0;
    for (size_t i = 0; i < p->count; i++) {
        const char *text = p->lines[i].text != NULL ? p->lines[i].text : "";
        started |= strcmp(text, "start all") == 0;
        cut |= strncmp(text, "cut", 3) == 0;
        cut &= strncmp(text, "heal", 4) != 0;
        found |= cut && started && strcmp(text, "crash 2") == 0;
    }
    return found && (p->seed == 2 || p->seed == 17);
}

static bool play_by_rule(void *owner, struct shrink_try *tries, size_t count)
{
    unsigned *left = owner;
    for (size_t i = 0; i < count; i++)
        tries[i].fails = fails_by_rule(&tries[i].plot);
    if (*left < count)
        return false;
    *left -= (unsigned)count;
    return true;
}

static void long_plot(struct plot *p)
{
    static const char *const pairs[][2] = { { "disk 1 slow", "disk 1 well" },
                                            { "cut 1 -> 3", "heal 1 -> 3" },
                                            { "ipfs 3 hang", "ipfs 3 well" } };
    *p = (struct plot){ .peers_count = 3, .seed = 17 };
    add(p, "option window 3", 0);
    add(p, "start all", 0);
    for (unsigned i = 0; i < 60; i++) {
        add(p, pairs[i % 3][0], 1 + i);
        plot_add_wait(p, 123456);
        if (i == 40)
            add(p, "crash 2", 100);
        add(p, pairs[i % 3][1], 1 + i);
    }
    add(p, "start 2", 100);
}

Test(sim_shrink, the_smallest_is_found_whatever_the_batch)
{
    for (size_t batch = 1; batch <= 9; batch += 4) {
        unsigned left = 100000;
        struct shrink s = { .batch = batch, .play = play_by_rule, .owner = &left };
        play_result_blame(&s.goal, "a checker", "");
        long_plot(&s.best);
        shrink_run(&s);
        prints(&s.best, "peers 3\nseed 2\n\nstart all\ncut 1 -> 3\ncrash 2\n");
        cr_assert(s.tries < 400, "%u", s.tries);
        shrink_deinit(&s);
    }
}

Test(sim_shrink, what_there_is_when_time_is_over_fails)
{
    unsigned left = 20;
    struct shrink s = { .batch = 2, .play = play_by_rule, .owner = &left };
    play_result_blame(&s.goal, "a checker", "");
    long_plot(&s.best);
    shrink_run(&s);
    cr_assert(s.is_over && s.tries <= 24 && fails_by_rule(&s.best));
    shrink_deinit(&s);
}

static bool play_here(void *owner, struct shrink_try *tries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        shrink_play(*(struct shrink **)owner, &tries[i]);
    return true;
}

static void shrinks_to(const char *text, const char *expected)
{
    struct script script;
    struct shrink s = { .batch = 1, .play = play_here };
    struct shrink *self = &s;
    s.owner = &self;
    cr_assert_eq(script_parse(&script, "x.scn", text, strlen(text)), OK, "%s",
                 buf_text(&script.error));
    cr_assert(shrink_begin(&s, &script, 5));
    shrink_run(&s);
    prints(&s.best, expected);
    shrink_deinit(&s);
    script_deinit(&script);
}

/* An expectation that is wrong stays wrong with less; what it speaks of stays. */
Test(sim_shrink, a_failed_expectation_keeps_what_it_speaks_of)
{
    shrinks_to("peers 3\n"
               "option factor everywhere\n"
               "option window 2\n"
               "start all\n"
               "until ready all within 30s\n"
               "pin b1..b5\n"
               "pin a1 factor 1\n"
               "crash 2\n"
               "wait 3s\n"
               "start 2\n"
               "until settled within 60s\n"
               "expect pinned a1 on 2 peers\n",
               "peers 1\n\nstart all\nuntil ready all within 30s\npin a1 factor 1\n"
               "expect pinned a1 on 2 peers\n");
}

Test(sim_shrink, a_run_that_passes_is_not_shrunk)
{
    static const char text[] = "peers 1\nstart all\nuntil leader within 30s\n";
    struct script script;
    struct shrink s = { .batch = 1, .play = play_here };
    struct shrink *self = &s;
    s.owner = &self;
    cr_assert_eq(script_parse(&script, "x.scn", text, strlen(text)), OK);
    cr_assert_not(shrink_begin(&s, &script, 1));
    shrink_deinit(&s);
    script_deinit(&script);
}
