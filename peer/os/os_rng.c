#include "os/os_rng.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "util/mem.h"

void os_rng_init(struct os_rng *r)
{
    r->left = 0;
}

void os_rng_deinit(struct os_rng *r)
{
    mem_wipe(r, sizeof(*r));
}

static void os_rng_refill(struct os_rng *r)
{
    size_t have = 0;
    while (have < sizeof(r->pool)) {
        ssize_t got = getrandom(r->pool + have, sizeof(r->pool) - have, 0);
        if (got > 0)
            have += (size_t)got;
        else if (errno != EINTR)
            fatal("the kernel gives no random bytes");
    }
    r->left = have;
}

void os_rng_fill(struct os_rng *r, void *out, size_t len)
{
    uint8_t *to = out;
    while (len > 0) {
        if (r->left == 0)
            os_rng_refill(r);
        size_t part = len < r->left ? len : r->left;
        uint8_t *from = r->pool + sizeof(r->pool) - r->left;
        memcpy(to, from, part);
        mem_wipe(from, part);
        r->left -= part;
        to += part;
        len -= part;
    }
}

/* Draws just as many bits as n - 1 has and tries again when they are too large: less than two
 * draws on average, and no number is favoured, as a remainder would. */
static uint64_t os_rng_below(void *impl, enum rng_purpose why, uint64_t n)
{
    (void)why; /* the kernel needs no streams; the simulator does */
    uint64_t mask = 0;
    size_t bytes = 0;
    while (mask < n - 1)
        mask = mask << 1 | 1;
    while (bytes < 8 && mask >> (8 * bytes) != 0)
        bytes++;
    uint64_t drawn;
    do {
        uint8_t raw[8] = { 0 };
        os_rng_fill(impl, raw, bytes);
        drawn = 0;
        for (size_t i = 0; i < sizeof(raw); i++)
            drawn |= (uint64_t)raw[i] << (8 * i);
        mem_wipe(raw, sizeof(raw));
        drawn &= mask;
    } while (drawn > n - 1);
    return drawn;
}

struct rng os_rng_port(struct os_rng *r)
{
    static const struct rng_ops ops = { os_rng_below };
    return (struct rng){ &ops, r };
}
