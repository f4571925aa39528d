/* peer_ask.h -- one question to this peer's IPFS daemon, for a client or for another peer: resolve a path, collect
 * garbage, name its connections.
 *
 * Shape    peer_ask_new(), write ask->target, peer_ask_start(). Rows come by on_row; done runs once, as the last thing.
 * Owner    The ask frees itself after done, or after peer_ask_forget(), which cancels it and keeps done from running.
 * Errors   At once from peer_ask_start() (the ask is gone then), else by done: the verdict of ipfs/kubo_reply.h, with
 *          the daemon's words. */
#ifndef PEER_PEER_ASK_H
#define PEER_PEER_ASK_H

#include "ipfs/kubo_reply.h"
#include "port/http_client.h"
#include "util/list.h"

struct peer;

struct peer_ask {
    struct list_link link; /* the peer's, while it is open */
    struct peer *peer;
    struct http_call call;
    struct kubo_reply reply;
    struct buf target; /* the caller's to write before the start */
    void (*on_row)(void *owner, const struct kubo_row *row);
    void (*done)(void *owner, int err, const char *text);
    void *owner;
    bool is_forgotten;
};

/* NULL: no memory. */
struct peer_ask *peer_ask_new(struct peer *p, enum kubo_command command,
                              void (*on_row)(void *owner, const struct kubo_row *row),
                              void (*done)(void *owner, int err, const char *text), void *owner);
int peer_ask_start(struct peer_ask *ask, uint64_t timeout_us);
void peer_ask_forget(struct peer_ask *ask); /* may be NULL */

#endif
