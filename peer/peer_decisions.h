/* peer_decisions.h -- why these peers: the leader's newest decisions on a pin, asked for from any peer.
 *
 * Owner    The question is the asker's, until done ran or peer_decision_forget().
 * Errors   ERR_NO_LEADER; ERR_UNSUPPORTED when the leader is older; else what the leader says. */
#ifndef PEER_PEER_DECISIONS_H
#define PEER_PEER_DECISIONS_H

#include "http/api/api.h"

/* At once an error, or done ran already (this peer leads), or it runs later. */
int peer_decision_ask(void *impl, struct api_decision *q);
void peer_decision_forget(void *impl, struct api_decision *q);

#endif
