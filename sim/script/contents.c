#include "sim/script/script.h"

#include <string.h>

#include "util/assert.h"

bool content_next(struct content_walk *w, struct bytes *name)
{
    if (w->item >= w->contents->count)
        return false;
    const struct script_content *c = &w->contents->items[w->item];
    if (!c->is_range) {
        *name = c->stem;
        w->item += 1;
        return true;
    }
    w->number = w->started ? w->number + 1 : c->first;
    w->started = w->number < c->last;
    if (!w->started)
        w->item += 1;
    struct buf text = { 0 };
    buf_append(&text, c->stem.data, c->stem.len);
    buf_printf(&text, "%u", w->number);
    ASSERT(text.err == 0 && text.len < sizeof(w->name));
    memcpy(w->name, text.data, text.len);
    *name = (struct bytes){ w->name, text.len };
    buf_deinit(&text);
    return true;
}
