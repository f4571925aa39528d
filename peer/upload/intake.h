/* intake.h -- one upload on its way into this peer's own IPFS daemon.
 *
 *     DATA ---> bytes (one window) ---> http_client_write ---> daemon
 *     CREDIT <--- what the daemon took                           |
 *     ROWS   <--- rows (paused when they are not taken) <--------+
 *     RESULT <--- its verdict; of a CAR, after a look whether the daemon has all of its root
 *
 * Shape    intake_on_msg() takes in, intake_step() moves what can be moved and says what is to be said. Nothing is pinned:
 *          that is done by the shared state, or (when the upload breaks off) never.
 * Memory   A window of bytes and some rows.
 * Owner    The caller owns the intake, and destroys it once intake_is_over(). The client outlives it.
 * Hooks    send runs inside intake_step(); on_change inside the client's hooks only: call intake_step() soon.
 * Errors   Leave as a RESULT: the daemon's own words where it said any. */
#ifndef UPLOAD_INTAKE_H
#define UPLOAD_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "ids/peer_id.h"
#include "ipfs/kubo_reply.h"
#include "port/http_client.h"
#include "upload/upload_wire.h"
#include "util/list.h"

enum { UPLOAD_WINDOW_BYTES = 1024 * 1024 }; /* an OPEN is a credit for so many */

/* What the sender of a newer version hears. */
#define INTAKE_NEWER_TEXT "that peer does not know this version of the upload messages: upgrade it"

struct intake_hooks {
    /* To the sender. ERR_BUSY: not now; anything else counts as said. */
    int (*send)(void *owner, const struct peer_id *to, const struct upload_msg *m);
    void (*on_change)(void *owner);
    void *owner;
};

enum intake_phase {
    INTAKE_ADDING,   /* the daemon is being given the bytes */
    INTAKE_CHECKING, /* of a CAR: has it all of the root? */
    INTAKE_ENDED,    /* the verdict is known, and has to be told */
    INTAKE_TOLD,
};

struct intake {
    struct list_link link; /* the caller's */
    struct peer_id from;
    uint64_t id;
    /* The rest is the intake's. */
    struct http_client *client;
    struct intake_hooks hooks;
    enum intake_phase phase;
    bool is_car;
    /* What it asks of the daemon. */
    struct http_call call;
    bool call_runs;
    struct buf target;
    struct buf content_type;
    struct http_field field;
    struct kubo_reply reply;
    /* Bytes: came >= passed on; the credit that was told is not above passed + a window. */
    struct buf bytes;
    size_t bytes_at; /* those before have been passed on */
    uint64_t came;
    uint64_t passed;
    uint64_t credit;
    bool has_end; /* `total` and `root` are known */
    bool end_is_passed;
    bool
        is_answered; /* the daemon is content, and there is something behind the last boundary, or the end is to come */
    uint64_t total;
    struct cid root;
    uint64_t imported; /* bytes, of a CAR */
    /* Rows. */
    struct buf rows;
    uint64_t rows_told; /* bytes of them */
    uint64_t rows_granted;
    bool is_paused;
    /* The verdict. */
    int err;
    char text[UPLOAD_TEXT_BYTES_MAX];
    uint64_t heard_us;
    uint64_t said_us;
    uint64_t retry_us; /* the queue to the sender was full; UINT64_MAX: it was not */
};

/* `open` is the message that asks for it. */
int intake_create(struct intake **out, struct http_client *client, const struct peer_id *from,
                  const struct upload_msg *open, uint64_t now_us, const struct intake_hooks *hooks);
void intake_destroy(struct intake *i);
void intake_on_msg(struct intake *i, uint64_t now_us, const struct upload_msg *m);
/* The sender said something in a version that this peer does not know. */
void intake_on_newer(struct intake *i, uint64_t now_us);
/* Nobody waits for it any more. */
void intake_cancel(struct intake *i);
void intake_step(struct intake *i, uint64_t now_us);
uint64_t intake_deadline_us(const struct intake *i);
bool intake_is_over(const struct intake *i);

#endif
