/* os_segments_int.h -- between os_segments.c (writing) and os_segments_read.c (opening, reading). */
#ifndef OS_OS_SEGMENTS_INT_H
#define OS_OS_SEGMENTS_INT_H

#include "os/os_segments.h"

enum { SEGMENT_PATH_SIZE = 4096, SEGMENT_BYTES = 8 * 1024 * 1024 };

void segment_path(const char *folder, uint64_t number, char out[SEGMENT_PATH_SIZE]);
void segment_unlink(struct os_segments *s, uint64_t number);
int segments_reserve(struct os_segments *s); /* room for one more in the list */

#endif
