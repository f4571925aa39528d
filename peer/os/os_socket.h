/* os_socket.h -- listening sockets on multiaddrs, and the words for what can go wrong.
 *
 * Shape    /ip4, /ip6 and /dns* with /tcp, and /unix. Port 0 lets the system choose; the real
 *          address is reported. Sockets are non-blocking and closed on exec.
 * Errors   ERR_EXISTS the address is taken; ERR_AUTH not allowed; ERR_INVALID no address of this
 *          machine, or another file stands where the socket should; ERR_UNSUPPORTED another kind of
 *          multiaddr; ERR_IO. `why` (may be NULL) gets a sentence that names the address. */
#ifndef OS_OS_SOCKET_H
#define OS_OS_SOCKET_H

#include "ids/multiaddr.h"
#include "util/buf.h"

/* A dead program's /unix socket is replaced; one that answers is "taken"; no other file is touched. */
int os_socket_listen(const struct multiaddr *addr, int *out_fd, struct multiaddr *out_real,
                     struct buf *why);
/* A connected TCP socket answers at once and notices a dead other side. Harmless for others. */
void os_socket_tune(int fd);
/* As many sockets and files at once as the system lets this process have, not only as many as it has at first. */
void os_socket_allow_many(void);
/* close() sends a reset: the other side must see a failure. */
void os_socket_close_with_reset(int fd);

#endif
