/* hosts.h -- what --host says: where the REST API of a peer may be reached, in the order to try.
 *
 * Shape    A comma list of multiaddrs (/ip4, /ip6, /dns*, each with /tcp, or /unix) and of V0's
 *          HOST:PORT, mixed as one likes. /https or /tls/http behind one says how it is spoken to.
 * Errors   ERR_INVALID with a sentence in `why`. */
#ifndef CTL_HOSTS_H
#define CTL_HOSTS_H

#include <stddef.h>

#include "ids/multiaddr.h"
#include "util/buf.h"

enum { HOSTS_MAX = 16, HOST_NAME_SIZE = 288 };

struct host {
    struct multiaddr addr;
    bool speaks_tls;
    char name[HOST_NAME_SIZE]; /* as a URL begins: "http://127.0.0.1:9094" */
};

struct hosts {
    struct host list[HOSTS_MAX];
    size_t count;
};

/* Whatever they say of it. */
void hosts_use_tls(struct hosts *hosts);
int hosts_parse(struct hosts *out, const char *text, struct buf *why);

#endif
