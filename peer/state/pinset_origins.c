/* Which proposals of which member were applied, so that an entry that stands in the log twice works once.
 *
 * A proposal that was sent to a leader who then fell silent is sent again, perhaps to another, and both
 * copies may be committed. So each carries (member, sequence), and the state keeps, for each member, what
 * became of its newest sequences:
 *
 *        forgotten      |  outcomes, a window of LIMIT_ORIGIN_WINDOW_COUNT
 *     ------------------+--D-D-.-D-.-.-D------
 *                     floor                        D: an outcome, '.': not seen yet
 *
 * The member itself says where its floor is: below it, it waits for nothing. A copy that turns up below the
 * floor is therefore either one that was answered or one that nobody will ever hear of; both are no-ops.
 *
 * In memory a window is a ring, on disk a row of the bytes floor..floor+count. Rows are written once a
 * batch, but their digest is taken at each entry, so that the hash of the state does not depend on where
 * batches end. Most windows are a few bytes long. */
#include "state/pinset_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum { ORIGIN_VERSION = 1, ORIGIN_WINDOW = LIMIT_ORIGIN_WINDOW_COUNT };

static uint8_t *pinset_origin_place(struct pinset_origin *o, uint64_t sequence)
{
    return &o->outcomes[sequence % ORIGIN_WINDOW];
}

struct pinset_origin *pinset_origin_find(struct pinset *p, uint64_t number)
{
    for (size_t i = 0; i < p->origins_count; i++) {
        if (p->origins[i]->number == number)
            return p->origins[i];
    }
    return NULL;
}

int pinset_origin_recall(const struct pinset_origin *o, uint64_t sequence)
{
    if (sequence < o->floor)
        return PINSET_STALE;
    if (sequence - o->floor >= o->count)
        return 0;
    return o->outcomes[sequence % ORIGIN_WINDOW];
}

bool pinset_origin_has_room(const struct pinset_origin *o, const struct pin_origin *origin)
{
    uint64_t floor = o != NULL && o->floor > origin->floor ? o->floor : origin->floor;
    return origin->sequence - floor < ORIGIN_WINDOW;
}

static void pinset_origin_raise_floor(struct pinset_origin *o, uint64_t floor)
{
    while (o->floor < floor && o->count > 0) {
        *pinset_origin_place(o, o->floor) = 0;
        o->floor += 1;
        o->count -= 1;
    }
    if (o->floor < floor)
        o->floor = floor;
}

/* ---- rows ---- */

static struct bytes pinset_origin_encode(struct pinset *p, struct pinset_origin *o)
{
    struct buf *row = &p->origin_row;
    buf_clear(row);
    buf_put_u8(row, ORIGIN_VERSION);
    buf_put_u64(row, o->last_index);
    buf_put_u64(row, o->floor);
    buf_put_varint(row, o->count);
    size_t from = o->floor % ORIGIN_WINDOW;
    size_t first = o->count < ORIGIN_WINDOW - from ? o->count : ORIGIN_WINDOW - from;
    buf_append(row, o->outcomes + from, first);
    buf_append(row, o->outcomes, o->count - first);
    ASSERT(row->err == OK); /* reserved by pinset_create() */
    return buf_bytes(row);
}

static int pinset_origin_decode(struct pinset_origin *o, struct view_row row)
{
    struct reader key = reader_of(row.key.data, row.key.len);
    struct reader r = reader_of(row.value.data, row.value.len);
    memset(o, 0, sizeof(*o));
    o->number = reader_u64(&key);
    uint8_t version = reader_u8(&r);
    if (r.err == OK && version > ORIGIN_VERSION)
        return ERR_VERSION;
    o->last_index = reader_u64(&r);
    o->floor = reader_u64(&r);
    struct bytes outcomes = reader_run(&r, ORIGIN_WINDOW);
    if (reader_finish(&key) != OK || reader_finish(&r) != OK || version == 0)
        return ERR_CORRUPT;
    o->count = outcomes.len;
    for (size_t i = 0; i < outcomes.len; i++)
        *pinset_origin_place(o, o->floor + i) = ((const uint8_t *)outcomes.data)[i];
    o->digest = digest_row(STATE_TABLE_ORIGINS, row.key, row.value);
    return OK;
}

static void pinset_origin_drop_digest(struct pinset *p, const struct pinset_origin *o)
{
    digest_subtract(&p->rows, o->digest);
}

static void pinset_origin_add_digest(struct pinset *p, struct pinset_origin *o)
{
    struct pinset_key key = pinset_key_of_number(o->number);
    o->digest = digest_row(STATE_TABLE_ORIGINS, pinset_key_bytes(&key), pinset_origin_encode(p, o));
    digest_add(&p->rows, o->digest);
}

/* ---- coming and going ---- */

int pinset_origin_reserve(struct pinset *p)
{
    if (p->spare == NULL && p->origins_count < LIMIT_ORIGINS_COUNT)
        p->spare = mem_zalloc(sizeof(*p->spare));
    return p->spare != NULL || p->origins_count == LIMIT_ORIGINS_COUNT ? OK : ERR_NOMEM;
}

/* There are more places than members, so whoever is pushed out is most likely no member any more. last_index
 * differs between any two, which makes the choice the same everywhere. */
static struct pinset_origin *pinset_origin_evict(struct pinset *p, struct row_sink *sink)
{
    struct pinset_origin *oldest = p->origins[0];
    for (size_t i = 1; i < p->origins_count; i++) {
        if (p->origins[i]->last_index < oldest->last_index)
            oldest = p->origins[i];
    }
    struct pinset_key key = pinset_key_of_number(oldest->number);
    row_sink_del(sink, STATE_TABLE_ORIGINS, pinset_key_bytes(&key));
    pinset_origin_drop_digest(p, oldest);
    return oldest;
}

static struct pinset_origin *pinset_origin_admit(struct pinset *p, struct row_sink *sink,
                                                 const struct pin_origin *origin)
{
    struct pinset_origin *o = p->spare;
    if (p->origins_count < LIMIT_ORIGINS_COUNT) {
        ASSERT(o != NULL); /* pinset_origin_reserve() */
        p->spare = NULL;
        p->origins[p->origins_count++] = o;
    } else {
        o = pinset_origin_evict(p, sink);
    }
    memset(o, 0, sizeof(*o));
    o->number = origin->number;
    o->floor = origin->floor;
    return o;
}

void pinset_origin_record(struct pinset *p, struct row_sink *sink, const struct pin_origin *origin,
                          uint64_t index, int outcome)
{
    struct pinset_origin *o = pinset_origin_find(p, origin->number);
    if (o == NULL)
        o = pinset_origin_admit(p, sink, origin);
    else
        pinset_origin_drop_digest(p, o);
    pinset_origin_raise_floor(o, origin->floor);
    o->last_index = index;
    if (outcome != 0) {
        uint64_t place = origin->sequence - o->floor;
        ASSERT(place < ORIGIN_WINDOW);
        *pinset_origin_place(o, origin->sequence) = (uint8_t)outcome;
        if (o->count <= place)
            o->count = place + 1;
    }
    o->is_dirty = true;
    pinset_origin_add_digest(p, o);
}

int pinset_origins_open(struct pinset *p, struct view *view)
{
    struct view_row row = { 0 };
    int err = view_seek(view, STATE_TABLE_ORIGINS, (struct bytes){ "", 0 }, &row);
    while (err == OK) {
        if (p->origins_count == LIMIT_ORIGINS_COUNT)
            return ERR_CORRUPT;
        err = pinset_origin_reserve(p);
        if (err == OK)
            err = pinset_origin_decode(p->spare, row);
        if (err != OK)
            return err;
        p->origins[p->origins_count++] = p->spare;
        p->spare = NULL;
        err = view_next(view, STATE_TABLE_ORIGINS, &row);
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

void pinset_origins_close(struct pinset *p)
{
    for (size_t i = 0; i < p->origins_count; i++)
        mem_free(p->origins[i]);
    mem_free(p->spare);
    p->origins_count = 0;
    p->spare = NULL;
}

void pinset_origins_finish(struct pinset *p, struct row_sink *sink)
{
    for (size_t i = 0; i < p->origins_count; i++) {
        struct pinset_origin *o = p->origins[i];
        if (!o->is_dirty)
            continue;
        struct pinset_key key = pinset_key_of_number(o->number);
        row_sink_put(sink, STATE_TABLE_ORIGINS, pinset_key_bytes(&key), pinset_origin_encode(p, o));
        o->is_dirty = false;
    }
}
