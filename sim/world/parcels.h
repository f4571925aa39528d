/* parcels.h -- pieces of bytes that are used over and over: no allocation once a run is warm.
 *
 * Shape    Size classes of powers of two, each with a list of free parcels.
 * Owner    Whoever took a parcel gives it back; parcels_deinit() frees the free ones only. */
#ifndef SIM_WORLD_PARCELS_H
#define SIM_WORLD_PARCELS_H

#include <stddef.h>

#include "util/list.h"

enum { PARCEL_CLASSES_COUNT = 24 };

struct parcels {
    struct list_link free[PARCEL_CLASSES_COUNT];
};

void parcels_init(struct parcels *p);
void parcels_deinit(struct parcels *p);
/* At least `size` bytes, not cleared. */
void *parcel_take(struct parcels *p, size_t size);
void parcel_give(struct parcels *p, void *parcel);

#endif
