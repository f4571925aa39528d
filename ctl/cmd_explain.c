/* cmd_explain.c -- everything about one pin on one screen: what was asked for, who should hold it and why these, how far
 * each of them is, what its daemon last said, and when it is tried again. Four questions; the last one, which the
 * leader answers, is the only one that `pin ls`, `status` and `health` would not ask. */
#include "ctl/ctl.h"

static int explain_pin(struct ctl *ctl, const char *cid)
{
    struct question q = { .method = "GET" };
    target_segment(&q.target, "allocations");
    target_segment(&q.target, cid);
    return ctl_show(ctl, &q, format_pin);
}

static int explain_status(struct ctl *ctl, const char *cid)
{
    struct question q = { .method = "GET" };
    target_segment(&q.target, "pins");
    target_segment(&q.target, cid);
    return ctl_show(ctl, &q, format_status);
}

static int explain_alerts(struct ctl *ctl)
{
    struct question q = { .method = "GET" };
    target_segment(&q.target, "health");
    target_segment(&q.target, "alerts");
    return ctl_show(ctl, &q, format_alerts);
}

/* ---- why these peers ---- */

static bool explain_keep(void *owner, struct bytes row)
{
    struct buf *document = owner;
    buf_clear(document);
    buf_append(document, row.data, row.len);
    return true;
}

/* The leader alone knows, and it may be away, or older than this program: that is no failure of `explain`. */
static int explain_unknown(struct ctl *ctl, struct failure *failure)
{
    struct buf document = { 0 };
    struct json_writer w = json_writer_to(&document);
    bool is_older = failure->code == 404 || failure->code == 405;
    json_object_begin(&w);
    json_key_string(&w, "decision_unknown",
                    is_older ? "the peer that was asked is older and does not know this question"
                             : buf_text(&failure->message));
    json_object_end(&w);
    int code = ctl_show_document(ctl, buf_bytes(&document), format_decision);
    buf_deinit(&document);
    return code;
}

/* Of a CID that is not pinned only a refusal is worth a word. */
static int explain_decision(struct ctl *ctl, const char *cid, bool is_pinned)
{
    struct target target = { 0 };
    struct failure failure = { 0 };
    struct buf document = { 0 };
    int code = CTL_DONE;
    target_segment(&target, "allocations");
    target_segment(&target, cid);
    target_segment(&target, "decision");
    struct request request = {
        "GET", target_text(&target), NULL, { explain_keep, NULL, &document }, NULL
    };
    if (request_run(&ctl->remote, &request, &failure)) {
        if (is_pinned || document.len > sizeof("[]") - 1)
            code = ctl_show_document(ctl, buf_bytes(&document), format_decision);
    } else if (is_pinned) {
        code = explain_unknown(ctl, &failure);
    }
    buf_deinit(&document);
    failure_deinit(&failure);
    target_deinit(&target);
    return code;
}

static int cmd_explain_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    const char *text = args->operands[0];
    struct cid cid;
    if (!ctl_read_cid(args, text, &cid))
        return CTL_FAILED;
    int code = explain_pin(ctl, text);
    if (code == CTL_REFUSED)
        (void)explain_decision(ctl, text, false);
    if (code != CTL_DONE)
        return code;
    code = explain_status(ctl, text);
    if (code == CTL_DONE)
        code = explain_alerts(ctl);
    if (code == CTL_DONE)
        code = explain_decision(ctl, text, true);
    return code;
}

static const struct example examples[] = {
    { "explain CID", "where it should be, where it is, and what it waits for" },
    { 0 },
};

const struct cmd cmd_explain = {
    .path = "explain",
    .operands = "CID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "show all that is known of one pin: what was asked, who holds it, what it waits for",
    .text =
        "First the pin as the shared state has it, then each peer's word on it: since when, how "
        "often it was tried, what its IPFS daemon said last, when it is tried again, how many "
        "are ahead of it, how much of it is there; then what is wrong with peers. At last why "
        "these peers: the decisions on it among the last 1,000 of the peer that leads, each with "
        "the candidates in their order, their metrics, and what became of them (chosen, kept, "
        "released, not needed, full, suspect, down, leaving, lacks a metric). Who was preferred "
        "by --allocations, or has the upload, is marked. The leader keeps them in memory: "
        "another leader, or one that was restarted, begins anew; without a leader, or with an "
        "older one, all else is shown.",
    .examples = examples,
    .run = cmd_explain_run,
};
