/* peer_census.h -- a question to all members that each answers once, after asking its IPFS daemon: collect garbage;
 * whom are you connected to?
 *
 *      peer_census_open() --RPC--> member --peer_ask--> daemon
 *              next() <-------------- word <----------------
 *
 * Shape    Words come by peer id. This peer is a member like the others, save that its word needs no call.
 *          A member that is silent, or refuses, has a word with only an error in it.
 * Owner    The census belongs to its opener, until peer_census_close(). Words borrow from it.
 * Hooks    on_wake runs inside an event, when words may have come after API_NEXT_WAIT. */
#ifndef PEER_PEER_CENSUS_H
#define PEER_PEER_CENSUS_H

#include "http/api/api.h"

struct peer;

/* Ops for struct api_ops. */
int peer_census_open(void *impl, enum api_question question, bool is_local,
                     const struct api_listing_hooks *hooks, struct api_census **out);
enum api_next peer_census_next(struct api_census *c, struct arena *arena, struct api_word *out);
void peer_census_close(struct api_census *c);

/* This peer's word; `said` runs later, or at once when there is no daemon to ask. */
int peer_word_gather(struct peer *p, enum api_question question,
                     void (*said)(void *owner, struct bytes payload), void *owner);
void peer_word_forget(struct peer *p, const void *owner);
/* Another peer asks. */
struct rpc_asker;
void peer_on_census(struct peer *p, const struct rpc_asker *asker, enum api_question question);

#endif
