/* rows.c -- a persistent treap.
 *
 * Every function that changes a tree takes its own share of a node and gives back its own share of
 * the node that takes its place: rows_own() is the one spot where sharing ends and copying begins.
 * Heap order is by (priority, key): the key settles the rare tie, so one set of rows has one shape. */
#include "sim/world/rows.h"

#include <string.h>

#include "util/assert.h"
#include "util/hash.h"
#include "util/mem.h"

struct rows_node {
    struct rows_node *left, *right;
    uint64_t refs;
    uint64_t priority;
    uint64_t count; /* rows in this subtree */
    size_t key_len;
    size_t value_len;
    uint8_t bytes[]; /* key, then value */
};

static struct bytes rows_key(const struct rows_node *n)
{
    return (struct bytes){ n->bytes, n->key_len };
}

static struct view_row rows_row(const struct rows_node *n)
{
    return (struct view_row){ rows_key(n), { n->bytes + n->key_len, n->value_len } };
}

static uint64_t rows_node_count(const struct rows_node *n)
{
    return n == NULL ? 0 : n->count;
}

static void rows_recount(struct rows_node *n)
{
    n->count = 1 + rows_node_count(n->left) + rows_node_count(n->right);
}

/* Takes a share of both children. */
static struct rows_node *rows_node_create(struct bytes key, struct bytes value, uint64_t priority,
                                          struct rows_node *left, struct rows_node *right)
{
    struct rows_node *n = mem_alloc(sizeof(*n) + key.len + value.len);
    ASSERT(n != NULL);
    *n = (struct rows_node){ left, right, 1, priority, 0, key.len, value.len };
    if (key.len > 0)
        memcpy(n->bytes, key.data, key.len);
    if (value.len > 0)
        memcpy(n->bytes + key.len, value.data, value.len);
    rows_recount(n);
    return n;
}

static struct rows_node *rows_hold(struct rows_node *n)
{
    if (n != NULL)
        n->refs += 1;
    return n;
}

static void rows_release(struct rows_node *n)
{
    while (n != NULL && --n->refs == 0) {
        struct rows_node *right = n->right;
        rows_release(n->left);
        mem_free(n);
        n = right;
    }
}

/* A node that only we see, in place of our share of `n`. */
static struct rows_node *rows_own(struct rows_node *n)
{
    if (n->refs == 1)
        return n;
    struct view_row row = rows_row(n);
    struct rows_node *copy =
        rows_node_create(row.key, row.value, n->priority, rows_hold(n->left), rows_hold(n->right));
    rows_release(n);
    return copy;
}

static bool rows_is_above(uint64_t priority, struct bytes key, const struct rows_node *n)
{
    if (priority != n->priority)
        return priority > n->priority;
    return bytes_compare(key, rows_key(n)) < 0;
}

/* Takes n apart: what is below `key` and what is above it; n does not hold it. */
static void rows_split(struct rows_node *n, struct bytes key, struct rows_node **below,
                       struct rows_node **above)
{
    if (n == NULL) {
        *below = *above = NULL;
        return;
    }
    n = rows_own(n);
    if (bytes_compare(rows_key(n), key) < 0) {
        rows_split(n->right, key, &n->right, above);
        *below = n;
    } else {
        rows_split(n->left, key, below, &n->left);
        *above = n;
    }
    rows_recount(n);
}

/* All of `below` is less than all of `above`. */
static struct rows_node *rows_merge(struct rows_node *below, struct rows_node *above)
{
    if (below == NULL)
        return above;
    if (above == NULL)
        return below;
    struct rows_node *top;
    if (rows_is_above(below->priority, rows_key(below), above)) {
        top = rows_own(below);
        top->right = rows_merge(top->right, above);
    } else {
        top = rows_own(above);
        top->left = rows_merge(below, top->left);
    }
    rows_recount(top);
    return top;
}

static struct rows_node *rows_replace(struct rows_node *n, struct bytes value)
{
    struct rows_node *fresh =
        rows_node_create(rows_key(n), value, n->priority, rows_hold(n->left), rows_hold(n->right));
    rows_release(n);
    return fresh;
}

static struct rows_node *rows_insert(struct rows_node *n, uint64_t priority, struct bytes key,
                                     struct bytes value)
{
    int order = n == NULL ? 0 : bytes_compare(key, rows_key(n));
    if (n != NULL && order == 0)
        return rows_replace(n, value);
    if (n == NULL || rows_is_above(priority, key, n)) {
        struct rows_node *below, *above; /* no row under n has our key: it would be above n */
        rows_split(n, key, &below, &above);
        return rows_node_create(key, value, priority, below, above);
    }
    n = rows_own(n);
    if (order < 0)
        n->left = rows_insert(n->left, priority, key, value);
    else
        n->right = rows_insert(n->right, priority, key, value);
    rows_recount(n);
    return n;
}

static struct rows_node *rows_remove(struct rows_node *n, struct bytes key)
{
    int order = bytes_compare(key, rows_key(n));
    n = rows_own(n);
    if (order == 0) {
        struct rows_node *rest = rows_merge(n->left, n->right);
        n->left = n->right = NULL; /* their shares went into the merge */
        rows_release(n);
        return rest;
    }
    if (order < 0)
        n->left = rows_remove(n->left, key);
    else
        n->right = rows_remove(n->right, key);
    rows_recount(n);
    return n;
}

struct rows rows_share(const struct rows *r)
{
    return (struct rows){ rows_hold(r->root) };
}

void rows_deinit(struct rows *r)
{
    rows_release(r->root);
    r->root = NULL;
}

void rows_assign(struct rows *to, const struct rows *from)
{
    struct rows_node *old = to->root;
    to->root = rows_hold(from->root);
    rows_release(old);
}

void rows_put(struct rows *r, struct bytes key, struct bytes value)
{
    r->root = rows_insert(r->root, hash64(0, key.data, key.len), key, value);
}

void rows_delete(struct rows *r, struct bytes key)
{
    struct bytes value;
    if (rows_get(r, key, &value)) /* looked up first: an absent row copies no path */
        r->root = rows_remove(r->root, key);
}

bool rows_get(const struct rows *r, struct bytes key, struct bytes *value)
{
    struct view_row row;
    if (!rows_at_or_after(r, key, &row) || !bytes_equal(row.key, key))
        return false;
    *value = row.value;
    return true;
}

static bool rows_found(const struct rows_node *best, struct view_row *row)
{
    if (best != NULL)
        *row = rows_row(best);
    return best != NULL;
}

bool rows_at_or_after(const struct rows *r, struct bytes key, struct view_row *row)
{
    const struct rows_node *best = NULL;
    for (const struct rows_node *n = r->root; n != NULL;) {
        bool fits = bytes_compare(rows_key(n), key) >= 0;
        best = fits ? n : best;
        n = fits ? n->left : n->right;
    }
    return rows_found(best, row);
}

bool rows_after(const struct rows *r, struct bytes key, struct view_row *row)
{
    const struct rows_node *best = NULL;
    for (const struct rows_node *n = r->root; n != NULL;) {
        bool fits = bytes_compare(rows_key(n), key) > 0;
        best = fits ? n : best;
        n = fits ? n->left : n->right;
    }
    return rows_found(best, row);
}

bool rows_before(const struct rows *r, struct bytes key, struct view_row *row)
{
    const struct rows_node *best = NULL;
    for (const struct rows_node *n = r->root; n != NULL;) {
        bool fits = bytes_compare(rows_key(n), key) < 0;
        best = fits ? n : best;
        n = fits ? n->right : n->left;
    }
    return rows_found(best, row);
}

uint64_t rows_count(const struct rows *r)
{
    return rows_node_count(r->root);
}

struct view_row rows_nth(const struct rows *r, uint64_t rank)
{
    ASSERT(rank < rows_count(r));
    const struct rows_node *n = r->root;
    for (uint64_t left = rows_node_count(n->left); rank != left; left = rows_node_count(n->left)) {
        n = rank < left ? n->left : n->right;
        rank = rank < left ? rank : rank - left - 1;
    }
    return rows_row(n);
}
