/* Questions of clients: asked, waited for, compared with what the author expects. */
#include "sim/script/run_int.h"

#include <string.h>

#include "util/err.h"

enum { ASK_AT_ONCE = 8 };

#define ASK_LOOK_US ((uint64_t)2000)
#define ASK_GIVE_UP ((uint64_t)120 * 1000 * 1000)

struct asked {
    void *handle;
    unsigned who;
    char content[SCRIPT_NAME_SIZE];
};

static void runner_await(struct runner *r, void *handle)
{
    const struct stage_ops *ops = r->stage->ops;
    uint64_t deadline_us = ops->now_us(r->stage->impl) + ASK_GIVE_UP;
    while (ops->answer(r->stage->impl, handle) == NULL && runner_goes_on(r)) {
        if (ops->now_us(r->stage->impl) >= deadline_us) {
            runner_fail(r, "no answer within two minutes");
            return;
        }
        runner_pass(r, ASK_LOOK_US);
    }
}

/* ---- comparing ---- */

static void answer_words(struct buf *out, const struct stage_answer *answer)
{
    if (answer->err != OK)
        buf_printf(out, "no answer (%s)", err_text(answer->err));
    else
        buf_printf(out, "%d %.*s", answer->status,
                   (int)(answer->body.len > 300 ? 300 : answer->body.len),
                   answer->body.len > 0 ? (const char *)answer->body.data : "");
}

static bool bytes_contain(struct bytes whole, struct bytes part)
{
    for (size_t i = 0; i + part.len <= whole.len; i++)
        if (memcmp((const char *)whole.data + i, part.data, part.len) == 0)
            return true;
    return false;
}

static bool outcome_fits(const struct script_outcome *want, const struct stage_answer *answer)
{
    bool ok = answer->err == OK && answer->status >= 200 && answer->status < 300;
    switch (want->want) {
    case OUTCOME_OK:
        return ok;
    case OUTCOME_ANY:
        return true;
    case OUTCOME_FAILS:
        break;
    }
    if (ok || (want->status != 0 && (answer->err != OK || answer->status != (int)want->status)))
        return false;
    return want->text.len == 0 || bytes_contain(answer->body, want->text);
}

static void runner_compare(struct runner *r, const struct asked *asked)
{
    const struct script_outcome *want = &r->step->outcome;
    const struct stage_answer *answer = r->stage->ops->answer(r->stage->impl, asked->handle);
    if (answer == NULL || outcome_fits(want, answer))
        return;
    struct buf words = { 0 };
    answer_words(&words, answer);
    if (want->want == OUTCOME_OK)
        runner_fail(r, "%s at peer %u: expected success, got %s", asked->content, asked->who,
                    buf_text(&words));
    else
        runner_fail(r, "%s at peer %u: expected a failure (%u %.*s), got %s", asked->content,
                    asked->who, want->status, (int)want->text.len,
                    want->text.len > 0 ? (const char *)want->text.data : "", buf_text(&words));
    buf_deinit(&words);
}

static void runner_finish(struct runner *r, struct asked *asked)
{
    runner_await(r, asked->handle);
    if (runner_goes_on(r))
        runner_compare(r, asked);
    r->stage->ops->forget(r->stage->impl, asked->handle);
    asked->handle = NULL;
}

/* ---- asking ---- */

/* Into `asked`; false: there is nothing to wait for. */
static bool runner_ask(struct runner *r, struct asked *asked, struct stage_question *q)
{
    const struct script_step *step = r->step;
    machine_set by = step->by.count > 0 ? runner_who(r, &step->by) : runner_running(r);
    asked->who = runner_one_of(r, by);
    if (asked->who == 0) {
        if (!step->is_sent)
            runner_fail(r, "there is nobody to ask");
        return false;
    }
    if (step->is_sent) {
        r->stage->ops->send(r->stage->impl, asked->who, q);
        return false;
    }
    size_t len =
        q->content.len < sizeof(asked->content) ? q->content.len : sizeof(asked->content) - 1;
    if (len > 0)
        memcpy(asked->content, q->content.data, len);
    asked->content[len] = '\0';
    asked->handle = r->stage->ops->ask(r->stage->impl, asked->who, q);
    return true;
}

/* Several at once, as clients do; the oldest is waited for first. */
static void runner_ask_contents(struct runner *r, struct stage_question *q)
{
    struct content_walk walk = { .contents = &r->step->contents };
    struct asked ring[ASK_AT_ONCE];
    size_t begun = 0, ended = 0;
    while (runner_goes_on(r) && content_next(&walk, &q->content)) {
        if (begun - ended == ASK_AT_ONCE)
            runner_finish(r, &ring[ended++ % ASK_AT_ONCE]);
        if (runner_goes_on(r) && runner_ask(r, &ring[begun % ASK_AT_ONCE], q))
            begun += 1;
    }
    while (ended < begun)
        runner_finish(r, &ring[ended++ % ASK_AT_ONCE]);
}

void runner_ask_all(struct runner *r, const struct script_step *step)
{
    struct stage_question q = { .verb = step->verb,
                                .factor_min = step->factor_min,
                                .factor_max = step->factor_max,
                                .is_direct = step->is_direct,
                                .expires_us = step->expires_us,
                                .updated = step->updated,
                                .over_us = step->over_us,
                                .aborts = step->aborts,
                                .name = step->name,
                                .is_forced = step->forced };
    if (step->contents.count > 0) {
        runner_ask_contents(r, &q);
        return;
    }
    bool is_about_peers = step->verb == VERB_REMOVE || step->verb == VERB_STAY ||
                          step->verb == VERB_DRAIN || step->verb == VERB_UNDRAIN;
    machine_set subjects = is_about_peers ? runner_who(r, &step->who) : machine_bit(1);
    for (unsigned who = 1; who <= runner_machines(r) && runner_goes_on(r); who++) {
        struct asked asked;
        q.subject = who;
        if (machine_in(subjects, who) && runner_ask(r, &asked, &q))
            runner_finish(r, &asked);
    }
}

bool runner_list(struct runner *r, unsigned who)
{
    const struct stage_ops *ops = r->stage->ops;
    struct stage_question q = { .verb = VERB_EXPECT };
    void *handle = ops->ask(r->stage->impl, who, &q);
    uint64_t deadline_us = ops->now_us(r->stage->impl) + ASK_GIVE_UP;
    while (ops->answer(r->stage->impl, handle) == NULL && runner_goes_on(r) &&
           ops->now_us(r->stage->impl) < deadline_us)
        runner_pass(r, ASK_LOOK_US);
    const struct stage_answer *answer = ops->answer(r->stage->impl, handle);
    bool listed =
        answer != NULL && answer->err == OK && (answer->status == 200 || answer->status == 204);
    if (listed) {
        listing_deinit(&r->listing);
        if (listing_parse(&r->listing, answer->body) != OK) {
            runner_fail(r, "peer %u lists its pins in a way that cannot be read", who);
            listed = false;
        }
    }
    ops->forget(r->stage->impl, handle);
    return listed;
}
