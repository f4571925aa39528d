/* log.h -- lines for people: time, level, facility, message with key=value, file.c:line.
 *
 * Shape    A struct log is handed down at init; a line leaves by its hook, so the core does no I/O
 *          and has no global. A NULL log or hook swallows everything.
 * Levels   ERROR: act now. WARN: odd, healed. INFO: changes of state, a few a minute. DEBUG: the
 *          rest.
 * Rule     A repeated refusal is logged when it begins and when it ends. No secrets. Log where you
 *          handle an error; where you return it, do not. */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_line {
    enum log_level level;
    const char *facility; /* "raft", "cluster", "ipfshttp", ... */
    const char *file;     /* without its folder */
    int line;
    const char *text;
};

struct log {
    void (*on_line)(void *impl,
                    const struct log_line *line); /* everything inside lives until it returns */
    void *impl;
    enum log_level level; /* lines above it are not even formatted */
};

static inline bool log_takes(const struct log *log, enum log_level level)
{
    return log != NULL && log->on_line != NULL && level <= log->level;
}
void log_write(const struct log *log, enum log_level level, const char *facility, const char *file,
               int line, const char *format, ...) __attribute__((format(printf, 6, 7)));
const char *log_level_name(enum log_level level); /* "INFO" */
/* OK and the level, for its name in any case, "warn", or a name that ipfs-cluster has beside ours; else ERR_INVALID. */
int log_level_parse(enum log_level *out, const char *text);

#define LOG_ERROR(log, facility, ...)                                                              \
    log_write(log, LOG_LEVEL_ERROR, facility, __FILE__, __LINE__, __VA_ARGS__)
#define LOG_WARN(log, facility, ...)                                                               \
    log_write(log, LOG_LEVEL_WARN, facility, __FILE__, __LINE__, __VA_ARGS__)
#define LOG_INFO(log, facility, ...)                                                               \
    log_write(log, LOG_LEVEL_INFO, facility, __FILE__, __LINE__, __VA_ARGS__)
/* What it says is not even computed when nobody listens: it may stand where much happens. */
#define LOG_DEBUG(log, facility, ...)                                                              \
    do {                                                                                           \
        if (log_takes(log, LOG_LEVEL_DEBUG))                                                       \
            log_write(log, LOG_LEVEL_DEBUG, facility, __FILE__, __LINE__, __VA_ARGS__);            \
    } while (0)

#endif
