#include "sim/search/play.h"

#include <string.h>

#include "sim/fatal.h"
#include "sim/script/options.h"
#include "sim/script/run.h"
#include "util/assert.h"
#include "util/err.h"

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
    buf_append(&out->skipped, v->notes.data, v->notes.len);
    if (failure->happened) {
        play_result_blame(out, failure->checker, "");
        buf_append(&out->why, failure->text.data, failure->text.len);
    } else if (v->result != SCRIPT_PASSED) {
        play_result_blame(out, "scenario", "");
        buf_append(&out->why, v->why.data, v->why.len);
    }
}

/* What can be told of a world at any moment, also when an assertion has broken off what it was doing. */
static void play_measure(struct world *w, struct play_result *out)
{
    out->events = world_events(w);
    out->virtual_us = world_time_us(w);
    out->is_calm = world_is_calm(w);
    out->hash = world_hash(w);
    out->checks = world_checks(w);
    buf_append_text(&out->faults, world_faults(w));
}

static struct world *play_create(const struct script *script, const struct play_options *options)
{
    struct world_options o = { .seed = options->seed,
                               .founders_count = script->peers_count,
                               .spares_count = script->spares_count,
                               .is_supervised = script->is_supervised,
                               .is_still = script->is_still,
                               .options_drawn = script->options_drawn,
                               .has_uploads = script->has_uploads,
                               .record = options->record,
                               .replay = options->replay,
                               .events_max = options->events_max,
                               .hash_every_log2 = options->hash_every_log2,
                               .hooks = options->hooks };
    play_peer_options(script, &o.peer);
    return world_create(&o);
}

/* `verdict` is the caller's, because an assertion may break this off. */
static void play_world(struct world *w, const struct script *script, struct script_verdict *verdict,
                       struct play_result *out)
{
    struct stage stage = world_stage(w);
    script_run(script, &stage, verdict);
    play_judge(w, verdict, out);
    play_measure(w, out);
}

void play(const struct script *script, const struct play_options *options, struct play_result *out)
{
    memset(out, 0, sizeof(*out));
    out->seed = options->seed;
    struct buf repro = { 0 };
    buf_printf(&repro, "ipfs-cluster-sim run %s --seed %llu", script->file,
               (unsigned long long)options->seed);
    fatal_where(buf_text(&repro));
    buf_deinit(&repro);
    jmp_buf guard;
    struct world *volatile w = NULL;
    struct script_verdict verdict = { 0 };
    if (setjmp(guard) == 0) {
        fatal_guard(&guard);
        w = play_create(script, options);
        play_world(w, script, &verdict, out);
        struct world *over = w;
        w = NULL;
        world_destroy(over);
    } else {
        play_result_blame(out, "assertion", fatal_text());
        out->line = verdict.line;
        if (w != NULL)
            play_measure(w, out);
    }
    fatal_guard(NULL);
    script_verdict_deinit(&verdict);
}

void play_result_deinit(struct play_result *r)
{
    buf_deinit(&r->why);
    buf_deinit(&r->skipped);
    buf_deinit(&r->notes);
    buf_deinit(&r->faults);
}

void play_result_blame(struct play_result *r, const char *checker, const char *why)
{
    size_t len = strlen(checker);
    ASSERT(len < sizeof(r->checker));
    memcpy(r->checker, checker, len + 1);
    r->passed = false;
    buf_append_text(&r->why, why);
}

bool play_result_equal(const struct play_result *a, const struct play_result *b)
{
    return a->hash.high == b->hash.high && a->hash.low == b->hash.low && a->events == b->events;
}

void play_again(const struct script *script, struct play_result *r)
{
    struct play_options options = { .seed = r->seed };
    struct play_result again;
    play(script, &options, &again);
    if (!play_result_equal(r, &again))
        play_result_blame(r, "determinism", "played twice, and the second run was another one");
    play_result_deinit(&again);
}

/* ---- as bytes ---- */

void play_result_encode(const struct play_result *r, struct buf *out)
{
    buf_put_u8(out, r->passed);
    buf_put_u8(out, r->is_calm);
    buf_put_run(out, r->checker, strlen(r->checker));
    buf_put_varint(out, r->line);
    buf_put_run(out, r->why.data, r->why.len);
    buf_put_run(out, r->skipped.data, r->skipped.len);
    buf_put_run(out, r->notes.data, r->notes.len);
    buf_put_run(out, r->faults.data, r->faults.len);
    buf_put_u64(out, r->seed);
    buf_put_u64(out, r->events);
    buf_put_u64(out, r->virtual_us);
    buf_put_u64(out, r->hash.high);
    buf_put_u64(out, r->hash.low);
    const struct checks_counts *c = &r->checks;
    const uint64_t counts[] = { c->facts,         c->committed,        c->leaders,
                                c->promises_kept, c->promises_unknown, c->repins,
                                c->installs,      c->unjudged };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        buf_put_u64(out, counts[i]);
}

static void play_read_text(struct reader *in, struct buf *out)
{
    struct bytes text = reader_run(in, 1024 * 1024);
    buf_append(out, text.data, text.len);
}

int play_result_decode(struct play_result *r, struct bytes bytes)
{
    struct reader in = reader_of(bytes.data, bytes.len);
    memset(r, 0, sizeof(*r));
    r->passed = reader_u8(&in) != 0;
    r->is_calm = reader_u8(&in) != 0;
    struct bytes checker = reader_run(&in, sizeof(r->checker) - 1);
    if (in.err == OK && checker.len > 0)
        memcpy(r->checker, checker.data, checker.len);
    r->line = (unsigned)reader_varint(&in);
    play_read_text(&in, &r->why);
    play_read_text(&in, &r->skipped);
    play_read_text(&in, &r->notes);
    play_read_text(&in, &r->faults);
    r->seed = reader_u64(&in);
    r->events = reader_u64(&in);
    r->virtual_us = reader_u64(&in);
    r->hash.high = reader_u64(&in);
    r->hash.low = reader_u64(&in);
    struct checks_counts *c = &r->checks;
    uint64_t *const counts[] = { &c->facts,         &c->committed,        &c->leaders,
                                 &c->promises_kept, &c->promises_unknown, &c->repins,
                                 &c->installs,      &c->unjudged };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        *counts[i] = reader_u64(&in);
    return reader_finish(&in);
}
