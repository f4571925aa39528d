#include "store/log_index.h"

#include <string.h>

static bool index_is_stretched(const struct log_index *x, const struct log_mark *where)
{
    if (x->is_cut || x->marks_count == 0)
        return false;
    const struct log_mark *last = &x->marks[x->marks_count - 1];
    return last->segment == where->segment &&
           where->group_at - last->group_at < LOG_INDEX_STRETCH_BYTES;
}

int log_index_add(struct log_index *x, const struct log_mark *where)
{
    ASSERT(where->first > 0 && (x->extent.last == 0 || where->first == x->extent.last + 1));
    if (!index_is_stretched(x, where)) {
        if (x->marks_count == x->marks_size) {
            size_t size = x->marks_size == 0 ? 64 : x->marks_size * 2;
            struct log_mark *marks = mem_realloc(x->marks, size * sizeof(*marks));
            if (marks == NULL)
                return ERR_NOMEM;
            x->marks = marks;
            x->marks_size = size;
        }
        x->marks[x->marks_count++] = *where;
        x->is_cut = false;
    }
    if (x->extent.first == 0)
        x->extent.first = where->first;
    x->extent.last = where->first;
    return OK;
}

void log_index_cut(struct log_index *x, uint64_t from)
{
    if (from == 0 || from > x->extent.last)
        return;
    while (x->marks_count > 0 && x->marks[x->marks_count - 1].first >= from)
        x->marks_count -= 1;
    x->extent.last = from - 1;
    if (x->extent.last < x->extent.first)
        x->extent = (struct log_extent){ 0, 0 };
    x->is_cut = true;
}

void log_index_trim(struct log_index *x, uint64_t first_kept)
{
    if (first_kept <= x->extent.first)
        return;
    if (first_kept > x->extent.last) {
        x->extent = (struct log_extent){ 0, 0 };
        x->marks_count = 0;
        return;
    }
    size_t gone = 0;
    while (gone + 1 < x->marks_count && x->marks[gone + 1].first <= first_kept)
        gone += 1;
    x->marks_count -= gone;
    if (gone > 0)
        memmove(x->marks, x->marks + gone, x->marks_count * sizeof(*x->marks));
    x->extent.first = first_kept;
}

const struct log_mark *log_index_find(const struct log_index *x, uint64_t index)
{
    if (x->extent.first == 0 || index < x->extent.first || index > x->extent.last)
        return NULL;
    size_t low = 0, high = x->marks_count; /* marks below low are at or before the index */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (x->marks[middle].first <= index)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &x->marks[low - 1] : NULL;
}

uint64_t log_index_stretch_end(const struct log_index *x, const struct log_mark *mark)
{
    bool is_last = mark == &x->marks[x->marks_count - 1];
    return is_last ? x->extent.last + 1 : mark[1].first;
}

uint64_t log_index_oldest(const struct log_index *x, uint64_t first_kept, uint64_t newest)
{
    if (first_kept < x->extent.first)
        first_kept = x->extent.first;
    const struct log_mark *mark = log_index_find(x, first_kept);
    return mark != NULL ? mark->segment : newest;
}

void log_index_deinit(struct log_index *x)
{
    mem_free(x->marks);
    *x = (struct log_index){ 0 };
}
