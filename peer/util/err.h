/* err.h -- every error code of the project, once, with the words a person sees.
 *
 * Shape    OK is 0, codes are negative. Results leave by out-parameter and are untouched on error.
 * Rule     errno, curl and LMDB codes die in os/ and become one of these there. Answers of a
 *          protocol (vote denied, log too short) are not errors; they travel in messages. */
#ifndef UTIL_ERR_H
#define UTIL_ERR_H

#include <stdbool.h>

#define ERR_LIST(X)                                                                                \
    X(OK, 0, "ok")                                                                                 \
    X(ERR_NOMEM, -1, "out of memory")                                                              \
    X(ERR_BUSY, -2, "too much is under way; try again")                                            \
    X(ERR_INVALID, -3, "invalid input")                                                            \
    X(ERR_CORRUPT, -4, "damaged data")                                                             \
    X(ERR_NOT_FOUND, -5, "not found")                                                              \
    X(ERR_EXISTS, -6, "exists already")                                                            \
    X(ERR_TOO_BIG, -7, "too big")                                                                  \
    X(ERR_IO, -8, "input/output error")                                                            \
    X(ERR_FULL, -9, "disk full")                                                                   \
    X(ERR_CANCELED, -10, "canceled")                                                               \
    X(ERR_TIMEOUT, -11, "timed out")                                                               \
    X(ERR_REFUSED, -12, "refused")                                                                 \
    X(ERR_CLOSED, -13, "closed by the other side")                                                 \
    X(ERR_MORE, -14, "incomplete; more bytes are needed")                                          \
    X(ERR_UNSUPPORTED, -15, "not supported")                                                       \
    X(ERR_VERSION, -16, "written by a newer version")                                              \
    X(ERR_AUTH, -17, "not allowed")                                                                \
    X(ERR_NO_LEADER, -18, "no leader: a majority of the voters is not reachable")                  \
    X(ERR_NOT_LEADER, -19, "this peer is not the leader")                                          \
    X(ERR_OUTCOME_UNKNOWN, -20, "outcome unknown; safe to repeat")                                 \
    X(ERR_NOT_ENOUGH_PEERS, -21, "not enough peers")                                               \
    X(ERR_STALE, -22, "changed meanwhile")                                                         \
    X(ERR_UNREACHABLE, -23, "not reachable")                                                       \
    X(ERR_FOREIGN, -24, "the data belongs to another cluster, or to another peer")

enum err {
#define X(name, code, text) name = (code),
    ERR_LIST(X)
#undef X
};

/* The words of a code; never NULL, "unknown error" for a number that is none. */
const char *err_text(int err);
/* The identifier itself, "ERR_BUSY", for traces and tests. */
const char *err_name(int err);
/* Would the same call, later, perhaps succeed? */
bool err_is_transient(int err);

#endif
