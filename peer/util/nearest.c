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
    /* More than a third of the word wrong: it is another word. */
    size_t distance_max = wrong.len <= NEAREST_NAME_MAX ? wrong.len / 3 + 1 : 0;
    return (struct nearest){ .wrong = wrong, .distance = distance_max + 1 };
}

bool nearest_offer(struct nearest *n, const char *name)
{
    size_t len = strlen(name);
    if (len > NEAREST_NAME_MAX || n->wrong.len > NEAREST_NAME_MAX)
        return false;
    size_t distance = nearest_distance(n->wrong, (struct bytes){ name, len });
    if (distance >= n->distance)
        return false;
    n->distance = distance;
    n->best = name;
    return true;
}
