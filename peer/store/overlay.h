/* overlay.h -- rows that are written but not yet durable, merged into reads (DESIGN 3).
 *
 *      put, delete ---> open batch ---submit---> gathering ---flush---> in flight ---> durable, dropped here
 *                          \_________________________|__________________/
 *                                  overlay_view_open(): merged over the store's view
 *
 * Shape    One overlay an area of the map. Changes go into the open batch; overlay_submit() closes it with a
 *          tag. Batches gather here: overlay_flush() sends them, and so does their size. They reach the
 *          store in order, and on_durable() follows for each tag, in order.
 * View     Shows everything put so far, the open batch included, and goes on showing what is put while it
 *          is open. Same contract as port/view.h.
 * Bounded  `bytes_max` of keys and values over all batches. overlay_is_full(): the caller waits until
 *          on_durable; the open batch may pass the bound by what one entry changes.
 * Owner    Keys and values are copied.
 * Errors   Any code other than OK or ERR_CANCELED from the store goes to on_failed once; the overlay then
 *          accepts nothing more and says ERR_IO (ERR_FULL is retried by overlay_retry()). */
#ifndef STORE_OVERLAY_H
#define STORE_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/store.h"
#include "port/view.h"

struct overlay;

/* Rows in one batch beyond which the overlay counts as full; what one event adds comes on top. */
enum { OVERLAY_OPS_MAX = LIMIT_MAP_BATCH_OPS_COUNT / 2 };

struct overlay_hooks {
    void (*on_durable)(void *owner, uint64_t tag);
    void (*on_failed)(void *owner, int err);
    void *owner;
};

int overlay_create(struct overlay **out, struct store *store, enum map_area area, size_t bytes_max,
                   const struct overlay_hooks *hooks);
/* Forgets everything; the store must not complete into it any more (a crash), or is idle. */
void overlay_destroy(struct overlay *o);

int overlay_put(struct overlay *o, unsigned table, struct bytes key, struct bytes value);
int overlay_delete(struct overlay *o, unsigned table, struct bytes key);
bool overlay_has_open(const struct overlay *o); /* something is in the open batch */
bool overlay_is_full(const struct overlay *o);
/* Closes the open batch, which gathers with others; nothing happens, and no hook runs, when it is empty. */
int overlay_submit(struct overlay *o, uint64_t tag);
/* Sends what has gathered on its way. Due some time after overlay_is_gathering(): what the log would have to
 * do again after a crash. */
void overlay_flush(struct overlay *o);
bool overlay_is_gathering(const struct overlay *o);
size_t overlay_batches_count(const struct overlay *o); /* submitted, not durable */
/* The disk was full: the batches wait. Try them again (at intervals; nothing else will). */
bool overlay_is_stalled(const struct overlay *o);
void overlay_retry(struct overlay *o);

/* At most one view of an overlay is open at a time. */
int overlay_view_open(struct overlay *o, struct view *view);
void overlay_view_close(struct overlay *o, struct view *view);

#endif
