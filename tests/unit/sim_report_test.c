/* What is said of a run: to people, to machines, and from process to process. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "sim/report/columns.h"
#include "sim/report/verdict.h"
#include "sim/search/sweep.h"
#include "util/err.h"
#include "util/json.h"

TestSuite(sim_report, .timeout = 60);

static const char text[] = "peers 1\nstart all\nuntil leader within 30s\nexpect listed c1\n";
static struct script script;
static struct play_result failed, passed;

static void setup(void)
{
    cr_assert_eq(script_parse(&script, "a&b.scn", text, strlen(text)), OK);
    passed = (struct play_result){ .passed = true, .seed = 3, .events = 9, .virtual_us = 1500000 };
    failed = (struct play_result){ .seed = 18446744073709551615u, .line = 4, .events = 7 };
    failed.hash = (struct hash128){ .high = 1, .low = 0xabc };
    play_result_blame(&failed, "scenario", "it is not so: \"c1\" <is> not listed");
}

static void teardown(void)
{
    play_result_deinit(&failed);
    play_result_deinit(&passed);
    script_deinit(&script);
}

Test(sim_report, a_result_travels_whole, .init = setup, .fini = teardown)
{
    struct buf bytes = { 0 };
    struct play_result r;
    failed.checks.repins = 5;
    buf_append_text(&failed.faults, "loss");
    play_result_encode(&failed, &bytes);
    cr_assert_eq(play_result_decode(&r, buf_bytes(&bytes)), OK);
    cr_assert(!r.passed && r.seed == failed.seed && r.line == 4 && r.checks.repins == 5);
    cr_assert(play_result_equal(&r, &failed));
    cr_assert_str_eq(r.checker, "scenario");
    cr_assert_str_eq(buf_text(&r.why), buf_text(&failed.why));
    cr_assert_str_eq(buf_text(&r.faults), "loss");
    play_result_deinit(&r);
    for (size_t len = 0; len < bytes.len; len++) {
        cr_assert_eq(play_result_decode(&r, (struct bytes){ bytes.data, len }), ERR_CORRUPT);
        play_result_deinit(&r);
    }
    buf_deinit(&bytes);
}

Test(sim_report, a_run_is_one_json_object_on_one_line, .init = setup, .fini = teardown)
{
    struct buf out = { 0 };
    struct json_doc doc;
    report_json(&out, &script, &failed);
    cr_assert_eq(((char *)out.data)[out.len - 1], '\n');
    cr_assert_eq(memchr(out.data, '\n', out.len), out.data + out.len - 1);
    cr_assert_eq(json_parse(&doc, (const char *)out.data, out.len), OK);
    json_doc_deinit(&doc);
    const char *line = buf_text(&out);
    cr_assert(strstr(line, "\"seed\":18446744073709551615,\"verdict\":\"failed\"") != NULL, "%s",
              line);
    cr_assert(strstr(line, "\"checker\":\"scenario\",\"events\":7,\"virtual_us\":0") != NULL);
    cr_assert(strstr(line, "\"trace_hash\":\"00000000000000010000000000000abc\"") != NULL);
    cr_assert(strstr(line, "--seed 18446744073709551615\"") != NULL);
    buf_clear(&out);
    report_json(&out, &script, &passed);
    cr_assert(strstr(buf_text(&out), "\"verdict\":\"passed\",\"checker\":null") != NULL);
    cr_assert(strstr(buf_text(&out), "again") == NULL);
    buf_deinit(&out);
}

Test(sim_report, junit_counts_and_escapes, .init = setup, .fini = teardown)
{
    struct buf cases = { 0 }, out = { 0 };
    report_junit_case(&cases, &script, &passed);
    report_junit_case(&cases, &script, &failed);
    report_junit(&out, &cases, 2, 1);
    const char *xml = buf_text(&out);
    cr_assert(strstr(xml, "tests=\"2\" failures=\"1\"") != NULL);
    cr_assert(strstr(xml, "<testcase classname=\"a&amp;b.scn\" name=\"seed 3\"/>") != NULL, "%s",
              xml);
    cr_assert(strstr(xml, "message=\"it is not so: &quot;c1&quot; &lt;is&gt; not listed\"") !=
              NULL);
    cr_assert(strstr(xml, "again: ipfs-cluster-sim run a&amp;b.scn") != NULL);
    buf_deinit(&cases);
    buf_deinit(&out);
}

/* Who reads a report must not take for shown what was left out. */
Test(sim_report, what_was_skipped_is_in_every_report, .init = setup, .fini = teardown)
{
    struct buf out = { 0 }, bytes = { 0 };
    struct play_result r;
    buf_append_text(&passed.skipped, "f<.scn:2: skipped: \"x\"\nf<.scn:3: skipped: y\n");
    play_result_encode(&passed, &bytes);
    cr_assert_eq(play_result_decode(&r, buf_bytes(&bytes)), OK);
    report_json(&out, &script, &r);
    cr_assert(strstr(buf_text(&out), "\"skipped\":[\"f\\u003c.scn:2: skipped: \\\"x\\\"\","
                                     "\"f\\u003c.scn:3: skipped: y\"]") != NULL,
              "%s", buf_text(&out));
    buf_clear(&out);
    report_json(&out, &script, &failed);
    cr_assert(strstr(buf_text(&out), "\"skipped\":[],") != NULL, "%s", buf_text(&out));
    buf_clear(&out);
    report_junit_case(&out, &script, &r);
    cr_assert(strstr(buf_text(&out), "name=\"seed 3\">\n    <system-out>f&lt;.scn:2: skipped: "
                                     "&quot;x&quot;\nf&lt;.scn:3: skipped: y\n</system-out>\n"
                                     "  </testcase>") != NULL,
              "%s", buf_text(&out));
    play_result_deinit(&r);
    buf_deinit(&bytes);
    buf_deinit(&out);
}

/* A run of processes has no trace, and "again" must not mean the simulator. */
Test(sim_report, a_real_run_is_repeated_with_processes, .init = setup, .fini = teardown)
{
    struct buf out = { 0 };
    failed.is_real = true;
    report_verdict(&out, &script, &failed);
    cr_assert(strstr(buf_text(&out), "551615 --real\n") != NULL, "%s", buf_text(&out));
    buf_deinit(&out);
}

Test(sim_report, every_scenario_has_every_seed, .init = setup, .fini = teardown)
{
    struct script scripts[2] = { script, script };
    struct sweep s = { .scripts = scripts, .scripts_count = 2, .first = 10, .seeds_count = 2 };
    static const struct sweep_job wanted[] = { { 0, 10 }, { 0, 11 }, { 1, 10 }, { 1, 11 } };
    struct sweep_job job;
    for (size_t i = 0; i < 4; i++) {
        cr_assert(sweep_next(&s, &job));
        cr_assert(job.script == wanted[i].script && job.seed == wanted[i].seed);
    }
    cr_assert_not(sweep_next(&s, &job));
    struct play_result r;
    sweep_play(&s, &job, &r);
    cr_assert_str_eq(r.checker, "scenario");
    sweep_add(&s, &r);
    cr_assert(s.failed == 1 && s.passed == 0 && s.events == r.events);
    play_result_deinit(&r);
}

/* ---- columns ---- */

static struct buf table;

static void on_row(void *owner, const char *line)
{
    (void)owner;
    buf_append_text(&table, line);
    buf_append_text(&table, "\n");
}

Test(sim_report, a_run_is_told_in_columns)
{
    static const char two[] = "peers 2\nstart all   # both\n";
    struct columns c;
    cr_assert_eq(script_parse(&script, "x.scn", two, strlen(two)), OK);
    columns_init(&c, &script);
    c.print = on_row;
    columns_line(&c, 0, 0, "line 2");
    columns_line(&c, 0, 1, "starts");
    columns_line(&c, 1000, 2, "starts");
    columns_line(&c, 1500, 2, "frame from 1, stream 0, 3 bytes");
    columns_line(&c, 2000000, 1, "term 3: LEADER, leader is member 1");
    for (unsigned i = 0; i < 3; i++) {
        char said[32];
        snprintf(said, sizeof(said), "append %u@3", 7 + i);
        columns_line(&c, 2000001 + i, 1, said);
        columns_line(&c, 2000002 + i, 2, said);
    }
    columns_line(&c, 2000009, 1, "committed 9");
    columns_line(&c, 2000010, 2, "append 8@4"); /* of another term: not the same run of entries */
    columns_line(&c, 2000011, 2, "crashes");
    columns_line(&c, 9000000, 0, "a checker: it is so");
    columns_end(&c);
    cr_assert_str_eq(buf_text(&table),
                     "    0.000000  xx  ---- line 2: start all   # both\n"
                     "    0.000000  .x  starts\n"
                     "    0.001000  ..                    starts\n"
                     "    2.000000  L.  term 3: LEADER, leader is member 1\n"
                     "    2.000004  L.                    appends 7..9@3\n"
                     "    2.000009  L.  appends 7..9@3, committed 9\n"
                     "    2.000010  L.                    appends 8@4\n"
                     "    2.000011  Lx                    crashes\n"
                     "    9.000000  Lx  a checker: it is so\n",
                     "got:\n%s", buf_text(&table));
    buf_deinit(&table);
    script_deinit(&script);
}
