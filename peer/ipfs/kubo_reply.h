/* kubo_reply.h -- what the IPFS daemon answers: bytes in as they arrive, rows out, and one verdict at the end.
 *
 *      on_head, on_body..., on_trailer, end      the hooks of struct http_call, passed on
 *              |
 *              +--> on_row, for each thing said     +--> end() returns a code, text() the words for it
 *
 * Shape    One struct kubo_reply, one answer. Lines are cut at newlines, whatever the pieces were; one line,
 *          one JSON object, one or more rows. Nothing is kept but an unfinished line.
 * Verdict  OK only when the answer is whole and says so: status 200, the last chunk seen, no
 *          X-Stream-Error, no damaged line, and the row that the command promises (for pin/add, `Pins`:
 *          progress lines alone prove nothing, and neither does an empty 200).
 *          ERR_NOT_FOUND  pin/ls, pin/rm: not pinned; pin/update: `from` is not
 *          ERR_EXISTS     pin/add, pin/rm direct: pinned recursively; pin/update: `to` is pinned
 *          ERR_INVALID    the request is wrong (400, invalid path)      ERR_AUTH  401, 403
 *          ERR_TIMEOUT, ERR_CLOSED (the daemon stops), ERR_BUSY (503)   ERR_UNSUPPORTED  no such command
 *          ERR_REFUSED    any other error of the daemon                 ERR_CORRUPT  not an answer of Kubo's
 *          or the code that end() was given, for an answer that did not arrive whole.
 * Owner    The reply owns its line. What a row points at lives until on_row returns; on_row must not
 *          deinit the reply, but may cancel the call.
 * Limits   Lines of KUBO_LINE_BYTES_MAX (more for the few commands that say all in one object).
 * Source   Kubo 0.42.0 (tests/vectors/kubo.json); ipfs-cluster's IPFS proxy, which says some things in
 *          other words, leaves newlines out, and must do as a daemon too. */
#ifndef IPFS_KUBO_REPLY_H
#define IPFS_KUBO_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/cid.h"
#include "ids/multiaddr.h"
#include "ids/peer_id.h"
#include "ipfs/kubo_request.h"
#include "util/buf.h"
#include "util/http_field.h"

enum kubo_command {
    KUBO_ID,            /* one KUBO_ROW_ID */
    KUBO_VERSION,       /* one KUBO_ROW_TEXT: "0.42.0" */
    KUBO_CONFIG_SHOW,   /* one KUBO_ROW_TEXT: the document itself */
    KUBO_SWARM_PEERS,   /* a KUBO_ROW_PEER each */
    KUBO_SWARM_CONNECT, /* no row */
    KUBO_REPO_STAT,     /* one KUBO_ROW_REPO */
    KUBO_REPO_GC,       /* a KUBO_ROW_COLLECTED for each block */
    KUBO_RESOLVE,       /* one KUBO_ROW_TEXT: "/ipfs/CID" */
    KUBO_PIN_LS,        /* a KUBO_ROW_PIN each */
    KUBO_PIN_LS_ONE,    /* one KUBO_ROW_PIN */
    KUBO_PIN_ADD,       /* KUBO_ROW_PROGRESS, then KUBO_ROW_PINNED */
    KUBO_PIN_RM,        /* KUBO_ROW_PINNED: what is no longer so */
    KUBO_PIN_UPDATE,    /* KUBO_ROW_PINNED: from, to */
    KUBO_ADD,           /* KUBO_ROW_ADDED: progress, files, folders */
    KUBO_DAG_IMPORT,    /* a KUBO_ROW_ROOT each, KUBO_ROW_TREE: what was imported */
    KUBO_BLOCK_PUT,     /* a KUBO_ROW_BLOCK each */
    KUBO_DAG_PUT,       /* a KUBO_ROW_BLOCK each, of size 0 */
    KUBO_BLOCK_GET,     /* no rows: the bytes of a 200 are the caller's, only errors are read */
    KUBO_DAG_STAT,      /* one KUBO_ROW_TREE */
};

enum kubo_row_kind {
    KUBO_ROW_ID,
    KUBO_ROW_TEXT,
    KUBO_ROW_PEER,
    KUBO_ROW_REPO,
    KUBO_ROW_COLLECTED,
    KUBO_ROW_PIN,
    KUBO_ROW_PROGRESS,
    KUBO_ROW_PINNED,
    KUBO_ROW_ADDED,
    KUBO_ROW_ROOT,
    KUBO_ROW_TREE,
    KUBO_ROW_BLOCK,
};

struct kubo_row {
    enum kubo_row_kind kind;
    union {
        struct {
            struct peer_id peer;
            struct multiaddr addrs[LIMIT_PEER_ADDRESSES_COUNT]; /* those that we understand */
            size_t addrs_count;
            struct bytes agent; /* "kubo/0.42.0" */
        } id;
        struct bytes text;
        struct peer_id peer;
        struct {
            uint64_t size; /* bytes */
            uint64_t storage_max;
        } repo;
        struct {
            struct cid cid;     /* undefined when error is not empty */
            struct bytes error; /* with stream-errors=true: this block stays */
        } collected;
        struct {
            struct cid cid;
            enum kubo_pin_type type; /* never KUBO_PIN_ALL */
            struct bytes name;
        } pin;
        /* Comes every 500 ms, moved or not: only other numbers are a sign of life. */
        struct {
            uint64_t nodes;
            uint64_t bytes;
        } progress;
        struct cid pinned;
        struct {
            struct bytes name;
            struct cid cid; /* undefined: only progress */
            uint64_t bytes; /* read so far */
            uint64_t size;  /* of the tree, once there is a cid */
        } added;
        struct {
            struct cid cid;
            struct bytes error; /* empty: pinned */
        } root;
        struct {
            uint64_t blocks;
            uint64_t bytes;
        } tree;
        struct {
            struct cid cid;
            uint64_t size;
        } block;
    };
};

enum {
    KUBO_LINE_BYTES_MAX = 64 * 1024,
    KUBO_DOCUMENT_BYTES_MAX = 4 * 1024 * 1024, /* swarm/peers, config/show, id */
    KUBO_TEXT_SIZE = 512,
};

struct kubo_reply {
    enum kubo_command command;
    void (*on_row)(void *owner, const struct kubo_row *row); /* may be NULL */
    void *owner;
    /* The rest is the parser's. */
    int status;           /* 0: no head yet */
    bool promise_is_kept; /* the row that the command needs has come */
    int err;              /* the first thing that was wrong */
    struct buf line;      /* what came of the next line, or of an error document */
    struct buf scratch;   /* texts of the row being told */
    char text[KUBO_TEXT_SIZE];
};

void kubo_reply_init(struct kubo_reply *r, enum kubo_command command,
                     void (*on_row)(void *owner, const struct kubo_row *row), void *owner);
void kubo_reply_deinit(struct kubo_reply *r);
void kubo_reply_on_head(struct kubo_reply *r, int status);
void kubo_reply_on_body(struct kubo_reply *r, const void *bytes, size_t len);
void kubo_reply_on_trailer(struct kubo_reply *r, const struct http_field *fields, size_t count);
/* `err` is how the call ended. The verdict. */
int kubo_reply_end(struct kubo_reply *r, int err);
/* The daemon's own words where it said any, else ours; one line, "" after OK. */
const char *kubo_reply_text(const struct kubo_reply *r);

#endif
