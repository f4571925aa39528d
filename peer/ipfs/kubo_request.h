/* kubo_request.h -- what a peer asks of its IPFS daemon: the targets of its RPC API.
 *
 * Shape    Every request is a POST. A function appends one target, "/api/v0/...", to `out`; buf_text(out)
 *          is then struct http_call's target. Options that Kubo ignores are not sent, and those whose
 *          default could change are.
 * Owner    `out` is the caller's; nothing else is kept.
 * Errors   Stick in out->err, as with every append.
 * Source   Kubo 0.42.0's answers, tests/vectors/kubo.json; ipfs-cluster 1.1.6 sends the same paths. */
#ifndef IPFS_KUBO_REQUEST_H
#define IPFS_KUBO_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "ids/cid.h"
#include "ids/multiaddr.h"
#include "util/buf.h"

#define KUBO_METHOD "POST"

enum kubo_pin_type { KUBO_PIN_RECURSIVE, KUBO_PIN_DIRECT, KUBO_PIN_INDIRECT, KUBO_PIN_ALL };
/* "recursive"; what Kubo calls it in requests and answers. */
const char *kubo_pin_type_name(enum kubo_pin_type type);

/* ---- the daemon itself ---- */

void kubo_request_id(struct buf *out);
void kubo_request_version(struct buf *out);
void kubo_request_config_show(struct buf *out);
void kubo_request_swarm_peers(struct buf *out);
/* The address names a peer (/p2p/...). */
void kubo_request_swarm_connect(struct buf *out, const struct multiaddr *addr);
void kubo_request_repo_stat(struct buf *out); /* sizes only: the count of objects walks the disk */
void kubo_request_repo_gc(struct buf *out);
/* A CID or path: "/ipns/...", "/ipfs/CID/a/b". */
void kubo_request_resolve(struct buf *out, const char *path);

/* ---- pins ---- */

/* All pins of one type, as a stream of rows. Recursive and direct do not walk trees; the others do. */
void kubo_request_pin_ls(struct buf *out, enum kubo_pin_type type);
/* One CID; KUBO_PIN_ALL asks for any type, and may walk every tree. */
void kubo_request_pin_ls_one(struct buf *out, const struct cid *cid, enum kubo_pin_type type);

struct kubo_pin_add {
    const struct cid *cid;
    bool direct;       /* one block, not its tree */
    struct bytes name; /* none wipes a name that the pin had; at most KUBO_PIN_NAME_BYTES_MAX */
};
enum { KUBO_PIN_NAME_BYTES_MAX = 255 };
/* With progress, so that a stalled pin can be told from a slow one. Hanging up is what cancels it. */
void kubo_request_pin_add(struct buf *out, const struct kubo_pin_add *add);
/* A direct pin only, or whatever pin there is. */
void kubo_request_pin_rm(struct buf *out, const struct cid *cid, bool only_direct);
/* Pins `to`, taking over from `from` what they share; `from` stays pinned. */
void kubo_request_pin_update(struct buf *out, const struct cid *from, const struct cid *to);

/* ---- content ---- */

/* As the daemon's own /add understands them; what is not set is the daemon's default. */
struct kubo_add {
    const char *chunker; /* "size-262144"; NULL: the default */
    const char *hash;    /* "sha2-256"; NULL: the default */
    int cid_version;     /* 0 or 1 */
    bool raw_leaves;
    bool raw_leaves_is_set;
    bool trickle;
    bool wrap_with_directory;
    bool only_hash;
    bool progress;
    bool pin;
    bool nocopy;
};
void kubo_request_add(struct buf *out, const struct kubo_add *add);
/* With the sum of what was imported. */
void kubo_request_dag_import(struct buf *out, bool pin_roots);
/* Walks the whole tree, and fetches nothing for that: an error when a block is not there. */
void kubo_request_dag_stat(struct buf *out, const struct cid *root);
/* `codec` and `mhtype` by their multicodec names: "raw", "dag-pb"; "sha2-256". */
void kubo_request_block_put(struct buf *out, const char *codec, const char *mhtype, int mhlen);
void kubo_request_block_get(struct buf *out, const struct cid *cid);

#endif
