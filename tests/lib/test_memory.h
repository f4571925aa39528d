/* test_memory.h -- makes the n-th allocation fail (peer/util/mem.h; the tests are linked with --wrap).
 *
 * Shape    Only allocations between test_memory_begin() and test_memory_end() are counted, so that a test's own do
 *          not fail: it brackets the calls that it is about. */
#ifndef TESTS_LIB_TEST_MEMORY_H
#define TESTS_LIB_TEST_MEMORY_H

#include <stdbool.h>

/* The n-th counted allocation from now on fails, that one only; 0: none. */
void test_memory_fail(unsigned long n);
void test_memory_begin(void);
void test_memory_end(void);
/* Did it come to that? */
bool test_memory_has_failed(void);

#endif
