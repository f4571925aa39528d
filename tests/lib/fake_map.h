/* fake_map.h -- one area of the map room in memory, for tests of core modules: sorted rows behind
 * port/view.h, and a row_sink that changes them. The simplest thing that keeps the contract; what goes
 * into the sink is seen at once. Failing: see `corrupt`. */
#ifndef TESTS_LIB_FAKE_MAP_H
#define TESTS_LIB_FAKE_MAP_H

#include "port/view.h"
#include "state/row_sink.h"

struct fake_row {
    struct buf key;
    struct buf value;
};

struct fake_table {
    struct fake_row *rows; /* sorted by key */
    size_t count;
    size_t size;
    size_t cursor; /* of the view; count: behind the end */
};

struct fake_map {
    struct fake_table tables[LIMIT_MAP_TABLES_COUNT];
    struct bytes corrupt; /* a row of this key is damaged: ERR_CORRUPT instead of its bytes */
    size_t changes_count; /* rows put or deleted so far */
};

void fake_map_deinit(struct fake_map *m);
struct view fake_map_view(struct fake_map *m);
struct row_sink fake_map_sink(struct fake_map *m);
/* Same rows, so that a crash can go back to them. */
void fake_map_copy(struct fake_map *to, const struct fake_map *from);
bool fake_map_equal(const struct fake_map *a, const struct fake_map *b);
size_t fake_map_count(const struct fake_map *m, unsigned table);

#endif
