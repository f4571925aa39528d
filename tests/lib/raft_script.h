/* raft_script.h -- rafts that do, step by step, what a text says, and tell what they did: for tests/golden/raft.
 *
 * Shape    A transcript is commands ("> " in front) with what followed from each below it, and comments ("#").
 *          raft_script_play() takes a transcript, plays its commands, and writes it again with what happens now:
 *          equal to what it took, or something changed.
 *
 *              voters N [learners M]             members 1..N+M, together from the start
 *              options window W bytes B entries E cache C      before it; any of them
 *              past N term T log T T T...        before it: N has lived; its entries' terms
 *              timeout N                         time goes on to N's next deadline
 *              elect N                           the same, then run; only N's state is told
 *              wait T ms
 *              deliver [A B]                     what is on its way (from A to B), and nothing that this causes
 *              run                               deliver until nothing moves
 *              drop [A B]
 *              cut A B... | heal                 between these and the others nothing arrives
 *              propose N [COUNT] [BYTES]         entries, each of so many bytes
 *              read N     transfer N M
 *              config N add|promote|demote|remove M
 *              tell M NUMBER                     a new raft, or one that had none, learns its number
 *              disks slow|fast     store N       slow: a unit is stored when it is said
 *              crash N    restart N
 *              trim N INDEX     send-state N M
 *              state      progress N
 *
 * Owner    The caller frees `out`.
 * Errors   false: a command that is not understood; `out` ends with it. */
#ifndef TESTS_LIB_RAFT_SCRIPT_H
#define TESTS_LIB_RAFT_SCRIPT_H

#include <stdbool.h>

#include "util/buf.h"

bool raft_script_play(const char *transcript, struct buf *out);

#endif
