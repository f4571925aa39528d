#include <criterion/criterion.h>
#include <string.h>

#include "sim/script/options.h"
#include "sim/script/script.h"
#include "util/err.h"

TestSuite(sim_script, .timeout = 60);

static struct script script;

static int parse(const char *text)
{
    return script_parse(&script, "x.scn", text, strlen(text));
}

/* The whole message of a text that must not be understood. */
static void refused(const char *text, const char *message)
{
    cr_assert_eq(parse(text), ERR_INVALID, "%s", text);
    const char *got = buf_text(&script.error);
    cr_assert(strncmp(got, message, strlen(message)) == 0, "%s\n  got:      %s\n  expected: %s",
              text, got, message);
    script_deinit(&script);
}

Test(sim_script, uploads)
{
    int err = parse("peers 3\n"
                    "add c1..c3 by 1 factor 2 over 5s aborted fails 503 \"no leader\"\n"
                    "clients 4 adding over 2s unpin 10%\n"
                    "try add photos\n");
    cr_assert_eq(err, OK, "%s", buf_text(&script.error));
    const struct script_step *s = script.steps;
    cr_assert(script.has_uploads);
    cr_assert(s[0].verb == VERB_ADD && s[0].over_us == 5000000 && s[0].aborts);
    cr_assert(s[0].by.count == 1 && s[0].factor_max == 2 && s[0].outcome.status == 503);
    cr_assert(s[1].adds && s[1].over_us == 2000000 && s[1].unpin_per_million == 100000);
    cr_assert(s[2].over_us == 0 && !s[2].aborts && s[2].outcome.want == OUTCOME_ANY);
    script_deinit(&script);
    cr_assert_eq(parse("peers 1\npin c1\n"), OK);
    cr_assert_not(script.has_uploads);
    script_deinit(&script);
    refused("peers 1\nadd c1 expires 5s\n",
            "x.scn:2: expected by, factor, name, over, aborted or fails, found `expires`");
    refused(
        "peers 1\nclients 1 over 5s\n",
        "x.scn:2: expected every, contents, unpin, read, leaving or adding [over], found `over`");
}

/* Of what is sent nobody waits for the answer. */
Test(sim_script, a_clients_operation_is_sent)
{
    cr_assert_eq(parse("peers 3\nsend remove 2 forced by 1\nremove 3\n"), OK, "%s",
                 buf_text(&script.error));
    cr_assert(script.steps[0].is_sent && script.steps[0].forced && !script.steps[1].is_sent);
    script_deinit(&script);
    refused("peers 3\nsend crash 2\n", "x.scn:2: expected an operation of a client, behind `send`");
}

/* One direction at a time, and what waits in it. */
Test(sim_script, a_way_is_clogged)
{
    cr_assert_eq(parse("peers 3\nclog 1 -> 2 3\nexpect waiting 1 -> 2 under 40\n"
                       "heal 1 -> 2\nfaults drawn without clogs\n"),
                 OK, "%s", buf_text(&script.error));
    const struct script_step *s = script.steps;
    cr_assert(s[0].verb == VERB_CLOG && s[0].one_way && s[0].groups_count == 1);
    cr_assert(s[0].groups[0].items[0].first == 1 && s[0].by.count == 2);
    cr_assert(s[1].condition.kind == CONDITION_WAITING && s[1].condition.count == 40);
    cr_assert_eq(s[1].condition.whom.items[0].first, 2);
    cr_assert_eq(s[3].without, UINT64_C(1) << FAULT_CLOGS);
    script_deinit(&script);
    refused("peers 3\nclog 1 | 2\n", "x.scn:2: expected `->` and who hears nothing: one direction "
                                      "is clogged at a time, found `|`");
    refused("peers 3\nclog 1\n", "x.scn:2: expected `->` and who hears nothing");
    refused("peers 3\nexpect waiting 1 -> 2\n",
            "x.scn:2: expected `under` and how many frames, found the end of the line");
}

/* What can be the matter with a daemon, or with one of its commands. */
Test(sim_script, a_daemon_errs_in_many_ways)
{
    cr_assert_eq(parse("peers 3\nipfs 1 error \"no space\" on pin/add\nipfs 2 lies 2GB\n"
                       "ipfs 3 collects\nclients 2 leaving 10%\n"),
                 OK, "%s", buf_text(&script.error));
    const struct script_step *s = script.steps;
    cr_assert(s[0].ipfs == IPFS_ERROR && s[0].command.len == 7);
    cr_assert(s[1].ipfs == IPFS_LIES && s[1].free_bytes == 2000000000);
    cr_assert(s[2].ipfs == IPFS_COLLECTS && s[3].leave_per_million == 100000);
    script_deinit(&script);
    refused("peers 1\nipfs 1 mute on pin/ls\n", "x.scn:2: ");
}

Test(sim_script, a_scenario_is_read)
{
    int err = parse("# what it shows\n"
                    "peers 3 spares 1\n"
                    "option metric_ttl 2s   # short\n"
                    "option factor 2..3\n"
                    "\n"
                    "start 1..3\n"
                    "until leader within 10s\n"
                    "let old be leader\n"
                    "pin c1 photos by followers factor 2 name \"a # b\"\n"
                    "try unpin c1..c20\n"
                    "cut old | all but old\n"
                    "cut old -> one of followers\n"
                    "pin c9 by old fails 503 \"no leader\"\n"
                    "network loss 0.5% delay 1ms..20ms late 1% 5s\n"
                    "ipfs all down\n"
                    "ipfs 1 2 loses c1\n"
                    "clock 2 wall -3h\n"
                    "until pinned c1 c4..c6 on 2 peers within 1m\n"
                    "hold no leader at old for 5s\n");
    cr_assert_eq(err, OK, "%s", buf_text(&script.error));
    cr_assert(script.peers_count == 3 && script.spares_count == 1);
    cr_assert_eq(script.options_count, 2);
    cr_assert_eq(script.steps_count, 14);
    const struct script_step *s = script.steps;
    cr_assert(s[0].verb == VERB_START && s[0].line == 6);
    cr_assert(s[0].who.items[0].first == 1 && s[0].who.items[0].last == 3);
    cr_assert(s[1].condition.kind == CONDITION_LEADER && s[1].time_us == 10000000);
    cr_assert(s[3].contents.count == 2 && s[3].factor_min == 2 && s[3].factor_max == 2);
    cr_assert(bytes_equal(s[3].name, (struct bytes){ "a # b", 5 }));
    cr_assert_eq(s[3].by.items[0].kind, WHO_FOLLOWERS);
    cr_assert(s[4].outcome.want == OUTCOME_ANY && s[4].contents.items[0].is_range);
    cr_assert_eq(s[4].contents.items[0].last, 20);
    cr_assert(s[5].groups_count == 2 && s[5].groups[1].items[1].is_taken_out);
    cr_assert(s[6].one_way && s[6].by.is_one_of);
    cr_assert(s[7].outcome.want == OUTCOME_FAILS && s[7].outcome.status == 503);
    cr_assert_eq(s[8].network.loss_per_million, 5000);
    cr_assert(s[8].network.delay_max_us == 20000 && s[8].network.late_us == 5000000);
    cr_assert(s[9].ipfs == IPFS_DOWN && s[9].who.count == 1);
    cr_assert(s[10].ipfs == IPFS_LOSES && s[10].who.count == 2);
    cr_assert_eq(s[11].jump_us, -3 * INT64_C(3600000000));
    cr_assert(s[12].condition.count == 2 && s[12].condition.contents.count == 2);
    cr_assert(s[13].condition.kind == CONDITION_NO_LEADER && s[13].time_us == 5000000);
    struct bytes line = script_line(&script, 8);
    cr_assert(bytes_equal(line, (struct bytes){ "let old be leader", 17 }));

    struct peer_options options = { 0 };
    for (size_t i = 0; i < script.options_count; i++)
        script_option_apply(&options, script.options[i].name, script.options[i].value);
    cr_assert_eq(options.metric_ttl_us, 2000000);
    cr_assert(options.replication_min == 2 && options.replication_max == 3);
    script_deinit(&script);
}

Test(sim_script, errors_name_file_line_and_what_was_expected)
{
    refused("", "x.scn: expected `peers N` and at least one step, found neither");
    refused("start 1\n", "x.scn:1: expected `peers N` before anything else, found `start`");
    refused("peers 0\n", "x.scn:1: expected how many peers, 1 to 32, found `0`");
    refused("peers 3\n\nbreak 1\n", "x.scn:3: expected a step: start, crash, cut, pin, until, ... "
                                    "(docs/SIMULATOR.md), found `break`");
    refused("peers 3\ncrash 4\n",
            "x.scn:2: expected peers: numbers, 2..4, all, up, down, leader, "
            "followers, voters, learners, holders of CONTENT, or a name, found `4`\n"
            "    [try] crash PEERS");
    refused(
        "peers 3\ncrash\n",
        "x.scn:2: expected peers: numbers, 2..4, all, up, down, leader, "
        "followers, voters, learners, holders of CONTENT, or a name, found the end of the line");
    refused("peers 3\ncrash 1 hard\n", "x.scn:2: expected the end of the line, found `hard`");
    refused("peers 3\ncut 1\n", "x.scn:2: expected `|` and the other side, or `->`");
    refused("peers 3\nuntil leader\n", "x.scn:2: expected `within` and a time");
    refused("peers 3\nwait 5\n", "x.scn:2: expected how long, as 5s, found `5`");
    refused("peers 3\nwait 99999999999999999999s\n", "x.scn:2: expected how long");
    refused("peers 3\npin\n", "x.scn:2: expected names of contents, as c1, photos or c1..c20");
    refused("peers 3\npin c9..c3\n", "x.scn:2: expected names of contents");
    refused("peers 3\npin a1..b3\n", "x.scn:2: expected names of contents");
    refused("peers 3\npin c1 name \"open\n", "x.scn:2: expected a closing quote");
    refused("peers 3\npin c1 by old\n", "x.scn:2: expected peers");
    refused("peers 3\nlet all be 1\n", "x.scn:2: expected a name of your own");
    refused("peers 3\nnetwork loss 101%\n", "x.scn:2: expected a percentage, as 5% or 0.01%");
    refused("peers 3\nnetwork loss 100.5%\n", "x.scn:2: expected a percentage");
    refused("peers 3\nnetwork loss 0.12345%\n", "x.scn:2: expected a percentage");
    refused("peers 3\noption speed 3\n", "x.scn:2: expected an option: heartbeat, election");
    refused("peers 3\noption metric_ttl 3\n",
            "x.scn:2: expected a time, as 500ms or 30s, found `3`");
    refused("peers 3\nstart 1\noption metric_ttl 3s\n",
            "x.scn:3: expected options before the first step");
    refused("peers 3\npeers 4\n", "x.scn:2: expected `peers` only once");
    refused("peers 3\ntry pause 1\n",
            "x.scn:2: expected start, crash, or an operation of a client, behind `try`");
    refused("peers 3\nseed x\n", "x.scn:2: expected a number, found `x`");
    refused("peers 3\nseed 1\nseed 2\n", "x.scn:3: expected `seed` only once");
    refused("peers 3\nstill\n", "x.scn:2: expected all, or kinds of choices");
    refused(
        "peers 3\nstill net-delay election\n",
        "x.scn:2: expected all, or a kind of the world's choices, as net-delay, found `election`");
    refused("peers 3\nstart 1\nseed 2\n", "x.scn:3: expected a step");
    refused("peers 3\nipfs 1 sleepy\n", "x.scn:2: expected well, slow, hang, error");
    refused("peers 3\nipfs up\n", "x.scn:2: expected well, slow, hang");
}

Test(sim_script, numbers_are_exact_without_floating_point)
{
    cr_assert_eq(parse("peers 1\nnetwork loss 0.0001% copies 100% reorder 12.5%\n"), OK);
    cr_assert_eq(script.steps[0].network.loss_per_million, 1);
    cr_assert_eq(script.steps[0].network.copies_per_million, 1000000);
    cr_assert_eq(script.steps[0].network.reorder_per_million, 125000);
    script_deinit(&script);
}

Test(sim_script, chance_is_set_up)
{
    cr_assert_eq(parse("peers 1\nstart 1\n"), OK);
    cr_assert(script.seed == 1 && !script.has_seed && !script.is_supervised);
    script_deinit(&script);
    cr_assert_eq(parse("peers 1\nseed 18446744073709551615\nstill net-delay ipfs\nsupervised\n"
                       "try start 1\nnetwork refusals 1% http_breaks 2% http_refusals 3%\n"
                       "ipfs 1 half\nipfs 1 garbage\n"),
                 OK, "%s", buf_text(&script.error));
    cr_assert(script.seed == UINT64_MAX && script.is_supervised);
    cr_assert(script.is_still[CHOICE_NET_DELAY] && script.is_still[CHOICE_IPFS]);
    cr_assert_not(script.is_still[CHOICE_NET_FAULT]);
    cr_assert_eq(script.steps[0].outcome.want, OUTCOME_ANY);
    cr_assert_eq(script.steps[1].network.http_refusals_per_million, 30000);
    cr_assert(script.steps[2].ipfs == IPFS_HALF && script.steps[3].ipfs == IPFS_GARBAGE);
    script_deinit(&script);
    cr_assert_eq(parse("peers 1\nstill all\nstart 1\n"), OK);
    cr_assert(script.is_still[0] && script.is_still[CHOICE_ELECTION - 1]);
    cr_assert_not(script.is_still[CHOICE_ELECTION]);
    script_deinit(&script);
}
