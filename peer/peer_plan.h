/* peer_plan.h -- what is wrong, and what a repair would do about it; for the API.
 *
 * Owner    A plan is closed with peer_plan_close(), before the peer goes. Rows lie in the caller's arena.
 * Errors   peer_plan_open: ERR_BUSY at a peer that does not hear all others; ERR_NOMEM. peer_plan_next: ERR_NOT_FOUND at
 *          the end; ERR_MORE: nothing yet, ask again; what a view says. */
#ifndef PEER_PEER_PLAN_H
#define PEER_PEER_PLAN_H

#include <stddef.h>

#include "http/api/api.h"
#include "util/arena.h"

int peer_alerts(void *impl, struct arena *arena, const struct api_alert **out, size_t *count);
int peer_plan_open(void *impl, struct api_plan **out);
int peer_plan_next(struct api_plan *plan, struct arena *arena, struct api_move *out);
void peer_plan_close(struct api_plan *plan);

#endif
