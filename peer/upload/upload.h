/* upload.h -- one upload of a client, handed to several IPFS daemons at once (DESIGN 19).
 *
 *      client ---> window ---> replica: a peer and its daemon (intake.h), DATA within its credit
 *                    |    +--> replica
 *                    |    +--> replica        the slowest of those that count sets the pace
 *                    |
 *      client <--- rows, those of whoever is first with each; the others' have to be the same
 *
 * Shape    upload_write() and upload_end() take the client's body, a multipart/form-data that passes unchanged.
 *          upload_start() says who gets it, once that is known. upload_on_msg() takes what replicas say. upload_step()
 *          does what follows from all that, and tells how it ended.
 * Rows     The nth row goes to the client when the first replica brings it, if that one has brought the same rows as went
 *          before. So what the client reads is always one daemon's answer up to there, whichever falls out.
 *          How far it has got (rows without a CID) whoever is furthest says: at least once a file, never less than before,
 *          and never behind the row of that file: who asks for an upload's root takes the last line.
 * Failing  A replica that refuses, differs, breaks off, or stands still while others go on is left out, and fetches
 *          the content when it is pinned. The upload fails when fewer than `minimum` are left, when the body is
 *          cut off, or when it is not what it says. Nothing is pinned here.
 * Memory   A window, whatever passes. The client that does not read rows stops the daemons' answers (GRANT), which stops
 *          them, which stops the credit, which stops the client.
 * Owner    The caller owns the upload, and destroys it after on_done, or after upload_cancel().
 * Hooks    Run inside upload_step() and (on_row) upload_on_msg(); on_done once, as the last act of upload_step().
 * Errors   on_done: the code and words of the first replica that was left out, or of what is wrong with the body. */
#ifndef UPLOAD_UPLOAD_H
#define UPLOAD_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "ids/peer_id.h"
#include "upload/upload_wire.h"

enum { UPLOAD_REPLICAS_MAX = 16 }; /* further holders fetch it from these */

struct upload_hooks {
    /* ERR_BUSY: not now; other errors: it cannot be reached. */
    int (*send)(void *owner, const struct peer_id *to, const struct upload_msg *m);
    /* False: no more, until upload_resume_rows(). */
    bool (*on_row)(void *owner, const struct upload_row *row);
    void (*on_room)(void *owner); /* upload_write() had taken less than it was offered */
    void (*on_left_out)(void *owner, const struct peer_id *replica, int err, const char *why);
    /* `root` is the last row's, undefined when it failed. */
    void (*on_done)(void *owner, int err, const struct cid *root, const char *why);
    void *owner;
};

struct upload;

/* `id` is one that this peer has not used before. The texts in `params` are copied. */
int upload_create(struct upload **out, uint64_t id, const struct upload_params *params,
                  const struct upload_hooks *hooks);
void upload_cancel(struct upload *u);                                 /* on_done will not run */
void upload_destroy(struct upload *u);                                /* says nothing to anybody */
size_t upload_write(struct upload *u, const void *bytes, size_t len); /* how many it took */
void upload_end(struct upload *u);
void upload_start(struct upload *u, uint64_t now_us, const struct peer_id *replicas, size_t count,
                  size_t minimum);
void upload_resume_rows(struct upload *u);
void upload_fail(struct upload *u, int err,
                 const char *why); /* from outside; the first reason stays */
void upload_on_msg(struct upload *u, uint64_t now_us, const struct peer_id *from,
                   const struct upload_msg *m);
/* It said something in a version that this peer does not know. */
void upload_on_newer(struct upload *u, uint64_t now_us, const struct peer_id *from);
/* The link to that peer is gone, and what was on it. */
void upload_on_link_down(struct upload *u, const struct peer_id *peer);
void upload_step(struct upload *u, uint64_t now_us);
uint64_t upload_deadline_us(const struct upload *u);
uint64_t upload_id(const struct upload *u);
/* Has that peer's daemon got all of it? */
bool upload_is_held_by(const struct upload *u, const struct peer_id *peer);

#endif
