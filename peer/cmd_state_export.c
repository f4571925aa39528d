/* cmd_state_export.c -- the pins of a disk as lines of JSON. A slice of the state is read in one view, so a million
 * pins take no more memory than a few. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd_state.h"
#include "ids/peer_id_names.h"
#include "os/os_writer.h"
#include "state/pin_json.h"
#include "util/arena.h"
#include "util/err.h"

struct export
{
    struct os_writer *writer;
    struct buf line;
    struct peer_id_names names; /* of who holds the pins */
    uint64_t pins_count;
};

static int export_pin(void *owner, const struct pin *pin)
{
    struct export *x = owner;
    struct json_writer w = json_writer_to(&x->line);
    buf_clear(&x->line);
    pin_json_write(&w, pin, &x->names);
    buf_put_u8(&x->line, '\n');
    int err = x->line.err;
    if (err == OK)
        err = os_writer_put(x->writer, x->line.data, x->line.len);
    if (err != OK)
        return err;
    x->pins_count += 1;
    if (x->pins_count % STATE_PROGRESS_PINS == 0)
        fprintf(stderr, "%llu pins written\n", (unsigned long long)x->pins_count);
    return OK;
}

static int export_walk(const struct store *store, struct export *x)
{
    struct arena arena = { 0 };
    struct cid after = { 0 };
    int err;
    do
        err = peer_disk_walk(store, &arena, &after, PEER_DISK_SLICE, export_pin, x);
    while (err == OK);
    arena_deinit(&arena);
    buf_deinit(&x->line);
    return err == ERR_NOT_FOUND ? OK : err;
}

/* `store` NULL: there are no pins. */
static int export_all(const struct store *store, int fd, const char *name, uint64_t *pins_count,
                      struct buf *why)
{
    struct export x = { 0 };
    int number = 0;
    int err = os_writer_begin(&x.writer, fd);
    if (err != OK)
        return err;
    int walk_err = store != NULL ? export_walk(store, &x) : OK;
    err = os_writer_end(x.writer, &number);
    if (err != OK)
        buf_printf(why, "cannot write %s: %s", name, strerror(number));
    *pins_count = x.pins_count;
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
