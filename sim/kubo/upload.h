/* upload.h -- the body of add and block/put: parts, each collected up to a limit, one after the other.
 *
 * Shape    upload_begin() takes over the operation's step and its exchange's body. The body is not read before
 *          the collector's lock is held. on_file runs for each part, whole; on_end after the last.
 * Owner    The upload lives in the operation's arena; upload_release() frees what it holds.
 * Errors   Answered here: a part beyond the limit, a body without parts, one that breaks off. */
#ifndef SIM_KUBO_UPLOAD_H
#define SIM_KUBO_UPLOAD_H

#include "sim/kubo/multipart.h"
#include "sim/kubo/standin_int.h"

struct upload_file {
    const char *name; /* decoded; "" without one */
    bool is_folder;
    struct bytes data;
};

struct upload {
    struct standin_op *op;
    size_t bytes_max; /* of a part */
    bool needs_lock;
    /* Either may answer; then nothing more is told. */
    void (*on_too_big)(struct standin_op *op);
    void (*on_file)(struct standin_op *op, const struct upload_file *file);
    void (*on_end)(struct standin_op *op);
    /* The upload's own. */
    struct multipart multipart;
    struct buf data;
    char *name;
    bool is_folder;
};

/* The caller has set the fields above "own". */
void upload_begin(struct upload *u);
void upload_release(struct upload *u);

#endif
