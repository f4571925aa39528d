#include "sim/script/run_int.h"

#include "util/err.h"

/* ---- the verdict ---- */

void runner_fail(struct runner *r, const char *format, ...)
{
    if (r->out->result != SCRIPT_PASSED)
        return;
    r->out->result = SCRIPT_FAILED;
    va_list args;
    va_start(args, format);
    buf_vprintf(&r->out->why, format, args);
    va_end(args);
}

bool runner_goes_on(const struct runner *r)
{
    return r->out->result == SCRIPT_PASSED;
}

bool runner_pass(struct runner *r, uint64_t us)
{
    const struct stage_ops *ops = r->stage->ops;
    if (runner_goes_on(r) && !ops->pass(r->stage->impl, ops->now_us(r->stage->impl) + us))
        r->out->result = SCRIPT_CUT_OFF;
    return runner_goes_on(r);
}

/* ---- doing ---- */

static void runner_act(struct runner *r, unsigned who, unsigned other)
{
    struct buf why = { 0 };
    int err = r->stage->ops->act(r->stage->impl, r->step, who, other, &why);
    if (err == ERR_UNSUPPORTED) {
        struct bytes line = script_line(r->script, r->step->line);
        r->out->skipped += 1;
        buf_printf(&r->out->notes, "%s:%u: skipped, this world cannot%s%s%s: %.*s\n",
                   r->script->file, r->step->line, why.len > 0 ? " (" : "", buf_text(&why),
                   why.len > 0 ? ")" : "", (int)line.len, (const char *)line.data);
    } else if (err != OK && r->step->outcome.want != OUTCOME_ANY) {
        runner_fail(r, "%s", why.len > 0 ? buf_text(&why) : err_text(err));
    }
    buf_deinit(&why);
}

static void runner_act_each(struct runner *r, const struct script_who *who)
{
    machine_set set = runner_who(r, who);
    if (set == 0) {
        runner_fail(r, "nobody is meant");
        return;
    }
    for (unsigned machine = 1; machine <= runner_machines(r) && runner_goes_on(r); machine++)
        if (machine_in(set, machine))
            runner_act(r, machine, 0);
}

static void runner_start(struct runner *r)
{
    machine_set set = runner_who(r, &r->step->who);
    unsigned via = 0;
    if (r->step->joins) {
        via = runner_one_of(r, runner_who(r, &r->step->by));
        if (via == 0) {
            runner_fail(r, "there is nobody to join through");
            return;
        }
    }
    for (unsigned machine = 1; machine <= runner_machines(r) && runner_goes_on(r); machine++)
        if (machine_in(set, machine))
            runner_act(r, machine, via);
}

/* From every one of `from` to every one of `to` that is somebody else. */
static void runner_act_pairs(struct runner *r, machine_set from, machine_set to)
{
    for (unsigned a = 1; a <= runner_machines(r); a++)
        for (unsigned b = 1; b <= runner_machines(r) && runner_goes_on(r); b++)
            if (a != b && machine_in(from, a) && machine_in(to, b))
                runner_act(r, a, b);
}

static void runner_paths(struct runner *r)
{
    const struct script_step *step = r->step;
    machine_set sides[SCRIPT_GROUPS_MAX];
    machine_set all = (machine_set)((UINT64_C(1) << runner_machines(r)) - 1);
    if (step->groups_count == 0) {
        runner_act_pairs(r, all, all);
        return;
    }
    for (size_t i = 0; i < step->groups_count; i++)
        sides[i] = runner_who(r, &step->groups[i]);
    if (step->one_way) {
        runner_act_pairs(r, sides[0], runner_who(r, &step->by));
        return;
    }
    for (size_t i = 0; i < step->groups_count; i++)
        for (size_t j = 0; j < step->groups_count; j++)
            if (i != j)
                runner_act_pairs(r, sides[i], sides[j] & ~sides[i]);
}

/* ---- expecting ---- */

static void runner_expect(struct runner *r)
{
    struct buf why = { 0 };
    if (!runner_condition(r, &r->step->condition, &why) && runner_goes_on(r))
        runner_fail(r, "it is not so: %s", buf_text(&why));
    buf_deinit(&why);
}

/* Looks again and again until the condition is (until), or is not any more (hold). */
static void runner_watch(struct runner *r, bool wanted)
{
    const struct stage_ops *ops = r->stage->ops;
    const struct script_step *step = r->step;
    uint64_t deadline_us = ops->now_us(r->stage->impl) + step->time_us;
    struct buf why = { 0 };
    while (runner_goes_on(r)) {
        buf_clear(&why);
        if (runner_condition(r, &step->condition, &why) == wanted || !runner_goes_on(r))
            break;
        uint64_t now_us = ops->now_us(r->stage->impl);
        if (now_us >= deadline_us) {
            if (wanted)
                runner_stuck(r, &why);
            if (wanted)
                runner_fail(r, "not within its time: %s", buf_text(&why));
            break;
        }
        uint64_t pause_us = runner_condition_pause_us(r, &step->condition);
        runner_pass(r, deadline_us - now_us < pause_us ? deadline_us - now_us : pause_us);
    }
    if (!wanted && runner_goes_on(r) && ops->now_us(r->stage->impl) < deadline_us)
        runner_fail(r, "it did not hold: %s", buf_text(&why));
    buf_deinit(&why);
}

/* ---- steps ---- */

static void runner_step(struct runner *r)
{
    switch (r->step->verb) {
    case VERB_START:
        runner_start(r);
        break;
    case VERB_CRASH:
    case VERB_STOP:
    case VERB_PAUSE:
    case VERB_RESUME:
    case VERB_WIPE:
    case VERB_EDIT:
    case VERB_ACCEPT:
    case VERB_MOVE:
    case VERB_IPFS:
    case VERB_DISK:
    case VERB_CLOCK:
    case VERB_MEMORY:
        runner_act_each(r, &r->step->who);
        break;
    case VERB_CUT:
    case VERB_CLOG:
    case VERB_HEAL:
        runner_paths(r);
        break;
    case VERB_NETWORK:
    case VERB_FAULTS:
    case VERB_CLIENTS:
        runner_act(r, 0, 0);
        break;
    case VERB_CONTENT:
        if (r->step->who.count > 0)
            runner_act_each(r, &r->step->who);
        else
            runner_act(r, 0, 0);
        break;
    case VERB_PIN:
    case VERB_ADD:
    case VERB_UNPIN:
    case VERB_RECOVER:
    case VERB_SYNC:
    case VERB_REMOVE:
    case VERB_STAY:
    case VERB_DRAIN:
    case VERB_UNDRAIN:
        runner_ask_all(r, r->step);
        break;
    case VERB_LET:
        r->named[r->step->let_name] = runner_who(r, &r->step->who);
        break;
    case VERB_WAIT:
        runner_pass(r, r->step->time_us);
        break;
    case VERB_EXPECT:
        runner_expect(r);
        break;
    case VERB_UNTIL:
        runner_watch(r, true);
        break;
    case VERB_HOLD:
        runner_watch(r, false);
        break;
    }
}

void script_run(const struct script *script, struct stage *stage, struct script_verdict *out)
{
    struct runner r = { .script = script, .stage = stage, .out = out };
    *out = (struct script_verdict){ .result = SCRIPT_PASSED };
    for (size_t i = 0; i < script->steps_count && runner_goes_on(&r); i++) {
        r.step = &script->steps[i];
        out->line = r.step->line;
        stage->ops->on_step(stage->impl, r.step);
        runner_step(&r);
    }
    listing_deinit(&r.listing);
}

void script_verdict_deinit(struct script_verdict *v)
{
    buf_deinit(&v->why);
    buf_deinit(&v->notes);
}
