#include "ctl/ctl.h"

static int cmd_sync_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    struct cid cid;
    if (args->operands_count > 0 && !ctl_read_cid(args, args->operands[0], &cid))
        return CTL_FAILED;
    struct question q = { .method = "POST" };
    target_segment(&q.target, "pins");
    if (args->operands_count > 0)
        target_segment(&q.target, args->operands[0]);
    target_segment(&q.target, "sync");
    if (args->operands_count == 0)
        target_param(&q.target, "stream", "true"); /* else an array, as 0.0.x answers */
    return ctl_show(ctl, &q, format_status);
}

static const struct example examples[] = {
    { "sync CID", "look again whether the IPFS daemons really hold it" },
    { "sync", "everything; what is not well is listed" },
    { 0 },
};

const struct cmd cmd_sync = {
    .path = "sync",
    .operands = "[CID]",
    .operands_max = 1,
    .summary = "compare what the peers believe with what their IPFS daemons hold",
    .text = "Peers do this by themselves every now and then. What somebody unpinned behind the "
            "cluster's back is shown and pinned again.",
    .examples = examples,
    .run = cmd_sync_run,
};
