/* cmd_state.c -- the pins of a running cluster, all of them: out into a file, and in from one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "util/json.h"

/* ---- export ---- */

struct export
{
    FILE *file;
    bool is_lost; /* it cannot be written */
};

static bool export_row(void *owner, struct bytes row)
{
    struct export *x = owner;
    x->is_lost = fwrite(row.data, 1, row.len, x->file) != row.len || fputc('\n', x->file) == EOF;
    return !x->is_lost;
}

static int export_complain(const char *path)
{
    fprintf(stderr, "error writing %s: %s\n", path, strerror(errno));
    return CTL_FAILED;
}

static int export_ask(struct ctl *ctl, struct export *x)
{
    struct answer_sink sink = { .row = export_row, .owner = x };
    struct question q = { .method = "GET" };
    target_segment(&q.target, "state");
    target_segment(&q.target, "export");
    return ctl_ask(ctl, &q, &sink);
}

/* The file is there when all of it is. */
static int export_to_file(struct ctl *ctl, const char *path)
{
    struct buf fresh = { 0 };
    buf_printf(&fresh, "%s.new", path);
    struct export x = { .file = fopen(buf_text(&fresh), "we") };
    int code = x.file != NULL ? export_ask(ctl, &x) : export_complain(buf_text(&fresh));
    if (x.file != NULL) {
        bool is_written = !x.is_lost && fflush(x.file) == 0 && fsync(fileno(x.file)) == 0;
        if (code == CTL_DONE && !is_written)
            code = export_complain(buf_text(&fresh));
        fclose(x.file);
        if (code == CTL_DONE && rename(buf_text(&fresh), path) != 0)
            code = export_complain(path);
        if (code != CTL_DONE)
            unlink(buf_text(&fresh));
    }
    buf_deinit(&fresh);
    return code;
}

static int cmd_state_export_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    const char *path = args_text(args, "file");
    if (path != NULL)
        return export_to_file(ctl, path);
    struct export x = { .file = stdout };
    ctl->stdout_is_data = true;
    int code = export_ask(ctl, &x);
    if (x.is_lost || fflush(stdout) != 0)
        code = export_complain("stdout");
    return code;
}

/* ---- import ---- */

struct import {
    FILE *file;
    uint64_t size; /* 0: not known */
    uint64_t sent;
    unsigned told; /* tenths */
};

static size_t import_read(void *owner, void *into, size_t size)
{
    struct import *m = owner;
    size_t len = fread(into, 1, size, m->file);
    m->sent += len;
    unsigned tenths = m->size > 0 ? (unsigned)(m->sent * 10 / m->size) : 0;
    if (tenths > m->told && m->size > 1024 * 1024) {
        m->told = tenths;
        fprintf(stderr, "%u %% sent\n", tenths * 10);
    }
    return len;
}

static bool import_rewind(void *owner)
{
    struct import *m = owner;
    m->sent = m->told = 0;
    return fseek(m->file, 0, SEEK_SET) == 0;
}

static void import_show_errors(const struct json_doc *doc)
{
    int list = json_member(doc, 0, "errors");
    struct buf cid = { 0 }, why = { 0 };
    for (int at = json_first(doc, list); at != JSON_NONE; at = json_next(doc, at)) {
        buf_clear(&cid);
        buf_clear(&why);
        (void)json_text(doc, json_member(doc, at, "cid"), &cid);
        (void)json_text(doc, json_member(doc, at, "error"), &why);
        printf("%s: %s\n", buf_text(&cid), buf_text(&why));
    }
    buf_deinit(&cid);
    buf_deinit(&why);
}

/* What was not taken over, and how many were. */
static int import_show(struct ctl *ctl, struct bytes document)
{
    struct json_doc doc;
    uint64_t imported = 0, refused = 0;
    if (json_parse(&doc, document.data, document.len) == 0) {
        (void)json_get_u64(&doc, json_member(&doc, 0, "imported"), &imported);
        (void)json_get_u64(&doc, json_member(&doc, 0, "refused"), &refused);
        if (!ctl->as_json)
            import_show_errors(&doc);
    }
    json_doc_deinit(&doc);
    if (ctl->as_json)
        printf("%.*s\n", (int)document.len, (const char *)document.data);
    else
        printf("%llu pins imported, %llu refused\n", (unsigned long long)imported,
               (unsigned long long)refused);
    return refused == 0 ? CTL_DONE : CTL_REFUSED;
}

static int cmd_state_import_run(void *program, const struct args *args)
{
    struct ctl *ctl = program;
    const char *path = args->operands_count > 0 ? args->operands[0] : NULL;
    struct import m = { .file = path != NULL ? fopen(path, "re") : stdin };
    struct stat st;
    if (m.file == NULL) {
        fprintf(stderr, "error reading %s: %s\n", path, strerror(errno));
        return CTL_FAILED;
    }
    if (fstat(fileno(m.file), &st) == 0 && S_ISREG(st.st_mode))
        m.size = (uint64_t)st.st_size;
    struct upload upload = { import_read, import_rewind, &m, NULL };
    struct question q = { .method = "POST", .upload = &upload };
    struct buf document = { 0 };
    target_segment(&q.target, "state");
    target_segment(&q.target, "import");
    int code = ctl_fetch(ctl, &q, &document);
    if (code == CTL_DONE)
        code = import_show(ctl, buf_bytes(&document));
    if (path != NULL)
        fclose(m.file);
    buf_deinit(&document);
    return code;
}

/* ---- the table ---- */

static const struct example state_examples[] = {
    { "state export -f pins.json", "a copy of all pins" },
    { 0 },
};

const struct cmd cmd_state = {
    .path = "state",
    .operands = "",
    .summary = "copy all pins of a cluster, and put a copy back",
    .text =
        "These work on a running cluster. What a stopped peer has on its disk is the business of "
        "ipfs-cluster-service state.",
    .examples = state_examples,
};

static const struct flag export_flags[] = {
    { "file,f", FLAG_TEXT, .value = "FILE",
      .help = "write there, whole or not at all; else to stdout" },
    { 0 },
};

static const struct example export_examples[] = {
    { "state export -f pins.json", "a copy of all pins, as they stand at one moment" },
    { "--host /ip4/10.0.0.7/tcp/9094 state export", "of another peer, to stdout" },
    { 0 },
};

const struct cmd cmd_state_export = {
    .path = "state export",
    .operands = "",
    .summary = "write all pins, one a line, as they stand at one moment",
    .text = "Writes go on meanwhile. The peer that is asked spools the copy to its disk, and sends "
            "it as fast "
            "as it is taken.",
    .flags = export_flags,
    .examples = export_examples,
    .run = cmd_state_export_run,
};

static const struct example import_examples[] = {
    { "state import pins.json", "everything that it says, pinned here" },
    { "state import", "what comes on stdin" },
    { 0 },
};

const struct cmd cmd_state_import = {
    .path = "state import",
    .operands = "[FILE]",
    .operands_max = 1,
    .summary = "pin everything that an export says",
    .text = "Reads what `state export` and the Go ipfs-cluster write, and the files that its old "
            "versions left "
            "in backups/. Each pin goes through the log as if a client had asked for it; peers "
            "that held it are "
            "preferred. Pins that are there already are written again; those that the file does "
            "not name stay. Safe "
            "to repeat.",
    .examples = import_examples,
    .run = cmd_state_import_run,
};
