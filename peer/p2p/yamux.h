/* yamux.h -- many streams over one channel, each with its own window.
 *
 * Shape    A stream is a pair of byte runs, opened by either side, closed in halves. What is written
 *          waits in the stream until yamux_output() fetches it: as much as the other side's window
 *          allows, one frame a stream in turn, so that no stream starves another. What arrives
 *          waits in the stream until it is taken, and only then may the other side send more.
 * Hooks    Run inside yamux_on_bytes(). They may call anything here but yamux_on_bytes(),
 *          yamux_output() and yamux_destroy().
 * Owner    The yamux owns its streams. A handle (from yamux_open(), or accepted in on_open) is valid
 *          until yamux_release(), also when the stream was reset meanwhile: then it reads as ended
 *          and takes no writes.
 * Limits   Window: YAMUX_WINDOW_BYTES, the protocol's. Streams opened by the other side beyond
 *          `streams_max` are refused. Answers that we owe (to pings, refusals) are bounded, too: who
 *          asks without reading is cut off.
 * Errors   yamux_on_bytes: ERR_CORRUPT the other side broke the protocol, ERR_CLOSED it went away,
 *          ERR_BUSY it floods us, ERR_NOMEM. yamux_why() has the sentence; the yamux is of no more use
 *          but for a last yamux_output(). yamux_open: ERR_BUSY, ERR_NOMEM.
 * Source   hashicorp yamux r0 as libp2p uses it; vectors yamux.json, connection.json. */
#ifndef P2P_YAMUX_H
#define P2P_YAMUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "p2p/yamux_frame.h"
#include "util/buf.h"

enum {
    YAMUX_WINDOW_BYTES = 256 * 1024, /* of each stream and direction, at the start */
    YAMUX_OPENS_MAX = 256,           /* ours that the other side has not acknowledged */
    YAMUX_FRAME_BYTES = 16 * 1024,   /* of data a frame and turn: how long others wait */
    YAMUX_ANSWERS_BYTES = 64 * 1024, /* owed to the other side, not yet fetched */
};

struct yamux;
struct yamux_stream;

struct yamux_options {
    bool is_dialer;         /* odd stream ids; the listener has the even ones */
    size_t streams_max;     /* opened by the other side, alive at once */
    size_t write_bytes_max; /* written to one stream and not yet fetched */
};

struct yamux_hooks {
    /* The other side opened a stream. False refuses it, and `s` is gone. */
    bool (*on_open)(void *owner, struct yamux_stream *s);
    /* Something arrived on it: input, its end, or a reset. Look. */
    void (*on_stream)(void *owner, struct yamux_stream *s);
    void (*on_pong)(void *owner, uint32_t value);
    void *owner;
};

int yamux_create(struct yamux **out, const struct yamux_options *options,
                 const struct yamux_hooks *hooks);
void yamux_destroy(struct yamux *y); /* all handles die */
int yamux_on_bytes(struct yamux *y, struct bytes in);
const char *yamux_why(const struct yamux *y);
/* Appends frames to `out` until it holds `len_max` bytes or nothing is left to send. */
void yamux_output(struct yamux *y, struct buf *out, size_t len_max);
void yamux_ping(struct yamux *y, uint32_t value); /* on_pong answers */
void yamux_go_away(struct yamux *y, enum yamux_reason reason);

int yamux_open(struct yamux *y, struct yamux_stream **out);
void yamux_set_owner(struct yamux_stream *s, void *owner);
void *yamux_owner(const struct yamux_stream *s);
/* Appends what fits and returns how much that was. Nothing fits after yamux_close() or a reset. */
size_t yamux_write(struct yamux_stream *s, const void *bytes, size_t len);
size_t yamux_room(const struct yamux_stream *s);
size_t yamux_unsent(const struct yamux_stream *s); /* written and not yet fetched */
struct bytes yamux_input(const struct yamux_stream *s);
void yamux_taken(struct yamux_stream *s, size_t len);
/* The other side has closed its half (or reset the stream) and all it sent was taken. */
bool yamux_is_at_end(const struct yamux_stream *s);
bool yamux_is_reset(const struct yamux_stream *s);
void yamux_close(struct yamux_stream *s); /* our half, behind what was written */
/* All that was written, and the end behind it, has been fetched (or the stream was reset). */
bool yamux_has_closed(const struct yamux_stream *s);
void yamux_reset(struct yamux_stream *s); /* both halves, at once */
/* Gives the handle back. A stream that we have not closed is reset; one that we have lives on unseen
 * until the other side closes, too, and what still arrives on it is dropped. */
void yamux_release(struct yamux_stream *s);

#endif
