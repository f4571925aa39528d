/* os_writer.h -- a long file that is written while the next piece of it is being made.
 *
 *      os_writer_put ---> the buffer that fills ---full---> the buffer that a thread writes
 *
 * Half the time of printing a million pins is the kernel's copying; with a thread for it the processor that makes the
 * text does not wait for that.
 *
 * Shape    Two buffers. Putting waits only when both are full.
 * Owner    The descriptor is the caller's, and nobody else writes to it until the end.
 * Errors   ERR_FULL, ERR_IO: the first one, with its errno, at the end; what is put after it is dropped. */
#ifndef OS_OS_WRITER_H
#define OS_OS_WRITER_H

#include <stddef.h>

struct os_writer;

int os_writer_begin(struct os_writer **out, int fd); /* ERR_NOMEM */
/* Anything but OK: there is no use in going on. */
int os_writer_put(struct os_writer *w, const void *data, size_t len);
/* Returns when all is written (not synced). The writer is gone then; `number` is the errno behind an error. */
int os_writer_end(struct os_writer *w, int *number);

#endif
