#include "ctl/follow.h"

#include <stdio.h>

#include "os/os_clock.h"
#include "util/err.h"

enum { PAUSE_FIRST_US = 50 * 1000, PAUSE_MAX_US = 1000 * 1000 };

static int follow_ask(struct ctl *ctl, const char *cid, struct buf *document)
{
    struct question q = { .method = "GET" };
    target_segment(&q.target, "pins");
    target_segment(&q.target, cid);
    return ctl_fetch(ctl, &q, document);
}

static enum goal_verdict follow_judge(const struct follow *f, const struct buf *document)
{
    struct json_doc doc;
    if (json_parse(&doc, (const char *)document->data, document->len) != OK)
        return GOAL_AHEAD; /* showing it will say so */
    enum goal_verdict verdict = goal_judge(&f->goal, &doc);
    json_doc_deinit(&doc);
    return verdict;
}

/* Is there nothing more to wait for? `for_us` is how long it has been. */
static bool follow_is_over(const struct follow *f, enum goal_verdict verdict, uint64_t for_us)
{
    if (verdict == GOAL_REACHED)
        return true;
    if (for_us < FOLLOW_LOOK_US)
        return f->waits && f->timeout_us > 0 && for_us >= f->timeout_us;
    return !f->waits || verdict == GOAL_FAILED || (f->timeout_us > 0 && for_us >= f->timeout_us);
}

/* Not beyond the moments at which something is decided. */
static uint64_t follow_pause_us(const struct follow *f, uint64_t for_us, uint64_t pause_us)
{
    if (for_us < FOLLOW_LOOK_US && for_us + pause_us > FOLLOW_LOOK_US)
        pause_us = FOLLOW_LOOK_US - for_us;
    if (f->waits && f->timeout_us > for_us && for_us + pause_us > f->timeout_us)
        pause_us = f->timeout_us - for_us;
    return pause_us;
}

static int follow_complain(const struct follow *f, enum goal_verdict verdict)
{
    bool failed = verdict == GOAL_FAILED;
    if (failed)
        fprintf(stderr,
                "error waiting for pin status: error has occurred while attempting to reach "
                "status: %s\n",
                f->goal.status);
    else
        fprintf(stderr, "error waiting for pin status: context deadline exceeded\n");
    fprintf(stderr, "The peers go on by themselves; `ipfs-cluster-ctl status %s` shows how far.\n",
            f->cid);
    return failed ? CTL_FAILED : CTL_TOO_LATE;
}

int follow_pin(struct ctl *ctl, const struct follow *f)
{
    struct buf document = { 0 };
    uint64_t from_us = os_clock_mono_us();
    uint64_t pause_us = PAUSE_FIRST_US;
    enum goal_verdict verdict = GOAL_AHEAD;
    int code = CTL_DONE;
    for (;;) {
        code = follow_ask(ctl, f->cid, &document);
        uint64_t for_us = os_clock_mono_us() - from_us;
        verdict = follow_judge(f, &document);
        if (code != CTL_DONE || follow_is_over(f, verdict, for_us))
            break;
        remote_pause(&ctl->remote, follow_pause_us(f, for_us, pause_us));
        pause_us = pause_us * 2 < PAUSE_MAX_US ? pause_us * 2 : PAUSE_MAX_US;
    }
    if (code == CTL_DONE && !f->shows_nothing)
        code = ctl_show_document(ctl, buf_bytes(&document), format_status);
    if (code == CTL_DONE && f->waits && verdict != GOAL_REACHED)
        code = follow_complain(f, verdict);
    buf_deinit(&document);
    return code;
}
