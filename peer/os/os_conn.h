/* os_conn.h -- a TCP socket with a session (p2p/session.h) on it: moves the bytes, keeps the time.
 *
 * Shape    Made for an accepted socket or for an address to dial. on_up when the handshake is done;
 *          on_closed once, as the last thing, whatever the reason. Streams are the session's own,
 *          through os_conn_session(). After writing to a stream from outside of a hook, call
 *          os_conn_kick(): output leaves in the next turn of the loop.
 * Hooks    Run on the loop, never from inside a call. on_pump: the socket took something, streams may
 *          have room again; write what waits.
 * Time     handshake_timeout_us for everything before on_up. Then a ping when nothing was heard for
 *          ping_us, and a dead link is closed when nothing was heard for silence_us.
 * Owner    os_conn_close() begins an end (on_closed follows in a later turn); os_conn_destroy() is the
 *          end at once, without hooks, from outside of hooks only. After on_closed the conn is gone.
 * Errors   create, dial: ERR_NOMEM, ERR_UNREACHABLE, ERR_IO. on_closed: the session's codes, or ERR_TIMEOUT,
 *          ERR_UNREACHABLE, ERR_IO, ERR_CLOSED; `why` is one sentence, or a part of one. */
#ifndef OS_OS_CONN_H
#define OS_OS_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "os/os_address.h"
#include "os/os_loop.h"
#include "os/os_rng.h"
#include "p2p/session.h"

struct os_conn;

struct os_conn_options {
    struct os_loop *loop;
    struct os_rng *rng;
    const struct identity *identity; /* borrowed as long as the connection lives */
    const uint8_t *secret;           /* 32 bytes or NULL */
    const struct peer_id *expected;  /* when dialling; NULL: anybody */
    size_t streams_max;
    size_t write_bytes_max;
    bool lists_no_muxer; /* as in session.h */
    uint64_t handshake_timeout_us;
    uint64_t ping_us;
    uint64_t silence_us;
};

struct os_conn_hooks {
    void (*on_up)(void *owner, const struct peer_id *remote);
    bool (*on_stream)(void *owner, struct session_stream *t, const char *protocol);
    void (*on_look)(void *owner, struct session_stream *t);
    void (*on_pump)(void *owner);
    void (*on_closed)(void *owner, int err, const char *why);
    void *owner;
};

/* Takes `fd` over, also when it fails. */
int os_conn_accept(struct os_conn **out, const struct os_conn_options *options,
                   const struct os_conn_hooks *hooks, int fd, const struct os_address *from);
int os_conn_dial(struct os_conn **out, const struct os_conn_options *options,
                 const struct os_conn_hooks *hooks, const struct os_address *to);
void os_conn_destroy(struct os_conn *c);
struct session *os_conn_session(struct os_conn *c);
const struct os_address *os_conn_address(const struct os_conn *c); /* the other side's */
void os_conn_kick(struct os_conn *c);
/* `why` is borrowed until on_closed, which hears it with `err`. An established session says goodbye. */
void os_conn_close(struct os_conn *c, int err, const char *why);

#endif
