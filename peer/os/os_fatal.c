/* os_fatal.c -- how a real program ends when something that must hold does not (util/assert.h). */
#include "util/assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *file, int line, const char *condition)
{
    fprintf(
        stderr,
        "%s:%d: this must hold: %s\nThis is a defect of the program. Please report it with the log "
        "above; a restart goes on from what is on disk.\n",
        file, line, condition);
    abort();
}

void fatal(const char *sentence)
{
    fprintf(stderr, "fatal: %s\n", sentence);
    abort();
}
