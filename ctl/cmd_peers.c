/* cmd_peers.c -- who is in the cluster. */
#include "ctl/ctl.h"
#include "ctl/removal.h"
#include "util/err.h"

/* ---- peers ls ---- */

static int cmd_peers_ls_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    (void)args;
    struct question q = { .method = "GET" };
    target_segment(&q.target, "peers");
    return ctl_show(ctl, &q, format_id);
}

static const struct example ls_examples[] = {
    { "peers ls", "every peer, and who cannot be reached" },
    { "--enc json peers ls", "with the list of peers that each of them has" },
    { 0 },
};

const struct cmd cmd_peers_ls = {
    .path = "peers ls",
    .operands = "",
    .summary = "list the peers of the cluster, and ask each who it is",
    .text = "A peer that does not answer is listed with an error. It stays in the cluster until "
            "`peers rm` takes it out.",
    .examples = ls_examples,
    .run = cmd_peers_ls_run,
};

/* ---- peers add ---- */

static int cmd_peers_add_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    const char *text = args->operands[0];
    struct multiaddr addr;
    struct peer_id peer;
    if (multiaddr_parse(&addr, text) != OK || multiaddr_peer(&addr, &peer) != OK)
        return ctl_refuse(args,
                          "parsing multiaddress: '%s' is not like "
                          "/ip4/10.0.0.7/tcp/9096/p2p/PEER; `id` on that peer shows its own",
                          text);
    struct buf body = { 0 };
    struct json_writer w = json_writer_to(&body);
    json_object_begin(&w);
    json_key_string(&w, "peer_multiaddress", text);
    json_object_end(&w);
    struct question q = { .method = "POST", .body = buf_text(&body) };
    target_segment(&q.target, "peers");
    int code = ctl_show(ctl, &q, format_id);
    buf_deinit(&body);
    return code;
}

static const struct example add_examples[] = {
    { "peers add /ip4/10.0.0.7/tcp/9096/p2p/12D3KooW...", "the peer there joins this cluster" },
    { 0 },
};

const struct cmd cmd_peers_add = {
    .path = "peers add",
    .operands = "MULTIADDR",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "ask a running peer to join this cluster",
    .text = "The peer has to be alone and without pins, and has to know the cluster's secret. A "
            "peer that is started with `daemon --bootstrap` joins by itself.",
    .examples = add_examples,
    .run = cmd_peers_add_run,
};

/* ---- peers rm ---- */

static int cmd_peers_rm_cancel(struct ctl *ctl, const struct args *args)
{
    if (args_is(args, "force") || args_is(args, "no-wait"))
        return ctl_refuse(args, "parsing flags: --cancel goes with no other one");
    struct question q = { .method = "POST" };
    target_segment(&q.target, "peers");
    target_segment(&q.target, args->operands[0]);
    target_segment(&q.target, "stay");
    return ctl_show(ctl, &q, format_id); /* 204: there is nothing to show */
}

static int cmd_peers_rm_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    struct peer_id peer;
    if (peer_id_parse(&peer, args->operands[0]) != OK)
        return ctl_refuse(args, "parsing peer ID: '%s' is none; `peers ls` shows them",
                          args->operands[0]);
    if (args_is(args, "cancel"))
        return cmd_peers_rm_cancel(ctl, args);
    struct question q = { .method = "DELETE" };
    target_segment(&q.target, "peers");
    target_segment(&q.target, args->operands[0]);
    if (args_is(args, "force"))
        target_param(&q.target, "force", "true");
    struct buf document = { 0 };
    int code = ctl_fetch(ctl, &q, &document);
    bool is_out = document.len == 0; /* 204; else 202, and its pins move first */
    buf_deinit(&document);
    if (code != CTL_DONE || is_out || args_is(args, "no-wait"))
        return code;
    return removal_follow(ctl, peer_id_print(&peer).text);
}

static const struct flag rm_flags[] = {
    { "force,f", FLAG_BOOL, .help = "take it out now, and let its pins move afterwards" },
    { "no-wait", FLAG_BOOL, .help = "come back when the cluster has taken note of it" },
    { "cancel", FLAG_BOOL, .help = "it stays, after all: while it is still on its way out" },
    { 0 },
};

static const struct example rm_examples[] = {
    { "peers rm 12D3KooW...", "its pins move to the others, then it is out" },
    { "peers rm --force 12D3KooW...", "it is gone for good, and need not be waited for" },
    { "peers rm --cancel 12D3KooW...", "its pins were to move, and it shall stay" },
    { 0 },
};

const struct cmd cmd_peers_rm = {
    .path = "peers rm",
    .operands = "PEER",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "take a peer out of the cluster",
    .text =
        "Its pins move first: it is marked as leaving, and out when others have pinned them. Until "
        "then this command waits, and says on stderr how many are left; the cluster goes on with "
        "it if the command is interrupted. A running peer then puts its data away and stops. One "
        "that is down is taken out at once, so that the others stop waiting for it. Until it is "
        "out, --cancel takes that back: it gets pins again, and a vote when there is a seat; what "
        "has moved is not moved back. A command that waits for its end comes back then, with an "
        "error.",
    .flags = rm_flags,
    .examples = rm_examples,
    .run = cmd_peers_rm_run,
};

/* ---- peers drain, undrain ---- */

static int cmd_peers_drain_ask(struct ctl *ctl, const struct args *args, const char *method)
{
    struct peer_id peer;
    if (peer_id_parse(&peer, args->operands[0]) != OK)
        return ctl_refuse(args, "parsing peer ID: '%s' is none; `peers ls` shows them",
                          args->operands[0]);
    struct question q = { .method = method };
    target_segment(&q.target, "peers");
    target_segment(&q.target, args->operands[0]);
    target_segment(&q.target, "drain");
    return ctl_show(ctl, &q, format_id); /* 204: there is nothing to show */
}

static int cmd_peers_drain_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    return cmd_peers_drain_ask(ctl, args, "POST");
}

static int cmd_peers_undrain_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    return cmd_peers_drain_ask(ctl, args, "DELETE");
}

static const struct example drain_examples[] = {
    { "peers drain 12D3KooW...", "before its disk is replaced" },
    { 0 },
};

static const struct example undrain_examples[] = {
    { "peers undrain 12D3KooW...", "it may hold pins again" },
    { 0 },
};

const struct cmd cmd_peers_drain = {
    .path = "peers drain",
    .operands = "PEER",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "move a peer's pins to others, and give it no new ones",
    .text = "The peer stays in the cluster. Its copies go once others have them; pins that every "
            "peer holds stay, and new ones of that kind wait. `repair plan` shows what is still to "
            "move, `peers undrain` ends it.",
    .examples = drain_examples,
    .run = cmd_peers_drain_run,
};

const struct cmd cmd_peers_undrain = {
    .path = "peers undrain",
    .operands = "PEER",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "let a drained peer hold pins again",
    .text = "What was moved away is not moved back.",
    .examples = undrain_examples,
    .run = cmd_peers_undrain_run,
};

/* ---- peers ---- */

static const struct example examples[] = {
    { "peers ls", "who is in the cluster" },
    { "peers rm 12D3KooW...", "take one out" },
    { 0 },
};

const struct cmd cmd_peers = {
    .path = "peers",
    .operands = "",
    .summary = "list, add and remove peers",
    .examples = examples,
};
