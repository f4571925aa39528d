/* pin_entry.h -- what an entry of the log says to the state: the payload of RAFT_ENTRY_DATA.
 *
 * Shape    kind u8, version u8, origin, then the kind's own fields.
 * Origin   Who proposed it, so that an entry that stands in the log twice works once (DESIGN 14): the
 *          member's number, its sequence number, and its floor, the lowest sequence it still waits
 *          for. Sequences rise over a member's whole life: an origin takes a new incarnation at each
 *          start, durably, before its first proposal (PIN_SEQUENCE), and keeps its sequences below
 *          floor + LIMIT_ORIGIN_WINDOW_COUNT. Member 0: no origin, never deduplicated (cluster
 *          id, level: twice is as good as once).
 * Key      Of the client, who repeats a request that it knows no outcome of (Idempotency-Key): entries with
 *          one key work once, whoever proposed them.
 * Expected The modification index of the row as the proposer saw it (0: there was none), as automation says
 *          (repair, expiry); or PIN_EXPECT_ANY, as users do. A row that moved makes the entry a no-op.
 * Owner    A decoded entry borrows the arena.
 * Errors   decode: ERR_VERSION for a kind or version from the future, ERR_CORRUPT, ERR_NOMEM. */
#ifndef STATE_PIN_ENTRY_H
#define STATE_PIN_ENTRY_H

#include <stdint.h>

#include "ids/cid.h"
#include "state/pin.h"
#include "util/arena.h"
#include "util/buf.h"

enum pin_entry_kind {
    PIN_ENTRY_PIN = 1,
    PIN_ENTRY_UNPIN = 2,
    PIN_ENTRY_CLUSTER_ID = 3, /* the first one wins */
    PIN_ENTRY_LEVEL = 4,      /* the replicated format level rises (DESIGN 10) */
    PIN_ENTRY_SUCCESSOR =
        5, /* the cluster goes on under another id: daemon --accept-peers (DESIGN 8) */
    PIN_ENTRY_DRAIN = 6, /* a peer gives away what it holds, or does not any more */
};

#define PIN_EXPECT_ANY ((uint64_t)UINT64_MAX)

enum { STATE_CLUSTER_ID_BYTES = 16, PIN_KEY_BYTES = 16 };

/* The first sequence of an incarnation (1, 2, ...). */
#define PIN_SEQUENCE(incarnation) ((uint64_t)(incarnation) << 32)

struct pin_origin {
    uint64_t number; /* member number; 0: none */
    uint64_t sequence;
    uint64_t floor; /* <= sequence */
};

struct pin_entry {
    enum pin_entry_kind kind;
    struct pin_origin origin;
    bool has_key; /* PIN, UNPIN */
    uint8_t key[PIN_KEY_BYTES];
    uint64_t expected;                           /* PIN, UNPIN */
    struct pin pin;                              /* PIN */
    struct cid cid;                              /* UNPIN */
    uint8_t cluster_id[STATE_CLUSTER_ID_BYTES];  /* CLUSTER_ID, SUCCESSOR: the new one */
    uint8_t predecessor[STATE_CLUSTER_ID_BYTES]; /* SUCCESSOR */
    struct peer_id peer;                         /* DRAIN */
    bool is_drained;                             /* DRAIN */
    uint32_t level;                              /* LEVEL */
};

void pin_entry_encode(const struct pin_entry *e, struct buf *out);
int pin_entry_decode(struct pin_entry *out, struct arena *arena, const void *bytes, size_t len);

#endif
