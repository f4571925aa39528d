/* cmd_add.c -- files and folders into the IPFS daemons of the cluster, and their pin. */
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "ctl/bar.h"
#include "ctl/follow.h"
#include "ctl/parts.h"
#include "ctl/pin_options.h"
#include "ctl/text.h"
#include "util/err.h"
#include "util/json.h"

enum add_words { ADD_LINES, ADD_CIDS, ADD_LAST };

struct add {
    struct ctl *ctl;
    struct parts *parts;
    struct bar bar;
    enum add_words words;
    struct buf last; /* the last row: the root, once all went well */
    bool is_lost;    /* nobody reads stdout any more */
};

/* ---- what the peer says ---- */

static void add_put_row(struct add *a, struct buf *out, const struct json_doc *doc, int row,
                        struct bytes text)
{
    struct buf cid = { 0 };
    struct buf name = { 0 };
    (void)json_text(doc, json_member(doc, row, "cid"), &cid);
    (void)json_text(doc, json_member(doc, row, "name"), &name);
    if (a->ctl->as_json) {
        json_indent(out, text.data, text.len, TEXT_JSON_INDENT);
    } else if (a->words != ADD_LINES) {
        text_put(out, buf_bytes(&cid));
    } else {
        buf_append_text(out, "added ");
        text_put(out, buf_bytes(&cid));
        buf_put_u8(out, ' ');
        text_put(out, buf_bytes(&name));
    }
    buf_put_u8(out, '\n');
    buf_deinit(&cid);
    buf_deinit(&name);
}

static void add_write(struct add *a, struct buf *out)
{
    bar_hide(&a->bar);
    a->is_lost |= out->err != OK || fwrite(out->data, 1, out->len, stdout) < out->len;
    buf_deinit(out);
}

static struct bytes add_text_of(const struct json_doc *doc, int value)
{
    const struct json_token *token = &doc->tokens[value];
    return (struct bytes){ doc->text + token->start, token->end - token->start };
}

static void add_on_object(struct add *a, const struct json_doc *doc, int row)
{
    struct buf out = { 0 };
    struct bytes text = add_text_of(doc, row);
    if (json_kind(doc, json_member(doc, row, "cid")) != JSON_STRING)
        return; /* progress */
    buf_clear(&a->last);
    buf_append(&a->last, text.data, text.len);
    if (a->words == ADD_LAST)
        return;
    add_put_row(a, &out, doc, row, text);
    add_write(a, &out);
}

/* With --no-stream the whole answer is one array. */
static bool add_on_row(void *owner, struct bytes row)
{
    struct add *a = owner;
    struct json_doc doc;
    if (json_parse(&doc, row.data, row.len) != OK)
        return false;
    bool is_array = json_kind(&doc, 0) == JSON_ARRAY;
    if (is_array && a->ctl->as_json && a->words == ADD_LINES) {
        struct buf out = { 0 };
        json_indent(&out, row.data, row.len, TEXT_JSON_INDENT);
        buf_put_u8(&out, '\n');
        add_write(a, &out);
    } else if (!is_array) {
        add_on_object(a, &doc, 0);
    }
    for (int at = is_array ? json_first(&doc, 0) : JSON_NONE; at != JSON_NONE;
         at = json_next(&doc, at)) {
        if (a->ctl->as_json && a->words == ADD_LINES) {
            struct bytes text = add_text_of(&doc, at);
            buf_clear(&a->last);
            buf_append(&a->last, text.data, text.len);
        } else {
            add_on_object(a, &doc, at);
        }
    }
    json_doc_deinit(&doc);
    return !a->is_lost;
}

static void add_flush(void *owner)
{
    struct add *a = owner;
    a->is_lost |= fflush(stdout) != 0;
}

/* ---- what it gets ---- */

static size_t add_read(void *owner, void *into, size_t size)
{
    struct add *a = owner;
    size_t len = parts_read(a->parts, into, size);
    if (len > 0)
        bar_show(&a->bar, parts_content_sent(a->parts));
    return parts_err(a->parts) != OK ? UPLOAD_GIVES_UP : len;
}

static bool add_rewind(void *owner)
{
    return parts_rewind(((struct add *)owner)->parts);
}

/* ---- the query ---- */

static void add_param_flag(const struct args *args, struct target *t, const char *name)
{
    if (args_is(args, name))
        target_param(t, name, "true");
}

static bool add_query_import(const struct args *args, struct target *t)
{
    const char *format = args_text(args, "format");
    const char *hash = args_text(args, "hash");
    int64_t version = args_number(args, "cid-version");
    bool is_car = strcmp(format, "car") == 0;
    bool wraps = args_is(args, "wrap-with-directory") || args->operands_count > 1;
    if (is_car && wraps) {
        ctl_refuse(args, ": only a single CAR file can be added and wrap-with-directory is not "
                         "supported");
        return false;
    }
    if (version == 0 && strcmp(hash, "sha2-256") != 0)
        version = 1;
    target_param(t, "format", format);
    target_param(t, "chunker", args_text(args, "chunker"));
    target_param(t, "hash", hash);
    target_param_i64(t, "cid-version", version);
    if (args_text(args, "layout") != NULL)
        target_param(t, "layout", args_text(args, "layout"));
    if (wraps)
        target_param(t, "wrap-with-directory", "true");
    if (args_text(args, "raw-leaves") !=
        NULL) /* --raw-leaves=false is another thing than nothing */
        target_param(t, "raw-leaves", args_is(args, "raw-leaves") ? "true" : "false");
    return true;
}

static bool add_query(const struct args *args, struct target *t)
{
    target_segment(t, "add");
    if (args_is(args, "nocopy")) {
        ctl_refuse(args, ": nocopy option is only valid for URLs");
        return false;
    }
    if (args_is(args, "no-stream"))
        target_param(t, "stream-channels", "false");
    add_param_flag(args, t, "local");
    add_param_flag(args, t, "no-pin");
    pin_options_factors(args, 0, t);
    pin_options_name(args, t);
    return add_query_import(args, t) && pin_options_expiry(args, t) &&
           pin_options_allocations(args, t) && pin_options_metadata(args, t);
}

/* ---- run ---- */

/* The row of the root, which --quieter keeps for the end. */
static void add_show_last(struct add *a)
{
    struct json_doc doc;
    struct buf out = { 0 };
    if (a->words != ADD_LAST || json_parse(&doc, (const char *)a->last.data, a->last.len) != OK)
        return;
    add_put_row(a, &out, &doc, 0, buf_bytes(&a->last));
    add_write(a, &out);
    add_flush(a);
    json_doc_deinit(&doc);
}

static int add_wait(struct add *a, const struct args *args)
{
    struct json_doc doc;
    char cid[CID_TEXT_SIZE] = "";
    if (json_parse(&doc, (const char *)a->last.data, a->last.len) == OK) {
        (void)json_text_into(&doc, json_member(&doc, 0, "cid"), cid, sizeof(cid));
        json_doc_deinit(&doc);
    }
    if (cid[0] == '\0' || !args_is(args, "wait") || args_is(args, "no-pin"))
        return CTL_DONE;
    int64_t least = args_number(args, "replication-min");
    struct follow f = { .cid = cid,
                        .goal = { .status = "pinned", .peers_min = least > 0 ? (size_t)least : 0 },
                        .waits = true,
                        .timeout_us = args_span_us(args, "wait-timeout"),
                        .shows_nothing = true };
    return follow_pin(a->ctl, &f);
}

static int add_run(struct add *a, const struct args *args, struct question *q)
{
    struct upload upload = { add_read, add_rewind, a, parts_content_type(a->parts) };
    struct answer_sink sink = { add_on_row, add_flush, a };
    q->upload = &upload;
    int code = ctl_ask(a->ctl, q, &sink);
    q->upload = NULL; /* it ends with this function */
    bar_hide(&a->bar);
    if (parts_err(a->parts) != OK) {
        fprintf(stderr, "error : %s\nNothing was pinned.\n", parts_why(a->parts));
        return CTL_FAILED;
    }
    if (code == CTL_DONE)
        add_show_last(a);
    if (code == CTL_DONE && a->is_lost)
        code = CTL_FAILED;
    return code == CTL_DONE ? add_wait(a, args) : code;
}

static int cmd_add_run(void *program, const struct args *args)
{
    struct question q = { .method = "POST" };
    struct buf why = { 0 };
    struct add a = { .ctl = program };
    struct parts_options options = { .paths = args->operands,
                                     .count = args->operands_count,
                                     .recursive = args_is(args, "recursive"),
                                     .hidden = args_is(args, "hidden") };
    a.words = args_is(args, "quieter") ? ADD_LAST : args_is(args, "quiet") ? ADD_CIDS : ADD_LINES;
    int code = CTL_FAILED;
    if (args->operands_count == 0) {
        ctl_refuse(args, ": need at least one path (- for stdin)");
    } else if (add_query(args, &q.target)) {
        if (parts_open(&a.parts, &options, &why) == OK)
            code = CTL_DONE;
        else
            ctl_refuse(args, ": %s", buf_text(&why));
    }
    if (code == CTL_DONE) {
        bool has_bar = a.words == ADD_LINES && !a.ctl->as_json;
        bar_init(&a.bar, has_bar ? parts_content_len(a.parts) : 0);
        a.bar.is_on = a.bar.is_on && has_bar;
        code = add_run(&a, args, &q);
        parts_close(a.parts);
    } else {
        target_deinit(&q.target);
    }
    buf_deinit(&a.last);
    buf_deinit(&why);
    return code;
}

/* ---- the table ---- */

static const struct flag flags[] = {
    { "recursive,r", FLAG_BOOL, .help = "add folders, with all that is in them" },
    { "hidden,H", FLAG_BOOL, .help = "and what begins with a dot in them" },
    { "quiet,q", FLAG_BOOL, .help = "print only CIDs" },
    { "quieter,Q", FLAG_BOOL, .help = "print only the last CID, which is what is pinned" },
    { "no-stream", FLAG_BOOL, .help = "print nothing before all is added" },
    { "local", FLAG_BOOL,
      .help = "send it to the IPFS daemon of the peer that is asked only; "
              "others fetch it from there" },
    { "name,n", FLAG_TEXT, .value = "NAME", .help = "a name for the pin, for people" },
    { "replication-min,rmin", FLAG_WHOLE, .value = "N", .fallback = "0",
      .help = "refuse unless N peers have taken it; 0: as configured" },
    { "replication-max,rmax", FLAG_WHOLE, .value = "N", .fallback = "0",
      .help = "send it to up to N peers; 0: as configured" },
    { "expire-in", FLAG_SPAN, .value = "SPAN", .help = "unpin after this long: 90s, 72h" },
    { "metadata", FLAG_TEXT, .repeats = true, .value = "KEY=VALUE",
      .help = "a note to keep with the pin; may be given several times" },
    { "allocations,allocs", FLAG_TEXT, .value = "PEER,...",
      .help = "peers to take first, if they are fit" },
    { "no-pin", FLAG_BOOL, .help = "do not pin it" },
    { "wait", FLAG_BOOL, .help = "wait until the peers have pinned it" },
    { "wait-timeout,wt", FLAG_SPAN, .value = "SPAN", .fallback = "0s",
      .help = "wait no longer than this, then exit with 62; 0s: as long as it takes" },
    { "wrap-with-directory,w", FLAG_BOOL,
      .help = "put a folder around it, which keeps the names; so it is with several paths" },
    { "format", FLAG_TEXT, .value = "unixfs|car", .fallback = "unixfs",
      .help = "what the file is: something to import, or a CAR with one root" },
    { "layout", FLAG_TEXT, .value = "balanced|trickle",
      .help = "of the tree that is made of a file" },
    { "chunker,s", FLAG_TEXT, .value = "CHUNKER", .fallback = "size-262144",
      .help = "size-BYTES or rabin-MIN-AVG-MAX" },
    { "raw-leaves", FLAG_BOOL, .help = "no UnixFS around the bytes in the leaves" },
    { "cid-version", FLAG_COUNT, .value = "0|1", .fallback = "0", .help = "1 has raw leaves, too" },
    { "hash", FLAG_TEXT, .value = "NAME", .fallback = "sha2-256",
      .help = "another one makes CIDs of version 1" },
    { "nocopy", FLAG_BOOL, .help = "refused: it is for URLs, which are not fetched here" },
    { 0 },
};

static const struct example examples[] = {
    { "add film.mkv", "on as many peers as the configuration says, sent to all of them at once" },
    { "add -r --name photos photos/", "a folder" },
    { "add -w a.txt b.txt", "two files in one folder" },
    { "add --format car backup.car", "what `ipfs dag export` has written" },
    { "add -Q -", "stdin; prints the CID alone" },
    { 0 },
};

const struct cmd cmd_add = {
    .path = "add",
    .operands = "PATH...",
    .operands_max = CMD_OPERANDS_ANY,
    .summary = "add files to the cluster, and pin them",
    .text = "The content goes to the IPFS daemons of the peers that are to hold it, all at once, "
            "and is pinned "
            "when they have it. Several paths are put into one folder. When it breaks off, nothing "
            "is pinned.",
    .flags = flags,
    .examples = examples,
    .run = cmd_add_run,
};
