/* snapshot.h -- the state of one peer becomes another's (DESIGN 5).
 *
 *     source (the leader)                                sink (who lags)
 *       export -> spool file --- offer ----------------->  resume or begin
 *                           <--- get {offset, len} ------
 *       read at offset ---------- chunk ---------------->  write; sync now and then, note how far
 *                                                           all here -> import into generation g+1
 *
 * Shape    The sink pulls: it asks for chunks by offset, several at a time, and asks again for what does not
 *          come. So the source keeps no account of its readers, any message may be lost or doubled, and a
 *          sink that was away goes on where it had synced, for the same snapshot_id.
 *          Both are driven by their store's completions and by messages, which are structs here; net/
 *          gives them bytes.
 * Trust    A chunk carries a checksum that binds it to its snapshot and place. When all is here the file is
 *          read once, block by block; its last checksum must be the snapshot's `hash`, and the driver sees
 *          each row and says whether they are the state that was promised. Only then it is imported.
 * Durable  How far the file is synced stands in one row of the LOCAL area, written after the sync. The old
 *          generation serves until the driver's own log unit names the new one.
 * Units    Bytes; mono microseconds.
 * Owner    Structs handed to a hook live until it returns. create/destroy: destroy forgets everything; the
 *          store must not complete into it any more (a crash), or is idle. */
#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "port/store.h"
#include "raft/raft.h"

enum {
    SNAPSHOT_CLUSTER_ID_BYTES = 16,
    SNAPSHOT_CHUNK_BYTES = 256 * 1024, /* a chunk has at most so many */
    SNAPSHOT_READS_MAX = 8,            /* chunks that a source reads at once; then ERR_BUSY */
    SNAPSHOT_WINDOW = 4,               /* chunks that a sink asks for at once */
    SNAPSHOT_SYNC_BYTES = 4 * 1024 * 1024,
};

/* Which snapshot: equal ids, equal bytes. */
struct snapshot_id {
    uint8_t cluster_id[SNAPSHOT_CLUSTER_ID_BYTES];
    struct raft_pos pos; /* the last entry in it */
    uint64_t hash;       /* row_file_hash() of the file */
};

bool snapshot_id_equal(const struct snapshot_id *a, const struct snapshot_id *b);

struct snapshot_offer {
    struct snapshot_id id;
    uint64_t len; /* of the file */
    uint64_t config_index;
    struct bytes config; /* raft_config_encode() of the configuration at pos */
};

struct snapshot_get {
    struct snapshot_id id;
    uint64_t offset;
    uint32_t len;
};

struct snapshot_chunk {
    struct snapshot_id id;
    uint64_t offset;
    uint64_t checksum;
    struct bytes bytes;
};

/* ---- the source ---- */

struct snapshot_source;

struct snapshot_source_hooks {
    void (*on_ready)(void *owner,
                     int err); /* once for each start: the offer is there, or the export failed */
    void (*on_chunk)(void *owner, uint64_t context, int err, const struct snapshot_chunk *chunk);
    void *owner;
};

int snapshot_source_create(struct snapshot_source **out, struct store *store, uint64_t file_no,
                           const struct snapshot_source_hooks *hooks);
void snapshot_source_destroy(struct snapshot_source *s);
/* Spools the open generation. Call it in an event whose view of STATE shows `pos` as applied. ERR_BUSY: one is
 * spooled already, or is being read. `offer` gives all but hash and len. */
int snapshot_source_start(struct snapshot_source *s, uint64_t generation, unsigned tables_count,
                          const struct snapshot_offer *offer);
const struct snapshot_offer *
snapshot_source_offer(const struct snapshot_source *s); /* NULL: none yet */
/* on_chunk(context) answers later. ERR_NOT_FOUND: not our snapshot, or outside of it; ERR_BUSY. */
int snapshot_source_read(struct snapshot_source *s, const struct snapshot_get *get,
                         uint64_t context);
/* The spool of a former life goes. */
void snapshot_source_sweep(struct snapshot_source *s);
/* Nobody needs it any more: drops the spool, once what is being read is through. */
void snapshot_source_end(struct snapshot_source *s);

/* ---- the sink ---- */

struct snapshot_sink;

struct snapshot_sink_hooks {
    void (*on_get)(void *owner, const struct snapshot_get *get);
    /* Before the import, for each row of the received file, and behind the last one: is it the state that the
     * offer names? Anything but OK ends the transfer, and the file goes. */
    int (*on_row)(void *owner, unsigned table, struct bytes key, struct bytes value);
    int (*on_rows_end)(void *owner, const struct snapshot_offer *offer);
    /* OK: generation `generation` holds the snapshot. The driver installs it (raft_install(), the log unit that
     * names the generation, store_map_open()), then calls snapshot_sink_finish(). Else the transfer is over;
     * the next offer of the same snapshot goes on where this one had synced. */
    void (*on_installed)(void *owner, int err, const struct snapshot_offer *offer,
                         uint64_t generation);
    void *owner;
};

struct snapshot_sink_options {
    uint64_t file_no;
    unsigned local_table; /* where the row with the progress lives */
    uint64_t retry_us;    /* a chunk that has not come by then is asked for again */
    uint64_t sync_bytes;  /* between two syncs; 0: SNAPSHOT_SYNC_BYTES */
    uint32_t chunk_bytes; /* asked for at once, at most SNAPSHOT_CHUNK_BYTES; 0: that */
};

int snapshot_sink_create(struct snapshot_sink **out, struct store *store,
                         const struct snapshot_sink_options *options,
                         const struct snapshot_sink_hooks *hooks);
void snapshot_sink_destroy(struct snapshot_sink *s);
/* Begins, or goes on with, a transfer into `generation`. OK also for the snapshot that is under way. ERR_BUSY:
 * another one is (snapshot_sink_abort() first), or its last requests are not through; ERR_INVALID. */
int snapshot_sink_on_offer(struct snapshot_sink *s, uint64_t now_us,
                           const struct snapshot_offer *offer, uint64_t generation);
/* Whatever does not fit is dropped. */
void snapshot_sink_on_chunk(struct snapshot_sink *s, uint64_t now_us,
                            const struct snapshot_chunk *chunk);
uint64_t snapshot_sink_next_deadline_us(const struct snapshot_sink *s);
void snapshot_sink_on_deadline(struct snapshot_sink *s, uint64_t now_us);
/* Bytes that are here: what the operator sees, and what counts as progress. */
uint64_t snapshot_sink_received(const struct snapshot_sink *s);
bool snapshot_sink_is_idle(const struct snapshot_sink *s);
/* Gives the transfer up, silently; what is synced stays. Not while it is being imported: ERR_BUSY. */
int snapshot_sink_abort(struct snapshot_sink *s);
/* The log names the new generation, durably: the file and the row may go. */
void snapshot_sink_finish(struct snapshot_sink *s);
/* What an earlier transfer left will not be needed any more: it goes. Nothing happens unless the sink is idle. */
void snapshot_sink_sweep(struct snapshot_sink *s);

/* ---- shared ---- */

uint64_t snapshot_checksum(const struct snapshot_id *id, uint64_t offset, struct bytes bytes);

#endif
