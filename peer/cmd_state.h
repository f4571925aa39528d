/* cmd_state.h -- what the `state` commands share: a configured folder, held, and the disk of the peer in it.
 *
 *      state_begin ---> state_open (the data folder, or another) ---> work ---> state_end
 *
 * Errors   Codes, with words in s->why. */
#ifndef PEER_CMD_STATE_H
#define PEER_CMD_STATE_H

#include <stdbool.h>

#include "cmd.h"
#include "config/config.h"
#include "ids/identity.h"
#include "os/os_file.h"
#include "os/os_loop.h"
#include "os/os_store.h"
#include "peer_disk.h"
#include "util/buf.h"

struct state {
    const struct service *service;
    struct config config;
    struct identity identity;
    struct buf folder; /* of the data */
    struct buf why;
    struct os_lock lock;
    bool has_loop;
    struct os_loop loop;
    struct os_store *store;
    struct store port;
    struct peer_disk *disk; /* NULL: there is no data */
};

/* Reads the configuration; `exclusively`: no other process works on the folder until state_end(). */
int state_begin(struct state *s, const struct service *service, bool exclusively);
/* Opens the data folder if there is data in it. `only_look`: beside a running peer, too. */
int state_open(struct state *s, bool only_look);
/* Opens another folder, which is made; durable once state_close() has said OK. */
int state_open_new(struct state *s, const char *folder);
int state_close(struct state *s);
void state_end(struct state *s);
/* "error DOING: why"; 1. */
int state_fail(const struct state *s, const char *doing, int err);
/* Asks on stdout, at most three times; the end of the input means no. */
bool state_asks(const char *question);

/* The file is whole under its name, or not there at all. NULL: stdout. `is_durable`: it is on disk when this
 * returns; else the kernel writes it when it likes. */
int state_write_pins(const struct store *store, const char *path, bool is_durable,
                     uint64_t *pins_count, struct buf *why);

enum { STATE_PROGRESS_PINS = 100000 }; /* a line on stderr each */

#endif
