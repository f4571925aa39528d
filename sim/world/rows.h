/* rows.h -- sorted rows as a value: copying all of them costs nothing, changing one copy leaves the
 * others as they were.
 *
 * Shape    A treap whose priorities are hashes of the keys, so its shape depends on its content
 *          alone. Nodes are shared between copies and copied when one of them is about to change; a
 *          node that is not shared changes in place.
 * Units    Keys order by memcmp, shorter first.
 * Owner    A struct rows owns a share of its nodes: rows_share() makes another, rows_deinit() gives
 *          it back. Bytes handed out live as long as any share that holds the row.
 * Errors   None: the simulator's own memory running out asserts. */
#ifndef SIM_WORLD_ROWS_H
#define SIM_WORLD_ROWS_H

#include <stdbool.h>

#include "port/view.h"

struct rows_node;

struct rows {
    struct rows_node *root; /* {0}: no rows */
};

struct rows rows_share(const struct rows *r);
void rows_deinit(struct rows *r);
/* `to` gives up what it held and becomes a share of `from`. */
void rows_assign(struct rows *to, const struct rows *from);

void rows_put(struct rows *r, struct bytes key, struct bytes value);
void rows_delete(struct rows *r, struct bytes key); /* harmless when it is absent */
bool rows_get(const struct rows *r, struct bytes key, struct bytes *value);
/* The first row at or after `key` (or only after it); the last row before it. */
bool rows_at_or_after(const struct rows *r, struct bytes key, struct view_row *row);
bool rows_after(const struct rows *r, struct bytes key, struct view_row *row);
bool rows_before(const struct rows *r, struct bytes key, struct view_row *row);
uint64_t rows_count(const struct rows *r);
/* The row with `rank` rows before it; rank is below rows_count(). */
struct view_row rows_nth(const struct rows *r, uint64_t rank);

#endif
