/* peer_measures.h -- numbers of this peer: an op for struct api_ops. */
#ifndef PEER_PEER_MEASURES_H
#define PEER_PEER_MEASURES_H

#include "http/api/api.h"

int peer_measures(void *impl, struct arena *arena, const struct api_measure **out, size_t *count);

#endif
