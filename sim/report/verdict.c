#include "sim/report/verdict.h"

#include <string.h>

#include "util/json.h"

typedef unsigned long long ull;

/* The command that repeats it. */
static void report_again(struct buf *out, const struct script *script, const struct play_result *r)
{
    buf_printf(out, "ipfs-cluster-sim run %s --seed %llu%s", script->file, (ull)r->seed,
               r->is_real ? " --real" : "");
}

void report_verdict(struct buf *out, const struct script *script, const struct play_result *r)
{
    char hash[TRACE_HASH_TEXT_SIZE];
    trace_hash_print(r->hash, hash);
    buf_printf(out, "%s %s seed %llu: %llu.%03llu s, %llu events, hash %s\n",
               r->passed ? "PASS" : "FAIL", script->file, (ull)r->seed,
               (ull)(r->virtual_us / 1000000), (ull)(r->virtual_us / 1000 % 1000), (ull)r->events,
               hash);
    buf_append(out, r->skipped.data, r->skipped.len);
    buf_append(out, r->notes.data, r->notes.len);
    if (r->checks.unjudged > 0)
        buf_printf(out, "  %llu contents: too much at once to judge what clients saw\n",
                   (ull)r->checks.unjudged);
    if (r->passed)
        return;
    struct bytes line = script_line(script, r->line);
    buf_printf(out, "  %s: %.*s\n", r->checker, (int)r->why.len,
               r->why.len > 0 ? (const char *)r->why.data : "");
    buf_printf(out, "  at %s:%u: %.*s\n", script->file, r->line, (int)line.len,
               (const char *)line.data);
    if (r->faults.len > 0)
        buf_printf(out, "  faults: %.*s\n", (int)r->faults.len, (const char *)r->faults.data);
    buf_append_text(out, "  again: ");
    report_again(out, script, r);
    buf_append_text(out, r->is_real ? "\n" : " --trace\n");
}

/* An array with a text a line. */
static void report_json_lines(struct json_writer *w, const char *key, const struct buf *lines)
{
    json_key(w, key);
    json_array_begin(w);
    const char *at = lines->len > 0 ? (const char *)lines->data : "";
    for (size_t left = lines->len; left > 0;) {
        const char *end = memchr(at, '\n', left);
        size_t len = end != NULL ? (size_t)(end - at) : left;
        json_string_len(w, at, len);
        len += end != NULL;
        at += len;
        left -= len;
    }
    json_array_end(w);
}

void report_json(struct buf *out, const struct script *script, const struct play_result *r)
{
    char hash[TRACE_HASH_TEXT_SIZE];
    trace_hash_print(r->hash, hash);
    struct json_writer w = json_writer_to(out);
    json_object_begin(&w);
    json_key_string(&w, "scenario", script->file);
    json_key_u64(&w, "seed", r->seed);
    json_key_string(&w, "verdict", r->passed ? "passed" : "failed");
    json_key_string(&w, "checker", r->passed ? NULL : r->checker);
    json_key_u64(&w, "events", r->events);
    json_key_u64(&w, "virtual_us", r->virtual_us);
    json_key_string(&w, "trace_hash", hash);
    json_key_u64(&w, "unjudged", r->checks.unjudged);
    report_json_lines(&w, "skipped", &r->skipped);
    if (!r->passed) {
        struct buf again = { 0 };
        report_again(&again, script, r);
        json_key(&w, "why");
        json_string_len(&w, (const char *)r->why.data, r->why.len);
        json_key_u64(&w, "line", r->line);
        json_key_string(&w, "again", buf_text(&again));
        buf_deinit(&again);
    }
    json_object_end(&w);
    buf_put_u8(out, '\n');
}

void report_speed(struct buf *out, uint64_t events, uint64_t virtual_us, uint64_t real_us)
{
    if (real_us == 0)
        real_us = 1;
    buf_printf(out, "%llu events a second, %llu simulated seconds a second\n",
               (ull)(events * 1000000 / real_us), (ull)(virtual_us / real_us));
}

/* ---- JUnit ---- */

/* What XML cannot hold at all becomes a question mark. */
static void junit_text(struct buf *out, const void *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = ((const unsigned char *)text)[i];
        switch (c) {
        case '<':
            buf_append_text(out, "&lt;");
            break;
        case '>':
            buf_append_text(out, "&gt;");
            break;
        case '&':
            buf_append_text(out, "&amp;");
            break;
        case '"':
            buf_append_text(out, "&quot;");
            break;
        default:
            buf_put_u8(out, c < 0x20 && c != '\n' && c != '\t' ? '?' : c);
        }
    }
}

static void junit_failure(struct buf *cases, const struct script *script,
                          const struct play_result *r)
{
    struct buf whole = { 0 };
    report_verdict(&whole, script, r);
    buf_append_text(cases, "    <failure type=\"");
    junit_text(cases, r->checker, strlen(r->checker));
    buf_append_text(cases, "\" message=\"");
    junit_text(cases, r->why.data, r->why.len);
    buf_append_text(cases, "\">");
    junit_text(cases, whole.data, whole.len);
    buf_append_text(cases, "</failure>\n");
    buf_deinit(&whole);
}

void report_junit_case(struct buf *cases, const struct script *script, const struct play_result *r)
{
    buf_append_text(cases, "  <testcase classname=\"");
    junit_text(cases, script->file, strlen(script->file));
    buf_printf(cases, "\" name=\"seed %llu\"", (ull)r->seed);
    if (r->passed && r->skipped.len == 0) {
        buf_append_text(cases, "/>\n");
        return;
    }
    buf_append_text(cases, ">\n");
    if (!r->passed)
        junit_failure(cases, script, r);
    if (r->skipped.len > 0) {
        buf_append_text(cases, "    <system-out>");
        junit_text(cases, r->skipped.data, r->skipped.len);
        buf_append_text(cases, "</system-out>\n");
    }
    buf_append_text(cases, "  </testcase>\n");
}

void report_junit(struct buf *out, const struct buf *cases, uint64_t count, uint64_t failed)
{
    buf_printf(out,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<testsuite name=\"ipfs-cluster-sim\" tests=\"%llu\" failures=\"%llu\">\n",
               (ull)count, (ull)failed);
    buf_append(out, cases->data, cases->len);
    buf_append_text(out, "</testsuite>\n");
}
