/* os_fetch.h -- a document from a URL, whole and blocking: for programs at their start.
 *
 * Errors   ERR_INVALID (not http or https), ERR_UNREACHABLE, ERR_TIMEOUT, ERR_NOT_FOUND (any status but 200),
 *          ERR_TOO_BIG, ERR_IO; `why` gets a sentence with the URL. */
#ifndef OS_OS_FETCH_H
#define OS_OS_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

/* Appends at most bytes_max bytes; follows redirects. Proxies of the environment (https_proxy) count. */
int os_fetch(const char *url, size_t bytes_max, uint64_t timeout_us, struct buf *out,
             struct buf *why);

#endif
