/* cmd_repair.c -- what is done about peers that are gone. */
#include "ctl/ctl.h"

static int cmd_repair_plan_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    (void)args;
    struct question q = { .method = "GET" };
    target_segment(&q.target, "repair");
    target_segment(&q.target, "plan");
    return ctl_show(ctl, &q, format_move);
}

static const struct example plan_examples[] = {
    { "repair plan", "each pin of a peer that is gone, and who would hold it then" },
    { 0 },
};

const struct cmd cmd_repair_plan = {
    .path = "repair plan",
    .operands = "",
    .summary = "show what a repair would do now, without doing it",
    .text =
        "A line for each pin that a peer which is down should hold. Repair does this by itself, "
        "within its budget, unless `disable_repinning` is set; a pin with copies enough stays "
        "where it is.",
    .examples = plan_examples,
    .run = cmd_repair_plan_run,
};

static const struct example examples[] = {
    { "repair plan", "what would move, and where to" },
    { 0 },
};

const struct cmd cmd_repair = {
    .path = "repair",
    .operands = "",
    .summary = "look at how pins of peers that are gone get other holders",
    .examples = examples,
};
