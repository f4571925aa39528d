/* cmd_pin.c -- what the cluster is to hold: the shared state. */
#include "ctl/ctl.h"

#include <string.h>

#include "ctl/follow.h"
#include "ctl/pin_options.h"
#include "util/err.h"
#include "util/json.h"

/* ---- after a change ---- */

#define FLAGS_OF_FOLLOWING                                                                         \
    { "no-status,ns", FLAG_BOOL, .help = "print the pin itself, and do not ask for its status" },  \
        { "wait,w", FLAG_BOOL, .help = "wait until the peers have done it" },                      \
        { "wait-timeout,wt", FLAG_SPAN, .value = "SPAN", .fallback = "0s",                         \
          .help = "wait no longer than this, then exit with 62; 0s: as long as it takes" },        \
    {                                                                                              \
        "wait-limit,wl", FLAG_COUNT,                                                               \
            .value = "N", .fallback = "0",                                                         \
            .help = "so many peers are enough; 0: the lower replication factor of the pin, or all" \
    }

/* What the answer to a change says: the pin. */
struct written {
    char cid[CID_TEXT_SIZE];
    int64_t replication_min;
};

static bool written_read(struct written *out, const struct buf *document)
{
    struct json_doc doc;
    *out = (struct written){ 0 };
    if (json_parse(&doc, (const char *)document->data, document->len) != OK)
        return false;
    bool good = json_text_into(&doc, json_member(&doc, 0, "cid"), out->cid, sizeof(out->cid)) == OK;
    (void)json_get_i64(&doc, json_member(&doc, 0, "replication_factor_min"), &out->replication_min);
    json_doc_deinit(&doc);
    return good;
}

/* The change is made; shows what became of it. `status` is what the peers are on their way to. */
static int pin_follow(struct ctl *ctl, const struct args *args, const struct buf *document,
                      const char *status)
{
    struct written pin;
    if (args_is(args, "no-status") || !written_read(&pin, document))
        return ctl_show_document(ctl, buf_bytes(document), format_pin);
    bool pins = strcmp(status, "pinned") == 0;
    size_t peers_min = (size_t)args_number(args, "wait-limit");
    if (peers_min == 0 && pins && pin.replication_min > 0)
        peers_min = (size_t)pin.replication_min;
    struct follow f = {
        .cid = pin.cid,
        .goal = { .status = status, .peers_min = peers_min },
        .waits = args_is(args, "wait"),
        .timeout_us = args_span_us(args, "wait-timeout"),
    };
    return follow_pin(ctl, &f);
}

static int pin_change(struct ctl *ctl, const struct args *args, struct question *q,
                      const char *status)
{
    struct buf document = { 0 };
    int code = ctl_fetch(ctl, q, &document);
    if (code == CTL_DONE)
        code = pin_follow(ctl, args, &document, status);
    buf_deinit(&document);
    return code;
}

/* ---- pin add ---- */

static bool options_mode(const struct args *args, struct target *t)
{
    const char *mode = args_text(args, "mode");
    if (strcmp(mode, "recursive") != 0 && strcmp(mode, "direct") != 0) {
        ctl_refuse(args, "parsing mode: '%s' is neither recursive nor direct", mode);
        return false;
    }
    target_param(t, "mode", mode);
    return true;
}

static int cmd_pin_add_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    struct question q = { .method = "POST" };
    target_segment(&q.target, "pins");
    bool good = ctl_read_path(args, args->operands[0], &q.target);
    pin_options_factors(args, args_number(args, "replication"), &q.target);
    pin_options_name(args, &q.target);
    good = good && options_mode(args, &q.target) && pin_options_expiry(args, &q.target) &&
           pin_options_allocations(args, &q.target) && pin_options_metadata(args, &q.target);
    if (!good) {
        target_deinit(&q.target);
        return CTL_FAILED;
    }
    return pin_change(ctl, args, &q, "pinned");
}

static const struct flag add_flags[] = {
    { "replication,r", FLAG_WHOLE, .value = "N", .fallback = "0",
      .help = "pin on exactly N peers; -1: on all; 0: as --rmin and --rmax say" },
    { "replication-min,rmin", FLAG_WHOLE, .value = "N", .fallback = "0",
      .help = "refuse unless N peers can hold it; 0: as configured" },
    { "replication-max,rmax", FLAG_WHOLE, .value = "N", .fallback = "0",
      .help = "pin on up to N peers; 0: as configured" },
    { "allocations,allocs", FLAG_TEXT, .value = "PEER,...",
      .help = "peers to take first, if they are fit" },
    { "name,n", FLAG_TEXT, .value = "NAME", .help = "a name, for people" },
    { "mode", FLAG_TEXT, .value = "recursive|direct", .fallback = "recursive",
      .help = "everything under the CID, or that one block" },
    { "expire-in", FLAG_SPAN, .value = "SPAN", .help = "unpin after this long: 90s, 72h" },
    { "metadata", FLAG_TEXT, .repeats = true, .value = "KEY=VALUE",
      .help = "a note to keep with the pin; may be given several times" },
    FLAGS_OF_FOLLOWING,
    { 0 },
};

static const struct example add_examples[] = {
    { "pin add CID", "on as many peers as the configuration says" },
    { "pin add --rmin 2 --rmax 3 --name backup CID", "on two or three" },
    { "pin add -r -1 --wait --wt 10m CID", "on all, and come back when they have it" },
    { "pin add --expire-in 72h --metadata ticket=42 CID", "for three days, with a note" },
    { 0 },
};

const struct cmd cmd_pin_add = {
    .path = "pin add",
    .operands = "CID|PATH",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "pin content in the cluster",
    .text =
        "Answers once the cluster has agreed on the pin and on the peers that are to hold it, then "
        "shows how far they are. They fetch the content in the background, and keep trying until "
        "they have it. Pinning again changes the options of a pin.",
    .flags = add_flags,
    .examples = add_examples,
    .run = cmd_pin_add_run,
};

/* ---- pin rm ---- */

static int cmd_pin_rm_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    struct question q = { .method = "DELETE" };
    target_segment(&q.target, "pins");
    if (!ctl_read_path(args, args->operands[0], &q.target)) {
        target_deinit(&q.target);
        return CTL_FAILED;
    }
    return pin_change(ctl, args, &q, "unpinned");
}

static const struct flag rm_flags[] = {
    FLAGS_OF_FOLLOWING,
    { 0 },
};

static const struct example rm_examples[] = {
    { "pin rm CID", "let go of it everywhere" },
    { "pin rm --wait CID", "and come back when the IPFS daemons have" },
    { 0 },
};

const struct cmd cmd_pin_rm = {
    .path = "pin rm",
    .operands = "CID|PATH",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "unpin content from the cluster",
    .text = "The IPFS daemons unpin it too, and may delete it when they collect garbage.",
    .flags = rm_flags,
    .examples = rm_examples,
    .run = cmd_pin_rm_run,
};

/* ---- pin update ---- */

static int cmd_pin_update_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    struct cid was;
    if (!ctl_read_cid(args, args->operands[0], &was))
        return CTL_FAILED;
    struct question q = { .method = "POST" };
    target_segment(&q.target, "pins");
    bool good = ctl_read_path(args, args->operands[1], &q.target);
    target_param(&q.target, "pin-update", args->operands[0]);
    pin_options_name(args, &q.target);
    good = good && pin_options_expiry(args, &q.target);
    if (!good) {
        target_deinit(&q.target);
        return CTL_FAILED;
    }
    return pin_change(ctl, args, &q, "pinned");
}

static const struct flag update_flags[] = {
    { "name,n", FLAG_TEXT, .value = "NAME", .help = "another name than the old pin's" },
    { "expire-in", FLAG_SPAN, .value = "SPAN", .help = "unpin after this long: 90s, 72h" },
    FLAGS_OF_FOLLOWING,
    { 0 },
};

static const struct example update_examples[] = {
    { "pin update OLD NEW", "NEW with the options and on the peers of OLD" },
    { 0 },
};

const struct cmd cmd_pin_update = {
    .path = "pin update",
    .operands = "OLD-CID NEW-CID|PATH",
    .operands_min = 2,
    .operands_max = 2,
    .summary = "pin a newer version of something that is pinned",
    .text = "Peers that hold the old version fetch only what differs. The old pin stays: `pin rm` "
            "takes it away.",
    .flags = update_flags,
    .examples = update_examples,
    .run = cmd_pin_update_run,
};

/* ---- pin ls ---- */

static int cmd_pin_ls_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    struct cid cid;
    if (args->operands_count > 0 && !ctl_read_cid(args, args->operands[0], &cid))
        return CTL_FAILED;
    struct question q = { .method = "GET" };
    target_segment(&q.target, "allocations");
    if (args->operands_count > 0)
        target_segment(&q.target, args->operands[0]);
    else
        target_param(&q.target, "filter", args_text(args, "filter"));
    return ctl_show(ctl, &q, format_pin);
}

static const struct flag ls_flags[] = {
    { "filter", FLAG_TEXT, .value = "TYPE,...", .fallback = "all",
      .help = "only pins of these types: pin, meta-pin, clusterdag-pin, shard-pin, all" },
    { 0 },
};

static const struct example ls_examples[] = {
    { "pin ls", "everything that is pinned" },
    { "pin ls CID", "one pin: its options, and which peers hold it" },
    { "--enc json pin ls", "with all that is known of each" },
    { 0 },
};

const struct cmd cmd_pin_ls = {
    .path = "pin ls",
    .operands = "[CID]",
    .operands_max = 1,
    .summary = "list what is pinned, and which peers hold it",
    .text =
        "This is the shared state, as the peer that answers has it. `status` shows how far each "
        "peer is.",
    .flags = ls_flags,
    .examples = ls_examples,
    .run = cmd_pin_ls_run,
};

/* ---- pin ---- */

/* `pin CID`, as the guide writes it. A word that is neither a CID nor a path is a mistyped command. */
static bool cmd_pin_implies_add(const char *word)
{
    struct cid cid;
    return word[0] == '/' || cid_parse(&cid, word) == OK;
}

static const struct example examples[] = {
    { "pin add CID", "pin content" },
    { "pin rm CID", "unpin it" },
    { "pin ls", "list what is pinned" },
    { 0 },
};

const struct cmd cmd_pin = {
    .path = "pin",
    .operands = "",
    .summary = "add, remove, update and list pins",
    .examples = examples,
    .implied = &cmd_pin_add,
    .implies = cmd_pin_implies_add,
};
