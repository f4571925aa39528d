/* peer_resolve.h -- following a path to its CID: ops for struct api_ops. */
#ifndef PEER_PEER_RESOLVE_H
#define PEER_PEER_RESOLVE_H

#include "http/api/api.h"

int peer_resolve(void *impl, struct api_resolve *r);
void peer_resolve_forget(void *impl, struct api_resolve *r);

#endif
