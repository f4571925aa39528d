/* What became of writes that clients gave a key of their own (the header Idempotency-Key), so that one that is repeated works
 * once, whichever peer it is repeated at.
 *
 * An origin's sequences (pinset_origins.c) tell copies of one proposal. But a client that heard "outcome unknown" asks again,
 * perhaps somebody else, and that is a proposal of its own. What joins the two is the key. The newest LIMIT_MEMOS_COUNT
 * are remembered:
 *
 *      slot     0     1     2           LIMIT - 1
 *             [ k7 ][ k8 ][ k3 ] ...   [ k6 ]            a ring; the next one goes where the oldest is
 *
 * A row holds MEMO_GROUP of them, so a write costs one small row, start-up does not read one for each, and the oldest
 * is forgotten by being overwritten. Which slot is next follows from the rows: the one behind the newest, by the
 * index in it. */
#include "state/pinset_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum {
    MEMO_VERSION = 1,
    MEMO_GROUP = 8,
    MEMO_BYTES = PIN_KEY_BYTES + 8 + 1,
    MEMO_ROW_BYTES_MAX = 1 + MEMO_GROUP * MEMO_BYTES,
};

static struct bytes pinset_memo_key(const struct pinset_memo *m)
{
    return (struct bytes){ m->key, PIN_KEY_BYTES };
}

/* ---- rows ---- */

struct pinset_memo_row {
    struct pinset_key key;
    uint8_t value[MEMO_ROW_BYTES_MAX];
    size_t len;
};

static void pinset_memo_encode(const struct pinset_memo *m, uint8_t out[MEMO_BYTES])
{
    memcpy(out, m->key, PIN_KEY_BYTES);
    for (unsigned i = 0; i < 8; i++)
        out[PIN_KEY_BYTES + i] = (uint8_t)(m->index >> (56 - 8 * i));
    out[MEMO_BYTES - 1] = m->outcome;
}

/* The row that the slot is in, with as many as there are; len 0: none yet. */
static struct pinset_memo_row pinset_memo_row_of(const struct pinset_memos *memos, size_t slot)
{
    size_t first = slot - slot % MEMO_GROUP;
    struct pinset_memo_row row = { .key = pinset_key_of_number(slot / MEMO_GROUP) };
    for (size_t i = first; i < first + MEMO_GROUP && i < memos->count; i++) {
        pinset_memo_encode(&memos->slots[i], row.value + 1 + (i - first) * MEMO_BYTES);
        row.len = 1 + (i - first + 1) * MEMO_BYTES;
    }
    row.value[0] = MEMO_VERSION;
    return row;
}

static struct hash128 pinset_memo_digest(const struct pinset_memo_row *row)
{
    return digest_row(STATE_TABLE_MEMOS, pinset_key_bytes(&row->key),
                      (struct bytes){ row->value, row->len });
}

/* ---- one write ---- */

int pinset_memos_reserve(struct pinset *p)
{
    struct pinset_memos *memos = &p->memos;
    if (memos->slots != NULL)
        return OK;
    if (map_reserve(&memos->by_key, LIMIT_MEMOS_COUNT) != OK)
        return ERR_NOMEM;
    memos->slots = mem_array(LIMIT_MEMOS_COUNT, sizeof(*memos->slots));
    return memos->slots != NULL ? OK : ERR_NOMEM;
}

int pinset_memo_recall(const struct pinset *p, const uint8_t key[PIN_KEY_BYTES])
{
    const struct pinset_memo *m = map_get(&p->memos.by_key, (struct bytes){ key, PIN_KEY_BYTES });
    return m != NULL ? m->outcome : 0;
}

void pinset_memo_record(struct pinset *p, struct row_sink *sink, const uint8_t key[PIN_KEY_BYTES],
                        uint64_t index, int outcome)
{
    struct pinset_memos *memos = &p->memos;
    size_t slot = memos->next;
    ASSERT(memos->slots != NULL); /* pinset_memos_reserve() */
    struct pinset_memo *m = &memos->slots[slot];
    struct pinset_memo_row row = pinset_memo_row_of(memos, slot);
    if (row.len > 0)
        digest_subtract(&p->rows, pinset_memo_digest(&row));
    if (slot < memos->count)
        map_remove(&memos->by_key, pinset_memo_key(m));
    else
        memos->count += 1;
    *m = (struct pinset_memo){ .index = index, .outcome = (uint8_t)outcome };
    memcpy(m->key, key, PIN_KEY_BYTES);
    int err = map_put(&memos->by_key, pinset_memo_key(m), m);
    ASSERT(err == OK); /* the caller has looked for it, and there is room */
    row = pinset_memo_row_of(memos, slot);
    digest_add(&p->rows, pinset_memo_digest(&row));
    row_sink_put(sink, STATE_TABLE_MEMOS, pinset_key_bytes(&row.key),
                 (struct bytes){ row.value, row.len });
    memos->next = (slot + 1) % LIMIT_MEMOS_COUNT;
}

/* ---- from rows ---- */

static int pinset_memo_take(struct pinset_memos *memos, struct reader *r)
{
    struct bytes key = reader_take(r, PIN_KEY_BYTES);
    struct pinset_memo memo = { .index = reader_u64(r), .outcome = reader_u8(r) };
    bool is_full = memos->count == LIMIT_MEMOS_COUNT;
    if (r->err != OK || is_full || memo.outcome == 0 || memo.outcome >= PINSET_OUTCOMES_COUNT)
        return ERR_CORRUPT;
    memcpy(memo.key, key.data, PIN_KEY_BYTES);
    struct pinset_memo *m = &memos->slots[memos->count];
    *m = memo;
    if (map_put(&memos->by_key, pinset_memo_key(m), m) != OK)
        return ERR_CORRUPT; /* one key in two slots */
    if (memos->count == 0 || m->index > memos->slots[memos->next - 1].index)
        memos->next = memos->count + 1; /* behind the newest so far */
    memos->count += 1;
    return OK;
}

/* Rows have no gaps, and all but the last are full. */
static int pinset_memos_take_row(struct pinset_memos *memos, struct view_row row)
{
    struct reader key = reader_of(row.key.data, row.key.len);
    struct reader r = reader_of(row.value.data, row.value.len);
    uint64_t number = reader_u64(&key);
    uint8_t version = reader_u8(&r);
    if (r.err == OK && version > MEMO_VERSION)
        return ERR_VERSION;
    if (reader_finish(&key) != OK || r.err != OK || version == 0 || r.left == 0 ||
        row.value.len > MEMO_ROW_BYTES_MAX || number * MEMO_GROUP != memos->count)
        return ERR_CORRUPT;
    int err = OK;
    while (err == OK && r.left > 0)
        err = pinset_memo_take(memos, &r);
    return err;
}

int pinset_memos_open(struct pinset *p, struct view *view)
{
    struct view_row row = { 0 };
    int err = view_seek(view, STATE_TABLE_MEMOS, (struct bytes){ "", 0 }, &row);
    while (err == OK) {
        err = pinset_memos_reserve(p);
        if (err == OK)
            err = pinset_memos_take_row(&p->memos, row);
        if (err != OK)
            return err;
        err = view_next(view, STATE_TABLE_MEMOS, &row);
    }
    p->memos.next %= LIMIT_MEMOS_COUNT;
    return err == ERR_NOT_FOUND ? OK : err;
}

void pinset_memos_close(struct pinset *p)
{
    map_deinit(&p->memos.by_key);
    mem_free(p->memos.slots);
    p->memos = (struct pinset_memos){ 0 };
}
