/* covers: peer/state/pin_entry.c */
/* Bytes of a committed entry against the reader of entries, and against the state itself: whatever an entry
 * says, it is applied, passed by or refused, and the hash stays the sum of the rows. */
#include <stdint.h>

#include "state/pinset.h"
#include "tests/lib/fake_map.h"
#include "util/assert.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_digest(struct pinset *set, struct fake_map *map)
{
    struct digest_scrub scrub;
    struct view view = fake_map_view(map);
    digest_scrub_init(&scrub);
    ASSERT(digest_scrub_step(&scrub, &view, 2000) == OK);
    ASSERT(digest_equal(scrub.sum, pinset_rows_digest(set)));
    digest_scrub_deinit(&scrub);
}

static void apply_twice(const uint8_t *data, size_t size)
{
    struct fake_map map = { 0 };
    struct row_sink sink = fake_map_sink(&map);
    struct pinset *set;
    ASSERT(pinset_create(&set) == OK);
    for (uint64_t index = 1; index <= 2; index++) {
        struct view view = fake_map_view(&map);
        struct pinset_applied applied;
        int err = pinset_apply(set, &view, &sink, index, 1, data, size, &applied);
        if (err != OK) {
            ASSERT(err == ERR_VERSION && map.changes_count == 0);
            break;
        }
        ASSERT(index == 1 || !applied.touched || applied.origin.number == 0);
    }
    ASSERT(pinset_finish(set, &sink) == OK);
    check_digest(set, &map);
    pinset_destroy(set);
    fake_map_deinit(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct pin_entry entry;
    if (pin_entry_decode(&entry, &arena, data, size) == OK) {
        struct buf bytes = { 0 };
        pin_entry_encode(&entry, &bytes);
        ASSERT(bytes_equal(buf_bytes(&bytes), (struct bytes){ data, size }));
        buf_deinit(&bytes);
    }
    arena_deinit(&arena);
    apply_twice(data, size);
    return 0;
}
