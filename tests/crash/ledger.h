/* ledger.h -- the history that a recorded peer had, against which its images are judged.
 *
 * Shape    The whole log, learned from data folders that nothing is missing in (several, as the peer trims its log), and
 *          what it makes of the state, entry by entry. The recorded peer is a cluster of one: nothing in its log is ever
 *          replaced, so every image must hold a piece of this very log, from a base on, and a state that is this log
 *          applied up to somewhere in it.
 * Judging  In this process, by the peer's own way to start: the store on LMDB, raft_store_load(), pinset_open(). A peer's
 *          process takes thirty times as long; crash.c starts that for some of the images (daemon.h).
 * Units    Indexes as in the log, from 1. Ops are the numbers of load.c. */
#ifndef TESTS_CRASH_LEDGER_H
#define TESTS_CRASH_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct ledger;

struct ledger *ledger_create(void);
void ledger_destroy(struct ledger *l);
/* Takes in what a peer's folder (with raft/ in it) has beyond what is known, in the order of time; then, once, closes
 * the book. End the program when a folder is not whole, or begins too late. */
void ledger_learn(struct ledger *l, const char *folder);
void ledger_close(struct ledger *l);
uint64_t ledger_last(const struct ledger *l);
uint64_t ledger_base(const struct ledger *l); /* the last folder's log began behind it */
/* The index that made this op durable: of the `nth` answer that names it (1: the pin, 2: its unpin). 0: none. */
uint64_t ledger_index_of(const struct ledger *l, unsigned op, unsigned nth);
/* What a peer that has the log up to there lists: a line "CID NAME" a pin, in CID order of bytes. */
void ledger_pins(const struct ledger *l, uint64_t last, struct buf *out);

/* Opens the image and compares; `needed` is the highest index that a client was told of. OK: *last is the end of its
 * log (0: nothing was founded yet). Else a sentence in `why`. Call it in a process of its own: an image may kill. */
bool ledger_judge(const struct ledger *l, const char *folder, uint64_t needed, uint64_t *last,
                  struct buf *why);

#endif
