/* Partitions that are none: everybody still reaches everybody by way of others, which Raft does not do.
 *
 *      ring     1 -- 2          bridge   1       4
 *               |    |                   | \   / |
 *               4 -- 3                   |   3   |
 *                                        | /   \ |
 *                                        2       5   */
#include "sim/world/world_int.h"

static void shape_part(struct world *w, unsigned a, unsigned b, bool cut)
{
    world_cut(w, a, b, cut);
    world_cut(w, b, a, cut);
}

static bool shape_is_beside(const struct world *w, unsigned a, unsigned b)
{
    return b == a + 1 || (a == 1 && b == w->machines_count);
}

void shape_ring(struct world *w, unsigned deed, bool cut)
{
    for (unsigned a = 1; a <= w->machines_count; a++)
        for (unsigned b = a + 1; b <= w->machines_count; b++) {
            if (shape_is_beside(w, a, b))
                continue;
            deed_tell(w, deed, "%s %u | %u", cut ? "cut" : "heal", a, b);
            shape_part(w, a, b, cut);
        }
}

void shape_bridge(struct world *w, unsigned deed, unsigned bridge, uint32_t side, bool cut)
{
    for (unsigned a = 1; a <= w->machines_count; a++)
        for (unsigned b = a + 1; b <= w->machines_count; b++) {
            bool parts = (side >> (a - 1) & 1) != (side >> (b - 1) & 1);
            if (!parts || a == bridge || b == bridge)
                continue;
            deed_tell(w, deed, "%s %u | %u", cut ? "cut" : "heal", a, b);
            shape_part(w, a, b, cut);
        }
}
