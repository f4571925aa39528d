#include "sim/kernel/trace.h"

#include <string.h>

void trace_init(struct trace *t, const struct trace_hooks *hooks, unsigned every_log2)
{
    memset(t, 0, sizeof(*t));
    t->every_log2 = every_log2;
    if (hooks != NULL)
        t->hooks = *hooks;
}

void trace_deinit(struct trace *t)
{
    buf_deinit(&t->text);
    memset(t, 0, sizeof(*t));
}

static uint8_t *trace_put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

/* The hash so far is the key of the next block's; the high half goes in as data. */
static void trace_fold(struct trace *t)
{
    if (t->block_len == 0)
        return;
    struct hash128 block = hash128(t->hash.low, t->block, t->block_len);
    uint8_t halves[24];
    uint8_t *at = trace_put(halves, t->hash.high, 8);
    at = trace_put(at, block.high, 8);
    trace_put(at, block.low, 8);
    t->hash = hash128(t->hash.low, halves, sizeof(halves));
    t->block_len = 0;
}

void trace_event(struct trace *t, uint64_t at_us, uint64_t seq, uint16_t kind, uint16_t who,
                 uint64_t payload)
{
    uint8_t *at = t->block + t->block_len;
    at = trace_put(at, at_us, 8);
    at = trace_put(at, seq, 8);
    at = trace_put(at, payload, 8);
    at = trace_put(at, kind, 4);
    trace_put(at, who, 4);
    t->block_len += TRACE_RECORD_BYTES;
    if (t->block_len == sizeof(t->block))
        trace_fold(t);
    t->events += 1;
    if (t->every_log2 > 0 && (t->events & ((UINT64_C(1) << t->every_log2) - 1)) == 0 &&
        t->hooks.on_hash != NULL)
        t->hooks.on_hash(t->hooks.owner, t->events, trace_hash(t));
}

/* Folds a copy: looking must not change what comes later. */
struct hash128 trace_hash(struct trace *t)
{
    size_t len = t->block_len;
    struct hash128 before = t->hash;
    trace_fold(t);
    struct hash128 now = t->hash;
    t->hash = before;
    t->block_len = len;
    return now;
}

void trace_hash_print(struct hash128 hash, char out[TRACE_HASH_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < 16; i++) {
        out[i] = digits[hash.high >> (60 - 4 * i) & 15];
        out[16 + i] = digits[hash.low >> (60 - 4 * i) & 15];
    }
    out[32] = '\0';
}

void trace_line(struct trace *t, uint64_t at_us, unsigned who, const char *format, ...)
{
    if (!trace_has_text(t))
        return;
    buf_clear(&t->text);
    va_list args;
    va_start(args, format);
    buf_vprintf(&t->text, format, args);
    va_end(args);
    t->hooks.on_line(t->hooks.owner, at_us, who, buf_text(&t->text));
}
