/* snapshot_source.c -- the spool file, and reading it. */
#include <string.h>

#include "store/snapshot.h"
#include "util/err.h"
#include "util/mem.h"

enum { NAME_LEN = 8 }; /* the file's last bytes are its hash */

struct snapshot_read {
    struct list_link link;
    struct snapshot_source *s;
    struct file_job job;
    uint64_t context;
    uint8_t bytes[];
};

enum source_phase { SOURCE_EMPTY, SOURCE_EXPORTING, SOURCE_NAMING, SOURCE_READY };

struct snapshot_source {
    struct store *store;
    uint64_t file_no;
    struct snapshot_source_hooks hooks;
    enum source_phase phase;
    struct snapshot_offer offer;
    struct buf config; /* offer.config points here */
    struct map_job export;
    struct file_job file; /* reads the name, drops the spool */
    uint8_t name[NAME_LEN];
    struct list_link reads;
    size_t reads_count;
    bool is_ending;
    bool is_dropping;
};

bool snapshot_id_equal(const struct snapshot_id *a, const struct snapshot_id *b)
{
    return memcmp(a->cluster_id, b->cluster_id, sizeof(a->cluster_id)) == 0 &&
           a->pos.term == b->pos.term && a->pos.index == b->pos.index && a->hash == b->hash;
}

uint64_t snapshot_checksum(const struct snapshot_id *id, uint64_t offset, struct bytes bytes)
{
    uint8_t place[8]; /* big endian, as it travels */
    for (size_t i = 0; i < sizeof(place); i++)
        place[i] = (uint8_t)(offset >> (8 * (sizeof(place) - 1 - i)));
    return hash64(hash64(id->hash, place, sizeof(place)), bytes.data, bytes.len);
}

int snapshot_source_create(struct snapshot_source **out, struct store *store, uint64_t file_no,
                           const struct snapshot_source_hooks *hooks)
{
    struct snapshot_source *s = mem_zalloc(sizeof(*s));
    if (s == NULL)
        return ERR_NOMEM;
    s->store = store;
    s->file_no = file_no;
    s->hooks = *hooks;
    list_init(&s->reads);
    *out = s;
    return OK;
}

void snapshot_source_destroy(struct snapshot_source *s)
{
    if (s == NULL)
        return;
    struct list_link *link;
    while ((link = list_pop_front(&s->reads)) != NULL)
        mem_free(list_entry(link, struct snapshot_read, link));
    buf_deinit(&s->config);
    mem_free(s);
}

/* ---- spooling ---- */

static void source_on_dropped(struct file_job *job, int err)
{
    struct snapshot_source *s = job->owner;
    (void)err; /* a file that stays is overwritten by the next export */
    s->is_dropping = false;
}

static void source_drop(struct snapshot_source *s)
{
    s->file = (struct file_job){
        .what = FILE_DROP, .file_no = s->file_no, .done = source_on_dropped, .owner = s
    };
    s->is_dropping = store_file_job(s->store, &s->file) == OK;
}

static void source_drop_if_free(struct snapshot_source *s)
{
    if (!s->is_ending || s->reads_count > 0 || s->phase == SOURCE_EXPORTING ||
        s->phase == SOURCE_NAMING)
        return;
    s->is_ending = false;
    s->phase = SOURCE_EMPTY;
    source_drop(s);
}

void snapshot_source_sweep(struct snapshot_source *s)
{
    if (s->phase == SOURCE_EMPTY && !s->is_dropping)
        source_drop(s);
}

static void source_ready(struct snapshot_source *s, int err)
{
    s->phase = err == OK ? SOURCE_READY : SOURCE_EMPTY;
    if (s->is_ending)
        source_drop_if_free(s);
    else
        s->hooks.on_ready(s->hooks.owner, err);
}

static void source_on_named(struct file_job *job, int err)
{
    struct snapshot_source *s = job->owner;
    if (err == OK && job->len_done != NAME_LEN)
        err = ERR_CORRUPT;
    struct reader r = reader_of(s->name, NAME_LEN);
    s->offer.id.hash = reader_u64(&r);
    source_ready(s, err);
}

static void source_on_exported(struct map_job *job, int err)
{
    struct snapshot_source *s = job->owner;
    if (err == OK) {
        ASSERT(job->file_len > NAME_LEN);
        s->offer.len = job->file_len;
        s->file = (struct file_job){ .what = FILE_READ,
                                     .file_no = s->file_no,
                                     .offset = job->file_len - NAME_LEN,
                                     .into = s->name,
                                     .len = NAME_LEN,
                                     .done = source_on_named,
                                     .owner = s };
        s->phase = SOURCE_NAMING;
        err = store_file_job(s->store, &s->file);
    }
    if (err != OK)
        source_ready(s, err);
}

int snapshot_source_start(struct snapshot_source *s, uint64_t generation, unsigned tables_count,
                          const struct snapshot_offer *offer)
{
    if (s->phase != SOURCE_EMPTY || s->is_dropping)
        return ERR_BUSY;
    buf_clear(&s->config);
    buf_append(&s->config, offer->config.data, offer->config.len);
    if (s->config.err != OK)
        return s->config.err;
    s->offer = *offer;
    s->offer.config = buf_bytes(&s->config);
    s->export = (struct map_job){ .what = MAP_EXPORT,
                                  .generation = generation,
                                  .file_no = s->file_no,
                                  .tables_count = tables_count,
                                  .done = source_on_exported,
                                  .owner = s };
    int err = store_map_job(s->store, &s->export);
    if (err == OK)
        s->phase = SOURCE_EXPORTING;
    return err;
}

const struct snapshot_offer *snapshot_source_offer(const struct snapshot_source *s)
{
    return s->phase == SOURCE_READY && !s->is_ending ? &s->offer : NULL;
}

void snapshot_source_end(struct snapshot_source *s)
{
    s->is_ending = s->phase != SOURCE_EMPTY;
    source_drop_if_free(s);
}

/* ---- reading ---- */

static void source_on_read(struct file_job *job, int err)
{
    struct snapshot_read *read = job->owner;
    struct snapshot_source *s = read->s;
    struct snapshot_chunk chunk = { .id = s->offer.id,
                                    .offset = job->offset,
                                    .bytes = { read->bytes, job->len } };
    if (err == OK && job->len_done != job->len)
        err = ERR_CORRUPT;
    chunk.checksum = snapshot_checksum(&chunk.id, chunk.offset, chunk.bytes);
    list_remove(&read->link);
    s->reads_count -= 1;
    source_drop_if_free(s);
    s->hooks.on_chunk(s->hooks.owner, read->context, err, err == OK ? &chunk : NULL);
    mem_free(read);
}

int snapshot_source_read(struct snapshot_source *s, const struct snapshot_get *get,
                         uint64_t context)
{
    const struct snapshot_offer *offer = snapshot_source_offer(s);
    if (offer == NULL || !snapshot_id_equal(&offer->id, &get->id) || get->len == 0 ||
        get->len > SNAPSHOT_CHUNK_BYTES || get->offset >= offer->len ||
        get->len > offer->len - get->offset)
        return ERR_NOT_FOUND;
    if (s->reads_count == SNAPSHOT_READS_MAX)
        return ERR_BUSY;
    struct snapshot_read *read = mem_alloc(sizeof(*read) + get->len);
    if (read == NULL)
        return ERR_NOMEM;
    read->s = s;
    read->context = context;
    read->job = (struct file_job){ .what = FILE_READ,
                                   .file_no = s->file_no,
                                   .offset = get->offset,
                                   .into = read->bytes,
                                   .len = get->len,
                                   .done = source_on_read,
                                   .owner = read };
    int err = store_file_job(s->store, &read->job);
    if (err != OK) {
        mem_free(read);
        return err;
    }
    list_push_back(&s->reads, &read->link);
    s->reads_count += 1;
    return OK;
}
