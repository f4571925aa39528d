/* cmd_ipfs.c -- the IPFS daemons of all peers at once. */
#include "ctl/ctl.h"

static int cmd_ipfs_gc_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    struct question q = { .method = "POST" };
    target_segment(&q.target, "ipfs");
    target_segment(&q.target, "gc");
    if (args_is(args, "local"))
        target_param(&q.target, "local", "true");
    return ctl_show(ctl, &q, format_gc);
}

static const struct flag gc_flags[] = {
    { "local", FLAG_BOOL, .help = "only on the peer that answers" },
    { 0 },
};

static const struct example gc_examples[] = {
    { "ipfs gc", "on all peers" },
    { "ipfs gc --local", "on this one" },
    { 0 },
};

const struct cmd cmd_ipfs_gc = {
    .path = "ipfs gc",
    .operands = "",
    .summary = "let the IPFS daemons delete what nobody pins",
    .text = "Lists what each of them removed. It may take long: repogc_timeout of each peer bounds "
            "it.",
    .flags = gc_flags,
    .examples = gc_examples,
    .run = cmd_ipfs_gc_run,
};

static const struct example examples[] = {
    { "ipfs gc", "collect garbage" },
    { 0 },
};

const struct cmd cmd_ipfs = {
    .path = "ipfs",
    .operands = "",
    .summary = "work on the IPFS daemons",
    .examples = examples,
};
