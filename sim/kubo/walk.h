/* walk.h -- every block of a tree, once, as far as the repository has them.
 *
 * Shape    walk_begin() names the root; walk_go() visits what is there and sets aside what is not; when more
 *          blocks have come, walk_go() takes up again. Complete when nothing is missing.
 * Order    Depth first, links in their order, when nothing is missing.
 * Owner    The walk owns its lists; walk_end() frees. A visitor must not change the repository.
 * Errors   Memory: fatal(). */
#ifndef SIM_KUBO_WALK_H
#define SIM_KUBO_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/kubo/repo.h"
#include "util/arena.h"
#include "util/map.h"

struct walk {
    const struct repo *repo;
    /* May be NULL. Returns false to end the walk. */
    bool (*visit)(void *owner, const struct cid *cid, struct repo_block *block);
    void *owner;
    uint64_t nodes_count; /* visited */
    uint64_t bytes_count;
    struct cid *missing;
    size_t missing_count;
    /* The walk's own. */
    size_t missing_size;
    struct cid *todo;
    size_t todo_count;
    size_t todo_size;
    struct map seen;
    struct arena arena;
    bool is_over; /* by the visitor's wish */
};

void walk_begin(struct walk *w, const struct repo *repo, const struct cid *root);
/* Another root, for a walk over several trees in which each block counts once. */
void walk_add(struct walk *w, const struct cid *root);
void walk_go(struct walk *w);
void walk_end(struct walk *w);

#endif
