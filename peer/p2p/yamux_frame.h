/* yamux_frame.h -- the twelve bytes in front of everything in Yamux.
 *
 * Shape    version 0 (u8) | type (u8) | flags (u16) | stream (u32) | length (u32). Only a Data frame is
 *          followed by `length` bytes; elsewhere length is a number: window granted, ping value,
 *          reason of going away. Stream 0 is the session itself.
 * Errors   decode: ERR_CORRUPT for another version, an unknown type, a Ping or GoAway on a stream, Data
 *          or a WindowUpdate on none. Unknown flags are ignored, as Go does.
 * Source   hashicorp yamux r0 as libp2p uses it; vectors yamux.json. */
#ifndef P2P_YAMUX_FRAME_H
#define P2P_YAMUX_FRAME_H

#include <stdint.h>

#include "util/buf.h"

enum { YAMUX_HEAD_BYTES = 12 };

enum yamux_type { YAMUX_DATA, YAMUX_WINDOW, YAMUX_PING, YAMUX_GO_AWAY, YAMUX_TYPE_COUNT };

enum yamux_flag { YAMUX_SYN = 1, YAMUX_ACK = 2, YAMUX_FIN = 4, YAMUX_RST = 8 };

enum yamux_reason { YAMUX_NORMAL, YAMUX_PROTOCOL_ERROR, YAMUX_INTERNAL_ERROR };

struct yamux_frame {
    enum yamux_type type;
    uint16_t flags;
    uint32_t stream;
    uint32_t length;
};

void yamux_frame_put(struct buf *out, const struct yamux_frame *frame);
int yamux_frame_decode(struct yamux_frame *out, const uint8_t head[YAMUX_HEAD_BYTES]);

#endif
