/* session_int.h -- what session.c (the connection) and session_stream.c (its streams) share. */
#ifndef P2P_SESSION_INT_H
#define P2P_SESSION_INT_H

#include "p2p/multistream.h"
#include "p2p/session.h"
#include "p2p/yamux.h"
#include "util/list.h"

enum session_state {
    SESSION_NONCE, /* with a secret: the other side's 24 bytes */
    SESSION_SELECT_NOISE,
    SESSION_HANDSHAKE,
    SESSION_SELECT_YAMUX, /* inside the channel, when it was not agreed on with the handshake */
    SESSION_OPEN,
};

struct session {
    enum session_state state;
    struct session_hooks hooks;
    int err; /* not OK: the session has ended, why says how */
    const char *why;

    bool is_dialer;
    bool has_secret;
    bool lists_no_muxer;
    bool has_expected;
    bool remote_is_known;
    struct peer_id expected;
    struct peer_id remote;
    size_t streams_max;
    size_t write_bytes_max;

    struct pnet pnet_out, pnet_in;
    struct multistream select; /* of Noise, then of Yamux */
    struct noise_keys keys;    /* until the handshake begins */
    struct noise noise;
    struct yamux *yamux;
    struct list_link streams;

    struct buf in;       /* arrived, pnet taken off, not yet a whole message */
    struct buf plain;    /* opened, not yet understood */
    struct buf unsealed; /* what Yamux says, on its way to `out` */
    struct buf out;      /* ready for the socket */
};

/* The first failure counts. */
void session_fail(struct session *s, int err, const char *why);
int session_create_yamux(struct session *s);
void session_destroy_streams(struct session *s);

#endif
