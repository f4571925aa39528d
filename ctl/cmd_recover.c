#include "ctl/ctl.h"

static int cmd_recover_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    struct cid cid;
    if (args->operands_count > 0 && !ctl_read_cid(args, args->operands[0], &cid))
        return CTL_FAILED;
    struct question q = { .method = "POST" };
    target_segment(&q.target, "pins");
    if (args->operands_count > 0)
        target_segment(&q.target, args->operands[0]);
    target_segment(&q.target, "recover");
    if (args_is(args, "local"))
        target_param(&q.target, "local", "true");
    return ctl_show(ctl, &q, format_status);
}

static const struct flag flags[] = {
    { "local", FLAG_BOOL, .help = "only on the peer that answers" },
    { 0 },
};

static const struct example examples[] = {
    { "recover CID", "try again now where it failed" },
    { "recover", "try everything again that failed, on all peers" },
    { 0 },
};

const struct cmd cmd_recover = {
    .path = "recover",
    .operands = "[CID]",
    .operands_max = 1,
    .summary = "retry at once what is in error",
    .text = "Failed pins are retried by themselves, with longer and longer pauses. This is for "
            "when the cause is gone and waiting makes no sense.",
    .flags = flags,
    .examples = examples,
    .run = cmd_recover_run,
};
