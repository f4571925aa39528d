/* repo.h -- what a stand-in daemon keeps over a restart: blocks and pins.
 *
 * Shape    Blocks by key (content_key); pins by exact CID, as Kubo keeps them: v0 and v1 of one
 *          multihash are two pins of one block. Both can be walked in the order in which they came.
 * Owner    The repository copies what is put into it. What find gives lives until that block or pin goes.
 * Errors   Memory: fatal(). */
#ifndef SIM_KUBO_REPO_H
#define SIM_KUBO_REPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/kubo/standin.h"
#include "util/list.h"
#include "util/map.h"

struct repo_block {
    struct standin_block block;
    struct list_link link;
    bool is_marked; /* by the garbage collector: stays */
};

struct repo_pin {
    struct standin_pin pin;
    struct list_link link;
};

struct repo {
    struct map blocks_by_key;
    struct list_link blocks; /* of struct repo_block */
    uint64_t bytes_count;
    uint64_t nodes_count;
    struct map pins_by_cid;
    struct list_link pins; /* of struct repo_pin */
};

void repo_init(struct repo *r);
void repo_deinit(struct repo *r);
void repo_clear(struct repo *r);

struct repo_block *repo_block_find(const struct repo *r, const struct cid *key);
/* False: it was there already (a virtual block gives way to a real one). */
bool repo_block_put(struct repo *r, const struct standin_block *block);
bool repo_block_remove(struct repo *r, const struct cid *key);

struct repo_pin *repo_pin_find(const struct repo *r, const struct cid *cid);
/* Adds it, or changes kind and name. */
void repo_pin_put(struct repo *r, const struct standin_pin *pin);
bool repo_pin_remove(struct repo *r, const struct cid *cid);
/* The pins of one kind in the order of Kubo's listings, for the caller to mem_free(); NULL when there is no
 * pin at all. They point into the repository. */
const struct standin_pin **repo_pins_sorted(const struct repo *r, bool direct, size_t *count);

#endif
