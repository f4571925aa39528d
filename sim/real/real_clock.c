#include "sim/real/real_clock.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/err.h"

enum { CLOCK_PATH_SIZE = 600 };

/* The one for programs with threads. */
static bool clock_library(char path[CLOCK_PATH_SIZE])
{
    glob_t found = { 0 };
    bool is_there = glob("/usr/lib/*/faketime/libfaketimeMT.so.1", 0, NULL, &found) == 0;
    if (is_there)
        snprintf(path, CLOCK_PATH_SIZE, "%s", found.gl_pathv[0]);
    globfree(&found);
    return is_there;
}

bool real_clock_is_there(void)
{
    char path[CLOCK_PATH_SIZE];
    return clock_library(path);
}

void real_clock_load(const struct real_clock *c)
{
    char path[CLOCK_PATH_SIZE];
    if (!clock_library(path))
        return;
    setenv("LD_PRELOAD", path, 1);
    setenv("FAKETIME_TIMESTAMP_FILE", c->file, 1);
    setenv("FAKETIME_NO_CACHE", "1", 1); /* a jump is seen at once */
    setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1);
    setenv("FAKETIME_DISABLE_SHM", "1", 1); /* each process has a clock of its own */
}

int real_clock_write(const struct real_clock *c)
{
    char other[CLOCK_PATH_SIZE];
    snprintf(other, sizeof(other), "%s.new", c->file);
    FILE *file = fopen(other, "we");
    if (file == NULL)
        return ERR_IO;
    fprintf(file, "%+.6f x%.6f\n", (double)c->ahead_us / 1e6, 1 + (double)c->drift_ppm / 1e6);
    bool ok = fclose(file) == 0 && rename(other, c->file) == 0; /* nobody reads half of it */
    return ok ? OK : ERR_IO;
}
