/* overlay.c -- batches on their way to the disk.
 *
 * Each batch is a run, as in a log-structured merge tree: a reader asks the newest run first,
 * and a batch that became durable is dropped whole, without touching the others. To keep the runs few,
 * only IN_FLIGHT_MAX of them are with the store, and what is submitted joins the newest run. That gathers
 * until it is due: flushed, or half the bound in all runs. Rows of a B-tree that are written together share
 * pages: a batch of ten thousand random keys costs a fraction of the page writes of a hundred small ones. */
#include "store/overlay_int.h"

#include <string.h>

#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum {
    IN_FLIGHT_MAX = 16,  /* what a transaction of the store may take, and the next ones */
    JOIN_OPS_MAX = 4096, /* a gathering run takes no more: the next one begins */
    JOIN_BYTES_MAX = 4 * 1024 * 1024,
    CHUNK_SIZE_MIN = 16 * 1024,
    /* What an op costs beside its bytes. */
    OP_BYTES = sizeof(struct map_op) + sizeof(uint32_t) + 2 * sizeof(struct overlay_slot),
};

struct overlay_chunk {
    struct overlay_chunk *next;
    size_t len;
    size_t size;
    uint8_t data[];
};

/* ---- runs ---- */

static struct overlay_run *overlay_run_create(struct overlay *o)
{
    struct overlay_run *run = mem_zalloc(sizeof(*run));
    if (run != NULL) {
        run->overlay = o;
        list_init(&run->link);
    }
    return run;
}

static void overlay_run_destroy(struct overlay_run *run)
{
    if (run == NULL)
        return;
    while (run->chunks != NULL) {
        struct overlay_chunk *next = run->chunks->next;
        mem_free(run->chunks);
        run->chunks = next;
    }
    mem_free(run->ops);
    mem_free(run->order);
    mem_free(run->slots);
    mem_free(run->tags);
    mem_free(run);
}

static int overlay_op_compare(const struct map_op *op, unsigned table, struct bytes key)
{
    if (op->table != table)
        return op->table < table ? -1 : 1;
    return bytes_compare(op->key, key);
}

/* ---- by key ---- */

uint32_t overlay_hash(unsigned table, struct bytes key)
{
    return (uint32_t)hash64(table, key.data, key.len);
}

/* Where `key` stands, or where it would: the first free slot behind its hash. */
static struct overlay_slot *overlay_run_slot(const struct overlay_run *run, uint32_t hash,
                                             unsigned table, struct bytes key)
{
    size_t mask = 2 * run->ops_size - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct overlay_slot *slot = &run->slots[i];
        if (slot->op == 0)
            return slot;
        if (slot->hash == hash && overlay_op_compare(&run->ops[slot->op - 1], table, key) == 0)
            return slot;
    }
}

struct map_op *overlay_run_get(const struct overlay_run *run, uint32_t hash, unsigned table,
                               struct bytes key)
{
    if (run->ops_count == 0)
        return NULL;
    const struct overlay_slot *slot = overlay_run_slot(run, hash, table, key);
    return slot->op > 0 ? &run->ops[slot->op - 1] : NULL;
}

/* Makes room for one more op; with it, nothing that follows can fail half way. */
static int overlay_run_grow(struct overlay_run *run)
{
    if (run->ops_count < run->ops_size)
        return OK;
    size_t size = run->ops_size == 0 ? 16 : run->ops_size * 2;
    struct map_op *ops = mem_realloc(run->ops, size * sizeof(*ops));
    if (ops == NULL)
        return ERR_NOMEM;
    run->ops = ops;
    uint32_t *order = mem_realloc(run->order, size * sizeof(*order));
    if (order == NULL)
        return ERR_NOMEM;
    run->order = order;
    struct overlay_slot *slots = mem_zalloc(2 * size * sizeof(*slots));
    if (slots == NULL)
        return ERR_NOMEM;
    struct overlay_slot *old = run->slots;
    size_t old_count = 2 * run->ops_size;
    run->slots = slots;
    run->ops_size = size;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].op == 0)
            continue;
        const struct map_op *op = &run->ops[old[i].op - 1];
        *overlay_run_slot(run, old[i].hash, op->table, op->key) = old[i];
    }
    mem_free(old);
    return OK;
}

/* ---- in order ---- */

static size_t overlay_run_place(const struct overlay_run *run, unsigned table, struct bytes key)
{
    size_t low = 0, high = run->sorted_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (overlay_op_compare(&run->ops[run->order[middle]], table, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Most rows are gone before anybody walks over them: so they are put in order only now. */
static void overlay_run_sort(struct overlay_run *run)
{
    for (; run->sorted_count < run->ops_count; run->sorted_count++) {
        const struct map_op *op = &run->ops[run->sorted_count];
        uint32_t *at = run->order + overlay_run_place(run, op->table, op->key);
        memmove(at + 1, at, (size_t)(run->order + run->sorted_count - at) * sizeof(*at));
        *at = (uint32_t)run->sorted_count;
    }
}

size_t overlay_run_find(struct overlay_run *run, unsigned table, struct bytes key)
{
    overlay_run_sort(run);
    return overlay_run_place(run, table, key);
}

/* ---- changing ---- */

static uint8_t *overlay_run_reserve(struct overlay_run *run, size_t len)
{
    struct overlay_chunk *chunk = run->chunks;
    if (chunk == NULL || chunk->size - chunk->len < len) {
        size_t size = len > CHUNK_SIZE_MIN ? len : CHUNK_SIZE_MIN;
        chunk = mem_alloc(sizeof(*chunk) + size);
        if (chunk == NULL)
            return NULL;
        *chunk = (struct overlay_chunk){ .next = run->chunks, .size = size };
        run->chunks = chunk;
    }
    uint8_t *room = chunk->data + chunk->len;
    chunk->len += len;
    return room;
}

/* Copies key and value. */
static int overlay_run_set(struct overlay_run *run, const struct map_op *op)
{
    uint32_t hash = overlay_hash(op->table, op->key);
    struct map_op *set = overlay_run_get(run, hash, op->table, op->key);
    bool is_new = set == NULL;
    size_t len = op->value.len + (is_new ? op->key.len : 0);
    uint8_t *room = NULL;
    if ((is_new && overlay_run_grow(run) != OK) ||
        (len > 0 && (room = overlay_run_reserve(run, len)) == NULL))
        return ERR_NOMEM;

    struct bytes value = { room, op->value.len };
    if (op->value.len > 0)
        memcpy(room, op->value.data, op->value.len);
    if (is_new) {
        struct bytes key = { room + op->value.len, op->key.len };
        memcpy(room + op->value.len, op->key.data, op->key.len);
        *overlay_run_slot(run, hash, op->table, op->key) =
            (struct overlay_slot){ hash, (uint32_t)run->ops_count + 1 };
        set = &run->ops[run->ops_count++];
        *set = (struct map_op){ .table = op->table, .key = key };
        len += OP_BYTES;
    }
    set->is_delete = op->is_delete;
    set->value = value;
    run->bytes_len += len;
    run->overlay->bytes_len += len;
    return OK;
}

static int overlay_run_tag(struct overlay_run *run, uint64_t tag)
{
    if (run->tags_count == run->tags_size) {
        size_t size = run->tags_size == 0 ? 4 : run->tags_size * 2;
        uint64_t *tags = mem_realloc(run->tags, size * sizeof(*tags));
        if (tags == NULL)
            return ERR_NOMEM;
        run->tags = tags;
        run->tags_size = size;
    }
    run->tags[run->tags_count++] = tag;
    run->overlay->tags_count += 1;
    return OK;
}

/* ---- to the store ---- */

static void overlay_on_batch(struct map_batch *batch, int err);

static void overlay_fail(struct overlay *o, int err)
{
    if (o->is_dead)
        return;
    o->is_dead = true;
    o->hooks.on_failed(o->hooks.owner, err);
}

/* Sends what waits, in order, while there is room. */
static void overlay_pump(struct overlay *o)
{
    list_for_each (link, &o->runs) {
        struct overlay_run *run = list_entry(link, struct overlay_run, link);
        if (run->is_in_flight)
            continue;
        if (!run->is_due || o->is_dead || o->is_refused || o->in_flight_count == IN_FLIGHT_MAX)
            return;
        run->batch = (struct map_batch){ .area = o->area,
                                         .ops = run->ops,
                                         .ops_count = run->ops_count,
                                         .done = overlay_on_batch,
                                         .owner = run };
        int err = store_map_write(o->store, &run->batch);
        if (err == ERR_BUSY || err == ERR_NOMEM)
            return; /* the next completion, submit or retry tries again */
        if (err != OK) {
            overlay_fail(o, err);
            return;
        }
        run->is_in_flight = true;
        o->in_flight_count += 1;
    }
}

/* The store refuses all that is in flight (its contract), so the order is kept: nothing is sent again
 * before the last of them has come back. */
static void overlay_on_full(struct overlay *o)
{
    bool is_first = !o->is_refused;
    o->is_refused = true;
    if (is_first)
        o->hooks.on_failed(o->hooks.owner, ERR_FULL);
    if (o->retry_is_wanted)
        overlay_retry(o);
}

static void overlay_on_durable(struct overlay *o, struct overlay_run *run)
{
    ASSERT(o->runs.next == &run->link); /* the store keeps the order */
    list_remove(&run->link);
    o->bytes_len -= run->bytes_len;
    o->tags_count -= run->tags_count;
    overlay_pump(o);
    for (size_t i = 0; i < run->tags_count; i++)
        o->hooks.on_durable(o->hooks.owner, run->tags[i]); /* may put and submit more */
    overlay_run_destroy(run);
}

static void overlay_on_batch(struct map_batch *batch, int err)
{
    struct overlay_run *run = batch->owner;
    struct overlay *o = run->overlay;
    run->is_in_flight = false;
    o->in_flight_count -= 1;
    if (err == OK)
        overlay_on_durable(o, run);
    else if (err == ERR_FULL)
        overlay_on_full(o);
    else if (err == ERR_CANCELED)
        o->is_dead = true; /* the store is closing; nobody is to be alarmed */
    else
        overlay_fail(o, err);
}

/* ---- the public part ---- */

int overlay_create(struct overlay **out, struct store *store, enum map_area area, size_t bytes_max,
                   const struct overlay_hooks *hooks)
{
    struct overlay *o = mem_zalloc(sizeof(*o));
    if (o == NULL)
        return ERR_NOMEM;
    ASSERT(hooks->on_durable != NULL && hooks->on_failed != NULL);
    o->store = store;
    o->area = area;
    o->bytes_max = bytes_max;
    o->hooks = *hooks;
    list_init(&o->runs);
    *out = o;
    return OK;
}

void overlay_destroy(struct overlay *o)
{
    if (o == NULL)
        return;
    struct list_link *link;
    while ((link = list_pop_front(&o->runs)) != NULL)
        overlay_run_destroy(list_entry(link, struct overlay_run, link));
    overlay_run_destroy(o->open);
    mem_free(o);
}

static int overlay_set(struct overlay *o, const struct map_op *op)
{
    ASSERT(op->table < LIMIT_MAP_TABLES_COUNT && op->key.len > 0);
    if (o->is_dead)
        return ERR_IO;
    if (op->key.len > LIMIT_MAP_KEY_BYTES || op->value.len > LIMIT_MAP_VALUE_BYTES)
        return ERR_TOO_BIG;
    if (o->open == NULL)
        o->open = overlay_run_create(o);
    if (o->open == NULL)
        return ERR_NOMEM;
    if (o->open->ops_count == LIMIT_MAP_BATCH_OPS_COUNT ||
        o->open->bytes_len + op->key.len + op->value.len > LIMIT_MAP_BATCH_BYTES)
        return ERR_TOO_BIG;
    return overlay_run_set(o->open, op);
}

int overlay_put(struct overlay *o, unsigned table, struct bytes key, struct bytes value)
{
    return overlay_set(o, &(struct map_op){ .table = (uint8_t)table, .key = key, .value = value });
}

int overlay_delete(struct overlay *o, unsigned table, struct bytes key)
{
    return overlay_set(o,
                       &(struct map_op){ .table = (uint8_t)table, .is_delete = true, .key = key });
}

bool overlay_has_open(const struct overlay *o)
{
    return o->open != NULL && o->open->ops_count > 0;
}

bool overlay_is_full(const struct overlay *o)
{
    return o->bytes_len >= o->bytes_max ||
           (o->open != NULL && (o->open->ops_count >= OVERLAY_OPS_MAX ||
                                o->open->bytes_len >= LIMIT_MAP_BATCH_BYTES / 2));
}

/* The newest run, if it is still here and the open one may join it. */
static struct overlay_run *overlay_joinable(const struct overlay *o)
{
    if (list_is_empty(&o->runs))
        return NULL;
    struct overlay_run *last = list_entry(o->runs.prev, struct overlay_run, link);
    bool fits = !last->is_in_flight && last->ops_count + o->open->ops_count <= JOIN_OPS_MAX &&
                last->bytes_len + o->open->bytes_len <= JOIN_BYTES_MAX;
    return fits ? last : NULL;
}

/* All of the open run goes into `last`. */
static int overlay_join(struct overlay *o, struct overlay_run *last)
{
    for (size_t i = 0; i < o->open->ops_count; i++) {
        int err = overlay_run_set(last, &o->open->ops[i]);
        if (err != OK)
            return err;
    }
    o->bytes_len -= o->open->bytes_len;
    overlay_run_destroy(o->open);
    o->open = NULL;
    return OK;
}

/* All runs leave as soon as there is room. */
static void overlay_end_gathering(struct overlay *o)
{
    list_for_each (link, &o->runs)
        list_entry(link, struct overlay_run, link)->is_due = true;
}

int overlay_submit(struct overlay *o, uint64_t tag)
{
    if (o->is_dead)
        return ERR_IO;
    if (!overlay_has_open(o))
        return OK;
    struct overlay_run *last = overlay_joinable(o);
    int err = overlay_run_tag(last != NULL ? last : o->open, tag);
    if (err != OK)
        return err;
    if (last != NULL) {
        err = overlay_join(o, last);
        if (err != OK) { /* half a batch must not reach the disk */
            overlay_fail(o, err);
            return err;
        }
    } else {
        list_push_back(&o->runs, &o->open->link);
        o->open = NULL;
    }
    if (o->bytes_len >= o->bytes_max / 2)
        overlay_end_gathering(o);
    overlay_pump(o);
    return OK;
}

void overlay_flush(struct overlay *o)
{
    overlay_end_gathering(o);
    overlay_pump(o);
}

bool overlay_is_gathering(const struct overlay *o)
{
    return !list_is_empty(&o->runs) && !list_entry(o->runs.prev, struct overlay_run, link)->is_due;
}

size_t overlay_batches_count(const struct overlay *o)
{
    return o->tags_count;
}

bool overlay_is_stalled(const struct overlay *o)
{
    return o->is_refused;
}

void overlay_retry(struct overlay *o)
{
    o->retry_is_wanted = o->in_flight_count > 0 && o->is_refused;
    if (o->retry_is_wanted)
        return;
    o->is_refused = false;
    overlay_pump(o);
}
