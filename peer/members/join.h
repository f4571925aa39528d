/* join.h -- what a stranger and a leader say to one another, and what the leader makes of it (DESIGN 7).
 *
 * Shape    A stranger asks JOIN (through any member, who passes it on to the leader) with its id, its
 *          addresses and a ticket drawn for this life. The leader commits a configuration in which it is a
 *          learner with the next number, and only then tells it that number.
 *          A known id that asks has lost its disk: its old number is retired first, so that what that
 *          number voted or acknowledged is never taken for this one's.
 *          The ticket makes repeating safe: the same ticket gets the number it was given.
 * Errors   Decoders: ERR_CORRUPT, ERR_VERSION. */
#ifndef MEMBERS_JOIN_H
#define MEMBERS_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/multiaddr.h"
#include "ids/peer_id.h"
#include "util/buf.h"

enum { JOIN_ADDRS_MAX = 8, JOIN_CLUSTER_ID_BYTES = 16 };

struct join_request {
    struct peer_id id;
    uint64_t ticket; /* never 0 */
    uint32_t level;  /* up to which it knows the formats of what is replicated */
    size_t addrs_count;
    struct multiaddr addrs[JOIN_ADDRS_MAX];
};

struct join_answer {
    uint64_t number;
    uint8_t cluster_id[JOIN_CLUSTER_ID_BYTES];
};

void join_request_encode(const struct join_request *r, struct buf *out);
int join_request_decode(struct join_request *out, const void *bytes, size_t len);
void join_answer_encode(const struct join_answer *a, struct buf *out);
int join_answer_decode(struct join_answer *out, const void *bytes, size_t len);

/* What RETIRE and LEAVE are about: the member of this number, and no later life of that peer. */
void member_number_encode(uint64_t number, struct buf *out);
int member_number_decode(uint64_t *number, const void *bytes, size_t len);

/* The leader's memory of whom it admitted lately; a new leader starts without, which only costs numbers. */
enum { JOIN_ADMITTED_MAX = 64 };

struct join_admitted {
    struct peer_id id;
    uint64_t ticket;
    uint64_t number;
};

struct join_desk {
    struct join_admitted admitted[JOIN_ADMITTED_MAX];
    size_t next; /* overwritten next */
};

/* The number that this ticket was given; 0: none that the desk remembers. */
uint64_t join_desk_number(const struct join_desk *d, const struct join_request *r);
void join_desk_admit(struct join_desk *d, const struct join_request *r, uint64_t number);

#endif
