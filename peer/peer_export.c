/* peer_export.c -- all pins as they stood at one moment, while writes go on (GET /state/export).
 *
 *      asked ---> what is applied becomes durable ---> the store exports that version into a spool file
 *                                                            |
 *      rows <--- pins taken out of the file <--- read piece by piece, as the client takes them
 *
 * A view may not be held over events (port/view.h), and need not be: the export job of the store has a read transaction of
 * its own, begun in the event that asks for it. So the moment is that event: everything that had been applied here when the
 * client asked is in, and nothing that came later. A slow client costs a file, and no memory. */
#include "peer_export.h"

#include "http/api/api.h"
#include "state/pinset.h"
#include "state/tables.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/row_file.h"

enum { EXPORT_PIECE_BYTES = 256 * 1024 };

enum export_phase {
    EXPORT_GATHERING, /* until `wanted` is durable */
    EXPORT_SPOOLING,
    EXPORT_READING,
    EXPORT_FAILED,
    EXPORT_CLOSING, /* nobody listens; what runs in the store has to come back */
};

struct api_export {
    struct peer *peer;
    size_t slot;
    enum export_phase phase;
    uint64_t wanted;
    struct api_listing_hooks hooks;
    struct map_job job;
    bool job_runs; /* this, or a read */
    struct file_job read;
    bool read_runs;
    uint64_t offset;
    struct row_file_reader rows;
    uint8_t *piece;
    struct file_job drop;
};

static void export_free(struct api_export *x)
{
    x->peer->exports[x->slot] = NULL;
    row_file_reader_deinit(&x->rows);
    mem_free(x->piece);
    mem_free(x);
}

static uint64_t export_file_no(const struct api_export *x)
{
    return PEER_FILE_EXPORT + x->slot;
}

static void export_dropped(struct file_job *job, int err)
{
    (void)err; /* the next export of this slot writes over what is left */
    export_free(job->owner);
}

static void export_drop(struct api_export *x)
{
    x->drop = (struct file_job){
        .what = FILE_DROP, .file_no = export_file_no(x), .done = export_dropped, .owner = x
    };
    if (store_file_job(&x->peer->ports.store, &x->drop) != OK)
        export_free(x);
}

/* Something of it has come back from the store. */
static void export_settle(struct api_export *x, int err)
{
    if (x->phase == EXPORT_CLOSING) {
        if (err == ERR_CANCELED)
            export_free(x);
        else
            export_drop(x);
        return;
    }
    if (err != OK)
        x->phase = EXPORT_FAILED;
    if (err != ERR_CANCELED)
        x->hooks.on_wake(x->hooks.owner);
}

static void export_spooled(struct map_job *job, int err)
{
    struct api_export *x = job->owner;
    struct peer *p = x->peer;
    peer_enter(p);
    x->job_runs = false;
    if (x->phase == EXPORT_SPOOLING)
        x->phase = EXPORT_READING;
    export_settle(x, err);
    peer_leave(p);
}

static void export_spool(struct api_export *x)
{
    struct peer *p = x->peer;
    x->job = (struct map_job){ .what = MAP_EXPORT,
                               .generation = p->raft_store.identity.generation,
                               .file_no = export_file_no(x),
                               .tables_count = STATE_TABLE_PINS + 1,
                               .done = export_spooled,
                               .owner = x };
    x->phase = EXPORT_SPOOLING;
    x->job_runs = store_map_job(&p->ports.store, &x->job) == OK;
    if (!x->job_runs)
        x->phase = EXPORT_FAILED;
}

static void export_read_done(struct file_job *job, int err)
{
    struct api_export *x = job->owner;
    struct peer *p = x->peer;
    peer_enter(p);
    x->read_runs = false;
    if (err == OK && job->len_done == 0)
        err = ERR_CORRUPT; /* the file's last row should have said so */
    if (err == OK && x->phase == EXPORT_READING) {
        x->offset += job->len_done;
        row_file_push(&x->rows, x->piece, job->len_done);
    }
    export_settle(x, err);
    peer_leave(p);
}

static void export_read(struct api_export *x)
{
    if (x->read_runs)
        return;
    x->read = (struct file_job){ .what = FILE_READ,
                                 .file_no = export_file_no(x),
                                 .offset = x->offset,
                                 .into = x->piece,
                                 .len = EXPORT_PIECE_BYTES,
                                 .done = export_read_done,
                                 .owner = x };
    x->read_runs = store_file_job(&x->peer->ports.store, &x->read) == OK;
    if (!x->read_runs)
        x->phase = EXPORT_FAILED;
}

/* ---- from outside ---- */

int peer_export_open(void *impl, const struct api_listing_hooks *hooks, struct api_export **out)
{
    struct peer *p = impl;
    size_t slot = 0;
    while (slot < PEER_EXPORTS_MAX && p->exports[slot] != NULL)
        slot += 1;
    if (slot == PEER_EXPORTS_MAX)
        return ERR_BUSY;
    if (p->raft == NULL)
        return ERR_NO_LEADER; /* not a member yet: it has no state to show */
    struct api_export *x = mem_zalloc(sizeof(*x));
    if (x == NULL || (x->piece = mem_alloc(EXPORT_PIECE_BYTES)) == NULL) {
        mem_free(x);
        return ERR_NOMEM;
    }
    x->peer = p;
    x->slot = slot;
    x->hooks = *hooks;
    x->wanted = p->applied;
    row_file_reader_init(&x->rows);
    p->exports[slot] = x;
    if (overlay_batches_count(p->state) == 0)
        export_spool(x);
    else
        overlay_flush(p->state);
    *out = x;
    return OK;
}

void peer_exports_on_durable(struct peer *p, uint64_t applied)
{
    for (size_t i = 0; i < PEER_EXPORTS_MAX; i++) {
        struct api_export *x = p->exports[i];
        if (x != NULL && x->phase == EXPORT_GATHERING && x->wanted <= applied)
            export_spool(x);
    }
}

enum api_next peer_export_next(struct api_export *x, struct arena *arena, struct pin *out)
{
    struct row_file_row row;
    if (x->phase == EXPORT_FAILED)
        return API_NEXT_FAILED;
    if (x->phase != EXPORT_READING || x->read_runs)
        return API_NEXT_WAIT;
    int err;
    do
        err = row_file_next(&x->rows, &row);
    while (err == OK && row.table != STATE_TABLE_PINS);
    if (err == OK)
        err = pin_decode(out, arena, row.value.data, row.value.len);
    if (err == OK)
        return API_NEXT_ROW;
    if (err == ERR_NOT_FOUND)
        return API_NEXT_END;
    if (err == ERR_MORE)
        export_read(x);
    else
        x->phase = EXPORT_FAILED;
    return x->phase == EXPORT_FAILED ? API_NEXT_FAILED : API_NEXT_WAIT;
}

void peer_export_close(struct api_export *x)
{
    bool has_file = x->phase != EXPORT_GATHERING;
    x->phase = EXPORT_CLOSING;
    if (x->job_runs || x->read_runs)
        return;
    if (has_file && x->peer->life != PEER_STOPPED)
        export_drop(x);
    else
        export_free(x);
}

void peer_exports_end(struct peer *p)
{
    for (size_t i = 0; i < PEER_EXPORTS_MAX; i++) {
        if (p->exports[i] != NULL)
            export_free(p->exports[i]);
    }
}
