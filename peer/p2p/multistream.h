/* multistream.h -- multistream-select 1.0.0: two sides agree on what the next bytes mean.
 *
 * Shape    A message is: length (varint, newline included), text, newline. Both sides send the
 *          header at once; the dialer sends its proposal with it; the listener repeats the proposal
 *          (agreed) or says "na", after which it may be offered another. A struct multistream is one
 *          such talk; bytes behind the agreement are the protocol's and stay in `in`.
 * Units    MULTISTREAM_TEXT_MAX bytes of text with its newline, as in Go and JavaScript.
 * Owner    The caller's memory; `protocol` of the dialer is borrowed until the talk is over.
 * Errors   ERR_MORE: call again with more bytes (those not taken, and new ones behind them).
 *          ERR_CORRUPT: not multistream-select, close. ERR_REFUSED: the dialer was told "na", or
 *          the listener was asked too often.
 * Source   libp2p connections; vectors multistream.json. */
#ifndef P2P_MULTISTREAM_H
#define P2P_MULTISTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

enum { MULTISTREAM_TEXT_MAX = 1024, MULTISTREAM_PROPOSALS_MAX = 16 };

struct multistream {
    const char *protocol; /* what the dialer proposed; NULL: we listen */
    bool header_seen;
    uint8_t proposals; /* how often the listener was asked */
};

/* Start a talk: append our first bytes to `out`. */
void multistream_dial(struct multistream *m, const char *protocol, struct buf *out);
void multistream_listen(struct multistream *m, struct buf *out);

/* Takes messages off the front of `in`. The dialer: OK when its protocol is agreed on. The listener:
 * OK when something is proposed, which then stands in `proposal` (without newline, in `in`'s
 * memory); answer it with multistream_answer(), after "no" call again. */
int multistream_on_bytes(struct multistream *m, struct bytes *in, struct bytes *proposal);
void multistream_answer(struct multistream *m, struct bytes proposal, bool yes, struct buf *out);

/* One message: for vectors and for other talks in this form. */
void multistream_put(struct buf *out, struct bytes text);
int multistream_take(struct bytes *in, struct bytes *text);

#endif
