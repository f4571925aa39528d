#include "os/os_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/err.h"

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

static enum log_level os_log_level_of(const struct os_log_levels *levels, const char *facility)
{
    for (size_t i = 0; i < levels->count; i++) {
        if (strcmp(levels->some[i].facility, facility) == 0)
            return levels->some[i].level;
    }
    return levels->others;
}

static void os_log_on_line(void *impl, const struct log_line *line)
{
    const struct os_log_levels *levels = impl;
    if (levels != NULL && line->level > os_log_level_of(levels, line->facility))
        return;
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

/* "LEVEL" or "FACILITY:LEVEL" */
static int os_log_levels_take(struct os_log_levels *levels, const char *word)
{
    const char *colon = strchr(word, ':');
    enum log_level level;
    if (log_level_parse(&level, colon != NULL ? colon + 1 : word) != OK)
        return ERR_INVALID;
    if (colon == NULL) {
        levels->others = level;
        return OK;
    }
    size_t len = (size_t)(colon - word);
    if (len >= OS_LOG_FACILITY_SIZE || levels->count == OS_LOG_FACILITIES_MAX)
        return ERR_TOO_BIG;
    memcpy(levels->some[levels->count].facility, word, len);
    levels->some[levels->count].facility[len] = '\0';
    levels->some[levels->count++].level = level;
    return OK;
}

int os_log_levels_parse(struct os_log_levels *levels, const char *text, struct buf *why)
{
    enum { WORD_SIZE = 64 };
    while (*text != '\0') {
        char word[WORD_SIZE];
        size_t len = strcspn(text, ",");
        size_t taken = len < WORD_SIZE ? len : WORD_SIZE - 1;
        memcpy(word, text, taken);
        word[taken] = '\0';
        int err = taken > 0 ? os_log_levels_take(levels, word) : OK;
        if (err == ERR_INVALID)
            buf_printf(why, "unknown log level '%s'; use error, warning, info or debug", word);
        else if (err != OK)
            buf_printf(why, "'%s' is one facility too many, or too long", word);
        if (err != OK)
            return ERR_INVALID;
        text += len + (text[len] == ',');
    }
    return OK;
}

struct log os_log_stderr_by(struct os_log_levels *levels)
{
    struct log log = { .on_line = os_log_on_line, .impl = levels, .level = levels->others };
    for (size_t i = 0; i < levels->count; i++) {
        if (levels->some[i].level > log.level)
            log.level = levels->some[i].level;
    }
    return log;
}
