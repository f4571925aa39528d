/* frame_reader.h -- whole frames out of the bytes of a stream: a length (u32, big endian), and so many bytes.
 *
 * Shape    One reader a stream. Most frames are there as a whole and are shown where they stand in the stream's input;
 *          the others are put together first. A frame that is cut off by the end of the stream never shows.
 * Owner    A frame that was shown lives until frame_reader_drop(), which has to come before the next one is asked for.
 * Errors   ERR_CORRUPT: an impossible length; ERR_NOMEM. Nothing more can be read from that stream then. */
#ifndef P2P_FRAME_READER_H
#define P2P_FRAME_READER_H

#include "p2p/session.h"
#include "util/buf.h"

enum { FRAME_LEN_BYTES = 4 };

struct frame_reader {
    struct buf partial; /* a frame that has not arrived whole */
    size_t
        shown; /* bytes of the input that the frame shown takes; 0: it stands in `partial`, or there is none */
};

/* OK: the next frame, or, with `len` 0, none is whole yet. */
int frame_reader_next(struct frame_reader *r, struct session_stream *t, struct bytes *frame);
void frame_reader_drop(struct frame_reader *r, struct session_stream *t);
void frame_reader_deinit(struct frame_reader *r);

#endif
