/* tree.h -- an intrusive ordered tree: a treap whose priorities the caller gives (a hash of the key), so that
 * its shape is a function of its keys alone.
 *
 * Shape    The caller compares: tree_find_from() walks down with a function that orders a node against what is
 *          sought. No parent links; the next node is found from the root, in O(log n) expected.
 * Owner    Nodes are the caller's; the tree owns nothing. A node is in at most one tree.
 * Errors   Inserting a key that is there is the caller's bug (look first). */
#ifndef UTIL_TREE_H
#define UTIL_TREE_H

#include <stdint.h>

struct tree_node {
    struct tree_node *left;
    struct tree_node *right;
    uint64_t priority;
};

struct tree {
    struct tree_node *root;
};

/* Order of `node` against what is sought: < 0 it comes before, 0 equal, > 0 behind. */
typedef int (*tree_order)(const struct tree_node *node, const void *sought);

struct tree_node *tree_find(const struct tree *t, tree_order order, const void *sought);
/* The first node >= sought; > sought when `beyond`. NULL: none. */
struct tree_node *tree_first_from(const struct tree *t, tree_order order, const void *sought,
                                  int beyond);
/* The last node < sought; NULL: none. */
struct tree_node *tree_last_before(const struct tree *t, tree_order order, const void *sought);
/* The last node of all. */
struct tree_node *tree_last(const struct tree *t);
void tree_insert(struct tree *t, struct tree_node *node, uint64_t priority, tree_order order,
                 const void *sought);
void tree_remove(struct tree *t, tree_order order, const void *sought);

#endif
