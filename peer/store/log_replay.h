/* log_replay.h -- what the log's files hold: their bytes in, the log or a verdict out.
 *
 * Shape    log_replay_segment() for each segment, oldest first; then log_replay_finish(). What came of it is in the
 *          struct: the index, the meta record, and how the newest segment goes on.
 * Torn     A group is written only after the one before it was synced. So nothing but the last group of the newest
 *          segment can be torn, and it was not acknowledged then. Whatever lies behind a bad group (a group, a seal,
 *          another segment) says that this one had been synced: then it is damage, never the end of the log. What is bad
 *          with nothing behind it is torn, whatever it looks like: not every disk tears at 512 bytes.
 * Owner    log_replay_deinit() frees what the caller has not taken (by zeroing the member).
 * Errors   ERR_CORRUPT, ERR_VERSION, ERR_NOMEM; the replay is of no use then but for deinit. */
#ifndef STORE_LOG_REPLAY_H
#define STORE_LOG_REPLAY_H

#include "store/log_file.h"
#include "store/log_index.h"

struct log_replay {
    struct log_index index;
    struct buf meta;
    uint64_t oldest;     /* no segment before that one is needed */
    uint64_t group_next; /* number of the next group */
    /* Of the newest segment so far. */
    struct log_file_head head; /* without its meta */
    uint64_t end;              /* where the next group goes */
    bool is_sealed;            /* a seal stands there */
    bool is_torn;              /* something else does: zeros have to come first */
    /* Its own. */
    uint64_t missing_last; /* records up to here would be in segments older than the first */
    bool is_ended;
};

/* {0} is one that begins. */
void log_replay_deinit(struct log_replay *r);
int log_replay_segment(struct log_replay *r, uint64_t number, struct bytes file, bool is_newest);
int log_replay_finish(const struct log_replay *r);

#endif
