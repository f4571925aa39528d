/* mem.h -- the only caller of malloc, so that a test can make the n-th allocation fail, for every n
 * (tests link with --wrap: tests/lib/test_memory.h).
 *
 * Errors   NULL (or ERR_NOMEM) when memory is out; a size of 0 is our bug, and asserts.
 * Owner    Whoever got the pointer gives it back to mem_free(); mem_free(NULL) is harmless. */
#ifndef UTIL_MEM_H
#define UTIL_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);               /* not cleared */
void *mem_zalloc(size_t size);              /* cleared */
void *mem_array(size_t count, size_t size); /* cleared; count * size is checked for overflow */
void *mem_realloc(void *old, size_t size);  /* NULL leaves `old` as it was */
char *mem_strdup(const char *text);         /* NULL when memory is out */
void mem_free(void *memory);
/* Overwrites secrets so that the compiler cannot leave it out. */
void mem_wipe(void *memory, size_t len);

#endif
