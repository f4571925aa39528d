/* os_transport_int.h -- the parts of os_transport, which know one another.
 *
 *     os_transport.c        the port's calls, listening, announcing
 *     os_transport_peer.c   struct os_peer: addresses, dialling, queues
 *     os_transport_link.c   struct os_link: one connection, its eight streams, its frames */
#ifndef OS_OS_TRANSPORT_INT_H
#define OS_OS_TRANSPORT_INT_H

#include "os/os_conn.h"
#include "os/os_resolver.h"
#include "os/os_transport.h"
#include "p2p/frame_reader.h"
#include "util/list.h"
#include "util/map.h"

enum { TRANSPORT_LISTENERS_MAX = 16 };

/* ---- frames that wait ---- */

struct os_frame {
    struct list_link link;
    uint64_t queued_us;
    size_t sent; /* bytes that the current link's stream has taken */
    size_t len;
    uint8_t bytes[]; /* with its head */
};

struct os_queue {
    struct list_link frames;
    size_t bytes;
};

/* ---- a connection ---- */

struct os_link {
    struct list_link link; /* in transport->links */
    struct os_transport *transport;
    struct os_conn *conn;
    struct os_peer *peer; /* who was dialled, or who has proven to be here; NULL: not known (yet) */
    bool is_inbound;
    bool is_up;      /* the handshake is done */
    bool is_retired; /* lost to another one: says nothing more, is read to its end */
    bool has_said_goodbye;
    bool is_closing;
    struct session_stream *out[STREAM_COUNT];
    struct session_stream *in[STREAM_COUNT];
    bool in_ended[STREAM_COUNT];
    struct frame_reader readers[STREAM_COUNT];
    struct os_timer retire;
};

/* ---- a peer ---- */

struct os_peer {
    struct list_link link; /* in transport->peers */
    struct os_transport *transport;
    struct peer_id id;
    struct multiaddr addresses[LIMIT_PEER_ADDRESSES_COUNT];
    size_t addresses_count;
    bool is_wanted;
    struct os_link *up; /* the connection in use */
    size_t links_count; /* all that point here, retired ones included */
    struct os_queue queues[STREAM_COUNT];

    /* Dialling: at most one of lookup, dial, and the timer (a pause) is under way. */
    struct os_lookup *lookup;
    struct os_link *dial;
    struct os_timer retry;
    size_t next_address;
    struct os_address found[OS_LOOKUP_ADDRESSES]; /* of the address before next_address */
    size_t found_count, next_found;
    uint64_t pause_us; /* the last one; 0: none since the last success */
    bool has_complained;
};

/* ---- all of it ---- */

struct os_listener {
    struct os_transport *transport;
    int fd;
    struct multiaddr real;
    struct os_watch watch;
};

struct os_transport {
    struct os_transport_options options;
    struct os_loop *loop;
    const struct log *log;
    struct os_rng rng;
    uint8_t secret[PNET_SECRET_BYTES];
    struct transport_hooks hooks;
    struct os_resolver *resolver;
    struct multiaddr announce[LIMIT_PEER_ADDRESSES_COUNT];
    struct os_listener listeners[TRANSPORT_LISTENERS_MAX];
    size_t listeners_count;
    struct os_timer accept_again; /* while the process has no file descriptors left */
    struct list_link peers;
    struct map peers_by_id;
    struct list_link links; /* in the order they were made */
    size_t links_count;
    struct os_timer refusals_end;
    size_t refusals_count; /* since the line that said they begin */
    bool is_refusing;
};

/* Logged when it begins, and once more when none has come for a while. */
void os_transport_refused(struct os_transport *t, const struct os_address *from, const char *why);

/* ERR_NOMEM, ERR_BUSY (the connections_max). The link owns what it makes; it ends by itself. */
int os_link_accept(struct os_transport *t, int fd, const struct os_address *from);
int os_link_dial(struct os_peer *p, const struct os_address *to);
void os_link_pump(struct os_link *l); /* there is something to send */
void os_link_close(struct os_link *l, int err, const char *why);
void os_link_destroy(struct os_link *l); /* at once, no hooks */

struct os_peer *os_peer_find(struct os_transport *t, const struct peer_id *id);
/* Finds or makes it. NULL: out of memory. */
struct os_peer *os_peer_get(struct os_transport *t, const struct peer_id *id);
void os_peer_destroy(struct os_peer *p);
/* Nothing is known of it, wanted or under way any more: then it goes. */
void os_peer_forget_if_idle(struct os_peer *p);
int os_peer_set_addresses(struct os_peer *p, const struct multiaddr *addrs, size_t count);
int os_peer_send(struct os_peer *p, enum stream stream, const void *bytes, size_t len);
/* Dial, if there is a reason to and nothing under way. */
void os_peer_consider(struct os_peer *p);
/* What the link tells: dialling came to nothing; a connection is in use; it is no more. */
void os_peer_on_dial_failed(struct os_peer *p, const char *why);
void os_peer_on_up(struct os_peer *p, struct os_link *l);
void os_peer_on_down(struct os_peer *p);
/* The other side really speaks our protocol: the pauses start anew. */
void os_peer_on_proven(struct os_peer *p);
/* The oldest frame that waits, or NULL; and it was taken whole. */
struct os_frame *os_peer_front(struct os_peer *p, enum stream stream);
void os_peer_pop(struct os_peer *p, enum stream stream);

#endif
