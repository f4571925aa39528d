/* columns.h -- a run as a table for people: one line an event, one column a peer.
 *
 *        time  state   1                 2                 3
 *     2.528012  L..                                                 what happened to peer 3
 *
 * Shape    Lines of the trace come in (columns_line); those that only tell of progress are gathered, so that a thousand
 *          entries written are one line. State: L leads, c stands for election, . follows, = stands still, x does not
 *          run, ? is not a member.
 * Owner    The columns own what they gathered; lines leave by the hook. */
#ifndef SIM_REPORT_COLUMNS_H
#define SIM_REPORT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/script/script.h"
#include "util/buf.h"

/* What a peer wrote since its last line. */
struct columns_progress {
    uint64_t since_us, until_us; /* both 0: nothing */
    uint64_t first, last, term;  /* appended; 0: nothing */
    uint64_t stored, committed, applied;
};

struct columns {
    const struct script *script;
    unsigned peers_count;
    unsigned width; /* of a column */
    bool frames;    /* tell of each frame, too */
    void (*print)(void *owner, const char *line);
    void *owner;
    char states[SCRIPT_MACHINES_MAX + 1];
    struct columns_progress progress[SCRIPT_MACHINES_MAX + 1];
};

void columns_init(struct columns *c, const struct script *script);
void columns_head(struct columns *c);
void columns_line(struct columns *c, uint64_t at_us, unsigned who, const char *text);
/* What is gathered still. */
void columns_end(struct columns *c);

#endif
