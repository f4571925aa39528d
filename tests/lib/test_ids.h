/* test_ids.h -- names for tests: the n-th CID and the n-th peer, and numbers that look random.
 *
 * Order    test_cid(a) < test_cid(b) and test_peer(a) < test_peer(b) when a < b. */
#ifndef TESTS_LIB_TEST_IDS_H
#define TESTS_LIB_TEST_IDS_H

#include "ids/cid.h"
#include "ids/peer_id.h"

struct cid test_cid(uint32_t n);
struct peer_id test_peer(uint32_t n);
/* An identity CID, as long as Kubo takes one. */
struct cid test_long_cid(uint32_t n);

/* A small generator (splitmix64); the same seed gives the same numbers everywhere. */
struct test_random {
    uint64_t state;
};
uint64_t test_random_next(struct test_random *r);
uint64_t test_random_below(struct test_random *r, uint64_t n);

#endif
