/* upload_int.h -- the two halves of an upload: upload.c (the client's body, and how it ends), upload_replica.c (one peer
 * that gets it, and its rows). */
#ifndef UPLOAD_UPLOAD_INT_H
#define UPLOAD_UPLOAD_INT_H

#include "http/wire/multipart.h"
#include "ipfs/car.h"
#include "upload/intake.h"
#include "upload/upload.h"

enum replica_state {
    REPLICA_OPEN,
    REPLICA_HELD, /* its daemon has everything */
    REPLICA_LEFT_OUT,
};

struct replica {
    struct peer_id peer;
    enum replica_state state;
    bool is_opened;
    bool is_ended; /* END was said */
    uint64_t sent;
    uint64_t credit;
    uint64_t rows_came; /* bytes */
    uint64_t rows_granted;
    uint64_t rows_count;
    uint64_t rows_hash;
    uint64_t moved_us; /* when it last did something, or had nothing to do */
    uint64_t said_us;
};

struct upload {
    uint64_t id;
    struct upload_params params;
    struct buf words; /* what `params` points at */
    struct upload_hooks hooks;
    uint64_t now_us;
    /* The body: of its bytes, base..end are in the window, each at its offset modulo the size. */
    uint8_t *window;
    uint64_t base;
    uint64_t end;
    bool has_ended;
    bool was_full;
    struct http_multipart multipart;
    struct car car;
    struct buf file_name; /* of a CAR */
    /* Who gets it. */
    struct replica replicas[UPLOAD_REPLICAS_MAX];
    size_t count; /* 0: not known yet */
    size_t minimum;
    uint64_t retry_us; /* a queue was full; UINT64_MAX: none was */
    /* What the client has been told. */
    uint64_t rows_count;
    uint64_t rows_hash;
    struct cid root;
    uint64_t progress_from; /* bytes of the file whose row comes next; fewer are not worth a row */
    bool rows_wait;         /* for the client */
    /* How it ended, or must end. */
    int err;
    char why[UPLOAD_TEXT_BYTES_MAX];
    bool is_done;
};

#define UPLOAD_ROWS_WINDOW_BYTES ((uint64_t)256 * 1024)

void replica_init(struct replica *r, const struct peer_id *peer, uint64_t now_us);
void replica_send(struct upload *u, struct replica *r); /* all that may be sent now */
void replica_on_msg(struct upload *u, struct replica *r, const struct upload_msg *m);
void replica_leave_out(struct upload *u, struct replica *r, int err, const char *why);
/* Is there something that it should do, and does not? */
bool replica_is_owing(const struct upload *u, const struct replica *r);
/* Did it bring what the client was told? */
bool replica_agrees(const struct upload *u, const struct replica *r);

#endif
