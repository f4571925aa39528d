#include "util/tree.h"

#include <stddef.h>

#include "util/assert.h"

struct tree_node *tree_find(const struct tree *t, tree_order order, const void *sought)
{
    struct tree_node *at = t->root;
    while (at != NULL) {
        int o = order(at, sought);
        if (o == 0)
            return at;
        at = o < 0 ? at->right : at->left;
    }
    return NULL;
}

struct tree_node *tree_first_from(const struct tree *t, tree_order order, const void *sought,
                                  int beyond)
{
    struct tree_node *best = NULL;
    struct tree_node *at = t->root;
    while (at != NULL) {
        int o = order(at, sought);
        if (o > 0 || (o == 0 && !beyond)) {
            best = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    return best;
}

struct tree_node *tree_last_before(const struct tree *t, tree_order order, const void *sought)
{
    struct tree_node *best = NULL;
    struct tree_node *at = t->root;
    while (at != NULL) {
        if (order(at, sought) < 0) {
            best = at;
            at = at->right;
        } else {
            at = at->left;
        }
    }
    return best;
}

struct tree_node *tree_last(const struct tree *t)
{
    struct tree_node *at = t->root;
    while (at != NULL && at->right != NULL)
        at = at->right;
    return at;
}

/* Everything before `sought` goes to *left, the rest to *right. */
static void tree_split(struct tree_node *at, tree_order order, const void *sought,
                       struct tree_node **left, struct tree_node **right)
{
    while (at != NULL) {
        if (order(at, sought) < 0) {
            *left = at;
            left = &at->right;
            at = at->right;
        } else {
            *right = at;
            right = &at->left;
            at = at->left;
        }
    }
    *left = NULL;
    *right = NULL;
}

void tree_insert(struct tree *t, struct tree_node *node, uint64_t priority, tree_order order,
                 const void *sought)
{
    node->priority = priority;
    struct tree_node **at = &t->root;
    while (*at != NULL && (*at)->priority >= priority) {
        int o = order(*at, sought);
        ASSERT(o != 0);
        at = o < 0 ? &(*at)->right : &(*at)->left;
    }
    struct tree_node *below = *at;
    *at = node;
    tree_split(below, order, sought, &node->left, &node->right);
}

void tree_remove(struct tree *t, tree_order order, const void *sought)
{
    struct tree_node **at = &t->root;
    for (;;) {
        ASSERT(*at != NULL);
        int o = order(*at, sought);
        if (o == 0)
            break;
        at = o < 0 ? &(*at)->right : &(*at)->left;
    }
    struct tree_node *left = (*at)->left;
    struct tree_node *right = (*at)->right;
    while (left != NULL && right != NULL) {
        struct tree_node *up = left->priority >= right->priority ? left : right;
        *at = up;
        if (up == left) {
            at = &left->right;
            left = left->right;
        } else {
            at = &right->left;
            right = right->left;
        }
    }
    *at = left != NULL ? left : right;
}
