/* peer_doors.h -- what the REST API and the proxy share of the peer: reads of the state, writes to it, and the two
 * doors themselves. For peer_api.c and peer_proxy.c. */
#ifndef PEER_PEER_DOORS_H
#define PEER_PEER_DOORS_H

#include "http/api/api.h"
#include "http/proxy/proxy.h"

struct peer_doors {
    struct api *api;
    struct proxy *proxy;
};

/* ERR_NOT_FOUND: no such pin, or none behind `after` (undefined: the first). Of struct api_ops and proxy_ops. */
int peer_pin_get(void *impl, const struct cid *cid, struct arena *arena, struct pin *out);
int peer_pins_after(void *impl, const struct cid *after, struct arena *arena, struct pin *out,
                    size_t count_max, size_t *count);
/* At once an error, with words in `why`; else call->done runs later. */
int peer_write_pin(struct peer *p, struct api_call *call, struct buf *why);
/* Members, those whom user-allocations names? ERR_INVALID with words. */
int peer_check_named(const struct peer *p, const struct peer_id *ids, size_t count, struct buf *why);
/* What a pin would be refused for, whatever its CID, before it has one: factors, which are settled, and expiry. */
int peer_check_options(struct peer *p, struct pin *pin, struct buf *why);
int peer_write_unpin(struct peer *p, struct api_call *call, struct buf *why);
/* The client is gone: done will not run; what it asked for goes on. */
void peer_write_forget(struct peer *p, struct api_call *call);

/* POST /add (peer_upload.c): of struct api_ops. */
int peer_add_open(void *impl, struct api_add *add, struct buf *why);
size_t peer_add_write(void *impl, struct api_add *add, const void *bytes, size_t len);
void peer_add_end(void *impl, struct api_add *add);
void peer_add_resume(void *impl, struct api_add *add);
void peer_add_close(void *impl, struct api_add *add);

int peer_proxy_create(struct peer *p, struct proxy **out);
void peer_proxy_request(void *owner, struct http_exchange *x);

#endif
