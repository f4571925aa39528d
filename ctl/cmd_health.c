/* cmd_health.c -- what the peers say about themselves from time to time. */
#include "ctl/ctl.h"

static int cmd_health_metrics_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    struct question q = { .method = "GET" };
    target_segment(&q.target, "monitor");
    target_segment(&q.target, "metrics");
    if (args->operands_count == 0)
        return ctl_show(ctl, &q, format_metric_names);
    target_segment(&q.target, args->operands[0]);
    return ctl_show(ctl, &q, format_metrics);
}

static const struct example metrics_examples[] = {
    { "health metrics", "the names of the metrics there are" },
    { "health metrics ping", "who is alive, as the peer that answers sees it" },
    { "health metrics freespace", "how much room each peer has" },
    { 0 },
};

const struct cmd cmd_health_metrics = {
    .path = "health metrics",
    .operands = "[NAME]",
    .operands_max = 1,
    .summary = "show the newest metrics of all peers, or which there are",
    .text = "Only metrics that have not expired are shown: a peer that is missing under `ping` has "
            "not been heard of for longer than it said it would be silent.",
    .examples = metrics_examples,
    .run = cmd_health_metrics_run,
};

static int cmd_health_alerts_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    (void)args;
    struct question q = { .method = "GET" };
    target_segment(&q.target, "health");
    target_segment(&q.target, "alerts");
    return ctl_show(ctl, &q, format_alerts);
}

static const struct example alerts_examples[] = {
    { "health alerts", "what is wrong now; nothing is shown when all is well" },
    { 0 },
};

const struct cmd cmd_health_alerts = {
    .path = "health alerts",
    .operands = "",
    .summary = "show what is wrong now, as the peer that answers sees it",
    .text =
        "One line for a peer and a cause, for as long as it lasts: a peer that is silent (suspect, "
        "then down: its pins move), or a metric that it does not report any more.",
    .examples = alerts_examples,
    .run = cmd_health_alerts_run,
};

/* ---- graph ---- */

static int cmd_health_graph_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    bool is_wide = args_is(args, "all-ipfs-peers");
    const char *path = args_text(args, "file");
    struct question q = { .method = "GET" };
    target_segment(&q.target, "health");
    target_segment(&q.target, "graph");
    return ctl_show_into(ctl, &q, is_wide ? format_graph_wide : format_graph, path);
}

static const struct flag graph_flags[] = {
    { "file,f", FLAG_TEXT, .value = "FILE", .help = "write it there instead of to stdout" },
    { "all-ipfs-peers", FLAG_BOOL,
      .help =
          "also the IPFS daemons that belong to no peer, but are connected with one that does" },
    { 0 },
};

static const struct example graph_examples[] = {
    { "health graph -f cluster.dot", "then: dot -Tsvg cluster.dot" },
    { "health graph --all-ipfs-peers", "with everybody that the daemons are connected with" },
    { 0 },
};

const struct cmd cmd_health_graph = {
    .path = "health graph",
    .operands = "",
    .summary = "draw who is connected with whom, for GraphViz",
    .text = "Peers in a row at the top, their IPFS daemons at the bottom, an arrow for each "
            "connection. A daemon that does not answer is red.",
    .flags = graph_flags,
    .examples = graph_examples,
    .run = cmd_health_graph_run,
};

/* ---- bandwidth ---- */

static int cmd_health_bandwidth_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    (void)args;
    struct question q = { .method = "GET" };
    target_segment(&q.target, "health");
    target_segment(&q.target, "bandwidth");
    return ctl_show(ctl, &q, format_bandwidth);
}

static const struct example bandwidth_examples[] = {
    { "health bandwidth", "by protocol, since the peer started" },
    { 0 },
};

const struct cmd cmd_health_bandwidth = {
    .path = "health bandwidth",
    .operands = "",
    .summary = "show how much the peer has sent to other peers, and received",
    .examples = bandwidth_examples,
    .run = cmd_health_bandwidth_run,
};

/* ---- health ---- */

static const struct example examples[] = {
    { "health metrics ping", "who is alive" },
    { "health alerts", "what is wrong" },
    { 0 },
};

const struct cmd cmd_health = {
    .path = "health",
    .operands = "",
    .summary = "look at how the peers are",
    .examples = examples,
};
