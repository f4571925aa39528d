#include "sim/kernel/choose.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum { CHOICE_LOG_VERSION = 1, MILLION = 1000000 };

const char *choice_kind_name(enum choice_kind kind)
{
    static const char *const names[] = {
#define X(name, text) [name] = text,
        CHOICE_KINDS(X)
#undef X
    };
    ASSERT(kind < CHOICE_KINDS_COUNT);
    return names[kind];
}

/* ---- the list of choices ---- */

void choice_log_deinit(struct choice_log *log)
{
    for (size_t kind = 0; kind < CHOICE_KINDS_COUNT; kind++)
        for (size_t who = 0; who < CHOICE_WHO_COUNT; who++)
            mem_free(log->lanes[kind][who].values);
    memset(log, 0, sizeof(*log));
}

static struct choice_lane *choice_lane(struct choice_log *log, enum choice_kind kind, unsigned who)
{
    ASSERT(kind < CHOICE_KINDS_COUNT && who < CHOICE_WHO_COUNT);
    return &log->lanes[kind][who];
}

static void choice_lane_append(struct choice_lane *lane, uint64_t value)
{
    if (lane->count == lane->size) {
        lane->size = lane->size == 0 ? 64 : 2 * lane->size;
        lane->values = mem_realloc(lane->values, lane->size * sizeof(*lane->values));
        ASSERT(lane->values != NULL);
    }
    lane->values[lane->count++] = value;
}

void choice_log_append(struct choice_log *log, enum choice_kind kind, unsigned who, uint64_t value)
{
    choice_lane_append(choice_lane(log, kind, who), value);
}

void choice_log_set(struct choice_log *log, enum choice_kind kind, unsigned who, size_t at,
                    uint64_t value)
{
    struct choice_lane *lane = choice_lane(log, kind, who);
    while (lane->count <= at)
        choice_lane_append(lane, 0);
    lane->values[at] = value;
}

/* version | for each lane that has choices: name, who, count, the choices; all numbers varints. */
void choice_log_encode(const struct choice_log *log, struct buf *out)
{
    buf_put_u8(out, CHOICE_LOG_VERSION);
    for (unsigned kind = 0; kind < CHOICE_KINDS_COUNT; kind++) {
        const char *name = choice_kind_name(kind);
        for (unsigned who = 0; who < CHOICE_WHO_COUNT; who++) {
            const struct choice_lane *lane = &log->lanes[kind][who];
            if (lane->count == 0)
                continue;
            buf_put_run(out, name, strlen(name));
            buf_put_varint(out, who);
            buf_put_varint(out, lane->count);
            for (size_t i = 0; i < lane->count; i++)
                buf_put_varint(out, lane->values[i]);
        }
    }
}

bool choice_kind_find(struct bytes name, enum choice_kind *out)
{
    for (unsigned kind = 0; kind < CHOICE_KINDS_COUNT; kind++) {
        const char *text = choice_kind_name(kind);
        if (bytes_equal(name, (struct bytes){ text, strlen(text) })) {
            *out = kind;
            return true;
        }
    }
    return false;
}

int choice_log_decode(struct choice_log *log, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    uint8_t version = reader_u8(&r);
    if (r.err == OK && version != CHOICE_LOG_VERSION)
        return version > CHOICE_LOG_VERSION ? ERR_VERSION : ERR_CORRUPT;
    while (r.err == OK && r.left > 0) {
        struct bytes name = reader_run(&r, 64);
        uint64_t who = reader_varint(&r);
        uint64_t count = reader_varint(&r);
        enum choice_kind kind = 0;
        if (r.err != OK || who >= CHOICE_WHO_COUNT || !choice_kind_find(name, &kind) ||
            count == 0 || log->lanes[kind][who].count > 0)
            return ERR_CORRUPT;
        for (uint64_t i = 0; i < count && r.err == OK; i++)
            choice_log_append(log, kind, (unsigned)who, reader_varint(&r));
    }
    return reader_finish(&r);
}

/* ---- choosing ---- */

void choose_init(struct choose *c, uint64_t seed)
{
    memset(c, 0, sizeof(*c));
    c->seed = seed;
    for (unsigned kind = 0; kind < CHOICE_KINDS_COUNT; kind++) {
        const char *name = choice_kind_name(kind);
        uint64_t of_kind = hash64(seed, name, strlen(name));
        for (unsigned who = 0; who < CHOICE_WHO_COUNT; who++) {
            uint8_t label = (uint8_t)who;
            c->lanes[kind][who].state = hash64(of_kind, &label, 1);
        }
    }
}

void choose_record(struct choose *c, struct choice_log *log)
{
    c->record = log;
}

void choose_replay(struct choose *c, const struct choice_log *log)
{
    c->replay = log;
}

void choose_still(struct choose *c, enum choice_kind kind)
{
    ASSERT(choice_kind_is_world(kind));
    c->is_still[kind] = true;
}

/* splitmix64 (Steele, Lea, Flood 2014): a counter and a mixer, enough for choosing faults. */
static uint64_t choose_draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t choose(struct choose *c, enum choice_kind kind, unsigned who, uint64_t n)
{
    ASSERT(n >= 1 && kind < CHOICE_KINDS_COUNT && who < CHOICE_WHO_COUNT);
    if (n == 1)
        return 0;
    uint64_t at = c->lanes[kind][who].count++;
    uint64_t value = 0;
    if (c->replay != NULL && at < c->replay->lanes[kind][who].count)
        value = c->replay->lanes[kind][who].values[at] % n;
    if (c->replay == NULL)
        value = choose_draw(&c->lanes[kind][who].state) % n; /* the bias of n/2^64 harms nobody */
    if (c->is_still[kind])
        value = 0;
    if (c->record != NULL)
        choice_log_append(c->record, kind, who, value);
    return value;
}

uint64_t choose_between(struct choose *c, enum choice_kind kind, unsigned who, uint64_t low,
                        uint64_t high)
{
    ASSERT(low <= high);
    return low + choose(c, kind, who, high - low + 1);
}

uint64_t choose_scale(struct choose *c, enum choice_kind kind, unsigned who, uint64_t low,
                      uint64_t high)
{
    ASSERT(low >= 1 && low <= high);
    unsigned doublings = 0;
    while (doublings < 63 && high >> (doublings + 1) >= low)
        doublings += 1;
    uint64_t from = low << choose(c, kind, who, doublings + 1);
    uint64_t to = from > high / 2 ? high : 2 * from - 1;
    return choose_between(c, kind, who, from, to);
}

/* The unlucky outcomes are the high ones, so that 0 is luck. */
bool choose_chance(struct choose *c, enum choice_kind kind, unsigned who, uint64_t per_million)
{
    ASSERT(per_million <= MILLION);
    return per_million > 0 && choose(c, kind, who, MILLION) >= MILLION - per_million;
}
