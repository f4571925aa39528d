/* os_rng.h -- the kernel's random bytes behind port/rng.h.
 *
 * Shape    A small pool filled by getrandom(2), so that drawing byte by byte does not cost a system
 *          call each. Fit for keys and nonces; a byte is wiped when it was handed out.
 * Owner    The caller's memory; one thread. os_rng_deinit() wipes the pool.
 * Errors   None: a kernel without random bytes is fatal(). */
#ifndef OS_OS_RNG_H
#define OS_OS_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "port/rng.h"

struct os_rng {
    uint8_t pool[256];
    size_t left; /* the last `left` bytes of the pool are fresh */
};

void os_rng_init(struct os_rng *r);
void os_rng_deinit(struct os_rng *r);
struct rng os_rng_port(struct os_rng *r);
void os_rng_fill(struct os_rng *r, void *out, size_t len);

#endif
