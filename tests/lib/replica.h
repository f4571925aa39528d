/* replica.h -- a pinset on rows of its own, for its tests: entries in, one index after the other. What must not fail
 * is asserted here. */
#ifndef TESTS_LIB_REPLICA_H
#define TESTS_LIB_REPLICA_H

#include "state/pinset.h"
#include "tests/lib/fake_map.h"

struct replica {
    struct fake_map map;
    struct pinset *set;
    uint64_t index;
};

void replica_init(struct replica *r);
void replica_deinit(struct replica *r);
/* Applies bytes as the next entry; takes up its index if that worked. */
int replica_try(struct replica *r, const void *bytes, size_t len, struct pinset_applied *out);
struct pinset_applied replica_apply(struct replica *r, const struct pin_entry *e);
void replica_level(struct replica *r, uint32_t level);
void replica_finish(struct replica *r);
/* As after a crash: what is in the rows is all that is left. */
void replica_restart(struct replica *r);
/* The digest by way of the rows. */
struct hash128 replica_scrub(struct replica *r);

struct pin_entry pin_entry_of(uint32_t cid_number);
struct pin_entry unpin_entry_of(uint32_t cid_number);

#endif
