#include "ctl/ctl.h"

static int cmd_version_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    (void)args;
    struct question q = { .method = "GET" };
    target_segment(&q.target, "version");
    return ctl_show(ctl, &q, format_version);
}

static const struct example examples[] = {
    { "version", "of the peer on this machine" },
    { "--version", "of this program" },
    { 0 },
};

const struct cmd cmd_version = {
    .path = "version",
    .operands = "",
    .summary = "show the version of the peer",
    .examples = examples,
    .run = cmd_version_run,
};
