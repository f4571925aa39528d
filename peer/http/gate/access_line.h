/* access_line.h -- a request that is over, in the Common Log Format:
 *
 *     127.0.0.1 - ann [25/Nov/2026:12:36:43 +0000] "GET /pins?local=true HTTP/1.1" 200 312
 *
 * Shape    Who asked, as whom, when the request was over (UTC), what for, the status, the bytes of the answer's
 *          content. "-" stands for what is not known: no user, or bytes that were no request.
 * Status   499: the connection ended before there was an answer.
 * Safety   What a client made up stays inside its quotes: a quote, a backslash and all that does not print are
 *          written \xHH. A query is written as it came; no field of the request's head is.
 * Source   Apache's log_config module, "%h %l %u %t \"%r\" %>s %b", with 0 where it has - for no bytes; 499 is
 *          nginx's. */
#ifndef HTTP_GATE_ACCESS_LINE_H
#define HTTP_GATE_ACCESS_LINE_H

#include <stdint.h>

#include "http/wire/conn.h"
#include "util/buf.h"

/* Appends the line, without a newline. `now_us` is wall time. */
void access_line_put(struct buf *out, const struct http_record *record, int64_t now_us);

#endif
