/* cmd_state_import.c -- a cluster of one out of a file of pins. It is built in a folder beside the data folder and
 * renamed at the end: whatever goes wrong before, nothing is there. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_state.h"
#include "state/pin_reader.h"
#include "util/err.h"
#include "util/hex.h"

enum { IMPORT_PIECE_BYTES = 64 * 1024 };

struct import {
    struct state s;
    const char *path; /* NULL: stdin */
    int32_t replication_min;
    int32_t replication_max;
    struct peer_id allocations[LIMIT_MEMBERS_COUNT];
    size_t allocations_count;

    struct buf folder; /* being built */
    uint8_t cluster_id[PEER_CLUSTER_ID_BYTES];
    FILE *file;
    struct pin_reader reader;
    struct arena arena;
    uint64_t pins_count;
    bool has_room;
    bool is_done;
    int err;
};

/* ---- one pin ---- */

static void import_override(const struct import *m, struct pin *pin)
{
    if (m->replication_min > 0)
        pin->replication_min = m->replication_min;
    if (m->replication_max > 0)
        pin->replication_max = m->replication_max;
    if (m->allocations_count > 0) {
        pin->allocations = m->allocations;
        pin->allocations_count = m->allocations_count;
    }
}

static void import_on_room(void *owner)
{
    struct import *m = owner;
    m->has_room = true;
}

static void import_on_done(void *owner, int err)
{
    struct import *m = owner;
    m->is_done = true;
    m->err = err;
}

static void import_wait(struct import *m)
{
    m->has_room = false;
    while (!m->has_room && !m->is_done)
        os_loop_run_once(&m->s.loop);
}

static int import_pin(struct import *m, struct pin *pin)
{
    int err;
    struct buf why = { 0 };
    uint64_t line = m->reader.line;
    import_override(m, pin);
    while ((err = peer_disk_import_pin(m->s.disk, pin, &why)) == ERR_BUSY)
        import_wait(m);
    if (err == ERR_INVALID)
        buf_printf(&m->s.why, "line %llu: %s: %s", (unsigned long long)line,
                   cid_print(&pin->cid).text, buf_text(&why));
    else if (m->is_done && m->err != OK)
        err = m->err; /* the disk's own words */
    buf_deinit(&why);
    m->pins_count += err == OK;
    if (err == OK && m->pins_count % STATE_PROGRESS_PINS == 0)
        fprintf(stderr, "%llu pins imported\n", (unsigned long long)m->pins_count);
    return err;
}

/* ---- the file ---- */

static int import_piece(struct import *m)
{
    struct pin pin;
    int err;
    while ((err = pin_reader_next(&m->reader, &m->arena, &pin)) == OK) {
        err = import_pin(m, &pin);
        arena_reset(&m->arena);
        if (err != OK)
            return err;
    }
    if (err != ERR_MORE)
        buf_append_text(&m->s.why, pin_reader_why(&m->reader));
    return err == ERR_MORE ? OK : err;
}

static int import_pins(struct import *m)
{
    char *piece = malloc(IMPORT_PIECE_BYTES);
    size_t len;
    int err = piece != NULL ? OK : ERR_NOMEM;
    while (err == OK && (len = fread(piece, 1, IMPORT_PIECE_BYTES, m->file)) > 0) {
        pin_reader_push(&m->reader, piece, len);
        err = import_piece(m);
    }
    if (err == OK && ferror(m->file)) {
        err = ERR_IO;
        buf_printf(&m->s.why, "cannot read %s: %s", m->path, strerror(errno));
    }
    if (err == OK) {
        err = pin_reader_end(&m->reader);
        if (err != OK)
            buf_append_text(&m->s.why, pin_reader_why(&m->reader));
    }
    free(piece);
    return err;
}

static int import_build(struct import *m)
{
    struct peer_disk_import import = {
        .self = m->s.identity.id, .on_room = import_on_room, .on_done = import_on_done, .owner = m
    };
    randombytes_buf(m->cluster_id, sizeof(m->cluster_id));
    memcpy(import.cluster_id, m->cluster_id, sizeof(import.cluster_id));
    int err = peer_disk_import_begin(m->s.disk, &import);
    if (err == OK)
        err = import_pins(m);
    if (err == OK)
        err = peer_disk_import_end(m->s.disk);
    while (err == OK && !m->is_done)
        os_loop_run_once(&m->s.loop);
    return err == OK ? m->err : err;
}

/* ---- the folder ---- */

/* Nothing that belongs to a cluster may be replaced. */
static int import_check_empty(struct import *m)
{
    int err = state_open(&m->s, true);
    const struct peer_disk_facts *f = m->s.disk != NULL ? peer_disk_facts(m->s.disk) : NULL;
    if (err == OK && f != NULL && (!f->is_empty || f->log_is_damaged)) {
        err = ERR_EXISTS;
        buf_printf(
            &m->s.why,
            "%s holds the data of a cluster (%llu pins). To put the pins into that cluster, start "
            "this peer and use ipfs-cluster-ctl state import; to found another one instead, put "
            "the data aside first: ipfs-cluster-service state cleanup",
            buf_text(&m->s.folder), (unsigned long long)f->pins_count);
    }
    (void)state_close(&m->s);
    return err;
}

/* The new data take the place of a folder that holds none. */
static int import_install(struct import *m)
{
    struct state *s = &m->s;
    struct buf path = { 0 }, text = { 0 };
    hex_append(&text, m->cluster_id, sizeof(m->cluster_id));
    buf_put_u8(&text, '\n');
    int err = os_dir_rotate(buf_text(&s->folder), (unsigned)s->config.raft.backups_rotate, &s->why);
    if (err == OK)
        err = os_dir_rename(buf_text(&m->folder), buf_text(&s->folder), &s->why);
    if (err == OK)
        err = os_file_replace(cmd_path(&path, s->service, "cluster_id"), text.data, text.len, 0600,
                              &s->why);
    buf_deinit(&path);
    buf_deinit(&text);
    return err;
}

static int import_open_file(struct import *m)
{
    if (m->path == NULL) {
        puts("reading from stdin, Ctrl-D to finish");
        fflush(stdout);
        m->file = stdin;
        return OK;
    }
    m->file = fopen(m->path, "re");
    return m->file != NULL ? OK : ERR_NOT_FOUND;
}

static int import_run(struct import *m)
{
    int err = import_check_empty(m);
    buf_printf(&m->folder, "%s.import", buf_text(&m->s.folder));
    if (err == OK)
        err = os_dir_remove(buf_text(&m->folder), &m->s.why); /* of an import that broke off */
    if (err == OK)
        err = state_open_new(&m->s, buf_text(&m->folder));
    if (err == OK)
        err = import_build(m);
    int closed = state_close(&m->s);
    if (err == OK)
        err = closed;
    if (err == OK)
        err = import_install(m);
    else
        (void)os_dir_remove(buf_text(&m->folder), NULL);
    return err;
}

/* ---- the command ---- */

static int import_parse_peers(struct import *m, const char *list)
{
    for (const char *at = list; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, ",");
        if (m->allocations_count == LIMIT_MEMBERS_COUNT ||
            peer_id_parse_len(&m->allocations[m->allocations_count++], at, len) != OK)
            return cmd_fail(": --allocations: '%.*s' is no peer's id", (int)len, at);
        at += len + (at[len] == ',');
    }
    return 0;
}

static int import_parse_factor(int32_t *out, int64_t value)
{
    if (value < -1 || value > LIMIT_MEMBERS_COUNT)
        return cmd_fail(": %lld is no replication factor", (long long)value);
    *out = (int32_t)value;
    return 0;
}

static int import_parse(struct import *m, const struct args *args)
{
    m->path = args->operands_count > 0 ? args->operands[0] : NULL;
    int code = import_parse_factor(&m->replication_min, args_number(args, "replication-min"));
    if (code == 0)
        code = import_parse_factor(&m->replication_max, args_number(args, "replication-max"));
    return code == 0 ? import_parse_peers(m, args_text(args, "allocations")) : code;
}

static int cmd_state_import_run(void *program, const struct args *args)
{
    const struct service *service = program;
    struct import m = { 0 };
    pin_reader_init(&m.reader);
    int code = import_parse(&m, args);
    if (code != 0)
        return code;
    int err = state_begin(&m.s, service, true);
    if (err == ERR_BUSY)
        buf_append_text(&m.s.why, ". Into a running cluster: ipfs-cluster-ctl state import");
    if (err == OK && import_open_file(&m) != OK) {
        code = cmd_fail("reading import file: %s: %s", m.path, strerror(errno));
    } else {
        if (err == OK)
            err = import_run(&m);
        if (err != OK)
            code = state_fail(&m.s, "importing state", err);
        else
            LOG_INFO(
                &service->log, "service",
                "state successfully imported: %llu pins. This peer is a cluster of one now: start "
                "it, and let the others join it",
                (unsigned long long)m.pins_count);
    }
    if (m.file != NULL && m.file != stdin)
        (void)fclose(m.file);
    pin_reader_deinit(&m.reader);
    arena_deinit(&m.arena);
    buf_deinit(&m.folder);
    state_end(&m.s);
    return code;
}

static const struct flag flags[] = {
    { "force,f", FLAG_BOOL, .help = "accepted; there is nothing to confirm" },
    { "replication-min,rmin", FLAG_WHOLE, .value = "N", .fallback = "0",
      .help = "for all pins, if it is not 0" },
    { "replication-max,rmax", FLAG_WHOLE, .value = "N", .fallback = "0",
      .help = "for all pins, if it is not 0" },
    { "allocations,allocs", FLAG_TEXT, .value = "PEER,...", .help = "who holds each of them" },
    { 0 },
};

static const struct example examples[] = {
    { "state import pins.json", "what `state export` wrote" },
    { "state import", "from stdin: zcat pins.json.gz | ipfs-cluster-service state import" },
    { 0 },
};

const struct cmd cmd_state_import = {
    .path = "state import",
    .operands = "[FILE]",
    .operands_max = 1,
    .summary = "found a cluster of one with the pins of a file",
    .text =
        "Reads what `state export` of this program or of the Go ipfs-cluster 1.x wrote, and the "
        "files that versions before it left in backups/. Only where there are no data yet: "
        "nothing is replaced, and nothing is left behind when the file turns out to be bad. "
        "For a cluster that runs there is ipfs-cluster-ctl state import.",
    .flags = flags,
    .examples = examples,
    .run = cmd_state_import_run,
};
