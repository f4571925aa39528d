#include "store/sound_view.h"

#include "util/err.h"

typedef int (*sound_move)(void *impl, unsigned table, struct view_row *row);

static int sound_view_get(void *impl, unsigned table, struct bytes key, struct bytes *value)
{
    struct sound_view *s = impl;
    int err = s->below->ops->get(s->below->impl, table, key, value);
    if (err != ERR_CORRUPT)
        return err;
    s->damaged_count += 1;
    return ERR_NOT_FOUND;
}

/* The cursor below stands on the bad row: from there on, in the same direction. */
static int sound_view_pass(struct sound_view *s, int err, sound_move move, unsigned table,
                           struct view_row *row)
{
    for (int i = 0; err == ERR_CORRUPT && i < SOUND_VIEW_DAMAGED_MAX; i++) {
        s->damaged_count += 1;
        err = move(s->below->impl, table, row);
    }
    return err;
}

static int sound_view_seek(void *impl, unsigned table, struct bytes key, struct view_row *row)
{
    struct sound_view *s = impl;
    const struct view_ops *ops = s->below->ops;
    int err = ops->seek(s->below->impl, table, key, row);
    return sound_view_pass(s, err, ops->next, table, row);
}

static int sound_view_next(void *impl, unsigned table, struct view_row *row)
{
    struct sound_view *s = impl;
    const struct view_ops *ops = s->below->ops;
    return sound_view_pass(s, ops->next(s->below->impl, table, row), ops->next, table, row);
}

static int sound_view_prev(void *impl, unsigned table, struct view_row *row)
{
    struct sound_view *s = impl;
    const struct view_ops *ops = s->below->ops;
    return sound_view_pass(s, ops->prev(s->below->impl, table, row), ops->prev, table, row);
}

void sound_view_over(struct sound_view *s, const struct view *below, struct view *out)
{
    static const struct view_ops ops = { sound_view_get, sound_view_seek, sound_view_next,
                                         sound_view_prev };
    *s = (struct sound_view){ .below = below };
    *out = (struct view){ .ops = &ops, .impl = s };
}
