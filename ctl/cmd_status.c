#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "util/buf.h"

/* SPEC 2.1: what a peer may say, and the two that stand for several. */
static const char *const filter_names[] = {
    "cluster_error", "pin_error",
    "unpin_error",   "error",
    "pinned",        "pinning",
    "unpinning",     "unpinned",
    "pin_queued",    "unpin_queued",
    "queued",        "remote",
    "sharded",       "unexpectedly_unpinned",
    "undefined",
};

static bool filter_knows(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(filter_names) / sizeof(filter_names[0]); i++) {
        if (strlen(filter_names[i]) == len && memcmp(filter_names[i], name, len) == 0)
            return true;
    }
    return false;
}

/* As V1: unknown names are left out as long as a known one remains; but we say so. */
static bool filter_check(const char *text)
{
    bool knows_one = *text == '\0';
    while (*text != '\0') {
        text += strspn(text, " ,");
        size_t len = strcspn(text, " ,");
        if (filter_knows(text, len))
            knows_one = true;
        else if (len > 0)
            fprintf(stderr, "there is no status '%.*s'; it is left out\n", (int)len, text);
        text += len;
    }
    return knows_one;
}

/* All of them, in one stream. */
static int cmd_status_all(struct ctl *ctl, const struct args *args)
{
    const char *filter = args_text(args, "filter");
    if (!filter_check(filter))
        return ctl_refuse(args, "parsing filter flag: invalid filter name");
    struct question q = { .method = "GET" };
    target_segment(&q.target, "pins");
    if (args_is(args, "local"))
        target_param(&q.target, "local", "true");
    if (filter[0] != '\0')
        target_param(&q.target, "filter", filter);
    return ctl_show(ctl, &q, format_status);
}

static int cmd_status_one(struct ctl *ctl, const struct args *args, const char *cid)
{
    struct question q = { .method = "GET" };
    target_segment(&q.target, "pins");
    target_segment(&q.target, cid);
    if (args_is(args, "local"))
        target_param(&q.target, "local", "true");
    return ctl_show(ctl, &q, format_status);
}

/* What the peers last told of themselves: no pin is looked at. */
static int cmd_status_summary(struct ctl *ctl)
{
    struct question q = { .method = "GET" };
    target_segment(&q.target, "pins");
    target_segment(&q.target, "summary");
    return ctl_show(ctl, &q, format_summary);
}

static int cmd_status_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    struct cid cid;
    if (args_is(args, "summary"))
        return cmd_status_summary(ctl);
    if (args->operands_count == 0)
        return cmd_status_all(ctl, args);
    for (size_t i = 0; i < args->operands_count; i++) {
        if (!ctl_read_cid(args, args->operands[i], &cid))
            return CTL_FAILED;
    }
    int code = CTL_DONE;
    for (size_t i = 0; code == CTL_DONE && i < args->operands_count; i++)
        code = cmd_status_one(ctl, args, args->operands[i]);
    return code;
}

static const struct flag flags[] = {
    { "local", FLAG_BOOL, .help = "ask only the peer that answers, not the others" },
    { "filter", FLAG_TEXT, .value = "STATUS,...", .fallback = "",
      .help = "only peers with one of these: pinned, pinning, pin_queued, pin_error, unpinning, "
              "unpin_queued, unpin_error, unpinned, remote, cluster_error, "
              "unexpectedly_unpinned; `error` and `queued` stand for all of their kind; without "
              "CIDs only" },
    { "summary", FLAG_BOOL,
      .help = "only how many pins are in which status on each peer, as these said last; at once, "
              "however many there are" },
    { 0 },
};

static const struct example examples[] = {
    { "status", "of everything, on every peer" },
    { "status CID", "of one" },
    { "status --filter error", "what has gone wrong" },
    { "status --summary", "counts by status and peer" },
    { "status --local --filter queued,pinning", "what this peer still has to do" },
    { 0 },
};

const struct cmd cmd_status = {
    .path = "status",
    .operands = "[CID...]",
    .operands_max = CMD_OPERANDS_ANY,
    .summary = "show how far each peer is with what it should pin",
    .text = "This is the local state: what every peer knows of its own IPFS daemon. `pin ls` shows "
            "the shared state, what should be pinned and where.",
    .flags = flags,
    .examples = examples,
    .run = cmd_status_run,
};
