#include "state/pin_list.h"

#include "util/err.h"

void pin_list_deinit(struct pin_list *l)
{
    arena_deinit(&l->arena);
}

static int pin_list_turn(struct pin_list *l, pin_list_read read, void *impl)
{
    arena_reset(&l->arena);
    l->count = l->given = 0;
    l->page = arena_alloc(&l->arena, PIN_LIST_PAGE * sizeof(*l->page));
    if (l->page == NULL)
        return ERR_NOMEM;
    int err = read(impl, &l->after, &l->arena, l->page, PIN_LIST_PAGE, &l->count);
    if (err == OK)
        l->after = l->page[l->count - 1].cid;
    return err;
}

int pin_list_next(struct pin_list *l, pin_list_read read, void *impl, const struct pin **out)
{
    int err = l->given == l->count ? pin_list_turn(l, read, impl) : OK;
    *out = err == OK ? &l->page[l->given++] : NULL;
    return err;
}
