/* The two functions that util/assert.h asks of each program, for ipfs-cluster-sim. */
#include "sim/fatal.h"

#include <stdio.h>
#include <stdlib.h>

#include "fault/memory.h"
#include "util/assert.h"

static _Noreturn void fatal_end(const char *text)
{
    (void)fault_memory_enter(NULL); /* whoever it was runs no more */
    jmp_buf *guard = fatal_guard_taken(text);
    if (guard != NULL)
        longjmp(*guard, 1);
    fprintf(stderr, "%s\n", text);
    if (fatal_where_text()[0] != '\0')
        fprintf(stderr, "  seen by: %s\n", fatal_where_text());
    abort();
}

void assert_failed(const char *file, int line, const char *condition)
{
    char text[512];
    snprintf(text, sizeof(text), "%s:%d: ASSERT(%s) does not hold", file, line, condition);
    fatal_end(text);
}

void fatal(const char *sentence)
{
    char text[512];
    snprintf(text, sizeof(text), "fatal: %s", sentence);
    fatal_end(text);
}
