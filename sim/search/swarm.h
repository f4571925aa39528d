/* swarm.h -- the scenario that a sweep plays when it is given none: a cluster under every mix of faults, then at
 * rest. `ipfs-cluster-sim run swarm --seed 7` plays one of them. */
#ifndef SIM_SEARCH_SWARM_H
#define SIM_SEARCH_SWARM_H

extern const char swarm_text[];

#endif
