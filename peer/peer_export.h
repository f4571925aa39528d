/* peer_export.h -- all pins as they stand at one moment, from a peer that goes on: the ops of api.h.
 *
 * Limits   PEER_EXPORTS_MAX at once, then ERR_BUSY; each has a spool file (as long as the pins), which goes when it
 *          is closed. What a crash leaves of it, the next export writes over.
 * Errors   open: ERR_BUSY, ERR_NOMEM, ERR_NO_LEADER (not a member yet). */
#ifndef PEER_PEER_EXPORT_H
#define PEER_PEER_EXPORT_H

#include "http/api/api.h"
#include "peer_int.h"

int peer_export_open(void *impl, const struct api_listing_hooks *hooks, struct api_export **out);
enum api_next peer_export_next(struct api_export *x, struct arena *arena, struct pin *out);
void peer_export_close(struct api_export *x);

#endif
