/* peer_watch.h -- how far a pin has come, told every second to whoever waits for it: ops for struct proxy_ops.
 *
 * Shape    Each look asks all members for their status of that one CID (peer_survey.h).
 * Owner    A watch is the peer's from peer_watch_open() until peer_watch_close(), which may come from inside on_look. */
#ifndef PEER_PEER_WATCH_H
#define PEER_PEER_WATCH_H

#include "http/proxy/proxy.h"

int peer_watch_open(void *impl, struct proxy_watch *w);
void peer_watch_close(void *impl, struct proxy_watch *w);

#endif
