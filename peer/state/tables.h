/* tables.h -- the numbers of the map room's tables, and what the keys of each are made of.
 *
 *   STATE     replicated; exported as snapshots; every row but META's counts in the state's hash
 *     META       "state"                                  one row: how far, which cluster, counts, hash
 *     PINS       cid                                      a pin (pin.h)
 *     BY_HOLDER  holder_len u8, holder, cid               who should hold what by name; "nobody" (len 0):
 *                                                         everybody, of pins written below level 3
 *     BY_EXPIRY  expire_s u64, cid                        only pins that expire
 *     ORIGINS    member number u64                        which proposals of that member were applied
 *     MEMOS      number u64                               what became of eight writes with a client's key
 *     DRAINED    peer id                                  gives away what it holds, gets nothing new
 *   LOCAL     this peer's own; never exported, never hashed
 *     META       text                                     the peer's small facts: "accepted" (peer_accept.c)
 *     TRACKER    cid                                      what the tracker did for it (tracker.h)
 *
 * Units    Integers in keys are big endian, so that bytes and numbers have one order. */
#ifndef STATE_TABLES_H
#define STATE_TABLES_H

enum state_table {
    STATE_TABLE_META = 0,
    STATE_TABLE_PINS = 1,
    STATE_TABLE_BY_HOLDER = 2,
    STATE_TABLE_BY_EXPIRY = 3,
    STATE_TABLE_ORIGINS = 4,
    STATE_TABLE_MEMOS = 5,
    STATE_TABLE_DRAINED = 6,
    STATE_TABLES_COUNT = 7, /* what a snapshot exports */
};

enum local_table {
    LOCAL_TABLE_META = 0,
    LOCAL_TABLE_TRACKER = 1,
    LOCAL_TABLES_COUNT = 2,
};

#endif
