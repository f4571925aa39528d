/* peer_survey.h -- one question to all members, their answers merged (DESIGN 18).
 *
 * Shape    STATUS: each member answers pages in CID order; the survey holds one page a member and gives out the
 *          smallest CID when nobody can still bring a smaller one. ID: one answer a member, by peer id.
 *          A member that is silent for calls_timeout_us, or refuses, becomes error rows; the rest goes on.
 * Memory   One page a member, however long the listing.
 * Owner    The survey belongs to its opener, until peer_survey_close().
 * Hooks    on_wake runs inside an event, when rows may have come after API_NEXT_WAIT. */
#ifndef PEER_PEER_SURVEY_H
#define PEER_PEER_SURVEY_H

#include "http/api/api.h"

struct peer;

/* Ops for struct api_ops. */
int peer_survey_ids(void *impl, const struct api_listing_hooks *hooks, struct api_listing **out);
int peer_survey_status(void *impl, const struct api_status_request *request,
                       const struct api_listing_hooks *hooks, struct api_listing **out);
enum api_next peer_survey_next_id(struct api_listing *l, struct arena *arena, struct api_id *out);
enum api_next peer_survey_next_status(struct api_listing *l, struct arena *arena,
                                      struct api_status *out);
void peer_survey_close(struct api_listing *l);
struct peer *peer_survey_peer(const struct api_listing *l);

#endif
