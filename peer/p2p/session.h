/* session.h -- one connection to another peer, whole: bytes of a socket in and out, proven peer id and
 * streams inside. No socket, no clock, no die.
 *
 *     [pnet, with a secret] -> select /noise -> Noise XX -> [select /yamux/1.0.0] -> Yamux streams,
 *     and in each stream: select its protocol -> the protocol's bytes
 *
 * Shape    The caller feeds what the socket gave with session_on_bytes(), and sends what
 *          session_output() shows, after every call into the session. Streams are handles, as in
 *          yamux.h: valid until session_stream_release(), also when the stream ended meanwhile.
 * Hooks    Run inside session_on_bytes(). They may call anything here but session_on_bytes(),
 *          session_output() and session_destroy().
 * Flow     session_stream_write() takes what fits; more fits after session_output_taken(). Input that
 *          is not taken stops the other side at one window.
 * Limits   Before the handshake is done: a few kilobytes. Then SESSION_OUTPUT_BYTES of sealed output (and
 *          what we owe as answers, yamux.h), one window of input and write_bytes_max a stream.
 * Time     None here. The owner limits how long the handshake takes and pings quiet sessions.
 * Owner    `identity` is borrowed until the session is destroyed, a protocol name that we open a stream
 *          with until the stream is released; the rest is copied, and wiped when used.
 * Errors   session_on_bytes() says it, and session_why() has one sentence for the log: ERR_CORRUPT not
 *          our protocol (which is how another secret looks, too), ERR_AUTH wrong or unproven identity,
 *          ERR_UNSUPPORTED nothing in common, ERR_CLOSED the other side said goodbye, ERR_BUSY it floods us,
 *          ERR_NOMEM. Then: send session_output() once more if the socket takes it, and destroy.
 * Source   libp2p connections, pnet, noise, yamux; vectors connection.json. */
#ifndef P2P_SESSION_H
#define P2P_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/identity.h"
#include "ids/peer_id.h"
#include "p2p/noise.h"
#include "p2p/pnet.h"
#include "util/buf.h"

enum { SESSION_OUTPUT_BYTES = 64 * 1024 }; /* sealed and not yet taken; no data is added above it */

struct session;
struct session_stream;

/* Drawn by the caller, of this one connection. */
struct session_random {
    uint8_t nonce[PNET_NONCE_BYTES];
    uint8_t static_private[NOISE_KEY_BYTES];
    uint8_t ephemeral_private[NOISE_KEY_BYTES];
};

struct session_options {
    bool is_dialer;
    const uint8_t *secret;           /* the cluster's 32 bytes; NULL: none, no pnet */
    const struct identity *identity; /* who we are */
    const struct peer_id *expected;  /* whom we dialled; NULL: whoever proves to be somebody */
    struct session_random random;
    size_t streams_max;     /* opened by the other side, alive at once */
    size_t write_bytes_max; /* written to one stream and not yet sealed; at least 32 KiB */
    bool lists_no_muxer;    /* in the handshake: /yamux is then selected inside the channel */
};

struct session_hooks {
    /* The handshake is done; from here on streams may be opened. */
    void (*on_established)(void *owner, const struct peer_id *remote);
    /* The other side opened a stream for this protocol. True takes the handle, and on_look follows at
     * once, where it may be written to; false: "na", and `t` is nobody's. */
    bool (*on_stream)(void *owner, struct session_stream *t, const char *protocol);
    /* Something happened to the stream: it was agreed to, input, its end, a reset. Look. */
    void (*on_look)(void *owner, struct session_stream *t);
    void (*on_pong)(void *owner, uint32_t value);
    void *owner;
};

int session_create(struct session **out, const struct session_options *options,
                   const struct session_hooks *hooks);
void session_destroy(struct session *s); /* all handles die; NULL is harmless */
int session_on_bytes(struct session *s, struct bytes in);
/* What to send next; valid until the next call. Empty: nothing, for now. */
struct bytes session_output(struct session *s);
void session_output_taken(struct session *s, size_t len);
int session_err(const struct session *s); /* OK while it lives */
const char *session_why(const struct session *s);
bool session_is_established(const struct session *s);
const struct peer_id *session_remote(const struct session *s); /* NULL until it is proven */
void session_ping(struct session *s, uint32_t value);          /* established only */
/* A goodbye in words: send the output, then close the socket. What streams had not sent is lost. */
void session_close(struct session *s);

/* Established only. ERR_BUSY, ERR_NOMEM. What is written before the other side agreed waits for that. */
int session_open(struct session *s, const char *protocol, void *owner, struct session_stream **out);
void session_stream_set_owner(struct session_stream *t, void *owner);
void *session_stream_owner(const struct session_stream *t);
bool session_stream_is_agreed(const struct session_stream *t);
/* OK; ERR_REFUSED the other side does not speak the protocol; ERR_CLOSED reset; ERR_CORRUPT. */
int session_stream_err(const struct session_stream *t);
size_t session_stream_room(const struct session_stream *t);
size_t session_stream_write(struct session_stream *t, const void *bytes, size_t len);
struct bytes session_stream_input(const struct session_stream *t);
void session_stream_taken(struct session_stream *t, size_t len);
bool session_stream_is_at_end(const struct session_stream *t);  /* no more input will come */
void session_stream_close(struct session_stream *t);            /* our half */
bool session_stream_has_closed(const struct session_stream *t); /* and that is in the output */
void session_stream_reset(struct session_stream *t);
/* Gives the handle back; a stream that we have not closed is reset. */
void session_stream_release(struct session_stream *t);

#endif
