/* memory.h -- memory that a peer asks for and does not get: a port in front of each of its ports.
 *
 *      the world --enter--> peer --leave--> ports: network, disk, daemon, dice, log, facts --enter--> peer --leave--> ...
 *
 * Shape    The simulator and its peers share one process and one malloc(). Only what a peer asks for itself may fail: so the
 *          ports that it is given step out of it, for as long as they run. Who asks, malloc() knows by fault_memory_asks(),
 *          which the simulator's own malloc() calls (sim/main_memory.c).
 * Which    The n-th allocation from now on, and so many behind it.
 * Owner    One a machine, longer than its peer. There is one thread. */
#ifndef FAULT_MEMORY_H
#define FAULT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "port/http_client.h"
#include "port/rng.h"
#include "port/store.h"
#include "port/transport.h"
#include "util/log.h"

struct fault_memory {
    uint64_t
        left; /* that succeed before the first one that fails; counted only while `fails` > 0 */
    uint64_t fails;  /* so many in a row */
    uint64_t failed; /* so far */
    struct transport transport;
    struct transport_hooks hooks;
    struct store store;
    struct http_client http_client;
    struct rng rng;
    const struct log *log;
    struct log outer_log;
};

/* The peer runs from here on, or does not. Returns who ran before, to be given back. */
struct fault_memory *fault_memory_enter(struct fault_memory *m);
void fault_memory_back(struct fault_memory *before);
/* An allocation is asked for; true: it fails. */
bool fault_memory_asks(void);

struct transport fault_memory_transport(struct fault_memory *m, struct transport inner);
struct store fault_memory_store(struct fault_memory *m, struct store inner);
struct http_client fault_memory_http_client(struct fault_memory *m, struct http_client inner);
struct rng fault_memory_rng(struct fault_memory *m, struct rng inner);
const struct log *fault_memory_log(struct fault_memory *m, const struct log *inner);

#endif
