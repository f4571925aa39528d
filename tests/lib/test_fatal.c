/* The two functions that util/assert.h asks of each program, for the test binaries. */
#include "tests/lib/test_fatal.h"

#include "util/assert.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t test_fatal_seed;

void assert_failed(const char *file, int line, const char *condition)
{
    if (test_fatal_seed != 0)
        fprintf(stderr, "seed %llu: ", (unsigned long long)test_fatal_seed);
    fprintf(stderr, "%s:%d: ASSERT(%s) does not hold\n", file, line, condition);
    abort();
}

void fatal(const char *sentence)
{
    fprintf(stderr, "fatal: %s\n", sentence);
    abort();
}
