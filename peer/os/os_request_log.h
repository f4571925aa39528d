/* os_request_log.h -- a file that requests are appended to, a line each.
 *
 * Shape    Lines gather until the loop's next turn, and leave in one write(): a thousand answers in a turn cost one
 *          call, not a thousand.
 * Files    Opened once, for appending (O_APPEND), made with mode 0600 when it is not there. So logrotate's copytruncate
 *          works, and two programs may share a file; a file that was moved away goes on being written to. A FIFO needs
 *          a reader at the start, and never blocks.
 * Errors   os_request_log_open: ERR_NOT_FOUND, ERR_AUTH, ERR_INVALID, ERR_IO, with a sentence in `why`. Later a file that
 *          cannot be written to (a full disk) costs lines, never requests: it is logged when that begins, and when it
 *          ends with how many lines are lost.
 * Owner    The loop and the log outlive it. */
#ifndef OS_OS_REQUEST_LOG_H
#define OS_OS_REQUEST_LOG_H

#include "os/os_loop.h"
#include "port/request_log.h"
#include "util/buf.h"
#include "util/log.h"

struct os_request_log;

int os_request_log_open(struct os_request_log **out, struct os_loop *loop, const char *path,
                        const struct log *log, struct buf *why);
void os_request_log_close(struct os_request_log *l); /* writes what waits; NULL is harmless */
/* Of NULL: a port without ops. */
struct request_log os_request_log_port(struct os_request_log *l);

#endif
