/* cmd_state_export.c -- the pins of a disk as lines of JSON. A slice of the state is read in one view, so a million
 * pins take no more memory than a few. A peer with as many must stop within a second, so threads share the work. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd_state.h"
#include "ids/peer_id_names.h"
#include "os/os_stage.h"
#include "os/os_writer.h"
#include "state/pin_json.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/mem.h"

enum { EXPORT_BATCH_PINS = 1024 };

/* A slice of the pins: who reads them hands it to who writes them. */
struct export_batch {
    struct arena arena; /* of the pins */
    struct pin pins[EXPORT_BATCH_PINS];
    size_t count;
    struct buf lines; /* of the pins, when they are printed */
    int err;          /* of the export, when this batch was written */
};

/* Two threads read and print; a third hands the lines to the kernel. The stage prints what comes with no lines yet, and
 * the reader, rather than wait for the stage, prints its batch itself. */
struct export
{
    struct os_stage *stage;
    struct export_batch *filling;
    struct export_batch batches[2];
    struct peer_id_names names; /* of who holds the pins; the reader's */

    /* The stage's. */
    struct os_writer *writer;
    struct peer_id_names stage_names;
    uint64_t pins_count;
    int err;
};

static void export_print(struct export_batch *batch, struct peer_id_names *names)
{
    struct json_writer w = json_writer_to(&batch->lines);
    for (size_t i = 0; i < batch->count; i++) {
        pin_json_write(&w, &batch->pins[i], names);
        buf_put_u8(&batch->lines, '\n');
    }
}

static void export_count(struct export *x, size_t count)
{
    uint64_t steps = x->pins_count / STATE_PROGRESS_PINS;
    x->pins_count += count;
    if (x->pins_count / STATE_PROGRESS_PINS > steps)
        fprintf(stderr, "%llu pins written\n",
                (unsigned long long)(x->pins_count - x->pins_count % STATE_PROGRESS_PINS));
}

static void export_write(void *owner, void *slot)
{
    struct export *x = owner;
    struct export_batch *batch = slot;
    if (batch->lines.len == 0)
        export_print(batch, &x->stage_names);
    if (x->err == OK)
        x->err = batch->lines.err;
    if (x->err == OK)
        x->err = os_writer_put(x->writer, batch->lines.data, batch->lines.len);
    if (x->err == OK)
        export_count(x, batch->count);
    buf_clear(&batch->lines);
    batch->count = 0;
    batch->err = x->err;
}

static int export_take(void *owner, const struct pin *pin)
{
    struct export_batch *batch = owner;
    batch->pins[batch->count++] = *pin;
    return OK;
}

static int export_walk(const struct store *store, struct export *x)
{
    struct cid after = { 0 };
    int err = OK;
    while (err == OK) {
        struct export_batch *batch = x->filling;
        err = peer_disk_walk(store, &batch->arena, &after, EXPORT_BATCH_PINS, export_take, batch);
        if (os_stage_is_busy(x->stage))
            export_print(batch, &x->names);
        x->filling = os_stage_next(x->stage);
        if (err == OK)
            err = x->filling->err;
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

/* What the stage found out last is known when it has ended. */
static int export_in_stage(const struct store *store, struct export *x)
{
    x->filling = &x->batches[0];
    int err = os_stage_begin(&x->stage, export_write, x, &x->batches[0], &x->batches[1]);
    if (err != OK)
        return err;
    err = export_walk(store, x);
    os_stage_end(x->stage);
    for (size_t i = 0; i < 2; i++) {
        arena_deinit(&x->batches[i].arena);
        buf_deinit(&x->batches[i].lines);
    }
    return err == OK ? x->err : err;
}

/* `store` NULL: there are no pins. */
static int export_all(const struct store *store, int fd, const char *name, uint64_t *pins_count,
                      struct buf *why)
{
    struct export *x = mem_zalloc(sizeof *x);
    int number = 0;
    int err = x != NULL ? os_writer_begin(&x->writer, fd) : ERR_NOMEM;
    if (err != OK) {
        mem_free(x);
        return err;
    }
    int walk_err = store != NULL ? export_in_stage(store, x) : OK;
    err = os_writer_end(x->writer, &number);
    if (err != OK)
        buf_printf(why, "cannot write %s: %s", name, strerror(number));
    *pins_count = x->pins_count;
    mem_free(x);
    return err != OK ? err : walk_err;
}

static int export_fail(struct buf *why, const char *path)
{
    buf_printf(why, "cannot write %s: %s", path, strerror(errno));
    return ERR_IO;
}

/* The file whole under its name, or not at all. */
static int export_to_file(const struct store *store, const char *fresh, const char *path,
                          bool is_durable, uint64_t *pins_count, struct buf *why)
{
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return export_fail(why, fresh);
    int err = export_all(store, fd, fresh, pins_count, why);
    if (err == OK && is_durable && fsync(fd) != 0)
        err = export_fail(why, fresh);
    if (close(fd) != 0 && err == OK)
        err = export_fail(why, fresh);
    if (err == OK && is_durable)
        return os_dir_rename(fresh, path, why);
    if (err == OK && rename(fresh, path) != 0)
        err = export_fail(why, path);
    return err;
}

int state_write_pins(const struct store *store, const char *path, bool is_durable,
                     uint64_t *pins_count, struct buf *why)
{
    if (path == NULL)
        return export_all(store, STDOUT_FILENO, "stdout", pins_count, why);
    struct buf fresh = { 0 };
    buf_printf(&fresh, "%s.new", path);
    int err = export_to_file(store, buf_text(&fresh), path, is_durable, pins_count, why);
    if (err != OK)
        (void)os_file_remove(buf_text(&fresh), NULL);
    buf_deinit(&fresh);
    return err;
}

static int cmd_state_export_run(void *program, const struct args *args)
{
    const struct service *service = program;
    const char *path = args_text(args, "file");
    struct state s;
    uint64_t count = 0;
    int code = 0;
    int err = state_begin(&s, service, true);
    if (err == ERR_BUSY)
        buf_append_text(&s.why, ". From a running peer: ipfs-cluster-ctl state export");
    if (err == OK)
        err = state_open(&s, false);
    if (err == OK && s.disk != NULL && peer_disk_facts(s.disk)->log_is_damaged) {
        err = ERR_CORRUPT;
        buf_printf(&s.why, "the log in %s is damaged; a peer with whole data has the same pins",
                   buf_text(&s.folder));
    }
    bool has_pins = s.disk != NULL && !peer_disk_facts(s.disk)->is_empty;
    if (err == OK)
        err = state_write_pins(has_pins ? &s.port : NULL, path, true, &count, &s.why);
    if (err == ERR_CORRUPT && s.why.len == 0)
        buf_append_text(&s.why,
                        "a row of this peer's state is damaged. Any other peer of the cluster has "
                        "the same pins; this one heals from them once it is started");
    if (err != OK)
        code = state_fail(&s, "exporting the state", err);
    else
        LOG_INFO(&service->log, "service", "state successfully exported: %llu pins",
                 (unsigned long long)count);
    state_end(&s);
    return code;
}

static const struct flag flags[] = {
    { "file,f", FLAG_TEXT, .value = "FILE", .help = "write there instead of to stdout" },
    { 0 },
};

static const struct example examples[] = {
    { "state export -f pins.json", "into a file, which appears whole or not at all" },
    { "state export", "to stdout, one pin a line" },
    { 0 },
};

const struct cmd cmd_state_export = {
    .path = "state export",
    .operands = "",
    .summary = "write the pins, one a line",
    .text = "The peer must not be running; from one that is: ipfs-cluster-ctl state export.",
    .flags = flags,
    .examples = examples,
    .run = cmd_state_export_run,
};
