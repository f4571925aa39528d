#include "sim/kubo/repo.h"

#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

static void *repo_alloc(size_t size)
{
    void *memory = mem_zalloc(size);
    if (memory == NULL)
        fatal("the stand-in IPFS daemon is out of memory");
    return memory;
}

static struct bytes repo_map_key(const struct cid *cid)
{
    return (struct bytes){ cid->bytes, cid->len };
}

static void repo_map_put(struct map *map, const struct cid *key, void *value)
{
    int err = map_put(map, repo_map_key(key), value);
    if (err == ERR_NOMEM)
        fatal("the stand-in IPFS daemon is out of memory");
    ASSERT(err == OK);
}

void repo_init(struct repo *r)
{
    *r = (struct repo){ 0 };
    list_init(&r->blocks);
    list_init(&r->pins);
}

void repo_clear(struct repo *r)
{
    repo_deinit(r);
    repo_init(r);
}

void repo_deinit(struct repo *r)
{
    list_for_each_safe (at, after, &r->blocks)
        mem_free(list_entry(at, struct repo_block, link));
    list_for_each_safe (at, after, &r->pins)
        mem_free(list_entry(at, struct repo_pin, link));
    map_deinit(&r->blocks_by_key);
    map_deinit(&r->pins_by_cid);
}

/* ---- blocks ---- */

struct repo_block *repo_block_find(const struct repo *r, const struct cid *key)
{
    return map_get(&r->blocks_by_key, repo_map_key(key));
}

bool repo_block_put(struct repo *r, const struct standin_block *block)
{
    bool is_real = block->data.data != NULL;
    struct repo_block *old = repo_block_find(r, &block->key);
    if (old != NULL && (old->block.data.data != NULL || !is_real))
        return false;
    if (old != NULL)
        repo_block_remove(r, &block->key);
    struct repo_block *b = repo_alloc(sizeof *b + block->data.len);
    b->block = *block;
    if (is_real) {
        memcpy(b + 1, block->data.data, block->data.len);
        b->block.data.data = b + 1;
        b->block.nodes_count = 1;
        b->block.bytes_count = block->data.len;
    }
    repo_map_put(&r->blocks_by_key, &b->block.key, b);
    list_push_back(&r->blocks, &b->link);
    r->bytes_count += b->block.bytes_count;
    r->nodes_count += b->block.nodes_count;
    return true;
}

bool repo_block_remove(struct repo *r, const struct cid *key)
{
    struct repo_block *b = map_remove(&r->blocks_by_key, repo_map_key(key));
    if (b == NULL)
        return false;
    r->bytes_count -= b->block.bytes_count;
    r->nodes_count -= b->block.nodes_count;
    list_remove(&b->link);
    mem_free(b);
    return true;
}

/* ---- pins ---- */

struct repo_pin *repo_pin_find(const struct repo *r, const struct cid *cid)
{
    return map_get(&r->pins_by_cid, repo_map_key(cid));
}

void repo_pin_put(struct repo *r, const struct standin_pin *pin)
{
    size_t name_size = strlen(pin->name) + 1;
    struct repo_pin *p = repo_alloc(sizeof *p + name_size);
    p->pin = *pin;
    p->pin.name = memcpy(p + 1, pin->name, name_size);
    repo_pin_remove(r, &p->pin.cid);
    repo_map_put(&r->pins_by_cid, &p->pin.cid, p);
    list_push_back(&r->pins, &p->link);
}

bool repo_pin_remove(struct repo *r, const struct cid *cid)
{
    struct repo_pin *p = map_remove(&r->pins_by_cid, repo_map_key(cid));
    if (p == NULL)
        return false;
    list_remove(&p->link);
    mem_free(p);
    return true;
}

/* ---- the order of listings ---- */

/* Kubo lists pins in the order of their CIDs written in base64url and compared as text. In ASCII the
 * digits of that alphabet stand as '-' 0..9 A..Z '_' a..z, which is not the order of their values. */
static unsigned repo_rank_of_digit(unsigned value)
{
    enum { DASH = 0, DIGITS = 1, UPPER = 11, UNDERSCORE = 37, LOWER = 38 };
    if (value < 26)
        return UPPER + value;
    if (value < 52)
        return LOWER + (value - 26);
    if (value < 62)
        return DIGITS + (value - 52);
    return value == 62 ? DASH : UNDERSCORE;
}

/* The digit that stands `at` from the left; spare bits are 0. */
static unsigned repo_digit(const struct cid *cid, size_t at)
{
    size_t byte = at * 6 / 8;
    unsigned high = cid->bytes[byte];
    unsigned low = byte + 1 < cid->len ? cid->bytes[byte + 1] : 0;
    return ((high << 8 | low) >> (10 - at * 6 % 8)) & 63;
}

static size_t repo_digits_count(const struct cid *cid)
{
    return (cid->len * (size_t)8 + 5) / 6;
}

static int repo_pin_order(const void *a, const void *b)
{
    const struct cid *x = &(*(const struct standin_pin *const *)a)->cid;
    const struct cid *y = &(*(const struct standin_pin *const *)b)->cid;
    size_t x_count = repo_digits_count(x), y_count = repo_digits_count(y);
    for (size_t i = 0; i < x_count && i < y_count; i++) {
        unsigned p = repo_rank_of_digit(repo_digit(x, i));
        unsigned q = repo_rank_of_digit(repo_digit(y, i));
        if (p != q)
            return p < q ? -1 : 1;
    }
    return (x_count > y_count) - (x_count < y_count);
}

const struct standin_pin **repo_pins_sorted(const struct repo *r, bool direct, size_t *count)
{
    *count = 0;
    if (r->pins_by_cid.count == 0)
        return NULL;
    const struct standin_pin **pins = repo_alloc(r->pins_by_cid.count * sizeof *pins);
    list_for_each (at, &r->pins) {
        const struct repo_pin *p = list_entry(at, struct repo_pin, link);
        if (p->pin.direct == direct)
            pins[(*count)++] = &p->pin;
    }
    qsort(pins, *count, sizeof *pins, repo_pin_order);
    return pins;
}
