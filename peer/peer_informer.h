/* peer_informer.h -- what this peer says about itself: that it lives, and how much its IPFS daemon holds.
 *
 * Shape    "ping" is valid while the peer runs; so are "pinqueue", how many pins wait for their first attempt, and
 *          "tag:NAME". What the daemon says ("reposize", "freespace", and with them "numpin", how many pins it is known to
 *          hold for this peer) is asked every half TTL and is invalid while it does not answer. A peer whose own disk is
 *          full has no "freespace" left, whatever its daemon says: nothing new is given to it. The daemon's id and addresses are asked along, for ping
 *          and GET /id.
 * Owner    The informer owns its calls. Destroy it when the port completes nothing into it any more. */
#ifndef PEER_PEER_INFORMER_H
#define PEER_PEER_INFORMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/metric.h"
#include "util/buf.h"

struct peer;
struct peer_informer;

int peer_informer_create(struct peer_informer **out, struct peer *peer);
void peer_informer_destroy(struct peer_informer *i);
void peer_informer_stop(struct peer_informer *i); /* cancels what is asked */
bool peer_informer_is_idle(const struct peer_informer *i);
void peer_informer_on_deadline(struct peer_informer *i);
uint64_t peer_informer_deadline_us(const struct peer_informer *i);
/* The newest of each, borrowed until the next call. */
size_t peer_informer_metrics(struct peer_informer *i, struct metric *out, size_t max);

/* The daemon as it last described itself; `error` is "" when it answered. */
struct peer_ipfs {
    const char *id;
    const char *const *addresses;
    size_t addresses_count;
    const char *error;
};
void peer_informer_ipfs(const struct peer_informer *i, struct peer_ipfs *out);

#endif
