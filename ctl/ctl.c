#include "ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"
#include "os/os_clock.h"
#include "util/err.h"

/* One answer on its way to stdout, or into a file. */
struct show {
    struct ctl *ctl;
    FILE *to;
    format_fn *format;
    struct failure *failure;
    struct buf out;
    bool is_lost; /* it takes no more */
};

/* ---- stdout ---- */

static void show_lose(struct show *s)
{
    if (!s->is_lost && errno != EPIPE) /* whoever read has read enough, as `| head` does */
        fprintf(stderr, "error: %s cannot be written: %s\n",
                s->to == stdout ? "standard output" : "the file", strerror(errno));
    s->is_lost = true;
}

static bool show_write(struct show *s)
{
    if (s->out.err != OK)
        failure_set(s->failure, 0, s->out.err, "%s", err_text(s->out.err));
    if (fwrite(s->out.data, 1, s->out.len, s->to) < s->out.len)
        show_lose(s);
    buf_clear(&s->out);
    return !s->is_lost && !s->failure->happened;
}

static void show_flush(void *owner)
{
    struct show *s = owner;
    if (fflush(s->to) != 0)
        show_lose(s);
}

/* ---- documents ---- */

static void show_document(struct show *s, const struct json_doc *doc, struct bytes row)
{
    if (s->ctl->as_json) {
        json_indent(&s->out, row.data, row.len, TEXT_JSON_INDENT);
        buf_put_u8(&s->out, '\n');
        return;
    }
    struct clock clock = os_clock();
    struct format f = { .out = &s->out,
                        .has_colour = s->ctl->has_colour,
                        .now_us = clock_wall(&clock).us };
    s->format(&f, doc);
}

static bool show_row(void *owner, struct bytes row)
{
    struct show *s = owner;
    struct json_doc doc;
    int err = json_parse(&doc, row.data, row.len);
    if (err != OK) {
        failure_set(s->failure, 0, ERR_CORRUPT, "the answer is no JSON: %.*s",
                    (int)(row.len < 80 ? row.len : 80), (const char *)row.data);
        return false;
    }
    show_document(s, &doc, row);
    json_doc_deinit(&doc);
    return show_write(s);
}

int ctl_fail(struct ctl *ctl, const struct failure *failure)
{
    struct buf out = { 0 };
    failure_print(failure, ctl->as_json, &out);
    fwrite(out.data, 1, out.len, ctl->stdout_is_data ? stderr : stdout);
    fflush(stdout); /* before the advice, on a terminal that shows both */
    buf_deinit(&out);
    const char *advice = failure_advice(failure);
    if (advice[0] != '\0')
        fprintf(stderr, "%s\n", advice);
    return failure_exit_code(failure);
}

static int ctl_show_to(struct ctl *ctl, struct question *q, format_fn *format, FILE *to)
{
    struct failure failure = { 0 };
    struct show show = { .ctl = ctl, .to = to, .format = format, .failure = &failure };
    struct request request = {
        q->method, target_text(&q->target), q->body, { show_row, show_flush, &show }, NULL
    };
    int code = CTL_DONE;
    if (!request_run(&ctl->remote, &request, &failure))
        code = failure.happened ? ctl_fail(ctl, &failure) : CTL_FAILED;
    if (show.is_lost)
        code = CTL_FAILED;
    buf_deinit(&show.out);
    failure_deinit(&failure);
    target_deinit(&q->target);
    return code;
}

int ctl_show(struct ctl *ctl, struct question *q, format_fn *format)
{
    return ctl_show_to(ctl, q, format, stdout);
}

int ctl_show_into(struct ctl *ctl, struct question *q, format_fn *format, const char *path)
{
    if (path == NULL)
        return ctl_show(ctl, q, format);
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        fprintf(stderr, "error writing %s: %s\n", path, strerror(errno));
        target_deinit(&q->target);
        return CTL_FAILED;
    }
    bool has_colour = ctl->has_colour;
    ctl->has_colour = false;
    int code = ctl_show_to(ctl, q, format, file);
    ctl->has_colour = has_colour;
    if (fclose(file) != 0 && code == CTL_DONE)
        code = CTL_FAILED;
    if (code != CTL_DONE)
        remove(path);
    return code;
}

int ctl_show_document(struct ctl *ctl, struct bytes document, format_fn *format)
{
    struct failure failure = { 0 };
    struct show show = { .ctl = ctl, .to = stdout, .format = format, .failure = &failure };
    int code = CTL_DONE;
    if (document.len > 0 && !show_row(&show, document))
        code = failure.happened ? ctl_fail(ctl, &failure) : CTL_FAILED;
    show_flush(&show);
    if (show.is_lost)
        code = CTL_FAILED;
    buf_deinit(&show.out);
    failure_deinit(&failure);
    return code;
}

int ctl_ask(struct ctl *ctl, struct question *q, const struct answer_sink *sink)
{
    struct failure failure = { 0 };
    struct request request = { q->method, target_text(&q->target), q->body, *sink, q->upload };
    int code = CTL_DONE;
    if (!request_run(&ctl->remote, &request, &failure))
        code = failure.happened ? ctl_fail(ctl, &failure) : CTL_FAILED;
    failure_deinit(&failure);
    target_deinit(&q->target);
    return code;
}

static bool fetch_row(void *owner, struct bytes row)
{
    struct buf *document = owner;
    if (document->len == 0)
        buf_append(document, row.data, row.len);
    return true;
}

int ctl_fetch(struct ctl *ctl, struct question *q, struct buf *document)
{
    struct answer_sink sink = { fetch_row, NULL, document };
    buf_clear(document);
    return ctl_ask(ctl, q, &sink);
}

/* ---- arguments ---- */

int ctl_refuse(const struct args *args, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    fputs("error ", stderr);
    vfprintf(stderr, format, rest);
    va_end(rest);
    fprintf(stderr, "\nSee: ipfs-cluster-ctl %s --help\n", args->cmd->path);
    return CTL_FAILED;
}

bool ctl_read_cid(const struct args *args, const char *text, struct cid *out)
{
    int err = cid_parse(out, text);
    if (err == OK)
        return true;
    ctl_refuse(args, "parsing cid: '%s' is no CID%s; copy it whole, such as `ipfs add` prints it",
               text, cid_parse_note(err));
    return false;
}

/* What follows /ipns/ may be a name of any kind; a CID follows the others. NULL: this is no path. */
static const char *path_of_cid(const char *text)
{
    bool begins = strncmp(text, "/ipfs/", 6) == 0 || strncmp(text, "/ipld/", 6) == 0;
    return begins ? text + 6 : NULL;
}

static bool path_has_name(const char *text)
{
    return strncmp(text, "/ipns/", 6) == 0 && text[6] != '\0' && text[6] != '/';
}

bool ctl_read_path(const struct args *args, const char *text, struct target *out)
{
    const char *root = path_of_cid(text);
    size_t len = root != NULL ? strcspn(root, "/") : strlen(text);
    struct cid cid;
    int err = cid_parse_len(&cid, root != NULL ? root : text, len);
    if (err == OK && root == NULL) {
        target_segment(out, "ipfs");
        target_segment(out, text);
    } else if (err == OK || path_has_name(text)) {
        target_path(out, text);
    } else if (root != NULL) {
        ctl_refuse(args, ": invalid path \"%s\": '%.*s' is no CID%s", text, (int)len, root,
                   cid_parse_note(err));
        return false;
    } else {
        ctl_refuse(args,
                   ": invalid path \"%s\": neither a CID%s nor a path (/ipfs/CID, /ipns/NAME)",
                   text, cid_parse_note(err));
        return false;
    }
    return true;
}
