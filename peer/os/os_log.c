#include "os/os_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { OS_LOG_LINE_SIZE = 2048 };

/* syslog's numbers. */
static int os_log_priority(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return 3;
    case LOG_LEVEL_WARN:
        return 4;
    case LOG_LEVEL_INFO:
        return 6;
    case LOG_LEVEL_DEBUG:
        return 7;
    }
    return 6;
}

static void os_log_on_line(void *impl, const struct log_line *line)
{
    (void)impl;
    struct timespec now;
    struct tm local;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    char text[OS_LOG_LINE_SIZE];
    char prefix[8] = "";
    if (getenv("JOURNAL_STREAM") != NULL)
        snprintf(prefix, sizeof(prefix), "<%d>", os_log_priority(line->level));
    int len =
        snprintf(text, sizeof(text), "%s%02d:%02d:%02d.%03ld %-7s %s: %s %s:%d\n", prefix,
                 local.tm_hour, local.tm_min, local.tm_sec, now.tv_nsec / 1000000,
                 log_level_name(line->level), line->facility, line->text, line->file, line->line);
    if (len >= (int)sizeof(text)) {
        len = sizeof(text) - 1;
        text[len - 1] = '\n';
    }
    ssize_t written = write(STDERR_FILENO, text, (size_t)len);
    (void)written; /* a log that cannot be written cannot be complained about either */
}

struct log os_log_stderr(enum log_level level)
{
    return (struct log){ .on_line = os_log_on_line, .level = level };
}
