/* The two functions that util/assert.h asks of each program, for the test binaries. */
#include "util/assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: ASSERT(%s) does not hold\n", file, line, condition);
    abort();
}

void fatal(const char *sentence)
{
    fprintf(stderr, "fatal: %s\n", sentence);
    abort();
}
