/* standin.h -- a stand-in for the IPFS daemon: what a cluster peer needs of Kubo 0.42.0, said as Kubo says
 * it, without a daemon, a disk or a clock.
 *
 *      http_exchange --> standin_on_request()         standin_on_wake() <-- hooks.wake_at
 *                               |                              |
 *                        operations: each takes steps until it is done or waits for
 *                        a block, a time, the reader of its answer, the garbage collector
 *                               |                              |
 *      net.want, net.have, net.dial  <--             --> standin_on_block(), standin_on_dialed()
 *
 * Shape    Pins only what it holds or what a connected stand-in holds, and otherwise waits as long as Kubo
 *          does. Content is real blocks (SHA-256, dag-pb, UnixFS), or virtual: a CID with a size and
 *          a number of nodes but no bytes, for simulations of big content.
 * Honest   What it cannot do as Kubo does is answered with 501 and words, never with something else.
 *          tests/contract/ compares it with the real one.
 * Time     Microseconds of the hooks' clock. Everything happens from inside the calls below.
 * Owner    The caller owns options' texts, hooks and net, which outlive the stand-in. Exchanges belong to
 *          whoever made them, as http/wire/exchange.h says.
 * Errors   Running out of memory is fatal(): this is a tool for tests, not a peer. */
#ifndef SIM_KUBO_STANDIN_H
#define SIM_KUBO_STANDIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/wire/exchange.h"
#include "ids/cid.h"
#include "ids/multiaddr.h"
#include "ids/peer_id.h"
#include "util/buf.h"

struct standin;

/* ---- the world around it ---- */

struct standin_hooks {
    uint64_t (*now_us)(void *owner);
    /* standin_on_wake() is wanted at this time; replaces what was asked before. MONO_NEVER: not. */
    void (*wake_at)(void *owner, uint64_t at_us);
    void *owner;
};

/* The way to other daemons. A block is named by its key (standin_block_key), as its bytes are
 * the same under every CID of one multihash. sim/kubo/swarm.h joins stand-ins of one process;
 * sim/real/ those of several. A NULL table makes a daemon without others. */
struct standin_net_ops {
    /* Wanted until unwant: ask those connected, now and whenever somebody connects or gets new blocks. It
     * may be said again. The block comes later, never from inside. */
    void (*want)(void *impl, const struct cid *key);
    void (*unwant)(void *impl, const struct cid *key);
    /* This daemon has it from now on. */
    void (*have)(void *impl, const struct cid *key);
    /* Connect to this peer; standin_on_dialed() answers, from inside or later. */
    void (*dial)(void *impl, uint64_t number, const struct multiaddr *addr);
    void (*hang_up)(void *impl, const struct peer_id *peer);
};

struct standin_net {
    const struct standin_net_ops *ops;
    void *impl;
};

struct standin_options {
    struct peer_id id;
    uint8_t public_key[32];
    const char *api_address;   /* "/ip4/127.0.0.1/tcp/5001" */
    const char *swarm_address; /* "/ip4/127.0.0.1/tcp/4001" */
    uint64_t storage_max;      /* bytes; 0: Kubo's default, 10 GB */
    bool offline;              /* as `ipfs daemon --offline` */
    uint64_t everything_bytes; /* not 0: it has whatever is asked for, virtual and so large */
};

/* ---- life ---- */

struct standin *standin_create(const struct standin_options *options,
                               const struct standin_hooks *hooks, const struct standin_net *net);
/* Running exchanges are broken off (http_reply_kill). */
void standin_destroy(struct standin *s);
/* What a killed and restarted daemon has forgotten: running requests, connections, faults. */
void standin_restart(struct standin *s);
/* And then an empty repository. */
void standin_wipe(struct standin *s);

/* ---- events ---- */

void standin_on_request(struct standin *s, struct http_exchange *x);
void standin_on_wake(struct standin *s);
/* Connections to it are refused now (a fault): for whoever stands before on_request. */
bool standin_refuses(const struct standin *s);

/* A block, or the news how far a virtual one has come. */
struct standin_block {
    struct cid key;
    struct bytes data;    /* {NULL, 0}: virtual */
    uint64_t nodes_count; /* 1 unless virtual */
    uint64_t bytes_count;
};
/* Put into the store; bytes that do not have the key's hash are dropped. */
void standin_on_block(struct standin *s, const struct standin_block *block);
/* Of a wanted virtual block this much has come: what progress lines show. */
void standin_on_block_progress(struct standin *s, const struct cid *key, uint64_t nodes_count,
                               uint64_t bytes_count);
/* err OK, or `text` says why not, in Kubo's words: "failed to dial: ...". */
void standin_on_dialed(struct standin *s, uint64_t number, int err, const char *text);
void standin_on_connected(struct standin *s, const struct peer_id *peer,
                          const struct multiaddr *addr);
void standin_on_disconnected(struct standin *s, const struct peer_id *peer);

/* ---- looking and touching, for scenarios and checkers ---- */

const struct peer_id *standin_id(const struct standin *s);
struct cid standin_block_key(const struct cid *cid);
/* NULL when it is not there. Lives until the next call. */
const struct standin_block *standin_find(const struct standin *s, const struct cid *key);
/* Puts virtual content into the store: a CID that nobody can tell from a real one without reading it. */
void standin_hold(struct standin *s, const struct cid *cid, uint64_t nodes_count,
                  uint64_t bytes_count);
/* Pins what is in the store at once, as somebody at the daemon's own command line would. */
void standin_pin(struct standin *s, const struct cid *cid, bool direct, const char *name);

struct standin_pin {
    struct cid cid;
    bool direct;
    const char *name; /* "" without one */
};
size_t standin_pins_count(const struct standin *s);
/* In no promised order; the visitor must not touch the stand-in. */
void standin_pins_visit(const struct standin *s,
                        void (*visit)(void *owner, const struct standin_pin *pin), void *owner);
/* OK and the pin, or ERR_NOT_FOUND. */
int standin_pin_find(const struct standin *s, const struct cid *cid, struct standin_pin *out);
/* Behind the back of everybody: the pin, or a block, is gone. False: it was not there. */
bool standin_lose_pin(struct standin *s, const struct cid *cid);
void standin_lose_repo(struct standin *s); /* all pins, all blocks */
/* What no pin reaches is gone, as by repo/gc of somebody at its own command line. False: somebody pins, and the collector would
 * have to wait; or a tree has a hole. */
bool standin_collect(struct standin *s);
bool standin_lose_block(struct standin *s, const struct cid *cid);

/* ---- what goes wrong ---- */

struct standin_faults {
    uint64_t slow_us;     /* each request waits so long before anything happens */
    bool hang;            /* requests are taken and never answered */
    int error_status;     /* not 0: each request is answered with it and error_text */
    char error_text[128]; /* the Message of the error */
    bool half_answer;     /* the answer breaks off in the middle */
    bool stall;           /* it stops in the middle, and the connection stays */
    bool garbage;         /* 200, and bytes that are no answer */
    char command[32];     /* "pin/add": only requests of this command; "": of all */
    bool lies;            /* repo/stat says that free_bytes are free, whatever is */
    uint64_t free_bytes;
    uint64_t requests_left;   /* so many more requests, then all is well; 0: until changed */
    uint64_t refuse_until_us; /* connections are refused until then; 0: no */
};
/* Replaces all; {0} heals. Requests under way go on as they began. */
void standin_set_faults(struct standin *s, const struct standin_faults *faults);
const struct standin_faults *standin_faults(const struct standin *s);

/* ---- counts, for checks against storms ---- */

struct standin_counts {
    uint64_t requests;
    uint64_t pins_added;
    uint64_t pins_removed;
    uint64_t requests_running;
    uint64_t blocks;
    uint64_t bytes;
};
struct standin_counts standin_counts(const struct standin *s);

#endif
