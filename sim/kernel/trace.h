/* trace.h -- what a run did, as one 128-bit number, and as lines for those who ask.
 *
 * Shape    Every event is mixed in: time, sequence, kind, whose, hash of what it carries. Equal runs have
 *          equal hashes; of unequal ones the periodic hashes tell where they part.
 * Text     trace_line() is for people and is not part of the hash. Lines leave by a hook; without one
 *          nothing is formatted.
 * Source   XXH3, whose output is frozen; records are little endian, field by field. */
#ifndef SIM_KERNEL_TRACE_H
#define SIM_KERNEL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/hash.h"

enum { TRACE_RECORD_BYTES = 32, TRACE_BLOCK_RECORDS = 32, TRACE_HASH_TEXT_SIZE = 33 };

struct trace_hooks {
    void (*on_line)(void *owner, uint64_t at_us, unsigned who, const char *text);
    /* After each 2^k events. */
    void (*on_hash)(void *owner, uint64_t events, struct hash128 hash);
    void *owner;
};

struct trace {
    struct hash128 hash;
    uint64_t events;
    unsigned every_log2; /* on_hash after each 2^this events; 0: never */
    size_t block_len;
    uint8_t block[TRACE_BLOCK_RECORDS * TRACE_RECORD_BYTES];
    struct trace_hooks hooks;
    struct buf text;
};

void trace_init(struct trace *t, const struct trace_hooks *hooks, unsigned every_log2);
void trace_deinit(struct trace *t);
void trace_event(struct trace *t, uint64_t at_us, uint64_t seq, uint16_t kind, uint16_t who,
                 uint64_t payload);
/* Of everything so far. */
struct hash128 trace_hash(struct trace *t);
void trace_hash_print(struct hash128 hash, char out[TRACE_HASH_TEXT_SIZE]);

static inline bool trace_has_text(const struct trace *t)
{
    return t->hooks.on_line != NULL;
}
void trace_line(struct trace *t, uint64_t at_us, unsigned who, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
