#include "sim/search/play.h"

#include <string.h>

#include "sim/fatal.h"
#include "sim/script/options.h"
#include "sim/script/run.h"

static void play_peer_options(const struct script *s, struct peer_options *o)
{
    peer_options_default(o);
    for (size_t i = 0; i < s->options_count; i++)
        script_option_apply(o, s->options[i].name, s->options[i].value);
}

static void play_judge(struct world *w, const struct script_verdict *v, struct play_result *out)
{
    const struct world_failure *failure = world_failure(w);
    out->line = v->line;
    out->passed = v->result == SCRIPT_PASSED && !failure->happened;
    buf_append(&out->notes, v->notes.data, v->notes.len);
    if (failure->happened) {
        out->checker = failure->checker;
        buf_append(&out->why, failure->text.data, failure->text.len);
    } else if (v->result != SCRIPT_PASSED) {
        out->checker = "scenario";
        buf_append(&out->why, v->why.data, v->why.len);
    }
}

static void play_world(const struct script *script, const struct play_options *options,
                       struct play_result *out)
{
    struct world_options o = { .seed = options->seed,
                               .founders_count = script->peers_count,
                               .spares_count = script->spares_count,
                               .options_drawn = script->options_drawn,
                               .record = options->record,
                               .replay = options->replay,
                               .hash_every_log2 = options->hash_every_log2,
                               .hooks = options->hooks };
    play_peer_options(script, &o.peer);
    struct world *w = world_create(&o);
    struct stage stage = world_stage(w);
    struct script_verdict verdict;
    script_run(script, &stage, &verdict);
    play_judge(w, &verdict, out);
    out->events = world_events(w);
    out->virtual_us = world_time_us(w);
    out->hash = world_hash(w);
    out->checks = world_checks(w);
    buf_append_text(&out->faults, world_faults(w));
    script_verdict_deinit(&verdict);
    world_destroy(w);
}

void play(const struct script *script, const struct play_options *options, struct play_result *out)
{
    memset(out, 0, sizeof(*out));
    out->seed = options->seed;
    out->checker = "";
    struct buf repro = { 0 };
    buf_printf(&repro, "ipfs-cluster-sim run %s --seed %llu", script->file,
               (unsigned long long)options->seed);
    fatal_where(buf_text(&repro));
    buf_deinit(&repro);
    jmp_buf guard;
    if (setjmp(guard) == 0) {
        fatal_guard(&guard);
        play_world(script, options, out);
    } else {
        out->passed = false;
        out->checker = "assertion";
        buf_append_text(&out->why, fatal_text());
    }
    fatal_guard(NULL);
}

void play_result_deinit(struct play_result *r)
{
    buf_deinit(&r->why);
    buf_deinit(&r->notes);
    buf_deinit(&r->faults);
}
