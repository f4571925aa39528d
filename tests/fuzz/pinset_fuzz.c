/* covers: peer/state/pinset.c peer/state/pinset_origins.c peer/state/pinset_rows.c peer/tracker/tracker_row.c */
/* A life of the state: entries, ends of batches and restarts, as the bytes say; after it the hash must be the sum
 * of the rows. And rows that nobody wrote: whatever is read of them, it is an answer or a code. */
#include <stdint.h>

#include "state/pinset.h"
#include "tests/lib/fake_map.h"
#include "tests/lib/test_ids.h"
#include "tracker/tracker_int.h"
#include "util/assert.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct life {
    struct fake_map map;
    struct fake_map foreign;
    struct pinset *set;
    uint64_t index;
    bool is_stopped; /* an entry from the future */
};

static void life_apply(struct life *l, struct bytes payload)
{
    struct view view = fake_map_view(&l->map);
    struct row_sink sink = fake_map_sink(&l->map);
    struct pinset_applied applied;
    if (l->is_stopped)
        return;
    int err =
        pinset_apply(l->set, &view, &sink, l->index + 1, 1, payload.data, payload.len, &applied);
    ASSERT(err == OK || err == ERR_VERSION);
    ASSERT(view.steps <= PINSET_APPLY_STEPS_MAX);
    l->is_stopped = err != OK;
    l->index += err == OK;
    if (err == OK)
        ASSERT(applied.is_duplicate || pinset_outcome_err(applied.outcome) <= OK);
}

static void life_restart(struct life *l)
{
    struct row_sink sink = fake_map_sink(&l->map);
    struct view view = fake_map_view(&l->map);
    struct hash128 before = pinset_hash(l->set);
    ASSERT(pinset_finish(l->set, &sink) == OK);
    ASSERT(pinset_open(l->set, &view) == OK);
    ASSERT(digest_equal(before, pinset_hash(l->set)));
    ASSERT(pinset_facts(l->set)->applied_index == l->index);
}

/* What a listing of each kind says in the end. */
static int walk_pins(struct fake_map *map)
{
    struct view view = fake_map_view(map);
    struct arena arena = { 0 };
    struct cid start = { 0 };
    struct pinset_cursor c = pinset_cursor_after(&view, &start);
    struct pin pin;
    int err;
    while ((err = pinset_next(&c, &arena, &pin)) == OK) {
        struct pin again;
        struct pin_hold hold;
        struct peer_id peer =
            pin.allocations_count > 0 ? pin.allocations[0] : (struct peer_id){ 0 };
        ASSERT(pinset_get(&view, &pin.cid, &arena, &again) == OK && pin_equal(&pin, &again));
        ASSERT(pinset_get_hold(&view, &pin.cid, &peer, &hold) == OK && hold.is_held);
        ASSERT(hold.is_everybodys == pin_is_everywhere(&pin) && hold.max_depth == pin.max_depth);
    }
    arena_deinit(&arena);
    return err;
}

static int walk_holders(struct fake_map *map)
{
    struct view view = fake_map_view(map);
    struct peer_id holder = { 0 };
    struct cid start = { 0 };
    int err = OK;
    while (err == OK) {
        struct pinset_held_cursor c = pinset_held_after(&view, &holder, &start);
        struct cid held;
        while ((err = pinset_next_held(&c, &held)) == OK) {
        }
        if (err == ERR_NOT_FOUND)
            err = pinset_next_holder(&view, &holder, &holder);
    }
    return err;
}

static int walk_expiries(struct fake_map *map)
{
    struct view view = fake_map_view(map);
    struct pinset_expiry at = { 0 };
    int err;
    while ((err = pinset_next_expiry(&view, &at, INT64_MAX, &at)) == OK) {
    }
    return err;
}

static void walk_tracker_rows(struct fake_map *map)
{
    struct view view = fake_map_view(map);
    struct cid at = { 0 };
    struct tracker_row row, again;
    while (tracker_row_next(&view, &at, &at, &row) == OK) {
        struct buf bytes = { 0 };
        tracker_row_encode(&row, &bytes);
        ASSERT(tracker_row_decode(&again, buf_bytes(&bytes)) == OK);
        ASSERT(tracker_row_get(&view, &at, &again) == OK && again.phase == row.phase);
        buf_deinit(&bytes);
    }
}

static void life_end(struct life *l)
{
    struct digest_scrub scrub;
    struct view view = fake_map_view(&l->map), foreign = fake_map_view(&l->foreign);
    life_restart(l);
    digest_scrub_init(&scrub);
    ASSERT(digest_scrub_step(&scrub, &view, 3000) == OK);
    ASSERT(digest_equal(scrub.sum, pinset_rows_digest(l->set)));
    digest_scrub_deinit(&scrub);
    ASSERT(walk_pins(&l->map) == ERR_NOT_FOUND && walk_holders(&l->map) == ERR_NOT_FOUND);
    ASSERT(walk_expiries(&l->map) == ERR_NOT_FOUND);
    (void)pinset_open(l->set, &foreign);
    (void)walk_pins(&l->foreign);
    (void)walk_holders(&l->foreign);
    (void)walk_expiries(&l->foreign);
    walk_tracker_rows(&l->foreign);
}

/* One step of the life, as the next bytes say. */
static void life_step(struct life *l, struct reader *r)
{
    enum { APPLY, RESTART, PASS, FOREIGN_ROW };
    struct row_sink foreign = fake_map_sink(&l->foreign);
    uint8_t what = reader_u8(r);
    switch (what % 4) {
    case APPLY:
        life_apply(l, reader_run(r, LIMIT_PIN_BYTES));
        return;
    case RESTART:
        life_restart(l);
        return;
    case PASS:
        pinset_pass(l->set, ++l->index, 1);
        return;
    case FOREIGN_ROW: {
        struct bytes key = reader_run(r, LIMIT_MAP_KEY_BYTES);
        struct bytes value = reader_run(r, LIMIT_PIN_BYTES);
        if (key.len > 0)
            row_sink_put(&foreign, what / 4 % STATE_TABLES_COUNT, key, value);
        return;
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct life l = { 0 };
    struct reader r = reader_of(data, size);
    ASSERT(pinset_create(&l.set) == OK);
    for (int steps = 0; r.left > 0 && steps < 60; steps++)
        life_step(&l, &r);
    life_end(&l);
    pinset_destroy(l.set);
    fake_map_deinit(&l.map);
    fake_map_deinit(&l.foreign);
    return 0;
}
