#include "store/log_size.h"

#include "util/assert.h"

enum { MARK_BYTES_MIN = 512 };

static void log_size_halve(struct log_size *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i += 2) {
        struct log_size_mark mark = s->marks[i];
        mark.bytes += i + 1 < s->count ? s->marks[i + 1].bytes : 0;
        s->marks[kept++] = mark;
    }
    s->count = kept;
    s->mark_bytes *= 2;
}

void log_size_add(struct log_size *s, uint64_t index, size_t bytes)
{
    if (s->count == 0 || index != s->end) {
        s->count = 0;
        s->mark_bytes = MARK_BYTES_MIN;
    }
    if (s->count == 0 || s->marks[s->count - 1].bytes >= s->mark_bytes) {
        if (s->count == LOG_SIZE_MARKS_MAX)
            log_size_halve(s);
        s->marks[s->count++] = (struct log_size_mark){ .first = index };
    }
    s->marks[s->count - 1].bytes += bytes;
    s->end = index + 1;
}

/* The share of a mark's bytes that its records below `index` have, as if all were of one size. */
static uint64_t log_size_share(const struct log_size *s, size_t at, uint64_t index)
{
    uint64_t end = at + 1 < s->count ? s->marks[at + 1].first : s->end;
    uint64_t first = s->marks[at].first;
    return s->marks[at].bytes / (end - first) * (index - first);
}

void log_size_cut(struct log_size *s, uint64_t from)
{
    while (s->count > 0 && s->marks[s->count - 1].first >= from) {
        s->end = s->marks[s->count - 1].first;
        s->count -= 1;
    }
    if (s->count == 0 || from >= s->end)
        return;
    s->marks[s->count - 1].bytes = log_size_share(s, s->count - 1, from);
    s->end = from;
}

void log_size_trim(struct log_size *s, uint64_t first_kept)
{
    size_t gone = 0;
    while (gone + 1 < s->count && s->marks[gone + 1].first <= first_kept)
        gone += 1;
    if (s->count == 0 || first_kept <= s->marks[gone].first)
        return;
    if (first_kept >= s->end) {
        s->count = 0;
        return;
    }
    s->marks[gone].bytes -= log_size_share(s, gone, first_kept);
    s->marks[gone].first = first_kept;
    for (size_t i = gone; i < s->count; i++)
        s->marks[i - gone] = s->marks[i];
    s->count -= gone;
}

uint64_t log_size_bytes(const struct log_size *s)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->count; i++)
        bytes += s->marks[i].bytes;
    return bytes;
}

uint64_t log_size_first_within(const struct log_size *s, uint64_t bytes_max)
{
    uint64_t bytes = 0;
    uint64_t first = s->end;
    for (size_t i = s->count; i > 0 && bytes + s->marks[i - 1].bytes <= bytes_max; i--) {
        bytes += s->marks[i - 1].bytes;
        first = s->marks[i - 1].first;
    }
    return first;
}
