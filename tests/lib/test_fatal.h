/* test_fatal.h -- where a random test is, for the moment when an ASSERT ends it. */
#ifndef TESTS_LIB_TEST_FATAL_H
#define TESTS_LIB_TEST_FATAL_H

#include <stdint.h>

extern uint64_t test_fatal_seed; /* 0: no seed */

#endif
