#include "ctl/ctl.h"

static int cmd_id_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    (void)args;
    struct question q = { .method = "GET" };
    target_segment(&q.target, "id");
    return ctl_show(ctl, &q, format_id);
}

static const struct example examples[] = {
    { "id", "the peer on this machine" },
    { "--host 10.0.0.7:9094 id", "another one" },
    { "--enc json id", "everything it says about itself" },
    { 0 },
};

const struct cmd cmd_id = {
    .path = "id",
    .operands = "",
    .summary = "show the peer: its name, its addresses, its IPFS daemon",
    .text = "An error of the IPFS daemon is shown in its place: the peer works, but cannot pin.",
    .examples = examples,
    .run = cmd_id_run,
};
