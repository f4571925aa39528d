#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/err.h"

enum { LOG_TEXT_SIZE = 1024 };

void log_write(const struct log *log, enum log_level level, const char *facility, const char *file,
               int line, const char *format, ...)
{
    if (!log_takes(log, level))
        return;
    char text[LOG_TEXT_SIZE]; /* a longer message is cut: lines are for people */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    const char *slash = strrchr(file, '/');
    struct log_line out = { level, facility, slash != NULL ? slash + 1 : file, line, text };
    log->on_line(log->impl, &out);
}

const char *log_level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "ERROR";
    case LOG_LEVEL_WARN:
        return "WARNING";
    case LOG_LEVEL_INFO:
        return "INFO";
    case LOG_LEVEL_DEBUG:
        return "DEBUG";
    }
    return "?";
}

int log_level_parse(enum log_level *out, const char *text)
{
    static const struct {
        const char *name;
        enum log_level level;
    } names[] = {
        { "error", LOG_LEVEL_ERROR },
        { "warn", LOG_LEVEL_WARN },
        { "warning", LOG_LEVEL_WARN },
        { "info", LOG_LEVEL_INFO },
        { "debug", LOG_LEVEL_DEBUG },
        /* Of 0.0.x and 1.x; none of our lines is of these. Who asks for notices wants no INFO, and nothing of ours is
         * graver than an ERROR. */
        { "critical", LOG_LEVEL_ERROR },
        { "notice", LOG_LEVEL_WARN },
        { "dpanic", LOG_LEVEL_ERROR },
        { "panic", LOG_LEVEL_ERROR },
        { "fatal", LOG_LEVEL_ERROR },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(text, names[i].name) == 0) {
            *out = names[i].level;
            return OK;
        }
    }
    return ERR_INVALID;
}
