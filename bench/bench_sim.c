/* How fast the simulator is, in time of the processor: `make bench-sim`. Each number is the median of three.
 *   events a second with every checker, the codec and the simulated disks, under drawn faults: deliveries, timers and
 *   completions, without what peers told their observer, which the trace counts, too;
 *   simulated seconds a second: five peers, heartbeats of 100 ms, ten operations of clients a second, drawn faults;
 *   short runs a second: from an empty world to a thousand events, in one process. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "sim/search/play.h"
#include "sim/search/swarm.h"
#include "util/err.h"

static const char steady[] = "peers 5\n"
                             "option factor 2..3\n"
                             "option heartbeat 100ms\n"
                             "option election 1s\n"
                             "start all\n"
                             "until ready all within 60s\n"
                             "faults drawn\n"
                             "clients 1 every 80ms contents 50 unpin 30%\n"
                             "wait 10m\n";

static const char short_run[] = "peers 3\n"
                                "options drawn\n"
                                "start all\n"
                                "faults drawn\n"
                                "clients 2 every 100ms contents 10 unpin 30%\n"
                                "wait 10m\n";

struct measured {
    uint64_t runs, events, virtual_us, cpu_us;
};

static uint64_t cpu_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Seeds one after the other until the time is over. */
static struct measured measure(const char *text, uint64_t events_max, uint64_t for_us)
{
    struct script script;
    struct measured m = { 0 };
    if (script_parse(&script, "bench", text, strlen(text)) != OK)
        bench_die("%s", buf_text(&script.error));
    uint64_t begin_us = cpu_now_us();
    for (uint64_t seed = 1; m.cpu_us < for_us; seed++) {
        struct play_result r;
        play(&script, &(struct play_options){ .seed = seed, .events_max = events_max }, &r);
        if (!r.passed && strcmp(r.checker, "limit") != 0)
            bench_die("seed %llu fails: %s: %s", (unsigned long long)seed, r.checker,
                      buf_text(&r.why));
        m.runs += 1;
        m.events += r.events - r.checks.facts;
        m.virtual_us += r.virtual_us;
        m.cpu_us = cpu_now_us() - begin_us;
        play_result_deinit(&r);
    }
    script_deinit(&script);
    return m;
}

int main(void)
{
    double events[BENCH_RUNS], seconds[BENCH_RUNS], runs[BENCH_RUNS];
    for (unsigned i = 0; i < BENCH_RUNS; i++) {
        struct measured swarm = measure(swarm_text, 0, 3000000);
        struct measured calm = measure(steady, 0, 3000000);
        struct measured shorts = measure(short_run, 1000, 2000000);
        events[i] = bench_rate(swarm.events, swarm.cpu_us);
        seconds[i] = bench_rate(calm.virtual_us, calm.cpu_us) / 1000000;
        runs[i] = bench_rate(shorts.runs, shorts.cpu_us);
    }
    printf("| simulator, one core, all checkers | |\n|---|---|\n");
    printf("| events a second, mixes of faults | %.0f |\n", bench_median(events, BENCH_RUNS));
    printf("| simulated seconds a second, five peers, ten operations a second, faults | %.0f |\n",
           bench_median(seconds, BENCH_RUNS));
    printf("| runs of 1,000 events a second | %.0f |\n", bench_median(runs, BENCH_RUNS));
    return 0;
}
