/* proxy.h -- the IPFS proxy on 9095: an IPFS daemon, to look at, whose pins are the cluster's.
 *
 *      POST /api/v0/pin/add, pin/rm, pin/ls    answered here, from the shared state
 *      pin/update                              the same; the old pin goes, unless unpin=false
 *      POST /api/v0/add                        by the daemon, without its pin; then the roots are
 *                                              pinned in the cluster
 *      block/put, dag/put with pin=true        likewise
 *      repo/stat, repo/gc                      of all peers' daemons together
 *      everything else                         the daemon's, byte for byte, while it streams both ways
 *
 * Shape    What the proxy needs of the peer stands in struct proxy_ops. GET and PUT are as good as
 *          POST for what is answered here; OPTIONS and HEAD always go to the daemon.
 * Memory   Bounded for each request, however large what passes through: each side waits for the
 *          other.
 * Owner    A write (struct proxy_write) is the proxy's until done ran or forget() was called. The
 *          client, ops and texts outlive the proxy.
 * Stop     proxy_destroy() comes when no exchange of its is open any more and no call will complete
 *          into it: what is left is freed.
 * Errors   {"Message":..,"Code":0,"Type":"error"} with 500, as the daemon says them; 502 and 504 when
 *          there is no daemon to ask, 503 when too much is under way. An answer of the daemon that
 *          breaks off breaks off here.
 * Pages    A request of a web page (Origin, Referer) is answered here only if the daemon would answer that page. One of another
 *          site that does not say which is not even passed on (Sec-Fetch-Site).
 * Fields   Answers made here have those of the daemon's fields that the configuration names.
 * Source   ipfs-cluster 1.1.6 as SPEC 3 records it, with DESIGN 20's choices: /add by the local
 *          daemon, Kubo's words for what is not pinned. We differ where V1 would silently do something
 *          else than was asked: all arguments count, not only the first, those in the body too, and so do pin/add's
 *          `recursive=false` and `name`, and pin/ls's `type` and `names`. */
#ifndef HTTP_PROXY_PROXY_H
#define HTTP_PROXY_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/wire/exchange.h"
#include "ids/cid.h"
#include "port/http_client.h"
#include "state/pin_list.h"
#include "util/arena.h"
#include "util/buf.h"

struct proxy_write {
    /* In. */
    struct pin pin; /* pin: as asked for, factors 0 for the configured ones; unpin: its cid */
    const struct peer_id *priority; /* pin: who had best hold it */
    size_t priority_count;
    /* Out: err OK or a code; `why` lives until done returns. */
    void (*done)(struct proxy_write *write, int err, const char *why);
    void *owner;
    void *pending; /* the peer's, while it is under way */
};

/* How far a pin has come in the cluster. */
struct proxy_look {
    bool is_gone;  /* unpinned meanwhile */
    size_t pinned; /* by so many peers */
    size_t needed;
    uint64_t blocks; /* that the daemons which work on it have */
    uint64_t bytes;
};

struct proxy_watch {
    struct cid cid;
    void (*on_look)(struct proxy_watch *w, const struct proxy_look *look); /* may end it */
    void *owner;
    void *pending; /* the peer's */
};

/* Of all peers that tell it. */
struct proxy_repo {
    uint64_t size;
    uint64_t storage_max;
};

/* What a garbage collection removed, or (error not empty) why something stays; until the next gc_next(). */
struct proxy_collected {
    struct cid cid;
    struct bytes error;
};

struct proxy_gc_hooks {
    void (*on_wake)(void *owner); /* after ERR_MORE: ask again */
    void *owner;
};

struct proxy_ops {
    uint64_t (*now_us)(void *impl); /* of a clock that never goes back */
    /* At once an error, with words in `why`; else done runs later, once the write is committed and
     * applied here. Unpin: ERR_NOT_FOUND for what is not pinned. */
    int (*pin)(void *impl, struct proxy_write *write, struct buf *why);
    int (*unpin)(void *impl, struct proxy_write *write, struct buf *why);
    void (*forget)(void *impl, struct proxy_write *write); /* done will not run */
    /* The pin options of the query (SPEC 1.4), into write->pin and the arena. What the pin would be refused for, whatever its
     * CID, is refused here. Words in `why`. */
    int (*pin_options)(void *impl, const struct http_request *r, struct arena *arena,
                       struct proxy_write *write, struct buf *why);
    /* The shared state, locally. ERR_NOT_FOUND: no such pin, or no further one. What the pin points at lives in the
     * arena. */
    int (*pin_get)(void *impl, const struct cid *cid, struct arena *arena, struct pin *out);
    pin_list_read pins_after;
    /* Looks once a second, until watch_end(). */
    int (*watch)(void *impl, struct proxy_watch *w);
    void (*watch_end)(void *impl, struct proxy_watch *w);
    void (*repo_stat)(void *impl, struct proxy_repo *out);
    /* At all peers' daemons. Row after row: ERR_MORE: not yet; ERR_NOT_FOUND: that was all. */
    int (*gc_open)(void *impl, const struct proxy_gc_hooks *hooks, void **out);
    int (*gc_next)(void *collecting, struct proxy_collected *out);
    void (*gc_close)(void *collecting);
};

struct proxy_options {
    const char *version; /* for the Server field */
    size_t calls_max; /* requests with the daemon at one time; the client's other users need some */
    /* Fields of the daemon's answer to POST `path` that all answers made here have, too (extract.c). */
    struct {
        const char *path; /* NULL: none are taken */
        const char *const *names;
        size_t names_count;
        uint64_t ttl_us; /* they are asked for again; 0: never */
    } extract;
};

struct proxy;

int proxy_create(struct proxy **out, const struct proxy_ops *ops, void *impl,
                 struct http_client *client, const struct proxy_options *options);
void proxy_destroy(struct proxy *p);
/* The commands of /api/v0/ that are not simply passed on, for what has to look at all of them. */
size_t proxy_command_count(void);
const char *proxy_command_at(size_t index);
/* The http_conn hook; owner is the struct proxy. */
void proxy_on_request(void *owner, struct http_exchange *x);
/* The connection's put_fields, for the struct proxy. */
void proxy_put_fields(void *owner, const struct http_exchange *x, int status, struct buf *out);

#endif
