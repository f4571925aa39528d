#include "sim/report/verdict.h"

typedef unsigned long long ull;

void report_verdict(struct buf *out, const struct script *script, const struct play_result *r)
{
    char hash[TRACE_HASH_TEXT_SIZE];
    trace_hash_print(r->hash, hash);
    buf_printf(out, "%s %s seed %llu: %llu.%03llu s, %llu events, hash %s\n",
               r->passed ? "PASS" : "FAIL", script->file, (ull)r->seed,
               (ull)(r->virtual_us / 1000000), (ull)(r->virtual_us / 1000 % 1000), (ull)r->events,
               hash);
    buf_append(out, r->notes.data, r->notes.len);
    if (r->passed)
        return;
    struct bytes line = script_line(script, r->line);
    buf_printf(out, "  %s: %.*s\n", r->checker, (int)r->why.len,
               r->why.len > 0 ? (const char *)r->why.data : "");
    buf_printf(out, "  at %s:%u: %.*s\n", script->file, r->line, (int)line.len,
               (const char *)line.data);
    if (r->faults.len > 0)
        buf_printf(out, "  faults: %.*s\n", (int)r->faults.len, (const char *)r->faults.data);
    buf_printf(out, "  again: ipfs-cluster-sim run %s --seed %llu --trace\n", script->file,
               (ull)r->seed);
}

void report_speed(struct buf *out, uint64_t events, uint64_t virtual_us, uint64_t real_us)
{
    if (real_us == 0)
        real_us = 1;
    buf_printf(out, "%llu events a second, %llu simulated seconds a second\n",
               (ull)(events * 1000000 / real_us), (ull)(virtual_us / real_us));
}
