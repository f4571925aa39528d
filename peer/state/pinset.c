/* One committed entry becomes rows, in two halves:
 *
 *   prepare   decode, recall, read the old row, decide. May fail (memory, a damaged row, a version from the
 *             future), and then nothing has happened.
 *   commit    rows into the sink, digest, counts, position. Cannot fail.
 *
 * Whatever an entry says, every peer that knows its version makes the same of it: bytes that are no entry, a
 * pin against the rules, a row that moved meanwhile are outcomes, counted in the state itself. Only a peer
 * that cannot know what the others make of an entry stops. */
#include "state/pinset.h"

#include <string.h>

#include "state/pin_entry_int.h"
#include "state/pinset_int.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum { META_VERSION = 1, META_LEVEL_FIRST = 1 };

#define META_KEY ((struct bytes){ "state", 5 })

/* What the first half found out. */
struct pinset_change {
    struct pin_entry entry;
    bool had_row;
    struct pin was;            /* if had_row */
    struct hash128 was_digest; /* of its row */
    enum pinset_outcome outcome;
    bool is_duplicate;
    bool is_recorded; /* the outcome is kept for the origin's sake */
};

int pinset_create(struct pinset **out)
{
    struct pinset *p = mem_zalloc(sizeof(*p));
    if (p == NULL)
        return ERR_NOMEM;
    p->facts.level = META_LEVEL_FIRST;
    if (buf_reserve(&p->origin_row, PINSET_ORIGIN_ROW_MAX) == NULL) {
        mem_free(p);
        return ERR_NOMEM;
    }
    *out = p;
    return OK;
}

void pinset_destroy(struct pinset *p)
{
    pinset_origins_close(p);
    pinset_memos_close(p);
    arena_deinit(&p->arena);
    buf_deinit(&p->value);
    buf_deinit(&p->origin_row);
    mem_free(p);
}

int pinset_outcome_err(enum pinset_outcome outcome)
{
    switch (outcome) {
    case PINSET_DONE:
        return OK;
    case PINSET_NOT_FOUND:
        return ERR_NOT_FOUND;
    case PINSET_STALE:
        return ERR_STALE;
    case PINSET_REFUSED:
    case PINSET_OUTCOMES_COUNT:
        return ERR_INVALID;
    }
    return ERR_INVALID;
}

/* ---- the META row ---- */

static void pinset_meta_encode(const struct pinset *p, struct buf *out)
{
    const struct pinset_facts *f = &p->facts;
    buf_put_u8(out, META_VERSION);
    buf_put_u64(out, f->applied_index);
    buf_put_u64(out, f->applied_term);
    buf_put_u32(out, f->level);
    buf_put_u8(out, f->has_cluster_id);
    buf_append(out, f->cluster_id, sizeof(f->cluster_id));
    buf_put_u64(out, f->pins_count);
    for (size_t i = 1; i < PINSET_OUTCOMES_COUNT; i++)
        buf_put_u64(out, f->outcome_counts[i]);
    buf_put_u64(out, f->duplicates_count);
    buf_put_u64(out, p->rows.high);
    buf_put_u64(out, p->rows.low);
}

bool pinset_is_meta_key(struct bytes key)
{
    return bytes_equal(key, META_KEY);
}

int pinset_meta_decode(struct bytes row, struct pinset_facts *facts, struct hash128 *digest)
{
    struct pinset_facts f = { 0 };
    struct reader r = reader_of(row.data, row.len);
    uint8_t version = reader_u8(&r);
    if (r.err == OK && version > META_VERSION)
        return ERR_VERSION;
    f.applied_index = reader_u64(&r);
    f.applied_term = reader_u64(&r);
    f.level = reader_u32(&r);
    f.has_cluster_id = reader_u8(&r) != 0;
    struct bytes cluster_id = reader_take(&r, sizeof(f.cluster_id));
    if (cluster_id.len > 0)
        memcpy(f.cluster_id, cluster_id.data, cluster_id.len);
    f.pins_count = reader_u64(&r);
    for (size_t i = 1; i < PINSET_OUTCOMES_COUNT; i++)
        f.outcome_counts[i] = reader_u64(&r);
    f.duplicates_count = reader_u64(&r);
    struct hash128 rows = { 0 };
    rows.high = reader_u64(&r);
    rows.low = reader_u64(&r);
    if (reader_finish(&r) != OK || version == 0)
        return ERR_CORRUPT;
    if (f.level > PINSET_LEVEL_MAX)
        return ERR_VERSION;
    *facts = f;
    *digest = rows;
    return OK;
}

int pinset_read_facts(struct view *view, struct pinset_facts *out)
{
    struct bytes row;
    struct hash128 rows;
    int err = view_get(view, STATE_TABLE_META, META_KEY, &row);
    if (err == ERR_NOT_FOUND)
        *out = (struct pinset_facts){ 0 };
    return err == ERR_NOT_FOUND ? OK : err == OK ? pinset_meta_decode(row, out, &rows) : err;
}

/* Without META there is no other row, or META is lost. */
static int pinset_check_empty(struct view *view)
{
    struct view_row row;
    int err = ERR_NOT_FOUND;
    for (unsigned table = STATE_TABLE_META; table < STATE_TABLES_COUNT && err == ERR_NOT_FOUND;
         table++)
        err = view_seek(view, table, (struct bytes){ NULL, 0 }, &row);
    return err == ERR_NOT_FOUND ? OK : err == OK ? ERR_CORRUPT : err;
}

static int pinset_load(struct pinset *p, struct view *view)
{
    struct bytes row;
    int err = view_get(view, STATE_TABLE_META, META_KEY, &row);
    if (err == ERR_NOT_FOUND)
        return pinset_check_empty(view);
    if (err == OK)
        err = pinset_meta_decode(row, &p->facts, &p->rows);
    if (err == OK)
        err = pinset_origins_open(p, view);
    if (err == OK)
        err = pinset_memos_open(p, view);
    return err == OK ? pinset_drained_open(p, view) : err;
}

int pinset_open(struct pinset *p, struct view *view)
{
    struct pinset *fresh;
    int err = pinset_create(&fresh);
    if (err != OK)
        return err;
    err = pinset_load(fresh, view);
    if (err == OK) {
        struct pinset old = *p;
        *p = *fresh;
        *fresh = old;
    }
    pinset_destroy(fresh); /* on success: what p was before */
    return err;
}

/* ---- first half: what should happen ---- */

/* The row of `cid`, if there is one, and the share it has in the digest. */
static int pinset_read_old(struct pinset *p, struct view *view, const struct cid *cid,
                           struct pinset_change *change)
{
    struct pinset_key key = pinset_key_of_cid(cid);
    struct bytes value;
    int err = view_get(view, STATE_TABLE_PINS, pinset_key_bytes(&key), &value);
    if (err == ERR_NOT_FOUND)
        return OK;
    if (err != OK)
        return err;
    change->was_digest = digest_row(STATE_TABLE_PINS, pinset_key_bytes(&key), value);
    err = pin_decode(&change->was, &p->arena, value.data, value.len);
    change->had_row = err == OK;
    return err;
}

/* Is the row as the proposer saw it? */
static bool pinset_is_expected(const struct pinset_change *change)
{
    return change->entry.expected == PIN_EXPECT_ANY ||
           change->entry.expected == change->was.modified_index; /* 0 without a row */
}

static enum pinset_outcome pinset_decide_pin(const struct pinset_change *change)
{
    const char *why;
    if (pin_check(&change->entry.pin, &why) != OK)
        return PINSET_REFUSED;
    if (!pinset_is_expected(change))
        return PINSET_STALE;
    if (change->had_row && pin_check_replaces(&change->was, &change->entry.pin, NULL) != OK)
        return PINSET_REFUSED;
    return PINSET_DONE;
}

static enum pinset_outcome pinset_decide_unpin(const struct pinset_change *change)
{
    if (!change->had_row)
        return PINSET_NOT_FOUND;
    return pinset_is_expected(change) ? PINSET_DONE : PINSET_STALE;
}

static enum pinset_outcome pinset_decide_cluster_id(const struct pinset *p,
                                                    const struct pin_entry *e)
{
    /* Two leaders in a row may both propose one: the first is the cluster's. */
    const struct pinset_facts *f = &p->facts;
    bool fits =
        !f->has_cluster_id || memcmp(f->cluster_id, e->cluster_id, sizeof(f->cluster_id)) == 0;
    return fits ? PINSET_DONE : PINSET_STALE;
}

/* Only of the cluster whose state this is. */
static enum pinset_outcome pinset_decide_successor(const struct pinset *p,
                                                   const struct pin_entry *e)
{
    const struct pinset_facts *f = &p->facts;
    bool fits =
        f->has_cluster_id && memcmp(f->cluster_id, e->predecessor, sizeof(f->cluster_id)) == 0;
    return fits ? PINSET_DONE : PINSET_STALE;
}

/* So many at most as there may be members. */
static enum pinset_outcome pinset_decide_drain(const struct pinset *p, const struct pin_entry *e)
{
    bool is_new = e->is_drained && !pinset_is_drained(p, &e->peer);
    return is_new && p->drained_count == LIMIT_MEMBERS_COUNT ? PINSET_REFUSED : PINSET_DONE;
}

static int pinset_encode_row(struct pinset *p, struct pin *pin, uint64_t index)
{
    pin->modified_index = index;
    pin->is_unlisted = pin_is_everywhere(pin) && p->facts.level >= PINSET_LEVEL_UNLISTED;
    buf_clear(&p->value);
    pin_encode(pin, &p->value);
    return p->value.err;
}

uint32_t pinset_entry_level(const struct pin_entry *entry)
{
    const struct pin *pin = &entry->pin;
    bool is_pin = entry->kind == PIN_ENTRY_PIN;
    bool has_long_cid = entry->kind == PIN_ENTRY_UNPIN && entry->cid.len > PINSET_SHORT_CID_BYTES;
    if (is_pin)
        has_long_cid = pin->cid.len > PINSET_SHORT_CID_BYTES ||
                       pin->reference.len > PINSET_SHORT_CID_BYTES ||
                       pin->update_of.len > PINSET_SHORT_CID_BYTES;
    return has_long_cid ? PINSET_LEVEL_LONG_CID : META_LEVEL_FIRST;
}

static int pinset_decide(struct pinset *p, struct view *view, uint64_t index,
                         struct pinset_change *change)
{
    struct pin_entry *e = &change->entry;
    int err = OK;
    switch (e->kind) {
    case PIN_ENTRY_PIN:
        err = pinset_read_old(p, view, &e->pin.cid, change);
        if (err != OK)
            return err;
        change->outcome = pinset_decide_pin(change);
        return change->outcome == PINSET_DONE ? pinset_encode_row(p, &e->pin, index) : OK;
    case PIN_ENTRY_UNPIN:
        err = pinset_read_old(p, view, &e->cid, change);
        change->outcome = pinset_decide_unpin(change);
        return err;
    case PIN_ENTRY_CLUSTER_ID:
        change->outcome = pinset_decide_cluster_id(p, e);
        return OK;
    case PIN_ENTRY_LEVEL:
        change->outcome = e->level > p->facts.level ? PINSET_DONE : PINSET_STALE;
        return e->level > PINSET_LEVEL_MAX ? ERR_VERSION : OK;
    case PIN_ENTRY_SUCCESSOR:
        change->outcome = pinset_decide_successor(p, e);
        return OK;
    case PIN_ENTRY_DRAIN:
        change->outcome = pinset_decide_drain(p, e);
        return OK;
    }
    return ERR_VERSION;
}

/* A copy of an entry that already worked? Then its outcome is known. */
static bool pinset_recall(struct pinset *p, struct pinset_change *change)
{
    const struct pin_origin *origin = &change->entry.origin;
    const struct pinset_origin *known = pinset_origin_find(p, origin->number);
    int outcome = known != NULL ? pinset_origin_recall(known, origin->sequence) : 0;
    if (outcome != 0) {
        change->outcome = (enum pinset_outcome)outcome;
        change->is_duplicate = true;
        return true;
    }
    change->is_recorded = pinset_origin_has_room(known, origin);
    if (!change->is_recorded) {
        change->outcome = PINSET_REFUSED; /* the member broke its promise: pin_entry.h */
        return true;
    }
    outcome = change->entry.has_key ? pinset_memo_recall(p, change->entry.key) : 0;
    change->is_duplicate = outcome != 0; /* the client asked before, in another proposal */
    if (change->is_duplicate)
        change->outcome = (enum pinset_outcome)outcome;
    return change->is_duplicate;
}

static int pinset_prepare(struct pinset *p, struct view *view, uint64_t index, const void *payload,
                          size_t len, struct pinset_change *change)
{
    arena_reset(&p->arena);
    struct reader r = reader_of(payload, len);
    int err = pin_entry_decode_head(&change->entry, &r);
    if (err == ERR_CORRUPT) {
        change->outcome = PINSET_REFUSED;
        return OK;
    }
    if (err != OK)
        return err;
    err = pin_entry_decode_body(&change->entry, &p->arena, &r);
    bool is_whole = err == OK;
    if (!is_whole && err != ERR_CORRUPT)
        return err;
    if (change->entry.origin.number != 0) {
        err = pinset_origin_reserve(p);
        if (err == OK && change->entry.has_key)
            err = pinset_memos_reserve(p);
        if (err != OK || pinset_recall(p, change))
            return err;
    }
    if (is_whole)
        return pinset_decide(p, view, index, change);
    change->outcome = PINSET_REFUSED;
    return OK;
}

/* ---- second half: make it so ---- */

static void pinset_put_row(struct pinset *p, struct row_sink *sink, unsigned table,
                           const struct pinset_key *key, struct bytes value)
{
    digest_add(&p->rows, digest_row(table, pinset_key_bytes(key), value));
    row_sink_put(sink, table, pinset_key_bytes(key), value);
}

static void pinset_del_row(struct pinset *p, struct row_sink *sink, unsigned table,
                           const struct pinset_key *key, struct bytes value)
{
    digest_subtract(&p->rows, digest_row(table, pinset_key_bytes(key), value));
    row_sink_del(sink, table, pinset_key_bytes(key));
}

/* Those in whose place the pin stands in the by-holder index: its allocations; for everybody nobody, or none. */
static size_t pinset_holders_count(const struct pin *pin)
{
    bool is_listed_whole = pin_is_everywhere(pin) && !pin->is_unlisted;
    return is_listed_whole ? 1 : pin->allocations_count;
}

static struct peer_id pinset_holder(const struct pin *pin, size_t i)
{
    static const struct peer_id nobody;
    return pin_is_everywhere(pin) ? nobody : pin->allocations[i];
}

static bool pinset_has_holder(const struct pin *pin, const struct peer_id *holder)
{
    for (size_t i = 0; i < pinset_holders_count(pin); i++) {
        struct peer_id other = pinset_holder(pin, i);
        if (peer_id_equal(&other, holder))
            return true;
    }
    return false;
}

/* Would the row of a holder of both look the same? */
static bool pinset_held_alike(const struct pin *a, const struct pin *b)
{
    return a->type == b->type && a->max_depth == b->max_depth;
}

typedef void (*pinset_row_change)(struct pinset *p, struct row_sink *sink, unsigned table,
                                  const struct pinset_key *key, struct bytes value);

/* Changes the index rows of `pin`, but for those that `other` (NULL: none) has just the same. */
static void pinset_change_holders(struct pinset *p, struct row_sink *sink, const struct pin *pin,
                                  const struct pin *other, pinset_row_change change)
{
    uint8_t held[PINSET_HELD_BYTES];
    struct bytes value = { held, pinset_held_encode(held, pin->type, pin->max_depth) };
    for (size_t i = 0; i < pinset_holders_count(pin); i++) {
        struct peer_id holder = pinset_holder(pin, i);
        if (other != NULL && pinset_held_alike(pin, other) && pinset_has_holder(other, &holder))
            continue;
        struct pinset_key key = pinset_key_held(&holder, &pin->cid);
        change(p, sink, STATE_TABLE_BY_HOLDER, &key, value);
    }
}

static void pinset_change_expiry(struct pinset *p, struct row_sink *sink, const struct pin *pin,
                                 const struct pin *other, pinset_row_change change)
{
    static const uint8_t version[] = { 1 };
    if (pin->expire_s == 0 || (other != NULL && other->expire_s == pin->expire_s))
        return;
    struct pinset_key key = pinset_key_expiry(pin->expire_s, &pin->cid);
    change(p, sink, STATE_TABLE_BY_EXPIRY, &key, (struct bytes){ version, sizeof(version) });
}

static void pinset_commit_pin(struct pinset *p, struct row_sink *sink,
                              const struct pinset_change *change)
{
    const struct pin *now = &change->entry.pin;
    const struct pin *was = change->had_row ? &change->was : NULL;
    if (was != NULL) {
        digest_subtract(&p->rows, change->was_digest);
        pinset_change_holders(p, sink, was, now, pinset_del_row);
        pinset_change_expiry(p, sink, was, now, pinset_del_row);
    } else {
        p->facts.pins_count += 1;
    }
    struct pinset_key key = pinset_key_of_cid(&now->cid);
    pinset_put_row(p, sink, STATE_TABLE_PINS, &key, buf_bytes(&p->value));
    pinset_change_holders(p, sink, now, was, pinset_put_row);
    pinset_change_expiry(p, sink, now, was, pinset_put_row);
}

static void pinset_commit_unpin(struct pinset *p, struct row_sink *sink,
                                const struct pinset_change *change)
{
    struct pinset_key key = pinset_key_of_cid(&change->was.cid);
    digest_subtract(&p->rows, change->was_digest);
    row_sink_del(sink, STATE_TABLE_PINS, pinset_key_bytes(&key));
    pinset_change_holders(p, sink, &change->was, NULL, pinset_del_row);
    pinset_change_expiry(p, sink, &change->was, NULL, pinset_del_row);
    p->facts.pins_count -= 1;
}

static void pinset_commit_drain(struct pinset *p, struct row_sink *sink, const struct pin_entry *e)
{
    struct pinset_key key = pinset_key_of_peer(&e->peer);
    if (pinset_is_drained(p, &e->peer) == e->is_drained)
        return;
    if (e->is_drained)
        pinset_put_row(p, sink, STATE_TABLE_DRAINED, &key, pinset_drained_value());
    else
        pinset_del_row(p, sink, STATE_TABLE_DRAINED, &key, pinset_drained_value());
    pinset_drained_note(p, &e->peer, e->is_drained);
}

static void pinset_commit_done(struct pinset *p, struct row_sink *sink,
                               const struct pinset_change *change)
{
    const struct pin_entry *e = &change->entry;
    switch (e->kind) {
    case PIN_ENTRY_PIN:
        pinset_commit_pin(p, sink, change);
        return;
    case PIN_ENTRY_UNPIN:
        pinset_commit_unpin(p, sink, change);
        return;
    case PIN_ENTRY_CLUSTER_ID:
    case PIN_ENTRY_SUCCESSOR:
        p->facts.has_cluster_id = true;
        memcpy(p->facts.cluster_id, e->cluster_id, sizeof(e->cluster_id));
        return;
    case PIN_ENTRY_LEVEL:
        p->facts.level = e->level;
        return;
    case PIN_ENTRY_DRAIN:
        pinset_commit_drain(p, sink, e);
        return;
    }
}

static void pinset_report(const struct pinset_change *change, struct pinset_applied *out)
{
    const struct pin_entry *e = &change->entry;
    *out = (struct pinset_applied){
        .outcome = change->outcome,
        .is_duplicate = change->is_duplicate,
        .origin = e->origin,
        .cid = e->kind == PIN_ENTRY_PIN ? e->pin.cid : e->cid,
        .is_removed = e->kind == PIN_ENTRY_UNPIN,
    };
    bool is_about_a_pin = e->kind == PIN_ENTRY_PIN || e->kind == PIN_ENTRY_UNPIN;
    out->touched = is_about_a_pin && change->outcome == PINSET_DONE && !change->is_duplicate;
    out->is_automatic = is_about_a_pin && e->expected != PIN_EXPECT_ANY;
    if (e->kind != PIN_ENTRY_PIN)
        return;
    out->replication_min = e->pin.replication_min;
    out->replication_max = e->pin.replication_max;
    out->holders = e->pin.allocations;
    out->holders_count = e->pin.allocations_count;
}

int pinset_apply(struct pinset *p, struct view *view, struct row_sink *sink, uint64_t index,
                 uint64_t term, const void *payload, size_t len, struct pinset_applied *out)
{
    ASSERT(index > p->facts.applied_index);
    struct pinset_change change = { 0 };
    int err = pinset_prepare(p, view, index, payload, len, &change);
    if (err != OK)
        return err;

    if (change.is_duplicate)
        p->facts.duplicates_count += 1;
    else
        p->facts.outcome_counts[change.outcome] += 1;
    if (change.outcome == PINSET_DONE && !change.is_duplicate)
        pinset_commit_done(p, sink, &change);
    if (change.is_recorded || change.is_duplicate)
        pinset_origin_record(p, sink, &change.entry.origin, index,
                             change.is_recorded ? (int)change.outcome : 0);
    if (change.is_recorded && change.entry.has_key && !change.is_duplicate)
        pinset_memo_record(p, sink, change.entry.key, index, (int)change.outcome);
    pinset_pass(p, index, term);
    pinset_report(&change, out);
    return OK;
}

void pinset_pass(struct pinset *p, uint64_t index, uint64_t term)
{
    ASSERT(index > p->facts.applied_index);
    ASSERT(term >= p->facts.applied_term);
    p->facts.applied_index = index;
    p->facts.applied_term = term;
}

int pinset_finish(struct pinset *p, struct row_sink *sink)
{
    buf_clear(&p->value);
    pinset_meta_encode(p, &p->value);
    if (p->value.err != OK)
        return p->value.err;
    pinset_origins_finish(p, sink);
    row_sink_put(sink, STATE_TABLE_META, META_KEY, buf_bytes(&p->value));
    return OK;
}

/* ---- looking ---- */

const struct pinset_facts *pinset_facts(const struct pinset *p)
{
    return &p->facts;
}

struct hash128 pinset_rows_digest(const struct pinset *p)
{
    return p->rows;
}

/* The facts that are no rows, as fixed bytes. */
static size_t pinset_facts_bytes(const struct pinset_facts *f, uint8_t *out)
{
    uint64_t words[PINSET_OUTCOMES_COUNT + 3] = { f->pins_count, f->level, f->duplicates_count,
                                                  f->has_cluster_id };
    for (size_t i = 1; i < PINSET_OUTCOMES_COUNT; i++)
        words[3 + i] = f->outcome_counts[i];
    size_t len = 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (unsigned shift = 64; shift > 0; shift -= 8)
            out[len++] = (uint8_t)(words[i] >> (shift - 8));
    }
    memcpy(out + len, f->cluster_id, sizeof(f->cluster_id));
    return len + sizeof(f->cluster_id);
}

struct hash128 pinset_hash(const struct pinset *p)
{
    uint8_t facts[8 * (PINSET_OUTCOMES_COUNT + 3) + STATE_CLUSTER_ID_BYTES];
    size_t len = pinset_facts_bytes(&p->facts, facts);
    struct hash128 sum = p->rows;
    digest_add(&sum, digest_row(STATE_TABLE_META, META_KEY, (struct bytes){ facts, len }));
    return sum;
}
