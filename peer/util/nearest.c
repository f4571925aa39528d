#include "util/nearest.h"

#include <string.h>

#include "util/assert.h"

static size_t nearest_least(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

static size_t nearest_distance(struct bytes a, struct bytes b)
{
    size_t row[NEAREST_NAME_MAX + 1]; /* distances of b's beginnings from a's first i characters */
    const char *from = a.data, *to = b.data;
    ASSERT(b.len <= NEAREST_NAME_MAX);
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t replaced = diagonal + (from[i - 1] != to[j - 1]);
            diagonal = row[j];
            row[j] = nearest_least(row[j] + 1, row[j - 1] + 1, replaced);
        }
    }
    return row[b.len];
}

struct nearest nearest_to(struct bytes wrong)
{
    return nearest_to_end(wrong, wrong.len);
}

struct nearest nearest_to_end(struct bytes wrong, size_t end_len)
{
    /* More than a third of the word wrong: it is another word. */
    size_t distance_max = wrong.len <= NEAREST_NAME_MAX ? end_len / 3 + 1 : 0;
    return (struct nearest){ .wrong = wrong, .distance = distance_max + 1 };
}

static bool nearest_is_begun(const struct nearest *n, const char *name, size_t len)
{
    enum { BEGUN_MIN = 3 };
    return n->wrong.len >= BEGUN_MIN && n->wrong.len < len &&
           memcmp(name, n->wrong.data, n->wrong.len) == 0;
}

bool nearest_offer(struct nearest *n, const char *name)
{
    return nearest_offer_len(n, name, strlen(name));
}

bool nearest_offer_len(struct nearest *n, const char *name, size_t len)
{
    if (len > NEAREST_NAME_MAX || n->wrong.len > NEAREST_NAME_MAX)
        return false;
    size_t distance = nearest_distance(n->wrong, (struct bytes){ name, len });
    if (n->best == NULL && distance >= n->distance && nearest_is_begun(n, name, len))
        distance = n->distance - 1;
    if (distance >= n->distance)
        return false;
    n->distance = distance;
    n->best = name;
    n->best_len = len;
    return true;
}
