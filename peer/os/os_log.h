/* os_log.h -- log lines on stderr, laid out as the guide shows them:
 *
 *     18:21:50.343 ERROR   ipfshttp: not reachable: 127.0.0.1:5001 kubo.c:95
 *
 * Under systemd (JOURNAL_STREAM) each line begins with "<3>" and the like, so that the journal knows its level.
 * Local time; one write a line, so that lines of two threads do not mix. */
#ifndef OS_OS_LOG_H
#define OS_OS_LOG_H

#include "util/log.h"

struct log os_log_stderr(enum log_level level);

#endif
