/* os_log.h -- log lines on stderr, laid out as the guide shows them:
 *
 *     18:21:50.343 ERROR   ipfshttp: not reachable: 127.0.0.1:5001 kubo.c:95
 *
 * Under systemd (JOURNAL_STREAM) each line begins with "<3>" and the like, so that the journal knows its level.
 * Local time; one write a line, so that lines of two threads do not mix. */
#ifndef OS_OS_LOG_H
#define OS_OS_LOG_H

#include "util/buf.h"
#include "util/log.h"

struct log os_log_stderr(enum log_level level);

/* One level for all, and others for some facilities: "info,raft:debug,store:error". */
enum { OS_LOG_FACILITIES_MAX = 16, OS_LOG_FACILITY_SIZE = 32 };
struct os_log_levels {
    enum log_level others;
    struct {
        char facility[OS_LOG_FACILITY_SIZE];
        enum log_level level;
    } some[OS_LOG_FACILITIES_MAX];
    size_t count;
};
/* Over what `levels` has already. ERR_INVALID, with a sentence: there is no such level; too many facilities. */
int os_log_levels_parse(struct os_log_levels *levels, const char *text, struct buf *why);
/* `levels` outlives the log. */
struct log os_log_stderr_by(struct os_log_levels *levels);

#endif
