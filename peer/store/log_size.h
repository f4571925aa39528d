/* log_size.h -- about how many bytes the records behind an index have: what a bound on the log goes by.
 *
 * Shape    At most LOG_SIZE_MARKS_MAX stretches of consecutive indices, each with the sum of its records. When they
 *          are all used, neighbours become one; so an answer is right to a small part of the whole.
 * Holds    Stretches follow one another without a gap. */
#ifndef STORE_LOG_SIZE_H
#define STORE_LOG_SIZE_H

#include <stddef.h>
#include <stdint.h>

enum { LOG_SIZE_MARKS_MAX = 64 };

struct log_size {
    struct log_size_mark {
        uint64_t first;
        uint64_t bytes;
    } marks[LOG_SIZE_MARKS_MAX];
    size_t count;
    uint64_t end;        /* the index behind the last one */
    uint64_t mark_bytes; /* a stretch is closed once it has so many */
};

/* The record at `index`, which follows the last one, or begins anew. */
void log_size_add(struct log_size *s, uint64_t index, size_t bytes);
/* Records from here on are gone, or those below. */
void log_size_cut(struct log_size *s, uint64_t from);
void log_size_trim(struct log_size *s, uint64_t first_kept);
uint64_t log_size_bytes(const struct log_size *s);
/* The first index from which on the records have at most `bytes_max`. */
uint64_t log_size_first_within(const struct log_size *s, uint64_t bytes_max);

#endif
