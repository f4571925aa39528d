/* rpc.h -- questions to other peers and their answers, over the calls stream.
 *
 * Shape    rpc_call() sends a request and remembers it; its done runs exactly once, with the answer, with
 *          what the other side refused it for, or with ERR_TIMEOUT / ERR_UNREACHABLE / ERR_CANCELED.
 *          The other way round: on_request hands a question out, rpc_reply() answers it, now or later.
 * Promise  At most once delivered, perhaps never; a caller that repeats must have made it safe. A frame that the
 *          transport delivers twice is one question: whoever was refused is not obeyed a moment later all the same.
 * Units    Deadlines are mono microseconds.
 * Owner    Payloads are borrowed during the call or hook. The rpc owns its pending calls.
 * Room     What is asked for users leaves a quarter of it to what holds the cluster together (metrics, joining, leaving).
 * Errors   rpc_call: ERR_BUSY (too many pending, or the queue to that peer is full), ERR_NOT_FOUND (no
 *          address), ERR_TOO_BIG. Frames that do not parse are counted and dropped.
 * Hooks    done and on_request run inside rpc_on_frame, rpc_on_deadline, rpc_on_link_down and rpc_deinit,
 *          never inside rpc_call. */
#ifndef NET_RPC_H
#define NET_RPC_H

#include <stddef.h>
#include <stdint.h>

#include "ids/peer_id.h"
#include "net/frame.h"
#include "port/transport.h"
#include "util/list.h"

enum { RPC_TEXT_MAX = 512 };

/* Stable numbers: they are on the wire. */
enum rpc_method {
    RPC_FIND = 1,          /* who are you: founding and joining (members/founding.h) */
    RPC_JOIN = 2,          /* admit me (members/join.h) */
    RPC_PROPOSE = 3,       /* append this payload, leader */
    RPC_MEMBER_REMOVE = 4, /* leader, remove this peer */
    RPC_METRICS = 5,       /* my newest metrics */
    RPC_ID = 6,            /* your GET /id */
    RPC_STATUS = 7,        /* a page of your local state */
    RPC_RECOVER = 8,       /* retry what is in error */
    RPC_SYNC = 9,          /* compare with your IPFS daemon now */
    RPC_INVITE = 10,       /* come and join my cluster (peers add) */
    RPC_READ = 11,         /* leader, what is committed? (peer_read.c) */
    RPC_RETIRE = 12,       /* your disk lost what you acknowledged: put it aside and join anew */
    RPC_LEAVE = 13,        /* leader, I leave: let what I hold move, then remove me */
    RPC_DIVERGED = 14,     /* what you say is committed contradicts my log: I stop */
    RPC_AUDIT = 15,        /* leader, is your state as mine was there? (members/audit.h) */
    RPC_ALLOCATE = 16,     /* leader, who would hold this? (peer_upload_place.c) */
    RPC_GARBAGE = 17,      /* let your IPFS daemon collect its garbage (peer_census.h) */
    RPC_LINKS = 18,        /* whom are you and your daemon connected to? */
    RPC_DISMISS = 19,      /* leader, let what this peer holds move, then remove it */
    RPC_KEEPS = 20,        /* you are on your way out: how many pins do others not have yet? */
    RPC_DECISION = 21,     /* leader, why these peers? (peer_decisions.c) */
    RPC_STAY = 22,         /* leader, this peer stays: its dismissal is taken back */
    RPC_MONITOR = 23,      /* leader, what do you know of everybody? (peer_hearsay.c) */
    RPC_HOLDS = 24,        /* has your daemon this pin, now? (peer_holds.c) */
    RPC_METHOD_LAST = RPC_HOLDS
};

/* Another peer's question, to be answered with rpc_reply(). Copied by value; small. */
struct rpc_asker {
    struct peer_id from;
    uint64_t id;
    struct cluster_id cluster; /* of the asker's cluster, perhaps none */
};

/* `err` OK: payload is the answer. Else `text` says in words what the other side, or the way to it, lacked. */
typedef void (*rpc_done)(void *owner, int err, struct bytes payload, const char *text);

struct rpc_hooks {
    void (*on_request)(void *owner, const struct rpc_asker *asker, enum rpc_method method,
                       struct bytes payload);
    void *owner;
};

/* What one asker has asked lately. Bit i of `seen`: the question `newest - i` came. */
struct rpc_heard {
    struct peer_id from;
    uint64_t newest;
    uint64_t seen;
};

struct rpc {
    struct transport *transport;
    struct rpc_hooks hooks;
    struct cluster_id cluster; /* ours, put on every frame */
    struct list_link pending;
    size_t pending_count;
    size_t pending_max;
    uint64_t due_us; /* no deadline is earlier */
    uint64_t next_id;
    uint64_t bad_frames_count;
    struct buf scratch;
    struct rpc_heard heard[LIMIT_MEMBERS_COUNT];
    size_t heard_count; /* ever; the oldest asker's place goes to a new one */
};

void rpc_init(struct rpc *rpc, struct transport *transport, const struct rpc_hooks *hooks,
              size_t pending_max, uint64_t first_id);
/* Every pending call ends with ERR_CANCELED. */
void rpc_deinit(struct rpc *rpc);
int rpc_call(struct rpc *rpc, uint64_t now_us, const struct peer_id *to, enum rpc_method method,
             struct bytes payload, uint64_t timeout_us, rpc_done done, void *owner);
/* Forget a pending call of this owner without running its done. */
void rpc_forget(struct rpc *rpc, const void *owner);
void rpc_reply(struct rpc *rpc, const struct rpc_asker *asker, struct bytes payload);
void rpc_refuse(struct rpc *rpc, const struct rpc_asker *asker, int err, const char *text);
void rpc_on_frame(struct rpc *rpc, const struct peer_id *from, const struct frame *frame);
void rpc_on_link_down(struct rpc *rpc, const struct peer_id *peer);
void rpc_on_deadline(struct rpc *rpc, uint64_t now_us);
uint64_t rpc_next_deadline_us(const struct rpc *rpc);

#endif
