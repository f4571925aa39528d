/* snapshot_sink.c -- pulling a snapshot, keeping what is synced, checking it, importing it.
 *
 *      0         synced        written                      len
 *      |------------|------------|==W==|==A==|==A==|.........|
 *        on disk for   written in    the window: being written (W),
 *        good, noted   order         asked for (A)
 *
 * `written` moves on when the chunk at it is written; every SNAPSHOT_SYNC_BYTES, and at the end, the file is
 * synced up to where `written` stood, and then the row in LOCAL says so. The row never promises more than
 * the file holds: that is all the order there has to be. */
#include <string.h>

#include "store/snapshot.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/row_file.h"

enum { PROGRESS_KIND = 'S', PROGRESS_VERSION = 1, SNAPSHOT_LEN_MIN = 28 };

static const char progress_key[] = "snapshot";

enum sink_phase { SINK_IDLE, SINK_PULLING, SINK_CHECKING, SINK_IMPORTING, SINK_INSTALLED };

enum slot_phase { SLOT_FREE, SLOT_ASKED, SLOT_WRITING, SLOT_WRITTEN };

struct sink_slot {
    struct snapshot_sink *s;
    enum slot_phase phase;
    uint64_t offset;
    uint32_t len;
    uint64_t ask_again_us;
    struct file_job write;
    uint8_t *bytes;
};

struct snapshot_sink {
    struct store *store;
    struct snapshot_sink_options options;
    struct snapshot_sink_hooks hooks;
    enum sink_phase phase;
    struct snapshot_offer offer;
    struct buf config; /* offer.config points here */
    uint64_t generation;
    uint64_t now_us; /* of the last event that told it */
    uint64_t written;
    uint64_t synced; /* and noted */
    uint64_t next_get;
    struct sink_slot slots[SNAPSHOT_WINDOW]; /* by chunk number modulo the window */
    struct file_job sync;
    uint64_t sync_to;
    struct map_op note_op;
    struct map_batch note;
    struct buf note_value;
    struct file_job file; /* drops the old file, reads what is to be checked */
    struct row_file_reader reader;
    uint8_t *piece; /* of the file, while it is checked */
    struct map_job import;
    size_t requests_count; /* with the store */
    bool is_syncing;       /* from the sync to the note's end */
    int failed;            /* why the transfer ends, once requests_count is 0 */
};

/* ---- the row ---- */

struct sink_progress {
    struct snapshot_id id;
    uint64_t len;
    uint64_t synced;
};

static void progress_encode(const struct sink_progress *p, struct buf *out)
{
    buf_put_u8(out, PROGRESS_KIND);
    buf_put_u8(out, PROGRESS_VERSION);
    buf_append(out, p->id.cluster_id, sizeof(p->id.cluster_id));
    buf_put_u64(out, p->id.pos.term);
    buf_put_u64(out, p->id.pos.index);
    buf_put_u64(out, p->id.hash);
    buf_put_u64(out, p->len);
    buf_put_u64(out, p->synced);
}

static int progress_decode(struct sink_progress *out, struct bytes bytes)
{
    struct reader in = reader_of(bytes.data, bytes.len);
    uint8_t kind = reader_u8(&in), version = reader_u8(&in);
    struct sink_progress p = { 0 };
    struct bytes cluster_id = reader_take(&in, sizeof(p.id.cluster_id));
    p.id.pos.term = reader_u64(&in);
    p.id.pos.index = reader_u64(&in);
    p.id.hash = reader_u64(&in);
    p.len = reader_u64(&in);
    p.synced = reader_u64(&in);
    if (reader_finish(&in) != OK || kind != PROGRESS_KIND || version != PROGRESS_VERSION)
        return ERR_CORRUPT;
    memcpy(p.id.cluster_id, cluster_id.data, cluster_id.len);
    *out = p;
    return OK;
}

static int progress_read(struct snapshot_sink *s, struct sink_progress *p)
{
    struct view view;
    struct bytes value;
    int err = store_view_open(s->store, MAP_LOCAL, &view);
    if (err != OK)
        return err;
    err = view_get(&view, s->options.local_table,
                   (struct bytes){ progress_key, sizeof(progress_key) - 1 }, &value);
    if (err == OK)
        err = progress_decode(p, value);
    store_view_close(s->store, &view);
    return err;
}

/* How much of the offered snapshot is on disk; a row that cannot be read counts for nothing. */
static uint64_t progress_load(struct snapshot_sink *s, const struct snapshot_offer *offer)
{
    struct sink_progress p = { 0 };
    int err = progress_read(s, &p);
    bool fits = err == OK && snapshot_id_equal(&p.id, &offer->id) && p.len == offer->len &&
                p.synced <= p.len;
    return fits ? p.synced : 0;
}

/* ---- life ---- */

static void sink_check_end(struct snapshot_sink *s)
{
    row_file_reader_deinit(&s->reader);
    mem_free(s->piece);
    s->piece = NULL;
}

int snapshot_sink_create(struct snapshot_sink **out, struct store *store,
                         const struct snapshot_sink_options *options,
                         const struct snapshot_sink_hooks *hooks)
{
    struct snapshot_sink *s = mem_zalloc(sizeof(*s));
    if (s == NULL)
        return ERR_NOMEM;
    s->store = store;
    s->options = *options;
    if (s->options.sync_bytes == 0)
        s->options.sync_bytes = SNAPSHOT_SYNC_BYTES;
    if (s->options.chunk_bytes == 0)
        s->options.chunk_bytes = SNAPSHOT_CHUNK_BYTES;
    ASSERT(s->options.chunk_bytes <= SNAPSHOT_CHUNK_BYTES);
    s->hooks = *hooks;
    for (size_t i = 0; i < SNAPSHOT_WINDOW; i++)
        s->slots[i].s = s;
    *out = s;
    return OK;
}

void snapshot_sink_destroy(struct snapshot_sink *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < SNAPSHOT_WINDOW; i++)
        mem_free(s->slots[i].bytes);
    if (s->piece != NULL)
        sink_check_end(s);
    buf_deinit(&s->config);
    buf_deinit(&s->note_value);
    mem_free(s);
}

static void sink_end_if_free(struct snapshot_sink *s)
{
    if (s->failed == OK || s->requests_count > 0 || s->phase == SINK_IDLE)
        return;
    int err = s->failed;
    s->phase = SINK_IDLE;
    s->failed = OK;
    for (size_t i = 0; i < SNAPSHOT_WINDOW; i++) {
        mem_free(s->slots[i].bytes);
        s->slots[i].bytes = NULL;
        s->slots[i].phase = SLOT_FREE;
    }
    if (err != ERR_CANCELED)
        s->hooks.on_installed(s->hooks.owner, err, &s->offer, s->generation);
}

/* The transfer ends when everything has come back from the store. */
static void sink_fail(struct snapshot_sink *s, int err)
{
    if (s->failed == OK)
        s->failed = err;
}

/* For each completion: counts it; false when the transfer is over anyway (and perhaps, from inside the hook,
 * another one has begun). */
static bool sink_back(struct snapshot_sink *s, int err)
{
    s->requests_count -= 1;
    if (err != OK)
        sink_fail(s, err);
    bool goes_on = s->failed == OK;
    sink_end_if_free(s);
    return goes_on;
}

static void sink_submit_file(struct snapshot_sink *s, struct file_job *job)
{
    job->file_no = s->options.file_no;
    int err = store_file_job(s->store, job);
    if (err == OK)
        s->requests_count += 1;
    else
        sink_fail(s, err);
}

/* ---- import ---- */

static void sink_forget_file(struct snapshot_sink *s);

static void sink_on_imported(struct map_job *job, int err)
{
    struct snapshot_sink *s = job->owner;
    if (err != OK)
        sink_fail(s, err);
    if (err == ERR_CORRUPT)
        sink_forget_file(s); /* begin anew */
    if (!sink_back(s, err))
        return;
    s->phase = SINK_INSTALLED;
    s->hooks.on_installed(s->hooks.owner, OK, &s->offer, s->generation);
}

static void sink_import(struct snapshot_sink *s)
{
    s->import = (struct map_job){ .what = MAP_IMPORT,
                                  .generation = s->generation,
                                  .file_no = s->options.file_no,
                                  .done = sink_on_imported,
                                  .owner = s };
    s->phase = SINK_IMPORTING;
    int err = store_map_job(s->store, &s->import);
    if (err == OK)
        s->requests_count += 1;
    else
        sink_fail(s, err);
    sink_end_if_free(s);
}

/* ---- check ---- */

/* All rows that are here. OK behind the last one, ERR_MORE when more of the file is needed. */
static int sink_check_rows(struct snapshot_sink *s)
{
    struct row_file_row row;
    int err;
    while ((err = row_file_next(&s->reader, &row)) == OK) {
        err = s->hooks.on_row(s->hooks.owner, row.table, row.key, row.value);
        if (err != OK)
            return err;
    }
    if (err != ERR_NOT_FOUND)
        return err;
    if (row_file_hash(&s->reader) != s->offer.id.hash)
        return ERR_CORRUPT; /* another file than the row in LOCAL spoke of */
    return s->hooks.on_rows_end(s->hooks.owner, &s->offer);
}

static void sink_check_piece(struct snapshot_sink *s, uint64_t offset);

static void sink_on_piece(struct file_job *job, int err)
{
    struct snapshot_sink *s = job->owner;
    uint64_t end = job->offset + job->len_done;
    bool is_short = err == OK && job->len_done < job->len;
    if (s->failed == OK && err == OK && !is_short) {
        row_file_push(&s->reader, s->piece, job->len_done);
        err = sink_check_rows(s);
    }
    if (is_short || err == ERR_NOT_FOUND || (err == ERR_MORE && end == s->offer.len))
        err = ERR_CORRUPT;
    if (err == ERR_MORE && s->failed == OK) {
        s->requests_count -= 1;
        sink_check_piece(s, end);
        return;
    }
    sink_check_end(s);
    if (s->failed == OK && (err == ERR_CORRUPT || err == ERR_VERSION)) {
        sink_fail(s, err);
        sink_forget_file(s); /* begin anew */
    }
    if (sink_back(s, err))
        sink_import(s);
}

static void sink_check_piece(struct snapshot_sink *s, uint64_t offset)
{
    uint64_t left = s->offer.len - offset;
    s->file = (struct file_job){ .what = FILE_READ,
                                 .offset = offset,
                                 .into = s->piece,
                                 .len = left < SNAPSHOT_CHUNK_BYTES ? left : SNAPSHOT_CHUNK_BYTES,
                                 .done = sink_on_piece,
                                 .owner = s };
    sink_submit_file(s, &s->file);
    if (s->failed != OK)
        sink_check_end(s);
    sink_end_if_free(s);
}

static void sink_check(struct snapshot_sink *s)
{
    s->phase = SINK_CHECKING;
    s->piece = mem_alloc(SNAPSHOT_CHUNK_BYTES);
    if (s->piece == NULL) {
        sink_fail(s, ERR_NOMEM);
        return;
    }
    row_file_reader_init(&s->reader);
    sink_check_piece(s, 0);
}

/* ---- sync, then note ---- */

static void sink_pull(struct snapshot_sink *s);

static void sink_on_noted(struct map_batch *batch, int err)
{
    struct snapshot_sink *s = batch->owner;
    s->is_syncing = false;
    if (!sink_back(s, err))
        return;
    s->synced = s->sync_to;
    sink_pull(s);
}

static void sink_submit_row(struct snapshot_sink *s, bool is_delete,
                            void (*done)(struct map_batch *batch, int err))
{
    s->note_op = (struct map_op){ .table = (uint8_t)s->options.local_table,
                                  .is_delete = is_delete,
                                  .key = { progress_key, sizeof(progress_key) - 1 },
                                  .value = buf_bytes(&s->note_value) };
    s->note = (struct map_batch){
        .area = MAP_LOCAL, .ops = &s->note_op, .ops_count = 1, .done = done, .owner = s
    };
    int err = store_map_write(s->store, &s->note);
    if (err == OK)
        s->requests_count += 1;
    else
        sink_fail(s, err);
}

static void sink_note(struct snapshot_sink *s)
{
    struct sink_progress p = { s->offer.id, s->offer.len, s->sync_to };
    buf_clear(&s->note_value);
    progress_encode(&p, &s->note_value);
    if (s->note_value.err == OK)
        sink_submit_row(s, false, sink_on_noted);
    else
        sink_fail(s, s->note_value.err);
}

static void sink_on_synced(struct file_job *job, int err)
{
    struct snapshot_sink *s = job->owner;
    s->is_syncing = err == OK && s->failed == OK;
    if (!sink_back(s, err))
        return;
    sink_note(s);
    sink_end_if_free(s);
}

static void sink_sync_if_due(struct snapshot_sink *s)
{
    bool is_due = s->written >= s->synced + s->options.sync_bytes ||
                  (s->written == s->offer.len && s->synced < s->written);
    if (s->is_syncing || !is_due)
        return;
    s->is_syncing = true;
    s->sync_to = s->written;
    s->sync = (struct file_job){ .what = FILE_SYNC, .done = sink_on_synced, .owner = s };
    sink_submit_file(s, &s->sync);
}

/* ---- pulling ---- */

static struct sink_slot *sink_slot_at(struct snapshot_sink *s, uint64_t offset)
{
    return &s->slots[offset / s->options.chunk_bytes % SNAPSHOT_WINDOW];
}

static void sink_ask(struct sink_slot *slot)
{
    struct snapshot_sink *s = slot->s;
    struct snapshot_get get = { s->offer.id, slot->offset, slot->len };
    slot->ask_again_us = s->now_us + s->options.retry_us;
    s->hooks.on_get(s->hooks.owner, &get);
}

/* Moves on: asks for what fits into the window, syncs what is due, imports when all is here. */
static void sink_pull(struct snapshot_sink *s)
{
    while (s->next_get < s->offer.len && sink_slot_at(s, s->next_get)->phase == SLOT_FREE) {
        struct sink_slot *slot = sink_slot_at(s, s->next_get);
        uint64_t left = s->offer.len - s->next_get;
        slot->phase = SLOT_ASKED;
        slot->offset = s->next_get;
        slot->len = left < s->options.chunk_bytes ? (uint32_t)left : s->options.chunk_bytes;
        s->next_get += slot->len;
        sink_ask(slot);
    }
    sink_sync_if_due(s);
    if (s->phase == SINK_PULLING && s->synced == s->offer.len && !s->is_syncing)
        sink_check(s);
    sink_end_if_free(s);
}

static void sink_on_written(struct file_job *job, int err)
{
    struct sink_slot *slot = job->owner;
    struct snapshot_sink *s = slot->s;
    slot->phase = SLOT_WRITTEN;
    if (!sink_back(s, err))
        return;
    while (s->written < s->offer.len) {
        struct sink_slot *first = sink_slot_at(s, s->written);
        if (first->phase != SLOT_WRITTEN || first->offset != s->written)
            break;
        s->written += first->len;
        first->phase = SLOT_FREE;
    }
    sink_pull(s);
}

void snapshot_sink_on_chunk(struct snapshot_sink *s, uint64_t now_us,
                            const struct snapshot_chunk *chunk)
{
    s->now_us = now_us;
    if (s->phase != SINK_PULLING || s->failed != OK || !snapshot_id_equal(&chunk->id, &s->offer.id))
        return;
    struct sink_slot *slot = sink_slot_at(s, chunk->offset);
    if (slot->phase != SLOT_ASKED || slot->offset != chunk->offset ||
        slot->len != chunk->bytes.len ||
        snapshot_checksum(&chunk->id, chunk->offset, chunk->bytes) != chunk->checksum)
        return; /* late, doubled or damaged: what is missing is asked for again */
    if (slot->bytes == NULL)
        slot->bytes = mem_alloc(s->options.chunk_bytes);
    if (slot->bytes == NULL)
        return;
    memcpy(slot->bytes, chunk->bytes.data, slot->len);
    slot->phase = SLOT_WRITING;
    slot->write = (struct file_job){ .what = FILE_WRITE,
                                     .offset = slot->offset,
                                     .data = slot->bytes,
                                     .len = slot->len,
                                     .done = sink_on_written,
                                     .owner = slot };
    sink_submit_file(s, &slot->write);
    sink_end_if_free(s);
}

/* ---- beginning and ending ---- */

static void sink_on_dropped(struct file_job *job, int err)
{
    struct snapshot_sink *s = job->owner;
    if (sink_back(s, err))
        sink_pull(s);
}

static void sink_on_forgotten(struct file_job *job, int err)
{
    struct snapshot_sink *s = job->owner;
    (void)err; /* a file that stays is dropped before the next transfer */
    s->requests_count -= 1;
    sink_end_if_free(s);
}

static void sink_on_row_gone(struct map_batch *batch, int err)
{
    struct snapshot_sink *s = batch->owner;
    s->requests_count -= 1;
    if (err == OK) {
        s->file = (struct file_job){ .what = FILE_DROP, .done = sink_on_forgotten, .owner = s };
        sink_submit_file(s, &s->file);
    }
    sink_end_if_free(s);
}

/* The row goes first: it must not speak of a file that is gone. Only where the transfer is ending. */
static void sink_forget_file(struct snapshot_sink *s)
{
    ASSERT(s->failed != OK);
    buf_clear(&s->note_value);
    sink_submit_row(s, true, sink_on_row_gone);
}

int snapshot_sink_on_offer(struct snapshot_sink *s, uint64_t now_us,
                           const struct snapshot_offer *offer, uint64_t generation)
{
    s->now_us = now_us;
    bool is_same = s->phase != SINK_IDLE && s->failed == OK &&
                   snapshot_id_equal(&offer->id, &s->offer.id) && offer->len == s->offer.len;
    if (is_same)
        return OK;
    if (s->phase != SINK_IDLE || s->requests_count > 0)
        return ERR_BUSY;
    if (offer->len < SNAPSHOT_LEN_MIN)
        return ERR_INVALID;
    buf_clear(&s->config);
    buf_append(&s->config, offer->config.data, offer->config.len);
    if (s->config.err != OK)
        return s->config.err;
    s->offer = *offer;
    s->offer.config = buf_bytes(&s->config);
    s->generation = generation;
    s->written = progress_load(s, offer);
    /* Chunks begin at whole multiples: the last, partial step of a resumed file is fetched again. */
    s->written -= s->written < offer->len ? s->written % s->options.chunk_bytes : 0;
    s->synced = s->next_get = s->written;
    s->is_syncing = false;
    s->failed = OK;
    s->phase = SINK_PULLING;
    if (s->written > 0) {
        sink_pull(s);
        return OK;
    }
    s->file = (struct file_job){ .what = FILE_DROP, .done = sink_on_dropped, .owner = s };
    sink_submit_file(s, &s->file);
    sink_end_if_free(s);
    return OK;
}

uint64_t snapshot_sink_next_deadline_us(const struct snapshot_sink *s)
{
    uint64_t deadline_us = UINT64_MAX;
    bool is_pulling = s->phase == SINK_PULLING && s->failed == OK;
    for (size_t i = 0; is_pulling && i < SNAPSHOT_WINDOW; i++)
        if (s->slots[i].phase == SLOT_ASKED && s->slots[i].ask_again_us < deadline_us)
            deadline_us = s->slots[i].ask_again_us;
    return deadline_us;
}

void snapshot_sink_on_deadline(struct snapshot_sink *s, uint64_t now_us)
{
    s->now_us = now_us;
    for (size_t i = 0; s->phase == SINK_PULLING && s->failed == OK && i < SNAPSHOT_WINDOW; i++)
        if (s->slots[i].phase == SLOT_ASKED && s->slots[i].ask_again_us <= now_us)
            sink_ask(&s->slots[i]);
}

uint64_t snapshot_sink_received(const struct snapshot_sink *s)
{
    return s->phase == SINK_IDLE ? 0 : s->written;
}

bool snapshot_sink_is_idle(const struct snapshot_sink *s)
{
    return s->phase == SINK_IDLE && s->requests_count == 0;
}

int snapshot_sink_abort(struct snapshot_sink *s)
{
    if (s->phase == SINK_IMPORTING || s->phase == SINK_INSTALLED)
        return ERR_BUSY;
    sink_fail(s, ERR_CANCELED);
    sink_end_if_free(s);
    return OK;
}

void snapshot_sink_finish(struct snapshot_sink *s)
{
    ASSERT(s->phase == SINK_INSTALLED);
    sink_fail(s, ERR_CANCELED); /* ends silently, when row and file are gone */
    sink_forget_file(s);
    sink_end_if_free(s);
}

void snapshot_sink_sweep(struct snapshot_sink *s)
{
    struct sink_progress p;
    if (!snapshot_sink_is_idle(s) || progress_read(s, &p) == ERR_NOT_FOUND)
        return;
    buf_clear(&s->note_value);
    sink_submit_row(s, true, sink_on_row_gone);
}
