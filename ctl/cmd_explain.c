/* cmd_explain.c -- everything about one pin on one screen: what was asked for, who should hold it and why these, how far
 * each of them is, what its daemon last said, and when it is tried again. Three questions; nothing here that `pin ls`,
 * `status` and `health` would not say. */
#include "ctl/ctl.h"

static int explain_pin(struct ctl *ctl, const char *cid)
{
    struct question q = { .method = "GET" };
    target_segment(&q.target, "allocations");
    target_segment(&q.target, cid);
    return ctl_show(ctl, &q, format_pin);
}

static int explain_status(struct ctl *ctl, const char *cid)
{
    struct question q = { .method = "GET" };
    target_segment(&q.target, "pins");
    target_segment(&q.target, cid);
    return ctl_show(ctl, &q, format_status);
}

static int explain_alerts(struct ctl *ctl)
{
    struct question q = { .method = "GET" };
    target_segment(&q.target, "health");
    target_segment(&q.target, "alerts");
    return ctl_show(ctl, &q, format_alerts);
}

static int cmd_explain_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    const char *text = args->operands[0];
    struct cid cid;
    if (!ctl_read_cid(args, text, &cid))
        return CTL_FAILED;
    int code = explain_pin(ctl, text);
    if (code == CTL_DONE)
        code = explain_status(ctl, text);
    if (code == CTL_DONE)
        code = explain_alerts(ctl);
    return code;
}

static const struct example examples[] = {
    { "explain CID", "where it should be, where it is, and what it waits for" },
    { 0 },
};

const struct cmd cmd_explain = {
    .path = "explain",
    .operands = "CID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "show all that is known of one pin: what was asked, who holds it, what it waits for",
    .text =
        "First the pin as the shared state has it, then each peer's word on it: since when, how "
        "often it was tried, what its IPFS daemon said last, when it is tried again, how many "
        "are ahead of it, how much of it is there; then what is wrong with peers.",
    .examples = examples,
    .run = cmd_explain_run,
};
