/* multiaddr.h -- where something listens: /ip4/127.0.0.1/tcp/9096/p2p/12D3KooW...
 *
 * Shape    bytes[0..len) is the binary form; text is printed from it ("/ipfs/" comes back as
 *          "/p2p/").
 * Errors   ERR_INVALID; ERR_TOO_BIG beyond LIMIT_MULTIADDR_BYTES.
 * Source   multiaddr table, go-multiaddr's choices where libraries differ; vectors multiaddrs.json. */
#ifndef IDS_MULTIADDR_H
#define IDS_MULTIADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/peer_id.h"
#include "util/buf.h"
#include "util/limits.h"

struct multiaddr {
    uint16_t len; /* 0: none */
    uint8_t bytes[LIMIT_MULTIADDR_BYTES];
};

enum multiaddr_host_kind {
    MULTIADDR_IP4,
    MULTIADDR_IP6,
    MULTIADDR_DNS,
    MULTIADDR_DNS4,
    MULTIADDR_DNS6
};

/* What a TCP socket needs of it. */
struct multiaddr_endpoint {
    enum multiaddr_host_kind kind;
    char host[256]; /* "127.0.0.1", "::1", "node-a.example" */
    uint16_t port;
};

int multiaddr_from_bytes(struct multiaddr *out, const void *bytes, size_t len);
int multiaddr_parse(struct multiaddr *out, const char *text);
int multiaddr_parse_len(struct multiaddr *out, const char *text, size_t len);
void multiaddr_print(const struct multiaddr *addr, struct buf *out); /* appends the text */
bool multiaddr_equal(const struct multiaddr *a, const struct multiaddr *b);
/* Host and TCP port of the first two parts; ERR_UNSUPPORTED for anything that is not host/tcp. */
int multiaddr_endpoint(const struct multiaddr *addr, struct multiaddr_endpoint *out);
/* The path of a /unix/... address; ERR_UNSUPPORTED for others. */
int multiaddr_unix_path(const struct multiaddr *addr, struct buf *out);
bool multiaddr_is_unix(const struct multiaddr *addr);
/* Is it to be spoken to over TLS: .../https, .../tls/http? */
bool multiaddr_has_tls(const struct multiaddr *addr);
/* The peer of the last /p2p/ part; ERR_NOT_FOUND without one. */
int multiaddr_peer(const struct multiaddr *addr, struct peer_id *out);
/* Takes a trailing /p2p/ID off, or puts one on (ERR_TOO_BIG). */
void multiaddr_strip_peer(struct multiaddr *addr);
int multiaddr_with_peer(struct multiaddr *addr, const struct peer_id *id);
/* Same address with another TCP port, or another IP: for port 0 and 0.0.0.0. */
int multiaddr_of_ip_port(struct multiaddr *out, const char *ip, uint16_t port);
/* 0.0.0.0 or :: in the host's place? */
bool multiaddr_is_unspecified(const struct multiaddr *addr);

#endif
